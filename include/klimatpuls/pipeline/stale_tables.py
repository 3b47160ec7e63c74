"""Finds result tables of the current publication that could not be calculated, with cause and remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.contract.causes import (
    DaysCause,
    DecisionCause,
    RegisterCause,
    ReleaseCause,
    cause_from_json,
)
from klimatpuls.pipeline.operator_notice import queue, stale_tables
from klimatpuls.warehouse.connection import fetch_row, load_sql
from klimatpuls.warehouse.publication import DIGEST_LEADS_WITH
from klimatpuls.warehouse.result_tables import SHOWN_INSTEAD, read_statuses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.causes import Cause
    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.warehouse.result_tables import TableStatus

REMEDY: Final = (
    "What to do: give the message to whoever maintains the formulas. Once the code is mended, the next "
    "refresh or the hourly watch calculates these tables again; klimatpuls publish tries at once. If the "
    "figures of a release are to blame: klimatpuls release withdraw ID --reason TEXT. Nothing of these "
    "tables is mailed meanwhile."
)
HELD_BACK: Final = (
    "The digest is held back, since it leads with a table that could not be calculated; the first "
    "publication that has it mails what this one had to say."
)


@dataclass(frozen=True, kw_only=True)
class StaleTables:
    """The result tables of the current publication that could not be calculated for it.

    Attributes:
        tables: Their status, by name.
        since: The latest publication in which one of them began to fail.
        news: The changes in that publication, in words.
    """

    tables: tuple[TableStatus, ...]
    since: int
    news: tuple[str, ...]

    @property
    def explanations(self) -> tuple[str, ...]:
        """One paragraph per failure with exception and tables; then the changes, and the remedy."""
        brought = (
            f"New in publication {self.since}, in which this began: {', '.join(self.news) or 'nothing'}."
        )
        held = [HELD_BACK] if DIGEST_LEADS_WITH & {one.table_name for one in self.tables} else []
        return (*self._failures(), brought, *held, REMEDY)

    def _failures(self) -> Iterator[str]:
        by_cause: dict[tuple[Any, ...], list[TableStatus]] = {}
        for one in self.tables:
            by_cause.setdefault((one.because_of, one.error_class, one.error_message), []).append(one)
        for (because_of, error_class, message), tables in by_cause.items():
            shown = "; ".join(f"mart.{one.table_name} ({_shown(one)})" for one in tables)
            yield f"{because_of} failed with {error_class}: {message}. Not calculated because of it: {shown}."


def _shown(one: TableStatus) -> str:
    words = SHOWN_INSTEAD[one.status][1].format(computed=one.computed_publication_id)
    return f"{one.status}: {words}"


def read_stale(conn: PgConnection) -> StaleTables | None:
    """Return the tables of the current publication that could not be calculated; None if all could."""
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/current_publication.sql"))
        (publication_id, *_) = fetch_row(cursor)
        tables = tuple(
            one for one in read_statuses(cursor, publication_id).values() if one.failing_since_publication_id
        )
        if not tables:
            return None
        since = max(one.failing_since_publication_id or 0 for one in tables)
        cursor.execute(load_sql("read/causes_of_publication.sql"), {"publication_id": since})
        (causes,) = fetch_row(cursor)
    return StaleTables(tables=tables, since=since, news=tuple(_news(map(cause_from_json, causes))))


def _news(causes: Iterable[Cause]) -> Iterator[str]:
    for cause in causes:
        match cause:
            case ReleaseCause():
                yield f"release {cause.release_id}"
            case DecisionCause():
                yield f"release {cause.release_id} {cause.kind}"
            case RegisterCause():
                yield "the registers"
            case DaysCause():
                yield "the day"


def queue_stale(conn: PgConnection, context: RunContext) -> StaleTables | None:
    """Queue a notice of the tables that could not be calculated; the same tables and cause only once.

    Returns:
        The tables; None if all could be calculated.
    """
    stale = read_stale(conn)
    if stale is not None:
        with conn, conn.cursor() as cursor:
            queue(cursor, stale_tables(stale, context), context)
    return stale
