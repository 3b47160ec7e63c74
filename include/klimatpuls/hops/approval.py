"""A release on hold: what a person is asked, and the answer, kept with who, when and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klimatpuls.errors import UsageError
from klimatpuls.validation.reading import read_explanations
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as PgConnection


@dataclass(frozen=True, kw_only=True)
class HoldQuestion:
    """What a person is asked about a release on hold.

    Attributes:
        release_id: The release.
        subject: The question in one line.
        body: What was found and what each answer does, Markdown.
    """

    release_id: str
    subject: str
    body: str


def questions_to_ask(conn: PgConnection, asking_run: str) -> list[HoldQuestion]:
    """The releases on hold that are this run's to ask about; each is asked about by one run only.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        asking_run: Name of the run that asks; done again, it gets the same questions.

    Returns:
        One question per release, in the order of their names.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("load/claim_questions.sql"), {"asking_run": asking_run})
        claimed = sorted(cursor.fetchall())
    return [_question(conn, release_id, source_run) for release_id, source_run in claimed]


def _question(conn: PgConnection, release_id: str, source_run: int) -> HoldQuestion:
    found = [text for text in read_explanations(conn, source_run) if text.startswith(f"{release_id}:")]
    # Indented, so that nothing an agency wrote is read as Markdown.
    findings = "\n".join(f"    {line}" for text in found for line in text.splitlines())
    body = (
        f"**{release_id}** is on hold. What is published stays as it was.\n\n{findings}\n\n"
        "*Approve* publishes it at once, with a note in the digest. *Reject* refuses it for good. "
        "*Leave on hold*, and no answer in time, changes nothing: `klimatpuls release approve` or "
        "`klimatpuls release reject` can still answer later."
    )
    return HoldQuestion(release_id=release_id, subject=f"Publish {release_id}?", body=body)


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
