"""Reading register files: spreadsheets and YAML, and mistakes that name file, row, column and remedy.

Whoever edits a register edits a spreadsheet. So a *row* is the row the spreadsheet shows (the header is row
1), a column may carry its Swedish name, a semicolon parts cells as well as a comma, and every mistake of a
file is told at once. A file is read only when it is small, UTF-8 (or a workbook that is whole) and free of
formulas: a cell that begins like a formula is run by the next program that opens the file.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from klimatpuls.errors import SourceFormatError, UsageError
from klimatpuls.yaml_text import parse_yaml
from klimatpuls.zipgate import check_workbook

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

MAX_BYTES: Final = 10 * 2**20
Cell = str | float | int | bool | dt.date | None

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_SIGNED_NUMBER: Final = re.compile(r"[+-][\d\s\u00a0\u202f.,]*\d")
_SHEET: Final = re.compile(r"<(?:\w+:)?sheet\b[^>]*>")
_RELATION: Final = re.compile(r"<(?:\w+:)?Relationship\b[^>]*>")
_ATTRIBUTE: Final = re.compile(r"""([\w:]+)\s*=\s*["']([^"']*)["']""")
_FORMULA_CELL: Final = re.compile(
    r"""<(?:\w+:)?c\b[^>]*?\br=["']([A-Z]+)(\d+)["'][^>]*>\s*<(?:\w+:)?f[\s>/]"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing a person has to mend.

    Attributes:
        file: Name of the file, with the sheet where it is a workbook.
        place: Row as the spreadsheet shows it, such as ``row 7``, or an entry of a YAML file; empty for the
            whole file.
        column: The column, or None where the mistake is in no single one.
        problem: What is wrong, with what was found.
        remedy: What to do.
    """

    file: str
    place: str
    column: str | None
    problem: str
    remedy: str

    def __str__(self) -> str:
        """One line: file, row, column, problem, remedy."""
        column = f"column {self.column}" if self.column else ""
        where = ", ".join(filter(None, (self.file, self.place, column)))
        return f"{where}: {self.problem}. {self.remedy}"


class RegisterError(UsageError):
    """Register files say what they may not say; nothing of a file with a mistake is loaded.

    Attributes:
        mistakes: All of them, file by file.
    """

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        files = ", ".join(sorted({mistake.file for mistake in self.mistakes}))
        count = len(self.mistakes)
        head = f"{count} mistake{'s' if count != 1 else ''} in {files}; nothing of such a file was loaded:"
        super().__init__("\n".join([head, *(f"- {mistake}" for mistake in self.mistakes)]))


class UnreadableError(Exception):
    """A file that cannot be read as a table at all; carries why."""

    def __init__(self, mistake: Mistake) -> None:
        self.mistake = mistake
        super().__init__(str(mistake))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table as it was read, cells not yet understood.

    Attributes:
        name: Name of the file, with the sheet where it is a workbook.
        header: The first row, blanks at the ends removed.
        rows: (row number, cells) of every row that is not empty.
        mistakes: Cells with formula text; they are in ``rows`` no longer.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]
    mistakes: tuple[Mistake, ...]


def read_bytes(path: Path) -> bytes:
    """The bytes of a register file.

    Raises:
        UnreadableError: if there is no file, it is larger than ``MAX_BYTES``, or it is empty.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise _unreadable(path.name, f"there is no such file in {path.parent}", "Put it back") from None
    if size > MAX_BYTES:
        problem = f"the file has {size:,} bytes, more than {MAX_BYTES:,}"
        raise _unreadable(
            path.name, problem, "Remove pictures, empty rows and other sheets, or part the file"
        )
    body = path.read_bytes()
    if not body.strip():
        raise _unreadable(
            path.name, "the file is empty", "Put the header row back, even when there is no row"
        )
    return body


def read_text(body: bytes, file: str) -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    Raises:
        UnreadableError: naming the line where another encoding shows.
    """
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        problem = f"the text is not UTF-8 (byte 0x{body[error.start]:02x} in line {line})"
        remedy = "In Excel: save as 'CSV UTF-8 (kommaavgränsad)'"
        raise _unreadable(file, problem, remedy) from None


def read_csv(body: bytes, file: str) -> Sheet:
    """A CSV file, cells parted by comma or semicolon.

    Raises:
        UnreadableError: if it is no UTF-8 or no CSV.
    """
    text = read_text(body, file)
    head = text.split("\n", 1)[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        problem = f"the file is no CSV ({error})"
        raise _unreadable(file, problem, "Look for a quotation mark that is not closed") from None
    return _sheet(file, table)


def read_workbook(body: bytes, file: str) -> tuple[Sheet, ...]:
    """Every sheet of an xlsx workbook that has a first row; formulas are told as mistakes.

    Raises:
        UnreadableError: if it is no workbook, damaged, encrypted or a zip bomb.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        check_workbook(body, what=file)
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        tables = {
            name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names
        }
    except (SourceFormatError, CalamineError) as error:
        raise _unreadable(file, str(error).rstrip("."), "Save it anew as .xlsx, or as 'CSV UTF-8'") from error
    formulas = _formulas(body)
    return tuple(
        _sheet(f"{file} [{name}]", cast("Sequence[Sequence[Cell]]", table), formulas.get(name, frozenset()))
        for name, table in tables.items()
        if table
    )


def _sheet(name: str, table: Sequence[Sequence[Cell]], formulas: Collection[tuple[int, int]] = ()) -> Sheet:
    header = tuple(str(cell or "").strip() for cell in (table[0] if table else ()))
    while header and not header[-1]:
        header = header[:-1]
    rows: list[tuple[int, tuple[Cell, ...]]] = []
    mistakes: list[Mistake] = []
    for number, cells in enumerate(table[1:], start=2):
        stripped = [cell.strip(" \n") if isinstance(cell, str) else cell for cell in cells]
        for index, cell in enumerate(stripped):
            if (number, index) in formulas or _is_formula(cell):
                column = header[index] if index < len(header) else f"number {index + 1}"
                mistakes.append(_formula(name, number, column))
                stripped[index] = None
        if any(cell not in (None, "") for cell in cells):
            rows.append((number, tuple(stripped)))
    mistakes += [_formula(name, 1, header[index]) for index, text in enumerate(header) if _is_formula(text)]
    return Sheet(name=name, header=header, rows=tuple(rows), mistakes=tuple(mistakes))


def _is_formula(cell: Cell) -> bool:
    return isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) and not _SIGNED_NUMBER.fullmatch(cell)


