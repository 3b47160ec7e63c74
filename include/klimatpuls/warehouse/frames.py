"""Reads a query's rows from the warehouse as a pandas frame, by COPY."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from psycopg2.extensions import cursor as Cursor

# Codes are text with leading zeros; the type of every other column is inferred from its values.
TEXT_COLUMNS = (
    "region_code",
    "indicator_code",
    "sector_code",
    "substance",
    "release_id",
    "county_code",
    "raw_value",
)


def read_frame(cursor: Cursor, name: str, parameters: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of one SELECT file of ``include/sql``.

    Args:
        cursor: Cursor inside the caller's transaction.
        name: File below ``include/sql``, such as ``read/population_facts.sql``.
        parameters: Values of the file's named parameters.

    Returns:
        One row per result row; column names as the query gives them; the columns of ``TEXT_COLUMNS`` are
        text. For codes and numbers only: a truth value or a date would arrive as text.
    """
    from pyarrow import csv, string

    query = cursor.mogrify(load_sql(name), dict(parameters)).decode()
    buffer = io.BytesIO()
    cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)", buffer)
    buffer.seek(0)
    options = csv.ConvertOptions(
        column_types={column: string() for column in TEXT_COLUMNS}, strings_can_be_null=True
    )
    frame: pd.DataFrame = csv.read_csv(buffer, convert_options=options).to_pandas()
    return frame
