"""What concerns membership, for members and applicants alone: measures against the gap, and the criteria.

Only what is public: a criterion's status as shown outside, never what is late (methods sections 10 and 11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.membership.measures import OVERLAP_NOT_ASSESSED
from klimatpuls.report.membership import CRITERIA
from klimatpuls.report.terms import not_calculated
from klimatpuls.site.page import Bullets, Paragraph, Section, Table
from klimatpuls.site.words import mass, percent_words, raised
from klimatpuls.translations import message

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.site.view import Coverage, Criterion, Region, Site

STATUSES: Final[dict[str, str]] = {
    "met": message("fulfilled"),
    "not_met": message("not fulfilled"),
    "due": message("answer due"),
    "unknown": message("not yet established"),
}
SHORTCOMINGS: Final = frozenset({"not_met", "due"})
"""Statuses whose reason is shown; they are public only after the days to reply."""
SELF_CONFIRMED: Final = "self_confirmed"


def coverage_section(site: Site, region: Region, say: Speaker) -> Section | None:
    """How far the measures reach, per target of a member or applicant; None where there is no target."""
    if region.member_kind is None or not region.targets:
        return None
    heading = say("How far do the measures reach?")
    if "measure_coverage" in site.missing:
        return Section(heading, (Paragraph(not_calculated(say)),))
    titles = {target.target_id: say.either(target.title_sv, target.title_en) for target in region.targets}
    sentences = [
        words if len(titles) == 1 else f"{titles[one.target_id]}: {words}"
        for one in region.coverage
        if one.target_id in titles and (words := coverage_words(region, one, say))
    ]
    if not sentences:
        return None
    # The same sentence for every target, such as that there is no measure, is said once.
    return Section(heading, (Bullets(tuple(dict.fromkeys(sentences))),))


def coverage_words(region: Region, one: Coverage, say: Speaker) -> str:
    """What the measures do about one target's gap; nothing where there is no gap to speak of."""
    if one.measure_count == 0:
        return say("{name} has no measures in the register yet.", name=region.name)
    if one.coverage_reason == "already_at_level":
        return say("Emissions are at the target's level already.")
    if one.coverage_pct is None or one.gap_tco2e is None or one.counted_reduction_tco2e is None:
        return (
            say.plural(
                "{count} measure is in the register; nobody has calculated its effect.",
                "{count} measures are in the register; nobody has calculated their effect.",
                one.measure_count,
            )
            if one.coverage_reason == "no_effect"
            else ""
        )
    counted, gap = mass(one.counted_reduction_tco2e, say), mass(one.gap_tco2e, say)
    if one.coverage_pct > 100:
        reach = say(
            "On paper the measures reach farther than the gap: {counted} of {gap}.", counted=counted, gap=gap
        )
    else:
        reach = say(
            "The measures cover {share} of the gap: {counted} of {gap}.",
            share=percent_words(one.coverage_pct, say),
            counted=counted,
            gap=gap,
        )
    words = [reach]
    if one.without_effect_count:
        words.append(
            say.plural(
                "{count} of {measures} has no calculated effect.",
                "{count} of {measures} have no calculated effect.",
                one.without_effect_count,
                measures=one.measure_count,
            )
        )
    if (one.overlap or OVERLAP_NOT_ASSESSED) == OVERLAP_NOT_ASSESSED:
        words.append(say("Nobody has assessed whether they overlap."))
    return " ".join(words)


def criteria_section(site: Site, region: Region, say: Speaker) -> Section | None:
    """The four criteria as shown outside, and what would make each met; None for others than members."""
    if region.member_kind is None:
        return None
    heading = say("The four criteria of membership")
    if "criterion" in site.missing:
        return Section(heading, (Paragraph(not_calculated(say)),))
    if not region.criteria:
        return None
    table = Table(
        caption=say("Status of each criterion, and what would make it met"),
        columns=(say("Criterion"), say("Status"), say("What would make it met")),
        rows=tuple(_row(one, say) for one in region.criteria),
        text_columns=frozenset({0, 1, 2}),
    )
    replies = [
        say("The reply on {criterion}: {reply}", criterion=say(CRITERIA[one.criterion]), reply=one.reply)
        for one in region.criteria
        if one.reply
    ]
    note = say("Not yet established means that nobody has been asked, or still has time to reply.")
    return Section(
        heading,
        (table, *((Bullets(tuple(replies)),) if replies else ()), Paragraph(note, tone="note")),
        anchor="criteria",
    )


def _row(one: Criterion, say: Speaker) -> tuple[str, ...]:
    status = say(STATUSES[one.status])
    if one.status == "met" and one.evidence_kind == SELF_CONFIRMED:
        status = say("fulfilled, by the member's own word")
    words = [say.either(one.to_meet_sv or "", one.to_meet_en or "")]
    if one.status in SHORTCOMINGS:
        words.insert(0, f"{raised(say.either(one.reason_sv, one.reason_en))}.")
    return (say(CRITERIA[one.criterion]), raised(status), " ".join(word for word in words if word))
