"""Synthetic emissions as SMHI publishes them: a model of the country, and the workbooks of two releases.

The tables beside this module say how each sector is drawn; sizes and shares resemble the country's.

``sectors.csv``: national emissions in 1990, 2005 and 2024 (``mt_…``, million tonnes); how strongly a
municipality's share follows its population (``size_power``), and the standard deviation of the logarithm of
what it does not follow (``spread``); the share of the nation that lies in no county (``unallocated``); the
air pollutants that go with a tonne of greenhouse gases (``nox`` in tonnes, ``hg`` in kilograms).

``subsectors.csv``: the share of the sector in 1990 and 2024, the part of it that is CO2, and the share of
municipalities that have it at all (``present``).

Sums hold as they do in real releases: nine sectors make the total, municipalities make their county, and the
nation has 0.3 to 0.7 % more than its counties. The second release revises every year of the first and adds
one. ``Utrikes transporter`` is zero in the first release and from 2023 on not, as it happened. No figure is a
real one.
"""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

import numpy as np

from klimatpuls.domain import regions, sectors, substances
from klimatpuls.domain.units import TONNES_PER_YEAR
from klimatpuls.files.synthetic_mark import SYNTHETIC_MARK
from klimatpuls.mock_agencies import workbook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIRST_PUBLISHED: Final = date(2025, 5, 6)
SECOND_PUBLISHED: Final = date(2026, 5, 7)
FIRST_YEARS: Final = (1990, 2000, 2005, 2010, *range(2015, 2024))
SECOND_YEARS: Final = (*FIRST_YEARS, 2024)

Facts = dict[str, np.ndarray]
"""Sector code → tonnes by municipality (code order) × year."""

WITH_SUBSECTORS: Final = ("ghg", "co2")
"""The other gases come with main sectors only: the archive is made in two seconds, not in six."""
_NATIONALLY_SCALED: Final = "own_heating"
_INTERNATIONAL_FROM: Final = 2023
_LARGE_PLANT: Final = ("2580", 0.16)


@cache
def _sectors() -> Mapping[str, Mapping[str, float]]:
    """Main sector → how it is drawn."""
    return {row["sector"]: _numbers(row) for row in _table("sectors")}


@cache
def _subsectors() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """Main sector → sub-sector (empty if it has none) → how it is drawn."""
    found: dict[str, dict[str, Mapping[str, float]]] = {}
    for row in _table("subsectors"):
        found.setdefault(row["sector"], {})[row["subsector"]] = _numbers(row)
    return found


def _table(name: str) -> list[dict[str, str]]:
    text = resources.files(__package__ or "").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _numbers(row: Mapping[str, str]) -> dict[str, float]:
    return {name: float(text) for name, text in row.items() if name not in ("sector", "subsector")}


def _leaf_shares(sector: str, name: str, years: np.ndarray) -> np.ndarray:
    subs = _subsectors()[sector]
    totals = {year: sum(sub[f"share_{year}"] for sub in subs.values()) for year in (1990, 2024)}
    ends = [subs[name][f"share_{year}"] / total for year, total in totals.items()]
    return np.asarray(np.interp(years, list(totals), ends))


