"""Verified emissions of plants in the EU emissions trading system: the Commission's yearly workbook.

What is published: in April the emissions of the year before, plant by plant, one year ahead of SMHI. The
workbook's address holds an id that changes every year, so the address of this source is a page that links it.
The newest workbook named ``verified_emissions_<year>`` is taken. An address that is itself the workbook works
as well, so an operator may name one in the connection ``eu_ets_default``.

Nothing of this was recorded: the form was read in public programs. So the header is searched in every sheet,
a column is known by its name in any case, and whatever else is there is not read. One row is a plant of one
country, with columns for every year. Only Swedish plants are kept. Aircraft operators are no plants, and may
be private persons: their rows are not read. ``n/a`` means that the plant was not in the system that year, or
has not reported: no figure and no zero. ``Excluded`` means that it was let out: its emissions are outside.

The workbook has no municipality: the register ``ets_plants`` adds it. See docs/sources/eu_ets.md.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from datetime import date
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from klimatpuls.contract.releases import EXPECTED, Fetched, Parsed, Poll
from klimatpuls.errors import FetchError, KlimatpulsError, SourceFormatError
from klimatpuls.fetch.assumptions import Checked
from klimatpuls.fetch.http import poll_file
from klimatpuls.files.archive_safety import check_workbook
from klimatpuls.files.values import day_from_text, number_from_text
from klimatpuls.files.workbook_cells import Unreadable, sheet_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from klimatpuls.fetch.http import Answer, PoliteSession

SOURCE_ID: Final = "eu_ets"
REGISTRY: Final = "SE"
AIRCRAFT_OPERATORS: Final = "10"
"""Code of the main activity of aircraft operators."""
MAX_INFLATED: Final = 512 * 2**20
"""Some 18 000 plants and operators of all countries with two columns a year."""
VERIFIED: Final = "verified"
EXCLUDED: Final = "excluded"
_NO_FIGURE: Final = frozenset({"", "n/a", "na", "-", "-1"})
"""What stands for no figure; -1 is how the register's own database writes it."""
_EXCLUDED: Final = frozenset({"excluded"})
_TEXT_COLUMNS: Final = {
    "registrycode": "registry",
    "installationname": "installation_name",
    "installationidentifier": "installation_id",
    "permitidentifier": "permit_id",
    "mainactivitytypecode": "activity_code",
}
_NEEDED: Final = ("registry", "installation_id", "activity_code")
_VERIFIED_YEAR = re.compile(r"verifiedemissions(20\d\d)")
_ALLOCATION_YEAR = re.compile(r"allocation(20\d\d)")
_HEAD_ROWS: Final = 30
_NAMED_YEAR = re.compile(r"verified[_ -]?emissions[_ -]?(20\d\d)")
_COLUMNS: Final = (
    "installation_id", "year", "verified_tco2e", "allocation_t", "trading_status", "installation_name",
    "permit_id", "activity_code", "sheet_row",
)  # fmt: skip
WHAT_TO_DO: Final = (
    "What to do: open the workbook and compare it with docs/sources/eu_ets.md; nothing was loaded."
)


class _Links(HTMLParser):
    """Collects the targets of links."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A link begins."""
        target = dict(attrs).get("href")
        if tag == "a" and target:
            self.targets.append(target)


