"""Finds what no event reports: killed runs, releases whose event was lost, outdated figures."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag

from klimatpuls_airflow import assets, operators, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Watch",
    description="Freshness, killed runs, lost events",
    doc_md=(
        "Every hour: closes source runs that were killed and notifies the operator, sends pending notices "
        "again, writes how fresh each dataset is, notifies the operator of known defects whose review is "
        "overdue, and starts the publish, review or report DAG if a validated release, a release on hold "
        "or a mail waits without an event.\n\n"
        "Owner: the network's data engineers."
    ),
    schedule=CronTriggerTimetable("40 * * * *", timezone="Europe/Stockholm", run_immediately=timedelta(0)),
    default_args=operators.task_defaults("data engineers"),
    catchup=False,
    max_active_runs=1,
    tags=[Layer.WATCH],
)
def watch() -> None:
    """Close killed runs, then make six independent checks."""
    operators.python_task(tasks.close_stuck_runs)() >> [
        operators.python_task(tasks.assess_freshness)(),
        operators.python_task(tasks.notify_overdue_defects)(),
        operators.python_task(tasks.notify_pending)(),
        operators.python_task(tasks.sweep_held, outlets=[assets.HELD])(),
        operators.python_task(tasks.sweep_unpublished, outlets=[assets.SWEEP])(),
        operators.python_task(tasks.sweep_unsent_mail, outlets=[assets.MAIL_DUE])(),
    ]


watch()
