"""Imports rows that a member filled in into the reviewed files.

A member fills in the template workbook (one sheet per register) or a CSV with its columns. Each row is added
or replaces the row with the same id; no row is deleted. The files are written only if the rows, and the
registers with them, have no new mistake. They are then reviewed like any other change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from klimatpuls.domain.regions import plain_name
from klimatpuls.errors import UsageError
from klimatpuls.registers.checking import (
    REGISTERS,
    Draft,
    Register,
    draft_folder,
    draft_of_sheet,
    recheck,
    settle,
)
from klimatpuls.registers.reading import (
    Mistake,
    RegisterError,
    Sheet,
    UnreadableError,
    is_workbook,
    read_bytes,
    read_csv,
    read_workbook,
)
from klimatpuls.registers.sheets import GUIDE
from klimatpuls.registers.template import FILLED_IN
from klimatpuls.registers.words import NOTHING, shown, words
from klimatpuls.registers.writing import file_text, write_all

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from klimatpuls.registers.rules import Record

_RECOGNISED: Final = 0.5
"""Share of a register's columns that a table must have to be recognised as it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Result of an import for one register.

    Attributes:
        file: The reviewed file.
        added: Rows that are new.
        changed: Rows that replaced another.
        unchanged: Rows that the file held already.
    """

    file: str
    added: int
    changed: int
    unchanged: int

    def __str__(self) -> str:
        """One line for the person who imported."""
        return f"{self.file}: {self.added} added, {self.changed} changed, {self.unchanged} as they were"


def import_file(
    path: Path, folder: Path, *, register: str | None = None, today: dt.date | None = None
) -> tuple[Imported, ...]:
    """Import the rows of a file that a member filled in.

    Args:
        path: The template workbook, as any spreadsheet program saves it, or a CSV of one register.
        folder: Folder of the reviewed files.
        register: Name of the register a CSV is about; None: recognised by its name or its columns.
        today: The present day, for days that may not lie ahead.

    Returns:
        What was done, per register with rows.

    Raises:
        RegisterError: with every mistake; nothing is written then.
        UsageError: if the register of a CSV cannot be recognised, or none has the given name.
    """
    try:
        body = read_bytes(path)
        if is_workbook(body):
            tables = _sheets(read_workbook(body, path.name))
        else:
            sheet = read_csv(body, path.name)
            tables = [(_named(register) if register else _register_of(path.stem, sheet), sheet)]
    except UnreadableError as error:
        raise RegisterError([error.mistake]) from None
    filled = [
        (entry, draft_of_sheet(entry, sheet, today))
        for entry, sheet in tables
        if sheet.rows or sheet.mistakes
    ]
    return merge(filled, folder, today)


def merge(
    filled: Sequence[tuple[Register, Draft]], folder: Path, today: dt.date | None = None
) -> tuple[Imported, ...]:
    """Import records into the reviewed files, all or none.

    Args:
        filled: Registers, each with the records to import as far as they could be read.
        folder: Folder of the reviewed files.
        today: The present day.

    Raises:
        RegisterError: with every mistake; nothing is written then.
    """
    mistakes = [mistake for _, draft in filled for mistake in draft.mistakes]
    if mistakes:
        raise RegisterError(mistakes)
    before = draft_folder(folder, today)
    known = {str(mistake) for mistake in settle(before).mistakes}
    drafts, done = dict(before), []
    for register, draft in filled:
        held = drafts[register.name]
        if held.records is None or held.mistakes:
            raise RegisterError(held.mistakes)
        incoming = [replace(record, file=draft.file) for record in draft.records or ()]
        records, counts = _merged(register, held.records, incoming)
        drafts[register.name] = recheck(register, replace(held, records=records), today)
        done.append((register, held.records, records, counts))
    new = [mistake for mistake in settle(drafts).mistakes if str(mistake) not in known]
    if new:
        raise RegisterError(new)
    write_all(
        {
            folder / register.file: file_text(register, read_bytes(folder / register.file), old, records)
            for register, old, records, counts in done
            if counts.added or counts.changed
        }
    )
    return tuple(counts for *_, counts in done)


def _merged(
    register: Register, held: Sequence[Record], incoming: Sequence[Record]
) -> tuple[tuple[Record, ...], Imported]:
    records = {register.key_of(record.values): record for record in held}
    added = changed = unchanged = 0
    for record in incoming:
        key = register.key_of(record.values)
        old = records.get(key)
        added += old is None
        unchanged += old is not None and old.values == record.values
        changed += old is not None and old.values != record.values
        records[key] = record
    counts = Imported(file=register.file, added=added, changed=changed, unchanged=unchanged)
    return tuple(records.values()), counts


def _sheets(sheets: Sequence[Sheet]) -> list[tuple[Register, Sheet]]:
    """The sheets of a filled-in template with their registers."""
    names = _by_name()
    found, mistakes = [], []
    for sheet in sheets:
        register = names.get(plain_name(sheet.title))
        if register is not None:
            found.append((register, sheet))
        elif plain_name(sheet.title) != plain_name(GUIDE) and sheet.rows:
            mistakes.append(unknown_sheet(sheet, FILLED_IN))
    if mistakes:
        raise RegisterError(mistakes)
    return found


def unknown_sheet(sheet: Sheet, known: Sequence[Register]) -> Mistake:
    """The mistake of a sheet with rows that is none of the known registers."""
    return Mistake(
        file=sheet.name,
        place=NOTHING,
        column=None,
        problem=words("no register is called {name}", name=shown(sheet.title)),
        remedy=words("Name the sheet one of {titles}.", titles=", ".join(one.title for one in known)),
    )


def _register_of(name: str, sheet: Sheet) -> Register:
    """The register a CSV is about: by its name, else by the columns it has."""
    by_name = _by_name()
    if plain_name(name) in by_name:
        return by_name[plain_name(name)]
    header = {plain_name(text) for text in sheet.header}
    hits = sorted(
        (len(header & set(one.shape.headers)) / len(one.shape.columns), one.name) for one in FILLED_IN
    )
    (second, _), (best, found) = hits[-2:]
    if best == second or best < _RECOGNISED:
        names = ", ".join(one.name for one in FILLED_IN)
        why = words("{file}: cannot tell which register this is; say --register", file=sheet.name)
        msg = f"{why.sv}. {why.en} with one of {names}"
        raise UsageError(msg)
    return REGISTERS[found]


def _named(name: str) -> Register:
    """The register of a given name.

    Raises:
        UsageError: if there is none of that name.
    """
    try:
        return _by_name()[plain_name(name)]
    except KeyError:
        names = ", ".join(one.name for one in FILLED_IN)
        msg = f"no register is called {name!r}; a member fills in {names}"
        raise UsageError(msg) from None


def _by_name() -> dict[str, Register]:
    """Name or Swedish title as it is compared → register, of those a member fills in."""
    return {plain_name(word): register for register in FILLED_IN for word in (register.name, register.title)}
