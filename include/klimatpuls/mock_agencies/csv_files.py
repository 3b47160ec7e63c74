"""Reads and writes the CSV files of an archive folder."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from klimatpuls.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def read_rows(path: Path, columns: Sequence[str] = ()) -> list[dict[str, str]]:
    """The rows of a CSV file of an archive, column → text; none if there is no such file.

    Args:
        path: The file, UTF-8.
        columns: Columns it must have.

    Raises:
        UsageError: if it lacks one of them.
    """
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        found = reader.fieldnames or ()
        if not set(columns) <= set(found):
            msg = f"{path}: expected the columns {', '.join(columns)}, found {', '.join(found)}"
            raise UsageError(msg)
        return list(reader)


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file: UTF-8, one line feed at the end of each line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
