"""Where members' own targets stand, worded as methods section 6 asks.

Always a count of ways of reckoning ("7 of 8 ways"), never a probability, and never without the release and
the latest data year. National lines do not get here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.report.numbers import MISSING
from klimatpuls.report.page import Block, Bullets, Paragraph, Section
from klimatpuls.report.terms import boundary_words, capitalised, reason_words, standing_words
from klimatpuls.statistics.trend import (
    INDEPENDENT_VARIANTS,
    MIN_POINTS,
    MIN_SPAN_YEARS,
    TREND_FROM_YEAR,
    VARIANTS,
)

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import Digest, OwnTarget

PANDEMIC_YEARS: Final = frozenset({2020, 2021})
"""A rate from one of these years is taken from unusually low emissions."""


def own_targets(digest: Digest, say: Speaker) -> Section:
    """Where members' own targets stand, and why where that cannot be said."""
    heading = say("Medlemmarnas egna mål", "The members' own targets")
    blocks: list[Block] = []
    if not digest.own_targets:
        blocks.append(
            Paragraph(say("Ingen medlem har lagt in något mål ännu.", "No member has entered a target yet."))
        )
    else:
        blocks.append(Bullets(tuple(_target_sentence(digest, target, say) for target in digest.own_targets)))
        blocks.append(Paragraph(_about_counts(say), tone="note"))
        if any(target.achieved_from_year in PANDEMIC_YEARS for target in digest.own_targets):
            blocks.append(Paragraph(_about_pandemic(digest, say), tone="note"))
    if not digest.trend_is_possible:
        blocks.append(Paragraph(_no_trend(digest, say), tone="note"))
    return Section(heading, tuple(blocks))


def _about_counts(say: Speaker) -> str:
    worth = say.number(INDEPENDENT_VARIANTS, 1)
    return say(
        "Vi räknar på flera sätt för att pröva hur mycket svaret hänger på räknesättet. Det är ingen "
        f"sannolikhet: de {len(VARIANTS)} sätten bygger på samma få år och är tillsammans värda ungefär "
        f"{worth} oberoende.",
        "We project in several ways to show how much the answer hangs on the way. It is no likelihood: the "
        f"{len(VARIANTS)} ways rest on the same few years and are together worth about {worth} independent "
        "ones.",
    )


def _about_pandemic(digest: Digest, say: Speaker) -> str:
    named = {target.achieved_from_year for target in digest.own_targets}
    told = say.years(sorted(PANDEMIC_YEARS & named))
    return say(
        f"Takten sedan {told} räknas från ett pandemiår, då utsläppen var ovanligt låga. Jämför med takten "
        f"sedan {TREND_FROM_YEAR}.",
        f"The rate since {told} starts in a year of the pandemic, when emissions were unusually low. Compare "
        f"it with the rate since {TREND_FROM_YEAR}.",
    )


def _no_trend(digest: Digest, say: Speaker) -> str:
    years = digest.trend_years
    if not years:
        return say(
            f"Läget mot mål kan inte räknas: för lite data, utgåvan har inget år från {TREND_FROM_YEAR}.",
            f"Standing against targets: insufficient data, the release has no year from {TREND_FROM_YEAR} "
            "on.",
        )
    span = years[-1] - years[0]
    return say(
        f"Läget mot mål: för lite data. Utgåvan har {len(years)} år från {TREND_FROM_YEAR} "
        f"({say.years(years)}), som spänner över {span}; det krävs minst {MIN_POINTS} år som spänner över "
        f"minst {MIN_SPAN_YEARS}.",
        f"Standing against targets: insufficient data. The release has {len(years)} years from "
        f"{TREND_FROM_YEAR} ({say.years(years)}), which span {span}; at least {MIN_POINTS} years that "
        f"span at least {MIN_SPAN_YEARS} are needed.",
    )


def _target_sentence(digest: Digest, target: OwnTarget, say: Speaker) -> str:
    what = say(
        f"{target.region_name}, mål {target.target_year or MISSING} ({target.target_id}; "
        f"{boundary_words(target.boundary, say)})",
        f"{target.region_name}, target {target.target_year or MISSING} ({target.target_id}; "
        f"{boundary_words(target.boundary, say)})",
    )
    words = [f"{what}: {standing_words(target.status, say)}"]
    if target.variants_met is not None and target.variants_n:
        words[0] += say(
            f", {target.variants_met} av {target.variants_n} sätt",
            f", {target.variants_met} of {target.variants_n} ways",
        )
    words[0] += "."
    if target.status_reason:
        words.append(f"{capitalised(reason_words(target.status_reason, say))}.")
    if target.level_tco2e is not None and target.last_tco2e is not None:
        words.append(
            say(
                f"Nivå {say.tonnes(target.level_tco2e)}; {target.last_year} var utsläppen "
                f"{say.tonnes(target.last_tco2e)}.",
                f"Level {say.tonnes(target.level_tco2e)}; emissions in {target.last_year} were "
                f"{say.tonnes(target.last_tco2e)}.",
            )
        )
    words += _rates(target, say)
    words.append(_basis(digest, target, say))
    return " ".join(words)


def _rates(target: OwnTarget, say: Speaker) -> list[str]:
    """The cut that is needed and what happened, each with its years and in words, not signs."""
    words = []
    if target.required_annual_rate is not None and target.last_year is not None:
        needed = say.share(100 * target.required_annual_rate)
        words.append(
            say(
                f"Från {target.last_year} krävs en minskning med {needed} om året.",
                f"From {target.last_year} on, a cut of {needed} a year is needed.",
            )
        )
    paces = [
        _pace(rate, year, say)
        for rate, year in (
            (target.achieved_annual_rate, target.achieved_from_year),
            (target.annual_reduction_since_2015, TREND_FROM_YEAR),
        )
        if rate is not None and year is not None
    ]
    if paces:
        words.append(say(f"Utsläppen {say.all_of(paces)}.", f"Emissions {say.all_of(paces)}."))
    return words


def _pace(rate: float, year: int, say: Speaker) -> str:
    size = say.share(100 * abs(rate))
    verb = say("minskade", "fell") if rate >= 0 else say("ökade", "rose")
    return say(f"{verb} med {size} om året sedan {year}", f"{verb} by {size} a year since {year}")


def _basis(digest: Digest, target: OwnTarget, say: Speaker) -> str:
    if target.last_year is None:
        return say(f"Utgåva {target.release_id}.", f"Release {target.release_id}.")
    months = (digest.as_of.year - target.last_year - 1) * 12 + digest.as_of.month - 1
    return say(
        f"Utgåva {target.release_id}, data till {target.last_year} ({months} månader gamla).",
        f"Release {target.release_id}, data to {target.last_year} ({months} months old).",
    )
