"""The nation's official figures: pairs of one submission, and a preliminary year."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.statistics import official
from klimatpuls.statistics.crosschecks import Side
from klimatpuls.statistics.series import EFFORT_SHARING_PROXY, TERRITORIAL_SECTORS, to_matrix

DECEMBER = dt.date(2025, 12, 16)


def inventory(published: dt.date = DECEMBER, **totals: float) -> Side:
    years = {int(year[1:]): value for year, value in totals.items()}
    facts = pd.DataFrame({"year": list(years), "emissions_tco2e": list(years.values())})
    return Side(release_id="inventory", published_date=published, facts=facts)


def figures(*rows: tuple[int, int, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["submission_last_year", "year", "sector_code", "emissions_tco2e"])


def sectors_of(*years: int, value: float = 100.0) -> pd.DataFrame:
    rows = [(code, year, value) for code in TERRITORIAL_SECTORS for year in years]
    return pd.DataFrame(rows, columns=["sector_code", "year", "emissions_tco2e"])


FULL = inventory(y1990=71_260_000.0, y2023=45e6, y2024=48e6)
OUTCOME = (2024, 2024, "effort_sharing", 30e6)


class TestSubmissions:
    @pytest.mark.parametrize(
        ("year", "published", "basis"),
        [
            (2015, dt.date(2016, 12, 12), "final"),
            (2016, dt.date(2017, 11, 30), "final"),
            (2024, dt.date(2025, 12, 16), "final"),
            (2024, dt.date(2026, 5, 8), "final"),
            (2025, dt.date(2026, 5, 20), "preliminary"),
            (2025, dt.date(2026, 10, 31), "preliminary"),
        ],
    )
    def test_a_year_is_final_from_november_of_the_next(
        self, year: int, published: dt.date, basis: str
    ) -> None:
        assert official.basis_of(year, published) == basis

    @given(st.dates(dt.date(1995, 1, 1), dt.date(2060, 1, 1)), st.integers(1990, 2060))
    def test_what_is_final_stays_final(self, published: dt.date, year: int) -> None:
        later = published + dt.timedelta(days=30)
        assert official.basis_of(year, published) in (official.basis_of(year, later), official.PRELIMINARY)
        last = official.last_final_year(range(1990, 2061), published)
        assert last is None or (year <= last) == (official.basis_of(year, published) == official.FINAL)


class TestEffortSharing:
    def test_the_base_is_the_total_less_25_million_tonnes(self) -> None:
        found = official.build_effort_sharing(FULL, figures(OUTCOME))
        assert dict(zip(found["year"], found["value_tco2e"], strict=True)) == {1990: 46_260_000.0, 2024: 30e6}
        assert set(found["boundary"]) == {EFFORT_SHARING_PROXY}
        matrix = to_matrix(found)
        assert matrix.region_codes == ("00",)
        assert matrix.at(2024) / matrix.at(1990) - 1 == pytest.approx(30 / 46.26 - 1)
        assert set(matrix.status.ravel()) == {"official"}

    def test_years_between_come_from_the_same_submission_only(self) -> None:
        rows = figures(OUTCOME, (2024, 2015, "effort_sharing", 33e6), (2023, 2020, "effort_sharing", 31e6))
        found = official.build_effort_sharing(FULL, rows)
        assert found["year"].tolist() == [1990, 2015, 2024], "2020 is of the submission before"

    @pytest.mark.parametrize(
        ("side", "rows"),
        [
            (None, figures(OUTCOME)),
            (FULL, None),
            (FULL, figures((2023, 2023, "effort_sharing", 30e6))),
            (FULL, figures((2023, 2024, "transport", 30e6))),
            (FULL, figures((2024, 2023, "effort_sharing", 30e6))),
            (inventory(y2024=48e6), figures(OUTCOME)),
            (inventory(y1990=71e6, y2024=48e6, published=dt.date(2025, 5, 20)), figures(OUTCOME)),
        ],
        ids=["no inventory", "no register", "older submission", "a sector", "not the last year", "no base",
             "the last year is preliminary"],
    )  # fmt: skip
    def test_without_a_pair_of_one_submission_there_is_none(
        self, side: Side | None, rows: pd.DataFrame | None
    ) -> None:
        assert official.build_effort_sharing(side, rows).empty

    def test_the_official_series_replaces_the_nations_proxy_alone(self) -> None:
        rows = [("00", 1990, 43e6), ("00", 2015, 34e6), ("00", 2024, 29e6), ("0360", 2024, 130e3)]
        proxy = pd.DataFrame(rows, columns=["region_code", "year", "value_tco2e"])
        assert official.replace_nation(proxy, pd.DataFrame()) is proxy
        found = official.replace_nation(proxy, official.build_effort_sharing(FULL, figures(OUTCOME)))
        assert found.loc[found["region_code"] == "00", "year"].tolist() == [1990, 2024], "never one of each"
        assert found.loc[found["region_code"] == "0360", "value_tco2e"].tolist() == [130e3]


AHEAD = [(2024, 2025, code, 90.0) for code in TERRITORIAL_SECTORS]


class TestPreliminaryYear:
    def years_and_basis(self, found: pd.DataFrame) -> set[tuple[int, str]]:
        return set(zip(found["year"], found["basis"], strict=True))

    def test_it_follows_the_last_final_year_of_its_submission(self) -> None:
        found = official.add_preliminary_year(sectors_of(2023, 2024), FULL, figures(*AHEAD))
        assert self.years_and_basis(found) == {(2023, "final"), (2024, "final"), (2025, "preliminary")}
        assert set(found.loc[found["year"] == 2025, "emissions_tco2e"]) == {90.0}

    @pytest.mark.parametrize(
        "rows",
        [AHEAD[1:], [(2023, year, code, value) for _, year, code, value in AHEAD], [OUTCOME]],
        ids=["a sector is missing", "another submission", "no preliminary year"],
    )
    def test_a_part_or_another_submissions_is_left_out(self, rows: list[tuple[int, int, str, float]]) -> None:
        found = official.add_preliminary_year(sectors_of(2023, 2024), FULL, figures(*rows))
        assert self.years_and_basis(found) == {(2023, "final"), (2024, "final")}

    def test_the_inventorys_own_year_comes_before_the_registers(self) -> None:
        later = inventory(y1990=71e6, y2025=47e6, published=dt.date(2026, 5, 20))
        found = official.add_preliminary_year(sectors_of(2024, 2025), later, figures(*AHEAD))
        assert self.years_and_basis(found) == {(2024, "final"), (2025, "preliminary")}
        assert set(found["emissions_tco2e"]) == {100.0}

    def test_without_the_inventory_there_is_none(self) -> None:
        assert official.add_preliminary_year(None, None, figures(*AHEAD)).empty
        alone = official.add_preliminary_year(sectors_of(2024), FULL, None)
        assert self.years_and_basis(alone) == {(2024, "final")}
