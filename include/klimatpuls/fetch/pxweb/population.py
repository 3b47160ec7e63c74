"""Population of nation, counties and municipalities as rows, from the answers of a PxWebApi 2 table.

Several tables give the same figures; they share what a cell may be: a whole number above 0, except that a
municipality which did not exist yet has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from klimatpuls.contract.releases import EXPECTED, Parsed
from klimatpuls.domain.regions import regions
from klimatpuls.fetch.pxweb import cells as px_cells
from klimatpuls.fetch.pxweb.client import REGION_VARIABLE, TIME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

UNIT: Final = "persons"
KEYS: Final = (REGION_VARIABLE, TIME_VARIABLE)


def parse_population(parts: Sequence[bytes], dataset: str) -> Parsed:
    """One row per region and year.

    Args:
        parts: JSON-stat 2 bodies of one table, which together hold every cell once.
        dataset: Catalogue id of the dataset.

    Returns:
        Rows of the fact ``population``, persons. Cells of regions outside the 312, of municipalities that did
        not exist yet and without a number are rejects; the reasons that are no finding begin with
        ``expected:``.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.cells.read_cells`.
    """
    cells = px_cells.read_cells(parts, dataset)
    frame = cells.frame
    reasons = [
        _reason(region, int(year), value, status)
        for region, year, value, status in zip(
            frame[REGION_VARIABLE], frame[TIME_VARIABLE], frame["value"], frame["status"], strict=True
        )
    ]
    frame["reason"] = pd.array(reasons, dtype="str")
    kept = frame["reason"] == ""
    rows = _rows(frame[kept])
    return Parsed(
        dataset=dataset,
        substance=None,
        unit=UNIT,
        published_date=cells.published_date,
        years=tuple(sorted(int(year) for year in rows["year"].unique())),
        rows=rows,
        rejects=px_cells.build_rejects(frame[~kept], KEYS),
        rows_read=len(frame),
        notes=(*cells.notes, *px_cells.left_out_notes(frame[~kept])),
        losses=cells.losses,
    )


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
