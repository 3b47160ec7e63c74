"""Who may do what: every object against every role, what is made later, and what a client can set for itself.

The policy stands here in words of its own, so that a grant too many in ``include/sql/grants`` is found.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from conftest import Warehouse

pytestmark = pytest.mark.postgres

ROLES = ("bi_read", "wh_secretariat", "wh_mailer", "wh_loader")
SCHEMAS = ("core", "mart", "mart_data", "ops", "person", "register", "secretariat", "staging")
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")

READS_ALL = frozenset({"core", "mart", "mart_data", "ops", "register", "secretariat", "staging"})
"""Schemas in which the loader reads every table."""
APPENDED = frozenset(
    {
        "core.criteria_summary", "core.criterion_change", "core.dim_release", "core.reconciliation",
        "core.revision", "core.revision_pair",
        "ops.dataset_check", "ops.host_call", "ops.host_limit", "ops.look", "ops.mail_outbox",
        "ops.operator_notice", "ops.publication", "ops.publication_facts", "ops.publication_release",
        "ops.release_decision", "ops.snapshot", "ops.source_run", "ops.validation", "ops.validation_gate",
        "ops.warehouse_origin", "staging.rejected_cell",
    }
)  # fmt: skip
"""Tables that the loader adds rows to, beside everything in ``mart_data`` and the registers."""
CHANGED = frozenset(
    {
        "mart.current_publication", "ops.dataset_check", "ops.host_call", "ops.host_limit", "ops.look",
        "ops.operator_notice", "ops.publication", "ops.snapshot", "ops.source_run",
    }
)  # fmt: skip
"""Tables in which the loader changes rows; single columns are listed apart."""
CLEARED = frozenset({"ops.host_call", "staging.rejected_cell"})
"""Tables the loader deletes from: never a fact, a release or a record."""
CONTACTS = {
    "person.contact": {"INSERT", "DELETE"}, "person.deletion": {"INSERT"}, "ops.reminder": {"INSERT"},
}  # fmt: skip
"""What the mailer, and nobody else, does with the members' contacts beside reading them."""
MAILER_READS = frozenset({"ops.mail_outbox", "ops.reminder", "secretariat.reminder_item"})
"""What it reads outside of the marts and the contacts."""
REGISTERS = (
    "answer", "climate_plan", "criteria_rule", "enquiry", "ets_plant", "ets_statement", "evidence",
    "known_defect", "measure", "member", "municipality_group", "official_figure", "own_series", "pledge",
    "reporting_round", "sector_list", "target", "trading_reference", "version",
)  # fmt: skip
"""Tables in which the loader closes rows and never changes what they say."""
UPDATED_COLUMNS = {
    ("wh_loader", "core.dim_release"): {
        "state", "decided_by", "decided_at", "decision_reason", "asked_by_run", "approval_number",
    },
    ("wh_mailer", "ops.mail_outbox"): {
        "state", "message_id", "headline", "html_sha256", "text_sha256", "attempts", "last_error",
        "updated_at", "sent_at", "approval",
    },
    **{("wh_loader", f"register.{name}"): {"recorded_to"} for name in REGISTERS},
}  # fmt: skip
"""Single columns that a role may update."""
ADDED_COLUMNS = {
    ("wh_mailer", "ops.mail_outbox"): {
        "kind", "publication_id", "as_of_date", "region_code", "contact_kind", "subject", "body", "approval",
    },
}  # fmt: skip
"""Single columns of the rows that a role may add: a reminder, and no digest, which has a recipient."""

