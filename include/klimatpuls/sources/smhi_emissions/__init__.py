"""SMHI's national emission database: one workbook per substance, every municipality since 1990.

The publisher's file. ``GET /api/getexcelfile/?county=0&municipality=0&sub=GGT`` answers with one sheet::

    Rapportnamn: | Länsrapport, 2024-04-18
    Emissioner av Koldioxid (CO2)
    Enhet: ton/år
    (CO2-ekv. efter ämnesnamn innebär …: one more line for greenhouse gases)

                                                       1990     2000   …
    Huvudsektor  | Undersektor | Län       | Kommun  | CO2    | CO2   …
    Alla         | Alla        | Alla      | Alla    | 57 880 523,5 …

One row per (Huvudsektor, Undersektor) × (nation + 21 counties + 290 municipalities), names without codes;
``Alla`` marks a sum. The date in B1 is the dataset's own, not the day of download.

When it changes. Once a year, in April or May, the whole series back to 1990, often corrected without notice
within weeks. Years are sparse and come and go (2016–2019 left in 2026).

Oddities handled. The header is found by its four words, in whichever shown sheet has them, since it stands
one row lower for greenhouse gases; years stand in a row above it or, in a sheet saved by hand, in the header
row itself, as numbers or text. The same table is read from CSV (2021: semicolons, decimal comma). Sector
names are misspelt in some releases (``reference/sectors.csv``). Numbers may be text with a decimal comma, a
U+2212 minus or ``7,33347×10^−05`` (2021). A footer may repeat the report's name. A cell that is no number
becomes a reject with its row and column.

What is refused: whatever would make a figure wrong. A main sector or a region that nobody knows refuses the
workbook. A sub-sector that nobody knows is left out with a note, its cells counted as expected rejects: no
other figure is made of it. A named column that is no year is left out with a note; a value column without a
year, or a year that is lost in a heading, refuses. docs/sources/smhi_emissions.md lists what was seen and
what is assumed.

Units. A greenhouse gas is ``ton/år``, and any other unit refuses it. No workbook of an air pollutant has been
seen: its unit is read from the sheet, any mass per year is converted to tonnes, anything else refuses it.

The endpoint is undocumented: ``klimatpuls ingest FILE`` takes a workbook by hand on the day it dies.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from klimatpuls.contract.releases import EXPECTED, Fetched, Parsed
from klimatpuls.domain import regions, sectors, substances
from klimatpuls.domain.regions import plain_name
from klimatpuls.domain.units import SHORT_MONTHS, number_from_text, plain_unit, tonnes_per_unit
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.fetch.assumptions import Checked
from klimatpuls.fetch.http import StatusError, poll_file
from klimatpuls.files import isolation
from klimatpuls.files.archive_safety import MAX_ENTRIES, check_workbook, looks_like
from klimatpuls.files.csv_text import csv_rows
from klimatpuls.files.workbook_cells import column_index, column_letters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from klimatpuls.contract.releases import Poll
    from klimatpuls.fetch.http import PoliteSession

SOURCE: Final = "smhi_emissions"
PATH: Final = "/api/getexcelfile/"
GONE_STATUS: Final = frozenset({404, 410})
HEADER_SEARCH_ROWS: Final = 60
RECOGNISES: Final = (
    "a workbook (xlsx) or CSV with a line 'Emissioner av …' and a header with the words "
    "Huvudsektor, Undersektor, Län, Kommun"
)
KEY_WORDS: Final = ("Huvudsektor", "Undersektor", "Län", "Kommun")

MISSING_VALUE: Final = "missing value"
NOT_A_NUMBER: Final = "not a number"
DUPLICATE: Final = "duplicate"
UNKNOWN_SUBSECTOR: Final = f"{EXPECTED}a sub-sector nobody knows"

DIOXINS: Final = "dioxin"
"""The one substance that is weighed in toxic equivalents."""

_ALL: Final = "Alla"
_HEAD_BYTES: Final = 2**17
_WHOLE_PART_BYTES: Final = 64 * 2**20
_YEAR = re.compile(r"(?:år )?((?:19|20)\d\d)(?:[.,]0+)?(?: ?\*+| ?\(?prel[a-zåäö]*\.?\)?)?", re.IGNORECASE)
_YEAR_INSIDE = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_YEAR_ROWS_ABOVE: Final = 3
_DAY_FORMS: Final = (
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<d>\d{1,2})[./-](?P<m>\d{1,2})[./-](?P<y>(?:19|20)\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?!\d)"),
    re.compile(
        r"(?<!\d)(?P<d>\d{1,2}):?e? (?P<name>[a-z]{3,9})\.? (?P<y>(?:19|20)\d\d)(?!\d)", re.IGNORECASE
    ),
)
_ENGLISH_MONTHS: Final = {"may": 5, "oct": 10}
_FIRST_SERIAL, _LAST_SERIAL = 36_526, 73_050
"""Days since 1899-12-30 of 2000-01-01 and 2099-12-31: a date that lost its format."""
_UNIT_IN_BRACKETS = re.compile(r"\(([^()]*(?:/ ?| per )år[^()]*)\)", re.IGNORECASE)
_EQUIVALENTS = re.compile(r"[ (]*\bco2-? ?e(?:kv[a-z]*\.?|q\.?)?\b\)?\.?", re.IGNORECASE)
_ENGLISH_UNIT: Final = {"tonnes": "ton", "tonne": "ton", "tons": "ton", "year": "år", "yr": "år", "a": "år"}
_ALIKE: Final = 0.85
"""How alike two names must be to be one misspelt; no two of the nine main sectors are 0.6 alike."""

Row = list[Any]
"""One sheet row as the reader hands it out: str, float, int, bool or a date per cell, '' where empty."""


@dataclass(frozen=True, slots=True)
class Preamble:
    """What the lines above the table say.

    Attributes:
        substance: Our code of the substance.
        unit: Unit as written, such as ``ton/år``.
        published_date: The dataset's own date (B1).
        notes: What was written in another form than recorded, one sentence each.
    """

    substance: str
    unit: str
    published_date: date
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Table:
    header_row: int
    keys: tuple[int, int, int, int]
    years: tuple[int, ...]
    year_columns: tuple[int, ...]
    notes: tuple[str, ...]


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Ask the agency for its newest workbook of one substance.

    Args:
        session: The polite session of this source; it retries and caps the body's size.
        base_url: Such as ``https://nationellaemissionsdatabasen.smhi.se``.
        dataset: Catalogue id of the dataset.
        substance: Our substance code.
        as_of: The run's day, for messages: the agency has no such parameter and always answers with its
            newest workbook.

    Returns:
        The bytes of one workbook, whatever they are; :func:`parse` checks them.

    Raises:
        UsageError: if there is no such substance.
        NotYetPublished: if the mock agencies have nothing published as of their day.
        FetchError: if no complete answer with status 200 came.
    """
    entry = substances.substance(substance or "")
    query = {"county": "0", "municipality": "0", "sub": entry.smhi_code}
    try:
        answer = session.get(f"{base_url.rstrip('/')}{PATH}", params=query)
    except StatusError as error:
        if error.status not in GONE_STATUS:
            raise
        msg = (
            f"{SOURCE} {entry.code} as of {as_of.isoformat()}: the workbook's address is gone ({error}). It "
            "is undocumented and may have moved: download the workbook by hand and run "
            "'klimatpuls ingest FILE'."
        )
        raise FetchError(msg) from error
    return Fetched(
        source=SOURCE,
        dataset=dataset,
        substance=substance,
        url=answer.url,
        parts=(answer.body,),
        http=answer.facts,
        known_from=answer.known_from,
    )


