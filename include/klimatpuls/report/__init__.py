"""The digest: what it says, how it looks, and the outbox that sends it."""
