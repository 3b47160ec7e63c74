"""Key figures on climate and energy from Kolada (RKA), version 3 of its interface.

What is published: every Swedish municipality and region by key figure and year, as JSON, in pages of at most
5 000 entries. The emission figures repeat SMHI's, so they are an independent check of them. Key figures may
be retitled, removed or revised without notice; the whole series is revised at each update.

``/kpi/{ids}`` says what each is and when it is published next; ``/data/kpi/{ids}/year/{years}`` gives the
values; at most 25 ids per part of the path. An answer is ``{values, count, next_url, previous_url}``.

Kolada states no date of its data. ``publication_date`` is the *next* planned publication, so it dates no
release. A release is dated by the day it was retrieved: :func:`fetch` writes that day into a small first part
(see :func:`_head`), so the same kept bytes give the same date whenever they are read. Unchanged figures on
another day are known content (``Dataset.dated_by_retrieval``).

Oddities handled: every page is followed, on our own host and over https, whatever the scheme of
``next_url``; an empty page ends the chain; rows marked ``isdeleted`` are gone; figures by sex stand beside
the total (``T``) and are left out; groups of municipalities (``G…``) are unweighted means and are left out;
regions are ``00LL``, the nation ``0000``; ``period`` may be text. A key figure that is gone loses only
itself. What is assumed about the answers, and what has been seen, stands in docs/sources/kolada.md.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urljoin, urlsplit, urlunsplit

import pandas as pd

from klimatpuls.contract.releases import EXPECTED, Fetched, Parsed, Poll
from klimatpuls.domain.kolada_kpis import kpis
from klimatpuls.domain.regions import regions
from klimatpuls.domain.units import day_from_text, number_from_text
from klimatpuls.errors import FetchError, KlimatpulsError, SourceFormatError
from klimatpuls.fetch.assumptions import Checked
from klimatpuls.fetch.http import StatusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from klimatpuls.fetch.assumptions import Verdict
    from klimatpuls.fetch.http import Answer, PoliteSession

SOURCE_ID: Final = "kolada"
DEFINITIONS, VALUES = "kolada_kpi", "kolada"
MAX_IDS: Final = 25
MAX_PAGES: Final = 1_000
FIRST_YEAR: Final = 1990
TOTAL: Final = "T"
NATION: Final = "0000"
INTERFACE_OPENED: Final = date(2025, 4, 4)
"""Day version 3 was released (kolada.se): no answer of it is older."""
FORMER_CODES: Final = frozenset({"1229", "1535", "1917"})
"""Codes of municipalities that have another code or are gone, which some tables of statistics still carry."""
REFUSED_IDS: Final = frozenset({400, 404, 422})
"""Statuses with which the interface may refuse a whole question because of one id; none has been recorded."""
MAX_NOTES: Final = 10
_HEAD: Final = "retrieved"
_KNOWN_STATUS: Final = frozenset({"", "missing", "ok"})
_Reject = tuple[int, str, str, str]
_REJECT_COLUMNS = ("sheet_row", "column_name", "raw_value", "reason")


def fetch(
    session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
) -> Fetched:
    """Ask for the definitions of all key figures, and for the dataset of values for every year of them.

    Args:
        session: The polite session of this source.
        base_url: Such as ``https://api.kolada.se/v3``.
        dataset: ``kolada_kpi`` (definitions) or ``kolada`` (values).
        substance: None.
        as_of: The run's day; its year is the last one asked for, and it dates the answer.

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
        parts=(_head(known_from or as_of, len(answers)), *(answer.body for answer in answers)),
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
            entry for answer in _definitions(session, base_url) for entry in _values(_document(answer.body))
        ]
    except SourceFormatError as error:
        msg = f"{SOURCE_ID}: no definitions came: {error}"
        raise FetchError(msg) from error
    said = sorted(
        f"{entry.get('id')}|{entry.get('title')}|{entry.get('publication_date')}" for entry in entries
    )
    digest = hashlib.sha256("\n".join(said).encode()).hexdigest()
    soonest = _soonest(entries, as_of)
    return Poll(
        fingerprint=digest,
        detail=f"{len(entries)} key figures, next publication expected {soonest or 'on no stated day'}",
    )


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn pages into one row per key figure, or per key figure, region and year.

    Args:
        parts: The day of retrieval, pages of definitions, and for ``kolada`` pages of values.
        dataset: ``kolada_kpi`` or ``kolada``.
        substance: None.

    Returns:
        Rows of the fact ``indicator_definition`` or ``indicator``, dated by the day of retrieval. Deleted
        rows, figures by sex, groups and values that Kolada does not have are expected rejects. ``notes``
        name key figures that are gone, words and ids that were not known, and the next publication.

    Raises:
        SourceFormatError: if a page is not in the interface's shape or is missing, no key figure is there, a
            municipality is there that nobody knows, or a value comes twice.
    """
    head, documents = _opened(parts)
    entries = list(chain.from_iterable(_values(document) for document in documents))
    if any(not isinstance(entry, dict) for entry in entries):
        _refuse("page_shape", "a page holds an entry that is no object")
    definitions = [entry for entry in entries if "kpi" not in entry and "id" in entry]
    met = _Met()
    titled, rejects = _definition_rows(definitions, met)
    if dataset == DEFINITIONS:
        rows = titled
    else:
        rows, rejects = _value_rows([entry for entry in entries if "kpi" in entry or "id" not in entry], met)
        if rows.empty:
            _refuse("empty", f"none of {len(rejects)} values is a figure of an area")
    published = _published(head, rows, met)
    return Parsed(
        dataset=dataset,
        substance=None,
        unit="as the key figure's",
        published_date=published,
        years=tuple(sorted(rows["year"].unique().tolist())) if "year" in rows else (),
        rows=rows,
        rejects=pd.DataFrame(rejects, columns=list(_REJECT_COLUMNS)).astype({"sheet_row": "int64"}),
        rows_read=len(rows) + len(rejects),
        notes=(*met.notes(), *_next_expected(definitions, published)),
        losses=tuple(met.losses),
    )


# ------------------------------------------------------------------------------------------------ asking


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
    """Every page about some key figures; where the question is refused, one that is to blame is left out.

    An id that is gone brings nothing, by all that is known. Should the interface refuse the whole question
    instead, it is halved until the id stands alone.

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
        following = _following(_document(answer.body), following, url)


