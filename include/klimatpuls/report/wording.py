"""Writes the digest: one :class:`~klimatpuls.report.page.Page` per language.

Every text is a message of the gettext catalogues (:mod:`klimatpuls.translations`), identified by its English.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.contract.causes import DecisionCause, RegisterCause, ReleaseCause, StandingCause
from klimatpuls.report.caveats import certainty, freshness, missing_figures, sources, warnings
from klimatpuls.report.estimate import next_year
from klimatpuls.report.figures import comparison, in_short, members, national_and_own_parts
from klimatpuls.report.findings import headline, subject_detail
from klimatpuls.report.membership import membership
from klimatpuls.report.news import changed, released
from klimatpuls.report.numbers import Speaker
from klimatpuls.report.page import Page, Paragraph, Section
from klimatpuls.report.standings import own_targets
from klimatpuls.report.terms import not_calculated
from klimatpuls.report.view import EMISSIONS, GHG
from klimatpuls.translations import message

if TYPE_CHECKING:
    from collections.abc import Callable

    from klimatpuls.report.view import Digest
    from klimatpuls.translations import Language


def write_page(digest: Digest, lang: Language) -> Page:
    """Write the digest in one language.

    Args:
        digest: What to say.
        lang: ``sv`` or ``en``.
    """
    say = Speaker(lang)
    return Page(
        lang=lang,
        title=_title(digest, say),
        subtitle=say("Klimatpuls for Klimatkommunerna, as of {as_of}", as_of=say.day(digest.as_of)),
        banner=_banner(digest, say),
        sections=tuple(
            section
            for section in (
                calculated(in_short, digest, say, *IN_SHORT_SHOWS),
                released(digest, say),
                changed(digest, say),
                calculated(comparison, digest, say, "network_summary", "region_overview"),
                calculated(members, digest, say, "region_overview"),
                calculated(national_and_own_parts, digest, say, "region_overview"),
                next_year(digest, say),
                calculated(own_targets, digest, say, "target_progress"),
                membership(digest, say),
                warnings(digest, say),
                None if digest.not_calculated & IN_SHORT_SHOWS else missing_figures(digest, say),
                certainty(digest, say),
                sources(digest, say),
                freshness(digest, say),
            )
            if section is not None
        ),
        footer=(
            say(
                "This mail was written and sent automatically by Klimatpuls when the figures were published."
            ),
            say(
                "Publication {publication_id}, method version {method_version}, release {release_id}.",
                publication_id=digest.publication_id,
                method_version=digest.method_version,
                release_id=digest.emissions.release_id,
            ),
        ),
    )


IN_SHORT_SHOWS: Final = frozenset({"network_summary", "region_overview"})
"""Result tables that the first section shows: without them the digest has no headline."""


def calculated(
    write: Callable[[Digest, Speaker], Section | None], digest: Digest, say: Speaker, *tables: str
) -> Section | None:
    """A section, or under its heading that its figures could not be calculated in this publication.

    Args:
        write: Writes the section.
        digest: What to say.
        say: The language.
        tables: The result tables that the section shows.
    """
    section = write(digest, say)
    if section is None or not digest.not_calculated & set(tables):
        return section
    return Section(section.heading, (Paragraph(not_calculated(say)),))


def subject(digest: Digest) -> str:
    """The subject line: the finding in Swedish, the list's language, after the origin if it is not live."""
    say = Speaker("sv")
    prefix = ""
    if digest.origin != "live":
        origin = message("SYNTHETIC FIGURES") if digest.origin == "synthetic" else message("ARCHIVE")
        prefix = f"[{say(origin)}] "
    detail = subject_detail(digest, say) if _is_new_year(digest) else ""
    return f"{prefix}{_title(digest, say)}{detail}"


def _releases(digest: Digest) -> list[ReleaseCause]:
    """The new releases that the figures come from."""
    return [
        cause
        for cause in digest.causes
        if isinstance(cause, ReleaseCause)
        and cause.is_current
        and (cause.dataset, cause.substance) == (EMISSIONS, GHG)
    ]


def _is_new_year(digest: Digest) -> bool:
    return any(cause.first or cause.new_years for cause in _releases(digest))


def _title(digest: Digest, say: Speaker) -> str:
    year = digest.last_year
    if _is_new_year(digest):
        return headline(digest, say) or say("New emission figures: {year}", year=year)
    if _releases(digest):
        return say("Revised emission figures to {year}", year=year)
    decisions = [c for c in digest.causes if isinstance(c, DecisionCause) and c.moves_current]
    if any(decision.kind == "withdrawn" for decision in decisions):
        return say("A release was withdrawn")
    if decisions:
        return say("A withdrawn release is shown again")
    if any(isinstance(cause, StandingCause) for cause in digest.causes):
        return say("Changed standing of members' targets")
    if any(isinstance(cause, RegisterCause) for cause in digest.causes):
        return say("Changes in the network's registers")
    return say("Emissions to {year}", year=year)


def _banner(digest: Digest, say: Speaker) -> str | None:
    if digest.origin == "synthetic":
        return say(
            "SYNTHETIC FIGURES. Everything in this mail was made up to try the system. "
            "None of it is statistics, and none of it may be used or passed on."
        )
    if digest.origin == "archive":
        return say(
            "FIGURES FROM AN ARCHIVE. They were not fetched from the agencies but from a "
            "folder of earlier releases, as things stood on {as_of}. There may be newer "
            "ones.",
            as_of=say.day(digest.as_of),
        )
    return None
