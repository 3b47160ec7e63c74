"""Reads the workbook of granted measures: the sheet with all columns, and one fact per row."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from klimatpuls.contract.releases import Parsed
from klimatpuls.domain.regions import UnknownRegionError, code_for, plain_name
from klimatpuls.files.archive_safety import check_workbook
from klimatpuls.files.values import day_from_text, number_of, text_of
from klimatpuls.files.workbook_cells import WINDOWS_DAY_ZERO, Unreadable, changed_on, day_zero, sheet_rows
from klimatpuls.sources.klimatklivet.page import SOURCE_ID, find_link, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


MAX_INFLATED: Final = 256 * 2**20
MAX_SHARED_TEXT: Final = 512 * 2**20
"""Three sheets of 33 000 rows have 900 000 cells of text, the longest of some 300 characters."""
EXCEL_EPOCH: Final = WINDOWS_DAY_ZERO
FIRST_DAY: Final = date(2015, 1, 1)
"""Klimatklivet began in 2015: no decision and no end is older."""
LAST_END: Final = date(2060, 12, 31)
"""No supported measure ends later: a later year is a typing error."""
DAYS_TO_PUBLICATION: Final = 7
"""The workbook comes about a week after the day it reaches to: no decision in it is younger."""
MAX_CHARGE_POINTS: Final = 1_000_000
COLUMNS: Final = {
    "Ärendenummer": "case_number",
    "Organisationsnamn": "organisation_name",
    "Rubrik": "title",
    "Åtgärdskategori": "category",
    "Län": "county_code",
    "Kommun": "region_code",
    "Senast tillgängligt beviljat stödbelopp (kr)": "amount_sek",
    "Summering Antal laddpunkter": "charge_point_count",
    "Laddinfra Publik/Icke-publik": None,
    "Bifallsdatum": "decided_on",
    "Senast tillgängligt slutdatum eller slutligt beslutsdatum": "ends_on",
    "Status": "status",
    "Förordning inom Klimatklivet": "regulation",
}
"""Column of the workbook → column of the fact; None where it is read and not kept."""
FACT_COLUMNS: Final = (
    "case_number", "organisation_name", "organisation_withheld", "title", "category", "county_code",
    "region_code", "amount_sek", "charge_point_count", "decided_on", "ends_on", "status", "regulation",
    "sheet_row",
)  # fmt: skip
_ALTERNATIVES: Final = {
    "Ärendenummer": r"(ärende|diarie)(nummer|nr\.?)",
    "Organisationsnamn": r"organisation|sökande( organisation)?|stödmottagare|företag(snamn)?",
    "Rubrik": r"titel|(projekt|ärende)(titel|rubrik)|åtgärdens rubrik|benämning",
    "Åtgärdskategori": r"(åtgärds)?kategori|åtgärdstyp|kategori av åtgärd",
    "Län": r"länsnamn|åtgärdens län|län \(.*\)",
    "Kommun": r"kommunnamn|åtgärdens kommun|kommun \(.*\)",
    "Senast tillgängligt beviljat stödbelopp (kr)": (
        r"(senast (tillgängligt )?)?(beviljat|beviljade) (stöd|stödbelopp|belopp|bidrag)"
        r"( ?[(,] ?(kr|sek|kronor)\.?\)?)?"
    ),
    "Summering Antal laddpunkter": r"(summerat |summa |totalt )?(antal )?laddpunkter( antal)?",
    "Laddinfra Publik/Icke-publik": r".*icke.?publik.*",
    "Bifallsdatum": r"(beslut|beviljande|bifalls?)s?datum|datum för (bifall|beslut|beviljande)",
    "Senast tillgängligt slutdatum eller slutligt beslutsdatum": r"(senast tillgängligt )?slutdatum.*",
    "Status": r"(ärende|åtgärds?)status|status (för|på) (åtgärd|ärende).*",
    "Förordning inom Klimatklivet": r"förordning.*",
}
"""Column → other names it may come to have, in lower case."""
_OPTIONAL: Final = {
    "Organisationsnamn",
    "Rubrik",
    "Län",
    "Summering Antal laddpunkter",
    "Laddinfra Publik/Icke-publik",
    "Senast tillgängligt slutdatum eller slutligt beslutsdatum",
    "Förordning inom Klimatklivet",
}
"""Columns without which no figure is wrong: they are empty then."""
_AMOUNT: Final = "Senast tillgängligt beviljat stödbelopp (kr)"
_OTHER_MONEY = re.compile(r"beviljat.*\b(tkr|mkr|mnkr|tusen|tusental|miljon\w*|ksek|msek|eur|euro)\b")
_HEAD_ROWS: Final = 30
_HEAD_COLUMNS: Final = 5
"""A row is the head when it has so many of the columns."""
# A legal form or a public body as a word of its own; "AB" in a surname is no word of its own.
_LEGAL_FORM = re.compile(
    r"(?<!\w)(ab|aktiebolag|aktiebolaget|hb|handelsbolag|kb|kommanditbolag|ek\.?\s?f[öo]r\.?"
    r"|brf|bostadsrättsförening\w*|bostadsförening\w*|hsb|riksbyggen|förening\w*|samfällighet\w*"
    r"|samfällighetsförening\w*|stiftelse\w*|kommun|kommunen|region|regionen|landsting\w*|universitet\w*"
    r"|högskola\w*|myndighet\w*|verket|församling\w*|pastorat\w*|kyrk\w*|as|a/s|oy|oyj|gmbh|ltd|plc|llc|bv|inc"
    r"|kommunalförbund\w*|länsstyrelsen|filial)(?!\w)"
    r"|\w+(aktiebolag|kommun|förening|föreningen|stiftelse|stiftelsen|samfällighet|universitet|församling)(?!\w)",
    re.IGNORECASE,
)


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn the workbook into one row per granted measure.

    A workbook given by hand, without the page, is dated by the day it was last changed.

    Returns:
        Rows of the fact ``grant``; amounts in SEK. A row without case number, category, status or day of
        decision, or that repeats a case number, is a reject; it carries no name.

    Raises:
        SourceFormatError: if the workbook cannot be read, or columns are missing or unknown (both are named).
    """
    if len(parts) == 1 and parts[0].startswith(b"PK"):
        changed, parts = changed_on(parts[0]), (b"", parts[0])
        if changed is None:
            refuse("no_publication_date", "the workbook does not say when it was last changed")
        published = changed
    elif len(parts) != 2:
        refuse("parts", f"expected the page and the workbook, found {len(parts)} parts")
    else:
        published = find_link(parts[0], "")[1]
    sheet = find_sheet(parts[1])
    reading = _Reading(places=sheet.head.places, zero=day_zero(parts[1]), published=published)
    rows: list[dict[str, Any]] = []
    rejects: list[tuple[int, str, str, str]] = []
    known: set[str] = set()
    for at, row in enumerate(sheet.cells[sheet.head.at + 1 :], start=sheet.head.at + 2):
        if not any(str(cell).strip() for cell in row):
            continue
        fact, reason, column = reading.fact(row)
        if not reason and fact["case_number"] in known:
            reason, column = "a case number that came before", "Ärendenummer"
        if reason:
            raw = "" if column in _NAMES else text_of(row[sheet.head.places[column]])
            rejects.append((at, column, raw, reason))
        else:
            known.add(fact["case_number"])
            rows.append({**fact, "sheet_row": at})
    if not rows and not rejects:
        refuse("empty", f"the sheet {sheet.name!r} has no row below its head")
    return Parsed(
        dataset=dataset,
        substance=None,
        unit="SEK",
        published_date=published,
        years=tuple(sorted({fact["decided_on"].year for fact in rows})),
        rows=_frame(rows),
        rejects=pd.DataFrame(rejects, columns=["sheet_row", "column_name", "raw_value", "reason"]).astype(
            {"sheet_row": "int64"}
        ),
        rows_read=len(rows) + len(rejects),
        notes=sheet.notes,
        losses=tuple(sheet.head.losses),
    )


