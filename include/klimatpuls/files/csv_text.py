"""Decodes text, and reads CSV with a limit on the length of a cell."""

from __future__ import annotations

import csv
import io
from typing import Final

MAX_CELL_CHARACTERS: Final = 131_072


def csv_rows(text: str, delimiter: str, *, strict: bool = False) -> list[list[str]]:
    """The rows of a CSV text, each a list of its cells as text.

    The limit of the ``csv`` module is a variable of the whole process, which any imported library may raise.
    So this function checks the length itself.

    Args:
        text: The decoded text.
        delimiter: The one character between two cells.
        strict: Whether an unclosed or misplaced quotation mark is an error.

    Raises:
        csv.Error: if the text is no CSV, or a cell is longer than :data:`MAX_CELL_CHARACTERS`.
    """
    rows = []
    for number, row in enumerate(
        csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict), 1
    ):
        longest = max(map(len, row), default=0)
        if longest > MAX_CELL_CHARACTERS:
            msg = f"row {number} has a cell of {longest} characters, more than {MAX_CELL_CHARACTERS}"
            raise csv.Error(msg)
        rows.append(row)
    return rows


def decode_text(body: bytes) -> str:
    """A text in UTF-8, in UTF-16 with its mark, or else as Windows writes it in Sweden."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")
