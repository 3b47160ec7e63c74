"""The DAGs: exactly these, wired like this, cheap to parse, calm to operate."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from klimatpuls.contract.catalog import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.airflow

PROJECT = Path(__file__).resolve().parents[2]
DAGS = PROJECT / "dags"

WIRING: Mapping[str, dict[str, set[str]]] = {
    **{f"poll_{source}": {"poll": set()} for source in SOURCES},
    **{
        f"ingest_{source}": {
            "fetch_snapshot": {"load"},
            "load": {"validate", "notify_findings"},
            "validate": {"notify_findings"},
            "notify_findings": set(),
        }
        for source in SOURCES
    },
    "review": {
        "pending_reviews": {"one_release.approve_release", "one_release.note_review"},
        "one_release.approve_release": {"one_release.note_review"},
        "one_release.note_review": set(),
    },
    "publish": {"ingests_are_done": {"publish"}, "publish": {"notify_stale"}, "notify_stale": set()},
    "report": {
        "build_site": set(),
        "render_report": {"pending_approvals", "send_mail"},
        "pending_approvals": {"approve_digest", "note_approval"},
        "approve_digest": {"note_approval"},
        "note_approval": {"send_mail"},
        "send_mail": set(),
    },
    "cleanup": {"cleanup": set()},
    "assess_members": {
        "assess_members": {"notify_stale", "queue_reminders"},
        "notify_stale": set(),
        "queue_reminders": set(),
    },
    "sync_registers": {
        "sync_registers": {"check_registers"},
        "check_registers": set(),
        "sync_contacts": set(),
    },
    "watch": {
        "close_stuck_runs": {
            "assess_freshness",
            "sweep_held",
            "sweep_unpublished",
            "sweep_unsent_mail",
            "notify_overdue_defects",
            "notify_pending",
        },
        "assess_freshness": set(),
        "sweep_held": set(),
        "sweep_unpublished": set(),
        "sweep_unsent_mail": set(),
        "notify_overdue_defects": set(),
        "notify_pending": set(),
    },
}
"""DAG → task → the tasks that follow it."""


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    """Every DAG of the folder, parsed without a database."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(DAGS))
    assert bag.import_errors == {}
    return dict(bag.dags)


def test_the_dags_are_exactly_these(dags: dict[str, Any]) -> None:
    assert set(dags) == set(WIRING)


@pytest.mark.parametrize("dag_id", WIRING)
def test_the_tasks_follow_each_other_like_this(dags: dict[str, Any], dag_id: str) -> None:
    found = {task.task_id: set(task.downstream_task_ids) for task in dags[dag_id].tasks}
    assert found == WIRING[dag_id]


def test_only_an_answer_settles_a_digest_and_only_good_news_lets_mail_out(dags: dict[str, Any]) -> None:
    rules = {task.task_id: task.trigger_rule.value for task in dags["report"].tasks}
    # With a rule that also follows failures, a page that could not be rendered would be a "no" for ever.
    assert rules["note_approval"] == "all_success"
    # Skipped is not failed: without a question mail goes out, after a failed rendering it does not.
    assert rules["send_mail"] == "none_failed"


@pytest.mark.parametrize("dag_id", WIRING)
def test_every_dag_keeps_the_rules(dags: dict[str, Any], dag_id: str) -> None:
    from klimatpuls_airflow.tags import Layer

    dag = dags[dag_id]
    assert dag.catchup is False
    assert {task.owner for task in dag.tasks} <= {"data engineers", "secretariat"}
    assert "Owner: " in dag.doc_md
    assert dag.description
    assert set(dag.tags) & {layer.value for layer in Layer}
    # A digest that waits for a person must not hold up the next one; everything else runs one at a time.
    assert dag.max_active_runs == (16 if dag_id in {"report", "review"} else 1)


@pytest.mark.parametrize(
    "dag_id",
    [*(f"poll_{source}" for source in SOURCES), "assess_members", "sync_registers", "cleanup", "watch"],
)
def test_a_moment_that_passed_before_the_first_start_is_not_made_up_for(
    dags: dict[str, Any], dag_id: str
) -> None:
    timetable = dags[dag_id].timetable
    parts = getattr(timetable, "timetables", [timetable])
    assert {part.run_immediately for part in parts} == {timedelta(0)}


def test_publish_wakes_for_any_asset_and_every_asset_has_a_sender(dags: dict[str, Any]) -> None:
    from airflow.sdk import AssetAny

    sent = {
        getattr(outlet, "uri", outlet.name)  # an alias has the name of the asset it may emit
        for dag in dags.values()
        for task in dag.tasks
        for outlet in (getattr(task, "outlets", None) or [])
    }
    for source in SOURCES:
        assert {asset.uri for asset in _listened(dags[f"ingest_{source}"])} == {f"klimatpuls://news/{source}"}
    assert {f"klimatpuls://news/{source}" for source in SOURCES} <= sent
    for dag_id in ("publish", "report"):
        condition = dags[dag_id].timetable.asset_condition
        assert isinstance(condition, AssetAny)
        listened = {asset.uri for asset in condition.objects}
        assert listened
        assert listened <= sent
    assert {f"klimatpuls://validated/{source}" for source in SOURCES} <= sent


