"""Paths of the project's files other than Python: SQL and the reviewed registers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_INCLUDE: Final = Path(__file__).resolve().parents[1]
PROJECT: Final = _INCLUDE.parent
SQL_ROOT: Final = _INCLUDE / "sql"
SOURCE_TEMPLATE: Final = _INCLUDE / "source_template"
"""The files of a new source, with a placeholder for its id."""
REGISTERS_FOLDER: Final = _INCLUDE / "registers"
"""The reviewed files of this project; another network sets its own folder (KLIMATPULS_REGISTERS)."""
