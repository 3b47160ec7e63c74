"""Files that attack their reader: a few hundred bytes that cost far more to read than a release."""

from __future__ import annotations

import io
import zipfile

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_XML = '<?xml version="1.0"?>'


def workbook(sheet: str, *, place: str = "worksheets/sheet1.xml", styles: str | None = None) -> bytes:
    """An xlsx file of one sheet.

    Args:
        sheet: XML of its rows.
        place: Path of the sheet's part below ``xl``.
        styles: XML of the cell formats.
    """
    parts = {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": (
            f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/worksheet" Target="{place}"/></Relationships>'
        ),
        f"xl/{place}": f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    if styles is not None:
        parts["xl/styles.xml"] = f'<styleSheet xmlns="{_MAIN}"><cellXfs>{styles}</cellXfs></styleSheet>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def cells_without_places() -> bytes:
    """16 000 cells without a reference and one far below: a reader allocates 9.6 GB."""
    wide = '<row r="1">' + "<c><v>1</v></c>" * 16_000 + "</row>"
    return workbook(wide + '<row r="99999"><c r="A99999"><v>1</v></c></row>')


def far_cell_elsewhere() -> bytes:
    """A cell at the last possible reference, in a sheet in an unusual folder."""
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return workbook(far, place="o/s.xml")


def day_out_of_bounds() -> bytes:
    """A date so far out of range that the native reader panics, which is no ``Exception``."""
    day = '<row r="1"><c r="B1" s="1"><v>-1e18</v></c></row>'
    return workbook(day, styles='<xf numFmtId="0"/><xf numFmtId="14"/>')


def text_that_repeats_itself() -> bytes:
    """Cells whose text makes a backtracking regular expression take minutes."""
    text = "Länsrapport, " + "1" * 30_000 + " " * 2_000
    rows = [["Rapportnamn:", text], ["Emissioner av " + "(" * 20_000 + "/ år"], ["Enhet: " + "co2 " * 10_000]]
    lines = "".join(
        f'<row r="{number}">'
        + "".join(
            f'<c r="{"AB"[at]}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
            for at, cell in enumerate(row)
        )
        + "</row>"
        for number, row in enumerate(rows, 1)
    )
    words = ("Huvudsektor", "Undersektor", "Län", "Kommun", "1990")
    head = "".join(
        f'<c r="{"ABCDE"[at]}7" t="inlineStr"><is><t>{word}</t></is></c>' for at, word in enumerate(words)
    )
    return workbook(f'{lines}<row r="7">{head}</row>')


HOSTILE = {
    "cells without places": (cells_without_places, {"reading_too_large"}),
    "a far cell in another folder": (far_cell_elsewhere, {"zip_bomb"}),
    "a day that panics": (day_out_of_bounds, {"reading_failed"}),
    "a text that repeats itself": (text_that_repeats_itself, {"published_date_not_found"}),
}
"""Name → the function that makes the file, and the rules that refuse it."""
