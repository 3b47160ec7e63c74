"""Sections with figures: the network in short and compared with the nation, the members, their parts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from klimatpuls.domain.regions import region
from klimatpuls.domain.rounding import round_change
from klimatpuls.report.chart import alt_text
from klimatpuls.report.findings import main_points
from klimatpuls.report.headline import corrections
from klimatpuls.report.numbers import MISSING
from klimatpuls.report.page import Block, Bullets, KeyFigure, KeyFigures, Paragraph, Picture, Section, Table
from klimatpuls.report.terms import FLAGS, PANELS, capitalised, no_network, reason_words
from klimatpuls.report.view import (
    BASE_YEAR,
    MEMBERS_TODAY,
    MEMBERS_WITHOUT_LARGEST,
    NATION,
    OUTSIDE_TRADING,
    PROXY,
    REST_OF_SWEDEN,
    TERRITORIAL,
    VARIANTS,
)
from klimatpuls.statistics.change_parts import PARTLY
from klimatpuls.statistics.series import AVIATION_ESTIMATED, AVIATION_INCLUDED, ONE_PLANT, PROXY_POOR
from klimatpuls.translations import NBSP

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import Digest, Standing, SummaryPoint

NOTABLE_REVISION_PCT: Final = 5.0
"""Smallest revision of the previous year that the mail mentions, percent."""
PARTLY_MARK: Final = "²"
"""Marks an own part of which more than a tenth cannot be measured yet."""
AVIATION_FLAGS: Final = (AVIATION_ESTIMATED, AVIATION_INCLUDED)
"""Flags of a series whose domestic aviation is unknown; explained below the comparison."""


def in_short(digest: Digest, say: Speaker) -> Section:
    """The main result in a few sentences, and key figures with the nation's beside them."""
    year, before = digest.last_year, digest.previous_year
    network = digest.point(MEMBERS_TODAY, TERRITORIAL, year)
    nation = digest.point(NATION, TERRITORIAL, year)
    figures: list[KeyFigure] = []
    if network is not None and nation is not None:
        without = digest.point(MEMBERS_WITHOUT_LARGEST, TERRITORIAL, year)
        of_nation = _short_million(say, nation.emissions_tco2e)
        figures = [
            KeyFigure(
                say("The network's emissions {year}", year=year),
                _short_million(say, network.emissions_tco2e),
                say.plural(
                    "{count} municipality; nation {emissions_tco2e}",
                    "{count} municipalities; nation {emissions_tco2e}",
                    network.region_count,
                    emissions_tco2e=of_nation,
                ),
            ),
            KeyFigure(
                say("Since {year}", year=before),
                say.percent(digest.change_since_previous_pct(MEMBERS_TODAY)),
                _beside(
                    digest,
                    say,
                    digest.change_since_previous_pct(MEMBERS_WITHOUT_LARGEST),
                    digest.change_since_previous_pct(NATION),
                ),
            ),
            KeyFigure(
                say("Since {year}", year=BASE_YEAR),
                say.percent(network.change_since_1990_pct),
                _beside(
                    digest,
                    say,
                    without.change_since_1990_pct if without else None,
                    nation.change_since_1990_pct,
                ),
            ),
            KeyFigure(
                say("Per inhabitant {year}", year=year),
                *_per_head_at_a_glance(say, network, nation),
            ),
            KeyFigure(
                say("Per inhabitant since {year}", year=BASE_YEAR),
                *_per_head_change_at_a_glance(digest, say, network, nation),
            ),
        ]
        if known := digest.members_known:
            figures.append(
                KeyFigure(
                    say("Members in the register"),
                    say("{confirmed} of about {stated}", confirmed=known[0], stated=known[1]),
                    say("the sums cover these only"),
                )
            )
    blocks: list[Block] = [Paragraph(_finding_in_short(digest, say), tone="lead")]
    if points := main_points(digest, say):
        blocks.append(Bullets(tuple(points)))
    if figures:
        blocks += [Paragraph(text) for text in register_gap(digest, say)]
    if corrected := corrections(digest, say):
        blocks.append(Bullets(tuple(corrected)))
    if figures:
        blocks.append(KeyFigures(tuple(figures)))
    return Section(say("In short"), tuple(blocks))


def _short_million(say: Speaker, value: float | None) -> str:
    if value is None:
        return MISSING
    return say("{number}{nbsp}million{nbsp}t", number=say.number(value / 1e6, 2))


