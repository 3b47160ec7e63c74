"""Differences between releases, and why a result changed."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.domain import sectors
from klimatpuls.statistics import revisions, standing
from klimatpuls.statistics.series import ReleaseTable
from klimatpuls.statistics.targets import Target

AS_OF = dt.date(2026, 5, 8)
HALVED = Target(
    target_id="t",
    target_type="percent_below_base",
    base_year=1990,
    target_year=2030,
    percent_below_base=50.0,
)


def facts_of(cells: dict[tuple[str, str, int], float]) -> pd.DataFrame:
    return pd.DataFrame(
        [(*key, value) for key, value in cells.items()],
        columns=["region_code", "sector_code", "year", "emissions_tco2e"],
    )


def all_of(values: dict[int, float]) -> pd.DataFrame:
    return facts_of({("0360", "all", year): value for year, value in values.items()})


def series_of(values: dict[int, float], region_code: str = "0360", release_id: str = "r1") -> pd.DataFrame:
    count = len(values)
    return pd.DataFrame(
        {
            "region_code": region_code,
            "boundary": "territorial",
            "year": list(values),
            "value_tco2e": list(values.values()),
            "status": "observed",
            "is_published_year": True,
            "flags": pd.Series([()] * count, dtype=object),
            "release_ids": pd.Series([(release_id,)] * count, dtype=object),
        }
    )


OLD_YEARS = (1990, 2015, 2016, 2017, 2018, 2019, 2020, 2021, 2022, 2023)
NEW_YEARS = (1990, 2015, 2020, 2021, 2022, 2023, 2024)


cells = st.dictionaries(
    st.tuples(st.sampled_from(["00", "0360"]), st.just("all"), st.integers(1990, 1995)),
    st.integers(0, 99).map(float),
)


class TestDiff:
    def test_every_kind_of_change(self):
        old = all_of({1990: 210_185.231, 2016: 5.0, 2020: 7.0})
        new = all_of({1990: 217_922.683, 2020: 7.0, 2024: 6.0})
        diff = revisions.diff_releases(old, new).set_index("year")
        assert diff["change"].to_dict() == {
            1990: "revised",
            2016: "vanished",
            2020: "unchanged",
            2024: "appeared",
        }
        assert diff.loc[1990, "difference_tco2e"] == pytest.approx(7_737.452)
        assert diff.loc[1990, "difference_pct"] == pytest.approx(3.681, abs=0.001)
        assert np.isnan(diff.loc[2016, "new_tco2e"])

    def test_from_zero_has_no_percent(self):
        diff = revisions.diff_releases(
            facts_of({("00", "waste", 1990): 0.0}), facts_of({("00", "waste", 1990): 4.0})
        )
        assert diff["difference_tco2e"].tolist() == [4.0]
        assert diff["difference_pct"].isna().all()

    def test_a_cell_twice_is_refused(self):
        twice = pd.concat([facts_of({("0360", "all", 1990): 1.0})] * 2)
        with pytest.raises(ValueError, match="the new release has 0360 all 1990 twice"):
            revisions.diff_releases(facts_of({}), twice)

    @given(old=cells, new=cells)
    def test_every_cell_of_either_comes_once_and_the_reverse_has_opposite_signs(self, old, new):
        there = revisions.diff_releases(facts_of(old), facts_of(new))
        back = revisions.diff_releases(facts_of(new), facts_of(old))
        assert len(there) == len(old.keys() | new.keys())
        assert not there.duplicated(["region_code", "sector_code", "year"]).any()
        np.testing.assert_array_equal(there["difference_tco2e"], -back["difference_tco2e"])

    def test_years(self):
        found = revisions.compare_years(OLD_YEARS, NEW_YEARS)
        assert found.vanished == (2016, 2017, 2018, 2019)
        assert found.appeared == (2024,)
        assert found.common == (1990, 2015, 2020, 2021, 2022, 2023)

    def test_totals_without_international_transport(self):
        facts = facts_of(
            {
                ("0191", "all", 2022): 110.0,
                ("0191", "international_transport", 2022): 10.0,
                ("0191", "waste", 2022): 5.0,
                ("0360", "all", 2022): 60.0,
            }
        )
        found = revisions.without_international(facts).set_index(["region_code", "sector_code"])
        assert found["emissions_tco2e"].to_dict() == {
            ("0191", "all"): 100.0,
            ("0191", "international_transport"): 10.0,
            ("0191", "waste"): 5.0,
            ("0360", "all"): 60.0,
        }
        assert facts["emissions_tco2e"].tolist() == [110.0, 10.0, 5.0, 60.0], (
            "the rows given stay as they are"
        )

    def test_a_new_scope_is_no_revision_of_what_was_counted_before(self):
        sides = [
            facts_of({("0191", "all", 2023): 0.1 + abroad, ("0191", "international_transport", 2023): abroad})
            for abroad in (0.0, 0.2)
        ]
        diff = revisions.diff_releases(*map(revisions.without_international, sides))
        assert diff.set_index("sector_code")["change"].to_dict() == {
            "all": "unchanged",
            "international_transport": "revised",
        }

    def test_largest_movers(self):
        old = all_of({2020: 100.0, 2021: 10.0, 2022: 1_000.0, 2023: 5.0})
        new = all_of({2020: 95.0, 2021: 13.0, 2022: 1_009.0, 2023: 5.0})
        diff = revisions.diff_releases(old, new)
        assert revisions.find_largest_movers(diff, count=2)["year"].tolist() == [2022, 2020]
        assert revisions.find_largest_movers(diff, by="difference_pct")["year"].tolist() == [2021, 2020, 2022]
        with pytest.raises(ValueError, match="got 'old_tco2e'"):
            revisions.find_largest_movers(diff, by="old_tco2e")


class TestChangeSinceBase:
    # Tierp, territorial, releases 2025 and 2026a (data/README.md and methods section 14).
    old = series_of({1990: 210_185.231, 2015: 164_483.358, 2016: 159_667.840, 2023: 131_260.032})
    new = series_of({1990: 217_922.683, 2015: 166_449.244, 2023: 130_228.259, 2024: 146_060.381})

    def test_tierp(self):
        steps = revisions.decompose_change(self.old, self.new, 1990).set_index("step")
        assert steps["change_pct"].round(2).to_dict() == {
            "stored": -37.55,
            "method": -37.55,
            "vanished_years": -37.55,
            "revised_values": -38.04,
            "revised_base": -40.24,
            "new_data": -32.98,
        }
        assert steps["part_points"].round(2).tolist() == [0, 0, 0, -0.49, -2.20, 7.27]

    @given(
        old=st.lists(st.integers(1, 10**6).map(float), min_size=10, max_size=10),
        new=st.lists(st.integers(1, 10**6).map(float), min_size=7, max_size=7),
    )
    def test_the_parts_add_up_exactly(self, old, new):
        steps = revisions.decompose_change(
            series_of(dict(zip(OLD_YEARS, old, strict=True))),
            series_of(dict(zip(NEW_YEARS, new, strict=True))),
            1990,
        )
        change = steps["change_pct"].tolist()
        assert change[0] == pytest.approx(100 * (old[-1] / old[0] - 1))
        assert change[-1] == pytest.approx(100 * (new[-1] / new[0] - 1))
        assert steps["part_points"].sum() == pytest.approx(change[-1] - change[0], abs=1e-6)


FLAT = {1990: 100.0, 2015: 70.0, 2020: 70.0, 2021: 70.0, 2022: 70.0, 2023: 70.0}


def decompose(target: Target, old: pd.DataFrame, new: pd.DataFrame, **kwargs) -> pd.DataFrame:
    sides = ({target.boundary: series} for series in (old, new))
    return revisions.decompose_standings([target], *sides, as_of=AS_OF, **kwargs)


def evaluate(target: Target, series: pd.DataFrame) -> pd.DataFrame:
    return standing.evaluate_all([target], {target.boundary: series}, as_of=AS_OF)


class TestStanding:
    def steps(self, old: dict[int, float], new: dict[int, float], **kwargs) -> pd.DataFrame:
        return decompose(HALVED, series_of(old), series_of(new, release_id="r2"), **kwargs)

    def test_a_new_year_alone(self):
        steps = self.steps(FLAT, FLAT | {2024: 49.0})
        assert steps["status"].tolist() == ["none_below"] * 5 + ["below_level"]
        assert set(steps["cause"]) == {"new_data"}

    def test_a_revised_base_year_alone(self):
        steps = self.steps(FLAT, FLAT | {1990: 150.0})
        assert steps["status"].tolist() == ["none_below"] * 4 + ["below_level"] * 2
        assert steps["level_tco2e"].tolist() == [50.0] * 4 + [75.0] * 2
        assert set(steps["cause"]) == {"revised_base"}

    def test_revised_values_alone(self):
        steps = self.steps(FLAT, {year: 0.7 * v if year > 1990 else v for year, v in FLAT.items()})
        assert steps["status"].tolist() == ["none_below"] * 3 + ["below_level"] * 3
        assert set(steps["cause"]) == {"revised_values"}

    def test_vanished_years_alone(self):
        old = {1990: 100.0, 2015: 60.0, 2016: 60.0, 2017: 60.0, 2020: 60.0, 2023: 60.0}
        steps = self.steps(old, {year: old[year] for year in (1990, 2015, 2020)})
        assert steps["status"].tolist() == ["none_below"] * 2 + ["insufficient_data"] * 4
        assert set(steps["cause"]) == {"vanished_years"}

    def test_a_stored_result_of_an_older_method(self):
        stored = evaluate(HALVED, series_of(FLAT)).assign(status="split")
        steps = self.steps(FLAT, FLAT, stored=stored)
        assert steps["status"].tolist() == ["split"] + ["none_below"] * 5
        assert set(steps["cause"]) == {"method"}

    def test_two_steps_either_of_which_is_enough_are_several_causes(self):
        # Base 100 -> 150 raises the level to 75; a value of 49 is below either level.
        steps = self.steps(FLAT, FLAT | {1990: 150.0, 2024: 49.0})
        assert steps["status"].tolist()[-1] == "below_level"
        assert set(steps["cause"]) == {"several_causes"}

    def test_caveats_follow_the_release_of_the_newest_year(self):
        old = series_of(FLAT)
        old["flags"] = pd.Series([("aviation_included",)] * len(old), dtype=object)
        steps = decompose(HALVED, old, series_of(FLAT))
        assert steps["status"].tolist() == ["insufficient_data"] * 5 + ["none_below"]

    def test_nothing_changed(self):
        assert set(self.steps(FLAT, FLAT)["cause"]) == {"unchanged"}

    @pytest.mark.parametrize(
        ("new", "evaluations"),
        [
            (FLAT, 1),
            (FLAT | {1990: 150.0}, 4),
            (FLAT | {2020: 71.0}, 2),
            (FLAT | {2024: 49.0}, 2),
            ({year: value + 1.0 for year, value in FLAT.items() if year != 2021} | {2024: 49.0}, 16),
        ],
        ids=["nothing", "base year", "another value", "new year", "everything"],
    )
    def test_steps_that_are_evaluated_alike_are_evaluated_once(self, monkeypatch, new, evaluations):
        calls = []

        def count(*args, **kwargs):
            calls.append(args)
            return standing.evaluate_matrix(*args, **kwargs)

        monkeypatch.setattr(revisions, "evaluate_matrix", count)
        self.steps(FLAT, new)
        assert len(calls) == evaluations

    def test_stored_results_without_their_columns_are_refused(self):
        with pytest.raises(ValueError, match="stored results lack the columns central_tco2e"):
            self.steps(
                FLAT, FLAT, stored=pd.DataFrame({"target_id": [HALVED.target_id], "region_code": ["0360"]})
            )

    def test_an_own_target_has_its_owners_rows_alone(self):
        both = pd.concat([series_of(FLAT), series_of(FLAT, "0380")])
        own = Target(
            target_id="own",
            region_code="0380",
            target_type="fixed_level",
            target_year=2030,
            level_tco2e=50.0,
        )
        assert set(decompose(own, both, both)["region_code"]) == {"0380"}

    @settings(deadline=None, max_examples=8)
    @given(
        regions=st.lists(
            st.tuples(
                st.lists(st.integers(1, 200).map(float), min_size=10, max_size=10),
                st.lists(st.integers(1, 200).map(float), min_size=7, max_size=7),
            ),
            min_size=3,
            max_size=12,
        )
    )
    def test_the_first_step_is_the_old_result_and_the_last_the_new_one(self, regions):
        before, after = (
            pd.concat(
                [
                    series_of(dict(zip(years, pair[which], strict=True)), f"{number:04d}")
                    for number, pair in enumerate(regions)
                ]
            )
            for which, years in enumerate((OLD_YEARS, NEW_YEARS))
        )
        steps = decompose(HALVED, before, after)
        columns = ["status", "variants_met", "central_tco2e", "level_tco2e", "gap_tco2e"]
        first, last = (steps[steps["step_order"] == order].reset_index(drop=True) for order in (0, 5))
        for step, series in ((first, before), (last, after)):
            whole = evaluate(HALVED, series)
            pd.testing.assert_frame_equal(step[columns], whole[columns], check_dtype=False)
        assert ((last["cause"] != "unchanged") == (first["status"] != last["status"])).all()


class TestFindCause:
    def test_last_step_at_which_the_final_value_is_taken(self):
        assert revisions.find_cause(["split", "split", "few", "few", "few", "few"]) == "vanished_years"
        assert revisions.find_cause(["split", "split", "few", "split", "split", "few"]) == "new_data"

    def test_away_and_back_is_unchanged(self):
        assert revisions.find_cause(["split", "split", "few", "split", "split", "split"]) == "unchanged"

    def test_one_status_per_step(self):
        with pytest.raises(ValueError, match="shorter"):
            revisions.find_cause(["split", "few"])


class TestRecord:
    """How far first-published values moved later."""

    def table(self, name: str, years: list[int], **values: list[float]) -> ReleaseTable:
        """Two municipalities and the nation with their transport; the other sectors are zero."""
        count = len(years)
        codes = ("00", "0360", "0380")
        cells = {code: np.zeros((3, count)) for code in sectors.main_codes()}
        cells["transport"] = np.array([[500.0] * count, values["own"], values["other"]])
        cells["all"] = sum(cells.values(), np.zeros((3, count)))
        return ReleaseTable(name, codes, np.array(years), cells)

    def test_worked_example(self) -> None:
        first = self.table("a", [2022, 2023], own=[1.0, 100.0], other=[1.0, 200.0])
        later = self.table("b", [2022, 2023, 2024], own=[1.0, 97.0, 5.0], other=[1.0, 210.0, 0.0])
        found = revisions.build_record([first, later]).set_index(["sector_code", "years_since_first"])
        assert found.loc[("transport", 1)].tolist() == pytest.approx([1, 2, 4.0, 4.8])
        assert found.loc[("all", 1), "median_moved_pct"] == pytest.approx(4.0)
        assert "waste" not in found.index.get_level_values(0), "there was none"

    def test_a_year_whose_first_publication_is_not_held_is_left_out(self) -> None:
        first = self.table("a", [2022, 2023], own=[1.0, 100.0], other=[1.0, 200.0])
        later = self.table("b", [2022, 2023, 2024], own=[9.0, 100.0, 5.0], other=[9.0, 200.0, 5.0])
        last = self.table("c", [2022, 2023, 2024], own=[9.0, 100.0, 6.0], other=[9.0, 200.0, 5.0])
        found = revisions.build_record([first, later, last])
        record = found[found["sector_code"] == "all"].set_index("years_since_first")
        assert record["pairs_n"].to_dict() == {0: 1, 1: 1}, "2022 was published first by a release not held"
        assert record["p90_moved_pct"].to_dict() == pytest.approx({0: 18.0, 1: 0.0}), "2024 was corrected"

    def test_a_first_value_next_to_nothing_has_no_percentage(self) -> None:
        first = self.table("a", [2023], own=[5e-324], other=[2.0])
        later = self.table("b", [2023, 2024], own=[1.0, 1.0], other=[3.0, 3.0])
        found = revisions.build_record([first, later])
        record = found[found["sector_code"] == "all"].iloc[0]
        assert (record["values_n"], record["median_moved_pct"]) == (1, 50.0)

    def test_one_release_has_no_record(self) -> None:
        found = revisions.build_record([self.table("a", [2023], own=[1.0], other=[2.0])])
        assert found.empty
        assert found.columns.tolist() == list(revisions.RECORD_COLUMNS)

    @given(
        own=st.lists(st.floats(1, 1e6), min_size=2, max_size=2),
        factor=st.sampled_from([0.5, 1.0, 2.0]),
    )
    def test_a_revision_by_one_factor_moves_everything_by_it(self, own: list[float], factor: float) -> None:
        first = self.table("a", [2023], own=[own[0]], other=[own[1]])
        later = self.table("b", [2023, 2024], own=[factor * own[0], 1.0], other=[factor * own[1], 1.0])
        found = revisions.build_record([first, later])
        np.testing.assert_allclose(found["median_moved_pct"], 100 * abs(factor - 1))
