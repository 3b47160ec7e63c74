"""Where members stand, as frames: who is assessed, what is hidden, what a day changes."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.frames import frames_of

from klimatpuls.membership import members
from klimatpuls.membership.criteria import Answer, Criterion, Hearing, Records, ReportingRound
from klimatpuls.membership.measures import Measure, Pledge
from klimatpuls.membership.members import MemberInputs, OwnTarget
from klimatpuls.statistics.targets import Target

AS_OF = dt.date(2026, 5, 8)
LUND, MALMO, TIERP = "1281", "1280", "0360"
ROUND = ReportingRound(round_id="2026", opens_on=dt.date(2025, 12, 1), closes_on=dt.date(2026, 1, 31))
HEARING = Hearing(told_on=dt.date(2026, 2, 5), replied_on=dt.date(2026, 2, 20), reply="I höst")
BUS = Measure(
    measure_id="bus",
    owner_region_code=LUND,
    boundary="territorial",
    sector_code="transport",
    title="Elbussar",
    status="ongoing",
    end_date=dt.date(2026, 5, 8),
    effects={2030: 200.0},
    last_updated=dt.date(2026, 1, 15),
)
TARGET = Target(
    target_id="lund",
    region_code=LUND,
    target_type="percent_below_base",
    base_year=1990,
    target_year=2030,
    percent_below_base=70.0,
    decided_on=dt.date(2021, 11, 9),
    decided_by="Kommunfullmäktige",
)


def register(*rows: tuple[str, str]) -> pd.DataFrame:
    """Code and sort of every entry."""
    return pd.DataFrame(
        [
            {
                "region_code": code,
                "joined_on": None,
                "left_on": None,
                "confirmed": sort == "member",
                "is_applicant": sort == "applicant",
                "is_observer": sort == "observer",
            }
            for code, sort in rows
        ],
        columns=["region_code", "joined_on", "left_on", "confirmed", "is_applicant", "is_observer"],
        dtype=object,
    )


INPUTS = MemberInputs(
    as_of=AS_OF,
    members=register((MALMO, "member"), (LUND, "member"), (TIERP, "applicant")),
    records=Records(
        targets=[TARGET],
        measures=[BUS],
        rounds=[ROUND],
        answers=[Answer(region_code=LUND, round_id="2026", answered_on=dt.date(2026, 1, 9))],
        asked_on={(MALMO, Criterion.INFORMING): dt.date(2025, 1, 1)},
    ),
    pledges=[
        Pledge(pledge_id="p", owner_region_code=LUND, promised_to="Länet", wording="x", measure_ids=("bus",))
    ],
    own_targets=[
        OwnTarget(
            region_code=LUND,
            target_id="lund",
            boundary="territorial",
            last_year=2024,
            target_year=2030,
            observed_gap_tco2e=1_000.0,
        )
    ],
)


def build_members(inputs: MemberInputs) -> dict[str, pd.DataFrame]:
    return frames_of(members.each_member_result(inputs))


def criterion(inputs: MemberInputs, code: str, which: str) -> dict[str, object]:
    frame = build_members(inputs)["criterion"].set_index(["region_code", "criterion"])
    return frame.loc[(code, which)].to_dict()


def test_who_is_assessed() -> None:
    rows = register(("0180", "member"), ("0187", "observer"), (TIERP, "applicant"), ("0123", "probable"))
    assert members.assessed_members(rows, AS_OF) == {"0180": "member", TIERP: "applicant"}


@pytest.mark.parametrize(
    ("joined", "left", "is_asked"),
    [
        (AS_OF, None, True),
        (AS_OF + dt.timedelta(1), None, False),
        (None, AS_OF, False),
        (None, AS_OF + dt.timedelta(1), True),
    ],
)
def test_a_member_is_one_from_the_day_it_joins_to_the_day_it_leaves(joined, left, is_asked) -> None:
    rows = register(("0180", "member"))
    rows.loc[0, ["joined_on", "left_on"]] = [joined, left]
    assert bool(members.assessed_members(rows, AS_OF)) is is_asked


def test_every_member_has_four_rows_and_one_overview() -> None:
    frames = build_members(INPUTS)
    assert frames["criterion"].groupby("region_code").size().to_dict() == {LUND: 4, MALMO: 4, TIERP: 4}
    overview = frames["member_overview"].set_index("region_code")
    assert overview.loc[LUND, ["target_count", "met_count", "measure_count", "pledge_count"]].tolist() == [
        1,
        2,
        1,
        1,
    ]
    assert overview.loc[LUND, ["documented_count", "self_confirmed_count"]].tolist() == [0, 2]
    assert overview.loc[LUND, "target_note_sv"] is None
    assert overview.loc[TIERP, ["target_note_sv", "target_note_en"]].tolist() == [
        "inget eget mål finns i registret",
        members.NO_TARGET,
    ]


def test_a_shortcoming_is_hidden_until_the_days_to_reply_have_passed() -> None:
    hidden = criterion(INPUTS, MALMO, "informing")
    assert (hidden["status"], hidden["shown_status"], hidden["told_on"]) == ("due", "unknown", None)
    heard = replace(INPUTS, hearings={(MALMO, "informing"): HEARING})
    for day, shown in ((dt.date(2026, 3, 6), "unknown"), (dt.date(2026, 3, 7), "due")):
        row = criterion(replace(heard, as_of=day), MALMO, "informing")
        assert (row["status"], row["shown_status"]) == ("due", shown)
        assert (row["reply_until"], row["reply"]) == (dt.date(2026, 3, 6), "I höst")


def test_a_notification_of_an_earlier_shortcoming_publishes_nothing() -> None:
    answered = replace(
        INPUTS.records, answers=[Answer(region_code=MALMO, round_id="2026", answered_on=dt.date(2026, 2, 20))]
    )
    later = ReportingRound(round_id="2027", opens_on=dt.date(2026, 12, 1), closes_on=dt.date(2027, 1, 31))
    records = replace(answered, rounds=[ROUND, later])
    inputs = replace(
        INPUTS, records=records, hearings={(MALMO, "informing"): HEARING}, as_of=dt.date(2027, 12, 1)
    )
    row = criterion(inputs, MALMO, "informing")
    assert (row["status"], row["shown_status"], row["told_on"]) == ("not_met", "unknown", None)


def test_coverage_by_sector_and_in_total() -> None:
    frame = build_members(INPUTS)["measure_coverage"].set_index("sector_code")
    assert frame.loc["all", ["coverage_pct", "coverage_points", "gap_tco2e"]].tolist() == [
        20.0,
        20.0,
        1_000.0,
    ]
    assert frame.loc["transport", "coverage_points"] == 20.0
    assert frame.loc["all", "coverage_reason"] is None
    assert frame.loc["all", "overlap"] == "not_assessed"
    at_level = replace(INPUTS.own_targets[0], observed_gap_tco2e=-1.0)
    reached = build_members(replace(INPUTS, own_targets=[at_level]))["measure_coverage"]
    assert reached.set_index("sector_code").loc["all", ["coverage_reason", "reason_en"]].tolist() == [
        "already_at_level",
        "already at the level",
    ]


def test_an_assessed_overlap_keeps_the_words_of_the_assessor() -> None:
    words = "Värmen och fordonen överlappar inte; energikontoret, 2026-03-01"
    targets = [replace(target, measures_overlap=words) for target in INPUTS.records.targets]
    inputs = replace(INPUTS, records=replace(INPUTS.records, targets=targets))
    frame = build_members(inputs)["measure_coverage"].set_index("sector_code")
    assert frame.loc["all", "overlap"] == words
    assert frame.loc["all", "coverage_pct"] == 20.0, "no factor is invented"


def test_nothing_in_the_registers_is_no_error() -> None:
    frames = build_members(MemberInputs(as_of=AS_OF, members=register(), records=Records()))
    assert {name: len(frame) for name, frame in frames.items()} == {
        "criterion": 0, "measure_status": 0, "pledge_status": 0, "measure_coverage": 0, "member_overview": 0,
    }  # fmt: skip
    assert list(frames["measure_coverage"].columns) == list(members.COVERAGE_COLUMNS)


def shown(frames: dict[str, pd.DataFrame]) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: list(frames[table][list(columns)].itertuples(index=False, name=None))
        for table, columns in members.DATED.items()
    }


def test_a_day_changes_what_it_changes_and_nothing_else() -> None:
    before = shown(build_members(INPUTS))
    same = build_members(replace(INPUTS, as_of=AS_OF))
    nothing = {"criterion": 0, "member_overview": 0, "measure_status": 0, "pledge_status": 0}
    assert members.count_changes(before, same) == nothing
    tomorrow = build_members(replace(INPUTS, as_of=AS_OF + dt.timedelta(1)))
    assert members.count_changes(before, tomorrow) == {
        "criterion": 0,
        "member_overview": 0,
        "measure_status": 1,
        "pledge_status": 1,
    }
    left = replace(INPUTS, members=register((LUND, "member")))
    assert members.count_changes(before, build_members(left))["criterion"] == 8


def test_a_change_that_is_not_shown_outside_is_not_counted_outside() -> None:
    frames = build_members(INPUTS)
    before = {
        table: list(frames[table][list(columns)].itertuples(index=False, name=None))
        for table, columns in members.PUBLIC.items()
    }
    fallen = {**frames, "criterion": frames["criterion"].assign(status="fallen", reason="another")}
    assert members.count_changes(shown(frames), fallen)["criterion"] == len(frames["criterion"])
    assert set(members.count_changes(before, fallen, members.PUBLIC).values()) == {0}


@pytest.mark.parametrize("column", ["evidence_kind", "target_id", "lapses_on"])
def test_another_target_or_evidence_is_a_change_though_the_status_stands(column: str) -> None:
    frames = build_members(INPUTS)
    other = {**frames, "criterion": frames["criterion"].assign(**{column: "another"})}
    assert members.count_changes(shown(frames), other)["criterion"] == len(frames["criterion"])


@given(days=st.integers(0, 1500))
def test_what_is_shown_is_what_is_or_unknown(days: int) -> None:
    frame = build_members(replace(INPUTS, as_of=AS_OF + dt.timedelta(days)))["criterion"]
    assert all(row.shown_status in (row.status, "unknown") for row in frame.itertuples())
    assert not (frame["shown_status"] == "unknown")[frame["status"] == "met"].any()
