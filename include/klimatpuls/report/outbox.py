"""The outbox: every mail has a row, and no row is sent twice.

States::

    pending ─┬─> sending ─┬─> sent        the server took it
    failed  ─┘            ├─> refused     recipient or message refused for good (5xx)
       ^                  ├─> failed      certainly not taken; tried again at the next run
       └──────────────────┘
                          └─> unknown     lost half-way, or no clear reply: never sent again by itself
    pending ───────────────> suppressed   must not leave this machine

``sending`` is committed before the first byte goes out, together with the Message-ID. While a mail is
being sent its process holds an advisory lock named after the row: a row in ``sending`` whose lock is free
belongs to a process that ended half-way, and becomes ``unknown``.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from klimatpuls.errors import EXIT_DONE, EXIT_MAIL, MailError
from klimatpuls.report.mailer import (
    SmtpSettings,
    SuppressedError,
    build_letter,
    build_message,
    check_may_send,
    deliver,
    make_message_id,
)
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from email.message import EmailMessage

    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.report.render import Rendering

    Renderer = Callable[[int], Rendering]

logger = logging.getLogger(__name__)

LOCK_SPACE: Final = 0x4B504D
"""First key of the advisory locks of the outbox ("KPM"); the second is the row's number."""

INTERRUPTED: Final = (
    "the sending process ended before the server answered: the mail may or may not have arrived"
)

FinalState = Literal["sent", "refused", "failed", "unknown", "suppressed"]


@dataclass(frozen=True, kw_only=True)
class Settled:
    """Result of a run for one row; ``detail`` contains no address."""

    outbox_id: int
    publication_id: int | None
    state: FinalState
    detail: str | None = None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Result of one run of the outbox.

    Attributes:
        settled: One entry per row that was touched, in order.
        waiting_for_approval: Rows that wait for a person's answer.
    """

    settled: tuple[Settled, ...]
    waiting_for_approval: int

    def count(self, state: FinalState) -> int:
        """Number of rows that ended in this state."""
        return sum(entry.state == state for entry in self.settled)

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence per row that needs a person, with what to do."""
        return tuple(_problem(entry) for entry in self.settled if entry.state in _REMEDIES)

    @property
    def exit_code(self) -> int:
        """6 if a mail did not arrive or its arrival is unknown, else 0; a suppressed mail is no failure."""
        return EXIT_MAIL if self.problems else EXIT_DONE


_REMEDIES: Final[dict[str, str]] = {
    "refused": "correct the address in connection smtp_default or of the contact; it is not sent again",
    "failed": "it is tried again at the next run of the report DAG; check the mail server and smtp_default",
    "unknown": "ask a recipient whether it arrived; it is never sent again by itself",
}


def _problem(entry: Settled) -> str:
    return f"mail {entry.outbox_id} {entry.state}: {entry.detail or 'no detail'}; {_REMEDIES[entry.state]}"


@dataclass(frozen=True)
class _Claim:
    """A row that this process has claimed, with the message to send or the result it already has."""

    outbox_id: int
    publication_id: int
    recipient: str
    message: EmailMessage | None
    settled: Settled | None


@dataclass(frozen=True)
class _Row:
    """A row as ``report/outbox_claim.sql`` reads it; ``recipient`` is None where the contact is gone."""

    outbox_id: int
    kind: str
    publication_id: int
    recipient: str | None
    message_id: str | None
    created_at: datetime
    subject: str | None
    body: str | None


def send_due(
    connect: Callable[[], PgConnection], settings: SmtpSettings, render: Renderer, now: datetime
) -> Summary:
    """Send every mail that is due, each at most once; safe to run twice and beside another run.

    Args:
        connect: Opens a connection of ``wh_mailer`` (no autocommit); it is closed again here.
        settings: The mail server.
        render: Gives the rendered digest of a publication id; raises MailError when it cannot.
        now: Present moment with its time zone: the Date of the mails and the rows' times.

    Returns:
        What was done. A server's refusal is an entry in it, not an exception.

    Raises:
        psycopg2.Error: if the database fails; a mail in hand then stays ``sending`` and the next run makes
            it ``unknown``.
    """
    settled: list[Settled] = []
    connection = connect()
    try:
        settled += _settle_interrupted(connection, now)
        tried: list[int] = []
        while True:
            claim = _claim(connection, settings, render, now, tried)
            if claim is None:
                break
            tried.append(claim.outbox_id)
            if claim.settled is not None:
                settled.append(claim.settled)
                continue
            entry, is_server_silent = _send(connection, claim, settings, now)
            settled.append(entry)
            if is_server_silent:
                # The others stay pending: waiting for each would outlast the task, which makes one unknown.
                break
        with connection.cursor() as cursor:
            cursor.execute(load_sql("report/outbox_waiting.sql"))
            waiting = int(fetch_row(cursor)[0])
        connection.rollback()
    finally:
        connection.close()
    for entry in settled:
        level = logging.WARNING if entry.state in _REMEDIES else logging.INFO
        logger.log(level, "outbox row %d: %s %s", entry.outbox_id, entry.state, entry.detail or "")
    return Summary(settled=tuple(settled), waiting_for_approval=waiting)


