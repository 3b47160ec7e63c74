"""The sentences of a region's first screen: its finding, where it stands, why it moved, what now.

No sentence has a bare sign: emissions rose, fell or were unchanged. A part is printed so that it adds up with
its total. Formulas: methods sections 2 and 6.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from klimatpuls.domain.rounding import round_parts
from klimatpuls.report.terms import reason_words
from klimatpuls.report.view import BASE_YEAR, EMISSIONS, GHG, OUTSIDE_TRADING, PROXY
from klimatpuls.site.targets import pace, required
from klimatpuls.site.words import (
    genitive,
    is_zero,
    lowered,
    mass,
    month,
    percent_words,
    sector_name,
    share_words,
)
from klimatpuls.statistics.series import ONE_PLANT, PROXY_POOR
from klimatpuls.translations import message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klimatpuls.report.numbers import Speaker
    from klimatpuls.site.view import Region, SectorChange, Site, Target

NOTABLE_SHARE: Final = 0.1
"""A sector is named as a cause if it moved by at least this share of all that moved its way."""
MOST_CAUSES: Final = 2
NATION_ITSELF: Final = "nation_itself"
PARTLY: Final = "partly_measured"


def headline(region: Region, say: Speaker) -> str:
    """The finding: the last change and the distance to 1990, as far as both are known.

    Of the boundary that the page leads with, which is never the proxy (methods section 1).

    Example: ``Tierp: utsläppen steg 12 procent 2024 och är en tredjedel lägre än 1990``.
    """
    if region.territorial_tco2e is None or region.last_year is None:
        return say("{name}: no emission figure yet", name=region.name)
    if leads_outside_trading(region):
        return _headline_outside_trading(region, say)
    clauses = [words for words in (last_change(region, say), distance(region, say)) if words]
    if clauses:
        return say("{name}: emissions {clauses}", name=region.name, clauses=say.all_of(clauses))
    return say(
        "{name}: emissions were {amount} in {year}",
        name=region.name,
        amount=mass(region.territorial_tco2e, say),
        year=region.last_year,
    )


def _headline_outside_trading(region: Region, say: Speaker) -> str:
    clause = last_change(replace(region, change_since_previous_pct=plantless_change_pct(region)), say)
    if clause:
        return say("{name}: emissions outside emissions trading {clauses}", name=region.name, clauses=clause)
    return say(
        "{name}: emissions outside emissions trading were {amount} in {year}",
        name=region.name,
        amount=mass(region.outside_trading_tco2e or 0.0, say),
        year=region.last_year,
    )


def last_change(region: Region, say: Speaker) -> str | None:
    """What emissions did since the year before, as a clause; None where it is not known."""
    change, year, before = region.change_since_previous_pct, region.last_year, region.previous_year
    if change is None or year is None or before is None:
        return None
    size = percent_words(change, say)
    if before == year - 1:
        if is_zero(change):
            return say("were unchanged in {year}", year=year)
        if change > 0:
            return say("rose {size} in {year}", size=size, year=year)
        return say("fell {size} in {year}", size=size, year=year)
    if is_zero(change):
        return say("were the same in {year} as in {before}", year=year, before=before)
    if change > 0:
        return say("rose {size} from {before} to {year}", size=size, before=before, year=year)
    return say("fell {size} from {before} to {year}", size=size, before=before, year=year)


def distance(region: Region, say: Speaker) -> str | None:
    """How emissions stand against 1990, as a clause; None where that is not known."""
    change = region.change_since_1990_pct
    if change is None or region.last_year == BASE_YEAR:
        return None
    if is_zero(change):
        return say("are as high as in {base_year}", base_year=BASE_YEAR)
    if change < 0:
        return say(
            "are {share} lower than in {base_year}", share=share_words(change, say), base_year=BASE_YEAR
        )
    return say(
        "are {share} higher than in {base_year}", share=percent_words(change, say), base_year=BASE_YEAR
    )


def position(site: Site, region: Region, say: Speaker) -> str:
    """Where the region stands: its emissions, per inhabitant, beside the nation's."""
    year = region.last_year
    if region.territorial_tco2e is None or year is None:
        return say("The current release holds no emission figure for {name}.", name=region.name)
    amount = mass(region.territorial_tco2e, say)
    if region.t_per_capita is None:
        sentences = [
            say(
                "{name} emitted {amount} of greenhouse gases in {year}.",
                name=region.name,
                amount=amount,
                year=year,
            ),
            say(
                "A level per inhabitant is not shown: {reason}.",
                reason=reason_words(region.per_capita_reason, say),
            ),
        ]
        return _beside_plants(region, sentences, say)
    sentences = [
        say(
            "{name} emitted {amount} of greenhouse gases in {year}, {per_head} per inhabitant.",
            name=region.name,
            amount=amount,
            year=year,
            per_head=say.per_head(region.t_per_capita),
        )
    ]
    if site.nation.t_per_capita is not None:
        sentences.append(
            say("The average of the nation is {per_head}.", per_head=say.per_head(site.nation.t_per_capita))
        )
    return _beside_plants(region, sentences, say)


