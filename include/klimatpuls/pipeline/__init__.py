"""The five hops, one use case each: snapshot, load, validate, publish, report.

DAG tasks and the command line call these functions and nothing below them. Each takes its connection, its
clock and its folders as parameters, is safe to run twice, and returns a small record of what it did.
"""
