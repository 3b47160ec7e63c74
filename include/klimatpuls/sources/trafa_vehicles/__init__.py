"""Vehicles by municipality and fuel, from Trafikanalys: over its interface, and from its yearly workbook.

What is published: once a year, in February, vehicles in traffic at the end of the year and cars newly
registered during it.

The interface (``/api/data?query=t10026|…``) has cars. A question without filters has no rows, a question
about municipalities (``regkom``) has rows only when it names counties (``reglan``) too, and one of more than
2 048 characters is refused by the server: each county is asked for by itself, a few years at a time. Errors
come with status 200 in ``Errors``. How its answers are read stands in
:mod:`klimatpuls.sources.trafa_vehicles.answers`.

The workbook *Fordon i län och kommuner* has more: cars, light and heavy lorries and buses in traffic, cars
newly registered. Its tables are found by the words of their titles and their columns by the two-line heads,
Swedish above English. ``–`` is zero, ``..`` is missing; a county stands under its municipalities by name, the
nation is ``Hela riket``; vehicles of owners without a municipality (``Okänd kommun``) are in the nation only.
Its first sheets name people and are never read; of its document properties only the day it was last changed
is, which is the release's date.

What is assumed about both, and what has been seen, stands in docs/sources/trafa_vehicles.md.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from klimatpuls.contract.releases import EXPECTED, Fetched, Parsed, Poll
from klimatpuls.domain.regions import UnknownRegionError, code_for, codes, plain_name
from klimatpuls.domain.units import day_from_text
from klimatpuls.errors import FetchError, KlimatpulsError, SourceFormatError
from klimatpuls.fetch.assumptions import Checked
from klimatpuls.files import workbook_cells as sheet_cells
from klimatpuls.files.archive_safety import check_workbook
from klimatpuls.sources.trafa_vehicles import answers as wire
from klimatpuls.sources.trafa_vehicles.answers import (
    DASHES,
    FIRST_YEAR,
    FUEL_WORDS,
    MEASURES,
    PRODUCT,
    SOURCE_ID,
    TOTAL,
    WHAT_TO_DO,
    count_of,
    day_of,
    document,
    product_of,
    refuse,
    text_of,
    values_of,
    why_no_count,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from klimatpuls.fetch.assumptions import Verdict
    from klimatpuls.fetch.http import Answer, PoliteSession

WORKBOOK: Final = "trafa_vehicles_workbook"
MAX_QUESTION: Final = 2_000
"""Characters of an encoded question; the server (IIS) refuses more than 2 048."""
YEARS_PER_QUESTION: Final = 5
NEWEST: Final = f"{PRODUCT}|itrfslut|ar:senaste"
"""The smallest question: one figure of the newest year."""
_TABLES: Final = (
    ("personbilar i trafik efter kommun och drivmedel", "passenger_car", "in_traffic"),
    ("nyregistrerade personbilar efter kommun och drivmedel", "passenger_car", "newly_registered"),
    ("lätta lastbilar i trafik efter kommun och drivmedel", "light_truck", "in_traffic"),
    ("tunga lastbilar i trafik efter kommun och drivmedel", "heavy_truck", "in_traffic"),
    ("bussar i trafik efter kommun och drivmedel", "bus", "in_traffic"),
)
"""Words of a table's title, the kind of vehicle, what is counted."""
_TITLE_ROWS: Final = 3
_TITLE = re.compile(r"tabell \d+[.:]?\s*(.*?)[.,]?\s*år (\d{4})", re.IGNORECASE)
_FOOTNOTE = re.compile(r"\d\)")
_HEAD_ROWS: Final = 10
_KEYS: Final = ("region_code", "vehicle_code", "fuel_code", "measure_code", "year")
_COLUMNS: Final = (*_KEYS, "vehicle_count", "sheet_row")
_REJECT_COLUMNS: Final = ("sheet_row", "column_name", "raw_value", "reason")
_Row = tuple[str, str, str, str, int, int, int]
_Reject = tuple[int, str, str, str]


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Ask the interface for every county, a few years at a time.

    Args:
        session: The polite session of this source.
        base_url: Such as ``https://api.trafa.se/api``.
        dataset: ``trafa_vehicles``; the workbook has no stable address and is given by hand.
        substance: None.
        as_of: The run's day; not needed.

    Returns:
        The structure, then one answer per county and block of years.

    Raises:
        NotYetPublished: if the mock agencies have nothing as of their day.
        FetchError: if an answer did not come, or is an error with status 200.
    """
    base = base_url.rstrip("/")
    answers = [_ask(session, base, "structure", PRODUCT)]
    try:
        for question in questions(values_of(document(answers[0].body))["ar"]):
            answers.append(_ask(session, base, "data", question))
            document(answers[-1].body)
    except SourceFormatError as error:
        msg = f"{SOURCE_ID}: no figures came: {error}"
        raise FetchError(msg) from error
    return Fetched(
        source=SOURCE_ID,
        dataset=dataset,
        substance=None,
        url=f"{base}/data?query={PRODUCT}",
        parts=tuple(answer.body for answer in answers),
        http={"answers": len(answers), "first": answers[0].facts},
        known_from=answers[0].known_from,
    )


def questions(listed: Iterable[str]) -> Iterator[str]:
    """The questions that together ask for every municipality, year and fuel.

    Args:
        listed: The years that the structure lists; where it lists none, all years are asked for at once.

    Yields:
        Text of the parameter ``query``; never longer than ``MAX_QUESTION`` once encoded.
    """
    years = iter(sorted(year for year in listed if year.isdecimal() and int(year) >= FIRST_YEAR))
    blocks = [f"ar:{','.join(first)}" for first in iter(lambda: list(islice(years, YEARS_PER_QUESTION)), [])]
    for county in codes("county"):
        for block in blocks or ["ar"]:
            question = "|".join([PRODUCT, *MEASURES, block, f"reglan:{county}", "regkom", "drivmedel"])
            if len(urlencode(_parameters(question))) > MAX_QUESTION:
                msg = (
                    f"{SOURCE_ID}: a question of more than {MAX_QUESTION} characters: {question}. Report it."
                )
                raise FetchError(msg)
            yield question


def _ask(session: PoliteSession, base: str, what: str, question: str) -> Answer:
    return session.get(f"{base}/{what}", params=_parameters(question))


def _parameters(question: str) -> dict[str, str]:
    return {"query": question, "lang": "sv"}


def poll(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Poll:
    """Ask for one figure of the newest year, and when it came; where that fails, read what is listed."""
    base = base_url.rstrip("/")
    try:
        answer = document(_ask(session, base, "data", NEWEST).body)
    except SourceFormatError:
        answer = {}
    if answer.get("Rows"):
        came, coming = day_of(answer, "ActiveFrom"), day_of(answer, "NextPublishDate")
        year, count = _newest(answer)
        seen = f"{count} cars in traffic {year}, in force from {came}, next expected {coming}"
        return Poll(fingerprint=seen, detail=seen)
    try:
        structure = document(_ask(session, base, "structure", PRODUCT).body)
    except SourceFormatError as error:
        raise FetchError(str(error)) from error
    values = values_of(structure)
    active = day_of(product_of(structure) or {}, "ActiveFrom")
    newest = max(values["ar"], default="none")
    seen = f"years to {newest}, {len(values['drivmedel'])} fuels, active from {active}"
    return Poll(fingerprint=seen, detail=seen)


def _newest(answer: Mapping[str, Any]) -> tuple[str, str]:
    """Year and figure of the one row of an answer, as they are written."""
    found: dict[str, str] = {}
    for row in wire.rows_of(answer):
        for cell in wire.cells_of(row):
            found.setdefault(str(cell.get("Column")), str(cell.get("Value") or cell.get("Name")))
    return found.get("ar", "of no stated year"), found.get("itrfslut", "no figure of")


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn the interface's answers, or the workbook, into one row per area, vehicle, fuel, measure and year.

    Args:
        parts: Structure and answers, or one workbook; which of the two is told by the bytes.
        dataset: ``trafa_vehicles`` or ``trafa_vehicles_workbook``.
        substance: None.

    Returns:
        Rows of the fact ``vehicle``. Vehicles without a municipality and missing cells are expected rejects.
        ``notes`` say what was met that is not as recorded.

    Raises:
        SourceFormatError: if an answer is an error, a table or column is missing or nobody knows it, an area
            is unknown, or a cell occurs twice.
    """
    if not parts:
        refuse("empty", "no answer to read")
    if parts[0].startswith(b"PK"):
        check_workbook(parts[0], what=SOURCE_ID)
        rows, rejects, published, notes, losses = _read_workbook(parts[0])
    else:
        found = wire.read(parts)
        rows, rejects, published = found.rows, found.rejects, found.published
        notes, losses = list(found.notes), list(found.losses)
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    keys = list(_KEYS)
    if frame.empty:
        refuse("empty", "no figure was found")
    if frame.duplicated(keys).any():
        twice = frame[frame.duplicated(keys, keep=False)][keys].head(5).to_records(index=False).tolist()
        refuse("key_twice", f"cells that come twice: {twice}")
    return Parsed(
        dataset=dataset,
        substance=None,
        unit="vehicles",
        published_date=published,
        years=tuple(sorted(frame["year"].unique().tolist())),
        rows=frame.astype({name: "str" for name in keys[:4]}),
        rejects=pd.DataFrame(rejects, columns=list(_REJECT_COLUMNS)).astype({"sheet_row": "int64"}),
        rows_read=len(rows) + len(rejects),
        notes=tuple(notes),
        losses=tuple(losses),
    )


