"""Reads the registers for a publication: the rows in force at one moment, as the formulas take them.

The argument ``at`` is that moment (``ops.publication.registers_at``); None reads the rows in force now. Rows
with a period of validity (``valid_from``, ``valid_to``) are also read as of a day.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from klimatpuls.membership import criteria
from klimatpuls.membership.measures import STALE_AFTER_MONTHS, Measure, MeasureStatus, Pledge
from klimatpuls.registers.rules import NETWORK_MEMBERS, OWN_SERIES, OWN_SERIES_UNIT, SECTOR_LIST
from klimatpuls.registers.targets import from_definition
from klimatpuls.statistics.series import Boundary
from klimatpuls.statistics.trading import Plant, Trading
from klimatpuls.warehouse.connection import load_sql, named_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    import pandas as pd
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.statistics.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleNumbers:
    """The numbers of ``criteria_rules`` in force on a day.

    Attributes:
        criteria: Those of the four criteria.
        stale_after_months: A measure without any change for this long is stale.
    """

    criteria: criteria.Rules
    stale_after_months: int


def read_members(cursor: Cursor, at: datetime | None) -> pd.DataFrame:
    """The register of members: the columns of its query, with dates and truth values as Python objects."""
    import pandas as pd

    cursor.execute(load_sql("read/members.sql"), {"registers_at": at})
    columns = [column.name for column in cursor.description or ()]
    return pd.DataFrame(cursor.fetchall(), columns=columns, dtype=object)


def read_targets(cursor: Cursor, at: datetime | None) -> list[Target]:
    """Own targets and national lines, as the formulas take them."""
    cursor.execute(load_sql("read/targets.sql"), {"registers_at": at})
    return [from_definition(definition) for (definition,) in cursor.fetchall()]


def read_boundaries(cursor: Cursor, at: datetime | None) -> tuple[Boundary, ...]:
    """The register's lists of sectors, as boundaries a target may name: ``sector_list:<list_id>``."""
    return tuple(
        Boundary(f"{SECTOR_LIST}{row['list_id']}", tuple(row["sector_codes"]))
        for row in _rows(cursor, "sector_lists", at)
    )


def read_own_series(cursor: Cursor, at: datetime | None) -> pd.DataFrame | None:
    """Emission series that members supply; a series in another unit is only context and is left out.

    Returns:
        One row per series × year: ``region_code``, ``boundary`` (``own_series:<series_id>``), ``year``,
        ``value``, ``unit``, ``source``, ``method``; None where there is none.
    """
    import pandas as pd

    found = [
        {
            "region_code": row["owner_region_code"],
            "boundary": f"{OWN_SERIES}{row['series_id']}",
            **{name: row[name] for name in ("year", "value", "unit", "source", "method")},
        }
        for row in _rows(cursor, "own_series", at)
        if row["unit"] == OWN_SERIES_UNIT
    ]
    return pd.DataFrame(found) if found else None


def read_official_figures(cursor: Cursor, at: datetime | None) -> pd.DataFrame | None:
    """Official figures of the nation: the columns of their query; None where there is none."""
    import pandas as pd

    found = _rows(cursor, "official_figures", at)
    return pd.DataFrame(found) if found else None


def read_groups(cursor: Cursor, at: datetime | None, as_of: date) -> dict[str, str]:
    """Municipality → code of its group on a day."""
    return {
        row["region_code"]: row["group_code"]
        for row in _rows(cursor, "municipality_groups", at)
        if _is_valid(row, as_of)
    }


def read_trading(cursor: Cursor, at: datetime | None, facts_id: int) -> Trading:
    """The plants in emissions trading: the register, and the current verified emissions of every plant.

    Args:
        cursor: Cursor in a transaction.
        at: As of when the registers are read.
        facts_id: Under which the current verified emissions lie; 0 where there are none.
    """
    cursor.execute(load_sql("read/ets_plant_facts.sql"), {"facts_id": facts_id})
    verified = {(code, year): float(tonnes) for code, year, tonnes in cursor.fetchall()}
    return Trading(
        verified=verified,
        plants=tuple(Plant(**row) for row in _rows(cursor, "ets_plants", at)),
        statements={row["region_code"]: row["stated_on"] for row in _rows(cursor, "ets_statements", at)},
    )


def read_references(cursor: Cursor, at: datetime | None) -> pd.DataFrame | None:
    """Official figures in and outside emissions trading: the columns of their query; None without any."""
    import pandas as pd

    found = _rows(cursor, "trading_references", at)
    return pd.DataFrame(found) if found else None


