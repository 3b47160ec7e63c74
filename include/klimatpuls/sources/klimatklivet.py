"""Measures that Klimatklivet supports, from Naturvårdsverket's workbook of granted applications.

What is published: twice a year, about a week after the half-year, one workbook whose address changes each
time: a page links it with the words "Beviljade ansökningar … till och med <day>". Three sheets hold the same
rows in another order (by category, county, municipality); the first is read, the others are counted.

Oddities handled: dates are Excel serials or dates; case numbers carry trailing blanks; county and
municipality are empty for charging stations (nine rows of ten), which are kept without a place. There is no
organisation number and no expected effect on emissions.

Names of sole traders occur. A name is kept only where it shows a legal form or a public body; any other may
be a person's and is left out, in facts and in rejects alike. The raw bytes are kept as they came.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urljoin

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.http import look_at_file
from klimatpuls.regions import UnknownRegionError, code_for, plain_name
from klimatpuls.releases import Fetched, Look, Parsed
from klimatpuls.units import number_from_text
from klimatpuls.zipgate import check_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klimatpuls.http import PoliteSession

SOURCE_ID: Final = "klimatklivet"
PAGE: Final = (
    "/amnesomraden/klimatomstallningen/klimatklivet/sa-fungerar-klimatklivet/"
    "resultat--hur-har-det-gatt-for-klimatklivet/"
)
MAX_INFLATED: Final = 256 * 2**20
EXCEL_EPOCH: Final = date(1899, 12, 30)
COLUMNS: Final = {
    "Ärendenummer": "case_number",
    "Organisationsnamn": "organisation_name",
    "Rubrik": "title",
    "Åtgärdskategori": "category",
    "Län": "county_code",
    "Kommun": "region_code",
    "Senast tillgängligt beviljat stödbelopp (kr)": "amount_sek",
    "Summering Antal laddpunkter": "charge_point_count",
    "Laddinfra Publik/Icke-publik": None,
    "Bifallsdatum": "decided_on",
    "Senast tillgängligt slutdatum eller slutligt beslutsdatum": "ends_on",
    "Status": "status",
    "Förordning inom Klimatklivet": "regulation",
}
"""Column of the workbook → column of the fact; None where it is read and not kept."""
FACT_COLUMNS: Final = (
    "case_number", "organisation_name", "organisation_withheld", "title", "category", "county_code",
    "region_code", "amount_sek", "charge_point_count", "decided_on", "ends_on", "status", "regulation",
    "sheet_row",
)  # fmt: skip
_LINK = re.compile(r"beviljade ansökningar", re.IGNORECASE)
_MONTHS: Final = (
    "januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober",
    "november", "december",
)  # fmt: skip
_WRITTEN_DAY = re.compile(rf"(\d{{1,2}})\s+({'|'.join(_MONTHS)})\s+(\d{{4}})", re.IGNORECASE)
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_FILE_DAY = re.compile(r"-(\d{2})(\d{2})(\d{2})\.xlsx")
# A legal form or a public body as a word of its own; "AB" in a surname is no word of its own.
_LEGAL_FORM = re.compile(
    r"(?<!\w)(ab|aktiebolag|aktiebolaget|hb|handelsbolag|kb|kommanditbolag|ek\.?\s?f[öo]r\.?"
    r"|brf|bostadsrättsförening\w*|bostadsförening\w*|hsb|riksbyggen|förening\w*|samfällighet\w*"
    r"|samfällighetsförening\w*|stiftelse\w*|kommun|kommunen|region|regionen|landsting\w*|universitet\w*"
    r"|högskola\w*|myndighet\w*|verket|församling\w*|pastorat\w*|kyrk\w*|as|a/s|oy|oyj|gmbh|ltd|plc|llc|bv|inc"
    r"|kommunalförbund\w*|länsstyrelsen|filial)(?!\w)"
    r"|\w+(aktiebolag|kommun|förening|föreningen|stiftelse|stiftelsen|samfällighet|universitet|församling)(?!\w)",
    re.IGNORECASE,
)


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
    """The workbook's address and the day it reaches to, as the results page says now.

    Args:
        page: The page.
        page_url: Its address, for relative links.

    Raises:
        SourceFormatError: if no link fits, or the fitting one states no day.
    """
    parser = _Links()
    parser.feed(page.decode("utf-8", errors="replace"))
    for href, text in parser.links:
        if ".xlsx" in href.lower() and _LINK.search(f"{text} {href.replace('-', ' ')}"):
            return urljoin(page_url, href), _stated_day(text, href)
    _refuse(
        "link_not_found",
        f"none of {len(parser.links)} links is an .xlsx of 'Beviljade ansökningar'; the page may have moved",
    )


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Find the workbook on its page, and fetch both.

    Args:
        session: The polite session of this source.
        base_url: ``https://www.naturvardsverket.se``.
        dataset: ``klimatklivet``.
        substance: None.
        as_of: The run's day; not needed.

    Returns:
        The page (which states the day the workbook reaches to) and the workbook.

    Raises:
        NotYetPublished: if a replica has nothing as of its day.
        FetchError: if the page or the workbook did not come, or the page links none.
    """
    page = session.get(f"{base_url.rstrip('/')}{PAGE}")
    url, _ = _link_of(page.body, page.url)
    workbook = session.get(url)
    return Fetched(
        source=SOURCE_ID,
        dataset=dataset,
        substance=None,
        url=workbook.url,
        parts=(page.body, workbook.body),
        http={"page": page.facts, "workbook": workbook.facts},
        known_from=workbook.known_from or page.known_from,
    )


