"""Reads every cell of a PxWebApi 2 table in our codes, and builds a release of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from klimatpuls.clock import stockholm_date
from klimatpuls.contract import catalog, schema
from klimatpuls.contract.releases import EXPECTED, Parsed
from klimatpuls.domain.regions import regions
from klimatpuls.fetch.pxweb.client import (
    CONTENTS_VARIABLE,
    REGION_VARIABLE,
    TIME_VARIABLE,
    Cube,
    parse_cube,
    refuse,
    some,
)
from klimatpuls.fetch.pxweb.factors import add_factors, settle_units
from klimatpuls.fetch.pxweb.table import (
    by_name,
    check_labels,
    contents_code,
    labels_of,
    needed_variables,
    our_codes,
    px_table,
    total_code,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klimatpuls.contract.catalog import Dataset, PxTable


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Every cell of a table's answers.

    Attributes:
        frame: One row per cell: a text column per variable that was requested by its codes (``Region``,
            ``Tid``, and the wanted ones under the name the catalogue gives them, in our codes), ``value`` (in
            the publisher's unit), ``factor`` (what it is multiplied by to be in ours), ``status`` (the
            publisher's symbol, or an empty text), ``sheet_row`` (the cell's place, counted from 0 over all
            answers).
        published_date: The day in Sweden on which the table was last updated; where the table does not say,
            the day on which the catalogue expects the figures of its last year.
        notes: The publisher's notes, then what differs from the recorded form.
        losses: Those of the notes about a part that is missing.
    """

    frame: pd.DataFrame
    published_date: date
    notes: tuple[str, ...]
    losses: tuple[str, ...]


def read_cells(parts: Sequence[bytes], dataset: str) -> Cells:
    """Every cell of a table's answers, in our codes.

    Args:
        parts: JSON-stat 2 bodies of one table, which together hold every cell once.
        dataset: Catalogue id of the dataset.

    Raises:
        SourceFormatError: if a body is no JSON-stat 2 dataset, a variable or measure is not what the
            catalogue says, a further variable is not at its total, the unit is unknown or contradicts
            itself, a cell occurs twice, or no cell is there.
    """
    entry, source_id = catalog.dataset(dataset), catalog.source_of(dataset).id
    table = px_table(entry)
    cubes = [parse_cube(part) for part in parts]
    if not cubes:
        refuse(source_id, "empty", "no answer to read")
    notes: list[str] = []
    frames, first = [], 0
    for cube in cubes:
        frames.append(_read_cube(cube, table, source_id, first, notes))
        first += len(cube.values)
    cells = pd.concat(frames, ignore_index=True)
    if cells.empty:
        refuse(source_id, "empty", f"the table {cubes[0].label!r} holds no cell")
    _check_keys(cells, table, source_id)
    notes += settle_units(cells, table, source_id)
    published, how = _published_date(cubes, cells, entry, source_id)
    losses = _lacking(cells, table)
    oddities = [
        *(oddity for cube in cubes for oddity in cube.oddities),
        *how,
        *notes,
        *losses,
    ]
    publishers = [note.strip() for cube in cubes for note in cube.notes]
    return Cells(
        frame=cells[[*_keys_of(table), "value", "factor", "status", "sheet_row"]].copy(),
        published_date=published,
        notes=tuple(dict.fromkeys([*publishers, *oddities])),
        losses=tuple(losses),
    )


def _keys_of(table: PxTable) -> list[str]:
    """Columns of :attr:`Cells.frame` that name a cell."""
    region = [REGION_VARIABLE] if table.has_regions else []
    return [*region, *(wanted.column for wanted in table.wanted.values()), TIME_VARIABLE]


