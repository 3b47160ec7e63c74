"""Reads verdicts back from the warehouse, for the person who must act on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klimatpuls.contract.catalog import source_of
from klimatpuls.validation.gates import Gate, ReleaseVerdict, explain, finding_text
from klimatpuls.warehouse.connection import load_sql, named_rows

if TYPE_CHECKING:
    from psycopg2.extensions import connection
    from psycopg2.extensions import cursor as Cursor

REFUSED_FILE = (
    "Den är avvisad; det som är publicerat står orört och filen är bevarad som {sha256}.\n"
    "It is refused; what is published stays as it was, and the raw file is kept as {sha256}.\n"
    "What to do: look at the file. In the home, {manifest}\n"
    "says where it came from and which files of snapshots/objects hold its bytes.\n"
    "If the file is wrong, tell the publisher. A corrected file is taken at the next fetch, or at once with\n"
    "  klimatpuls ingest FILE\n"
    "If the file is right, the parser must be mended. Another version of it reads the file again by itself\n"
    "at the next run of the source, or at once with\n"
    "  klimatpuls source retry {source}"
)


def read_explanations(conn: connection, run_id: int) -> tuple[str, ...]:
    """What was found in a source run: a terminal text per release or file that is not simply published.

    Args:
        conn: Connection as ``wh_loader``; this function only reads.
        run_id: The source run.
    """
    return tuple(_explain(run_id, head, gates) for head, gates in _validations(conn, run_id))


def read_failed_gates(conn: connection, run_id: int, release_id: str) -> tuple[Gate, ...]:
    """The gates of a release that found something, in the order of the rules.

    Args:
        conn: Connection as ``wh_loader``; this function only reads.
        run_id: The source run that loaded it.
        release_id: The release.
    """
    return tuple(
        gate
        for head, gates in _validations(conn, run_id)
        if head["release_id"] == release_id
        for gate in gates
        if not gate.passed
    )


def _validations(conn: connection, run_id: int) -> list[tuple[dict[str, Any], tuple[Gate, ...]]]:
    with conn.cursor() as cursor:
        cursor.execute(load_sql("read/validations_of_run.sql"), {"run_id": run_id})
        found = []
        for head in named_rows(cursor):
            found.append((head, read_gates(cursor, head["validation_id"])))
    return found


def read_gates(cursor: Cursor, validation_id: int) -> tuple[Gate, ...]:
    """The gates of one validation, in the order of the rules.

    Args:
        cursor: psycopg2 cursor of ``wh_loader``.
        validation_id: The validation.
    """
    cursor.execute(load_sql("read/gates_of_validation.sql"), {"validation_id": validation_id})
    return tuple(_gate(row) for row in named_rows(cursor))


def _explain(run_id: int, head: dict[str, Any], gates: tuple[Gate, ...]) -> str:
    if head["release_id"] is None:
        lines = [f"{head['dataset']} {head['substance']}: quarantine"]
        for gate in gates:
            said = f"{gate.message_sv.partition(':')[0]} / {gate.message_en}"
            lines += [f"{gate.rule} ({gate.severity}): {said}", *map(finding_text, gate.sample)]
        return "\n".join([*lines, "", _refused_file(head)])
    verdict = ReleaseVerdict(
        run_id=run_id,
        release_id=head["release_id"],
        dataset=head["dataset"],
        substance=head["substance"],
        published_date=head["published_date"],
        snapshot_sha256=head["snapshot_sha256"],
        compared_with=None,
        gates=gates,
        docs_path=head["docs_path"],
    )
    return explain(verdict)


def _refused_file(head: dict[str, Any]) -> str:
    """What became of a file that was refused, and what to do."""
    source, sha256 = source_of(head["dataset"]).id, head["snapshot_sha256"]
    manifest = f"snapshots/manifests/{source}/{head['dataset']}/{head['substance']}/{sha256}.json"
    return REFUSED_FILE.format(sha256=sha256[:8], manifest=manifest, source=source)


def _gate(row: dict[str, Any]) -> Gate:
    measured, limit = row["measured"], row["limit_value"]
    margin = None
    if measured is not None and limit is not None:
        margin = abs(limit - measured) if row["passed"] else -abs(limit - measured)
    return Gate(
        rule=row["rule"],
        severity=row["severity"],
        passed=row["passed"],
        measured=measured,
        limit=limit or 0.0,
        unit=row["unit"] or "count",
        margin=margin,
        finding_count=row["finding_count"],
        message_sv=row["message_sv"],
        message_en=row["message_en"],
        sample=tuple(row["sample"]),
    )
