"""Population of nation, counties and municipalities on 31 December, from SCB over PxWebApi 2.

What SCB publishes: on about 22 February, 08:00, the population of the year before. Two tables: TAB638 for
1968 to 2024, where age, sex and marital status may be left out of the question (summed), and from 2025 a
successor with disclosure control (Cell Key Method): a little noise in every cell, so totals are asked for
and never summed, and age and marital status have total codes of their own that must be named. The
successor's table id was not known when this was written; it is found by its title.

Oddities handled: a municipality that did not exist yet is a literal 0 (no population, no row); series stand
under today's codes; some tables list codes that are none of the 312 regions (1917, Heby before 2007);
county totals are not recomputed for Heby. Years are read from the table, never listed here.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pandas as pd

from klimatpuls.catalog import dataset as catalogue_dataset
from klimatpuls.clock import stockholm_date
from klimatpuls.errors import FetchError, NotYetPublished, SourceFormatError
from klimatpuls.http import StatusError
from klimatpuls.pxweb import CONTENTS_VARIABLE, TIME_VARIABLE, Cube, PxWebClient, cell_count, parse_cube
from klimatpuls.regions import regions
from klimatpuls.releases import Fetched, Look, Parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from klimatpuls.catalog import Dataset, PxTable
    from klimatpuls.http import PoliteSession
    from klimatpuls.pxweb import Dimension, Selection, TableEntry

SOURCE_ID = "scb_population"
REGION_VARIABLE = "Region"
UNIT_AT_SCB = "antal"
UNIT = "persons"
EXPECTED = "expected: "
"""A reject whose reason begins so is no finding: the publisher's file is as it should be."""