def build_parsed(
    cells: Cells,
    reasons: pd.Series,
    values: Mapping[str, pd.Series],
    *,
    dataset: str,
    unit: str,
    published: date | None = None,
    notes: Sequence[str] = (),
) -> Parsed:
    """The release of a table: its cells without a reason as rows, the others as rejects.

    A cell of a region outside the 312 is an expected reject, whatever its reason.

    Args:
        cells: The cells.
        reasons: Why a cell is no fact; an empty text where it is one.
        values: Column of the fact beside its key → its value for every cell.
        dataset: Catalogue id of the dataset.
        unit: Unit of the rows.
        published: The date of the release, if it is not that of the cells.
        notes: Further notes, one sentence each.
    """
    frame = cells.frame
    if REGION_VARIABLE in frame:
        known = frame[REGION_VARIABLE].isin(regions())
        outside = f"{EXPECTED}region code " + frame[REGION_VARIABLE] + " is none of the 312 regions"
        reasons = reasons.where(known, outside)
    kept = reasons == ""
    named = frame.rename(columns={REGION_VARIABLE: "region_code", TIME_VARIABLE: "year"})
    fact = schema.fact(catalog.dataset(dataset).fact)
    rows = named[[*fact.key, "sheet_row"]].assign(**values)[kept].reset_index(drop=True)
    whole = [column.name for column in fact.columns if column.type in ("bigint", "integer", "smallint")]
    rows = rows.astype(dict.fromkeys([*whole, "sheet_row"], "int64"))
    rejected = frame[~kept].assign(reason=reasons[~kept])
    return Parsed(
        dataset=dataset,
        substance=None,
        unit=unit,
        published_date=published or cells.published_date,
        years=tuple(sorted(rows["year"].unique().tolist())),
        rows=rows[[*fact.names, "sheet_row"]],
        rejects=_build_rejects(rejected, catalog.dataset(dataset)),
        rows_read=len(frame),
        notes=(*cells.notes, *notes, *_left_out_notes(rejected)),
        losses=cells.losses,
    )


def missing_reasons(frame: pd.DataFrame) -> pd.Series:
    """Why a cell has no number: an expected reason with the publisher's symbol; empty where it has one."""
    symbol = f"{EXPECTED}no figure, symbol " + frame["status"]
    return symbol.where(frame["status"] != "", "no number").where(frame["value"].isna(), "")


def _build_rejects(cells: pd.DataFrame, entry: Dataset) -> pd.DataFrame:
    """The cells that are no facts, one row each, as the warehouse keeps them."""
    raw = [
        status if pd.isna(value) else f"{value:g}"
        for value, status in zip(cells["value"], cells["status"], strict=True)
    ]
    keys = cells[_keys_of(px_table(entry))].itertuples(index=False, name=None)
    return pd.DataFrame(
        {
            "sheet_row": cells["sheet_row"].astype("int64").to_numpy(),
            "column_name": pd.array([" ".join(key) for key in keys], dtype="str"),
            "raw_value": pd.array(raw, dtype="str"),
            "reason": pd.array(cells["reason"].to_list(), dtype="str"),
        }
    )


def _left_out_notes(rejected: pd.DataFrame) -> list[str]:
    """One sentence per reason for which cells were left out as expected."""
    expected = rejected.loc[rejected["reason"].str.startswith(EXPECTED), "reason"]
    counts = expected.value_counts(sort=False)
    return [
        f"{count} cells left out: {str(reason).removeprefix(EXPECTED)}" for reason, count in counts.items()
    ]


def _read_cube(cube: Cube, table: PxTable, source_id: str, first_row: int, notes: list[str]) -> pd.DataFrame:
    """The wanted cells of one answer, under our names; differences from the recorded form become notes."""
    for name in needed_variables(table):
        cube.dimension(name)
    odd = [year for year in cube.dimension(TIME_VARIABLE).codes if not (len(year) == 4 and year.isdecimal())]
    if odd:
        refuse(source_id, "not_a_year", f"expected years, found {some(odd)}")
    measure = contents_code(cube.dimension(CONTENTS_VARIABLE), table, source_id)
    frame = cube.frame()
    frame["sheet_row"] = range(first_row, first_row + len(frame))
    frame = frame[frame[cube.dimension(CONTENTS_VARIABLE).name] == measure]
    if table.contents_code not in (None, measure):
        notes.append(f"the measure is {measure}, not {table.contents_code}; it was recognised by its label")
    frame = _at_totals(cube, frame, table, source_id, notes)
    frame = frame.rename(
        columns={
            cube.dimension(name).name: name
            for name in (*([REGION_VARIABLE] if table.has_regions else []), TIME_VARIABLE)
        }
    )
    _add_our_codes(cube, frame, table, source_id, notes)
    add_factors(cube, frame, measure, table, source_id)
    return frame


