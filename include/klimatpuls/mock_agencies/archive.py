"""Archive folders: reading one, and making a synthetic one from a seed.

An archive folder holds the publishers' files as they were::

    smhi/*.xlsx           workbooks of the national emission database, named as you like
    scb/regions.csv       code, name, level, county_code
    scb/population.csv    region_code, region_name, year, population (31 December)
    scb/…, naturvardsverket/…  optional: see klimatpuls.mock_agencies.scb_tables
    manifest.csv          optional: path, origin, known_from … of each file

What a workbook is follows from its sheet (substance, publisher's date), never from its file name. The
manifest tells when a file was first known to be public, which orders two workbooks of one date; without a
line there, the publisher's date stands for it.

The synthetic archive has every municipality, every sector, all seven greenhouse gases (sub-sectors of all
together and of CO2), on request two air pollutants (nitrogen oxides in tonnes, mercury in kilograms), and
what ``mock_agencies.synthetic`` adds of other agencies. Emissions come in two releases; the second revises
every year of the first and adds one. The numbers are drawn from a seeded generator:
sizes and shares resemble the country's, no figure is a real one. Everything in it says ``SYNTHETIC``. Sums
hold as they do in real releases: nine sectors make the total, municipalities make their county, the nation
has 0.3 to 0.7 % more than its counties. ``Utrikes transporter`` is zero in the first release and from 2023 on
not, as it happened. Population covers 1990 to 2025 in today's codes: a municipality that was split off later
has 0 before, and its mother holds both.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from klimatpuls.domain import regions, sectors, substances
from klimatpuls.domain.units import TONNES_PER_YEAR
from klimatpuls.errors import SourceFormatError, UsageError
from klimatpuls.files.synthetic_mark import SYNTHETIC_MARK
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.origin import MANIFEST, is_synthetic, read_manifest
from klimatpuls.mock_agencies.synthetic import eu_ets, kolada, naturvardsverket, scb, trafa
from klimatpuls.sources import smhi_emissions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Origin = Literal["archive", "synthetic"]

DEFAULT_SEED: Final = 2026
FIRST_PUBLISHED: Final = date(2025, 5, 6)
SECOND_PUBLISHED: Final = date(2026, 5, 7)
FIRST_YEARS: Final = (1990, 2000, 2005, 2010, *range(2015, 2024))
SECOND_YEARS: Final = (*FIRST_YEARS, 2024)
POPULATION_YEARS: Final = tuple(range(1990, 2026))

_LAYOUT: Final = "an archive folder holds smhi/*.xlsx, scb/regions.csv and scb/population.csv"
_GENERATOR: Final = "klimatpuls synthetic 4"


# ------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedWorkbook:
    """One emission workbook of an archive.

    Attributes:
        path: Where it lies.
        substance: Our substance code, as its sheet says.
        published_date: The publisher's date, as its sheet says.
        known_from: First day it was known to be public, from the manifest; None where that is silent.
    """

    path: Path
    substance: str
    published_date: date
    known_from: date | None

    @property
    def available_from(self) -> date:
        """The day from which the mock server serves it: its own date, or the later day it was known from."""
        return max(self.published_date, self.known_from or self.published_date)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """An archive folder, read.

    Attributes:
        root: The folder.
        origin: ``synthetic`` where the manifest says so of every file, else ``archive``.
        workbooks: Emission workbooks, oldest first: by publisher's date, known_from, file name.
        regions: code, name, level, county_code: one row per region, all text.
        population: region_code, region_name, year, population: one row per region × year.
    """

    root: Path
    origin: Origin
    workbooks: tuple[ArchivedWorkbook, ...]
    regions: pd.DataFrame
    population: pd.DataFrame


def newest(workbooks: Iterable[ArchivedWorkbook], substance: str, as_of: date) -> ArchivedWorkbook | None:
    """The workbook an agency would have answered with on a day; None where it had none yet.

    Args:
        workbooks: Oldest first, as :func:`read_workbooks` gives them.
        substance: Our substance code.
        as_of: The day.
    """
    there = [book for book in workbooks if book.substance == substance and book.available_from <= as_of]
    return there[-1] if there else None


def read_archive(folder: Path) -> Archive:
    """Read an archive folder; workbooks are opened only as far as their header.

    Args:
        folder: The folder, laid out as this module's docstring says.

    Raises:
        UsageError: if it lacks a file it must have, or a workbook in it cannot be read; named.
    """
    books = read_workbooks(folder)
    return Archive(
        root=folder,
        origin="synthetic" if is_synthetic(folder) else "archive",
        workbooks=books,
        regions=_read_csv(folder / "scb" / "regions.csv", ["code", "name", "level", "county_code"], {}),
        population=read_population(folder),
    )


def read_workbooks(folder: Path) -> tuple[ArchivedWorkbook, ...]:
    """The emission workbooks of an archive, oldest first: by publisher's date, known_from, file name.

    Raises:
        UsageError: if there is none, or one cannot be read; named.
    """
    listed = read_manifest(folder)
    books = [_archived(folder, path, listed) for path in sorted((folder / "smhi").glob("*.xlsx"))]
    if not books:
        msg = f"no workbook in {folder / 'smhi'}: {_LAYOUT}"
        raise UsageError(msg)
    books.sort(key=lambda book: (book.published_date, book.known_from or book.published_date, book.path.name))
    return tuple(books)


def read_population(folder: Path) -> pd.DataFrame:
    """Population of an archive: region_code, region_name, year, population, one row per region × year.

    Raises:
        UsageError: if the file is missing or has other columns.
    """
    return _read_csv(
        folder / "scb" / "population.csv",
        ["region_code", "region_name", "year", "population"],
        {"year": "int64", "population": "int64"},
    )


def _archived(folder: Path, path: Path, listed: Mapping[str, Mapping[str, str]]) -> ArchivedWorkbook:
    try:
        head = smhi_emissions.read_preamble(path.read_bytes(), what=path.name)
    except SourceFormatError as error:
        msg = f"{path} is no emission workbook: {error}"
        raise UsageError(msg) from error
    known = listed.get(path.relative_to(folder).as_posix(), {}).get("known_from", "")
    try:
        known_from = date.fromisoformat(known) if known else None
    except ValueError as error:
        msg = f"{folder / MANIFEST}: known_from of {path.name} is {known!r}, expected YYYY-MM-DD"
        raise UsageError(msg) from error
    return ArchivedWorkbook(
        path=path, substance=head.substance, published_date=head.published_date, known_from=known_from
    )


def _read_csv(path: Path, columns: list[str], types: Mapping[str, str]) -> pd.DataFrame:
    if not path.exists():
        msg = (
            f"{path} is missing: an archive folder holds smhi/*.xlsx, scb/regions.csv and scb/population.csv"
        )
        raise UsageError(msg)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    if list(frame.columns) != columns:
        msg = f"{path}: expected the columns {columns}, found {list(frame.columns)}"
        raise UsageError(msg)
    return frame.astype(dict(types))


# -------------------------------------------------------------------------------- making: the model


@dataclass(frozen=True, slots=True, kw_only=True)
class _SectorModel:
    """How one main sector is drawn.

    Attributes:
        path_mt: National emissions in 1990, 2005 and 2024, million tonnes.
        size_power: How strongly a municipality's share follows its population.
        spread: Standard deviation of the logarithm of what it does not follow.
        unallocated: Share of the nation that lies in no county.
        subs: Sub-sector → (share of the sector in 1990, in 2024, part of it that is CO2, share of
            municipalities that have it at all).
    """

    path_mt: tuple[float, float, float]
    size_power: float
    spread: float
    unallocated: float
    subs: Mapping[str, tuple[float, float, float, float]]


_MODEL: Final[Mapping[str, _SectorModel]] = {
    "transport": _SectorModel(
        path_mt=(19.0, 21.0, 16.0),
        size_power=0.85,
        spread=0.25,
        unallocated=0.011,
        subs={
            "passenger_cars": (0.66, 0.61, 0.99, 1.0),
            "heavy_trucks": (0.16, 0.20, 0.99, 1.0),
            "light_trucks": (0.05, 0.09, 0.99, 1.0),
            "buses": (0.045, 0.01, 0.97, 1.0),
            "mopeds_motorcycles": (0.002, 0.006, 0.97, 1.0),
            "tyre_brake_wear": (0.0, 0.0, 0.0, 1.0),
            "road_wear": (0.0, 0.0, 0.0, 1.0),
            "fuel_evaporation": (0.0, 0.0, 0.0, 1.0),
            "domestic_shipping": (0.035, 0.05, 0.98, 0.5),
            "domestic_aviation": (0.043, 0.031, 0.98, 0.15),
            "railways": (0.005, 0.003, 0.99, 0.6),
        },
    ),
    "industry": _SectorModel(
        path_mt=(18.6, 18.2, 13.2),
        size_power=0.6,
        spread=1.3,
        unallocated=0.0003,
        subs={"": (1.0, 1.0, 0.95, 1.0)},
    ),
    "agriculture": _SectorModel(
        path_mt=(7.2, 6.5, 6.2),
        size_power=0.1,
        spread=0.9,
        unallocated=0.0,
        subs={
            "enteric_fermentation": (0.43, 0.43, 0.0, 1.0),
            "cattle_manure": (0.12, 0.13, 0.0, 1.0),
            "pig_manure": (0.02, 0.02, 0.0, 1.0),
            "horse_manure": (0.012, 0.015, 0.0, 1.0),
            "poultry_manure": (0.006, 0.012, 0.0, 1.0),
            "sheep_other_manure": (0.004, 0.006, 0.0, 1.0),
            "mineral_fertiliser": (0.14, 0.12, 0.0, 1.0),
            "crop_residues": (0.06, 0.06, 0.0, 1.0),
            "liming": (0.022, 0.02, 1.0, 1.0),
            "organic_soils": (0.12, 0.12, 0.0, 1.0),
            "mineral_soils": (0.007, 0.015, 0.0, 1.0),
            "indirect_n2o": (0.056, 0.047, 0.0, 1.0),
            "other_fertiliser": (0.003, 0.005, 0.0, 1.0),
        },
    ),
    "power_heat": _SectorModel(
        path_mt=(7.6, 7.9, 5.2),
        size_power=0.9,
        spread=1.1,
        unallocated=0.0003,
        subs={"": (1.0, 1.0, 0.96, 1.0)},
    ),
    "own_heating": _SectorModel(
        path_mt=(9.1, 3.2, 0.6),
        size_power=0.9,
        spread=0.2,
        unallocated=0.0002,
        subs={
            "homes": (0.67, 0.42, 0.94, 1.0),
            "commercial_public_premises": (0.28, 0.43, 0.98, 1.0),
            "agriculture_forestry_premises": (0.05, 0.15, 0.97, 1.0),
        },
    ),
    "machinery": _SectorModel(
        path_mt=(3.5, 3.4, 3.2),
        size_power=0.6,
        spread=0.3,
        unallocated=0.008,
        subs={
            "snowmobiles_atvs": (0.012, 0.025, 0.95, 1.0),
            "households": (0.07, 0.055, 0.96, 1.0),
            "commercial_public": (0.11, 0.12, 0.98, 1.0),
            "agriculture_forestry": (0.36, 0.31, 0.98, 1.0),
            "industry_construction": (0.33, 0.41, 0.98, 1.0),
            "fishing_boats": (0.05, 0.03, 0.98, 0.3),
            "other": (0.068, 0.05, 0.98, 0.4),
        },
    ),
    "product_use": _SectorModel(
        path_mt=(0.5, 1.6, 1.0),
        size_power=0.95,
        spread=0.15,
        unallocated=0.002,
        subs={
            "solvents_businesses": (0.10, 0.05, 1.0, 1.0),
            "solvents_households": (0.0, 0.0, 0.0, 1.0),
            "paint_households": (0.05, 0.01, 1.0, 1.0),
            "paint_businesses": (0.12, 0.02, 1.0, 1.0),
            "lubricants": (0.27, 0.20, 1.0, 1.0),
            "paraffin_wax": (0.03, 0.03, 1.0, 1.0),
            "urea_catalysts": (0.01, 0.04, 1.0, 1.0),
            "nitrous_oxide": (0.16, 0.09, 0.0, 1.0),
            "f_gases": (0.26, 0.56, 0.0, 1.0),
            "other": (0.0, 0.0, 0.0, 1.0),
        },
    ),
    "waste": _SectorModel(
        path_mt=(3.9, 2.8, 0.95),
        size_power=0.8,
        spread=0.5,
        unallocated=0.003,
        subs={
            "landfills": (0.90, 0.52, 0.0, 1.0),
            "wastewater": (0.08, 0.24, 0.0, 1.0),
            "biological_treatment": (0.005, 0.12, 0.0, 1.0),
            "cremation_hazardous_incineration": (0.015, 0.12, 0.97, 0.4),
            "accidental_fires": (0.0, 0.0, 0.0, 1.0),
            "other": (0.0, 0.0, 0.0, 1.0),
        },
    ),
    "international_transport": _SectorModel(
        path_mt=(0.17, 0.17, 0.17),
        size_power=1.0,
        spread=0.8,
        unallocated=0.0,
        subs={"shipping": (0.25, 0.25, 0.98, 0.2), "aviation": (0.75, 0.75, 0.98, 0.05)},
    ),
}
_WITH_SUBSECTORS: Final = ("ghg", "co2")
"""The other gases come with main sectors only: the archive is made in two seconds, not in six."""
_NATIONALLY_SCALED: Final = "own_heating"
_INTERNATIONAL_FROM: Final = 2023
_LARGE_PLANT: Final = ("2580", 0.16)
_LARGEST_FIRST: Final = ("0180", "1480", "1280", "0380", "0581", "1880", "1980", "1283")
_POPULATION_MILLIONS: Final = (8.6, 10.6)

_Facts = dict[str, np.ndarray]
"""Sector code → tonnes by municipality (code order) × year."""


def _population(rng: np.random.Generator) -> np.ndarray:
    """Inhabitants in today's borders, municipality (code order) × POPULATION_YEARS."""
    codes = regions.codes("municipality")
    sizes = np.sort(np.exp(rng.normal(0.0, 0.85, len(codes))))[::-1]
    sizes[: len(_LARGEST_FIRST)] *= np.linspace(6.0, 1.0, len(_LARGEST_FIRST))
    rest = rng.permutation([code for code in codes if code not in _LARGEST_FIRST])
    size_of = dict(zip([*_LARGEST_FIRST, *rest], sizes, strict=True))
    size = np.array([size_of[code] for code in codes])
    years = np.asarray(POPULATION_YEARS)
    growth = rng.normal(0.0, 0.006, len(codes)) + 0.003 * np.log(size)
    shape = size[:, None] * np.exp(growth[:, None] * (years - years[-1]))
    total = np.interp(years, years[[0, -1]], np.array(_POPULATION_MILLIONS)) * 1e6
    counted: np.ndarray = np.rint(shape / shape.sum(axis=0) * total).astype(np.int64)
    return counted


