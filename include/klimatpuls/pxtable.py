"""One table of a PxWebApi 2 database as a dataset: which cells are asked for, and what came back.

What the catalogue says of a table (:class:`klimatpuls.catalog.PxTable`) is compared with the table's own
metadata before any figure is asked for: a variable or code that is missing is an error that also lists the
codes nobody knew. The sources that speak PxWebApi share this room; what a cell means is theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pandas as pd

from klimatpuls import catalog
from klimatpuls.clock import stockholm_date
from klimatpuls.errors import FetchError, NotYetPublished, SourceFormatError
from klimatpuls.http import StatusError
from klimatpuls.pxweb import CONTENTS_VARIABLE, TIME_VARIABLE, Cube, PxWebClient, cell_count, parse_cube
from klimatpuls.releases import EXPECTED, Fetched, Look

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from klimatpuls.catalog import Dataset, PxTable
    from klimatpuls.http import PoliteSession
    from klimatpuls.pxweb import Dimension, Selection, TableEntry

REGION_VARIABLE = "Region"
"""A reject whose reason begins so is no finding: the publisher's file is as it should be."""
REJECT_COLUMNS = ("sheet_row", "column_name", "raw_value", "reason")

Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Every cell of a table's answers.

    Attributes:
        frame: One row per cell: a text column per variable that was asked for by its codes (``Region``,
            ``Tid``, and the wanted ones under the name the catalogue gives them, in our codes), ``value``,
            ``status`` (the publisher's symbol, or an empty text), ``sheet_row`` (the cell's place, counted
            from 0 over all answers).
        factor: What a value is multiplied by to be in our unit.
        unit: Unit as the table states it.
        published_date: The day in Sweden on which the table was last updated.
        notes: The publisher's notes.
    """

    frame: pd.DataFrame
    factor: float
    unit: str
    published_date: date
    notes: tuple[str, ...]


def fetch_table(session: PoliteSession, base_url: str, dataset: str, as_of: date) -> Fetched:
    """Ask for every wanted cell of a dataset's table.

    Args:
        session: The polite session of the source; the limits the service states are set on its throttle.
        base_url: Such as ``https://statistikdatabasen.scb.se/api/v2``.
        dataset: Catalogue id of the dataset.
        as_of: The run's day; before a successor's first expected day its absence is no failure.

    Returns:
        One JSON-stat 2 body per answer, which together hold every cell once.

    Raises:
        NotYetPublished: if the table has no year yet, or is not there before its first year is due.
        FetchError: if the service does not answer, the table has gone or cannot be told from others, or what
            the service says about itself and the table cannot be read: no figures have come then.
    """
    entry = catalog.dataset(dataset)
    source_id = catalog.source_of(dataset).id
    try:
        return _fetch(session, base_url, entry, source_id, as_of)
    except SourceFormatError as error:
        msg = (
            f"{source_id}: no figures of {dataset} came, since the table could not be asked for them: {error}"
        )
        raise FetchError(msg) from error


def look_at_table(session: PoliteSession, base_url: str, dataset: str, as_of: date) -> Look:
    """Ask when a dataset's table was last updated; no figure is fetched.

    Args:
        session: The polite session of the source.
        base_url: As for :func:`fetch_table`.
        dataset: Catalogue id of the dataset.
        as_of: As for :func:`fetch_table`.

    Raises:
        NotYetPublished: if the table is not there before its first year is due.
        FetchError: if the service does not answer, or the table has gone or cannot be told from others.
    """
    entry = catalog.dataset(dataset)
    source_id = catalog.source_of(dataset).id
    client = PxWebClient(session=session, base_url=base_url.rstrip("/"))
    client.fetch_config()
    table_id = px_table(entry).table_id or _find_table(client, entry, source_id, as_of)
    found = _if_there(client.fetch_table, client, source_id, table_id)
    seen = (
        f"{table_id} updated {found.updated or 'at no stated time'}, to {found.last_period or 'no year yet'}"
    )
    return Look(fingerprint=seen, detail=seen)


def px_table(entry: Dataset) -> PxTable:
    """The table behind a dataset.

    Raises:
        FetchError: if the catalogue names none.
    """
    if entry.px_table is None:
        msg = f"the dataset {entry.id!r} is no table of a PxWebApi database"
        raise FetchError(msg)
    return entry.px_table


def _fetch(session: PoliteSession, base_url: str, entry: Dataset, source_id: str, as_of: date) -> Fetched:
    table = px_table(entry)
    client = PxWebClient(session=session, base_url=base_url.rstrip("/"))
    config = client.fetch_config()
    table_id = table.table_id or _find_table(client, entry, source_id, as_of)
    metadata = _if_there(client.fetch_metadata, client, source_id, table_id)
    if not metadata.dimension(TIME_VARIABLE).codes:
        msg = f"{source_id}: table {table_id} holds no year yet as of {as_of}"
        raise NotYetPublished(msg)
    selection = build_selection(metadata, table, source_id)
    answers = client.fetch_data(table_id, selection, max_cells=config.max_cells)
    return Fetched(
        source=source_id,
        dataset=entry.id,
        substance=None,
        url=f"{client.base_url}/tables/{table_id}/data",
        parts=tuple(answer.body for answer in answers),
        http={
            "table_id": table_id,
            "cells": cell_count(selection),
            "max_cells": config.max_cells,
            "licence": config.licence,
            "unknown_codes": {
                name: unknown
                for name in table.wanted
                if (unknown := _unknown(metadata.dimension(name), table))
            },
            "answers": [answer.facts for answer in answers],
        },
        known_from=answers[0].known_from,
    )


def build_selection(metadata: Cube, table: PxTable, source_id: str) -> Selection:
    """The question that asks for the wanted cells of every year.

    Args:
        metadata: The table's variables and codes.
        table: What the catalogue says about the table.
        source_id: The source, for messages.

    Returns:
        Variable -> codes. Regions and years are asked for in full; a wanted variable for the codes of the
        catalogue; a variable with a total in the catalogue for that total (written as the table writes it);
        any other one is left out, which the table must allow.

    Raises:
        SourceFormatError: if a wanted code, a total or the measure is missing, or a variable cannot be left
            out.
    """
    selection: Selection = {}
    for dimension in metadata.dimensions:
        name = dimension.name
        if name in (REGION_VARIABLE, TIME_VARIABLE):
            selection[name] = dimension.codes
        elif name == CONTENTS_VARIABLE:
            selection[name] = (_contents_code(dimension, table, source_id),)
        elif name in table.wanted:
            selection[name] = tuple(_wanted_codes(dimension, table, source_id))
        elif name in table.totals:
            selection[name] = (_total_code(dimension, table.totals[name], source_id),)
        elif not dimension.elimination:
            refuse(
                source_id,
                "variable_must_be_chosen",
                f"variable {name} ({dimension.label}) cannot be left out and the catalogue names no total "
                f"for it; it has {some(dimension.codes)}",
            )
    for name in _needed(table):
        metadata.dimension(name)
    return selection


def read_cells(parts: Sequence[bytes], dataset: str) -> Cells:
    """Every cell of a table's answers, in our codes.

    Args:
        parts: JSON-stat 2 bodies of one table, which together hold every cell once.
        dataset: Catalogue id of the dataset.

    Raises:
        SourceFormatError: if a body is no JSON-stat 2 dataset, a variable or unit is not what the catalogue
            says, a cell occurs twice, or no cell is there.
    """
    table, source_id = px_table(catalog.dataset(dataset)), catalog.source_of(dataset).id
    cubes = [parse_cube(part) for part in parts]
    if not cubes:
        refuse(source_id, "empty", "no answer to read")
    units = {_check_cube(cube, table, source_id) for cube in cubes}
    if len(units) != 1:
        refuse(source_id, "wrong_unit", f"the answers state several units: {sorted(units)}")
    cells = pd.concat([_our_codes(cube, table, source_id) for cube in cubes], ignore_index=True)
    if cells.empty:
        refuse(source_id, "empty", f"the table {cubes[0].label!r} holds no cell")
    cells["sheet_row"] = range(len(cells))
    _check_keys(cells, table, source_id)
    unit = units.pop()
    return Cells(
        frame=cells,
        factor=table.units[unit],
        unit=unit,
        published_date=_published_date(cubes, source_id),
        notes=tuple(dict.fromkeys(note.strip() for cube in cubes for note in cube.notes)),
    )


def keys_of(table: PxTable) -> list[str]:
    """Columns of :attr:`Cells.frame` that name a cell."""
    region = [REGION_VARIABLE] if table.has_regions else []
    return [*region, *(wanted.column for wanted in table.wanted.values()), TIME_VARIABLE]


def build_rejects(cells: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The cells that are no facts, one row each, as the warehouse keeps them.

    Args:
        cells: Rows of :attr:`Cells.frame` with a column ``reason``.
        keys: Columns that name a cell.
    """
    raw = [
        status if pd.isna(value) else f"{value:g}"
        for value, status in zip(cells["value"], cells["status"], strict=True)
    ]
    names = [" ".join(row) for row in cells[list(keys)].itertuples(index=False, name=None)]
    rejects: dict[str, Any] = {
        "sheet_row": cells["sheet_row"].astype("int64").to_numpy(),
        "column_name": pd.array(names, dtype="str"),
        "raw_value": pd.array(raw, dtype="str"),
        "reason": pd.array(cells["reason"].to_list(), dtype="str"),
    }
    return pd.DataFrame(rejects, columns=list(REJECT_COLUMNS))


