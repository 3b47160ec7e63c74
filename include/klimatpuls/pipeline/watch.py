"""What nobody else would notice: runs that were killed, releases without an event, untold matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.domain.defects import overdue
from klimatpuls.domain.methods import METHOD_VERSION
from klimatpuls.pipeline.operator_notice import killed_run, overdue_defect, queue, tell
from klimatpuls.pipeline.publish import INGEST_PATIENCE_MINUTES
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
    """Close source runs that have not ended and have not begun lately; returns how many.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        older_than_minutes: A younger run may still be at work; 0 closes all, for a start in an empty house.
        context: Day, moment and origin of the notice that the operator is told of each with; None where a
            person sees it anyway.
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


def tell_of_overdue_defects(
    conn: PgConnection, settings: SmtpSettings, context: RunContext
) -> tuple[str, ...]:
    """Tell the operator of known defects whose day of review has passed, each once; returns their names.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        settings: The mail server and the operator's address.
        context: Day, moment and origin.
    """
    late = overdue(read_known_defects(context.registers), context.as_of)
    for defect in late:
        tell(conn, settings, overdue_defect(defect, context), context)
    return tuple(defect.defect_id for defect in late)


def has_unpublished(conn: PgConnection) -> bool:
    """Whether a validated release, a changed register, another method or mended code is to be published."""
    with conn, conn.cursor() as cursor:
        values = {"method_version": METHOD_VERSION, "code_sha256": code_sha256()}
        cursor.execute(load_sql("read/has_unpublished.sql"), values)
        (waits,) = fetch_row(cursor)
    return bool(waits)


def has_mail_due(conn: PgConnection) -> bool:
    """Whether the outbox holds a mail that may be sent, tried again, or settled after a killed process."""
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/mail_is_due.sql"))
        (is_due,) = fetch_row(cursor)
    return bool(is_due)


def queue_missed_digest(conn: PgConnection, context: RunContext, list_address: str | Sequence[str]) -> bool:
    """Queue what an earlier day's publication could not tell, a digest of that day having gone before it."""
    return enqueue_missed_digest(
        conn, as_of=context.as_of, list_address=list_address, always_ask=context.always_ask
    )
