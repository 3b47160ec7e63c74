"""Boundaries, aviation, linked years and marks of a series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.statistics import series
from klimatpuls.statistics.series import Boundary, build_release_table, build_series

COLUMNS = [
    "region_code", "boundary", "year", "value_tco2e", "status", "is_published_year", "flags", "release_ids",
]  # fmt: skip
MAIN = [
    "transport",
    "industry",
    "power_heat",
    "agriculture",
    "own_heating",
    "machinery",
    "product_use",
    "waste",
    "international_transport",
]


def facts_of(
    years: list[int], *, aviation: list[float] | None = None, region: str = "0360", **sectors: list[float]
) -> pd.DataFrame:
    """Rows of one region: the sectors given, the other main sectors 0, ``all`` as their sum."""
    columns = {name: sectors.get(name, [0.0] * len(years)) for name in MAIN}
    columns["all"] = [sum(values) for values in zip(*columns.values(), strict=True)]
    if aviation is not None:
        columns["transport.domestic_aviation"] = aviation
        columns["transport.buses"] = [1.0] * len(years)
    return pd.DataFrame(
        [
            (region, sector, year, value)
            for sector, values in columns.items()
            for year, value in zip(years, values, strict=True)
        ],
        columns=["region_code", "sector_code", "year", "emissions_tco2e"],
    )


def table(release_id: str, years: list[int], **kwargs):
    return build_release_table(release_id, facts_of(years, **kwargs))


def by_year(frame: pd.DataFrame, column: str = "value_tco2e") -> dict[int, object]:
    return dict(zip(frame["year"].tolist(), frame[column].tolist(), strict=True))


class TestBoundaries:
    def setup_method(self):
        self.table = table(
            "r1",
            [2023],
            transport=[100.0],
            industry=[200.0],
            power_heat=[50.0],
            agriculture=[30.0],
            own_heating=[5.0],
            machinery=[7.0],
            product_use=[3.0],
            waste=[2.0],
            international_transport=[40.0],
            aviation=[10.0],
        )

    @pytest.mark.parametrize(
        ("boundary", "expected"),
        [
            ("published_total", 437.0),
            ("territorial", 397.0),
            ("effort_sharing_proxy", 137.0),
            ("domestic_transport", 90.0),
            (Boundary("farms", ("agriculture", "machinery")), 37.0),
        ],
    )
    def test_worked_example(self, boundary, expected):
        frame = build_series(self.table, boundary)
        assert by_year(frame) == {2023: pytest.approx(expected)}
        assert frame["status"].tolist() == ["observed"]
        assert frame["flags"].tolist() == [()]
        assert frame["release_ids"].tolist() == [("r1",)]
        assert frame.columns.tolist() == COLUMNS

    def test_unknown_boundary_names_the_known_ones(self):
        with pytest.raises(ValueError, match=r"unknown boundary 'scope 3'; expected one of published_total"):
            build_series(self.table, "scope 3")

    def test_missing_sector_names_release_and_sectors(self):
        with pytest.raises(ValueError, match="release r1 has no sector 'lulucf'"):
            build_series(self.table, Boundary("land", ("lulucf",)))


class TestReleaseTable:
    def test_a_cell_twice_is_refused(self):
        rows = facts_of([2023])
        with pytest.raises(
            ValueError, match="release r1: region 0360, sector transport, year 2023 comes twice"
        ):
            build_release_table("r1", pd.concat([rows, rows.head(1)]))

    def test_sub_sectors_are_left_out_but_aviation(self):
        sectors = table("r1", [2023], aviation=[1.0]).sectors
        assert "transport.domestic_aviation" in sectors
        assert "transport.buses" not in sectors

    def test_a_missing_cell_is_nan_and_gives_no_row(self):
        rows = pd.concat([facts_of([2022, 2023]), facts_of([2023], region="0380")])
        built = build_release_table("r1", rows)
        assert np.isnan(built.sector("transport")[1, 0])
        frame = build_series(built, "territorial")
        assert frame[frame["region_code"] == "0380"]["year"].tolist() == [2023]


class TestAviation:
    def test_without_sub_sectors_the_tonnes_of_another_release_are_taken(self):
        gases = table("ghg", [2010, 2019], transport=[100.0, 200.0], aviation=[10.0, 40.0])
        carbon = table("co2", [2010, 2020, 2022], transport=[90.0, 140.0, 150.0], aviation=[11.0, 5.0, 7.0])
        new = table("new", [2010, 2019, 2020, 2024], transport=[110.0, 190.0, 150.0, 160.0])
        frame = build_series(new, "domestic_transport", earlier=[gases], donors=[gases, carbon, new])
        published = frame[frame["is_published_year"]]
        assert by_year(published) == {
            2010: 99.0,  # both have it: the newest
            2019: 150.0,  # the only one that has it
            2020: 145.0,
            2024: 153.0,  # nobody has it: the last known tonnes
        }
        assert set(published["status"]) == {"estimated"}
        assert set(published["flags"]) == {("aviation_estimated",)}
        assert published["release_ids"].tolist() == [
            ("new", "co2"),
            ("new", "ghg"),
            ("new", "co2"),
            ("new", "co2"),
        ]

    def test_of_two_years_equally_near_the_earlier_one(self):
        old = table("r1", [2018, 2020], transport=[100.0, 100.0], aviation=[10.0, 30.0])
        new = table("r2", [2019], transport=[100.0])
        frame = build_series(new, "domestic_transport", earlier=[old])
        assert by_year(frame[frame["is_published_year"]]) == {2019: pytest.approx(90.0)}

    def test_a_region_that_has_none_is_observed_and_has_no_flag(self):
        old = table("r1", [2019], transport=[100.0], aviation=[0.0])
        frame = build_series(table("r2", [2020], transport=[150.0]), "domestic_transport", earlier=[old])
        row = frame[frame["is_published_year"]].iloc[0]
        assert (row["value_tco2e"], row["status"], row["flags"]) == (150.0, "observed", ())
        assert row["release_ids"] == ("r2",)

    def test_a_region_that_no_release_knows_keeps_it(self):
        old = table("r1", [2019], transport=[100.0], aviation=[10.0])
        new = table("r2", [2020], region="0380", transport=[150.0])
        frame = build_series(new, "domestic_transport", earlier=[old])
        published = frame[frame["is_published_year"]]
        assert by_year(published) == {2020: 150.0}
        assert published["flags"].tolist() == [("aviation_included",)]

    def test_there_is_never_more_of_it_than_of_transport(self):
        old = table("r1", [2019], transport=[100.0], aviation=[90.0])
        frame = build_series(table("r2", [2019], transport=[80.0]), "domestic_transport", earlier=[old])
        assert by_year(frame) == {2019: 0.0}

    def test_a_published_year_with_it_estimated_carries_the_trend(self):
        old = table("r1", [2019], transport=[100.0], aviation=[10.0])
        frame = build_series(
            table("r2", [2019, 2020], transport=[80.0, 70.0]), "domestic_transport", earlier=[old]
        )
        assert series.to_matrix(frame).observed[0].tolist() == [70.0, 60.0]

    def test_a_release_that_can_tell_no_year_better_is_not_read(self):
        def refuse():
            raise AssertionError

        unread = series.LateReleaseTable("r0", [2018, 2019], refuse)
        old = table("r1", [2019, 2020], transport=[100.0, 100.0], aviation=[10.0, 20.0])
        chosen = series.find_donors(np.array([2019, 2024]), [unread, old])
        assert [(donor.release_id, year) for donor, year in chosen] == [("r1", 2019), ("r1", 2020)]

    @given(
        years=st.lists(st.integers(1990, 2030), min_size=1, max_size=4, unique=True),
        held=st.lists(
            st.tuples(st.lists(st.integers(1990, 2030), min_size=1, max_size=4, unique=True), st.booleans()),
            max_size=4,
        ),
    )
    def test_it_is_the_nearest_year_of_all_from_the_newest_that_has_it(self, years, held):
        donors = [
            table(f"r{at}", sorted(own), **({"aviation": [1.0] * len(own)} if shows else {}))
            for at, (own, shows) in enumerate(held)
        ]
        chosen = series.find_donors(np.array(sorted(years)), donors)
        telling = [donor for donor in donors if donor.has_aviation]
        assert bool(chosen) == bool(telling)
        for wanted, (donor, year) in zip(sorted(years), chosen, strict=False):
            every = {own for one in telling for own in one.years.tolist()}
            assert year == min(every, key=lambda own: (abs(own - wanted), own))
            assert donor is [one for one in telling if year in one.years.tolist()][-1]

    def test_without_any_such_release_it_stays_in_and_is_flagged(self):
        frame = build_series(table("r2", [2020], transport=[150.0]), "domestic_transport")
        assert by_year(frame) == {2020: 150.0}
        assert frame["flags"].tolist() == [("aviation_included",)]
        assert frame["status"].tolist() == ["observed"]

    def test_territorial_needs_no_aviation(self):
        frame = build_series(table("r2", [2020], transport=[150.0]), "territorial")
        assert frame["flags"].tolist() == [()]

    def test_kept_on_request(self):
        frame = build_series(
            table("r1", [2020], transport=[150.0], aviation=[10.0]), "domestic_transport", keep_aviation=True
        )
        assert by_year(frame) == {2020: 150.0}


class TestLinkedYears:
    def test_ratio_is_linear_between_the_nearest_common_years(self):
        old = table("r1", [2015, 2016, 2020], industry=[50.0, 100.0, 40.0])
        new = table("r2", [2015, 2020], industry=[50.0, 44.0])  # ratios 1.00 and 1.10
        frame = build_series(new, "territorial", earlier=[old])
        linked = frame[frame["year"] == 2016].iloc[0]
        assert linked["value_tco2e"] == pytest.approx(102.0)
        assert linked["status"] == "linked"
        assert not linked["is_published_year"]
        assert linked["release_ids"] == ("r2", "r1")

    def test_only_one_side_uses_that_ratio(self):
        old = table("r1", [1990, 2000], industry=[80.0, 100.0])
        new = table("r2", [2000], industry=[110.0])
        assert by_year(build_series(new, "territorial", earlier=[old]))[1990] == pytest.approx(88.0)

    def test_the_newest_release_that_has_the_year_is_used(self):
        oldest = table("r0", [2015, 2016], industry=[10.0, 10.0])
        old = table("r1", [2015, 2016], industry=[50.0, 60.0])
        new = table("r2", [2015], industry=[50.0])
        frame = build_series(new, "territorial", earlier=[oldest, old])
        assert by_year(frame)[2016] == pytest.approx(60.0)
        assert by_year(frame, "release_ids")[2016] == ("r2", "r1")

    def test_without_a_usable_ratio_there_is_no_row(self):
        old = table("r1", [2015, 2016], industry=[0.0, 60.0])
        new = table("r2", [2015], industry=[50.0])
        assert by_year(build_series(new, "territorial", earlier=[old])) == {2015: 50.0}

    def test_a_ratio_to_next_to_nothing_links_nothing(self):
        old = table("r1", [2015, 2016], industry=[5e-324, 60.0])
        new = table("r2", [2015], industry=[50.0])
        assert by_year(build_series(new, "territorial", earlier=[old])) == {2015: 50.0}

    @given(
        values=st.lists(st.integers(1, 10**6), min_size=5, max_size=5),
        factor=st.sampled_from([0.5, 1.0, 1.25, 2.0]),
    )
    def test_a_revision_by_one_factor_is_linked_by_that_factor(self, values, factor):
        years = [2015, 2016, 2017, 2018, 2020]
        old = table("r1", years, industry=[float(value) for value in values])
        new = table("r2", [2015, 2020], industry=[factor * values[0], factor * values[-1]])
        found = by_year(build_series(new, "territorial", earlier=[old]))
        for year, value in zip(years, values, strict=True):
            assert found[year] == pytest.approx(factor * value)


class TestDefects:
    def test_a_defect_is_marked_and_carries_no_trend(self):
        built = table("r1", [2022, 2023], industry=[10.0, 1.0])
        frame = build_series(built, "territorial", defects=[("0360", "industry", 2023)])
        assert by_year(frame, "flags") == {2022: (), 2023: ("known_defect",)}
        matrix = series.to_matrix(frame)
        assert matrix.values[0].tolist() == [10.0, 1.0]
        assert np.isnan(matrix.observed[0, 1])

    @pytest.mark.parametrize(
        ("boundary", "sector", "touched"),
        [
            ("territorial", "waste", True),
            ("territorial", "international_transport", False),
            ("territorial", "all", True),
            ("effort_sharing_proxy", "industry", False),
            ("effort_sharing_proxy", "waste.incineration", True),
            ("effort_sharing_proxy", "transport.domestic_aviation", False),
        ],
    )
    def test_only_boundaries_that_hold_the_sector_are_touched(self, boundary, sector, touched):
        assert series.BOUNDARIES[boundary].holds(sector) is touched


class TestOwnSeries:
    def rows(self, **changes):
        rows = pd.DataFrame(
            {"region_code": ["0360", "0360"], "year": [2020, 2022], "value": [9.0, 8.0], "unit": "tCO2e"}
        )
        return rows.assign(**changes)

    def test_is_observed_and_flagged(self):
        frame = series.build_own_series(self.rows(), "own_series:consumption")
        assert by_year(frame) == {2020: 9.0, 2022: 8.0}
        assert set(frame["flags"]) == {("own_series",)}
        assert frame.columns.tolist() == COLUMNS
        assert series.to_matrix(frame).release_ids == ("",)

    def test_another_unit_is_refused(self):
        with pytest.raises(ValueError, match="expected unit tCO2e, found GWh"):
            series.build_own_series(self.rows(unit="GWh"), "own_series:energy")

    def test_a_name_of_ours_is_refused(self):
        with pytest.raises(ValueError, match="never mixed"):
            series.build_own_series(self.rows(), "territorial")

    def test_a_year_twice_is_refused(self):
        with pytest.raises(ValueError, match="0360 2020 comes twice"):
            series.build_own_series(self.rows(year=2020), "own_series:consumption")


class TestMatrix:
    def test_selects_rows_in_the_order_asked_for(self):
        rows = pd.concat([facts_of([2023], region=code, industry=[float(code)]) for code in ("0114", "0360")])
        matrix = series.to_matrix(build_series(build_release_table("r1", rows), "territorial"))
        assert matrix.select(["0360", "0380", "0114"]).values[:, 0].tolist() == [360.0, 114.0]
        assert np.isnan(matrix.at(2022)).all()
        assert matrix.at(2023).tolist() == [114.0, 360.0]

    def test_two_boundaries_at_once_are_refused(self):
        built = table("r1", [2023], industry=[1.0])
        both = pd.concat([build_series(built, "territorial"), build_series(built, "published_total")])
        with pytest.raises(ValueError, match="region 0360, year 2023 comes twice; give one boundary"):
            series.to_matrix(both)


class TestFillGapYears:
    def test_worked_example(self):
        filled = series.fill_gap_years(np.array([2015, 2020]), np.array([[10.0, 5.0]]), 2014, 2021)
        assert np.isnan(filled[0, [0, -1]]).all()
        assert filled[0, 1:-1].tolist() == [10.0, 9.0, 8.0, 7.0, 6.0, 5.0]

    @given(values=st.lists(st.floats(0, 1e6), min_size=3, max_size=3))
    def test_known_years_keep_their_values_and_the_rest_lies_between(self, values):
        years = np.array([2015, 2018, 2024])
        filled = series.fill_gap_years(years, np.array([values]), 2015, 2024)[0]
        assert filled[[0, 3, 9]].tolist() == pytest.approx(values)
        assert min(values) - 1e-6 <= filled.min() <= filled.max() <= max(values) + 1e-6


def test_one_plant_is_industry_and_power_above_half_of_territorial():
    rows = pd.concat(
        [
            facts_of([2023], region="0001", industry=[40.0], power_heat=[11.0], transport=[49.0]),
            facts_of([2023], region="0002", industry=[50.0], transport=[50.0]),
            facts_of(
                [2023], region="0003", industry=[51.0], transport=[49.0], international_transport=[90.0]
            ),
        ]
    )
    assert series.find_one_plant(build_release_table("r1", rows)) == {"0001", "0003"}
