"""Reads register files (spreadsheets, CSV and YAML) into tables of cells.

People edit registers in spreadsheets. So a *row* is the row that the spreadsheet shows (the header is row 1),
a column may have its Swedish name, and all mistakes of a file are reported at once, in Swedish and English,
each with file, row, column, cell and remedy. The format follows from the bytes: Excel workbooks with or
without macros, OpenDocument, or text separated by comma, semicolon or tab. A cell that begins like a formula
is a mistake: the next program that opens the file would run it.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from klimatpuls.errors import UsageError
from klimatpuls.files.csv_text import csv_rows
from klimatpuls.files.yaml_text import parse_yaml
from klimatpuls.registers.archive import MAX_CELL_CHARACTERS, Archive, BrokenWorkbookError
from klimatpuls.registers.cells import (
    MAX_COLUMN,
    ErrorValue,
    Formula,
    is_error,
    reference,
)
from klimatpuls.registers.opendocument import CONTENT_PART, MIME_PART, MIME_TYPE, read_ods
from klimatpuls.registers.values import clean
from klimatpuls.registers.words import NOTHING, Words, same, shown, words
from klimatpuls.registers.workbooks import WORKBOOK_PART, read_xlsx
from klimatpuls.translations import LANGUAGES, translate_plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from klimatpuls.registers.cells import Cell, Grid
    from klimatpuls.translations import Language

MAX_BYTES: Final = 10 * 2**20
MAX_ROWS: Final = 20_000
"""Rows of a register: sixty times the municipalities."""
MAX_LISTED: Final = 200
"""Mistakes that one message lists."""

_ZIP: Final = b"PK\x03\x04"
_OLE2: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_DELIMITERS: Final = ",;\t"
_HINTED: Final = ",;\t|"
_FORMULA_STARTS: Final = ("=", "+", "-", "@")
_SIGNED_NUMBER: Final = re.compile("[+-][0-9][0-9 .,\u00a0\u202f\u2009]*(?:[eE][+-]?[0-9]{1,3})? ?%?")
_LETTERS: Final = frozenset("åäöÅÄÖéÉ")
_PLAUSIBLE: Final = _LETTERS | frozenset("üÜèÈáÁàÀæÆøØçñïëêôß–—’‘“”»«…•°§½¼¾²³±×·€´£®©™µ\u00a0")
"""What a Swedish text in Windows-1252 holds beside ASCII; anything else points to another encoding."""
_GARBLED: Final = ("Ã¥", "Ã¤", "Ã¶", "Ã…", "Ã„", "Ã–", "\ufffd")
"""Swedish letters that some program read in the wrong encoding."""
_SAVE_AS: Final = words("Save it as an Excel workbook (.xlsx) or as CSV UTF-8.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake that a person must correct.

    Attributes:
        file: Name of the file, with the sheet where it is a workbook.
        place: Row as the spreadsheet shows it, such as ``row 7``, or an entry of a YAML file; nothing for the
            whole file.
        column: The column, or None where the mistake is in no single one.
        problem: What is wrong, with what was found.
        remedy: What to do.
        cell: The cell as a spreadsheet names it, such as ``C7``; empty where there is no single one.
    """

    file: str
    place: Words
    column: Words | None
    problem: Words
    remedy: Words
    cell: str = ""

    def __str__(self) -> str:
        """One line in English: file, row, column, cell, problem, remedy."""
        return self._line("en")

    @property
    def swedish(self) -> str:
        """The same line in Swedish."""
        return self._line("sv")

    def _line(self, language: Language) -> str:
        column = words("column {column}", column=self.column) if self.column else NOTHING
        cell = words("cell {cell}", cell=self.cell) if self.cell else NOTHING
        parts = (part.translated(language) for part in (self.place, column, cell))
        where = ", ".join(filter(None, (self.file, *parts)))
        return f"{where}: {self.problem.translated(language)}. {self.remedy.translated(language)}"


class RegisterError(UsageError):
    """Register files have mistakes; nothing of such a file is loaded.

    Attributes:
        mistakes: All of them, file by file.
    """

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        files = ", ".join(sorted({mistake.file for mistake in self.mistakes}))
        count = len(self.mistakes)
        heading = [
            translate_plural(
                language,
                "{count} mistake in {files}; nothing of such a file was loaded",
                "{count} mistakes in {files}; nothing of such a file was loaded",
                count,
                files=files,
            )
            for language in LANGUAGES
        ]
        lines = [f"{'. '.join(heading)}:"]
        for mistake in self.mistakes[:MAX_LISTED]:
            lines += [f"- {mistake.swedish}", f"  {mistake}"]
        if count > MAX_LISTED:
            rest = words("and {count} mistakes more", count=count - MAX_LISTED)
            lines.append(f"- … {rest.sv} / {rest.en}")
        super().__init__("\n".join(lines))


