"""Every SQL file says in its first line what it does, and marks its values in one way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from klimatpuls.paths import SQL_ROOT

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted(path for path in SQL_ROOT.rglob("*.sql") if "migrations" not in path.parts)
RUN_BY_US = ("read", "write", "report", "trace", "export", "site")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SQL_ROOT)))
def test_a_file_begins_with_one_line_that_says_what_it_does(path: Path) -> None:
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"-- [A-Z].{8,114}\.", first), first
    assert second.strip()


@pytest.mark.parametrize("folder", RUN_BY_US)
def test_values_are_named_as_psycopg2_names_them(folder: str) -> None:
    """Positional values are mixed up unnoticed; ``VALUES %s`` is how execute_values takes its rows."""
    for path in (SQL_ROOT / folder).glob("*.sql"):
        text = path.read_text(encoding="utf-8").replace("VALUES %s", "").replace("%%", "")
        assert not re.search(r"%(?!\([a-z_0-9]+\)s)", text), path
        assert not re.search(r"(?<![:\w]):[a-z_]", text), path


def test_checks_name_their_values_as_sqlalchemy_does() -> None:
    for path in (SQL_ROOT / "checks").glob("*.sql"):
        assert "%" not in path.read_text(encoding="utf-8"), path
