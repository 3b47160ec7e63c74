"""One folder per source: how to call its publisher, and how to read the answer."""
