"""Vehicles by municipality and fuel, from Trafikanalys: over its interface, and from its yearly workbook.

What is published: once a year, in February, vehicles in traffic at the end of the year and cars newly
registered during it.

The interface (``/api/data?query=t10026|…``) has cars. ``/api/structure`` lists years, areas and fuels; fuels
are told by code and label, since codes have moved. A question without filters has no rows, so each year is
asked for by its codes. Errors come with status 200 in ``Errors``; ``Cell`` may be one object instead of a
list; ``FormattedValue`` holds blanks between thousands, so ``Value`` is read; a row ``Totalt`` stands beside
the parts.

The workbook *Fordon i län och kommuner* has more: cars, light and heavy lorries and buses in traffic, cars
newly registered. Its tables are found by the words of their titles and their columns by the two-line heads,
Swedish above English. ``–`` is zero, ``..`` is missing; a county stands under its municipalities by name, the
nation is ``Hela riket``; vehicles of owners without a municipality (``Okänd kommun``) are in the nation only.
Its first sheets name people and are never read; of its document properties only the day it was last changed
is, which is the release's date.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NoReturn
from xml.etree import ElementTree as ET

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.regions import UnknownRegionError, code_for, plain_name, regions
from klimatpuls.releases import EXPECTED, Fetched, Look, Parsed
from klimatpuls.units import number_from_text
from klimatpuls.zipgate import check_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klimatpuls.http import PoliteSession

SOURCE_ID: Final = "trafa_vehicles"
WORKBOOK: Final = "trafa_vehicles_workbook"
PRODUCT: Final = "t10026"
MEASURES: Final = {"itrfslut": "in_traffic", "nyregunder": "newly_registered"}
TOTAL: Final = "t1"
FIRST_YEAR: Final = 2015
_FUEL_WORDS: Final = {
    "totalt": "total",
    "bensin": "petrol",
    "diesel": "diesel",
    "el": "electric",
    "elhybrid": "hybrid",
    "elhybrider": "hybrid",
    "laddhybrid": "plugin_hybrid",
    "laddhybrider": "plugin_hybrid",
    "elhybrider/laddhybrid": "hybrid_or_plugin",
    "elhybrider/laddhybrider": "hybrid_or_plugin",
    "etanol": "ethanol",
    "etanol/etanol flexifuel": "ethanol",
    "gas": "gas",
    "gas/gas flexifuel": "gas",
    "gas-komprimerad": "gas_compressed",
    "gas-flytande": "gas_liquid",
    "övriga": "other",
}
_TABLES: Final = (
    ("personbilar i trafik efter kommun och drivmedel", "passenger_car", "in_traffic"),
    ("nyregistrerade personbilar efter kommun och drivmedel", "passenger_car", "newly_registered"),
    ("lätta lastbilar i trafik efter kommun och drivmedel", "light_truck", "in_traffic"),
    ("tunga lastbilar i trafik efter kommun och drivmedel", "heavy_truck", "in_traffic"),
    ("bussar i trafik efter kommun och drivmedel", "bus", "in_traffic"),
)
"""Words of a table's title, the kind of vehicle, what is counted."""
_TITLE = re.compile(r"tabell \d+\.\s*(.*?)\.?\s*år (\d{4})", re.IGNORECASE)
_FOOTNOTE = re.compile(r"\d\)")
_HEAD_ROWS: Final = 10
_KEYS: Final = ("region_code", "vehicle_code", "fuel_code", "measure_code", "year")
_COLUMNS: Final = (*_KEYS, "vehicle_count", "sheet_row")
_REJECT_COLUMNS: Final = ("sheet_row", "column_name", "raw_value", "reason")
_ASKED: Final = frozenset({"ar", "regkom", "drivmedel", *MEASURES})
_Row = tuple[str, str, str, str, int, int, int]
_Reject = tuple[int, str, str, str]


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Ask the interface for every year it lists.

    Args:
        session: The polite session of this source.
        base_url: Such as ``https://api.trafa.se/api``.
        dataset: ``trafa_vehicles``; the workbook has no stable address and is given by hand.
        substance: None.
        as_of: The run's day, for messages.

    Returns:
        The structure, then one answer per year.

    Raises:
        NotYetPublished: if a replica has nothing as of its day.
        FetchError: if an answer did not come, or is an error with status 200.
    """
    base = base_url.rstrip("/")
    answers = [session.get(f"{base}/structure", params={"query": PRODUCT, "lang": "sv"})]
    try:
        structure = _values(_document(answers[0].body))
        for year in sorted(structure["ar"]):
            if year.isdecimal() and int(year) >= FIRST_YEAR:
                answers.append(
                    session.get(f"{base}/data", params={"query": _question(structure, year), "lang": "sv"})
                )
                _document(answers[-1].body)
    except SourceFormatError as error:
        msg = f"{SOURCE_ID}: no figures came: {error}"
        raise FetchError(msg) from error
    return Fetched(
        source=SOURCE_ID,
        dataset=dataset,
        substance=None,
        url=f"{base}/data?query={PRODUCT}",
        parts=tuple(answer.body for answer in answers),
        http={"answers": [answer.facts for answer in answers]},
        known_from=answers[0].known_from,
    )


def look(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Look:
    """Read which years, areas and fuels the interface lists; no figure is fetched."""
    answer = session.get(f"{base_url.rstrip('/')}/structure", params={"query": PRODUCT, "lang": "sv"})
    try:
        structure = _values(_document(answer.body))
    except SourceFormatError as error:
        raise FetchError(str(error)) from error
    active = _newest_day(_document(answer.body))
    seen = f"years to {max(structure['ar'])}, {len(structure['drivmedel'])} fuels, active from {active}"
    return Look(fingerprint=seen, detail=seen)


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn the interface's answers, or the workbook, into one row per area, vehicle, fuel, measure and year.

    Args:
        parts: Structure and answers, or one workbook; which of the two is told by the bytes.
        dataset: ``trafa_vehicles`` or ``trafa_vehicles_workbook``.
        substance: None.

    Returns:
        Rows of the fact ``vehicle``. Vehicles without a municipality and missing cells are expected rejects.

    Raises:
        SourceFormatError: if an answer is an error, a table or column is missing or nobody knows it, an area
            is unknown, or a cell occurs twice.
    """
    if not parts:
        _refuse("empty", "no answer to read")
    if parts[0].startswith(b"PK"):
        check_workbook(parts[0], what=SOURCE_ID)
        rows, rejects, published = _read_workbook(parts[0])
    else:
        rows, rejects, published = _read_answers(parts)
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    keys = list(_KEYS)
    if frame.empty:
        _refuse("empty", "no figure was found")
    if frame.duplicated(keys).any():
        twice = frame[frame.duplicated(keys, keep=False)][keys].head(5).to_records(index=False).tolist()
        _refuse("key_twice", f"cells that come twice: {twice}")
    return Parsed(
        dataset=dataset,
        substance=None,
        unit="vehicles",
        published_date=published,
        years=tuple(sorted(frame["year"].unique().tolist())),
        rows=frame.astype({name: "str" for name in keys[:4]}),
        rejects=pd.DataFrame(rejects, columns=list(_REJECT_COLUMNS)).astype({"sheet_row": "int64"}),
        rows_read=len(rows) + len(rejects),
    )


