"""What the import contracts cannot see: nothing of ours pulls Airflow in, and nothing is asserted away."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "include" / "klimatpuls"


def test_importing_everything_imports_no_airflow() -> None:
    # Alembic's own files are run by Alembic, not imported.
    names = sorted(
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in PACKAGE.rglob("*.py")
        if "alembic" not in path.parts
    )
    assert len(names) > 60
    script = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'airflow'])\n"
        "print([name for name in ('great_expectations', 'matplotlib.pyplot') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


def test_no_check_of_ours_is_an_assert_statement() -> None:
    files = [*PACKAGE.rglob("*.py"), *(PROJECT / "plugins").rglob("*.py"), *(PROJECT / "dags").rglob("*.py")]
    found = [
        f"{path.relative_to(PROJECT)}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert found == []
