"""Gates that compare a release with the one before it, measured again when another release takes that place.

The comparing gates of methods section 8 (:attr:`klimatpuls.validation.gates.Rule.compares`) depend on the
nearest earlier release by the publisher's date, whatever the order of loading. An older release that is
loaded later, or one that is withdrawn or restored, changes what a release follows upon; so before every
publication such gates are measured anew, and the warehouse comes to the same answer from every order. What
is published is never taken back by it: a hold found this way stands in ``mart.release_gate`` for a person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from klimatpuls.contract import catalog, schema
from klimatpuls.contract.releases import Release, predecessors
from klimatpuls.validation import reading, record
from klimatpuls.validation.gates import Gate, Measure, ReleaseVerdict, evaluate
from klimatpuls.validation.run import Loaded, checks_of, measure_of, read_findings, sample_of
from klimatpuls.validation.suites import suite_of
from klimatpuls.warehouse.connection import load_sql, named_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.validation.queries import Check


@dataclass(frozen=True, slots=True)
class _Shown:
    """A release that may be shown, and the last validation of it."""

    loaded: Loaded
    validation_id: int
    compared_with: str | None
    docs_path: str | None


def recompare_releases(conn: PgConnection) -> list[str]:
    """Measure the comparing gates of every release whose earlier release is another one by now.

    Args:
        conn: Connection as ``wh_loader``; this function commits.

    Returns:
        Names of the releases that were measured again, in order.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/releases_to_compare.sql"))
        shown = {row["release_id"]: _shown(row) for row in named_rows(cursor)}
        follows = predecessors(item.loaded.release for item in shown.values())
        measured = []
        for release_id in sorted(shown):
            item = shown[release_id]
            earlier = follows[release_id]
            if (earlier.release_id if earlier else None) == item.compared_with:
                continue
            run_id = shown[earlier.release_id].loaded.run_id if earlier else None
            loaded = replace(item.loaded, earlier=earlier, earlier_run_id=run_id)
            gates = _comparing_gates(cursor, loaded)
            record.insert_verdict(cursor, _verdict(cursor, replace(item, loaded=loaded), gates))
            measured.append(release_id)
    return measured


def _shown(row: Mapping[str, Any]) -> _Shown:
    release = Release(
        release_id=row["release_id"],
        dataset=row["dataset"],
        substance=row["substance"],
        published_date=row["published_date"],
        known_from=row["known_from"],
        approval_number=row["approval_number"],
        state=row["state"],
    )
    return _Shown(
        Loaded(release=release, snapshot_sha256=row["file_sha256"], run_id=row["run_id"]),
        validation_id=row["validation_id"],
        compared_with=row["compared_with"],
        docs_path=row["docs_path"],
    )


def _comparing_gates(cursor: Cursor, item: Loaded) -> dict[str, Gate]:
    """Rule → the gate as it is measured now, for the rules that compare releases."""
    source = catalog.source_of(item.release.dataset)
    fact = schema.fact(source.dataset(item.release.dataset).fact)
    checks = checks_of(source, suite_of(fact), item.run_id, [item], [item.release.dataset])
    earlier = item.earlier.release_id if item.earlier else None
    gates = {}
    for check in checks:
        if check.rule.compares != "nothing":
            measure = _measure(cursor, check, item, f"core.{fact.table}")
            versus = earlier if check.rule.compares == "release" else None
            rule = check.rule.for_substance(item.release.substance)
            gates[check.rule.name] = evaluate(rule, measure, check.limit, compared_with=versus)
    return gates


def _measure(cursor: Cursor, check: Check, item: Loaded, batch: str) -> Measure:
    cursor.execute(check.measuring_sql.format(batch=batch))
    rows = named_rows(cursor)
    if not rows:
        return Measure()
    measure = measure_of(rows[0])
    if not measure.finding_count:
        return measure
    return replace(measure, findings=sample_of(read_findings(cursor, check), item.release.release_id))


def _verdict(cursor: Cursor, item: _Shown, measured: Mapping[str, Gate]) -> ReleaseVerdict:
    """The last verdict with its comparing gates replaced."""
    release, earlier = item.loaded.release, item.loaded.earlier
    gates = reading.read_gates(cursor, item.validation_id)
    return ReleaseVerdict(
        run_id=item.loaded.run_id,
        release_id=release.release_id,
        dataset=release.dataset,
        substance=release.substance or "all",
        published_date=release.published_date,
        snapshot_sha256=item.loaded.snapshot_sha256,
        compared_with=earlier.release_id if earlier else None,
        gates=tuple(measured.get(gate.rule, gate) for gate in gates),
        docs_path=item.docs_path,
    )
