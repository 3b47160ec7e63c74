"""my_source, a PxWebApi 2 table: what it holds, when it changes, and which oddities are handled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.fetch.pxweb.cells import build_parsed, missing_reasons, read_cells
from klimatpuls.fetch.pxweb.source import PxWebSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klimatpuls.contract.releases import Parsed

SOURCE_ID = "my_source"


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Returns one row per region and year.

    Raises:
        SourceFormatError: as :func:`klimatpuls.fetch.pxweb.cells.read_cells`.
    """
    cells = read_cells(parts, dataset)
    count = (cells.frame["value"] * cells.frame["factor"]).round()
    # Why a cell is no figure; an empty text where it is one.
    reasons = missing_reasons(cells.frame)
    return build_parsed(cells, reasons, {"my_source_count": count}, dataset=dataset, unit="persons")


_SOURCE = PxWebSource(SOURCE_ID, parse)
RECOGNISES = _SOURCE.recognises
fetch, poll, check, recognise = _SOURCE.fetch, _SOURCE.poll, _SOURCE.check, _SOURCE.recognise
