"""Emissions of the nation by gas and sector, the official inventory, from SCB over PxWebApi 2.

What is published: table TAB4698 (MI0107, Naturvårdsverket's), 1990 onwards, in the middle of December: the
figures that Sweden reports to the climate convention. Kilotonnes here, tonnes at SMHI and in our tables.

Oddities handled: the table mixes units, so its unit field says that they vary and the label of each gas has
its own; gases stand twice, by mass and as CO2 equivalents, and only the latter are asked for; the
total without land use and international transport is what compares with SMHI's territorial total, not with
its ``Alla``; a cell without a number (``..``) is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from klimatpuls.contract.releases import EXPECTED, Parsed
from klimatpuls.fetch.pxweb import cells as px_cells
from klimatpuls.fetch.pxweb.client import TIME_VARIABLE
from klimatpuls.fetch.pxweb.source import PxWebSource

if TYPE_CHECKING:
    from collections.abc import Sequence


SOURCE_ID = "scb_national_emissions"
UNIT = "t CO2e"
KEYS = ("substance", "sector_code", TIME_VARIABLE)


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn SCB's answers into one row per gas, sector and year.

    Args:
        parts: JSON-stat 2 bodies of one table, which together hold every cell once.
        dataset: ``scb_national_emissions``.
        substance: None; the gases are rows.

    Returns:
        Rows of the fact ``national_emission``, in tonnes. Cells without a number are rejects, expected ones
        where the publisher gives a symbol for it.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.cells.read_cells`.

    Example: 47.49 kt at SCB → 47 490 t.
    """
    cells = px_cells.read_cells(parts, dataset)
    frame = cells.frame
    symbols = frame["status"].map(
        lambda symbol: f"{EXPECTED}no figure, symbol {symbol}" if symbol else "no number"
    )
    frame["reason"] = symbols.where(frame["value"].isna(), "")
    kept = frame["reason"] == ""
    rows = pd.DataFrame(
        {
            "substance": frame["substance"],
            "sector_code": frame["sector_code"],
            "year": frame[TIME_VARIABLE].astype("int64"),
            "emissions_tco2e": frame["value"] * frame["factor"],
            "sheet_row": frame["sheet_row"],
        }
    )[kept].reset_index(drop=True)
    return Parsed(
        dataset=dataset,
        substance=None,
        unit=UNIT,
        published_date=cells.published_date,
        years=tuple(sorted(rows["year"].unique().tolist())),
        rows=rows,
        rejects=px_cells.build_rejects(frame[~kept], KEYS),
        rows_read=len(frame),
        notes=(*cells.notes, *px_cells.left_out_notes(frame[~kept])),
        losses=cells.losses,
    )


_TABLE = PxWebSource(SOURCE_ID, parse)
RECOGNISES = _TABLE.recognises
fetch, poll, check, recognise = _TABLE.fetch, _TABLE.poll, _TABLE.check, _TABLE.recognise
