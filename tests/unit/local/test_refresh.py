"""What a refresh ends with: of all that went wrong, the gravest."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from klimatpuls.local.refresh import Refresh, SourceOutcome, _Watch, exit_code_of


def source(state: str) -> SourceOutcome:
    return SourceOutcome(source="smhi_emissions", state=state, detail="", rows_loaded=0, rows_rejected=0)


@pytest.mark.parametrize(
    ("states", "mails", "held", "has_failed_runs", "code"),
    [
        (["validated", "no_news", "not_yet_published"], {"sent": 1}, [], False, 0),
        (["no_news"], {}, [], True, 1),
        (["no_news", "failed"], {"failed": 1}, ["r"], True, 2),
        (["no_news"], {"refused": 1}, ["r"], True, 3),
        (["failed", "quarantined"], {"failed": 1}, ["r"], True, 5),
        (["validated"], {"sent": 1, "unknown": 1}, [], True, 6),
    ],
    ids=["all is well", "a run failed", "a fetch failed", "a hold", "refused figures", "a mail"],
)
def test_the_gravest_outcome_decides(
    states: list[str], mails: dict[str, int], held: list[str], has_failed_runs: bool, code: int
) -> None:
    sources = [source(state) for state in states]
    assert exit_code_of(sources, mails, held, has_failed_runs=has_failed_runs) == code


@pytest.mark.parametrize(
    ("states", "mails", "held", "code"),
    [
        (["validated"], {"sent": 1}, [], 7),
        (["validated"], {"failed": 1}, [], 7),
        (["validated"], {}, ["r"], 3),
        (["failed"], {}, [], 2),
        (["quarantined"], {}, [], 5),
    ],
    ids=["alone", "beside a mail", "a hold", "a fetch failed", "refused figures"],
)
def test_a_table_that_could_not_be_calculated_has_its_own_exit_code(
    states: list[str], mails: dict[str, int], held: list[str], code: int
) -> None:
    sources = [source(state) for state in states]
    found = exit_code_of(sources, mails, held, has_failed_runs=True, has_stale_tables=True)
    assert found == code


@pytest.mark.parametrize(
    ("failed", "is_incomplete"),
    [({"notify_stale"}, False), ({"publish"}, True), ({"publish", "notify_stale"}, True)],
)
def test_a_run_that_only_reports_a_failed_table_did_its_work(failed: set[str], is_incomplete: bool) -> None:
    tasks = [SimpleNamespace(task_id=name, state="failed") for name in failed]
    tasks.append(SimpleNamespace(task_id="ingests_are_done", state="success"))
    refresh = object.__new__(Refresh)
    refresh._api = cast("Any", SimpleNamespace(tasks=lambda *_: tasks))
    now = datetime(2026, 5, 9, tzinfo=UTC)
    watch = _Watch(begun=now, polled=now)
    run = cast("Any", SimpleNamespace(dag_id="publish", run_id="run"))
    assert refresh._is_incomplete(watch, run) is is_incomplete
