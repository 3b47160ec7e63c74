"""Compares what a source assumes about its PxWebApi 2 tables with what the service answers.

A few light calls per table: the limits, the metadata, and one page of its latest year. Nothing is kept and no
error is raised: an assumption that fails is a result like any other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

from klimatpuls.contract import catalog
from klimatpuls.contract.releases import EXPECTED
from klimatpuls.domain.regions import NATION
from klimatpuls.domain.regions import codes as region_codes
from klimatpuls.errors import KlimatpulsError, NotYetPublished
from klimatpuls.fetch.assumptions import checked
from klimatpuls.fetch.pxweb import units as px_units
from klimatpuls.fetch.pxweb.client import CONTENTS_VARIABLE, REGION_VARIABLE, TIME_VARIABLE, PxWebClient, some
from klimatpuls.fetch.pxweb.factors import label_units, stated_unit
from klimatpuls.fetch.pxweb.table import (
    build_selection,
    contents_code,
    locate_table,
    needed_variables,
    px_table,
    unknown_codes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from klimatpuls.contract.catalog import Dataset, PxTable
    from klimatpuls.contract.releases import Parsed
    from klimatpuls.fetch.assumptions import Checked, Verdict
    from klimatpuls.fetch.http import PoliteSession
    from klimatpuls.fetch.pxweb.client import Cube, Selection, ServiceConfig

RECORDED_CELLS: Final = 150_000
RECORDED_WINDOWS: Final = ((3, 1.0), (30, 10.0))
"""What SCB's ``/config`` stated in the recordings of 2026."""
SAMPLE_REGIONS: Final = (NATION, "0180")
"""The nation and Stockholm: the regions whose latest year is requested."""
NOTHING_TO_DO: Final = "Nothing: it is read as well. Tell the maintainers, so that they update the page."


