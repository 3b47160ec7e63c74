"""One table of a PxWebApi 2 database as a dataset: which cells are requested, and from which table.

What the catalogue says of a table (:class:`klimatpuls.contract.catalog.PxTable`) is compared with the
table's own metadata before any figure is requested. The reading is tolerant: a unit in another place or
spelling, further variables that have a total, further measures and regions, another case of names and codes,
a missing date. Each difference is a note. It refuses what would make a figure wrong, and names what was
expected and found. The sources that speak PxWebApi share this module; what a cell means is theirs.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, TypeVar

from klimatpuls.contract import catalog
from klimatpuls.contract.releases import Fetched, Poll
from klimatpuls.domain.regions import codes as region_codes
from klimatpuls.domain.regions import regions
from klimatpuls.errors import FetchError, NotYetPublished, SourceFormatError
from klimatpuls.fetch.http import StatusError
from klimatpuls.fetch.pxweb import units
from klimatpuls.fetch.pxweb.client import (
    CONTENTS_VARIABLE,
    REGION_VARIABLE,
    TIME_VARIABLE,
    Cube,
    PxWebClient,
    cell_count,
    refuse,
    some,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from klimatpuls.contract.catalog import Dataset, PxTable, Wanted
    from klimatpuls.fetch.http import PoliteSession
    from klimatpuls.fetch.pxweb.client import Dimension, Selection, TableEntry


_ANNUAL = frozenset({"", "annual", "year", "yearly", "år", "årlig"})
_TOTAL_CODES = frozenset({"tot", "totsa", "totalt", "total", "t1", "1+2", "sc", "samtliga"})
_TOTAL_LABEL = re.compile(r"(totalt?|samtliga|alla|båda könen|kvinnor och män|män och kvinnor|summa)\b")
_YEARS_IN_TITLE = re.compile(r"[\s.,]*(år )?\d{4}( ?[-\u2013] ?(\d{4})?)?$")
Found = TypeVar("Found")
Entry = TypeVar("Entry")


def fetch_table(session: PoliteSession, base_url: str, dataset: str, as_of: date) -> Fetched:
    """Fetch every wanted cell of a dataset's table.

    Args:
        session: The polite session of the source; the limits the service states are set on its throttle.
        base_url: Such as ``https://statistikdatabasen.scb.se/api/v2``.
        dataset: Catalogue id of the dataset.
        as_of: The run's day; before a successor's first expected day its absence is no failure.

    Returns:
        One JSON-stat 2 body per answer, which together hold every cell once. What was not as recorded stands
        under ``notes`` of the facts of the answer.

    Raises:
        NotYetPublished: if the table has no year yet, or is not there before its first year is due.
        FetchError: if the service does not answer, the table has gone or cannot be distinguished from others,
            or what the service says about itself and the table cannot be read: no figures have come then.
    """
    entry = catalog.dataset(dataset)
    source_id = catalog.source_of(dataset).id
    try:
        return _fetch(session, base_url, entry, source_id, as_of)
    except SourceFormatError as error:
        msg = f"{source_id}: no figures of {dataset} came, since the table could not be queried: {error}"
        raise FetchError(msg) from error


def poll_table(session: PoliteSession, base_url: str, dataset: str, as_of: date) -> Poll:
    """Read when a dataset's table was last updated; no figure is fetched.

    Args:
        session: The polite session of the source.
        base_url: As for :func:`fetch_table`.
        dataset: Catalogue id of the dataset.
        as_of: As for :func:`fetch_table`.

    Raises:
        NotYetPublished: if the table is not there before its first year is due.
        FetchError: if the service does not answer, or the table has gone or cannot be distinguished from
            others.
    """
    entry = catalog.dataset(dataset)
    source_id = catalog.source_of(dataset).id
    client = PxWebClient(session=session, base_url=base_url.rstrip("/"))
    client.fetch_config()
    table_id, found, _ = locate_table(client.fetch_table, client, entry, source_id, as_of)
    state = (
        f"{table_id} updated {found.updated or 'at no stated time'}, to {found.last_period or 'no year yet'}"
    )
    return Poll(fingerprint=state, detail=state)


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
    table_id, metadata, located = locate_table(client.fetch_metadata, client, entry, source_id, as_of)
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
            "unknown_codes": unknown_codes(metadata, table),
            "notes": [*config.notes, *located, *selection_notes(metadata, table)],
            "answers": [answer.facts for answer in answers],
        },
        known_from=answers[0].known_from,
    )


def locate_table(
    ask: Callable[[str], Found], client: PxWebClient, entry: Dataset, source_id: str, as_of: date
) -> tuple[str, Found, tuple[str, ...]]:
    """The table of a dataset that is there: by its ids, else by its title.

    Args:
        ask: What is fetched of the table, such as the client's ``fetch_metadata``.
        client: The client of the service.
        entry: The dataset.
        source_id: Its source, for messages.
        as_of: The run's day.

    Returns:
        The id of the table, the answer, and how it was found where that was not by the first id.

    Raises:
        NotYetPublished: if it is not there and not due yet.
        FetchError: if the service does not answer, or no table or several could be the one.
    """
    table = px_table(entry)
    ids, notes = _newest_first(client, table) if table.takes_newest else (table.table_ids, ())
    for table_id in ids:
        try:
            found = ask(table_id)
        except StatusError as error:
            if error.status != 404:
                raise
            continue
        if table_id != table.table_ids[0]:
            notes = (*notes, f"table {table_id} was taken, not {table.table_ids[0]}")
        return table_id, found, notes
    if table.takes_newest or not table.queries:
        msg = (
            f"{source_id}: none of the tables {', '.join(table.table_ids)} is there any more. A change of "
            f"method gets a table of its own. What to do: look for the successor at {client.base_url}/tables "
            f"and put its id first among table_ids of {entry.id} in the catalogue."
        )
        raise FetchError(msg)
    table_id = _find_table(client, entry, source_id, as_of)
    note = f"none of the tables {', '.join(table.table_ids)} is there; {table_id} was found by its title"
    return table_id, ask(table_id), (*notes, note)


def _newest_first(client: PxWebClient, table: PxTable) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tables of a series of editions that are there, the one that begins last first; and notes."""
    there = []
    for table_id in table.table_ids:
        try:
            there.append(client.fetch_table(table_id))
        except StatusError as error:
            if error.status != 404:
                raise
    there = [candidate for candidate in there if _may_be(candidate, table)]
    titles = {bare_title(candidate.label) for candidate in there if candidate.label}
    found, notes = _search(client, table)
    there += [
        candidate
        for candidate in found
        if candidate.id not in table.table_ids and bare_title(candidate.label) in titles
    ]
    ordered = sorted(there, key=lambda one: (one.first_period, one.updated), reverse=True)
    return tuple(dict.fromkeys(candidate.id for candidate in ordered)), notes


