"""The page of one municipality or county: the finding first, then what lies behind it.

Signs stand in tables alone; sentences say rose and fell. Formulas: methods sections 2, 5 to 7 and 10 to 12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.domain.rounding import round_parts
from klimatpuls.report.numbers import MISSING
from klimatpuls.report.terms import FLAGS, not_calculated
from klimatpuls.report.view import BASE_YEAR
from klimatpuls.site.charts import ChartLine, ChartPoint, ChartTarget, TimeChart, draw
from klimatpuls.site.finding import (
    causes,
    distance,
    headline,
    last_change,
    leads_outside_trading,
    position,
    prospects,
)
from klimatpuls.site.frame import framed, main_path, other, pdf_path, region_path
from klimatpuls.site.membership import coverage_section, criteria_section
from klimatpuls.site.page import Bullets, Link, Page, Paragraph, Picture, Section, Table
from klimatpuls.site.targets import BUDGET, target_section
from klimatpuls.site.words import is_zero, lowered, mass, percent_words, raised, sector_name
from klimatpuls.statistics.series import ONE_PLANT
from klimatpuls.translations import message

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.site.page import Block, Cell
    from klimatpuls.site.view import Example, Peer, Region, Revision, Site, Target

SCALED: Final = "not_measurable_yet"
QUALITY: Final[dict[int | None, str]] = {
    1: message("good"),
    2: message("some uncertainty"),
    3: message("uncertain"),
}
"""RUS's class of the split into municipalities → its words."""
NOTABLE_SCALED_PCT: Final = 0.5
"""A share of scaled sectors that is printed, percent."""


def write_region(site: Site, region: Region, say: Speaker) -> Page:
    """The page of a region in one language.

    Args:
        site: The site, for the nation and the peers.
        region: The region, with emissions or without.
        say: The language.
    """
    stand = position(site, region, say)
    sections = (
        change_section(site, region, say),
        *(target_section(site, region, target, say) for target in region.targets),
        coverage_section(site, region, say),
        peers_section(site, region, say),
        municipalities_section(site, region, say),
        revision_section(site, region, say),
        criteria_section(site, region, say),
        certainty_section(site, region, say),
    )
    return framed(
        site,
        say,
        path=region_path(region.code, say.lang),
        other_path=region_path(region.code, other(say.lang)),
        title=say("{name}: emissions of greenhouse gases", name=region.name),
        description=stand,
        kicker=_kicker(region, say),
        heading=headline(region, say),
        answers=(
            (say("Where do we stand?"), stand),
            (say("Why?"), causes(region, say)),
            (say("What now?"), prospects(site, region, say)),
        ),
        picture=series_picture(region, say),
        sections=tuple(section for section in sections if section is not None),
        pdf=Link(say("This page as PDF"), pdf_path(region.code, say.lang)),
    )


def _kicker(region: Region, say: Speaker) -> Cell:
    if region.county_code is None:
        return say("County")
    return Link(region.county_name or region.county_code, region_path(region.county_code, say.lang))


# ---------------------------------------------------------------- the chart


def series_picture(region: Region, say: Speaker) -> Picture | None:
    """The chart of all years with the nearest target, and the table of its numbers; None without a year."""
    if not region.series:
        return None
    highest = max(point.tco2e for point in region.series)
    unit = 1e6 if highest >= 1e6 else 1e3 if highest >= 1e4 else 1.0
    last = region.series[-1]
    line = ChartLine(
        name=mass(last.tco2e, say),
        value=f"{last.year}",
        points=tuple(ChartPoint(p.year, p.tco2e / unit, p.status == "observed") for p in region.series),
    )
    target = _drawn_target(region, say, unit)
    first = region.series[0]
    alt = say(
        "Line chart: {first_amount} in {first}, {last_amount} in {last}.",
        first_amount=mass(first.tco2e, say),
        first=first.year,
        last_amount=mass(last.tco2e, say),
        last=last.year,
    )
    if target is not None:
        alt = f"{alt} {target.name}: {target.value}."
    lines = [line]
    if region.without_plant:
        beside = ChartLine(
            name=mass(region.without_plant[-1].tco2e, say),
            value=_without(region, say),
            points=tuple(ChartPoint(p.year, p.tco2e / unit) for p in region.without_plant),
        )
        lines.insert(0 if leads_outside_trading(region) else 1, beside)
    chart = TimeChart(
        alt=alt,
        lines=tuple(lines),
        target=target,
        decimals=1 if highest / unit < 10 else 0,
        decimal_mark=say.number(0.5, 1)[1],
        group_mark=say.number(1000)[1],
    )
    finding = distance(region, say) or last_change(region, say)
    title = (
        say("{name}: emissions {clauses}", name=region.name, clauses=finding)
        if finding
        else say("Emissions {first}–{last}", first=first.year, last=last.year)
    )
    return Picture(
        title=title,
        alt=alt,
        svg=draw(chart),
        note=_chart_note(region, say, unit),
        table=_series_table(region, say),
        table_label=say("The numbers of the chart"),
    )