def _national(model: Mapping[str, float], years: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    known = (1990, 2005, 2024)
    path = np.exp(np.interp(years, known, np.log([model[f"mt_{year}"] for year in known]))) * 1e6
    wiggled: np.ndarray = path * np.exp(rng.normal(0.0, 0.015, len(years)))
    return wiggled


def leaves_of_second(rng: np.random.Generator, population: np.ndarray) -> Facts:
    """Every leaf of the sector tree as the second release has it, greenhouse gases."""
    codes = regions.codes("municipality")
    years = np.asarray(SECOND_YEARS)
    size = population[:, -1] / population[:, -1].mean()
    leaves: Facts = {}
    for sector, model in _sectors().items():
        national = _national(model, years, rng)
        base = size ** model["size_power"] * np.exp(rng.normal(0.0, model["spread"], len(codes)))
        if sector == "industry":
            plant, share = _LARGE_PLANT
            base[codes.index(plant)] = share / (1 - share) * base.sum()
        for name, sub in _subsectors()[sector].items():
            drift = rng.normal(0.0, 0.25, (len(codes), 1)) * (years - 1990) / 34
            noise = rng.normal(0.0, 0.03, (len(codes), len(years)))
            here = rng.random((len(codes), 1)) < sub["present"]
            here |= size[:, None] >= np.sort(size)[-3]
            weight = base[:, None] * np.exp(drift + noise) * here
            shares = _leaf_shares(sector, name, years)
            if sector == _NATIONALLY_SCALED:
                weight[:, -1], shares[-1] = weight[:, -2], shares[-2]
            allocated = national * shares * (1 - model["unallocated"])
            leaves[f"{sector}.{name}".rstrip(".")] = weight / weight.sum(axis=0) * allocated
    for name in sectors.sub_codes(sectors.INTERNATIONAL_TRANSPORT):
        leaves[name][:, years < _INTERNATIONAL_FROM] = 0.0
    return leaves


def before_revision(leaves: Facts, rng: np.random.Generator) -> Facts:
    """What the first release had: fewer years, every value a little different, no international transport."""
    kept = [SECOND_YEARS.index(year) for year in FIRST_YEARS]
    bias = {sector: float(np.exp(rng.normal(0.0, 0.006))) for sector in _sectors()}
    first = {}
    for code, values in leaves.items():
        sector = code.partition(".")[0]
        moved = values[:, kept] * bias[sector] * np.exp(rng.normal(0.0, 0.008, (len(values), len(kept))))
        first[code] = moved * (0.0 if sector == sectors.INTERNATIONAL_TRANSPORT else 1.0)
    return first


_F_GASES: Final = {"hfc": 0.9, "pfc": 0.02, "sf6": 0.08}
_METHANE: Final = ("enteric_fermentation", "manure", "landfills", "biological_treatment")
GASES: Final = ("co2", "ch4", "n2o", *_F_GASES)


def gas_part(leaves: Facts, gas: str) -> Facts:
    """The part of every leaf that one gas makes; the parts of all gases make the whole."""
    return {code: values * _gas_share(*code.partition(".")[::2], gas) for code, values in leaves.items()}


def _gas_share(sector: str, name: str, gas: str) -> float:
    co2 = _subsectors()[sector][name]["co2"]
    if gas == "co2":
        return co2
    if name == "f_gases":
        return (1 - co2) * _F_GASES.get(gas, 0.0)
    is_methane = any(word in name for word in _METHANE)
    return (1 - co2) if gas == ("ch4" if is_methane else "n2o") else 0.0


AIR_POLLUTANTS: Final = {"nox": "ton/år", "hg": "kg/år"}
"""The synthetic air pollutants and the unit of their workbooks: nobody can take the two for the same."""


def pollutant_part(leaves: Facts, pollutant: str) -> Facts:
    """The emissions of an air pollutant from every main sector, in its unit."""
    whole = {
        sector: np.sum([leaves[code] for code in leaves if code.partition(".")[0] == sector], axis=0)
        for sector in sectors.main_codes()
    }
    return {sector: values * _sectors()[sector][pollutant] for sector, values in whole.items()}


def sum_up(leaves: Facts) -> Facts:
    """All sectors × all 312 regions in the publisher's order, three decimals, every sum holding."""
    municipalities = regions.codes("municipality")
    order = workbook.region_order()
    table: Facts = {}
    for code, values in leaves.items():
        local = dict(zip(municipalities, values.round(3), strict=True))
        counties = {
            county: sum(local[member] for member in regions.municipalities_of(county))
            for county in regions.codes("county")
        }
        unallocated = _sectors()[code.partition(".")[0]]["unallocated"]
        nation = {regions.NATION: sum(counties.values()) / (1 - unallocated)}
        everywhere = {**local, **counties, **nation}
        table[code] = np.array([everywhere[region] for region in order]).round(3)
    for sector in sectors.main_codes():
        subs = [code for code in sectors.sub_codes(sector) if code in table]
        if subs:
            table[sector] = np.sum([table[code] for code in subs], axis=0).round(3)
    table[sectors.ALL] = np.sum([table[sector] for sector in sectors.main_codes()], axis=0).round(3)
    return table


def main_sectors(table: Facts) -> Facts:
    """The rows of main sectors and of their sum."""
    return {code: values for code, values in table.items() if "." not in code}


def emission_workbook(
    substance: str, published: date, years: Iterable[int], table: Facts, generator: str
) -> bytes:
    """The workbook of a substance in the layout of SMHI's, with the synthetic mark."""
    unit = AIR_POLLUTANTS.get(substance, TONNES_PER_YEAR)
    rows = workbook.preamble(substance, published, tuple(years), unit=unit)
    names = [workbook.region_names(code) for code in workbook.region_order()]
    for code in sectors.sectors():
        if code not in table:
            continue
        sector = workbook.sector_names(code)
        rows += [[*sector, *name, *values] for name, values in zip(names, table[code].tolist(), strict=True)]
    return workbook.build_workbook(
        rows,
        sheet_name=substances.substance(substance).name_sv,
        properties=workbook.Properties(
            title=f"{SYNTHETIC_MARK}: no real figure in this workbook",
            description=f"SYNTHETIC test data in the layout of SMHI's workbook, made by {generator}.",
        ),
    )
