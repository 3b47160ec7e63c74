"""The contract's rules on values of a published warehouse: keys, allowed words, NULL, joins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.contract import catalog, schema

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as PgCursor


EMPTY_AT_FIRST = frozenset(
    {
        # Not fetched by default.
        "air_pollutant", "air_pollutant_by_release",
        # Needs at least two releases.
        "revision", "revision_summary", "revision_record", "standing_change", "better_example",
        # Estimated only where the nation's figures are a year ahead.
        "nowcast",
        # Registers that are still empty.
        "climate_plan", "measure", "measure_effect", "pledge", "reporting_round", "reporting_answer",
        "own_series", "sector_list", "municipality_group", "official_figure", "measure_status",
        "pledge_status",
        "ets_statement", "proxy_check",
        # No member has a target yet.
        "measure_coverage",
    }
)  # fmt: skip
"""Marts that are empty after one run on the bundled archive; no other may be."""


def count_violations(cursor: PgCursor, empty: frozenset[str] = EMPTY_AT_FIRST) -> dict[str, int]:
    """Count rows violating each contract rule. Marts in ``empty`` must be empty; all others must not be."""
    broken: dict[str, int] = {}
    for mart in schema.marts():
        key, wrong, orphans = ", ".join(mart.key), _wrong_rows(mart), _orphans(mart)
        conditions = "".join(f", count(*) FILTER (WHERE {condition})" for condition in wrong.values())
        joins = "".join(f", ({statement})" for statement in orphans.values())
        # The rows of a view are computed once for all counts.
        cursor.execute(
            f"WITH v AS MATERIALIZED (SELECT * FROM mart.{mart.name}) "
            "SELECT count(*), min(publication_id), max(publication_id), "
            f"(SELECT count(*) FROM (SELECT DISTINCT {key} FROM v) AS k){joins}{conditions} FROM v"
        )
        rows, lowest, highest, distinct, *found = cursor.fetchone() or ()
        has_source = mart.fact is None or bool(catalog.datasets_of(mart.fact))
        is_wanted = has_source and mart.name not in empty
        broken[f"{mart.name} is {'empty' if is_wanted else 'not empty'}"] = int((rows == 0) is is_wanted)
        broken[f"{mart.name} shows several publications"] = int(lowest != highest)
        broken[f"{mart.name}: its key ({key}) occurs twice"] = rows - distinct
        broken |= dict(zip([*orphans, *wrong], found, strict=True))
    return broken


def _wrong_rows(mart: schema.Mart) -> dict[str, str]:
    """Rule that no row may break → the condition that finds such rows."""
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
    """Join that must find a row → the query that counts the codes of ``v`` without one."""
    return {
        f"{mart.name}.{column.name} joins no {column.references}": (
            f"SELECT count(*) FROM (SELECT DISTINCT {column.name} AS code FROM v) AS u "
            f"WHERE code NOT IN (SELECT {column.references.partition('.')[2]} "
            f"FROM mart.{column.references.partition('.')[0]})"
        )
        for column in mart.columns
        if column.references
    }
