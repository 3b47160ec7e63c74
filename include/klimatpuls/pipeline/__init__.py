"""The steps of the pipeline: poll, snapshot, load, validate, publish, report.

Tasks of the DAGs and the command line call these functions and nothing below them. Each takes its
connection, its clock and its folders as parameters, is safe to run twice, and returns a small record of what
it did.
"""
