"""The tables, plain views and keys of the contract's facts: DDL that follows from ``contract.yaml``.

A new fact gets its two tables (``core.fct_<fact>`` by source run, ``mart_data.<fact>`` by publication) and
its view with the next migration, so that adding a source needs no SQL of its own. A fact whose columns change
needs a numbered migration: rows that are kept for ever are not altered by a change of a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2 import sql
from psycopg2.extras import execute_values

from klimatpuls.contract import catalog, schema
from klimatpuls.errors import KlimatpulsError
from klimatpuls.paths import SQL_ROOT
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.contract.schema import Column, Fact, Function, Mart

CORE_HEAD = (("run_id", "bigint"), ("release_id", "text"))
SUBSTANCE = ("substance", "text")
PLACE = (schema.SHEET_ROW, "integer")

_PUBLICATION = "(SELECT cp.publication_id FROM mart.current_publication AS cp) AS publication_id"
# The rows the current publication shows. Scalar subqueries, so that the other partitions are pruned.
_SHOWN = """\
WHERE
    f.facts_id = (
        SELECT pf.facts_id
        FROM ops.publication_facts AS pf
        WHERE
            pf.fact = '{fact}'
            AND pf.publication_id = (SELECT cp.publication_id FROM mart.current_publication AS cp)
    );
"""


# plpgsql with custom plans: the runs are constants when the query is planned, so partitions of other runs are
# pruned before they are locked.
_AS_OF = """\
DROP FUNCTION IF EXISTS mart.{name}(date);
CREATE FUNCTION mart.{name}(known_on date)
RETURNS TABLE (
    {returned}
)
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    run_ids bigint[];
    release_ids text[];
BEGIN
    SELECT array_agg(x.run_id), array_agg(x.release_id) INTO run_ids, release_ids
    FROM ops.releases_known_on(known_on, ARRAY[{datasets}]::text[]) AS x;
    RETURN QUERY
    SELECT DISTINCT ON ({key})
        {select}
    FROM core.{table} AS f
    INNER JOIN core.dim_release AS d ON f.release_id = d.release_id
{joins}    WHERE f.run_id = ANY(run_ids) AND f.release_id = ANY(release_ids)
    ORDER BY {key}, {fall_back}d.published_date DESC, d.known_from DESC, d.dataset;
END
$$;
"""


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


def view_statements() -> str:
    """SQL of every plain view on a fact that has no file of its own in ``include/sql/marts``."""
    return "\n".join(_view(mart) for mart in plain_marts())


def function_statements() -> str:
    """SQL of every as-of function that has no file of its own in ``include/sql/functions``."""
    marts = {mart.name: mart for mart in plain_marts()}
    return "\n".join(
        _as_of(function, marts[str(function.like)])
        for function in schema.functions()
        if not (SQL_ROOT / "functions" / f"{function.name}.sql").exists()
    )


def plain_marts() -> Iterator[Mart]:
    """The marts whose view follows from the contract."""
    for mart in schema.marts():
        if mart.fact is not None and not (SQL_ROOT / "marts" / f"{mart.name}.sql").exists():
            yield mart


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


def _view(mart: Mart) -> str:
    """One plain view: the contract admits only names of letters and underscores, so no quoting is needed."""
    fact = schema.fact(str(mart.fact))
    select, joins = _select_and_joins(mart, fact)
    return (
        f"CREATE OR REPLACE VIEW mart.{mart.name} AS\nSELECT\n    "
        + ",\n    ".join(select)
        + f'\nFROM mart_data."{fact.name}" AS f\n'
        + "".join(f"{join}\n" for join in joins)
        + _SHOWN.format(fact=fact.name)
    )


def _as_of(function: Function, mart: Mart) -> str:
    """A plain mart as it was known on a day: the rows of ``core`` of the releases current then.

    Where two releases hold the same key (a series continued in another dataset), the later release wins, and
    one of a fall-back dataset never wins over another, as in ``include/sql/write/build_facts.sql``.
    """
    fact = schema.fact(str(mart.fact))
    select, joins = _select_and_joins(mart, fact)
    key = ", ".join(f"f.{name}" for name in mart_key(fact))
    returned = ",\n    ".join(f"{column.name} {column.type}" for column in function.columns)
    fall_back = catalog.fall_back_datasets(fact.name)
    return _AS_OF.format(
        name=function.name,
        returned=returned,
        datasets=_listed(catalog.datasets_of(fact.name)),
        fall_back=f"d.dataset IN ({_listed(fall_back)}), " if fall_back else "",
        key=key,
        select=",\n        ".join(select),
        table=fact.table,
        joins="".join(f"    {join}\n" for join in joins),
    )


def _listed(datasets: Collection[str]) -> str:
    """Dataset ids as SQL texts; the catalogue's ids are letters and underscores."""
    return ", ".join(f"'{dataset}'" for dataset in datasets)


def _select_and_joins(mart: Mart, fact: Fact) -> tuple[list[str], list[str]]:
    own = {column.name: column for column in fact.columns}
    lists = {name.removesuffix("_code"): column.code_list for name, column in own.items() if column.code_list}
    select = [_select(mart, column, own, lists) for column in mart.columns]
    joins = [
        f"LEFT JOIN core.dim_code AS {stem}_names"
        f" ON {stem}_names.code_list = '{code_list}' AND f.{stem}_code = {stem}_names.code"
        for stem, code_list in lists.items()
        if any(line.startswith(f"{stem}_names.") for line in select)
    ]
    if any(line.startswith("r.") for line in select):
        joins.insert(0, "LEFT JOIN core.dim_region AS r ON f.region_code = r.region_code")
    return select, joins


def _select(mart: Mart, column: Column, own: Mapping[str, Column], lists: Collection[str]) -> str:
    """One line of a plain view's SELECT.

    Raises:
        ContractError: if the fact has nothing such a column could be taken from.
    """
    name = column.name
    stem, _, language = name.rpartition("_name_")
    if name in own or name == "release_id":
        return f"f.{name}"
    if name in ("region_name", "level", "county_code") and "region_code" in own:
        return f"r.{name}"
    if stem in lists and language in ("sv", "en"):
        return f"{stem}_names.name_{language} AS {name}"
    if name == "publication_id":
        return _PUBLICATION
    msg = f"contract: mart {mart.name} is a plain view on {mart.fact}, which has nothing for column {name}"
    raise schema.ContractError(msg)