def _formula(name: str, row: int, column: str) -> Mistake:
    return Mistake(
        file=name,
        place=f"row {row}",
        column=column,
        problem="the cell holds a formula, or text that a spreadsheet runs as one (= + - @ or a tab first)",
        remedy="Write the value itself; a text begins with a letter or digit; no value is an empty cell.",
    )


def _formulas(body: bytes) -> dict[str, set[tuple[int, int]]]:
    """Sheet name → (row, column index) of the cells that hold a formula; the reader shows only results."""
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        names = set(parts.namelist())

        def text(name: str) -> str:
            return parts.read(name).decode("utf-8", "replace") if name in names else ""

        targets = {
            found["Id"]: found["Target"].removeprefix("/xl/").removeprefix("/")
            for found in _tags(_RELATION, text("xl/_rels/workbook.xml.rels"))
            if {"Id", "Target"} <= found.keys()
        }
        cells: dict[str, set[tuple[int, int]]] = {}
        for found in _tags(_SHEET, text("xl/workbook.xml")):
            relation = next((value for key, value in found.items() if key.endswith(":id")), "")
            part = text(f"xl/{targets.get(relation, '')}")
            cells[_unescape(found.get("name", ""))] = {
                (int(row), _column_index(letters)) for letters, row in _FORMULA_CELL.findall(part)
            }
    return cells


def _tags(pattern: re.Pattern[str], text: str) -> Iterator[Mapping[str, str]]:
    for tag in pattern.findall(text):
        yield dict(_ATTRIBUTE.findall(tag))


def _unescape(text: str) -> str:
    from html import unescape

    return unescape(text)


def _column_index(letters: str) -> int:
    index = 0
    for letter in letters:
        index = 26 * index + ord(letter) - ord("A") + 1
    return index - 1


def read_mapping(body: bytes, file: str) -> Mapping[str, Any]:
    """The mapping a YAML register holds.

    Raises:
        UnreadableError: if it is no UTF-8, no YAML or holds something else than a mapping.
    """
    import yaml

    try:
        document = parse_yaml(read_text(body, file))
    except yaml.YAMLError as error:
        raise _unreadable(
            file, f"the file is no YAML ({' '.join(str(error).split())})", "Mend that line"
        ) from None
    if not isinstance(document, dict):
        problem = f"the file holds {type(document).__name__}, not settings with names"
        raise _unreadable(file, problem, "See the shape in include/registers/README.md")
    return cast("Mapping[str, Any]", document)


def _unreadable(file: str, problem: str, remedy: str) -> UnreadableError:
    return UnreadableError(Mistake(file=file, place="", column=None, problem=problem, remedy=f"{remedy}."))
