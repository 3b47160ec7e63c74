"""Gates: what a release must fulfil, and the verdict on it.

``gates`` is pure (records, verdicts, wording), ``suites`` knows which rule belongs to which fact table,
``run`` evaluates them in the database through Great Expectations, ``docs`` writes the pages, ``record`` the
tables.
"""