def _series_table(region: Region, say: Speaker) -> Table:
    beside = {point.year: point.tco2e for point in region.without_plant}
    return Table(
        caption=say("Emissions by year, tonnes"),
        columns=(say("Year"), say("Tonnes"), *((_without(region, say),) if beside else ())),
        rows=tuple(
            (
                str(p.year) + _mark(p.status),
                say.number(p.tco2e),
                *((say.level(beside.get(p.year)),) if beside else ()),
            )
            for p in region.series
        ),
    )


def _without(region: Region, say: Speaker) -> str:
    """What the line and the column beside the whole leave out."""
    return (
        say("outside emissions trading")
        if leads_outside_trading(region)
        else say("without industry and energy")
    )


def _mark(status: str) -> str:
    return "" if status == "observed" else "*"


def _chart_note(region: Region, say: Speaker, unit: float) -> str:
    units = {
        1e6: say("Million tonnes of carbon dioxide equivalents."),
        1e3: say("Thousand tonnes of carbon dioxide equivalents."),
        1.0: say("Tonnes of carbon dioxide equivalents."),
    }
    words = [units[unit], say("Dotted: years without statistics.")]
    if any(point.status != "observed" for point in region.series):
        words.append(say("Open points (*) are linked from an older release or estimated."))
    return " ".join(words)


def _drawn_target(region: Region, say: Speaker, unit: float) -> ChartTarget | None:
    """The nearest target on the chart's boundary that has a level in one year."""
    for target in region.targets:
        year, level = target.target_year, target.level_tco2e
        if target.boundary == "territorial" and target.target_type != BUDGET and level is not None and year:
            return ChartTarget(
                name=say("target {year}", year=year),
                value=mass(level, say),
                year=year,
                level=level / unit,
                path_from=_path_start(region, target, unit),
            )
    return None


def _path_start(region: Region, target: Target, unit: float) -> tuple[int, float] | None:
    if target.path_start_year is None:
        return None
    if target.path_start_tco2e is not None:
        return (target.path_start_year, target.path_start_tco2e / unit)
    for point in region.series:
        if point.year == target.path_start_year:
            return (point.year, point.tco2e / unit)
    return None


# ---------------------------------------------------------------- why


def change_section(site: Site, region: Region, say: Speaker) -> Section | None:
    """The last change by sector in tonnes, and what its own part is worth; None without two years."""
    change, before, year = region.change_since_previous_pct, region.previous_year, region.last_year
    if before is None or year is None:
        return None
    if change is None or is_zero(change):
        heading = say("What lies behind the change?")
    elif change > 0:
        heading = say("Why did emissions rise?")
    else:
        heading = say("Why did emissions fall?")
    if "change_part" in site.missing:
        return Section(heading, (Paragraph(not_calculated(say)),))
    table = _sector_table(region, before, year, say)
    if table is None:
        return None
    blocks: list[Block] = [table, Paragraph(_about_quality(say), tone="note")]
    if words := _worth_of_own_part(region, say):
        blocks.append(Paragraph(words))
    if ONE_PLANT in region.flags:
        blocks.append(Paragraph(f"{say(FLAGS[ONE_PLANT])}.", tone="note"))
    return Section(heading, tuple(blocks), anchor="why")


