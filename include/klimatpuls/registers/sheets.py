"""Writes registers as sheets of a workbook that people fill in: Swedish headers, lists, help, formats.

The template of a member and the workbook of the secretariat are made of these sheets. Every text is written
as text, so that nothing a register holds can run as a formula. No clock and no random names: the same
content gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.files.workbook_cells import column_letters
from klimatpuls.registers.cells import Percent
from klimatpuls.registers.values import FRACTION, PERCENT, swedish_word
from klimatpuls.translations import message, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

    from klimatpuls.registers.cells import Cell
    from klimatpuls.registers.checking import Register

GUIDE: Final = "Läs mig"
LAST_ROW: Final = 2000
"""The last row that is prepared for filling in."""
_MOMENT: Final = dt.datetime(1980, 1, 1)  # noqa: DTZ001 - a fixed mark, no moment
_CORE_PART: Final = "docProps/core.xml"
_FONT: Final = "Calibri"
LOCKED_COLOR: Final = "FFEDEDED"
_HEAD_COLOR, _OPTIONAL_COLOR = "FF1F4E5F", "FF5B8A9A"
_PAGE_WIDTH: Final = 280
_PROMPT_LENGTH: Final = 255
_TITLE_LENGTH: Final = 32
_INLINE_LENGTH: Final = 255
_HELP_WIDTH, _VALUES_WIDTH, _LINE_HEIGHT = 60, 40, 15
_WIDE, _LINK_WIDTH, _LEAST_WIDTH = 44, 32, 14
_ESCAPE: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
"""What a spreadsheet program would read as the number of a character."""
_INTRODUCTION: Final = (
    message(
        "Fill in the sheets; leave the first row as it is. One row per entry, empty cells where nothing is "
        "known."
    ),
    message(
        "Write days as 2026-05-07. Write numbers with a decimal comma or point, without a unit; separate "
        "thousands with blanks: 146 060. Write percent as 63 or 63 %. Codes are text: 0360, not 360."
    ),
    message(
        "Separate several values in a cell with |; write values per year as 2027:120|2030:400. No formulas."
    ),
    message("An id never changes: a row with the same id replaces the earlier one."),
)
_HEADINGS: Final = (
    message("Sheet"),
    message("Column"),
    message("Name in the register"),
    message("Required"),
    message("Meaning"),
    message("Values"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a sheet.

    Attributes:
        title: Its header.
        help: What it means, in Swedish.
        entry: Its part of the schema.
        is_required: Whether every row needs it.
        choices: Reference to cells that list its usual values, such as ``=Listor!$A$1:$A$9``; empty: the
            values of the schema, where it has some.
        is_strict: Whether nothing but the listed values may be written.
        is_locked: Whether its cells are protected in every row.
        is_key: Whether its cells are protected in rows that exist.
    """

    title: str
    help: str
    entry: Mapping[str, Any]
    is_required: bool
    choices: str = ""
    is_strict: bool = True
    is_locked: bool = False
    is_key: bool = False


def columns_of(register: Register) -> dict[str, Column]:
    """Column of a register → its column in a sheet, in the order of the schema."""
    needed = set(register.shape.document["required"])
    return {
        name: Column(
            title=str(entry["title"]),
            help=_swedish(entry),
            entry=entry,
            is_required=name in needed,
            is_strict="enum" in entry or entry.get("type") == "boolean",
        )
        for name, entry in register.shape.columns.items()
    }


def _swedish(described: Mapping[str, Any]) -> str:
    """What a schema, or a column of it, says it is."""
    text = str(described["description"])
    return translate("sv", text)


