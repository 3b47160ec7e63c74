"""Final energy use by municipality, category of consumer and energy carrier, from SCB over PxWebApi 2.

What is published: table TAB3654 (EN0203, Energimyndigheten's), 2009 onwards, in spring, about fifteen months
after the year. Megawatt-hours, as the title of the table says.

Oddities handled: where fewer than three businesses stand behind a cell it is confidential (``..``); it is
nevertheless part of the totals, so it is kept as a row without a value and never read as zero; parts then do
not add up to their total. A total that would reveal a confidential part is withheld in the same way. Another
symbol (``-``, ``.``) is no figure and no secret: no row. The variable is spelt ``Forbrukningskategri``. Code
98 is small houses, 97 flats, 964 holiday homes; a contradicting label is refused. Codes outside the
312 regions are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from klimatpuls.fetch.pxweb.cells import build_parsed, missing_reasons, read_cells
from klimatpuls.fetch.pxweb.source import PxWebSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klimatpuls.contract.releases import Parsed

SOURCE_ID = "scb_energy"
UNIT = "MWh"
CONFIDENTIAL = ".."


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn SCB's answers into one row per region, consumer, carrier and year.

    Returns:
        Rows of the fact ``energy``, megawatt-hours; a confidential cell has no value. Cells of regions
        outside the 312 and cells with another symbol are expected rejects; a cell with neither a number nor a
        symbol, and a negative one, is a reject that is a finding.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.cells.read_cells`.
    """
    cells = read_cells(parts, dataset)
    value, symbol = cells.frame["value"], cells.frame["status"]
    reasons = missing_reasons(cells.frame).mask(value < 0, "an energy use is not negative")
    status = pd.Series("observed", index=value.index, dtype="str").mask(value.isna(), "confidential")
    return build_parsed(
        cells,
        reasons.mask(value.isna() & (symbol == CONFIDENTIAL), ""),
        {"energy_mwh": value * cells.frame["factor"], "status": status},
        dataset=dataset,
        unit=UNIT,
    )


_SOURCE = PxWebSource(SOURCE_ID, parse)
RECOGNISES = _SOURCE.recognises
fetch, poll, check, recognise = _SOURCE.fetch, _SOURCE.poll, _SOURCE.check, _SOURCE.recognise
