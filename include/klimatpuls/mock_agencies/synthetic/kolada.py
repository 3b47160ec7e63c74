"""Synthetic key figures of Kolada: what it republishes of the synthetic emissions and population.

As the real service it gives SMHI's figures once more, so that the two can be checked against each other, with
some rows by sex, of a group and deleted ones among them. No figure is a real one.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from klimatpuls.domain import regions
from klimatpuls.domain.kolada_kpis import emission_totals, kpis
from klimatpuls.mock_agencies.csv_files import csv_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

PUBLISHED: Final = date(2026, 5, 8)
NEXT: Final = date(2027, 6, 30)
"""What Kolada calls the publication date: the next one that is planned."""
POPULATION: Final = "N01951"
PER_INHABITANT: Final = "N00401"
GROUP: Final = "G100001"
_Row = tuple[str, str, int, str, str, object, str]


def definitions() -> bytes:
    """The file ``kolada/kpi.csv``: every key figure, with titles that say so."""
    rows = [(kpi.code, f"SYNTHETIC {kpi.quantity}, {kpi.unit}", NEXT.isoformat()) for kpi in kpis().values()]
    return csv_bytes(("id", "title", "publication_date"), rows)


def values(
    years: Sequence[int],
    emissions: Mapping[str, np.ndarray],
    region_order: Sequence[str],
    population: Mapping[tuple[str, int], int],
) -> bytes:
    """The file ``kolada/data.csv``.

    Args:
        years: Years of the emissions.
        emissions: Sector code → tonnes by region × year.
        region_order: The regions of those rows.
        population: (region code, year) → inhabitants.
    """
    rows = (
        (PUBLISHED.isoformat(), *row)
        for place, code in enumerate(region_order)
        for at, year in enumerate(years)
        for row in _rows_of(
            code, year, {s: float(table[place, at]) for s, table in emissions.items()}, population
        )
    )
    header = ("published_date", "kpi", "municipality", "period", "gender", "status", "value", "isdeleted")
    return csv_bytes(header, rows)


def _rows_of(
    code: str, year: int, by_sector: Mapping[str, float], population: Mapping[tuple[str, int], int]
) -> Iterator[_Row]:
    area = _area(code)
    for sector, kpi in emission_totals().items():
        yield kpi, area, year, "T", "", round(by_sector[sector], 3), "false"
    inhabitants = population.get((code, year), 0)
    if inhabitants:
        yield PER_INHABITANT, area, year, "T", "", round(by_sector["all"] / inhabitants, 6), "false"
        yield POPULATION, area, year, "T", "", inhabitants, "false"
        yield POPULATION, area, year, "K", "", inhabitants // 2, "false"
    else:
        yield PER_INHABITANT, area, year, "T", "Missing", "", "false"
    if code == regions.NATION:
        yield POPULATION, GROUP, year, "T", "", 1, "false"
        yield PER_INHABITANT, area, year, "M", "", 1, "true"


def _area(code: str) -> str:
    return "0000" if code == regions.NATION else code.zfill(4)