def new_workbook() -> Workbook:
    """A workbook without a sheet, its cells in the font of the project's files."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    book.remove(book.worksheets[0])
    book._fonts[0] = Font(name=_FONT, size=11)
    book.properties.creator = "Klimatpuls"
    book.properties.created = _MOMENT
    return book


def add_guide(book: Workbook, registers: Sequence[Register], introduction: Iterable[str] = ()) -> None:
    """Add the sheet that explains the others: how to fill in, and every column with its meaning."""
    from openpyxl.styles import Alignment, Font

    sheet = book.create_sheet(GUIDE)
    lines = [*introduction, *(translate("sv", line) for line in _INTRODUCTION)]
    for number, line in enumerate(lines, start=1):
        _put(sheet, number, 1, line)
    head = len(lines) + 2
    for place, heading in enumerate(_HEADINGS, start=1):
        _head(_put(sheet, head, place, translate("sv", heading)), _HEAD_COLOR)
    number = head
    for register in registers:
        title = register.title
        number += 1
        _put(sheet, number, 1, title).font = Font(name=_FONT, bold=True)
        _put(sheet, number, 5, _swedish(register.shape.document)).font = Font(name=_FONT, bold=True)
        for name, column in columns_of(register).items():
            number += 1
            words = ", ".join(swedish_word(value, column.entry) for value in _values(column.entry))
            needed = "ja" if column.is_required else ""
            height = max(len(column.help) // _HELP_WIDTH, len(words) // _VALUES_WIDTH) + 1
            sheet.row_dimensions[number].height = _LINE_HEIGHT * height
            for place, text in enumerate((title, column.title, name, needed, column.help, words), start=1):
                _put(sheet, number, place, text).alignment = Alignment(vertical="top", wrap_text=place > 4)
    for letter, width in zip("ABCDEF", (24, 30, 24, 8, _HELP_WIDTH + 10, _VALUES_WIDTH + 10), strict=True):
        sheet.column_dimensions[letter].width = width
    _print_setup(sheet, head)


def add_register(
    book: Workbook,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]] = (),
    *,
    is_protected: bool = False,
) -> Worksheet:
    """Add the sheet of a register.

    Args:
        book: The workbook.
        title: Name of the sheet.
        columns: Its columns.
        rows: Their cells, row by row.
        is_protected: Whether headers, keys and locked columns are protected; without a password.
    """
    from openpyxl.styles import Alignment, PatternFill, Protection

    sheet = book.create_sheet(title)
    grey = PatternFill("solid", start_color=LOCKED_COLOR)
    for place, column in enumerate(columns, start=1):
        letter = column_letters(place - 1)
        _head(_put(sheet, 1, place, column.title), _HEAD_COLOR if column.is_required else _OPTIONAL_COLOR)
        dimension = sheet.column_dimensions[letter]
        dimension.width = _width(column)
        dimension.number_format = _format(None, column.entry)
        dimension.protection = Protection(locked=column.is_locked)
        if column.is_locked:
            dimension.fill = grey
        _add_help(sheet, letter, column)
    for number, cells in enumerate(rows, start=2):
        for place, (cell, column) in enumerate(zip(cells, columns, strict=True), start=1):
            written = _put(sheet, number, place, cell)
            is_locked = column.is_locked or column.is_key
            written.number_format = _format(cell, column.entry)
            written.protection = Protection(locked=is_locked)
            is_day = column.entry.get("format") == "date"
            written.alignment = Alignment(vertical="top", horizontal="left" if is_day else None)
            if is_protected and is_locked:
                written.fill = grey
    sheet.freeze_panes = "B2"
    if columns:
        sheet.auto_filter.ref = f"A1:{column_letters(len(columns) - 1)}{max(len(rows) + 1, 2)}"
    if is_protected:
        sheet.protection.enable()
        # In this file format a setting that is true forbids.
        for name in ("formatCells", "formatColumns", "formatRows", "insertRows", "sort", "autoFilter"):
            setattr(sheet.protection, name, False)
    _print_setup(sheet, 1)
    return sheet


def add_list(
    book: Workbook, title: str, heading: str, headers: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Add a first sheet that lists places of the others: each row begins with a sheet and a cell."""
    from openpyxl.styles import Alignment, Font
    from openpyxl.worksheet.hyperlink import Hyperlink

    sheet = book.create_sheet(title, 0)
    _put(sheet, 1, 1, heading).font = Font(name=_FONT, bold=True, size=13)
    for place, header in enumerate(headers, start=1):
        _head(_put(sheet, 3, place, header), _HEAD_COLOR)
    for number, texts in enumerate(rows, start=4):
        for place, text in enumerate(texts, start=1):
            _put(sheet, number, place, text).alignment = Alignment(vertical="top", wrap_text=place > 2)
        lines = max(len(text) // _HELP_WIDTH for text in texts) + 1
        sheet.row_dimensions[number].height = _LINE_HEIGHT * lines
        name, cell = texts[:2]
        if name in book.sheetnames:
            link = sheet.cell(number, 2)
            target = f"'{name.replace(chr(39), 2 * chr(39))}'!{cell}"
            link.hyperlink = Hyperlink(ref=link.coordinate, location=target)
            link.font = Font(name=_FONT, color="FF0563C1", underline="single")
    for letter, width in zip("ABCDE", (24, 8, 34, _HELP_WIDTH, _HELP_WIDTH), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A4"
    _print_setup(sheet, 3)


def add_hidden(book: Workbook, title: str, columns: Sequence[Sequence[str]], *, state: str) -> Worksheet:
    """Add a sheet that nobody sees: texts, column by column."""
    sheet = book.create_sheet(title)
    for place, texts in enumerate(columns, start=1):
        for number, text in enumerate(texts, start=1):
            _put(sheet, number, place, text)
    sheet.sheet_state = state
    sheet.protection.enable()
    return sheet


def workbook_bytes(book: Workbook) -> bytes:
    """The bytes of a workbook; equal content gives equal bytes."""
    from openpyxl.xml.functions import tostring

    written = io.BytesIO()
    book.save(written)
    book.properties.modified = _MOMENT
    fixed = io.BytesIO()
    with zipfile.ZipFile(written) as parts, zipfile.ZipFile(fixed, "w") as archive:
        for name in parts.namelist():
            info = zipfile.ZipInfo(name, date_time=_MOMENT.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            body = tostring(book.properties.to_tree()) if name == _CORE_PART else parts.read(name)
            archive.writestr(info, body)
    return fixed.getvalue()


def _put(sheet: Worksheet, row: int, column: int, value: Cell) -> Any:
    """Write a cell; a text is written as text whatever it begins with."""
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = _ESCAPE.sub("_x005F_", value)
        cell.data_type = "s"
        # What begins like a formula stays text also after somebody has edited the cell.
        cell.quotePrefix = value[:1] in ("=", "+", "-", "@")
    else:
        cell.value = float(value) if isinstance(value, Percent) else value
    return cell


def _head(cell: Any, color: str) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    cell.font = Font(name=_FONT, bold=True, color="FFFFFFFF")
    cell.fill = PatternFill("solid", start_color=color)
    cell.alignment = Alignment(vertical="center", wrap_text=True)


def _format(cell: Cell, entry: Mapping[str, Any]) -> str:
    """The number format of a cell of a column; of an empty one, the format in which to fill it in."""
    if entry.get("format") == "date":
        return "yyyy\\-mm\\-dd"
    if entry.get("type") == "integer":
        return "0"
    if entry.get("type") != "number":
        return "@"
    if entry.get("x-unit") in (PERCENT, FRACTION):
        is_whole = cell is None or round(100 * float(cell), 9).is_integer()  # type: ignore[arg-type]
        return "0%" if is_whole else "0.0####%"
    if cell is None:
        return "General"
    return "#,##0" if float(cell).is_integer() else "#,##0.0#####"  # type: ignore[arg-type]


def _width(column: Column) -> int:
    if column.entry.get("format") == "https-url":
        return _LINK_WIDTH
    is_text = column.entry.get("type") in ("string", "object", "array") and not (
        {"format", "enum", "pattern"} & set(column.entry)
    )
    words = [swedish_word(value, column.entry) for value in _values(column.entry)]
    longest = max(map(len, (column.title, *words)))
    return max(_WIDE if is_text and not column.choices else _LEAST_WIDTH, longest + 4)


def _add_help(sheet: Worksheet, letter: str, column: Column) -> None:
    """Show what a column means in each of its cells, and offer its values."""
    from openpyxl.worksheet.datavalidation import DataValidation

    words = [swedish_word(value, column.entry) for value in _values(column.entry)]
    if column.entry.get("type") == "boolean":
        words = ["ja", "nej"]
    inline = f'"{",".join(words)}"' if words and len(",".join(words)) <= _INLINE_LENGTH else ""
    listed = column.choices or inline
    rule = DataValidation(
        type="list" if listed else None,
        formula1=listed.removeprefix("=") or None,
        allow_blank=True,
        showInputMessage=True,
        showErrorMessage=bool(listed),
        errorStyle="stop" if column.is_strict else "warning",
        promptTitle=column.title[:_TITLE_LENGTH],
        prompt=column.help[:_PROMPT_LENGTH],
        errorTitle=column.title[:_TITLE_LENGTH],
        error=translate("sv", "Choose a value of the list."),
    )
    rule.add(f"{letter}2:{letter}{LAST_ROW}")
    sheet.add_data_validation(rule)


def _values(entry: Mapping[str, Any]) -> Sequence[str]:
    """The values of a column that has few."""
    return (*entry.get("enum", ()), *entry.get("x-values", ()))


def _print_setup(sheet: Worksheet, head: int) -> None:
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    # A wider sheet would be too small to read on one page.
    width = sum(dimension.width for dimension in sheet.column_dimensions.values())
    sheet.sheet_properties.pageSetUpPr.fitToPage = width <= _PAGE_WIDTH
    sheet.page_setup.fitToHeight = 0
    sheet.print_title_rows = f"{head}:{head}"
