"""Fetches the results page and its workbook, notices when they changed, and checks what is assumed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from klimatpuls.contract.releases import Fetched, Poll
from klimatpuls.errors import FetchError, KlimatpulsError, SourceFormatError
from klimatpuls.fetch.assumptions import COMMON_FORM, checked
from klimatpuls.fetch.http import poll_file
from klimatpuls.sources.klimatklivet.page import PAGE, SOURCE_ID, find_link
from klimatpuls.sources.klimatklivet.parser import COLUMNS, find_sheet, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from klimatpuls.fetch.assumptions import Checked
    from klimatpuls.fetch.http import PoliteSession


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Find the workbook on its page, and fetch both: the page states the day the workbook reaches to.

    Raises:
        NotYetPublished: if the mock agencies have nothing as of their day.
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


def poll(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Poll:
    """Read the page, and request the workbook only if it changed."""
    page = session.get(f"{base_url.rstrip('/')}{PAGE}")
    url, day = _link_of(page.body, page.url)
    known = validators if validators.get("url") == url else {}
    polled = poll_file(session, url, {}, known)
    fingerprint = None if polled.fingerprint is None else f"{url} {polled.fingerprint}"
    detail = f"granted to {day}: {polled.detail}"
    return Poll(fingerprint=fingerprint, validators={**polled.validators, "url": url}, detail=detail)


def _link_of(page: bytes, page_url: str) -> tuple[str, date]:
    try:
        return find_link(page, page_url)
    except SourceFormatError as error:
        raise FetchError(str(error)) from error


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Read the results page and its workbook once, and compare both with what is assumed.

    The workbook is one answer of some 7 MB: nothing smaller shows its columns. No error is raised: a call
    that fails is a result ``fails``.
    """
    linked = "the results page links an .xlsx 'Beviljade ansökningar … till och med <day>'"
    try:
        page = session.get(f"{base_url.rstrip('/')}{PAGE}")
        url, day = find_link(page.body, page.url)
    except KlimatpulsError as error:
        yield checked(
            linked, str(error), "fails", f"look for the workbook at {base_url}, or give it to `ingest`"
        )
        return
    yield checked(
        linked,
        f"{urlsplit(url).path.rpartition('/')[2]}, to {day}",
        "holds" if day <= as_of + timedelta(days=1) else "differs",
        "ask Naturvårdsverket: the list reaches to a day in the future",
    )
    try:
        body = session.get(url).body
        sheet = find_sheet(body)
        parsed = parse((page.body, body), SOURCE_ID, None)
    except KlimatpulsError as error:
        yield checked(
            "the workbook has the recorded columns",
            str(error),
            "fails",
            "compare the workbook with docs/sources/klimatklivet.md and report it",
        )
        return
    yield checked(
        f"a sheet of the workbook has the {len(COLUMNS)} recorded columns, and the other sheets as many rows",
        f"sheet {sheet.name!r}: {'; '.join(sheet.notes) or 'as recorded'}",
        "differs" if sheet.notes else "holds",
        COMMON_FORM,
    )
    reasons = "; ".join(sorted(set(parsed.rejects["reason"]))[:3])
    yield checked(
        "every row is a case with category, status, amount and day of decision",
        f"{len(parsed.rows)} rows, {len(parsed.rejects)} refused" + (f": {reasons}" if reasons else ""),
        "fails" if len(parsed.rejects) else "holds",
        "the release would be quarantined: look at the refused cells and report them",
    )
