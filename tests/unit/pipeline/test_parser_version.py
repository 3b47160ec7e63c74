"""A parser's version changes with everything its answer depends on, and with nothing else."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from klimatpuls.contract import catalog
from klimatpuls.pipeline import parser_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DATASETS = [entry.id for source in catalog.SOURCES.values() for entry in source.datasets]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package's code that is read in place of it."""
    copy = tmp_path / "klimatpuls"
    shutil.copytree(
        parser_version._FOLDER,
        copy,
        ignore=lambda _, names: {name for name in names if "__pycache__" in name},
    )
    monkeypatch.setattr(parser_version, "_FOLDER", copy)
    forget()
    yield copy
    forget()


def forget() -> None:
    parser_version.parser_version.cache_clear()
    parser_version._code_version.cache_clear()


def version(dataset: str) -> str:
    forget()
    return parser_version.parser_version(dataset)


@pytest.mark.parametrize("dataset", DATASETS)
def test_it_is_a_short_hash_and_the_same_every_time(dataset: str) -> None:
    found = version(dataset)
    assert re.fullmatch("[0-9a-f]{16}", found)
    assert version(dataset) == found


def test_it_is_the_same_in_every_process() -> None:
    """The order of a set differs between processes, the version must not: refusals hang on it."""
    import os
    import subprocess
    import sys

    script = (
        "from klimatpuls.contract import catalog\n"
        "from klimatpuls.pipeline.parser_version import parser_version\n"
        "print(*(parser_version(entry.id) for one in catalog.SOURCES.values() for entry in one.datasets))"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert len(found[0].split()) == len(DATASETS)
    assert found[0] == found[1]


def append(path: str) -> Callable[[Path], None]:
    def change(package: Path) -> None:
        with (package / path).open("a", encoding="utf-8") as file:
            file.write("\n# another version\n" if path.endswith(".py") else "\n")

    return change


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("sources/scb_population/__init__.py", {"scb_population"}),
        ("sources/smhi_emissions/__init__.py", {"smhi_emissions"}),
        ("fetch/pxweb/table.py", {"scb_population"}),
        ("fetch/pxweb/client.py", {"scb_population"}),
        ("files/archive_safety.py", {"smhi_emissions"}),
        ("domain/units.py", {"smhi_emissions"}),
        ("domain/sectors.py", {"smhi_emissions"}),
        ("domain/regions.py", {"smhi_emissions", "scb_population"}),
        ("contract/releases.py", {"smhi_emissions", "scb_population"}),
        ("pipeline/read_file.py", {"smhi_emissions", "scb_population"}),
        ("domain/reference/sectors.csv", {"smhi_emissions", "scb_population"}),
        ("report/digest.py", set()),
        ("cli/main.py", set()),
    ],
)
def test_it_follows_the_code_and_tables_that_the_parser_reads_with(
    package: Path, path: str, changed: set[str]
) -> None:
    before = {dataset: version(dataset) for dataset in ("smhi_emissions", "scb_population")}
    if not (package / path).exists():
        (package / path).parent.mkdir(exist_ok=True)
    append(path)(package)
    assert {dataset for dataset, found in before.items() if version(dataset) != found} == changed


def test_it_follows_the_libraries_and_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, libraries = parser_version.read_modules("klimatpuls.sources.smhi_emissions")
    assert {"python_calamine", "pandas", "numpy", "pyarrow"} <= libraries.keys()
    assert "klimatpuls.sources.smhi_emissions" in ours
    assert not any(name.startswith(("klimatpuls.cli.main", "klimatpuls.report")) for name in ours)
    before = version("smhi_emissions")
    real = parser_version.metadata.version
    monkeypatch.setattr(
        parser_version.metadata,
        "version",
        lambda name: "99" if name == "python_calamine" else real(name),
    )
    assert version("smhi_emissions") != before
    assert version("kolada") != before


def test_it_follows_the_contract_and_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    before = version("scb_population")
    fact = parser_version.schema.fact("population")
    monkeypatch.setattr(parser_version.schema, "fact", lambda _: replace(fact, key=("region_code",)))
    assert version("scb_population") != before


def test_to_know_it_imports_no_parser() -> None:
    import subprocess
    import sys

    script = (
        "import sys; from klimatpuls.pipeline.parser_version import parser_version\n"
        "parser_version('smhi_emissions')\n"
        "heavy = ('pandas', 'numpy', 'klimatpuls.sources.smhi_emissions')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
