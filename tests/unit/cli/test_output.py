"""The summary at the end of a command: rows and calls."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from klimatpuls.cli import output
from klimatpuls.contract.causes import (
    DaysCause,
    DecisionCause,
    OverrideCause,
    RecalculatedCause,
    RegisterCause,
    ReleaseCause,
    StandingCause,
    causes_to_json,
)
from klimatpuls.local.refresh import Outcome, SourceOutcome


def outcome(calls: dict[str, int], publication: dict[str, Any] | None = None) -> Outcome:
    figures = {"loaded": (52_400, 16), "nothing": (0, 0)}
    return Outcome(
        sources=tuple(
            SourceOutcome(
                source=source, state="validated", detail="", rows_loaded=loaded, rows_rejected=rejected
            )
            for source, (loaded, rejected) in figures.items()
        ),
        calls=calls,
        publication=publication,
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
        ("mock", {"a.se": 3}, "HTTP calls: a.se 3 (to the mock agencies instead)"),
        ("live", {}, "HTTP calls: none"),
        ("mock", {}, "HTTP calls: none"),
    ],
)
def test_the_calls_of_each_host_are_printed(
    summary: Any, sources: str, calls: dict[str, int], line: str
) -> None:
    assert line in summary(sources, calls)


def test_each_cause_of_a_publication_has_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    release: dict[str, Any] = {"dataset": "d", "substance": "all", "published_date": "2026-05-07"}
    causes = {
        ReleaseCause(release_id="a", first=True, **release): "release a",
        ReleaseCause(
            release_id="b",
            first=False,
            replaces="a",
            new_years=(2024, 2025),
            vanished_years=(1990,),
            **release,
        ): "release b in place of a; new years 2024, 2025; vanished years 1990",
        RegisterCause(first=True): "registers read for the first time",
        RegisterCause(first=False): "registers changed",
        StandingCause(region_code="1480", target_id="t1", old="on_track", new="behind"): (
            "standing of 1480, target t1: on_track → behind"
        ),
        DaysCause(criterion=1, measure_status=2, pledge_status=3): (
            "days passed: 1 criteria, 2 measures, 3 pledges changed their status"
        ),
        RecalculatedCause(tables=("trend", "peer")): "calculated again: peer, trend",
        OverrideCause(release_id="b", decided_by="eva"): "b was on hold and approved by eva",
        DecisionCause(
            kind="withdrawn",
            release_id="b",
            dataset="d",
            substance="all",
            moves_current=True,
            current=None,
            decided_by="eva",
            reason="wrong file",
        ): "b was withdrawn by eva: wrong file; current: none",
    }
    stored = json.loads(json.dumps(causes_to_json(causes)))
    publication = {"publication_id": 1, "as_of_date": "2026-05-08", "causes": stored}
    stack = SimpleNamespace(home=SimpleNamespace(root=tmp_path, config=SimpleNamespace(sources="live")))
    output.print_summary(cast("Any", stack), outcome({}, publication))
    printed = capsys.readouterr().out.splitlines()
    first = printed.index("Publication: 1, as of 2026-05-08") + 1
    assert printed[first : first + len(causes)] == [f"  · {line}" for line in causes.values()]
