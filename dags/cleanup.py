"""What is older than it need be: old publications, logs, pages. Raw bytes and releases never."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from klimatpuls_airflow import tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Tidy",
    description="Old publications, logs and pages go; raw bytes and releases never",
    doc_md=(
        "Every night: takes away the rows of old publications without a reader noticing, refused cells, "
        "validation pages and logs that are older than `KLIMATPULS_KEEP` says (docs/operations.md).\n\n"
        "Owner: the network's data engineers."
    ),
    schedule=CronTriggerTimetable("20 3 * * *", timezone="Europe/Stockholm", run_immediately=timedelta(0)),
    default_args={"owner": "data engineers"},
    catchup=False,
    max_active_runs=1,
    tags=[Layer.WATCH],
)
def tidy() -> None:
    """One task, done again without harm."""
    task(tasks.tidy)()


tidy()
