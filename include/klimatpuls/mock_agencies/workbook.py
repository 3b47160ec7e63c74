"""Writes a workbook in the layout of SMHI's national emission database, with the same bytes every time.

It writes only the parts of Office Open XML that the layout needs: sheets, shared strings, plain cells. There
is no clock and no random id, and zip dates are fixed: the same table gives the same bytes. The synthetic
archive and tests use it. The document properties say who made the file, so none passes for the publisher's.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal
from xml.sax.saxutils import escape

from klimatpuls.domain import regions, sectors, substances
from klimatpuls.files.synthetic_mark import PROPERTIES_PART
from klimatpuls.files.workbook_cells import column_letters
from klimatpuls.sources.smhi_emissions.sheet import KEY_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

Cell = str | float | int | None
YearsAt = Literal["above", "header", "header_text"]

CO2E_LINE: Final = "CO2-ekv. efter ämnesnamn innebär att emissionen är uttryckt i CO2-ekvivalenter"
_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
_LEVEL: Final = 3
_MAIN_NS: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL_NS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OFFICE_TYPE: Final = "application/vnd.openxmlformats-officedocument"
_TEXT: Final = ' t="s"'
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """Document properties, which are no part of a release's content.

    Attributes:
        creator: Who made the file.
        title: Title of the document.
        description: A sentence on what it is.
    """

    creator: str = "klimatpuls"
    title: str = ""
    description: str = ""


def region_names(code: str) -> tuple[str, str]:
    """(Län, Kommun) as the publisher writes a region. Example: ``0360`` → ``("Uppsala län", "Tierp")``."""
    region = regions.region(code)
    if region.level == "nation":
        return "Alla", "Alla"
    if region.level == "county":
        return region.name, "Alla"
    return regions.region(region.county_code or "").name, region.name


def region_order() -> tuple[str, ...]:
    """All regions in the publisher's order: nation, then each county followed by its municipalities."""
    by_name = regions.regions()
    counties = sorted(regions.codes("county"), key=lambda code: by_name[code].sort_sv)
    order = [regions.NATION]
    for county in counties:
        members = sorted(regions.municipalities_of(county), key=lambda code: by_name[code].sort_sv)
        order += [county, *members]
    return tuple(order)


def preamble(
    substance: str,
    published: date,
    years: Sequence[int],
    *,
    years_at: YearsAt = "above",
    unit: str = "ton/år",
) -> list[list[Cell]]:
    """The rows above the data, header included, as the publisher lays them out.

    Args:
        substance: Our substance code; greenhouse gases but CO2 get one more line.
        published: The date in B1.
        years: The years, in column order.
        years_at: Years in the row above the header (``above``, as downloaded) or in the header row itself,
            as numbers or as text, as in sheets saved by hand.
        unit: The unit of row 3.
    """
    entry = substances.substance(substance)
    rows: list[list[Cell]] = [
        ["Rapportnamn:", f"Länsrapport, {published.isoformat()}"],
        [f"Emissioner av {entry.name_sv}"],
        [f"Enhet: {unit}"],
    ]
    if entry.is_ghg and entry.code != "co2":
        rows.append([CO2E_LINE])
    rows.append([])
    if years_at == "above":
        rows.append([None, None, None, None, *years])
        rows.append([*KEY_WORDS, *([entry.smhi_code] * len(years))])
    else:
        rows.append([])
        rows.append([*KEY_WORDS, *(years if years_at == "header" else map(str, years))])
    return rows


def sector_names(code: str) -> tuple[str, str]:
    """(Huvudsektor, Undersektor) as the newest releases spell a sector."""
    return sectors.sectors()[code].spellings[0]


