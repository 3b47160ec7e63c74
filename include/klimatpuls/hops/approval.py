"""A person's answer to a release on hold: kept with who, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.errors import UsageError
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as PgConnection


def decide_release(
    conn: PgConnection,
    release_id: str,
    *,
    is_approved: bool,
    decided_by: str,
    reason: str,
    now: datetime,
) -> None:
    """Move a held release to ``validated`` or ``rejected``.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        release_id: The release.
        is_approved: Whether it may be published.
        decided_by: Role of who decided; no person's name.
        reason: Why; kept with the release and told in the digest.
        now: The moment of the decision.

    Raises:
        UsageError: if there is no such release or it is not on hold.
    """
    values = {
        "release_id": release_id,
        "state": "validated" if is_approved else "rejected",
        "decided_by": decided_by,
        "decided_at": now,
        "reason": reason or None,
    }
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("load/decide_release.sql"), values)
        if cursor.fetchone() is not None:
            return
        cursor.execute(load_sql("load/release_state.sql"), values)
        row = cursor.fetchone()
    found = f"its state is {row[0]}" if row else "there is no release of that name"
    msg = f"{release_id} is not on hold: {found}. `klimatpuls releases` lists what is"
    raise UsageError(msg)


def digests_to_approve(conn: PgConnection) -> list[int]:
    """The outbox rows of the digests that wait for a person's word before they are sent.

    Args:
        conn: Connection as ``wh_mailer``.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("load/digests_to_approve.sql"))
        return [outbox_id for (outbox_id,) in cursor.fetchall()]


def decide_digests(conn: PgConnection, outbox_ids: Sequence[int], *, is_approved: bool, now: datetime) -> int:
    """Answer for the digests that a person was asked about: sent, or suppressed for good; returns how many.

    Args:
        conn: Connection as ``wh_mailer``; this function commits.
        outbox_ids: What the question was about; a digest queued meanwhile has a question of its own, and
            one that was answered keeps its answer.
        is_approved: Whether they may be sent.
        now: The moment of the answer.
    """
    values = {"outbox_ids": list(outbox_ids), "is_approved": is_approved, "now": now}
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("load/decide_digests.sql"), values)
        return int(cursor.rowcount)
