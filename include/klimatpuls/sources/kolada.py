"""Key figures on climate and energy from Kolada (RKA), version 3 of its interface.

What is published: every Swedish municipality and region by key figure and year, as JSON, in pages of at most
5 000 entries. The emission figures repeat SMHI's, so they are an independent check of them. Key figures may
be retitled, removed or revised without notice; the whole series is revised at each update.

``/kpi/{ids}`` says what each is and when it was published; ``/data/kpi/{ids}/year/{years}`` gives the values;
at most 25 ids per part of the path. An answer is ``{values, count, next_url, previous_url}``.

Oddities handled: every page is followed, and a chain whose last page still names a next one is refused; rows
marked ``isdeleted`` are gone; figures by sex stand beside the total (``T``) and are left out; groups of
municipalities (``G…``) are unweighted means and are left out; regions are ``00LL``, the nation ``0000``;
``period`` may be text. Kolada states no date of a whole update: the newest publication date among the key
figures is taken, whatever day it is.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd

from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.kolada_kpis import kpis
from klimatpuls.regions import regions
from klimatpuls.releases import EXPECTED, Fetched, Look, Parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from klimatpuls.http import Answer, PoliteSession

SOURCE_ID = "kolada"
DEFINITIONS, VALUES = "kolada_kpi", "kolada"
MAX_IDS = 25
MAX_PAGES = 1_000
FIRST_YEAR = 1990
TOTAL = "T"
NATION = "0000"
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
        as_of: The run's day; its year is the last one asked for.

    Returns:
        The pages of the definitions, then those of the values, in the order they came.

    Raises:
        NotYetPublished: if a replica has nothing as of its day.
        FetchError: if a page did not come, or leads elsewhere.
    """
    try:
        answers = _answers(session, base_url, dataset, as_of)
    except SourceFormatError as error:
        msg = f"{SOURCE_ID}: no figures of {dataset} came: {error}"
        raise FetchError(msg) from error
    return Fetched(
        source=SOURCE_ID,
        dataset=dataset,
        substance=None,
        url=base_url,
        parts=tuple(answer.body for answer in answers),
        http={"pages": len(answers), "first": answers[0].facts},
        known_from=answers[0].known_from,
    )


def _answers(session: PoliteSession, base_url: str, dataset: str, as_of: date) -> list[Answer]:
    answers = list(_definitions(session, base_url))
    if dataset == VALUES:
        years = [str(year) for year in range(FIRST_YEAR, as_of.year + 1)]
        for codes in _batches(kpis(), MAX_IDS):
            for some_years in _batches(years, MAX_IDS):
                path = f"/data/kpi/{','.join(codes)}/year/{','.join(some_years)}"
                answers += _pages(session, base_url.rstrip("/") + path)
    return answers


