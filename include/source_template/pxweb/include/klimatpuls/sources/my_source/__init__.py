"""my_source, a PxWebApi 2 table: what it holds, when it changes, and which oddities are handled."""

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


SOURCE_ID = "my_source"


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Returns one row per region and year.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.cells.read_cells`.
    """
    cells = px_cells.read_cells(parts, dataset)
    frame = cells.frame
    frame["reason"] = ""
    frame.loc[frame["value"].isna(), "reason"] = "missing value"
    # A reason that begins with EXPECTED is no finding: the cell was never wanted.
    frame.loc[~frame[REGION_VARIABLE].isin(regions()), "reason"] = f"{EXPECTED}not one of the 312 regions"
    kept = frame[frame["reason"] == ""]
    rows = pd.DataFrame(
        {
            "region_code": kept[REGION_VARIABLE].astype("str"),
            "year": kept[TIME_VARIABLE].astype("int64"),
            "my_source_count": (kept["value"] * kept["factor"]).round().astype("int64"),
            "sheet_row": kept["sheet_row"],
        }
    ).reset_index(drop=True)
    rejected = frame[frame["reason"] != ""]
    return Parsed(
        dataset=dataset,
        substance=substance,
        unit="persons",
        published_date=cells.published_date,
        years=tuple(sorted(rows["year"].unique().tolist())),
        rows=rows,
        rejects=px_cells.build_rejects(rejected, (REGION_VARIABLE, TIME_VARIABLE)),
        rows_read=len(frame),
        notes=(*cells.notes, *px_cells.left_out_notes(rejected)),
        losses=cells.losses,
    )


_TABLE = PxWebSource(SOURCE_ID, parse)
RECOGNISES = _TABLE.recognises
fetch, poll, check, recognise = _TABLE.fetch, _TABLE.poll, _TABLE.check, _TABLE.recognise
