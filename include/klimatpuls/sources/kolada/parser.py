"""Reads pages of Kolada: definitions of key figures, and their values by area and year."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pandas as pd

from klimatpuls.contract.releases import EXPECTED, Parsed
from klimatpuls.domain.kolada_kpis import kpis
from klimatpuls.domain.regions import regions
from klimatpuls.errors import SourceFormatError
from klimatpuls.files.values import day_from_text, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


SOURCE_ID: Final = "kolada"
DEFINITIONS, VALUES = "kolada_kpi", "kolada"
TOTAL: Final = "T"
NATION: Final = "0000"
INTERFACE_OPENED: Final = date(2025, 4, 4)
"""Day version 3 was released (kolada.se): no answer of it is older."""
FORMER_CODES: Final = frozenset({"1229", "1535", "1917"})
"""Codes of municipalities that have another code or are gone, which some tables of statistics still carry."""
MAX_NOTES: Final = 10
_HEAD: Final = "retrieved"
_KNOWN_STATUS: Final = frozenset({"", "missing", "ok"})
_Reject = tuple[int, str, str, str]
_REJECT_COLUMNS = ("sheet_row", "column_name", "raw_value", "reason")


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn pages into one row per key figure, or per key figure, region and year.

    Args:
        parts: The day of retrieval, pages of definitions, and for ``kolada`` pages of values.
        dataset: ``kolada_kpi`` or ``kolada``.
        substance: None.

    Returns:
        Rows of the fact ``indicator_definition`` or ``indicator``, dated by the day of retrieval. Deleted
        rows, figures by sex, groups and values that Kolada does not have are expected rejects. ``notes`` name
        key figures that are gone, words and ids that were not known, and the next publication.

    Raises:
        SourceFormatError: if a page has another shape or is missing, no key figure is there, a municipality
            is unknown, or a value comes twice.
    """
    head, documents = _opened(parts)
    entries = list(chain.from_iterable(values_of(document) for document in documents))
    if any(not isinstance(entry, dict) for entry in entries):
        refuse("page_shape", "a page holds an entry that is no object")
    definitions = [entry for entry in entries if "kpi" not in entry and "id" in entry]
    noted = Noted()
    titled, rejects = _definition_rows(definitions, noted)
    if dataset == DEFINITIONS:
        rows = titled
    else:
        rows, rejects = read_values(
            [entry for entry in entries if "kpi" in entry or "id" not in entry], noted
        )
        if rows.empty:
            refuse("empty", f"none of {len(rejects)} values is a figure of an area")
    published = _published(head, rows, noted)
    return Parsed(
        dataset=dataset,
        substance=None,
        unit="as the key figure's",
        published_date=published,
        years=tuple(sorted(rows["year"].unique().tolist())) if "year" in rows else (),
        rows=rows,
        rejects=pd.DataFrame(rejects, columns=list(_REJECT_COLUMNS)).astype({"sheet_row": "int64"}),
        rows_read=len(rows) + len(rejects),
        notes=(*noted.notes(), *_next_expected(definitions, published)),
        losses=tuple(noted.losses),
    )


def next_page(document: Mapping[str, Any]) -> str | None:
    """What a page states as the next one; an empty page is the last, whatever it states."""
    following = document.get("next_url")
    return str(following) if following and values_of(document) else None


@dataclass
class Noted:
    """What an operator should know about an answer, counted while it is read."""

    sentences: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def notes(self) -> tuple[str, ...]:
        """One sentence each, at most a dozen."""
        stated = [f"{what} ({count} times)" for what, count in self.counts.items()]
        more = [f"and {len(stated) - MAX_NOTES} more of the kind"] if len(stated) > MAX_NOTES else []
        return (*self.losses, *self.sentences, *stated[:MAX_NOTES], *more)


def retrieval_part(retrieved: date, pages: int) -> bytes:
    """The first part of a kept answer: ours, not Kolada's. It says when and how many pages follow."""
    return json.dumps({_HEAD: retrieved.isoformat(), "by": "klimatpuls", "pages": pages}).encode()


def _opened(parts: Sequence[bytes]) -> tuple[date | None, list[dict[str, Any]]]:
    """The day of retrieval and the pages; None for answers kept before the day was written beside them."""
    first = _json(parts[0]) if parts else {}
    if _HEAD not in first:
        documents = [read_page(part) for part in parts]
        _check_chain(documents)
        return None, documents
    try:
        retrieved, pages = day_from_text(str(first[_HEAD])), int(first["pages"])
    except (KeyError, TypeError, ValueError):
        refuse("head", f"the part that says when the answer was retrieved reads {parts[0][:120]!r}")
    documents = [read_page(part) for part in parts[1:]]
    if len(documents) != pages:
        refuse("page_missing", f"{len(documents)} of {pages} pages are kept: a page never came")
    return retrieved, documents


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        refuse("not_json", f"expected a page of JSON, found {body[:80]!r}")
    if not isinstance(document, dict):
        refuse("page_shape", f"expected a page with values, found {body[:80]!r}")
    return document


