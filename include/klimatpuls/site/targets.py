"""A region's own target in its owner's words: what it requires, what has been achieved, and where it stands.

The standing is a count of method variants, never a probability, always with its latest year (methods 6).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from klimatpuls.report.standings import about_counts, about_poor_proxy
from klimatpuls.report.terms import boundary_title, reason_words
from klimatpuls.report.view import TERRITORIAL
from klimatpuls.site.page import Bullets, Link, Paragraph, Section
from klimatpuls.site.words import lowered, mass, month, raised
from klimatpuls.statistics.series import PROXY_POOR
from klimatpuls.statistics.trend import TREND_FROM_YEAR
from klimatpuls.translations import message

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.site.page import Cell
    from klimatpuls.site.view import Region, Site, Target

BUDGET: Final = "carbon_budget"
COUNTED: Final = frozenset({"all_below", "most_below", "split", "few_below", "none_below"})
"""Standings that are a count of method variants."""
STANDINGS: Final[dict[str, str]] = {
    "met": message("The target has been met."),
    "missed": message("The target was missed."),
    "awaiting_data": message("The target year has passed, and its figure is awaited."),
    "below_level": message("Emissions are below the target's level now, but its year lies ahead."),
    "too_far": message("The target lies too far ahead to say whether it will be reached."),
    "insufficient_data": message("There is too little data to say where the target stands"),
    "not_computable": message("Where the target stands cannot be calculated"),
}


def required(target: Target, say: Speaker) -> str:
    """The cut that the target requires from the latest year on; nothing where it is already there."""
    if target.required_annual_reduction_rate:
        return say(
            "Emissions must fall {rate} a year until {year}.",
            rate=_rate(target.required_annual_reduction_rate, say),
            year=target.target_year,
        )
    if target.required_reduction_t_per_year:
        return say(
            "Emissions must fall by {amount} a year until {year}.",
            amount=mass(target.required_reduction_t_per_year, say),
            year=target.target_year,
        )
    return ""


def pace(target: Target, say: Speaker) -> str:
    """What emissions have done a year, since the latest window's first year and since 2015, in words.

    It stands behind what is required, and speaks of emissions as *they* if something is.
    """
    windows = [
        _window(rate, year, say)
        for rate, year in (
            (target.achieved_annual_reduction_rate, target.achieved_from_year),
            (target.annual_reduction_since_2015, TREND_FROM_YEAR),
        )
        if rate is not None and year is not None
    ]
    if not windows:
        return ""
    if required(target, say):
        return say("They {windows}.", windows=say.all_of(windows))
    return say("Emissions {windows}.", windows=say.all_of(windows))


def _window(rate: float, year: int, say: Speaker) -> str:
    if round(100.0 * rate, 1) == 0:
        return say("have been unchanged since {year}", year=year)
    if rate > 0:
        return say("have fallen {rate} a year since {year}", rate=_rate(rate, say), year=year)
    return say("have risen {rate} a year since {year}", rate=_rate(rate, say), year=year)


def _rate(rate: float, say: Speaker) -> str:
    return say("{number} percent", number=say.number(abs(100.0 * rate), 1))


def target_section(site: Site, region: Region, target: Target, say: Speaker) -> Section:
    """The section on one target.

    Args:
        site: The site, for what its counts are worth.
        region: Whose target it is.
        target: The target.
        say: The language.
    """
    words: list[Cell] = []
    level = target.level_tco2e
    if target.target_type == BUDGET:
        words.append(_budget(target, say))
    elif level is not None and target.last_tco2e is not None:
        words.append(
            say(
                "The target is at most {level} in {year}; emissions in {last_year} were {last}.",
                level=mass(level, say),
                year=target.target_year,
                last_year=target.last_year,
                last=mass(target.last_tco2e, say),
            )
        )
    if target.boundary != TERRITORIAL:
        title = boundary_title(target.boundary, target.boundary_title_sv, target.boundary_title_en, say)
        words.append(say("It is about: {boundary}.", boundary=lowered(title.rstrip("."))))
    words.append(" ".join(text for text in (required(target, say), pace(target, say)) if text))
    words.append(" ".join((_standing(target, say), _age(target, say))))
    words.append(_record(target, say))
    if target.decided_on is not None and target.decided_by:
        words.append(_decision(target, say))
    blocks: list[Bullets | Paragraph] = [Bullets(tuple(word for word in words if word))]
    if PROXY_POOR in target.flags:
        blocks.append(Paragraph(about_poor_proxy(region.name, say), tone="note"))
    if target.status in COUNTED:
        blocks.append(Paragraph(about_counts(site.digest, say), tone="note"))
    title = say.either(target.title_sv, target.title_en)
    return Section(say("The target: {title}", title=title), tuple(blocks), anchor="target")


def _budget(target: Target, say: Speaker) -> str:
    amount = mass(target.level_tco2e, say) if target.level_tco2e is not None else ""
    if not amount:
        return ""
    if target.budget_runs_out_year is None:
        return say("The budget is {amount}.", amount=amount)
    return say(
        "The budget is {amount}. At the present pace it lasts until {year}.",
        amount=amount,
        year=target.budget_runs_out_year,
    )


def _standing(target: Target, say: Speaker) -> str:
    met, count = target.variants_met, target.variants_n
    if target.status in COUNTED and met is not None and count:
        if met == 0:
            return say("None of {count} methods reaches the target.", count=count)
        return say.plural(
            "{count} of {all_methods} methods reaches the target.",
            "{count} of {all_methods} methods reach the target.",
            met,
            all_methods=count,
        )
    if target.status == "awaiting_data" and target.expected_month:
        expected = date.fromisoformat(f"{target.expected_month}-01")
        return say(
            "The target year has passed; its figure is expected in {month}.", month=month(expected, say)
        )
    words = say(STANDINGS[target.status]) if target.status in STANDINGS else ""
    if target.status in ("insufficient_data", "not_computable"):
        return f"{words}: {reason_words(target.status_reason, say)}."
    return words


def _age(target: Target, say: Speaker) -> str:
    if target.last_year is None or target.data_lag_months is None:
        return ""
    return say.plural(
        "The figures go to {last_year} and are {count} month old.",
        "The figures go to {last_year} and are {count} months old.",
        target.data_lag_months,
        last_year=target.last_year,
    )


def _record(target: Target, say: Speaker) -> str:
    if not target.record_verdicts_n or target.record_came_true_n is None or target.status not in COUNTED:
        return ""
    return say.plural(
        "{true} of {count} earlier such case ended at or below its level.",
        "{true} of {count} earlier such cases ended at or below their level.",
        target.record_verdicts_n,
        true=target.record_came_true_n,
    )


def _decision(target: Target, say: Speaker) -> Cell:
    if target.decided_on is None:
        return ""
    text = say(
        "Decided by {body} on {day}", body=lowered(target.decided_by or ""), day=say.day(target.decided_on)
    )
    url = target.document_url or ""
    return Link(raised(text), url) if url.startswith(("https://", "http://")) else f"{text}."
