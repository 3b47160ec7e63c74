"""Gates on loaded rows: what is measured, what a release is judged by, and what is said about it.

``gates`` is pure (records, verdicts, wording), ``suites`` knows which rule belongs to which fact table,
``run`` asks the database through Great Expectations, ``docs`` writes the pages, ``record`` the tables.
"""