def _per_head_at_a_glance(say: Speaker, network: SummaryPoint, nation: SummaryPoint) -> tuple[str, str]:
    """Value and detail; where the value is missing, says so and where the reason is."""
    if network.t_per_capita is None:
        return say("missing"), say("the reason stands further down")
    return say.per_head(network.t_per_capita), _nation_beside(say, say.per_head(nation.t_per_capita))


def _per_head_change_at_a_glance(
    digest: Digest, say: Speaker, network: SummaryPoint, nation: SummaryPoint
) -> tuple[str, str]:
    change = network.per_capita_change_since_1990_pct
    if change is None:
        return say("missing"), say("the reason stands further down")
    without = digest.point(MEMBERS_WITHOUT_LARGEST, TERRITORIAL, digest.last_year)
    beside = without.per_capita_change_since_1990_pct if without else None
    return say.percent(change), _beside(digest, say, beside, nation.per_capita_change_since_1990_pct)


def _beside(digest: Digest, say: Speaker, without: float | None, nation: float | None) -> str:
    """The change without the largest emitter, and the nation's."""
    if without is None or digest.largest_emitter is None:
        return _nation_beside(say, say.percent(nation))
    return say(
        "without {name} {without}; nation {nation}",
        name=digest.largest_emitter.region_name,
        without=say.percent(without),
        nation=say.percent(nation),
    )


def _nation_beside(say: Speaker, value: str) -> str:
    return say("nation {value}", value=value)


def register_gap(digest: Digest, say: Speaker) -> list[str]:
    """A sentence while the register confirms fewer members than the network says it has."""
    known = digest.members_known
    if known is None:
        return []
    return [
        say(
            "The register confirms {confirmed} of the network's about {stated} members (municipalities and "
            "regions), so the sums cover a part of the network only.",
            confirmed=known[0],
            stated=known[1],
        )
    ]


def _finding_in_short(digest: Digest, say: Speaker) -> str:
    return " ".join((network_sum(digest, say), *since_previous(digest, say), *long_run(digest, say)))


def network_sum(digest: Digest, say: Speaker) -> str:
    """A sentence: what the confirmed member municipalities emitted together, or why there is no sum."""
    year = digest.last_year
    network = digest.point(MEMBERS_TODAY, TERRITORIAL, year)
    if network is None or network.emissions_tco2e is None:
        return say(
            "Emissions to {year} are published. The network's sum cannot be shown: {why}.",
            year=year,
            why=no_network(say),
        )
    return say.plural(
        "Emissions in the network's {count} confirmed member municipality were {emissions_tco2e} of "
        "greenhouse gases in {year}.",
        "Emissions in the network's {count} confirmed member municipalities were {emissions_tco2e} of "
        "greenhouse gases in {year}.",
        network.region_count,
        emissions_tco2e=say.million_tonnes(network.emissions_tco2e),
        year=year,
    )


def since_previous(digest: Digest, say: Speaker) -> list[str]:
    """The network's change since the year before, without its largest emitter, and the nation's."""
    change = digest.change_since_previous_pct(MEMBERS_TODAY)
    if change is None:
        return []
    without = digest.change_since_previous_pct(MEMBERS_WITHOUT_LARGEST)
    aside = ""
    if without is not None and digest.largest_emitter is not None:
        aside = say(
            " (without the largest emitter, {name}, {more_or_less})",
            name=digest.largest_emitter.region_name,
            more_or_less=_more_or_less(say, without),
        )
    nation = digest.change_since_previous_pct(NATION)
    others = "" if nation is None else say("; in the nation {nation}", nation=_more_or_less(say, nation))
    if not round(change, 1):
        return [
            say(
                "That is as much as in {before}{aside}{others}.",
                before=digest.previous_year,
                aside=aside,
                others=others,
            )
        ]
    return [
        say(
            "That is {more_or_less} than in {before}{aside}{others}.",
            more_or_less=_more_or_less(say, change),
            before=digest.previous_year,
            aside=aside,
            others=others,
        )
    ]


def long_run(digest: Digest, say: Speaker) -> list[str]:
    """The network's change since 1990 in all and per inhabitant, with and without its largest emitter.

    What is not known is left out.
    """
    network = digest.point(MEMBERS_TODAY, TERRITORIAL, digest.last_year)
    if network is None or network.emissions_tco2e is None:
        return []
    return [*_long_run_in_all(digest, say, network), *_long_run_per_head(digest, say, network)]