def _beside_plants(region: Region, whole: list[str], say: Speaker) -> str:
    """Sentences on the whole with the one without plants: before them if the page leads with it."""
    without = without_plant(region, say)
    ordered = [without, *whole] if leads_outside_trading(region) else [*whole, without]
    return " ".join(sentence for sentence in ordered if sentence)


def without_plant(region: Region, say: Speaker) -> str:
    """The level and the change without the plants, or their sectors, where one can decide (methods 1)."""
    known, year, before = plantless_tco2e(region), region.last_year, region.previous_year
    if known is None or year is None:
        return ""
    what = (
        say("Without the plants in emissions trading and aviation")
        if leads_outside_trading(region)
        else say("Without industry, electricity and district heating")
    )
    amount, change = mass(known, say), plantless_change_pct(region)
    if change is None or before is None:
        return say("{what}: {amount} in {year}.", what=what, amount=amount, year=year)
    size = percent_words(change, say)
    if is_zero(change):
        text = message("{what}: {amount} in {year}, as much as in {before}.")
    elif change > 0:
        text = message("{what}: {amount} in {year}, {size} more than in {before}.")
    else:
        text = message("{what}: {amount} in {year}, {size} less than in {before}.")
    return say(text, what=what, amount=amount, year=year, size=size, before=before)


def leads_outside_trading(region: Region) -> bool:
    """Whether the page leads with the emissions without the plants in emissions trading (methods 1)."""
    return region.leads_with == OUTSIDE_TRADING and region.outside_trading_tco2e is not None


def plantless_tco2e(region: Region) -> float | None:
    """The latest year without the plants or their sectors, tonnes; None where no single plant can decide."""
    if leads_outside_trading(region):
        return region.outside_trading_tco2e
    return region.without_plant_sectors_tco2e


def plantless_change_pct(region: Region) -> float | None:
    """The change of :func:`plantless_tco2e` since the year before, percent; None where that is not known."""
    now = plantless_tco2e(region)
    before = next((one.tco2e for one in region.without_plant if one.year == region.previous_year), None)
    return 100.0 * (now - before) / before if now is not None and before else None


def causes(region: Region, say: Speaker) -> str:
    """Why emissions moved: the sectors that moved most, and how it compares with the nation."""
    if region.change_since_previous_pct is None or not any(one.difference for one in region.sectors):
        return say("There is no earlier year to compare with.")
    sentences = [largest_moves(region.sectors, say), compared_with_nation(region, say)]
    return " ".join(sentence for sentence in sentences if sentence)


def largest_moves(sectors: Sequence[SectorChange], say: Speaker) -> str:
    """The sectors that moved most with the total, and the one that moved most against it if it counts.

    Args:
        sectors: The sectors; those without a figure in both years are left out.
        say: The language.
    """
    changes = [(one, one.difference) for one in sectors if one.difference is not None]
    total = sum(change for _, change in changes)
    ahead = _largest(changes, rising=total >= 0)
    against = _largest(changes, rising=total < 0)[:1]
    sentences = [_moved(ahead, say, rising=total >= 0)]
    if against and abs(against[0][1]) >= NOTABLE_SHARE * abs(total):
        sentences.append(_moved(against, say, rising=total < 0))
    return " ".join(sentence for sentence in sentences if sentence)


