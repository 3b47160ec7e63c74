"""Synthetic cars by municipality and fuel, as Trafikanalys' interface has them. No figure is a real one."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np

from klimatpuls.domain import regions
from klimatpuls.mock_agencies.agencies.trafa import FUELS
from klimatpuls.mock_agencies.csv_files import csv_bytes

PUBLISHED: Final = date(2026, 2, 20)
YEARS: Final = tuple(range(2021, 2026))
CARS_PER_INHABITANT: Final = 0.47
NEW_SHARE: Final = 0.055
_SHARES: Final = (
    (0.55, 0.44),
    (0.34, 0.27),
    (0.02, 0.11),
    (0.03, 0.05),
    (0.02, 0.10),
    (0.03, 0.02),
    (0.009, 0.009),
    (0.001, 0.001),
)
"""Share of each fuel but the total, in the first and in the last year."""


def vehicles(rng: np.random.Generator, inhabitants: np.ndarray) -> bytes:
    """The file ``trafa/vehicles.csv``.

    Args:
        rng: Seeded.
        inhabitants: Per municipality, in code order.
    """
    first, last = np.array(_SHARES).T
    local = np.exp(rng.normal(0.0, 0.1, (len(inhabitants), len(first))))
    fuels = [code for code in FUELS if code != "t1"]
    rows: list[tuple[object, ...]] = []
    for year in YEARS:
        share = first + (last - first) * (year - YEARS[0]) / (YEARS[-1] - YEARS[0])
        cars = np.rint(inhabitants[:, None] * CARS_PER_INHABITANT * share * local).astype(int)
        new = np.rint(cars * NEW_SHARE).astype(int)
        for at, code in enumerate(regions.codes("municipality")):
            place = (PUBLISHED.isoformat(), year, code)
            counts = zip(fuels, cars[at].tolist(), new[at].tolist(), strict=True)
            rows += [(*place, *count) for count in counts]
            rows.append((*place, "t1", int(cars[at].sum()), int(new[at].sum())))
    return csv_bytes(("published_date", "year", "region_code", "fuel", "itrfslut", "nyregunder"), rows)