def _following(document: Mapping[str, Any], page_url: str, first_url: str) -> str | None:
    """The address of the next page, on the host and scheme of the first; None where the chain ends."""
    said = _next(document)
    if said is None:
        return None
    ours = urlsplit(first_url)
    try:
        there = urlsplit(urljoin(page_url, said))
    except ValueError as error:
        msg = (
            f"{SOURCE_ID}: {page_url} names a next page that is no address ({said!r}: {error}). What to do: "
            "report it; nothing was kept."
        )
        raise FetchError(msg) from error
    if there.hostname != ours.hostname:
        msg = (
            f"{SOURCE_ID}: {page_url} names a next page on another host ({said}). What to do: if Kolada has "
            "moved, change the connection kolada_default and the source's hosts; nothing was kept."
        )
        raise FetchError(msg)
    return urlunsplit((ours.scheme, ours.netloc, there.path, there.query, ""))


def _next(document: Mapping[str, Any]) -> str | None:
    """What a page says of the next one; an empty page is the last, whatever it says."""
    following = document.get("next_url")
    return str(following) if following and _values(document) else None


# ----------------------------------------------------------------------------------------------- reading


@dataclass
class _Met:
    """What was met in an answer that an operator should know, counted while it is read."""

    sentences: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def notes(self) -> tuple[str, ...]:
        """One sentence each, at most a dozen."""
        said = [f"{what} ({count} times)" for what, count in self.counts.items()]
        more = [f"and {len(said) - MAX_NOTES} more of the kind"] if len(said) > MAX_NOTES else []
        return (*self.losses, *self.sentences, *said[:MAX_NOTES], *more)


