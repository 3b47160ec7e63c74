"""A published warehouse keeps what the contract promises of its values: keys, allowed words, NULL, joins."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from chain import refresh

from klimatpuls import catalog, schema
from klimatpuls.hops.context import RunContext
from klimatpuls.replica.archive import make_archive
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Warehouse

pytestmark = pytest.mark.postgres

AS_OF = date(2026, 5, 8)


def _publish(warehouse: Warehouse, tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "archive")
    now = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 9, tzinfo=UTC)
    context = RunContext(home=tmp_path / "home", origin="synthetic", as_of=AS_OF, now=now)
    with closing(connect(warehouse.loader_dsn)) as conn:
        assert refresh(conn, warehouse.loader_dsn, archive, context) is not None


def _wrong_rows(mart: schema.Mart) -> dict[str, str]:
    """What no row may be, and the condition that finds it."""
    wrong: dict[str, str] = {}
    for column in mart.columns:
        name = f"{mart.name}.{column.name}"
        if not column.nullable:
            wrong[f"{name} is NULL"] = f"{column.name} IS NULL"
        if column.type == "double precision":
            wrong[f"{name} is no number"] = f"{column.name} IN ('NaN', 'Infinity', '-Infinity')"
        if column.allowed:
            words = ", ".join(f"'{word}'" for word in column.allowed)
            wrong[f"{name} is none of {words}"] = f"{column.name} NOT IN ({words})"
    return wrong


def _orphans(mart: schema.Mart) -> dict[str, str]:
    """Joins that must find a row, and the statement that counts the codes that do not."""
    return {
        f"{mart.name}.{column.name} joins no {column.references}": (
            f"SELECT count(*) FROM (SELECT DISTINCT {column.name} AS code FROM mart.{mart.name}) AS v "
            f"WHERE code NOT IN (SELECT {column.references.partition('.')[2]} "
            f"FROM mart.{column.references.partition('.')[0]})"
        )
        for column in mart.columns
        if column.references
    }


def test_values_are_what_the_contract_says(warehouse: Warehouse, tmp_path: Path) -> None:
    _publish(warehouse, tmp_path)
    broken: dict[str, Any] = {}
    with closing(connect(warehouse.bi_dsn)) as conn, conn.cursor() as cursor:

        def ask(statement: str) -> list[Any]:
            cursor.execute(statement)
            return list(cursor.fetchone() or ())

        for mart in schema.marts():
            key, wrong = ", ".join(mart.key), _wrong_rows(mart)
            counted = "".join(f", count(*) FILTER (WHERE {condition})" for condition in wrong.values())
            rows, lowest, highest, *found = ask(
                f"SELECT count(*), min(publication_id), max(publication_id){counted} FROM mart.{mart.name}"
            )
            has_source = mart.fact is None or bool(catalog.datasets_of(mart.fact))
            broken[f"{mart.name} is empty"] = rows == 0 and has_source
            broken[f"{mart.name} shows several publications"] = lowest != highest
            broken |= dict(zip(wrong, found, strict=True))
            (distinct,) = ask(f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM mart.{mart.name}) AS k")
            broken[f"{mart.name}: its key ({key}) occurs twice"] = rows - distinct
            for what, statement in _orphans(mart).items():
                (broken[what],) = ask(statement)
    assert len(broken) > 200
    assert {what: count for what, count in broken.items() if count} == {}
