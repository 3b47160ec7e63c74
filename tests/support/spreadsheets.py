"""Small spreadsheets as programs and people leave them, built part by part."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
ODS_MIME = "application/vnd.oasis.opendocument.spreadsheet"
ODS_SPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (("office", "office"), ("table", "table"), ("text", "text"))
)


def minimal_workbook(
    rows: str,
    *,
    sheet: str = "S",
    part: str = "xl/worksheets/sheet1.xml",
    formats: Sequence[str] = (),
    shared: Sequence[str] = (),
    is_1904: bool = False,
    main: str = MAIN,
) -> dict[str, str]:
    """The parts of an Excel workbook of one sheet.

    Args:
        rows: XML of its rows.
        sheet: Name of the sheet.
        part: Where it lies.
        formats: Number formats; the style of a cell is the place of its format, counted from 1.
        shared: Shared texts.
        is_1904: Whether days count from 1904.
        main: Namespace of its elements.
    """
    codes = "".join(
        f"<numFmt numFmtId='{number}' formatCode={quoteattr(code)}/>"
        for number, code in enumerate(formats, start=164)
    )
    styles = "".join(f"<xf numFmtId='{164 + number}'/>" for number in range(len(formats)))
    texts = "".join(f"<si><t xml:space='preserve'>{escape(text)}</t></si>" for text in shared)
    return {
        "_rels/.rels": (
            f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{main}" xmlns:r="{OFFICE}"><workbookPr date1904="{int(is_1904)}"/>'
            f'<sheets><sheet name={quoteattr(sheet)} sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{PACKAGE}">'
            f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="/{part}"/>'
            f'<Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/>'
            f'<Relationship Id="rId3" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
            "</Relationships>"
        ),
        "xl/styles.xml": (
            f'<styleSheet xmlns="{main}"><numFmts>{codes}</numFmts><cellStyleXfs><xf numFmtId="9"/>'
            f"</cellStyleXfs><cellXfs><xf numFmtId='0'/>{styles}</cellXfs></styleSheet>"
        ),
        "xl/sharedStrings.xml": f'<sst xmlns="{main}">{texts}</sst>',
        part: f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
    }


def zipped(parts: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The bytes of a zip file with these parts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def row(number: int, *cells: str) -> str:
    """A row of an Excel sheet: the XML of its cells, or their text."""
    written = (
        cell if cell.startswith("<c") else f"<c t='inlineStr'><is><t>{escape(cell)}</t></is></c>"
        for cell in cells
    )
    return f"<row r='{number}'>{''.join(written)}</row>"


def spreadsheet(tables: Mapping[str, str]) -> bytes:
    """The bytes of an OpenDocument spreadsheet: sheet → XML of its rows."""
    sheets = "".join(
        f"<table:table table:name={quoteattr(name)}>{rows}</table:table>" for name, rows in tables.items()
    )
    content = (
        f"<office:document-content {ODS_SPACES}><office:body><office:spreadsheet>{sheets}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    return zipped({"mimetype": ODS_MIME, "content.xml": content})


def ods_row(*cells: str, repeated: int = 1) -> str:
    """A row of an OpenDocument sheet: the XML of its cells, or their text."""
    written = (
        cell
        if cell.startswith("<table:")
        else "<table:table-cell office:value-type='string'>"
        f"<text:p>{escape(cell)}</text:p></table:table-cell>"
        if cell
        else "<table:table-cell/>"
        for cell in cells
    )
    repeats = f" table:number-rows-repeated='{repeated}'" if repeated > 1 else ""
    return f"<table:table-row{repeats}>{''.join(written)}</table:table-row>"
