"""Reads the network's own registers from their reviewed files into the warehouse."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag

from klimatpuls_airflow import assets, operators, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Sync registers",
    description="include/registers → warehouse",
    doc_md=(
        "Reads the registers from their reviewed files. Skipped if nothing changed; a changed register "
        "starts the publish DAG. A file with a mistake is skipped, and the others are read: the task "
        "`check_registers` fails with every mistake by row, column and remedy.\n\n"
        "Owner: the network's secretariat."
    ),
    schedule=CronTriggerTimetable("0 6 * * *", timezone="Europe/Stockholm", run_immediately=timedelta(0)),
    default_args=operators.task_defaults("secretariat"),
    catchup=False,
    max_active_runs=1,
    tags=[Layer.REGISTERS],
)
def sync_registers() -> None:
    """Write the registers without mistakes, then report the mistakes; read the contacts independently."""
    synced = operators.python_task(tasks.sync_registers, outlets=[assets.REGISTERS])()
    # Runs after a skip too: mistakes are reported even if nothing changed.
    synced >> operators.python_task(tasks.check_registers, trigger_rule="none_failed")()
    operators.python_task(tasks.sync_contacts)()


sync_registers()
