"""Reads every register of a folder and checks it against its schema and its rules; reports all mistakes.

A file with a mistake is left out as a whole and does not affect the others: references to it are checked
against the rows that could be read.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.domain import regions
from klimatpuls.files.workbook_cells import column_letters
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.registers import rules
from klimatpuls.registers.cells import reference
from klimatpuls.registers.reading import (
    SHAPE_IN_README,
    Mistake,
    RegisterError,
    Sheet,
    UnreadableError,
    cell_problem,
    read_bytes,
    read_mapping,
    read_table,
    row_place,
    text_problem,
)
from klimatpuls.registers.rules import Book, Found, Record
from klimatpuls.registers.schemas import MAX_NUMBER, Fault, Shape, shape
from klimatpuls.registers.values import Question, clean, value_of, word_of
from klimatpuls.registers.words import NOTHING, Words, joined, same, shown, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from klimatpuls.registers.cells import Cell


MAX_MISTAKES: Final = 2000
"""Mistakes of a file after which its other rows are not checked: the file is left out anyway."""


@dataclass(frozen=True, slots=True)
class Register:
    """One register: its file, its schema, its rules.

    Attributes:
        name: Its name, and that of its file.
        key: Columns that name a row uniquely.
        rule: Checks what its schema cannot express.
        entries: In a YAML file, the setting that holds the list; None where the file is one record.
        schema: Name of its schema; empty where it is the register's own.
        is_yaml: Whether its file is YAML; else it is a CSV table.
    """

    name: str
    key: tuple[str, ...]
    rule: Callable[[Sequence[Record], Book], Iterator[Found]]
    entries: str | None = None
    schema: str = ""
    is_yaml: bool = False

    @property
    def shape(self) -> Shape:
        """Its schema."""
        return shape(self.schema or self.name)

    def key_of(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """What names a row of these values uniquely."""
        return tuple(str(values.get(column, "")) for column in self.key)

    @property
    def title(self) -> str:
        """Its Swedish name, which its sheet in a workbook has."""
        return str(self.shape.document["title"])

    @property
    def is_spreadsheet(self) -> bool:
        """Whether its file is a table."""
        return not (self.is_yaml or self.entries)

    @property
    def file(self) -> str:
        """Its file in the folder of registers."""
        return f"{self.name}.csv" if self.is_spreadsheet else f"{self.name}.yaml"


REGISTERS: Final[Mapping[str, Register]] = {
    register.name: register
    for register in (
        Register("members", ("region_code",), rules.members),
        Register("targets", ("target_id",), rules.own_targets, entries="targets"),
        Register("national_lines", ("target_id",), rules.national_lines, entries="targets", schema="targets"),
        Register("rules", (), rules.rules, is_yaml=True),
        Register("known_defects", ("defect_id",), rules.known_defects),
        Register("climate_plans", ("plan_id",), rules.climate_plans),
        Register("measures", ("measure_id",), rules.measures),
        Register("pledges", ("pledge_id",), rules.pledges),
        Register("evidence", ("evidence_id",), rules.nothing_more),
        Register("enquiries", ("region_code", "criterion", "asked_on"), rules.enquiries),
        Register("reporting_rounds", ("round_id",), rules.reporting_rounds),
        Register("answers", ("region_code", "answered_on"), rules.answers),
        Register("own_series", ("series_id", "year"), rules.own_series),
        Register("sector_lists", ("list_id",), rules.sector_lists),
        Register("criteria_rules", ("rule_id", "valid_from"), rules.criteria_rules),
        Register("municipality_groups", ("region_code", "valid_from"), rules.municipality_groups),
        Register("official_figures", ("submission_last_year", "year", "sector_code"), rules.official_figures),
        Register("ets_plants", ("installation_id", "valid_from"), rules.ets_plants),
        Register("ets_statements", ("region_code",), rules.nothing_more),
        Register("trading_references", ("region_code", "year", "part"), rules.nothing_more),
    )
}
"""Every register of the folder, in the order in which mistakes are listed."""
CONTACTS: Final = Register("contacts", ("region_code", "kind"), rules.contacts)
"""Personal data: the file lies outside the project and is not one of ``REGISTERS``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The registers of a folder, checked.

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
    """Every register of a folder, checked against its schema and its rules.

    Args:
        folder: Folder of the files.
        today: The present day, for days that may not lie ahead; None skips that check.

    Returns:
        The records of the files without a mistake, and every mistake of the others.
    """
    return settle(draft_folder(folder, today))


def draft_folder(folder: Path, today: dt.date | None = None) -> dict[str, Draft]:
    """Every file of a folder as far as it could be read, not yet checked against the others."""
    return {name: _draft(register, folder / register.file, today) for name, register in REGISTERS.items()}


def check_contacts(path: Path, book: Checked, today: dt.date | None = None) -> tuple[Record, ...]:
    """The contacts of a file outside the project.

    Args:
        path: CSV or workbook.
        book: The registers they must fit.
        today: The present day.

    Raises:
        RegisterError: with every mistake; no message repeats a role or an address.
    """
    draft = draft_contacts(path, today)
    if mistakes := contact_mistakes(draft, book.records):
        raise RegisterError(mistakes)
    return tuple(draft.sound)