def poll(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Poll:
    """Ask for the workbook on the condition that it changed; where the service knows no conditions, hash it.

    Nobody has recorded which headers the service sends. With an ETag or a date it answers 304 and no body;
    without, the two megabytes of a workbook are read and their hash is the fingerprint.

    Args:
        session: The polite session of this source.
        base_url: As for :func:`fetch`.
        dataset: Catalogue id of the dataset.
        substance: Our substance code.
        as_of: The run's day, for messages.
        validators: ``ETag`` and ``Last-Modified`` of the last look, where the service sent them.

    Raises:
        NotYetPublished: if the mock agencies have nothing published as of their day.
        FetchError: if no complete answer came.
    """
    entry = substances.substance(substance or "")
    query = {"county": "0", "municipality": "0", "sub": entry.smhi_code}
    return poll_file(session, f"{base_url.rstrip('/')}{PATH}", query, validators)


def read_preamble(body: bytes, *, what: str = SOURCE) -> Preamble:
    """Substance, unit and publisher's date of a workbook, whatever its file is called.

    Only the head of a sheet is inflated where that is enough, so that it costs milliseconds; the table is not
    checked.

    Raises:
        SourceFormatError: as :func:`parse`.
    """
    head = _head_of(body)
    if head is not None:
        try:
            return _found(head, what, None)[3]
        except SourceFormatError:
            pass  # What stands in the way may be the cut: the whole file decides.
    return _found(body, what, None)[3]


def _head_of(body: bytes) -> bytes | None:
    """The same workbook with its sheets cut after the first rows; None where it has no sheet to cut."""
    head, is_cut = io.BytesIO(), False
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as whole, zipfile.ZipFile(head, "w") as cut:
            for name in whole.namelist()[:MAX_ENTRIES]:
                with whole.open(name) as part:
                    text = part.read(_HEAD_BYTES)
                    end = text.rfind(b"</row>")
                    if len(text) < _HEAD_BYTES or end < 0:
                        text += part.read(_WHOLE_PART_BYTES)
                    else:
                        is_cut, text = True, text[: end + len(b"</row>")] + b"</sheetData></worksheet>"
                cut.writestr(name, text)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError):
        return None
    return head.getvalue() if is_cut else None


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """Dataset and substance of a file given by hand; None where it has not this table.

    Raises:
        SourceFormatError: if it has the table, and its substance or date cannot be told.
    """
    try:
        preamble = _found(body, SOURCE, None)[3]
    except SourceFormatError as error:
        if error.rule in {"unexpected_substance", "published_date_not_found"}:
            raise
        return None
    is_ghg = substances.substance(preamble.substance).is_ghg
    return (SOURCE if is_ghg else "smhi_air_pollutants"), preamble.substance


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """The facts of one workbook or CSV file, tidy.

    Args:
        parts: The file, as the only part.
        dataset: Catalogue id of the dataset, for the release's name.
        substance: Our code of the substance asked for; None takes whatever the workbook says it is.

    Returns:
        One row per region × sector × year in ``rows`` (in tonnes: ``emissions`` for greenhouse gases,
        ``emissions_t`` for air pollutants), one row per refused cell in ``rejects``; ``rows_read`` is the
        number of both. ``unit`` is what the workbook states.

    Raises:
        SourceFormatError: when the bytes are no SMHI workbook of this substance. Rules: those of
            :func:`klimatpuls.files.archive_safety.check_workbook`, ``unreadable_workbook``,
            ``header_not_found``, ``unexpected_column``, ``duplicate_year``, ``published_date_not_found``,
            ``unexpected_substance``, ``unexpected_unit``, ``unknown_names``, ``no_data_rows``.
    """
    what = f"{SOURCE} {substance or 'workbook'}"
    if len(parts) != 1:
        msg = f"{what}: expected one workbook, found {len(parts)} parts"
        raise SourceFormatError(msg, rule="not_a_workbook")
    if parts[0].startswith(b"PK"):
        check_workbook(parts[0], what=what)
    _, rows, table, preamble, sheet_notes = _found(parts[0], what, substance)
    what = f"{SOURCE} {preamble.substance} {preamble.published_date.isoformat()}"
    _check_substance(preamble, rows[table.header_row], table, substance, what)
    unit, in_tonnes = _unit(preamble, what)

    data, sheet_rows = _data_rows(rows, table, what)
    data, sheet_rows, left_out, renamed, sector_notes, losses = _known_sectors(data, sheet_rows, table)
    region_codes, sector_codes, names = _codes(data, sheet_rows, table, renamed, what)
    values, rejects, text_cells = _values(data, sheet_rows, table)
    repeated = _repeated(region_codes, sector_codes)
    rejects += _reject_rows(data, sheet_rows, table, repeated, {(row, name) for row, name, *_ in rejects})
    values[repeated] = np.nan

    values = values * in_tonnes.numerator / in_tonnes.denominator
    measure = "emissions" if substances.substance(preamble.substance).is_ghg else "emissions_t"
    frame = _tidy(region_codes, sector_codes, table.years, values, sheet_rows, measure)
    notes = (
        *sheet_notes,
        *table.notes,
        *preamble.notes,
        *sector_notes,
        *losses,
        *names,
        *_notes(text_cells, preamble, unit, region_codes),
    )
    return Parsed(
        dataset=dataset,
        substance=preamble.substance,
        unit=unit,
        published_date=preamble.published_date,
        years=tuple(sorted(table.years)),
        rows=frame,
        rejects=_reject_frame([*rejects, *left_out]),
        rows_read=values.size + len(left_out),
        notes=notes,
        losses=tuple(losses),
    )


