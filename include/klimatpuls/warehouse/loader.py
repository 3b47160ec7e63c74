"""Loads rows into a partition of ``core`` by COPY, in one transaction: the database part of the step load.

The partition is attached with the load, but stays invisible until a publication lists its releases. A load
that fails leaves neither table nor row behind.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from klimatpuls.warehouse.connection import fetch_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as Cursor


class RowCountError(RuntimeError):
    """The server counted another number of rows than were sent."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as text in the format of COPY.

    Attributes:
        columns: Names of the columns, in their order.
        text: The rows as CSV without a header; nothing between two commas is NULL.
        count: How many rows there are.
    """

    columns: tuple[str, ...]
    text: bytes
    count: int


def frame_rows(frame: pd.DataFrame, constants: dict[str, Any]) -> Rows:
    """A frame as text in the format of COPY.

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


def copy_rows(cursor: Cursor, target: tuple[str, str], rows: Rows) -> int:
    """COPY rows into a table; returns the number of rows the server counted.

    Args:
        cursor: Cursor inside the caller's transaction.
        target: Schema and table.
        rows: The rows; the columns have the names of the table's.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(*target), sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    )
    cursor.copy_expert(statement.as_string(cursor), io.BytesIO(rows.text))
    return int(cursor.rowcount)


class FactLoader:
    """Fills the partitions of one source run, one per fact; :meth:`finish` attaches them.

    Each release is written as soon as it is read, so thirty substances need the memory of one. Everything
    happens in the caller's transaction.

    Args:
        conn: Connection as ``wh_loader``; the caller commits.
        run_id: The source run; names the partitions.
        keyed_first: Whether a partition gets its key before its rows. This is half as fast, but shows which
            release has a row that breaks the key.
    """

    def __init__(self, conn: PgConnection, run_id: int, *, keyed_first: bool = False) -> None:
        self._conn = conn
        self._run_id = run_id
        self._keyed_first = keyed_first
        self._partitions: dict[str, str] = {}

    @contextmanager
    def one_release(self) -> Iterator[None]:
        """Undo everything done in the block if it raises; earlier releases stay loaded."""
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
        """Write the rows of one release; returns how many.

        Raises:
            RowCountError: if the server counted other rows than were sent.
        """
        with self._conn.cursor() as cursor:
            if fact_name not in self._partitions:
                cursor.execute("SELECT ops.create_load_partition(%s, %s)", (fact_name, self._run_id))
                (self._partitions[fact_name],) = fetch_row(cursor)
                if self._keyed_first:
                    cursor.execute("SELECT ops.key_load_partition(%s, %s)", (fact_name, self._run_id))
            partition = self._partitions[fact_name]
            count = copy_rows(cursor, ("core", partition), rows)
        if count != rows.count:
            msg = f"{release_id}: {rows.count} rows were sent, {count} arrived in core.{partition}"
            raise RowCountError(msg)
        return count

    def finish(self) -> None:
        """Add the keys of the filled partitions, analyse and attach them."""
        with self._conn.cursor() as cursor:
            for fact_name in self._partitions:
                cursor.execute("SELECT ops.attach_load_partition(%s, %s)", (fact_name, self._run_id))


def copy_rejects(conn: PgConnection, rejects: Rows) -> int:
    """Write the refused cells; returns how many.

    Args:
        conn: Connection as ``wh_loader``; the caller commits.
        rejects: Rows of ``staging.rejected_cell``.
    """
    if rejects.count == 0:
        return 0
    with conn.cursor() as cursor:
        return copy_rows(cursor, ("staging", "rejected_cell"), rejects)