def read_page(body: bytes) -> dict[str, Any]:
    """One page of the interface.

    Raises:
        SourceFormatError: if it is no page of version 3.
    """
    document = _json(body)
    if "next_page" in document:
        refuse("old_interface", "this is version 2 of the interface, which has ended; version 3 is read")
    if "values" not in document or not isinstance(document["values"], list | None):
        refuse("page_shape", f"expected a page with values, found {sorted(document)[:8]}")
    return document


def values_of(document: Mapping[str, Any]) -> list[Any]:
    """The entries of a page; empty where it has none."""
    return document["values"] or []


def _check_chain(documents: Sequence[Mapping[str, Any]]) -> None:
    """Refuse an answer kept without its number of pages whose chains do not close."""
    firsts = sum(not document.get("previous_url") for document in documents)
    lasts = sum(next_page(document) is None for document in documents)
    if not documents or firsts != lasts or next_page(documents[-1]) is not None:
        refuse("page_missing", f"{firsts} chains of pages begin and {lasts} end: a page never came")


def _published(retrieved: date | None, rows: pd.DataFrame, noted: Noted) -> date:
    """The day that dates the release.

    Answers kept before the day of retrieval was written beside them are dated by the earliest day on which
    they can have been retrieved, so that every later retrieval comes after them.
    """
    if retrieved is not None:
        return retrieved
    noted.sentences.append(
        "kept without the day it was retrieved: dated by the earliest day on which it can have been"
    )
    last = max(rows["year"]) if "year" in rows else INTERFACE_OPENED.year - 1
    return max(INTERFACE_OPENED, date(int(last), 12, 31))


