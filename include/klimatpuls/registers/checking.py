"""Every register of a folder, read and held to its schema and its rules; all mistakes at once.

A file with a mistake is left out as a whole and harms no other: what refers to it is checked against the rows
that could be read.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from klimatpuls import regions
from klimatpuls.folders import REGISTERS_FOLDER
from klimatpuls.registers import rules
from klimatpuls.registers.reading import (
    Mistake,
    RegisterError,
    Sheet,
    UnreadableError,
    read_bytes,
    read_csv,
    read_mapping,
    read_workbook,
)
from klimatpuls.registers.rules import Book, Found, Record
from klimatpuls.registers.schemas import LIST_SIGN, Shape, shape, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from klimatpuls.registers.reading import Cell

WORKBOOK_SUFFIX: Final = ".xlsx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One register: its file, its schema, its rules.

    Attributes:
        name: Its name, which is that of its schema unless ``schema`` says another.
        file: Its file in the folder of registers.
        key: Columns that name a row uniquely.
        rule: What its schema cannot say.
        entries: In a YAML file, the setting that holds the list; None where the file is one record.
        schema: Name of its schema.
    """

    name: str
    file: str
    key: tuple[str, ...]
    rule: Callable[[Sequence[Record], Book], Iterator[Found]]
    entries: str | None = None
    schema: str = ""

    @property
    def shape(self) -> Shape:
        """Its schema."""
        return shape(self.schema or self.name)

    @property
    def is_spreadsheet(self) -> bool:
        """Whether its file is a table."""
        return self.file.endswith(".csv")


REGISTERS: Final[Mapping[str, Register]] = {
    register.name: register
    for register in (
        Register(name="members", file="members.csv", key=("region_code",), rule=rules.members),
        Register(
            name="targets", file="targets.yaml", key=("target_id",), rule=rules.own_targets, entries="targets"
        ),
        Register(
            name="national_lines",
            file="national_lines.yaml",
            key=("target_id",),
            rule=rules.national_lines,
            entries="targets",
            schema="targets",
        ),
        Register(name="rules", file="rules.yaml", key=(), rule=rules.rules),
        Register(
            name="known_defects", file="known_defects.csv", key=("defect_id",), rule=rules.known_defects
        ),
        Register(name="climate_plans", file="climate_plans.csv", key=("plan_id",), rule=rules.climate_plans),
        Register(name="measures", file="measures.csv", key=("measure_id",), rule=rules.measures),
        Register(name="pledges", file="pledges.csv", key=("pledge_id",), rule=rules.pledges),
        Register(name="evidence", file="evidence.csv", key=("evidence_id",), rule=rules.nothing_more),
        Register(
            name="enquiries",
            file="enquiries.csv",
            key=("region_code", "criterion", "asked_on"),
            rule=rules.enquiries,
        ),
        Register(
            name="reporting_rounds",
            file="reporting_rounds.csv",
            key=("round_id",),
            rule=rules.reporting_rounds,
        ),
        Register(name="answers", file="answers.csv", key=("region_code", "answered_on"), rule=rules.answers),
        Register(name="own_series", file="own_series.csv", key=("series_id", "year"), rule=rules.own_series),
        Register(name="sector_lists", file="sector_lists.csv", key=("list_id",), rule=rules.sector_lists),
        Register(
            name="criteria_rules",
            file="criteria_rules.csv",
            key=("rule_id", "valid_from"),
            rule=rules.criteria_rules,
        ),
        Register(
            name="municipality_groups",
            file="municipality_groups.csv",
            key=("region_code", "valid_from"),
            rule=rules.municipality_groups,
        ),
    )
}
"""Every register of the folder, in the order a check tells them."""
CONTACTS: Final = Register(
    name="contacts", file="contacts.csv", key=("region_code", "kind"), rule=rules.contacts
)
"""Personal data: its file lies outside the project, and no list of registers holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a folder of registers says.

    Attributes:
        records: Register → its records in the order of the file, for every register without a mistake.
        mistakes: All mistakes, file by file.
    """

    records: Mapping[str, tuple[Record, ...]]
    mistakes: tuple[Mistake, ...]

    def of(self, name: str) -> tuple[Record, ...]:
        """The records of a register.

        Raises:
            RegisterError: with the mistakes of its file, where it has some.
        """
        if name not in self.records:
            file = REGISTERS[name].file
            raise RegisterError([mistake for mistake in self.mistakes if mistake.file == file])
        return self.records[name]


def check_folder(folder: Path = REGISTERS_FOLDER, today: dt.date | None = None) -> Checked:
    """Read every register of a folder and hold it to its schema and its rules.

    Args:
        folder: Folder of the files.
        today: The present day, for days that may not lie ahead; None asks nothing of them.

    Returns:
        The records of the files without a mistake, and every mistake of the others.
    """
    return settle(draft_folder(folder, today))


