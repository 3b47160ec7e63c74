"""Brings the secretariat's workbook back into the reviewed files: first shown, then all or nothing.

Rows changed on one side only, in the workbook or in the files since the export, are taken from there. A row
changed on both sides is a mistake, and nothing is imported. A row that the workbook no longer has is removed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from klimatpuls.domain import regions
from klimatpuls.domain.regions import plain_name
from klimatpuls.errors import UsageError
from klimatpuls.registers.checking import (
    CONTACTS,
    Draft,
    Register,
    contact_mistakes,
    draft_contacts,
    draft_folder,
    draft_of_sheet,
    recheck,
    row_sha256,
    settle,
)
from klimatpuls.registers.desk import BASELINE, DESK, LISTS, as_read, sha256_as_read
from klimatpuls.registers.importing import unknown_sheet
from klimatpuls.registers.member_codes import REGION_COLUMNS, with_codes
from klimatpuls.registers.reading import (
    Mistake,
    RegisterError,
    Sheet,
    UnreadableError,
    is_workbook,
    read_bytes,
    read_workbook,
    row_place,
)
from klimatpuls.registers.sheets import GUIDE
from klimatpuls.registers.values import swedish_text
from klimatpuls.registers.words import NOTHING, Words, shown, words
from klimatpuls.registers.writing import file_text, write_all
from klimatpuls.translations import translate

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from klimatpuls.registers.rules import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an import would do to one row.

    Attributes:
        register: The register.
        row: Row of its sheet; None for a row that the workbook no longer has.
        old: The row in the file; None for a new one.
        new: The row in the workbook; None for a removed one.
    """

    register: Register
    row: Words | None
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None

    @property
    def kind(self) -> Literal["added", "changed", "removed"]:
        """What happens to the row."""
        return "added" if self.old is None else "removed" if self.new is None else "changed"

    def __str__(self) -> str:
        """The change in Swedish, on one line."""
        values = self.new if self.new is not None else self.old or {}
        where = [*([self.row.sv] if self.row else []), *_names(self.register, values)]
        match self.kind:
            case "removed":
                what = translate("sv", "the row is removed")
            case "added":
                what = translate("sv", "new row: {columns}", columns="; ".join(self._columns()))
            case _:
                what = "; ".join(self._columns())
        return f"{', '.join(where)}: {what}"

    def _columns(self) -> Iterator[str]:
        old, new = self.old, self.new or {}
        for name, entry in self.register.shape.columns.items():
            if old is not None and old.get(name) == new.get(name):
                continue
            if old is None and (name not in new or name in self.register.key or name in REGION_COLUMNS):
                continue
            title = str(entry["title"])
            title = title[:1].casefold() + title[1:]
            if entry.get("x-private"):
                yield translate("sv", "{title} is new", title=title)
            elif old is None:
                yield f"{title} {_text(new.get(name), entry)}"
            else:
                yield f"{title} {_text(old.get(name), entry)} → {_text(new.get(name), entry)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an import would do; nothing is written yet.

    Attributes:
        changes: Every change, register by register.
        notes: What the person should know besides.
        texts: File → its new text, for every file that would change.
    """

    changes: tuple[Change, ...]
    notes: tuple[Words, ...]
    texts: Mapping[Path, str]

    def lines(self) -> Iterator[str]:
        """The changes and notes in Swedish, sheet by sheet."""
        by_register: defaultdict[str, list[Change]] = defaultdict(list)
        for change in self.changes:
            by_register[change.register.title].append(change)
        for title, changes in by_register.items():
            yield f"{title}:"
            yield from (f"  {change}" for change in changes)
        yield from (note.sv for note in self.notes)
        kinds = [change.kind for change in self.changes]
        yield (
            translate(
                "sv",
                "{added} new rows, {changed} changed, {removed} removed.",
                added=kinds.count("added"),
                changed=kinds.count("changed"),
                removed=kinds.count("removed"),
            )
            if kinds
            else translate("sv", "Nothing is changed.")
        )

    def outcome(self, *, is_written: bool) -> str:
        """What became of the changes, in Swedish."""
        if is_written:
            return translate("sv", "Written: {files}.", files=", ".join(path.name for path in self.texts))
        return translate("sv", "Nothing is written yet. To write the changes, import again with --apply.")

    def apply(self) -> None:
        """Write the files, all or none."""
        write_all(self.texts)


def plan_import(
    path: Path, folder: Path, *, contacts: Path | None = None, today: dt.date | None = None
) -> Plan | None:
    """What importing a workbook of the secretariat would change.

    Args:
        path: The workbook, as any spreadsheet program saves it.
        folder: Folder of the reviewed files.
        contacts: The file of contacts.
        today: The present day.

    Returns:
        The plan; None where the file is no workbook that :func:`klimatpuls.registers.desk.export` wrote.

    Raises:
        RegisterError: with every mistake, rows that were changed on both sides among them.
        UsageError: if the workbook holds contacts and no file of contacts is named, or it would change a file
            of contacts that is a workbook itself.
    """
    try:
        body = read_bytes(path)
        sheets = read_workbook(body, path.name) if is_workbook(body) else ()
    except UnreadableError as error:
        raise RegisterError([error.mistake]) from None
    by_title = {plain_name(sheet.title): sheet for sheet in sheets}
    hidden = by_title.pop(BASELINE, None)
    if hidden is None:
        return None
    return _Import(_baseline(hidden), by_title, folder, contacts, today).plan()


def _baseline(sheet: Sheet) -> dict[str, dict[tuple[str, ...], str]]:
    """Register → key → hash of the exported row.

    Raises:
        RegisterError: if somebody changed the hidden sheet so that it cannot be read.
    """
    found: dict[str, dict[tuple[str, ...], str]] = {}
    for number, cells in sheet.rows:
        rows = found.setdefault(str(cells.get(0)), {})
        if 1 not in cells:
            continue
        try:
            rows[tuple(json.loads(str(cells[1])))] = str(cells.get(2))
        except (ValueError, TypeError):
            problem = words("the hidden sheet of the export cannot be read")
            remedy = words("Export again, and make the change in the new workbook.")
            mistake = Mistake(
                file=sheet.name, place=row_place(number), column=None, problem=problem, remedy=remedy
            )
            raise RegisterError([mistake]) from None
    return found


class _Import:
    """One import: the sheets, held against what was exported and against the files as they are."""

    def __init__(
        self,
        base: Mapping[str, Mapping[tuple[str, ...], str]],
        sheets: Mapping[str, Sheet],
        folder: Path,
        contacts: Path | None,
        today: dt.date | None,
    ) -> None:
        self._base, self._sheets, self._folder, self._today = base, sheets, folder, today
        self._paths = {register.name: folder / register.file for register in DESK}
        self._registers = [register for register in (*DESK, CONTACTS) if register.name in base]
        if CONTACTS in self._registers:
            if contacts is None:
                msg = translate(
                    "sv", "The workbook holds contacts: name their file in the setting KLIMATPULS_CONTACTS."
                )
                raise UsageError(msg)
            self._paths[CONTACTS.name] = contacts
        self._notes: list[Words] = []
        self._changes: list[Change] = []
        self._conflicts: list[Mistake] = []

    def plan(self) -> Plan:
        filled = self._read()
        before = draft_folder(self._folder, self._today)
        known = {str(mistake) for mistake in settle(before).mistakes}
        if CONTACTS.name in filled:
            before[CONTACTS.name] = draft_contacts(self._paths[CONTACTS.name], self._today)
        after = dict(before)
        for register in self._registers:
            if register.name in filled:
                held = before[register.name]
                if held.records is None or held.mistakes:
                    raise RegisterError(held.mistakes)
                records = self._merged(register, held.records, filled[register.name])
                after[register.name] = recheck(register, replace(held, records=records), self._today)
        if self._conflicts:
            raise RegisterError(self._conflicts)
        of_contacts = after.pop(CONTACTS.name, None)
        mistakes = [mistake for mistake in settle(after).mistakes if str(mistake) not in known]
        if of_contacts is not None:
            mistakes += contact_mistakes(
                of_contacts,
                {name: draft.records for name, draft in after.items() if draft.records is not None},
            )
            after[CONTACTS.name] = of_contacts
        if mistakes:
            raise RegisterError(mistakes)
        changed = {change.register.name: change.register for change in self._changes}
        if CONTACTS.name in changed and is_workbook(read_bytes(self._paths[CONTACTS.name])):
            file = self._paths[CONTACTS.name].name
            msg = translate(
                "sv", "The file of contacts is a workbook ({file}): make the change there.", file=file
            )
            raise UsageError(msg)
        texts = {
            self._paths[name]: file_text(
                register,
                read_bytes(self._paths[name]),
                before[name].records or (),
                after[name].records or (),
            )
            for name, register in changed.items()
        }
        return Plan(changes=tuple(self._changes), notes=tuple(self._notes), texts=texts)

    def _read(self) -> dict[str, Draft]:
        """The sheets as drafts, by register.

        Raises:
            RegisterError: with every mistake of every sheet.
        """
        filled: dict[str, Draft] = {}
        titles = {plain_name(register.title): register for register in self._registers}
        ignored = {plain_name(name) for name in (GUIDE, LISTS, translate("sv", "Mistakes"))}
        mistakes: list[Mistake] = []
        for title, register in titles.items():
            if title not in self._sheets:
                self._notes.append(
                    words("The sheet {title} is missing; its register stays as it is.", title=register.title)
                )
                continue
            sheet, notes = with_codes(register, self._sheets[title])
            self._notes += notes
            draft = draft_of_sheet(register, sheet, self._today)
            mistakes += draft.mistakes
            filled[register.name] = draft
        for title, sheet in self._sheets.items():
            if title not in titles and title not in ignored and sheet.rows:
                mistakes.append(unknown_sheet(sheet, self._registers))
        if mistakes:
            raise RegisterError(mistakes)
        return filled

    def _merged(self, register: Register, held: Sequence[Record], draft: Draft) -> tuple[Record, ...]:
        """What the register's file shall hold; notes each change and each conflict."""
        base = self._base[register.name]
        mine = {
            register.key_of(record.values): replace(record, file=draft.file) for record in draft.records or ()
        }
        current = {register.key_of(record.values): record for record in held}
        hashes = {key: sha256_as_read(register, record.values) for key, record in current.items()}
        others = {key for key in {*base, *hashes} if base.get(key) != hashes.get(key)}
        if others:
            note = words(
                "{title}: the register changed since the export (rows: {count}); those changes are kept.",
                title=register.title,
                count=len(others),
            )
            self._notes.append(note)
        records: list[Record] = []
        for key in dict.fromkeys([*current, *mine]):
            old, new = current.get(key), mine.get(key)
            read = None if new is None else row_sha256(new.values)
            if read == hashes.get(key):
                # The same on both sides: the values of the file, at the place of the workbook.
                if old is not None and new is not None:
                    records.append(replace(old, place=new.place, file=new.file, cells=new.cells))
            elif read == base.get(key):
                records += [] if old is None else [old]
            elif key in others:
                self._conflicts.append(_conflict(register, draft.file, key, old, new))
            else:
                if old is not None and new is not None:
                    new = replace(new, values=_with_held(register, old.values, new.values))
                self._changes.append(
                    Change(
                        register=register,
                        row=None if new is None else new.place,
                        old=None if old is None else old.values,
                        new=None if new is None else new.values,
                    )
                )
                records += [] if new is None else [new]
        return tuple(records)


