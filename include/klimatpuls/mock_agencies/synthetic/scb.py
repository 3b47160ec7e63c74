"""Synthetic tables of SCB's database: the national inventory, municipal energy use, the population forecast.

The inventory is the synthetic nation of the emission workbooks, so that both agree as the real ones do.
Energy follows population, and a few cells of small municipalities are confidential. No figure is a real one.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.domain import regions
from klimatpuls.mock_agencies.csv_files import csv_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from klimatpuls.contract.catalog import Wanted

ENERGY_YEARS: Final = tuple(range(2021, 2025))
ENERGY_PUBLISHED: Final = date(2026, 4, 14)
FORECAST_YEARS: Final = (2026, 2027, 2028, 2029, 2030, 2035, 2040, 2045)
FORECAST_PUBLISHED: Final = date(2026, 5, 5)
MWH_PER_INHABITANT: Final = 34.0
CONFIDENTIAL_SHARE: Final = 0.01
LAND_USE_MT: Final = -45.0
_CONSUMERS: Final = {
    "911": 0.02,
    "921": 0.36,
    "931": 0.06,
    "941": 0.23,
    "951": 0.10,
    "98": 0.13,
    "97": 0.09,
    "964": 0.01,
}
_FUELS: Final = {
    "905": 0.22,
    "910": 0.03,
    "915": 0.03,
    "920": 0.06,
    "925": 0.16,
    "930": 0.01,
    "14": 0.13,
    "16": 0.36,
}


Edition = tuple["Sequence[int]", "Mapping[str, Mapping[str, np.ndarray]]"]
"""Years, and per gas the nation's tonnes by sector code and year."""


def national_emissions(editions: Mapping[date, Edition]) -> bytes:
    """The file ``scb/national_emissions.csv``.

    Args:
        editions: Publication day -> what was published then.
    """
    table = SOURCES["scb_national_emissions"].datasets[0].px_table
    wanted = table.wanted if table else {}
    gas_codes, sector_codes = _publishers(wanted["Vaxthusgaser"]), _publishers(wanted["Sektor"])
    rows = []
    for published, (sparse_years, by_gas) in editions.items():
        # The inventory has every year, the emission workbooks a few: between them lies a straight line.
        years = range(sparse_years[0], sparse_years[-1] + 1)
        for gas, by_sector in by_gas.items():
            for sector, tonnes in _with_totals(by_sector, is_land_user=gas in ("ghg", "co2")).items():
                rows += [
                    (published.isoformat(), gas_codes[gas], sector_codes[sector], year, f"{value / 1000:.6f}")
                    for year, value in zip(years, np.interp(years, sparse_years, tonnes), strict=True)
                ]
    return csv_bytes(("published_date", "gas", "sector", "year", "kt"), rows)


def _with_totals(by_sector: Mapping[str, np.ndarray], *, is_land_user: bool) -> dict[str, np.ndarray]:
    international = by_sector["international_transport"]
    total = by_sector["all"] - international
    land = np.full(len(total), LAND_USE_MT * 1e6 if is_land_user else 0.0)
    sums = {
        "total": total,
        "total_with_international": total + international,
        "total_with_lulucf": total + land,
        "total_with_both": total + international + land,
        "lulucf": land,
    }
    return {**sums, **{sector: tonnes for sector, tonnes in by_sector.items() if sector != "all"}}


def energy(rng: np.random.Generator, inhabitants: np.ndarray) -> bytes:
    """The file ``scb/energy.csv``.

    Args:
        rng: Seeded.
        inhabitants: Per municipality, in code order.
    """
    consumers, fuels = (_as_shares(shares) for shares in (_CONSUMERS, _FUELS))
    shape = (len(inhabitants), len(consumers), len(fuels), len(ENERGY_YEARS))
    mean = inhabitants[:, None, None, None] * MWH_PER_INHABITANT
    mean = mean * consumers[None, :, None, None] * fuels[None, None, :, None]
    local = np.rint(mean * np.exp(rng.normal(0.0, 0.25, shape)))
    hidden = (rng.random(shape) < CONFIDENTIAL_SHARE) & (local < np.quantile(local, 0.3))
    municipalities = regions.codes("municipality")
    places = {code: at for at, code in enumerate(municipalities)}
    rows: list[tuple[object, ...]] = []
    for code in regions.codes():
        members = _members(code)
        at = [places[member] for member in members]
        cube, is_hidden = local[at].sum(axis=0), hidden[at].any(axis=0) & (len(at) == 1)
        rows += _energy_rows(code, cube, is_hidden)
    return csv_bytes(("published_date", "region_code", "consumer", "fuel", "year", "mwh"), rows)


def _energy_rows(code: str, cube: np.ndarray, hidden: np.ndarray) -> Iterable[tuple[object, ...]]:
    """Every consumer x carrier x year of one area with the totals; what is hidden is in the totals."""
    by_fuel = np.concatenate([cube, cube.sum(axis=1, keepdims=True)], axis=1)
    whole = np.concatenate([by_fuel, by_fuel.sum(axis=0, keepdims=True)], axis=0).astype(np.int64).tolist()
    published, is_hidden = ENERGY_PUBLISHED.isoformat(), hidden.tolist()
    for k, year in enumerate(ENERGY_YEARS):
        for i, consumer in enumerate((*_CONSUMERS, "999")):
            for j, fuel in enumerate((*_FUELS, "955")):
                is_leaf = consumer != "999" and fuel != "955"
                value = "" if is_leaf and is_hidden[i][j][k] else whole[i][j][k]
                yield published, code, consumer, fuel, year, value


def population_forecast(rng: np.random.Generator, inhabitants: np.ndarray) -> bytes:
    """The file ``scb/population_forecast.csv``.

    Args:
        rng: Seeded.
        inhabitants: Per municipality, in code order, in the last year before the forecast.
    """
    growth = rng.normal(0.002, 0.005, len(inhabitants))
    municipalities = regions.codes("municipality")
    places = {code: at for at, code in enumerate(municipalities)}
    ahead = np.asarray(FORECAST_YEARS) - (FORECAST_YEARS[0] - 1)
    local = np.rint(inhabitants[:, None] * np.exp(growth[:, None] * ahead)).astype(np.int64)
    rows = []
    for code in regions.codes():
        counted = local[[places[member] for member in _members(code)]].sum(axis=0)
        rows += [
            (FORECAST_PUBLISHED.isoformat(), code, year, int(count))
            for year, count in zip(FORECAST_YEARS, counted, strict=True)
        ]
    return csv_bytes(("published_date", "region_code", "year", "population"), rows)


def _members(code: str) -> tuple[str, ...]:
    level = regions.region(code).level
    if level == "nation":
        return regions.codes("municipality")
    return regions.municipalities_of(code) if level == "county" else (code,)


def _publishers(wanted: Wanted) -> dict[str, str]:
    """Our code -> the publisher's."""
    return {ours: theirs for theirs, ours in wanted.codes.items()}


def _as_shares(shares: Mapping[str, float]) -> np.ndarray:
    values = np.array(list(shares.values()))
    shared: np.ndarray = values / values.sum()
    return shared
