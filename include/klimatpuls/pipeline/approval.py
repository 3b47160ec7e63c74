"""Reviews by a person: the review of a release on hold, and every decision with who, when and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from klimatpuls.errors import UsageError
from klimatpuls.translations import message, translate
from klimatpuls.validation.gates import finding_text
from klimatpuls.validation.reading import read_failed_gates
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.releases import State
    from klimatpuls.validation.gates import Gate

Action = Literal["approve", "reject", "hold", "withdraw", "restore"]

ACTIONS: Final[Mapping[Action, tuple[tuple[State, ...], State]]] = {
    "approve": (("held",), "validated"),
    "reject": (("held", "validated"), "rejected"),
    "hold": (("validated",), "held"),
    "withdraw": (("published",), "withdrawn"),
    "restore": (("withdrawn",), "published"),
}
"""Decision → the states a release may be in, and the one that follows."""
NEED_A_REASON: Final[Mapping[Action, str]] = {
    "hold": "it is shown to whoever answers",
    "withdraw": "it is kept and shown in the digest",
    "restore": "it is kept and shown in the digest",
}
"""Decision that needs a reason → the use of the reason."""
STATE_WORDS: Final[Mapping[State, str]] = {"held": "on hold", "validated": "validated and not yet published"}

SHOWN: Final = 5
"""Findings per gate in a review; the validation page has more."""
_WAITS = message("is on hold; what is published stays as it was.")
_PUBLISH = message("Publish")
_BY_HAND = message("put on hold by hand")
_EVERY_GATE = message("Every gate with its margin")
_ANSWERS = message(
    "*Approve* publishes it at once, with a note in the digest. *Reject* refuses it for good. *Leave on "
    "hold*, and no answer in time, changes nothing: `klimatpuls release approve` or "
    "`klimatpuls release reject` can still answer later."
)


@dataclass(frozen=True, kw_only=True)
class PendingReview:
    """The review of a release on hold.

    Attributes:
        release_id: The release.
        subject: The question in one line.
        body: The findings and the effect of each answer, Markdown.
    """

    release_id: str
    subject: str
    body: str


def claim_reviews(conn: PgConnection, asking_run: str, page_of: Callable[[int], str]) -> list[PendingReview]:
    """Claim the releases on hold without a review; only one run reviews a release.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        asking_run: Name of the DAG run; if it calls again, it gets the same reviews.
        page_of: Returns the address of the validation page of a source run.

    Returns:
        One review per release, in the order of their names.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("write/claim_reviews.sql"), {"asking_run": asking_run})
        claimed = sorted(cursor.fetchall())
    return [
        _question(release_id, read_failed_gates(conn, source_run, release_id), page_of(source_run), reason)
        for release_id, source_run, reason in claimed
    ]


def reopen_reviews(conn: PgConnection, is_asking: Callable[[str], bool]) -> tuple[str, ...]:
    """Release the claims of DAG runs that no longer exist; returns the releases on hold without a review.

    A run that ended had an answer, or none in time: its releases are not reviewed again.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        is_asking: Returns whether a DAG run, by its name, exists and has not failed.

    Returns:
        The releases that the next run of the review DAG reviews: no event came, or their run was lost.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/pending_reviews.sql"))
        lost = [(release, run) for release, run in cursor.fetchall() if run is None or not is_asking(run)]
        cursor.executemany(
            load_sql("write/reset_review.sql"),
            [{"release_id": release, "asking_run": run} for release, run in lost if run is not None],
        )
    return tuple(release for release, _ in lost)


def _question(release_id: str, failed: Sequence[Gate], page: str, reason: str | None = None) -> PendingReview:
    lines = [
        f"**{_plain(release_id)}** {translate('sv', _WAITS)} *It {_WAITS}*",
        "",
    ]
    if reason is not None:
        lines.append(f"- {translate('sv', _BY_HAND).capitalize()} / {_BY_HAND}: {_plain(reason)}")
    # The reason for the review first, then warnings.
    for gate in sorted(failed, key=lambda gate: gate.severity != "hold"):
        found = " / ".join(map(_plain, dict.fromkeys((gate.message_sv, gate.message_en))))
        lines.append(f"- **{_plain(gate.rule)}** ({gate.severity}): {found}")
        lines += [f"    - {_plain(finding_text(finding))}" for finding in gate.sample[:SHOWN]]
    lines += [
        "",
        f"[{translate('sv', _EVERY_GATE)} / {_EVERY_GATE}, and more of what was found]({page})",
        "",
        translate("sv", _ANSWERS),
        "",
        _ANSWERS,
    ]
    subject = f"{translate('sv', _PUBLISH)} {release_id}? / {_PUBLISH} it?"
    return PendingReview(release_id=release_id, subject=subject, body="\n".join(lines))


def _plain(text: str) -> str:
    """Escape text for Markdown, so that nothing an agency wrote is read as markup."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&-])", r"\\\1", " ".join(text.split()))


