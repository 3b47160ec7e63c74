"""The workbook a member fills in: one sheet per register, Swedish headers, and a first sheet that explains.

Every column is formatted as text or as a day, so that a code keeps its zero; columns with a list of values
offer it. Written here rather than by a library: only what such a workbook needs of Office Open XML. No clock
and no random names: the same schemas give the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape, quoteattr

from klimatpuls.files.workbook_cells import column_letters
from klimatpuls.registers.cells import reference
from klimatpuls.registers.checking import REGISTERS
from klimatpuls.registers.schemas import swedish_word
from klimatpuls.translations import message, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from klimatpuls.registers.checking import Register

GUIDE: Final = "Läs mig"
FILLED_IN: Final[tuple[Register, ...]] = tuple(
    REGISTERS[name] for name in ("targets", "climate_plans", "measures", "pledges", "evidence", "own_series")
)
"""The registers that a member fills in itself."""
_LAST_ROW: Final = 2000
_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FROZEN_HEAD: Final = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
_TEXT, _DAY, _HEAD = 1, 2, 3
_STYLES: Final = (
    f'{_XML}<styleSheet xmlns="{_MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
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


def build_template() -> bytes:
    """The workbook that a member fills in; ``klimatpuls registers import`` reads it back.

    Returns:
        The bytes of an xlsx file; equal schemas give equal bytes.
    """
    sheets = [(GUIDE, _guide_sheet())]
    sheets += [(str(register.shape.document["title"]), _register_sheet(register)) for register in FILLED_IN]
    numbers = range(1, len(sheets) + 1)
    parts = {
        "[Content_Types].xml": _content_types(numbers),
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": (
            f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            + "".join(
                f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
                for number, (name, _) in zip(numbers, sheets, strict=True)
            )
            + "</sheets></workbook>"
        ),
        "xl/_rels/workbook.xml.rels": _relations(
            [
                *(("worksheet", f"worksheets/sheet{number}.xml") for number in numbers),
                ("styles", "styles.xml"),
            ]
        ),
        "xl/styles.xml": _STYLES,
        **{
            f"xl/worksheets/sheet{number}.xml": text
            for number, (_, text) in zip(numbers, sheets, strict=True)
        },
    }
    return _zip(parts)


def _register_sheet(register: Register) -> str:
    columns = register.shape.columns
    widths = "".join(
        f'<col min="{place}" max="{place}" width="{max(14, len(entry["title"]) + 2)}" customWidth="1"'
        f' style="{_DAY if entry.get("format") == "date" else _TEXT}"/>'
        for place, entry in enumerate(columns.values(), start=1)
    )
    head = _row(1, [str(entry["title"]) for entry in columns.values()], _HEAD)
    return _sheet(widths, head, _choices(columns), pane=_FROZEN_HEAD)


def _choices(columns: Mapping[str, Mapping[str, Any]]) -> str:
    """Lists to choose from, for columns with few values."""
    lists = []
    for place, entry in enumerate(columns.values(), start=1):
        words = [swedish_word(value, entry) for value in entry.get("enum", ())]
        if entry.get("type") == "boolean":
            words = ["ja", "nej"]
        if words:
            letter = column_letters(place - 1)
            offered = escape('"' + ",".join(words) + '"')
            lists.append(
                f'<dataValidation type="list" allowBlank="1" sqref="{letter}2:{letter}{_LAST_ROW}">'
                f"<formula1>{offered}</formula1></dataValidation>"
            )
    return f'<dataValidations count="{len(lists)}">{"".join(lists)}</dataValidations>' if lists else ""


def _guide_sheet() -> str:
    rows = [[translate("sv", line)] for line in _INTRODUCTION]
    rows += [[], [translate("sv", heading) for heading in _HEADINGS]]
    for register in FILLED_IN:
        needed = set(register.shape.document["required"])
        for name, entry in register.shape.columns.items():
            words = ", ".join(swedish_word(value, entry) for value in _values(entry))
            title = str(register.shape.document["title"])
            cells = [title, entry["title"], name, "ja" if name in needed else "", entry["description"], words]
            rows.append([str(cell) for cell in cells])
    widths = "".join(
        f'<col min="{place}" max="{place}" width="{width}" customWidth="1"/>'
        for place, width in enumerate((16, 30, 24, 8, 90, 60), start=1)
    )
    body = "".join(_row(number, row, _TEXT) for number, row in enumerate(rows, start=1))
    return _sheet(widths, body, "")


def _values(entry: Mapping[str, Any]) -> Sequence[str]:
    """The values of a column that has few."""
    return (*entry.get("enum", ()), *entry.get("x-values", ()))


def _sheet(columns: str, rows: str, after: str, *, pane: str = "") -> str:
    view = f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}">{view}<cols>{columns}</cols>'
        f"<sheetData>{rows}</sheetData>{after}</worksheet>"
    )


def _row(number: int, cells: Sequence[str], style: int) -> str:
    written = "".join(
        f'<c r="{reference(number, place - 1)}" s="{style}" t="inlineStr">'
        f'<is><t xml:space="preserve">{escape(cell)}</t></is></c>'
        for place, cell in enumerate(cells, start=1)
    )
    return f'<row r="{number}">{written}</row>'


def _content_types(numbers: Iterable[int]) -> str:
    overrides = {
        "/xl/workbook.xml": f"{_TYPE}.sheet.main+xml",
        "/xl/styles.xml": f"{_TYPE}.styles+xml",
        **{f"/xl/worksheets/sheet{number}.xml": f"{_TYPE}.worksheet+xml" for number in numbers},
    }
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        + "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in overrides.items())
        + "</Types>"
    )


def _relations(entries: Sequence[tuple[str, str]]) -> str:
    return (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
            for number, (kind, target) in enumerate(entries, start=1)
        )
        + "</Relationships>"
    )


def _zip(parts: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in parts.items():
            info = zipfile.ZipInfo(name, date_time=_ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            info.create_system = 3
            archive.writestr(info, text.encode())
    return buffer.getvalue()
