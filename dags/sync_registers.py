"""The network's own registers, read from their reviewed files into the warehouse."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from klimatpuls_airflow import assets, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Sync registers",
    description="include/registers → warehouse",
    doc_md=(
        "Reads members, targets and national lines from their reviewed files. Skipped when nothing changed; "
        "a changed register wakes the publish DAG.\n\nOwner: the network's secretariat."
    ),
    schedule=CronTriggerTimetable("0 6 * * *", timezone="Europe/Stockholm", run_immediately=timedelta(0)),
    default_args={"owner": "secretariat"},
    catchup=False,
    max_active_runs=1,
    tags=[Layer.REGISTERS],
)
def sync_registers() -> None:
    """One task: read, check, write."""
    task(tasks.sync_registers, outlets=[assets.REGISTERS])()


sync_registers()
