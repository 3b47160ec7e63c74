"""One hash for everything the warehouse says: equal hashes, equal figures.

Taken over the core facts of published releases and every row of the marts under the current publication,
sorted, without publication ids, clock columns and what only ``ops`` and ``staging`` know (design: warehouse
digest). A second run and the machine do not show in it. The order of loading shows in one place alone: a
gate that measures a release against an earlier one keeps what it measured then (``mart.release_gate``).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from klimatpuls import schema
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection

NO_FIGURES = frozenset({"current_publication", "publication", "data_status"})
"""Marts about the publication itself and about the calendar, not about the figures."""
CLOCK_COLUMNS = frozenset({"publication_id", "retrieved_at", "as_of_date", "file_sha256"})
"""Columns that tell when something was done or in which file it came."""


def warehouse_digest(conn: PgConnection) -> str:
    """Hash what is published.

    Args:
        conn: Connection as ``wh_loader`` or the bootstrap role; everything is read in one snapshot.

    Returns:
        64 hexadecimal digits.
    """
    conn.rollback()
    conn.set_session(isolation_level="REPEATABLE READ", readonly=True)
    try:
        with conn, conn.cursor() as cursor:
            return digest_of(cursor)
    finally:
        conn.set_session(isolation_level="DEFAULT", readonly=False)


def digest_of(cursor: Any) -> str:
    """Hash what is published, as the transaction of a cursor sees it; 64 hexadecimal digits.

    Args:
        cursor: psycopg2 cursor as ``wh_loader`` or the bootstrap role, in a REPEATABLE READ transaction.
    """
    total = hashlib.sha256()
    for fact in schema.facts():
        names = ["release_id", *fact.names]
        cursor.execute(
            sql.SQL(load_sql("load/core_fact_digest.sql")).format(
                columns=sql.SQL(", ").join(sql.Identifier("f", name) for name in names),
                rows=sql.Identifier("core", fact.table),
            )
        )
        total.update(f"core {fact.name} {cursor.fetchone()[0]}\n".encode())
    for mart in sorted(schema.marts(), key=lambda mart: mart.name):
        if mart.name in NO_FIGURES:
            continue
        columns = [c.name for c in mart.columns if c.name not in CLOCK_COLUMNS]
        # Only names from our own contract are put into the text; there is no value in it.
        row = sql.SQL(", ").join(sql.Identifier(column) for column in columns)
        cursor.execute(
            sql.SQL(load_sql("load/mart_digest.sql")).format(
                columns=row, mart=sql.Identifier("mart", mart.name)
            )
        )
        total.update(f"{mart.name} {cursor.fetchone()[0]}\n".encode())
    return total.hexdigest()