def find_link(page: bytes, page_url: str) -> tuple[str, int]:
    """Returns the newest linked workbook of verified emissions, and its year.

    Args:
        page: The page.
        page_url: Its address, for relative links.

    Raises:
        FetchError: if no link names verified emissions and a year.
    """
    parser = _Links()
    parser.feed(page.decode("utf-8", errors="replace"))
    named = [
        (int(found[1]), target)
        for target in parser.targets
        if (found := _NAMED_YEAR.search(target.casefold())) and ".xlsx" in target.casefold()
    ]
    if not named:
        msg = (
            f"{SOURCE_ID}: none of {len(parser.targets)} links of {page_url} is an .xlsx called "
            "verified_emissions_<year>. What to do: find the workbook in a browser, and give it to "
            "'klimatpuls ingest' or its address to the connection eu_ets_default."
        )
        raise FetchError(msg)
    year, target = max(named)
    return urljoin(page_url, target), year


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Returns the newest workbook that the page links; a base URL that is a workbook is taken itself."""
    answer = session.get(base_url)
    workbook = answer if _is_workbook(answer) else session.get(find_link(answer.body, answer.url)[0])
    return Fetched(
        source=SOURCE_ID,
        dataset=dataset,
        substance=None,
        url=workbook.url,
        parts=(workbook.body,),
        http=workbook.facts,
        known_from=workbook.known_from or answer.known_from,
    )


def poll(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Poll:
    """Returns the address of the newest workbook; the workbook itself is requested only if it changed."""
    answer = session.get(base_url)
    url, year = (
        (answer.url, "of no stated year") if _is_workbook(answer) else find_link(answer.body, answer.url)
    )
    seen = poll_file(session, url, {}, validators if validators.get("url") == url else {})
    fingerprint = None if seen.fingerprint is None else f"{url} {seen.fingerprint}"
    return Poll(
        fingerprint=fingerprint,
        validators={**seen.validators, "url": url},
        detail=f"verified emissions {year}: {seen.detail}",
    )


def _is_workbook(answer: Answer) -> bool:
    return answer.body.startswith(b"PK")


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Returns one row per Swedish plant and year with a figure.

    Args:
        parts: The workbook.
        dataset: ``eu_ets``.
        substance: None.

    Returns:
        Rows of the fact ``ets_plant``, tonnes of CO2 equivalents. A year without a figure is an expected
        reject; a figure that cannot be read, or a plant that comes twice, is a reject.

    Raises:
        SourceFormatError: if no sheet has the header, or it has no Swedish plant.
    """
    if len(parts) != 1:
        _refuse("parts", f"expected one workbook, found {len(parts)} parts")
    (body,) = parts
    check_workbook(body, what=SOURCE_ID, max_inflated=MAX_INFLATED)
    sheet = _sheet(body)
    rows: list[dict[str, Any]] = []
    rejects: list[tuple[int, str, str, str]] = []
    seen: set[str] = set()
    for at, row in enumerate(sheet.cells[sheet.head_row + 1 :], start=sheet.head_row + 2):
        plant = {name: _text(row[place]) for name, place in sheet.texts.items()}
        if plant["registry"].upper() != REGISTRY or plant["activity_code"] == AIRCRAFT_OPERATORS:
            continue
        found = list(_figures(sheet, row))
        twice = plant["installation_id"] in seen
        seen.add(plant["installation_id"])
        if twice or not plant["installation_id"]:
            reason = "a plant that came before" if twice else "missing"
            rejects.append((at, "INSTALLATION_IDENTIFIER", plant["installation_id"], reason))
            continue
        for figure in found:
            if figure.reason:
                rejects.append((at, f"VERIFIED_EMISSIONS_{figure.year}", figure.said, figure.reason))
            else:
                rows.append(
                    {
                        **{name: plant.get(name) or None for name in _TEXT_COLUMNS.values()},
                        "year": figure.year,
                        "verified_tco2e": figure.tonnes,
                        "allocation_t": figure.allocation,
                        "trading_status": VERIFIED if figure.tonnes is not None else EXCLUDED,
                        "sheet_row": at,
                    }
                )
    if not rows:
        _refuse("empty", f"no plant of the registry {REGISTRY} has a figure in the sheet {sheet.name!r}")
    published, said = _published(body, max(row["year"] for row in rows))
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    texts = ("installation_id", "trading_status", "installation_name", "permit_id", "activity_code")
    return Parsed(
        dataset=dataset,
        substance=None,
        unit="t CO2e",
        published_date=published,
        years=tuple(sorted(frame["year"].unique().tolist())),
        rows=frame.astype(
            {
                **dict.fromkeys(texts, "str"),
                "year": "int64",
                "verified_tco2e": "float64",
                "allocation_t": "float64",
                "sheet_row": "int64",
            }
        ),
        rejects=pd.DataFrame(rejects, columns=["sheet_row", "column_name", "raw_value", "reason"]).astype(
            {"sheet_row": "int64"}
        ),
        rows_read=len(rows) + len(rejects),
        notes=(*sheet.notes, *said),
    )


