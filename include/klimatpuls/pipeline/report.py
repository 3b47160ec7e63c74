"""Step 5: outbox → HTML, text, picture, mail; each mail is sent at most once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from klimatpuls.report import outbox, render, view

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.report.mailer import SmtpSettings


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """The files of the digest of the current publication.

    Attributes:
        publication_id: The publication it is about.
        html: The page, with its picture inside.
        text: The same as plain text.
    """

    publication_id: int
    html: Path
    text: Path


def write_report(conn: PgConnection, context: RunContext) -> ReportFiles | None:
    """Render the digest of the current publication below ``reports``; the same data give the same bytes.

    Args:
        conn: Connection as ``wh_mailer``.
        context: Folders.

    Returns:
        The files, or None while there are no emissions to report on.
    """
    digest = view.read_digest(conn)
    if digest is None:
        return None
    folder = context.reports / str(digest.publication_id)
    files = render.write_files(render.render(digest), folder)
    return ReportFiles(publication_id=digest.publication_id, html=files.html, text=files.text)


def send_mail(
    connect: Callable[[], PgConnection], settings: SmtpSettings, context: RunContext
) -> outbox.Summary:
    """Send the due mails of the outbox for the current publication; see :mod:`klimatpuls.report.outbox`.

    Args:
        connect: Opens a connection as ``wh_mailer``.
        settings: The mail server and the list address.
        context: Moment of sending and folders.
    """
    renderer = render.Renderer(connect, context.reports)
    return outbox.send_due(connect, settings, renderer, context.now)
