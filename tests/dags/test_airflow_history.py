"""The runs of DAGs that were renamed, in a metadata database that Airflow itself made and filled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from klimatpuls.operations.airflow_history import rename_dags
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from klimatpuls.local.postgres import Cluster

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.timeout(600)]

DATABASE = "airflow_before"
OLD_DAGS = """
from airflow.sdk import DAG, Asset, task

def body(): return "handed on"

def build(dag_id, first, second=None, tags=()):
    with DAG(dag_id, schedule=None, tags=list(tags)):
        one = task(task_id=first, outlets=[Asset(f"asset://{dag_id}")])(body)()
        if second:
            one >> task(task_id=second)(body)()

build("look_kolada", "look", tags=["layer:look"])
build("assess", "assess", "tell_stale")
build("tidy", "tidy")
build("ingest_kolada", "fetch_snapshot", "tell_findings")
build("look_elsewhere", "look")
"""
"""DAGs under the ids of before, and one of somebody else's."""
RUN_EACH = """
import sys
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.db import initdb
initdb()
bag = DagBag(dag_folder=sys.argv[1])
assert not bag.import_errors, bag.import_errors
for dag in bag.dags.values():
    run = dag.test()
    assert run.state == "success", run
"""
READ_BACK = """
import json
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session
with create_session() as session:
    found = {
        dag_id: {
            "runs": [run.state for run in DagRun.find(dag_id=dag_id, session=session)],
            "tasks": sorted(ti.task_id for run in DagRun.find(dag_id=dag_id, session=session)
                            for ti in run.get_task_instances(session=session)),
            "drawn": sorted(SerializedDagModel.get(dag_id, session=session).dag.task_ids),
        }
        for dag_id in ("poll_kolada", "assess_members", "cleanup", "ingest_kolada", "look_elsewhere")
    }
print("FOUND " + json.dumps(found))
"""


def python(script: str, *arguments: str, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def before(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], Path]:
    """Airflow's settings, and its logs, after a run of every DAG under its old id."""
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "dags").mkdir()
    (folder / "dags" / "old.py").write_text(OLD_DAGS, encoding="utf-8")
    assert cluster.ensure_database(DATABASE)
    url = cluster.dsn(DATABASE).replace("postgresql:", "postgresql+psycopg2:", 1)
    environment = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
    }
    python(RUN_EACH, str(folder / "dags"), environment=environment)
    for dag_id, task_id in (("look_kolada", "look"), ("ingest_kolada", "tell_findings")):
        log = folder / "logs" / f"dag_id={dag_id}" / "run_id=one" / f"task_id={task_id}" / "attempt=1.log"
        log.parent.mkdir(parents=True)
        log.write_text("said", encoding="utf-8")
    return environment, folder / "logs"


def ids_left(cluster: Cluster, *ids: str) -> list[tuple[str, str]]:
    """Tables and columns of texts in which one of the ids still stands."""
    left = []
    with closing(connect(cluster.dsn(DATABASE))) as conn, conn, conn.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND data_type IN ('character varying', 'text')"
        )
        for table, column in cursor.fetchall():
            cursor.execute(f'SELECT 1 FROM "{table}" WHERE "{column}" = ANY(%s) LIMIT 1', (list(ids),))
            left += [(table, column)] if cursor.fetchone() else []
    return left


def rename(cluster: Cluster, logs: Path) -> tuple[str, ...]:
    with closing(connect(cluster.dsn(DATABASE))) as conn:
        return rename_dags(conn, logs)


def test_runs_of_before_are_shown_under_the_present_ids(
    before: tuple[dict[str, str], Path], cluster: Cluster
) -> None:
    environment, logs = before
    assert ("task_instance", "dag_id") in ids_left(cluster, "look_kolada")
    assert set(rename(cluster, logs)) == {"look_kolada", "assess", "tidy"}
    said = python(READ_BACK, environment=environment)
    found: Any = json.loads(next(line[6:] for line in said.splitlines() if line.startswith("FOUND ")))
    tasks = {
        "poll_kolada": ["poll"],
        "assess_members": ["assess_members", "notify_stale"],
        "cleanup": ["cleanup"],
        "ingest_kolada": ["fetch_snapshot", "notify_findings"],
        "look_elsewhere": ["look"],
    }
    assert found == {
        dag_id: {"runs": ["success"], "tasks": names, "drawn": names} for dag_id, names in tasks.items()
    }
    assert ids_left(cluster, "look_kolada", "assess", "tidy", "tell_stale", "tell_findings") == []
    assert (logs / "dag_id=poll_kolada" / "run_id=one" / "task_id=poll" / "attempt=1.log").is_file()
    moved = logs / "dag_id=ingest_kolada" / "run_id=one" / "task_id=notify_findings" / "attempt=1.log"
    assert moved.read_text(encoding="utf-8") == "said"

    assert rename(cluster, logs) == (), "done again, it finds nothing"


def test_a_database_that_airflow_has_not_migrated_is_left_alone(cluster: Cluster, tmp_path: Path) -> None:
    cluster.ensure_database("airflow_new")
    with closing(connect(cluster.dsn("airflow_new"))) as conn:
        assert rename_dags(conn, tmp_path) == ()
