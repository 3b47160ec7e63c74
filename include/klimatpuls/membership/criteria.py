"""Assesses the four criteria of membership, each with its date, evidence, reason and remedy.

Methods section 11. Pure: what the registers hold and a day in, one :class:`Assessment` per criterion out.

A criterion is ``unknown`` until the secretariat has asked the member about it and six months have passed.
The public sees only ``met`` and ``unknown`` until the member has had 30 days to reply to a notification
(:func:`public_status`); the member and the secretariat see every status. The numbers of the rules are
register data (:class:`Rules`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from klimatpuls.membership.measures import Measure, months_before
from klimatpuls.statistics.series import (
    EFFORT_SHARING_PROXY,
    OUTSIDE_TRADING,
    PUBLISHED_TOTAL,
    TERRITORIAL,
)
from klimatpuls.statistics.targets import Target, TargetType
from klimatpuls.translations import message, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WHOLE_AREA: Final = (PUBLISHED_TOTAL, TERRITORIAL, EFFORT_SHARING_PROXY, OUTSIDE_TRADING)
"""Boundaries that cover the emissions of the whole area; a target on another one does not count."""
COUNCILS: Final = ("fullmäktige", "council")
"""Words by which a register names the body that decides for a municipality or region."""


class Criterion(StrEnum):
    """What the bylaws require of a member."""

    INVENTORY = "inventory"
    TARGETS = "targets"
    ACTION_PLAN = "action_plan"
    INFORMING = "informing"


class Status(StrEnum):
    """How a member stands to a criterion."""

    MET = "met"
    NOT_MET = "not_met"
    DUE = "due"
    UNKNOWN = "unknown"


SHORTCOMINGS: Final = (Status.NOT_MET, Status.DUE)
"""Statuses that are public only after the member has had its days to reply."""
NOT_ESTABLISHED: Final = "not_established"
"""Public reason of every ``unknown``, so that a hidden shortcoming looks like a member not yet asked."""


class EvidenceKind(StrEnum):
    """What a statement is based on."""

    DOCUMENT = "document"
    SELF_CONFIRMED = "self_confirmed"


REASONS: Final[dict[str, str]] = {
    "inventory_seen": message("the newest published year has been reviewed"),
    "own_inventory": message("an own inventory is recent enough"),
    "inventory_old": message("the review or the own inventory is too old"),
    "inventory_none": message("no review of an inventory has been stated"),
    "target_in_force": message("a decided target for the area's emissions is in force"),
    "target_not_council": message("the target was not decided by the council"),
    "target_not_ahead": message("the target year has passed"),
    "target_not_in_force": message("the target is not in force"),
    "target_other_scope": message("the targets are about energy, own operations or a part of the emissions"),
    "target_none": message("no target is in the register"),
    "plan_followed": message("a plan is in force and its measures are followed"),
    "plan_not_followed": message("a plan is in force, but no measure has changed for long"),
    "plan_ended": message("the plan's end has passed"),
    "plan_only_pre": message("there is only a preparatory plan"),
    "plan_none": message("no plan is in the register"),
    "round_answered": message("the latest reporting round was answered"),
    "reported_since": message("the member has reported since the round opened"),
    "round_open": message("the answer to the round is due"),
    "round_missed": message("the latest reporting round was not answered"),
    "round_none": message("no reporting round has been held"),
    "not_asked": message("the member has not been asked"),
    "asked_lately": message("the member was asked not long ago"),
    NOT_ESTABLISHED: message("not yet established: the member has not been asked or still has time to reply"),
}
"""Reason → its message."""

TO_MEET: Final[dict[Criterion, str]] = {
    Criterion.INVENTORY: message(
        "Review the newest published year in the national database and tell the "
        "secretariat, or hand in an own inventory that is at most {own_inventory_years} years old."
    ),
    Criterion.TARGETS: message(
        "Have the council decide a target for the emissions of the whole area with a year that lies ahead."
    ),
    Criterion.ACTION_PLAN: message(
        "Decide or prolong a plan, and update the status, effect, date or evidence of at "
        "least one measure within {measure_months} months."
    ),
    Criterion.INFORMING: message("Answer the latest reporting round."),
}
"""What would make a criterion met: its message, with placeholders for the rules' numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The numbers of the rules; those of the register replace these.

    Attributes:
        inventory_months: How long a review of the database is valid.
        own_inventory_years: How many years an own inventory may lag behind.
        plan_years: How long a plan without a stated end is valid.
        measure_months: How recently a measure must have changed.
        due_months: How long after a round closes an answer is due.
        unknown_months: How long a criterion stays unknown after the member was asked.
        reply_days: How long the member may reply before a shortcoming is public.
    """

    inventory_months: int = 24
    own_inventory_years: int = 2
    plan_years: int = 10
    measure_months: int = 24
    due_months: int = 6
    unknown_months: int = 6
    reply_days: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A statement about a criterion.

    Attributes:
        region_code: The member.
        criterion: The criterion.
        kind: What it is based on.
        stated_on: Its date.
        stated_by: Who stated it; a role, never a person.
        url: Link to the document.
        inventory_year: Inventory: the year reviewed, or the year of the own inventory.
    """

    region_code: str
    criterion: Criterion
    kind: EvidenceKind
    stated_on: dt.date
    stated_by: str = ""
    url: str | None = None
    inventory_year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A climate plan, or a pre-plan that prepares one and does not count.

    Attributes:
        plan_id: Stable id.
        owner_region_code: The owner.
        kind: ``plan`` or ``pre_plan``.
        decided_on: Date of the decision.
        valid_from: First day.
        valid_to: Stated end, or None.
        prolonged_to: End by a decided prolongation.
        document_url: Link.
    """

    plan_id: str
    owner_region_code: str
    kind: str = "plan"
    decided_on: dt.date | None = None
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    prolonged_to: dt.date | None = None
    document_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportingRound:
    """A round in which members are asked to report."""

    round_id: str
    opens_on: dt.date
    closes_on: dt.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A member's report; one outside any round has no ``round_id``."""

    region_code: str
    answered_on: dt.date
    round_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """The notification of a shortcoming to a member, and its reply.

    Attributes:
        told_on: When the member was notified.
        replied_on: When it replied; None while it has not.
        reply: The reply.
    """

    told_on: dt.date
    replied_on: dt.date | None = None
    reply: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What the registers hold about all members.

    Attributes:
        targets: Targets with owners.
        measures: Measures.
        plans: Climate plans and pre-plans.
        evidence: Statements.
        rounds: Reporting rounds.
        answers: Reports.
        asked_on: (region_code, criterion) → when the member was last asked; without a criterion: about all.
        published_years: Data year → first day it was published.
    """

    targets: Sequence[Target] = ()
    measures: Sequence[Measure] = ()
    plans: Sequence[Plan] = ()
    evidence: Sequence[Evidence] = ()
    rounds: Sequence[ReportingRound] = ()
    answers: Sequence[Answer] = ()
    asked_on: Mapping[tuple[str, str | None], dt.date] = field(default_factory=dict)
    published_years: Mapping[int, dt.date] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What the records say, without the rule about asking; fields as in :class:`Assessment`."""

    status: Status
    reason: str
    status_date: dt.date | None = None
    lapses_on: dt.date | None = None
    evidence_kind: EvidenceKind | None = None
    stated_by: str = ""
    url: str | None = None
    target_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment(_Finding):
    """How a member stands to one criterion on a day.

    Attributes:
        region_code: The member.
        criterion: The criterion.
        status: The status.
        reason: A key of :data:`REASONS`.
        records_reason: The same by the records alone, without the rule about asking.
        assessed_on: The day it was calculated for.
        asked_on: When the member was last asked; None: never.
        status_date: The day of the statement, decision, report or enquiry it is based on; None without one.
        lapses_on: First day on which the same records give another status; None where none is known.
        evidence_kind: ``document`` or ``self_confirmed``; None without evidence.
        stated_by: The role or body that stated it.
        url: Link to the document.
        target_id: Targets: the target that counts; empty where none does.
        to_meet_sv: What would make it met, Swedish; empty when it is.
        to_meet_en: The same in English.
    """

    region_code: str
    criterion: Criterion
    records_reason: str
    assessed_on: dt.date
    asked_on: dt.date | None = None
    to_meet_sv: str = ""
    to_meet_en: str = ""