def _search(client: PxWebClient, table: PxTable) -> tuple[list[TableEntry], tuple[str, ...]]:
    """What the searches find that may be the table; a search that fails is noted: the ids are enough."""
    found: dict[str, TableEntry] = {}
    for query in table.queries:
        try:
            found |= {entry.id: entry for entry in client.find_tables(query)}
        except (FetchError, SourceFormatError) as error:
            return [], (f"no newer edition was searched for: {error}",)
    return [candidate for candidate in found.values() if _may_be(candidate, table)], ()


def bare_title(label: str) -> str:
    """A table's title without the years at its end, as titles are compared.

    Example: ``Framskriven folkmängd efter region. År 2024-2070`` → ``framskriven folkmängd efter region``.
    """
    return _YEARS_IN_TITLE.sub("", units.plain(label).rstrip(" ."))


def _find_table(client: PxWebClient, entry: Dataset, source_id: str, as_of: date) -> str:
    table = px_table(entry)
    searched = {one.id: one for query in table.queries for one in client.find_tables(query)}
    found = [candidate for candidate in searched.values() if _fits(candidate, entry, table)]
    if len(found) == 1:
        return found[0].id
    queries = " and ".join(map(repr, table.queries))
    what = f"{source_id}: a search for {queries} finds {len(found)} tables that could be {entry.id}"
    first_day = _first_expected(entry)
    if not found and as_of < first_day + timedelta(days=entry.due_after_days):
        msg = f"{what}; it is expected on {first_day}"
        raise NotYetPublished(msg)
    names = "; ".join(f"{candidate.id} ({candidate.label})" for candidate in found) or "none"
    msg = (
        f"{what}: {names}. What to do: look the table up at {client.base_url}/tables and put its id first "
        f"among table_ids of {entry.id} in the catalogue."
    )
    raise FetchError(msg)


def _first_expected(entry: Dataset) -> date:
    if entry.first_year is None:
        return date.min
    return date(entry.first_year + entry.publication_lag_years, entry.expected_month, entry.expected_day)


def _fits(candidate: TableEntry, entry: Dataset, table: PxTable) -> bool:
    return _may_be(candidate, table) and candidate.first_period == str(entry.first_year)