def _long_run_in_all(digest: Digest, say: Speaker, network: SummaryPoint) -> list[str]:
    if network.change_since_1990_pct is None:
        return []
    rest = digest.point(REST_OF_SWEDEN, TERRITORIAL, digest.last_year)
    without = digest.point(MEMBERS_WITHOUT_LARGEST, TERRITORIAL, digest.last_year)
    others = ""
    if rest is not None and rest.change_since_1990_pct is not None:
        others = say(
            ", and those of the rest of Sweden have {moved}", moved=_moved(say, rest.change_since_1990_pct)
        )
    return [
        say(
            "Since {base_year} the network's emissions have {moved}{aside}{others}.",
            base_year=BASE_YEAR,
            moved=_moved(say, network.change_since_1990_pct),
            aside=_moved_without(digest, say, without.change_since_1990_pct if without else None),
            others=others,
        )
    ]


def _long_run_per_head(digest: Digest, say: Speaker, network: SummaryPoint) -> list[str]:
    change = network.per_capita_change_since_1990_pct
    if change is None:
        return []
    without = digest.point(MEMBERS_WITHOUT_LARGEST, TERRITORIAL, digest.last_year)
    nation = digest.point(NATION, TERRITORIAL, digest.last_year)
    others = ""
    if nation is not None and nation.per_capita_change_since_1990_pct is not None:
        moved = _moved(say, nation.per_capita_change_since_1990_pct)
        others = say(", and those of the nation have {moved}", moved=moved)
    return [
        say(
            "Per inhabitant the network's emissions have {moved} since {base_year}{aside}{others}.",
            moved=_moved(say, change),
            base_year=BASE_YEAR,
            aside=_moved_without(digest, say, without.per_capita_change_since_1990_pct if without else None),
            others=others,
        ),
        *widened(network, say),
    ]


def widened(point: SummaryPoint, say: Speaker) -> list[str]:
    """A sentence on the municipalities that a change per inhabitant is calculated with beside the panel's."""
    if not point.widened_with:
        return []
    names = say.all_of([region(code).name for code in point.widened_with])
    return [
        say(
            "The change per inhabitant is calculated with {names}, which were one with member municipalities "
            "in {base_year}.",
            names=names,
            base_year=BASE_YEAR,
        )
    ]


def _moved_without(digest: Digest, say: Speaker, change: float | None) -> str:
    if change is None or digest.largest_emitter is None:
        return ""
    name, moved = digest.largest_emitter.region_name, _moved(say, change)
    return say(" (without {name} {moved})", name=name, moved=moved)


def _more_or_less(say: Speaker, change: float) -> str:
    size = say.share(abs(change))
    if not round(change, 1):
        return say("no change")
    return say("{size} more", size=size) if change > 0 else say("{size} less", size=size)


def _moved(say: Speaker, change: float) -> str:
    size = say.share(abs(change))
    if not round(change, 1):
        return say("not changed")
    return say("risen by {size}", size=size) if change > 0 else say("fallen by {size}", size=size)


def comparison(digest: Digest, say: Speaker) -> Section:
    """The network compared with the nation in every variant of methods section 2, with the chart."""
    year, before = digest.last_year, digest.previous_year
    rows: list[tuple[str, ...]] = []
    strong: set[int] = set()
    for panel, boundary in VARIANTS:
        point = digest.point(panel, boundary, year)
        if point is None:
            continue
        if boundary == TERRITORIAL and panel in {MEMBERS_TODAY, NATION}:
            strong.add(len(rows))
        counted = panel != NATION and point.region_count > 0
        name = say(PANELS[panel]) + (f" ({point.region_count})" if counted else "")
        rows.append(
            (
                name + (say(", outside trading*") if boundary == PROXY else ""),
                say.level(None if point.emissions_tco2e is None else point.emissions_tco2e / 1e6, 2),
                say.change(point.change_since_1990_pct),
                say.change(digest.change_since_previous_pct(panel, boundary)),
                say.level(point.t_per_capita, 1),
                say.change(point.per_capita_change_since_1990_pct),
            )
        )
    columns: tuple[str, ...] = (
        say("Who"),
        say("million t"),
        say("since {year},{nbsp}%", year=BASE_YEAR),
        say("since {year},{nbsp}%", year=before),
        say("t per inh."),
        say("per inh. since {year},{nbsp}%", year=BASE_YEAR),
    )
    if all(row[-1] == MISSING for row in rows):
        # Said once, with the reason, under "Why some figures are missing".
        rows, columns = [row[:-1] for row in rows], columns[:-1]
    blocks: list[Block] = [
        Picture(
            alt_text(digest, say.lang),
            say(
                "Dots are published values. Dotted line: years without values in between, "
                "nothing is estimated."
            ),
        )
    ]
    if rows:
        blocks.append(
            Table(
                say(
                    "The network against the nation {year}: emissions, change in percent and "
                    "tonnes per inhabitant (in brackets the number of municipalities)",
                    year=year,
                ),
                columns,
                tuple(rows),
                strong=frozenset(strong),
            )
        )
    blocks += [Paragraph(text, tone="note") for text in _comparison_notes(digest, say)]
    return Section(say("The network against the nation"), tuple(blocks))


