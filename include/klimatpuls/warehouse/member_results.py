"""Where every member stands, written under a publication; and a publication made because a day passed.

:func:`write` belongs to every publication. :func:`reassess` reckons the dated statuses anew for a later day
and publishes only if one of them changed: facts, releases, registers and results are shared with the
publication before, so nothing but a few hundred rows is written (decision 23).

What outlives old publications lies in ``core``: every change of a criterion, and the network's picture.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from klimatpuls import members
from klimatpuls.criteria import Records
from klimatpuls.members import DATED, TOLD, MemberInputs, OwnTarget
from klimatpuls.warehouse import register_rows
from klimatpuls.warehouse.connection import load_sql
from klimatpuls.warehouse.loader import copy_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    import pandas as pd
    from psycopg2.extensions import connection as PgConnection

STATUS_CHANGED = "status_changed"
"""Kind of the cause of a publication that moved dated statuses alone."""


@dataclass(frozen=True, kw_only=True)
class Reassessed:
    """What a day that passed changed.

    Attributes:
        publication_id: The new publication.
        changed: Table of statuses → how many changed.
    """

    publication_id: int
    changed: Mapping[str, int]


def write(
    cursor: Any,
    publication_id: int,
    *,
    as_of: date,
    registers_at: datetime | None,
    release_ids: Sequence[str],
) -> dict[str, int]:
    """Reckon where every member stands, and write it under a publication whose results are there already.

    Args:
        cursor: As ``wh_loader``, in the transaction that builds the publication.
        publication_id: The publication.
        as_of: Its day.
        registers_at: As of when it reads the registers.
        release_ids: The releases it shows.

    Returns:
        Rows written per table of ``mart_data``.
    """
    frames = members.build_members(
        _inputs(
            cursor,
            results_id=publication_id,
            as_of=as_of,
            registers_at=registers_at,
            release_ids=release_ids,
        )
    )
    return _write(cursor, publication_id, frames)


def reassess(conn: PgConnection, *, as_of: date, keep_pages: Callable[[], object]) -> Reassessed | None:
    """Reckon the dated statuses of the current publication for a later day; publish if one changed.

    Does nothing where nothing is published, the publication's day is not earlier, or no status changed.

    Args:
        conn: Connection as ``wh_loader``, holding the publisher's lock, outside a transaction; this function
            commits.
        as_of: The day.
        keep_pages: Called before one that has a digest is no longer current.

    Returns:
        What changed; None where nothing was written.
    """
    with conn, conn.cursor() as cursor:
        pointer = _row(cursor, "load/current_publication.sql", {})
        if not pointer["publication_id"] or pointer["as_of_date"] >= as_of:
            return None
        cursor.execute(load_sql("load/releases_of_publication.sql"), pointer)
        release_ids = [release_id for (release_id,) in cursor.fetchall()]
        frames = members.build_members(
            _inputs(
                cursor,
                results_id=pointer["results_id"],
                as_of=as_of,
                registers_at=pointer["registers_at"],
                release_ids=release_ids,
            )
        )
        changed = members.count_changes(_shown(cursor, pointer["publication_id"], DATED), frames)
        if not any(changed.values()):
            return None
        if pointer["results_id"] == pointer["publication_id"]:
            keep_pages()
        values = {
            "previous_publication_id": pointer["publication_id"],
            "as_of_date": as_of,
            "origin": pointer["origin"],
        }
        made = _row(cursor, "load/insert_assessment.sql", values)
        values["publication_id"] = made["publication_id"]
        cursor.execute(load_sql("load/copy_publication_releases.sql"), values)
        cursor.execute(load_sql("load/copy_publication_facts.sql"), values)
        _write(cursor, made["publication_id"], frames)
        # Counts alone, and of what is shown outside: a cause is read by everybody.
        told = members.count_changes(_shown(cursor, pointer["publication_id"], TOLD), frames, TOLD)
        cause = {"kind": STATUS_CHANGED, **told}
        cursor.execute(load_sql("load/close_publication.sql"), {**values, "causes": json.dumps([cause])})
        cursor.execute(load_sql("load/switch_publication.sql"), values)
        cursor.execute("SELECT ops.analyze_publication()")
    return Reassessed(publication_id=made["publication_id"], changed=changed)


def _inputs(
    cursor: Any,
    *,
    results_id: int,
    as_of: date,
    registers_at: datetime | None,
    release_ids: Sequence[str],
) -> MemberInputs:
    cursor.execute(load_sql("load/published_years.sql"), {"release_ids": list(release_ids)})
    published_years = dict(cursor.fetchall())
    cursor.execute(load_sql("load/own_target_gaps.sql"), {"results_id": results_id})
    own_targets = [
        OwnTarget(
            region_code=code,
            target_id=target_id,
            boundary=boundary,
            last_year=last_year,
            target_year=target_year,
            observed_gap_tco2e=float("nan") if gap is None else gap,
        )
        for code, target_id, boundary, last_year, target_year, gap in cursor.fetchall()
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


def _write(cursor: Any, publication_id: int, frames: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    """Copy the frames, note what changed of the criteria, and sum the network's picture up."""
    values = {"publication_id": publication_id}
    rows = {table: copy_frame(cursor, ("mart_data", table), frame, values) for table, frame in frames.items()}
    cursor.execute(load_sql("load/note_criterion_changes.sql"), values)
    cursor.execute(load_sql("load/sum_criteria.sql"), values)
    return rows


def _shown(
    cursor: Any, publication_id: int, asked: Mapping[str, tuple[str, ...]]
) -> dict[str, list[tuple[Any, ...]]]:
    """The dated statuses under a publication: table → rows of the columns asked for."""
    shown = {}
    for table, columns in asked.items():
        cursor.execute(
            sql.SQL(load_sql("load/dated_statuses.sql")).format(
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                rows=sql.Identifier("mart_data", table),
            ),
            {"publication_id": publication_id},
        )
        shown[table] = cursor.fetchall()
    return shown


def _row(cursor: Any, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    cursor.execute(load_sql(name), values)
    return dict(zip((column.name for column in cursor.description), cursor.fetchone(), strict=True))
