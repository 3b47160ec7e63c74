"""The summary at the end of a command: what it says of rows and of calls."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from klimatpuls.cli import output
from klimatpuls.local.refresh import Outcome, SourceOutcome


def outcome(calls: dict[str, int]) -> Outcome:
    figures = {"loaded": (52_400, 16), "nothing": (0, 0)}
    return Outcome(
        sources=tuple(
            SourceOutcome(
                source=source, state="validated", detail="", rows_loaded=loaded, rows_rejected=rejected
            )
            for source, (loaded, rejected) in figures.items()
        ),
        calls=calls,
        publication=None,
        mails={},
        problems=(),
        exit_code=0,
        seconds={},
    )


@pytest.fixture
def summary(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    def of(sources: str, calls: dict[str, int]) -> list[str]:
        stack = SimpleNamespace(home=SimpleNamespace(root=tmp_path, config=SimpleNamespace(sources=sources)))
        output.print_summary(cast("Any", stack), outcome(calls))
        return capsys.readouterr().out.splitlines()

    return of


def test_rows_read_are_rows_loaded_and_cells_rejected_for_each_source(summary: Any) -> None:
    lines = summary("live", {})
    (loaded,) = [line for line in lines if "│ loaded " in line]
    (nothing,) = [line for line in lines if "│ nothing " in line]
    assert "52 416 = 52 400 + 16" in loaded
    assert "=" not in nothing


@pytest.mark.parametrize(
    ("sources", "calls", "line"),
    [
        ("live", {"a.se": 3, "b.se": 41}, "HTTP calls: a.se 3, b.se 41"),
        ("mock", {"a.se": 3}, "HTTP calls: a.se 3 (the mock agencies in their place)"),
        ("live", {}, "HTTP calls: none"),
        ("mock", {}, "HTTP calls: none"),
    ],
)
def test_the_calls_of_each_host_are_told(
    summary: Any, sources: str, calls: dict[str, int], line: str
) -> None:
    assert line in summary(sources, calls)
