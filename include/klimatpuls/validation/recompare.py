"""Gates that compare a release with the one before it, measured again when another release takes that place.

The comparing gates of methods section 8 (:attr:`klimatpuls.validation.gates.Rule.compares`) depend on the
nearest earlier release by the publisher's date, whatever the order of loading. An older release that is
loaded later, or one that is withdrawn or restored, changes what a release follows upon; so before every
publication such gates are measured anew, and the warehouse comes to the same answer from every order. What
is published is never taken back by it: a hold found this way stands in ``mart.release_gate`` for a person.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from klimatpuls.contract import catalog, schema
from klimatpuls.contract.releases import predecessors
from klimatpuls.validation import reading, record
from klimatpuls.validation.gates import Measure
from klimatpuls.validation.run import Loaded, checks_of, loaded_of, measure_of, read_findings, sample_of
from klimatpuls.validation.suites import suite_of
from klimatpuls.warehouse.connection import load_sql, named_rows

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.validation.gates import Gate
    from klimatpuls.validation.queries import Check


def recompare_releases(conn: PgConnection) -> list[str]:
    """Measure the comparing gates of every release whose earlier release is another one by now.

    Args:
        conn: Connection as ``wh_loader``; this function commits.

    Returns:
        Names of the releases that were measured again, in order.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/releases_to_compare.sql"))
        rows = {row["release_id"]: row for row in named_rows(cursor)}
        shown = {release_id: loaded_of(row) for release_id, row in rows.items()}
        follows = predecessors(item.release for item in shown.values())
        measured = []
        for release_id in sorted(shown):
            earlier, row = follows[release_id], rows[release_id]
            if (earlier.release_id if earlier else None) == row["compared_with"]:
                continue
            item = shown[release_id].after(earlier, shown)
            again = _comparing_gates(cursor, item)
            gates = reading.read_gates(cursor, row["validation_id"])
            verdict = item.verdict([again.get(gate.rule, gate) for gate in gates], row["docs_path"])
            record.insert_verdict(cursor, verdict)
            measured.append(release_id)
    return measured


def _comparing_gates(cursor: Cursor, item: Loaded) -> dict[str, Gate]:
    """Rule → the gate as it is measured now, for the rules that compare releases."""
    source = catalog.source_of(item.release.dataset)
    fact = schema.fact(source.dataset(item.release.dataset).fact)
    checks = checks_of(source, suite_of(fact), item.run_id, [item], [item.release.dataset])
    return {
        check.rule.name: item.evaluated(check, _measure(cursor, check, item, f"core.{fact.table}"))
        for check in checks
        if check.rule.compares != "nothing"
    }


def _measure(cursor: Cursor, check: Check, item: Loaded, batch: str) -> Measure:
    cursor.execute(check.measuring_sql.format(batch=batch))
    rows = named_rows(cursor)
    if not rows:
        return Measure()
    measure = measure_of(rows[0])
    if not measure.finding_count:
        return measure
    return replace(measure, findings=sample_of(read_findings(cursor, check), item.release.release_id))
