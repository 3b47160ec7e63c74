"""The views as the database has them against the views as the contract promises them."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pandas as pd
import psycopg2
import pytest
from conftest import PASSWORDS
from support import contract_rules

from klimatpuls.contract import datapackage, schema
from klimatpuls.statistics.steps import Result
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.migrate import migrate
from klimatpuls.warehouse.result_tables import Before, ResultTables

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Published, Warehouse

pytestmark = pytest.mark.postgres

TOO_SHORT_FOR = frozenset({"backtest", "verdict_record"})
"""Marts for which the small archive has too few years: a projection needs nine before it and five after."""

_COLUMNS = """
SELECT
    c.relname,
    CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind,
    obj_description(c.oid, 'pg_class') AS meaning,
    a.attname,
    format_type(a.atttypid, a.atttypmod) AS type,
    col_description(c.oid, a.attnum) AS column_meaning
FROM pg_class AS c
INNER JOIN pg_attribute AS a ON c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind IN ('v', 'm', 'r', 'p', 'f')
ORDER BY c.relname, a.attnum
"""


def _rows(dsn: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(connect(dsn)) as conn, conn.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_views_and_contract_agree_column_by_column(warehouse: Warehouse) -> None:
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name, kind, _, column, column_type, _ in _rows(warehouse.admin_dsn, _COLUMNS):
        found.setdefault((name, kind), []).append((column, column_type))
    promised = {
        (mart.name, mart.kind): [(column.name, column.type) for column in mart.columns]
        for mart in schema.marts()
    }
    assert found == promised


def test_tables_of_facts_refuse_what_the_contract_requires_to_be_there(warehouse: Warehouse) -> None:
    """A row without a required value cannot be loaded, before any gate asks."""
    refused: dict[str, set[str]] = {}
    for table, column in _rows(
        warehouse.admin_dsn,
        "SELECT c.relname, a.attname FROM pg_class AS c INNER JOIN pg_attribute AS a ON c.oid = a.attrelid "
        "WHERE c.relnamespace = 'core'::regnamespace AND c.relname LIKE 'fct%' "
        "AND a.attnotnull AND a.attnum > 0",
    ):
        refused.setdefault(table, set()).add(column)
    heads = {"run_id", "release_id", schema.SHEET_ROW}
    assert refused == {
        fact.table: heads
        | ({"substance"} if fact.by_substance else set())
        | {column.name for column in fact.columns if not column.nullable}
        for fact in schema.facts()
    }


def test_every_view_and_column_carries_its_meaning_in_both_languages(warehouse: Warehouse) -> None:
    comments: dict[str, str] = {}
    for name, _, meaning, column, _, column_meaning in _rows(warehouse.admin_dsn, _COLUMNS):
        comments[name] = meaning
        comments[f"{name}.{column}"] = column_meaning
    assert all(text is not None for text in comments.values()), [k for k, v in comments.items() if v is None]
    for mart in schema.marts():
        for words in (mart.sv, mart.en, mart.grain_sv, mart.grain_en):
            assert words in comments[mart.name]
        for column in mart.columns:
            assert comments[f"{mart.name}.{column.name}"] == schema.column_comment(column)


def test_the_reader_of_dashboards_reads_every_mart_and_nothing_else(warehouse: Warehouse) -> None:
    for mart in schema.marts():
        columns = ", ".join(column.name for column in mart.columns)
        _rows(warehouse.bi_dsn, f"SELECT {columns} FROM mart.{mart.name} LIMIT 1")
    (readable,) = _rows(
        warehouse.bi_dsn,
        "SELECT array_agg(DISTINCT nspname::text) FROM pg_namespace "
        "WHERE has_schema_privilege(oid, 'USAGE') AND nspname !~ '^pg_' AND nspname <> 'information_schema'",
    )
    assert set(readable[0]) - {"public"} == {"mart"}


_FUNCTIONS = """
SELECT
    p.proname,
    p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS signature,
    obj_description(p.oid, 'pg_proc') AS meaning,
    p.proargnames,
    ARRAY(
        SELECT format_type(t.type, NULL) FROM unnest(p.proallargtypes) WITH ORDINALITY AS t (type, place)
        ORDER BY t.place
    ) AS types,
    p.prosecdef AND p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'] AS is_safe