@dataclass(frozen=True, slots=True)
class Sheet:
    """The table of a workbook as it stands in its sheet, to find a figure again.

    Attributes:
        name: Name of the sheet.
        columns: Year → letters of its column.
        rows: Every row of the sheet from its first, each a list of cells.
    """

    name: str
    columns: Mapping[int, str]
    rows: Sequence[Row]

    def cell(self, sheet_row: int, year: int) -> Any:
        """What stands in a year's column in a row (the first is 1), as the reader hands it out."""
        return self.rows[sheet_row - 1][column_index(self.columns[year])]


def read_places(body: bytes, substance: str | None = None) -> Sheet:
    """Where in a workbook the figures of each year stand.

    Args:
        body: The bytes of a workbook that :func:`parse` has accepted.
        substance: Our code of the substance it was accepted as.

    Returns:
        The sheet; its rows count as ``sheet_row`` does.

    Raises:
        SourceFormatError: if it is no such workbook.
    """
    name, rows, table, *_ = _found(body, SOURCE, substance)
    columns = dict(zip(table.years, map(column_letters, table.year_columns), strict=True))
    return Sheet(name=name, columns=columns, rows=rows)


# ------------------------------------------------------------------------------------ the assumptions


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Ask for the workbook of all greenhouse gases and hold it against what :func:`parse` assumes.

    One call of about 2 MB: the service knows no smaller answer that would show every area.

    Args:
        session: The polite session of this source.
        base_url: As for :func:`fetch`.
        as_of: The day; the publisher's date and the newest year are held against it.
    """
    query = {"county": "0", "municipality": "0", "sub": substances.substance("ghg").smhi_code}
    asked = f"{PATH}?county=0&municipality=0&sub={query['sub']} answers with a workbook"
    try:
        answer = session.get(f"{base_url.rstrip('/')}{PATH}", params=query)
    except FetchError as error:
        action = (
            "open the address in a browser; if it has moved, download the workbook by hand and run "
            "'klimatpuls ingest FILE'"
        )
        yield Checked(assumption=asked, answer=str(error), verdict="fails", action=action)
        return
    kind = answer.headers.get("Content-Type", "no content type")
    if not answer.body.startswith(b"PK"):
        action = "see what the address shows in a browser; a run refuses this answer"
        yield Checked(assumption=asked, answer=looks_like(answer.body), verdict="fails", action=action)
        return
    yield Checked(assumption=asked, answer=f"{len(answer.body):,} bytes, {kind}", verdict="holds")
    validators = [name for name in ("ETag", "Last-Modified") if answer.headers.get(name)]
    yield Checked(
        assumption="it says with ETag or Last-Modified whether the workbook changed (nobody has recorded it)",
        answer=", ".join(validators) or "neither: every look reads the whole workbook",
        verdict="holds" if validators else "differs",
        action="" if validators else "none needed: 2 MB a look",
    )
    try:
        yield from isolation.run_isolated(check_workbook_form, answer.body, as_of, what=SOURCE)
    except SourceFormatError as error:
        yield Checked(
            assumption="the workbook has the layout that is read",
            answer=f"{error.rule}: {error}",
            verdict="fails",
            action="a run refuses this workbook: report the message, the parser must learn the new form",
        )


def check_workbook_form(body: bytes, as_of: date) -> tuple[Checked, ...]:
    """What a workbook of all greenhouse gases shows of every assumption on its form.

    Args:
        body: The workbook.
        as_of: The day; the publisher's date and the newest year are held against it.

    Raises:
        SourceFormatError: as :func:`parse`.
    """
    _, _, table, preamble, notes = _found(body, SOURCE, "ghg")
    parsed = parse((body,), SOURCE, "ghg")
    newest, lag = max(parsed.years), as_of.year - max(parsed.years)
    own_forms = [note for note in parsed.notes if "publisher's date" in note or "heading" in note]
    found = set(parsed.rows["region_code"])
    main = set(sectors.main_codes()) | {"all"}
    unknown = parsed.rejects["reason"].eq(UNKNOWN_SUBSECTOR).sum()
    bad = len(parsed.rejects) - int(unknown)
    renamed = [note for note in parsed.notes if "sector" in note]
    return (
        _checked(
            f"one sheet, header {', '.join(KEY_WORDS)} in row 7, years in row 6",
            f"header in row {table.header_row + 1}" + (f"; {'; '.join(notes)}" if notes else ""),
            as_recorded=table.header_row == 6 and not notes,
        ),
        _checked(
            "row 1 says 'Rapportnamn: Länsrapport, YYYY-MM-DD', which is the release's date",
            "; ".join(own_forms) or preamble.published_date.isoformat(),
            as_recorded=not own_forms,
            is_right=preamble.published_date <= as_of + timedelta(days=1),
        ),
        _checked(
            "the unit is 'Enhet: ton/år'",
            f"Enhet: {preamble.unit}",
            as_recorded=plain_unit(preamble.unit) == plain_unit(parsed.unit),
        ),
        _checked(
            "years are sparse, from 1990, the newest two or three years before today",
            f"{len(parsed.years)} years, {min(parsed.years)} to {newest}",
            as_recorded=min(parsed.years) == 1990 and 1 <= lag <= 3,
            is_right=newest <= as_of.year,
        ),
        _checked(
            "every column beside the four is a year",
            "; ".join(table.notes) or "so it is",
            as_recorded=not table.notes,
        ),
        _checked(
            f"the {len(main) - 1} main sectors and their sum are there",
            f"{len(main & set(parsed.rows['sector_code']))} of {len(main)}",
            is_right=main <= set(parsed.rows["sector_code"]),
        ),
        _checked(
            "every sector is spelled as in an earlier release",
            "; ".join(renamed) or f"{parsed.rows['sector_code'].nunique()} sectors, all known",
            as_recorded=not renamed,
        ),
        _checked(
            "names without codes: the nation, 21 counties, 290 municipalities",
            f"{len(found)} of {len(regions.codes())} areas",
            is_right=found == set(regions.codes()),
        ),
        _checked(
            "every cell is a number, none is empty",
            f"{len(parsed.rows):,} numbers, {bad} cells that are none",
            is_right=bad == 0,
        ),
    )


def _checked(assumption: str, answer: str, *, as_recorded: bool = True, is_right: bool = True) -> Checked:
    if not is_right:
        action = "a run refuses or holds this workbook: look at it, then tell the publisher"
        return Checked(assumption=assumption, answer=answer, verdict="fails", action=action)
    if not as_recorded:
        action = "none needed: it is read all the same; note it in docs/sources/smhi_emissions.md"
        return Checked(assumption=assumption, answer=answer, verdict="differs", action=action)
    return Checked(assumption=assumption, answer=answer, verdict="holds")


# ------------------------------------------------------------------------------------------ the sheet


def _found(
    body: bytes, what: str, asked: str | None
) -> tuple[str, list[Row], _Table, Preamble, tuple[str, ...]]:
    """Name and rows of the sheet that has the table, where the table stands, what is above it, and notes.

    The sheet of the substance asked for where several have the table, else the first.
    """
    found = []
    for name, rows, table in _tables(body, what):
        found.append((name, rows, table, _preamble(rows, table, what)))
    name, rows, table, preamble = next((one for one in found if one[3].substance == asked), found[0])
    notes = (f"{len(found)} sheets have a table; {name!r} was read",) if len(found) > 1 else ()
    return name, rows, table, preamble, notes


def _tables(body: bytes, what: str) -> Iterator[tuple[str, list[Row], _Table]]:
    """Name, rows and table of every sheet that has the header.

    Raises:
        SourceFormatError: if none has; of the sheets' reasons the first.
    """
    reasons: list[SourceFormatError] = []
    has_table = False
    for name, rows in _sheets(body, what):
        try:
            table = _find_table(rows, what)
        except SourceFormatError as error:
            if error.rule != "header_not_found":
                raise
            reasons.append(error)
            continue
        has_table = True
        yield name, rows, table
    if not has_table:
        raise reasons[0]


def _sheets(body: bytes, what: str) -> Iterator[tuple[str, list[Row]]]:
    """Name and rows of every sheet that is shown, or the rows of a text file."""
    if not body.startswith(b"PK"):
        yield "", _text_rows(body, what)
        return
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        shown = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
        ]
        if not shown:
            msg = "it shows no sheet"
            raise ValueError(msg)
        for name in shown:
            yield name, book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        if isinstance(error, SourceFormatError):
            raise
        msg = f"{what}: the workbook opens as a zip but not as a spreadsheet ({error}). Nothing was loaded."
        raise SourceFormatError(msg, rule="unreadable_workbook") from error


def _text_rows(body: bytes, what: str) -> list[Row]:
    """The rows of a CSV file, all of one length, each cell a text.

    Raises:
        SourceFormatError: as :func:`klimatpuls.files.archive_safety.check_workbook` where it is no such text.
    """
    text = _decoded(body)
    line = next((line for line in text.splitlines() if KEY_WORDS[0].casefold() in line.casefold()), None)
    if line is None:
        check_workbook(body, what=what)
    separator = max(";\t,", key=str(line).count)
    try:
        rows: list[Row] = [*csv_rows(text, separator)]
    except csv.Error as error:
        msg = f"{what}: the file looks like CSV and cannot be read as such ({error}). Nothing was loaded."
        raise SourceFormatError(msg, rule="unreadable_workbook") from error
    width = max(map(len, rows))
    return [[*row, *[""] * (width - len(row))] for row in rows]


def _decoded(body: bytes) -> str:
    """A text in UTF-8, in UTF-16 with its mark, or else as Windows writes it in Sweden."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _text(cell: object) -> str:
    return " ".join(cell.split()) if isinstance(cell, str) else "" if cell is None else str(cell)