def _head(retrieved: date, pages: int) -> bytes:
    """The first part of a kept answer: ours, not Kolada's. It says when and how many pages follow."""
    return json.dumps({_HEAD: retrieved.isoformat(), "by": "klimatpuls", "pages": pages}).encode()


def _opened(parts: Sequence[bytes]) -> tuple[date | None, list[dict[str, Any]]]:
    """The day of retrieval and the pages; None for answers kept before the day was written beside them."""
    first = _json(parts[0]) if parts else {}
    if _HEAD not in first:
        documents = [_document(part) for part in parts]
        _check_chain(documents)
        return None, documents
    try:
        retrieved, pages = day_from_text(str(first[_HEAD])), int(first["pages"])
    except (KeyError, TypeError, ValueError):
        _refuse("head", f"the part that says when the answer was retrieved reads {parts[0][:120]!r}")
    documents = [_document(part) for part in parts[1:]]
    if len(documents) != pages:
        _refuse("page_missing", f"{len(documents)} of {pages} pages are kept: a page never came")
    return retrieved, documents


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        _refuse("not_json", f"expected a page of JSON, found {body[:80]!r}")
    if not isinstance(document, dict):
        _refuse("page_shape", f"expected a page with values, found {body[:80]!r}")
    return document


def _document(body: bytes) -> dict[str, Any]:
    document = _json(body)
    if "next_page" in document:
        _refuse("old_interface", "this is version 2 of the interface, which has ended; version 3 is read")
    if "values" not in document or not isinstance(document["values"], list | None):
        _refuse("page_shape", f"expected a page with values, found {sorted(document)[:8]}")
    return document


def _values(document: Mapping[str, Any]) -> list[Any]:
    return document["values"] or []


def _check_chain(documents: Sequence[Mapping[str, Any]]) -> None:
    """Refuse an answer kept without its number of pages whose chains do not close."""
    firsts = sum(not document.get("previous_url") for document in documents)
    lasts = sum(_next(document) is None for document in documents)
    if not documents or firsts != lasts or _next(documents[-1]) is not None:
        _refuse("page_missing", f"{firsts} chains of pages begin and {lasts} end: a page never came")


def _published(retrieved: date | None, rows: pd.DataFrame, met: _Met) -> date:
    """The day that dates the release.

    Answers kept before the day of retrieval was written beside them are dated by the earliest day on which
    they can have been retrieved, so that every later retrieval comes after them.
    """
    if retrieved is not None:
        return retrieved
    met.sentences.append(
        "kept without the day it was retrieved: dated by the earliest day on which it can have been"
    )
    last = max(rows["year"]) if "year" in rows else INTERFACE_OPENED.year - 1
    return max(INTERFACE_OPENED, date(int(last), 12, 31))


def _definition_rows(
    definitions: Sequence[Mapping[str, Any]], met: _Met
) -> tuple[pd.DataFrame, list[_Reject]]:
    """One row per key figure that was asked for and has a title.

    Raises:
        SourceFormatError: if none is there, or one comes twice.
    """
    rows: list[tuple[str, str, date | None, int]] = []
    rejects: list[_Reject] = []
    for place, entry in enumerate(definitions):
        code, title = str(entry["id"]), " ".join(str(entry.get("title") or "").split())
        if code not in kpis():
            rejects.append((place, code, title, f"{EXPECTED}a key figure that was not asked for"))
            met.counts[f"key figure {code} was not asked for and was left out"] += 1
        elif not title:
            rejects.append((place, code, "", "a key figure without a title"))
        else:
            rows.append((code, title, _stated_day(entry, met), place))
    found = Counter(row[0] for row in rows)
    if not definitions or not found.keys() | {row[1] for row in rejects}:
        _refuse("kpis", f"none of the {len(kpis())} key figures is there")
    if twice := [code for code, count in found.items() if count > 1]:
        _refuse("key_twice", f"key figures that come twice: {', '.join(twice)}")
    named = found.keys() | {row[1] for row in rejects}
    if gone := [code for code in kpis() if code not in named]:
        met.losses.append(
            f"key figures that Kolada no longer has: {', '.join(gone)}; all others were read. What to do: "
            "look for their successors at https://www.kolada.se and change reference/kolada_kpis.csv"
        )
    frame = pd.DataFrame(
        {
            "indicator_code": pd.array([row[0] for row in rows], dtype="str"),
            "title": pd.array([row[1] for row in rows], dtype="str"),
            "publication_date": pd.Series([row[2] for row in rows], dtype=object),
            "sheet_row": pd.array([row[3] for row in rows], dtype="int64"),
        }
    )
    return frame, rejects


