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
        "Reads the registers from their reviewed files. Skipped when nothing changed; a changed register "
        "wakes the publish DAG. A file with a mistake is left out and harms no other: the task "
        "check_registers fails with every mistake by row, column and remedy.\n\n"
        "Owner: the network's secretariat."
    ),
    schedule=CronTriggerTimetable("0 6 * * *", timezone="Europe/Stockholm", run_immediately=timedelta(0)),
    default_args={"owner": "secretariat"},
    catchup=False,
    max_active_runs=1,
    tags=[Layer.REGISTERS],
)
def sync_registers() -> None:
    """What is sound is read and written; contacts apart from it; then what is wrong is told."""
    synced = task(tasks.sync_registers, outlets=[assets.REGISTERS])()
    # A skip is no failure: what is wrong is told also when nothing changed.
    synced >> task(tasks.check_registers, trigger_rule="none_failed")()
    task(tasks.sync_contacts)()


sync_registers()
