"""Calculates where every member stands, as result tables of a publication: pure, registers in, frames out.

The formulas are those of :mod:`klimatpuls.membership.criteria` and :mod:`klimatpuls.membership.measures`
(methods sections 10 and 11); this module says which members they apply to and which tables they fill.

Assessed are confirmed members that have not left, and applicants. Observers and unconfirmed members have no
obligations. The public status hides a shortcoming until the member has had its days to reply.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pandas as pd

from klimatpuls.membership import criteria, measures
from klimatpuls.membership.measures import MeasureStatus, PledgeStatus
from klimatpuls.statistics import network
from klimatpuls.statistics.steps import Steps
from klimatpuls.statistics.targets import select_in_force
from klimatpuls.translations import message, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from klimatpuls.membership.criteria import Assessment, Hearing, Records, Rules
    from klimatpuls.membership.measures import Pledge
    from klimatpuls.statistics.steps import Failure, Result

MEMBER: Final = "member"
APPLICANT: Final = "applicant"
NO_TARGET: Final = message("no target of its own is in the register")
"""Note on a member without a target in force."""

CRITERION_COLUMNS: Final = (
    "region_code", "member_kind", "criterion", "status", "shown_status", "status_date", "lapses_on",
    "evidence_kind", "stated_by", "document_url", "target_id", "implied_annual_reduction_rate",
    "national_target_id", "national_annual_reduction_rate", "reason", "reason_sv", "reason_en",
    "records_reason", "records_reason_sv", "records_reason_en", "to_meet_sv", "to_meet_en", "asked_on",
    "told_on", "reply_until", "replied_on", "reply", "as_of_date",
)  # fmt: skip
MEASURE_COLUMNS: Final = (
    "measure_id", "region_code", "is_overdue", "is_stale", "overdue_from", "stale_from", "as_of_date",
)  # fmt: skip
PLEDGE_COLUMNS: Final = (
    "pledge_id", "region_code", "status", "measure_count", "done_count", "overdue_count", "stale_count",
    "as_of_date",
)  # fmt: skip
COVERAGE_COLUMNS: Final = (
    "region_code", "target_id", "sector_code", "boundary", "last_year", "target_year", "gap_tco2e",
    "counted_reduction_tco2e", "planned_reduction_tco2e", "coverage_pct", "coverage_points",
    "coverage_reason", "reason_sv", "reason_en", "measure_count", "without_effect_count",
    "without_effect_pct", "overlap",
)  # fmt: skip
OVERVIEW_COLUMNS: Final = (
    "region_code", "member_kind", "target_count", "target_note_sv", "target_note_en", "met_count",
    "documented_count", "self_confirmed_count", "measure_count", "overdue_count", "stale_count",
    "pledge_count", "pledge_at_risk_count", "as_of_date",
)  # fmt: skip
DATED: Final[dict[str, tuple[str, ...]]] = {
    "criterion": (
        "region_code", "criterion", "member_kind", "status", "shown_status", "reason", "target_id",
        "evidence_kind", "lapses_on",
    ),
    "member_overview": ("region_code", "target_count"),
    "measure_status": ("measure_id", "is_overdue", "is_stale"),
    "pledge_status": ("pledge_id", "status"),
}  # fmt: skip
"""Table → its key and the columns that the passing of a day alone can change."""
PUBLIC: Final[dict[str, tuple[str, ...]]] = {
    "criterion": ("region_code", "criterion", "shown_status"),
    "measure_status": DATED["measure_status"],
    "pledge_status": DATED["pledge_status"],
}
"""As :data:`DATED`, public columns only: even a number of changes would reveal a hidden status."""


@dataclass(frozen=True, kw_only=True)
class OwnTarget:
    """A member's own target, as the publication calculated it.

    Attributes:
        region_code: The owner.
        target_id: The target.
        boundary: What it is about.
        last_year: Latest data year; None where the target could not be calculated.
        target_year: The year it is evaluated at.
        observed_gap_tco2e: E_last − level, tonnes CO2e; NaN where the level cannot be calculated.
    """

    region_code: str
    target_id: str
    boundary: str
    last_year: int | None
    target_year: int | None
    observed_gap_tco2e: float


@dataclass(frozen=True, kw_only=True)
class MemberInputs:
    """What the registers hold about members, as of a day.

    Attributes:
        as_of: The run's day.
        members: One row per entry of the register of members: ``region_code``, ``joined_on``, ``left_on``,
            ``confirmed``, ``is_applicant``, ``is_observer``.
        records: Targets, measures, plans, statements, rounds, answers, enquiries and published years.
        pledges: Pledges.
        hearings: (region_code, criterion) → its last notification of a shortcoming, and its reply.
        own_targets: Members' own targets as calculated.
        rules: The numbers of the rules.
        stale_after_months: An open measure without a change for so long is stale.
    """

    as_of: date
    members: pd.DataFrame
    records: Records
    pledges: Sequence[Pledge] = ()
    hearings: Mapping[tuple[str, str], Hearing] = field(default_factory=dict)
    own_targets: Sequence[OwnTarget] = ()
    rules: Rules = field(default_factory=criteria.Rules)
    stale_after_months: int = measures.STALE_AFTER_MONTHS


def each_member_result(
    inputs: MemberInputs | None, unread: Mapping[str, Failure] | None = None
) -> Iterator[Result]:
    """Calculate where every member stands, table by table (methods sections 10 and 11).

    Args:
        inputs: What the registers hold, and the day; None where it could not be read.
        unread: ``inputs`` or ``target_progress`` → why it could not be read, or calculated.

    Yields:
        A table of ``mart_data`` (``criterion``, ``measure_status``, ``pledge_status``, ``member_overview``,
        ``measure_coverage``) and its frame, with all columns but ``publication_id``, or its failure.

    Example: an applicant without anything in the registers → four criteria ``unknown``, and an overview that
    says that no target of its own is in the register.
    """
    lacking = unread or {}
    roots = {"inputs": inputs, TARGET_PROGRESS: inputs.own_targets if inputs is not None else None}
    yield from STEPS.run({name: value for name, value in roots.items() if name not in lacking}, lacking)


TARGET_PROGRESS: Final = "target_progress"
"""The result table that own targets are read from."""
STEPS: Final = Steps(frozenset({"inputs", TARGET_PROGRESS}))
"""Everything that is calculated of members, in order."""


@STEPS.shared
def _member_kinds(inputs: MemberInputs) -> dict[str, str]:
    return assessed_members(inputs.members, inputs.as_of)


@STEPS.shared
def _assessments(inputs: MemberInputs, member_kinds: Mapping[str, str]) -> dict[str, Sequence[Assessment]]:
    return {code: criteria.assess(code, inputs.records, inputs.as_of, inputs.rules) for code in member_kinds}


@STEPS.table("criterion")
def _criterion(
    inputs: MemberInputs, member_kinds: Mapping[str, str], assessments: Mapping[str, Sequence[Assessment]]
) -> pd.DataFrame:
    rows = (
        _criterion_row(assessment, member_kinds[code], inputs)
        for code, own in assessments.items()
        for assessment in own
    )
    return _frame(rows, CRITERION_COLUMNS)


@STEPS.shared
def _measured(inputs: MemberInputs) -> pd.DataFrame:
    rows = (
        {
            "measure_id": measure.measure_id,
            "region_code": measure.owner_region_code,
            "is_overdue": measures.is_overdue(measure, inputs.as_of),
            "is_stale": measures.is_stale(measure, inputs.as_of, inputs.stale_after_months),
            "overdue_from": measures.overdue_from(measure),
            "stale_from": measures.stale_from(measure, inputs.stale_after_months),
            "as_of_date": inputs.as_of,
        }
        for measure in inputs.records.measures
    )
    return _frame(rows, MEASURE_COLUMNS)


@STEPS.shared
def _pledged(inputs: MemberInputs) -> pd.DataFrame:
    return _frame((_pledge_row(pledge, inputs) for pledge in inputs.pledges), PLEDGE_COLUMNS)


@STEPS.table("measure_status")
def _measure_status(measured: pd.DataFrame) -> pd.DataFrame:
    return measured


@STEPS.table("pledge_status")
def _pledge_status(pledged: pd.DataFrame) -> pd.DataFrame:
    return pledged


@STEPS.table("member_overview")
def _member_overview(
    inputs: MemberInputs,
    member_kinds: Mapping[str, str],
    assessments: Mapping[str, Sequence[Assessment]],
    measured: pd.DataFrame,
    pledged: pd.DataFrame,
) -> pd.DataFrame:
    rows = (
        _overview_row(
            code,
            member_kinds[code],
            own,
            measured[measured["region_code"] == code],
            pledged[pledged["region_code"] == code],
            inputs,
        )
        for code, own in assessments.items()
    )
    return _frame(rows, OVERVIEW_COLUMNS)


def assessed_members(members: pd.DataFrame, as_of: date) -> dict[str, str]:
    """The regions assessed on a day: region_code → ``member`` or ``applicant``, by code.

    Args:
        members: As :attr:`MemberInputs.members`.
        as_of: The day.

    Example: confirmed and joining tomorrow → not yet assessed; an observer → not assessed.
    """
    found = {}
    for row in members.sort_values("region_code").to_dict("records"):
        if not network.is_member_on(row["joined_on"], row["left_on"], as_of):
            continue
        if row["is_applicant"]:
            found[str(row["region_code"])] = APPLICANT
        elif row["confirmed"] and not row["is_observer"]:
            found[str(row["region_code"])] = MEMBER
    return found


def _criterion_row(assessment: Assessment, kind: str, inputs: MemberInputs) -> dict[str, object]:
    code, criterion = assessment.region_code, assessment.criterion
    hearing = None
    if assessment.status in criteria.SHORTCOMINGS:
        hearing = inputs.hearings.get((code, criterion))
    if hearing is not None and not criteria.was_notified(
        code, criterion, inputs.records, hearing.told_on, inputs.as_of, inputs.rules
    ):
        hearing = None
    told_on = hearing.told_on if hearing else None
    shown = criteria.public_status(assessment.status, told_on, inputs.as_of, inputs.rules)
    reason, by_records = (
        _words(criteria.REASONS[one]) for one in (assessment.reason, assessment.records_reason)
    )
    return {
        "region_code": code,
        "member_kind": kind,
        "criterion": str(criterion),
        "status": str(assessment.status),
        "shown_status": str(shown),
        "status_date": assessment.status_date,
        "lapses_on": assessment.lapses_on,
        "evidence_kind": str(assessment.evidence_kind) if assessment.evidence_kind else None,
        "stated_by": assessment.stated_by or None,
        "document_url": assessment.url,
        **_implied_cuts(assessment, inputs),
        "reason": assessment.reason,
        "reason_sv": reason[0],
        "reason_en": reason[1],
        "records_reason": assessment.records_reason,
        "records_reason_sv": by_records[0],
        "records_reason_en": by_records[1],
        "to_meet_sv": assessment.to_meet_sv or None,
        "to_meet_en": assessment.to_meet_en or None,
        "asked_on": assessment.asked_on,
        "told_on": told_on,
        "reply_until": criteria.reply_until(told_on, inputs.rules) if told_on else None,
        "replied_on": hearing.replied_on if hearing else None,
        "reply": hearing.reply if hearing else None,
        "as_of_date": inputs.as_of,
    }


def _words(text: str | None) -> tuple[str | None, str | None]:
    """A message in Swedish and English; None in both where there is none."""
    return (None, None) if text is None else (translate("sv", text), translate("en", text))


def _implied_cuts(assessment: Assessment, inputs: MemberInputs) -> dict[str, object]:
    """The yearly cuts implied by the target that counts and by the national line; they decide nothing."""
    in_force = select_in_force(inputs.records.targets, inputs.as_of)
    own = next((one for one in in_force if one.target_id == assessment.target_id), None)
    line = criteria.find_national_beside(own, in_force) if own else None
    return {
        "target_id": assessment.target_id or None,
        "implied_annual_reduction_rate": criteria.implied_annual_reduction_rate(own) if own else None,
        "national_target_id": line.target_id if line else None,
        "national_annual_reduction_rate": criteria.implied_annual_reduction_rate(line) if line else None,
    }


def _pledge_row(pledge: Pledge, inputs: MemberInputs) -> dict[str, object]:
    own = measures.measures_of(pledge, inputs.records.measures)
    months = inputs.stale_after_months
    return {
        "pledge_id": pledge.pledge_id,
        "region_code": pledge.owner_region_code,
        "status": str(measures.pledge_status(pledge, own, inputs.as_of, months)),
        "measure_count": len(own),
        "done_count": sum(measure.status == MeasureStatus.DONE for measure in own),
        "overdue_count": sum(measures.is_overdue(measure, inputs.as_of) for measure in own),
        "stale_count": sum(measures.is_stale(measure, inputs.as_of, months) for measure in own),
        "as_of_date": inputs.as_of,
    }


@STEPS.table("measure_coverage")
def _measure_coverage(inputs: MemberInputs, target_progress: Sequence[OwnTarget]) -> pd.DataFrame:
    """One row per own target × sector with a measure, and ``all``; none for a target without a result."""
    frames = []
    assessed = {target.target_id: target.measures_overlap for target in inputs.records.targets}
    for target in target_progress:
        if target.last_year is None or target.target_year is None:
            continue
        found = measures.build_coverage(
            inputs.records.measures,
            owner_region_code=target.region_code,
            boundary=target.boundary,
            last_year=target.last_year,
            target_year=target.target_year,
            observed_gap_tco2e=target.observed_gap_tco2e,
            overlap=assessed.get(target.target_id) or measures.OVERLAP_NOT_ASSESSED,
        )
        frames.append(
            found.assign(
                region_code=target.region_code,
                target_id=target.target_id,
                boundary=target.boundary,
                last_year=target.last_year,
                target_year=target.target_year,
            )
        )
    if not frames:
        return pd.DataFrame(columns=list(COVERAGE_COLUMNS))
    whole = pd.concat(frames, ignore_index=True).rename(
        columns={"measures_n": "measure_count", "without_effect_n": "without_effect_count"}
    )
    reasons = [one if isinstance(one, str) and one else None for one in whole["coverage_reason"]]
    words = [_words(measures.COVERAGE_REASONS[one] if one else None) for one in reasons]
    whole["coverage_reason"] = pd.Series(reasons, dtype=object)
    whole["reason_sv"] = pd.Series([sv for sv, _ in words], dtype=object)
    whole["reason_en"] = pd.Series([en for _, en in words], dtype=object)
    return whole[list(COVERAGE_COLUMNS)]


def _overview_row(
    code: str,
    kind: str,
    own: Sequence[Assessment],
    measured: pd.DataFrame,
    pledged: pd.DataFrame,
    inputs: MemberInputs,
) -> dict[str, object]:
    in_force = [t for t in select_in_force(inputs.records.targets, inputs.as_of) if t.region_code == code]
    met_by = criteria.count_by_evidence(own)
    note = _words(None if in_force else NO_TARGET)
    return {
        "region_code": code,
        "member_kind": kind,
        "target_count": len(in_force),
        "target_note_sv": note[0],
        "target_note_en": note[1],
        "met_count": sum(one.status is criteria.Status.MET for one in own),
        "documented_count": met_by[criteria.EvidenceKind.DOCUMENT],
        "self_confirmed_count": met_by[criteria.EvidenceKind.SELF_CONFIRMED],
        "measure_count": len(measured),
        "overdue_count": int(measured["is_overdue"].sum()),
        "stale_count": int(measured["is_stale"].sum()),
        "pledge_count": len(pledged),
        "pledge_at_risk_count": int((pledged["status"] == PledgeStatus.AT_RISK).sum()),
        "as_of_date": inputs.as_of,
    }


def count_changes(
    before: Mapping[str, Iterable[tuple[object, ...]]],
    after: Mapping[str, pd.DataFrame],
    compared: Mapping[str, tuple[str, ...]] = DATED,
) -> dict[str, int]:
    """Count the dated statuses that changed.

    Args:
        before: Table of ``compared`` → rows of its columns as they are shown now.
        after: Table → its new rows; a table that could not be calculated is left out.
        compared: Table → the columns to compare, its key first: :data:`DATED` or :data:`PUBLIC`.

    Returns:
        Table → number of keys that appeared, vanished or changed; every table named, 0 where none did.
    """
    counts = dict.fromkeys(compared, 0)
    for table in compared.keys() & after.keys():
        key = 2 if table == "criterion" else 1
        then = {row[:key]: row[key:] for row in before[table]}
        now = {row[:key]: row[key:] for row in _rows(after[table], compared[table])}
        counts[table] = sum(then.get(name) != now.get(name) for name in then.keys() | now.keys())
    return counts


def _rows(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
    yield from zip(*(frame[name].tolist() for name in columns), strict=True)


def _frame(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """A frame whose missing values stay None, days stay days and counts stay counts."""
    return pd.DataFrame(list(rows), columns=list(columns), dtype=object)