Found = TypeVar("Found")
REJECT_COLUMNS = ("sheet_row", "column_name", "raw_value", "reason")


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Ask SCB for every region and every year a table holds.

    Args:
        session: The polite session of this source; the limits SCB states are set on its throttle.
        base_url: Such as ``https://statistikdatabasen.scb.se/api/v2``.
        dataset: ``scb_population`` or ``scb_population_ckm``.
        substance: None; population has no substances.
        as_of: The run's day; before the successor's first expected day its absence is no failure.

    Returns:
        One JSON-stat 2 body per answer, which together hold every cell once.

    Raises:
        NotYetPublished: if the table has no year yet, or is not there before its first year is due.
        FetchError: if the service does not answer, the table has gone or cannot be told from others, or what
            the service says about itself and the table cannot be read: no figures have come then.
    """
    try:
        return _fetch(session, base_url, catalogue_dataset(dataset), substance, as_of)
    except SourceFormatError as error:
        msg = (
            f"{SOURCE_ID}: no figures of {dataset} came, since the table could not be asked for them: {error}"
        )
        raise FetchError(msg) from error


def _fetch(
    session: PoliteSession, base_url: str, entry: Dataset, substance: str | None, as_of: date
) -> Fetched:
    table = _px_table(entry, substance)
    client = PxWebClient(session=session, base_url=base_url.rstrip("/"))
    config = client.fetch_config()
    table_id = table.table_id or _find_table(client, entry, table, as_of)
    metadata = _if_there(client.fetch_metadata, client, table_id)
    if not metadata.dimension(TIME_VARIABLE).codes:
        msg = f"{SOURCE_ID}: table {table_id} holds no year yet as of {as_of}"
        raise NotYetPublished(msg)
    selection = build_selection(metadata, table)
    answers = client.fetch_data(table_id, selection, max_cells=config.max_cells)
    return Fetched(
        source=SOURCE_ID,
        dataset=entry.id,
        substance=None,
        url=f"{client.base_url}/tables/{table_id}/data",
        parts=tuple(answer.body for answer in answers),
        http={
            "table_id": table_id,
            "cells": cell_count(selection),
            "max_cells": config.max_cells,
            "licence": config.licence,
            "answers": [answer.facts for answer in answers],
        },
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
    """Ask when SCB last updated the table; no figure is fetched.

    Args:
        session: The polite session of this source.
        base_url: As for :func:`fetch`.
        dataset: ``scb_population`` or ``scb_population_ckm``.
        substance: None; population has no substances.
        as_of: The run's day, as for :func:`fetch`.
        validators: Of no use here: SCB states the moment itself.

    Raises:
        NotYetPublished: if the table is not there before its first year is due.
        FetchError: if the service does not answer, or the table has gone or cannot be told from others.
    """
    entry = catalogue_dataset(dataset)
    table = _px_table(entry, substance)
    client = PxWebClient(session=session, base_url=base_url.rstrip("/"))
    client.fetch_config()
    table_id = table.table_id or _find_table(client, entry, table, as_of)
    found = _if_there(client.fetch_table, client, table_id)
    seen = (
        f"{table_id} updated {found.updated or 'at no stated time'}, to {found.last_period or 'no year yet'}"
    )
    return Look(fingerprint=seen, detail=seen)


def build_selection(metadata: Cube, table: PxTable) -> Selection:
    """The question that asks for the population of every region and year, totals only.

    Args:
        metadata: The table's variables and codes.
        table: What the catalogue says about the table.

    Returns:
        Variable -> codes. A variable with a total code in the catalogue is asked for that code (written as
        the table writes it); any other one is left out, which the table must allow.

    Raises:
        SourceFormatError: if a total or the measure is missing, or a variable cannot be left out.
    """
    selection: Selection = {}
    for dimension in metadata.dimensions:
        if dimension.name in (REGION_VARIABLE, TIME_VARIABLE):
            selection[dimension.name] = dimension.codes
        elif dimension.name == CONTENTS_VARIABLE:
            selection[dimension.name] = (_contents_code(dimension, table),)
        elif dimension.name in table.totals:
            selection[dimension.name] = (_total_code(dimension, table.totals[dimension.name]),)
        elif not dimension.elimination:
            _refuse(
                "variable_must_be_chosen",
                f"variable {dimension.name} ({dimension.label}) cannot be left out and the catalogue names "
                f"no total for it; it has {_some(dimension.codes)}",
            )
    for name in (REGION_VARIABLE, TIME_VARIABLE, CONTENTS_VARIABLE):
        metadata.dimension(name)
    return selection


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn SCB's answers into one row per region and year.

    Args:
        parts: JSON-stat 2 bodies of one table, which together hold every cell once.
        dataset: ``scb_population`` or ``scb_population_ckm``.
        substance: None; population has no substances.

    Returns:
        Rows ``region_code, year, population_count, sheet_row`` (the cell's place, counted from 0 over all
        parts). Cells of regions outside the 312, of municipalities that did not exist yet and without a
        number are rejects; the reasons that are no finding begin with ``expected:``.

    Raises:
        SourceFormatError: if a body is no JSON-stat 2 dataset, the unit is not ``antal``, a variable is
            missing or not at its total, a cell occurs twice, or no year is there.
    """
    entry = catalogue_dataset(dataset)
    table = _px_table(entry, substance)
    cubes = [parse_cube(part) for part in parts]
    if not cubes:
        _refuse("empty", "no answer to read")
    for cube in cubes:
        _check_variables(cube, table)
    cells = pd.concat([cube.frame() for cube in cubes], ignore_index=True)
    if cells.empty:
        _refuse("empty", f"the table {cubes[0].label!r} holds no cell")
    cells["sheet_row"] = range(len(cells))
    _check_keys(cells)
    reasons = [
        _reason(region, int(year), value, status)
        for region, year, value, status in zip(
            cells[REGION_VARIABLE], cells[TIME_VARIABLE], cells["value"], cells["status"], strict=True
        )
    ]
    cells["reason"] = pd.array(reasons, dtype="str")
    kept = cells["reason"] == ""
    rows = _rows(cells[kept])
    return Parsed(
        dataset=dataset,
        substance=None,
        unit=UNIT,
        published_date=_published_date(cubes),
        years=tuple(sorted(int(year) for year in rows["year"].unique())),
        rows=rows,
        rejects=_rejects(cells[~kept]),
        rows_read=len(cells),
        notes=_notes(cubes, cells[~kept]),
    )