def assess(
    region_code: str, records: Records, as_of: dt.date, rules: Rules | None = None
) -> tuple[Assessment, ...]:
    """Assess a member or applicant on each of the four criteria (methods section 11).

    Args:
        region_code: The member or applicant.
        records: What the registers hold.
        as_of: The day.
        rules: The numbers of the rules.

    Returns:
        One assessment per criterion, in the order of :class:`Criterion`.

    Example: a council's target for 2030 in force on 2026-05-08 → targets ``met`` until 2030-01-01; nothing
    else in the registers and never asked → the others ``unknown``, reason ``not_asked``.
    """
    chosen = rules or Rules()
    return tuple(_assess_one(region_code, criterion, records, as_of, chosen) for criterion in Criterion)


def _assess_one(
    region_code: str, criterion: Criterion, records: Records, as_of: dt.date, rules: Rules
) -> Assessment:
    find = {
        Criterion.INVENTORY: _inventory,
        Criterion.TARGETS: _targets,
        Criterion.ACTION_PLAN: _action_plan,
        Criterion.INFORMING: _informing,
    }[criterion]
    return _conclude(region_code, criterion, find(region_code, records, as_of, rules), records, as_of, rules)


def was_notified(
    region_code: str,
    criterion: Criterion,
    records: Records,
    told_on: dt.date,
    as_of: dt.date,
    rules: Rules | None = None,
) -> bool:
    """Whether a notification is about the shortcoming that the member has now (methods section 11).

    A shortcoming that was remedied and came back, or about which the member was asked again, is a new one:
    the member is notified again before it is public.

    Args:
        region_code: The member.
        criterion: The criterion.
        records: What the registers hold.
        told_on: When the member was notified.
        as_of: The day.
        rules: The numbers of the rules.

    Returns:
        True when by these records the criterion fell short on ``told_on`` and on every day since.

    Example: notified on 2026-04-10 of a round not answered; answered on 2026-04-20, and the next round closed
    without an answer → False.
    """
    if told_on > as_of:
        return False
    # Only a day in the records, or a new year, can end a shortcoming: so only those days are checked.
    new_years = {dt.date(year, 1, 1) for year in range(told_on.year + 1, as_of.year + 1)}
    known = _days(region_code, records) | new_years
    days = {told_on, as_of} | {day for day in known if told_on < day < as_of}
    return all(
        _assess_one(region_code, criterion, records, day, rules or Rules()).status in SHORTCOMINGS
        for day in days
    )