# -------------------------------------------------------------------------------------- the workbook


def _read_workbook(body: bytes) -> tuple[list[_Row], list[_Reject], date, list[str], list[str]]:
    """Rows, rejects, day, what was met, and which of it tells of a part that is missing."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        titles = {name: _title(_first_rows(book, name)) for name in book.sheet_names[1:]}
    except (CalamineError, OSError, ValueError) as error:
        refuse("unreadable_workbook", f"the workbook cannot be opened ({error})")
    rows: list[_Row] = []
    rejects: list[_Reject] = []
    notes: list[str] = []
    losses: list[str] = []
    wanted = {words: (vehicle, measure) for words, vehicle, measure in _TABLES}
    for name, title in titles.items():
        if title is not None and title[0] in wanted:
            vehicle, measure = wanted.pop(title[0])
            cells = sheet_cells.sheet_rows(book, body, name)
            table = _Table(vehicle=vehicle, measure=measure, year=title[1], notes=notes, losses=losses)
            table.read(cells, rows, rejects)
    if _TABLES[0][0] in wanted:
        refuse("table_missing", f"no sheet is titled {', '.join(sorted(wanted))}")
    losses += [
        f"no sheet is titled {words!r}: its vehicles are missing. What to do: if the workbook has them under "
        "another title, add it to _TABLES in klimatpuls/sources/trafa_vehicles.py"
        for words in sorted(wanted)
    ]
    published, said = _changed_on(body, max((row[4] for row in rows), default=FIRST_YEAR))
    return rows, rejects, published, [*losses, *notes, *said], losses


def _first_rows(book: CalamineWorkbook, name: str) -> list[list[Any]]:
    return book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=_TITLE_ROWS)


def _title(cells: Sequence[Sequence[Any]]) -> tuple[str, int] | None:
    """Words and year of a table's title, which stands in one of the first rows."""
    for row in cells[:_TITLE_ROWS]:
        found = _TITLE.match(text_of(row[0]) if row else "")
        if found:
            return found[1].casefold(), int(found[2])
    return None