class UnreadableError(Exception):
    """A file that cannot be read as a table; holds the mistake."""

    def __init__(self, mistake: Mistake) -> None:
        self.mistake = mistake
        super().__init__(str(mistake))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table as it was read; its cells are not interpreted yet.

    Attributes:
        name: Name of the file, with the sheet where it is a workbook.
        header: The first row, blanks at the ends removed.
        rows: (row number, column from 0 → cell) of every row that is not empty; empty cells are left out.
        mistakes: Cells with a formula or an error; they are in ``rows`` no longer.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[int, Cell]], ...]
    mistakes: tuple[Mistake, ...]

    @property
    def title(self) -> str:
        """Name of the sheet in its workbook."""
        return title_of_sheet(self.name)


def title_of_sheet(name: str) -> str:
    """The sheet of a name such as ``mall.xlsx [Mål]``; empty where it names none."""
    return name.rpartition("[")[2].removesuffix("]") if name.endswith("]") else ""


def row_place(number: int) -> Words:
    """A row as a message names it."""
    return words("row {number}", number=number)


def read_bytes(path: Path) -> bytes:
    """The bytes of a register file.

    Raises:
        UnreadableError: if there is no file, it is larger than ``MAX_BYTES``, or it is empty.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        problem = words("there is no such file in {parent}", parent=path.parent)
        raise _unreadable(path.name, problem, words("Put it back.")) from None
    if size > MAX_BYTES:
        problem = words(
            "the file has {size:,} bytes, more than {max_bytes:,}", size=size, max_bytes=MAX_BYTES
        )
        remedy = words("Remove pictures, empty rows and other sheets, or part the file.")
        raise _unreadable(path.name, problem, remedy)
    body = path.read_bytes()
    if not body.strip():
        remedy = words("Put the header row back, even when there is no row.")
        raise _unreadable(path.name, words("the file is empty"), remedy)
    return body


def read_text(body: bytes, file: str, *, by_hand: bool = False) -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    Args:
        body: The bytes.
        file: How a message names the file.
        by_hand: Whether a spreadsheet program may have written it: then UTF-16 with its mark ("Unicode text")
            and Windows-1252 are read too. Windows-1252 is taken only for a text with Swedish letters and
            nothing that such a text does not hold.

    Raises:
        UnreadableError: naming the line where another encoding shows.
    """
    if by_hand and body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return body.decode("utf-16")
        except UnicodeDecodeError as error:
            problem = words("the text is truncated ({reason})", reason=error.reason)
            raise _unreadable(file, problem, _SAVE_AS) from None
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if by_hand and (text := _windows_text(body)) is not None:
            return text
        line, byte = body[: error.start].count(b"\n") + 1, f"0x{body[error.start]:02x}"
        problem = words("the text is not UTF-8 (byte {byte} in line {line})", byte=byte, line=line)
        raise _unreadable(file, problem, words("In Excel: save as 'CSV UTF-8 (kommaavgränsad)'.")) from None


def _windows_text(body: bytes) -> str | None:
    try:
        text = body.decode("cp1252")
    except UnicodeDecodeError:
        return None
    foreign = {character for character in text if not character.isascii()}
    return text if foreign <= _PLAUSIBLE and foreign & _LETTERS else None


def is_workbook(body: bytes) -> bool:
    """Whether the bytes are those of a spreadsheet program, whatever the file is called."""
    return body.startswith((_ZIP, _OLE2))


def read_table(body: bytes, file: str) -> Sheet:
    """The one table of a file: the first sheet of a workbook, or a CSV.

    Raises:
        UnreadableError: if it cannot be read.
    """
    return read_workbook(body, file)[0] if is_workbook(body) else read_csv(body, file)


def read_csv(body: bytes, file: str) -> Sheet:
    """A table in text, cells parted by comma, semicolon, tab or what its first line ``sep=`` says.

    The line ``sep=`` is no row: a spreadsheet does not show it either.

    Raises:
        UnreadableError: if it is no text or no CSV.
    """
    text = read_text(body, file, by_hand=True).replace("\r\n", "\n").replace("\r", "\n")
    _refuse_foreign(text, file)
    try:
        delimiter, text = csv_delimiter(text, file)
        table = csv_rows(text, delimiter, strict=True)
    except csv.Error as error:
        problem = words("the file is no CSV ({error})", error=error)
        raise _unreadable(file, problem, words("Look for a quotation mark that is not closed.")) from None
    grid = {
        number: {
            column: cell
            for column, cell in enumerate(_rejoined(cells, delimiter, len(table[0])))
            if cell.strip()
        }
        for number, cells in enumerate(table, start=1)
    }
    return _sheet(file, grid)


