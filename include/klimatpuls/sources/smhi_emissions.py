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

Oddities handled. The header is found by its four words, since it stands one row lower for greenhouse gases;
years stand in the row above it or, in a sheet saved by hand, in the header row itself, as numbers or text.
Sector names are misspelt in some releases (``reference/sectors.csv``). Numbers may be text with a decimal
comma, a U+2212 minus or ``7,33347×10^−05`` (2021). A footer may repeat the report's name. A cell that is no
number becomes a reject with its row and column; a name never seen refuses the whole workbook.

Units. A greenhouse gas is ``ton/år``, and any other unit refuses it. No workbook of an air pollutant has been
seen: its unit is read from the sheet, any mass per year is converted to tonnes, anything else refuses it.

The endpoint is undocumented: ``klimatpuls ingest FILE`` takes a workbook by hand on the day it dies.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from klimatpuls import regions, sectors, substances
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.http import StatusError, look_at_file
from klimatpuls.regions import plain_name
from klimatpuls.releases import Fetched, Parsed
from klimatpuls.units import number_from_text, plain_unit, tonnes_per_unit
from klimatpuls.zipgate import MAX_ENTRIES, check_workbook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from klimatpuls.http import PoliteSession
    from klimatpuls.releases import Look

SOURCE: Final = "smhi_emissions"
PATH: Final = "/api/getexcelfile/"
GONE_STATUS: Final = frozenset({404, 410})
HEADER_SEARCH_ROWS: Final = 15
KEY_WORDS: Final = ("Huvudsektor", "Undersektor", "Län", "Kommun")

MISSING_VALUE: Final = "missing value"
NOT_A_NUMBER: Final = "not a number"
DUPLICATE: Final = "duplicate"

DIOXINS: Final = "dioxin"
"""The one substance that is weighed in toxic equivalents."""

_ALL: Final = "Alla"
_HEAD_BYTES: Final = 2**17
_YEAR = re.compile(r"((?:19|20)\d\d)(?:\.0)?")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

Row = list[Any]
"""One sheet row as the reader hands it out: str, float, int, bool or a date per cell, '' where empty."""


@dataclass(frozen=True, slots=True)
class Preamble:
    """What the lines above the table say.

    Attributes:
        substance: Our code of the substance.
        unit: Unit as written, such as ``ton/år``.
        published_date: The dataset's own date (B1).
    """

    substance: str
    unit: str
    published_date: date


@dataclass(frozen=True, slots=True)
class _Table:
    header_row: int
    keys: tuple[int, int, int, int]
    years: tuple[int, ...]
    year_columns: tuple[int, ...]


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
        The bytes of one workbook, whatever they are; :func:`parse` judges them.

    Raises:
        UsageError: if there is no such substance.
        NotYetPublished: if a replica has nothing published as of its day.
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