def _largest(changes: list[tuple[SectorChange, float]], *, rising: bool) -> list[tuple[SectorChange, float]]:
    """The sectors that moved most one way, the largest first; none that hardly counts."""
    chosen = sorted(
        (one for one in changes if (one[1] > 0 if rising else one[1] < 0)), key=lambda one: -abs(one[1])
    )
    whole = sum(abs(change) for _, change in chosen)
    return [one for one in chosen[:MOST_CAUSES] if abs(one[1]) >= NOTABLE_SHARE * whole]


def _moved(chosen: list[tuple[SectorChange, float]], say: Speaker, *, rising: bool) -> str:
    if not chosen:
        return ""
    parts = [
        say("{sector} by {amount}", sector=lowered(sector_name(sector, say)), amount=mass(change, say))
        for sector, change in chosen
    ]
    what = say.all_of(parts)
    if rising:
        return say("What rose most: {what}.", what=what)
    return say("What fell most: {what}.", what=what)


def compared_with_nation(region: Region, say: Speaker) -> str:
    """What the change would have been if every sector had moved as in the nation, and the own part.

    Returns:
        Nothing for the nation and where the parts are not known. The parts are rounded so that they add up.
    """
    change, national, own = region.change_since_previous_pct, region.national_part_pct, region.own_part_pct
    if change is None or national is None or own is None or region.own_part_status == NATION_ITSELF:
        return ""
    national, own = round_parts(change, (national, own), decimals=1)
    if is_zero(own):
        return say("{name} followed the nation, sector by sector.", name=region.name)
    if is_zero(national):
        expected = say("been unchanged")
    elif national > 0:
        expected = say("risen {size}", size=say("{number} percent", number=say.number(national, 1)))
    else:
        expected = say("fallen {size}", size=say("{number} percent", number=say.number(abs(national), 1)))
    points = say("{number} percentage points", number=say.number(abs(own), 1))
    side = say("{points} lower", points=points) if own < 0 else say("{points} higher", points=points)
    mark = say(" (measured in part only)") if region.own_part_status == PARTLY else ""
    return say(
        "Had every sector moved as in the nation, emissions would have {expected}. The outcome was {side}: "
        "{whose} own part{mark}.",
        expected=expected,
        side=side,
        whose=genitive(region.name, say),
        mark=mark,
    )


def prospects(site: Site, region: Region, say: Speaker) -> str:
    """What now: the nearest target, or that there is none, the largest sector, and the next figures."""
    sentences = []
    if region.targets:
        usable = [one for one in region.targets if not _rests_on_poor_proxy(region, one)]
        target = next((one for one in usable if required(one, say)), (usable or region.targets)[0])
        title = say.either(target.title_sv, target.title_en).rstrip(".")
        sentences.append(f"{say('The target: {title}', title=title)}.")
        if usable:
            sentences += [required(target, say), pace(target, say)]
    elif region.member_kind and "target_progress" not in site.missing:
        sentences.append(say("{name} has no target of its own in the register.", name=region.name))
    sentences += [_largest_sector(region, say), next_figures(site, say)]
    return " ".join(sentence for sentence in sentences if sentence)


def _rests_on_poor_proxy(region: Region, target: Target) -> bool:
    """Whether a target is on the proxy in a place where that must not be led with (methods section 1)."""
    return target.boundary == PROXY and not {ONE_PLANT, PROXY_POOR}.isdisjoint(region.flags)


def _largest_sector(region: Region, say: Speaker) -> str:
    sectors = [(sector, sector.last_tco2e or 0.0) for sector in region.sectors]
    total = sum(value for _, value in sectors)
    if total <= 0:
        return ""
    largest, value = max(sectors, key=lambda one: one[1])
    return say(
        "The largest share comes from {sector}: {share}.",
        sector=lowered(sector_name(largest, say)),
        share=percent_words(round(100.0 * value / total), say),
    )


def next_figures(site: Site, say: Speaker) -> str:
    """When the next year's figures are expected; nothing where no day is known."""
    for status in site.digest.statuses:
        if (status.dataset, status.substance) == (EMISSIONS, GHG) and status.next_expected is not None:
            return say(
                "Figures of {year} are expected in {month}.",
                year=site.digest.last_year + 1,
                month=month(status.next_expected, say),
            )
    return ""
