"""Finds the link to the newest workbook on the results page of Naturvårdsverket."""

from __future__ import annotations

import calendar
import re
from datetime import date
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import unquote, urljoin, urlsplit

from klimatpuls.errors import SourceFormatError
from klimatpuls.files.csv_text import decode_text
from klimatpuls.files.values import MONTHS, month_from_word

if TYPE_CHECKING:
    pass


SOURCE_ID: Final = "klimatklivet"
PAGE: Final = (
    "/amnesomraden/klimatomstallningen/klimatklivet/sa-fungerar-klimatklivet/"
    "resultat--hur-har-det-gatt-for-klimatklivet/"
)
_LINK = re.compile(r"beviljad\w* (ansokning|atgard|stod|projekt|arende)")
_PLAIN_LETTERS: Final = str.maketrans("åäö-_/+", "aao    ")
_WRITTEN_DAY = re.compile(rf"\b(\d{{1,2}})\s+({'|'.join(MONTHS)})\s+(\d{{4}})", re.IGNORECASE)
_WRITTEN_MONTH = re.compile(rf"\b({'|'.join(MONTHS)})\s+(\d{{4}})", re.IGNORECASE)
_ISO_DAY = re.compile(r"(?<!\d)(20\d{2})-(\d{2})-(\d{2})(?!\d)")
_FILE_DAY = re.compile(r"(?<!\d)(20)?(\d{2})(\d{2})(\d{2})(?!\d)")


class _Links(HTMLParser):
    """Collects links with their texts."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self._href: str | None = None
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A link begins."""
        if tag == "a":
            self._href, self._text = dict(attrs).get("href"), []

    def handle_data(self, data: str) -> None:
        """Words inside a link."""
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        """A link ends."""
        if tag == "a" and self._href:
            self.links.append((self._href, " ".join("".join(self._text).split())))
            self._href = None


def find_link(page: bytes, page_url: str) -> tuple[str, date]:
    """The newest workbook's address and the day it reaches to, as the results page states now.

    Args:
        page: The page.
        page_url: Its address, for relative links.

    Returns:
        Of several links the one with the latest day, by its text or else by its file name.

    Raises:
        SourceFormatError: if no link fits, or none that fits states a day.
    """
    parser = _Links()
    parser.feed(decode_text(page))
    fitting = [(href, text) for href, text in parser.links if _fits(href, text)]
    if not fitting:
        refuse(
            "link_not_found",
            f"none of {len(parser.links)} links is an .xlsx of 'Beviljade ansökningar'; the page may have "
            "moved",
        )
    ours = [(href, text) for href, text in fitting if "klimatklivet" in f"{href} {text}".casefold()]
    dated = [(day, href) for href, text in ours or fitting if (day := _stated_day(text, href)) is not None]
    if not dated:
        href, text = (ours or fitting)[0]
        refuse("no_publication_date", f"the link {text!r} ({href}) does not say to which day it reaches")
    day, href = max(dated, key=lambda link: link[0])
    return urljoin(page_url, href), day


def _fits(href: str, text: str) -> bool:
    """Whether a link leads to an xlsx file of granted applications, by its words or its file name."""
    words = " ".join(f"{text} {unquote(href)}".casefold().translate(_PLAIN_LETTERS).split())
    try:
        path = urlsplit(href).path
    except ValueError:
        return False  # an address that is none, such as http://[, is some other link's slip
    return path.casefold().endswith(".xlsx") and _LINK.search(words) is not None


def _stated_day(text: str, href: str) -> date | None:
    """The last day that a link's text names, else the day of its file name; None where there is none."""
    name = unquote(urlsplit(href).path).rpartition("/")[2]
    candidates = [
        [(year, month_from_word(month), day) for day, month, year in _WRITTEN_DAY.findall(text)]
        + _ISO_DAY.findall(text),
        [(year, month_from_word(month), 0) for month, year in _WRITTEN_MONTH.findall(text)],
        _ISO_DAY.findall(name),
        [(f"20{year}", month, day) for _, year, month, day in _FILE_DAY.findall(name)],
    ]
    for days in candidates:
        found = [day for parts in days if (day := _day_of(*map(int, parts))) is not None]
        if found:
            return max(found)
    return None


def _day_of(year: int, month: int, day: int) -> date | None:
    """A day, or the last one of the month where ``day`` is 0; None where no calendar has it."""
    try:
        return date(year, month, day or calendar.monthrange(year, month)[1])
    except ValueError:
        return None


def refuse(rule: str, what: str) -> NoReturn:
    """Refuse the page or the workbook.

    Raises:
        SourceFormatError: always.
    """
    msg = f"{SOURCE_ID}: {what}. What to do: look at the page in a browser; nothing was loaded."
    raise SourceFormatError(msg, rule=rule, findings=(what,))
