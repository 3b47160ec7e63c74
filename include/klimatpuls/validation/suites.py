"""The rules of each fact, from ``rules.yaml``, with their limits and the values in their queries.

Standard library and YAML only. The queries are the files of ``include/sql/checks``, each used by one or more
rules. A query returns one row per compared cell with the columns ``release_id region_code sector_code year
sheet_row found expected measured is_finding``. The measured value and the findings come from the same text,
so they cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.contract import catalog
from klimatpuls.contract.schema import SHEET_ROW
from klimatpuls.domain import regions
from klimatpuls.files.yaml_text import parse_yaml
from klimatpuls.validation.gates import Rule
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from klimatpuls.contract.catalog import Dataset, Tolerances
    from klimatpuls.contract.schema import Column, Fact

Value = int | float | str | Sequence[int] | Sequence[str]

EARLIEST_PUBLISHED: Final = "2000-01-01"
"""No source here has published in its present form before: an older date is a default of some program."""
YEARS_AHEAD: Final = frozenset({"population_forecast"})
"""Facts about years that have not come: for them a year after the release's date is no mistake."""
PAST_YEARS: Final = frozenset(
    {"emission", "air_pollutant", "population", "national_emission", "energy", "vehicle"}
)
"""Facts about whole years that are over: no release of them is dated before its newest year has ended."""
COLUMNS: Final = "columns"
"""The rule about the shape of the table; it has no query."""

_NUMBERS: Final = frozenset({"bigint", "double precision", "integer", "smallint"})


@cache
def _file() -> dict[str, Any]:
    document: dict[str, Any] = parse_yaml(Path(__file__).with_name("rules.yaml").read_text(encoding="utf-8"))
    return document