def draft_contacts(path: Path, today: dt.date | None = None) -> Draft:
    """The file of contacts as far as it could be read, not yet checked against the members."""
    return _draft(CONTACTS, path, today)


def contact_mistakes(draft: Draft, records: Mapping[str, Sequence[Record]]) -> list[Mistake]:
    """The mistakes of contacts, also against the registers: register → its records."""
    broken = () if draft.records is None else rules.contacts(draft.sound, Book(records))
    return [*draft.mistakes, *(_mistake(draft.file, CONTACTS, found) for found in broken)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The content of a file that could be read.

    Attributes:
        file: Its name in messages.
        records: Everything that could be read; None where the file is not a table.
        sound: The records that fit their schema.
        mistakes: What was found so far.
    """

    file: str
    records: tuple[Record, ...] | None
    sound: tuple[Record, ...]
    mistakes: tuple[Mistake, ...]


def settle(drafts: Mapping[str, Draft]) -> Checked:
    """Check the files against their rules and against each other."""
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
        sheet = read_table(body, path.name)
    except UnreadableError as error:
        return Draft(file=path.name, records=None, sound=(), mistakes=(error.mistake,))
    return draft_of_sheet(register, sheet, today)


def recheck(register: Register, draft: Draft, today: dt.date | None) -> Draft:
    """A draft whose records were replaced, checked against the schema again."""
    return _check_records(register, draft.file, draft.records or (), (), today)


def draft_of_mapping(
    register: Register, document: Mapping[str, Any], file: str, today: dt.date | None
) -> Draft:
    """The records of a YAML register: the list it holds, or the file as one record."""
    if register.entries is None:
        return _check_records(register, file, [Record(place=NOTHING, values=_json(document))], [], today)
    entries = document.get(register.entries)
    if not isinstance(entries, list) or len(document) != 1:
        entry = register.entries
        mistake = Mistake(
            file=file,
            place=NOTHING,
            column=same(entry),
            problem=words("expected the one setting {entry} with a list", entry=entry),
            remedy=words("Write [] while there is none."),
        )
        return Draft(file=file, records=None, sound=(), mistakes=(mistake,))
    records, mistakes = [], []
    for number, entry in enumerate(entries, start=1):
        if isinstance(entry, dict):
            name = entry.get(register.key[0])
            named = f" ({name})" if name else ""
            place = words("entry {number}{named}", number=number, named=named)
            values = _json(entry)
            columns = register.shape.columns
            values = {column: word_of(value, columns.get(column, {})) for column, value in values.items()}
            records.append(Record(place=place, values=values))
        else:
            found = shown(entry)
            mistakes.append(
                Mistake(
                    file=file,
                    place=words("entry {number}", number=number),
                    column=None,
                    problem=words("expected settings with names, found {found}", found=found),
                    remedy=SHAPE_IN_README,
                )
            )
    return _check_records(register, file, records, mistakes, today)


def _json(value: Any) -> Any:
    """A YAML value as JSON: days as ISO text, settings without a value left out."""
    if isinstance(value, dict):
        return {str(name): _json(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_json(inner) for inner in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def draft_of_sheet(register: Register, sheet: Sheet, today: dt.date | None = None) -> Draft:
    """The records of a table, its columns found by their names or Swedish titles."""
    columns = _columns(register, sheet)
    known = register.shape.columns
    mistakes = [_labelled(mistake, register.shape, columns) for mistake in sheet.mistakes]
    mistakes += _header_mistakes(register, sheet, columns)
    if any(mistake.place == row_place(1) for mistake in mistakes):
        return Draft(file=sheet.name, records=None, sound=(), mistakes=tuple(mistakes))
    records = []
    for number, cells in sheet.rows:
        spare = next((index for index in cells if index >= len(columns) or columns[index] is None), None)
        if spare is not None:
            # The cells before it may be shifted, so messages about them could be wrong.
            mistakes.append(_spare(sheet, number, spare, cells[spare]))
            continue
        named = {index: str(columns[index]) for index in cells}
        read = {index: value_of(cell, known[named[index]]) for index, cell in cells.items()}
        mistakes += [
            _unclear_cell(sheet.name, reference(number, index), number, value, register.shape, named[index])
            for index, value in read.items()
            if isinstance(value, Question)
        ]
        values = {
            named[index]: value
            for index, value in read.items()
            if value is not None and not isinstance(value, Question)
        }
        places = {column: reference(number, index) for index, column in enumerate(columns) if column}
        records.append(Record(place=row_place(number), values=values, cells=places))
    return _check_records(register, sheet.name, records, mistakes, today)


def _columns(register: Register, sheet: Sheet) -> list[str | None]:
    """For each column of a table the register's column; None where the header names none."""
    headers = register.shape.headers
    return [headers.get(regions.plain_name(text)) for text in sheet.header]


def _labelled(mistake: Mistake, of: Shape, columns: Sequence[str | None]) -> Mistake:
    """A mistake of a cell, its column named as in the register."""
    if mistake.column is None:
        return mistake
    column = of.headers.get(regions.plain_name(mistake.column.en))
    return replace(mistake, column=of.label(column)) if column in columns and column else mistake


def _spare(sheet: Sheet, row: int, index: int, cell: Cell) -> Mistake:
    found = shown(cell)
    return Mistake(
        file=sheet.name,
        place=row_place(row),
        column=None,
        cell=reference(row, index),
        problem=words("{found} stands in a column without a header", found=found),
        remedy=words("Empty the cell; a text that holds the separator is put into quotation marks."),
    )


def _unclear_cell(file: str, cell: str, row: int, question: Question, of: Shape, column: str) -> Mistake:
    problem = question.problem
    if of.columns[column].get("x-private"):
        problem = words("the cell cannot be read")
    return Mistake(
        file=file,
        place=row_place(row),
        column=of.label(column),
        cell=cell,
        problem=problem,
        remedy=question.remedy,
    )


def _header_mistakes(register: Register, sheet: Sheet, columns: Sequence[str | None]) -> Iterator[Mistake]:
    known = register.shape.columns

    def mistake(column: Words, problem: Words, remedy: Words, cell: str = "") -> Mistake:
        return Mistake(
            file=sheet.name, place=row_place(1), column=column, problem=problem, remedy=remedy, cell=cell
        )

    labels = [register.shape.label(name) for name in known]
    names = joined(", ", labels)
    for index, (text, column) in enumerate(zip(sheet.header, columns, strict=True)):
        if column is None and text:
            yield mistake(
                shown(text, quoted=False),
                words("the register has no such column"),
                words("Known are {names}.", names=names),
                f"{column_letters(index)}1",
            )
    counts = Counter(name for name in columns if name)
    for column in (name for name in counts if counts[name] > 1):
        yield mistake(
            register.shape.label(column),
            words("the column stands there twice"),
            words("Keep one of the two."),
        )
    for column in known:
        if column not in counts:
            yield mistake(
                register.shape.label(column),
                words("the column is missing"),
                words("Put the column back, with empty cells where nothing is known."),
            )


def _check_records(
    register: Register,
    file: str,
    records: Sequence[Record],
    mistakes: Sequence[Mistake],
    today: dt.date | None,
) -> Draft:
    """Check each record against the schema, and that no key stands twice."""
    found: list[Mistake] = [*mistakes]
    # A cell that is empty only because its content was a mistake already is reported once.
    emptied = {(mistake.place, mistake.column) for mistake in mistakes}
    sound: list[Record] = []
    for record in records:
        if len(found) > MAX_MISTAKES:
            break
        faults = [
            Found(record, *fault)
            for fault in (*register.shape.faults(record.values), *_unstorable(record.values))
        ]
        found += [
            mistake
            for fault in faults
            if ((mistake := _mistake(file, register, fault)).place, mistake.column) not in emptied
        ]
        if not faults:
            ahead = list(_days_ahead(register, record, today))
            found += [_mistake(file, register, fault) for fault in ahead]
            if not ahead:
                sound.append(record)
    found += [_mistake(file, register, twice) for twice in rules.repeated(records, register.key)]
    return Draft(file=file, records=tuple(records), sound=tuple(sound), mistakes=tuple(found))


def _days_ahead(register: Register, record: Record, today: dt.date | None) -> Iterator[Found]:
    for column, entry in register.shape.columns.items():
        day = record.values.get(column)
        if today is not None and entry.get("x-not-future") and day is not None and day > today.isoformat():
            problem = words("{day} has not come yet (today is {today})", day=day, today=today)
            yield Found(record, column, problem, words("Write the day it happened."))


def _unstorable(values: Mapping[str, Any]) -> Iterator[Fault]:
    """Values that fit the schema, but that no table or formula can hold, or that a spreadsheet would run."""
    for column, value in values.items():
        for inner in _leaves(value):
            if isinstance(inner, str) and (found := text_problem(inner) or cell_problem(clean(inner))):
                yield Fault(column, *found)
            elif isinstance(inner, float | int) and not abs(inner) <= MAX_NUMBER:
                number = _in_short(inner)
                problem = words("the number is too large ({number})", number=number)
                yield Fault(column, problem, words("Write a number in the column's unit."))


def _in_short(number: float) -> str:
    try:
        return f"{float(number):g}"
    except OverflowError:
        return "∞"


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def _mistake(file: str, register: Register, found: Found) -> Mistake:
    column = register.shape.label(found.column) if found.column else None
    return Mistake(
        file=found.record.file or file,
        place=found.record.place,
        column=column,
        problem=register.shape.named(found.problem),
        remedy=register.shape.named(found.remedy),
        cell=found.record.cells.get(found.column or "", ""),
    )


def row_sha256(values: Mapping[str, Any]) -> str:
    """Hash of a record, independent of the order of its columns."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def register_sha256(records: Sequence[Record]) -> str:
    """Hash of a register, independent of the order of its rows."""
    rows = sorted(row_sha256(record.values) for record in records)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
