"""Assesses the statuses of members that change with the date."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag

from klimatpuls_airflow import assets, operators, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Assess members",
    description="Criteria that lapse or fall due, measures that grow stale or overdue → a light publication",
    doc_md=(
        "Every morning: calculates the dated statuses of the current publication for today. If one changed, "
        "a new publication has the changed statuses; otherwise the run is skipped and writes nothing. "
        "No digest follows: the next one shows the statuses as they then are. Contacts of members are "
        "reminded of what falls due. Runs after `sync_registers`, so that a changed register and a new day "
        "make one publication.\n\n"
        "Owner: the network's secretariat."
    ),
    schedule=CronTriggerTimetable("30 6 * * *", timezone="Europe/Stockholm", run_immediately=timedelta(0)),
    default_args=operators.task_defaults("secretariat"),
    catchup=False,
    max_active_runs=1,
    tags=[Layer.PUBLISH],
)
def assess_members() -> None:
    """Calculate the dated statuses, report tables that could not be calculated, and queue reminders."""
    assessed = operators.python_task(
        tasks.assess_members, outlets=[assets.PUBLICATION], execution_timeout=operators.PUBLICATION
    )()
    assessed >> operators.python_task(tasks.notify_stale)()
    # Reminders follow the day, also where it changed no status. Their asset starts the DAG that sends them.
    (
        assessed
        >> operators.python_task(
            tasks.queue_reminders, outlets=[assets.MAIL_DUE], trigger_rule="none_failed"
        )()
    )


assess_members()
