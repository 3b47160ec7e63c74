"""Finds the cells of a workbook that the spreadsheet reader shows as empty though they are not.

The reader gives an empty text for a cell in error (``#N/A``) and for a formula whose result was never saved.
Both would pass as "no value". :func:`sheet_rows` puts an :class:`Unreadable` in their place, so that the
parser refuses the cell with its reason. :func:`day_zero` gives the calendar of a workbook, and
:func:`changed_on` the day it was last changed.

Every function needs a body that :func:`klimatpuls.files.archive_safety.check_workbook` accepted.
"""

from __future__ import annotations

import posixpath
import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from klimatpuls.errors import SourceFormatError
from klimatpuls.files.synthetic_mark import PROPERTIES_PART
from klimatpuls.files.values import day_from_text
from klimatpuls.files.zip_parts import ZipParts, read_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from python_calamine import CalamineWorkbook

WINDOWS_DAY_ZERO: Final = date(1899, 12, 30)
MAC_DAY_ZERO: Final = date(1904, 1, 1)
UNSAVED: Final = "formula without a saved result"
_WORKBOOK: Final = "xl/workbook.xml"
_RELATIONS: Final = "xl/_rels/workbook.xml.rels"
_NAME = rb"(?:\w+:)?"
_OPENED = re.compile(rb"<" + _NAME + rb"c(\s[^>]*)>")
_IN_ERROR = re.compile(rb"""\st\s*=\s*["']e["']""")
_TEXT_RESULT = re.compile(rb"""\st\s*=\s*["']str["']""")
_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")
_VALUE = re.compile(rb"<" + _NAME + rb"v(?:\s[^>]*)?>([^<]*)<")
_FORMULA = re.compile(rb"<" + _NAME + rb"f[\s>/]")
_CLOSED = re.compile(rb"</" + _NAME + rb"c>")
_MODIFIED = re.compile(rb":modified\b[^>]*>([\w:.+\s-]*)<", re.ASCII)
_PROPERTIES_BYTES: Final = 2**16


class Unreadable(str):
    """Replaces a cell that is in error or has no saved result; the text says which."""

    __slots__ = ()

    @property
    def reason(self) -> str:
        """Why the cell is refused."""
        return f"a {UNSAVED}" if self == UNSAVED else f"the cell is in error ({self})"


def sheet_rows(book: CalamineWorkbook, body: bytes, name: str) -> list[list[Any]]:
    """The cells of a sheet by row, from A1; an :class:`Unreadable` where the reader gives an empty text.

    Args:
        book: The opened workbook.
        body: Its bytes.
        name: Name of the sheet.

    Raises:
        SourceFormatError: if such a cell does not state its position (rule ``cell_without_place``).
    """
    rows: list[list[Any]] = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    width = max(map(len, rows), default=0)
    for at, column, cell in _unreadable(body, name):
        while len(rows) <= at:
            rows.append([""] * width)
        if column < len(rows[at]):
            rows[at][column] = cell
        else:
            rows[at] += [""] * (column - len(rows[at])) + [cell]
    width = max(map(len, rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows]


def column_letters(index: int) -> str:
    """The letters of a 0-based spreadsheet column. Example: 0 → A, 26 → AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """The 0-based index of a spreadsheet column, in upper or lower case. Example: A → 0, aa → 26."""
    index = 0
    for letter in letters.upper():
        index = 26 * index + ord(letter) - ord("A") + 1
    return index - 1


def day_zero(body: bytes) -> date:
    """The day of serial number 0: 30 December 1899, or 1 January 1904 in workbooks made on old Macs."""
    for element in _elements(ZipParts(body), _WORKBOOK):
        if _local(element.tag) == "workbookPr" and element.get("date1904") in ("1", "true", "on"):
            return MAC_DAY_ZERO
    return WINDOWS_DAY_ZERO


def changed_on(body: bytes) -> date | None:
    """The day in Sweden on which a workbook was last changed, by its properties; None if they state none.

    The people named in the properties are not read.
    """
    found = _MODIFIED.search(read_part(body, PROPERTIES_PART, _PROPERTIES_BYTES))
    try:
        return day_from_text(found[1].decode()) if found else None
    except ValueError:
        return None


def _unreadable(body: bytes, name: str) -> Iterator[tuple[int, int, Unreadable]]:
    parts = ZipParts(body)
    text = parts.read(_part_of(parts, name))
    if b'"e"' not in text and b"'e'" not in text and not _FORMULA.search(text):
        return
    for opened in _OPENED.finditer(text):
        facts = opened[1]
        is_empty = facts.endswith(b"/")
        closed = None if is_empty else _CLOSED.search(text, opened.end())
        inside = b"" if closed is None else text[opened.end() : closed.start()]
        value = _VALUE.search(inside)
        if _IN_ERROR.search(facts):
            shown = value[1].decode("utf-8", "replace") if value else "#ERROR"
        elif _FORMULA.search(inside) and not (value and value[1].strip()) and not _TEXT_RESULT.search(facts):
            shown = UNSAVED
        else:
            continue
        yield *_place(facts, name, shown), Unreadable(shown)


def _place(facts: bytes, name: str, shown: str) -> tuple[int, int]:
    found = _PLACE.search(facts)
    if found is None:
        msg = (
            f"sheet {name!r} has a cell ({shown}) that does not state its position. Nothing was loaded; open "
            "the workbook, save it again as xlsx, and give it to `klimatpuls ingest`."
        )
        raise SourceFormatError(msg, rule="cell_without_place", findings=(shown,))
    return int(found[2]) - 1, column_index(found[1].decode())


def _part_of(parts: ZipParts, name: str) -> str:
    """The file inside the workbook that holds a sheet; an empty text if there is none."""
    wanted = next(
        (
            value
            for element in _elements(parts, _WORKBOOK)
            if _local(element.tag) == "sheet" and element.get("name") == name
            for key, value in element.attrib.items()
            if _local(key) == "id" and key != "id"
        ),
        None,
    )
    for element in _elements(parts, _RELATIONS):
        if wanted is not None and element.get("Id") == wanted:
            return posixpath.normpath(posixpath.join("/xl", element.get("Target", ""))).lstrip("/")
    return ""


def _elements(parts: ZipParts, part: str) -> Iterator[ET.Element]:
    if part in parts:
        try:
            yield from ET.fromstring(parts.read(part)).iter()  # noqa: S314  (checked by archive_safety)
        except ET.ParseError as error:
            msg = f"{part} of the workbook cannot be read ({error}). Nothing was loaded; fetch it again."
            raise SourceFormatError(msg, rule="unreadable_workbook") from error


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
