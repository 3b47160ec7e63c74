"""What a day that passes changes: the dated statuses of members, and nothing else."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from klimatpuls_airflow import assets, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Assess",
    description="Criteria that lapse or fall due, measures that grow stale or overdue → a light publication",
    doc_md=(
        "Every morning: reckons the dated statuses of the current publication for today. Where one changed, "
        "they are published with everything else as it was; otherwise the run is skipped and nothing is "
        "written. No mail follows: the next digest shows the statuses as they then stand. After "
        "`sync_registers`, so that a changed register and a day that passed make one publication.\n\n"
        "Owner: the network's secretariat."
    ),
    schedule=CronTriggerTimetable("30 6 * * *", timezone="Europe/Stockholm", run_immediately=timedelta(0)),
    default_args={"owner": "secretariat"},
    catchup=False,
    max_active_runs=1,
    tags=[Layer.PUBLISH],
)
def assess() -> None:
    """Calculate the dated statuses, and notify the operator of tables that could not be calculated."""
    task(tasks.assess, outlets=[assets.PUBLICATION])() >> task(tasks.tell_stale)()


assess()
