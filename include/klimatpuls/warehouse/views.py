"""The views and as-of functions that follow from the contract: SQL written from ``contract/*.yaml``.

A mart that only shows columns of one table needs no SQL of its own: it states ``fact`` (the current rows of
a fact), ``shows: results`` or ``shows: statuses`` (rows of ``mart_data``), or ``shows: register.<table>``.
Names of areas and sectors are joined. Every other mart has a file in ``include/sql/marts``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.contract import catalog, schema
from klimatpuls.paths import SQL_ROOT
from klimatpuls.warehouse.connection import load_sql
from klimatpuls.warehouse.facts import mart_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from klimatpuls.contract.schema import Column, Fact, Function, Mart

_REGION_COLUMNS = ("region_name", "level", "county_code")
_SECTOR_COLUMNS = ("sector_name_sv", "sector_name_en")
_QUALITY_COLUMNS = {
    "national_quality": "q.national_worst",
    "geographic_quality": "q.geographic_worst",
    "quality_reason": (
        "CASE WHEN q.sector_code IS NULL THEN 'total' WHEN q.national_worst IS NULL THEN 'not_read' END"
    ),
}
"""Quality class of a sector, of its main sector where it is a part of one, and why there is none."""

# Scalar subqueries: the planner prunes the partitions of other publications.
_PUBLICATION = "(SELECT cp.publication_id FROM mart.current_publication AS cp)"
_REGISTERS_AT = "coalesce((SELECT cp.registers_at FROM mart.current_publication AS cp), 'infinity')"
_OF_FACT = """\
f.facts_id = (
        SELECT pf.facts_id FROM ops.publication_facts AS pf
        WHERE pf.fact = '{fact}' AND pf.publication_id = {publication}
    )"""
_OF_RESULTS = """\
d.publication_id = (SELECT coalesce(cp.results_id, cp.publication_id) FROM mart.current_publication AS cp)"""
_OF_STATUSES = f"d.publication_id = {_PUBLICATION}"
# A register is shown as the publication read it; before the first publication, as it is now.
_OF_REGISTER = (
    f"m.recorded_from <= {_REGISTERS_AT} AND (m.recorded_to IS NULL OR m.recorded_to > {_REGISTERS_AT})"
)


def view_statements() -> str:
    """SQL of every view that follows from the contract."""
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
        has_file = (SQL_ROOT / "marts" / f"{mart.name}.sql").exists()
        if mart.shows is not None or (mart.fact is not None and not has_file):
            yield mart


def _view(mart: Mart) -> str:
    """The statement of one view; names need no quoting, as the contract admits lower-case names only."""
    if mart.fact is not None:
        fact = schema.fact(mart.fact)
        table, rows = (
            f'mart_data."{fact.name}" AS f',
            _OF_FACT.format(fact=fact.name, publication=_PUBLICATION),
        )
        select, joins = _fact_select_and_joins(mart, fact)
    else:
        table, rows = {
            "results": (f"mart_data.{mart.name} AS d", _OF_RESULTS),
            "statuses": (f"mart_data.{mart.name} AS d", _OF_STATUSES),
        }.get(str(mart.shows), (f"{mart.shows} AS m", _OF_REGISTER))
        select, joins = _table_select_and_joins(mart, alias=table[-1])
    lines = [f"CREATE OR REPLACE VIEW mart.{mart.name} AS SELECT", "    " + ",\n    ".join(select)]
    return "\n".join([*lines, f"FROM {table}", *joins, f"WHERE {rows};\n"])


def _table_select_and_joins(mart: Mart, alias: str) -> tuple[list[str], list[str]]:
    """SELECT lines and joins of a view on a table of results or of a register."""
    select: list[str] = []
    joins: dict[str, str] = {}
    stored = {column.name: column.stored_as for column in mart.columns}
    for column in mart.columns:
        if column.name == "publication_id" and mart.shows != "statuses":
            select.append(f"{_PUBLICATION} AS publication_id")
        elif column.name in _REGION_COLUMNS:
            select.append(f"r.{column.name}")
            joins["r"] = f"INNER JOIN core.dim_region AS r ON {alias}.{stored['region_code']} = r.region_code"
        elif column.name in _SECTOR_COLUMNS:
            select.append(f"s.{column.name}")
            joins["s"] = f"INNER JOIN core.dim_sector AS s ON {alias}.{stored['sector_code']} = s.sector_code"
        elif column.name in _QUALITY_COLUMNS:
            select.append(f"{_QUALITY_COLUMNS[column.name]} AS {column.name}")
            main = f"split_part({alias}.{stored['sector_code']}, '.', 1)"
            joins["q"] = f"LEFT JOIN core.dim_sector_quality AS q ON {main} = q.sector_code"
        else:
            select.append(f"{alias}.{column.stored_as} AS {column.name}")
    return select, list(joins.values())


def _as_of(function: Function, mart: Mart) -> str:
    """A plain mart as it was known on a day: the rows of ``core`` of the releases that were current then.

    Where two releases hold the same key (a series continued in another dataset), the later release wins, and
    one of a fall-back dataset never wins over another, as in ``include/sql/write/build_facts.sql``.
    """
    fact = schema.fact(str(mart.fact))
    select, joins = _fact_select_and_joins(mart, fact)
    fall_back = catalog.fall_back_datasets(fact.name)
    return load_sql("generated/as_of.sql").format(
        name=function.name,
        returned=",\n    ".join(f"{column.name} {column.type}" for column in function.columns),
        datasets=_listed(catalog.datasets_of(fact.name)),
        fall_back=f"d.dataset IN ({_listed(fall_back)}), " if fall_back else "",
        key=", ".join(f"f.{name}" for name in mart_key(fact)),
        select=",\n        ".join(select),
        table=fact.table,
        joins="\n    ".join(joins),
    )


def _listed(datasets: Collection[str]) -> str:
    """Dataset ids as SQL texts; the ids of the catalogue are letters and underscores."""
    return ", ".join(f"'{dataset}'" for dataset in datasets)


def _fact_select_and_joins(mart: Mart, fact: Fact) -> tuple[list[str], list[str]]:
    """SELECT lines and joins of a view on a fact; a row without an area has NULL for its names."""
    lists = {c.name.removesuffix("_code"): c.code_list for c in fact.columns if c.code_list}
    select = [_fact_select(mart, column, fact, lists) for column in mart.columns]
    joins = [
        f"LEFT JOIN core.dim_code AS {stem}_names"
        f" ON {stem}_names.code_list = '{code_list}' AND f.{stem}_code = {stem}_names.code"
        for stem, code_list in lists.items()
        if any(line.startswith(f"{stem}_names.") for line in select)
    ]
    if any(line.startswith("r.") for line in select):
        joins.insert(0, "LEFT JOIN core.dim_region AS r ON f.region_code = r.region_code")
    return select, joins


def _fact_select(mart: Mart, column: Column, fact: Fact, lists: Collection[str]) -> str:
    """One line of the SELECT of a view on a fact.

    Raises:
        ContractError: if the fact has nothing the column could be taken from.
    """
    name = column.name
    stem, _, language = name.rpartition("_name_")
    if name in fact.names or name == "release_id":
        return f"f.{name}"
    if name in _REGION_COLUMNS and "region_code" in fact.names:
        return f"r.{name}"
    if stem in lists and language in ("sv", "en"):
        return f"{stem}_names.name_{language} AS {name}"
    if name == "publication_id":
        return f"{_PUBLICATION} AS publication_id"
    msg = f"contract: mart {mart.name} is a plain view on {mart.fact}, which has nothing for column {name}"
    raise schema.ContractError(msg)
