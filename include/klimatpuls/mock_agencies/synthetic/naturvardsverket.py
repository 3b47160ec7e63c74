"""Synthetic grants of Klimatklivet, in the columns of the publisher. No person in it is real."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from klimatpuls.domain import regions
from klimatpuls.mock_agencies import workbook
from klimatpuls.sources.klimatklivet.parser import COLUMNS, EXCEL_EPOCH

if TYPE_CHECKING:
    import numpy as np

REACHES_TO: Final = date(2025, 12, 31)
CASES: Final = 900
SHEETS: Final = ("Per åtgärdskategori", "Per län", "Per kommun")
"""The publisher's three sheets hold the same rows."""
_KINDS: Final = ("Energikonvertering", "Transport", "Biogas", "Laddstation", "Avfall", "Infrastruktur")
_STATUS: Final = ("Slutförd åtgärd", "Pågående åtgärd")
_RULE: Final = "Förordning (2015:517) om stöd till lokala klimatinvesteringar"


def grants(rng: np.random.Generator) -> bytes:
    """The file ``naturvardsverket/klimatklivet-2025-12-31.xlsx``.

    Args:
        rng: Seeded.
    """
    municipalities = regions.codes("municipality")
    rows: list[list[workbook.Cell]] = [["SYNTHETIC: påhittade uppgifter"], [], list(COLUMNS)]
    for number in range(CASES):
        kind = _KINDS[int(rng.integers(len(_KINDS)))]
        is_station = kind == "Laddstation"
        region = regions.region(municipalities[int(rng.integers(len(municipalities)))])
        decided = date(2016, 1, 1) + timedelta(days=int(rng.integers((REACHES_TO - date(2016, 1, 1)).days)))
        rows.append(
            [
                f"KKL-{number:05d}-{decided.year}{' ' if number % 40 == 0 else ''}",
                f"{region.name}s kommun" if number % 3 == 0 else f"Påhittat {number} AB",
                f"{kind} {number}",
                kind,
                None if is_station else regions.region(str(region.county_code)).name,
                None if is_station else region.name,
                float(int(rng.lognormal(13.0, 1.2))),
                float(rng.integers(2, 40)) if is_station else None,
                "Icke-publik" if is_station else None,
                float((decided - EXCEL_EPOCH).days),
                float((decided - EXCEL_EPOCH).days + 900),
                _STATUS[number % 2],
                _RULE,
            ]
        )
        if number % 50 == 0:
            rows[-1][1] = f"Påhittsson, Exempel {number}"
    return workbook.build_workbook(rows, sheet_name=SHEETS[0], copies=SHEETS[1:])