def _refuse_foreign(text: str, file: str) -> None:
    head = text[:2000].lstrip().casefold()
    kind = None
    if head.startswith("%pdf"):
        kind = same("PDF")
    elif head.startswith(("<!doctype html", "<html")):
        kind = words("an HTML page")
    elif head.startswith("<"):
        kind = same("XML")
    if kind is not None:
        raise _unreadable(file, words("the file is {kind}, no table", kind=kind), _SAVE_AS)
    if "\0" in text:
        raise _unreadable(file, words("the file is no text (byte 0)"), _SAVE_AS)


def csv_delimiter(text: str, file: str) -> tuple[str, str]:
    """The sign that parts cells, and the text without the line that states it."""
    first, _, rest = text.partition("\n")
    hint = first.strip(" \r\"'")
    if hint.casefold().startswith("sep="):
        sign = hint[4:5] or ("\t" if "\t" in first else "")
        if sign not in _HINTED or not sign:
            problem = words("the first line is {found}", found=shown(hint))
            raise _unreadable(file, problem, words("Write sep=; or take the line out."))
        return sign, rest
    return max(_DELIMITERS, key=lambda sign: _width(first, sign)), text


def _width(line: str, sign: str) -> int:
    return len(next(iter(csv_rows(line, sign)), ()))


def _rejoined(cells: list[str], delimiter: str, width: int) -> list[str]:
    """The cells of a row, a text that was cut at its own separators put together again.

    A spreadsheet puts such a text into quotation marks; people who edit by hand forget them. A cell that
    begins with a blank continues the one before it, if the row then has as many cells as the header.
    """
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) <= width:
        return cells
    joined = cells[:1]
    for cell in cells[1:]:
        if cell.startswith(" ") and cell.strip() and joined[-1].strip():
            joined[-1] += delimiter + cell
        else:
            joined.append(cell)
    return joined if len(joined) == width else cells


def read_workbook(body: bytes, file: str) -> tuple[Sheet, ...]:
    """Every sheet of a workbook (.xlsx, .xlsm, .ods) that has a first row; formulas and errors are mistakes.

    Raises:
        UnreadableError: if it is another format, damaged, encrypted or beyond the ceilings.
    """
    try:
        if not body.startswith(_ZIP):
            raise BrokenWorkbookError(words("the file is an older Excel file (.xls) or has a password"))
        grids = _grids(Archive(body))
    except BrokenWorkbookError as error:
        raise _unreadable(file, error.problem, _SAVE_AS) from error
    sheets = tuple(_sheet(f"{file} [{name}]", grid) for name, grid in grids.items() if grid)
    if not sheets:
        problem = words("the workbook has no sheet with content")
        raise _unreadable(file, problem, words("Fill in the sheets of the template."))
    return sheets


def _grids(archive: Archive) -> dict[str, Grid]:
    if archive.read(MIME_PART, 100).startswith(MIME_TYPE) and CONTENT_PART in archive:
        return read_ods(archive)
    if "xl/workbook.bin" in archive:
        raise BrokenWorkbookError(words("the file is a binary workbook (.xlsb)"))
    if WORKBOOK_PART in archive or "_rels/.rels" in archive:
        return read_xlsx(archive)
    some = ", ".join(sorted(archive.names)[:5])
    raise BrokenWorkbookError(words("the file is a zip without a sheet (it holds {some})", some=some))


def _sheet(name: str, grid: Mapping[int, Mapping[int, Any]]) -> Sheet:
    header = _header(grid.get(1, {}))
    rows: list[tuple[int, Mapping[int, Cell]]] = []
    mistakes: list[Mistake] = []
    for number in sorted(grid):
        cells: dict[int, Cell] = {}
        before = len(mistakes)
        for index, raw in sorted(grid[number].items()):
            cell = clean(raw) if isinstance(raw, str) else raw
            wrong = cell_problem(cell)
            if wrong is not None:
                column = header[index] if index < len(header) and number > 1 else ""
                mistakes.append(_cell_mistake(name, number, index, column, *wrong))
            elif cell not in (None, "") and number > 1:
                cells[index] = cell
        if cells or (number > 1 and len(mistakes) > before):
            rows.append((number, cells))
    if len(rows) > MAX_ROWS:
        problem = words(
            "the sheet has {rows:,} rows, more than {max_rows:,}", rows=len(rows), max_rows=MAX_ROWS
        )
        raise _unreadable(name, problem, words("Part the file."))
    return Sheet(name=name, header=header, rows=tuple(rows), mistakes=tuple(mistakes))


