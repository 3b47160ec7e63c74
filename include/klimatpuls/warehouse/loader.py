"""Hop 2's database half: tidy rows become a partition of ``core``, by COPY, in one transaction.

The partition is attached with the load and stays invisible until a publication names its releases: marts
read only through the current publication's list. A load that fails leaves neither table nor row behind.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from klimatpuls.contract import catalog, schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.releases import Parsed


class RowCountError(RuntimeError):
    """The server counted other rows than were sent."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as the text that COPY takes.

    Attributes:
        columns: Names of the columns, in their order.
        text: The rows as CSV without a header; nothing between two commas is NULL.
        count: How many rows there are.
    """

    columns: tuple[str, ...]
    text: bytes
    count: int


def frame_rows(frame: pd.DataFrame, constants: dict[str, Any]) -> Rows:
    """A frame as the text that COPY takes.

    Args:
        frame: One row per table row; column names as in the table. A missing value is written as NULL.
        constants: Columns with one value for every row, put before the frame's own.
    """
    import pyarrow as pa
    from pyarrow import csv

    table = pa.Table.from_pandas(frame, preserve_index=False)
    for name, value in reversed(constants.items()):
        table = table.add_column(0, name, pa.repeat(value, len(frame)))
    buffer = io.BytesIO()
    csv.write_csv(table, buffer, csv.WriteOptions(include_header=False))
    return Rows(tuple(table.column_names), buffer.getvalue(), len(frame))


def copy_rows(cursor: Any, target: tuple[str, str], rows: Rows) -> int:
    """COPY rows into a table; returns the number of rows the server counted.

    Args:
        cursor: psycopg2 cursor inside the caller's transaction.
        target: Schema and table.
        rows: The rows; their columns are named as the table's.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(*target), sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    )
    cursor.copy_expert(statement.as_string(cursor), io.BytesIO(rows.text))
    return int(cursor.rowcount)


def copy_frame(cursor: Any, target: tuple[str, str], frame: pd.DataFrame, constants: dict[str, Any]) -> int:
    """COPY a frame into a table; returns the number of rows the server counted.

    Args:
        cursor: psycopg2 cursor inside the caller's transaction.
        target: Schema and table.
        frame: As for :func:`frame_rows`.
        constants: As for :func:`frame_rows`.
    """
    return copy_rows(cursor, target, frame_rows(frame, constants))


class FactLoader:
    """Fills the partitions of one source run, one per fact, release by release; attached by :meth:`finish`.

    A release is written as soon as it is read, so that a year of thirty substances needs the memory of one.
    Everything happens in the caller's transaction: a load that fails leaves neither table nor row behind.

    Args:
        conn: Connection as ``wh_loader``; the caller commits.
        run_id: The source run; names the partitions.
        keyed_first: Whether a partition has its key before its rows: half as fast, but a row that breaks
            the key is found with the release it belongs to.
    """

    def __init__(self, conn: PgConnection, run_id: int, *, keyed_first: bool = False) -> None:
        self._conn = conn
        self._run_id = run_id
        self._keyed_first = keyed_first
        self._partitions: dict[str, str] = {}

    @contextmanager
    def one_release(self) -> Iterator[None]:
        """What happens in this block happens whole or not at all; what was done before it stands."""
        before = dict(self._partitions)
        with self._conn.cursor() as cursor:
            cursor.execute("SAVEPOINT one_release")
        try:
            yield
        except BaseException:
            if not self._conn.closed:
                with self._conn.cursor() as cursor:
                    cursor.execute("ROLLBACK TO SAVEPOINT one_release")
                self._partitions = before
            raise
        with self._conn.cursor() as cursor:
            cursor.execute("RELEASE SAVEPOINT one_release")

    def add(self, release_id: str, fact_name: str, rows: Rows) -> int:
        """Write one release's rows; returns how many, equal to the rows that were sent.

        Raises:
            RowCountError: if the server counted other rows than were sent.
        """
        with self._conn.cursor() as cursor:
            if fact_name not in self._partitions:
                cursor.execute("SELECT ops.create_load_partition(%s, %s)", (fact_name, self._run_id))
                (self._partitions[fact_name],) = cursor.fetchone()
                if self._keyed_first:
                    cursor.execute("SELECT ops.key_load_partition(%s, %s)", (fact_name, self._run_id))
            partition = self._partitions[fact_name]
            count = copy_rows(cursor, ("core", partition), rows)
        if count != rows.count:
            msg = f"{release_id}: {rows.count} rows were sent, {count} arrived in core.{partition}"
            raise RowCountError(msg)
        return count

    def finish(self) -> None:
        """Key, analyse and attach what was filled."""
        with self._conn.cursor() as cursor:
            for fact_name in self._partitions:
                cursor.execute("SELECT ops.attach_load_partition(%s, %s)", (fact_name, self._run_id))


def load_facts(conn: PgConnection, run_id: int, releases: Sequence[tuple[str, Parsed]]) -> dict[str, int]:
    """Create, fill, key and attach the partitions of one source run; see :class:`FactLoader`.

    Args:
        conn: Connection as ``wh_loader``; the caller commits.
        run_id: The source run; names the partitions.
        releases: (release id, parsed content); the columns of each frame are those of its dataset's fact.

    Returns:
        Rows loaded per release id.
    """
    loader = FactLoader(conn, run_id)
    loaded: dict[str, int] = {}
    for release_id, parsed in releases:
        fact = schema.fact(catalog.dataset(parsed.dataset).fact)
        fact.check_frame(parsed.rows.columns)
        constants: dict[str, Any] = {"run_id": run_id, "release_id": release_id}
        if fact.by_substance:
            constants["substance"] = parsed.substance
        loaded[release_id] = loader.add(release_id, fact.name, frame_rows(parsed.rows, constants))
    loader.finish()
    return loaded


def load_rejects(conn: PgConnection, run_id: int, snapshot: dict[str, Any], rejects: pd.DataFrame) -> int:
    """Write the cells that are no facts, with reason and place; returns how many.

    Args:
        conn: Connection as ``wh_loader``; the caller commits.
        run_id: The source run.
        snapshot: ``snapshot_sha256``, ``dataset`` and ``substance`` of the bytes they were found in.
        rejects: sheet_row, column_name, raw_value, reason.
    """
    return copy_rejects(conn, frame_rows(rejects, {"run_id": run_id, **snapshot}))


def copy_rejects(conn: PgConnection, rejects: Rows) -> int:
    """Write the cells that are no facts; returns how many.

    Args:
        conn: Connection as ``wh_loader``; the caller commits.
        rejects: Rows of ``staging.rejected_cell``.
    """
    if rejects.count == 0:
        return 0
    with conn.cursor() as cursor:
        return copy_rows(cursor, ("staging", "rejected_cell"), rejects)
