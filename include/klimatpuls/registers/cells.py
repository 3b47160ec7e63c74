"""Types of spreadsheet cells, independent of the program that wrote them, and references to cells."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from klimatpuls.files.workbook_cells import column_index, column_letters

_REFERENCE: Final = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
MAX_ROW: Final = 2**20
MAX_COLUMN: Final = 2**14
"""Size of a sheet in the programs that write one."""


class Percent(float):
    """A number whose cell shows it as a percentage: 0.63 where the cell shows 63 %."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ErrorValue:
    """A cell that shows an error, such as ``#N/A``."""

    text: str


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell whose value a formula computes."""


Cell = str | float | int | bool | dt.date | ErrorValue | Formula | None
Grid = Mapping[int, Mapping[int, Cell]]
"""Row as the spreadsheet shows it (from 1) → column (from 0) → cell; cells without content are left out."""

ERROR_TEXTS: Final = frozenset(
    {
        "#n/a", "#ref!", "#value!", "#div/0!", "#name?", "#num!", "#null!", "#spill!", "#calc!", "#field!",
        "#getting_data", "#blocked!", "#connect!", "#busy!", "#unknown!", "#python!",
        "#saknas!", "#referens!", "#värdefel!", "#division/0!", "#namn?", "#ogiltigt!", "#skärning!",
        "#spill", "#fält!", "#okänt!",
    }
)  # fmt: skip
"""Errors as Excel and LibreOffice show them, English and Swedish, in small letters."""


def reference(row: int, column: int) -> str:
    """A cell as a spreadsheet names it: row 3, column 52 → BA3."""
    return f"{column_letters(column)}{row}"


def place_of(name: str) -> tuple[int, int] | None:
    """Row and column of a reference such as ``BA3``; None where it is none within a sheet."""
    found = _REFERENCE.fullmatch(name)
    if found is None:
        return None
    row, column = int(found[2]), column_index(found[1])
    return (row, column) if 1 <= row <= MAX_ROW and column < MAX_COLUMN else None


def day_or_moment(moment: dt.datetime) -> dt.date:
    """The day of a moment at midnight, which a program writes for a day; any other moment as it is."""
    return moment.date() if moment.time() == dt.time() else moment


def is_error(text: str) -> bool:
    """Whether a text is one that spreadsheets show in place of a value they could not compute."""
    plain = text.casefold()
    return plain in ERROR_TEXTS or (plain.startswith("err:") and plain[4:].isdigit())