def read_measures(cursor: Cursor, at: datetime | None) -> tuple[Measure, ...]:
    """Measures of members, by id; ``effects`` is empty where none was calculated."""
    found = []
    for row in _rows(cursor, "measures", at):
        effects = {int(year): float(value) for year, value in (row["effects"] or {}).items()}
        kept = {name: row[name] for name in _names(Measure) if name in row and row[name] is not None}
        kept |= {"title": row["title_sv"], "effects": effects, "evidence": tuple(row["evidence_links"])}
        kept["status"] = MeasureStatus(row["status"])
        found.append(Measure(**kept))
    return tuple(found)


def read_pledges(cursor: Cursor, at: datetime | None) -> tuple[Pledge, ...]:
    """Pledges of members, by id."""
    return tuple(
        Pledge(**{**row, "measure_ids": tuple(row["measure_ids"])}) for row in _rows(cursor, "pledges", at)
    )


def read_plans(cursor: Cursor, at: datetime | None) -> tuple[criteria.Plan, ...]:
    """Plans and pre-plans, by id; a decision of which only the year is known is dated to its last day."""
    return tuple(criteria.Plan(**row) for row in _rows(cursor, "climate_plans", at))


def read_evidence(cursor: Cursor, at: datetime | None) -> tuple[criteria.Evidence, ...]:
    """Statements about the criteria."""
    return tuple(
        criteria.Evidence(
            **{
                **row,
                "criterion": criteria.Criterion(row["criterion"]),
                "kind": criteria.EvidenceKind(row["kind"]),
                "stated_by": row["stated_by"] or "",
            }
        )
        for row in _rows(cursor, "evidence", at)
    )


def read_rounds(cursor: Cursor, at: datetime | None) -> tuple[criteria.ReportingRound, ...]:
    """Reporting rounds, by their first day."""
    return tuple(criteria.ReportingRound(**row) for row in _rows(cursor, "reporting_rounds", at))


def read_answers(cursor: Cursor, at: datetime | None) -> tuple[criteria.Answer, ...]:
    """Reports of members, in a round or outside any."""
    return tuple(criteria.Answer(**row) for row in _rows(cursor, "answers", at))


def read_asked_on(cursor: Cursor, at: datetime | None) -> dict[tuple[str, str | None], date]:
    """(region_code, criterion) → the day the member was last asked."""
    asked: dict[tuple[str, str | None], date] = {}
    for row in _rows(cursor, "enquiries", at):
        key = (row["region_code"], row["criterion"])
        asked[key] = max(asked.get(key, row["asked_on"]), row["asked_on"])
    return asked


def read_hearings(cursor: Cursor, at: datetime | None) -> dict[tuple[str, str], criteria.Hearing]:
    """(region_code, criterion) → when the member was last notified that it falls short, and its reply."""
    hearings: dict[tuple[str, str], criteria.Hearing] = {}
    for row in _rows(cursor, "enquiries", at):
        key = (row["region_code"], row["criterion"])
        if row["told_on"] is not None and (key not in hearings or hearings[key].told_on < row["told_on"]):
            hearings[key] = criteria.Hearing(**{name: row[name] for name in _names(criteria.Hearing)})
    return hearings


def read_rule_numbers(cursor: Cursor, at: datetime | None, as_of: date) -> RuleNumbers:
    """The numbers of the rules on a day; a number that the register lacks has the formulas' default."""
    numbers = _rule_numbers(cursor, at, as_of)
    known = {name: numbers[name] for name in _names(criteria.Rules) if name in numbers}
    return RuleNumbers(
        criteria=criteria.Rules(**known),
        stale_after_months=numbers.get("stale_after_months", STALE_AFTER_MONTHS),
    )


def read_stated_member_count(cursor: Cursor, at: datetime | None, as_of: date) -> int | None:
    """How many members the network says it has on a day; None where the register does not say."""
    return _rule_numbers(cursor, at, as_of).get(NETWORK_MEMBERS)


def _rule_numbers(cursor: Cursor, at: datetime | None, as_of: date) -> dict[str, int]:
    return {
        row["rule_id"]: int(row["value"])
        for row in _rows(cursor, "criteria_rules", at)
        if _is_valid(row, as_of)
    }


def _rows(cursor: Cursor, register: str, at: datetime | None) -> list[dict[str, Any]]:
    cursor.execute(load_sql(f"read/{register}.sql"), {"registers_at": at})
    return named_rows(cursor)


def _is_valid(row: Mapping[str, Any], on: date) -> bool:
    first, last = row["valid_from"], row["valid_to"]
    return (first is None or first <= on) and (last is None or on <= last)


def _names(shape: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(shape))
