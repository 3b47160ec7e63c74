"""What nobody else would notice: killed runs, releases no event told of, figures that grow old."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from klimatpuls_airflow import assets, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Watch",
    description="Freshness, killed runs, the sweep",
    doc_md=(
        "Every hour: closes source runs that were killed and tells the operator, tells again what could not "
        "be told, writes how fresh each dataset is, tells of known defects that nobody has looked at again, "
        "and wakes the publish, review or report DAG when a validated release, a release on hold or a mail "
        "waits without an event.\n\n"
        "Owner: the network's data engineers."
    ),
    schedule=CronTriggerTimetable("40 * * * *", timezone="Europe/Stockholm", run_immediately=timedelta(0)),
    default_args={"owner": "data engineers"},
    catchup=False,
    max_active_runs=1,
    tags=[Layer.WATCH],
)
def watch() -> None:
    """Close what was killed, then six independent looks."""
    closed = task(tasks.close_stuck_runs)()
    closed >> task(tasks.assess_freshness)()
    closed >> task(tasks.tell_overdue_defects)()
    closed >> task(tasks.tell_untold)()
    closed >> task(tasks.sweep_held, outlets=[assets.HELD])()
    closed >> task(tasks.sweep_unpublished, outlets=[assets.SWEEP])()
    closed >> task(tasks.sweep_unsent_mail, outlets=[assets.MAIL_DUE])()


watch()
