"""Population forecast by municipality, from SCB over PxWebApi 2.

What is published: table TAB6299, once a year in spring: the population on 31 December of the years to come.
It is what a target per inhabitant is reckoned with; never a figure of the past.

Oddities handled: age and sex may be left out of the question (summed). Whether the table has rows of counties
and of the nation is not certain: they are kept where they are there. Codes outside the 312 regions are left
out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from klimatpuls import pxtable
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

UNIT = "persons"
KEYS = (REGION_VARIABLE, TIME_VARIABLE)


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Ask SCB for every wanted cell of the table; see :func:`klimatpuls.pxtable.fetch_table`."""
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


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn SCB's answers into one row per region and year.

    Args:
        parts: JSON-stat 2 bodies of one table, which together hold every cell once.
        dataset: ``scb_population_forecast``.
        substance: None; population has no substances.

    Returns:
        Rows of the fact ``population_forecast``. Cells of regions outside the 312 are expected rejects; a
        cell that is no whole number is a reject that is a finding.

    Raises:
        SourceFormatError: as :func:`klimatpuls.pxtable.read_cells`.
    """
    cells = pxtable.read_cells(parts, dataset)
    frame = cells.frame
    frame["reason"] = ""
    frame.loc[frame["value"].isna() | (frame["value"] % 1 != 0), "reason"] = "a population is a whole number"
    is_strange = ~frame[REGION_VARIABLE].isin(regions())
    frame.loc[is_strange, "reason"] = (
        f"{EXPECTED}region code " + frame.loc[is_strange, REGION_VARIABLE] + " is none of the 312 regions"
    )
    kept = frame["reason"] == ""
    good = frame[kept].reset_index(drop=True)
    rows = pd.DataFrame(
        {
            "region_code": good[REGION_VARIABLE].astype("str"),
            "year": good[TIME_VARIABLE].astype("int64"),
            "population_count": good["value"].astype("int64"),
            "sheet_row": good["sheet_row"],
        }
    )
    return Parsed(
        dataset=dataset,
        substance=None,
        unit=UNIT,
        published_date=cells.published_date,
        years=tuple(sorted(rows["year"].unique().tolist())),
        rows=rows,
        rejects=pxtable.build_rejects(frame[~kept], KEYS),
        rows_read=len(frame),
        notes=(*cells.notes, *pxtable.left_out_notes(frame[~kept])),
    )


RECOGNISES = describe_tables("scb_population_forecast")


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """The dataset whose table an answer given by hand is of; None where it is of none of this source."""
    return recognise_table(body, "scb_population_forecast")
