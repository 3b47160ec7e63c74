"""Finds what no event reports: killed runs, releases without an event, pending notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.domain.defects import overdue
from klimatpuls.domain.method_version import METHOD_VERSION
from klimatpuls.pipeline.context import INGEST_PATIENCE_MINUTES
from klimatpuls.pipeline.operator_notice import killed_run, notify, overdue_defect, queue
from klimatpuls.registers.targets import read_known_defects
from klimatpuls.warehouse.code_version import code_sha256
from klimatpuls.warehouse.connection import fetch_row, load_sql
from klimatpuls.warehouse.publication import enqueue_missed_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.report.mailer import SmtpSettings

KILLED = "ended without a word: its process was killed or the machine went down; the next run starts anew"


def close_stuck_runs(
    conn: PgConnection,
    older_than_minutes: int = INGEST_PATIENCE_MINUTES,
    *,
    context: RunContext | None = None,
) -> int:
    """Close source runs that were killed: begun long ago and not ended; returns how many.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        older_than_minutes: A younger run may still be active; 0 closes all, at a start when nothing runs.
        context: Day, moment and origin of the notice to the operator about each run; None for no notice.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(
            load_sql("write/close_stuck_runs.sql"), {"minutes": older_than_minutes, "detail": KILLED}
        )
        closed = cursor.fetchall()
        if context is not None:
            for run_id, source in closed:
                queue(cursor, killed_run(source, run_id, KILLED, context), context)
    return len(closed)


def notify_overdue_defects(
    conn: PgConnection, settings: SmtpSettings, context: RunContext
) -> tuple[str, ...]:
    """Mail the operator each known defect with an overdue review, once; returns their names."""
    late = overdue(read_known_defects(context.registers), context.as_of)
    for defect in late:
        notify(conn, settings, overdue_defect(defect, context), context)
    return tuple(defect.defect_id for defect in late)


def has_unpublished(conn: PgConnection) -> bool:
    """Return whether a validated release, a changed register, another method or repaired code waits."""
    with conn, conn.cursor() as cursor:
        values = {"method_version": METHOD_VERSION, "code_sha256": code_sha256()}
        cursor.execute(load_sql("read/has_unpublished.sql"), values)
        (waits,) = fetch_row(cursor)
    return bool(waits)


def has_mail_due(conn: PgConnection) -> bool:
    """Return whether the outbox has a mail to send, to retry, or to resolve after a killed process."""
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/mail_is_due.sql"))
        (is_due,) = fetch_row(cursor)
    return bool(is_due)


def queue_missed_digest(conn: PgConnection, context: RunContext, list_address: str | Sequence[str]) -> bool:
    """Queue the digest of an earlier day's publication that missed its digest; returns whether one did."""
    return enqueue_missed_digest(
        conn, as_of=context.as_of, list_address=list_address, always_ask=context.always_ask
    )
