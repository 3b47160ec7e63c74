"""Reading register files: where they lie, and errors that name file, row and column."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from klimatpuls.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

REGISTERS_FOLDER = Path(__file__).resolve().parents[2] / "registers"


class RegisterError(UsageError):
    """A register file says something it may not say; nothing was carried into the warehouse."""

    def __init__(self, file: str, where: str, expected: str, found: object) -> None:
        super().__init__(
            f"register {file}, {where}: expected {expected}, found {found!r}; correct the file, "
            "its shape is explained in include/registers/README.md"
        )


def read_rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV register.

    Args:
        path: The file, UTF-8 with a header line.
        columns: The header it must have, in this order.

    Returns:
        Line number in the file (the header is line 1) and column → text with blanks at the ends removed.

    Raises:
        RegisterError: if the file is missing, its header differs or a row has too few or too many cells.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RegisterError(path.name, "file", f"a file at {path.parent}", "none") from None
    reader = csv.reader(text.splitlines())
    header = tuple(next(reader, ()))
    if header != columns:
        raise RegisterError(path.name, "line 1", f"the header {','.join(columns)}", ",".join(header))
    rows: list[tuple[int, dict[str, str]]] = []
    for cells in reader:
        if not cells:
            continue
        if len(cells) != len(columns):
            raise RegisterError(path.name, f"line {reader.line_num}", f"{len(columns)} cells", len(cells))
        stripped = (cell.strip() for cell in cells)
        rows.append((reader.line_num, dict(zip(columns, stripped, strict=True))))
    return rows


def read_mapping(path: Path) -> Mapping[str, Any]:
    """The mapping a YAML register holds.

    Raises:
        RegisterError: if the file is missing, is no YAML or holds something else than a mapping.
    """
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RegisterError(path.name, "file", f"a file at {path.parent}", "none") from None
    except yaml.YAMLError as error:
        raise RegisterError(path.name, "file", "YAML", str(error)) from error
    if not isinstance(document, dict):
        raise RegisterError(path.name, "file", "a mapping", type(document).__name__)
    return cast("Mapping[str, Any]", document)


def read_flag(file: str, where: str, text: str) -> bool:
    """``true`` or ``false``.

    Raises:
        RegisterError: for every other word; an empty cell is no ``false``.
    """
    if text not in ("true", "false"):
        raise RegisterError(file, where, "true or false", text)
    return text == "true"


def read_date(file: str, where: str, text: str) -> dt.date | None:
    """An ISO date, or None for an empty cell.

    Raises:
        RegisterError: for anything else; a month without a day is no date.
    """
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise RegisterError(file, where, "a date such as 2024-02-29, or nothing", text) from None
