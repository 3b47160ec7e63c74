"""Hop 2's database half: tidy rows become a partition of ``core``, by COPY, in one transaction.

The partition is attached with the load and stays invisible until a publication names its releases: marts
read only through the current publication's list. A load that fails leaves neither table nor row behind.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.releases import Parsed

# Fact table → its value column in a parsed frame; a frame says by its columns which table it belongs to.
FACT_TABLES = {"value": "fct_emission", "population_count": "fct_population"}


def fact_table(rows: pd.DataFrame) -> str:
    """The core table that a parsed frame belongs to.

    Raises:
        ValueError: if the frame is of no known shape.
    """
    for column, table in FACT_TABLES.items():
        if column in rows.columns:
            return table
    msg = f"no fact table for a frame with the columns {list(rows.columns)}"
    raise ValueError(msg)


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


def load_facts(conn: PgConnection, run_id: int, releases: Sequence[tuple[str, Parsed]]) -> dict[str, int]:
    """Create, fill, key and attach the partition of one source run.

    Args:
        conn: Connection as ``wh_loader``; the caller commits.
        run_id: The source run; names the partition.
        releases: (release id, parsed content), all of one fact table.

    Returns:
        Rows loaded per release id, equal to the rows of each parsed frame.

    Raises:
        ValueError: if the releases belong to different fact tables.
        RuntimeError: if the server counted other rows than were sent.
    """
    tables = {fact_table(parsed.rows) for _, parsed in releases}
    if len(tables) != 1:
        msg = f"the releases of run {run_id} belong to {len(tables)} fact tables: {sorted(tables)}"
        raise ValueError(msg)
    fact = tables.pop()
    loaded: dict[str, int] = {}
    with conn.cursor() as cursor:
        cursor.execute("SELECT ops.create_load_partition(%s, %s)", (fact, run_id))
        (partition,) = cursor.fetchone()
        for release_id, parsed in releases:
            constants: dict[str, Any] = {"run_id": run_id, "release_id": release_id}
            frame = parsed.rows
            if fact == "fct_emission":
                constants["substance"] = parsed.substance
                frame = frame.rename(columns={"value": "emissions"})
            count = copy_frame(cursor, ("core", partition), frame, constants)
            if count != len(parsed.rows):
                msg = f"{release_id}: {len(parsed.rows)} rows were sent, {count} arrived in core.{partition}"
                raise RuntimeError(msg)
            loaded[release_id] = count
        cursor.execute("SELECT ops.attach_load_partition(%s, %s)", (fact, run_id))
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
