"""The start page: the network now, the map, the members, and a way to every region's page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from klimatpuls.report.view import (
    BASE_YEAR,
    MEMBERS_TODAY,
    MEMBERS_WITHOUT_LARGEST,
    NATION,
    TERRITORIAL,
)
from klimatpuls.site.charts import ChartLine, ChartPoint, TimeChart, draw
from klimatpuls.site.finding import headline, largest_moves, next_figures
from klimatpuls.site.frame import SITE_NAME, framed, main_path, other, region_path
from klimatpuls.site.map import draw_map
from klimatpuls.site.page import Fold, Link, Page, Paragraph, Picture, Section, Table
from klimatpuls.site.region import region_table
from klimatpuls.site.view import SectorChange
from klimatpuls.site.words import is_zero, mass, percent_words, raised, share_words
from klimatpuls.translations import message

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.site.page import Block
    from klimatpuls.site.view import Region, Site

LINES: Final[tuple[tuple[str, str], ...]] = (
    (MEMBERS_TODAY, message("members")),
    (NATION, message("the nation")),
    (MEMBERS_WITHOUT_LARGEST, message("members without the largest")),
)
"""Panel → the name of its line."""
FEW: Final = 2
"""A count of members says something from so many on."""


def write_start(site: Site, say: Speaker) -> Page:
    """The start page in one language."""
    position = network_position(site, say)
    return framed(
        site,
        say,
        path=main_path("start", say.lang),
        other_path=main_path("start", other(say.lang)),
        title=say("{site}: the climate municipalities' emissions", site=SITE_NAME),
        description=position,
        kicker=say("Klimatkommunerna, as of {as_of}", as_of=say.day(site.digest.as_of)),
        heading=network_headline(site, say),
        answers=(
            (say("Where do we stand?"), position),
            (say("Why?"), _network_causes(site, say)),
            (say("What now?"), _outlook(site, say)),
        ),
        picture=network_picture(site, say),
        sections=(
            Section(say("Find your municipality"), _finder(site, say), anchor="find"),
            _members_section(site, say),
            Section(say("The whole country"), (_map_picture(site, say),), anchor="map"),
        ),
    )


def _member_municipalities(site: Site) -> list[Region]:
    return [one for one in site.members if one.level == "municipality"]


def network_headline(site: Site, say: Speaker) -> str:
    """The finding: in how many member municipalities emissions rose, or what the nation's did.

    Example: ``Utsläppen ökade i 17 av 18 medlemskommuner 2024``.
    """
    changes = [one.change_since_previous_pct for one in _member_municipalities(site)]
    known = [change for change in changes if change is not None]
    if len(known) < FEW:
        return headline(replace(site.nation, name=say("The whole country")), say)
    rose, fell = sum(change > 0 for change in known), sum(change < 0 for change in known)
    year, count = site.digest.last_year, len(known)
    if rose == count:
        return say("Emissions rose in all {count} member municipalities in {year}", count=count, year=year)
    if fell == count:
        return say("Emissions fell in all {count} member municipalities in {year}", count=count, year=year)
    if rose >= fell:
        return say(
            "Emissions rose in {rose} of {count} member municipalities in {year}",
            rose=rose,
            count=count,
            year=year,
        )
    return say(
        "Emissions fell in {fell} of {count} member municipalities in {year}",
        fell=fell,
        count=count,
        year=year,
    )


def network_position(site: Site, say: Speaker) -> str:
    """The sum of the confirmed member municipalities, its change, and the nation's beside it."""
    digest = site.digest
    year, before = digest.last_year, digest.previous_year
    point = digest.point(MEMBERS_TODAY, TERRITORIAL, year)
    if point is None or point.emissions_tco2e is None:
        return say("The network's sum cannot be shown.")
    amount = mass(point.emissions_tco2e, say)
    sentences = [
        say.plural(
            "The {count} municipality that the register confirms as a member emitted {amount} in {year}.",
            "The {count} municipalities that the register confirms as members emitted {amount} in {year}.",
            point.region_count,
            amount=amount,
            year=year,
        )
    ]
    change, nation = digest.change_since_previous_pct(MEMBERS_TODAY), digest.change_since_previous_pct(NATION)
    if change is not None and before is not None:
        sentences.append(_than_before(change, before, say))
    if nation is not None:
        sentences.append(_country(nation, say))
    return " ".join(sentences)


def _than_before(change: float, before: int, say: Speaker) -> str:
    if is_zero(change):
        return say("That is as much as in {before}.", before=before)
    size = percent_words(change, say)
    if change > 0:
        return say("That is {size} more than in {before}.", size=size, before=before)
    return say("That is {size} less than in {before}.", size=size, before=before)


def _country(change: float, say: Speaker) -> str:
    if is_zero(change):
        return say("The whole country's emissions were unchanged.")
    size = percent_words(change, say)
    if change > 0:
        return say("The whole country's emissions rose {size}.", size=size)
    return say("The whole country's emissions fell {size}.", size=size)


def _network_causes(site: Site, say: Speaker) -> str:
    members = _member_municipalities(site)
    if not members:
        return say("The register confirms no member municipality.")
    return largest_moves(sum_sectors(members), say)


