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

from klimatpuls.fetch.pxweb import population
from klimatpuls.fetch.pxweb.source import PxWebSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klimatpuls.contract.releases import Parsed

SOURCE_ID = "scb_population_density"


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn SCB's answers into one row per region and year.

    Args:
        parts: JSON-stat 2 bodies of one table, which together hold every cell once.
        dataset: ``scb_population_density``.
        substance: None; population has no substances.

    Returns:
        Rows of the fact ``population``; see :func:`klimatpuls.fetch.pxweb.population.parse_population`.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.cells.read_cells`.
    """
    return population.parse_population(parts, dataset)


_TABLE = PxWebSource(SOURCE_ID, parse)
RECOGNISES = _TABLE.recognises
fetch, poll, check, recognise = _TABLE.fetch, _TABLE.poll, _TABLE.check, _TABLE.recognise
