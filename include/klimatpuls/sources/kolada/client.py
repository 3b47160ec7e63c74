"""Fetches every page of Kolada's key figures, notices when they changed, and checks what is assumed."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit, urlunsplit

from klimatpuls.contract.releases import Fetched, Poll
from klimatpuls.domain.kolada_kpis import kpis
from klimatpuls.errors import FetchError, KlimatpulsError, SourceFormatError
from klimatpuls.fetch.assumptions import COMMON_FORM, checked
from klimatpuls.fetch.http import StatusError
from klimatpuls.sources.kolada.parser import (
    SOURCE_ID,
    TOTAL,
    VALUES,
    Noted,
    entry_values,
    next_page,
    next_publication,
    read_page,
    read_values,
    retrieval_part,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from klimatpuls.fetch.assumptions import Checked, Verdict
    from klimatpuls.fetch.http import Answer, PoliteSession


MAX_IDS: Final = 25
MAX_PAGES: Final = 1_000
FIRST_YEAR: Final = 1990
REFUSED_IDS: Final = frozenset({400, 404, 422})
"""Statuses with which the interface may refuse a whole question because of one id; none has been recorded."""


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Fetch the definitions of all key figures, and for the dataset of values every year of them.

    Returns:
        A part that says on which day the rest was retrieved, the pages of the definitions, then those of the
        values, in the order they came.

    Raises:
        NotYetPublished: if the mock agencies have nothing as of their day.
        FetchError: if a page did not come, or leads elsewhere.
    """
    try:
        answers = _answers(session, base_url, dataset, as_of)
    except SourceFormatError as error:
        msg = f"{SOURCE_ID}: no figures of {dataset} came: {error}"
        raise FetchError(msg) from error
    if not answers:
        msg = (
            f"{SOURCE_ID}: Kolada knows none of the {len(kpis())} key figures. What to do: look one up at "
            f"{base_url.rstrip('/')}/kpi/{next(iter(kpis()))}; nothing was kept."
        )
        raise FetchError(msg)
    known_from = max((answer.known_from for answer in answers if answer.known_from), default=None)
    return Fetched(
        source=SOURCE_ID,
        dataset=dataset,
        substance=None,
        url=base_url,
        parts=(retrieval_part(known_from or as_of, len(answers)), *(answer.body for answer in answers)),
        http={"pages": len(answers), "first": answers[0].facts},
        known_from=known_from,
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
    """Read what the key figures are called and when they are published next; no value is fetched."""
    try:
        entries = [
            entry for answer in _definitions(session, base_url) for entry in values_of(read_page(answer.body))
        ]
    except SourceFormatError as error:
        msg = f"{SOURCE_ID}: no definitions came: {error}"
        raise FetchError(msg) from error
    stated = sorted(
        f"{entry.get('id')}|{entry.get('title')}|{entry.get('publication_date')}" for entry in entries
    )
    digest = hashlib.sha256("\n".join(stated).encode()).hexdigest()
    soonest = next_publication(entries, as_of)
    return Poll(
        fingerprint=digest,
        detail=f"{len(entries)} key figures, next publication expected {soonest or 'on no stated day'}",
    )


def _answers(session: PoliteSession, base_url: str, dataset: str, as_of: date) -> list[Answer]:
    answers = list(_definitions(session, base_url))
    if dataset != VALUES or not answers:
        return answers
    years = [str(year) for year in range(FIRST_YEAR, as_of.year + 1)]
    root = base_url.rstrip("/")
    for codes in _batches(kpis(), MAX_IDS):
        for some_years in _batches(years, MAX_IDS):
            answers += _by_id(session, codes, f"{root}/data/kpi/{{}}/year/{','.join(some_years)}")
    return answers


def _batches(names: Iterable[str], size: int) -> Iterator[list[str]]:
    """Lists of at most ``size`` names, in order."""
    whole = list(names)
    yield from (whole[at : at + size] for at in range(0, len(whole), size))


def _definitions(session: PoliteSession, base_url: str) -> Iterator[Answer]:
    for codes in _batches(kpis(), MAX_IDS):
        yield from _by_id(session, codes, f"{base_url.rstrip('/')}/kpi/{{}}")


def _by_id(session: PoliteSession, codes: Sequence[str], address: str) -> list[Answer]:
    """Every page about some key figures; ids that the service refuses are left out.

    An id that is gone is believed to bring nothing. Should the interface refuse the whole request instead, it
    is halved until the id stands alone.

    Args:
        session: The polite session of this source.
        codes: The key figures.
        address: Where to ask, with ``{}`` in the place of the ids.

    Raises:
        FetchError: if a page did not come for another reason.
    """
    try:
        return list(_pages(session, address.format(",".join(codes))))
    except StatusError as error:
        if error.status not in REFUSED_IDS:
            raise
        if len(codes) == 1:
            return []
    half = len(codes) // 2
    return _by_id(session, codes[:half], address) + _by_id(session, codes[half:], address)


def _pages(session: PoliteSession, url: str) -> Iterator[Answer]:
    """Every page of an answer, the last one included.

    Raises:
        FetchError: if a page leads to one that came before, to another host, or there is no end.
    """
    seen: set[str] = set()
    following: str | None = url
    while following:
        if following in seen or len(seen) >= MAX_PAGES:
            msg = (
                f"{SOURCE_ID}: {url}: the pages never end (again {following}). What to do: report it; "
                "nothing was kept."
            )
            raise FetchError(msg)
        seen.add(following)
        answer = session.get(following)
        yield answer
        following = _following(read_page(answer.body), following, url)


def _following(document: Mapping[str, Any], page_url: str, first_url: str) -> str | None:
    """The address of the next page, on the host and scheme of the first; None where the chain ends."""
    next_url = next_page(document)
    if next_url is None:
        return None
    ours = urlsplit(first_url)
    try:
        there = urlsplit(urljoin(page_url, next_url))
    except ValueError as error:
        msg = (
            f"{SOURCE_ID}: {page_url} names a next page that is no address ({next_url!r}: {error}). "
            "What to do: report it; nothing was kept."
        )
        raise FetchError(msg) from error
    if there.hostname != ours.hostname:
        msg = (
            f"{SOURCE_ID}: {page_url} names a next page on another host ({next_url}). What to do: if Kolada "
            "has moved, change the connection kolada_default and the source's hosts; nothing was kept."
        )
        raise FetchError(msg)
    return urlunsplit((ours.scheme, ours.netloc, there.path, there.query, ""))


_COMPARE: Final = "compare the answer with https://api.kolada.se/v3/docs and report it"


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Fetch 25 definitions and a page of one value, and compare them with what is assumed.

    No error is raised: a call that fails is a result ``fails``.
    """
    root = base_url.rstrip("/")
    codes = list(kpis())[:MAX_IDS]
    try:
        document = read_page(session.get(f"{root}/kpi/{','.join(codes)}").body)
        definitions = [entry for entry in values_of(document) if isinstance(entry, dict)]
        yield from _check_definitions(definitions, codes, as_of)
    except KlimatpulsError as error:
        yield checked(
            f"{MAX_IDS} key figures can be requested at once", str(error), "fails", "see the answer"
        )
    years = ",".join(str(as_of.year - back) for back in range(4, 0, -1))
    address = f"{root}/data/kpi/{codes[0]}/municipality/0000,0003,0360/year/{years}"
    try:
        page = read_page(session.get(address, params={"per_page": "1"}).body)
        yield from _check_page(page, address)
    except KlimatpulsError as error:
        yield checked("figures come as pages of JSON", str(error), "fails", "see the answer")


def _check_definitions(
    definitions: Sequence[Mapping[str, Any]], codes: Sequence[str], as_of: date
) -> Iterator[Checked]:
    found = {str(entry.get("id")) for entry in definitions}
    gone = [code for code in codes if code not in found]
    yield checked(
        f"{MAX_IDS} key figures can be requested at once, and all are there",
        f"missing: {', '.join(gone)}" if gone else f"{len(found)} key figures",
        "fails" if not found else "differs" if gone else "holds",
        _COMPARE if not found else "find their successors at https://www.kolada.se; the others are loaded",
    )
    days = [entry.get("publication_date") for entry in definitions if entry.get("publication_date")]
    soonest = next_publication(definitions, as_of)
    yield checked(
        "publication_date is the next planned publication, a day ahead of us",
        f"soonest {soonest}" if soonest else f"none ahead of {as_of}, such as {days[0] if days else 'none'}",
        "holds" if soonest else "differs",
        "none: a release is dated by the day it is retrieved",
    )


def _check_page(page: Mapping[str, Any], address: str) -> Iterator[Checked]:
    entries = [entry for entry in values_of(page) if isinstance(entry, dict)]
    try:
        rows, rejects = read_values(entries, Noted())
        answer = f"{len(rows)} figures, {len(rejects)} left out, first {_short(entries)}"
        verdict: Verdict = "holds" if len(rows) or rejects else "fails"
    except SourceFormatError as error:
        answer, verdict = str(error), "fails"
    yield checked(
        "figures are {kpi, municipality, period, values}, areas 0000, 00LL and four digits",
        answer,
        verdict,
        _COMPARE,
    )
    genders = {str(_of(value, "gender")) for entry in entries for value in entry_values(entry)}
    yield checked(
        "the figure of everybody has the gender T",
        ", ".join(sorted(genders)) or "no figure",
        "holds" if TOTAL in genders else "fails",
        _COMPARE,
    )
    next_url = page.get("next_url")
    try:
        following = _following(page, address, address)
    except FetchError as error:
        yield checked(
            "next_url leads to the next page on the same host over https", str(error), "fails", _COMPARE
        )
        return
    is_same = not next_url or str(next_url).startswith(f"{urlsplit(address).scheme}://")
    yield checked(
        "next_url leads to the next page on the same host over https",
        str(next_url or "no further page"),
        "holds" if is_same and following == next_url else "differs",
        COMMON_FORM,
    )


def _of(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _short(entries: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(entries[0], ensure_ascii=False)[:120] if entries else "none"