def _settle_interrupted(connection: PgConnection, now: datetime) -> list[Settled]:
    """Set rows to ``unknown`` whose process ended while sending."""
    settled = []
    with connection, connection.cursor() as cursor:
        cursor.execute(load_sql("report/outbox_interrupted.sql"))
        for (outbox_id,) in cursor.fetchall():
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCK_SPACE, outbox_id))
            if not fetch_row(cursor)[0]:
                continue
            entry = Settled(outbox_id=outbox_id, publication_id=None, state="unknown", detail=INTERRUPTED)
            _settle(cursor, entry, now)
            _unlock(cursor, outbox_id)
            settled.append(entry)
    return settled


def _claim(
    connection: PgConnection, settings: SmtpSettings, render: Renderer, now: datetime, tried: list[int]
) -> _Claim | None:
    """Claim the next due row: commit it as ``sending``, or store the result if it cannot be sent."""
    with connection, connection.cursor() as cursor:
        cursor.execute(load_sql("report/outbox_claim.sql"), {"done": tried})
        row = cursor.fetchone()
        if row is None:
            return None
        due = _Row(*row)
        try:
            message, stored = _compose(cursor, due, settings, render, now)
        except MailError as error:
            state: FinalState = "suppressed" if isinstance(error, SuppressedError) else "failed"
            entry = Settled(
                outbox_id=due.outbox_id, publication_id=due.publication_id, state=state, detail=str(error)
            )
            _settle(cursor, entry, now)
            return _Claim(due.outbox_id, due.publication_id, "", None, entry)
        values = {"outbox_id": due.outbox_id, "message_id": message["Message-ID"], "now": now, **stored}
        cursor.execute(load_sql("report/outbox_begin.sql"), values)
        # Held by the session, beyond this transaction's end: it shows that a live process has the row.
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", (LOCK_SPACE, due.outbox_id))
    return _Claim(due.outbox_id, due.publication_id, due.recipient or "", message, None)


def _compose(
    cursor: Cursor, due: _Row, settings: SmtpSettings, render: Renderer, now: datetime
) -> tuple[EmailMessage, dict[str, str | None]]:
    """The message of a row, and what the row keeps of it.

    Raises:
        SuppressedError: if it must not leave this machine, or its contact was deleted.
        MailError: if it cannot be rendered.
    """
    if due.recipient is None:
        msg = "the contact is no longer in the register"
        raise SuppressedError(msg)
    message_id = due.message_id or make_message_id(
        due.outbox_id, due.created_at, settings.from_address, due.kind
    )
    if due.subject is not None and due.body is not None:
        cursor.execute(load_sql("report/publication.sql"))
        origin = str(fetch_row(cursor)[2])
        check_may_send(settings, origin)
        letter = build_letter(
            settings,
            subject=due.subject,
            text=due.body,
            origin=origin,
            recipient=due.recipient,
            message_id=message_id,
            date=now,
        )
        text_sha256 = hashlib.sha256(due.body.encode()).hexdigest()
        return letter, {"html_sha256": None, "text_sha256": text_sha256, "headline": None}
    rendering = render(due.publication_id)
    check_may_send(settings, rendering.origin)
    message = build_message(
        rendering, settings=settings, recipient=due.recipient, message_id=message_id, date=now
    )
    return message, {
        "html_sha256": rendering.html_sha256,
        "text_sha256": rendering.text_sha256,
        "headline": None if rendering.headline is None else json.dumps(rendering.headline),
    }


def _send(
    connection: PgConnection, claim: _Claim, settings: SmtpSettings, now: datetime
) -> tuple[Settled, bool]:
    """Send a claimed mail; returns what became of it, and whether the server was silent."""
    if claim.message is None:
        msg = f"outbox row {claim.outbox_id} was claimed without a message"
        raise RuntimeError(msg)
    outcome = deliver(claim.message, claim.recipient, settings)
    entry = Settled(
        outbox_id=claim.outbox_id,
        publication_id=claim.publication_id,
        state=outcome.state,
        detail=outcome.detail,
    )
    with connection, connection.cursor() as cursor:
        _settle(cursor, entry, now)
    with connection, connection.cursor() as cursor:
        _unlock(cursor, claim.outbox_id)
    return entry, outcome.is_server_silent


def _settle(cursor: Cursor, entry: Settled, now: datetime) -> None:
    values = {"outbox_id": entry.outbox_id, "state": entry.state, "detail": entry.detail, "now": now}
    cursor.execute(load_sql("report/outbox_settle.sql"), values)


def _unlock(cursor: Cursor, outbox_id: int) -> None:
    cursor.execute("SELECT pg_advisory_unlock(%s, %s)", (LOCK_SPACE, outbox_id))
