"""What the import contracts cannot see: nothing of ours pulls Airflow in, and nothing is asserted away."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "include" / "klimatpuls"
PURE = ("contract", "domain", "membership", "statistics")
"""Rooms that know rules and formulas only."""
BELOW = {
    "klimatpuls.errors", "klimatpuls.clock", "klimatpuls.files.csv_text", "klimatpuls.files.yaml_text",
    "klimatpuls.translations",
}  # fmt: skip
"""What they may use beside each other. The catalogue of texts is a file of the package, like the contract."""
LIBRARIES = {"numpy", "pandas", "pydantic", "yaml", "idna"}
CLOCK_AND_ENVIRONMENT = ("environ", "getenv", "now", "today", "time", "gethostname")


def imported(file: Path) -> set[str]:
    """Every module a file imports, at its top or inside a function, ours as ``klimatpuls.<module>``."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "klimatpuls":
            found |= {f"klimatpuls.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return found


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_imports_light_libraries_and_other_pure_rooms_only(room: str) -> None:
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    strangers = {
        f"{file.name}: {module}"
        for file in files
        for module in imported(file)
        if module.split(".")[0] not in sys.stdlib_module_names | LIBRARIES
        and module not in BELOW
        and module.split(".")[:1] + module.split(".")[1:2] not in [["klimatpuls", pure] for pure in PURE]
    }
    assert strangers == set()


def test_what_a_dag_file_takes_from_the_package_is_light() -> None:
    script = (
        "import klimatpuls.contract.catalog, sys\n"
        "heavy = ('numpy', 'pandas', 'pyarrow', 'psycopg2', 'python_calamine', 'requests', 'sqlalchemy')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_no_import_reads_the_clock_or_the_environment() -> None:
    files = [*PACKAGE.rglob("*.py"), *(PROJECT / "plugins").rglob("*.py"), *(PROJECT / "dags").rglob("*.py")]
    found = [
        f"{file.relative_to(PROJECT)}:{node.lineno}"
        for file in files
        if "alembic" not in file.parts
        for statement in ast.parse(file.read_text(encoding="utf-8")).body
        for node in at_import(statement)
        if isinstance(node, ast.Attribute) and node.attr in CLOCK_AND_ENVIRONMENT
    ]
    assert found == []


def at_import(node: ast.AST) -> list[ast.AST]:
    """The nodes of a statement that run when the module is imported: not the bodies of its functions."""
    if isinstance(node, ast.Lambda):
        return []
    if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "__name__ == '__main__'"):
        return []
    children: list[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        children = [*node.decorator_list, node.args]
    return [node, *(inner for child in children for inner in at_import(child))]


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