_NAMES: Final = frozenset({"Organisationsnamn", "Rubrik"})
"""Columns whose text may name a person: never kept with a reject."""


def shown_name(name: str) -> str | None:
    """An organisation's name where it shows a legal form or a public body; None where it may be a person's.

    Example: ``Exempel AB`` → ``Exempel AB``; ``Exempelsson, Anna`` → None.
    """
    return name if name and _LEGAL_FORM.search(name) else None


@dataclass(frozen=True)
class Head:
    """The row of a sheet that names its columns.

    Attributes:
        at: Which row, from 0.
        places: Our name of a column → where it stands.
        missing: Columns without which figures would be wrong.
        unknown: Headings that are none of our columns.
        notes: What differs from the recorded columns.
        losses: Those of the notes about a column that is gone.
    """

    at: int
    places: Mapping[str, int]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    losses: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """The sheet that is read."""

    name: str
    cells: list[list[Any]]
    head: Head
    notes: tuple[str, ...]


def find_sheet(body: bytes) -> Sheet:
    """The sheet with all columns; of several the one with the most rows, else the first.

    Raises:
        SourceFormatError: if no sheet has a head, or none has all columns.
    """
    check_workbook(body, what=SOURCE_ID, max_inflated=MAX_INFLATED, max_shared_text=MAX_SHARED_TEXT)
    heights: dict[str, int] = {}
    starts: dict[str, list[list[Any]]] = {}
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            starts[name] = sheet.to_python(skip_empty_area=False, nrows=_HEAD_ROWS)
            heights[name] = sheet.height
    except (CalamineError, OSError, ValueError) as error:
        refuse("unreadable_workbook", f"the workbook cannot be opened ({error})")
    heads = {name: head for name, cells in starts.items() if (head := _head(cells)) is not None}
    if not heads:
        refuse(
            "header_not_found",
            f"no row of the first {_HEAD_ROWS} of any sheet holds {_HEAD_COLUMNS} of the columns "
            "Ärendenummer, Åtgärdskategori, Kommun …",
        )
    whole = [name for name, head in heads.items() if not head.missing]
    if not whole:
        first = next(iter(heads.values()))
        what = f"columns missing: {list(first.missing)}; unknown: {list(first.unknown) or 'none'}"
        refuse("columns", what)
    name = max(whole, key=heights.__getitem__)
    notes = list(heads[name].notes)
    if lacking := sorted(heads.keys() - set(whole)):
        notes.append(f"the sheets {lacking} lack columns and were not read")
    if len(different := {heights[one] for one in heads}) > 1:
        notes.append(f"the sheets have {sorted(different)} rows; {name!r} was read")
    return Sheet(name, sheet_rows(book, body, name), heads[name], tuple(notes))