def _stated_day(entry: Mapping[str, Any], met: _Met) -> date | None:
    """The day a key figure is published next; None where none is stated or it is no day."""
    said = entry.get("publication_date")
    if not said:
        return None
    try:
        day = day_from_text(str(said))
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2100:
        met.counts[f"publication_date {said!r} is no day and was left out"] += 1
        return None
    return day


def _soonest(definitions: Sequence[Mapping[str, Any]], after: date) -> date | None:
    days = [day for entry in definitions if (day := _stated_day(entry, _Met())) and day > after]
    return min(days, default=None)


def _next_expected(definitions: Sequence[Mapping[str, Any]], published: date) -> tuple[str, ...]:
    day = _soonest(definitions, published)
    return (f"Kolada expects to publish next on {day}",) if day else ()


def _value_rows(entries: Iterable[Mapping[str, Any]], met: _Met) -> tuple[pd.DataFrame, list[_Reject]]:
    rows: list[tuple[str, str, int, float, int]] = []
    rejects: list[_Reject] = []
    strange: set[str] = set()
    place = 0
    for entry in entries:
        code, area, period = _key(entry)
        region_code = _region_code(area)
        if region_code is None and re.fullmatch(r"\d{4}", area) and area not in FORMER_CODES:
            strange.add(f"area {area}")
        about, about_entry = f"{code} {area} {period}", _why_no_entry(code, area, period, region_code, met)
        for value in _entry_values(entry):
            reason = about_entry or _reason(value, met)
            if reason:
                rejects.append((place, about, str(_raw(value)), reason))
            else:
                rows.append((code, str(region_code), int(period), _number(value["value"]) or 0.0, place))
                _meet(value, met)
            place += 1
    if strange:
        _refuse("unknown_codes", f"nobody knows {', '.join(sorted(strange)[:10])}")
    columns = ["indicator_code", "region_code", "year", "indicator_value", "sheet_row"]
    frame = pd.DataFrame(rows, columns=columns).astype({"indicator_code": "str", "region_code": "str"})
    keys = columns[:3]
    if frame.duplicated(keys).any():
        twice = frame[frame.duplicated(keys, keep=False)][keys].head(5).to_records(index=False).tolist()
        _refuse("key_twice", f"values that come twice: {twice}")
    return frame.astype({"year": "int64", "indicator_value": "float64", "sheet_row": "int64"}), rejects


