"""Deletes old data by ``KLIMATPULS_KEEP``; never raw bytes, a release, or the record of runs.

Every step commits by itself and is safe to run twice; after a kill the next run continues. Readers of the
marts are not disturbed: a table is dropped only in a moment without readers
(``include/sql/functions/drop_facts_partition.sql``), else by the next run.
"""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from klimatpuls.errors import UsageError
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.pipeline.context import RunContext

SETTING = "KLIMATPULS_KEEP"
DRAFT_DAYS = 1
"""Days after which an unfinished file belongs to a killed process."""
PATIENCE_SECONDS = 5.0
"""Seconds to wait for a moment without readers; a try delays a reader by at most ten milliseconds."""
PAUSE_SECONDS = 0.05
_PAGES = re.compile(r"run-(\d+)")


@dataclass(frozen=True, kw_only=True)
class Keep:
    """How much is kept.

    Attributes:
        publications: Newest publications whose rows are kept, at least 2.
        publication_days: Days that rows are kept after a publication was last current, at least 1.
        rejected_days: Days that rejected cells stay in ``staging``.
        page_days: Days that validation pages stay; those of current figures and of holds stay longer.
        log_days: Days that a log is kept after its last line.
    """

    publications: int = 5
    publication_days: int = 30
    rejected_days: int = 400
    page_days: int = 400
    log_days: int = 60

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Keep:
        """Read ``KLIMATPULS_KEEP``: names and numbers, such as ``publications=10,log_days=14``.

        Raises:
            UsageError: if a name is unknown or a number is too small.
        """
        least = {"publications": 2, **dict.fromkeys((field.name for field in fields(cls)[1:]), 1)}
        numbers: dict[str, int] = {}
        for part in filter(None, map(str.strip, environ.get(SETTING, "").split(","))):
            name, _, number = map(str.strip, part.partition("="))
            if name not in least or not number.isdecimal() or int(number) < least[name]:
                names = ", ".join(f"{one} (at least {limit})" for one, limit in least.items())
                msg = f"{SETTING} says {part!r}, expected name=number with one of {names}"
                raise UsageError(msg)
            numbers[name] = int(number)
        return cls(**numbers)


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What was deleted.

    Attributes:
        publications: Publications whose rows were deleted.
        rows: Rows of results that were deleted with them.
        partitions: Tables of facts that were dropped.
        waiting: Tables of facts that could not be dropped: there were readers or a publication.
        cells: Rejected cells.
        pages: Folders of validation pages.
        logs: Log files.
        drafts: Unfinished files.
    """

    publications: tuple[int, ...]
    rows: int
    partitions: int
    waiting: int
    cells: int
    pages: int
    logs: int
    drafts: int

    def __str__(self) -> str:
        named = ", ".join(map(str, self.publications)) or "none"
        waiting = f"; {self.waiting} tables of facts are being read and wait" if self.waiting else ""
        return (
            f"publications dropped: {named} ({self.rows} rows, {self.partitions} tables of facts){waiting}; "
            f"rejected cells {self.cells}, validation pages {self.pages}, logs {self.logs}, "
            f"unfinished files {self.drafts}"
        )


def clean_up(
    conn: PgConnection,
    context: RunContext,
    keep: Keep,
    log_folders: Sequence[Path],
    *,
    patience: float = PATIENCE_SECONDS,
) -> Removed:
    """Delete what ``keep`` no longer keeps; returns what was deleted.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        context: The present moment, and the state directory.
        keep: How much is kept.
        log_folders: Folders of Airflow's logs and of the services'.
        patience: Seconds to wait for a moment in which a table may be dropped.
    """
    conn.rollback()
    publications, rows = drop_old_publications(conn, keep, context.now)
    partitions, waiting = drop_unused_facts(conn, patience=patience)
    return Removed(
        publications=publications,
        rows=rows,
        partitions=partitions,
        waiting=waiting,
        cells=_delete_rejected_cells(conn, context.now - timedelta(days=keep.rejected_days)),
        pages=_remove_pages(conn, context, keep),
        logs=sum(
            _remove_files(folder, "*", context.now - timedelta(days=keep.log_days)) for folder in log_folders
        ),
        drafts=_remove_drafts(context),
    )


def drop_old_publications(conn: PgConnection, keep: Keep, now: datetime) -> tuple[tuple[int, ...], int]:
    """Delete the results of publications that are no longer kept, each in its own transaction.

    Args:
        conn: Connection as ``wh_loader`` outside a transaction; this function commits.
        keep: How many are kept, and for how long.
        now: The present moment, with time zone.

    Returns:
        The publications, and the number of rows; none during a publication.
    """
    limits = {"keep_newest": keep.publications, "keep_since": now - timedelta(days=keep.publication_days)}
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/publications_to_drop.sql"), limits)
        old = [publication_id for (publication_id,) in cursor.fetchall()]
    dropped, rows = [], 0
    for publication_id in old:
        deleted = _call(conn, "write/drop_old_publication.sql", {"publication_id": publication_id, **limits})
        if deleted is None:
            break
        dropped.append(publication_id)
        rows += deleted
    return tuple(dropped), rows


def drop_unused_facts(conn: PgConnection, *, patience: float = PATIENCE_SECONDS) -> tuple[int, int]:
    """Drop the tables of facts that no publication refers to, each in a moment without readers.

    Args:
        conn: Connection as ``wh_loader`` outside a transaction; this function commits.
        patience: Seconds to wait for such moments, for all tables together.

    Returns:
        The number of dropped tables, and of those that wait for the next run.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/unused_facts.sql"))
        waiting = [{"fact": fact, "facts_id": facts_id} for fact, facts_id in cursor.fetchall()]
    found, deadline = len(waiting), time.monotonic() + patience
    while waiting:
        waiting = [entry for entry in waiting if not _call(conn, "write/drop_facts_partition.sql", entry)]
        if time.monotonic() > deadline:
            break
        if waiting:
            time.sleep(PAUSE_SECONDS)
    return found - len(waiting), len(waiting)