def _find_table(rows: list[Row], what: str) -> _Table:
    wanted = [plain_name(word) for word in KEY_WORDS]
    best: tuple[int, int] = (0, -1)
    for at, row in enumerate(rows[:HEADER_SEARCH_ROWS]):
        words = [plain_name(_text(cell)) for cell in row]
        found = sum(word in words for word in wanted)
        best = max(best, (found, -at))
        if found == len(wanted):
            keys = tuple(words.index(word) for word in wanted)
            return _year_columns(rows, at, (keys[0], keys[1], keys[2], keys[3]), what)
    seen = [_text(cell) for cell in rows[-best[1]] if _text(cell)][:6] if best[0] else []
    msg = (
        f"{what}: no header with {', '.join(KEY_WORDS)} in the first {HEADER_SEARCH_ROWS} rows; "
        + (f"the nearest, row {1 - best[1]}, reads {seen}. " if seen else "none of these words was found. ")
        + "Nothing was loaded; the publisher may have changed its layout."
    )
    raise SourceFormatError(msg, rule="header_not_found", findings=[f"row {1 - best[1]}: {seen}"])


def _year_columns(rows: list[Row], at: int, keys: tuple[int, int, int, int], what: str) -> _Table:
    above = _row_of_years(rows, at)
    years: dict[int, int] = {}
    others: dict[int, str] = {}
    for column, cell in enumerate(rows[at]):
        if column in keys:
            continue
        year = _year(cell) or _year(above[column] if column < len(above) else "")
        if year is None:
            if _text(cell) or any(_text(row[column]) for row in rows[at + 1 :]):
                others[column] = _text(cell)
        elif year in years.values():
            msg = f"{what}: the year {year} stands in two columns (header row {at + 1}). Nothing was loaded."
            raise SourceFormatError(msg, rule="duplicate_year")
        else:
            years[column] = year
    strange = [
        f"column {column_letters(column)}, header row {at + 1}: {name!r}"
        for column, name in others.items()
        if not _is_beside_the_years(name, rows[at], years)
    ]
    if strange or not years:
        msg = (
            f"{what}: expected {', '.join(KEY_WORDS)} and years, found "
            + (
                f"columns that may hide a year: {'; '.join(strange[:10])}"
                if strange
                else "no column with a year"
            )
            + ". Nothing was loaded; the publisher may have changed its layout."
        )
        raise SourceFormatError(msg, rule="unexpected_column", findings=strange)
    notes = tuple(
        f"the column {name!r} ({column_letters(column)}) is no year and was left out"
        for column, name in others.items()
    )
    return _Table(at, keys, tuple(years.values()), tuple(years), notes)


