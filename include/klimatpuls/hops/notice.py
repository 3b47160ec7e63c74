"""Tells the operator by mail what waits or was refused: each matter once, whoever runs again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls import catalog
from klimatpuls.errors import MailError
from klimatpuls.report.mailer import SuppressedError, check_may_send, deliver, hide_addresses
from klimatpuls.report.notice import Notice, build_notice
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.defects import Defect
    from klimatpuls.hops.context import RunContext
    from klimatpuls.hops.validate import ValidationResult
    from klimatpuls.report.mailer import SmtpSettings


def tell_of_findings(
    conn: PgConnection, settings: SmtpSettings, source: str, result: ValidationResult, context: RunContext
) -> str | None:
    """Tell of what a run left on hold or in quarantine; see :func:`tell`.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        settings: The mail server and the operator's address.
        source: Catalogue id of the source.
        result: What the gates said of the run.
        context: Day, moment and origin.
    """
    matter = (
        ("en utgåva är avvisad", "a release is refused")
        if result.quarantined
        else ("en utgåva väntar på svar", "a release waits for an answer")
    )
    notice = _notice(source, f"run-{result.run_id}", matter, result.explanations, context)
    return tell(conn, settings, notice, context)


def tell_of_failure(
    conn: PgConnection, settings: SmtpSettings, source: str, message: str, context: RunContext
) -> str | None:
    """Tell that a source could not be looked at, fetched, loaded or judged, once a day; see :func:`tell`.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        settings: The mail server and the operator's address.
        source: Catalogue id of the source.
        message: What failed and what to do.
        context: Day, moment and origin.
    """
    matter = ("körningen misslyckades", "the run failed")
    notice = _notice(source, f"failed-{context.as_of.isoformat()}", matter, (message,), context)
    return tell(conn, settings, notice, context)


def tell_of_overdue_defect(
    conn: PgConnection, settings: SmtpSettings, defect: Defect, context: RunContext
) -> str | None:
    """Tell that a known defect waits for somebody to look at it again; see :func:`tell`.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        settings: The mail server and the operator's address.
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
    return tell(conn, settings, _notice(source, what, matter, (todo,), context), context)


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
    values = {
        "notice_key": notice.key,
        "source": notice.source,
        "as_of_date": context.as_of,
        "now": context.now,
    }
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("load/claim_notice.sql"), values)
        if cursor.fetchone() is None:
            return None
    state, detail = _send(settings, notice, settings.operator_address, context)
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("load/settle_notice.sql"), {**values, "state": state, "detail": detail})
    return state


def _send(
    settings: SmtpSettings, notice: Notice, recipient: str, context: RunContext
) -> tuple[str, str | None]:
    try:
        check_may_send(settings, notice.origin)
    except MailError as error:
        return ("suppressed" if isinstance(error, SuppressedError) else "failed"), str(error)
    outcome = deliver(build_notice(notice, settings, recipient, context.now), recipient, settings)
    return outcome.state, outcome.detail


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
