"""my_source, a PxWebApi 2 table: what it holds, when it changes, and which oddities are handled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from klimatpuls.contract.releases import EXPECTED, Parsed
from klimatpuls.domain.regions import regions
from klimatpuls.fetch.pxweb import table
from klimatpuls.fetch.pxweb.check import check_source
from klimatpuls.fetch.pxweb.client import REGION_VARIABLE, TIME_VARIABLE
from klimatpuls.fetch.pxweb.files import describe_tables, recognise_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from klimatpuls.contract.releases import Fetched, Poll
    from klimatpuls.fetch.assumptions import Checked
    from klimatpuls.fetch.http import PoliteSession

SOURCE_ID = "my_source"
RECOGNISES = describe_tables(SOURCE_ID)


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Returns every requested cell of the table; see :func:`klimatpuls.fetch.pxweb.table.fetch_table`."""
    return table.fetch_table(session, base_url, dataset, as_of)


def poll(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Poll:
    """Returns when the table was last updated; see :func:`klimatpuls.fetch.pxweb.table.poll_table`."""
    return table.poll_table(session, base_url, dataset, as_of)


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Yields each assumption about the table; see :func:`klimatpuls.fetch.pxweb.check.check_source`."""
    return check_source(session, base_url, SOURCE_ID, as_of=as_of, parse=parse)


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """Returns the dataset of an answer given by hand; None if it is of another table."""
    return recognise_table(body, SOURCE_ID)


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Returns one row per region and year.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.table.read_cells`.
    """
    cells = table.read_cells(parts, dataset)
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
        rejects=table.build_rejects(rejected, (REGION_VARIABLE, TIME_VARIABLE)),
        rows_read=len(frame),
        notes=(*cells.notes, *table.left_out_notes(rejected)),
        losses=cells.losses,
    )