def _call(conn: PgConnection, name: str, values: Mapping[str, Any]) -> Any:
    """Return the value of a database function, called in its own transaction."""
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql(name), values)
        return fetch_row(cursor)[0]


def _delete_rejected_cells(conn: PgConnection, before: datetime) -> int:
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("write/delete_rejected_cells.sql"), {"before": before})
        return int(cursor.rowcount)


def _remove_pages(conn: PgConnection, context: RunContext, keep: Keep) -> int:
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/runs_with_pages.sql"))
        needed = {run_id for (run_id,) in cursor.fetchall()}
    before, count = context.now - timedelta(days=keep.page_days), 0
    for folder in sorted(context.data_docs.glob("run-*")):
        match = _PAGES.fullmatch(folder.name)
        if match and int(match[1]) not in needed and _changed(folder) < before:
            shutil.rmtree(folder)
            count += 1
    return count


def _remove_drafts(context: RunContext) -> int:
    """Remove unfinished files of killed processes in the store and of exports; never raw bytes."""
    before = context.now - timedelta(days=DRAFT_DAYS)
    count = _remove_files(context.snapshots, ".draft-*", before, prune=False)
    for folder in context.home.glob(".*.partial*"):
        if folder.is_dir() and not folder.is_symlink() and _changed(folder) < before:
            shutil.rmtree(folder)
            count += 1
    return count


def _remove_files(folder: Path, pattern: str, before: datetime, *, prune: bool = True) -> int:
    """Remove files below a folder that were last written before a moment; ``prune``: empty folders too."""
    # Listed first: removing a file changes the time of its folder, and a new folder of a task must stay.
    folders = (
        [path for path in folder.rglob("*") if path.is_dir() and _changed(path) < before] if prune else []
    )
    count = 0
    for path in list(_files_below(folder, pattern)):
        if _changed(path) < before:
            path.unlink(missing_ok=True)
            count += 1
    for path in sorted(folders, key=lambda one: len(one.parts), reverse=True):
        if not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()
    return count


def _files_below(folder: Path, pattern: str) -> Iterator[Path]:
    if folder.is_dir():
        for path in folder.rglob(pattern):
            if path.is_file() and not path.is_symlink():
                yield path


def _changed(path: Path) -> datetime:
    return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
