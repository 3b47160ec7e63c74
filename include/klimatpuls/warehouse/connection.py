"""Connections to the warehouse, the SQL files under ``include/sql``, and the rows that queries return.

A DSN is a libpq URL such as ``postgresql://wh_loader:secret@127.0.0.1:5432/klimatpuls``. Passwords come
from Airflow connections or the environment; no error and no log line of this module repeats a DSN.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from klimatpuls.paths import SQL_ROOT

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as Cursor
    from sqlalchemy import Engine


def build_dsn(*, user: str, password: str, host: str, port: int, database: str) -> str:
    """A libpq URL; user, password and database are quoted.

    Example: user ``a``, password ``p@s`` → ``postgresql://a:p%40s@127.0.0.1:5432/klimatpuls``.
    """
    return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{host}:{port}/{quote(database)}"


def connect(dsn: str) -> PgConnection:
    """A psycopg2 connection without autocommit.

    Raises:
        psycopg2.OperationalError: if the server does not answer or refuses the role.
    """
    import psycopg2

    return psycopg2.connect(dsn, connect_timeout=10)


def connect_like(conn: PgConnection) -> PgConnection:
    """A second connection of the same role to the same database, for work at the same time.

    Args:
        conn: A connection that was opened with a password, or needs none.

    Raises:
        psycopg2.OperationalError: if the server does not answer.
    """
    import psycopg2

    parameters: dict[str, Any] = {**conn.get_dsn_parameters(), "password": conn.info.password}
    second: PgConnection = psycopg2.connect(**parameters)
    return second


def engine(dsn: str) -> Engine:
    """A SQLAlchemy engine on psycopg2; a bare ``postgresql://`` would mean psycopg 3 since SQLAlchemy 2.1."""
    from sqlalchemy import create_engine, pool

    parts = urlsplit(dsn)
    url = urlunsplit(("postgresql+psycopg2", parts.netloc, parts.path, parts.query, ""))
    return create_engine(url, poolclass=pool.NullPool)


@cache
def load_sql(name: str) -> str:
    """The text of one file under ``include/sql``, for example ``write/insert_release.sql``."""
    return (SQL_ROOT / name).read_text(encoding="utf-8")


def fetch_row(cursor: Cursor) -> tuple[Any, ...]:
    """The next row of a query that always returns one.

    Raises:
        LookupError: if it returned none.
    """
    row = cursor.fetchone()
    if row is None:
        msg = f"the query returned no row: {cursor.query!r}"
        raise LookupError(msg)
    return row


def named_rows(cursor: Cursor) -> list[dict[str, Any]]:
    """All rows of a query, each as column name → value."""
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
