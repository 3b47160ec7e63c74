"""The steps of the pipeline: poll, snapshot, load, validate, publish, report.

Tasks of the DAGs and the command line call these functions and nothing below them. Each gets its connection,
clock and folders as arguments, is safe to run twice, and returns a small record of what it did.

If a docstring says nothing else, ``conn`` is a connection as ``wh_loader`` and the function commits what
it writes; ``source`` is the catalogue entry, ``run_id`` the source run, ``context`` gives day and folders.
"""
