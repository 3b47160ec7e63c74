"""Why a publication was made: releases that came, went or came back, registers, standings, overrides.

The causes are written down at the moment of publication, so that the digest, the UI and a later reader tell
the same story. A digest is deserved by emissions of all greenhouse gases that came, went or came back, a
changed standing of a member's own target, a changed register or an override; not by population tables, and
never by an air pollutant. What a result table says that could not be calculated is no cause.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klimatpuls.contract import catalog
from klimatpuls.statistics.series import TERRITORIAL
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from psycopg2.extensions import cursor as Cursor

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
) -> list[dict[str, Any]]:
    """List the causes of a publication in the order a reader wants them.

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
        stale: The result tables that could not be calculated: what they say is counted nowhere.
        healed: Those that could not be before and now were.

    Returns:
        JSON-ready dictionaries with the key ``kind``: ``release``, ``withdrawn``, ``restored``, ``override``,
        ``standing``, ``register``, ``recalculated``; first those of the publication before, where its digest
        was held back.
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
                {
                    "kind": "override",
                    "release_id": candidate.id,
                    "dataset": candidate.release.dataset,
                    "decided_by": candidate.decided_by,
                    "reason": candidate.decision_reason,
                }
            )
    came_back = [candidate.id for candidate in restored]
    for kind, ids, led in (("withdrawn", withdrawn, shown), ("restored", came_back, shown_now)):
        causes.extend(_decision_causes(cursor, kind, ids, led, current))
    if STANDINGS not in stale:
        causes.extend(_standing_causes(cursor, pointer["results_id"], publication_id))
    if register_sha256 != pointer["register_sha256"]:
        causes.append({"kind": "register", "first": pointer["register_sha256"] == ""})
    if healed:
        causes.append({"kind": "recalculated", "tables": sorted(healed)})
    return causes


def _held_back(
    cursor: Cursor, pointer: Mapping[str, Any], shown: Collection[str], current: Collection[str]
) -> list[dict[str, Any]]:
    """What the publication before had to mail and could not, as far as it still holds."""
    cursor.execute(load_sql("read/held_back_causes.sql"), {"publication_id": pointer["results_id"]})
    row = cursor.fetchone()
    causes = []
    for cause in row[0] if row else ():
        if cause["kind"] in {"release", "override"} and cause["release_id"] not in shown:
            continue
        told = {"is_current": cause["release_id"] in current} if cause["kind"] == "release" else {}
        causes.append({**cause, **told})
    return [cause for cause in causes if cause["kind"] != "recalculated"]


def deserve_digest(causes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the network is mailed for these causes."""
    return any(
        cause["kind"] == "standing"
        or (cause["kind"] == "override" and cause.get("dataset") not in _QUIET_DATASETS)
        or (cause["kind"] == "register" and not cause["first"])
        or (cause["kind"] == "release" and cause["substance"] == "ghg" and cause["is_current"])
        or (
            cause["kind"] in {"withdrawn", "restored"}
            and cause["substance"] == "ghg"
            and cause["moves_current"]
        )
        for cause in causes
    )


def _lead_first(candidate: Any) -> tuple[bool, str]:
    return candidate.release.substance != "ghg", candidate.id


def _release_cause(cursor: Cursor, new: Any, old: Any | None, *, is_current: bool) -> dict[str, Any]:
    cause: dict[str, Any] = {
        "kind": "release",
        "release_id": new.id,
        "dataset": new.release.dataset,
        "substance": new.release.substance or "all",
        "published_date": new.release.published_date.isoformat(),
        "is_current": is_current,
        "first": old is None,
        "replaces": old.id if old and is_current else None,
        "new_years": sorted(set(new.years) - set(old.years)) if old else list(new.years),
        "vanished_years": sorted(set(old.years) - set(new.years)) if old else [],
        "boundary": TERRITORIAL,
        "nation": [],
        "largest_movers": [],
        "moved_share_pct": None,
    }
    if old is not None and new.release.dataset in _EMISSION_DATASETS:
        pair = {
            "new_run_id": new.run_id,
            "new_release_id": new.id,
            "old_run_id": old.run_id,
            "old_release_id": old.id,
            "moved_pct": MOVED_PCT,
        }
        cursor.execute(load_sql("read/nation_revision.sql"), {**pair, "n": MAX_NATION_YEARS})
        columns = ("year", "old_t", "new_t", "international_t")
        cause["nation"] = [dict(zip(columns, row, strict=True)) for row in cursor]
        cursor.execute(load_sql("read/largest_movers.sql"), {**pair, "n": MAX_MOVERS})
        names = ("region_code", "region_name", "year", "old_t", "new_t")
        cause["largest_movers"] = [dict(zip(names, row, strict=True)) for row in cursor]
        cursor.execute(load_sql("read/moved_share.sql"), pair)
        (cause["moved_share_pct"],) = fetch_row(cursor)
    return cause


def _decision_causes(
    cursor: Cursor,
    kind: str,
    release_ids: Sequence[str],
    led: Collection[str],
    current: Mapping[tuple[str, str | None], Any],
) -> list[dict[str, Any]]:
    """Releases that a person took out or brought back; ``led`` holds those that were or are current by it."""
    cursor.execute(load_sql("read/decisions_of_releases.sql"), {"release_ids": list(release_ids)})
    now = {(dataset, substance or "all"): c.id for (dataset, substance), c in current.items()}
    return [
        {
            "kind": kind,
            "release_id": release_id,
            "dataset": dataset,
            "substance": substance,
            "moves_current": release_id in led,
            "current": now.get((dataset, substance)),
            "decided_by": decided_by,
            "reason": reason,
        }
        for release_id, dataset, substance, decided_by, reason in cursor.fetchall()
    ]


def _standing_causes(cursor: Cursor, old_publication: int, new_publication: int) -> list[dict[str, Any]]:
    cursor.execute(
        load_sql("read/changed_standings.sql"),
        {"old_publication_id": old_publication, "new_publication_id": new_publication},
    )
    names = ("region_code", "target_id", "old", "new")
    return [{"kind": "standing", **dict(zip(names, row, strict=True))} for row in cursor]
