"""The four real workbooks: every layout, every count, the figures quoted in the folder's own README.

Single figures are quoted from the national emission database (SMHI/Naturvårdsverket), in the releases named.
"""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import TYPE_CHECKING

import pytest

from klimatpuls.contract.releases import Parsed, content_sha256, release_id
from klimatpuls.domain import regions, sectors
from klimatpuls.files.archive_safety import check_workbook
from klimatpuls.mock_agencies.archive import newest, read_workbooks
from klimatpuls.mock_agencies.origin import is_synthetic
from klimatpuls.sources.smhi_emissions import parse

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real_data

Facts = dict[str, tuple[str, date, int, int, int]]
# file → substance, publisher's date, sector pairs, years, facts
WORKBOOKS: Facts = {
    "GGT_edition_2021-10-14.xlsx": ("ghg", date(2021, 10, 14), 63, 13, 255_528),
    "CO2_edition_2024-04-18.xlsx": ("co2", date(2024, 4, 18), 62, 12, 232_128),
    "GGT_edition_2025.xlsx": ("ghg", date(2025, 6, 18), 10, 13, 40_560),
    "GGT_edition_2026a.xlsx": ("ghg", date(2026, 5, 7), 10, 10, 31_200),
}
# Tierp and the nation, published total in tonnes: first year, last year (README of the folder)
FIGURES = {
    "GGT_edition_2021-10-14.xlsx": ((209_502, 154_228), (71_273_705, 51_020_351)),
    "CO2_edition_2024-04-18.xlsx": ((155_373, 84_910), (57_880_524, 36_028_463)),
    "GGT_edition_2025.xlsx": ((210_185, 131_260), (71_377_636, 44_110_326)),
    "GGT_edition_2026a.xlsx": ((217_923, 146_060), (71_000_515, 47_649_264)),
}


@pytest.fixture(scope="module")
def parsed(real_data: Path) -> dict[str, Parsed]:
    return {
        name: parse(((real_data / "smhi" / name).read_bytes(),), "smhi_emissions", substance)
        for name, (substance, *_) in WORKBOOKS.items()
    }


@pytest.mark.parametrize("name", WORKBOOKS)
def test_every_cell_is_a_fact(parsed: dict[str, Parsed], name: str):
    substance, published, pairs, years, facts = WORKBOOKS[name]
    found = parsed[name]
    assert (found.substance, found.published_date, found.unit) == (substance, published, "ton/år")
    assert len(found.years) == years
    assert found.rows["sector_code"].nunique() == pairs
    assert set(found.rows["region_code"]) == set(regions.codes())
    assert len(found.rows) == found.rows_read == facts == 312 * pairs * years
    assert len(found.rejects) == 0
    assert not found.rows.duplicated(["region_code", "sector_code", "year"]).any()


@pytest.mark.parametrize("name", FIGURES)
def test_tierp_and_the_nation_to_the_tonne(parsed: dict[str, Parsed], name: str):
    rows = parsed[name].rows
    totals = rows[rows["sector_code"] == sectors.ALL].set_index(["region_code", "year"])["emissions"].round()
    first, last = parsed[name].years[0], parsed[name].years[-1]
    found = tuple((totals[code, first], totals[code, last]) for code in ("0360", "00"))
    assert found == FIGURES[name]


def test_the_17_mangled_cells_of_2021_are_read_as_the_numbers_they_are(parsed: dict[str, Parsed]):
    found = parsed["GGT_edition_2021-10-14.xlsx"]
    assert found.notes == ("17 cells written as text were read as the numbers they are",)
    rows = found.rows[found.rows["sheet_row"].isin([17_898, 17_944, 17_946])]
    smallest = rows.groupby("region_code")["emissions"].apply(lambda values: values[values > 0].min())
    assert set(smallest.index) == {"1231", "0184", "0183"}
    assert smallest["1231"] == pytest.approx(7.33347e-05, rel=1e-3)
    assert smallest["0184"] < 1e-4
    assert smallest["0183"] < 1e-4


def test_the_misspelt_sector_of_2024_and_only_it_is_told(parsed: dict[str, Parsed]):
    misspelt = [note for note in parsed["CO2_edition_2024-04-18.xlsx"].notes if "Egen uppärmning" in note]
    assert len(misspelt) == len(parsed["CO2_edition_2024-04-18.xlsx"].notes) == 4
    assert parsed["GGT_edition_2026a.xlsx"].notes == ()


def test_four_workbooks_are_four_releases(parsed: dict[str, Parsed]):
    names = {release_id(found) for found in parsed.values()}
    assert len(names) == 4
    assert all(name.startswith("smhi_emissions-") for name in names)


def test_the_same_sheet_with_other_document_properties_is_no_new_release(
    real_data: Path, parsed: dict[str, Parsed]
):
    body = (real_data / "smhi" / "GGT_edition_2026a.xlsx").read_bytes()
    resaved = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(resaved, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(
                name, text.replace(b"<dc:creator>", b"<dc:creator>another ") if "core" in name else text
            )
    assert resaved.getvalue() != body
    again = parse((resaved.getvalue(),), "smhi_emissions", "ghg")
    assert content_sha256(again) == content_sha256(parsed["GGT_edition_2026a.xlsx"])


def test_skövde_moved_between_two_releases(parsed: dict[str, Parsed]):
    figures = []
    for name in ("GGT_edition_2025.xlsx", "GGT_edition_2026a.xlsx"):
        rows = parsed[name].rows
        skövde = rows[(rows["region_code"] == "1496") & (rows["sector_code"] == sectors.ALL)]
        figures.append([round(value) for value in skövde.set_index("year")["emissions"].loc[[2022, 2023]]])
    assert figures == [[614_718, 546_839], [612_200, 545_555]]


def test_the_gate_leaves_real_workbooks_four_times_the_room(real_data: Path):
    for path in (real_data / "smhi").glob("*.xlsx"):
        assert check_workbook(path.read_bytes(), what=path.name) < 16 * 2**20


def test_the_folder_is_an_archive_and_answers_as_of_a_day(real_data: Path):
    found = read_workbooks(real_data)
    assert not is_synthetic(real_data)
    assert [book.path.name for book in found] == sorted(WORKBOOKS, key=lambda name: WORKBOOKS[name][1])
    answers = {
        day: newest(found, "ghg", date.fromisoformat(day))
        for day in ("2021-10-13", "2021-10-20", "2024-05-20", "2025-07-01", "2026-05-08")
    }
    assert {day: book.path.name if book else None for day, book in answers.items()} == {
        "2021-10-13": None,
        "2021-10-20": "GGT_edition_2021-10-14.xlsx",
        "2024-05-20": "GGT_edition_2021-10-14.xlsx",
        "2025-07-01": "GGT_edition_2025.xlsx",
        "2026-05-08": "GGT_edition_2026a.xlsx",
    }
    assert newest(found, "co2", date(2024, 5, 20)).path.name == "CO2_edition_2024-04-18.xlsx"