def _px_table(entry: Dataset, substance: str | None) -> PxTable:
    if entry.px_table is None or substance is not None:
        msg = f"{SOURCE_ID} has neither the dataset {entry.id!r} nor substances (asked for {substance!r})"
        raise FetchError(msg)
    return entry.px_table


def _find_table(client: PxWebClient, entry: Dataset, table: PxTable, as_of: date) -> str:
    found = [candidate for candidate in client.find_tables(table.query) if _fits(candidate, entry, table)]
    if len(found) == 1:
        return found[0].id
    what = f"{SOURCE_ID}: a search for {table.query!r} finds {len(found)} tables that could be {entry.id}"
    first_day = _first_expected(entry)
    if not found and as_of < first_day + timedelta(days=entry.due_after_days):
        msg = f"{what}; it is expected on {first_day}"
        raise NotYetPublished(msg)
    names = "; ".join(f"{candidate.id} ({candidate.label})" for candidate in found) or "none"
    msg = (
        f"{what}: {names}. What to do: look the table up at {client.base_url}/tables and set its id as "
        f"table_id of {entry.id} in the catalogue."
    )
    raise FetchError(msg)


def _first_expected(entry: Dataset) -> date:
    if entry.first_year is None:
        return date.min
    return date(entry.first_year + entry.publication_lag_years, entry.expected_month, entry.expected_day)


def _fits(candidate: TableEntry, entry: Dataset, table: PxTable) -> bool:
    return (
        candidate.time_unit in ("", "Annual")
        and candidate.label.lower().startswith(table.title_starts)
        and set(table.variables) <= set(candidate.variables)
        and candidate.first_period == str(entry.first_year)
    )


def _if_there(ask: Callable[[str], Found], client: PxWebClient, table_id: str) -> Found:
    try:
        return ask(table_id)
    except StatusError as error:
        if error.status != 404:
            raise
        msg = (
            f"{SOURCE_ID}: table {table_id} is not there any more ({error}). A change of method gets a table "
            f"of its own: look for its successor at {client.base_url}/tables and set it in the catalogue."
        )
        raise FetchError(msg) from error


def _contents_code(dimension: Dimension, table: PxTable) -> str:
    if table.contents_code in dimension.codes:
        return table.contents_code
    labelled = [
        code for code in dimension.codes if dimension.labels[code].lower().startswith(table.contents_label)
    ]
    fitting = dimension.codes if len(dimension.codes) == 1 else tuple(labelled)
    if table.contents_code is not None or len(fitting) != 1:
        wanted = table.contents_code or f"one called {table.contents_label!r}"
        offered = _some([f"{code} ({dimension.labels[code]})" for code in dimension.codes])
        _refuse("measure_missing", f"expected the measure {wanted}, found {offered}")
    return fitting[0]


def _total_code(dimension: Dimension, wanted: str) -> str:
    # SCB itself writes TotSA for age and TotSa for sex: compared without regard to case.
    for code in dimension.codes:
        if code.casefold() == wanted.casefold():
            return code
    if dimension.elimination_code in dimension.codes:
        return dimension.elimination_code
    _refuse(
        "total_missing",
        f"expected the total {wanted} of variable {dimension.name}, found {_some(dimension.codes)}",
    )


def _check_variables(cube: Cube, table: PxTable) -> None:
    for name in (REGION_VARIABLE, TIME_VARIABLE):
        cube.dimension(name)
    contents = cube.dimension(CONTENTS_VARIABLE)
    if len(contents.codes) != 1:
        _refuse("measures", f"expected one measure, found {_some(contents.codes)}")
    unit = contents.units.get(contents.codes[0], "")
    if unit != UNIT_AT_SCB:
        _refuse("wrong_unit", f"expected the unit {UNIT_AT_SCB!r}, found {unit!r} ({contents.codes[0]})")
    known = {REGION_VARIABLE, TIME_VARIABLE, CONTENTS_VARIABLE}
    for dimension in cube.dimensions:
        if dimension.name not in known and not _is_at_total(dimension, table):
            _refuse(
                "not_a_total",
                f"variable {dimension.name} is not at its total but at {_some(dimension.codes)}",
            )
    odd = [year for year in cube.dimension(TIME_VARIABLE).codes if not (len(year) == 4 and year.isdecimal())]
    if odd:
        _refuse("not_a_year", f"expected years, found {_some(odd)}")