def left_out_notes(rejected: pd.DataFrame) -> list[str]:
    """One sentence per reason for which cells were left out as expected."""
    expected = rejected.loc[rejected["reason"].str.startswith(EXPECTED), "reason"]
    counts = expected.value_counts(sort=False)
    return [
        f"{count} cells left out: {str(reason).removeprefix(EXPECTED)}" for reason, count in counts.items()
    ]


def _needed(table: PxTable) -> list[str]:
    region = [REGION_VARIABLE] if table.has_regions else []
    return [*region, *table.wanted, TIME_VARIABLE, CONTENTS_VARIABLE]


def _find_table(client: PxWebClient, entry: Dataset, source_id: str, as_of: date) -> str:
    table = px_table(entry)
    found = [candidate for candidate in client.find_tables(table.query) if _fits(candidate, entry, table)]
    if len(found) == 1:
        return found[0].id
    what = f"{source_id}: a search for {table.query!r} finds {len(found)} tables that could be {entry.id}"
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


def _if_there(ask: Callable[[str], Found], client: PxWebClient, source_id: str, table_id: str) -> Found:
    try:
        return ask(table_id)
    except StatusError as error:
        if error.status != 404:
            raise
        msg = (
            f"{source_id}: table {table_id} is not there any more ({error}). A change of method gets a table "
            f"of its own: look for its successor at {client.base_url}/tables and set it in the catalogue."
        )
        raise FetchError(msg) from error


