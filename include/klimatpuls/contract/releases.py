"""Releases (Swedish: utgåvor): what one is, what it is called, which one is current. Pure.

A release is one publication of one dataset, for emissions of one substance. Its name follows from its
content: the hash is taken over the canonical facts, not over the file, since a workbook carries the time of
its download. Known content again is nothing new; the same publisher's date with other content is a
*correction*, a release of its own that says what it corrects: the one retrieved later, and where both were
retrieved on one day, the one a person approved later. A hash names content; it never orders releases. Loading
an older release never moves current.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from klimatpuls.contract import catalog, schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from klimatpuls.contract.schema import Fact

State = Literal["loaded", "validated", "held", "quarantined", "published", "withdrawn", "rejected"]

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    "loaded": frozenset({"validated", "held", "quarantined"}),
    "validated": frozenset({"published", "held", "quarantined", "rejected"}),
    "held": frozenset({"validated", "rejected", "quarantined"}),
    "quarantined": frozenset({"validated", "held", "rejected"}),
    "published": frozenset({"withdrawn"}),
    "withdrawn": frozenset({"published"}),
    "rejected": frozenset({"validated"}),
}
"""Which state may follow which. Held releases are answered by a person (``validated`` or ``rejected``); a
quarantined one may be evaluated again after its gate was corrected; an answer may be taken back."""

_CANON = "klimatpuls facts 1"
EXPECTED: Final = "expected: "
"""How a reason begins that rejects a cell without being a finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The bytes of one answer of a source, before anything is parsed.

    Attributes:
        source: Catalogue id of the source.
        dataset: Catalogue id of the dataset.
        substance: Our substance code, or None where the dataset has none.
        url: Address the bytes came from.
        parts: The bodies, in the order asked for.
        http: Facts of the answer worth keeping (status, content type, ETag …).
        known_from: Day from which these bytes are known to have been public, where an archive says so.
    """

    source: str
    dataset: str
    substance: str | None
    url: str
    parts: tuple[bytes, ...]
    http: Mapping[str, object] = field(default_factory=dict)
    known_from: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What a poll of a dataset saw: enough to know whether the publisher changed anything.

    Attributes:
        fingerprint: A text that changes exactly when the publisher changed something (when a table was
            updated, an address with its ETag, the hash of a body); None where the service says that nothing
            changed since the validators it was asked with.
        validators: What the next poll sends along, such as ETag and Last-Modified; may be empty.
        detail: What was seen, for the person who watches.
    """

    fingerprint: str | None
    validators: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The tidy rows of one release. ``rows_read == len(rows) + len(rejects)``.

    Attributes:
        dataset: Catalogue id of the dataset.
        substance: Our substance code, or None.
        unit: Unit as the publisher writes it.
        published_date: The publisher's own date.
        years: Years the release covers, ascending.
        rows: The columns of the dataset's fact in the contract (:class:`klimatpuls.contract.schema.Fact`) and
            ``sheet_row``, the row's place in the publisher's file.
        rejects: sheet_row, column_name, raw_value, reason: one row per cell that is no fact.
        rows_read: Data cells read.
        notes: What an operator should know, one sentence each.
        gwp_set: The set of warming potentials, where the release states it.
        losses: The parts that could not be read and that the rest does without, one sentence each, which says
            what to do. Each sentence stands among the notes as well, and the operator is mailed it once.
    """

    dataset: str
    substance: str | None
    unit: str
    published_date: date
    years: tuple[int, ...]
    rows: pd.DataFrame
    rejects: pd.DataFrame
    rows_read: int
    notes: tuple[str, ...] = ()
    gwp_set: str | None = None
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release as the warehouse knows it.

    Attributes:
        release_id: See :func:`release_id`.
        dataset: Catalogue id of the dataset.
        substance: Our substance code, or None.
        published_date: The publisher's own date.
        known_from: First day these facts were known to be public.
        approval_number: Number of the decision by which a person approved it, negative where they said that
            it is the older of two releases of one day; 0 where nobody was asked.
        state: Where it stands.
    """

    release_id: str
    dataset: str
    substance: str | None
    published_date: date
    known_from: date
    state: State
    approval_number: int = 0

    @property
    def series(self) -> tuple[str, str | None]:
        """What it is a release of: only releases of one series follow upon each other."""
        return self.dataset, self.substance

    @property
    def sort_key(self) -> tuple[date, date, int]:
        """Order of releases of one series: (published_date, known_from, approval_number).

        Two releases with an equal key are never both published: the gate ``same_day`` holds the second.
        """
        return self.published_date, self.known_from, self.approval_number


def fact_of(dataset: str) -> Fact:
    """The fact of the contract that a dataset's rows are of."""
    return schema.fact(catalog.dataset(dataset).fact)