@dataclass(frozen=True)
class _Table:
    """One table of the workbook: which it is, and where what was met and what is missing are noted."""

    vehicle: str
    measure: str
    year: int
    notes: list[str]
    losses: list[str]

    def read(self, cells: Sequence[Sequence[Any]], rows: list[_Row], rejects: list[_Reject]) -> None:
        """Take every cell of the table.

        Raises:
            SourceFormatError: if its head or an area is not found.
        """
        starts = (at for at, row in enumerate(cells[:_HEAD_ROWS]) if text_of(row[0]).startswith("Kommun"))
        head = next(starts, None)
        first = next((at for at, row in enumerate(cells) if _holds_figures(row)), None)
        if head is None or first is None or first <= head:
            refuse(
                "header_not_found",
                f"table of {self.vehicle}: no head that begins with Kommun, or no row of figures",
            )
        fuels = self._fuel_columns(cells[head:first])
        if any(isinstance(row[0], str) and _code(row[0]) for row in cells[first:]):
            self.notes.append(f"table of {self.vehicle}, {self.measure}: codes written as text were read")
        for at, row in enumerate(cells[first:], start=first + 1):
            name = text_of(row[0])
            if name and not _FOOTNOTE.match(name):
                area = _area(row, at)
                for column, fuel in fuels.items():
                    self._take(area, fuel, text_of(row[column]), at, rows, rejects)

    def _take(
        self, area: str | None, fuel: str, text: str, at: int, rows: list[_Row], rejects: list[_Reject]
    ) -> None:
        count = 0 if text in DASHES and text else count_of(text)  # a dash is zero: the publisher's legend
        where = f"{self.vehicle} {self.measure} {fuel}"
        if area is None:
            rejects.append((at, where, text, f"{EXPECTED}owner without a municipality"))
        elif count is None:
            rejects.append((at, where, text, why_no_count(text)))
        else:
            rows.append((area, self.vehicle, fuel, self.measure, self.year, count, at))

    def _fuel_columns(self, head: Sequence[Sequence[Any]]) -> dict[int, str]:
        """Column → our fuel, from the Swedish lines of the head, which may break a word over two lines.

        A column nobody knows is left out and noted: its vehicles are in the total only.
        """
        fuels: dict[int, str] = {}
        unknown = []
        for column in range(2, len(head[0])):
            lines = [_FOOTNOTE.sub("", text_of(row[column])).strip() for row in head]
            swedish = [line for line in lines[:2] if line]
            if not swedish:
                continue
            fuel = FUEL_WORDS.get("".join(swedish).casefold()) or FUEL_WORDS.get(swedish[0].casefold())
            if fuel is None:
                unknown.append("".join(swedish))
            else:
                fuels[column] = fuel
        missing = {"petrol", "diesel", "electric", "total"} - set(fuels.values())
        if missing:
            refuse(
                "columns",
                f"table of {self.vehicle}: columns nobody knows: {unknown or 'none'}; "
                f"missing: {sorted(missing)}",
            )
        table = f"table of {self.vehicle}, {self.measure}"
        self.losses.extend(
            f"{table}: nobody knows the fuel {name!r}: it is in the total only. {WHAT_TO_DO}"
            for name in unknown
        )
        return fuels