def look(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Look:
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
        NotYetPublished: if a replica has nothing published as of its day.
        FetchError: if no complete answer came.
    """
    entry = substances.substance(substance or "")
    query = {"county": "0", "municipality": "0", "sub": entry.smhi_code}
    return look_at_file(session, f"{base_url.rstrip('/')}{PATH}", query, validators)


def read_preamble(body: bytes, *, what: str = SOURCE) -> Preamble:
    """Substance, unit and publisher's date of a workbook, whatever its file is called.

    Only the head of the sheet is inflated, so that it costs milliseconds; the table is not judged.

    Raises:
        SourceFormatError: as :func:`parse`.
    """
    rows = _read_sheet(_head_of(body, what), what)
    return _preamble(rows[: _find_table(rows, what).header_row], what)


def _head_of(body: bytes, what: str) -> bytes:
    """The same workbook with its sheets cut after the first rows."""
    head = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as whole, zipfile.ZipFile(head, "w") as cut:
            for name in whole.namelist()[:MAX_ENTRIES]:
                with whole.open(name) as part:
                    text = part.read(_HEAD_BYTES)
                if name.startswith("xl/worksheets/") and len(text) == _HEAD_BYTES:
                    text = text[: text.rfind(b"</row>") + len(b"</row>")] + b"</sheetData></worksheet>"
                cut.writestr(name, text)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        check_workbook(body, what=what)
        msg = f"{what}: the workbook cannot be opened ({error})"
        raise SourceFormatError(msg, rule="unreadable_workbook") from error
    return head.getvalue()


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """The facts of one workbook, tidy.

    Args:
        parts: The workbook, as the only part.
        dataset: Catalogue id of the dataset, for the release's name.
        substance: Our code of the substance asked for; None takes whatever the workbook says it is.

    Returns:
        One row per region × sector × year in ``rows`` (in tonnes: ``emissions`` for greenhouse gases,
        ``emissions_t`` for air pollutants), one row per refused cell in ``rejects``; ``rows_read`` is the
        number of both. ``unit`` is what the workbook states.

    Raises:
        SourceFormatError: when the bytes are no SMHI workbook of this substance. Rules: those of
            :func:`klimatpuls.zipgate.check_workbook`, ``unreadable_workbook``, ``header_not_found``,
            ``unexpected_column``, ``duplicate_year``, ``published_date_not_found``, ``unexpected_substance``,
            ``unexpected_unit``, ``unknown_names``, ``no_data_rows``.
    """
    what = f"{SOURCE} {substance or 'workbook'}"
    if len(parts) != 1:
        msg = f"{what}: expected one workbook, found {len(parts)} parts"
        raise SourceFormatError(msg, rule="not_a_workbook")
    check_workbook(parts[0], what=what)
    rows = _read_sheet(parts[0], what)
    table = _find_table(rows, what)
    preamble = _preamble(rows[: table.header_row], what)
    what = f"{SOURCE} {preamble.substance} {preamble.published_date.isoformat()}"
    _check_substance(preamble, rows[table.header_row], table, substance, what)
    unit, in_tonnes = _unit(preamble, what)

    data, sheet_rows = _data_rows(rows, table, what)
    region_codes, sector_codes, names = _codes(data, sheet_rows, table, what)
    values, rejects, text_cells = _values(data, sheet_rows, table)
    repeated = _repeated(region_codes, sector_codes)
    rejects += _reject_rows(data, sheet_rows, table, repeated, {(row, name) for row, name, *_ in rejects})
    values[repeated] = np.nan

    values = values * in_tonnes.numerator / in_tonnes.denominator
    measure = "emissions" if substances.substance(preamble.substance).is_ghg else "emissions_t"
    frame = _tidy(region_codes, sector_codes, table.years, values, sheet_rows, measure)
    notes = (*names, *_notes(text_cells, preamble, region_codes))
    return Parsed(
        dataset=dataset,
        substance=preamble.substance,
        unit=unit,
        published_date=preamble.published_date,
        years=tuple(sorted(table.years)),
        rows=frame,
        rejects=_reject_frame(rejects),
        rows_read=values.size,
        notes=notes,
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


def read_places(body: bytes) -> Sheet:
    """Where in a workbook the figures of each year stand.

    Args:
        body: The bytes of a workbook that :func:`parse` has accepted.

    Returns:
        The sheet; its rows count as ``sheet_row`` does.

    Raises:
        SourceFormatError: if it is no such workbook.
    """
    name, rows = _open_sheet(body, SOURCE)
    table = _find_table(rows, SOURCE)
    columns = dict(zip(table.years, map(column_letters, table.year_columns), strict=True))
    return Sheet(name=name, columns=columns, rows=rows)


# ------------------------------------------------------------------------------------------ the sheet


def _read_sheet(body: bytes, what: str) -> list[Row]:
    return _open_sheet(body, what)[1]


def _open_sheet(body: bytes, what: str) -> tuple[str, list[Row]]:
    """Name and rows of the first sheet that is shown."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        shown = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        return shown[0], book.get_sheet_by_name(shown[0]).to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        msg = f"{what}: the workbook opens as a zip but not as a spreadsheet ({error}). Nothing was loaded."
        raise SourceFormatError(msg, rule="unreadable_workbook") from error


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
    above = rows[at - 1] if at else []
    years: dict[int, int] = {}
    strange: list[str] = []
    for column, cell in enumerate(rows[at]):
        if column in keys:
            continue
        year = _year(cell) or _year(above[column] if column < len(above) else "")
        if year is None:
            if _text(cell) or any(_text(row[column]) for row in rows[at + 1 :]):
                strange.append(f"column {column_letters(column)}, header row {at + 1}: {_text(cell)!r}")
        elif year in years.values():
            msg = f"{what}: the year {year} stands in two columns (header row {at + 1}). Nothing was loaded."
            raise SourceFormatError(msg, rule="duplicate_year")
        else:
            years[column] = year
    if strange or not years:
        msg = (
            f"{what}: expected {', '.join(KEY_WORDS)} and years only, found "
            + (f"columns without a year: {'; '.join(strange[:10])}" if strange else "no column with a year")
            + ". Nothing was loaded; add the column to the source module if it is new and meant."
        )
        raise SourceFormatError(msg, rule="unexpected_column", findings=strange)
    return _Table(at, keys, tuple(years.values()), tuple(years))


def _year(cell: object) -> int | None:
    found = _YEAR.fullmatch(_text(cell))
    return int(found.group(1)) if found else None


def column_letters(index: int) -> str:
    """Spreadsheet letters of a 0-based column. Example: 0 → A, 26 → AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """0-based index of a spreadsheet column. Example: A → 0, AA → 26."""
    index = 0
    for letter in letters:
        index = 26 * index + ord(letter) - ord("A") + 1
    return index - 1


# --------------------------------------------------------------------------------------- the preamble


def _preamble(rows: list[Row], what: str) -> Preamble:
    lines = [" ".join(filter(None, map(_text, row))) for row in rows]
    report = _line_after("Rapportnamn:", lines)
    found = _ISO_DATE.search(report)
    try:
        published = date.fromisoformat(found.group() if found else "")
    except ValueError as error:
        msg = f"{what}: expected 'Rapportnamn: Länsrapport, YYYY-MM-DD' in row 1, found {report!r}"
        raise SourceFormatError(msg, rule="published_date_not_found") from error
    label = _line_after("Emissioner av", lines)
    entry = substances.by_label(label)
    if entry is None:
        msg = f"{what}: 'Emissioner av {label}' names none of the {len(substances.substances())} substances"
        raise SourceFormatError(msg, rule="unexpected_substance")
    return Preamble(entry.code, _line_after("Enhet:", lines), published)


def _line_after(start: str, lines: Iterable[str]) -> str:
    wanted = plain_name(start)
    return next((line[len(start) :].strip() for line in lines if plain_name(line).startswith(wanted)), "")


def _check_substance(preamble: Preamble, header: Row, table: _Table, asked: str | None, what: str) -> None:
    if asked is not None and preamble.substance != asked:
        msg = (
            f"{what}: asked for {asked}, the workbook says it is {preamble.substance}. Nothing was loaded; "
            "fetch it again, or name the right substance."
        )
        raise SourceFormatError(msg, rule="unexpected_substance")
    expected = substances.substance(preamble.substance).smhi_code
    others = {_text(header[column]) for column in table.year_columns if _year(header[column]) is None}
    if others - {expected, ""}:
        msg = (
            f"{what}: the value columns of row {table.header_row + 1} are headed {sorted(others)}, expected "
            f"{expected!r}. Nothing was loaded."
        )
        raise SourceFormatError(msg, rule="unexpected_substance")


def _unit(preamble: Preamble, what: str) -> tuple[str, Fraction]:
    """The unit as it is kept, and how many tonnes it is.

    A greenhouse gas has the expected spelling, whatever blanks and case a release writes it with.
    """
    entry, found = substances.substance(preamble.substance), preamble.unit
    if entry.expected_unit is not None:
        if plain_unit(found) == plain_unit(entry.expected_unit):
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


def _codes(
    data: list[Row], sheet_rows: np.ndarray, table: _Table, what: str
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    main, sub, county, municipality = table.keys
    sector_pairs = [(row[main], row[sub]) for row in data]
    region_pairs = [(row[county], row[municipality]) for row in data]
    sector_of = {pair: sectors.code_for(_text(pair[0]), _text(pair[1])) for pair in set(sector_pairs)}
    region_of, complaints = _region_codes(set(region_pairs))
    unknown = [
        f"row {_first_row(sector_pairs, pair, sheet_rows)}: no sector is called {_spelled(pair)}"
        for pair, code in sector_of.items()
        if code is None
    ]
    unknown += [
        f"row {_first_row(region_pairs, pair, sheet_rows)}: {why}" for pair, why in complaints.items()
    ]
    missing = sorted(set(regions.codes()) - set(region_of.values()))
    if unknown:
        lost = ", ".join(f"{code} {regions.region(code).name}" for code in missing[:10])
        msg = (
            f"{what}: {len(unknown)} names are in no reference table: {'; '.join(sorted(unknown)[:10])}. "
            f"Missing regions: {lost or 'none'}. Nothing was loaded; add the new spelling to "
            "reference/sectors.csv or reference/regions.csv if it means a known one."
        )
        raise SourceFormatError(msg, rule="unknown_names", findings=sorted(unknown))
    notes = tuple(
        f"sector {_spelled(pair)} is an older spelling of {code}"
        for pair, code in sorted(sector_of.items(), key=str)
        if code and (plain_name(pair[0]), plain_name(pair[1])) != _newest_spelling(code)
    )
    return (
        np.array([region_of[pair] for pair in region_pairs], dtype=object),
        np.array([sector_of[pair] for pair in sector_pairs], dtype=object),
        notes,
    )


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

_Reject = tuple[int, str, str, str]


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


def _notes(text_cells: Mapping[str, int], preamble: Preamble, region_codes: np.ndarray) -> list[str]:
    notes = []
    if text_cells["read"]:
        notes.append(f"{text_cells['read']} cells written as text were read as the numbers they are")
    missing = sorted(set(regions.codes()) - set(region_codes))
    if missing:
        names = ", ".join(f"{code} {regions.region(code).name}" for code in missing[:10])
        notes.append(f"{len(missing)} of {len(regions.codes())} regions are missing: {names}")
    if substances.substance(preamble.substance).expected_unit is None:
        notes.append(f"the workbook states its figures in {preamble.unit!r}; they are kept in tonnes")
    return notes
