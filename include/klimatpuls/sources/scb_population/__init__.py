"""Population of nation, counties and municipalities on 31 December, from SCB over PxWebApi 2.

What SCB publishes: between 20 and 25 February, 08:00, the population of the year before. Two tables: TAB638
for 1968 to 2024, where age, sex and marital status may be left out of the question (summed), and from 2025
TAB5557 with disclosure control (Cell Key Method): a little noise in every cell, so totals are asked for and
never summed, and age and marital status have total codes of their own that must be named. Where a table is
not there by its id, it is looked for by its title; where it cannot be read at all, the source
``scb_population_density`` stands in.

Oddities handled: a municipality that did not exist yet is a literal 0 (no population, no row); series stand
under today's codes; some tables list codes that are none of the 312 regions (1917, Heby before 2007);
county totals are not recomputed for Heby. Years are read from the table, never listed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.contract import catalog
from klimatpuls.errors import FetchError
from klimatpuls.fetch.pxweb import population, table
from klimatpuls.fetch.pxweb.check import check_source
from klimatpuls.fetch.pxweb.files import describe_tables, recognise_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from klimatpuls.contract.releases import Fetched, Parsed, Poll
    from klimatpuls.fetch.assumptions import Checked
    from klimatpuls.fetch.http import PoliteSession

SOURCE_ID = "scb_population"


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Ask SCB for every region and every year a table holds; see :func:`.pxweb.table.fetch_table`."""
    _check(dataset, substance)
    return table.fetch_table(session, base_url, dataset, as_of)


def poll(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Poll:
    """Ask when SCB last updated the table; see :func:`klimatpuls.fetch.pxweb.table.poll_table`."""
    _check(dataset, substance)
    return table.poll_table(session, base_url, dataset, as_of)


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Ask the questions that prove what is assumed; see :func:`klimatpuls.fetch.pxweb.check.check_source`."""
    return check_source(session, base_url, SOURCE_ID, as_of=as_of, parse=parse)


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn SCB's answers into one row per region and year.

    Args:
        parts: JSON-stat 2 bodies of one table, which together hold every cell once.
        dataset: ``scb_population`` or ``scb_population_ckm``.
        substance: None; population has no substances.

    Returns:
        Rows of the fact ``population``; see :func:`klimatpuls.fetch.pxweb.population.parse_population`.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.table.read_cells`.
    """
    _check(dataset, substance)
    return population.parse_population(parts, dataset)


def _check(dataset: str, substance: str | None) -> None:
    if substance is not None or dataset not in {entry.id for entry in catalog.source(SOURCE_ID).datasets}:
        msg = f"{SOURCE_ID} has neither the dataset {dataset!r} nor substances (asked for {substance!r})"
        raise FetchError(msg)


RECOGNISES = describe_tables("scb_population")


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """The dataset whose table an answer given by hand is of; None where it is of none of this source."""
    return recognise_table(body, "scb_population")
