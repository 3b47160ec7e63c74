"""Population of nation, counties and municipalities as rows, from the answers of a PxWebApi 2 table.

Several tables give the same figures; they share what a cell may be: a whole number above 0, except that a
municipality which did not exist yet has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from klimatpuls.contract.releases import EXPECTED
from klimatpuls.domain.regions import regions
from klimatpuls.fetch.pxweb.cells import build_parsed, read_cells
from klimatpuls.fetch.pxweb.client import REGION_VARIABLE, TIME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klimatpuls.contract.releases import Parsed

UNIT: Final = "persons"
NO_POPULATION: Final = "a population is a whole number above 0"


def parse_population(parts: Sequence[bytes], dataset: str, substance: str | None = None) -> Parsed:
    """Turn the answers of a table into one row per region and year; the ``parse`` of its source.

    Returns:
        Rows of the fact ``population``, persons. Cells of regions outside the 312, of municipalities that did
        not exist yet and without a number are rejects; the reasons that are no finding begin with
        ``expected:``.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.cells.read_cells`.
    """
    cells = read_cells(parts, dataset)
    frame = cells.frame
    columns = (frame[REGION_VARIABLE], frame[TIME_VARIABLE].astype(int), frame["value"], frame["status"])
    reasons = pd.Series(map(_reason, *columns), index=frame.index, dtype="str")
    return build_parsed(cells, reasons, {"population_count": frame["value"]}, dataset=dataset, unit=UNIT)


def _reason(region_code: str, year: int, value: float, status: str) -> str:
    region = regions().get(region_code)
    if region is None:
        return ""  # build_parsed refuses every other region
    first_year = region.population_from_year
    if region.split_from is not None and first_year is not None and year < first_year:
        if pd.isna(value) or value == 0:
            return f"{EXPECTED}not yet a municipality (0)"
        return f"population of {region.name} before it was a municipality ({first_year})"
    if pd.isna(value):
        return f"no number, symbol {status!r}" if status else "no number"
    if value <= 0 or value != int(value):
        return NO_POPULATION
    return ""
