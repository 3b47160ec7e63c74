"""Population forecast by municipality, from SCB over PxWebApi 2.

What is published: in spring or early summer, the population on 31 December of the years to come. Every
vintage is a table of its own: TAB6299 is the one of 2022, TAB6008 and TAB698 follow it. The one that begins
last is fetched. A target per inhabitant is calculated with it; it is never a figure of the past.

Oddities handled: age and sex may be left out of the question (summed). TAB6299 has no row of the nation;
counties and nation are kept where they are there. Codes outside the 312 regions are left out. An old vintage
whose table is changed years later stays old: a forecast is dated no later than the end of the year it starts
in, so it is superseded by the next vintage and never current again, whenever it is fetched.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from klimatpuls.fetch.pxweb.cells import build_parsed, read_cells
from klimatpuls.fetch.pxweb.client import TIME_VARIABLE, refuse
from klimatpuls.fetch.pxweb.population import NO_POPULATION, UNIT
from klimatpuls.fetch.pxweb.source import PxWebSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klimatpuls.contract.releases import Parsed

SOURCE_ID = "scb_population_forecast"


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn SCB's answers into one row per region and year.

    Returns:
        Rows of the fact ``population_forecast``. Cells of regions outside the 312 are expected rejects; a
        cell that is no whole number above 0 is a reject that is a finding.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.cells.read_cells`, and if no year lies ahead.
    """
    cells = read_cells(parts, dataset)
    value = cells.frame["value"]
    is_whole = (value % 1 == 0) & (value > 0)
    published, notes = _vintage_date(cells.published_date, cells.frame[TIME_VARIABLE].astype("int64"))
    return build_parsed(
        cells,
        pd.Series("", index=value.index, dtype="str").where(is_whole, NO_POPULATION),
        {"population_count": value},
        dataset=dataset,
        unit=UNIT,
        published=published,
        notes=notes,
    )


def _vintage_date(updated: date, years: pd.Series) -> tuple[date, list[str]]:
    """The date of a forecast: when its table was last changed, at the latest the end of its first year.

    Raises:
        SourceFormatError: if no year lies ahead of that: it is no forecast.
    """
    first, last = int(years.min()), int(years.max())
    published = min(updated, date(first, 12, 31))
    if last <= updated.year:
        what = f"the table ends in {last} and was last changed on {updated}: no year of it lies ahead"
        refuse(SOURCE_ID, "no_forecast", what)
    if published == updated:
        return published, []
    stated = f"the table was last changed on {updated}; as the forecast of {first} it is dated {published}"
    return published, [stated]


_SOURCE = PxWebSource(SOURCE_ID, parse)
RECOGNISES = _SOURCE.recognises
fetch, poll, check, recognise = _SOURCE.fetch, _SOURCE.poll, _SOURCE.check, _SOURCE.recognise
