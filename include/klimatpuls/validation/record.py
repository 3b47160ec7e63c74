"""Writes verdicts into the warehouse and moves the releases on; what was published stays as it was.

Nothing here commits: the caller's transaction holds the gates and the change of state together.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

from klimatpuls.errors import UsageError
from klimatpuls.validation.gates import Gate, Verdict
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from psycopg2.extensions import connection
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.errors import SourceFormatError
    from klimatpuls.validation.gates import ReleaseVerdict

STATE_OF: dict[Verdict, str] = {
    "publish": "validated",
    "publish_with_warnings": "validated",
    "hold": "held",
    "quarantine": "quarantined",
}
"""What state a verdict leads a loaded release to."""
_VALIDATION_COLUMNS: Final = (
    "run_id", "dataset", "substance", "release_id", "snapshot_sha256", "verdict", "compared_with",
    "docs_path",
)  # fmt: skip


def record_verdicts(conn: connection, verdicts: Iterable[ReleaseVerdict]) -> None:
    """Write verdicts with all their gates, and move each release to the state that follows.

    Args:
        conn: Connection in a transaction of the caller's, who commits.
        verdicts: What :func:`klimatpuls.validation.run.validate_run` returned.

    Raises:
        UsageError: if a release is not in state ``loaded`` any more; the caller rolls back.
    """
    with conn.cursor() as cursor:
        for verdict in verdicts:
            insert_verdict(cursor, verdict)
            cursor.execute(
                load_sql("write/set_verdict_state.sql"),
                {"state": STATE_OF[verdict.verdict], "release_id": verdict.release_id},
            )
            if cursor.rowcount != 1:
                msg = (
                    f"release {verdict.release_id} is not in state loaded any more, so its verdict "
                    f"{verdict.verdict} was not recorded; see klimatpuls releases"
                )
                raise UsageError(msg)


def insert_verdict(cursor: Cursor, verdict: ReleaseVerdict) -> None:
    """Write a verdict with all its gates; the release stays in its state.

    Args:
        cursor: psycopg2 cursor inside a transaction of the caller's.
        verdict: The release and its gates.
    """
    head = {name: getattr(verdict, name) for name in _VALIDATION_COLUMNS}
    _insert(cursor, head, map(_gate_row, verdict.gates))


def _insert(cursor: Cursor, head: Mapping[str, object], gates: Iterable[Mapping[str, object]]) -> None:
    cursor.execute(load_sql("write/insert_validation.sql"), head)
    (validation_id,) = fetch_row(cursor)
    rows = [{**gate, "validation_id": validation_id} for gate in gates]
    cursor.executemany(load_sql("write/insert_validation_gate.sql"), rows)


def _gate_row(gate: Gate) -> dict[str, object]:
    from psycopg2.extras import Json

    row: dict[str, object] = {field.name: getattr(gate, field.name) for field in fields(gate)}
    return {**row, "limit_value": gate.limit, "sample": Json([dict(finding) for finding in gate.sample])}


def quarantine_snapshot(
    conn: connection,
    run_id: int,
    dataset: str,
    substance: str | None,
    snapshot_sha256: str,
    error: SourceFormatError,
) -> None:
    """Write a quarantine for bytes that could not be read at all, so that no release came of them.

    Args:
        conn: Connection in a transaction of the caller's, who commits.
        run_id: The source run that fetched them.
        dataset: Catalogue id of the dataset.
        substance: Substance, or None where the dataset has none.
        snapshot_sha256: Hash of the raw bytes, which are kept.
        error: Why they were refused; its rule and findings become the one gate.
    """
    gate = Gate(
        rule=error.rule,
        severity="hard",
        passed=False,
        measured=None,
        limit=0.0,
        unit="count",
        margin=None,
        finding_count=max(1, len(error.findings)),
        message_sv=f"Filen gick inte att läsa: {error}",
        message_en=f"The file could not be read: {error}",
        sample=tuple({"sheet_row": None, "reason": finding} for finding in error.findings),
    )
    head = dict.fromkeys(_VALIDATION_COLUMNS) | {
        "run_id": run_id,
        "dataset": dataset,
        "substance": substance or "all",
        "snapshot_sha256": snapshot_sha256,
        "verdict": "quarantine",
    }
    with conn.cursor() as cursor:
        # A file that cannot be read has no measure, so no limit and no unit.
        _insert(cursor, head, [{**_gate_row(gate), "limit_value": None, "unit": None}])
