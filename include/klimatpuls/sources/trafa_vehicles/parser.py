"""Reads whatever Trafikanalys publishes of vehicles: answers of its interface, or its workbook."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Final

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from klimatpuls.contract.releases import Parsed
from klimatpuls.files.archive_safety import check_workbook
from klimatpuls.sources.trafa_vehicles.answers import SOURCE_ID, refuse
from klimatpuls.sources.trafa_vehicles.figures import read_figures
from klimatpuls.sources.trafa_vehicles.workbook import read_workbook, title_of

if TYPE_CHECKING:
    from collections.abc import Sequence


WORKBOOK: Final = "trafa_vehicles_workbook"
_KEYS: Final = ("region_code", "vehicle_code", "fuel_code", "measure_code", "year")
_COLUMNS: Final = (*_KEYS, "vehicle_count", "sheet_row")
_REJECT_COLUMNS: Final = ("sheet_row", "column_name", "raw_value", "reason")


def parse(parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
    """Turn the interface's answers, or the workbook, into one row per area, vehicle, fuel, measure and year.

    Args:
        parts: Structure and answers, or one workbook; the bytes show which of the two.
        dataset: ``trafa_vehicles`` or ``trafa_vehicles_workbook``.
        substance: None.

    Returns:
        Rows of the fact ``vehicle``. Vehicles without a municipality and missing cells are expected rejects.
        ``notes`` say what differs from the recordings.

    Raises:
        SourceFormatError: if an answer is an error, a table or column is missing or unknown, an area is
            unknown, or a cell occurs twice.
    """
    if not parts:
        refuse("empty", "no answer to read")
    if parts[0].startswith(b"PK"):
        check_workbook(parts[0], what=SOURCE_ID)
        found = read_workbook(parts[0])
    else:
        found = read_figures(parts)
    frame = pd.DataFrame(found.rows, columns=list(_COLUMNS))
    keys = list(_KEYS)
    if frame.empty:
        refuse("empty", "no figure was found")
    if frame.duplicated(keys).any():
        twice = frame[frame.duplicated(keys, keep=False)][keys].head(5).to_records(index=False).tolist()
        refuse("key_twice", f"cells that come twice: {twice}")
    return Parsed(
        dataset=dataset,
        substance=None,
        unit="vehicles",
        published_date=found.published,
        years=tuple(sorted(frame["year"].unique().tolist())),
        rows=frame.astype({name: "str" for name in keys[:4]}),
        rejects=pd.DataFrame(found.rejects, columns=list(_REJECT_COLUMNS)).astype({"sheet_row": "int64"}),
        rows_read=len(found.rows) + len(found.rejects),
        notes=tuple(found.notes),
        losses=tuple(found.losses),
    )


def recognise(body: bytes) -> tuple[str, str | None] | None:
    """Return the dataset of the yearly workbook or of an answer of the interface; None for another file."""
    if not body.startswith(b"PK"):
        return (SOURCE_ID, None) if _is_answer(body) else None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        found = any(title_of(book, name) for name in book.sheet_names)
    except (CalamineError, OSError, ValueError):
        return None
    return (WORKBOOK, None) if found else None


def _is_answer(body: bytes) -> bool:
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and bool({"StructureItems", "Rows"} & document.keys())