def _comparison_notes(digest: Digest, say: Speaker) -> list[str]:
    network = digest.point(MEMBERS_TODAY, TERRITORIAL, digest.last_year)
    notes = [
        *register_gap(digest, say),
        say(
            "Today's members are counted in all years, so that new members do not look "
            "like changed emissions. Emissions are territorial: without international "
            "transport."
        ),
        say(
            "The rest of Sweden is the municipalities that are not confirmed as members. What is not "
            "assigned to any municipality stands on a row of its own."
        ),
        *(widened(network, say) if network and network.per_capita_change_since_1990_pct is not None else []),
        say(
            "* Sectors outside EU emissions trading, a proxy made of: transport without "
            "aviation, agriculture, own heating, machinery, product use and waste. For the "
            "nation it lay 6.1% (1990) and 4.3% (2024) below the official figure; in "
            "single municipalities it can be far off."
        ),
    ]
    poor = [member.region_name for member in digest.municipalities if PROXY_POOR in member.flags]
    if poor:
        notes.append(
            say(
                "* For {poor} this proxy misses an official figure by more than 10%: do not use it for a "
                "single one of them.",
                poor=say.all_of(poor),
            )
        )
    flags = {flag for member in digest.municipalities for flag in member.flags}
    notes += [f"* {say(FLAGS[flag])}." for flag in AVIATION_FLAGS if flag in flags]
    for panel, boundary in VARIANTS:
        point = digest.point(panel, boundary, digest.last_year)
        if point is not None and point.emissions_tco2e is None:
            reason = reason_words(point.status_reason, say)
            notes.append(say("{panel}: not shown, {reason}.", panel=say(PANELS[panel]), reason=reason))
    return notes


def members(digest: Digest, say: Speaker) -> Section:
    """Every confirmed member in Swedish alphabetical order, never ranked; regions apart."""
    heading = say("The members")
    if not digest.municipalities and not digest.regions:
        return Section(heading, (Paragraph(f"{capitalised(no_network(say))}."),))
    blocks: list[Block] = []
    if digest.municipalities:
        blocks.append(_members_table(digest, digest.municipalities, say))
    if digest.regions:
        blocks += [
            Paragraph(about_regions(say), tone="note"),
            _members_table(digest, digest.regions, say),
        ]
    everybody = digest.municipalities + digest.regions
    blocks += [Paragraph(text, tone="note") for text in _member_notes(digest, everybody, say)]
    return Section(heading, tuple(blocks))


def about_regions(say: Speaker) -> str:
    """Sentences: what a member that is a region is shown with, and why that is in no sum."""
    return say(
        "A region is shown with the emissions of its whole county. They are not part "
        "of the network's sum, which already counts the county's member municipalities."
    )


def _members_table(digest: Digest, members: Sequence[Standing], say: Speaker) -> Table:
    year, before = digest.last_year, digest.previous_year
    first = say("Municipality") if members[0].level == "municipality" else say("County")
    return Table(
        say("Territorial emissions {year} in tonnes, change in percent and tonnes per inhabitant", year=year),
        (
            first,
            say("tonnes {year}", year=year),
            say("since {year},{nbsp}%", year=BASE_YEAR),
            say("since {year},{nbsp}%", year=before),
            say("t per inh."),
        ),
        tuple(
            (
                _marked_name(member),
                say.level(member.territorial_tco2e),
                say.change(member.change_since_1990_pct),
                say.change(member.change_since_previous_pct),
                say.level(member.t_per_capita, 1),
            )
            for member in members
        ),
    )