def _at_totals(
    cube: Cube, frame: pd.DataFrame, table: PxTable, source_id: str, notes: list[str]
) -> pd.DataFrame:
    """The cells at the total of every variable that was not requested by its codes."""
    needed = {name.casefold() for name in needed_variables(table)}
    for dimension in cube.dimensions:
        if dimension.name.casefold() in needed:
            continue
        total = total_code(dimension, table)
        if total is None:
            what = f"variable {dimension.name} is not at its total but at {some(dimension.codes)}"
            refuse(source_id, "not_a_total", what)
        frame = frame[frame[dimension.name] == total]
        if by_name(table.totals, dimension) is None or len(dimension.codes) > 1:
            label = dimension.labels[total]
            notes.append(f"of the variable {dimension.name} its total {total} ({label}) was taken")
    return frame.copy()


def _add_our_codes(cube: Cube, frame: pd.DataFrame, table: PxTable, source_id: str, notes: list[str]) -> None:
    for name, wanted in table.wanted.items():
        dimension = cube.dimension(name)
        ours = our_codes(dimension, wanted)
        if strange := [code for code in dimension.codes if code not in ours]:
            what = f"variable {name} holds unknown codes: {some(labels_of(dimension, strange))}"
            refuse(source_id, "unknown_code", what)
        check_labels(dimension, wanted, source_id)
        for code, name_here in ours.items():
            if code not in wanted.codes:
                notes.append(
                    f"code {code} of {name} was recognised by its label {dimension.labels[code]!r}: "
                    f"{name_here}"
                )
        frame[wanted.column] = frame[dimension.name].map(ours).astype("str")


def _check_keys(cells: pd.DataFrame, table: PxTable, source_id: str) -> None:
    keys = _keys_of(table)
    twice = cells[cells.duplicated(keys, keep=False)]
    if twice.empty:
        return
    findings = [
        f"{', '.join(f'{name} {code}' for name, code in zip(keys, row, strict=True))} (cell {place})"
        for place, row in zip(twice["sheet_row"], twice[keys].itertuples(index=False, name=None), strict=True)
    ]
    refuse(source_id, "key_twice", f"{len(twice)} cells share their codes: {some(findings)}")


def _lacking(cells: pd.DataFrame, table: PxTable) -> list[str]:
    """Which of our codes the answers lack."""
    notes = []
    for name, wanted in table.wanted.items():
        there = set(cells[wanted.column].unique())
        missing = sorted(set(wanted.codes.values()) - there)
        if missing:
            notes.append(
                f"the answers have no code of {name} for {some(missing)}; all else was read. What to do: if "
                "the table has them under other codes, change its source.yaml"
            )
    return notes


def _published_date(
    cubes: Sequence[Cube], cells: pd.DataFrame, entry: Dataset, source_id: str
) -> tuple[date, list[str]]:
    """The publisher's date, and how it was found where the publisher does not state it.

    Bytes alone decide, so that the same bytes are the same release whenever they are read: where no date is
    stated, it is the day on which the catalogue expects the figures of the last year (of a forecast: of its
    first year).
    """
    moments = {cube.updated for cube in cubes if cube.updated is not None}
    if len(moments) > 1:
        what = "the answers were last changed at different times; fetch again"
        refuse(source_id, "changed_while_reading", what)
    if moments:
        return stockholm_date(moments.pop()), []
    years = cells[TIME_VARIABLE].astype(int)
    year = int(years.min() if entry.dated_by_release else years.max())
    expected = date(year + entry.publication_lag_years, entry.expected_month, entry.expected_day)
    return expected, [f"no date of publication is stated: dated {expected}, when the year {year} is expected"]