def _days(region_code: str, records: Records) -> set[dt.date]:
    """Every day on which something about a member was decided, begun, stated, changed, asked or reported."""
    targets = [one for one in records.targets if one.region_code == region_code]
    plans = [one for one in records.plans if one.owner_region_code == region_code]
    known = [
        *(day for one in targets for day in (one.decided_on, one.valid_from)),
        *(day for one in plans for day in (one.decided_on, one.valid_from)),
        *(one.last_updated for one in records.measures if one.owner_region_code == region_code),
        *(one.stated_on for one in records.evidence if one.region_code == region_code),
        *(one.answered_on for one in records.answers if one.region_code == region_code),
        *(day for one in records.rounds for day in (one.opens_on, one.closes_on + dt.timedelta(days=1))),
        *(day for (code, _), day in records.asked_on.items() if code == region_code),
    ]
    return {day for day in known if day is not None}


def public_status(
    status: Status, told_on: dt.date | None, as_of: dt.date, rules: Rules | None = None
) -> Status:
    """The status shown outside the member and the secretariat (methods section 11).

    Args:
        status: The status.
        told_on: When the member was notified of it; None: not yet.
        as_of: The day.
        rules: The numbers of the rules.

    Returns:
        ``met`` and ``unknown`` as they are; another status once the member has had 30 days to reply,
        ``unknown`` until then.

    Example: ``not_met``, notified on 2026-05-01 → ``unknown`` on 2026-05-30, ``not_met`` on 2026-05-31.
    """
    if status in (Status.MET, Status.UNKNOWN):
        return status
    days = (rules or Rules()).reply_days
    if told_on is None or as_of < told_on + dt.timedelta(days=days):
        return Status.UNKNOWN
    return status