def _may_be(candidate: TableEntry, table: PxTable) -> bool:
    """Whether the list's entry speaks against its being the table; what it leaves out does not."""
    return (
        candidate.time_unit.casefold() in _ANNUAL
        and (not candidate.label or re.search(table.title, units.plain(candidate.label)) is not None)
        and (not candidate.variables or set(table.variables) <= set(candidate.variables))
    )


def build_selection(metadata: Cube, table: PxTable, source_id: str) -> Selection:
    """The query for the wanted cells of every year.

    Args:
        metadata: The table's variables and codes.
        table: What the catalogue says about the table.
        source_id: The source, for messages.

    Returns:
        Variable (as the table writes it) -> codes. Years are requested in full, regions as far as they are
        among the 312; a wanted variable for the codes of the catalogue; a variable with a total in the
        catalogue for that total; any other one is left out where the table sums over it, else requested at
        its total.

    Raises:
        SourceFormatError: if a wanted code, a total or the measure is missing, no region is known, or a
            variable that cannot be left out has no total.
    """
    selection: Selection = {}
    for dimension in metadata.dimensions:
        requested = _requested_codes(dimension, table, source_id)
        if requested is not None:
            selection[dimension.name] = requested
    for name in needed_variables(table):
        metadata.dimension(name)
    return selection


def _requested_codes(dimension: Dimension, table: PxTable, source_id: str) -> tuple[str, ...] | None:
    """The requested codes of a variable; None where it is left out."""
    if _is(dimension, TIME_VARIABLE):
        return dimension.codes
    if _is(dimension, REGION_VARIABLE) and table.has_regions:
        return _regions(dimension, source_id)
    if _is(dimension, CONTENTS_VARIABLE):
        return (contents_code(dimension, table, source_id),)
    wanted = by_name(table.wanted, dimension)
    if wanted is not None:
        return tuple(_wanted_codes(dimension, wanted, source_id))
    total = total_code(dimension, table)
    if by_name(table.totals, dimension) is None and dimension.elimination:
        return None
    if total is None:
        refuse(
            source_id,
            "total_missing",
            f"variable {dimension.name} ({dimension.label}) has no total that is known; it has "
            f"{some(labels_of(dimension, dimension.codes))}",
        )
    return (total,)


def _regions(dimension: Dimension, source_id: str) -> tuple[str, ...]:
    known = tuple(code for code in dimension.codes if code in regions())
    if not known and dimension.codes:
        refuse(
            source_id,
            "regions_unknown",
            f"variable {dimension.name} holds none of the 312 regions but {some(dimension.codes)}",
        )
    return known


def unknown_codes(metadata: Cube, table: PxTable) -> dict[str, list[str]]:
    """Variable -> unknown codes of the table, which are not requested; the first hundred of each."""
    unknown: dict[str, list[str]] = {}
    for dimension in metadata.dimensions:
        wanted = by_name(table.wanted, dimension)
        codes: list[str] = []
        if wanted is not None:
            codes = _unknown(dimension, wanted)
        elif _is(dimension, REGION_VARIABLE) and table.has_regions:
            codes = [code for code in dimension.codes if code not in regions()]
        if codes:
            unknown[dimension.name] = codes[:100]
    return unknown


def selection_notes(metadata: Cube, table: PxTable) -> list[str]:
    """How a table differs from the recorded form and how it is queried then, one sentence each."""
    notes = []
    known = {name.casefold() for name in (*needed_variables(table), *table.totals)}
    for dimension in metadata.dimensions:
        if dimension.name.casefold() not in known and not dimension.elimination:
            notes.append(f"the variable {dimension.name} ({dimension.label}) is requested at its total")
    for name, codes in unknown_codes(metadata, table).items():
        notes.append(f"unknown codes of {name} were not requested: {some(codes)}")
    if table.has_regions:
        there = set(metadata.dimension(REGION_VARIABLE).codes)
        missing = [code for code in region_codes() if code not in there]
        if missing:
            notes.append(f"the table lacks {len(missing)} of the 312 regions: {some(missing)}")
    return notes


def contents_code(dimension: Dimension, table: PxTable, source_id: str) -> str:
    """The code of the wanted measure: the catalogue's, else the only one whose label begins as it should.

    Raises:
        SourceFormatError: if no measure or several could be the one.
    """
    if table.contents_code in dimension.codes:
        return str(table.contents_code)
    start = table.contents_label.casefold()
    labelled = [code for code in dimension.codes if dimension.labels[code].casefold().startswith(start)]
    if len(labelled) != 1:
        refuse(
            source_id,
            "measure_missing",
            f"expected the measure {table.contents_code or ''} ({table.contents_label} …), found "
            f"{some(labels_of(dimension, dimension.codes))}",
        )
    return labelled[0]