def sum_sectors(regions: list[Region]) -> tuple[SectorChange, ...]:
    """The sectors of several regions together; a sector that one of them lacks in a year is unknown.

    Args:
        regions: At least one.
    """
    found: dict[str, list[SectorChange]] = {}
    for region in regions:
        for sector in region.sectors:
            found.setdefault(sector.sector_code, []).append(sector)
    return tuple(
        SectorChange(
            sector_code=code,
            sector_name_sv=parts[0].sector_name_sv,
            sector_name_en=parts[0].sector_name_en,
            first_tco2e=_sum([part.first_tco2e for part in parts]),
            last_tco2e=_sum([part.last_tco2e for part in parts]),
            change_pct=None,
            own_part_tco2e=None,
            own_part_status="",
            quality=parts[0].quality,
        )
        for code, parts in found.items()
    )


def _sum(values: list[float | None]) -> float | None:
    return None if None in values else sum(value or 0.0 for value in values)


def _outlook(site: Site, say: Speaker) -> str:
    digest = site.digest
    sentences = []
    for panel, words in (
        (MEMBERS_TODAY, message("Since {base_year} the members' emissions have {moved}.")),
        (NATION, message("The nation's have {moved}.")),
    ):
        point = digest.point(panel, TERRITORIAL, digest.last_year)
        if point is not None and point.change_since_1990_pct is not None:
            sentences.append(
                say(words, base_year=BASE_YEAR, moved=_have_moved(point.change_since_1990_pct, say))
            )
    return " ".join((*sentences, next_figures(site, say)))


def _have_moved(change: float, say: Speaker) -> str:
    if is_zero(change):
        return say("been unchanged")
    if change > 0:
        return say("risen {size}", size=percent_words(change, say))
    return say("fallen {size}", size=percent_words(change, say))


def network_picture(site: Site, say: Speaker) -> Picture | None:
    """Members, members without the largest emitter, and the nation since 1990; None without a figure."""
    digest = site.digest
    drawn, table_rows = [], {}
    for panel, name in LINES:
        points = [p for p in digest.line(panel) if p.change_since_1990_pct is not None]
        if not points:
            continue
        values = [(p.year, float(p.change_since_1990_pct or 0.0)) for p in points]
        drawn.append(
            ChartLine(
                name=say(name),
                value=say.percent(values[-1][1], 0),
                points=tuple(ChartPoint(year, value) for year, value in values),
            )
        )
        table_rows[name] = dict(values)
    if not drawn:
        return None
    alt = say(
        "Line chart of the change since {base_year}: {lines}.",
        base_year=BASE_YEAR,
        lines=say.all_of([f"{line.name} {line.value}" for line in drawn]),
    )
    members = digest.point(MEMBERS_TODAY, TERRITORIAL, digest.last_year)
    change = members.change_since_1990_pct if members else None
    years = sorted({year for values in table_rows.values() for year in values})
    return Picture(
        title=_chart_title(change, say),
        alt=alt,
        svg=draw(TimeChart(alt=alt, lines=tuple(drawn), is_change=True)),
        note=say(
            "Change in percent since {base_year}. Dotted: years without statistics.", base_year=BASE_YEAR
        ),
        table=Table(
            caption=say("Change since {base_year}, percent", base_year=BASE_YEAR),
            columns=(say("Year"), *(raised(say(name)) for name in table_rows)),
            rows=tuple(
                (str(year), *(say.change(values.get(year), 1) for values in table_rows.values()))
                for year in years
            ),
        ),
        table_label=say("The numbers of the chart"),
    )


def _chart_title(change: float | None, say: Speaker) -> str:
    if change is None:
        return say("Emissions since {base_year}", base_year=BASE_YEAR)
    if is_zero(change):
        return say("The members' emissions are as high as in {base_year}", base_year=BASE_YEAR)
    if change > 0:
        return say(
            "The members' emissions are {share} higher than in {base_year}",
            share=percent_words(change, say),
            base_year=BASE_YEAR,
        )
    return say(
        "The members' emissions are {share} lower than in {base_year}",
        share=share_words(change, say),
        base_year=BASE_YEAR,
    )


def _finder(site: Site, say: Speaker) -> tuple[Block, ...]:
    """Every county's municipalities behind the county's name."""
    return tuple(
        Fold(
            county.name,
            (
                Paragraph("", link=Link(county.name, region_path(county.code, say.lang))),
                region_table(
                    [one for one in site.municipalities if one.county_code == county.code],
                    say("Municipalities of {county}", county=county.name),
                    say,
                ),
            ),
        )
        for county in site.counties
    )


def _members_section(site: Site, say: Speaker) -> Section:
    heading = say("The members")
    if not site.members:
        return Section(heading, (Paragraph(say("The register confirms no member municipality.")),))
    note = say(
        "In alphabetical order. Levels say more about what industries a place has than about its climate "
        "work."
    )
    return Section(
        heading,
        (
            region_table(list(site.members), say("Members that the register confirms"), say),
            Paragraph(note, tone="note"),
        ),
        anchor="members",
    )


def _map_picture(site: Site, say: Speaker) -> Picture:
    regions = site.municipalities
    changes = {one.code: one.change_since_1990_pct for one in regions}
    known = [change for change in changes.values() if change is not None]
    lower = sum(change < 0 and not is_zero(change) for change in known)
    year = site.digest.last_year
    title = say(
        "Emissions are lower than in {base_year} in {lower} of {count} municipalities",
        base_year=BASE_YEAR,
        lower=lower,
        count=len(known),
    )
    return Picture(
        title=title,
        alt=say("Map of Sweden: {title}. The table beneath has the figures.", title=title),
        svg=draw_map({one.code: one.name for one in regions}, changes, title, say),
        note=say("Change {base_year}–{year}. Borders: Statistics Sweden.", base_year=BASE_YEAR, year=year),
        table=region_table(list(regions), say("All municipalities in alphabetical order"), say),
        table_label=say("The map as a table"),
        shape="map",
    )
