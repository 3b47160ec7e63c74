"""The four criteria of membership."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.membership import criteria
from klimatpuls.membership.criteria import (
    Answer,
    Assessment,
    Criterion,
    Evidence,
    EvidenceKind,
    Plan,
    Records,
    ReportingRound,
    Rules,
    Status,
)
from klimatpuls.membership.measures import Measure
from klimatpuls.statistics.targets import Target

AS_OF = dt.date(2026, 5, 8)
TIERP = "0360"
ASKED = {(TIERP, None): dt.date(2025, 1, 1)}
YEARS = {2022: dt.date(2024, 5, 1), 2023: dt.date(2025, 6, 1), 2024: dt.date(2026, 5, 7)}
TARGET = Target(
    target_id="own",
    region_code=TIERP,
    target_type="percent_below_base",
    base_year=1990,
    target_year=2030,
    percent_below_base=70.0,
    decided_on=dt.date(2021, 11, 9),
    decided_by="Kommunfullmäktige",
    document_url="https://example.se/beslut.pdf",
)
PLAN = Plan(
    plan_id="plan",
    owner_region_code=TIERP,
    decided_on=dt.date(2022, 3, 1),
    valid_to=dt.date(2028, 12, 31),
    document_url="https://example.se/plan.pdf",
)
MEASURE = Measure(
    measure_id="bus",
    owner_region_code=TIERP,
    boundary="territorial",
    sector_code="transport",
    title="Elbussar",
    status="ongoing",
    last_updated=dt.date(2026, 1, 15),
)
SPRING = ReportingRound(round_id="2026", opens_on=dt.date(2026, 1, 15), closes_on=dt.date(2026, 3, 31))


def one(criterion: Criterion, as_of: dt.date = AS_OF, **records: object) -> Assessment:
    everything = Records(**{"asked_on": ASKED, "published_years": YEARS, **records})
    found = criteria.assess(TIERP, everything, as_of)
    assert [assessment.criterion for assessment in found] == list(Criterion)
    return found[list(Criterion).index(criterion)]


def seen(on: dt.date, year: int | None = None, kind: str = "self_confirmed") -> Evidence:
    return Evidence(
        region_code=TIERP,
        criterion="inventory",
        kind=kind,
        stated_on=on,
        stated_by="klimatstrateg",
        inventory_year=year,
    )


def answer(on: dt.date, round_id: str | None = None, region_code: str = TIERP) -> Answer:
    return Answer(region_code=region_code, round_id=round_id, answered_on=on)


class TestAsking:
    def test_unknown_until_asked(self) -> None:
        assert {a.status for a in criteria.assess(TIERP, Records(), AS_OF)} == {Status.UNKNOWN}
        assert one(Criterion.TARGETS, asked_on={}).reason == "not_asked"

    @pytest.mark.parametrize(
        ("asked", "status"),
        [(dt.date(2025, 11, 9), Status.UNKNOWN), (dt.date(2025, 11, 8), Status.NOT_MET)],
    )
    def test_unknown_for_six_months_after_asking(self, asked, status) -> None:
        found = one(Criterion.TARGETS, asked_on={(TIERP, Criterion.TARGETS): asked})
        assert found.status is status
        if status is Status.UNKNOWN:
            assert found.lapses_on == dt.date(2026, 5, 9)

    def test_what_is_met_needs_no_asking(self) -> None:
        assert one(Criterion.TARGETS, targets=[TARGET], asked_on={}).status is Status.MET

    @pytest.mark.parametrize(
        ("status", "notified_on", "shown"),
        [
            (Status.NOT_MET, None, Status.UNKNOWN),
            (Status.NOT_MET, AS_OF - dt.timedelta(29), Status.UNKNOWN),
            (Status.NOT_MET, AS_OF - dt.timedelta(30), Status.NOT_MET),
            (Status.DUE, AS_OF, Status.UNKNOWN),
            (Status.MET, None, Status.MET),
            (Status.UNKNOWN, None, Status.UNKNOWN),
        ],
    )
    def test_a_shortcoming_is_shown_outside_after_thirty_days(self, status, notified_on, shown) -> None:
        assert criteria.public_status(status, notified_on, AS_OF) is shown


class TestInventory:
    @pytest.mark.parametrize(
        ("evidence", "status", "reason"),
        [
            (seen(dt.date(2024, 5, 9)), Status.MET, "inventory_seen"),
            (seen(dt.date(2024, 5, 8)), Status.NOT_MET, "inventory_old"),
            (seen(dt.date(2025, 7, 1), 2023), Status.MET, "inventory_seen"),
            (seen(dt.date(2025, 7, 1), 2022), Status.NOT_MET, "inventory_old"),
            (seen(dt.date(2025, 7, 1), 2024, "document"), Status.MET, "inventory_seen"),
            (seen(dt.date(2026, 5, 8), 2023, "document"), Status.NOT_MET, "inventory_old"),
        ],
    )
    def test_the_newest_year_looked_at_within_24_months(self, evidence, status, reason) -> None:
        found = one(Criterion.INVENTORY, evidence=[evidence])
        assert (found.status, found.reason) == (status, reason)
        assert (found.to_meet_sv == "") == (status is Status.MET)

    def test_an_own_inventory_may_be_two_years_behind(self) -> None:
        own = seen(dt.date(2025, 7, 1), 2022, "document")
        assert one(Criterion.INVENTORY, dt.date(2025, 7, 1), evidence=[own]).status is Status.NOT_MET
        recent = seen(dt.date(2024, 6, 1), 2022, "document")
        rules = one(Criterion.INVENTORY, dt.date(2024, 7, 1), evidence=[recent])
        assert rules.status is Status.MET
        assert rules.stated_by == "klimatstrateg"

    def test_nothing_stated(self) -> None:
        found = one(Criterion.INVENTORY)
        assert (found.status, found.reason) == (Status.NOT_MET, "inventory_none")
        assert "2 år" in found.to_meet_sv
        assert "2 years" in found.to_meet_en


class TestTargets:
    def test_a_councils_target_ahead(self) -> None:
        found = one(Criterion.TARGETS, targets=[TARGET])
        assert (found.status, found.evidence_kind) == (Status.MET, EvidenceKind.DOCUMENT)
        assert (found.status_date, found.lapses_on) == (dt.date(2021, 11, 9), dt.date(2030, 1, 1))

    @pytest.mark.parametrize(
        "boundary", ["published_total", "territorial", "effort_sharing_proxy", "outside_trading"]
    )
    def test_boundaries_of_the_whole_area_count(self, boundary: str) -> None:
        found = one(Criterion.TARGETS, targets=[replace(TARGET, boundary=boundary)])
        assert found.status is Status.MET

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"boundary": "own_series:energy"}, "target_other_scope"),
            ({"boundary": "domestic_transport"}, "target_other_scope"),
            ({"decided_by": "Kommunstyrelsen"}, "target_not_council"),
            ({"target_year": 2026}, "target_not_ahead"),
            ({"valid_to": AS_OF - dt.timedelta(1)}, "target_not_in_force"),
            ({"state": "proposed"}, "target_not_in_force"),
            ({"region_code": "0380"}, "target_none"),
        ],
    )
    def test_what_does_not_count_alone(self, changes, reason) -> None:
        found = one(Criterion.TARGETS, targets=[replace(TARGET, **changes)])
        assert (found.status, found.reason) == (Status.NOT_MET, reason)

    def test_the_national_line_beside_it_is_the_one_for_local_use(self) -> None:
        def line(name: str, percent: float, year: int, **more) -> Target:
            known = {
                "target_type": "percent_below_base",
                "base_year": 1990,
                "boundary": "effort_sharing_proxy",
            }
            return Target(target_id=name, target_year=year, percent_below_base=percent, **{**known, **more})

        lines = [
            line("63", 63.0, 2030),
            line("55", 55.0, 2030),
            line("73", 73.0, 2040),
            line("transport", 70.0, 2030, boundary="domestic_transport"),
        ]
        own = replace(TARGET, boundary="effort_sharing_proxy")
        beside = criteria.find_national_beside(own, [own, *lines])
        assert beside is not None
        assert beside.target_id == "55"
        later = criteria.find_national_beside(replace(own, target_year=2039), lines)
        assert later is not None
        assert later.target_id == "73"
        assert criteria.find_national_beside(replace(TARGET, boundary="published_total"), lines) is None

    def test_the_cut_it_implies(self) -> None:
        line = replace(TARGET, percent_below_base=55.0)
        assert criteria.implied_annual_reduction_rate(line) == pytest.approx(1 - 0.45 ** (1 / 40))
        assert criteria.implied_annual_reduction_rate(replace(TARGET, percent_below_base=100.0)) is None
        rate = Target(target_id="r", target_type="constant_rate", base_year=2020, annual_rate=0.16)
        assert criteria.implied_annual_reduction_rate(rate) == 0.16


class TestActionPlan:
    def test_a_plan_in_force_and_a_measure_that_moved(self) -> None:
        found = one(Criterion.ACTION_PLAN, plans=[PLAN], measures=[MEASURE])
        assert (found.status, found.lapses_on) == (Status.MET, dt.date(2028, 1, 16))

    @pytest.mark.parametrize(
        ("plans", "updated", "reason"),
        [
            ([], dt.date(2026, 1, 1), "plan_none"),
            ([replace(PLAN, kind="pre_plan")], dt.date(2026, 1, 1), "plan_only_pre"),
            ([replace(PLAN, valid_to=dt.date(2025, 12, 31))], dt.date(2026, 1, 1), "plan_ended"),
            ([PLAN], dt.date(2024, 5, 7), "plan_not_followed"),
            ([PLAN], None, "plan_not_followed"),
        ],
    )
    def test_what_is_not_enough(self, plans, updated, reason) -> None:
        found = one(Criterion.ACTION_PLAN, plans=plans, measures=[replace(MEASURE, last_updated=updated)])
        assert (found.status, found.reason) == (Status.NOT_MET, reason)

    @pytest.mark.parametrize(
        ("plan", "end"),
        [
            (PLAN, dt.date(2028, 12, 31)),
            (replace(PLAN, prolonged_to=dt.date(2030, 12, 31)), dt.date(2030, 12, 31)),
            (replace(PLAN, valid_to=None), dt.date(2032, 3, 1)),
            (replace(PLAN, valid_to=None, decided_on=None), None),
        ],
    )
    def test_how_long_a_plan_is_good_for(self, plan, end) -> None:
        assert criteria.plan_end(plan) == end


class TestInforming:
    @pytest.mark.parametrize(
        ("as_of", "answers", "status", "reason"),
        [
            (AS_OF, [answer(dt.date(2026, 2, 1), "2026")], "met", "round_answered"),
            (AS_OF, [answer(dt.date(2026, 4, 20))], "met", "reported_since"),
            (AS_OF, [answer(dt.date(2025, 4, 20))], "due", "round_open"),
            (AS_OF, [answer(dt.date(2026, 2, 1), "2026", "0380")], "due", "round_open"),
            (dt.date(2026, 2, 1), [], "due", "round_open"),
            (dt.date(2026, 2, 1), [answer(dt.date(2026, 1, 20), "2026")], "met", "round_answered"),
            (dt.date(2026, 9, 30), [], "due", "round_open"),
            (dt.date(2026, 10, 1), [], "not_met", "round_missed"),
            (dt.date(2026, 1, 1), [], "unknown", "round_none"),
        ],
    )
    def test_the_latest_closed_round(self, as_of, answers, status, reason) -> None:
        found = one(Criterion.INFORMING, as_of, rounds=[SPRING], answers=answers)
        assert (found.status, found.reason) == (Status(status), reason)


def test_documents_and_words_are_counted_apart() -> None:
    found = criteria.assess(
        TIERP,
        Records(
            targets=[TARGET],
            evidence=[seen(dt.date(2026, 1, 1))],
            plans=[replace(PLAN, document_url=None)],
            measures=[MEASURE],
        ),
        AS_OF,
    )
    assert criteria.count_by_evidence(found) == {EvidenceKind.DOCUMENT: 1, EvidenceKind.SELF_CONFIRMED: 2}


def test_every_reason_and_every_remedy_has_both_languages() -> None:
    assert all(criteria.REASONS.values())
    assert set(criteria.TO_MEET) == set(Criterion)


@settings(deadline=None, max_examples=60)
@given(
    day=st.dates(dt.date(2022, 1, 1), dt.date(2034, 1, 1)),
    looked=st.dates(dt.date(2022, 1, 1), dt.date(2034, 1, 1)),
    updated=st.dates(dt.date(2022, 1, 1), dt.date(2034, 1, 1)),
)
def test_a_status_holds_until_the_day_it_lapses(day: dt.date, looked: dt.date, updated: dt.date) -> None:
    records = Records(
        targets=[TARGET],
        plans=[PLAN],
        measures=[replace(MEASURE, last_updated=updated)],
        evidence=[seen(looked)],
        rounds=[SPRING],
        asked_on=ASKED,
    )
    for now in criteria.assess(TIERP, records, day, Rules()):
        assert now.reason in criteria.REASONS
        if now.lapses_on is None or now.status is not Status.MET:
            continue
        assert now.lapses_on > day
        place = list(Criterion).index(now.criterion)
        eve = criteria.assess(TIERP, records, now.lapses_on - dt.timedelta(1))[place]
        then = criteria.assess(TIERP, records, now.lapses_on)[place]
        assert eve.status is Status.MET
        assert then.status is not Status.MET or then.status_date != now.status_date


class TestWhatAMemberWasTold:
    """The days to reply run from when the member was notified of this very shortcoming."""

    ROUNDS = (
        SPRING,
        ReportingRound(round_id="2027", opens_on=dt.date(2027, 1, 15), closes_on=dt.date(2027, 3, 31)),
    )

    def notified(self, told_on: dt.date, as_of: dt.date, *answers: Answer) -> bool:
        records = Records(rounds=self.ROUNDS, answers=answers, asked_on=ASKED)
        return criteria.was_notified(TIERP, Criterion.INFORMING, records, told_on, as_of)

    def test_of_a_shortcoming_that_lasts(self) -> None:
        assert self.notified(dt.date(2026, 4, 10), dt.date(2026, 12, 1))

    def test_not_of_one_that_came_later(self) -> None:
        answered = Answer(region_code=TIERP, round_id="2026", answered_on=dt.date(2026, 4, 20))
        assert self.notified(dt.date(2026, 4, 10), dt.date(2026, 4, 19), answered)
        assert not self.notified(dt.date(2026, 4, 10), dt.date(2027, 12, 1), answered)
        assert self.notified(dt.date(2027, 4, 10), dt.date(2027, 12, 1), answered)

    def test_not_before_the_day(self) -> None:
        assert not self.notified(dt.date(2026, 12, 2), dt.date(2026, 12, 1))

    def test_a_new_question_begins_anew(self) -> None:
        records = Records(asked_on={(TIERP, Criterion.TARGETS): dt.date(2026, 1, 1)})
        ask = (TIERP, Criterion.TARGETS, records)
        assert not criteria.was_notified(*ask, dt.date(2025, 12, 1), dt.date(2026, 12, 1))
        assert not criteria.was_notified(*ask, dt.date(2026, 6, 30), dt.date(2026, 12, 1))
        assert criteria.was_notified(*ask, dt.date(2026, 7, 1), dt.date(2026, 12, 1))


def test_the_reason_by_the_records_is_given_also_while_it_is_unknown() -> None:
    by_criterion = {one.criterion: one for one in criteria.assess(TIERP, Records(), AS_OF)}
    targets = by_criterion[Criterion.TARGETS]
    assert (targets.status, targets.reason, targets.records_reason) == (
        Status.UNKNOWN,
        "not_asked",
        "target_none",
    )
    assert targets.asked_on is None
