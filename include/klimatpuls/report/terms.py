"""The words for the codes of the marts, Swedish and English: panels, standings, reasons, names of data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.contract import catalog
from klimatpuls.domain.substances import substances
from klimatpuls.report.view import (
    MEMBERS_AT_THE_TIME,
    MEMBERS_TODAY,
    MEMBERS_WITHOUT_LARGEST,
    NATION,
    PROXY,
    REST_OF_SWEDEN,
    TERRITORIAL,
)
from klimatpuls.statistics.trend import MIN_POINTS, MIN_SPAN_YEARS

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker

NOT_BY_SUBSTANCE: Final = "all"
PANELS: Final[dict[str, tuple[str, str]]] = {
    MEMBERS_TODAY: ("Dagens medlemmar", "Members today"),
    MEMBERS_AT_THE_TIME: ("Medlemmarna vid tiden", "Members at the time"),
    MEMBERS_WITHOUT_LARGEST: ("Utan den största utsläpparen", "Without the largest emitter"),
    REST_OF_SWEDEN: ("Övriga Sverige", "Rest of Sweden"),
    NATION: ("Hela landet", "The nation"),
}
BOUNDARIES: Final[dict[str, tuple[str, str]]] = {
    "published_total": ("publicerad summa", "published total"),
    TERRITORIAL: ("territoriella utsläpp", "territorial emissions"),
    PROXY: ("utanför utsläppshandeln (närmevärde)", "outside emissions trading (proxy)"),
    "domestic_transport": ("inrikes transporter utan flyg", "domestic transport without aviation"),
    "own_series": ("egen serie", "own series"),
}
STANDINGS: Final[dict[str, tuple[str, str]]] = {
    "met": ("nått", "met"),
    "missed": ("missat", "missed"),
    "awaiting_data": ("målåret har passerat, siffran väntas", "target year passed, figure awaited"),
    "below_level": ("under nivån nu, målåret återstår", "below the level now, not reached"),
    "all_below": ("på eller under nivån", "at or below the level"),
    "most_below": ("under nivån på de flesta sätt att räkna", "below the level in most ways of reckoning"),
    "split": ("hälften av sätten att räkna når nivån", "half of the ways of reckoning reach the level"),
    "few_below": ("under nivån på få sätt att räkna", "below the level in few ways of reckoning"),
    "none_below": ("över nivån", "above the level"),
    "too_far": ("för långt fram för att räkna", "too far ahead to reckon"),
    "insufficient_data": ("för lite data", "insufficient data"),
    "not_computable": ("kan inte räknas", "not computable"),
}
FRESHNESS: Final[dict[str, tuple[str, str]]] = {
    "fresh": ("aktuell", "fresh"),
    "due": ("ny väntas", "due"),
    "stale": ("försenad", "stale"),
    "failed": ("hämtning misslyckades", "fetch failed"),
    "held": ("väntar på beslut", "on hold"),
    "not_yet_published": ("ännu inte publicerad", "not yet published"),
}
FLAGS: Final[dict[str, tuple[str, str]]] = {
    "one_plant": (
        "Industri och energi är mer än hälften av utsläppen, så en enda anläggning kan avgöra",
        "Industry and energy are more than half of the emissions, so a single plant can decide",
    ),
    "aviation_estimated": (
        "Utgåvan visar inte inrikes flyg. Det är taget ur den senaste utgåva som visar det; för år som ingen "
        "sådan utgåva har står de senast kända tonnen kvar",
        "The release does not show domestic aviation. It is taken from the newest release that shows it; "
        "years that none of those has keep the last known tonnes",
    ),
    "aviation_included": (
        "Utgåvan visar inte inrikes flyg, och ingen annan utgåva gör det. Flyget ingår därför i närmevärdet",
        "The release does not show domestic aviation, nor does any other release. Aviation is therefore part "
        "of the proxy",
    ),
}
REGISTERS: Final[dict[str, tuple[str, str]]] = {
    "members": ("medlemsregistret", "the register of members"),
    "targets": ("målregistret", "the register of targets"),
}
REASONS: Final[dict[str, tuple[str, str]]] = {
    "no_population": ("ingen folkmängd för året finns i lagret", "no population of that year is held"),
    "borders_changed": (
        "gränsen har ändrats, och folkmängden i dagens gräns finns inte för året",
        "the border has changed, and no population in today's border is held for that year",
    ),
    "join_date_unknown": (
        "medlemmarnas inträdesdatum är inte inlagda",
        "the dates on which members joined have not been entered",
    ),
    "no_emissions": ("utsläppssiffra saknas", "an emission figure is missing"),
    "no_members": ("ingen medlem är bekräftad", "no member is confirmed"),
    "base_too_small": ("utgångsvärdet är för litet", "the base is too small"),
    "too_few_points": (
        f"färre än {MIN_POINTS} observerade år",
        f"fewer than {MIN_POINTS} observed years",
    ),
    "span_too_short": (
        f"åren spänner över färre än {MIN_SPAN_YEARS} år",
        f"the years span fewer than {MIN_SPAN_YEARS}",
    ),
}


def dataset_name(dataset: str, substance: str, say: Speaker) -> str:
    """A short name of what is measured: the substance, or the dataset where there is none."""
    if substance == NOT_BY_SUBSTANCE:
        entry = catalog.dataset(dataset)
        return say(entry.title_sv, entry.title_en)
    gas = substances()[substance]
    return say(gas.name_sv, gas.name_en)


def licence_words(licence: str, say: Speaker) -> str:
    """The terms of a source, as far as they are known."""
    return (
        say("licensen är inte bekräftad", "licence not confirmed") if licence == "not confirmed" else licence
    )


def standing_words(status: str | None, say: Speaker) -> str:
    """A status of methods section 6 in words; None is "no standing"."""
    if status is None:
        return say("inget läge", "no standing")
    return say(*STANDINGS.get(status, (status, status)))


def boundary_words(code: str, say: Speaker) -> str:
    """The name of a boundary; an unknown code is shown as it is."""
    return say(*BOUNDARIES.get(code, (code, code)))


def reason_words(code: str | None, say: Speaker) -> str:
    """Why a value is missing; an unknown code is shown as it is."""
    if code is None:
        return say("skäl saknas", "no reason was given")
    return say(*REASONS.get(code, (code, code)))


def capitalised(text: str) -> str:
    """The text with its first letter in upper case, the others untouched."""
    return text[:1].upper() + text[1:]


def not_calculated(say: Speaker) -> str:
    """That a result table could not be calculated in this publication, in a sentence."""
    return say(
        "Siffrorna kunde inte beräknas i den här publiceringen. De visas när de har beräknats igen.",
        "These figures could not be calculated in this publication. They are shown once they have been "
        "calculated again.",
    )


def no_network(say: Speaker) -> str:
    """Why there is no sum of the network, to be put after a colon."""
    return say(
        "ingen bekräftad medlemskommun finns i registret",
        "the register holds no confirmed member municipality",
    )
