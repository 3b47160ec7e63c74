"""What an operator does by hand: trace, export, retention, contacts, checks of the live sources."""
