"""Hop 2's database half: tidy rows become a partition of ``core``, by COPY, in one transaction.

The partition is attached with the load and stays invisible until a publication names its releases: marts
read only through the current publication's list. A load that fails leaves neither table nor row behind.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from klimatpuls.releases import fact_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.releases import Parsed


def copy_frame(cursor: Any, target: tuple[str, str], frame: pd.DataFrame, constants: dict[str, Any]) -> int:
    """COPY a frame into a table; returns the number of rows the server counted.

    Args:
        cursor: psycopg2 cursor inside the caller's transaction.
        target: Schema and table.
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
    buffer.seek(0)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(*target), sql.SQL(", ").join(map(sql.Identifier, table.column_names))
    )
    cursor.copy_expert(statement.as_string(cursor), buffer)
    return int(cursor.rowcount)


class FactLoader:
    """Fills the partitions of one source run, one per fact, release by release; attached by :meth:`finish`.

    A release is written as soon as it is parsed, so that a year of thirty substances needs the memory of one.
    Everything happens in the caller's transaction: a load that fails leaves neither table nor row behind.

    Args:
        conn: Connection as ``wh_loader``; the caller commits.
        run_id: The source run; names the partitions.
    """

    def __init__(self, conn: PgConnection, run_id: int) -> None:
        self._conn = conn
        self._run_id = run_id
        self._partitions: dict[str, str] = {}

    def add(self, release_id: str, parsed: Parsed) -> int:
        """Write one release's rows; returns how many, equal to the rows of the parsed frame.

        Raises:
            ContractError: if the frame lacks columns of its fact or has others.
            RuntimeError: if the server counted other rows than were sent.
        """
        fact = fact_of(parsed.dataset)
        fact.check_frame(parsed.rows.columns)
        constants: dict[str, Any] = {"run_id": self._run_id, "release_id": release_id}
        if fact.by_substance:
            constants["substance"] = parsed.substance
        with self._conn.cursor() as cursor:
            if fact.name not in self._partitions:
                cursor.execute("SELECT ops.create_load_partition(%s, %s)", (fact.name, self._run_id))
                (self._partitions[fact.name],) = cursor.fetchone()
            partition = self._partitions[fact.name]
            count = copy_frame(cursor, ("core", partition), parsed.rows, constants)
        if count != len(parsed.rows):
            sent = len(parsed.rows)
            msg = f"{release_id}: {sent} rows were sent, {count} arrived in core.{partition}"
            raise RuntimeError(msg)
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
    loaded = {release_id: loader.add(release_id, parsed) for release_id, parsed in releases}
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
    if rejects.empty:
        return 0
    with conn.cursor() as cursor:
        return copy_frame(cursor, ("staging", "rejected_cell"), rejects, {"run_id": run_id, **snapshot})
