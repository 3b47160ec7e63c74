"""Releases (Swedish: utgåvor): what one is, what it is called, which one is current. Pure.

A release is one publication of one dataset, for emissions of one substance. Its name follows from its
content: the hash is taken over the canonical facts, not over the file, since a workbook carries the time of
its download. Known content again is nothing new; the same publisher's date with other content is a
*correction*, a release of its own that says what it corrects. Loading an older release never moves current.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

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
quarantined one may be judged again after its gate was mended; an answer may be taken back."""

_CANON = "klimatpuls facts 1"


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
class Parsed:
    """The tidy rows of one release. ``rows_read == len(rows) + len(rejects)``.

    Attributes:
        dataset: Catalogue id of the dataset.
        substance: Our substance code, or None.
        unit: Unit as the publisher writes it.
        published_date: The publisher's own date.
        years: Years the release covers, ascending.
        rows: Emissions: region_code, sector_code, year, value (tonnes), sheet_row, one row per region ×
            sector × year. Population: region_code, year, population_count, sheet_row.
        rejects: sheet_row, column_name, raw_value, reason: one row per cell that is no fact.
        rows_read: Data cells read.
        notes: What an operator should know, one sentence each.
        gwp_set: The set of warming potentials, where the release states it.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release as the warehouse knows it.

    Attributes:
        release_id: See :func:`release_id`.
        dataset: Catalogue id of the dataset.
        substance: Our substance code, or None.
        published_date: The publisher's own date.
        known_from: First day these facts were known to be public.
        content_sha256: See :func:`content_sha256`.
        state: Where it stands.
    """

    release_id: str
    dataset: str
    substance: str | None
    published_date: date
    known_from: date
    content_sha256: str
    state: State

    @property
    def series(self) -> tuple[str, str | None]:
        """What it is a release of: only releases of one series follow upon each other."""
        return self.dataset, self.substance

    @property
    def sort_key(self) -> tuple[date, date, str]:
        """Order of releases of one series: (published_date, known_from, content_sha256)."""
        return self.published_date, self.known_from, self.content_sha256


def content_sha256(parsed: Parsed) -> str:
    """The hash that names a release's content, independent of file, row order and document properties.

    Taken over a line each for substance, unit and publisher's date, then one line
    ``region;sector;year;value`` per fact in ascending order (population has no sector), values as Python's
    shortest exact text (``repr``), UTF-8.

    Args:
        parsed: The rows of a release; rejected cells are no facts and do not count.

    Returns:
        64 hexadecimal digits.
    """
    rows = parsed.rows
    keys = [name for name in ("region_code", "sector_code", "year") if name in rows.columns]
    value_name = "value" if "value" in rows.columns else "population_count"
    values = rows[value_name].to_numpy()
    if values.dtype.kind == "f":
        values = values + 0.0  # -0.0 and 0.0 are one fact
    order = np.lexsort([_ranks(rows[name]) for name in reversed(keys)])
    columns = [rows[name].to_numpy()[order].tolist() for name in keys]
    head = [
        _CANON,
        f"substance={parsed.substance or 'all'}",
        f"unit={parsed.unit}",
        f"published={parsed.published_date.isoformat()}",
    ]
    columns = [
        column if isinstance(column[0], str) else list(map(str, column)) for column in columns if column
    ]
    facts = map(";".join, zip(*columns, map(repr, values[order].tolist()), strict=True)) if len(rows) else ()
    return hashlib.sha256("\n".join([*head, *facts, ""]).encode()).hexdigest()


def _ranks(column: pd.Series) -> np.ndarray:
    codes, _ = column.factorize(sort=True)
    return np.asarray(codes)


def release_id(parsed: Parsed, sha256: str | None = None) -> str:
    """The name of a release: dataset, substance (or ``all``), publisher's date, start of the content hash.

    Args:
        parsed: The rows of the release.
        sha256: Its :func:`content_sha256`, if already reckoned.

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


def corrects(release: Release, others: Iterable[Release]) -> Release | None:
    """The release that this one corrects: same series and publisher's date, other content, closest before."""
    same_date = [other for other in others if other.published_date == release.published_date]
    return nearest_earlier(release, same_date)


def may_become(state: State, target: State) -> bool:
    """Whether a release in one state may go over to another."""
    return target in TRANSITIONS[state]
