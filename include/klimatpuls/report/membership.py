"""Section on the four criteria of membership, and on measures compared with the gap.

Methods sections 10 and 11 define the content: only what is public, documented counts beside the totals, no
list of members that fall short, and coverage always with its overlap and the measures without an effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.membership.measures import COVERAGE_REASONS, OVERLAP_NOT_ASSESSED
from klimatpuls.report.page import Block, Bullets, Paragraph, Section, Table
from klimatpuls.report.terms import not_calculated
from klimatpuls.translations import message

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import Coverage, CriterionSum, Digest

CRITERIA: Final[dict[str, str]] = {
    "inventory": message("Inventory"),
    "targets": message("Targets"),
    "action_plan": message("Action plan"),
    "informing": message("Informing the network"),
}


def membership(digest: Digest, say: Speaker) -> Section | None:
    """Criteria, measures, pledges and coverage; None where there is no member to speak of."""
    blocks: list[Block] = []
    if "criterion" in digest.not_calculated:
        blocks.append(Paragraph(not_calculated(say)))
    elif digest.criteria:
        if all(one.unknown_count == one.member_count for one in digest.criteria):
            blocks.append(Paragraph(_nothing_established(digest.criteria[0].member_count, say)))
        else:
            blocks += _picture(digest, say)
    sentences = (*_measures(digest, say), *(_coverage(one, say) for one in digest.coverage))
    if sentences:
        blocks.append(Bullets(sentences))
    if digest.not_calculated & {"member_overview", "measure_coverage"}:
        what = say("Measures and coverage")
        blocks.append(Paragraph(f"{what}: {not_calculated(say)}"))
    if not blocks:
        return None
    return Section(say("The four criteria of membership"), tuple(blocks))


def _nothing_established(members: int, say: Speaker) -> str:
    return say(
        "Not yet established for any member ({members}): they have not been asked or "
        "still have time to reply.",
        members=members,
    )


def _picture(digest: Digest, say: Speaker) -> list[Block]:
    members = digest.criteria[0].member_count
    table = Table(
        caption=say("Number of {members} members", members=members),
        columns=(
            say("Criterion"),
            say("Met"),
            say("of which with a document"),
            say("Not met"),
            say("Answer due"),
            say("Not established"),
        ),
        rows=tuple(_criterion_row(one, say) for one in digest.criteria),
    )
    note = say(
        "The rest of what is met rests on the member's own word. A shortcoming is "
        "shown once the member has had its days to reply."
    )
    return [table, Paragraph(note, tone="note")]


def _criterion_row(one: CriterionSum, say: Speaker) -> tuple[str, ...]:
    counts = (one.met_count, one.documented_count, one.not_met_count, one.due_count, one.unknown_count)
    return (say(CRITERIA[one.criterion]), *(say.number(count) for count in counts))


def _measures(digest: Digest, say: Speaker) -> list[str]:
    counts = digest.measures
    sentences = []
    if digest.own_targets and counts.without_target_count:
        sentences.append(
            say(
                "Members without a target of their own in the register: {without_target_count}.",
                without_target_count=counts.without_target_count,
            )
        )
    if counts.measure_count:
        sentences.append(
            say(
                "Measures in the register: {measure_count}, of which {overdue_count} overdue "
                "and {stale_count} stale (open and unchanged for long).",
                measure_count=counts.measure_count,
                overdue_count=counts.overdue_count,
                stale_count=counts.stale_count,
            )
        )
    if counts.pledge_count:
        sentences.append(
            say(
                "Pledges: {pledge_count}, of which {pledge_at_risk_count} at risk.",
                pledge_count=counts.pledge_count,
                pledge_at_risk_count=counts.pledge_at_risk_count,
            )
        )
    return sentences


def _coverage(one: Coverage, say: Speaker) -> str:
    what = f"{one.region_name}, {say.either(one.target_title_sv, one.target_title_en)}"
    if not one.measure_count:
        return say("{what}: no measures in the register yet.", what=what)
    if one.coverage_pct is None:
        known = COVERAGE_REASONS.get(one.coverage_reason or "")
        reason = say(known) if known else say("no reason was given")
        return say("{what}: measures cannot be held against the gap, {reason}.", what=what, reason=reason)
    overlap = one.overlap or OVERLAP_NOT_ASSESSED
    assessed = (
        say("overlap is not assessed")
        if overlap == OVERLAP_NOT_ASSESSED
        else say("overlap: {overlap}", overlap=overlap)
    )
    return say(
        "{what}: measures cover {coverage_pct} of the gap of {gap_tco2e} (measures: "
        "{measure_count}, without a calculated effect: {without_effect_count}; "
        "{assessed}).",
        what=what,
        coverage_pct=say.share(one.coverage_pct),
        gap_tco2e=say.tonnes(one.gap_tco2e),
        measure_count=one.measure_count,
        without_effect_count=one.without_effect_count,
        assessed=assessed,
    )