def _head(cells: Sequence[Sequence[Any]]) -> Head | None:
    """The first row with enough of the columns, by their names or likely other ones."""
    for at, row in enumerate(cells):
        named = {place: text_of(cell) for place, cell in enumerate(row) if text_of(cell)}
        places, notes = _places(named)
        if len(places) >= _HEAD_COLUMNS:
            missing = [name for name in COLUMNS if name not in places]
            unknown = [name for place, name in named.items() if place not in places.values()]
            if _AMOUNT not in places:
                _check_money(unknown)
            losses = tuple(
                f"the column {name!r} is gone. What to do: if it has another name, add that to _ALTERNATIVES "
                "in klimatpuls/sources/klimatklivet/parser.py; all other columns were read"
                for name in missing
                if name in _OPTIONAL
            )
            notes += [f"the column {name!r} is new and was not read" for name in unknown]
            needed = tuple(name for name in missing if name not in _OPTIONAL)
            return Head(at, places, needed, tuple(unknown), (*losses, *notes), losses)
    return None


def _places(named: Mapping[int, str]) -> tuple[dict[str, int], list[str]]:
    """Our name of a column → where it stands; exact names go before likely ones, and the latter are noted."""
    exact = {plain_name(name): name for name in COLUMNS}
    places: dict[str, int] = {}
    for place, name in named.items():
        if plain_name(name) in exact:
            places.setdefault(exact[plain_name(name)], place)
    notes = []
    for column, pattern in _ALTERNATIVES.items():
        alike = [
            place
            for place, name in named.items()
            if place not in places.values() and re.fullmatch(pattern, plain_name(name))
        ]
        if column not in places and len(alike) == 1:
            places[column] = alike[0]
            notes.append(f"the column {column!r} is now called {named[alike[0]]!r}")
    return places, notes


def _check_money(unknown: Sequence[str]) -> None:
    for name in unknown:
        if _OTHER_MONEY.search(plain_name(name)):
            refuse("wrong_unit", f"the granted amounts are in another unit than kronor: {name!r}")


