"""Reads the reference tables of this package."""

from __future__ import annotations

import csv
from importlib import resources


def read_reference(name: str) -> list[dict[str, str]]:
    """The rows of ``reference/<name>.csv``, column → text."""
    file = resources.files("klimatpuls.domain").joinpath(f"reference/{name}.csv")
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
