"""How agencies are asked: sessions, rate limits, PxWeb, and snapshots of the bytes that came."""