def _definition_rows(
    definitions: Sequence[Mapping[str, Any]], noted: Noted
) -> tuple[pd.DataFrame, list[_Reject]]:
    """One row per requested key figure that has a title.

    Raises:
        SourceFormatError: if none is there, or one comes twice.
    """
    rows: list[tuple[str, str, date | None, int]] = []
    rejects: list[_Reject] = []
    for place, entry in enumerate(definitions):
        code, title = str(entry["id"]), " ".join(str(entry.get("title") or "").split())
        if code not in kpis():
            rejects.append((place, code, title, f"{EXPECTED}a key figure that was not requested"))
            noted.counts[f"key figure {code} was not requested and was left out"] += 1
        elif not title:
            rejects.append((place, code, "", "a key figure without a title"))
        else:
            rows.append((code, title, _stated_day(entry, noted), place))
    found = Counter(row[0] for row in rows)
    if not definitions or not found.keys() | {row[1] for row in rejects}:
        refuse("kpis", f"none of the {len(kpis())} key figures is there")
    if twice := [code for code, count in found.items() if count > 1]:
        refuse("key_twice", f"key figures that come twice: {', '.join(twice)}")
    named = found.keys() | {row[1] for row in rejects}
    if gone := [code for code in kpis() if code not in named]:
        noted.losses.append(
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


def _stated_day(entry: Mapping[str, Any], noted: Noted) -> date | None:
    """The day a key figure is published next; None where none is stated or it is no day."""
    stated = entry.get("publication_date")
    if not stated:
        return None
    try:
        day = day_from_text(str(stated))
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2100:
        noted.counts[f"publication_date {stated!r} is no day and was left out"] += 1
        return None
    return day


def next_publication(definitions: Sequence[Mapping[str, Any]], after: date) -> date | None:
    """The first day after another on which a key figure is published; None where none is stated."""
    days = [day for entry in definitions if (day := _stated_day(entry, Noted())) and day > after]
    return min(days, default=None)


def _next_expected(definitions: Sequence[Mapping[str, Any]], published: date) -> tuple[str, ...]:
    day = next_publication(definitions, published)
    return (f"Kolada expects to publish next on {day}",) if day else ()


def read_values(entries: Iterable[Mapping[str, Any]], noted: Noted) -> tuple[pd.DataFrame, list[_Reject]]:
    """One row per key figure, area and year, and the values that are none.

    Raises:
        SourceFormatError: if an entry lacks a field, an area is unknown, or a value comes twice.
    """
    rows: list[tuple[str, str, int, float, int]] = []
    rejects: list[_Reject] = []
    strange: set[str] = set()
    place = 0
    for entry in entries:
        code, area, period = _key(entry)
        region_code = _region_code(area)
        if region_code is None and re.fullmatch(r"\d{4}", area) and area not in FORMER_CODES:
            strange.add(f"area {area}")
        about, about_entry = f"{code} {area} {period}", _why_no_entry(code, area, period, region_code, noted)
        for value in entry_values(entry):
            reason = about_entry or _reason(value, noted)
            if reason:
                rejects.append((place, about, str(_raw(value)), reason))
            else:
                rows.append((code, str(region_code), int(period), _number(value["value"]) or 0.0, place))
                _note_oddities(value, noted)
            place += 1
    if strange:
        refuse("unknown_codes", f"unknown: {', '.join(sorted(strange)[:10])}")
    columns = ["indicator_code", "region_code", "year", "indicator_value", "sheet_row"]
    frame = pd.DataFrame(rows, columns=columns).astype({"indicator_code": "str", "region_code": "str"})
    keys = columns[:3]
    if frame.duplicated(keys).any():
        twice = frame[frame.duplicated(keys, keep=False)][keys].head(5).to_records(index=False).tolist()
        refuse("key_twice", f"values that come twice: {twice}")
    return frame.astype({"year": "int64", "indicator_value": "float64", "sheet_row": "int64"}), rejects


def _key(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    """Key figure, area and period of an entry of values, as texts."""
    missing = sorted({"kpi", "municipality", "period", "values"} - entry.keys())
    if missing:
        refuse("fields", f"an entry lacks {', '.join(missing)}; it has {', '.join(sorted(entry))}")
    period = entry["period"]
    if isinstance(period, float) and period.is_integer():
        period = int(period)
    return str(entry["kpi"]), str(entry["municipality"]).strip(), str(period).strip()


def entry_values(entry: Mapping[str, Any]) -> list[Any]:
    """The values of an entry; where there is no list, the one value in its place."""
    values = entry["values"]
    return values if isinstance(values, list) else [values]


def _raw(value: object) -> object:
    return value.get("value") if isinstance(value, dict) else value


def _why_no_entry(code: str, area: str, period: str, region_code: str | None, noted: Noted) -> str:
    """Why no value of an entry can be a figure of ours; an empty text where one can."""
    if code not in kpis():
        noted.counts[f"key figure {code} was not requested and was left out"] += 1
        return f"{EXPECTED}a key figure that was not requested"
    if region_code is None:
        if area in FORMER_CODES:
            noted.counts[f"{area} is a former municipality code and was left out"] += 1
            return f"{EXPECTED}a former municipality code"
        if not area.startswith("G"):
            noted.counts[f"area {area} is no municipality, county or nation and was left out"] += 1
            return f"{EXPECTED}no municipality, county or nation"
        return f"{EXPECTED}a group of municipalities"
    return "" if re.fullmatch(r"\d{4}", period) else f"the period {period!r} is no year"


def _reason(value: object, noted: Noted) -> str:
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
            noted.counts["no value and no status: left out"] += 1
        return f"{EXPECTED}no value, status {status}" if status else f"{EXPECTED}no value"
    number = _number(value["value"])
    if number is None:
        return "not a number"
    return "a negative number" if number < 0 else ""


def _note_oddities(value: Mapping[str, Any], noted: Noted) -> None:
    """Count what is unusual about a value that was taken."""
    status = str(value.get("status") or "").strip()
    if status.casefold() not in _KNOWN_STATUS:
        noted.counts[f"the status {status!r} was not known; its values were taken"] += 1
    if isinstance(value["value"], str):
        noted.counts["a value written as text was read as a number"] += 1
    count = value.get("count")
    if isinstance(count, int) and count > 1:
        noted.counts["a value of one area was taken although it is marked as a mean of several"] += 1


def _number(value: object) -> float | None:
    """A finite number, written as one or as text; None for anything else."""
    try:
        return number_of(value)
    except ValueError:
        return None


def _region_code(area: str) -> str | None:
    """Our code of an area: ``0000`` the nation, ``00LL`` a county, four digits a municipality."""
    if area == NATION:
        return "00"
    code = area[2:] if area.startswith("00") else area
    return code if code in regions() and len(area) == 4 else None


def refuse(rule: str, what: str) -> NoReturn:
    """Refuse an answer.

    Raises:
        SourceFormatError: always.
    """
    msg = (
        f"{SOURCE_ID}: {what}. What to do: compare the kept answer with Kolada's documentation "
        "(https://api.kolada.se/v3/docs); nothing was loaded."
    )
    raise SourceFormatError(msg, rule=rule, findings=(what,))


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