@dataclass(frozen=True)
class _Sheet:
    """The sheet that is read.

    Attributes:
        name: Its name.
        cells: Its cells from A1.
        head_row: Which row is the header, from 0.
        texts: Our name of a text column → where it stands.
        verified: Year → column of verified emissions.
        allocation: Year → column of free allowances.
        notes: What an operator should know.
    """

    name: str
    cells: list[list[Any]]
    head_row: int
    texts: Mapping[str, int]
    verified: Mapping[int, int]
    allocation: Mapping[int, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Figure:
    """A plant's year: tonnes (None where it was excluded), or why there is no figure."""

    year: int
    said: str
    tonnes: float | None = None
    allocation: float | None = None
    reason: str = ""


def _sheet(body: bytes) -> _Sheet:
    """The first sheet with the header, as far as it was read anywhere."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        for name in book.sheet_names:
            start = book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=_HEAD_ROWS)
            for at, row in enumerate(start):
                texts, verified, allocation = _places(row)
                if all(one in texts for one in _NEEDED) and verified:
                    lacking = [one for one in _TEXT_COLUMNS.values() if one not in texts]
                    notes = (f"the columns for {', '.join(lacking)} are gone",) if lacking else ()
                    return _Sheet(name, sheet_rows(book, body, name), at, texts, verified, allocation, notes)
    except (CalamineError, OSError, ValueError) as error:
        _refuse("unreadable_workbook", f"the workbook cannot be opened ({error})")
    _refuse(
        "header_not_found",
        f"no row of the first {_HEAD_ROWS} of the sheets {', '.join(book.sheet_names)} has REGISTRY_CODE, "
        "INSTALLATION_IDENTIFIER, MAIN_ACTIVITY_TYPE_CODE and VERIFIED_EMISSIONS_<year>",
    )


def _places(row: Sequence[Any]) -> tuple[dict[str, int], dict[int, int], dict[int, int]]:
    """The columns of a header: texts by our names, verified emissions and allowances by year."""
    texts: dict[str, int] = {}
    verified: dict[int, int] = {}
    allocation: dict[int, int] = {}
    for place, cell in enumerate(row):
        name = re.sub(r"[^a-z0-9/]", "", _text(cell).casefold())
        if name in _TEXT_COLUMNS:
            texts.setdefault(_TEXT_COLUMNS[name], place)
        elif found := _VERIFIED_YEAR.fullmatch(name):
            verified.setdefault(int(found[1]), place)
        elif found := _ALLOCATION_YEAR.fullmatch(name):
            allocation.setdefault(int(found[1]), place)
    return texts, verified, allocation


def _figures(sheet: _Sheet, row: Sequence[Any]) -> Iterator[_Figure]:
    for year, place in sorted(sheet.verified.items()):
        cell, said = row[place], _text(row[place])
        if isinstance(cell, Unreadable):
            yield _Figure(year, said, reason=cell.reason)
        elif said.casefold() in _NO_FIGURE:
            yield _Figure(year, said, reason=f"{EXPECTED}not in the system that year, or not reported")
        elif said.casefold() in _EXCLUDED:
            yield _Figure(year, said)
        else:
            tonnes = _tonnes(said)
            reason = "" if tonnes is not None else "not a number of tonnes"
            granted = _tonnes(_text(row[sheet.allocation[year]])) if year in sheet.allocation else None
            yield _Figure(year, said, tonnes, granted, reason)


def _tonnes(text: str) -> float | None:
    """Tonnes of a cell; None where it holds no number of at least 0."""
    try:
        value = number_from_text(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split()) if cell is not None else ""


def _published(body: bytes, newest: int) -> tuple[date, tuple[str, ...]]:
    """The day the workbook was last changed, by its document properties, whose people are not read.

    Where they state none after the newest year, it is dated by 1 April of the year after it.
    """
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        try:
            root = ET.fromstring(archive.read("docProps/core.xml"))  # noqa: S314  (checked by the zip gate)
            day = day_from_text(root.findtext("{http://purl.org/dc/terms/}modified") or "")
        except (KeyError, ET.ParseError, ValueError):
            day = date.min
    if day.year > newest:
        return day, ()
    said = f"the workbook does not say when it was last changed: dated by April {newest + 1}"
    return date(newest + 1, 4, 1), (said,)


def _refuse(rule: str, what: str) -> NoReturn:
    msg = f"{SOURCE_ID}: {what}. {WHAT_TO_DO}"
    raise SourceFormatError(msg, rule=rule, findings=(what,))


RECOGNISES: Final = "the yearly workbook (xlsx) with columns VERIFIED_EMISSIONS_<year>"


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """Returns the dataset of a workbook given by hand; None if no sheet has the header."""
    if not body.startswith(b"PK"):
        return None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        heads = [book.get_sheet_by_name(name).to_python(nrows=_HEAD_ROWS) for name in book.sheet_names]
    except (CalamineError, OSError, ValueError):
        return None
    return (SOURCE_ID, None) if any(_places(row)[1] for rows in heads for row in rows) else None


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Yields whether the page links a workbook, and whether it can be read; a workbook of some 10 MB."""
    linked = "the page links an .xlsx called verified_emissions_<year>"
    try:
        url = fetch(session, base_url, SOURCE_ID, None, as_of=as_of)
    except KlimatpulsError as error:
        yield Checked(
            assumption=linked,
            answer=str(error),
            verdict="fails",
            action="give the workbook to 'klimatpuls ingest', or its address to the connection",
        )
        return
    yield Checked(assumption=linked, answer=url.url.rpartition("=")[2], verdict="holds")
    form = "a sheet has REGISTRY_CODE, INSTALLATION_IDENTIFIER and VERIFIED_EMISSIONS_<year>"
    try:
        parsed = parse(url.parts, SOURCE_ID, None)
    except SourceFormatError as error:
        yield Checked(assumption=form, answer=str(error), verdict="fails", action=WHAT_TO_DO)
        return
    unread = parsed.rejects[~parsed.rejects["reason"].str.startswith(EXPECTED)]
    yield Checked(
        assumption=form,
        answer=f"{parsed.rows['installation_id'].nunique()} Swedish plants, {len(unread)} cells refused",
        verdict="fails" if len(unread) else "holds",
        action="the release would be quarantined: look at the refused cells" if len(unread) else "",
    )
