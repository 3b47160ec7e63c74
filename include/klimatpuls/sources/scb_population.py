"""Population of nation, counties and municipalities on 31 December, from SCB over PxWebApi 2.

What SCB publishes: on about 22 February, 08:00, the population of the year before. Two tables: TAB638 for
1968 to 2024, where age, sex and marital status may be left out of the question (summed), and from 2025 a
successor with disclosure control (Cell Key Method): a little noise in every cell, so totals are asked for
and never summed, and age and marital status have total codes of their own that must be named. The
successor's table id was not known when this was written; it is found by its title.

Oddities handled: a municipality that did not exist yet is a literal 0 (no population, no row); series stand
under today's codes; some tables list codes that are none of the 312 regions (1917, Heby before 2007);
county totals are not recomputed for Heby. Years are read from the table, never listed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from klimatpuls import catalog, pxtable
from klimatpuls.errors import FetchError
from klimatpuls.pxfiles import describe_tables, recognise_table
from klimatpuls.pxtable import REGION_VARIABLE
from klimatpuls.pxweb import TIME_VARIABLE
from klimatpuls.regions import regions
from klimatpuls.releases import EXPECTED, Parsed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from klimatpuls.http import PoliteSession
    from klimatpuls.releases import Fetched, Look

SOURCE_ID = "scb_population"
UNIT = "persons"
KEYS = (REGION_VARIABLE, TIME_VARIABLE)


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Ask SCB for every region and every year a table holds; see :func:`klimatpuls.pxtable.fetch_table`."""
    _check(dataset, substance)
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
    _check(dataset, substance)
    return pxtable.look_at_table(session, base_url, dataset, as_of)


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn SCB's answers into one row per region and year.

    Args:
        parts: JSON-stat 2 bodies of one table, which together hold every cell once.
        dataset: ``scb_population`` or ``scb_population_ckm``.
        substance: None; population has no substances.

    Returns:
        Rows of the fact ``population``. Cells of regions outside the 312, of municipalities that did not
        exist yet and without a number are rejects; the reasons that are no finding begin with ``expected:``.

    Raises:
        SourceFormatError: as :func:`klimatpuls.pxtable.read_cells`.
    """
    _check(dataset, substance)
    cells = pxtable.read_cells(parts, dataset)
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
        rejects=pxtable.build_rejects(frame[~kept], KEYS),
        rows_read=len(frame),
        notes=(*cells.notes, *pxtable.left_out_notes(frame[~kept])),
    )


def _check(dataset: str, substance: str | None) -> None:
    if substance is not None or dataset not in {entry.id for entry in catalog.source(SOURCE_ID).datasets}:
        msg = f"{SOURCE_ID} has neither the dataset {dataset!r} nor substances (asked for {substance!r})"
        raise FetchError(msg)


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


RECOGNISES = describe_tables("scb_population")


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """The dataset whose table an answer given by hand is of; None where it is of none of this source."""
    return recognise_table(body, "scb_population")
