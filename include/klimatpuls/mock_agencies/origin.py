"""Tells whether the figures of an archive, and so the answers of a mock agency, are synthetic.

It does not import pandas, which takes seconds: a mock server must start at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.files.synthetic_mark import SYNTHETIC_MARK
from klimatpuls.mock_agencies.csv_files import read_rows

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
    """Path inside an archive → what its manifest says of that file; empty if there is no manifest.

    Args:
        folder: The archive.

    Raises:
        UsageError: if the manifest lacks the column ``path``.
    """
    return {row["path"]: row for row in read_rows(folder / MANIFEST, ["path"])}
