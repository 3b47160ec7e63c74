"""The four criteria of membership, and measures against the gap: the network's picture in a few lines.

Worded as methods sections 10 and 11 ask: only what is shown outside, self-confirmed beside documented, no
list of who falls short, and coverage never without its overlap and the measures nobody reckoned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.membership.measures import COVERAGE_REASONS, OVERLAP_NOT_ASSESSED
from klimatpuls.report.page import Block, Bullets, Paragraph, Section, Table
from klimatpuls.report.terms import not_calculated

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import Coverage, CriterionSum, Digest

CRITERIA: Final[dict[str, tuple[str, str]]] = {
    "inventory": ("Inventera utsläppen", "Inventory"),
    "targets": ("Sätta mål", "Targets"),
    "action_plan": ("Handlingsplan", "Action plan"),
    "informing": ("Informera nätverket", "Informing the network"),
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
    told = (*_measures(digest, say), *(_coverage(one, say) for one in digest.coverage))
    if told:
        blocks.append(Bullets(told))
    if digest.not_calculated & {"member_overview", "measure_coverage"}:
        what = say("Åtgärder och täckning", "Measures and coverage")
        blocks.append(Paragraph(f"{what}: {not_calculated(say)}"))
    if not blocks:
        return None
    return Section(say("Medlemskapets fyra kriterier", "The four criteria of membership"), tuple(blocks))


def _nothing_established(members: int, say: Speaker) -> str:
    return say(
        f"Ännu inte fastställt för någon medlem ({members}): de är inte tillfrågade eller har tid kvar att "
        "svara.",
        f"Not yet established for any member ({members}): they have not been asked or still have time to "
        "reply.",
    )


def _picture(digest: Digest, say: Speaker) -> list[Block]:
    members = digest.criteria[0].member_count
    table = Table(
        caption=say(f"Antal av {members} medlemmar", f"Number of {members} members"),
        columns=(
            say("Kriterium", "Criterion"),
            say("Uppfyllt", "Met"),
            say("varav med dokument", "of which with a document"),
            say("Inte uppfyllt", "Not met"),
            say("Svar väntas", "Answer due"),
            say("Inte fastställt", "Not established"),
        ),
        rows=tuple(_criterion_row(one, say) for one in digest.criteria),
    )
    note = say(
        "Resten av det uppfyllda bygger på medlemmens egen uppgift. En brist visas först när medlemmen har "
        "haft sin tid att svara.",
        "The rest of what is met rests on the member's own word. A shortcoming is shown once the member has "
        "had its days to reply.",
    )
    return [table, Paragraph(note, tone="note")]


def _criterion_row(one: CriterionSum, say: Speaker) -> tuple[str, ...]:
    counts = (one.met_count, one.documented_count, one.not_met_count, one.due_count, one.unknown_count)
    return (say(*CRITERIA[one.criterion]), *(say.number(count) for count in counts))


def _measures(digest: Digest, say: Speaker) -> list[str]:
    counts = digest.measures
    sentences = []
    if digest.own_targets and counts.without_target_count:
        sentences.append(
            say(
                f"Medlemmar utan eget mål i registret: {counts.without_target_count}.",
                f"Members without a target of their own in the register: {counts.without_target_count}.",
            )
        )
    if counts.measure_count:
        sentences.append(
            say(
                f"Åtgärder i registret: {counts.measure_count}, varav {counts.overdue_count} försenade och "
                f"{counts.stale_count} inaktuella (öppna utan ändring på länge).",
                f"Measures in the register: {counts.measure_count}, of which {counts.overdue_count} overdue "
                f"and {counts.stale_count} stale (open and unchanged for long).",
            )
        )
    if counts.pledge_count:
        sentences.append(
            say(
                f"Klimatlöften: {counts.pledge_count}, varav {counts.pledge_at_risk_count} i riskzonen.",
                f"Pledges: {counts.pledge_count}, of which {counts.pledge_at_risk_count} at risk.",
            )
        )
    return sentences


def _coverage(one: Coverage, say: Speaker) -> str:
    what = say(
        f"{one.region_name}, mål {one.target_year} ({one.target_id})",
        f"{one.region_name}, target {one.target_year} ({one.target_id})",
    )
    if one.coverage_pct is None:
        reason = COVERAGE_REASONS.get(one.coverage_reason or "", ("skäl saknas", "no reason was given"))
        return say(
            f"{what}: åtgärderna kan inte ställas mot gapet, {reason[0]}.",
            f"{what}: measures cannot be held against the gap, {reason[1]}.",
        )
    overlap = one.overlap or OVERLAP_NOT_ASSESSED
    assessed = (
        say("överlappning är inte bedömd", "overlap is not assessed")
        if overlap == OVERLAP_NOT_ASSESSED
        else say(f"överlappning: {overlap}", f"overlap: {overlap}")
    )
    return say(
        f"{what}: åtgärderna täcker {say.share(one.coverage_pct)} av gapet på {say.tonnes(one.gap_tco2e)} "
        f"(åtgärder: {one.measure_count}, utan beräknad effekt: {one.without_effect_count}; {assessed}).",
        f"{what}: measures cover {say.share(one.coverage_pct)} of the gap of {say.tonnes(one.gap_tco2e)} "
        f"(measures: {one.measure_count}, without a reckoned effect: {one.without_effect_count}; "
        f"{assessed}).",
    )
