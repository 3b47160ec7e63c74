"""The finished query texts of a validation: a check with its values, wrapped to measure or to list findings.

Great Expectations takes a finished query text and no parameters. So the named values of a check are written
into it as SQL literals by SQLAlchemy's own typed rendering, and only after they were admitted: whole numbers,
finite decimals, and strings of letters, digits, ``_ . -`` that come from the catalogue, the release ids or
the reference files. Nothing a publisher wrote gets into a query.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klimatpuls.validation.gates import SAMPLE_SIZE
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from sqlalchemy import Dialect

    from klimatpuls.validation.gates import Rule
    from klimatpuls.validation.suites import Value

_SAFE_TEXT = re.compile(r"[A-Za-z0-9_.-]*")

WORK_MEM = "64MB"
"""Memory per sort or hash of a check: with PostgreSQL's 4 MB the sums of 255 000 rows sort on disk, at three
times the time."""


@dataclass(frozen=True, slots=True)
class Check:
    """One rule with the finished text of its query, for the releases of one dataset."""

    rule: Rule
    limit: float
    sql: str
    dataset: str
    release_ids: tuple[str, ...]

    @property
    def key(self) -> str:
        """Name that is unique within a run."""
        return f"{self.dataset}:{self.rule.name}"

    @property
    def measuring_sql(self) -> str:
        """One row per release that has compared cells: largest, smallest, finding_count (names the batch)."""
        return load_sql("validate/measure.sql").format(check=self.sql, batch="{batch}")

    @property
    def findings_sql(self) -> str:
        """The first findings of every release."""
        return load_sql("validate/findings.sql").format(check=self.sql, sample_size=SAMPLE_SIZE)


def with_literals(sql: str, values: Mapping[str, Value]) -> str:
    """A query with its named values (``:name``) written in as SQL literals.

    Args:
        sql: Text with ``:name`` for every value and no ``%`` and no brace in it.
        values: At least the values the text names.

    Returns:
        Text that needs no parameters, for SQLAlchemy and Great Expectations alike.

    Raises:
        ValueError: if a value is missing or is not of the few harmless kinds, or the text holds a character
            that a later layer would read as its own.

    Example: ``x > :limit`` with limit 0.5 → ``x > 0.5``.
    """
    from sqlalchemy import BigInteger, Text, bindparam, text
    from sqlalchemy.dialects import postgresql

    if set("%{}") & set(sql):
        msg = f"a check may hold neither % nor braces, they belong to other layers: {sql[:80]!r}"
        raise ValueError(msg)
    # Named parameters, because the driver's own style would double every percent sign.
    dialect: Dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    statement = text(sql)
    names = list(statement.compile(dialect=dialect).params)
    params = []
    for name in names:
        if name not in values:
            msg = f"a check names the value {name!r}, for which there is no value"
            raise ValueError(msg)
        value = _admit(name, values[name])
        if isinstance(value, list):
            item_type = Text if any(isinstance(item, str) for item in value) else BigInteger
            params.append(bindparam(name, value, type_=postgresql.ARRAY(item_type)))
        else:
            params.append(bindparam(name, value))
    compiled = statement.bindparams(*params).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return str(compiled)


def _admit(name: str, value: Value) -> int | float | str | list[int] | list[str]:
    """The value, if it is one that may stand in a query's text.

    Raises:
        ValueError: if it is not.
    """
    items = [value] if isinstance(value, str | int | float) else list(value)
    for item in items:
        harmless = (
            _SAFE_TEXT.fullmatch(item) is not None
            if isinstance(item, str)
            else isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item)
        )
        if not harmless:
            msg = f"the value of {name} may not stand in a query: {item!r}"
            raise ValueError(msg)
    return value if isinstance(value, str | int | float) else list(value)  # type: ignore[return-value]
