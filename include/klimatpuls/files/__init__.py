"""Reading bytes from outside safely: archives, workbooks, CSV, YAML, in a child process."""
