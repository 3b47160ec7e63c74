"""Emissions trading: the boundary outside it, the proxy's error, and what verified emissions are worth."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.domain.sectors import ALL, INTERNATIONAL_TRANSPORT
from klimatpuls.statistics import trading
from klimatpuls.statistics.nowcast import build_nowcast, national_growth
from klimatpuls.statistics.series import (
    EFFORT_SHARING_PROXY,
    OUTSIDE_TRADING,
    TERRITORIAL,
    TERRITORIAL_SECTORS,
    build_release_table,
    build_series,
    find_one_plant,
)
from klimatpuls.statistics.trading import Plant, Trading

TOWN, COUNTY, NATION, OTHER = "0360", "03", "00", "0380"
STATED = dt.date(2026, 2, 3)
YEARS = (2005, 2015, 2023, 2024)
PLANTS = (
    Plant(installation_id="101", region_code=TOWN, sector_code="industry"),
    Plant(installation_id="102", region_code=TOWN, sector_code="power_heat", valid_from=dt.date(2020, 1, 1)),
    Plant(installation_id="103", region_code=OTHER, sector_code="industry"),
)
VERIFIED = {("101", year): 50.0 for year in (2015, 2023, 2024)} | {
    ("102", 2023): 5.0, ("102", 2024): 6.0, ("103", 2024): 1e6,
}  # fmt: skip
KNOWN = Trading(verified=VERIFIED, plants=PLANTS, statements={TOWN: STATED})


def table(values: dict[str, float] | None = None, years=YEARS):
    """A release: each sector of every region 10 t but as said, 2 t of aviation within transport."""
    sectors = {**dict.fromkeys(TERRITORIAL_SECTORS, 10.0), INTERNATIONAL_TRANSPORT: 3.0} | {
        "industry": 60.0,
        **(values or {}),
    }
    sectors[ALL] = sum(sectors.values())
    sectors["transport.domestic_aviation"] = 2.0
    rows = [
        (region, sector, year, value)
        for region in (NATION, COUNTY, TOWN, OTHER)
        for sector, value in sectors.items()
        for year in years
    ]
    columns = ["region_code", "sector_code", "year", "emissions_tco2e"]
    return build_release_table("r1", pd.DataFrame(rows, columns=columns))


def outside(known: Trading = KNOWN, **values: float) -> pd.DataFrame:
    frame = build_series(table(values), trading.WITHOUT_AVIATION)
    return trading.build_outside_trading(frame, known)


class TestOutsideTrading:
    def test_territorial_less_plants_less_aviation(self):
        """60 t of industry, seven sectors of 10 t, 2 t of aviation; plants of 50, later 55 and 56 t."""
        found = trading.known_only(outside()).set_index("year")["value_tco2e"].to_dict()
        assert found == {2015: 78.0, 2023: 73.0, 2024: 72.0}

    def test_from_2013_and_for_municipalities_with_a_statement_only(self):
        frame = outside()
        assert set(frame["region_code"]) == {TOWN}
        assert frame.loc[frame["year"] == 2005, "status_reason"].tolist() == ["before_2013"]
        assert set(frame["boundary"]) == {OUTSIDE_TRADING}

    @pytest.mark.parametrize(
        ("known", "reasons"),
        [
            (Trading(statements={TOWN: STATED}), ["no_verified_year"] * 3),
            (
                Trading(verified={**VERIFIED, ("101", 2024): 90.0}, plants=PLANTS, statements={TOWN: STATED}),
                [None, None, "plants_above_total"],
            ),
            (
                Trading(verified=VERIFIED, plants=PLANTS, statements={TOWN: dt.date(2023, 1, 1)}),
                [None, None, "statement_too_old"],
            ),
            (
                Trading(
                    verified={cell: t for cell, t in VERIFIED.items() if cell != ("102", 2023)},
                    plants=PLANTS,
                    statements={TOWN: STATED},
                ),
                [None, "plant_without_figure", None],
            ),
        ],
        ids=["no workbook", "plants above the total", "an old statement", "a plant without a figure"],
    )
    def test_else_there_is_a_reason_and_no_value(self, known, reasons):
        frame = outside(known, product_use=0.0, waste=0.0, machinery=0.0, own_heating=0.0)
        frame = frame[frame["year"] >= trading.FIRST_YEAR]
        assert frame["status_reason"].tolist() == reasons
        assert frame["value_tco2e"].isna().tolist() == [reason is not None for reason in reasons]
        assert trading.known_only(frame)["value_tco2e"].notna().all()

    def test_a_town_without_plants_is_known_by_its_statement(self):
        known = Trading(verified=VERIFIED, statements={TOWN: STATED})
        assert trading.known_only(outside(known))["value_tco2e"].tolist() == [128.0] * 3

    def test_the_latest_year_has_a_value_or_a_reason_for_every_region(self):
        latest = trading.latest_of(outside(), [NATION, COUNTY, TOWN, OTHER], 2024)
        assert latest["outside_trading_tco2e"].round(6).tolist()[2] == 72.0
        assert latest["outside_trading_reason"].tolist() == [
            "not_a_municipality",
            "not_a_municipality",
            None,
            "not_stated",
        ]
        assert trading.latest_of(outside(), [TOWN], 2005)["outside_trading_reason"].tolist() == [
            "before_2013"
        ]

    @given(st.floats(0, 50), st.floats(0, 10))
    def test_plants_and_the_rest_add_up_to_what_they_are_part_of(self, first, second):
        known = Trading(
            verified={("101", 2024): first, ("102", 2024): second}, plants=PLANTS, statements={TOWN: STATED}
        )
        frame = outside(known).set_index("year")
        assert frame.loc[2024, "value_tco2e"] + first + second == pytest.approx(128.0)


class TestPlant:
    @pytest.mark.parametrize(
        ("valid_from", "valid_to", "years"),
        [
            (None, None, {2019, 2020, 2021}),
            (dt.date(2020, 12, 31), None, {2020, 2021}),
            (None, dt.date(2020, 1, 1), {2019, 2020}),
        ],
    )
    def test_it_counts_in_every_year_with_a_day_of_its_validity(self, valid_from, valid_to, years):
        plant = Plant(
            installation_id="1",
            region_code=TOWN,
            sector_code="waste",
            valid_from=valid_from,
            valid_to=valid_to,
        )
        assert {year for year in (2019, 2020, 2021) if plant.is_in(year)} == years


POPULATION = pd.DataFrame(
    {"region_code": [TOWN, TOWN, OTHER], "year": [2015, 2023, 2024], "population_count": [8, 10, 20]}
)


def reference(**changes: object) -> dict[str, object]:
    return {
        "region_code": TOWN, "year": 2023, "part": "non_trading", "value": 10.0,
        "unit": "tCO2e_per_inhabitant", "source": "s", **changes,
    }  # fmt: skip


def check(*references: dict[str, object]) -> pd.DataFrame:
    made = table()
    return trading.check_proxy(
        pd.DataFrame(references),
        build_series(made, EFFORT_SHARING_PROXY),
        build_series(made, trading.WITHOUT_AVIATION),
        POPULATION,
    )


class TestCheckProxy:
    def test_an_official_figure_outside_trading(self):
        """The proxy is six sectors of 10 t less 2 t of aviation: 58 t against 10 t × 10 inhabitants."""
        (row,) = check(reference()).to_dict("records")
        assert (row["reference_tco2e"], row["proxy_tco2e"]) == (100.0, 58.0)
        assert row["difference_pct"] == pytest.approx(-42.0)
        assert (row["is_poor"], row["population_year"], row["status_reason"]) == (True, 2023, None)

    def test_an_official_figure_inside_trading_leaves_the_rest(self):
        """128 t without aviation less 70 t: 58 t, what the proxy says."""
        (row,) = check(reference(part="trading", value=70.0, unit="tCO2e")).to_dict("records")
        assert (row["reference_tco2e"], row["difference_pct"], row["is_poor"]) == (58.0, 0.0, False)
        assert pd.isna(row["population_year"])

    @pytest.mark.parametrize(("value", "is_poor"), [(53.0, False), (52.0, True), (64.0, False), (65.0, True)])
    def test_poor_is_more_than_ten_percent_either_way(self, value, is_poor):
        assert check(reference(value=value, unit="tCO2e"))["is_poor"].tolist() == [is_poor]

    def test_the_nearest_population_stands_for_one_that_is_not_held(self):
        rows = check(reference(year=2024), reference(year=2015))
        assert rows["population_year"].tolist() == [2023, 2015]
        assert rows["reference_tco2e"].tolist() == [100.0, 80.0]

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"year": 2022}, "year_not_published"),
            ({"region_code": "1280", "unit": "tCO2e"}, "year_not_published"),
            ({"region_code": COUNTY}, "no_population"),
            ({"part": "trading", "value": 128.0, "unit": "tCO2e"}, "reference_not_positive"),
        ],
    )
    def test_what_cannot_be_compared_says_why_and_marks_nothing(self, changes, reason):
        (row,) = check(reference(**changes)).to_dict("records")
        assert (row["status_reason"], row["is_poor"]) == (reason, False)
        assert np.isnan(row["difference_pct"])

    def test_one_reference_that_misses_is_enough(self):
        rows = check(reference(), reference(region_code=OTHER, value=58.0, unit="tCO2e"))
        assert trading.find_poor(rows) == {TOWN}
        assert trading.find_poor(rows.iloc[0:0]) == set()

    @given(st.floats(1.0, 1e6), st.floats(0.5, 2.0))
    def test_the_unit_of_a_figure_does_not_matter(self, tonnes, factor):
        each = reference(value=tonnes * factor / 10.0)
        whole = reference(value=tonnes * factor, unit="tCO2e")
        assert check(each)["difference_pct"].to_numpy() == pytest.approx(check(whole)["difference_pct"])


class TestLead:
    @pytest.mark.parametrize(
        ("one_plant", "known", "leads"),
        [(True, 40.0, OUTSIDE_TRADING), (True, np.nan, TERRITORIAL), (False, 40.0, TERRITORIAL)],
    )
    def test_a_page_never_leads_with_the_proxy(self, one_plant, known, leads):
        assert trading.choose_lead(one_plant, known) == leads

    def test_where_one_plant_decides_the_rest_stands_beside(self):
        made = table({"industry": 100.0})
        one_plant = find_one_plant(made)
        assert TOWN in one_plant
        assert trading.without_plant_sectors(made, one_plant).tolist() == [60.0] * 4
        assert np.isnan(trading.without_plant_sectors(made, frozenset())).all()


GROWN = tuple(range(2013, 2020))


def grown(plants_follow_the_nation: bool):
    """Yearly releases in which the nation falls by 5 % a year, and the town's plant jumps, or falls alike."""
    rows = []
    chance = np.random.default_rng(3)
    plant = 500.0
    verified = {}
    for step, year in enumerate(GROWN):
        nation = 0.95**step
        plant = 500.0 * nation if plants_follow_the_nation else 500.0 * (1.0 + 0.5 * (-1.0) ** step)
        verified["101", year] = 500.0 * (1.0 + 0.5 * (-1.0) ** step)
        for region, scale in ((NATION, 1e4), (TOWN, 1.0), (OTHER, 1.0)):
            # Municipalities move in their own way: a year in which all follow the nation measures nothing.
            own = 1.0 if region == NATION else 1.0 + 0.02 * chance.standard_normal()
            values = dict.fromkeys(TERRITORIAL_SECTORS, 100.0 * nation * scale * own)
            values["industry"] = (100.0 * nation + plant) * own if region == TOWN else values["industry"]
            total = sum(values.values())
            rows += [(region, code, year, value) for code, value in values.items()]
            rows += [(region, ALL, year, total), (region, INTERNATIONAL_TRANSPORT, year, 0.0)]
    columns = ["region_code", "sector_code", "year", "emissions_tco2e"]
    return build_release_table("r1", pd.DataFrame(rows, columns=columns)), verified