def content_sha256(parsed: Parsed, *, came_back: bool = False) -> str:
    """The hash that names a release's content, independent of file, row order and document properties.

    Taken over a line each for substance, unit and publisher's date, then one line per fact in ascending order
    of its key: key and values in the order of the contract, parted by semicolons, numbers as Python's
    shortest exact text, words as JSON, nothing where a value is missing; UTF-8. The line of the date is left
    out where the publisher states none (``Dataset.dated_by_retrieval``): the same figures retrieved on
    another day are the same content. Where cells were rejected
    that should not have been there, a line for each reason with their number comes before the facts: a file
    from which the publisher took a bad cell away is another one than the file that had it, though both hold
    the same facts. Only releases that are refused have such cells; those that are expected do not count.

    Args:
        parsed: The rows of a release and its rejected cells.
        came_back: Whether content of a dataset without publisher's dates is there again after other content:
            then the day of retrieval tells it from the release it equals.

    Returns:
        64 hexadecimal digits.

    Example: a fact line of emissions reads ``0360;transport;2024;52110.25``.
    """
    rows, fact = parsed.rows, fact_of(parsed.dataset)
    # A key takes few values: each is put into words once, not once a row.
    keys = [rows[name].factorize(sort=True) for name in fact.key]
    order = np.lexsort([codes for codes, _ in reversed(keys)])
    columns = [np.array(list(map(str, found)), dtype=object)[codes[order]].tolist() for codes, found in keys]
    columns += [_value_texts(rows[column.name], order) for column in fact.values]
    head = [
        _CANON,
        f"substance={parsed.substance or 'all'}",
        f"unit={parsed.unit}",
    ]
    if came_back or not catalog.dataset(parsed.dataset).dated_by_retrieval:
        head.append(f"published={parsed.published_date.isoformat()}")
    reasons = parsed.rejects["reason"]
    rejected = reasons[~reasons.astype(str).str.startswith(EXPECTED)].value_counts().sort_index()
    refused = [f"rejected;{reason};{count}" for reason, count in rejected.items()]
    facts = map(";".join, zip(*columns, strict=True))
    return hashlib.sha256("\n".join([*head, *refused, *facts, ""]).encode()).hexdigest()


def _value_texts(column: pd.Series, order: np.ndarray) -> list[str]:
    values = column.to_numpy()
    if values.dtype.kind == "f" and not np.isnan(values).any():
        # -0.0 and 0.0 are one fact.
        return list(map(repr, (values + 0.0)[order].tolist()))
    if values.dtype.kind in "iu":
        return list(map(str, values[order].tolist()))
    missing = column.isna().to_numpy()[order].tolist()
    ordered = column.astype(object).to_numpy()[order].tolist()
    return ["" if gone else _value_text(value) for value, gone in zip(ordered, missing, strict=True)]


def _value_text(value: object) -> str:
    if isinstance(value, str):
        # A title may hold a semicolon or a line break: JSON keeps each value to itself.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value + 0.0)
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def release_id(parsed: Parsed, sha256: str | None = None) -> str:
    """The name of a release: dataset, substance (or ``all``), publisher's date, start of the content hash.

    Args:
        parsed: The rows of the release.
        sha256: Its :func:`content_sha256`, if already calculated.

    Returns:
        Such as ``smhi_emissions-ghg-2026-05-07-1f3a90bc``.
    """
    digest = sha256 or content_sha256(parsed)
    return f"{parsed.dataset}-{parsed.substance or 'all'}-{parsed.published_date.isoformat()}-{digest[:8]}"


def current(releases: Iterable[Release]) -> Release | None:
    """The published release with the greatest sort key, of one series; None where none is published."""
    published = [release for release in releases if release.state == "published"]
    return max(published, key=lambda release: release.sort_key, default=None)


def nearest_earlier(release: Release, others: Iterable[Release]) -> Release | None:
    """The release of the same series that comes closest before this one, whatever the order of loading."""
    before = [
        other for other in others if other.series == release.series and other.sort_key < release.sort_key
    ]
    return max(before, key=lambda other: other.sort_key, default=None)


def predecessors(releases: Iterable[Release]) -> dict[str, Release | None]:
    """What every release follows upon: :func:`nearest_earlier` of each among all, in one pass.

    Args:
        releases: Of any series.

    Returns:
        Release id → the release of the same series closest before it, None for the first of a series.
    """
    found: dict[str, Release | None] = {}
    last: dict[tuple[str, str | None], Release] = {}
    for release in sorted(releases, key=lambda one: one.sort_key):
        found[release.release_id] = last.get(release.series)
        last[release.series] = release
    return found


def corrects(release: Release, others: Iterable[Release]) -> Release | None:
    """The release that this one corrects: same series and publisher's date, other content, closest before."""
    same_date = [other for other in others if other.published_date == release.published_date]
    return nearest_earlier(release, same_date)


def may_become(state: State, target: State) -> bool:
    """Whether a release in one state may go over to another."""
    return target in TRANSITIONS[state]