def build_workbook(
    rows: Iterable[Sequence[Cell]],
    *,
    sheet_name: str,
    copies: Sequence[str] = (),
    properties: Properties | None = None,
) -> bytes:
    """An xlsx file of one sheet, or of several that hold the same rows.

    Args:
        rows: Cells by row: text, numbers, or None for an empty cell; rows may differ in length.
        sheet_name: Name of the sheet.
        copies: Names of further sheets with the same rows.
        properties: Document properties.

    Returns:
        The bytes of the file; equal rows and properties give equal bytes.
    """
    strings: dict[str, int] = {}
    table = list(rows)
    letters = [column_letters(index) for index in range(max(map(len, table), default=0))]
    body = "".join(_row_xml(number, row, letters, strings) for number, row in enumerate(table, 1))
    about = properties or Properties()
    sheets = list(enumerate((sheet_name, *copies), start=1))
    parts = {
        "[Content_Types].xml": _content_types(len(sheets)),
        "_rels/.rels": _relationships(
            [
                ("rId1", f"{_REL_NS}/officeDocument", "xl/workbook.xml"),
                ("rId2", f"{_PACKAGE}/relationships/metadata/core-properties", PROPERTIES_PART),
            ]
        ),
        PROPERTIES_PART: _core(about),
        "xl/workbook.xml": (
            f'{_XML}<workbook xmlns="{_MAIN_NS}" xmlns:r="{_REL_NS}"><sheets>'
            + "".join(
                f'<sheet name="{escape(name, {chr(34): "&quot;"})}" sheetId="{at}" r:id="{_sheet_ref(at)}"/>'
                for at, name in sheets
            )
            + "</sheets></workbook>"
        ),
        "xl/_rels/workbook.xml.rels": _relationships(
            [
                (_sheet_ref(1), f"{_REL_NS}/worksheet", "worksheets/sheet1.xml"),
                ("rId2", f"{_REL_NS}/sharedStrings", "sharedStrings.xml"),
                *(
                    (_sheet_ref(at), f"{_REL_NS}/worksheet", f"worksheets/sheet{at}.xml")
                    for at, _ in sheets[1:]
                ),
            ]
        ),
        "xl/sharedStrings.xml": (
            f'{_XML}<sst xmlns="{_MAIN_NS}">'
            + "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in strings)
            + "</sst>"
        ),
        **{
            f"xl/worksheets/sheet{at}.xml": (
                f'{_XML}<worksheet xmlns="{_MAIN_NS}"><sheetData>{body}</sheetData></worksheet>'
            )
            for at, _ in sheets
        },
    }
    return _zip(parts)


def _sheet_ref(at: int) -> str:
    """The id of the relation to a sheet; the second is that of the shared strings."""
    return "rId1" if at == 1 else f"rId{at + 1}"


def _row_xml(number: int, row: Sequence[Cell], letters: list[str], strings: dict[str, int]) -> str:
    are_text = tuple([None if cell is None else isinstance(cell, str) for cell in row])
    values = [
        strings.setdefault(cell, len(strings)) if isinstance(cell, str) else cell
        for cell in row
        if cell is not None
    ]
    pattern = _row_pattern(are_text, tuple(letters[: len(are_text)]))
    return pattern.replace("#", str(number)) % tuple(values)


@cache
def _row_pattern(are_text: tuple[bool | None, ...], letters: tuple[str, ...]) -> str:
    """A row with ``#`` for its number and ``%r`` for every value, which is filled in at once."""
    cells = "".join(
        f'<c r="{letter}#"{_TEXT if is_text else ""}><v>%r</v></c>'
        for letter, is_text in zip(letters, are_text, strict=True)
        if is_text is not None
    )
    return f'<row r="#">{cells}</row>'


def _zip(parts: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in parts.items():
            info = zipfile.ZipInfo(name, date_time=_ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            info.create_system = 3
            archive.writestr(info, text.encode(), compresslevel=_LEVEL)
    return buffer.getvalue()


def _content_types(sheets: int) -> str:
    overrides = {
        "/xl/workbook.xml": f"{_OFFICE_TYPE}.spreadsheetml.sheet.main+xml",
        **{
            f"/xl/worksheets/sheet{at}.xml": f"{_OFFICE_TYPE}.spreadsheetml.worksheet+xml"
            for at in range(1, sheets + 1)
        },
        "/xl/sharedStrings.xml": f"{_OFFICE_TYPE}.spreadsheetml.sharedStrings+xml",
        f"/{PROPERTIES_PART}": "application/vnd.openxmlformats-package.core-properties+xml",
    }
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        + "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in overrides.items())
        + "</Types>"
    )


def _relationships(entries: Iterable[tuple[str, str, str]]) -> str:
    return (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        + "".join(f'<Relationship Id="{id_}" Type="{kind}" Target="{to}"/>' for id_, kind, to in entries)
        + "</Relationships>"
    )


def _core(about: Properties) -> str:
    return (
        f'{_XML}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{escape(about.title)}</dc:title><dc:creator>{escape(about.creator)}</dc:creator>"
        f"<dc:description>{escape(about.description)}</dc:description></cp:coreProperties>"
    )
