"""What a day that passes changes: criteria that lapse or fall due, measures that grow stale or overdue.

Daily and light: the dated statuses of the current publication are reckoned for today, and where one changed
they become a publication of their own that shares everything else with the one before. Nothing changed:
nothing is written. No mail follows; the next digest shows the statuses as they then stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.pipeline.stale_tables import queue_stale
from klimatpuls.warehouse import publication
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.warehouse.member_results import Reassessed


def assess(conn: PgConnection, mailer: PgConnection, context: RunContext) -> Reassessed | None:
    """Reckon the dated statuses for the context's day; publish if one changed.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        mailer: Connection as ``wh_mailer``: the pages of the publication that is replaced are written with it
            where they are not there yet, so that a digest that is still to be sent is not lost.
        context: Day and folders.

    Returns:
        What changed; None where no status did, or a release or register waits for its publication.
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
