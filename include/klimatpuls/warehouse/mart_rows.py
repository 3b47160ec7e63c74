"""Finds rows of the marts by values of their columns, and lists the values there are.

Everything is read as ``bi_read``. Names of marts and columns come from the contract; values are parameters.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from psycopg2 import sql

from klimatpuls.errors import UsageError
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.contract.schema import Mart

LISTED: Final = 40
"""How many values of a column a message lists; of the others it gives the number."""
_NUMBERS: Final = {"smallint": int, "integer": int, "bigint": int, "double precision": float}

Row = dict[str, Any]
Condition = tuple["sql.Composable", tuple[Any, ...]]
"""A condition of a query with the values of its placeholders."""


def has_column(mart: Mart, name: str) -> bool:
    """Whether a mart has a column of this name."""
    return any(column.name == name for column in mart.columns)


def compare(mart: Mart, column: str, relation: str, value: str) -> Condition:
    """A condition on a column, its value in the column's type; an empty value is NULL.

    Args:
        mart: The mart.
        column: One of its columns.
        relation: ``=``, ``!=``, ``>=`` or ``<=``.
        value: What to compare with, as text.

    Raises:
        UsageError: if the column holds numbers and the value is none.
    """
    name = sql.Identifier(column)
    if value == "" and relation == "=":
        return sql.SQL("{} IS NULL").format(name), ()
    kind = next(one.type for one in mart.columns if one.name == column)
    try:
        wanted = _NUMBERS.get(kind, str)(value)
    except ValueError:
        msg = f"{column} is a number, not {value!r}"
        raise UsageError(msg) from None
    written = sql.SQL("{} {} %s" if kind in _NUMBERS or kind == "text" else "{}::text {} %s")
    return written.format(name, sql.SQL(relation.replace("!=", "<>"))), (wanted,)


def read_rows(
    cursor: Cursor, mart: Mart, conditions: Sequence[Condition], *, limit: int | None = None
) -> list[Row]:
    """Rows of a mart in the order of its key, every column of the contract by name."""
    names = [column.name for column in mart.columns]
    statement = sql.SQL(load_sql("trace/rows.sql")).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, names)),
        mart=sql.Identifier("mart", mart.name),
        conditions=_all_of(conditions),
        key=sql.SQL(", ").join(map(sql.Identifier, mart.key)),
    )
    cursor.execute(statement, [value for _, values in conditions for value in values])
    rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
    return [dict(zip(names, row, strict=True)) for row in rows]


def read_set(cursor: Cursor, mart: Mart, conditions: Sequence[Condition]) -> pd.DataFrame:
    """A set of rows of a mart as a frame in no order: every column but names, which many rows repeat."""
    import pandas as pd

    names = [column.name for column in mart.columns if "_name" not in column.name]
    statement = sql.SQL(load_sql("trace/set.sql")).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, names)),
        mart=sql.Identifier("mart", mart.name),
        conditions=_all_of(conditions),
    )
    cursor.execute(statement, [value for _, values in conditions for value in values])
    return pd.DataFrame(cursor.fetchall(), columns=names)


def read_keys(cursor: Cursor, mart: Mart, given: Mapping[str, str]) -> tuple[int, dict[str, list[str]]]:
    """The number of rows that match the given columns, and their values of the keys that are not given."""
    wanted = [key for key in mart.key if key not in given] or [mart.key[0]]
    count, values = _aggregate(cursor, mart, wanted, given)
    return count, dict(zip(wanted, values, strict=True))


def read_values(cursor: Cursor, mart: Mart, column: str, given: Mapping[str, str]) -> list[str]:
    """The values of one column in the rows that match the given columns."""
    return _aggregate(cursor, mart, [column], given)[1][0]


def find_row(cursor: Cursor, mart: Mart, given: Mapping[str, str]) -> Row:
    """The one row that matches the given columns.

    Args:
        cursor: Cursor in a transaction.
        mart: The mart.
        given: Column → value as text; a region also matches rows without a region, such as a national line.

    Raises:
        UsageError: if they match none or several; the message lists the values to choose from.
    """
    if strange := [key for key in given if not has_column(mart, key)]:
        msg = f"mart.{mart.name} has no column {', '.join(strange)}; its keys are {', '.join(mart.key)}"
        raise UsageError(msg)
    found = read_rows(cursor, mart, _conditions(mart, given), limit=2)
    if len(found) == 1:
        return found[0]
    if found:
        _, keys = read_keys(cursor, mart, given)
        several = {key: values for key, values in keys.items() if len(values) > 1 and key not in given}
        choices = "; ".join(f"{key} among {_short(values)}" for key, values in several.items())
        msg = f"mart.{mart.name} has several such rows; choose {choices}"
        raise UsageError(msg)
    raise UsageError(_nothing(cursor, mart, given))


def nearest(word: str, known: Sequence[str]) -> str:
    """The end of a message: the names most like a word; empty where none is like it."""
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _nothing(cursor: Cursor, mart: Mart, given: Mapping[str, str]) -> str:
    """The message that names the column without a match, and the values that column has."""
    for key in given:
        rest = {name: value for name, value in given.items() if name != key}
        values = read_values(cursor, mart, key, rest)
        if values:
            return (
                f"mart.{mart.name} has no row with {key} {given[key]}{nearest(given[key], values)}; "
                f"there are {_short(values)}"
            )
    conditions = ", ".join(f"{key} {value}" for key, value in given.items())
    return f"mart.{mart.name} has no row with {conditions}"


def _aggregate(
    cursor: Cursor, mart: Mart, columns: Sequence[str], given: Mapping[str, str]
) -> tuple[int, list[list[str]]]:
    conditions = _conditions(mart, given)
    statement = sql.SQL(load_sql("trace/keys.sql")).format(
        keys=sql.SQL(", ").join(
            sql.SQL("array_agg(DISTINCT {0} ORDER BY {0})").format(sql.Identifier(column))
            for column in columns
        ),
        mart=sql.Identifier("mart", mart.name),
        conditions=_all_of(conditions),
    )
    cursor.execute(statement, [value for _, values in conditions for value in values])
    count, *found = fetch_row(cursor)
    return count, [[str(value) for value in values or () if value is not None] for values in found]


def _conditions(mart: Mart, given: Mapping[str, str]) -> list[Condition]:
    """Conditions of equality; a region matches its own rows and those without a region."""
    found = []
    for key, value in given.items():
        part, values = compare(mart, key, "=", value)
        if key == "region_code" and key not in mart.key:
            part = sql.SQL("({} OR {} IS NULL)").format(part, sql.Identifier(key))
        found.append((part, values))
    return found


def _all_of(conditions: Sequence[Condition]) -> sql.Composable:
    return sql.SQL(" AND ").join(part for part, _ in conditions) if conditions else sql.SQL("TRUE")


def _short(values: Sequence[str]) -> str:
    more = len(values) - LISTED
    return ", ".join(values[:LISTED]) + (f" and {more} more" if more > 0 else "")
