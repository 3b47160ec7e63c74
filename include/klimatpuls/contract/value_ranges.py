"""Cells with values that cannot be: they are refused before anything is loaded, in every source alike. Pure.

What a value may be is the contract's: ``min``, ``max``, ``negative_only``, ``nullable`` of a fact's columns.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from klimatpuls.contract.releases import fact_of
from klimatpuls.contract.schema import SHEET_ROW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klimatpuls.contract.releases import Parsed
    from klimatpuls.contract.schema import Column

_COUNTS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_NUMBERS = {"double precision", *_COUNTS}


def refuse_impossible(parsed: Parsed) -> Parsed:
    """The release without the rows that hold a value which cannot be; each becomes a rejected cell.

    Refused are: infinite values; what is no number (also a missing value, where the column must have one);
    values outside the contract's range, negative ones above all; parts of a whole where a column counts, and
    counts too large for it.

    Args:
        parsed: What a source's parser made of its bytes; ``len(rows) + len(rejects) == rows_read``.

    Returns:
        The same object where nothing is refused. Else a copy: the rows that stay, and for each row taken away
        one reject, with the first column that is wrong, its value and a reason that names the row's key. The
        equation above still holds.
    """
    fact, rows = fact_of(parsed.dataset), parsed.rows
    refused = np.zeros(len(rows), dtype=bool)
    rejects: list[dict[str, object]] = []
    for column in fact.values:
        if column.type not in _NUMBERS:
            continue
        for reason, is_wrong in _faults(column, rows):
            new = is_wrong & ~refused
            refused |= new
            for row in rows[new].to_dict("records"):
                key = ", ".join(str(row[name]) for name in fact.key)
                rejects.append(
                    {
                        SHEET_ROW: row[SHEET_ROW],
                        "column_name": column.name,
                        "raw_value": str(row[column.name]),
                        "reason": f"{reason} ({key})",
                    }
                )
    if not rejects:
        return parsed
    together = [*parsed.rejects.to_dict("records"), *rejects]
    return replace(
        parsed,
        rows=rows[~refused].reset_index(drop=True),
        rejects=pd.DataFrame(together, columns=[SHEET_ROW, "column_name", "raw_value", "reason"]),
    )


def _faults(column: Column, rows: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """Reason and which rows it is about, the plainest reason first."""
    values = pd.to_numeric(rows[column.name], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    is_stated = rows[column.name].notna().to_numpy()
    yield "infinite", np.isinf(values)
    yield "not a number", is_stated & np.isnan(values)
    if not column.nullable:
        yield "no value", ~is_stated
    if column.negative_only is not None:
        name, codes = column.negative_only
        yield "negative", (values < 0) & ~rows[name].isin(codes).to_numpy()
    if column.minimum is not None:
        reason = "negative" if column.minimum == 0 else f"less than {column.minimum:g}"
        yield reason, values < column.minimum
    if column.maximum is not None:
        yield f"greater than {column.maximum:g}", values > column.maximum
    if column.type in _COUNTS:
        yield "not a whole number", np.isfinite(values) & (values != np.floor(values))
        yield "too large", values >= _COUNTS[column.type]
