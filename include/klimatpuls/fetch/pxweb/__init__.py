"""A client for PxWebApi 2, and how its tables are found, checked and read."""
