"""Emissions of the nation by gas and sector, the official inventory, from SCB over PxWebApi 2.

What is published: table TAB4698 (MI0107, Naturvårdsverket's), 1990 onwards, in the middle of December: the
figures that Sweden reports to the climate convention. Kilotonnes here, tonnes at SMHI and in our tables.

Oddities handled: the table mixes units, so its unit field says that they vary and the label of each gas has
its own; gases stand twice, by mass and as CO2 equivalents, and only the latter are requested; the
total without land use and international transport is what compares with SMHI's territorial total, not with
its ``Alla``; a cell without a number (``..``) is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.fetch.pxweb.cells import build_parsed, missing_reasons, read_cells
from klimatpuls.fetch.pxweb.source import PxWebSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klimatpuls.contract.releases import Parsed

SOURCE_ID = "scb_national_emissions"
UNIT = "t CO2e"


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn SCB's answers into one row per gas, sector and year.

    Returns:
        Rows of the fact ``national_emission``, in tonnes. Cells without a number are rejects, expected ones
        where the publisher gives a symbol for it.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.cells.read_cells`.

    Example: 47.49 kt at SCB → 47 490 t.
    """
    cells = read_cells(parts, dataset)
    tonnes = cells.frame["value"] * cells.frame["factor"]
    reasons = missing_reasons(cells.frame)
    return build_parsed(cells, reasons, {"emissions_tco2e": tonnes}, dataset=dataset, unit=UNIT)


_SOURCE = PxWebSource(SOURCE_ID, parse)
RECOGNISES = _SOURCE.recognises
fetch, poll, check, recognise = _SOURCE.fetch, _SOURCE.poll, _SOURCE.check, _SOURCE.recognise