def _leaf_shares(model: _SectorModel, name: str, years: np.ndarray) -> np.ndarray:
    first = sum(share for share, *_ in model.subs.values())
    last = sum(share for _, share, *_ in model.subs.values())
    a, b = model.subs[name][:2]
    return np.asarray(np.interp(years, [1990, 2024], [a / first, b / last]))


def _national(model: _SectorModel, years: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    path = np.exp(np.interp(years, [1990, 2005, 2024], np.log(model.path_mt))) * 1e6
    wiggled: np.ndarray = path * np.exp(rng.normal(0.0, 0.015, len(years)))
    return wiggled


def _leaves(rng: np.random.Generator, population: np.ndarray) -> _Facts:
    """Every leaf of the sector tree as the second release has it, greenhouse gases."""
    codes = regions.codes("municipality")
    years = np.asarray(SECOND_YEARS)
    size = population[:, -1] / population[:, -1].mean()
    leaves: _Facts = {}
    for sector, model in _MODEL.items():
        national = _national(model, years, rng)
        base = size**model.size_power * np.exp(rng.normal(0.0, model.spread, len(codes)))
        if sector == "industry":
            plant, share = _LARGE_PLANT
            base[codes.index(plant)] = share / (1 - share) * base.sum()
        for name, (*_, present) in model.subs.items():
            drift = rng.normal(0.0, 0.25, (len(codes), 1)) * (years - 1990) / 34
            noise = rng.normal(0.0, 0.03, (len(codes), len(years)))
            here = rng.random((len(codes), 1)) < present
            here |= size[:, None] >= np.sort(size)[-3]
            weight = base[:, None] * np.exp(drift + noise) * here
            shares = _leaf_shares(model, name, years)
            if sector == _NATIONALLY_SCALED:
                weight[:, -1], shares[-1] = weight[:, -2], shares[-2]
            allocated = national * shares * (1 - model.unallocated)
            leaves[f"{sector}.{name}".rstrip(".")] = weight / weight.sum(axis=0) * allocated
    for name in sectors.sub_codes(sectors.INTERNATIONAL_TRANSPORT):
        leaves[name][:, years < _INTERNATIONAL_FROM] = 0.0
    return leaves


def _before_revision(leaves: _Facts, rng: np.random.Generator) -> _Facts:
    """What the first release had: fewer years, every value a little different, no international transport."""
    kept = [SECOND_YEARS.index(year) for year in FIRST_YEARS]
    bias = {sector: float(np.exp(rng.normal(0.0, 0.006))) for sector in _MODEL}
    first = {}
    for code, values in leaves.items():
        sector = code.partition(".")[0]
        moved = values[:, kept] * bias[sector] * np.exp(rng.normal(0.0, 0.008, (len(values), len(kept))))
        first[code] = moved * (0.0 if sector == sectors.INTERNATIONAL_TRANSPORT else 1.0)
    return first


_F_GASES: Final = {"hfc": 0.9, "pfc": 0.02, "sf6": 0.08}
_METHANE: Final = ("enteric_fermentation", "manure", "landfills", "biological_treatment")
GASES: Final = ("co2", "ch4", "n2o", *_F_GASES)


def _gas_part(leaves: _Facts, gas: str) -> _Facts:
    """The part of every leaf that one gas makes; the parts of all gases make the whole."""
    return {code: values * _gas_share(*code.partition(".")[::2], gas) for code, values in leaves.items()}


def _gas_share(sector: str, name: str, gas: str) -> float:
    co2 = _MODEL[sector].subs[name][2]
    if gas == "co2":
        return co2
    if name == "f_gases":
        return (1 - co2) * _F_GASES.get(gas, 0.0)
    is_methane = any(word in name for word in _METHANE)
    return (1 - co2) if gas == ("ch4" if is_methane else "n2o") else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pollutant:
    """How an air pollutant is made of the greenhouse gases of the same place.

    Attributes:
        unit: The unit of its workbook.
        per_tco2e: How much of it, in that unit, goes with a tonne of greenhouse gases, by main sector.
    """

    unit: str
    per_tco2e: Mapping[str, float]


AIR_POLLUTANTS: Final[Mapping[str, _Pollutant]] = {
    "nox": _Pollutant(
        unit="ton/år",
        per_tco2e={"transport": 4e-3, "industry": 1.2e-3, "agriculture": 2e-4, "power_heat": 1.5e-3}
        | {"own_heating": 1e-3, "machinery": 4e-3, "waste": 1e-4, "international_transport": 9e-3},
    ),
    "hg": _Pollutant(
        unit="kg/år",
        per_tco2e={"transport": 2e-6, "industry": 1.5e-5, "power_heat": 2e-5, "own_heating": 3e-6}
        | {"product_use": 1e-6, "waste": 4e-5},
    ),
}
"""One in tonnes and one in kilograms, so that nobody can take the two for the same."""


def _pollutant_part(leaves: _Facts, pollutant: _Pollutant) -> _Facts:
    """What a pollutant has of every main sector, in its unit."""
    shares = pollutant.per_tco2e
    whole = {
        sector: np.sum([leaves[code] for code in leaves if code.partition(".")[0] == sector], axis=0)
        for sector in sectors.main_codes()
    }
    return {sector: values * shares.get(sector, 0.0) for sector, values in whole.items()}


def _sum_up(leaves: _Facts) -> _Facts:
    """All sectors × all 312 regions in the publisher's order, three decimals, every sum holding."""
    municipalities = regions.codes("municipality")
    order = workbook.region_order()
    table: _Facts = {}
    for code, values in leaves.items():
        local = dict(zip(municipalities, values.round(3), strict=True))
        counties = {
            county: sum(local[member] for member in regions.municipalities_of(county))
            for county in regions.codes("county")
        }
        unallocated = _MODEL[code.partition(".")[0]].unallocated
        nation = {regions.NATION: sum(counties.values()) / (1 - unallocated)}
        everywhere = {**local, **counties, **nation}
        table[code] = np.array([everywhere[region] for region in order]).round(3)
    for sector in sectors.main_codes():
        subs = [code for code in sectors.sub_codes(sector) if code in table]
        if subs:
            table[sector] = np.sum([table[code] for code in subs], axis=0).round(3)
    table[sectors.ALL] = np.sum([table[sector] for sector in sectors.main_codes()], axis=0).round(3)
    return table


# -------------------------------------------------------------------------------- making: the files


def make_archive(
    folder: Path, seed: int = DEFAULT_SEED, *, pollutants: Collection[str] = frozenset()
) -> Path:
    """Write the synthetic archive of a seed; nothing is done where it lies there whole already.

    It is built beside the folder and moved there in one step, so that a crash leaves no half archive.

    Args:
        folder: Where it is to lie; must not exist, be empty, or hold an earlier synthetic archive.
        seed: Seed of the generator: the same seed gives the same bytes.
        pollutants: Air pollutants to have workbooks of; of those in ``AIR_POLLUTANTS``, others are left out.

    Returns:
        The folder.

    Raises:
        UsageError: if something else lies there.
    """
    synthetic = sorted(AIR_POLLUTANTS.keys() & set(pollutants))
    generator = f"{_GENERATOR} seed {seed}" + (f" with {' '.join(synthetic)}" if synthetic else "")
    if folder.exists() and any(folder.iterdir()):
        listed = read_manifest(folder)
        made = {row.get("generator", "") for row in listed.values()}
        if not made or not all(name.startswith("klimatpuls synthetic") for name in made):
            msg = f"{folder} holds something else than a synthetic archive; name another folder"
            raise UsageError(msg)
        if made == {generator} and _is_whole(folder, listed):
            return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write_files(draft, seed, generator, synthetic)
        draft.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _is_whole(folder: Path, listed: Mapping[str, Mapping[str, str]]) -> bool:
    return all(
        (folder / path).is_file()
        and hashlib.sha256((folder / path).read_bytes()).hexdigest() == row["sha256"]
        for path, row in listed.items()
    )


def _write_files(folder: Path, seed: int, generator: str, pollutants: Collection[str]) -> None:
    rng = np.random.default_rng(seed)
    population = _population(rng)
    second = _leaves(rng, population)
    first = _before_revision(second, rng)
    files: dict[str, bytes] = {}
    about: dict[str, tuple[str, date]] = {}
    inventories: dict[date, scb.Edition] = {}
    for leaves, years, published in (
        (first, FIRST_YEARS, FIRST_PUBLISHED),
        (second, SECOND_YEARS, SECOND_PUBLISHED),
    ):
        tables = {"ghg": _sum_up(leaves), **{gas: _sum_up(_gas_part(leaves, gas)) for gas in GASES}}
        newest_table = tables["ghg"]
        inventories[inventory_day(years[-1])] = (years, _nation(tables))
        for substance, table in tables.items():
            smhi_code = substances.substance(substance).smhi_code
            path = f"smhi/{smhi_code}_edition_{published.isoformat()}_SYNTHETIC.xlsx"
            shown = table if substance in _WITH_SUBSECTORS else _main_sectors(table)
            files[path] = _emission_workbook(substance, published, years, shown, generator)
            about[path] = (substance, published)
        for substance in pollutants:
            pollutant = AIR_POLLUTANTS[substance]
            smhi_code = substances.substance(substance).smhi_code
            path = f"smhi/{smhi_code}_edition_{published.isoformat()}_SYNTHETIC.xlsx"
            table = _sum_up(_pollutant_part(leaves, pollutant))
            files[path] = _emission_workbook(substance, published, years, table, generator, pollutant.unit)
            about[path] = (substance, published)
    files["scb/regions.csv"] = _regions_csv()
    files["scb/population.csv"] = _population_csv(population)
    files["scb/national_emissions.csv"] = scb.national_emissions(inventories)
    files["scb/energy.csv"] = scb.energy(rng, population[:, -1])
    files["scb/population_forecast.csv"] = scb.population_forecast(rng, population[:, -1])
    files["trafa/vehicles.csv"] = trafa.vehicles(rng, population[:, -1])
    grants_path = f"naturvardsverket/klimatklivet-{naturvardsverket.REACHES_TO.isoformat()}.xlsx"
    files[grants_path] = naturvardsverket.grants(rng)
    files["kolada/kpi.csv"] = kolada.definitions()
    files["kolada/data.csv"] = kolada.values(
        SECOND_YEARS, _main_sectors(newest_table), workbook.region_order(), _counted(population)
    )
    files |= eu_ets.files(rng)
    files["README.md"] = _README.format(generator=generator).encode()
    manifest = io.StringIO()
    writer = csv.writer(manifest, lineterminator="\n")
    writer.writerow(["path", "origin", "generator", "substance", "published_date", "known_from", "sha256"])
    for path, body in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
        substance, day = about.get(path, ("", None))
        iso = day.isoformat() if day else ""
        writer.writerow([path, "synthetic", generator, substance, iso, iso, hashlib.sha256(body).hexdigest()])
    (folder / MANIFEST).write_text(manifest.getvalue(), encoding="utf-8")


def inventory_day(last_year: int) -> date:
    """The day the national inventory to a year is published: in the middle of the next December."""
    return date(last_year + 1, 12, 16)


def _nation(tables: Mapping[str, _Facts]) -> dict[str, dict[str, np.ndarray]]:
    """The nation's row of every main sector and of their sum, by gas."""
    at = workbook.region_order().index(regions.NATION)
    codes = (sectors.ALL, *sectors.main_codes())
    return {gas: {code: table[code][at] for code in codes} for gas, table in tables.items()}


def _main_sectors(table: _Facts) -> _Facts:
    return {code: values for code, values in table.items() if "." not in code}


def _emission_workbook(
    substance: str,
    published: date,
    years: Iterable[int],
    table: _Facts,
    generator: str,
    unit: str = TONNES_PER_YEAR,
) -> bytes:
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


def _regions_csv() -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["code", "name", "level", "county_code"])
    for region in regions.regions().values():
        writer.writerow([region.code, region.name, region.level, region.county_code or ""])
    return text.getvalue().encode()