def look(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Look:
    """Read the page, and ask for the workbook on the condition that it changed."""
    page = session.get(f"{base_url.rstrip('/')}{PAGE}")
    url, day = _link_of(page.body, page.url)
    known = validators if validators.get("url") == url else {}
    seen = look_at_file(session, url, {}, known)
    fingerprint = None if seen.fingerprint is None else f"{url} {seen.fingerprint}"
    detail = f"granted to {day}: {seen.detail}"
    return Look(fingerprint=fingerprint, validators={**seen.validators, "url": url}, detail=detail)


def _link_of(page: bytes, page_url: str) -> tuple[str, date]:
    try:
        return find_link(page, page_url)
    except SourceFormatError as error:
        raise FetchError(str(error)) from error


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn the workbook into one row per granted measure.

    Args:
        parts: The page and the workbook; a workbook given by hand alone is dated by its own last change.
        dataset: ``klimatklivet``.
        substance: None.

    Returns:
        Rows of the fact ``grant``; amounts in SEK. A row without case number, category, status or day of
        decision, or that repeats a case number, is a reject; it carries no name.

    Raises:
        SourceFormatError: if the workbook cannot be read, or columns are missing or unknown (both are named).
    """
    if len(parts) == 1 and parts[0].startswith(b"PK"):
        published, parts = _changed_on(parts[0]), (b"", parts[0])
    elif len(parts) != 2:
        _refuse("parts", f"expected the page and the workbook, found {len(parts)} parts")
    else:
        published = find_link(parts[0], "")[1]
    check_workbook(parts[1], what=SOURCE_ID, max_inflated=MAX_INFLATED)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(parts[1]))
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
    except (CalamineError, OSError, ValueError) as error:
        _refuse("unreadable_workbook", f"the workbook cannot be opened ({error})")
    cells = sheets[0].to_python(skip_empty_area=False)
    head, places = _header(cells)
    rows: list[dict[str, Any]] = []
    rejects: list[tuple[int, str, str, str]] = []
    seen: set[str] = set()
    for at, row in enumerate(cells[head + 1 :], start=head + 2):
        if not any(str(cell).strip() for cell in row):
            continue
        fact, reason, column = _fact(row, places)
        if not reason and fact["case_number"] in seen:
            reason, column = "a case number that came before", "Ärendenummer"
        if reason:
            rejects.append((at, column, "" if column in _NAMES else _text(row[places[column]]), reason))
        else:
            seen.add(fact["case_number"])
            rows.append({**fact, "sheet_row": at})
    heights = {sheet.height for sheet in sheets}
    notes = () if len(heights) == 1 else (f"the sheets have {sorted(heights)} rows; the first was read",)
    return Parsed(
        dataset=dataset,
        substance=None,
        unit="SEK",
        published_date=published,
        years=tuple(sorted({fact["decided_on"].year for fact in rows})),
        rows=_frame(rows),
        rejects=pd.DataFrame(rejects, columns=["sheet_row", "column_name", "raw_value", "reason"]).astype(
            {"sheet_row": "int64"}
        ),
        rows_read=len(rows) + len(rejects),
        notes=notes,
    )


_NAMES: Final = frozenset({"Organisationsnamn", "Rubrik"})
"""Columns whose text may name a person: never kept with a reject."""


def shown_name(name: str) -> str | None:
    """An organisation's name where it shows a legal form or a public body; None where it may be a person's.

    Example: ``Exempel AB`` → ``Exempel AB``; ``Exempelsson, Anna`` → None.
    """
    return name if name and _LEGAL_FORM.search(name) else None


def _header(cells: Sequence[Sequence[Any]]) -> tuple[int, dict[str, int]]:
    for at, row in enumerate(cells[:15]):
        names = [_text(cell) for cell in row]
        if "Ärendenummer" in names:
            found = {name: place for place, name in enumerate(names) if name}
            if found.keys() != COLUMNS.keys():
                missing, unknown = (
                    sorted(COLUMNS.keys() - found.keys()),
                    sorted(found.keys() - COLUMNS.keys()),
                )
                _refuse("columns", f"columns missing: {missing or 'none'}; nobody knows: {unknown or 'none'}")
            return at, found
    _refuse("header_not_found", "no row of the first 15 holds the word Ärendenummer")


def _fact(row: Sequence[Any], places: Mapping[str, int]) -> tuple[dict[str, Any], str, str]:
    """The fact of a row, or why it is none and in which column."""
    cell = {name: row[place] for name, place in places.items()}
    try:
        county, region = _place(_text(cell["Län"]), _text(cell["Kommun"]))
    except UnknownRegionError as error:
        return {}, str(error), "Kommun"
    name = shown_name(_text(cell["Organisationsnamn"]))
    fact: dict[str, Any] = {
        "case_number": _text(cell["Ärendenummer"]),
        "organisation_name": name,
        "organisation_withheld": name is None,
        # A title may repeat the name that is left out.
        "title": _title(_text(cell["Rubrik"]), _text(cell["Organisationsnamn"]), is_withheld=name is None),
        "category": _text(cell["Åtgärdskategori"]),
        "county_code": county,
        "region_code": region,
        "status": _text(cell["Status"]),
        "regulation": _text(cell["Förordning inom Klimatklivet"]) or None,
    }
    for column, key, read in (
        ("Senast tillgängligt beviljat stödbelopp (kr)", "amount_sek", _number),
        ("Summering Antal laddpunkter", "charge_point_count", _number),
        ("Bifallsdatum", "decided_on", _day),
        ("Senast tillgängligt slutdatum eller slutligt beslutsdatum", "ends_on", _day),
    ):
        try:
            fact[key] = read(cell[column])
        except ValueError as error:
            return {}, str(error), column
    for column, key in (
        ("Ärendenummer", "case_number"),
        ("Åtgärdskategori", "category"),
        ("Status", "status"),
        ("Bifallsdatum", "decided_on"),
    ):
        if not fact[key]:
            return {}, "missing", column
    return fact, "", ""


def _place(county: str, municipality: str) -> tuple[str | None, str | None]:
    region = code_for(municipality, county or None) if municipality else None
    if county:
        return code_for(county), region
    return (region[:2] if region else None), region


def _title(title: str, name: str, *, is_withheld: bool) -> str | None:
    words = {word for word in re.findall(r"\w{3,}", plain_name(name))}
    if is_withheld and words & set(re.findall(r"\w{3,}", plain_name(title))):
        return None
    return title or None


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(FACT_COLUMNS))
    texts = ["case_number", "organisation_name", "title", "category", "county_code", "region_code", "status"]
    return frame.astype(
        {
            **dict.fromkeys([*texts, "regulation"], "str"),
            "organisation_withheld": "bool",
            "amount_sek": "float64",
            "charge_point_count": "Int64",
            "sheet_row": "int64",
        }
    )


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split()) if cell is not None else ""


def _number(cell: object) -> float | None:
    if isinstance(cell, int | float):
        value = float(cell)
    elif not _text(cell):
        return None
    else:
        try:
            value = number_from_text(_text(cell))
        except ValueError:
            msg = "not a number"
            raise ValueError(msg) from None
    if value < 0:
        msg = "a negative number"
        raise ValueError(msg)
    return value


def _day(cell: object) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int | float):
        return EXCEL_EPOCH + timedelta(days=int(cell))
    text = _text(cell)
    if not text:
        return None
    found = _ISO_DAY.match(text)
    if found is None:
        msg = "not a date"
        raise ValueError(msg)
    return date(*map(int, found.groups()))


def _stated_day(text: str, href: str) -> date:
    written = _WRITTEN_DAY.search(text)
    if written is not None:
        day, month, year = written.groups()
        return date(int(year), _MONTHS.index(month.casefold()) + 1, int(day))
    for pattern, source, century in ((_ISO_DAY, text, 0), (_FILE_DAY, href, 2000)):
        found = pattern.search(source)
        if found is not None:
            year, month, day = map(int, found.groups())
            return date(year + century, month, day)
    _refuse("no_publication_date", f"the link {text!r} ({href}) does not say to which day it reaches")


def _refuse(rule: str, what: str) -> NoReturn:
    msg = f"{SOURCE_ID}: {what}. What to do: look at the page in a browser; nothing was loaded."
    raise SourceFormatError(msg, rule=rule, findings=(what,))


RECOGNISES: Final = "the workbook (xlsx) of granted measures, with a column Ärendenummer"


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """Whether a file given by hand is the workbook of granted measures; None where it is not."""
    if not body.startswith(b"PK"):
        return None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        heads = [book.get_sheet_by_name(name).to_python(nrows=15) for name in book.sheet_names[:4]]
    except (CalamineError, OSError, ValueError):
        return None
    is_there = any(_text(cell) == "Ärendenummer" for rows in heads for row in rows for cell in row)
    return (SOURCE_ID, None) if is_there else None


def _changed_on(body: bytes) -> date:
    """The day a workbook was last changed, of its document properties; the people in them are not read."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive, archive.open("docProps/core.xml") as part:
            about = part.read(2**16).decode("utf-8", "replace")
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        _refuse("no_publication_date", f"the workbook does not say when it was last changed ({error})")
    found = re.search(r":modified\b[^>]*>\s*(\d{4}-\d\d-\d\d)", about)
    if found is None:
        _refuse("no_publication_date", "the workbook does not say when it was last changed")
    return date.fromisoformat(found.group(1))
