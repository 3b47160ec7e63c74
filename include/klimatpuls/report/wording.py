"""The digest in words: one :class:`~klimatpuls.report.page.Page` per language from one digest.

Swedish and English stand side by side in every call, so that neither says less than the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.report.caveats import certainty, freshness, missing_figures, sources, warnings
from klimatpuls.report.figures import comparison, in_short, members, national_and_own_parts
from klimatpuls.report.membership import membership
from klimatpuls.report.news import changed, released
from klimatpuls.report.numbers import Speaker
from klimatpuls.report.page import Page, Paragraph, Section
from klimatpuls.report.standings import own_targets
from klimatpuls.report.terms import not_calculated
from klimatpuls.report.view import (
    EMISSIONS,
    GHG,
    DecisionCause,
    RegisterCause,
    ReleaseCause,
    StandingCause,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from klimatpuls.report.numbers import Language
    from klimatpuls.report.view import Digest


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
        subtitle=say(
            f"Klimatpuls för Klimatkommunerna, läget {say.day(digest.as_of)}",
            f"Klimatpuls for Klimatkommunerna, as of {say.day(digest.as_of)}",
        ),
        banner=_banner(digest, say),
        sections=tuple(
            section
            for section in (
                calculated(in_short, digest, say, "network_summary", "region_overview"),
                released(digest, say),
                changed(digest, say),
                calculated(comparison, digest, say, "network_summary", "region_overview"),
                calculated(members, digest, say, "region_overview"),
                calculated(national_and_own_parts, digest, say, "region_overview"),
                calculated(own_targets, digest, say, "target_progress"),
                membership(digest, say),
                warnings(digest, say),
                None if digest.not_calculated & MISSING_FROM else missing_figures(digest, say),
                certainty(digest, say),
                sources(digest, say),
                freshness(digest, say),
            )
            if section is not None
        ),
        footer=(
            say(
                "Det här brevet skrevs och skickades automatiskt av Klimatpuls när siffrorna publicerades.",
                "This mail was written and sent automatically by Klimatpuls when the figures were published.",
            ),
            say(
                f"Publicering {digest.publication_id}, metodversion {digest.method_version}, utgåva "
                f"{digest.emissions.release_id}.",
                f"Publication {digest.publication_id}, method version {digest.method_version}, release "
                f"{digest.emissions.release_id}.",
            ),
        ),
    )


MISSING_FROM: Final = frozenset({"network_summary", "region_overview"})
"""The result tables whose missing figures are explained; nothing is said of them where they are not shown."""


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
    """The subject line, Swedish and English, with the origin first where the figures are not live."""
    prefix = {
        "live": "",
        "archive": "[ARKIV / ARCHIVE] ",
        "synthetic": "[PÅHITTADE SIFFROR / SYNTHETIC FIGURES] ",
    }[digest.origin]
    return f"{prefix}{_title(digest, Speaker('sv'))} / {_title(digest, Speaker('en'))}"


def _title(digest: Digest, say: Speaker) -> str:
    year = digest.last_year
    causes = [
        cause
        for cause in digest.causes
        if isinstance(cause, ReleaseCause)
        and cause.is_current
        and (cause.dataset, cause.substance) == (EMISSIONS, GHG)
    ]
    if any(cause.first or cause.new_years for cause in causes):
        return say(f"Nya utsläppssiffror: {year}", f"New emission figures: {year}")
    if causes:
        return say(f"Reviderade utsläppssiffror till {year}", f"Revised emission figures to {year}")
    decisions = [c for c in digest.causes if isinstance(c, DecisionCause) and c.moves_current]
    if any(decision.is_withdrawal for decision in decisions):
        return say("En utgåva har dragits tillbaka", "A release was withdrawn")
    if decisions:
        return say("En tillbakadragen utgåva gäller åter", "A withdrawn release is shown again")
    if any(isinstance(cause, StandingCause) for cause in digest.causes):
        return say("Ändrat läge för medlemmars mål", "Changed standing of members' targets")
    if any(isinstance(cause, RegisterCause) for cause in digest.causes):
        return say("Ändringar i nätverkets register", "Changes in the network's registers")
    return say(f"Utsläppen till {year}", f"Emissions to {year}")


def _banner(digest: Digest, say: Speaker) -> str | None:
    if digest.origin == "synthetic":
        return say(
            "PÅHITTADE SIFFROR. Allt i det här brevet är slumpat för att pröva systemet. Inget av det är "
            "statistik, och inget får användas eller spridas.",
            "SYNTHETIC FIGURES. Everything in this mail was made up to try the system. None of it is "
            "statistics, and none of it may be used or passed on.",
        )
    if digest.origin == "archive":
        return say(
            "SIFFROR UR ETT ARKIV. De är inte hämtade direkt från myndigheterna utan ur en mapp med "
            f"äldre utgåvor, så som läget var {say.day(digest.as_of)}. Det kan finnas nyare.",
            "FIGURES FROM AN ARCHIVE. They were not fetched from the agencies but from a folder of "
            f"earlier releases, as things stood on {say.day(digest.as_of)}. There may be newer ones.",
        )
    return None