def reply_until(told_on: dt.date, rules: Rules | None = None) -> dt.date:
    """The last day on which a member's shortcoming is not public (methods section 11).

    Example: notified on 2026-05-01 → 2026-05-30.
    """
    return told_on + dt.timedelta(days=(rules or Rules()).reply_days - 1)


def count_by_evidence(assessments: Iterable[Assessment]) -> dict[EvidenceKind, int]:
    """Count the met criteria by kind of evidence (methods section 11).

    Example: three met, one of them self-confirmed → document 2, self_confirmed 1.
    """
    counts = dict.fromkeys(EvidenceKind, 0)
    for assessment in assessments:
        if assessment.status is Status.MET and assessment.evidence_kind is not None:
            counts[assessment.evidence_kind] += 1
    return counts


def implied_annual_reduction_rate(target: Target) -> float | None:
    """The constant cut per year that a target implies from its base year on (methods section 11).

    It is shown beside that of the national line and decides nothing.

    Args:
        target: A target in percent below a base year, net zero with a stated cap, or a constant rate.

    Returns:
        Fraction per year; None where the target states no share of a base year, or nothing may remain.

    Example: 55 % below 1990 by 2030 → 1 − 0.45^(1/40) = 0.0198.
    """
    if target.target_type == TargetType.CONSTANT_RATE:
        return target.annual_rate
    remaining = None
    if target.target_type == TargetType.PERCENT_BELOW_BASE and target.percent_below_base is not None:
        remaining = 1.0 - target.percent_below_base / 100.0
    if target.target_type == TargetType.NET_ZERO and target.residual_percent is not None:
        remaining = target.residual_percent / 100.0
    if not remaining or target.base_year is None or target.target_year is None:
        return None
    return float(1.0 - remaining ** (1.0 / (target.target_year - target.base_year)))


def find_national_beside(target: Target, targets: Iterable[Target]) -> Target | None:
    """The national line whose implied cut is shown beside a target's (methods section 11).

    Args:
        target: A member's own target.
        targets: Targets in force.

    Returns:
        The line on the same boundary with the nearest year; of two with the same year the one without
        supplementary measures, which is for local use and demands less. None where there is no line.

    Example: a target on effort sharing for 2030 → the line −55 %, not −63 %.
    """
    lines = [
        (abs(one.target_year - target.target_year), cut, one.target_id, one)
        for one in targets
        if not one.is_own
        and one.boundary == target.boundary
        and one.target_year is not None
        and target.target_year is not None
        and (cut := implied_annual_reduction_rate(one)) is not None
    ]
    return min(lines)[-1] if lines else None


def plan_end(plan: Plan, rules: Rules | None = None) -> dt.date | None:
    """Last day on which a plan is valid (methods section 11).

    Args:
        plan: The plan.
        rules: The numbers of the rules.

    Returns:
        The later of stated end and decided prolongation; without either ten years from its decision (or its
        first day); None where nothing is dated.

    Example: decided 2014-03-31, no end stated → 2024-03-31; prolonged to 2026-12-31 → that day.
    """
    stated = [day for day in (plan.valid_to, plan.prolonged_to) if day is not None]
    if stated:
        return max(stated)
    start = plan.decided_on or plan.valid_from
    return None if start is None else _months_after(start, 12 * (rules or Rules()).plan_years)


