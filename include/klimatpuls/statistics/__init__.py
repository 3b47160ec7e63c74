"""Formulas of emissions: series, trends, targets, revisions, results."""