@pytest.mark.parametrize(
    ("file", "dag_id"), [("ingest_sources.py", "ingest_kolada"), ("poll_sources.py", "poll_kolada")]
)
def test_a_task_builds_its_own_dag_only(file: str, dag_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import get_parsing_context

    # Airflow's own context manager leaves the variable behind, and every later parsing would heed it.
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
    assert get_parsing_context().dag_id == dag_id
    bag = DagBag(dag_folder=str(DAGS / file))
    assert bag.import_errors == {}
    assert set(bag.dags) == {dag_id}


def _listened(dag: Any) -> list[Any]:
    condition = dag.timetable.asset_condition
    return list(getattr(condition, "objects", [condition]))


PARSE_EACH = """
import os, runpy, sys, traceback
import airflow.sdk, airflow.providers.standard.operators.hitl
from airflow.providers.standard.decorators import sensor
heavy = ('pandas', 'great_expectations', 'matplotlib', 'psycopg2', 'pyarrow', 'requests', 'numpy')
before = set(sys.modules)
for file in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            runpy.run_path(file)
            found = [name for name in heavy if name in set(sys.modules) - before]
        except BaseException:
            found = traceback.format_exc()
        print("PARSED", os.path.basename(file), repr(found), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""
"""Parses each file in a process of its own, forked from one in which Airflow is imported."""


@pytest.fixture(scope="module")
def imported() -> dict[str, str]:
    """DAG file → what parsing it imported of the heavy modules, as a list in Python's words."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PARSE_EACH, *map(str, sorted(DAGS.glob("*.py")))],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "plugins")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ", 2)[1:] for line in done.stdout.splitlines() if line.startswith("PARSED ")]
    return {file: found for file, found in lines}


@pytest.mark.parametrize("file", sorted(path.name for path in DAGS.glob("*.py")))
def test_parsing_a_dag_file_imports_nothing_heavy(imported: dict[str, str], file: str) -> None:
    assert imported[file] == "[]"


def test_the_plugin_manager_leaves_the_library_alone() -> None:
    script = (
        "import sys\n"
        "from airflow import plugins_manager\n"
        "plugins_manager.ensure_plugins_loaded()\n"
        "print(sorted(n for n in sys.modules if 'klimatpuls' in n))\n"
        "print([n for n in ('tasks', 'assets', 'connections', 'tags') if n in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-2:] == [
        "['klimatpuls_airflow', 'klimatpuls_plugin']",
        "[]",
    ]


@pytest.mark.parametrize("dag_id", WIRING)
def test_every_task_has_a_time_limit_and_retries_of_its_dag(dags: dict[str, Any], dag_id: str) -> None:
    from klimatpuls_airflow.operators import RETRY_DELAY

    dag = dags[dag_id]
    assert {"execution_timeout", "retries", "retry_delay"} <= dag.default_args.keys()
    for task in dag.tasks:
        settings = getattr(task, "partial_kwargs", None)  # of a mapped task
        limit, retries, delay = (
            settings[name] if settings else getattr(task, name)
            for name in ("execution_timeout", "retries", "retry_delay")
        )
        assert timedelta(minutes=1) < limit, task.task_id
        assert (retries, delay) == (3, RETRY_DELAY), task.task_id
        answer_within = getattr(task, "response_timeout", None) or (settings or {}).get("response_timeout")
        if answer_within is not None:
            assert answer_within < limit, "a person's days are no hanging task"
        if (waits := getattr(task, "timeout", None)) and task.task_id == "ingests_are_done":
            assert timedelta(seconds=waits) < limit, "the sensor ends by its own rule first"


@pytest.mark.parametrize(("said", "retries"), [("0", 0), ("", 3), (None, 3)])
def test_a_stack_that_a_person_waits_for_retries_nothing(
    monkeypatch: pytest.MonkeyPatch, said: str | None, retries: int
) -> None:
    from klimatpuls_airflow.operators import RETRIES_VARIABLE, task_defaults

    if said is None:
        monkeypatch.delenv(RETRIES_VARIABLE, raising=False)
    else:
        monkeypatch.setenv(RETRIES_VARIABLE, said)
    assert task_defaults("somebody")["retries"] == retries


def test_every_validation_has_a_button_to_its_page(dags: dict[str, Any]) -> None:
    for source in SOURCES:
        validate = dags[f"ingest_{source}"].get_task("validate")
        assert [link.name for link in validate.operator_extra_links] == ["Findings"]
