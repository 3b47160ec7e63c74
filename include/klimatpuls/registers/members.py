"""The register of members, probable members and applicants (``include/registers/members.csv``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from klimatpuls import regions
from klimatpuls.registers.reading import REGISTERS_FOLDER, RegisterError, read_date, read_flag, read_rows

if TYPE_CHECKING:
    from pathlib import Path

FILE = "members.csv"
FILE_COLUMNS = (
    "region_code",
    "region_name",
    "joined_on",
    "left_on",
    "confirmed",
    "is_applicant",
    "note_sv",
    "note_en",
)
COLUMNS = tuple(column for column in FILE_COLUMNS if column != "region_name")


def read_members(folder: Path = REGISTERS_FOLDER) -> pd.DataFrame:
    """The register of members, checked row by row.

    Args:
        folder: Folder that holds ``members.csv``.

    Returns:
        One row per region_code, in code order, with the columns of ``register.member``: ``region_code``
        (text), ``joined_on`` and ``left_on`` (date or None where the day is not known), ``confirmed``,
        ``is_applicant`` (bool), ``note_sv``, ``note_en``.

    Raises:
        RegisterError: if a code is unknown, belongs to another name, is the nation's or occurs twice, a
            date or flag is malformed, somebody left before joining, a confirmed member is an applicant,
            or a note is missing.
    """
    rows = [_read_row(line, row) for line, row in read_rows(folder / FILE, FILE_COLUMNS)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    twice = frame.loc[frame["region_code"].duplicated(), "region_code"]
    if len(twice):
        raise RegisterError(FILE, "column region_code", "every code once", sorted(set(twice)))
    frame = frame.sort_values("region_code", ignore_index=True)
    return frame.astype({"region_code": "str", "confirmed": bool, "is_applicant": bool})


def _read_row(line: int, row: dict[str, str]) -> tuple[object, ...]:
    _check_region(line, row)
    joined, left = (
        read_date(FILE, f"line {line}, column {name}", row[name]) for name in ("joined_on", "left_on")
    )
    if joined and left and left < joined:
        raise RegisterError(FILE, f"line {line}, column left_on", f"a day not before {joined}", str(left))
    confirmed, is_applicant = (
        read_flag(FILE, f"line {line}, column {name}", row[name]) for name in ("confirmed", "is_applicant")
    )
    if confirmed and is_applicant:
        expected = "false for a confirmed member"
        raise RegisterError(FILE, f"line {line}, column is_applicant", expected, "true")
    for name in ("note_sv", "note_en"):
        if not row[name]:
            raise RegisterError(FILE, f"line {line}, column {name}", "what the row rests on", "")
    return row["region_code"], joined, left, confirmed, is_applicant, row["note_sv"], row["note_en"]


def _check_region(line: int, row: dict[str, str]) -> None:
    where = f"line {line}, column region_code"
    try:
        region = regions.region(row["region_code"])
    except regions.UnknownRegionError as error:
        expected = "the code of a municipality or county"
        raise RegisterError(FILE, where, expected, f"{row['region_code']} ({error})") from error
    if region.level == "nation":
        raise RegisterError(FILE, where, "the code of a municipality or county", row["region_code"])
    if region.name != row["region_name"]:
        where = f"line {line}, column region_name"
        raise RegisterError(FILE, where, f"{region.name}, the name of {region.code}", row["region_name"])
