"""Run the build script with a `make` that only records its calls."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with the build script and a `make` that only records its calls."""
    folder = tmp_path / "clone"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    (folder / ".ci/browser").write_text("", encoding="utf-8")
    tools = tmp_path / "bin"
    tools.mkdir()
    make = tools / "make"
    make.write_text(
        '#!/bin/sh\nif read -r line; then echo "stdin: $line" >>calls; fi\n'
        'echo "$CI $1" >>calls\ntest "$1" != "$FAILING"\n',
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
    calls = clone / "calls"
    return done.returncode, calls.read_text().splitlines() if calls.exists() else []


def test_without_real_figures_it_lints_and_tests(clone: Path) -> None:
    assert _run(clone) == (0, ["true lint", "true test", "true rehearsal", "true run", "true test-bi"])


def test_real_figures_are_used_where_their_folder_is(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "figures/smhi").mkdir(parents=True)
    result = _run(clone, KLIMATPULS_REAL_DATA=str(tmp_path / "figures"))
    assert result == (
        0,
        ["true lint", "true test", "true rehearsal", "true run", "true test-bi", "true test-real"],
    )


@pytest.mark.parametrize(
    ("failing", "done"),
    [
        ("lint", ["true lint"]),
        ("test", ["true lint", "true test"]),
        ("rehearsal", ["true lint", "true test", "true rehearsal"]),
        ("run", ["true lint", "true test", "true rehearsal", "true run"]),
        ("test-bi", ["true lint", "true test", "true rehearsal", "true run", "true test-bi"]),
        (
            "test-real",
            ["true lint", "true test", "true rehearsal", "true run", "true test-bi", "true test-real"],
        ),
    ],
)
def test_a_failure_ends_it_and_is_passed_on(
    clone: Path, tmp_path: Path, failing: str, done: list[str]
) -> None:
    (tmp_path / "figures/smhi").mkdir(parents=True)
    code, calls = _run(clone, FAILING=failing, KLIMATPULS_REAL_DATA=str(tmp_path / "figures"))
    assert code != 0
    assert calls == done


def _browser(tmp_path: Path, *, user: str, **programs: int) -> tuple[int, str, list[str]]:
    """Run the browser script where only these programs exist; each ends with its exit code."""
    tools = tmp_path / "tools"
    tools.mkdir()
    calls = tmp_path / "calls"
    for name, code in programs.items():
        _program(tools / name.replace("_", "-"), f'echo "${{0##*/}} $1" >>{calls}\nexit {code}\n')
    _program(tools / "id", f"echo {user}\n")
    _program(tools / "timeout", 'shift\nexec "$@"\n')
    done = subprocess.run(
        ["/bin/bash", str(ROOT / ".ci/browser")],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stdout, calls.read_text().splitlines() if calls.exists() else []


def _program(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
    file.chmod(0o755)


def test_an_installed_browser_is_used(tmp_path: Path) -> None:
    assert _browser(tmp_path, user="0", chromium=0, apt_get=0) == (0, "", [])


def test_root_installs_one(tmp_path: Path) -> None:
    code, output, calls = _browser(tmp_path, user="0", apt_get=0)
    assert code == 0
    assert "installing" in output
    assert calls == ["apt-get update", "apt-get install"]


@pytest.mark.parametrize(("user", "calls"), [("0", ["apt-get update"]), ("1000", [])])
def test_without_a_browser_the_build_continues_and_reports_what_is_skipped(
    tmp_path: Path, user: str, calls: list[str]
) -> None:
    code, output, made = _browser(tmp_path, user=user, apt_get=1)
    assert code == 0
    assert "only its queries are asked" in output
    assert made == calls