def _contents_code(dimension: Dimension, table: PxTable, source_id: str) -> str:
    if table.contents_code in dimension.codes:
        return table.contents_code
    labelled = [
        code for code in dimension.codes if dimension.labels[code].lower().startswith(table.contents_label)
    ]
    fitting = dimension.codes if len(dimension.codes) == 1 else tuple(labelled)
    if table.contents_code is not None or len(fitting) != 1:
        wanted = table.contents_code or f"one called {table.contents_label!r}"
        offered = some([f"{code} ({dimension.labels[code]})" for code in dimension.codes])
        refuse(source_id, "measure_missing", f"expected the measure {wanted}, found {offered}")
    return fitting[0]


def _total_code(dimension: Dimension, wanted: str, source_id: str) -> str:
    # SCB itself writes TotSA for age and TotSa for sex: compared without regard to case.
    for code in dimension.codes:
        if code.casefold() == wanted.casefold():
            return code
    if dimension.elimination_code in dimension.codes:
        return dimension.elimination_code
    refuse(
        source_id,
        "total_missing",
        f"expected the total {wanted} of variable {dimension.name}, found {some(dimension.codes)}",
    )


def _our_code(dimension: Dimension, code: str, table: PxTable) -> str | None:
    """Our code of a publisher's, by its code or, where that is not certain, by a word of its label."""
    wanted = table.wanted[dimension.name]
    if code in wanted.codes:
        return wanted.codes[code]
    label = dimension.labels.get(code, "").casefold()
    return next((ours for word, ours in wanted.words.items() if word in label), None)


