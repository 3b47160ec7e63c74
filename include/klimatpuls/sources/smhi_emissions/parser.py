"""Reads the figures of a workbook of SMHI: its regions, sectors, years and values."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from klimatpuls.contract.releases import EXPECTED, Parsed
from klimatpuls.domain import regions, sectors, substances
from klimatpuls.domain.regions import plain_name
from klimatpuls.domain.units import plain_unit, tonnes_per_unit
from klimatpuls.errors import SourceFormatError
from klimatpuls.files.archive_safety import check_workbook
from klimatpuls.files.values import number_from_text, text_of
from klimatpuls.sources.smhi_emissions.sheet import SOURCE, Preamble, Row, Table, find_table, year_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


MISSING_VALUE: Final = "missing value"
NOT_A_NUMBER: Final = "not a number"
DUPLICATE: Final = "duplicate"
UNKNOWN_SUBSECTOR: Final = f"{EXPECTED}an unknown sub-sector"
DIOXINS: Final = "dioxin"
"""The one substance that is weighed in toxic equivalents."""
_ALL: Final = "Alla"
_EQUIVALENTS = re.compile(r"[ (]*\bco2-? ?e(?:kv[a-z]*\.?|q\.?)?\b\)?\.?", re.IGNORECASE)
_ENGLISH_UNIT: Final = {"tonnes": "ton", "tonne": "ton", "tons": "ton", "year": "år", "yr": "år", "a": "år"}
_ALIKE: Final = 0.85
"""How alike two names must be to be one misspelt; no two of the nine main sectors are 0.6 alike."""


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """Dataset and substance of a file given by hand; None where it has not this table.

    Raises:
        SourceFormatError: if it has the table, and its substance or date is unclear.
    """
    try:
        preamble = find_table(body, SOURCE, None)[3]
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
        substance: Our code of the requested substance; None accepts the one that the workbook states.

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
    _, rows, table, preamble, sheet_notes = find_table(parts[0], what, substance)
    what = f"{SOURCE} {preamble.substance} {preamble.published_date.isoformat()}"
    _check_substance(preamble, rows[table.header_row], table, substance, what)
    unit, in_tonnes = _unit(preamble, what)

    data, sheet_rows = _data_rows(rows, table, what)
    data, sheet_rows, left_out, renamed, sector_notes, losses = _known_sectors(data, sheet_rows, table)
    region_codes, sector_codes, names = _codes(data, sheet_rows, table, renamed, what)
    values, rejects, text_cells = _values(data, sheet_rows, table)
    repeated = pd.DataFrame({"region": region_codes, "sector": sector_codes}).duplicated().to_numpy()
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


def _check_substance(preamble: Preamble, header: Row, table: Table, requested: str | None, what: str) -> None:
    if requested is not None and preamble.substance != requested:
        msg = (
            f"{what}: requested {requested}, found a workbook of {preamble.substance}. Nothing was loaded; "
            "fetch it again, or name the right substance."
        )
        raise SourceFormatError(msg, rule="unexpected_substance")
    entry = substances.substance(preamble.substance)
    others = {text_of(header[column]) for column in table.year_columns if year_of(header[column]) is None}
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


def _data_rows(rows: list[Row], table: Table, what: str) -> tuple[list[Row], np.ndarray]:
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
        return all(text_of(cell) == "" for cell in row)
    return isinstance(name, str) and plain_name(name) == footer


_Reject = tuple[int, str, str, str]
_Renamed = dict[str, str]
"""Main sector as the sheet spells it → as the reference table does."""


def _known_sectors(
    data: list[Row], sheet_rows: np.ndarray, table: Table
) -> tuple[list[Row], np.ndarray, list[_Reject], _Renamed, list[str], list[str]]:
    """The rows without unknown sub-sectors, the cells left out, misspelt main sectors, notes, losses."""
    main, sub, *_ = table.keys
    pairs = {(text_of(row[main]), text_of(row[sub])) for row in data}
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
        "add the spelling to reference/sectors.csv; its emissions are in its main sector in any case"
        for pair in sorted(unknown)
    ]
    if not unknown:
        return data, sheet_rows, [], renamed, notes, losses
    is_known = [(text_of(row[main]), text_of(row[sub])) not in unknown for row in data]
    left_out = [
        (int(sheet_row), str(year), _raw(row[column]), UNKNOWN_SUBSECTOR)
        for row, sheet_row, known in zip(data, sheet_rows, is_known, strict=True)
        if not known
        for year, column in zip(table.years, table.year_columns, strict=True)
    ]
    kept = [row for row, known in zip(data, is_known, strict=True) if known]
    return kept, sheet_rows[np.asarray(is_known)], left_out, renamed, notes, losses


def _misspelt(pairs: set[tuple[str, str]]) -> _Renamed:
    """Unknown main sectors that are plainly a misspelt known one, which is missing otherwise."""
    by_name = {plain_name(name): name for one in sectors.sectors().values() for name, _ in one.spellings}
    names = {name for name, _ in pairs}
    present = {sectors.code_for(name, _ALL) for name in names}
    missing = [plain for plain, name in by_name.items() if sectors.code_for(name, _ALL) not in present]
    found: _Renamed = {}
    for name in sorted(names):
        if name and plain_name(name) not in by_name:
            near = difflib.get_close_matches(plain_name(name), missing, n=1, cutoff=_ALIKE)
            if near:
                found[name] = by_name[near[0]]
    return found


def _codes(
    data: list[Row], sheet_rows: np.ndarray, table: Table, renamed: _Renamed, what: str
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    main, sub, county, municipality = table.keys
    sector_pairs = [(row[main], row[sub]) for row in data]
    region_pairs = [(row[county], row[municipality]) for row in data]
    sector_of = {
        pair: sectors.code_for(renamed.get(text_of(pair[0]), text_of(pair[0])), text_of(pair[1]))
        for pair in set(sector_pairs)
    }
    region_of, complaints = _region_codes(set(region_pairs))
    unknown = [
        f"row {sheet_rows[sector_pairs.index(pair)]}: no sector is called {_spelled(pair)}"
        for pair, code in sector_of.items()
        if code is None
    ]
    unknown += [f"row {sheet_rows[region_pairs.index(pair)]}: {why}" for pair, why in complaints.items()]
    if unknown:
        raise _unknown_names(unknown, set(region_of.values()), what)
    notes = tuple(
        f"sector {_spelled(pair)} is an older spelling of {code}"
        for pair, code in sorted(sector_of.items(), key=str)
        if code
        and text_of(pair[0]) not in renamed
        and [*map(plain_name, pair)] != [*map(plain_name, sectors.sectors()[code].spellings[0])]
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
    return f"'{text_of(pair[0])} > {text_of(pair[1])}'"


def _region_codes(
    pairs: set[tuple[Any, Any]],
) -> tuple[dict[tuple[Any, Any], str], dict[tuple[Any, Any], str]]:
    found: dict[tuple[Any, Any], str] = {}
    complaints: dict[tuple[Any, Any], str] = {}
    for pair in pairs:
        county, municipality = map(text_of, pair)
        try:
            if municipality != _ALL:
                found[pair] = regions.code_for(municipality, county)
            else:
                found[pair] = regions.NATION if county == _ALL else regions.code_for(county)
        except regions.UnknownRegionError as error:
            complaints[pair] = str(error)
    return found, complaints


def _values(
    data: list[Row], sheet_rows: np.ndarray, table: Table
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
                reason = MISSING_VALUE if text_of(cell) == "" else NOT_A_NUMBER
                rejects.append((int(sheet_rows[row]), str(table.years[column]), _raw(cell), reason))
                cells[at] = np.nan
    values = np.fromiter(cells, dtype=float, count=len(cells)).reshape(len(data), len(columns))
    for row, column in np.argwhere(np.isinf(values)):
        rejects.append(
            (int(sheet_rows[row]), str(table.years[column]), str(values[row, column]), NOT_A_NUMBER)
        )
        values[row, column] = np.nan
    return values, rejects, text_cells


def _raw(cell: object) -> str:
    """A cell as it is kept with a reject: a number with its decimals."""
    return text_of(cell) if isinstance(cell, str) else str(cell)


def _reject_rows(
    data: list[Row],
    sheet_rows: np.ndarray,
    table: Table,
    repeated: np.ndarray,
    already: set[tuple[int, str]],
) -> list[_Reject]:
    return [
        (int(sheet_rows[row]), str(year), _raw(data[row][column]), DUPLICATE)
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
