"""The tables and keys of the contract's facts: DDL that follows from ``contract/*.yaml``.

The next migration creates the two tables of a new fact (``core.fct_<fact>`` by source run,
``mart_data.<fact>`` by publication), so adding a source needs no SQL. A fact whose columns change needs a
numbered migration: its rows are kept for ever, and a changed file does not alter them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2 import sql
from psycopg2.extras import execute_values

from klimatpuls.contract import schema
from klimatpuls.errors import KlimatpulsError
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.contract.schema import Fact

CORE_HEAD = (("run_id", "bigint"), ("release_id", "text"))
SUBSTANCE = ("substance", "text")
PLACE = (schema.SHEET_ROW, "integer")


class FactTableError(KlimatpulsError):
    """A table in the warehouse has other columns than the contract says; nothing was changed."""


def core_columns(fact: Fact) -> dict[str, str]:
    """Name → PostgreSQL type of every column of a fact's table in ``core``, in order."""
    substance = (SUBSTANCE,) if fact.by_substance else ()
    own = ((column.name, column.type) for column in fact.columns)
    return dict((*CORE_HEAD, *substance, *own, PLACE))


def core_key(fact: Fact) -> list[str]:
    """Columns that name a row of ``core`` within its source run."""
    return ["release_id", *(["substance"] if fact.by_substance else []), *fact.key]


def mart_key(fact: Fact) -> list[str]:
    """Columns that name a current row within its publication.

    The substance first: so the rows of one release lie together, in the order in which they are copied.
    """
    return [*(["substance"] if fact.by_substance else []), *fact.key]


def ensure_tables(cursor: Cursor) -> None:
    """Make the tables of facts that have none yet, and write down every fact's keys.

    Args:
        cursor: psycopg2 cursor as ``wh_owner``, inside the migration's transaction.

    Raises:
        FactTableError: if a table is there with other columns or types than the contract says.
    """
    for fact in schema.facts():
        wanted = core_columns(fact)
        found = _columns(cursor, "core", fact.table)
        if not found:
            cursor.execute(_create("core", fact.table, wanted, _required(fact), "run_id"))
        elif found != wanted:
            differing = sorted({*found.items()} ^ {*wanted.items()})
            msg = (
                f"core.{fact.table} and the fact {fact.name} of the contract differ in {differing}. Rows are "
                "kept for ever: write a numbered migration that alters the table, then migrate again."
            )
            raise FactTableError(msg)
        if not _columns(cursor, "mart_data", fact.name):
            current = {
                "facts_id": "bigint",
                **{column.name: column.type for column in fact.columns},
                **(dict([SUBSTANCE]) if fact.by_substance else {}),
                "release_id": "text",
            }
            cursor.execute(_create("mart_data", fact.name, current, _required(fact), "facts_id"))
    rows = [(fact.name, core_key(fact), mart_key(fact)) for fact in schema.facts()]
    execute_values(cursor, load_sql("write/upsert_fact.sql"), rows)


def checksum_text() -> str:
    """The facts as text, so that a changed contract is noticed like a changed view."""
    return repr([(fact.name, core_columns(fact), core_key(fact), mart_key(fact)) for fact in schema.facts()])


def _required(fact: Fact) -> frozenset[str]:
    heads = {"run_id", "facts_id", "release_id", "substance", schema.SHEET_ROW}
    return frozenset(heads | {column.name for column in fact.columns if not column.nullable})


def _columns(cursor: Cursor, schema_name: str, table: str) -> dict[str, str]:
    cursor.execute(load_sql("read/columns_of_table.sql"), {"schema_name": schema_name, "table_name": table})
    return dict(cursor.fetchall())


def _create(
    schema_name: str, table: str, columns: dict[str, str], required: frozenset[str], by: str
) -> sql.Composed:
    # Types come from the contract, which admits a short list of them.
    lines = [
        sql.SQL("{} {}{}").format(
            sql.Identifier(name), sql.SQL(kind), sql.SQL(" NOT NULL" if name in required else "")
        )
        for name, kind in columns.items()
    ]
    return sql.SQL("CREATE TABLE {} ({}) PARTITION BY LIST ({})").format(
        sql.Identifier(schema_name, table), sql.SQL(", ").join(lines), sql.Identifier(by)
    )
