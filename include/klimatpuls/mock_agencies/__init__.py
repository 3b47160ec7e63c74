"""Servers that answer as the agencies do, from a folder of files."""
