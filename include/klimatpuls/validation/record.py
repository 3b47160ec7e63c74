"""Writes verdicts into the warehouse and moves the releases on; what was published stays as it was.

Nothing here commits: the caller's transaction holds the gates and the change of state together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.errors import UsageError
from klimatpuls.validation.gates import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg2.extensions import connection

    from klimatpuls.errors import SourceFormatError
    from klimatpuls.validation.gates import Gate, ReleaseVerdict

STATE_OF: dict[Verdict, str] = {
    "publish": "validated",
    "publish_with_warnings": "validated",
    "hold": "held",
    "quarantine": "quarantined",
}
"""What state a verdict leads a loaded release to."""

_INSERT_VALIDATION = """
INSERT INTO ops.validation (run_id, dataset, substance, release_id, snapshot_sha256, verdict, docs_path)
VALUES (%s, %s, %s, %s, %s, %s, %s)
RETURNING validation_id
"""
_INSERT_GATE = """
INSERT INTO ops.validation_gate (
    validation_id, rule, severity, passed, measured, limit_value, unit, finding_count, message_sv, message_en,
    sample
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_MOVE_ON = "UPDATE core.dim_release SET state = %s WHERE release_id = %s AND state = 'loaded'"


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
            cursor.execute(
                _INSERT_VALIDATION,
                (
                    verdict.run_id,
                    verdict.dataset,
                    verdict.substance,
                    verdict.release_id,
                    verdict.snapshot_sha256,
                    verdict.verdict,
                    verdict.docs_path,
                ),
            )
            (validation_id,) = cursor.fetchone()
            cursor.executemany(_INSERT_GATE, [_gate_row(validation_id, gate) for gate in verdict.gates])
            cursor.execute(_MOVE_ON, (STATE_OF[verdict.verdict], verdict.release_id))
            if cursor.rowcount != 1:
                msg = (
                    f"release {verdict.release_id} is not in state loaded any more, so its verdict "
                    f"{verdict.verdict} was not recorded; see klimatpuls releases"
                )
                raise UsageError(msg)


def _gate_row(validation_id: int, gate: Gate) -> tuple[object, ...]:
    from psycopg2.extras import Json

    return (
        validation_id,
        gate.rule,
        gate.severity,
        gate.passed,
        gate.measured,
        gate.limit,
        gate.unit,
        gate.finding_count,
        gate.message_sv,
        gate.message_en,
        Json([dict(finding) for finding in gate.sample]),
    )


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
    from psycopg2.extras import Json

    of_substance = substance or "all"
    count = max(1, len(error.findings))
    sample = [{"sheet_row": None, "reason": finding} for finding in error.findings]
    with conn.cursor() as cursor:
        cursor.execute(
            _INSERT_VALIDATION, (run_id, dataset, of_substance, None, snapshot_sha256, "quarantine", None)
        )
        (validation_id,) = cursor.fetchone()
        cursor.execute(
            _INSERT_GATE,
            (
                validation_id,
                error.rule,
                "hard",
                False,
                None,
                None,
                None,
                count,
                f"Filen gick inte att läsa: {error}",
                f"The file could not be read: {error}",
                Json(sample),
            ),
        )