def _row_of_years(rows: list[Row], at: int) -> Row:
    """The nearest row above the header that has a year in it; an empty one where there is none."""
    near = (rows[row] for row in range(at - 1, max(-1, at - 1 - _YEAR_ROWS_ABOVE), -1))
    return next((row for row in near if any(_year(cell) is not None for cell in row)), [])


def _is_beside_the_years(name: str, header: Row, years: Mapping[int, int]) -> bool:
    """Whether a column's name says something else than a year: it can be left out without losing one."""
    repeated = {_text(header[column]) for column in years}
    hidden = {int(year) for year in _YEAR_INSIDE.findall(name)}
    has_words = any(letter.isalpha() for letter in name)
    return has_words and name not in repeated and (len(hidden) != 1 or hidden <= set(years.values()))


def _year(cell: object) -> int | None:
    if isinstance(cell, date):
        return cell.year if (cell.month, cell.day) in {(1, 1), (12, 31)} else None
    found = _YEAR.fullmatch(_text(cell))
    return int(found.group(1)) if found else None


# --------------------------------------------------------------------------------------- the preamble


def _preamble(rows: list[Row], table: _Table, what: str) -> Preamble:
    """What stands above a table.

    Raises:
        SourceFormatError: ``published_date_not_found`` or ``unexpected_substance``.
    """
    above = rows[: table.header_row]
    lines = [" ".join(filter(None, map(_text, row))) for row in above]
    published, date_notes = _published_date(above, lines, what)
    substance, substance_notes = _substance(lines, rows[table.header_row], table, what)
    return Preamble(substance, _unit_text(lines), published, (*date_notes, *substance_notes))


def _published_date(above: list[Row], lines: list[str], what: str) -> tuple[date, tuple[str, ...]]:
    """The publisher's date, from the line of the report's name, else from any line that names the report."""
    at = next((at for at, line in enumerate(lines) if plain_name(line).startswith("rapportnamn")), None)
    if at is None:
        at = next((at for at, line in enumerate(lines) if "länsrapport" in plain_name(line)), None)
    line = "" if at is None else lines[at]
    days = set[date | None]().union(*map(_days, [] if at is None else above[at]))
    published = days.pop() if len(days) == 1 else None
    if published is None:
        msg = (
            f"{what}: expected 'Rapportnamn: Länsrapport, YYYY-MM-DD' above the table, found {line!r}"
            + (" (day and month cannot be told apart, or two dates)" if line else "")
            + ". Nothing was loaded: the date says which release is the newest."
        )
        raise SourceFormatError(msg, rule="published_date_not_found", findings=[line])
    is_usual = published.isoformat() in line and at == 0
    notes = () if is_usual else (f"the publisher's date is written {line!r}; it was read as {published}",)
    return published, notes


