"""Migrations: from nothing, again, and what the roles may do afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
import pytest

from klimatpuls.paths import SQL_ROOT
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.migrate import migrate

if TYPE_CHECKING:
    from conftest import Warehouse

pytestmark = pytest.mark.postgres

PASSWORDS = {"wh_loader": "load", "wh_mailer": "mail", "bi_read": "read"}


def fetch(dsn: str, query: str) -> list[tuple[object, ...]]:
    with connect(dsn) as conn, conn.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_dimensions_hold_the_312_regions_and_every_sector(warehouse: Warehouse) -> None:
    levels = dict(fetch(warehouse.bi_dsn, "SELECT level, count(*) FROM mart.region GROUP BY level"))
    assert levels == {"nation": 1, "county": 21, "municipality": 290}
    mains = fetch(warehouse.bi_dsn, "SELECT count(*) FROM mart.sector WHERE is_main")
    assert mains == [(9,)]


def test_running_the_migrations_again_changes_nothing(warehouse: Warehouse) -> None:
    before = fetch(warehouse.admin_dsn, "SELECT path, sha256, applied_at FROM ops.repeatable ORDER BY path")
    newest = max(path.stem for path in (SQL_ROOT / "migrations").glob("*.sql"))
    assert migrate(warehouse.admin_dsn, PASSWORDS) == newest
    after = fetch(warehouse.admin_dsn, "SELECT path, sha256, applied_at FROM ops.repeatable ORDER BY path")
    assert before
    assert after == before


@pytest.mark.parametrize("schema", ["core", "ops", "mart_data", "staging", "register", "person"])
def test_bi_read_sees_the_marts_and_nothing_else(warehouse: Warehouse, schema: str) -> None:
    tables = fetch(
        warehouse.admin_dsn,
        f"SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = '{schema}'",
    )
    assert tables
    for (table,) in tables:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            fetch(warehouse.bi_dsn, f"SELECT 1 FROM {table} LIMIT 1")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.mine (x int)",
        "CREATE TEMP TABLE mine (x int)",
        "UPDATE mart.current_publication SET publication_id = 7",
        "SELECT ops.create_load_partition('emission', 1)",
        "SET ROLE wh_owner",
        "SELECT lo_from_bytea(0, 'kept for ever')",
        "SELECT lo_creat(-1)",
        # Held by a reader, the locks of publisher and mailer would stop them.
        "SELECT pg_advisory_lock(hashtext('klimatpuls publish'))",
        "SELECT pg_try_advisory_lock(1, 2)",
        "SELECT pg_advisory_xact_lock_shared(1)",
    ],
)
def test_bi_read_can_change_nothing(warehouse: Warehouse, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        fetch(warehouse.bi_dsn, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM core.dim_release",
        "TRUNCATE mart_data.emission",
        "DROP TABLE mart_data.population",
        "CREATE TABLE core.mine (x int)",
        "UPDATE mart_data.population SET population_count = 0",
        "UPDATE core.dim_release SET published_date = now()",
        "UPDATE ops.mail_outbox SET state = 'sent'",
        "SET ROLE wh_owner",
    ],
)
def test_the_loader_owns_nothing_and_deletes_no_fact(warehouse: Warehouse, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        fetch(warehouse.loader_dsn, statement)


def test_a_grant_that_is_not_in_the_files_is_taken_back(warehouse: Warehouse) -> None:
    with connect(warehouse.admin_dsn) as conn, conn.cursor() as cursor:
        cursor.execute("GRANT SELECT ON core.dim_release TO bi_read")
        cursor.execute("GRANT UPDATE (published_date) ON core.dim_release TO wh_loader")
        cursor.execute("UPDATE ops.repeatable SET sha256 = 'older' WHERE path = 'grants/roles.sql'")
    migrate(warehouse.admin_dsn, PASSWORDS)
    for dsn, statement in (
        (warehouse.bi_dsn, "SELECT count(*) FROM core.dim_release"),
        (warehouse.loader_dsn, "UPDATE core.dim_release SET published_date = now()"),
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            fetch(dsn, statement)
    assert fetch(warehouse.loader_dsn, "SELECT count(*) FROM core.dim_release") == [(0,)]