def _population_csv(population: np.ndarray) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["region_code", "region_name", "year", "population"])
    for (code, year), count in _counted(population).items():
        writer.writerow([code, regions.region(code).name, year, count])
    return text.getvalue().encode()


def _counted(population: np.ndarray) -> dict[tuple[str, int], int]:
    """(region code, year) → inhabitants in the borders of the time, in code order."""
    local = dict(zip(regions.codes("municipality"), _as_then_divided(population), strict=True))
    county = {
        code: sum(local[member] for member in regions.municipalities_of(code))
        for code in regions.codes("county")
    }
    counts = {regions.NATION: sum(county.values()), **county, **local}
    return {
        (code, year): int(count)
        for code in regions.codes()
        for year, count in zip(POPULATION_YEARS, counts[code], strict=True)
    }


def _as_then_divided(population: np.ndarray) -> np.ndarray:
    """The same people in the borders of their time: before a split the child has none, the mother all."""
    codes = regions.codes("municipality")
    divided = population.copy()
    for at, code in enumerate(codes):
        region = regions.region(code)
        if region.split_from is None or region.population_from_year is None:
            continue
        before = np.asarray(POPULATION_YEARS) < region.population_from_year
        divided[codes.index(region.split_from), before] += population[at, before]
        divided[at, before] = 0
    return divided


_README: Final = """\
# SYNTHETIC archive: no real figure in it

Påhittade siffror för prov och utveckling. Inget tal här är ett verkligt utsläpp eller en verklig folkmängd.

Invented figures for trials and development. No number here is a real emission or a real population.

Made by `{generator}`. The same seed gives the same bytes. Two releases of the emission workbook per
greenhouse gas, of all together and of each air pollutant asked for: the second revises every year of the
first and adds 2024. Population covers every year from 1990 to 2025; before a municipality was split off it
has 0 inhabitants, and its mother municipality holds both.
"""
