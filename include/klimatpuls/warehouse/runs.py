"""Writes the run log: one row of ``ops.source_run`` per source and attempt, and the state of each dataset."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING

from klimatpuls.warehouse.connection import load_sql, named_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from psycopg2.extensions import connection as PgConnection

NOT_BY_SUBSTANCE = "all"
"""The substance of datasets that have none, such as population."""

NOTES_SHOWN, NOTE_LENGTH = 6, 240
"""How many notes of a parser the detail of a run shows, and how many characters of each."""

FINAL_STATES = frozenset({"no_news", "not_yet_published", "validated", "held", "quarantined", "failed"})


@dataclass(frozen=True, kw_only=True)
class SourceRun:
    """One run of one source.

    Attributes:
        run_id: Key; names the partition of the run's facts.
        source: Catalogue id.
        origin: ``live``, ``archive`` or ``synthetic``.
        as_of_date: The run's day.
        state: Its state; see ``ops.source_run``.
        detail: What happened, for the operator.
    """

    run_id: int
    source: str
    origin: str
    as_of_date: date
    state: str
    detail: str | None


def start_run(
    conn: PgConnection, *, source: str, origin: str, as_of: date, orchestrator_run: str | None
) -> SourceRun:
    """Start a run, or return the one that the same orchestrator run started before (a retried task).

    The caller commits.
    """
    with conn.cursor() as cursor:
        cursor.execute(
            load_sql("write/start_run.sql"),
            {"source": source, "origin": origin, "as_of_date": as_of, "orchestrator_run": orchestrator_run},
        )
        (row,) = named_rows(cursor)
    return SourceRun(**row)


def read_notes(conn: PgConnection, run_id: int) -> tuple[str, ...]:
    """Notes of the releases of a run for the operator, one sentence each.

    Args:
        conn: Connection as ``wh_loader``; this function only reads.
        run_id: The source run.
    """
    with conn.cursor() as cursor:
        cursor.execute(load_sql("read/notes_of_run.sql"), {"run_id": run_id})
        return tuple(f"{release_id}: {note}" for release_id, notes in cursor.fetchall() for note in notes)


def notes_in_short(notes: Sequence[str]) -> list[str]:
    """Notes as the detail of a run shows them: the first ones, each on one line; the release has all."""
    shown = [f"note: {shorten(note, NOTE_LENGTH, placeholder=' …')}" for note in notes[:NOTES_SHOWN]]
    more = len(notes) - len(shown)
    return [*shown, f"{more} more notes (core.dim_release.notes)"] if more else shown


def set_run_state(conn: PgConnection, run_id: int, state: str, detail: str) -> None:
    """Set the state of a run; the final states also close it. The caller commits."""
    with conn.cursor() as cursor:
        cursor.execute(
            load_sql("write/set_run_state.sql"),
            {"run_id": run_id, "state": state, "detail": detail, "is_final": state in FINAL_STATES},
        )


def record_check(
    conn: PgConnection,
    *,
    source: str,
    dataset: str,
    substance: str | None,
    checked_at: datetime,
    as_of: date,
    next_expected: date | None,
    status: str,
    detail: str,
) -> None:
    """Write how fresh a dataset is as of a day; shown by ``mart.data_status``. The caller commits."""
    with conn.cursor() as cursor:
        cursor.execute(
            load_sql("write/record_check.sql"),
            {
                "source": source,
                "dataset": dataset,
                "substance": substance or NOT_BY_SUBSTANCE,
                "last_checked_at": checked_at,
                "as_of_date": as_of,
                "next_expected": next_expected,
                "status": status,
                "detail": detail,
            },
        )
