"""One module per source: ``fetch`` asks the publisher, ``parse`` turns its bytes into tidy rows."""