class TestVerifiedEmissionsInTheNowcast:
    def test_the_plants_are_taken_as_verified_and_the_rest_follows_the_nation(self):
        values = np.array([0.0, 100.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        growth = np.full(8, 0.9)
        estimated = trading.estimate_with_plants(values, growth, {"industry": 80.0}, {"industry": 60.0})
        assert estimated == pytest.approx(78.0)
        assert trading.estimate_with_plants(values, growth, {}, {}) == pytest.approx(90.0)

    def test_no_plants_are_not_enough_years(self):
        made, _ = grown(plants_follow_the_nation=False)
        (row,) = trading.score_plants(made, Trading()).to_dict("records")
        assert (row["verdict"], row["pairs_n"], row["errors_n"]) == ("not_enough_years", 0, 0)
        assert np.isnan(row["with_plants_median_pct"])

    @pytest.mark.parametrize(
        ("follow", "verdict"),
        [(False, "better"), (True, "no_better")],
        ids=["the plant jumps", "what is verified is not what the inventory counts"],
    )
    def test_they_are_used_only_where_they_beat_the_nowcast(self, follow, verdict):
        made, verified = grown(plants_follow_the_nation=follow)
        known = Trading(verified=verified, plants=PLANTS[:1], statements={TOWN: STATED})
        (row,) = trading.score_plants(made, known).to_dict("records")
        assert (row["verdict"], row["pairs_n"], row["errors_n"]) == (verdict, 6, 6)
        medians = row["with_plants_median_pct"], row["without_plants_median_pct"]
        assert (medians[0] < medians[1]) is (verdict == "better")

    def test_two_pairs_are_not_enough(self):
        made, verified = grown(plants_follow_the_nation=False)
        few = {cell: tonnes for cell, tonnes in verified.items() if cell[1] <= 2015}
        known = Trading(verified=few, plants=PLANTS[:1], statements={TOWN: STATED})
        assert trading.score_plants(made, known)[["verdict", "pairs_n"]].to_numpy().tolist() == [
            ["not_enough_years", 2]
        ]

    def test_the_estimate_is_replaced_where_all_plants_are_known(self):
        made = table(years=(2023, 2024))
        national = pd.DataFrame(
            [(code, *cell) for code in TERRITORIAL_SECTORS for cell in ((2024, 100.0), (2025, 90.0))],
            columns=["sector_code", "year", "emissions_tco2e"],
        ).assign(basis="final")
        growth = national_growth(national, 2024)
        known = Trading(
            verified={**VERIFIED, ("101", 2025): 20.0, ("102", 2025): 1.0},
            plants=PLANTS,
            statements={TOWN: STATED, OTHER: STATED},
        )
        plain = build_nowcast(made, national.assign(basis="final"))
        frame = trading.add_plants(plain, made, growth, known).set_index("region_code")
        # 130 t less plants of 56 t, nation −10 %, plants of 21 t.
        assert frame.loc[TOWN, "emissions_tco2e"] == pytest.approx(74.0 * 0.9 + 21.0)
        assert frame["with_plants"].to_dict() == {COUNTY: False, TOWN: True, OTHER: False}
        assert frame.loc[OTHER, "emissions_tco2e"] == pytest.approx(130.0 * 0.9)
