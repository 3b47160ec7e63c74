"""Names for the codes of the marts: panels, statuses of targets, reasons, datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.contract import catalog
from klimatpuls.domain.substances import substances
from klimatpuls.report.view import (
    MEMBERS_AT_THE_TIME,
    MEMBERS_TODAY,
    MEMBERS_WITHOUT_LARGEST,
    NATION,
    OUTSIDE_TRADING,
    PROXY,
    REST_OF_SWEDEN,
    TERRITORIAL,
    UNALLOCATED,
)
from klimatpuls.statistics.trend import MIN_POINTS, MIN_SPAN_YEARS
from klimatpuls.translations import message

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker

NOT_BY_SUBSTANCE: Final = "all"
PANELS: Final[dict[str, str]] = {
    MEMBERS_TODAY: message("Members today"),
    MEMBERS_AT_THE_TIME: message("Members at the time"),
    MEMBERS_WITHOUT_LARGEST: message("Without the largest emitter"),
    REST_OF_SWEDEN: message("Rest of Sweden"),
    UNALLOCATED: message("Not assigned to any municipality"),
    NATION: message("The nation"),
}
BOUNDARIES: Final[dict[str, str]] = {
    "published_total": message("published total"),
    TERRITORIAL: message("territorial emissions"),
    PROXY: message("outside emissions trading (proxy)"),
    OUTSIDE_TRADING: message("territorial emissions without the plants in emissions trading"),
    "domestic_transport": message("domestic transport without aviation"),
    "own_series": message("own series"),
    "sector_list": message("some sectors"),
}
STANDINGS: Final[dict[str, str]] = {
    "met": message("met"),
    "missed": message("missed"),
    "awaiting_data": message("target year passed, figure awaited"),
    "below_level": message("below the level now, not reached"),
    "all_below": message("at or below the level"),
    "most_below": message("below the level in most ways of calculating"),
    "split": message("half of the ways of calculating reach the level"),
    "few_below": message("below the level in few ways of calculating"),
    "none_below": message("above the level"),
    "too_far": message("too far ahead to calculate"),
    "insufficient_data": message("insufficient data"),
    "not_computable": message("not computable"),
}
FRESHNESS: Final[dict[str, str]] = {
    "fresh": message("fresh"),
    "due": message("due"),
    "stale": message("stale"),
    "failed": message("fetch failed"),
    "held": message("on hold"),
    "not_yet_published": message("not yet published"),
}
FLAGS: Final[dict[str, str]] = {
    "one_plant": message(
        "Industry and energy are more than half of the emissions, so a single plant can decide"
    ),
    "aviation_estimated": message(
        "The release does not show domestic aviation. It is taken from the newest release "
        "that shows it; years that none of those has keep the last known tonnes"
    ),
    "aviation_included": message(
        "The release does not show domestic aviation, nor does any other release. Aviation is "
        "therefore part of the proxy"
    ),
}
REASONS: Final[dict[str, str]] = {
    "no_population": message("no population of that year is known"),
    "borders_changed": message(
        "the border has changed, and no population in today's border is known for that year"
    ),
    "join_date_unknown": message("the dates on which members joined have not been entered"),
    "no_emissions": message("an emission figure is missing"),
    "no_members": message("no member is confirmed"),
    "other_members": message("there were other members then"),
    "base_too_small": message("the base is too small"),
    "too_few_points": message("fewer than {min_points} observed years"),
    "span_too_short": message("the years span fewer than {min_span_years}"),
    "scope_changed": message("the publisher counts something now that it did not then"),
    "single_year": message("the release has one year only"),
    "not_published_before": message("no earlier release has the year"),
    "aviation_unknown": message("no release shows domestic aviation"),
    "no_population_forecast": message("no population forecast of the target year is known"),
    "no_stated_cap": message("the decision does not say how much may remain"),
    "base_year_missing": message("no release has the base year"),
    "boundary_missing": message("the figures that the target is about have not been entered"),
    "region_missing": message("the figures do not include the area"),
    "target_year_missing": message("no release has the target year"),
    "budget_start_missing": message("no release has the first year of the budget"),
}


def dataset_name(dataset: str, substance: str, say: Speaker) -> str:
    """A short name of what is measured: the substance, or the dataset where there is none."""
    if substance == NOT_BY_SUBSTANCE:
        entry = catalog.dataset(dataset)
        return say.either(entry.title_sv, entry.title_en)
    gas = substances()[substance]
    return say.either(gas.name_sv, gas.name_en)


def licence_words(licence: str, say: Speaker) -> str:
    """The licence of a source, or that it is not confirmed."""
    return say("licence not confirmed") if licence == "not confirmed" else licence


def standing_words(status: str | None, say: Speaker) -> str:
    """A status of methods section 6 in words; None is "no standing"."""
    if status is None:
        return say("no standing")
    return say(STANDINGS[status])


def boundary_words(code: str, say: Speaker) -> str:
    """The name of a boundary; of an own series or a list of sectors the name of its kind."""
    return say(BOUNDARIES[code.partition(":")[0]])


def boundary_title(boundary: str, title_sv: str | None, title_en: str | None, say: Speaker) -> str:
    """A boundary as the register titles it: an own series, a list of sectors; else its fixed name."""
    return say.either(title_sv or "", title_en or "") or boundary_words(boundary, say)


def reason_words(code: str | None, say: Speaker) -> str:
    """Why a value is missing; a code is never shown to a reader."""
    if code not in REASONS:
        return say("no reason was given")
    return say(REASONS[code], min_points=MIN_POINTS, min_span_years=MIN_SPAN_YEARS)


def capitalised(text: str) -> str:
    """The text with its first letter in upper case, the others untouched."""
    return text[:1].upper() + text[1:]


def not_calculated(say: Speaker) -> str:
    """A sentence: a result table could not be calculated in this publication."""
    return say(
        "These figures could not be calculated in this publication. They are shown "
        "once they have been calculated again."
    )


def no_network(say: Speaker) -> str:
    """Why the network has no sum; stands after a colon."""
    return say("the register holds no confirmed member municipality")