def _key(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    """Key figure, area and period of an entry of values, as texts."""
    missing = sorted({"kpi", "municipality", "period", "values"} - entry.keys())
    if missing:
        _refuse("fields", f"an entry lacks {', '.join(missing)}; it has {', '.join(sorted(entry))}")
    period = entry["period"]
    if isinstance(period, float) and period.is_integer():
        period = int(period)
    return str(entry["kpi"]), str(entry["municipality"]).strip(), str(period).strip()


def _entry_values(entry: Mapping[str, Any]) -> list[Any]:
    """The values of an entry; one that says so where there is no list of them."""
    values = entry["values"]
    return values if isinstance(values, list) else [values]


def _raw(value: object) -> object:
    return value.get("value") if isinstance(value, dict) else value


def _why_no_entry(code: str, area: str, period: str, region_code: str | None, met: _Met) -> str:
    """Why no value of an entry can be a figure of ours; an empty text where one can."""
    if code not in kpis():
        met.counts[f"key figure {code} was not asked for and was left out"] += 1
        return f"{EXPECTED}a key figure that was not asked for"
    if region_code is None:
        if area in FORMER_CODES:
            met.counts[f"{area} is a former municipality code and was left out"] += 1
            return f"{EXPECTED}a former municipality code"
        if not area.startswith("G"):
            met.counts[f"area {area} is no municipality, county or nation and was left out"] += 1
            return f"{EXPECTED}no municipality, county or nation"
        return f"{EXPECTED}a group of municipalities"
    return "" if re.fullmatch(r"\d{4}", period) else f"the period {period!r} is no year"


def _reason(value: object, met: _Met) -> str:
    """Why a value of a known key figure, area and year is no figure; an empty text where it is one."""
    if not isinstance(value, dict):
        return "no list of values"
    if str(value.get("isdeleted") or "").casefold() in ("true", "1"):
        return f"{EXPECTED}deleted by the publisher"
    gender = value.get("gender")
    if gender is None:
        return "a value that does not say whose it is (gender is missing)"
    if str(gender).strip().upper() != TOTAL:
        return f"{EXPECTED}by sex"
    if value.get("value") is None:
        status = str(value.get("status") or "").strip()
        if not status:
            met.counts["no value and no status: left out"] += 1
        return f"{EXPECTED}no value, status {status}" if status else f"{EXPECTED}no value"
    number = _number(value["value"])
    if number is None:
        return "not a number"
    return "a negative number" if number < 0 else ""


def _meet(value: Mapping[str, Any], met: _Met) -> None:
    """Count what is unusual about a value that was taken."""
    status = str(value.get("status") or "").strip()
    if status.casefold() not in _KNOWN_STATUS:
        met.counts[f"the status {status!r} was not known; its values were taken"] += 1
    if isinstance(value["value"], str):
        met.counts["a value written as text was read as a number"] += 1
    count = value.get("count")
    if isinstance(count, int) and count > 1:
        met.counts["a value of one area that is said to be a mean of several was taken"] += 1


def _number(value: object) -> float | None:
    """A finite number, written as one or as text; None for anything else."""
    if isinstance(value, str):
        try:
            return number_from_text(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _region_code(area: str) -> str | None:
    """Our code of an area: ``0000`` the nation, ``00LL`` a county, four digits a municipality."""
    if area == NATION:
        return "00"
    code = area[2:] if area.startswith("00") else area
    return code if code in regions() and len(area) == 4 else None


def _refuse(rule: str, what: str) -> NoReturn:
    msg = (
        f"{SOURCE_ID}: {what}. What to do: compare the kept answer with Kolada's documentation "
        "(https://api.kolada.se/v3/docs); nothing was loaded."
    )
    raise SourceFormatError(msg, rule=rule, findings=(what,))


RECOGNISES = (
    "a page of JSON of the interface: {values: [{id, title, …}]} or {values: [{kpi, municipality, …}]}"
)


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """Whether a file given by hand is a page of definitions or of values; None where it is neither.

    One file is one page. Values are read together with their definitions, which is more than one page: of
    these a single file is kept and refused with the reason.
    """
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    entries = document.get("values") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        return None
    if all("title" in entry and "id" in entry for entry in entries):
        return DEFINITIONS, None
    return (VALUES, None) if all("kpi" in entry and "values" in entry for entry in entries) else None


# ---------------------------------------------------------------------------------------------- checking


_COMPARE: Final = "compare the answer with https://api.kolada.se/v3/docs and report it"
_READ_ALL_THE_SAME: Final = "none: the parser reads this form too"


def check(session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
    """Ask Kolada for 25 definitions and a page of one value, and compare them with what is assumed.

    Args:
        session: The polite session of this source.
        base_url: Such as ``https://api.kolada.se/v3``.
        as_of: The day of the check.

    Yields:
        One result per assumption. No error is raised: a question that fails is a result ``fails``.
    """
    root = base_url.rstrip("/")
    codes = list(kpis())[:MAX_IDS]
    try:
        document = _document(session.get(f"{root}/kpi/{','.join(codes)}").body)
        definitions = [entry for entry in _values(document) if isinstance(entry, dict)]
        yield from _check_definitions(definitions, codes, as_of)
    except KlimatpulsError as error:
        yield _checked(
            f"{MAX_IDS} key figures can be asked for at once", str(error), "fails", "see the answer"
        )
    years = ",".join(str(as_of.year - back) for back in range(4, 0, -1))
    address = f"{root}/data/kpi/{codes[0]}/municipality/0000,0003,0360/year/{years}"
    try:
        page = _document(session.get(address, params={"per_page": "1"}).body)
        yield from _check_page(page, address)
    except KlimatpulsError as error:
        yield _checked("figures come as pages of JSON", str(error), "fails", "see the answer")


def _check_definitions(
    definitions: Sequence[Mapping[str, Any]], codes: Sequence[str], as_of: date
) -> Iterator[Checked]:
    found = {str(entry.get("id")) for entry in definitions}
    gone = [code for code in codes if code not in found]
    yield _checked(
        f"{MAX_IDS} key figures can be asked for at once, and all are there",
        f"missing: {', '.join(gone)}" if gone else f"{len(found)} key figures",
        "fails" if not found else "differs" if gone else "holds",
        _COMPARE if not found else "find their successors at https://www.kolada.se; the others are loaded",
    )
    said = [entry.get("publication_date") for entry in definitions if entry.get("publication_date")]
    soonest = _soonest(definitions, as_of)
    yield _checked(
        "publication_date is the next planned publication, a day ahead of us",
        f"soonest {soonest}" if soonest else f"none ahead of {as_of}, such as {said[0] if said else 'none'}",
        "holds" if soonest else "differs",
        "none: a release is dated by the day it is retrieved",
    )


def _check_page(page: Mapping[str, Any], address: str) -> Iterator[Checked]:
    entries = [entry for entry in _values(page) if isinstance(entry, dict)]
    try:
        rows, rejects = _value_rows(entries, _Met())
        answer = f"{len(rows)} figures, {len(rejects)} left out, first {_short(entries)}"
        verdict: Verdict = "holds" if len(rows) or rejects else "fails"
    except SourceFormatError as error:
        answer, verdict = str(error), "fails"
    yield _checked(
        "figures are {kpi, municipality, period, values}, areas 0000, 00LL and four digits",
        answer,
        verdict,
        _COMPARE,
    )
    genders = {str(_of(value, "gender")) for entry in entries for value in _entry_values(entry)}
    yield _checked(
        "the figure of everybody has the gender T",
        ", ".join(sorted(genders)) or "no figure",
        "holds" if TOTAL in genders else "fails",
        _COMPARE,
    )
    said = page.get("next_url")
    try:
        following = _following(page, address, address)
    except FetchError as error:
        yield _checked(
            "next_url leads to the next page on the same host over https", str(error), "fails", _COMPARE
        )
        return
    is_same = not said or str(said).startswith(f"{urlsplit(address).scheme}://")
    yield _checked(
        "next_url leads to the next page on the same host over https",
        str(said or "no further page"),
        "holds" if is_same and following == said else "differs",
        _READ_ALL_THE_SAME,
    )


def _of(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _short(entries: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(entries[0], ensure_ascii=False)[:120] if entries else "none"


def _checked(assumption: str, answer: str, verdict: Verdict, action: str) -> Checked:
    return Checked(
        assumption=assumption,
        answer=answer,
        verdict=verdict,
        action="" if verdict == "holds" else action,
    )
