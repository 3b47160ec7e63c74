"""The digest: its content, its layout, and the outbox that sends it."""
