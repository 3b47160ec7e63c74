"""Section on the status of members' own targets, worded as methods section 6 requires.

The result is always a count of method variants ("7 of 8 ways"), never a probability, and always with the
release and the latest data year. National lines are not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.report.page import Block, Bullets, Paragraph, Section
from klimatpuls.report.terms import boundary_title, capitalised, reason_words, standing_words
from klimatpuls.report.view import TERRITORIAL
from klimatpuls.statistics.series import PROXY_POOR
from klimatpuls.statistics.trend import (
    MIN_POINTS,
    MIN_SPAN_YEARS,
    TREND_FROM_YEAR,
)

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import Digest, OwnTarget

PANDEMIC_YEARS: Final = frozenset({2020, 2021})
"""A rate from one of these years starts at unusually low emissions."""


def own_targets(digest: Digest, say: Speaker) -> Section:
    """The status of members' own targets, with the reason where there is none."""
    heading = say("The members' own targets")
    blocks: list[Block] = []
    if not digest.own_targets:
        blocks.append(Paragraph(say("No member has entered a target yet.")))
    else:
        blocks.append(Bullets(tuple(_target_sentence(digest, target, say) for target in digest.own_targets)))
        if any(target.variants_n for target in digest.own_targets):
            blocks.append(Paragraph(about_counts(digest, say), tone="note"))
        if any(target.achieved_from_year in PANDEMIC_YEARS for target in digest.own_targets):
            blocks.append(Paragraph(_about_pandemic(digest, say), tone="note"))
    if not digest.trend_is_possible:
        blocks.append(Paragraph(_no_trend(digest, say), tone="note"))
    return Section(heading, tuple(blocks))


def about_counts(digest: Digest, say: Speaker) -> str:
    """What a count of method variants is worth in this publication (methods section 6); said once."""
    if digest.worth is None:
        return say(
            "We project in several ways to show how much the answer hangs on the way. It "
            "is no likelihood: the ways rest on the same few years."
        )
    return say(
        "We project in several ways to show how much the answer hangs on the way. It "
        "is no likelihood: the {variants} ways rest on the same few years and are "
        "together worth about {worth} independent ones.",
        variants=digest.worth.variants_n,
        worth=say.number(digest.worth.independent_n, 1),
    )


def _about_pandemic(digest: Digest, say: Speaker) -> str:
    named = {target.achieved_from_year for target in digest.own_targets}
    years = say.years(sorted(PANDEMIC_YEARS & named))
    return say(
        "The rate since {years} starts in a year of the pandemic, when emissions were "
        "unusually low. Compare it with the rate since {trend_from_year}.",
        years=years,
        trend_from_year=TREND_FROM_YEAR,
    )


def _no_trend(digest: Digest, say: Speaker) -> str:
    years = digest.trend_years
    if not years:
        return say(
            "Standing against targets: insufficient data, the release has no year from {trend_from_year} on.",
            trend_from_year=TREND_FROM_YEAR,
        )
    span = years[-1] - years[0]
    return say(
        "Standing against targets: insufficient data. The release has {count} years "
        "from {trend_from_year} ({years}), which span {span}; at least {min_points} "
        "years that span at least {min_span_years} are needed.",
        count=len(years),
        trend_from_year=TREND_FROM_YEAR,
        years=say.years(years),
        span=span,
        min_points=MIN_POINTS,
        min_span_years=MIN_SPAN_YEARS,
    )


def _target_sentence(digest: Digest, target: OwnTarget, say: Speaker) -> str:
    title = " ".join(say.either(target.title_sv, target.title_en).split()).rstrip(".")
    what = f"{target.region_name}: {title}"
    if target.boundary != TERRITORIAL:
        titles = (target.boundary_title_sv, target.boundary_title_en)
        what += f" ({boundary_title(target.boundary, *titles, say)})"
    words = [f"{what}. {capitalised(standing_words(target.status, say))}"]
    if target.variants_met is not None and target.variants_n:
        words[0] += say(
            ", {variants_met} of {variants_n} ways",
            variants_met=target.variants_met,
            variants_n=target.variants_n,
        )
    words[0] += "."
    if target.status_reason:
        words.append(f"{capitalised(reason_words(target.status_reason, say))}.")
    if target.level_tco2e is not None and target.last_tco2e is not None:
        words.append(
            say(
                "Level {level_tco2e}; emissions in {last_year} were {last_tco2e}.",
                level_tco2e=say.tonnes(target.level_tco2e),
                last_year=target.last_year,
                last_tco2e=say.tonnes(target.last_tco2e),
            )
        )
    if PROXY_POOR in target.flags:
        words.append(about_poor_proxy(target.region_name, say))
    words += _rates(target, say)
    words += _basis(digest, target, say)
    return " ".join(words)


def about_poor_proxy(region_name: str, say: Speaker) -> str:
    """A sentence: the proxy is too far off in a place to be used for it alone (methods section 1)."""
    return say(
        "The proxy outside emissions trading misses an official figure for {region_name} by more than 10%.",
        region_name=region_name,
    )


def _rates(target: OwnTarget, say: Speaker) -> list[str]:
    """The required and the achieved rates, each with its years, in words instead of signs."""
    words = []
    if target.required_annual_reduction_rate is not None and target.last_year is not None:
        needed = say.share(100 * target.required_annual_reduction_rate)
        words.append(
            say(
                "From {last_year} on, a cut of {needed} a year is needed.",
                last_year=target.last_year,
                needed=needed,
            )
        )
    rates = [
        _rate(rate, year, say)
        for rate, year in (
            (target.achieved_annual_reduction_rate, target.achieved_from_year),
            (target.annual_reduction_since_2015, TREND_FROM_YEAR),
        )
        if rate is not None and year is not None
    ]
    if rates:
        words.append(say("Emissions {rates}.", rates=say.all_of(rates)))
    return words


def _rate(rate: float, year: int, say: Speaker) -> str:
    size = say.share(100 * abs(rate))
    verb = say("fell") if rate >= 0 else say("rose")
    return say("{verb} by {size} a year since {year}", verb=verb, size=size, year=year)


def _basis(digest: Digest, target: OwnTarget, say: Speaker) -> list[str]:
    """How old the data are; the release stands in the footer, once."""
    if target.last_year is None:
        return []
    months = (digest.as_of.year - target.last_year - 1) * 12 + digest.as_of.month - 1
    return [say("Data to {last_year} ({months} months old).", last_year=target.last_year, months=months)]
