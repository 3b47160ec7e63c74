"""The release watch: one light look at what a source publishes, so that news is noticed the day it comes.

A look asks a source's module for a fingerprint (when a table was updated, an ETag, the publisher's dates) and
compares it with the one of the last fetch. Only when they differ is the source fetched. A fetch that fails
leaves the fingerprint open, so the next look asks for it again. Kept bytes that another version of the parser
refused are news too: the run reads them again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klimatpuls.errors import NotYetPublished
from klimatpuls.pipeline.snapshot import (
    GIVEN_UP_AFTER,
    explain,
    label,
    raise_all,
    unread,
    wanted,
)
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
    """What a look at a source brought.

    Attributes:
        has_news: Whether anything changed since the last fetch.
        detail: What was seen per dataset and substance, for the person who watches.
        failed: Dataset and substance of what could not be looked at → why, where something else is new.
    """

    has_news: bool
    detail: str
    failed: Mapping[tuple[str, str], str] = field(default_factory=dict)


def poll_source(
    conn: PgConnection, source: Source, session: PoliteSession, context: RunContext
) -> PollResult:
    """Look at every dataset and substance of a source; one that fails hides no news of another.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        source: Catalogue entry.
        session: Polite session at the agency or a replica.
        context: Day and moment of the look.

    Returns:
        Whether the source should be fetched.

    Raises:
        FetchError: if the source does not answer, or not as it should, and nothing else is new; what was
            seen stays noted.
    """
    module = source_module(source)
    has_news, said = False, []
    errors: list[Exception] = []
    failed: dict[tuple[str, str], str] = {}
    in_a_row = 0
    for dataset, substance in wanted(source, context):
        key = {"dataset": dataset, "substance": substance or runs.NOT_BY_SUBSTANCE}
        part = (key["dataset"], key["substance"])
        if in_a_row >= GIVEN_UP_AFTER:
            failed[part] = f"{label(*part)} was not looked at, after {in_a_row} failures in a row"
            continue
        before = _before(conn, key)
        try:
            seen = module.poll(
                session,
                session.base_url,
                dataset,
                substance,
                as_of=context.as_of,
                validators=before["validators"],
            )
        except NotYetPublished as missing:
            said.append(str(missing))
            continue
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this part's alone
            errors.append(error)
            failed[part] = f"{label(*part)} was not looked at: {explain(error)}"
            in_a_row += 1
            continue
        in_a_row = 0
        fingerprint = before["fingerprint"] if seen.fingerprint is None else seen.fingerprint
        is_new = fingerprint != before["fetched_fingerprint"]
        _note(conn, key, seen, fingerprint, context)
        has_news |= is_new
        said.append(f"{label(*part)}: {'changed' if is_new else 'as it was'} ({seen.detail})")
    with conn:
        waiting = unread(conn, source)
    if waiting:
        said.append(f"{len(waiting)} kept files were not read by this version of the parser")
        has_news = True
    if errors and not has_news:
        raise_all(errors, list(failed.values()))
    return PollResult(has_news=has_news, detail="; ".join(said), failed=failed)


def fingerprints(conn: PgConnection, source: Source) -> list[dict[str, Any]]:
    """What the last looks at a source saw, to be noted as fetched once a fetch has succeeded."""
    with conn, conn.cursor() as cursor:
        cursor.execute(
            load_sql("read/polls_of_datasets.sql"), {"datasets": [entry.id for entry in source.datasets]}
        )
        names = ("dataset", "substance", "fingerprint")
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def note_fetched(conn: PgConnection, seen: list[dict[str, Any]]) -> None:
    """Note that what these looks saw has been fetched; the caller commits."""
    with conn.cursor() as cursor:
        cursor.executemany(load_sql("write/record_fetch.sql"), seen)


def _before(conn: PgConnection, key: dict[str, str]) -> dict[str, Any]:
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/last_poll.sql"), key)
        row = cursor.fetchone()
    names = ("fingerprint", "fetched_fingerprint", "validators")
    return dict(zip(names, row or (None, None, {}), strict=True))


def _note(
    conn: PgConnection, key: dict[str, str], seen: Poll, fingerprint: str | None, context: RunContext
) -> None:
    with conn, conn.cursor() as cursor:
        cursor.execute(
            load_sql("write/record_poll.sql"),
            {
                **key,
                "fingerprint": fingerprint,
                "validators": json.dumps(dict(seen.validators)),
                "detail": seen.detail,
                "looked_at": context.now,
            },
        )
