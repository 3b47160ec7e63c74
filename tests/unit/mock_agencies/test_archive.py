"""The synthetic archive resembles the country, keeps every sum, and never passes for real."""

from __future__ import annotations

import hashlib
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from klimatpuls.contract.catalog import Tolerances
from klimatpuls.contract.releases import Parsed
from klimatpuls.domain import regions, sectors
from klimatpuls.errors import UsageError
from klimatpuls.mock_agencies import archive, workbook
from klimatpuls.mock_agencies.archive import ArchivedWorkbook, make_archive, read_workbooks
from klimatpuls.mock_agencies.origin import is_synthetic
from klimatpuls.mock_agencies.scb_tables import build_tables
from klimatpuls.mock_agencies.synthetic import smhi
from klimatpuls.sources import smhi_emissions

LIMITS = Tolerances()
MAIN = list(sectors.main_codes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_archive(tmp_path_factory.mktemp("synthetic") / "archive", seed=7)


@pytest.fixture(scope="module")
def books(folder: Path) -> tuple[ArchivedWorkbook, ...]:
    return read_workbooks(folder)


@pytest.fixture(scope="module")
def releases(books: tuple[ArchivedWorkbook, ...]) -> dict[tuple[str, date], Parsed]:
    return {
        (book.substance, book.published_date): smhi_emissions.parse(
            (book.path.read_bytes(),), "smhi_emissions", book.substance
        )
        for book in books
    }


def _digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def _by_level(parsed: Parsed, level: regions.Level) -> pd.DataFrame:
    rows = parsed.rows[parsed.rows["region_code"].isin(regions.codes(level))]
    return rows.pivot_table(index=["region_code", "year"], columns="sector_code", values="emissions")


@pytest.fixture(scope="module")
def made_again(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the same seed, made again where one of its files was damaged."""
    made = shutil.copytree(folder, tmp_path_factory.mktemp("again") / "archive")
    before = (made / archive.MANIFEST).stat().st_mtime_ns
    make_archive(made, seed=7)
    assert (made / archive.MANIFEST).stat().st_mtime_ns == before, "it was whole"
    (made / "scb" / "population.csv").write_text("half")
    make_archive(made, seed=7)
    assert (made / archive.MANIFEST).stat().st_mtime_ns != before
    return made


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    folder: Path, made_again: Path, made_archives: Path
):
    other = made_archives / "whole"
    assert archive.DEFAULT_SEED != 7
    assert _digests(made_again) == _digests(folder)
    differing = {path for path, digest in _digests(other).items() if _digests(folder)[path] != digest}
    assert {path for path in differing if path.startswith("smhi/")} == {
        path for path in _digests(folder) if path.startswith("smhi/")
    }


def test_an_archive_that_is_whole_is_not_made_again_and_a_damaged_one_is(folder: Path, made_again: Path):
    assert (made_again / "scb" / "population.csv").read_text() != "half"
    assert _digests(made_again) == _digests(folder)
    assert [path.name for path in made_again.parent.iterdir()] == ["archive"]


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(UsageError, match="something else"):
        make_archive(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "kept"


def test_every_file_is_marked_as_synthetic(folder: Path, books: tuple[ArchivedWorkbook, ...]):
    assert is_synthetic(folder)
    assert "SYNTHETIC" in (folder / "README.md").read_text(encoding="utf-8")
    for book in books:
        assert "SYNTHETIC" in book.path.name
        import zipfile

        with zipfile.ZipFile(book.path) as inside:
            assert b"SYNTHETIC" in inside.read("docProps/core.xml")


def test_two_releases_of_every_gas_in_the_order_they_were_published(books: tuple[ArchivedWorkbook, ...]):
    gases = ("ch4", "co2", "ghg", "hfc", "n2o", "pfc", "sf6")
    assert [(book.substance, book.published_date, book.known_from) for book in books] == [
        (gas, day, day) for day in (smhi.FIRST_PUBLISHED, smhi.SECOND_PUBLISHED) for gas in gases
    ]


def test_the_gases_add_up_to_all_of_them(releases: dict[tuple[str, date], Parsed]):
    for day in (smhi.FIRST_PUBLISHED, smhi.SECOND_PUBLISHED):
        parts = sum(_by_level(releases[gas, day], "nation")[MAIN] for gas in smhi.GASES)
        assert (parts - _by_level(releases["ghg", day], "nation")[MAIN]).abs().max().max() < 10.0


def test_every_region_and_sector_and_no_reject(releases: dict[tuple[str, date], Parsed]):
    for (substance, published), parsed in releases.items():
        years = smhi.FIRST_YEARS if published == smhi.FIRST_PUBLISHED else smhi.SECOND_YEARS
        assert parsed.years == years
        assert len(parsed.rejects) == 0
        has_subs = substance in ("ghg", "co2")
        assert len(parsed.rows) == 312 * (62 if has_subs else 10) * len(years)
        expected = set(sectors.sectors()) - {"transport.military"} if has_subs else {"all", *MAIN}
        assert set(parsed.rows["sector_code"]) == expected
        assert (parsed.rows["emissions"] >= 0).all()


def test_sums_hold_as_the_hard_gates_ask(releases: dict[tuple[str, date], Parsed]):
    for parsed in releases.values():
        for level in ("nation", "county", "municipality"):
            wide = _by_level(parsed, level)
            assert (wide[MAIN].sum(axis=1) - wide["all"]).abs().max() < LIMITS.sector_sum_t
            for sector in MAIN:
                subs = list(set(sectors.sub_codes(sector)) & set(wide.columns))
                excess = wide[subs].sum(axis=1) - wide[sector] if subs else pd.Series([0.0])
                assert excess.max() < LIMITS.advisory_subsector_excess_t
        municipal = _by_level(parsed, "municipality")
        of_county = [code[:2] for code in municipal.index.get_level_values("region_code")]
        summed = municipal.groupby([of_county, municipal.index.get_level_values("year")]).sum()
        county = _by_level(parsed, "county")
        assert (summed.to_numpy() - county.to_numpy()).max() < LIMITS.county_sum_t


def test_the_unallocated_part_is_that_of_real_releases(releases: dict[tuple[str, date], Parsed]):
    for (substance, _), parsed in releases.items():
        nation = _by_level(parsed, "nation").droplevel("region_code")
        counties = _by_level(parsed, "county").groupby("year").sum()
        share = (nation - counties).round(3) / nation.where(nation > 0) * 100
        assert substance != "ghg" or share["all"].between(0.3, 0.7).all()
        assert share["all"].between(0.0, LIMITS.unallocated_high_pct).all()
        for sector in MAIN:
            limit = (
                LIMITS.advisory_unallocated_wide_pct
                if sector in LIMITS.wide_unallocated_sectors
                else LIMITS.advisory_unallocated_pct
            )
            assert share[sector].dropna().between(0, limit).all()


def test_the_second_release_revises_within_the_hold_gates(releases: dict[tuple[str, date], Parsed]):
    for substance in ("ghg", "co2"):
        old, new = (
            _by_level(releases[substance, day], "municipality")["all"]
            for day in (smhi.FIRST_PUBLISHED, smhi.SECOND_PUBLISHED)
        )
        ratio = (new / old).dropna()
        assert len(ratio) == 290 * len(smhi.FIRST_YEARS)
        assert (ratio != 1).mean() > 0.99
        assert ratio.between(LIMITS.hold_ratio_low, LIMITS.hold_ratio_high).all()
        assert ((ratio - 1).abs() > LIMITS.hold_moved_pct / 100).mean() * 100 < LIMITS.hold_moved_share_pct


def test_international_transport_breaks_as_it_did(releases: dict[tuple[str, date], Parsed]):
    first = _by_level(releases["ghg", smhi.FIRST_PUBLISHED], "nation")["international_transport"]
    second = _by_level(releases["ghg", smhi.SECOND_PUBLISHED], "nation")["international_transport"]
    assert (first == 0).all()
    later = second.index.get_level_values("year") >= 2023
    assert (second[~later] == 0).all()
    assert (second[later] > 100_000).all()


def test_magnitudes_resemble_the_country(releases: dict[tuple[str, date], Parsed]):
    parsed = releases["ghg", smhi.SECOND_PUBLISHED]
    nation = _by_level(parsed, "nation")["all"].droplevel("region_code") / 1e6
    assert 65 < nation[1990] < 75
    assert 43 < nation[2024] < 51
    municipal = _by_level(parsed, "municipality")
    assert municipal["all"].min() > 1_000
    industry = municipal["industry"].xs(2024, level="year")
    assert industry.max() / industry.sum() > 0.1
    assert len(np.unique(industry.round())) > 280


def test_co2_is_a_part_of_all_gases(releases: dict[tuple[str, date], Parsed]):
    ghg, co2 = (
        releases[gas, smhi.SECOND_PUBLISHED].rows.set_index(["region_code", "sector_code", "year"])[
            "emissions"
        ]
        for gas in ("ghg", "co2")
    )
    assert ghg.index.equals(co2.index)
    assert (co2 <= ghg + 0.01).all()
    assert 0.7 < co2["00", "all", 1990] / ghg["00", "all", 1990] < 0.9


def test_population_has_every_year_and_follows_the_splits(folder: Path):
    population = pd.read_csv(folder / "scb" / "population.csv", dtype={"region_code": str})
    wide = population.pivot_table(index="region_code", columns="year", values="population")
    assert wide.shape == (312, 36)
    assert wide.index.tolist() == list(regions.codes())
    municipal = wide.loc[list(regions.codes("municipality"))]
    counties = municipal.groupby(municipal.index.str[:2]).sum()
    assert (counties.to_numpy() == wide.loc[list(regions.codes("county"))].to_numpy()).all()
    assert (counties.sum().to_numpy() == wide.loc["00"].to_numpy()).all()
    for code, region in regions.regions().items():
        if region.split_from:
            before, since = region.population_from_year - 1, region.population_from_year
            assert wide.loc[code, before] == 0
            assert wide.loc[code, since] > 0
            assert wide.loc[region.split_from, before] > wide.loc[region.split_from, since]
    assert (municipal[2024] > 0).all()
    assert 10e6 < wide.loc["00", 2024] < 11e6


def test_newest_is_what_the_agency_would_have_answered(books: tuple[ArchivedWorkbook, ...]):
    day = smhi.SECOND_PUBLISHED
    assert archive.newest(books, "ghg", day).published_date == smhi.SECOND_PUBLISHED
    assert archive.newest(books, "ghg", date(2026, 5, 6)).published_date == smhi.FIRST_PUBLISHED
    assert archive.newest(books, "ghg", date(2025, 5, 5)) is None
    assert archive.newest(books, "nox", day) is None


def _folder_of(tmp_path: Path, source: Path, books: dict[str, bytes], manifest: str | None) -> Path:
    shutil.copytree(source / "scb", tmp_path / "scb")
    (tmp_path / "smhi").mkdir()
    for name, body in books.items():
        (tmp_path / "smhi" / name).write_bytes(body)
    if manifest is not None:
        (tmp_path / archive.MANIFEST).write_text(manifest, encoding="utf-8")
    return tmp_path


def _small(substance: str, published: date, value: float) -> bytes:
    rows = [*workbook.preamble(substance, published, [2024]), ["Alla", "Alla", "Alla", "Alla", value]]
    return workbook.build_workbook(rows, sheet_name="x")


def test_workbooks_are_known_by_their_sheet_and_a_correction_by_the_manifest(tmp_path: Path, folder: Path):
    day, later = date(2026, 5, 7), date(2026, 6, 12)
    books = {
        "a_correction.xlsx": _small("ghg", day, 2.0),
        "b_first.xlsx": _small("ghg", day, 1.0),
        "GGT_but_really_co2.xlsx": _small("co2", date(2024, 4, 18), 3.0),
    }
    manifest = f"path,known_from\nsmhi/a_correction.xlsx,{later}\nsmhi/GGT_but_really_co2.xlsx,2024-05-14\n"
    found = read_workbooks(_folder_of(tmp_path, folder, books, manifest))
    assert not is_synthetic(tmp_path)
    assert [book.path.name for book in found] == [
        "GGT_but_really_co2.xlsx",
        "b_first.xlsx",
        "a_correction.xlsx",
    ]
    assert archive.newest(found, "ghg", date(2026, 6, 11)).path.name == "b_first.xlsx"
    assert archive.newest(found, "ghg", later).path.name == "a_correction.xlsx"
    assert archive.newest(found, "co2", date(2024, 5, 13)) is None


def test_without_a_manifest_names_decide_between_workbooks_of_one_date(tmp_path: Path, folder: Path):
    day = date(2026, 5, 7)
    books = {"2.xlsx": _small("ghg", day, 2.0), "1.xlsx": _small("ghg", day, 1.0)}
    found = read_workbooks(_folder_of(tmp_path, folder, books, None))
    assert [book.path.name for book in found] == ["1.xlsx", "2.xlsx"]
    assert archive.newest(found, "ghg", day).path.name == "2.xlsx"


@pytest.mark.parametrize(
    ("books", "manifest", "words"),
    [
        ({}, None, "no workbook in"),
        ({"x.xlsx": b"<html>"}, None, "x.xlsx is no emission workbook"),
        ({"x.xlsx": _small("ghg", date(2026, 5, 7), 1.0)}, "file\n", "expected the columns path"),
        (
            {"x.xlsx": _small("ghg", date(2026, 5, 7), 1.0)},
            "path,known_from\nsmhi/x.xlsx,i juni\n",
            "known_from of x.xlsx is 'i juni'",
        ),
    ],
)
def test_the_error_for_a_folder_that_is_no_archive_names_the_mistake(
    tmp_path: Path, folder: Path, books: dict[str, bytes], manifest: str | None, words: str
):
    with pytest.raises(UsageError, match=words):
        read_workbooks(_folder_of(tmp_path, folder, books, manifest))


def test_missing_or_changed_tables_are_named(tmp_path: Path, folder: Path):
    made = _folder_of(tmp_path, folder, {"x.xlsx": _small("ghg", date(2026, 5, 7), 1.0)}, None)
    population = made / "scb" / "population.csv"
    population.write_text("code,year\n")
    with pytest.raises(UsageError, match="expected the columns"):
        build_tables(made, date.max)
    population.unlink()
    with pytest.raises(UsageError, match=r"population\.csv is missing"):
        build_tables(made, date.max)