def _sector_table(region: Region, before: int, year: int, say: Speaker) -> Table | None:
    """Sectors by their change; the printed changes and levels each add up to the printed total."""
    known = [
        (one, one.difference, one.last_tco2e)
        for one in region.sectors
        if one.difference is not None and one.last_tco2e is not None
    ]
    if not known:
        return None
    differences = [difference for _, difference, _ in known if difference is not None]
    levels = [level for _, _, level in known if level is not None]
    rounded = round_parts(sum(differences), differences)
    shown = round_parts(sum(levels), levels)
    longest = max(map(abs, differences)) or 1.0
    ordered = sorted(zip(known, rounded, shown, strict=True), key=lambda one: -float(one[0][1] or 0.0))
    rows = [
        (
            sector_name(sector, say),
            say.number(moved, signed=True),
            say.change(sector.change_pct, 0),
            say("not measurable yet")
            if sector.own_part_status == SCALED
            else say.change(sector.own_part_tco2e, 0),
            say.number(level),
            say(QUALITY[sector.quality]) if sector.quality in QUALITY else MISSING,
        )
        for (sector, _, _), moved, level in ordered
    ]
    total = (
        say("All"),
        say.number(round(sum(differences)), signed=True),
        say.change(region.change_since_previous_pct, 0),
        "",
        say.number(round(sum(levels))),
        "",
    )
    return Table(
        caption=say("Change {before}–{year} by sector, tonnes", before=before, year=year),
        columns=(
            say("Sector"),
            say("Change"),
            say("percent"),
            say("of which own part"),
            say("Emissions {year}", year=year),
            say("how sure"),
        ),
        rows=(*rows, total),
        bars=(*(float(one[0][1] or 0.0) / longest for one in ordered), None),
        strong=frozenset({len(rows)}),
        text_columns=frozenset({0, 5}),
    )


def _about_quality(say: Speaker) -> str:
    return say("How sure: the county boards' class for the split into municipalities.")


def _worth_of_own_part(region: Region, say: Speaker) -> str:
    if region.own_part_pct is None:
        return ""
    words = [
        say(
            "The own part is what differs from the nation, sector by sector. It is accounting, not proof "
            "of cause."
        )
    ]
    share = region.scaled_share_pct
    if share is not None and share >= NOTABLE_SCALED_PCT:
        words.append(
            say(
                "{share} of the emissions lie in sectors that the publisher scaled with the nation; there "
                "no own "
                "part can be measured yet.",
                share=raised(percent_words(share, say)),
            )
        )
    return " ".join(words)


# ---------------------------------------------------------------- neighbours in kind and in space


def peers_section(site: Site, region: Region, say: Speaker) -> Section | None:
    """The ten most similar municipalities with the reason and what they did better; None for counties."""
    if region.level != "municipality":
        return None
    heading = say("Which municipalities are similar?")
    if "peer" in site.missing:
        return Section(heading, (Paragraph(not_calculated(say)),))
    if not region.peers:
        return None
    peers = [(site.regions[one.peer_region_code], one) for one in region.peers]
    cutting = any(other_one.examples for other_one, _ in peers)
    table = Table(
        caption=say("The ten most similar municipalities, the most similar first"),
        columns=(
            say("Municipality"),
            say("Similar in"),
            *((say("Among the fastest in"),) if cutting else ()),
            say("Since {base_year}, percent", base_year=BASE_YEAR),
            say("Tonnes per inhabitant"),
        ),
        rows=tuple(_peer_row(other_one, peer, say, cutting=cutting) for other_one, peer in peers),
        text_columns=frozenset({0, 1, 2} if cutting else {0, 1}),
    )
    notes = [say("The order says how similar they are, not how well they do.")]
    if "better_example" not in site.missing:
        notes.append(
            say(
                "Among the fastest: the fastest fifth in both of the two newest releases, and more than the "
                "nation."
            )
            if cutting
            else say(
                "None of them is among the fastest fifth in a sector in both of the two newest releases."
            )
        )
    return Section(heading, (table, Paragraph(" ".join(notes), tone="note")), anchor="peers")


def _peer_row(other_one: Region, peer: Peer, say: Speaker, *, cutting: bool) -> tuple[Cell, ...]:
    fell = ", ".join(_example_words(example, say) for example in other_one.examples) or MISSING
    return (
        Link(other_one.name, region_path(other_one.code, say.lang)),
        say.either(peer.reason_sv, peer.reason_en),
        *((fell,) if cutting else ()),
        say.change(other_one.change_since_1990_pct, 0),
        say.level(other_one.t_per_capita, 1),
    )


