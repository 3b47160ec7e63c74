"""Makes one poll DAG per source of the catalogue; only a change of the publisher starts a fetch."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import MultipleCronTriggerTimetable, dag, get_parsing_context

from klimatpuls.contract.catalog import SOURCES, Source
from klimatpuls_airflow import assets, operators, tasks
from klimatpuls_airflow.tags import Layer, source_tag


def build_poll(source: Source) -> None:
    """Build the DAG that polls one source."""

    @dag(
        dag_id=f"poll_{source.id}",
        dag_display_name=f"Poll · {source.title_en}",
        description=f"{source.title_en} ({source.publisher}): has it changed?",
        doc_md=(
            f"Asks {source.publisher} on a schedule whether **{source.title_en}** changed: by a "
            "conditional request, the publisher's date, or the time a table was updated. A change starts "
            "the ingest DAG. If nothing changed, the task `poll` is skipped."
            "\n\nOwner: the network's data engineers."
        ),
        # No run for times before the DAG was first parsed.
        schedule=MultipleCronTriggerTimetable(
            *source.schedule, timezone="Europe/Stockholm", run_immediately=timedelta(0)
        ),
        default_args=operators.task_defaults("data engineers"),
        catchup=False,
        max_active_runs=1,
        tags=[source_tag(source.id), Layer.POLL],
    )
    def poll() -> None:
        operators.python_task(
            tasks.poll, outlets=[assets.news(source.id)], execution_timeout=operators.SOURCE
        )(source.id)

    poll()


# The process of a task parses this file and needs only its own DAG.
parsed_dag = get_parsing_context().dag_id
for each in SOURCES.values():
    if parsed_dag in (None, f"poll_{each.id}"):
        build_poll(each)
