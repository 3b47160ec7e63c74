"""Change detection: a poll finds with few calls whether a publisher changed anything.

The source's module returns a fingerprint (when a table was updated, an ETag, the publisher's dates), which is
compared with the one of the last fetch. The source is fetched only if they differ. After a failed fetch the
fingerprint still differs, so the next poll starts the fetch again. Kept bytes that another version of the
parser refused count as a change too: the run reads them again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klimatpuls.pipeline.snapshot import PartFailures, ask_parts, label, unread
from klimatpuls.sources.protocol import source_module
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.catalog import Source
    from klimatpuls.contract.releases import Poll
    from klimatpuls.fetch.http import PoliteSession
    from klimatpuls.pipeline.context import RunContext


@dataclass(frozen=True, kw_only=True)
class PollResult:
    """The result of a poll.

    Attributes:
        has_news: Whether anything changed since the last fetch.
        detail: What was found per dataset and substance, for an operator.
        failed: Dataset and substance that could not be polled → why, if something else changed.
    """

    has_news: bool
    detail: str
    failed: Mapping[tuple[str, str], str] = field(default_factory=dict)


def poll_source(
    conn: PgConnection, source: Source, session: PoliteSession, context: RunContext
) -> PollResult:
    """Poll every dataset and substance of a source; a failure of one hides no change of another.

    Returns:
        Whether the source should be fetched.

    Raises:
        FetchError: if the source does not answer, or answers wrongly, and nothing else changed; the
            findings stay recorded.
    """
    module, failures = source_module(source), PartFailures()
    has_news, details = False, []

    def ask(dataset: str, substance: str | None) -> tuple[Poll, dict[str, Any]]:
        before = _before(conn, dataset, substance or runs.NOT_BY_SUBSTANCE)
        validators = before["validators"]
        polled = module.poll(
            session, session.base_url, dataset, substance, as_of=context.as_of, validators=validators
        )
        return polled, before

    for part, (polled, before) in ask_parts(source, context, ask, failures, "polled"):
        fingerprint = before["fingerprint"] if polled.fingerprint is None else polled.fingerprint
        is_new = fingerprint != before["fetched_fingerprint"]
        _note(conn, part, polled, fingerprint, context)
        has_news |= is_new
        details.append(f"{label(*part)}: {'changed' if is_new else 'as it was'} ({polled.detail})")
    details[:0] = failures.missing
    with conn:
        waiting = unread(conn, source)
    if waiting:
        details.append(f"{len(waiting)} kept files were not read by this version of the parser")
        has_news = True
    if not has_news:
        failures.raise_all()
    return PollResult(has_news=has_news, detail="; ".join(details), failed=failures.failed)


def fingerprints(conn: PgConnection, source: Source) -> list[dict[str, Any]]:
    """Return the fingerprints of the last polls of a source, to record them as fetched after a fetch."""
    with conn, conn.cursor() as cursor:
        cursor.execute(
            load_sql("read/polls_of_datasets.sql"), {"datasets": [entry.id for entry in source.datasets]}
        )
        names = ("dataset", "substance", "fingerprint")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def note_fetched(conn: PgConnection, polls: list[dict[str, Any]]) -> None:
    """Record that the fingerprints of these polls have been fetched; the caller commits."""
    with conn.cursor() as cursor:
        cursor.executemany(load_sql("write/record_fetch.sql"), polls)


def _before(conn: PgConnection, dataset: str, substance: str) -> dict[str, Any]:
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/last_poll.sql"), {"dataset": dataset, "substance": substance})
        row = cursor.fetchone()
    names = ("fingerprint", "fetched_fingerprint", "validators")
    return dict(zip(names, row or (None, None, {}), strict=True))


def _note(
    conn: PgConnection, part: tuple[str, str], polled: Poll, fingerprint: str | None, context: RunContext
) -> None:
    with conn, conn.cursor() as cursor:
        cursor.execute(
            load_sql("write/record_poll.sql"),
            {
                "dataset": part[0],
                "substance": part[1],
                "fingerprint": fingerprint,
                "validators": json.dumps(dict(polled.validators)),
                "detail": polled.detail,
                "looked_at": context.now,
            },
        )
