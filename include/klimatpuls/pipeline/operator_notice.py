"""Notifies the operator by mail of pending reviews, refusals and failures, each of them once.

The functions here make notices, with day and origin of the context; :func:`notify` sends one.
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
from klimatpuls.translations import message, translate
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
"""Attempts to send a mail to the operator."""
PENDING_DAYS = 3
"""Days after which a pending notice is dropped: Airflow's pages show the matter."""


def findings(source: str, result: ValidationResult, context: RunContext) -> Notice:
    """Return the notice of the releases and files that a run put on hold or in quarantine."""
    matter = (
        message("a release is refused") if result.quarantined else message("a release waits for an answer")
    )
    return _notice(source, f"run-{result.run_id}", matter, result.explanations, context)


def failure(source: str, text: str, context: RunContext, *, kind: str) -> Notice:
    """Return the notice that polling, fetching, loading or validating failed; one a day per kind.

    Args:
        source: Catalogue id of the source.
        text: What failed and what to do.
        context: Day, moment and origin.
        kind: Class or rule of the failure, from a closed list: it limits the mails of a day.
    """
    matter = message("the run failed")
    return _notice(source, f"failed-{kind}-{context.as_of.isoformat()}", matter, (text,), context)


def kind_of(error: BaseException) -> str:
    """Return the kind of a failure: its class, with its rule or the status of the answer."""
    detail = getattr(error, "rule", None) or getattr(error, "status", None)
    return f"{type(error).__name__}-{detail}" if detail else type(error).__name__


def kind_of_parts(failed: Iterable[tuple[str, str]]) -> str:
    """Return the kind of a failure of some parts of a source: a hash of which parts they are."""
    return f"parts-{_digest(' '.join(part) for part in failed)[:8]}"


def lost_parts(source: str, losses: Sequence[str], context: RunContext) -> Notice:
    """Return the notice of parts missing while the rest was loaded; the same parts are one matter."""
    matter = message("parts are missing, the rest was loaded")
    return _notice(source, f"{LOST_PARTS}{_digest(losses)[:16]}", matter, tuple(losses), context)


def killed_run(source: str, run_id: int, how: str, context: RunContext) -> Notice:
    """Return the notice of a source run that ended without a verdict; ``how`` is the rest of a sentence."""
    matter = message("a run ended without a word")
    return _notice(source, f"killed-{run_id}", matter, (f"Run {run_id} {how}.",), context)


def overdue_defect(defect: Defect, context: RunContext) -> Notice:
    """Return the notice of a known defect whose review is overdue."""
    todo = (
        f"{defect.defect_id}: to be looked at again by {defect.review_by.isoformat()}. {defect.reason_en}. "
        "It leaves the trends as long as its cells show it. What to do: compare with the newest release, "
        "then move review_by or take the row out of include/registers/known_defects.csv."
    )
    matter = message("a known defect is to be looked at again")
    source = catalog.source_of(defect.dataset).id
    what = f"defect-{defect.defect_id}-{defect.review_by.isoformat()}"
    return _notice(source, what, matter, (todo,), context)


def task_failure(task: str, error: BaseException, context: RunContext) -> Notice:
    """Return the notice of a failed task that belongs to no source; one a day per class of exception."""
    kind = type(error).__name__
    what = f"{kind}: {explain(error)}"
    todo = (
        f"What to do: the log of the task {task} in Airflow has the whole traceback. The task runs again at "
        "its next turn; if it fails again, give message and log to whoever maintains the code."
    )
    matter = message("the task failed")
    return _notice(task, f"failed-{kind}-{context.as_of.isoformat()}", matter, (what, todo), context)


def stale_tables(stale: StaleTables, context: RunContext) -> Notice:
    """Return the notice of tables that could not be calculated; another table or reason is a new one."""
    matter = message("result tables could not be calculated")
    return _notice("publish", f"stale-{stale.since}", matter, stale.explanations, context)


def no_digest(trouble: str, context: RunContext) -> Notice:
    """Return the notice of a publication without digest; ``trouble`` names the wrong field, no address."""
    todo = (
        f"{trouble}. What to do: correct the connection smtp_default (docs/operations.md, Mail). A "
        "publication made before that has no digest: its news stand in Superset and in the report's files."
    )
    matter = message("no digest can be sent")
    return _notice("publish", f"{NO_DIGEST}{context.as_of.isoformat()}", matter, (todo,), context)


def notify(conn: PgConnection, settings: SmtpSettings, notice: Notice, context: RunContext) -> str | None:
    """Send a notice unless it was sent before; a mail with an unknown result is never sent again.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        settings: The mail server and the operator's address.
        notice: The notice.
        context: Day and moment.

    Returns:
        The state of the mail; None if there is no operator's address or the notice was sent before.
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
    """Queue a notice for :func:`notify_pending`, in the transaction of its cause."""
    cursor.execute(load_sql("write/queue_notice.sql"), _row(notice, context))


def notify_pending(conn: PgConnection, settings: SmtpSettings, context: RunContext) -> dict[str, int]:
    """Send pending notices again, ``MAX_ATTEMPTS`` times within ``PENDING_DAYS``.

    Returns:
        Number of mails by state; empty if none is pending or there is no operator's address.
    """
    since = context.as_of - timedelta(days=PENDING_DAYS)
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/pending_notices.sql"), {"attempts": MAX_ATTEMPTS, "since": since})
        names = [column.name for column in cursor.description or ()]
        pending = [Notice(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
    states = (notify(conn, settings, notice, context) for notice in pending)
    return dict(Counter(state for state in states if state is not None))


def _digest(words: Iterable[str]) -> str:
    """Return a hash of texts that does not depend on their order."""
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


def _notice(source: str, what: str, matter: str, findings: tuple[str, ...], context: RunContext) -> Notice:
    return Notice(
        key=f"{source}.{what}",
        source=source,
        matter_sv=translate("sv", matter),
        matter_en=translate("en", matter),
        findings=tuple(map(hide_addresses, findings)),
        origin=context.origin,
    )