_RELATIONS = """
SELECT n.nspname || '.' || c.relname
FROM pg_class AS c INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY 1
"""
_MATRIX = """
SELECT r.role, o.name, array_agg(p.privilege ORDER BY p.place)
FROM unnest(%s) AS r (role)
CROSS JOIN unnest(%s) AS o (name)
CROSS JOIN unnest(%s) WITH ORDINALITY AS p (privilege, place)
WHERE has_table_privilege(r.role, o.name, p.privilege)
GROUP BY r.role, o.name
"""
_SINGLE_COLUMNS = """
SELECT r.role, n.nspname || '.' || c.relname, array_agg(a.attname::text)
FROM unnest(%s) AS r (role)
CROSS JOIN pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN pg_attribute AS a ON c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v')
    AND has_column_privilege(r.role, c.oid, a.attnum, %s)
    AND NOT has_table_privilege(r.role, c.oid, %s)
GROUP BY 1, 2
"""


def ask(dsn: str, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    with closing(connect(dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchall()


def expected(role: str, relation: str) -> set[str]:
    """What the policy allows a role on a whole table or view."""
    schema = relation.partition(".")[0]
    if role == "bi_read":
        return {"SELECT"} if schema == "mart" else set()
    if role == "wh_secretariat":
        return {"SELECT"} if schema in ("mart", "secretariat") else set()
    if role == "wh_mailer":
        reads = schema in ("mart", "person") or relation in MAILER_READS
        return ({"SELECT"} if reads else set()) | CONTACTS.get(relation, set())
    allowed = {"SELECT"} if schema in READS_ALL else set()
    if schema == "register":
        return allowed | {"INSERT"}
    if relation in APPENDED or schema == "mart_data":
        allowed.add("INSERT")
    if relation in CHANGED:
        allowed.add("UPDATE")
    if relation in CLEARED:
        allowed.add("DELETE")
    return allowed


def test_every_table_and_view_against_every_role(warehouse: Warehouse) -> None:
    relations = [name for (name,) in ask(warehouse.admin_dsn, _RELATIONS, (list(SCHEMAS),))]
    assert len(relations) > 70
    found = {
        (role, name): set(privileges)
        for role, name, privileges in ask(
            warehouse.admin_dsn, _MATRIX, (list(ROLES), relations, list(PRIVILEGES[:-1]))
        )
    }
    wrong = {
        (role, name): (found.get((role, name), set()), expected(role, name))
        for role in ROLES
        for name in relations
        if found.get((role, name), set()) != expected(role, name)
    }
    assert wrong == {}, "found, expected"


@pytest.mark.parametrize(("privilege", "allowed"), [("UPDATE", UPDATED_COLUMNS), ("INSERT", ADDED_COLUMNS)])
def test_single_columns_that_a_role_may_write(
    warehouse: Warehouse, privilege: str, allowed: dict[tuple[str, str], set[str]]
) -> None:
    values = (list(ROLES), list(SCHEMAS), privilege, privilege)
    rows = ask(warehouse.admin_dsn, _SINGLE_COLUMNS, values)
    assert {(role, name): set(columns) for role, name, columns in rows} == allowed


def test_functions_schemas_sequences_and_databases(warehouse: Warehouse) -> None:
    functions = ask(
        warehouse.admin_dsn,
        "SELECT r.role, n.nspname, p.proname::text FROM unnest(%s) AS r (role) CROSS JOIN pg_proc AS p "
        "INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid WHERE n.nspname = ANY(%s) "
        "AND has_function_privilege(r.role, p.oid, 'EXECUTE')",
        (list(ROLES), list(SCHEMAS)),
    )
    in_mart = {name for _, schema, name in functions if schema == "mart"}
    assert {name for role, schema, name in functions if (role, schema) == ("bi_read", "mart")} == in_mart
    assert {(role, name) for role, schema, name in functions if schema != "mart"} == {
        ("wh_loader", name)
        for name in (
            "new_years",
            "create_load_partition",
            "attach_load_partition",
            "create_facts_partition",
            "attach_facts_partition",
            "analyze_publication",
            "analyze_revision",
            "key_load_partition",
            "new_years",
            "publications_to_drop",
            "drop_old_publication",
            "drop_facts_partition",
        )
    }
    schemas = ask(
        warehouse.admin_dsn,
        "SELECT r.role, s.name, has_schema_privilege(r.role, s.name, 'CREATE') FROM unnest(%s) AS r (role) "
        "CROSS JOIN unnest(%s) AS s (name) WHERE has_schema_privilege(r.role, s.name, 'USAGE')",
        (list(ROLES), [name for (name,) in ask(warehouse.admin_dsn, _OUR_SCHEMAS, (list(SCHEMAS),))]),
    )
    assert not any(may_create for _, _, may_create in schemas)
    usable = {role: {name for one, name, _ in schemas if one == role} for role in ROLES}
    assert usable["bi_read"] == {"mart"}
    assert usable["wh_secretariat"] == {"mart", "secretariat"}
    assert usable["wh_loader"] == READS_ALL
    assert usable["wh_mailer"] - {"person"} == {"mart", "ops", "secretariat"}
    for role in ROLES:
        ((temp, create),) = ask(
            warehouse.admin_dsn,
            "SELECT has_database_privilege(%s, current_database(), 'TEMP'), "
            "has_database_privilege(%s, current_database(), 'CREATE')",
            (role, role),
        )
        assert (temp, create) == (False, False)


_OUR_SCHEMAS = "SELECT nspname::text FROM pg_namespace WHERE nspname = ANY(%s)"


def test_no_role_is_more_than_it_seems(warehouse: Warehouse) -> None:
    rows = ask(
        warehouse.admin_dsn,
        "SELECT rolname, rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls, "
        "(SELECT count(*) FROM pg_auth_members AS m WHERE m.member = r.oid) FROM pg_roles AS r "
        "WHERE rolname = ANY(%s)",
        (list(ROLES),),
    )
    assert sorted(rows) == sorted((role, False, 0) for role in ROLES)
    groups = "SELECT rolcanlogin FROM pg_roles WHERE rolname IN ('wh_owner', 'wh_secretariat')"
    assert ask(warehouse.admin_dsn, groups) == [(False,), (False,)]


def test_a_person_of_the_secretariat_logs_in_and_sees_the_inside(warehouse: Warehouse) -> None:
    with closing(psycopg2.connect(warehouse.admin_dsn)) as admin, admin, admin.cursor() as cursor:
        cursor.execute("CREATE ROLE anna LOGIN PASSWORD 'hers' IN ROLE wh_secretariat")
    try:
        parts = psycopg2.extensions.parse_dsn(warehouse.admin_dsn)
        hers = {**parts, "user": "anna", "password": "hers"}
        with closing(psycopg2.connect(**hers)) as conn, conn, conn.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM secretariat.criterion")
            assert cursor.fetchone() == (0,)
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("SELECT count(*) FROM person.contact")
    finally:
        with closing(psycopg2.connect(warehouse.admin_dsn)) as admin, admin, admin.cursor() as cursor:
            cursor.execute("DROP ROLE anna")


def test_functions_with_their_owners_rights_cannot_be_led_astray(warehouse: Warehouse) -> None:
    rows = ask(
        warehouse.admin_dsn,
        "SELECT n.nspname || '.' || p.proname, coalesce(p.proconfig, '{}') FROM pg_proc AS p "
        "INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid "
        "WHERE p.prosecdef AND n.nspname = ANY(%s)",
        (list(SCHEMAS),),
    )
    assert len(rows) > 10
    assert [name for name, config in rows if "search_path=pg_catalog, pg_temp" not in config] == []


def test_what_is_made_later_is_as_closed_as_what_is_there(warehouse: Warehouse) -> None:
    with closing(connect(warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("SET ROLE wh_owner")
        for schema in ("core", "mart", "mart_data", "ops", "register", "secretariat", "staging"):
            cursor.execute(f"CREATE TABLE {schema}.made_later (x integer)")
            cursor.execute(
                f"CREATE FUNCTION {schema}.told_later() RETURNS integer LANGUAGE sql AS 'SELECT 1'"
            )
        cursor.execute("CREATE VIEW mart.seen_later AS SELECT x FROM core.made_later")
    for schema in ("core", "mart_data", "ops", "register", "secretariat", "staging"):
        for role in ("bi_read", "wh_mailer"):
            rows = ask(
                warehouse.admin_dsn, _MATRIX, ([role], [f"{schema}.made_later"], list(PRIVILEGES[:-1]))
            )
            assert rows == [], (role, schema)
    for role in ("bi_read", "wh_mailer"):
        rows = ask(
            warehouse.admin_dsn,
            _MATRIX,
            ([role], ["mart.made_later", "mart.seen_later"], list(PRIVILEGES[:-1])),
        )
        assert [(name, privileges) for _, name, privileges in sorted(rows)] == [
            ("mart.made_later", ["SELECT"]),
            ("mart.seen_later", ["SELECT"]),
        ]
    callable_by = ask(
        warehouse.admin_dsn,
        "SELECT r.role, n.nspname FROM unnest(%s) AS r (role) CROSS JOIN pg_proc AS p "
        "INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid "
        "WHERE p.proname = 'told_later' AND has_function_privilege(r.role, p.oid, 'EXECUTE')",
        (list(ROLES),),
    )
    assert callable_by == [], "a new function is for nobody until the grants name it"


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE wh_loader",
        "SET SESSION AUTHORIZATION wh_owner",
        "SELECT set_config('role', 'wh_owner', false)",
        "SET session_replication_role = replica",
        "SET log_statement = 'none'",
        "ALTER ROLE bi_read SUPERUSER",
        "ALTER ROLE bi_read BYPASSRLS",
        "ALTER ROLE wh_loader PASSWORD 'mine'",
        "ALTER SYSTEM SET log_connections = off",
        "ALTER DATABASE {database} SET default_transaction_read_only = on",
        "COPY mart.release TO '/tmp/release.csv'",
        "COPY mart.release TO PROGRAM 'cat'",
        "SELECT pg_read_file('postgresql.conf')",
        "CREATE EXTENSION plpgsql_check",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'wh_loader'",
        "DO $$ BEGIN EXECUTE 'CREATE TABLE public.mine (x int)'; END $$",
    ],
)
def test_a_reader_cannot_set_itself_free(warehouse: Warehouse, statement: str) -> None:
    with closing(connect(warehouse.loader_dsn)) as other, other.cursor() as working:
        working.execute("SELECT 1")
        with closing(connect(warehouse.bi_dsn)) as conn, conn.cursor() as cursor:
            conn.autocommit = True  # some statements are refused inside a transaction, whoever asks
            with pytest.raises(psycopg2.Error) as refused:
                cursor.execute(statement.format(database=warehouse.name))
        assert refused.value.pgcode in {"42501", "0A000", "58P01", "22023"}, refused.value
        working.execute("SELECT 1")


def test_settings_that_a_client_may_undo_open_nothing(warehouse: Warehouse) -> None:
    """Time limits and read-only modes are defaults; what protects the warehouse are the grants."""
    with closing(connect(warehouse.bi_dsn)) as conn:
        conn.autocommit = True
        with conn.cursor() as cursor:
            for statement in (
                "SET statement_timeout = 0",
                "SET default_transaction_read_only = off",
                "SET search_path = core, ops, person, public",
                "SET row_security = off",
            ):
                cursor.execute(statement)
            for statement in (
                "SELECT * FROM core.fct_emission",
                "SELECT * FROM dim_release",
                "UPDATE mart.current_publication SET publication_id = 0",
                "CREATE TABLE public.mine (x integer)",
                "SELECT ops.create_load_partition('emission', 1)",
                "SELECT * FROM ops.releases_known_on('2026-01-01', '{}')",
            ):
                with pytest.raises(psycopg2.Error) as refused:
                    cursor.execute(statement)
                assert refused.value.pgcode in {"42501", "42P01"}, statement