def _days(cell: object) -> set[date | None]:
    """The days that a cell states; None stands for one that is no day or can be read in two ways."""
    if isinstance(cell, date):
        return {cell.date() if isinstance(cell, datetime) else cell}
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        is_serial = _FIRST_SERIAL <= cell <= _LAST_SERIAL
        return {date(1899, 12, 30) + timedelta(days=int(cell))} if is_serial else set()
    text, days = _text(cell), set[date | None]()
    for form in _DAY_FORMS:
        for found in form.finditer(text):
            days.add(_day_of(found.groupdict(), is_year_first=found.start("y") == found.start()))
        text = form.sub("|", text)
    return days


def _day_of(parts: Mapping[str, str | None], *, is_year_first: bool) -> date | None:
    year, day = int(str(parts["y"])), int(str(parts["d"]))
    if name := parts.get("name"):
        short = name.casefold()[:3]
        known = short in SHORT_MONTHS
        month = SHORT_MONTHS.index(short) + 1 if known else _ENGLISH_MONTHS.get(short, 0)
    else:
        month = int(str(parts["m"]))
        if not is_year_first and day != month and day <= 12 and month <= 12:
            return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _substance(lines: list[str], header: Row, table: _Table, what: str) -> tuple[str, tuple[str, ...]]:
    """Our code of the substance, from its line, else from the heading of the value columns."""
    label = _line_after("Emissioner av", lines) or _line_after("Utsläpp av", lines)
    entry = substances.by_label(label) or substances.by_label(_UNIT_IN_BRACKETS.sub("", label).strip(" ,"))
    if entry is not None:
        return entry.code, ()
    if not label:
        codes = {plain_name(_text(header[column])) for column in table.year_columns}
        known = {plain_name(one.smhi_code): one.code for one in substances.substances().values()}
        if len(codes) == 1 and (code := known.get(codes.pop())):
            return code, (f"no line says of which substance it is; its columns are headed as {code}",)
    msg = f"{what}: 'Emissioner av {label}' names none of the {len(substances.substances())} substances"
    raise SourceFormatError(msg, rule="unexpected_substance")


def _unit_text(lines: list[str]) -> str:
    """The unit as written: after the word ``Enhet``, else in brackets; an empty text where there is none."""
    for line in lines:
        if plain_name(line).startswith("enhet"):
            return line[len("enhet") :].strip(" :=()[]")
    found = next((found for line in lines if (found := _UNIT_IN_BRACKETS.search(line))), None)
    return found.group(1).strip() if found else ""


def _line_after(start: str, lines: Iterable[str]) -> str:
    wanted = plain_name(start)
    return next((line[len(start) :].strip(" :") for line in lines if plain_name(line).startswith(wanted)), "")


def _check_substance(preamble: Preamble, header: Row, table: _Table, asked: str | None, what: str) -> None:
    if asked is not None and preamble.substance != asked:
        msg = (
            f"{what}: asked for {asked}, the workbook says it is {preamble.substance}. Nothing was loaded; "
            "fetch it again, or name the right substance."
        )
        raise SourceFormatError(msg, rule="unexpected_substance")
    entry = substances.substance(preamble.substance)
    others = {_text(header[column]) for column in table.year_columns if _year(header[column]) is None}
    expected = {plain_name(entry.smhi_code), plain_name(entry.name_sv), ""}
    if {plain_name(other) for other in others} - expected:
        msg = (
            f"{what}: the value columns of row {table.header_row + 1} are headed {sorted(others)}, expected "
            f"{entry.smhi_code!r}. Nothing was loaded."
        )
        raise SourceFormatError(msg, rule="unexpected_substance")


def _unit(preamble: Preamble, what: str) -> tuple[str, Fraction]:
    """The unit as it is kept, and how many tonnes it is.

    A greenhouse gas has the expected spelling, however a release spells tonnes per year.
    """
    entry, found = substances.substance(preamble.substance), preamble.unit
    if entry.expected_unit is not None:
        if _is_tonnes(found):
            return entry.expected_unit, Fraction(1)
        wanted = f"Enhet: {entry.expected_unit}"
        trouble = "figures in another unit are not converted on a guess"
    else:
        try:
            return found, tonnes_per_unit(found, in_equivalents=entry.code == DIOXINS)
        except ValueError:
            wanted, trouble = "Enhet: ton/år, kg/år or g/år", "the figures cannot be converted to tonnes"
    msg = (
        f"{what}: expected the line '{wanted}' above the table, found "
        f"{f'Enhet: {found}' if found else 'none'}. Nothing was loaded: {trouble}; if the publisher has "
        "changed it, the source module must say how."
    )
    raise SourceFormatError(msg, rule="unexpected_unit", findings=[f"Enhet: {found}"])


def _is_tonnes(unit: str) -> bool:
    """Whether a unit is tonnes, of CO2 equivalents or not, in Swedish or English."""
    words = re.split(r"(\W+)", _EQUIVALENTS.sub(" ", unit).casefold())
    plain = " ".join("".join(_ENGLISH_UNIT.get(word, word) for word in words).split())
    try:
        return tonnes_per_unit(re.sub(r" ?/ ?", "/", plain)) == 1
    except ValueError:
        return False


