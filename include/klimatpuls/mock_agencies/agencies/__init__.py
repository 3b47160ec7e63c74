"""One module per agency the replica stands in for, named as the first part of its sources' paths."""
