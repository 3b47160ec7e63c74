"""Migrations: numbered immutable files once, repeatable files by checksum, roles and comments.

Tables change only in ``include/sql/migrations/NNNN_name.sql`` (one Alembic revision each); those of a new
fact follow from the contract. Functions, views, grants and column comments are repeatable: when the checksum
of any of them changed, all of them are applied again in the same transaction. Everything runs as ``wh_owner``
(SET ROLE by the cluster's bootstrap role), so upgrading a populated database from any version equals a fresh
install.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg2 import sql

from klimatpuls.contract import schema
from klimatpuls.paths import SQL_ROOT
from klimatpuls.warehouse import dimensions, facts
from klimatpuls.warehouse.connection import connect, engine, fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as Cursor

LOGIN_ROLES = ("wh_loader", "wh_mailer", "bi_read")
GROUP_ROLES = ("wh_owner", "wh_secretariat")
"""Roles that own, or are granted to people by the operator; nobody logs in as one."""
TABLES, VIEWS, FUNCTIONS = "contract tables", "contract views", "contract functions"
DIMENSIONS = "dimensions"
"""What is repeatable and has no file of its own."""


def migrate(admin_dsn: str, passwords: Mapping[str, str]) -> str:
    """Bring a database to the newest version; safe to run any number of times.

    Args:
        admin_dsn: DSN of the bootstrap role (may create roles) and the database to migrate.
        passwords: Password per login role of ``LOGIN_ROLES``.

    Returns:
        The name of the newest migration, such as ``0001_foundation``.
    """
    version = migrate_tables(admin_dsn, passwords)
    conn = connect(admin_dsn)
    try:
        with conn, conn.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE wh_owner")
            _apply_repeatables(cursor)
    finally:
        conn.close()
    return version


def make_roles(admin_dsn: str, passwords: Mapping[str, str]) -> None:
    """Make the roles of the warehouse and what they may do with the database, before anything is in it.

    Args:
        admin_dsn: DSN of the bootstrap role and the database.
        passwords: Password per login role of ``LOGIN_ROLES``.
    """
    with closing(connect(admin_dsn)) as conn, conn:
        _ensure_roles(conn, passwords)


def known_versions() -> frozenset[str]:
    """Names of the numbered migrations this version of the project has."""
    return frozenset(path.stem for path in (SQL_ROOT / "migrations").glob("*.sql"))


def migrate_tables(admin_dsn: str, passwords: Mapping[str, str], to: str = "head") -> str:
    """Bring roles and numbered tables to a version, without what is repeatable.

    Args:
        admin_dsn: As for :func:`migrate`.
        passwords: As for :func:`migrate`.
        to: Name of a migration; ``head`` is the newest.

    Returns:
        The name of the newest migration there is.
    """
    with connect(admin_dsn) as conn:
        _ensure_roles(conn, passwords)
    return _run_numbered(admin_dsn, to)


def newest_version() -> str:
    """Name of the newest numbered migration, such as ``0008_retention``."""
    return max(known_versions())


def run_migration_file(revision: str) -> None:
    """Run ``include/sql/migrations/<revision>.sql`` in the migration that Alembic is running now."""
    from alembic import op

    op.get_bind().exec_driver_sql(load_sql(f"migrations/{revision}.sql").replace("%", "%%"))


def _ensure_roles(conn: PgConnection, passwords: Mapping[str, str]) -> None:
    with conn.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('klimatpuls roles'))")
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'wh\\_%' OR rolname = 'bi_read'")
        present = {name for (name,) in cursor.fetchall()}
        for role in GROUP_ROLES:
            if role not in present:
                cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        cursor.execute("GRANT wh_owner TO CURRENT_USER")
        for role in LOGIN_ROLES:
            if role not in present:
                cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
            cursor.execute(statement.format(sql.Identifier(role), sql.Literal(passwords[role])))
        # Defaults a client can undo, hence documented as such and no part of the protection.
        cursor.execute("ALTER ROLE bi_read SET statement_timeout = '5min'")
        cursor.execute("SELECT current_database()")
        database = sql.Identifier(fetch_row(cursor)[0])
        cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
        cursor.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO wh_owner").format(database))
        for role in (*LOGIN_ROLES, "wh_secretariat"):
            cursor.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(role))
            )
        cursor.execute("GRANT USAGE, CREATE ON SCHEMA public TO wh_owner")
        cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        cursor.execute(load_sql("roles/public_functions.sql"))


def _run_numbered(admin_dsn: str, to: str) -> str:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine(admin_dsn).begin() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('klimatpuls migrations'))")
        connection.exec_driver_sql("SET LOCAL ROLE wh_owner")
        config.attributes["connection"] = connection
        command.upgrade(config, to)
    head = ScriptDirectory.from_config(config).get_current_head()
    return str(head)


def _repeatable_texts() -> dict[str, str]:
    """Path below ``include/sql``, or what follows from the contract → text, in the order of applying.

    Tables before the views on them, functions before what calls them, grants on everything that is there. No
    view builds on another.
    """
    return {
        TABLES: facts.checksum_text(),
        **_files("functions"),
        **_files("marts"),
        **_files("secretariat"),
        VIEWS: facts.view_statements(),
        FUNCTIONS: facts.function_statements(),
        **_files("grants"),
        "contract comments": schema.comment_statements(),
        DIMENSIONS: dimensions.checksum_text(),
    }


def _files(folder: str) -> dict[str, str]:
    paths = sorted((SQL_ROOT / folder).glob("*.sql"))
    return {f"{folder}/{path.name}": path.read_text(encoding="utf-8") for path in paths}


def _apply_repeatables(cursor: Cursor) -> None:
    cursor.execute("SELECT path, sha256 FROM ops.repeatable")
    applied = dict(cursor.fetchall())
    texts = _repeatable_texts()
    wanted = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()}
    if applied == wanted:
        return
    for path, text in texts.items():
        if path == DIMENSIONS:
            dimensions.load_dimensions(cursor)
        elif path == TABLES:
            facts.ensure_tables(cursor)
        else:
            cursor.execute(text)
    cursor.execute("DELETE FROM ops.repeatable")
    cursor.executemany("INSERT INTO ops.repeatable (path, sha256) VALUES (%s, %s)", sorted(wanted.items()))
