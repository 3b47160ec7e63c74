"""One hash for everything the warehouse publishes: equal hashes, equal figures.

The hash covers the core facts of published releases and every row of the marts under the current publication,
sorted by key. Publication ids, clock columns and what only ``ops`` and ``staging`` hold are left out. So a
second run, another machine or another order of loading gives the same hash.
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
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.contract.schema import Mart

NO_FIGURES = frozenset(
    {
        "current_publication", "publication", "data_status", "criterion_history", "criteria_summary",
        "lineage", "release_file", "result_status",
    }
)  # fmt: skip
"""Marts about publications, the calendar, the formulas and the files, not about the figures."""
CLOCK_COLUMNS = frozenset(
    {"publication_id", "stored_publication_id", "retrieved_at", "as_of_date", "file_sha256"}
)
"""Columns that say when something was done or in which file it came."""
PROSE_SUFFIXES = ("_sv", "_en")
PROSE_COLUMNS = frozenset({("release", "notes"), ("release_gate", "sample")})
"""Prose is wording for people, in Swedish and English; it may be improved without a figure changing.

Every column whose name ends as :data:`PROSE_SUFFIXES` and that is no key, and these pairs of (mart, column):
a parser's remarks on a release, and the sentences of a gate's findings.
"""


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


def digest_of(cursor: Cursor) -> str:
    """Hash what is published, as the transaction of a cursor sees it; 64 hexadecimal digits.

    Args:
        cursor: As ``wh_loader`` or the bootstrap role, in a REPEATABLE READ transaction.
    """
    total = hashlib.sha256()
    for name, digest in digest_parts(cursor).items():
        total.update(f"{name} {digest}\n".encode())
    return total.hexdigest()


def digest_parts(
    cursor: Cursor, only: Container[str] | None = None, *, with_prose: bool = True
) -> dict[str, str]:
    """The hash of each fact and each mart, which shows where two warehouses differ.

    Args:
        cursor: As for :func:`digest_of`.
        only: Names of the parts wanted; None takes all.
        with_prose: Whether columns of prose count (:data:`PROSE_COLUMNS`).

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
        left_out = CLOCK_COLUMNS if with_prose else CLOCK_COLUMNS | _prose(mart)
        rows = sql.SQL(load_sql("read/mart_digest.sql")).format(
            columns=_columns([name for name in types if name not in left_out]),
            mart=sql.Identifier("mart", mart.name),
            key=_order(mart.key, types),
        )
        parts[mart.name] = _hash(cursor, rows)
    return parts


def _prose(mart: Mart) -> frozenset[str]:
    return frozenset(
        column.name
        for column in mart.columns
        if (column.name.endswith(PROSE_SUFFIXES) and column.name not in mart.key)
        or (mart.name, column.name) in PROSE_COLUMNS
    )


class _Sha256File:
    """A file that keeps only the hash of what is written to it."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, chunk: bytes) -> int:
        self.sha256.update(chunk)
        return len(chunk)


def _hash(cursor: Cursor, rows: sql.Composed) -> str:
    """The hash of a query's rows in PostgreSQL's binary format, so no figure is rounded as text."""
    file: Any = _Sha256File()
    cursor.copy_expert(sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(rows), file)
    return str(file.sha256.hexdigest())


def _columns(names: Sequence[str], *alias: str) -> sql.Composed:
    # Only names from our own contract are put into the text; there is no value in it.
    return sql.SQL(", ").join(sql.Identifier(*alias, name) for name in names)


def _order(key: Sequence[str], types: Mapping[str, str], *alias: str) -> sql.Composed:
    """The key's columns; text is sorted by its bytes, whatever the locale of the database."""
    return sql.SQL(", ").join(
        sql.SQL('{} COLLATE "C"' if types[name] == "text" else "{}").format(sql.Identifier(*alias, name))
        for name in key
    )
