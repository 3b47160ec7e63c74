"""Tells the operator by mail what waits or was refused: each matter once, whoever runs again.

A notice is a matter with its words, made by one of the functions here and given to :func:`tell`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from klimatpuls.contract import catalog
from klimatpuls.errors import MailError, explain
from klimatpuls.report.mailer import SuppressedError, check_may_send, deliver, hide_addresses
from klimatpuls.report.notice import LOST_PARTS, NO_DIGEST, Notice, build_notice
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.domain.defects import Defect
    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.pipeline.stale_tables import StaleTables
    from klimatpuls.pipeline.validate import ValidationResult
    from klimatpuls.report.mailer import SmtpSettings


MAX_ATTEMPTS = 5
"""How often a mail to the operator is tried before it is given up."""
UNTOLD_DAYS = 3
"""A matter that could not be told for so long is old: the pages of Airflow have told it since."""


def findings(source: str, result: ValidationResult, context: RunContext) -> Notice:
    """What a run left on hold or in quarantine.

    Args:
        source: Catalogue id of the source.
        result: What the gates said of the run.
        context: Day, moment and origin.
    """
    matter = (
        ("en utgåva är avvisad", "a release is refused")
        if result.quarantined
        else ("en utgåva väntar på svar", "a release waits for an answer")
    )
    return _notice(source, f"run-{result.run_id}", matter, result.explanations, context)


def failure(source: str, message: str, context: RunContext, *, kind: str) -> Notice:
    """A source could not be looked at, fetched, loaded or judged; one matter a day for each kind of failure.

    Args:
        source: Catalogue id of the source.
        message: What failed and what to do.
        context: Day, moment and origin.
        kind: Class or rule of the failure, from a closed list: so many mails a day there may be.
    """
    matter = ("körningen misslyckades", "the run failed")
    return _notice(source, f"failed-{kind}-{context.as_of.isoformat()}", matter, (message,), context)


def kind_of(error: Exception) -> str:
    """What tells a failure from another of its day: its class, and its rule or an answer's status."""
    detail = getattr(error, "rule", None) or getattr(error, "status", None)
    return f"{type(error).__name__}-{detail}" if detail else type(error).__name__


def kind_of_parts(failed: Iterable[tuple[str, str]]) -> str:
    """What tells a failure of some parts of a source from one of others: which parts they are."""
    return f"parts-{_digest(' '.join(part) for part in failed)[:8]}"


def lost_parts(source: str, losses: Sequence[str], context: RunContext) -> Notice:
    """Parts of a source are missing while the rest was loaded; the same parts are one matter for ever.

    Args:
        source: Catalogue id of the source.
        losses: What is missing and what to do, one sentence each.
        context: Day, moment and origin.
    """
    matter = ("delar saknas, resten är inläst", "parts are missing, the rest was loaded")
    return _notice(source, f"{LOST_PARTS}{_digest(losses)[:16]}", matter, tuple(losses), context)


def killed_run(source: str, run_id: int, message: str, context: RunContext) -> Notice:
    """A source run ended without a word.

    Args:
        source: Catalogue id of the source.
        run_id: The source run.
        message: What is known of its end.
        context: Day, moment and origin.
    """
    matter = ("en körning dog utan ett ord", "a run ended without a word")
    return _notice(source, f"killed-{run_id}", matter, (f"Run {run_id} {message}.",), context)


def overdue_defect(defect: Defect, context: RunContext) -> Notice:
    """A known defect waits for somebody to look at it again.

    Args:
        defect: The entry of the register.
        context: Day, moment and origin.
    """
    todo = (
        f"{defect.defect_id}: to be looked at again by {defect.review_by.isoformat()}. {defect.reason_en}. "
        "It leaves the trends as long as its cells show it. What to do: compare with the newest release, "
        "then move review_by or take the row out of include/registers/known_defects.csv."
    )
    matter = ("ett känt fel ska granskas igen", "a known defect is to be looked at again")
    source = catalog.source_of(defect.dataset).id
    what = f"defect-{defect.defect_id}-{defect.review_by.isoformat()}"
    return _notice(source, what, matter, (todo,), context)


def task_failure(task: str, error: Exception, context: RunContext) -> Notice:
    """A task that belongs to no source failed; one matter a day for each class of exception.

    Args:
        task: Name of the task.
        error: What it raised.
        context: Day, moment and origin.
    """
    kind = type(error).__name__
    said = f"{kind}: {explain(error)}"
    todo = (
        f"What to do: the log of the task {task} in Airflow has the whole traceback. The task runs again at "
        "its next turn; if it fails again, give message and log to whoever maintains the code."
    )
    matter = ("uppgiften misslyckades", "the task failed")
    return _notice(task, f"failed-{kind}-{context.as_of.isoformat()}", matter, (said, todo), context)


