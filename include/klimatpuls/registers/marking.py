"""Marks mistakes in a copy of a workbook: in colour, with a remark, and in a first sheet that lists all."""

from __future__ import annotations

import io
import zipfile
from collections import defaultdict
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from klimatpuls.registers.archive import MAX_INFLATED_BYTES
from klimatpuls.registers.reading import MAX_BYTES, is_workbook, title_of_sheet
from klimatpuls.registers.sheets import LOCKED_COLOR, add_list, workbook_bytes
from klimatpuls.translations import message, translate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from openpyxl import Workbook

    from klimatpuls.registers.reading import Mistake

AUTHOR: Final = "Klimatpuls"
_COLOR: Final = "FFFFC7CE"
_SHEET: Final = message("Mistakes")
_HEADINGS: Final = (
    message("Sheet"),
    message("Cell"),
    message("Column"),
    message("What is wrong"),
    message("What to do"),
)
_UNREADABLE: Final = (
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    OSError,
    zipfile.BadZipFile,
    ET.ParseError,
)
"""What the library raises for a workbook that it cannot read."""


def write_marked_copy(path: Path, mistakes: Sequence[Mistake]) -> Path | None:
    """Write a copy of a workbook with its mistakes beside it, as ``<name> – fel.xlsx``.

    Args:
        path: The workbook. A copy that was marked before is written again, its earlier marks taken out.
        mistakes: What is wrong with it.

    Returns:
        The copy; None where the file is no .xlsx, or cannot be written by the library.
    """
    from openpyxl import load_workbook

    body = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    if not is_workbook(body):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_INFLATED_BYTES:
                return None
        book = load_workbook(io.BytesIO(body))
        _mark(book, mistakes)
        marked = workbook_bytes(book)
    except _UNREADABLE:
        return None
    ending = translate("sv", "{name} – mistakes", name="")
    copy = path.with_name(f"{path.stem.removesuffix(ending)}{ending}.xlsx")
    copy.touch(mode=path.stat().st_mode & 0o777)
    copy.write_bytes(marked)
    return copy


def _mark(book: Workbook, mistakes: Sequence[Mistake]) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    title = translate("sv", _SHEET)
    if title in book.sheetnames:
        del book[title]
    for sheet in book.worksheets:
        for cell in [cell for row in sheet.iter_rows() for cell in row if cell.comment]:
            if cell.comment.author == AUTHOR:
                cell.comment = None
                is_grey = sheet.protection.sheet and cell.protection.locked
                cell.fill = PatternFill("solid", start_color=LOCKED_COLOR) if is_grey else PatternFill()
    texts: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    rows = []
    for mistake in mistakes:
        name = title_of_sheet(mistake.file)
        cell = mistake.cell or _first_cell(mistake)
        problem, remedy = _sentence(mistake.problem.sv), mistake.remedy.sv
        column = mistake.column.sv if mistake.column else ""
        if name in book.sheetnames and cell:
            texts[name, cell].append(f"{problem} {remedy}")
            rows.append((name, cell, column, problem, remedy))
        else:
            rows.append((mistake.file, mistake.place.sv, column, problem, remedy))
    for (name, place), lines in texts.items():
        cell = book[name][place]
        cell.fill = PatternFill("solid", start_color=_COLOR)
        cell.comment = Comment("\n\n".join(lines), AUTHOR, height=30 + 60 * len(lines), width=320)
    heading = translate(
        "sv",
        "{count} cells and rows to correct. Correct them here, save, and import this file.",
        count=len(rows),
    )
    add_list(book, title, heading, [translate("sv", text) for text in _HEADINGS], rows)
    book.active = 0


def _first_cell(mistake: Mistake) -> str:
    """The first cell of the row of a mistake that is in no single one; empty where it is in no row."""
    number = dict(mistake.place.values).get("number")
    return f"A{number}" if isinstance(number, int) and title_of_sheet(mistake.file) else ""


def _sentence(text: str) -> str:
    is_name = "." in text.split(" ", 1)[0]
    return f"{text}." if is_name else f"{text[:1].upper()}{text[1:]}."