@dataclass(frozen=True)
class _Reading:
    """How the rows of a sheet are read.

    Attributes:
        places: Column → where it stands.
        zero: The day of serial number 0.
        published: The day the workbook reaches to.
    """

    places: Mapping[str, int]
    zero: date
    published: date

    def fact(self, row: Sequence[Any]) -> tuple[dict[str, Any], str, str]:
        """The fact of a row, or why it is none and in which column."""
        cell: dict[str, Any] = {name: row[place] for name, place in self.places.items()}
        for column, value in cell.items():
            if isinstance(value, Unreadable) and COLUMNS[column] is not None:
                return {}, value.reason, column
        cell = {name: cell.get(name, "") for name in COLUMNS}
        try:
            county, region = _place(text_of(cell["Län"]), text_of(cell["Kommun"]))
        except UnknownRegionError as error:
            return {}, str(error), "Kommun"
        name = shown_name(text_of(cell["Organisationsnamn"]))
        fact: dict[str, Any] = {
            "case_number": text_of(cell["Ärendenummer"]),
            "organisation_name": name,
            "organisation_withheld": name is None,
            # A title may repeat the name that is left out.
            "title": _title(
                text_of(cell["Rubrik"]), text_of(cell["Organisationsnamn"]), is_withheld=name is None
            ),
            "category": text_of(cell["Åtgärdskategori"]),
            "county_code": county,
            "region_code": region,
            "status": text_of(cell["Status"]),
            "regulation": text_of(cell["Förordning inom Klimatklivet"]) or None,
        }
        column = ""
        try:
            for column, key in _READ_AS_NUMBER.items():
                fact[key] = _number(cell[column])
            column = "Summering Antal laddpunkter"
            fact["charge_point_count"] = _whole(fact["charge_point_count"])
            column = "Bifallsdatum"
            last = self.published + timedelta(days=DAYS_TO_PUBLICATION)
            fact["decided_on"] = _within(_day(cell[column], self.zero), last)
            column = "Senast tillgängligt slutdatum eller slutligt beslutsdatum"
            fact["ends_on"] = _within(_day(cell[column], self.zero), LAST_END)
        except ValueError as error:
            return {}, str(error), column
        for column, key in _MUST_BE_THERE.items():
            if not fact[key]:
                return {}, "missing", column
        return fact, "", ""


_READ_AS_NUMBER: Final = {_AMOUNT: "amount_sek", "Summering Antal laddpunkter": "charge_point_count"}
_MUST_BE_THERE: Final = {
    "Ärendenummer": "case_number",
    "Åtgärdskategori": "category",
    "Status": "status",
    "Bifallsdatum": "decided_on",
}


def _place(county: str, municipality: str) -> tuple[str | None, str | None]:
    region = code_for(municipality, county or None) if municipality else None
    if county:
        return code_for(county), region
    return (region[:2] if region else None), region


def _title(title: str, name: str, *, is_withheld: bool) -> str | None:
    words = {word for word in re.findall(r"\w{3,}", plain_name(name))}
    if is_withheld and words & set(re.findall(r"\w{3,}", plain_name(title))):
        return None
    return title or None


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(FACT_COLUMNS))
    texts = ["case_number", "organisation_name", "title", "category", "county_code", "region_code", "status"]
    return frame.astype(
        {
            **dict.fromkeys([*texts, "regulation"], "str"),
            "organisation_withheld": "bool",
            "amount_sek": "float64",
            "charge_point_count": "Int64",
            "sheet_row": "int64",
        }
    )


def _number(cell: object) -> float | None:
    if not text_of(cell):
        return None
    value = number_of(cell)
    if value < 0:
        msg = "a negative number"
        raise ValueError(msg)
    return value


def _whole(value: float | None) -> float | None:
    if value is not None and not (value.is_integer() and value <= MAX_CHARGE_POINTS):
        msg = "not a whole number of charge points"
        raise ValueError(msg)
    return value


def _day(cell: object, zero: date) -> date | None:
    """The day of a cell: a date, a serial number from the workbook's day zero, or text."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    try:
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return zero + timedelta(days=int(cell))
        text = text_of(cell)
        return day_from_text(text) if text else None
    except (ValueError, OverflowError):
        msg = "not a date"
        raise ValueError(msg) from None


def _within(day: date | None, last: date) -> date | None:
    if day is not None and day < FIRST_DAY:
        msg = f"a day before {FIRST_DAY.year}, when Klimatklivet began ({day})"
        raise ValueError(msg)
    if day is not None and day > last:
        msg = f"a day after {last} ({day})"
        raise ValueError(msg)
    return day


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """Whether a file given by hand is the workbook of granted measures; None where it is not."""
    if not body.startswith(b"PK"):
        return None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        heads = [book.get_sheet_by_name(name).to_python(nrows=15) for name in book.sheet_names[:4]]
    except (CalamineError, OSError, ValueError):
        return None
    is_there = any(text_of(cell) == "Ärendenummer" for rows in heads for row in rows for cell in row)
    return (SOURCE_ID, None) if is_there else None