def stale_tables(stale: StaleTables, context: RunContext) -> Notice:
    """Result tables could not be calculated; told again only where another table or reason joins them.

    Args:
        stale: The tables, and what was new when they began to fail.
        context: Day, moment and origin.
    """
    matter = ("resultattabeller kunde inte beräknas", "result tables could not be calculated")
    return _notice("publish", f"stale-{stale.since}", matter, stale.explanations, context)


def no_digest(trouble: str, context: RunContext) -> Notice:
    """A publication has no digest since the mail connection is wrong; one matter a day.

    Args:
        trouble: Which field is wrong and why, without an address.
        context: Day, moment and origin.
    """
    todo = (
        f"{trouble}. What to do: correct the connection smtp_default (docs/operations.md, Mail). A "
        "publication made before that has no digest: its news stand in Superset and in the report's files."
    )
    matter = ("inget utskick kan skickas", "no digest can be sent")
    return _notice("publish", f"{NO_DIGEST}{context.as_of.isoformat()}", matter, (todo,), context)


def tell(conn: PgConnection, settings: SmtpSettings, notice: Notice, context: RunContext) -> str | None:
    """Send a notice unless it was sent before; a mail that nobody knows the fate of is never sent again.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        settings: The mail server and the operator's address.
        notice: The matter.
        context: Day and moment.

    Returns:
        What became of the mail, or None where there is no operator's address or the matter was told before.
    """
    if settings.operator_address is None:
        return None
    values = _row(notice, context)
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("write/claim_notice.sql"), values)
        if cursor.fetchone() is None:
            return None
    state, detail = _send(settings, notice, settings.operator_address, context)
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("write/settle_notice.sql"), {**values, "state": state, "detail": detail})
    return state


def queue(cursor: Cursor, notice: Notice, context: RunContext) -> None:
    """Leave a notice to :func:`tell_untold`, in the transaction that made it necessary.

    Args:
        cursor: psycopg2 cursor inside the caller's transaction, as ``wh_loader``.
        notice: The matter.
        context: Day and moment.
    """
    cursor.execute(load_sql("write/queue_notice.sql"), _row(notice, context))


def tell_untold(conn: PgConnection, settings: SmtpSettings, context: RunContext) -> dict[str, int]:
    """Try again what the operator could not be told, a few times and for a few days.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        settings: The mail server and the operator's address.
        context: Day and moment.

    Returns:
        How many mails came to each state; empty where nothing waits or there is no operator's address.
    """
    since = context.as_of - timedelta(days=UNTOLD_DAYS)
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/pending_notices.sql"), {"attempts": MAX_ATTEMPTS, "since": since})
        names = [column.name for column in cursor.description or ()]
        waiting = [Notice(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
    states = (tell(conn, settings, notice, context) for notice in waiting)
    return dict(Counter(state for state in states if state is not None))


def _digest(words: Iterable[str]) -> str:
    """A name for some words, whatever their order."""
    return hashlib.sha256("\n".join(sorted(set(words))).encode()).hexdigest()


def _send(
    settings: SmtpSettings, notice: Notice, recipient: str, context: RunContext
) -> tuple[str, str | None]:
    try:
        check_may_send(settings, notice.origin)
    except MailError as error:
        return ("suppressed" if isinstance(error, SuppressedError) else "failed"), str(error)
    outcome = deliver(build_notice(notice, settings, recipient, context.now), recipient, settings)
    return outcome.state, outcome.detail


def _row(notice: Notice, context: RunContext) -> dict[str, Any]:
    return {
        "notice_key": notice.key,
        "source": notice.source,
        "as_of_date": context.as_of,
        "now": context.now,
        "matter_sv": notice.matter_sv,
        "matter_en": notice.matter_en,
        "findings": list(notice.findings),
        "origin": notice.origin,
    }


def _notice(
    source: str, what: str, matter: tuple[str, str], findings: tuple[str, ...], context: RunContext
) -> Notice:
    return Notice(
        key=f"{source}.{what}",
        source=source,
        matter_sv=matter[0],
        matter_en=matter[1],
        findings=tuple(map(hide_addresses, findings)),
        origin=context.origin,
    )