def _holds_figures(row: Sequence[Any]) -> bool:
    return bool(_code(row[0])) or any(isinstance(cell, int | float) for cell in row[2:])


def _code(cell: object) -> str:
    """The code of a municipality in the first column, written as a number or as text; else an empty text."""
    text = text_of(cell)
    return text.zfill(4) if re.fullmatch(r"\d{3,4}", text) else ""


def _area(row: Sequence[Any], at: int) -> str | None:
    """Our code of a row's area; None where its vehicles belong to no municipality or county."""
    name, code = text_of(row[0]), _code(row[0])
    if plain_name(name).startswith(("okän", "okänt")) or re.fullmatch(r"(\d\d|AA)AA", name):
        return None
    try:
        named = code_for(text_of(row[1]) if code else name)
    except UnknownRegionError as error:
        refuse("region", f"row {at}: {error}")
    if code and named != code:
        refuse("region", f"row {at}: code {code} is called {text_of(row[1])!r}, which is {named}")
    return named


def _changed_on(body: bytes, year: int) -> tuple[date, list[str]]:
    """The day the workbook was last changed, of its document properties; the people in them are not read.

    Where they state none, or one before the year was over, it is dated by the end of that year.
    """
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        try:
            root = ET.fromstring(archive.read("docProps/core.xml"))  # noqa: S314  (checked by the zip gate)
            changed = root.findtext("{http://purl.org/dc/terms/}modified") or ""
        except (KeyError, ET.ParseError):
            changed = ""
    try:
        day = day_from_text(changed)
    except ValueError:
        day = date.min
    if day.year > year:
        return day, []
    return date(year, 12, 31), [
        f"the workbook says it was last changed on {changed or 'no day'}: dated by the end of {year}"
    ]


# ---------------------------------------------------------------------------------------------- checking

