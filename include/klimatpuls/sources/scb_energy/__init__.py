"""Final energy use by municipality, category of consumer and energy carrier, from SCB over PxWebApi 2.

What is published: table TAB3654 (EN0203, Energimyndigheten's), 2009 onwards, in spring, about fifteen months
after the year. Megawatt-hours, as the title of the table says.

Oddities handled: where fewer than three businesses stand behind a cell it is confidential (``..``); it is
part of the totals all the same, so it is kept as a row without a value and never read as zero; parts then do
not add up to their total. A total that would reveal a confidential part is withheld in the same way. Another
symbol (``-``, ``.``) is no figure and no secret: no row. The variable is spelt ``Forbrukningskategri``. Code
98 is small houses, 97 flats, 964 holiday homes; a label that says otherwise is refused. Codes outside the
312 regions are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from klimatpuls.contract.releases import EXPECTED, Parsed
from klimatpuls.domain.regions import regions
from klimatpuls.fetch.pxweb import cells as px_cells
from klimatpuls.fetch.pxweb.client import REGION_VARIABLE, TIME_VARIABLE
from klimatpuls.fetch.pxweb.source import PxWebSource

if TYPE_CHECKING:
    from collections.abc import Sequence


SOURCE_ID = "scb_energy"
UNIT = "MWh"
CONFIDENTIAL = ".."
KEYS = (REGION_VARIABLE, "consumer_code", "fuel_code", TIME_VARIABLE)


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn SCB's answers into one row per region, consumer, carrier and year.

    Args:
        parts: JSON-stat 2 bodies of one table, which together hold every cell once.
        dataset: ``scb_energy``.
        substance: None; energy has no substances.

    Returns:
        Rows of the fact ``energy``, megawatt-hours; a confidential cell has no value. Cells of regions
        outside the 312 and cells with another symbol are expected rejects; a cell with neither a number nor a
        symbol, and a negative one, is a reject that is a finding.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.cells.read_cells`.
    """
    cells = px_cells.read_cells(parts, dataset)
    frame = cells.frame
    is_missing = frame["value"].isna()
    frame["reason"] = ""
    frame.loc[is_missing & (frame["status"] == ""), "reason"] = "no number"
    has_other_symbol = is_missing & ~frame["status"].isin(("", CONFIDENTIAL))
    frame.loc[has_other_symbol, "reason"] = (
        f"{EXPECTED}no figure, symbol " + frame.loc[has_other_symbol, "status"]
    )
    frame.loc[frame["value"] < 0, "reason"] = "an energy use is not negative"
    is_strange = ~frame[REGION_VARIABLE].isin(regions())
    frame.loc[is_strange, "reason"] = (
        f"{EXPECTED}region code " + frame.loc[is_strange, REGION_VARIABLE] + " is none of the 312 regions"
    )
    kept = frame["reason"] == ""
    rows = pd.DataFrame(
        {
            "region_code": frame[REGION_VARIABLE].astype("str"),
            "consumer_code": frame["consumer_code"],
            "fuel_code": frame["fuel_code"],
            "year": frame[TIME_VARIABLE].astype("int64"),
            "energy_mwh": frame["value"] * frame["factor"],
            "status": pd.Series("observed", index=frame.index, dtype="str").mask(is_missing, "confidential"),
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
