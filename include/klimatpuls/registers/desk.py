"""The secretariat's workbook: every register in one file, in Swedish, as it is in force.

A hidden sheet holds the hash of each row, so that an import (:mod:`klimatpuls.registers.desk_import`) can see
what was changed in the workbook, and what was changed in the files since.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.domain import regions, sectors
from klimatpuls.files.workbook_cells import column_letters
from klimatpuls.registers.checking import (
    CONTACTS,
    REGISTERS,
    Register,
    check_contacts,
    check_folder,
    row_sha256,
)
from klimatpuls.registers.member_codes import MEMBER, REGION_COLUMNS, region_column
from klimatpuls.registers.reading import RegisterError
from klimatpuls.registers.sheets import (
    LAST_ROW,
    Column,
    add_guide,
    add_hidden,
    add_register,
    columns_of,
    new_workbook,
    workbook_bytes,
)
from klimatpuls.registers.values import swedish_cell, swedish_text, value_of
from klimatpuls.translations import message, translate

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from klimatpuls.registers.rules import Record

DESK: Final[tuple[Register, ...]] = tuple(
    REGISTERS[name]
    for name in (
        "members", "targets", "climate_plans", "measures", "pledges", "evidence", "reporting_rounds",
        "answers", "enquiries", "own_series", "sector_lists", "municipality_groups",
    )
)  # fmt: skip
"""The registers that the secretariat keeps. The others hold numbers of decisions and defects of sources."""
BASELINE: Final = "_klimatpuls"
"""The hidden sheet with the hash of each exported row."""
_HEADER: Final = ("register", "key", "sha256")
LISTS: Final = "_lists"
"""The hidden sheet with the texts that cells offer."""
_INTRODUCTION: Final = (
    message("All registers of the network, as they are in force. Change, add and remove rows, save, import."),
    message(
        "Choose the member by its name. The code beside it is filled in on import: leave it empty in a new "
        "row."
    ),
    message(
        "Grey cells are protected: codes and ids of rows that exist. To remove a row, take the protection "
        "off (Review, Unprotect Sheet; there is no password) and delete the whole row."
    ),
    message(
        "The import shows every change before anything is written. It marks every mistake in a copy of this "
        "file."
    ),
)


def export(folder: Path, *, contacts: Path | None = None, today: dt.date | None = None) -> bytes:
    """The workbook of the registers in force.

    Args:
        folder: Folder of the reviewed files.
        contacts: The file of contacts; None leaves them out.
        today: The present day, for days that may not lie ahead.

    Returns:
        The bytes of an xlsx file; equal registers give equal bytes.

    Raises:
        RegisterError: with every mistake of these files: half a workbook would remove the rest on import.
    """
    checked = check_folder(folder, today)
    files = {register.file for register in DESK}
    if mistakes := [mistake for mistake in checked.mistakes if mistake.file in files]:
        raise RegisterError(mistakes)
    records = {register: checked.of(register.name) for register in DESK}
    if contacts is not None:
        records[CONTACTS] = check_contacts(contacts, checked, today)
    book = new_workbook()
    add_guide(book, list(records), (translate("sv", line) for line in _INTRODUCTION))
    lists = _lists()
    for register, held in records.items():
        columns = _columns(register, lists)
        rows = [
            [_cell(name, column.entry, record.values) for name, column in columns.items()] for record in held
        ]
        add_register(book, register.title, list(columns.values()), rows, is_protected=True)
    add_hidden(book, LISTS, list(lists.values()), state="hidden")
    add_hidden(book, BASELINE, list(zip(*_baseline_rows(records), strict=True)), state="veryHidden")
    return workbook_bytes(book)


def _lists() -> dict[str, list[str]]:
    """Name → the texts that cells of that kind offer."""
    places = sorted(
        (region for region in regions.regions().values() if region.level != "nation"),
        key=lambda region: (region.level == "county", region.sort_sv),
    )
    column = REGISTERS["measures"].shape.columns["sector_code"]
    return {
        "regions": [region.name for region in places],
        "sectors": [swedish_text(code, column) for code in sectors.sectors()],
    }


def _columns(register: Register, lists: Mapping[str, Sequence[str]]) -> dict[str, Column]:
    """The columns of a register's sheet; the empty name is that of the member's name beside its code."""

    def listed(name: str) -> str:
        letter = column_letters(list(lists).index(name))
        return f"={LISTS}!${letter}$1:${letter}${len(lists[name])}"

    columns = columns_of(register)
    code = region_column(register)
    found: dict[str, Column] = {}
    for name, column in columns.items():
        entry = column.entry
        if name == code:
            is_members = register.name == "members"
            if is_members:
                named = replace(columns["region_name"], choices=listed("regions"), is_key=True)
            else:
                named = Column(
                    title=translate("sv", MEMBER),
                    help=translate("sv", "The member, chosen by its name; its code follows on import."),
                    entry={"type": "string", "format": "name"},
                    is_required=True,
                    choices=_first_column_of("members"),
                    is_strict=False,
                    is_key=True,
                )
            found["region_name" if is_members else ""] = named
            text = translate("sv", "Filled in on import by the name; leave it empty in a new row.")
            column = replace(column, help=text, is_locked=True, is_required=False)
        elif name in found:
            continue
        elif entry.get("format") == "sector-code":
            column = replace(column, choices=listed("sectors"))
        elif name == "round_id" and register.name == "answers":
            column = replace(column, choices=_first_column_of("reporting_rounds"))
        elif name == "superseded_by":
            column = replace(column, choices=_first_column_of("targets"))
        found[name] = replace(column, is_key=column.is_key or name in register.key)
    return found


def _first_column_of(register: str) -> str:
    """Reference to the cells that name the rows of another sheet: their ids, or the members' names."""
    return f"='{REGISTERS[register].title}'!$A$2:$A${LAST_ROW}"


def _cell(name: str, entry: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    if name:
        return swedish_cell(values.get(name), entry)
    code = next((values[column] for column in REGION_COLUMNS if column in values), None)
    return None if code is None else regions.region(code).name


def _baseline_rows(records: Mapping[Register, Sequence[Record]]) -> Iterator[tuple[str, str, str]]:
    """A register without rows has one without a key: it was exported too."""
    yield _HEADER
    for register, held in records.items():
        yield register.name, "", ""
        for record in held:
            key = json.dumps(register.key_of(record.values), ensure_ascii=False)
            yield register.name, key, sha256_as_read(register, record.values)


def sha256_as_read(register: Register, values: Mapping[str, Any]) -> str:
    """Hash of a row as an import reads it from the workbook."""
    return row_sha256(as_read(register, values))


def as_read(register: Register, values: Mapping[str, Any]) -> dict[str, Any]:
    """A row as an import reads it from the workbook: some layouts of a value become one."""
    known = register.shape.columns
    read = {name: value_of(swedish_cell(value, known[name]), known[name]) for name, value in values.items()}
    return {name: value for name, value in read.items() if value is not None}