def total_code(dimension: Dimension, table: PxTable) -> str | None:
    """The code of a variable that stands for all of it; None where none is known to.

    The catalogue's total comes first (SCB itself writes ``TotSA`` for age and ``TotSa`` for sex: compared
    without regard to case), then the publisher's own, then a code or label that can only mean all. A label
    that names a span, such as ``totalt 16-74 år``, does not.
    """
    named = by_name(table.totals, dimension)
    for code in dimension.codes:
        if named is not None and code.casefold() == named.casefold():
            return code
    if dimension.elimination_code in dimension.codes:
        return dimension.elimination_code
    whole = [code for code in dimension.codes if not any(sign.isdigit() for sign in dimension.labels[code])]
    by_code = [code for code in dimension.codes if code.casefold() in _TOTAL_CODES]
    by_label = [code for code in whole if _TOTAL_LABEL.match(units.plain(dimension.labels[code]))]
    sure = [code for code in by_code if code in whole or dimension.labels[code] == code]
    return next(iter((*sure, *by_label)), None)


def needed_variables(table: PxTable) -> list[str]:
    """Names of the variables that an answer must have."""
    region = [REGION_VARIABLE] if table.has_regions else []
    return [*region, *table.wanted, TIME_VARIABLE, CONTENTS_VARIABLE]


def _is(dimension: Dimension, name: str) -> bool:
    return dimension.name.casefold() == name.casefold()


def by_name(named: Mapping[str, Entry], dimension: Dimension) -> Entry | None:
    """What a mapping by names of variables holds for one, without regard to case."""
    return next((value for name, value in named.items() if _is(dimension, name)), None)


def labels_of(dimension: Dimension, codes: Iterable[str]) -> list[str]:
    """Codes with their labels, for messages. Example: ``98 (småhus)``."""
    return [f"{code} ({dimension.labels[code]})" for code in codes]


def our_codes(dimension: Dimension, wanted: Wanted) -> dict[str, str]:
    """Publisher's code → our code: by the code, else by the label where only one code has such a label.

    A code that the catalogue knows and does not want is never taken by its label.
    """
    ours = {code: wanted.codes[code] for code in dimension.codes if code in wanted.codes}
    guessed: dict[str, list[str]] = {}
    for code in dimension.codes:
        found = None if code in ours or code in wanted.left_out else _codes_in_label(dimension, code, wanted)
        if found:
            guessed.setdefault(found[0], []).append(code)
    taken = set(ours.values())
    return ours | {codes[0]: name for name, codes in guessed.items() if len(codes) == 1 and name not in taken}


def _codes_in_label(dimension: Dimension, code: str, wanted: Wanted) -> list[str]:
    """Our codes that a label speaks of."""
    label = units.plain(dimension.labels.get(code, ""))
    return [ours for pattern, ours in wanted.words.items() if re.search(pattern, label)]


def _unknown(dimension: Dimension, wanted: Wanted) -> list[str]:
    ours = our_codes(dimension, wanted)
    return [code for code in dimension.codes if code not in ours and code not in wanted.left_out]


def _wanted_codes(dimension: Dimension, wanted: Wanted, source_id: str) -> list[str]:
    ours = our_codes(dimension, wanted)
    needed = {*wanted.codes.values(), *wanted.words.values()} - wanted.optional
    missing = sorted(needed - set(ours.values()))
    if missing:
        refuse(
            source_id,
            "codes_missing",
            f"variable {dimension.name} ({dimension.label}) has no code for {some(missing)}; unknown "
            f"codes: {some(labels_of(dimension, _unknown(dimension, wanted))) or 'none'}",
        )
    check_labels(dimension, wanted, source_id)
    return [code for code in dimension.codes if code in ours]


def check_labels(dimension: Dimension, wanted: Wanted, source_id: str) -> None:
    """A label that speaks of another of our codes than the one its code stands for is a contradiction."""
    for code in dimension.codes:
        found = _codes_in_label(dimension, code, wanted)
        if code in wanted.codes and found and wanted.codes[code] not in found:
            refuse(
                source_id,
                "code_and_label_differ",
                f"code {code} of {dimension.name} was {wanted.codes[code]} so far, its label is now "
                f"{dimension.labels[code]!r}, which is {some(found)}",
            )