def look(
    session: PoliteSession,
    base_url: str,
    dataset: str,
    substance: str | None,
    *,
    as_of: date,
    validators: Mapping[str, str],
) -> Look:
    """Read what the key figures are called and when they were published; no value is fetched."""
    entries = [
        entry for answer in _definitions(session, base_url) for entry in _document(answer.body)["values"]
    ]
    said = sorted(f"{entry['id']}|{entry['title']}|{entry.get('publication_date')}" for entry in entries)
    digest = hashlib.sha256("\n".join(said).encode()).hexdigest()
    newest = max((str(entry.get("publication_date") or "") for entry in entries), default="")
    return Look(
        fingerprint=digest, detail=f"{len(entries)} key figures, newest of {newest or 'no stated day'}"
    )


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn pages into one row per key figure, or per key figure, region and year.

    Args:
        parts: Pages of definitions, and for ``kolada`` pages of values.
        dataset: ``kolada_kpi`` or ``kolada``.
        substance: None.

    Returns:
        Rows of the fact ``indicator_definition`` or ``indicator``. Deleted rows, figures by sex, groups and
        values that Kolada marks as missing are expected rejects.

    Raises:
        SourceFormatError: if a page is not in the interface's shape, a chain of pages ends too early, a key
            figure is missing, or an area or key figure is there that nobody knows.
    """
    documents = [_document(part) for part in parts]
    _check_chain(documents)
    entries = list(chain.from_iterable(document["values"] for document in documents))
    definitions = [entry for entry in entries if "title" in entry]
    published = _check_definitions(definitions)
    rejects: list[_Reject] = []
    if dataset == DEFINITIONS:
        rows = _definition_rows(definitions)
    else:
        rows, rejects = _value_rows([entry for entry in entries if "title" not in entry])
    return Parsed(
        dataset=dataset,
        substance=None,
        unit="as the key figure's",
        published_date=published,
        years=tuple(sorted(rows["year"].unique().tolist())) if "year" in rows else (),
        rows=rows,
        rejects=pd.DataFrame(rejects, columns=list(_REJECT_COLUMNS)).astype({"sheet_row": "int64"}),
        rows_read=len(rows) + len(rejects),
    )


def _batches(names: Iterable[str], size: int) -> Iterator[list[str]]:
    """Lists of at most ``size`` names, in order."""
    whole = list(names)
    yield from (whole[at : at + size] for at in range(0, len(whole), size))


def _definitions(session: PoliteSession, base_url: str) -> Iterator[Answer]:
    for codes in _batches(kpis(), MAX_IDS):
        yield from _pages(session, f"{base_url.rstrip('/')}/kpi/{','.join(codes)}")


def _pages(session: PoliteSession, url: str) -> Iterator[Answer]:
    """Every page of an answer, the last one included.

    Raises:
        FetchError: if a page leads to one that came before, or there is no end.
    """
    seen: set[str] = set()
    following: str | None = url
    while following:
        if following in seen or len(seen) >= MAX_PAGES:
            msg = f"{SOURCE_ID}: {url}: the pages never end (again {following}); nothing was kept. Report it."
            raise FetchError(msg)
        seen.add(following)
        answer = session.get(following)
        yield answer
        following = _next(_document(answer.body))


def _next(document: Mapping[str, Any]) -> str | None:
    following = document.get("next_url")
    return str(following) if following else None


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except ValueError:
        _refuse("not_json", f"expected a page of JSON, found {body[:80]!r}")
    if not isinstance(document, dict) or not isinstance(document.get("values"), list):
        _refuse("page_shape", f"expected a page with values, found {sorted(document)[:8]}")
    if "next_page" in document:
        _refuse("old_interface", "this is version 2 of the interface, which has ended; version 3 is read")
    return document


def _check_chain(documents: Sequence[Mapping[str, Any]]) -> None:
    firsts = sum(not document.get("previous_url") for document in documents)
    lasts = sum(_next(document) is None for document in documents)
    if not documents or firsts != lasts or _next(documents[-1]) is not None:
        _refuse("page_missing", f"{firsts} chains of pages begin and {lasts} end: a page never came")


def _check_definitions(definitions: Sequence[Mapping[str, Any]]) -> date:
    """The newest publication date among the key figures, all of which are there.

    Raises:
        SourceFormatError: if one is missing or unknown, or none states a date.
    """
    found = {str(entry["id"]) for entry in definitions}
    if found != set(kpis()):
        missing, unknown = sorted(set(kpis()) - found), sorted(found - set(kpis()))
        _refuse("kpis", f"key figures missing: {missing or 'none'}; nobody asked for: {unknown or 'none'}")
    days = [str(entry["publication_date"]) for entry in definitions if entry.get("publication_date")]
    if not days:
        _refuse("no_publication_date", "no key figure says when it was published")
    return date.fromisoformat(max(days)[:10])


def _definition_rows(definitions: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    days = [
        date.fromisoformat(str(entry["publication_date"])[:10]) if entry.get("publication_date") else None
        for entry in definitions
    ]
    return pd.DataFrame(
        {
            "indicator_code": pd.array([str(entry["id"]) for entry in definitions], dtype="str"),
            "title": pd.array([" ".join(str(entry["title"]).split()) for entry in definitions], dtype="str"),
            "publication_date": pd.Series(days, dtype=object),
            "sheet_row": range(len(definitions)),
        }
    )


def _value_rows(entries: Iterable[Mapping[str, Any]]) -> tuple[pd.DataFrame, list[_Reject]]:
    rows: list[tuple[str, str, int, float, int]] = []
    rejects: list[_Reject] = []
    strange: set[str] = set()
    place = 0
    for entry in entries:
        code, area, year = _key(entry)
        region_code = _region_code(area)
        if code not in kpis():
            strange.add(f"key figure {code}")
        elif region_code is None and not area.startswith("G"):
            strange.add(f"area {area}")
        for value in entry["values"]:
            reason = _reason(value, region_code)
            if reason:
                rejects.append((place, f"{code} {area} {year}", str(value.get("value")), reason))
            else:
                rows.append((code, str(region_code), year, float(value["value"]), place))
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


def _key(entry: Mapping[str, Any]) -> tuple[str, str, int]:
    """Key figure, area and year of an entry of values."""
    missing = sorted({"kpi", "municipality", "period", "values"} - entry.keys())
    if missing:
        _refuse("fields", f"an entry lacks {', '.join(missing)}; it has {', '.join(sorted(entry))}")
    if not re.fullmatch(r"\d{4}", str(entry["period"])):
        _refuse("not_a_year", f"expected a year as period, found {entry['period']!r}")
    return str(entry["kpi"]), str(entry["municipality"]), int(entry["period"])


def _reason(value: Mapping[str, Any], region_code: str | None) -> str:
    if value.get("isdeleted"):
        return f"{EXPECTED}deleted by the publisher"
    if value.get("gender") != TOTAL:
        return f"{EXPECTED}by sex"
    if region_code is None:
        return f"{EXPECTED}a group of municipalities"
    if value.get("value") is None:
        status = value.get("status") or ""
        return f"{EXPECTED}no value, status {status}" if status else "no value and no status"
    return "" if _is_number(value["value"]) else "not a number"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _region_code(area: str) -> str | None:
    """Our code of an area: ``0000`` the nation, ``00LL`` a county, four digits a municipality."""
    if area == NATION:
        return "00"
    code = area[2:] if area.startswith("00") else area
    return code if code in regions() else None


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
