"""Deletes old publications, logs and pages; raw bytes and releases never."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag

from klimatpuls_airflow import operators, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Cleanup",
    description="Deletes old publications, logs and pages; raw bytes and releases never",
    doc_md=(
        "Every night: deletes the rows of old publications without disturbing a reader, and rejected cells, "
        "validation pages and logs that are older than `KLIMATPULS_KEEP` says (docs/operations.md).\n\n"
        "Owner: the network's data engineers."
    ),
    schedule=CronTriggerTimetable("20 3 * * *", timezone="Europe/Stockholm", run_immediately=timedelta(0)),
    default_args=operators.task_defaults("data engineers"),
    catchup=False,
    max_active_runs=1,
    tags=[Layer.WATCH],
)
def cleanup() -> None:
    """Delete in one task, which is safe to run twice."""
    operators.python_task(tasks.cleanup, execution_timeout=operators.PUBLICATION)()


cleanup()
