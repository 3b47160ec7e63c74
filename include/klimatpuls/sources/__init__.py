"""One folder per source: how to ask its publisher, and how to read the answer."""
