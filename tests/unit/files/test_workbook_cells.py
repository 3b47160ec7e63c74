"""Cells that the spreadsheet reader shows as empty though they are in error or were never calculated."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import MAC_EPOCH
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook

from klimatpuls.errors import SourceFormatError
from klimatpuls.files import workbook_cells


def made(fill: Callable[[Worksheet], None], *, epoch: datetime | None = None) -> bytes:
    book = Workbook()
    book.create_sheet("Andra bladet")
    if epoch:
        book.epoch = epoch
    fill(book["Andra bladet"])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def edited(body: bytes, change: Callable[[bytes], bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(whole, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name == "xl/worksheets/sheet2.xml" else content)
    return whole.getvalue()


def rows_of(body: bytes) -> list[list[object]]:
    return workbook_cells.sheet_rows(CalamineWorkbook.from_filelike(io.BytesIO(body)), body, "Andra bladet")


def fill(sheet: Worksheet) -> None:
    sheet.append(["Kod", "Antal", "Ord"])
    sheet.append([1, "=1+1", "x"])
    sheet["C4"] = "#N/A"
    sheet["C4"].data_type = "e"


def test_an_error_and_a_formula_without_result_are_distinguished_from_empty_cells():
    found = rows_of(made(fill))
    assert found[1][0] == 1.0
    assert isinstance(found[1][1], workbook_cells.Unreadable)
    assert found[1][1].reason == "a formula without a saved result"
    assert found[3][2] == "#N/A"
    assert found[3][2].reason == "the cell is in error (#N/A)"
    assert found[2] == ["", "", ""]
    assert not any(isinstance(cell, workbook_cells.Unreadable) for cell in [*found[0], *found[2]])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"<f>1\+1</f><v ?/>|<f>1\+1</f><v></v>", b"<f>1+1</f><v>2</v>"),
        (
            rb'<c r="B2"><f>1\+1</f>(<v ?/>|<v></v>)',
            b'<c r="B2" t="str"><f>IF(1,"")</f><v></v>',
        ),
    ],
    ids=["number", "empty text"],
)
def test_a_formula_with_a_saved_result_is_read_as_it(old, new):
    """openpyxl writes an empty element in one of two ways, by whether lxml is installed."""
    count = 0

    def change(sheet: bytes) -> bytes:
        nonlocal count
        sheet, count = re.subn(old, new, sheet)
        return sheet

    changed = edited(made(fill), change)
    assert count == 1
    assert not isinstance(rows_of(changed)[1][1], workbook_cells.Unreadable)


def test_prefixed_names_of_elements_are_found_too():
    def prefixed(sheet: bytes) -> bytes:
        for name in (b"c", b"v", b"f"):
            sheet = sheet.replace(b"<" + name + b" ", b"<x:" + name + b" ")
            sheet = sheet.replace(b"<" + name + b">", b"<x:" + name + b">")
            sheet = sheet.replace(b"</" + name + b">", b"</x:" + name + b">")
        return sheet.replace(b"<worksheet ", b'<worksheet xmlns:x="http://x" ', 1)

    found = list(workbook_cells._unreadable(edited(made(fill), prefixed), "Andra bladet"))
    assert [(row, column) for row, column, _ in found] == [(1, 1), (3, 2)]


def test_an_error_that_does_not_say_where_it_stands_is_refused():
    body = edited(made(fill), lambda sheet: sheet.replace(b'r="C4" ', b""))
    with pytest.raises(SourceFormatError, match="save it again as xlsx") as caught:
        rows_of(body)
    assert caught.value.rule == "cell_without_place"


def test_the_calendar_is_the_workbooks():
    assert workbook_cells.day_zero(made(fill)) == date(1899, 12, 30)
    assert workbook_cells.day_zero(made(fill, epoch=MAC_EPOCH)) == date(1904, 1, 1)


@pytest.mark.parametrize(
    ("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (701, "ZZ"), (702, "AAA")]
)
def test_columns_are_named_as_in_a_spreadsheet(index: int, letters: str) -> None:
    assert workbook_cells.column_letters(index) == letters
    assert workbook_cells.column_index(letters) == workbook_cells.column_index(letters.lower()) == index
