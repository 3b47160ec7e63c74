"""Tells whether the figures of an archive, and so the answers of a mock agency, are synthetic.

Imports no table reader: a mock agency that only answers need not wait for one.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from klimatpuls.errors import UsageError
from klimatpuls.files.synthetic_mark import SYNTHETIC_MARK

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST: Final = "manifest.csv"
SYNTHETIC_ANSWER: Final = f"{SYNTHETIC_MARK}: påhittade siffror / no real figure in this answer"
"""What an answer from a synthetic archive says of itself."""


def is_synthetic(folder: Path) -> bool:
    """Return whether the manifest of an archive marks every emission workbook in it as synthetic.

    Args:
        folder: The folder; its workbooks are not opened.
    """
    listed = read_manifest(folder)
    names = [f"smhi/{path.name}" for path in (folder / "smhi").glob("*.xlsx")]
    return bool(names) and all(listed.get(name, {}).get("origin") == "synthetic" for name in names)


def read_manifest(folder: Path) -> dict[str, dict[str, str]]:
    """Path inside an archive → what its manifest says of that file; empty where there is no manifest.

    Args:
        folder: The archive.

    Raises:
        UsageError: if the manifest lacks the column ``path``.
    """
    path = folder / MANIFEST
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if "path" not in (reader.fieldnames or ()):
            msg = f"{path}: expected a column 'path', found {reader.fieldnames}"
            raise UsageError(msg)
        return {row["path"]: row for row in reader}