def _header(cells: Mapping[int, Any]) -> tuple[str, ...]:
    texts = {
        index: clean(str(cell)) for index, cell in cells.items() if not isinstance(cell, ErrorValue | Formula)
    }
    last = max((index for index, text in texts.items() if text), default=-1)
    return tuple(texts.get(index, "") for index in range(min(last, MAX_COLUMN) + 1))


def cell_problem(cell: Cell) -> tuple[Words, Words] | None:
    """What is wrong with a cell whatever column it is in, and what to do."""
    if isinstance(cell, ErrorValue):
        return _error_problem(cell.text)
    if isinstance(cell, Formula):
        return _FORMULA
    if not isinstance(cell, str):
        return None
    if is_error(cell):
        return _error_problem(cell)
    if cell.startswith(_FORMULA_STARTS) and not _SIGNED_NUMBER.fullmatch(cell):
        return _FORMULA
    return text_problem(cell)


_FORMULA: Final = (
    words("the cell holds a formula, or text that a spreadsheet runs as one (= + - or @ first)"),
    words("Write the value itself; a text begins with a letter or digit; no value is an empty cell."),
)


def _error_problem(text: str) -> tuple[Words, Words]:
    found = shown(text)
    return (
        words("the cell shows the error {found}", found=found),
        words("Write the value, or empty the cell where nothing is known."),
    )


def text_problem(text: str) -> tuple[Words, Words] | None:
    """What is wrong with a text in any column, and what to do; None where nothing is wrong.

    Control characters cannot be stored, and letters that were read in a wrong encoding are lost.
    """
    if len(text) > MAX_CELL_CHARACTERS:
        most = f"{MAX_CELL_CHARACTERS:,}"
        return (
            words("the text is longer than {most} characters", most=most),
            words("Shorten it, or link to a document."),
        )
    bad = next(
        (
            sign
            for sign in text
            if (sign < " " and sign not in "\n\t") or "\ud800" <= sign <= "\udfff" or sign in "\ufffe\uffff"
        ),
        None,
    )
    if bad is not None:
        code = f"U+{ord(bad):04X}"
        return (
            words("the text holds the control character {code}", code=code),
            words("Write the text anew."),
        )
    garbled = next((sign for sign in _GARBLED if sign in text), None)
    if garbled is not None:
        return (
            words("letters were read in a wrong encoding ({garbled!r})", garbled=garbled),
            words("Correct å, ä and ö, and save as CSV UTF-8 or .xlsx."),
        )
    return None


def _cell_mistake(name: str, row: int, index: int, column: str, problem: Words, remedy: Words) -> Mistake:
    return Mistake(
        file=name,
        place=row_place(row),
        column=same(column) if column else None,
        problem=problem,
        remedy=remedy,
        cell=reference(row, index),
    )


def read_mapping(body: bytes, file: str) -> Mapping[str, Any]:
    """The mapping a YAML register holds.

    Raises:
        UnreadableError: if it is no UTF-8, no YAML or holds something else than a mapping.
    """
    import yaml

    text = read_text(body, file)
    try:
        _refuse_alias(yaml.scan(text, Loader=yaml.SafeLoader) if "*" in text else (), file)
        document = parse_yaml(text)
    except yaml.YAMLError as error:
        why = " ".join(str(error).split())
        raise _unreadable(
            file,
            words("the file is no YAML ({why})", why=why),
            words("Mend that line."),
        ) from None
    if not isinstance(document, dict):
        found = type(document).__name__
        problem = words("the file holds {found}, not settings with names", found=found)
        raise _unreadable(file, problem, SHAPE_IN_README)
    return cast("Mapping[str, Any]", document)


SHAPE_IN_README: Final = words("See the shape in include/registers/README.md.")


def _refuse_alias(tokens: Iterable[Any], file: str) -> None:
    """Refuse YAML aliases: a few lines could expand beyond memory."""
    for token in tokens:
        if type(token).__name__ == "AliasToken":
            problem = words("the file refers to itself (*{value})", value=token.value)
            raise _unreadable(file, problem, words("Write the content out."))


def _unreadable(file: str, problem: Words, remedy: Words) -> UnreadableError:
    return UnreadableError(Mistake(file=file, place=NOTHING, column=None, problem=problem, remedy=remedy))