def _with_held(register: Register, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """A changed row; columns that did not change keep the value of the file in its layout."""
    read = as_read(register, old)
    return {
        name: old[name] if name in old and read.get(name) == value else value for name, value in new.items()
    }


def _conflict(
    register: Register, file: str, key: tuple[str, ...], old: Record | None, new: Record | None
) -> Mistake:
    known = new or old
    names = ", ".join(key if known is None else _names(register, known.values))
    column = register.key[0]
    return Mistake(
        file=file,
        place=new.place if new else NOTHING,
        column=None,
        problem=words(
            "{names}: the row was changed here, and since the export also in the register", names=names
        ),
        remedy=words("Export again, and make the change in the new workbook."),
        cell=new.cells.get(column, "") if new else "",
    )


def _names(register: Register, values: Mapping[str, Any]) -> list[str]:
    """What a person calls a row: its member, then the other parts of its key."""
    code = next((str(values[name]) for name in REGION_COLUMNS if name in values), "")
    member = regions.regions()[code].name if code in regions.regions() else code
    known = register.shape.columns
    rest = [
        swedish_text(values.get(name), known[name])
        for name in register.key
        if name not in REGION_COLUMNS and values.get(name) is not None
    ]
    return [*([member] if member else []), *rest]


def _text(value: Any, entry: Mapping[str, Any]) -> str:
    """A value as a line shows it."""
    text = swedish_text(value, entry)
    return shown(text, quoted=False).sv if text else translate("sv", "(empty)")
