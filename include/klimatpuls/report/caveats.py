"""Sections on the quality of the figures: warnings, missing values, certainty, sources, freshness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.clock import stockholm_date
from klimatpuls.contract import catalog
from klimatpuls.report.numbers import MISSING
from klimatpuls.report.page import Bullets, Paragraph, Section, Table
from klimatpuls.report.terms import FRESHNESS, NOT_BY_SUBSTANCE, dataset_name, licence_words, reason_words
from klimatpuls.report.view import BASE_YEAR, GHG, MEMBERS_TODAY, NATION, TERRITORIAL, UNALLOCATED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import DataStatus, Digest, Finding, RevisionRecord


def warnings(digest: Digest, say: Speaker) -> Section:
    """The findings of the gates on the current releases, or that there are none."""
    heading = say("Warnings of the checks")
    findings = digest.findings
    if not findings:
        text = say("None. The current releases passed every check.")
        return Section(heading, (Paragraph(text),))
    return Section(heading, (Bullets(tuple(_warning(finding, say) for finding in findings)),))


def _warning(finding: Finding, say: Speaker) -> str:
    message = say.either(finding.message_sv, finding.message_en).rstrip(".")
    missing = [area for area in finding.areas if area not in message]
    areas = ""
    if missing:
        more = say("among others ") if finding.finding_count > len(finding.areas) else ""
        areas = say(" Concerns {more}{missing}.", more=more, missing=say.all_of(missing))
    held = say(" (the release was approved by hand)") if finding.severity == "hold" else ""
    used = finding.substance in {GHG, NOT_BY_SUBSTANCE}
    beside = "" if used else say(" (not used in this mail)")
    return f"{dataset_name(finding.dataset, finding.substance, say)}{beside}{held}: {message}.{areas}"


def missing_figures(digest: Digest, say: Speaker) -> Section | None:
    """Why values are missing; None where none is."""
    items = []
    unpeopled = digest.years_without_population
    if unpeopled:
        items.append(_no_population(digest, unpeopled, say))
    network = digest.point(MEMBERS_TODAY, TERRITORIAL, digest.last_year)
    if network is not None and network.per_capita_change_since_1990_pct is None:
        items.append(
            say(
                "The network's change per inhabitant since {base_year} is missing: {reason}.",
                base_year=BASE_YEAR,
                reason=reason_words(network.per_capita_change_reason, say),
            )
        )
    reasons: dict[str, list[str]] = {}
    for member in digest.municipalities + digest.regions:
        if member.t_per_capita is None and member.last_year not in unpeopled:
            reasons.setdefault(reason_words(member.per_capita_reason, say), []).append(member.region_name)
    items += [
        say("Per inhabitant is missing for {names}: {reason}.", names=say.all_of(names), reason=reason)
        for reason, names in reasons.items()
    ]
    absent = [m.region_name for m in digest.municipalities + digest.regions if m.territorial_tco2e is None]
    if absent:
        items.append(
            say("The current release holds no emission figure for {absent}.", absent=say.all_of(absent))
        )
    baseless = [
        m.region_name
        for m in digest.municipalities + digest.regions
        if m.territorial_tco2e is not None and m.change_since_1990_pct is None
    ]
    if baseless:
        items.append(
            say(
                "Change since {base_year} is not shown for {baseless}: the base is missing or too small.",
                base_year=BASE_YEAR,
                baseless=say.all_of(baseless),
            )
        )
    if not items:
        return None
    return Section(say("Why some figures are missing"), (Bullets(tuple(items)),))


def _no_population(digest: Digest, years: Sequence[int], say: Speaker) -> str:
    if len(years) == len(digest.emissions.years):
        return say("Emissions per inhabitant are missing: no population is known for any of the years.")
    held = [year for year in digest.emissions.years if year not in years]
    if max(years) < min(held):
        return say(
            "Emissions per inhabitant before {held} are missing: no population is known for those years.",
            held=min(held),
        )
    return say(
        "Emissions per inhabitant are missing for {years}: no population is known for those years.",
        years=say.years(years),
    )


def certainty(digest: Digest, say: Speaker) -> Section:
    """How certain the figures are, and what they leave out."""
    year = digest.last_year
    items = [
        say(
            "The publisher calculates the figures with models and distributes them to "
            "municipalities. How sure that is differs by sector, and the smaller the area, "
            "the less sure."
        ),
        say(
            "Every new release recalculates the whole series. The figure of {year} too may "
            "change in the next one, for single municipalities by tens of percent. "
            "Klimatpuls keeps every release.",
            year=year,
        ),
        *_first_publication(digest, say),
        *(_usual_movement(record, say) for record in digest.record),
        say(
            "Left out: land use and forest, international transport, what inhabitants "
            "consume from elsewhere. No correction for weather."
        ),
    ]
    nation = digest.point(NATION, TERRITORIAL, year)
    left = digest.point(UNALLOCATED, TERRITORIAL, year)
    if nation and left and nation.emissions_tco2e and left.emissions_tco2e:
        share = 100.0 * left.emissions_tco2e / nation.emissions_tco2e
        if share > 0.005:
            items.append(
                say(
                    "{left} of the nation's emissions in {year} ({tonnes}) are not assigned to any "
                    "municipality.",
                    left=say.share(share, 2),
                    year=year,
                    tonnes=say.tonnes(left.emissions_tco2e),
                )
            )
    return Section(say("How sure the figures are"), (Bullets(tuple(items)),))


def _first_publication(digest: Digest, say: Speaker) -> list[str]:
    """A sentence while no later release has confirmed the newest year."""
    if not digest.is_first_publication:
        return []
    year = digest.last_year
    return [
        say(
            "The figures of {year} are a first publication: no later release has confirmed them yet.",
            year=year,
        )
    ]


def _usual_movement(record: RevisionRecord, say: Speaker) -> str:
    half, most = (say.number(value, 1) for value in (record.median_moved_pct, record.p90_moved_pct))
    since = record.years_since_first
    when = (
        say.plural("{count} year after", "{count} years after", since) if since else say("in a correction of")
    )
    return say(
        "A municipality's first published total usually moves by {half} percent {when} "
        "its first publication (nine of ten by at most {most}); from {pairs_n} pairs "
        "of releases.",
        half=half,
        when=when,
        most=most,
        pairs_n=record.pairs_n,
    )


def sources(digest: Digest, say: Speaker) -> Section:
    """The attribution that the publishers' terms require, one line per release in use."""
    items = []
    for release in digest.releases:
        if not release.is_current or release.substance not in {GHG, NOT_BY_SUBSTANCE}:
            continue
        source = catalog.source_of(release.dataset)
        retrieved = stockholm_date(release.retrieved_at).isoformat()
        attribution = say.either(source.attribution_sv, source.attribution_en).format(retrieved=retrieved)
        name = dataset_name(release.dataset, release.substance, say)
        licence = licence_words(source.licence, say)
        items.append(
            say(
                "{name}: {attribution}. Terms: {licence}. Release {release_id}.",
                name=name,
                attribution=attribution,
                licence=licence,
                release_id=release.release_id,
            )
        )
    return Section(say("Sources"), (Bullets(tuple(items)),))


def freshness(digest: Digest, say: Speaker) -> Section:
    """How fresh every dataset is."""
    return Section(
        say("Data status"),
        (
            Table(
                say("How fresh the figures are"),
                (
                    say("Statistics"),
                    say("publisher's date"),
                    say("next expected"),
                    say("status"),
                ),
                tuple(_status_row(status, say) for status in digest.statuses),
                text_columns=frozenset({0, 1, 2, 3}),
            ),
        ),
    )


def _status_row(status: DataStatus, say: Speaker) -> tuple[str, ...]:
    published = status.published_date.isoformat() if status.published_date else MISSING
    expected = MISSING
    if status.next_expected:
        expected = status.next_expected.isoformat()
    elif status.status == "fresh":
        expected = say("closed series")
    return (
        dataset_name(status.dataset, status.substance, say),
        published,
        expected,
        say(FRESHNESS[status.status]) if status.status in FRESHNESS else status.status,
    )
