"""Writes the statuses of the members under a publication, and publishes when a new day changes one.

:func:`write` is part of every publication. :func:`reassess` calculates the dated statuses for a later day and
publishes only if one changed. It shares facts, releases, registers and results with the publication before,
so it writes only a few hundred rows (decision 23).

Every change of a criterion and the sums of the network are kept in ``core``: they outlive old publications.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from klimatpuls.contract.causes import DaysCause, RecalculatedCause, causes_to_json
from klimatpuls.membership import members
from klimatpuls.membership.criteria import Records
from klimatpuls.membership.members import DATED, PUBLIC, TARGET_PROGRESS, MemberInputs, OwnTarget
from klimatpuls.statistics import results
from klimatpuls.warehouse import register_rows
from klimatpuls.warehouse.connection import load_sql, named_rows
from klimatpuls.warehouse.result_tables import Before, ResultTables, attempt, not_fresh, read_statuses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.contract.causes import Cause
    from klimatpuls.statistics.steps import Failure, Result
    from klimatpuls.warehouse.result_tables import TableStatus

CRITERION = "criterion"


@dataclass(frozen=True, kw_only=True)
class Reassessed:
    """What the new day changed.

    Attributes:
        publication_id: The new publication.
        changed: Table of statuses → how many changed.
    """

    publication_id: int
    changed: Mapping[str, int]


def write(
    cursor: Cursor,
    tables: ResultTables,
    publication_id: int,
    *,
    as_of: date,
    registers_at: datetime | None,
    release_ids: Sequence[str],
) -> None:
    """Calculate the statuses of the members and write them under a publication that has its results.

    Args:
        cursor: As ``wh_loader``, in the transaction that builds the publication.
        tables: Writes the tables; one that fails keeps the rows it had.
        publication_id: The publication.
        as_of: Its day.
        registers_at: As of when it reads the registers.
        release_ids: The releases it shows.
    """
    basis = _Basis(results_id=publication_id, as_of=as_of, registers_at=registers_at, release_ids=release_ids)
    for result in _calculate(cursor, basis, tables.statuses):
        _write_one(cursor, tables, result, publication_id)


def _write_one(cursor: Cursor, tables: ResultTables, result: Result, publication_id: int) -> None:
    """Write one table of members; of the criteria also the history, which outlives the publication."""

    def keep() -> None:
        values = {"publication_id": publication_id}
        cursor.execute(load_sql("write/record_criterion_changes.sql"), values)
        cursor.execute(load_sql("write/sum_criteria.sql"), values)

    needs = result.needs
    if TARGET_PROGRESS in needs:
        needs |= results.STEPS.needs(TARGET_PROGRESS)
    tables.write(
        replace(result, needs=needs), of_members=True, afterwards=keep if result.table == CRITERION else None
    )


def reassess(conn: PgConnection, *, as_of: date, keep_pages: Callable[[], object]) -> Reassessed | None:
    """Calculate the dated statuses of the current publication for a later day; publish if one changed.

    Does nothing if nothing is published, the publication's day is not earlier, or no status changed. A table
    that fails now, or failed before and no longer does, is a change too.

    Args:
        conn: Connection as ``wh_loader``, holding the publisher's lock, outside a transaction; this function
            commits.
        as_of: The day.
        keep_pages: Called before a publication that has a digest stops being current.

    Returns:
        What changed; None if nothing was written.
    """
    with conn, conn.cursor() as cursor:
        pointer = _row(cursor, "read/current_publication.sql", {})
        if not pointer["publication_id"] or pointer["as_of_date"] >= as_of:
            return None
        cursor.execute(load_sql("read/releases_of_publication.sql"), pointer)
        release_ids = [release_id for (release_id,) in cursor.fetchall()]
        statuses = read_statuses(cursor, pointer["publication_id"])
        basis = _Basis(
            results_id=pointer["results_id"],
            as_of=as_of,
            registers_at=pointer["registers_at"],
            release_ids=release_ids,
        )
        found = list(_calculate(cursor, basis, statuses))
        frames = {result.table: result.frame for result in found if result.frame is not None}
        changed = members.count_changes(_shown(cursor, pointer["publication_id"], DATED), frames)
        if not any(changed.values()) and not _differs(statuses, found):
            return None
        if pointer["results_id"] == pointer["publication_id"]:
            keep_pages()
        values = {
            "previous_publication_id": pointer["publication_id"],
            "as_of_date": as_of,
            "origin": pointer["origin"],
        }
        made = _row(cursor, "write/insert_assessment.sql", values)
        values["publication_id"] = made["publication_id"]
        cursor.execute(load_sql("write/copy_publication_releases.sql"), values)
        cursor.execute(load_sql("write/copy_publication_facts.sql"), values)
        before = Before(
            publication_id=pointer["publication_id"], results_id=pointer["results_id"], statuses=statuses
        )
        tables = ResultTables(cursor, made["publication_id"], before, release_ids)
        for result in found:
            _write_one(cursor, tables, result, made["publication_id"])
        tables.finish()
        cursor.execute(
            load_sql("write/share_result_statuses.sql"), {**values, "own_tables": list(tables.statuses)}
        )
        # Counts alone, and of what is shown outside: everybody reads a cause. What failed does not count.
        fresh = {table: frames[table] for table in frames if tables.statuses[table].is_fresh}
        changes = members.count_changes(_shown(cursor, pointer["publication_id"], PUBLIC), fresh, PUBLIC)
        causes: list[Cause] = [DaysCause(**changes)]
        if healed := (not_fresh(statuses) - not_fresh(tables.statuses)) & set(fresh):
            causes.append(RecalculatedCause(tables=tuple(sorted(healed))))
        cursor.execute(
            load_sql("write/close_publication.sql"), {**values, "causes": json.dumps(causes_to_json(causes))}
        )
        cursor.execute(load_sql("write/switch_publication.sql"), values)
        cursor.execute("SELECT ops.analyze_publication()")
    return Reassessed(publication_id=made["publication_id"], changed=changed)


def _differs(statuses: Mapping[str, TableStatus], found: Sequence[Result]) -> bool:
    """Whether a table began to fail, or no longer fails."""
    failing = not_fresh(statuses)
    return any((result.table in failing) != (result.failure is not None) for result in found)


@dataclass(frozen=True, kw_only=True)
class _Basis:
    """The parts of a publication that the statuses of members depend on."""

    results_id: int
    as_of: date
    registers_at: datetime | None
    release_ids: Sequence[str]


def _calculate(cursor: Cursor, basis: _Basis, statuses: Mapping[str, TableStatus]) -> Iterator[Result]:
    """The tables of members; one that depends on a result that could not be calculated fails."""
    unread: dict[str, Failure] = {}
    if TARGET_PROGRESS in statuses and not statuses[TARGET_PROGRESS].is_fresh:
        unread[TARGET_PROGRESS] = statuses[TARGET_PROGRESS].failure
    inputs, failure = attempt(cursor, "inputs", lambda: _inputs(cursor, basis))
    if failure is not None:
        unread["inputs"] = failure
    yield from members.each_member_result(inputs, unread)


def _inputs(cursor: Cursor, basis: _Basis) -> MemberInputs:
    as_of, registers_at = basis.as_of, basis.registers_at
    cursor.execute(load_sql("read/published_years.sql"), {"release_ids": list(basis.release_ids)})
    published_years = dict(cursor.fetchall())
    cursor.execute(load_sql("read/own_target_gaps.sql"), {"results_id": basis.results_id})
    own_targets = [
        OwnTarget(**{**row, "observed_gap_tco2e": float("nan") if gap is None else gap})
        for row in named_rows(cursor)
        for gap in [row["observed_gap_tco2e"]]
    ]
    numbers = register_rows.read_rule_numbers(cursor, registers_at, as_of)
    return MemberInputs(
        as_of=as_of,
        members=register_rows.read_members(cursor, registers_at),
        records=Records(
            targets=register_rows.read_targets(cursor, registers_at),
            measures=register_rows.read_measures(cursor, registers_at),
            plans=register_rows.read_plans(cursor, registers_at),
            evidence=register_rows.read_evidence(cursor, registers_at),
            rounds=register_rows.read_rounds(cursor, registers_at),
            answers=register_rows.read_answers(cursor, registers_at),
            asked_on=register_rows.read_asked_on(cursor, registers_at),
            published_years=published_years,
        ),
        pledges=register_rows.read_pledges(cursor, registers_at),
        hearings=register_rows.read_hearings(cursor, registers_at),
        own_targets=own_targets,
        rules=numbers.criteria,
        stale_after_months=numbers.stale_after_months,
    )


def _shown(
    cursor: Cursor, publication_id: int, columns_of: Mapping[str, tuple[str, ...]]
) -> dict[str, list[tuple[Any, ...]]]:
    """The dated statuses under a publication: table → rows of the given columns."""
    shown = {}
    for table, columns in columns_of.items():
        cursor.execute(
            sql.SQL(load_sql("read/dated_statuses.sql")).format(
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                rows=sql.Identifier("mart_data", table),
            ),
            {"publication_id": publication_id},
        )
        shown[table] = cursor.fetchall()
    return shown


def _row(cursor: Cursor, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    cursor.execute(load_sql(name), values)
    (row,) = named_rows(cursor)
    return row
