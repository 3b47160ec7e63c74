"""The command ``klimatpuls``: its words, and what it prints."""
