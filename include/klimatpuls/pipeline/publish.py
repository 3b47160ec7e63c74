"""Step 4: everything validated → marts under a new publication, and a digest in the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.pipeline.context import INGEST_PATIENCE_MINUTES
from klimatpuls.pipeline.stale_tables import queue_stale
from klimatpuls.statistics import results
from klimatpuls.validation.recompare import recompare_releases
from klimatpuls.warehouse import publication
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.warehouse.publication import Published


def publish_validated(
    conn: PgConnection,
    context: RunContext,
    list_address: str | Sequence[str] | None,
    *,
    try_again: bool = False,
) -> Published | None:
    """Make a publication; returns None if no release, register or repaired table has changed.

    Releases whose predecessor changed are compared with the new one first. A notice of the result tables that
    could not be calculated is queued for the operator.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        context: Day and approval mode.
        list_address: Recipients of the digest, one address or several.
        try_again: Whether to retry tables that could not be calculated, though the code is the same.
    """
    recompare_releases(conn)
    made = publication.publish(
        conn,
        as_of=context.as_of,
        compute=results.each_result,
        list_address=list_address,
        always_ask=context.always_ask,
        try_again=try_again,
    )
    queue_stale(conn, context)
    return made


def published_since(conn: PgConnection, moment: datetime) -> int | None:
    """Return the current publication if it was made at or after a moment, else None.

    Args:
        conn: Connection as ``wh_loader``.
        moment: With its time zone.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/published_since.sql"), {"moment": moment})
        row = cursor.fetchone()
    return row[0] if row else None


def unfinished_ingests(conn: PgConnection) -> list[str]:
    """Return the sources whose run is still open, so that one publication can include them all.

    A run older than ``INGEST_PATIENCE_MINUTES`` is left out: its releases are published later.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/unfinished_runs.sql"), {"minutes": INGEST_PATIENCE_MINUTES})
        return [source for (source,) in cursor.fetchall()]