# ------------------------------------------------------------------------------------- the interface


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except ValueError:
        _refuse("not_json", f"expected JSON, found {body[:80]!r}")
    if not isinstance(document, dict):
        _refuse("not_json", "expected a JSON object")
    if document.get("Errors"):
        _refuse("service_error", f"the service answers with an error: {document['Errors']}")
    return document


def _values(structure: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Dimension → its codes with their labels, from a structure however deep it is nested."""
    found: dict[str, dict[str, str]] = {"ar": {}, "regkom": {}, "drivmedel": {}}
    stack = [(item, "") for item in structure.get("StructureItems") or []]
    while stack:
        item, above = stack.pop()
        name = str(item.get("Name", ""))
        if above in found:
            found[above][name] = str(item.get("Label", ""))
        stack += [(child, name if name in found else above) for child in item.get("StructureItems") or []]
    if missing := [name for name, values in found.items() if not values]:
        _refuse("structure", f"the structure of {PRODUCT} lists no values of {', '.join(missing)}")
    return found


def _question(structure: Mapping[str, Mapping[str, str]], year: str) -> str:
    areas = ",".join(code for code in sorted(structure["regkom"]) if code in regions())
    fuels = ",".join(sorted(structure["drivmedel"]))
    return "|".join([PRODUCT, *MEASURES, f"ar:{year}", f"regkom:{areas}", f"drivmedel:{fuels}"])


def _newest_day(structure: Mapping[str, Any]) -> str:
    return max((day for day in re.findall(r"\d{4}-\d{2}-\d{2}", json.dumps(structure))), default="")


def _read_answers(parts: Sequence[bytes]) -> tuple[list[_Row], list[_Reject], date]:
    structure, *answers = map(_document, parts)
    fuels = {code: _fuel(label) for code, label in _values(structure)["drivmedel"].items()}
    rows: list[_Row] = []
    rejects: list[_Reject] = []
    place = 0
    for answer in answers:
        for row in answer.get("Rows") or []:
            cells = row["Cell"] if isinstance(row["Cell"], list) else [row["Cell"]]
            by_column = {str(cell["Column"]): str(cell.get("Value") or "").strip() for cell in cells}
            _check_columns(by_column, fuels)
            for measure in MEASURES:
                if measure in by_column:
                    _take_answer(by_column, measure, fuels, place, rows, rejects)
                    place += 1
    year = max((row[4] for row in rows), default=FIRST_YEAR)
    active = _newest_day(structure)
    # The interface does not say when a year came: its newest date where that lies after the year, else the
    # day the figures are about.
    published = date.fromisoformat(active) if active[:4] > str(year) else date(year, 12, 31)
    return rows, rejects, published


def _check_columns(cells: Mapping[str, str], fuels: Mapping[str, str]) -> None:
    """Refuse a row whose columns or codes are not those of the question."""
    missing, unknown = sorted(_ASKED - cells.keys()), sorted(cells.keys() - _ASKED)
    if missing or unknown:
        _refuse("columns", f"columns missing: {missing or 'none'}; nobody knows: {unknown or 'none'}")
    if not (len(cells["ar"]) == 4 and cells["ar"].isdecimal()):
        _refuse("not_a_year", f"expected a year, found {cells['ar']!r}")
    if cells["drivmedel"] not in fuels:
        _refuse(
            "fuel",
            f"the fuel code {cells['drivmedel']!r} is not in the structure, which has {', '.join(fuels)}",
        )


def _take_answer(
    cells: Mapping[str, str],
    measure: str,
    fuels: Mapping[str, str],
    place: int,
    rows: list[_Row],
    rejects: list[_Reject],
) -> None:
    area, fuel, year, text = cells["regkom"], cells["drivmedel"], cells["ar"], cells[measure]
    column = f"{area} {fuel} {year} {measure}"
    count = _count(text)
    if area not in regions():
        rejects.append((place, column, text, f"{EXPECTED}no municipality ({area})"))
    elif count is None:
        rejects.append((place, column, text, _why_no_count(text)))
    else:
        rows.append((area, "passenger_car", fuels[fuel], MEASURES[measure], int(year), count, place))


# -------------------------------------------------------------------------------------- the workbook


def _read_workbook(body: bytes) -> tuple[list[_Row], list[_Reject], date]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        sheets = {name: book.get_sheet_by_name(name) for name in book.sheet_names[1:]}
    except (CalamineError, OSError, ValueError) as error:
        _refuse("unreadable_workbook", f"the workbook cannot be opened ({error})")
    rows: list[_Row] = []
    rejects: list[_Reject] = []
    wanted = {words: (vehicle, measure) for words, vehicle, measure in _TABLES}
    for sheet in sheets.values():
        cells = sheet.to_python(skip_empty_area=False)
        title = _title(cells)
        if title is not None and title[0] in wanted:
            _read_table(cells, *wanted.pop(title[0]), title[1], rows, rejects)
    if wanted:
        _refuse("table_missing", f"no sheet is titled {', '.join(sorted(wanted))}")
    return rows, rejects, _changed_on(body)


def _title(cells: Sequence[Sequence[Any]]) -> tuple[str, int] | None:
    text = " ".join(str(cells[0][0]).split()) if cells and cells[0] else ""
    found = _TITLE.match(text)
    return (found[1].casefold(), int(found[2])) if found else None


def _read_table(
    cells: Sequence[Sequence[Any]],
    vehicle: str,
    measure: str,
    year: int,
    rows: list[_Row],
    rejects: list[_Reject],
) -> None:
    head = next((at for at, row in enumerate(cells[:_HEAD_ROWS]) if _text(row[0]).startswith("Kommun")), None)
    first = next((at for at, row in enumerate(cells) if isinstance(row[0], float)), None)
    if head is None or first is None:
        _refuse(
            "header_not_found", f"table of {vehicle}: no head that begins with Kommun, or no row of figures"
        )
    fuels = _fuel_columns(cells[head:first], vehicle)
    for at, row in enumerate(cells[first:], start=first + 1):
        name = _text(row[0])
        if not name or _FOOTNOTE.match(name):
            continue
        area = _area(row, at)
        for column, fuel in fuels.items():
            where = f"{vehicle} {measure} {fuel}"
            count = _count(_text(row[column]))
            if area is None:
                reason = f"{EXPECTED}owner without a municipality"
                rejects.append((at, where, _text(row[column]), reason))
            elif count is None:
                text = _text(row[column])
                reason = (
                    f"{EXPECTED}no figure, symbol {text}" if text in ("..", ".") else "not a whole number"
                )
                rejects.append((at, where, text, reason))
            else:
                rows.append((area, vehicle, fuel, measure, year, count, at))


def _fuel_columns(head: Sequence[Sequence[Any]], vehicle: str) -> dict[int, str]:
    """Column → our fuel, from the Swedish lines of the head, which may break a word over two lines."""
    fuels: dict[int, str] = {}
    unknown = []
    for column in range(2, len(head[0])):
        lines = [_FOOTNOTE.sub("", _text(row[column])).strip() for row in head]
        swedish = [line for line in lines[:2] if line]
        if not swedish:
            continue
        fuel = _FUEL_WORDS.get("".join(swedish).casefold()) or _FUEL_WORDS.get(swedish[0].casefold())
        if fuel is None:
            unknown.append("".join(swedish))
        else:
            fuels[column] = fuel
    missing = {"petrol", "diesel", "electric", "total"} - set(fuels.values())
    if unknown or missing:
        _refuse(
            "columns",
            f"table of {vehicle}: columns nobody knows: {unknown or 'none'}; "
            f"missing: {sorted(missing) or 'none'}",
        )
    return fuels


def _area(row: Sequence[Any], at: int) -> str | None:
    """Our code of a row's area; None where its vehicles belong to no municipality or county."""
    name = _text(row[0])
    if isinstance(row[0], float):
        code = f"{int(row[0]):04d}"
        named = code_for(_text(row[1])) if code in regions() else None
        if named != code:
            _refuse("region", f"row {at}: code {code} is called {_text(row[1])!r}, which is {named}")
        return code
    if plain_name(name).startswith(("okän", "okänt")) or re.fullmatch(r"(\d\d|AA)AA", name):
        return None
    try:
        return code_for(name)
    except UnknownRegionError as error:
        _refuse("region", f"row {at}: {error}")


def _changed_on(body: bytes) -> date:
    """The day the workbook was last changed, of its document properties; the people in them are not read."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        try:
            root = ET.fromstring(archive.read("docProps/core.xml"))  # noqa: S314  (checked by the zip gate)
        except (KeyError, ET.ParseError):
            _refuse("no_publication_date", "the workbook does not say when it was last changed")
    changed = root.findtext("{http://purl.org/dc/terms/}modified") or ""
    if not re.match(r"\d{4}-\d{2}-\d{2}", changed):
        _refuse("no_publication_date", f"the workbook was last changed on {changed!r}, which is no date")
    return date.fromisoformat(changed[:10])


# -------------------------------------------------------------------------------------------- shared


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split()) if cell is not None else ""


def _count(text: str) -> int | None:
    """A whole number of vehicles; ``–`` is zero (the publisher's legend)."""
    if text == "–":
        return 0
    try:
        value = number_from_text(text)
    except ValueError:
        return None
    return int(value) if value == int(value) and value >= 0 else None


def _why_no_count(text: str) -> str:
    return f"{EXPECTED}no figure, symbol {text}" if text in ("..", ".") else "not a whole number"


def _fuel(label: str) -> str:
    fuel = _FUEL_WORDS.get(plain_name(label))
    if fuel is None:
        _refuse("fuel", f"the fuel {label!r} is known to nobody; known are {', '.join(_FUEL_WORDS)}")
    return fuel


def _refuse(rule: str, what: str) -> NoReturn:
    msg = f"{SOURCE_ID}: {what}. What to do: compare the kept bytes with the publisher's; nothing was loaded."
    raise SourceFormatError(msg, rule=rule, findings=(what,))


# --------------------------------------------------------------------------------------- given by hand

RECOGNISES: Final = (
    "the yearly workbook (xlsx) with tables by municipality and fuel, or JSON of the interface"
)


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """Whether a file given by hand is the yearly workbook or an answer of the interface.

    Returns:
        Dataset and substance, or None if it is something else.
    """
    if not body.startswith(b"PK"):
        return (SOURCE_ID, None) if _is_answer(body) else None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        found = any(_title(book.get_sheet_by_name(name).to_python(nrows=1)) for name in book.sheet_names)
    except (CalamineError, OSError, ValueError):
        return None
    return (WORKBOOK, None) if found else None


def _is_answer(body: bytes) -> bool:
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and bool({"StructureItems", "Rows"} & document.keys())
