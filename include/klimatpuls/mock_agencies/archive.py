"""Archive folders: reading one, and making a synthetic one from a seed.

An archive folder holds the publishers' files as they were::

    smhi/*.xlsx           workbooks of the national emission database, named as you like
    scb/population.csv    region_code, region_name, year, population (31 December)
    scb/…, naturvardsverket/…  optional: see klimatpuls.mock_agencies.scb_tables
    manifest.csv          optional: path, origin, known_from … of each file

What a workbook is follows from its sheet (substance, publisher's date), never from its file name. The
manifest says when a file was first known to be public, which orders two workbooks of one date; without a
line there, the publisher's date is used.

The synthetic archive has every municipality, every sector, all seven greenhouse gases (sub-sectors of all
together and of CO2), on request two air pollutants (nitrogen oxides in tonnes, mercury in kilograms), and
what the other modules of ``mock_agencies.synthetic`` add. The numbers are drawn from a seeded generator, no
figure is a real one, and everything says ``SYNTHETIC``. Population covers 1990 to 2025 in today's codes: a
municipality that was split off later has 0 before, and its mother holds both.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from klimatpuls.domain import regions, sectors, substances
from klimatpuls.errors import SourceFormatError, UsageError
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.csv_files import csv_bytes
from klimatpuls.mock_agencies.origin import MANIFEST, read_manifest
from klimatpuls.mock_agencies.synthetic import eu_ets, kolada, naturvardsverket, scb, smhi, trafa
from klimatpuls.sources import smhi_emissions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

DEFAULT_SEED: Final = 2026
POPULATION_YEARS: Final = tuple(range(1990, 2026))
_GENERATOR: Final = "klimatpuls synthetic 4"
_LARGEST_FIRST: Final = ("0180", "1480", "1280", "0380", "0581", "1880", "1980", "1283")
_POPULATION_MILLIONS: Final = (8.6, 10.6)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedWorkbook:
    """One emission workbook of an archive.

    Attributes:
        path: The file.
        substance: Our substance code, as its sheet says.
        published_date: The publisher's date, as its sheet says.
        known_from: First day it was known to be public, from the manifest; None if it has none.
    """

    path: Path
    substance: str
    published_date: date
    known_from: date | None

    @property
    def available_from(self) -> date:
        """The day from which the mock server serves it: its own date, or the later day it was known from."""
        return max(self.published_date, self.known_from or self.published_date)


def newest(workbooks: Iterable[ArchivedWorkbook], substance: str, as_of: date) -> ArchivedWorkbook | None:
    """The workbook an agency would have answered with on a day; None if it had none yet.

    Args:
        workbooks: Oldest first, as :func:`read_workbooks` gives them.
        substance: Our substance code.
        as_of: The day.
    """
    there = [book for book in workbooks if book.substance == substance and book.available_from <= as_of]
    return there[-1] if there else None


def read_workbooks(folder: Path) -> tuple[ArchivedWorkbook, ...]:
    """The emission workbooks of an archive, oldest first: by publisher's date, known_from, file name.

    Raises:
        UsageError: if there is none, or one cannot be read; named.
    """
    listed = read_manifest(folder)
    books = [_archived(folder, path, listed) for path in sorted((folder / "smhi").glob("*.xlsx"))]
    if not books:
        msg = f"no workbook in {folder / 'smhi'}: an archive folder holds smhi/*.xlsx and scb/population.csv"
        raise UsageError(msg)
    books.sort(key=lambda book: (book.published_date, book.known_from or book.published_date, book.path.name))
    return tuple(books)


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


def make_archive(
    folder: Path, seed: int = DEFAULT_SEED, *, pollutants: Collection[str] = frozenset()
) -> Path:
    """Write the synthetic archive of a seed, unless the folder has it complete already.

    It is built beside the folder and moved there in one step, so that a crash leaves no half archive.

    Args:
        folder: Folder to write; must not exist, be empty, or hold an earlier synthetic archive.
        seed: Seed of the generator: the same seed gives the same bytes.
        pollutants: Air pollutants to have workbooks of; those not in ``smhi.AIR_POLLUTANTS`` are left out.

    Returns:
        The folder.

    Raises:
        UsageError: if something else lies there.
    """
    synthetic = sorted(smhi.AIR_POLLUTANTS.keys() & set(pollutants))
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
    second = smhi.leaves_of_second(rng, population)
    first = smhi.before_revision(second, rng)
    files: dict[str, bytes] = {}
    about: dict[str, tuple[str, str]] = {}
    inventories: dict[date, scb.Edition] = {}
    for leaves, years, published in (
        (first, smhi.FIRST_YEARS, smhi.FIRST_PUBLISHED),
        (second, smhi.SECOND_YEARS, smhi.SECOND_PUBLISHED),
    ):
        gases = {"ghg": smhi.sum_up(leaves)}
        gases |= {gas: smhi.sum_up(smhi.gas_part(leaves, gas)) for gas in smhi.GASES}
        inventories[inventory_day(years[-1])] = (years, _nation(gases))
        tables = {
            gas: table if gas in smhi.WITH_SUBSECTORS else smhi.main_sectors(table)
            for gas, table in gases.items()
        }
        tables |= {name: smhi.sum_up(smhi.pollutant_part(leaves, name)) for name in pollutants}
        for substance, table in tables.items():
            smhi_code = substances.substance(substance).smhi_code
            path = f"smhi/{smhi_code}_edition_{published.isoformat()}_SYNTHETIC.xlsx"
            files[path] = smhi.emission_workbook(substance, published, years, table, generator)
            about[path] = (substance, published.isoformat())
    inhabitants, counted = population[:, -1], _counted(population)
    files["scb/population.csv"] = csv_bytes(
        ("region_code", "region_name", "year", "population"),
        [(code, regions.region(code).name, year, count) for (code, year), count in counted.items()],
    )
    files["scb/national_emissions.csv"] = scb.national_emissions(inventories)
    files["scb/energy.csv"] = scb.energy(rng, inhabitants)
    files["scb/population_forecast.csv"] = scb.population_forecast(rng, inhabitants)
    files["trafa/vehicles.csv"] = trafa.vehicles(rng, inhabitants)
    grants_path = f"naturvardsverket/klimatklivet-{naturvardsverket.REACHES_TO.isoformat()}.xlsx"
    files[grants_path] = naturvardsverket.grants(rng)
    files["kolada/kpi.csv"] = kolada.definitions()
    files["kolada/data.csv"] = kolada.values(
        smhi.SECOND_YEARS, smhi.main_sectors(gases["ghg"]), workbook.region_order(), counted
    )
    files |= eu_ets.files(rng)
    files["README.md"] = _README.format(generator=generator).encode()
    lines = []
    for path, body in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
        substance, day = about.get(path, ("", ""))
        lines.append((path, "synthetic", generator, substance, day, day, hashlib.sha256(body).hexdigest()))
    header = ("path", "origin", "generator", "substance", "published_date", "known_from", "sha256")
    (folder / MANIFEST).write_bytes(csv_bytes(header, lines))


def inventory_day(last_year: int) -> date:
    """The day the national inventory to a year is published: in the middle of the next December."""
    return date(last_year + 1, 12, 16)


def _nation(tables: Mapping[str, smhi.Facts]) -> dict[str, dict[str, np.ndarray]]:
    """The nation's row of every main sector and of their sum, by gas."""
    at = workbook.region_order().index(regions.NATION)
    codes = (sectors.ALL, *sectors.main_codes())
    return {gas: {code: table[code][at] for code in codes} for gas, table in tables.items()}


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
