"""The build script, with `make` replaced by one that writes down what it was asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the build script and a `make` that only keeps a diary."""
    folder = tmp_path / "clone"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    (folder / ".ci/browser").write_text("", encoding="utf-8")
    tools = tmp_path / "bin"
    tools.mkdir()
    make = tools / "make"
    make.write_text(
        '#!/bin/sh\nif read -r line; then echo "stdin: $line" >>diary; fi\n'
        'echo "$CI $1" >>diary\ntest "$1" != "$FAILING"\n',
        encoding="utf-8",
    )
    make.chmod(0o755)
    return folder


def _run(clone: Path, **settings: str) -> tuple[int, list[str]]:
    environment = {"PATH": f"{clone.parent / 'bin'}:{os.defpath}", **settings}
    done = subprocess.run(
        ["bash", str(clone / ".ci/run")],
        env=environment,
        cwd=clone.parent,
        input="y\n",
        text=True,
        capture_output=True,
        check=False,
        timeout=30,
    )
    diary = clone / "diary"
    return done.returncode, diary.read_text().splitlines() if diary.exists() else []


def test_without_real_figures_it_lints_and_tests(clone: Path) -> None:
    assert _run(clone) == (0, ["true lint", "true test", "true test-bi"])


def test_real_figures_are_used_where_their_folder_is(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "figures/smhi").mkdir(parents=True)
    result = _run(clone, KLIMATPULS_REAL_DATA=str(tmp_path / "figures"))
    assert result == (0, ["true lint", "true test", "true test-bi", "true test-real"])


@pytest.mark.parametrize(
    ("failing", "done"),
    [
        ("lint", ["true lint"]),
        ("test", ["true lint", "true test"]),
        ("test-bi", ["true lint", "true test", "true test-bi"]),
        ("test-real", ["true lint", "true test", "true test-bi", "true test-real"]),
    ],
)
def test_a_failure_ends_it_and_is_passed_on(
    clone: Path, tmp_path: Path, failing: str, done: list[str]
) -> None:
    (tmp_path / "figures/smhi").mkdir(parents=True)
    code, diary = _run(clone, FAILING=failing, KLIMATPULS_REAL_DATA=str(tmp_path / "figures"))
    assert code != 0
    assert diary == done
