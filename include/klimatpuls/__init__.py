"""Klimatpuls: from a national emission release to the network's mailbox."""

__version__ = "0.1.0"
