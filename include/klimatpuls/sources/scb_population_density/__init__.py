"""Population on 31 December by SCB's table of population density, over PxWebApi 2: the fall-back.

What SCB publishes: TAB628, 1991 to the newest year in one table, with density, population and land area of
nation, counties and municipalities. Its population is the same figure as in the tables of
``scb_population``, so it serves twice: its years are shown where those tables hold none
(:func:`klimatpuls.contract.catalog.fall_back_datasets`), and the gate ``population_cross_check`` compares
both. A source of its own, so that neither keeps the other from being fetched.

Oddities handled: sex has the total ``1+2``; the same ones as in ``scb_population``. Whether the table is
updated on the same day as those is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.fetch.pxweb import population, table
from klimatpuls.fetch.pxweb.check import check_source
from klimatpuls.fetch.pxweb.files import describe_tables, recognise_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from klimatpuls.contract.releases import Fetched, Parsed, Poll
    from klimatpuls.fetch.assumptions import Checked
    from klimatpuls.fetch.http import PoliteSession

SOURCE_ID = "scb_population_density"


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Ask SCB for every region and every year of the table; see :func:`.pxweb.table.fetch_table`."""
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
    return table.poll_table(session, base_url, dataset, as_of)


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Ask the questions that prove what is assumed; see :func:`klimatpuls.fetch.pxweb.check.check_source`."""
    return check_source(session, base_url, SOURCE_ID, as_of=as_of, parse=parse)


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn SCB's answers into one row per region and year.

    Args:
        parts: JSON-stat 2 bodies of one table, which together hold every cell once.
        dataset: ``scb_population_density``.
        substance: None; population has no substances.

    Returns:
        Rows of the fact ``population``; see :func:`klimatpuls.fetch.pxweb.population.parse_population`.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.table.read_cells`.
    """
    return population.parse_population(parts, dataset)


RECOGNISES = describe_tables("scb_population_density")


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """The dataset whose table an answer given by hand is of; None where it is of none of this source."""
    return recognise_table(body, "scb_population_density")
