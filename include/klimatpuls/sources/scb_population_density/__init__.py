"""Population on 31 December by SCB's table of population density, over PxWebApi 2: the fall-back.

What SCB publishes: TAB628, 1991 to the newest year in one table, with density, population and land area of
nation, counties and municipalities. Its population is the same figure as in the tables of
``scb_population``, so it serves twice: its years are shown where those tables hold none
(:func:`klimatpuls.catalog.fall_back_datasets`), and the gate ``population_cross_check`` compares both. A
source of its own, so that neither keeps the other from being fetched.

Oddities handled: sex has the total ``1+2``; the same ones as in ``scb_population``. Whether the table is
updated on the same day as those is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls import pxcheck, pxpopulation, pxtable
from klimatpuls.pxfiles import describe_tables, recognise_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from klimatpuls.assumptions import Checked
    from klimatpuls.http import PoliteSession
    from klimatpuls.releases import Fetched, Look, Parsed

SOURCE_ID = "scb_population_density"


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Ask SCB for every region and every year of the table; see :func:`klimatpuls.pxtable.fetch_table`."""
    return pxtable.fetch_table(session, base_url, dataset, as_of)


def look(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Look:
    """Ask when SCB last updated the table; see :func:`klimatpuls.pxtable.look_at_table`."""
    return pxtable.look_at_table(session, base_url, dataset, as_of)


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Ask the questions that prove what is assumed; see :func:`klimatpuls.pxcheck.check_source`."""
    return pxcheck.check_source(session, base_url, SOURCE_ID, as_of=as_of, parse=parse)


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn SCB's answers into one row per region and year.

    Args:
        parts: JSON-stat 2 bodies of one table, which together hold every cell once.
        dataset: ``scb_population_density``.
        substance: None; population has no substances.

    Returns:
        Rows of the fact ``population``; see :func:`klimatpuls.pxpopulation.parse_population`.

    Raises:
        SourceFormatError: as :func:`klimatpuls.pxtable.read_cells`.
    """
    return pxpopulation.parse_population(parts, dataset)


RECOGNISES = describe_tables("scb_population_density")


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """The dataset whose table an answer given by hand is of; None where it is of none of this source."""
    return recognise_table(body, "scb_population_density")
