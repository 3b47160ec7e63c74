"""The start page: the network now, the map, the members, and a way to every region's page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from klimatpuls.report import findings
from klimatpuls.report.figures import about_regions, long_run, network_sum, register_gap, since_previous
from klimatpuls.report.view import (
    BASE_YEAR,
    MEMBERS_TODAY,
    MEMBERS_WITHOUT_LARGEST,
    NATION,
    TERRITORIAL,
)
from klimatpuls.site.charts import ChartLine, ChartPoint, TimeChart, draw
from klimatpuls.site.finding import headline, next_figures
from klimatpuls.site.frame import SITE_NAME, framed, main_path, other, region_path
from klimatpuls.site.map import draw_map
from klimatpuls.site.page import Fold, Link, Page, Paragraph, Picture, Section, Table
from klimatpuls.site.region import region_table
from klimatpuls.site.words import is_zero, percent_words, raised, share_words
from klimatpuls.translations import message

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.site.page import Block
    from klimatpuls.site.view import Site

LINES: Final[tuple[tuple[str, str], ...]] = (
    (MEMBERS_TODAY, message("members")),
    (NATION, message("the nation")),
    (MEMBERS_WITHOUT_LARGEST, message("without {largest}")),
)
"""Panel → the name of its line."""


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


def network_headline(site: Site, say: Speaker) -> str:
    """The finding, as the digest's headline says it; what the nation's emissions did where no member has one.

    Example: ``Utsläppen ökade i 17 av 18 medlemskommuner 2024``.
    """
    nation = replace(site.nation, name=say("The whole country"))
    return findings.headline(site.digest, say) or headline(nation, say)


def network_position(site: Site, say: Speaker) -> str:
    """The sum of the confirmed member municipalities, its change and the nation's, and whom the sum lacks."""
    digest = site.digest
    return " ".join((network_sum(digest, say), *since_previous(digest, say), *register_gap(digest, say)))


def _network_causes(site: Site, say: Speaker) -> str:
    if not site.digest.municipalities:
        return say("The register confirms no member municipality.")
    return " ".join(findings.main_points(site.digest, say))


def _outlook(site: Site, say: Speaker) -> str:
    return " ".join(
        sentence for sentence in (*long_run(site.digest, say), next_figures(site, say)) if sentence
    )


def network_picture(site: Site, say: Speaker) -> Picture | None:
    """Members, members without the largest emitter, and the nation since 1990; None without a figure."""
    digest = site.digest
    drawn, table_rows = [], {}
    largest = digest.largest_emitter.region_name if digest.largest_emitter else say("the largest emitter")
    for panel, text in LINES:
        points = [p for p in digest.line(panel) if p.change_since_1990_pct is not None]
        if not points:
            continue
        name = say(text, largest=largest)
        values = [(p.year, float(p.change_since_1990_pct or 0.0)) for p in points]
        drawn.append(
            ChartLine(
                name=name,
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
            columns=(say("Year"), *(raised(name) for name in table_rows)),
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
            *((Paragraph(about_regions(say), tone="note"),) if site.digest.regions else ()),
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