def _conclude(
    region_code: str,
    criterion: Criterion,
    finding: _Finding,
    records: Records,
    as_of: dt.date,
    rules: Rules,
) -> Assessment:
    """Apply the rule about asking to what the records say."""
    asked = records.asked_on.get((region_code, criterion), records.asked_on.get((region_code, None)))
    records_reason = finding.reason
    if finding.status is Status.NOT_MET:
        if asked is None:
            finding = _Finding(status=Status.UNKNOWN, reason="not_asked")
        elif as_of < _months_after(asked, rules.unknown_months):
            finding = _Finding(
                status=Status.UNKNOWN,
                reason="asked_lately",
                status_date=asked,
                lapses_on=_months_after(asked, rules.unknown_months),
            )
    words = "" if finding.status is Status.MET else TO_MEET[criterion]
    numbers = {"own_inventory_years": rules.own_inventory_years, "measure_months": rules.measure_months}
    return Assessment(
        **{each.name: getattr(finding, each.name) for each in fields(finding)},
        region_code=region_code,
        criterion=criterion,
        records_reason=records_reason,
        assessed_on=as_of,
        asked_on=asked,
        to_meet_sv=translate("sv", words, **numbers),
        to_meet_en=translate("en", words, **numbers),
    )


def _inventory(region_code: str, records: Records, as_of: dt.date, rules: Rules) -> _Finding:
    stated = [
        one
        for one in records.evidence
        if (one.region_code, one.criterion) == (region_code, Criterion.INVENTORY) and one.stated_on <= as_of
    ]
    own = sorted(stated, key=lambda one: one.stated_on, reverse=True)
    if not own:
        return _Finding(status=Status.NOT_MET, reason="inventory_none")
    for one in own:
        until = _inventory_until(one, records.published_years, rules)
        if until is not None and as_of < until[0]:
            return _Finding(
                status=Status.MET,
                reason=until[1],
                status_date=one.stated_on,
                lapses_on=until[0],
                evidence_kind=one.kind,
                stated_by=one.stated_by,
                url=one.url,
            )
    return _Finding(status=Status.NOT_MET, reason="inventory_old", status_date=own[0].stated_on)


def _inventory_until(
    one: Evidence, published_years: Mapping[int, dt.date], rules: Rules
) -> tuple[dt.date, str] | None:
    """First day on which a statement is no longer valid, and its reason; None where it never was."""
    known = [year for year, day in published_years.items() if day <= one.stated_on]
    newest = max(known, default=None)
    if one.inventory_year is None or (newest is not None and one.inventory_year >= newest):
        return _months_after(one.stated_on, rules.inventory_months), "inventory_seen"
    if one.kind == EvidenceKind.DOCUMENT:
        return dt.date(one.inventory_year + rules.own_inventory_years + 1, 1, 1), "own_inventory"
    return None


def _targets(region_code: str, records: Records, as_of: dt.date, _: Rules) -> _Finding:
    own = [target for target in records.targets if target.region_code == region_code]
    reasons = []
    for target in own:
        reason = _target_shortcoming(target, as_of)
        if not reason:
            until = dt.date(target.evaluation_year(as_of), 1, 1)
            if target.valid_to is not None:
                until = min(until, target.valid_to + dt.timedelta(days=1))
            return _Finding(
                status=Status.MET,
                reason="target_in_force",
                status_date=target.decided_on,
                lapses_on=until,
                evidence_kind=(EvidenceKind.DOCUMENT if target.document_url else EvidenceKind.SELF_CONFIRMED),
                stated_by=target.decided_by,
                url=target.document_url or None,
                target_id=target.target_id,
            )
        reasons.append(reason)
    # The shortcoming of the target that came nearest is the useful one.
    order = ("target_not_council", "target_not_ahead", "target_not_in_force", "target_other_scope")
    nearest = next((reason for reason in order if reason in reasons), "target_none")
    return _Finding(status=Status.NOT_MET, reason=nearest)