# ------------------------------------------------------------------------------------- rows and names


def _data_rows(rows: list[Row], table: _Table, what: str) -> tuple[list[Row], np.ndarray]:
    footer = plain_name("Rapportnamn:")
    first = table.keys[0]
    begin = table.header_row + 1
    kept = [at for at in range(begin, len(rows)) if not _is_footer(rows[at], first, footer)]
    if not kept:
        msg = f"{what}: no data row below the header in row {begin}. Nothing was loaded."
        raise SourceFormatError(msg, rule="no_data_rows")
    return [rows[at] for at in kept], np.asarray(kept) + 1


def _is_footer(row: Row, first: int, footer: str) -> bool:
    name = row[first]
    if name == "":
        return all(_text(cell) == "" for cell in row)
    return isinstance(name, str) and plain_name(name) == footer


_Reject = tuple[int, str, str, str]
_Renamed = dict[str, str]
"""Main sector as the sheet spells it → as the reference table does."""


def _known_sectors(
    data: list[Row], sheet_rows: np.ndarray, table: _Table
) -> tuple[list[Row], np.ndarray, list[_Reject], _Renamed, list[str], list[str]]:
    """The rows without sub-sectors nobody knows, the cells left out, misspelt main sectors, notes, losses."""
    main, sub, *_ = table.keys
    pairs = {(_text(row[main]), _text(row[sub])) for row in data}
    renamed = _misspelt(pairs)
    whole = {name for name, part in pairs if sectors.code_for(renamed.get(name, name), part) and part == _ALL}
    unknown = {
        (name, part)
        for name, part in pairs
        if name in whole and sectors.code_for(renamed.get(name, name), part) is None
    }
    notes = [f"main sector {name!r} was read as {known!r}" for name, known in sorted(renamed.items())]
    losses = [
        f"no sub-sector is called {_spelled(pair)}; it was left out. What to do: if it means a known one, "
        "add the spelling to reference/sectors.csv; its emissions are in its main sector all the same"
        for pair in sorted(unknown)
    ]
    if not unknown:
        return data, sheet_rows, [], renamed, notes, losses
    is_known = [(_text(row[main]), _text(row[sub])) not in unknown for row in data]
    left_out = [
        (int(sheet_row), str(year), _text(row[column]), UNKNOWN_SUBSECTOR)
        for row, sheet_row, known in zip(data, sheet_rows, is_known, strict=True)
        if not known
        for year, column in zip(table.years, table.year_columns, strict=True)
    ]
    kept = [row for row, known in zip(data, is_known, strict=True) if known]
    return kept, sheet_rows[np.asarray(is_known)], left_out, renamed, notes, losses


def _misspelt(pairs: set[tuple[str, str]]) -> _Renamed:
    """Main sectors that nobody knows and that are plainly a known one, which is missing otherwise."""
    by_name = {plain_name(name): name for one in sectors.sectors().values() for name, _ in one.spellings}
    met = {name for name, _ in pairs}
    missing = [plain for plain, name in by_name.items() if not _is_met(name, met)]
    found: _Renamed = {}
    for name in sorted(met):
        if name and plain_name(name) not in by_name:
            near = difflib.get_close_matches(plain_name(name), missing, n=1, cutoff=_ALIKE)
            if near:
                found[name] = by_name[near[0]]
    return found


def _is_met(name: str, met: set[str]) -> bool:
    """Whether a sheet has a main sector, under any of its known spellings."""
    code = sectors.code_for(name, _ALL)
    return any(sectors.code_for(other, _ALL) == code for other in met)