class Parser(Protocol):
    """The ``parse`` of a source."""

    def __call__(self, parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
        """Turn bytes into tidy rows."""


def check_source(
    session: PoliteSession, base_url: str, source_id: str, *, as_of: date, parse: Parser
) -> Iterator[Checked]:
    """Yield one result per assumption, the limits of the service first, then table by table.

    Args:
        session: The polite session of the source.
        base_url: Where the service is.
        source_id: Catalogue id of the source.
        as_of: The day; a table that is not due yet may be missing.
        parse: The source's parser, for one page of each table.
    """
    client = PxWebClient(session=session, base_url=base_url.rstrip("/"))
    try:
        config = client.fetch_config()
    except KlimatpulsError as error:
        yield _failed(source_id, "the service states its limits in /config", error)
        return
    yield _limits(config)
    for entry in catalog.source(source_id).datasets:
        yield from _check_table(client, entry, source_id, as_of, config.max_cells, parse)


def _limits(config: ServiceConfig) -> Checked:
    window = (config.calls, config.window_seconds)
    is_recorded = config.max_cells == RECORDED_CELLS and window in RECORDED_WINDOWS and not config.notes
    limits = f"{config.max_cells} cells an answer, {config.calls} calls in {config.window_seconds:g} s"
    return checked(
        f"/config states {RECORDED_CELLS} cells an answer, and 3 calls in 1 s or 30 in 10 s",
        "; ".join([limits, *config.notes]),
        "holds" if is_recorded else "differs",
        "Nothing: stated limits are kept, and cautious ones where none is stated.",
    )


def _check_table(
    client: PxWebClient, entry: Dataset, source_id: str, as_of: date, max_cells: int, parse: Parser
) -> Iterator[Checked]:
    table = px_table(entry)
    assumption = f"{entry.id}: the table is {table.table_ids[0]}"
    try:
        table_id, metadata, notes = locate_table(client.fetch_metadata, client, entry, source_id, as_of)
    except NotYetPublished as missing:
        yield checked(assumption, f"not published yet: {missing}")
        return
    except KlimatpulsError as error:
        yield _failed(source_id, assumption, error)
        return
    is_titled = re.search(table.title, px_units.plain(metadata.label)) is not None
    is_recorded = table_id == table.table_ids[0] and is_titled
    yield checked(
        assumption,
        "; ".join([f"{table_id}, {metadata.label!r}", *notes]),
        "holds" if is_recorded else "differs",
        f"Look whether the table is the right one: {client.base_url}/tables/{table_id}",
    )
    for sentence, step in _STEPS:
        yield _step(f"{entry.id}: {sentence}", step, metadata, entry, source_id, as_of)
    yield _page(client, table_id, metadata, entry, source_id, max_cells, parse)


Answered = tuple["Verdict", str]


def _step(
    assumption: str,
    step: Callable[[Cube, Dataset, str, date], Answered],
    metadata: Cube,
    entry: Dataset,
    source_id: str,
    as_of: date,
) -> Checked:
    try:
        verdict, answer = step(metadata, entry, source_id, as_of)
    except KlimatpulsError as error:
        return _failed(source_id, assumption, error)
    return checked(assumption, answer, verdict, _mend(source_id) if verdict == "fails" else NOTHING_TO_DO)


def _variables(metadata: Cube, entry: Dataset, source_id: str, as_of: date) -> Answered:
    table = px_table(entry)
    needed = needed_variables(table)
    spelt = [metadata.dimension(name).name for name in needed]
    selection = build_selection(metadata, table, source_id)
    known = {name.casefold() for name in (*needed, *table.totals)}
    new = [
        one.name for one in metadata.dimensions if one.name.casefold() not in known and one.name in selection
    ]
    requested = [f"{name} at its total {selection[name][0]}" for name in new]
    return "differs" if spelt != needed or new else "holds", "; ".join([", ".join(spelt), *requested])


def _measure(metadata: Cube, entry: Dataset, source_id: str, as_of: date) -> Answered:
    table = px_table(entry)
    dimension = metadata.dimension(CONTENTS_VARIABLE)
    code = contents_code(dimension, table, source_id)
    return "holds" if code == table.contents_code else "differs", f"{code} ({dimension.labels[code]})"


def _unit(metadata: Cube, entry: Dataset, source_id: str, as_of: date) -> Answered:
    table = px_table(entry)
    measure = contents_code(metadata.dimension(CONTENTS_VARIABLE), table, source_id)
    general = stated_unit(metadata, measure, table, source_id)
    stated = [(general.unit, general.place)] if general else []
    for name, wanted in table.wanted.items():
        dimension = metadata.dimension(name)
        units = label_units(dimension, table)
        stated += [(unit, "label") for code, unit in units.items() if code in wanted.codes]
    if not stated:
        return "differs", "no unit is stated: the figures of the nation must prove it"
    is_there = (px_units.plain(table.unit), table.unit_place) in [
        (px_units.plain(u.text), p) for u, p in stated
    ]
    is_recorded = is_there and {place for _, place in stated} == {table.unit_place}
    summary = "; ".join(dict.fromkeys(f"{unit.text!r} in the {place}" for unit, place in stated))
    if general and any(unit.factor != general.unit.factor for unit, _ in stated):
        return "fails", f"the table contradicts itself: {summary}"
    return "holds" if is_recorded and len({unit.factor for unit, _ in stated}) == 1 else "differs", summary


def _years(metadata: Cube, entry: Dataset, source_id: str, as_of: date) -> Answered:
    years = metadata.dimension(TIME_VARIABLE).codes
    if not years or any(not (len(year) == 4 and year.isdecimal()) for year in years):
        return "fails", f"no years but {some(years) or 'nothing'}"
    first, last = int(min(years)), int(max(years))
    summary = f"{first} to {last}"
    if entry.dated_by_release:
        return "holds", summary
    if entry.first_year is not None and first != entry.first_year:
        return "differs", f"{summary}; the first year was {entry.first_year}"
    status = catalog.freshness(entry, last, as_of)
    return "holds" if status == "fresh" else "differs", f"{summary}, {status}"


def _regions(metadata: Cube, entry: Dataset, source_id: str, as_of: date) -> Answered:
    table = px_table(entry)
    if not table.has_regions:
        return "holds", "the nation alone"
    there = set(metadata.dimension(REGION_VARIABLE).codes)
    missing = [code for code in region_codes() if code not in there]
    further = sorted(there - set(region_codes()))
    needed = region_codes() if entry.fact == "population" else region_codes("municipality")
    summary = f"{len(region_codes()) - len(missing)} of 312"
    summary += f", without {some(missing)}" if missing else ""
    summary += f", and {len(further)} others that are left out" if further else ""
    if set(missing) & set(needed):
        return "fails", summary
    return "differs" if missing or further else "holds", summary


def _codes(metadata: Cube, entry: Dataset, source_id: str, as_of: date) -> Answered:
    table = px_table(entry)
    selection = build_selection(metadata, table, source_id)
    requested = [
        f"{len(selection[metadata.dimension(name).name])} of {name}"
        for name in (*table.wanted, *table.totals)
        if metadata_has(metadata, name) and metadata.dimension(name).name in selection
    ]
    unknown = {
        name: codes for name, codes in unknown_codes(metadata, table).items() if name.casefold() != "region"
    }
    lacking = [
        f"none of {name} for {ours}"
        for name, wanted in table.wanted.items()
        for code, ours in wanted.codes.items()
        if code not in metadata.dimension(name).codes
    ]
    new = [f"new codes of {name}: {some(codes)}" for name, codes in unknown.items()]
    answer = "; ".join([", ".join(requested) or "nothing to choose", *lacking, *new])
    return "differs" if lacking or new else "holds", answer


def metadata_has(metadata: Cube, name: str) -> bool:
    """Whether a table has a variable, compared without regard to case."""
    return any(dimension.name.casefold() == name.casefold() for dimension in metadata.dimensions)


_STEPS: Final = (
    ("its variables are the recorded ones", _variables),
    ("the measure has the recorded code", _measure),
    ("the unit stands where it was recorded", _unit),
    ("its time is in years, up to the year that is due", _years),
    ("its regions are the 312", _regions),
    ("the requested codes and totals are there", _codes),
)


def _page(
    client: PxWebClient,
    table_id: str,
    metadata: Cube,
    entry: Dataset,
    source_id: str,
    max_cells: int,
    parse: Parser,
) -> Checked:
    assumption = f"{entry.id}: its latest year is read without a finding"
    try:
        selection = _sample(metadata, px_table(entry), source_id)
        answers = client.fetch_data(table_id, selection, max_cells=max_cells)
        parsed = parse([answer.body for answer in answers], entry.id, None)
    except KlimatpulsError as error:
        return _failed(source_id, assumption, error)
    refused = parsed.rejects[~parsed.rejects["reason"].str.startswith(EXPECTED)]
    first = parsed.rows.drop(columns="sheet_row").head(1).to_dict("records")
    summary = f"{len(parsed.rows)} rows, {parsed.published_date}: {first[0] if first else 'none'}"
    if refused.empty and first:
        return checked(assumption, summary)
    reasons = some([f"{row.column_name}: {row.reason}" for row in refused.itertuples()])
    return checked(assumption, f"{summary}; refused: {reasons or 'nothing'}", "fails", _mend(source_id))


def _sample(metadata: Cube, table: PxTable, source_id: str) -> Selection:
    """The query for the latest year of the nation and one municipality.

    Where the table has no row of the nation all regions are requested: only their sum shows a unit that is
    not stated.
    """
    selection = build_selection(metadata, table, source_id)
    time = metadata.dimension(TIME_VARIABLE).name
    latest = tuple(sorted(selection[time])[-1:])
    chosen = {**selection, time: latest}
    if table.has_regions:
        region = metadata.dimension(REGION_VARIABLE).name
        if NATION in selection[region]:
            chosen[region] = tuple(code for code in SAMPLE_REGIONS if code in selection[region])
    return chosen


def _failed(source_id: str, assumption: str, error: KlimatpulsError) -> Checked:
    return checked(assumption, str(error), "fails", _mend(source_id))


def _mend(source_id: str) -> str:
    return (
        f"The next run of {source_id} would load no figures; what is published stays. Compare the answer "
        f"with docs/sources/{source_id}.md and update include/klimatpuls/sources/{source_id}/source.yaml."
    )