def decide_release(
    conn: PgConnection,
    release_id: str,
    *,
    action: Action,
    decided_by: str,
    reason: str,
    now: datetime,
    is_older: bool = False,
) -> None:
    """Change the state of a release by a person's decision, and record it (``ops.release_decision``).

    Readers see the change with the next publication.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        release_id: The release.
        action: ``approve`` a held one, ``reject`` a held one or one that is validated and not published yet,
            ``hold`` such a validated one, ``withdraw`` a published one, ``restore`` a withdrawn one.
        decided_by: Role of the person who decided, never a name.
        reason: Why; kept with the release. A hold, a withdrawal and a restoration need one.
        now: The moment of the decision.
        is_older: With ``approve``: whether the release is the older one of those with the same publisher's
            date and day of knowledge, so that the others correct it. Otherwise it corrects the others.

    Raises:
        UsageError: if there is no such release, its state does not fit the action, or the reason is missing.
    """
    from_states, to_state = ACTIONS[action]
    if action in NEED_A_REASON and not reason.strip():
        words = STATE_WORDS.get(to_state, to_state)
        msg = f"say why {release_id} is to be {words}: --reason TEXT; {NEED_A_REASON[action]}"
        raise UsageError(msg)
    values = {
        "release_id": release_id,
        "action": action,
        "from_states": list(from_states),
        "to_state": to_state,
        "decided_by": decided_by,
        "decided_at": now,
        "reason": reason.strip() or None,
    }
    with conn, conn.cursor() as cursor:
        # Waits for a running publication: what it publishes stays published, whatever the decision.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('klimatpuls publish'))")
        cursor.execute(load_sql("write/decide_release.sql"), values)
        decided = cursor.fetchone()
        if decided is not None:
            if action == "approve":
                number = -decided[0] if is_older else decided[0]
                cursor.execute(load_sql("write/number_approval.sql"), {**values, "approval_number": number})
            return
        cursor.execute(load_sql("read/release_state.sql"), values)
        row = cursor.fetchone()
    found = f"its state is {row[0]}" if row else "there is no release of that name"
    needed = " or ".join(STATE_WORDS.get(state, state) for state in from_states)
    msg = f"{release_id} is not {needed}: {found}. `klimatpuls releases` lists what is"
    raise UsageError(msg)


def digests_to_approve(conn: PgConnection) -> list[int]:
    """Return the outbox rows of the digests that wait for an approval, as ``wh_mailer``."""
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/digests_to_approve.sql"))
        return [outbox_id for (outbox_id,) in cursor.fetchall()]


def decide_digests(conn: PgConnection, outbox_ids: Sequence[int], *, is_approved: bool, now: datetime) -> int:
    """Approve or suppress the digests of a review; returns how many.

    Args:
        conn: Connection as ``wh_mailer``; this function commits.
        outbox_ids: The digests of the review. A digest queued meanwhile gets its own review; one that was
            answered keeps its answer.
        is_approved: Whether they may be sent.
        now: The moment of the answer.
    """
    values = {"outbox_ids": list(outbox_ids), "is_approved": is_approved, "now": now}
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("write/decide_digests.sql"), values)
        return int(cursor.rowcount)
