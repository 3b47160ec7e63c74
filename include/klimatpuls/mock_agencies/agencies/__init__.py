"""One module per agency the mock server stands in for, named as the first part of its sources' paths."""