@cache
def rule_named(name: str) -> Rule:
    """The rule of a name.

    Raises:
        KeyError: if there is none.
        TypeError: if it has a field that is not of :class:`klimatpuls.validation.gates.Rule`.
    """
    fields = {**_file()["rules"][name]}
    fields["measured_on"] = frozenset(fields.get("measured_on", ()))
    return Rule(name=name, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What the rows of a fact must fulfil.

    Attributes:
        fact: The fact; the shape of its table, the allowed values and the ranges are the contract's.
        rules: The rules, in the order they are reported.
    """

    fact: Fact
    rules: tuple[Rule, ...]

    @property
    def columns(self) -> Mapping[str, str]:
        """All columns of the fact's table with their types as SQLAlchemy names them."""
        head = {"run_id": "BIGINT", "release_id": "TEXT"} | (
            {"substance": "TEXT"} if self.fact.by_substance else {}
        )
        own = {column.name: column.type.upper() for column in self.fact.columns}
        return {**head, **own, SHEET_ROW: "INTEGER"}

    @property
    def nullable(self) -> frozenset[str]:
        """Columns that may be NULL."""
        return frozenset(column.name for column in self.fact.columns if column.nullable)


def suite_of(fact: Fact) -> Suite:
    """The suite of a fact: its own rules, or the plain ones and its further ones."""
    names = _file()["own"].get(fact.name) or (*_plain_rules(fact), *_file()["further"].get(fact.name, ()))
    return Suite(fact=fact, rules=tuple(map(rule_named, names)))


def _plain_rules(fact: Fact) -> tuple[str, ...]:
    """The plain rules that apply to a fact: those about areas, years and values only where it has them."""
    is_yearly = "year" in fact.names and measured_column(fact) is not None
    left_out = {
        "fact_known_regions": "region_code" not in fact.names,
        "fact_years": "year" not in fact.names or fact.name in YEARS_AHEAD,
        "fact_moved": measured_column(fact) is None,
        "impossible_values": not _numeric(fact),
        "fact_empty": not _can_be_missing(fact),
        "fact_missing": not _can_be_missing(fact),
        "fact_new_year": not is_yearly,
        "fact_new_year_uniform": not is_yearly,
        # Figures of several units have no common distance.
        "fact_new_year_swapped": not is_yearly or "region_code" not in fact.names or fact.name == "indicator",
    }
    return tuple(name for name in _file()["plain"] if not left_out.get(name, False))


def measured_column(fact: Fact) -> str | None:
    """The first numeric value of a fact, which moves between releases; None where it has none."""
    return next((column.name for column in _numeric(fact)), None)


def _numeric(fact: Fact) -> tuple[Column, ...]:
    return tuple(column for column in fact.values if column.type in _NUMBERS)


def _can_be_missing(fact: Fact) -> tuple[Column, ...]:
    """Columns with numbers in which a value may be missing; in the others the database refuses NULL."""
    return tuple(column for column in _numeric(fact) if column.nullable)


def check_text(rule: Rule, fact: Fact) -> str:
    """The text of a rule's query for a fact, with names of tables and columns in place of its placeholders.

    Only names of the contract, which are letters and underscores, and SQL of the rules are put in; values
    stay named (``:name``).
    """
    totals = [c.name for c in fact.columns if c.name in fact.key and "total" in (c.allowed or ())]
    has_sectors = any(c.references == "sector.sector_code" for c in fact.columns)
    value = measured_column(fact) or "NULL"
    # A finding of a plain rule names no value: such facts may have several.
    found = f"f.{value}" if fact.name in _file()["own"] else "NULL"
    generic = {
        "cells": " AND ".join(f"f.{name} = 'total'" for name in totals) or "TRUE",
        "limit_value": f":{rule.limit}" if isinstance(rule.limit, str) else repr(float(rule.limit)),
        "new_years": _NEW_YEARS.format(every_year=":every_year = 1"),
        "new_last_years": _NEW_YEARS.format(every_year="FALSE"),
        "municipalities": _MUNICIPALITIES_SQL,
        "main_sectors": _MAIN_SECTORS_SQL,
        "rows": f"core.{fact.table}",
        "region_code": "f.region_code" if "region_code" in fact.names else "cast(NULL AS text)",
        "sector_code": "f.sector_code" if has_sectors else "cast(NULL AS text)",
        "year": "f.year" if "year" in fact.names else "cast(NULL AS integer)",
        "found": f"cast({found} AS double precision)",
        "same_key": " AND ".join(f"f.{name} = e.{name}" for name in fact.key),
        "value": value,
        "same_cell": " AND ".join(f"f.{name} = b.{name}" for name in fact.key if name != "year") or "TRUE",
        "group": "".join(f", f.{name}" for name in _groups(fact)),
        "missing_values": ", ".join(f"('{c.name}', f.{c.name} IS NULL)" for c in _can_be_missing(fact)),
        "impossible_values": ", ".join(map(_impossible, _numeric(fact))),
    }
    text = load_sql(f"checks/{rule.query or rule.name}.sql")
    # A rule's own parts come first: they win over generic ones of the same name, and may contain them.
    for name, words in (*rule.parts.items(), *generic.items()):
        text = text.replace(f"{{{name}}}", words)
    return text


_NEW_YEARS = (
    "ops.new_years(:release_ids, cast(:compared_release_ids AS text[]), "
    "cast(:earlier_release_ids AS text[]), {every_year})"
)
_MUNICIPALITIES_SQL = (
    "any(array(SELECT r.region_code FROM core.dim_region AS r WHERE r.level = 'municipality'))"
)
_MAIN_SECTORS_SQL = "any(array(SELECT s.sector_code FROM core.dim_sector AS s WHERE s.is_main))"


def _groups(fact: Fact) -> list[str]:
    """Columns of the key within which areas are compared with each other; none where a fact has no areas."""
    if "region_code" not in fact.key:
        return []
    return [name for name in fact.key if name not in {"region_code", "year"}]


def _impossible(column: Column) -> str:
    """A row of SQL values: the column's name, its value, and whether the contract does not allow it."""
    number = f"cast(f.{column.name} AS double precision)"
    broken = [f"{number} IN ('NaN', 'Infinity', '-Infinity')"]
    if column.minimum is not None:
        broken.append(f"{number} < {column.minimum}")
    if column.maximum is not None:
        broken.append(f"{number} > {column.maximum}")
    if column.negative_only is not None:
        name, codes = column.negative_only
        broken.append(f"({number} < 0 AND f.{name} NOT IN ({', '.join(repr(code) for code in codes)}))")
    return f"('{column.name}', {number}, {' OR '.join(broken)})"


def limit_of(rule: Rule, tolerances: Tolerances) -> float:
    """A rule's limit as a number, in the rule's unit."""
    if isinstance(rule.limit, str):
        return float({**asdict(tolerances), **_file()["constants"]}[rule.limit])
    return float(rule.limit)


def query_values(dataset: Dataset, run_id: int, release_ids: Sequence[str]) -> dict[str, Value]:
    """The values the queries of a dataset may name, apart from those about earlier releases.

    Args:
        dataset: The dataset, whose tolerances they carry.
        run_id: The source run whose rows are checked.
        release_ids: The releases of that run and dataset.

    Returns:
        Name in the query (``:name``) → value.
    """
    split = {
        code: region.population_from_year
        for code, region in regions.regions().items()
        if region.split_from is not None and region.population_from_year is not None
    }
    return {
        **asdict(dataset.tolerances),
        **_file()["constants"],
        "earliest_published": EARLIEST_PUBLISHED,
        "every_year": int(dataset.fact == "emission"),
        "is_about_past_years": int(dataset.fact in PAST_YEARS),
        "run_id": run_id,
        "release_ids": list(release_ids),
        "split_region_codes": list(split),
        "split_from_years": list(split.values()),
        "population_datasets": list(catalog.datasets_of("population")),
    }
