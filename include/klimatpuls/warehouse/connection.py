"""Connections to the warehouse and the SQL files it is spoken to with.

A DSN is a libpq URL such as ``postgresql://wh_loader:secret@127.0.0.1:5432/klimatpuls``. Passwords come
from Airflow connections or the environment; no error and no log line of this module repeats a DSN.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from klimatpuls.paths import SQL_ROOT

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection
    from sqlalchemy import Engine


def build_dsn(*, user: str, password: str, host: str, port: int, database: str) -> str:
    """A libpq URL; user, password and database are quoted.

    Example: user ``a``, password ``p@s`` → ``postgresql://a:p%40s@127.0.0.1:5432/klimatpuls``.
    """
    return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{host}:{port}/{quote(database)}"


def connect(dsn: str) -> PgConnection:
    """A psycopg2 connection with transactions of its own (no autocommit).

    Raises:
        psycopg2.OperationalError: if the server does not answer or refuses the role.
    """
    import psycopg2

    return psycopg2.connect(dsn, connect_timeout=10)


def connect_like(conn: PgConnection) -> PgConnection:
    """Another connection of the same role to the same database, for work beside the first one's.

    Args:
        conn: A connection that was opened with a password, or needs none.

    Raises:
        psycopg2.OperationalError: if the server does not answer.
    """
    import psycopg2

    return psycopg2.connect(**conn.get_dsn_parameters(), password=conn.info.password)


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