def _target_shortcoming(target: Target, as_of: dt.date) -> str:
    """Why a target does not count for the criterion; empty when it does."""
    if target.boundary not in WHOLE_AREA:
        return "target_other_scope"
    if not target.in_force(as_of):
        return "target_not_in_force"
    if target.evaluation_year(as_of) <= as_of.year:
        return "target_not_ahead"
    if target.decided_on is None or not any(word in target.decided_by.casefold() for word in COUNCILS):
        return "target_not_council"
    return ""


def _action_plan(region_code: str, records: Records, as_of: dt.date, rules: Rules) -> _Finding:
    own = [plan for plan in records.plans if plan.owner_region_code == region_code]
    plans = [plan for plan in own if plan.kind == "plan"]
    if not plans:
        return _Finding(status=Status.NOT_MET, reason="plan_only_pre" if own else "plan_none")
    ends = [(plan_end(plan, rules), plan) for plan in plans]
    current = [(end, plan) for end, plan in ends if end is not None and end >= as_of and _begun(plan, as_of)]
    if not current:
        return _Finding(status=Status.NOT_MET, reason="plan_ended")
    end, plan = max(current, key=lambda one: one[0])
    changes = [
        measure.last_updated
        for measure in records.measures
        if measure.owner_region_code == region_code and measure.last_updated is not None
    ]
    latest = max((day for day in changes if day <= as_of), default=None)
    if latest is None or latest < months_before(as_of, rules.measure_months):
        return _Finding(status=Status.NOT_MET, reason="plan_not_followed", status_date=plan.decided_on)
    return _Finding(
        status=Status.MET,
        reason="plan_followed",
        status_date=latest,
        lapses_on=min(
            end + dt.timedelta(days=1),
            _months_after(latest, rules.measure_months) + dt.timedelta(days=1),
        ),
        evidence_kind=EvidenceKind.DOCUMENT if plan.document_url else EvidenceKind.SELF_CONFIRMED,
        url=plan.document_url,
    )


def _begun(plan: Plan, as_of: dt.date) -> bool:
    return plan.valid_from is None or plan.valid_from <= as_of


def _informing(region_code: str, records: Records, as_of: dt.date, rules: Rules) -> _Finding:
    closed = [one for one in records.rounds if one.closes_on < as_of]
    is_open = any(one.opens_on <= as_of <= one.closes_on for one in records.rounds)
    latest = max(closed, key=lambda one: one.closes_on, default=None)
    # Without a closed round, an answer to the open one counts from the first day of any round.
    counted = [latest] if latest is not None else records.rounds if is_open else []
    counted_from = min((one.opens_on for one in counted), default=dt.date.max)
    own = [one for one in records.answers if one.region_code == region_code and one.answered_on <= as_of]
    for one in sorted(own, key=lambda answer: answer.answered_on, reverse=True):
        is_of_latest = latest is not None and one.round_id == latest.round_id
        if is_of_latest or one.answered_on >= counted_from:
            return _Finding(
                status=Status.MET,
                reason="round_answered" if is_of_latest or latest is None else "reported_since",
                status_date=one.answered_on,
                evidence_kind=EvidenceKind.SELF_CONFIRMED,
            )
    if is_open:
        return _Finding(status=Status.DUE, reason="round_open")
    if latest is None:
        return _Finding(status=Status.UNKNOWN, reason="round_none")
    ends = _months_after(latest.closes_on, rules.due_months)
    if as_of <= ends:
        return _Finding(status=Status.DUE, reason="round_open", lapses_on=ends + dt.timedelta(days=1))
    return _Finding(status=Status.NOT_MET, reason="round_missed", status_date=latest.closes_on)


def _months_after(day: dt.date, months: int) -> dt.date:
    return months_before(day, -months)
