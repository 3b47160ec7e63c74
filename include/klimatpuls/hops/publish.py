"""Hop 4: everything validated → marts under a new publication, and a digest in the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls import results
from klimatpuls.warehouse import publication
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.hops.context import RunContext
    from klimatpuls.warehouse.publication import Published

INGEST_PATIENCE_MINUTES = 30
"""A source run that has not moved for this long no longer holds up a publication."""


def publish_validated(conn: PgConnection, context: RunContext, list_address: str | None) -> Published | None:
    """Compute and switch; None when neither a release nor a register is new.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        context: Day and approval mode.
        list_address: Where the digest goes.
    """
    return publication.publish(
        conn,
        as_of=context.as_of,
        compute=results.build_results,
        list_address=list_address,
        always_ask=context.always_ask,
    )


def unfinished_ingests(conn: PgConnection) -> list[str]:
    """Sources whose run is still on its way, so that one publication can take them all.

    A run older than ``INGEST_PATIENCE_MINUTES`` is left out: what it brings is published later.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("load/unfinished_runs.sql"), {"minutes": INGEST_PATIENCE_MINUTES})
        return [source for (source,) in cursor.fetchall()]