FROM pg_proc AS p
WHERE p.pronamespace = 'mart'::regnamespace
"""


def test_functions_and_contract_agree_argument_by_argument(warehouse: Warehouse) -> None:
    found = {
        name: (signature, meaning, list(zip(names, types, strict=True)), is_safe)
        for name, signature, meaning, names, types, is_safe in _rows(warehouse.admin_dsn, _FUNCTIONS)
    }
    assert found == {
        function.name: (
            function.signature,
            schema.comment(function.sv, function.en),
            [(column.name, column.type) for column in (*function.arguments, *function.columns)],
            True,
        )
        for function in schema.functions()
    }


def test_the_reader_of_dashboards_may_call_every_function(warehouse: Warehouse) -> None:
    for function in schema.functions():
        if function.like:
            needed = [a for a in function.arguments if not a.nullable]
            arguments = ", ".join("'ghg'" if a.type == "text" else "'2026-01-01'" for a in needed)
            assert _rows(warehouse.bi_dsn, f"SELECT * FROM mart.{function.name}({arguments})") == []


def test_values_are_what_the_contract_says(wholly_good: Published) -> None:
    with closing(connect(wholly_good.warehouse.bi_dsn)) as conn, conn.cursor() as cursor:
        broken = contract_rules.count_violations(cursor, contract_rules.EMPTY_AT_FIRST | TOO_SHORT_FOR)
    assert len(broken) > 200
    assert {what: count for what, count in broken.items() if count} == {}


def test_broken_promises_are_counted(
    good: Published, clone: Callable[[str], Warehouse], drop_warehouse: Callable[[Warehouse], None]
) -> None:
    own = clone(good.warehouse.name)
    with closing(psycopg2.connect(own.admin_dsn)) as conn, conn.cursor() as cursor:
        before = contract_rules.count_violations(cursor)
        cursor.execute(
            "ALTER TABLE mart_data.carbon_law DROP CONSTRAINT carbon_law_pkey, "
            "ALTER COLUMN reference_year DROP NOT NULL; "
            "INSERT INTO mart_data.carbon_law SELECT * FROM mart_data.carbon_law WHERE region_code = '0380'; "
            "UPDATE mart_data.carbon_law SET projected_2030_tco2e = 'NaN' WHERE region_code = '0360'; "
            "UPDATE mart_data.carbon_law SET region_code = '9999' WHERE region_code = '0319'; "
            "UPDATE mart_data.carbon_law SET reference_year = NULL WHERE region_code IN ('0305', '0331'); "
            "ALTER TABLE mart_data.boundary_series DROP CONSTRAINT boundary_series_status_check; "
            "UPDATE mart_data.boundary_series SET status = 'guessed' "
            "WHERE region_code = '0360' AND year = 2024; "
            "DELETE FROM mart_data.peer"
        )
        after = contract_rules.count_violations(cursor)
    drop_warehouse(own)
    assert {what: count - before[what] for what, count in after.items() if count != before[what]} == {
        "carbon_law: its key (region_code) occurs twice": 1,
        "carbon_law.projected_2030_tco2e is no number": 1,
        "carbon_law.region_code joins no region.region_code": 1,
        "carbon_law.reference_year is NULL": 2,
        "boundary_series.status is none of 'observed', 'linked', 'estimated'": 4,
        "peer is empty": 1,
    }


def test_a_new_column_is_stated_in_the_contract_the_formula_and_the_migration_only(
    good: Published,
    clone: Callable[[str], Warehouse],
    drop_warehouse: Callable[[Warehouse], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """View, comment, grant, loader, dictionary and data package follow from these three."""
    own = clone(good.warehouse.name)
    document = schema.merge_documents(
        {str(path): path.read_text(encoding="utf-8") for path in schema.contract_files()}
    )
    column = {"type": "double precision", "unit": "trees", "nullable": True, "sv": "Träd.", "en": "Trees."}
    document["marts"]["carbon_law"]["columns"].append({"tree_count": column})  # 1: the contract
    changed = schema.read_contract({"changed.yaml": json.dumps(document)})
    monkeypatch.setattr(schema, "contract", lambda: changed)
    with closing(connect(own.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE mart_data.carbon_law ADD COLUMN tree_count double precision"
        )  # 2: migration
    migrate(own.admin_dsn, PASSWORDS)
    with closing(connect(own.loader_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("SELECT publication_id FROM mart.current_publication")
        (publication_id,) = cursor.fetchone()
        frame = pd.DataFrame({"region_code": ["00"], "release_id": ["r"], "reference_year": [2026]})
        frame = frame.assign(tree_count=[7.0])  # 3: the formula
        before = Before(publication_id=publication_id, results_id=publication_id, statuses={})
        tables = ResultTables(cursor, publication_id + 1, before, [])
        tables.write(Result("carbon_law", frozenset(), frame))
        assert tables.rows == {"carbon_law": 1}, tables.statuses
    with closing(connect(own.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("UPDATE mart.current_publication SET results_id = publication_id + 1")
    assert _rows(own.bi_dsn, "SELECT tree_count FROM mart.carbon_law") == [(7.0,)]
    test_views_and_contract_agree_column_by_column(own)
    test_every_view_and_column_carries_its_meaning_in_both_languages(own)
    drop_warehouse(own)
    assert (
        "| `tree_count`<br>double precision, trees, NULL | Träd. | Trees. |" in schema.dictionary_markdown()
    )
    fields = datapackage.table_schema(schema.mart("carbon_law"))["fields"]
    assert fields[-1]["name"] == "tree_count"