def _codes(
    data: list[Row], sheet_rows: np.ndarray, table: _Table, renamed: _Renamed, what: str
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    main, sub, county, municipality = table.keys
    sector_pairs = [(row[main], row[sub]) for row in data]
    region_pairs = [(row[county], row[municipality]) for row in data]
    sector_of = {
        pair: sectors.code_for(renamed.get(_text(pair[0]), _text(pair[0])), _text(pair[1]))
        for pair in set(sector_pairs)
    }
    region_of, complaints = _region_codes(set(region_pairs))
    unknown = [
        f"row {_first_row(sector_pairs, pair, sheet_rows)}: no sector is called {_spelled(pair)}"
        for pair, code in sector_of.items()
        if code is None
    ]
    unknown += [
        f"row {_first_row(region_pairs, pair, sheet_rows)}: {why}" for pair, why in complaints.items()
    ]
    if unknown:
        raise _unknown_names(unknown, set(region_of.values()), what)
    notes = tuple(
        f"sector {_spelled(pair)} is an older spelling of {code}"
        for pair, code in sorted(sector_of.items(), key=str)
        if code
        and _text(pair[0]) not in renamed
        and (plain_name(pair[0]), plain_name(pair[1])) != _newest_spelling(code)
    )
    return (
        np.array([region_of[pair] for pair in region_pairs], dtype=object),
        np.array([sector_of[pair] for pair in sector_pairs], dtype=object),
        notes,
    )


def _unknown_names(unknown: list[str], found: set[str], what: str) -> SourceFormatError:
    missing = sorted(set(regions.codes()) - found)
    lost = ", ".join(f"{code} {regions.region(code).name}" for code in missing[:10])
    msg = (
        f"{what}: {len(unknown)} names are in no reference table: {'; '.join(sorted(unknown)[:10])}. "
        f"Missing regions: {lost or 'none'}. Nothing was loaded; add the new spelling to "
        "reference/sectors.csv or reference/regions.csv if it means a known one."
    )
    return SourceFormatError(msg, rule="unknown_names", findings=sorted(unknown))


def _spelled(pair: tuple[Any, Any]) -> str:
    return f"'{_text(pair[0])} > {_text(pair[1])}'"


def _newest_spelling(code: str) -> tuple[str, str]:
    main, sub = sectors.sectors()[code].spellings[0]
    return plain_name(main), plain_name(sub)


def _first_row(pairs: list[tuple[Any, Any]], pair: tuple[Any, Any], sheet_rows: np.ndarray) -> int:
    return int(sheet_rows[pairs.index(pair)])


def _region_codes(
    pairs: set[tuple[Any, Any]],
) -> tuple[dict[tuple[Any, Any], str], dict[tuple[Any, Any], str]]:
    found: dict[tuple[Any, Any], str] = {}
    complaints: dict[tuple[Any, Any], str] = {}
    for pair in pairs:
        county, municipality = map(_text, pair)
        try:
            if municipality != _ALL:
                found[pair] = regions.code_for(municipality, county)
            else:
                found[pair] = regions.NATION if county == _ALL else regions.code_for(county)
        except regions.UnknownRegionError as error:
            complaints[pair] = str(error)
    return found, complaints


# ----------------------------------------------------------------------------------------- the values


def _values(
    data: list[Row], sheet_rows: np.ndarray, table: _Table
) -> tuple[np.ndarray, list[_Reject], Counter[str]]:
    columns = table.year_columns
    begin, end = columns[0], columns[-1] + 1
    if columns == tuple(range(begin, end)):
        cells = list(chain.from_iterable([row[begin:end] for row in data]))
    else:
        cells = [row[column] for row in data for column in columns]
    rejects: list[_Reject] = []
    text_cells: Counter[str] = Counter()
    if not set(map(type, cells)) <= {float, int}:
        for at, cell in enumerate(cells):
            if type(cell) in (float, int):
                continue
            try:
                cells[at] = number_from_text(cell if isinstance(cell, str) else "")
                text_cells["read"] += 1
            except ValueError:
                row, column = divmod(at, len(columns))
                reason = MISSING_VALUE if _text(cell) == "" else NOT_A_NUMBER
                rejects.append((int(sheet_rows[row]), str(table.years[column]), _text(cell), reason))
                cells[at] = np.nan
    values = np.fromiter(cells, dtype=float, count=len(cells)).reshape(len(data), len(columns))
    for row, column in np.argwhere(np.isinf(values)):
        rejects.append(
            (int(sheet_rows[row]), str(table.years[column]), str(values[row, column]), NOT_A_NUMBER)
        )
        values[row, column] = np.nan
    return values, rejects, text_cells


def _repeated(region_codes: np.ndarray, sector_codes: np.ndarray) -> np.ndarray:
    keys = pd.DataFrame({"region": region_codes, "sector": sector_codes})
    return keys.duplicated(keep="first").to_numpy()


def _reject_rows(
    data: list[Row],
    sheet_rows: np.ndarray,
    table: _Table,
    repeated: np.ndarray,
    already: set[tuple[int, str]],
) -> list[_Reject]:
    return [
        (int(sheet_rows[row]), str(year), _text(data[row][column]), DUPLICATE)
        for row in np.flatnonzero(repeated)
        for year, column in zip(table.years, table.year_columns, strict=True)
        if (int(sheet_rows[row]), str(year)) not in already
    ]


def _tidy(
    region_codes: np.ndarray,
    sector_codes: np.ndarray,
    years: tuple[int, ...],
    values: np.ndarray,
    sheet_rows: np.ndarray,
    measure: str,
) -> pd.DataFrame:
    """One row per cell, in the order of the fact's key: a database keys what is sorted in half the time."""
    order = np.lexsort((sector_codes.astype(str), region_codes.astype(str)))
    values, sheet_rows = values[order], sheet_rows[order]
    wide = pd.DataFrame(
        {
            "region_code": pd.array(region_codes[order], dtype="str"),
            "sector_code": pd.array(sector_codes[order], dtype="str"),
        }
    )
    at = np.repeat(np.arange(len(values)), len(years))
    frame = wide.take(at).reset_index(drop=True)
    frame["year"] = np.tile(np.asarray(years, dtype=np.int64), len(values))
    frame[measure] = values.ravel()
    frame["sheet_row"] = np.repeat(sheet_rows.astype(np.int64), len(years))
    good = ~np.isnan(values.ravel())
    return frame if good.all() else frame[good].reset_index(drop=True)


def _reject_frame(rejects: list[_Reject]) -> pd.DataFrame:
    frame = pd.DataFrame(sorted(rejects), columns=["sheet_row", "column_name", "raw_value", "reason"])
    return frame.astype({"sheet_row": "int64", "column_name": "str", "raw_value": "str", "reason": "str"})


def _notes(
    text_cells: Mapping[str, int], preamble: Preamble, unit: str, region_codes: np.ndarray
) -> list[str]:
    notes = []
    if text_cells["read"]:
        notes.append(f"{text_cells['read']} cells written as text were read as the numbers they are")
    missing = sorted(set(regions.codes()) - set(region_codes))
    if missing:
        names = ", ".join(f"{code} {regions.region(code).name}" for code in missing[:10])
        notes.append(f"{len(missing)} of {len(regions.codes())} regions are missing: {names}")
    if plain_unit(unit) != plain_unit(preamble.unit):
        notes.append(f"the unit is written {preamble.unit!r}; it was read as {unit}")
    if substances.substance(preamble.substance).expected_unit is None:
        notes.append(f"the workbook states its figures in {preamble.unit!r}; they are kept in tonnes")
    return notes
