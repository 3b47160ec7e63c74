"""`klimatpuls source new` and `source fetch`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from klimatpuls.cli import session
from klimatpuls.contract import catalog
from klimatpuls.errors import EXIT_QUARANTINE, UsageError
from klimatpuls.operations.new_source import write_source
from klimatpuls.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize("kind", ["json", "pxweb"])
def test_a_new_source_has_its_folder_fixture_test_and_page(tmp_path: Path, kind: str) -> None:
    written = write_source("bird_counts", kind, tmp_path)
    folders = {"include/klimatpuls/sources/bird_counts", "tests/fixtures/bird_counts"}
    assert {str(path.parent) for path in written} == {*folders, "tests/unit/sources", "docs/sources"}
    for path in written:
        text = (tmp_path / path).read_text(encoding="utf-8")
        assert "my_source" not in f"{path}{text}"
        assert "my-source" not in text
    sources = tmp_path / "include/klimatpuls/sources"
    (sources / "shared.yaml").write_text("services: {}\ntolerances: {}\n", encoding="utf-8")
    entry = catalog.read_sources(sources)["bird_counts"]
    path = "/api/v2" if kind == "pxweb" else ""
    assert (entry.conn_id, entry.mock_path) == ("bird_counts_default", f"/bird_counts{path}")
    assert (entry.datasets[0].px_table is not None) == (kind == "pxweb")
    contract = yaml.safe_load((sources / "bird_counts/contract.yaml").read_text(encoding="utf-8"))
    assert contract["marts"]["bird_counts"]["fact"] == entry.datasets[0].fact == "bird_counts"


def test_what_is_written_passes_the_linters(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "include", tmp_path / "include", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    written = [
        str(path)
        for kind in ("json", "pxweb")
        for path in write_source(f"bird_{kind}", kind, tmp_path)
        if path.suffix == ".py"
    ]
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *written],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "name", ["", "Birds", "no-dash", "1birds", "../up", "lambda", "kolada", "population"]
)
def test_a_name_that_cannot_be_one_or_is_taken_writes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        write_source(name, "json", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    page = tmp_path / "docs/sources/bird_counts.md"
    page.parent.mkdir(parents=True)
    page.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"bird_counts\.md exists already"):
        write_source("bird_counts", "json", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [page]
    assert page.read_text(encoding="utf-8") == "mine"


@dataclass
class Outcome:
    exit_code: int


def test_fetch_runs_one_source_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    stack, ran = object(), []

    @contextmanager
    def running(home: object, say: object, purpose: str) -> Iterator[object]:
        yield stack

    def refresh(on: object, say: object, sources: list[str], conf: object = None) -> Outcome:
        ran.append((on, sources, conf))
        return Outcome(EXIT_QUARANTINE)

    monkeypatch.setattr(session, "_running", running)
    monkeypatch.setattr(session, "_refresh", refresh)
    assert session.fetch_source("home", "kolada", print) == EXIT_QUARANTINE
    assert ran == [(stack, ["kolada"], None)]
    with pytest.raises(UsageError, match="no_such"):
        session.fetch_source("home", "no_such", print)
    assert len(ran) == 1