def _marked_name(member: Standing) -> str:
    return member.region_name + (" ¹" if ONE_PLANT in member.flags else "")


def _member_notes(digest: Digest, members: Iterable[Standing], say: Speaker) -> list[str]:
    everybody = tuple(members)
    notes = [
        say(
            "In alphabetical order. Levels say more about what industries a place has than "
            "about its climate work."
        )
    ]
    if any(ONE_PLANT in member.flags for member in everybody):
        notes.append(f"¹ {say(FLAGS[ONE_PLANT])}.")
        notes += _beside_one_plant(digest, everybody, say)
    revised = [
        f"{member.region_name} {say.percent(member.revision_of_previous_pct)}"
        for member in everybody
        if member.revision_of_previous_pct is not None
        and abs(member.revision_of_previous_pct) >= NOTABLE_REVISION_PCT
    ]
    if revised:
        before = digest.previous_year
        notes.append(
            say(
                "The publisher revised {before} by 5% or more for: {revised}. The change since "
                "{before} is calculated from the revised value.",
                before=before,
                revised=", ".join(revised),
            )
        )
    return notes


def _beside_one_plant(digest: Digest, members: Iterable[Standing], say: Speaker) -> list[str]:
    """What to read of a place where one plant decides: without the plants, else without their sectors."""
    known, others = [], []
    for member in members:
        if member.leads_with == OUTSIDE_TRADING and member.outside_trading_tco2e is not None:
            known.append(f"{member.region_name} {say.tonnes(member.outside_trading_tco2e)}")
        elif member.without_plant_sectors_tco2e is not None:
            others.append(f"{member.region_name} {say.tonnes(member.without_plant_sectors_tco2e)}")
    year, notes = digest.last_year, []
    if known:
        notes.append(
            say(
                "¹ Without the plants in emissions trading and aviation, {year}: {known}.",
                year=year,
                known=", ".join(known),
            )
        )
    if others:
        notes.append(
            say(
                "¹ Without industry, electricity and district heating, {year}: {others}.",
                year=year,
                others=", ".join(others),
            )
        )
    return notes


def national_and_own_parts(digest: Digest, say: Speaker) -> Section | None:
    """National and own part per municipality; None where no member has them."""
    chosen = [member for member in digest.municipalities if member.own_part_pct is not None]
    if not chosen:
        return None
    before, year = digest.previous_year, digest.last_year
    blocks: list[Block] = [
        Paragraph(
            say(
                "How much of the change {before}–{year} would the municipality have had if "
                "every sector had moved as in the nation, and how much is its own? The parts "
                "add up to the change. It is accounting at the municipality's mix, not proof "
                "of cause.",
                before=before,
                year=year,
            )
        ),
        Table(
            say("Change {before}–{year} in percent of {before}, split in two", before=before, year=year),
            (
                say("Municipality"),
                say("change"),
                say("national part"),
                say("own part"),
            ),
            tuple((member.region_name, *_parts_as_printed(member, say)) for member in chosen),
        ),
    ]
    partly = [
        f"{member.region_name} {say.share(member.scaled_share_pct, 0)}"
        for member in chosen
        if member.own_part_status == PARTLY and member.scaled_share_pct is not None
    ]
    if partly:
        blocks.append(
            Paragraph(
                say(
                    "{partly_mark} The own part can be measured in part only, so far: in some "
                    "sectors the publisher spread the nation's change over the municipalities. "
                    "They hold this share of the emissions of {before}: {partly}.",
                    partly_mark=PARTLY_MARK,
                    before=before,
                    partly=", ".join(partly),
                ),
                tone="note",
            )
        )
    return Section(say("The national part and the municipality's own"), tuple(blocks))


def _parts_as_printed(member: Standing, say: Speaker) -> tuple[str, str, str]:
    """Change, national and own part, rounded so that they add up; a mark where the own part is uncertain."""
    whole = (member.change_since_previous_pct, member.national_part_pct, member.own_part_pct)
    shown = round_change(*(math.nan if one is None else one for one in whole))
    change, national, own = (None if math.isnan(one) else one for one in shown)
    mark = f"{NBSP}{PARTLY_MARK}" if member.own_part_status == PARTLY else ""
    return say.change(change), say.change(national), say.change(own) + mark
