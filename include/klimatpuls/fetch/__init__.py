"""How agencies are called: sessions, rate limits, PxWeb, and snapshots of the answers."""
