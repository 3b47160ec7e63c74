"""The pages about the figures: releases, methods, data status, open data, and the site itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from klimatpuls.clock import stockholm_date
from klimatpuls.contract import catalog
from klimatpuls.report.numbers import MISSING
from klimatpuls.report.standings import about_counts
from klimatpuls.report.terms import FRESHNESS, dataset_name, licence_words
from klimatpuls.report.view import OMITTED_DATASETS
from klimatpuls.site.frame import SITE_NAME, framed, main_path, other, release_path
from klimatpuls.site.page import Bullets, Link, Page, Paragraph, Section, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import Release
    from klimatpuls.site.page import Cell
    from klimatpuls.site.view import Site


def page_writers(site: Site, say: Speaker) -> dict[str, Callable[[], Page]]:
    """Path → what writes the page, of the pages of a language that are about no place."""
    lang = say.lang
    return {
        main_path("releases", lang): partial(_releases, site, say),
        **{
            release_path(one.release_id, lang): partial(_release, site, one, say)
            for one in _shown_releases(site)
        },
        main_path("methods", lang): partial(_methods, site, say),
        main_path("status", lang): partial(_status, site, say),
        main_path("data", lang): partial(_data, site, say),
        main_path("about", lang): partial(_about, site, say),
    }


def _main(
    site: Site, name: str, heading: str, description: str, sections: tuple[Section, ...], say: Speaker
) -> Page:
    return framed(
        site,
        say,
        path=main_path(name, say.lang),
        other_path=main_path(name, other(say.lang)),
        title=f"{heading} – {SITE_NAME}",
        description=description,
        kicker=SITE_NAME,
        heading=heading,
        sections=sections,
    )


def _shown_releases(site: Site) -> list[Release]:
    return [release for release in site.digest.releases if release.dataset not in OMITTED_DATASETS]


def _release_name(release: Release, say: Speaker) -> str:
    return say(
        "{name}, {published}",
        name=dataset_name(release.dataset, release.substance, say),
        published=say.day(release.published_date),
    )


def _releases(site: Site, say: Speaker) -> Page:
    table = Table(
        caption=say("Releases that the figures rest on, and earlier ones"),
        columns=(say("Release"), say("Publisher"), say("Years"), say("Status")),
        rows=tuple(
            (
                Link(_release_name(one, say), release_path(one.release_id, say.lang)),
                catalog.source_of(one.dataset).publisher,
                say.years(one.years) or MISSING,
                say("current") if one.is_current else say("replaced"),
            )
            for one in _shown_releases(site)
        ),
        text_columns=frozenset({0, 1, 2, 3}),
    )
    words = say("Publishers recalculate earlier years. Every release is kept, so figures can be compared.")
    return _main(
        site,
        "releases",
        say("Releases"),
        words,
        (Section(say("All releases"), (Paragraph(words), table)),),
        say,
    )


def _release(site: Site, release: Release, say: Speaker) -> Page:
    source = catalog.source_of(release.dataset)
    name = _release_name(release, say)
    retrieved = stockholm_date(release.retrieved_at)
    attribution = say.either(source.attribution_sv, source.attribution_en)
    facts: list[Cell] = [
        say(
            "From {title} ({publisher}).",
            title=say.either(source.title_sv, source.title_en),
            publisher=source.publisher,
        ),
        say("Retrieved on {day}.", day=say.day(retrieved)),
        attribution.format(retrieved=retrieved.isoformat()),
        say("Terms: {licence}.", licence=licence_words(source.licence, say)),
    ]
    if release.years:
        facts.append(say("Years: {years}.", years=say.years(release.years)))
    if not release.is_current:
        facts.append(say("A later release has replaced it."))
    sections = [Section(say("About the release"), (Bullets(tuple(facts)),))]
    found = [
        say.either(one.message_sv, one.message_en)
        for one in site.digest.findings
        if release.is_current and (one.dataset, one.substance) == (release.dataset, release.substance)
    ]
    if found:
        sections.append(Section(say("What our checks found"), (Bullets(tuple(found)),)))
    return framed(
        site,
        say,
        path=release_path(release.release_id, say.lang),
        other_path=release_path(release.release_id, other(say.lang)),
        title=say("{name} – release", name=name),
        description=say("What the release holds, and where it comes from."),
        kicker=Link(say("All releases"), main_path("releases", say.lang)),
        heading=name,
        sections=tuple(sections),
    )


def _methods(site: Site, say: Speaker) -> Page:
    boundary = (
        say(
            "All figures are emissions within the border of the municipality or county, without "
            "international transport."
        ),
        say(
            "Land use, forest, and what inhabitants consume from elsewhere are left out. Weather is not "
            "corrected for."
        ),
        say("Per inhabitant means divided by the population on 31 December of the same year."),
    )
    change = (
        say(
            "The national part is what the change would have been if every sector had moved as in the nation."
        ),
        say(
            "The own part is the rest. It is accounting at the municipality's mix of sectors, not proof of "
            "cause."
        ),
        say(
            "Some sectors are scaled with the nation by the publisher. Their own part cannot be measured "
            "yet. "
            "Where they hold more than a tenth of the emissions, the whole is measured in part only."
        ),
    )
    targets = (
        say(
            "A target is quoted in its owner's words. The yearly cut it requires is counted from the "
            "latest year on."
        ),
        about_counts(site.digest, say),
        say("Measures are compared with the distance between the latest year and the target's level."),
    )
    peers = (
        say("Similar municipalities are alike in population, sectors and emissions per inhabitant."),
        say("They are examples to learn from. No list here ranks municipalities."),
    )
    sections = (
        Section(say("What is counted"), (Bullets(boundary),)),
        Section(say("National and own part"), (Bullets(change),)),
        Section(say("Targets and measures"), (Bullets(targets),)),
        Section(say("Similar municipalities"), (Bullets(peers),)),
        Section(
            say("Criteria of membership"),
            (
                Paragraph(
                    say(
                        "A shortcoming is shown once the member has had its days to reply; until then a "
                        "criterion is not yet established."
                    )
                ),
            ),
        ),
    )
    return _main(
        site, "methods", say("How we calculate"), say("What the figures mean, in plain words."), sections, say
    )


def _status(site: Site, say: Speaker) -> Page:
    table = Table(
        caption=say("How fresh the figures are"),
        columns=(say("Statistics"), say("Publisher's date"), say("Next expected"), say("Status")),
        rows=tuple(
            (
                dataset_name(one.dataset, one.substance, say),
                say.day(one.published_date) if one.published_date else MISSING,
                say.day(one.next_expected) if one.next_expected else MISSING,
                say(FRESHNESS[one.status]) if one.status in FRESHNESS else MISSING,
            )
            for one in site.digest.statuses
        ),
        text_columns=frozenset({0, 1, 2, 3}),
    )
    words = say("When each publisher's figures were published, and when the next are expected.")
    return _main(
        site,
        "status",
        say("Data status"),
        words,
        (Section(say("All statistics"), (Paragraph(words), table)),),
        say,
    )


def _data(site: Site, say: Speaker) -> Page:
    sections = (
        Section(
            say("The tables behind the pages"),
            (
                Paragraph(
                    say(
                        "Every figure comes from tables that can be had as CSV and Parquet, with a "
                        "description of "
                        "each column. The secretariat hands them out on request; the files will lie here "
                        "later."
                    )
                ),
            ),
        ),
    )
    return _main(site, "data", say("Open data"), say("How to get the figures as files."), sections, say)


def _about(site: Site, say: Speaker) -> Page:
    sections = (
        Section(
            say("What this is"),
            (
                Paragraph(
                    say(
                        "{site} follows the emissions of Sweden's municipalities for Klimatkommunerna. It "
                        "fetches "
                        "official statistics, checks them, keeps every release, and writes these pages.",
                        site=SITE_NAME,
                    )
                ),
                Paragraph(
                    say(
                        "The pages are written automatically. Nobody's cookies are used, and nobody is "
                        "counted."
                    )
                ),
            ),
        ),
        Section(
            say("Is something wrong?"),
            (Paragraph(say("Write to the network's secretariat, and name the page and the figure.")),),
        ),
    )
    return _main(
        site,
        "about",
        say("About {site}", site=SITE_NAME),
        say("Who writes these pages, and how."),
        sections,
        say,
    )
