"""Finds the causes of a publication, and whether the network is mailed for them.

The network is mailed for emissions of all greenhouse gases that came, went or came back, a changed standing
of a member's own target, a changed register or an override; not for population tables, and never for an air
pollutant. A result table that could not be calculated is no cause.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from klimatpuls.contract import catalog
from klimatpuls.contract.causes import (
    DecisionCause,
    MunicipalityRevision,
    NationRevision,
    OverrideCause,
    RecalculatedCause,
    RegisterCause,
    ReleaseCause,
    StandingCause,
    cause_from_json,
)
from klimatpuls.statistics.series import TERRITORIAL
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.contract.causes import Cause

MOVED_PCT = 5.0
"""A municipal cell that moved by more than this percent counts as moved in the digest (methods section 8)."""

STANDINGS = "target_progress"
"""The result table that standings are compared in."""
_EMISSION_DATASETS = catalog.datasets_of("emission")
_QUIET_DATASETS = catalog.datasets_of("air_pollutant")

MAX_NATION_YEARS = 3
MAX_MOVERS = 5


def find_causes(
    cursor: Cursor,
    *,
    pointer: Mapping[str, Any],
    newcomers: Sequence[Any],
    restored: Sequence[Any],
    withdrawn: Sequence[str],
    current: Mapping[tuple[str, str | None], Any],
    candidates: Sequence[Any],
    before: Iterable[str],
    publication_id: int,
    register_sha256: str,
    stale: Collection[str] = (),
    healed: Collection[str] = (),
) -> list[Cause]:
    """The causes of a publication in the order a reader wants them.

    Args:
        cursor: Inside the transaction of the switch, before it.
        pointer: The present publication.
        newcomers: Releases published for the first time.
        restored: Releases that were withdrawn and are shown again.
        withdrawn: Ids of the releases that are shown now and no longer will be.
        current: Series → the release that will be current.
        candidates: Every release the publication may show.
        before: Ids of the releases that are current now.
        publication_id: The new publication, already built.
        register_sha256: Hash of the registers it was built with.
        stale: The result tables that could not be calculated: their rows are no cause.
        healed: Those that could not be calculated before and now were.

    Returns:
        First the causes of the publication before, where its digest was held back.
    """
    shown, shown_now = set(before), {candidate.id for candidate in current.values()}
    causes = _held_back(cursor, pointer, {candidate.id for candidate in candidates}, shown_now)
    for candidate in sorted(newcomers, key=_lead_first):
        replaced = next(
            (c for c in candidates if c.id in shown and c.release.series == candidate.release.series), None
        )
        is_current = current[candidate.release.series].id == candidate.id
        causes.append(_release_cause(cursor, candidate, replaced, is_current=is_current))
        if candidate.decided_by:
            causes.append(
                OverrideCause(
                    release_id=candidate.id,
                    dataset=candidate.release.dataset,
                    decided_by=candidate.decided_by,
                    reason=candidate.decision_reason,
                )
            )
    causes += _decision_causes(cursor, "withdrawn", withdrawn, shown, current)
    causes += _decision_causes(cursor, "restored", [one.id for one in restored], shown_now, current)
    if STANDINGS not in stale:
        causes.extend(_standing_causes(cursor, pointer["results_id"], publication_id))
    if register_sha256 != pointer["register_sha256"]:
        causes.append(RegisterCause(first=pointer["register_sha256"] == ""))
    if healed:
        causes.append(RecalculatedCause(tables=tuple(sorted(healed))))
    return causes


def _held_back(
    cursor: Cursor, pointer: Mapping[str, Any], shown: Collection[str], current: Collection[str]
) -> list[Cause]:
    """What the publication before had to mail and could not, as far as it still holds."""
    cursor.execute(load_sql("read/held_back_causes.sql"), {"publication_id": pointer["results_id"]})
    row = cursor.fetchone()
    causes: list[Cause] = []
    for cause in map(cause_from_json, row[0] if row else ()):
        if isinstance(cause, ReleaseCause | OverrideCause) and cause.release_id not in shown:
            continue
        if isinstance(cause, ReleaseCause):
            cause = replace(cause, is_current=cause.release_id in current)
        if not isinstance(cause, RecalculatedCause):
            causes.append(cause)
    return causes


def deserve_digest(causes: Iterable[Cause]) -> bool:
    """Whether the network is mailed for these causes."""
    return any(_deserves_digest(cause) for cause in causes)


def _deserves_digest(cause: Cause) -> bool:
    match cause:
        case StandingCause():
            return True
        case OverrideCause():
            return cause.dataset not in _QUIET_DATASETS
        case RegisterCause():
            return not cause.first
        case ReleaseCause():
            return cause.substance == "ghg" and cause.is_current
        case DecisionCause():
            return cause.substance == "ghg" and cause.moves_current
    return False


def _lead_first(candidate: Any) -> tuple[bool, str]:
    return candidate.release.substance != "ghg", candidate.id


def _release_cause(cursor: Cursor, new: Any, old: Any | None, *, is_current: bool) -> ReleaseCause:
    cause = ReleaseCause(
        release_id=new.id,
        dataset=new.release.dataset,
        substance=new.release.substance or "all",
        published_date=new.release.published_date.isoformat(),
        is_current=is_current,
        first=old is None,
        replaces=old.id if old and is_current else None,
        new_years=tuple(sorted(set(new.years) - set(old.years))) if old else tuple(new.years),
        vanished_years=tuple(sorted(set(old.years) - set(new.years))) if old else (),
        boundary=TERRITORIAL,
    )
    if old is None or new.release.dataset not in _EMISSION_DATASETS:
        return cause
    pair = {
        "new_run_id": new.run_id,
        "new_release_id": new.id,
        "old_run_id": old.run_id,
        "old_release_id": old.id,
        "moved_pct": MOVED_PCT,
    }
    cursor.execute(load_sql("read/nation_revision.sql"), {**pair, "n": MAX_NATION_YEARS})
    columns = ("year", "old_t", "new_t", "international_t")
    nation = tuple(NationRevision(**dict(zip(columns, row, strict=True))) for row in cursor)
    cursor.execute(load_sql("read/largest_movers.sql"), {**pair, "n": MAX_MOVERS})
    names = ("region_code", "region_name", "year", "old_t", "new_t")
    movers = tuple(MunicipalityRevision(**dict(zip(names, row, strict=True))) for row in cursor)
    cursor.execute(load_sql("read/moved_share.sql"), pair)
    (share,) = fetch_row(cursor)
    return replace(cause, nation=nation, largest_movers=movers, moved_share_pct=share)


def _decision_causes(
    cursor: Cursor,
    kind: Literal["withdrawn", "restored"],
    release_ids: Sequence[str],
    led: Collection[str],
    current: Mapping[tuple[str, str | None], Any],
) -> list[DecisionCause]:
    """Releases that a person took out or brought back; ``led`` holds those that were or are current by it."""
    cursor.execute(load_sql("read/decisions_of_releases.sql"), {"release_ids": list(release_ids)})
    now = {(dataset, substance or "all"): c.id for (dataset, substance), c in current.items()}
    return [
        DecisionCause(
            kind=kind,
            release_id=release_id,
            dataset=dataset,
            substance=substance,
            moves_current=release_id in led,
            current=now.get((dataset, substance)),
            decided_by=decided_by,
            reason=reason,
        )
        for release_id, dataset, substance, decided_by, reason in cursor.fetchall()
    ]


def _standing_causes(cursor: Cursor, old_publication: int, new_publication: int) -> list[StandingCause]:
    cursor.execute(
        load_sql("read/changed_standings.sql"),
        {"old_publication_id": old_publication, "new_publication_id": new_publication},
    )
    names = ("region_code", "target_id", "old", "new")
    return [StandingCause(**dict(zip(names, row, strict=True))) for row in cursor]