def _unknown(dimension: Dimension, table: PxTable) -> list[str]:
    left_out = table.wanted[dimension.name].left_out
    return [c for c in dimension.codes if _our_code(dimension, c, table) is None and c not in left_out]


def _wanted_codes(dimension: Dimension, table: PxTable, source_id: str) -> list[str]:
    ours = {code: _our_code(dimension, code, table) for code in dimension.codes}
    wanted = table.wanted[dimension.name]
    missing = sorted({*wanted.codes.values(), *wanted.words.values()} - set(ours.values()) - wanted.optional)
    if missing:
        refuse(
            source_id,
            "codes_missing",
            f"variable {dimension.name} ({dimension.label}) has no code for {some(missing)}; codes nobody "
            f"knew: {some(_unknown(dimension, table)) or 'none'}",
        )
    return [code for code, name in ours.items() if name is not None]


def _check_cube(cube: Cube, table: PxTable, source_id: str) -> str:
    """The unit of a cube whose variables are what was asked for."""
    for name in _needed(table):
        cube.dimension(name)
    contents = cube.dimension(CONTENTS_VARIABLE)
    if len(contents.codes) != 1:
        refuse(source_id, "measures", f"expected one measure, found {some(contents.codes)}")
    unit = contents.units.get(contents.codes[0], "")
    if unit not in table.units:
        wanted = " or ".join(map(repr, table.units))
        refuse(source_id, "wrong_unit", f"expected the unit {wanted}, found {unit!r} ({contents.codes[0]})")
    for dimension in cube.dimensions:
        if dimension.name not in _needed(table) and not _is_at_total(dimension, table):
            what = f"variable {dimension.name} is not at its total but at {some(dimension.codes)}"
            refuse(source_id, "not_a_total", what)
    odd = [year for year in cube.dimension(TIME_VARIABLE).codes if not (len(year) == 4 and year.isdecimal())]
    if odd:
        refuse(source_id, "not_a_year", f"expected years, found {some(odd)}")
    return unit


def _is_at_total(dimension: Dimension, table: PxTable) -> bool:
    if len(dimension.codes) != 1 or dimension.name not in table.totals:
        return False
    code = dimension.codes[0]
    return code.casefold() == table.totals[dimension.name].casefold() or code == dimension.elimination_code


def _our_codes(cube: Cube, table: PxTable, source_id: str) -> pd.DataFrame:
    frame = cube.frame()
    for name, wanted in table.wanted.items():
        dimension = cube.dimension(name)
        ours = {code: _our_code(dimension, code, table) for code in dimension.codes}
        if strange := [code for code, known in ours.items() if known is None]:
            refuse(source_id, "unknown_code", f"variable {name} holds codes nobody knew: {some(strange)}")
        frame[wanted.column] = frame[name].map(ours).astype("str")
    return frame


def _check_keys(cells: pd.DataFrame, table: PxTable, source_id: str) -> None:
    keys = keys_of(table)
    twice = cells[cells.duplicated(keys, keep=False)]
    if twice.empty:
        return
    findings = [
        f"{', '.join(f'{name} {code}' for name, code in zip(keys, row, strict=True))} (cell {place})"
        for place, row in zip(twice["sheet_row"], twice[keys].itertuples(index=False, name=None), strict=True)
    ]
    refuse(source_id, "key_twice", f"{len(twice)} cells share their codes: {some(findings)}")


def _published_date(cubes: Sequence[Cube], source_id: str) -> date:
    moments = {cube.updated for cube in cubes}
    if len(moments) != 1:
        what = "the answers were last changed at different times; fetch again"
        refuse(source_id, "changed_while_reading", what)
    moment = moments.pop()
    if moment is None:
        what = f"the table {cubes[0].label!r} does not say when it was last changed"
        refuse(source_id, "no_publication_date", what)
    return stockholm_date(moment)


def some(names: Sequence[str]) -> str:
    """The first ten names and how many more there are."""
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown


def refuse(source_id: str, rule: str, what: str) -> NoReturn:
    """Refuse an answer.

    Raises:
        SourceFormatError: always, with what to do.
    """
    msg = (
        f"{source_id}: {what}. What to do: compare the table with the catalogue entry and the answer kept in "
        "the snapshot; nothing was loaded."
    )
    raise SourceFormatError(msg, rule=rule, findings=(what,))