def draft_folder(folder: Path, today: dt.date | None = None) -> dict[str, Draft]:
    """Every file of a folder as far as it could be read, not yet held to the others."""
    return {name: _draft(register, folder / register.file, today) for name, register in REGISTERS.items()}


def check_contacts(path: Path, book: Checked, today: dt.date | None = None) -> tuple[Record, ...]:
    """The contacts of a file outside the project.

    Args:
        path: CSV or xlsx.
        book: The registers they must fit.
        today: The present day.

    Raises:
        RegisterError: with every mistake; no message repeats a role or an address.
    """
    draft = _draft(CONTACTS, path, today)
    mistakes = [*draft.mistakes]
    if draft.records is not None:
        known = Book(dict(book.records))
        mistakes += [_mistake(draft.file, CONTACTS, found) for found in rules.contacts(draft.sound, known)]
    if mistakes:
        raise RegisterError(mistakes)
    return tuple(draft.sound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A file as far as it could be read.

    Attributes:
        file: Its name in messages.
        records: Everything that could be read; None for a file that is no table at all.
        sound: The records that their schema has nothing against.
        mistakes: What was found so far.
    """

    file: str
    records: tuple[Record, ...] | None
    sound: tuple[Record, ...]
    mistakes: tuple[Mistake, ...]


def settle(drafts: Mapping[str, Draft]) -> Checked:
    """Hold the files to their rules and to each other."""
    book = Book({name: draft.records for name, draft in drafts.items() if draft.records is not None})
    records: dict[str, tuple[Record, ...]] = {}
    mistakes: list[Mistake] = []
    for name, draft in drafts.items():
        register = REGISTERS[name]
        found = [*draft.mistakes]
        found += [_mistake(draft.file, register, broken) for broken in register.rule(draft.sound, book)]
        if not found:
            records[name] = draft.sound
        mistakes += found
    return Checked(records=records, mistakes=tuple(mistakes))


def _draft(register: Register, path: Path, today: dt.date | None) -> Draft:
    try:
        body = read_bytes(path)
        if not register.is_spreadsheet:
            return draft_of_mapping(register, read_mapping(body, path.name), path.name, today)
        if path.suffix.casefold() == WORKBOOK_SUFFIX:
            sheet = read_workbook(body, path.name)[0]
        else:
            sheet = read_csv(body, path.name)
    except UnreadableError as error:
        return Draft(file=path.name, records=None, sound=(), mistakes=(error.mistake,))
    return draft_of_sheet(register, sheet, today)


def rejudge(register: Register, draft: Draft, today: dt.date | None) -> Draft:
    """A draft whose records are others than those it was read with, held to the schema again."""
    return _judge(register, draft.file, draft.records or (), (), today)


def draft_of_mapping(
    register: Register, document: Mapping[str, Any], file: str, today: dt.date | None
) -> Draft:
    """The records of a YAML register: the list it holds, or the file as one record."""
    if register.entries is None:
        return _judge(register, file, [Record(place="", values=_json(document))], [], today)
    entries = document.get(register.entries)
    if not isinstance(entries, list) or len(document) != 1:
        problem = f"expected the one setting {register.entries} with a list"
        mistake = Mistake(
            file=file,
            place="",
            column=register.entries,
            problem=problem,
            remedy="Write [] while there is none.",
        )
        return Draft(file=file, records=None, sound=(), mistakes=(mistake,))
    records, mistakes = [], []
    for number, entry in enumerate(entries, start=1):
        if isinstance(entry, dict):
            name = entry.get(register.key[0])
            place = f"entry {number} ({name})" if name else f"entry {number}"
            records.append(Record(place=place, values=_json(entry)))
        else:
            problem = f"expected settings with names, found {entry!r}"
            mistakes.append(
                Mistake(
                    file=file,
                    place=f"entry {number}",
                    column=None,
                    problem=problem,
                    remedy="See the shape in include/registers/README.md.",
                )
            )
    return _judge(register, file, records, mistakes, today)


def _json(value: Any) -> Any:
    """What YAML read as JSON knows it: days as ISO text, settings without a value left out."""
    if isinstance(value, dict):
        return {str(name): _json(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_json(inner) for inner in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def draft_of_sheet(register: Register, sheet: Sheet, today: dt.date | None = None) -> Draft:
    """The records of a table, its columns found by their names or Swedish titles."""
    headers = register.shape.headers
    columns = [headers.get(regions.plain_name(text)) for text in sheet.header]
    labels = {
        text: register.shape.label(name) for text, name in zip(sheet.header, columns, strict=True) if name
    }
    mistakes = [
        replace(formula, column=labels.get(str(formula.column), formula.column)) for formula in sheet.mistakes
    ]
    mistakes += _header_mistakes(register, sheet, columns)
    if any(mistake.place == "row 1" for mistake in mistakes):
        return Draft(file=sheet.name, records=None, sound=(), mistakes=tuple(mistakes))
    records = []
    for number, cells in sheet.rows:
        place = f"row {number}"
        spare = [cell for cell in cells[len(columns) :] if cell not in (None, "")]
        if spare or (len(cells) < len(columns) and not sheet.name.endswith("]")):
            problem = f"the row has {len(cells)} cells, the header {len(columns)}"
            remedy = (
                "Put a text that holds the separator into quotation marks; keep a separator per empty cell."
            )
            mistakes.append(
                Mistake(file=sheet.name, place=place, column=None, problem=problem, remedy=remedy)
            )
            continue
        values = _values(register.shape, columns, cells)
        records.append(Record(place=place, values=values))
    return _judge(register, sheet.name, records, mistakes, today)


def _values(of: Shape, columns: Sequence[str | None], cells: Sequence[Cell]) -> dict[str, Any]:
    pairs = (
        (column, value_of(cell, of.columns[column]))
        for column, cell in zip(columns, cells, strict=False)
        if column
    )
    return {column: value for column, value in pairs if value is not None}


def _header_mistakes(register: Register, sheet: Sheet, columns: Sequence[str | None]) -> Iterator[Mistake]:
    known = register.shape.columns

    def mistake(column: str, problem: str, remedy: str) -> Mistake:
        return Mistake(file=sheet.name, place="row 1", column=column, problem=problem, remedy=remedy)

    for text, column in zip(sheet.header, columns, strict=True):
        if column is None:
            labels = ", ".join(register.shape.label(name) for name in known)
            yield mistake(text or "(empty)", "the register has no such column", f"Known are {labels}.")
    for column in dict.fromkeys(name for name in columns if name and columns.count(name) > 1):
        yield mistake(register.shape.label(column), "the column stands there twice", "Keep one of the two.")
    for column in known:
        if column not in columns:
            remedy = "Put the column back, with empty cells where nothing is known."
            yield mistake(register.shape.label(column), "the column is missing", remedy)


def _judge(
    register: Register,
    file: str,
    records: Sequence[Record],
    mistakes: Sequence[Mistake],
    today: dt.date | None,
) -> Draft:
    """Hold each record to the schema, and the records to each other's keys."""
    found: list[Mistake] = [*mistakes]
    # A cell that is empty only because a formula was taken out of it is told once.
    formulas = {(mistake.place, mistake.column) for mistake in mistakes}
    sound: list[Record] = []
    for record in records:
        faults = [
            Found(record, fault.column, fault.problem, fault.remedy)
            for fault in register.shape.faults(record.values)
        ]
        told = [_mistake(file, register, fault) for fault in faults]
        told = [mistake for mistake in told if (mistake.place, mistake.column) not in formulas]
        if not faults:
            ahead = list(_days_ahead(register, record, today))
            told += [_mistake(file, register, fault) for fault in ahead]
            if not ahead:
                sound.append(record)
        found += told
    found += [_mistake(file, register, twice) for twice in rules.repeated(records, register.key)]
    return Draft(file=file, records=tuple(records), sound=tuple(sound), mistakes=tuple(found))


def _days_ahead(register: Register, record: Record, today: dt.date | None) -> Iterator[Found]:
    for column, entry in register.shape.columns.items():
        day = record.values.get(column)
        if today is not None and entry.get("x-not-future") and day is not None and day > today.isoformat():
            yield Found(
                record, column, f"{day} has not come yet (today is {today})", "Write the day it happened."
            )


def _mistake(file: str, register: Register, found: Found) -> Mistake:
    column = register.shape.label(found.column) if found.column else None
    return Mistake(
        file=found.record.file or file,
        place=found.record.place,
        column=column,
        problem=found.problem,
        remedy=found.remedy,
    )


def row_sha256(values: Mapping[str, Any]) -> str:
    """Hash of what a record says, whatever the order of its columns."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def register_sha256(records: Sequence[Record]) -> str:
    """Hash of what a register says, whatever the order of its rows."""
    rows = sorted(row_sha256(record.values) for record in records)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def cell_text(value: Any) -> str:
    """A value as a CSV register writes it; the reverse of :func:`klimatpuls.registers.schemas.value_of`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict):
        return LIST_SIGN.join(f"{year}:{cell_text(number)}" for year, number in value.items())
    if isinstance(value, list):
        return LIST_SIGN.join(cell_text(inner) for inner in value)
    return str(value)