def _example_words(example: Example, say: Speaker) -> str:
    return say(
        "{sector} ({rate} a year {first}–{last})",
        sector=lowered(say.either(example.sector_name_sv, example.sector_name_en).partition(" (")[0]),
        rate=percent_words(100.0 * example.annual_reduction_rate, say),
        first=example.first_year,
        last=example.last_year,
    )


def municipalities_section(site: Site, region: Region, say: Speaker) -> Section | None:
    """The municipalities of a county in alphabetical order; None for municipalities."""
    inside = [one for one in site.municipalities if one.county_code == region.code]
    if not inside:
        return None
    return Section(say("The municipalities of the county"), (region_table(inside, region.name, say),))


def region_table(regions: list[Region], caption: str, say: Speaker) -> Table:
    """Regions with their level and their changes, in the order given.

    Args:
        regions: The regions; those without a figure keep their row.
        caption: What they have in common.
        say: The language.
    """
    return Table(
        caption=caption,
        columns=(
            say("Name"),
            say("Since the year before, percent"),
            say("Since {base_year}, percent", base_year=BASE_YEAR),
            say("Tonnes per inhabitant"),
            say("Thousand tonnes"),
        ),
        rows=tuple(
            (
                Link(one.name, region_path(one.code, say.lang)),
                say.change(one.change_since_previous_pct, 1),
                say.change(one.change_since_1990_pct, 0),
                say.level(one.t_per_capita, 1),
                say.level(None if one.territorial_tco2e is None else one.territorial_tco2e / 1000, 1),
            )
            for one in regions
        ),
    )


# ---------------------------------------------------------------- how sure


def revision_section(site: Site, region: Region, say: Speaker) -> Section | None:
    """What the current release changed in earlier figures; None where there is no earlier release."""
    dates = {
        release.published_date
        for release in site.digest.releases
        if (release.dataset, release.substance) == (site.digest.emissions.dataset, "ghg")
    }
    if len(dates) < 2:
        return None
    heading = say("Have earlier figures changed?")
    if not region.revisions:
        return Section(heading, (Paragraph(say("No, not in the latest release.")),))
    sentences = [
        say(
            "Emissions in {year} were {old} in the release before and are now {new}.",
            year=one.year,
            old=old,
            new=new,
        )
        for one in _revisions_in_words(region)
        if (old := mass(one.old_tco2e, say)) != (new := mass(one.new_tco2e, say))
    ]
    words = " ".join(sentences) or say("Hardly: no figure on this page reads differently.")
    first = region.revisions[0]
    table = Table(
        caption=say(
            "Emissions in tonnes by the releases of {old} and {new}",
            old=say.day(first.from_published_date),
            new=say.day(first.to_published_date),
        ),
        columns=(say("Year"), say("Before"), say("Now"), say("Difference, percent")),
        rows=tuple(
            (
                str(one.year),
                say.number(one.old_tco2e),
                say.number(one.new_tco2e),
                say.change(
                    100 * (one.new_tco2e - one.old_tco2e) / one.old_tco2e if one.old_tco2e else None, 1
                ),
            )
            for one in region.revisions
        ),
    )
    link = Link(say("All releases"), main_path("releases", say.lang))
    return Section(heading, (Paragraph(words, link=link), table), anchor="revisions")


def _revisions_in_words(region: Region) -> list[Revision]:
    """The revised years that the headline compares with; where they are not, the largest move."""
    compared = [one for one in region.revisions if one.year in (BASE_YEAR, region.previous_year)]
    return compared or [max(region.revisions, key=lambda one: abs(one.new_tco2e - one.old_tco2e))]


def certainty_section(site: Site, region: Region, say: Speaker) -> Section | None:
    """What to know of the figures' quality."""
    words = [
        say(
            "The publisher calculates the figures with models. The smaller the area, the less sure they are."
        ),
    ]
    if site.digest.is_first_publication and region.last_year is not None:
        words.append(
            say(
                "The figures of {year} are a first publication: no later release has confirmed them yet.",
                year=region.last_year,
            )
        )
    link = Link(say("How we calculate"), main_path("methods", say.lang))
    return Section(say("How sure are the figures?"), (Bullets(tuple(words)), Paragraph("", link=link)))