_REPORT: Final = "compare the answer with https://www.trafa.se/sidor/oppen-data-api/ and report it"
_READ_ALL_THE_SAME: Final = "none: the parser reads this form too"
_COUNTY: Final = "09"
"""Gotland: one municipality, the smallest question about all of a county."""


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Ask for the structure and for one county and year, and compare the answers with what is assumed.

    Args:
        session: The polite session of this source.
        base_url: Such as ``https://api.trafa.se/api``.
        as_of: The day of the check.

    Yields:
        One result per assumption. No error is raised: a question that fails is a result ``fails``.
    """
    base = base_url.rstrip("/")
    try:
        structure = document(_ask(session, base, "structure", PRODUCT).body)
        years = sorted(year for year in values_of(structure)["ar"] if year.isdecimal())
        yield _checked(
            f"the structure of {PRODUCT} lists the years",
            f"{years[0]} to {years[-1]}" if years else "no year",
            "holds" if years else "differs",
            "none: all years are asked for at once",
        )
        year = years[-1] if years else str(as_of.year - 2)
        question = "|".join([PRODUCT, *MEASURES, f"ar:{year}", f"reglan:{_COUNTY}", "regkom", "drivmedel"])
        answer = document(_ask(session, base, "data", question).body)
        yield from _check_answer(answer, question)
    except KlimatpulsError as error:
        yield _checked("the interface answers questions about cars", str(error), "fails", "see the answer")
        return
    try:
        without = question.replace(f"|reglan:{_COUNTY}", "")
        found = wire.rows_of(document(_ask(session, base, "data", without).body))
        said = f"{len(found)} rows"
    except KlimatpulsError as error:
        found, said = [], str(error)
    yield _checked(
        "a question about municipalities has rows only when it names a county",
        said,
        "differs" if found else "holds",
        "none: the county is always named",
    )


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


def _check_answer(answer: Mapping[str, Any], question: str) -> Iterator[Checked]:
    rows = wire.rows_of(answer)
    try:
        found = wire.read([b"{}", json.dumps({**answer, "Errors": None}).encode()])
        verdict: Verdict = "holds" if found.rows else "fails"
        said = f"{len(rows)} rows, {len(found.rows)} figures; {'; '.join(found.notes) or 'nothing unusual'}"
    except SourceFormatError as error:
        verdict, said = "fails", str(error)
    yield _checked(f"'{question}' brings the cars of a municipality by fuel", said, verdict, _REPORT)
    cells = [cell for row in rows for cell in wire.cells_of(row)]
    names = {text_of(cell.get("Name")) for cell in cells if cell.get("Column") == "regkom"}
    is_code = any(re.fullmatch(r"\d{4}", name) for name in names)
    yield _checked(
        "Name holds the code of a municipality, Value its name",
        f"Name: {', '.join(sorted(names)) or 'none'}",
        "holds" if is_code else "differs" if cells else "fails",
        _READ_ALL_THE_SAME if cells else _REPORT,
    )
    fuels = {text_of(cell.get("Name")): text_of(cell.get("Value")) for cell in cells
             if cell.get("Column") == "drivmedel"}  # fmt: skip
    unknown = sorted(fuels.keys() - wire.FUEL_CODES.keys())
    yield _checked(
        f"the fuels are {', '.join(wire.FUEL_CODES)}",
        f"{len(fuels)} fuels" + "".join(f", unknown {code} {fuels[code]}" for code in unknown),
        "holds" if fuels and TOTAL in fuels and not unknown else "differs" if fuels else "fails",
        "a fuel nobody knows is in the total only: add it to klimatpuls.sources.trafa_vehicles.answers"
        if fuels
        else _REPORT,
    )
    came = day_of(answer, "ActiveFrom")
    yield _checked(
        "the answer says from when it is in force (ActiveFrom)",
        f"{came or answer.get('ActiveFrom')}, next {day_of(answer, 'NextPublishDate')}",
        "holds" if came else "differs",
        "none: the structure's day is taken, else the end of the year",
    )


def _checked(assumption: str, answer: str, verdict: Verdict, action: str) -> Checked:
    return Checked(
        assumption=assumption, answer=answer, verdict=verdict, action="" if verdict == "holds" else action
    )
