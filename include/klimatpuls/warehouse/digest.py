"""One hash for everything the warehouse says: equal hashes, equal figures.

Taken over the core facts of published releases and every row of the marts under the current publication,
sorted by key, without publication ids, clock columns and what only ``ops`` and ``staging`` know (warehouse
digest). Neither a second run, the machine nor the order of loading shows in it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from klimatpuls.contract import schema
from klimatpuls.warehouse import facts
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from psycopg2.extensions import connection as PgConnection

NO_FIGURES = frozenset(
    {
        "current_publication", "publication", "data_status", "criterion_history", "criteria_summary",
        "lineage", "release_file", "result_status",
    }
)  # fmt: skip
"""Marts about publications, the calendar, the formulas and the files, not about the figures."""
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
    for name, digest in digest_parts(cursor).items():
        total.update(f"{name} {digest}\n".encode())
    return total.hexdigest()


def digest_parts(cursor: Any, only: Container[str] | None = None) -> dict[str, str]:
    """The hash of every fact and mart apart: which of them differs when two warehouses do.

    Args:
        cursor: As for :func:`digest_of`.
        only: Names of the parts wanted; None takes all.

    Returns:
        ``core <fact>`` or the mart's name → 64 hexadecimal digits, in the order of the digest.
    """
    parts: dict[str, str] = {}
    for fact in schema.facts():
        if only is not None and f"core {fact.name}" not in only:
            continue
        names = ["release_id", *fact.names]
        rows = sql.SQL(load_sql("read/core_fact_digest.sql")).format(
            columns=_columns(names, "f"),
            rows=sql.Identifier("core", fact.table),
            key=_order(["release_id", *fact.key], facts.core_columns(fact), "f"),
        )
        parts[f"core {fact.name}"] = _hash(cursor, rows)
    for mart in sorted(schema.marts(), key=lambda mart: mart.name):
        if mart.name in NO_FIGURES or (only is not None and mart.name not in only):
            continue
        types = {column.name: column.type for column in mart.columns}
        rows = sql.SQL(load_sql("read/mart_digest.sql")).format(
            columns=_columns([name for name in types if name not in CLOCK_COLUMNS]),
            mart=sql.Identifier("mart", mart.name),
            key=_order(mart.key, types),
        )
        parts[mart.name] = _hash(cursor, rows)
    return parts


class _Hashed:
    """A file that keeps of what is written to it the hash alone."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, chunk: bytes) -> int:
        self.sha256.update(chunk)
        return len(chunk)


def _hash(cursor: Any, rows: sql.Composed) -> str:
    """The hash of a query's rows as the database keeps them: binary, no figure is written out as text."""
    file = _Hashed()
    cursor.copy_expert(sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(rows), file)
    return file.sha256.hexdigest()


def _columns(names: Sequence[str], *alias: str) -> sql.Composed:
    # Only names from our own contract are put into the text; there is no value in it.
    return sql.SQL(", ").join(sql.Identifier(*alias, name) for name in names)


def _order(key: Sequence[str], types: Mapping[str, str], *alias: str) -> sql.Composed:
    """The key's columns; text in the order of its bytes, whatever the language of the database."""
    return sql.SQL(", ").join(
        sql.SQL('{} COLLATE "C"' if types[name] == "text" else "{}").format(sql.Identifier(*alias, name))
        for name in key
    )
