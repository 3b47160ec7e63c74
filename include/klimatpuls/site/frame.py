"""What every page has: its place in the site, the menu, the banner and the foot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.clock import stockholm_date
from klimatpuls.contract import catalog
from klimatpuls.report.numbers import Speaker
from klimatpuls.report.view import EMISSIONS
from klimatpuls.site.page import INDEX, Link, Page
from klimatpuls.translations import message

if TYPE_CHECKING:
    from typing import Any

    from klimatpuls.site.view import Site
    from klimatpuls.translations import Language

FOLDERS: Final[dict[str, dict[Language, str]]] = {
    "start": {"sv": "sv", "en": "en"},
    "releases": {"sv": "sv/utgavor", "en": "en/releases"},
    "methods": {"sv": "sv/metod", "en": "en/methods"},
    "status": {"sv": "sv/datalage", "en": "en/data-status"},
    "data": {"sv": "sv/oppna-data", "en": "en/open-data"},
    "about": {"sv": "sv/om", "en": "en/about"},
}
"""Main page → its folder by language."""
MENU: Final[dict[str, str]] = {
    "start": message("Start"),
    "releases": message("Releases"),
    "methods": message("How we calculate"),
    "status": message("Data status"),
    "data": message("Open data"),
    "about": message("About"),
}
OTHER_LABELS: Final[dict[Language, str]] = {"sv": message("In Swedish"), "en": message("In English")}
"""Language → what a link to it says, in that language."""
PDF_FILES: Final[dict[Language, str]] = {"sv": "rapport.pdf", "en": "report.pdf"}
SITE_NAME: Final = "Klimatpuls"


def main_path(name: str, lang: Language) -> str:
    """The file of a main page below the site's root."""
    return f"{FOLDERS[name][lang]}/{INDEX}"


def region_path(code: str, lang: Language) -> str:
    """The file of a region's page."""
    return f"{lang}/{code}/{INDEX}"


def pdf_path(code: str, lang: Language) -> str:
    """The file of a region's PDF."""
    return f"{lang}/{code}/{PDF_FILES[lang]}"


def release_path(release_id: str, lang: Language) -> str:
    """The file of a release's page."""
    return f"{FOLDERS['releases'][lang]}/{release_id}/{INDEX}"


def other(lang: Language) -> Language:
    """The language that is not this one."""
    return "en" if lang == "sv" else "sv"


def framed(site: Site, say: Speaker, **content: Any) -> Page:
    """A page with menu, banner and foot.

    Args:
        site: The site.
        say: The language.
        content: The other attributes of the page.
    """
    return Page(
        lang=say.lang,
        other_label=Speaker(other(say.lang))(OTHER_LABELS[other(say.lang)]),
        banner=_banner(site, say),
        menu=tuple(Link(say(text), main_path(name, say.lang)) for name, text in MENU.items()),
        menu_label=say("Main pages"),
        skip_label=say("Skip to the content"),
        footer=_footer(site, say),
        **content,
    )


def _banner(site: Site, say: Speaker) -> str | None:
    if site.digest.origin == "synthetic":
        return say(
            "SYNTHETIC FIGURES. Everything here was made up to try the system. None of it is statistics."
        )
    if site.digest.origin == "archive":
        return say(
            "FIGURES FROM AN ARCHIVE, as things stood on {as_of}. There may be newer ones.",
            as_of=say.day(site.digest.as_of),
        )
    return None


def _footer(site: Site, say: Speaker) -> tuple[str | Link, ...]:
    release = site.digest.emissions
    source = catalog.source_of(EMISSIONS)
    attribution = say.either(source.attribution_sv, source.attribution_en)
    return (
        say(
            "Emissions within the border, without international transport. {attribution}",
            attribution=attribution.format(retrieved=stockholm_date(release.retrieved_at).isoformat()),
        ),
        say(
            "Figures as of {as_of}, method version {method_version}.",
            as_of=say.day(site.digest.as_of),
            method_version=site.digest.method_version,
        ),
        Link(
            say("The release of {published}", published=say.day(release.published_date)),
            release_path(release.release_id, say.lang),
        ),
    )
