"""The network digest: read from the marts, put into words, drawn, rendered, and mailed through the outbox."""