def _is_at_total(dimension: Dimension, table: PxTable) -> bool:
    if len(dimension.codes) != 1 or dimension.name not in table.totals:
        return False
    code = dimension.codes[0]
    return code.casefold() == table.totals[dimension.name].casefold() or code == dimension.elimination_code


def _check_keys(cells: pd.DataFrame) -> None:
    twice = cells[cells.duplicated([REGION_VARIABLE, TIME_VARIABLE], keep=False)]
    if not twice.empty:
        findings = [
            f"region {region}, year {year} (cell {row})"
            for region, year, row in zip(
                twice[REGION_VARIABLE], twice[TIME_VARIABLE], twice["sheet_row"], strict=True
            )
        ]
        _refuse("key_twice", f"{len(twice)} cells share their region and year: {_some(findings)}")


def _reason(region_code: str, year: int, value: float, status: str) -> str:
    region = regions().get(region_code)
    if region is None:
        return f"{EXPECTED}region code {region_code} is none of the 312 regions"
    first_year = region.population_from_year
    if region.split_from is not None and first_year is not None and year < first_year:
        if pd.isna(value) or value == 0:
            return f"{EXPECTED}not yet a municipality (0)"
        return f"population of {region.name} before it was a municipality ({first_year})"
    if pd.isna(value):
        return f"no number, symbol {status!r}" if status else "no number"
    if value <= 0 or value != int(value):
        return "a population is a whole number above 0"
    return ""


def _rows(cells: pd.DataFrame) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "region_code": cells[REGION_VARIABLE].astype("str"),
            "year": cells[TIME_VARIABLE].astype("int64"),
            "population_count": cells["value"].astype("int64"),
            "sheet_row": cells["sheet_row"].astype("int64"),
        }
    )
    return rows.reset_index(drop=True)


def _rejects(cells: pd.DataFrame) -> pd.DataFrame:
    raw: list[str] = [
        status if pd.isna(value) else f"{value:g}"
        for value, status in zip(cells["value"], cells["status"], strict=True)
    ]
    rejects: dict[str, Any] = {
        "sheet_row": cells["sheet_row"].astype("int64").to_numpy(),
        "column_name": pd.array(
            [
                f"{region} {year}"
                for region, year in zip(cells[REGION_VARIABLE], cells[TIME_VARIABLE], strict=True)
            ],
            dtype="str",
        ),
        "raw_value": pd.array(raw, dtype="str"),
        "reason": pd.array(cells["reason"].to_list(), dtype="str"),
    }
    return pd.DataFrame(rejects, columns=list(REJECT_COLUMNS))


def _published_date(cubes: Sequence[Cube]) -> date:
    moments = {cube.updated for cube in cubes}
    if len(moments) != 1:
        _refuse("changed_while_reading", "the answers were last changed at different times; fetch again")
    moment = moments.pop()
    if moment is None:
        _refuse("no_publication_date", f"the table {cubes[0].label!r} does not say when it was last changed")
    return stockholm_date(moment)


def _notes(cubes: Sequence[Cube], rejected: pd.DataFrame) -> tuple[str, ...]:
    notes = list(dict.fromkeys(note.strip() for cube in cubes for note in cube.notes))
    expected = rejected.loc[rejected["reason"].str.startswith(EXPECTED), "reason"]
    counts = expected.value_counts(sort=False)
    notes += [
        f"{count} cells left out: {str(reason).removeprefix(EXPECTED)}" for reason, count in counts.items()
    ]
    return tuple(notes)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown


def _refuse(rule: str, what: str) -> NoReturn:
    msg = (
        f"{SOURCE_ID}: {what}. What to do: compare the table with the catalogue entry and the answer kept in "
        "the snapshot; nothing was loaded."
    )
    raise SourceFormatError(msg, rule=rule, findings=(what,))
