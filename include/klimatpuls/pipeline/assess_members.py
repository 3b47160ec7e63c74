"""Assesses statuses that change with the date: criteria that lapse, measures that become stale or overdue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.pipeline.stale_tables import queue_stale
from klimatpuls.warehouse import publication
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.warehouse.member_results import Reassessed


def assess_members(conn: PgConnection, mailer: PgConnection, context: RunContext) -> Reassessed | None:
    """Calculate the dated statuses for the context's day; publish them if one changed.

    The publication shares everything else with the one before. It sends no mail: the next digest shows the
    statuses of its day.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        mailer: Connection as ``wh_mailer``: it writes the pages of the replaced publication if they are
            missing, so that its pending digest is not lost.
        context: Day and folders.

    Returns:
        What changed; None if no status did, or a release or register waits for its publication.
    """

    def keep_pages() -> None:
        from klimatpuls.pipeline.report import write_report
        from klimatpuls.report.render import MANIFEST_FILE

        with mailer, mailer.cursor() as cursor:
            cursor.execute(load_sql("report/publication.sql"))
            (publication_id, *_) = fetch_row(cursor)
        if not (context.reports / str(publication_id) / MANIFEST_FILE).is_file():
            write_report(mailer, context)

    made = publication.reassess(conn, as_of=context.as_of, keep_pages=keep_pages)
    queue_stale(conn, context)
    return made
