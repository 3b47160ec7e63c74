"""Formulas of membership: criteria, measures, and how each member stands."""
