"""The register of members, probable members, applicants and observers (``include/registers/members.csv``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.registers.checking import check_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from klimatpuls.registers.rules import Record

COLUMNS: Final = (
    "region_code",
    "joined_on",
    "left_on",
    "confirmed",
    "is_applicant",
    "is_observer",
    "note_sv",
    "note_en",
)
_DATES: Final = ("joined_on", "left_on")
_FLAGS: Final = ("confirmed", "is_applicant", "is_observer")


def read_members(folder: Path = REGISTERS_FOLDER) -> pd.DataFrame:
    """The register of members.

    Args:
        folder: Folder that holds ``members.csv``.

    Returns:
        See :func:`to_frame`.

    Raises:
        RegisterError: with every mistake of the file.
    """
    return to_frame(check_folder(folder).of("members"))


def to_frame(records: Sequence[Record]) -> pd.DataFrame:
    """Members as the formulas take them.

    Args:
        records: Checked records of the register.

    Returns:
        One row per region_code, in code order, with the columns of ``register.member``: ``region_code``
        (text), ``joined_on`` and ``left_on`` (date or None where the day is not known), ``confirmed``,
        ``is_applicant``, ``is_observer`` (bool), ``note_sv``, ``note_en``.
    """
    rows = [
        [record.day(name) if name in _DATES else record.values.get(name) for name in COLUMNS]
        for record in sorted(records, key=lambda record: str(record.values["region_code"]))
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    return frame.astype({"region_code": "str", **dict.fromkeys(_FLAGS, bool)})
