"""Measures against the gap, and the pledges they keep."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.membership import measures
from klimatpuls.membership.measures import Measure, MeasureStatus, Pledge, PledgeStatus

AS_OF = dt.date(2026, 5, 8)
TIERP = "0360"
BUS = Measure(
    measure_id="bus",
    owner_region_code=TIERP,
    boundary="territorial",
    sector_code="transport",
    title="Elbussar",
    status=MeasureStatus.DECIDED,
    end_date=dt.date(2028, 12, 31),
    effects={2024: 100.0, 2030: 300.0},
    last_updated=dt.date(2026, 1, 15),
)


def coverage(*own: Measure, gap: float = 1_000.0):
    return measures.build_coverage(
        own,
        owner_region_code=TIERP,
        boundary="territorial",
        last_year=2024,
        target_year=2030,
        observed_gap_tco2e=gap,
    ).set_index("sector_code")


def test_an_effect_lasts_until_a_later_figure() -> None:
    effects = {2025: 100.0, 2028: 300.0}
    assert [measures.effect_in(effects, year) for year in (2024, 2025, 2027, 2028, 2040)] == [
        0.0, 100.0, 100.0, 300.0, 300.0,
    ]  # fmt: skip


def test_only_what_is_added_after_the_latest_data_year_counts() -> None:
    assert measures.counted_effect(BUS, 2024, 2030) == 200.0
    assert measures.counted_effect(replace(BUS, effects={2020: 300.0}), 2024, 2030) == 0.0
    assert measures.counted_effect(replace(BUS, effects={2020: 300.0, 2028: 0.0}), 2024, 2030) == -300.0


def test_coverage_of_a_worked_example() -> None:
    found = coverage(
        BUS,
        replace(BUS, measure_id="plan", status="planned", effects={2030: 300.0}, sector_code="waste"),
        replace(BUS, measure_id="none", status="ongoing", effects={}),
        replace(BUS, measure_id="gone", status="cancelled", effects={2030: 9_999.0}),
        replace(BUS, measure_id="other", owner_region_code="0380", effects={2030: 9_999.0}),
        replace(BUS, measure_id="apart", boundary="own_series:travel", effects={2030: 9_999.0}),
    )
    whole = found.loc["all"]
    assert (whole["counted_reduction_tco2e"], whole["planned_reduction_tco2e"], whole["coverage_pct"]) == (
        200.0,
        300.0,
        20.0,
    )
    assert (whole["measures_n"], whole["without_effect_n"]) == (3, 1)
    assert whole["without_effect_pct"] == pytest.approx(100 / 3)
    assert whole["overlap"] == "not_assessed"
    assert found.loc["transport", "counted_reduction_tco2e"] == 200.0
    assert found.loc["waste", "planned_reduction_tco2e"] == 300.0


def test_a_measure_for_several_sectors_counts_once_in_the_total_and_in_no_sector() -> None:
    pact = replace(BUS, measure_id="pact", sector_code="all", effects={2030: 50.0})
    found = coverage(BUS, pact)
    assert sorted(found.index) == ["all", "transport"]
    assert found.loc["transport", "counted_reduction_tco2e"] == 200.0
    assert found.loc["all", ["measures_n", "counted_reduction_tco2e"]].tolist() == [2, 250.0]
    alone = coverage(pact)
    assert alone.index.tolist() == ["all"]
    assert alone.loc["all", "counted_reduction_tco2e"] == 50.0


def test_at_the_level_there_is_no_coverage() -> None:
    whole = coverage(BUS, gap=-5.0).loc["all"]
    assert np.isnan(whole["coverage_pct"])
    assert whole["coverage_reason"] == measures.ALREADY_AT_LEVEL
    assert coverage(BUS, gap=np.nan).loc["all", "coverage_reason"] == measures.NO_GAP


def test_without_a_measure_coverage_is_nothing_but_known() -> None:
    whole = coverage().loc["all"]
    assert whole["coverage_pct"] == 0.0
    assert np.isnan(whole["without_effect_pct"])


@pytest.mark.parametrize(
    ("status", "end", "expected"),
    [
        ("ongoing", AS_OF - dt.timedelta(1), True),
        ("planned", AS_OF - dt.timedelta(1), True),
        ("ongoing", AS_OF, False),
        ("ongoing", None, False),
        ("done", AS_OF - dt.timedelta(1), False),
        ("cancelled", AS_OF - dt.timedelta(1), False),
    ],
)
def test_overdue_is_past_its_end_and_not_done(status, end, expected) -> None:
    assert measures.is_overdue(replace(BUS, status=status, end_date=end), AS_OF) is expected


@pytest.mark.parametrize(
    ("status", "updated", "expected"),
    [
        ("ongoing", dt.date(2025, 5, 7), True),
        ("ongoing", dt.date(2025, 5, 8), False),
        ("ongoing", None, True),
        ("done", dt.date(2020, 1, 1), False),
    ],
)
def test_stale_is_unchanged_for_twelve_months(status, updated, expected) -> None:
    assert measures.is_stale(replace(BUS, status=status, last_updated=updated), AS_OF) is expected


PLEDGE = Pledge(
    pledge_id="p",
    owner_region_code=TIERP,
    promised_to="Länsstyrelsen",
    wording="Fossilfria bussar 2028",
    due_on=dt.date(2028, 12, 31),
    measure_ids=("bus", "second"),
)
SECOND = replace(BUS, measure_id="second")


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ([], PledgeStatus.NO_MEASURE_YET),
        ([replace(BUS, status="cancelled")], PledgeStatus.NO_MEASURE_YET),
        ([BUS, SECOND], PledgeStatus.UNDER_WAY),
        ([replace(BUS, status="done"), SECOND], PledgeStatus.UNDER_WAY),
        ([replace(BUS, status="done"), replace(SECOND, status="done")], PledgeStatus.KEPT),
        ([BUS, replace(SECOND, end_date=dt.date(2025, 1, 1))], PledgeStatus.AT_RISK),
        ([BUS, replace(SECOND, last_updated=dt.date(2024, 1, 1))], PledgeStatus.AT_RISK),
        ([replace(BUS, measure_id="another")], PledgeStatus.NO_MEASURE_YET),
    ],
)
def test_a_pledge_stands_as_its_measures_do(own, expected) -> None:
    assert measures.pledge_status(PLEDGE, own, AS_OF) is expected


def test_a_pledge_past_its_own_day_is_at_risk() -> None:
    late = replace(PLEDGE, due_on=AS_OF - dt.timedelta(1))
    assert measures.pledge_status(late, [BUS, SECOND], AS_OF) is PledgeStatus.AT_RISK


@settings(deadline=None, max_examples=100)
@given(day=st.dates(dt.date(2000, 2, 1), dt.date(2060, 1, 1)), months=st.integers(0, 240))
def test_months_before_and_after_meet_within_three_days(day: dt.date, months: int) -> None:
    there = measures.months_before(day, months)
    assert (day.year - there.year) * 12 + day.month - there.month == months
    assert there.day <= day.day
    assert 0 <= (day - measures.months_before(there, -months)).days <= 3


@settings(deadline=None, max_examples=60)
@given(
    effects=st.lists(st.dictionaries(st.integers(2020, 2035), st.floats(0, 1e5), max_size=4), max_size=6),
    gap=st.floats(1.0, 1e6),
)
def test_sectors_add_up_to_the_whole_and_effects_to_coverage(effects, gap) -> None:
    own = [
        replace(BUS, measure_id=str(n), effects=one, sector_code=("transport", "waste", "industry")[n % 3])
        for n, one in enumerate(effects)
    ]
    found = coverage(*own, gap=gap)
    parts, whole = found.drop("all"), found.loc["all"]
    for column in ("measures_n", "without_effect_n"):
        assert parts[column].sum() == whole[column]
    if own and not any(effects):
        assert whole["coverage_reason"] == measures.NO_EFFECT
        assert whole[["counted_reduction_tco2e", "coverage_pct", "coverage_points"]].isna().all()
        return
    for column in ("counted_reduction_tco2e", "planned_reduction_tco2e", "coverage_points"):
        assert parts[column].sum() == pytest.approx(whole[column])
    assert whole["coverage_pct"] == pytest.approx(100 * whole["counted_reduction_tco2e"] / gap)


def test_an_effect_that_is_not_calculated_is_not_zero() -> None:
    blank = replace(BUS, measure_id="blank", effects={})
    planned = replace(blank, measure_id="later", status="planned")
    found = coverage(blank, planned)
    assert (
        found.loc["all", ["counted_reduction_tco2e", "planned_reduction_tco2e", "coverage_pct"]].isna().all()
    )
    assert found.loc["all", "coverage_reason"] == measures.NO_EFFECT
    assert coverage(planned).loc["all", "coverage_pct"] == 0.0, "nothing is decided: that is known"
    beside = coverage(blank, replace(BUS, measure_id="known", sector_code="waste"))
    assert beside.loc["all", "coverage_pct"] == 20.0
    assert np.isnan(beside.loc["transport", "coverage_points"])


@given(day=st.dates(dt.date(2020, 1, 1), dt.date(2029, 12, 31)), months=st.integers(1, 36))
def test_the_first_stale_day_is_the_first(day: dt.date, months: int) -> None:
    moved = replace(BUS, last_updated=day)
    first = measures.stale_from(moved, months)
    assert first is not None
    assert measures.is_stale(moved, first, months)
    assert not measures.is_stale(moved, first - dt.timedelta(days=1), months)


def test_what_is_done_grows_neither_old_nor_late() -> None:
    done = replace(BUS, status="done")
    assert (measures.stale_from(done), measures.overdue_from(done)) == (None, None)
    assert measures.overdue_from(BUS) == dt.date(2029, 1, 1)
