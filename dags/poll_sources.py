"""One light DAG per source of the catalogue: has the publisher changed anything? Only then it is fetched."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import MultipleCronTriggerTimetable, dag, get_parsing_context, task

from klimatpuls.contract.catalog import SOURCES, Source
from klimatpuls_airflow import assets, tasks
from klimatpuls_airflow.tags import Layer, source_tag


def build_poll(source: Source) -> None:
    """The release watch of one source."""

    @dag(
        dag_id=f"poll_{source.id}",
        dag_display_name=f"Look · {source.title_en}",
        description=f"{source.title_en} ({source.publisher}): is anything new?",
        doc_md=(
            f"Asks {source.publisher}, at the cadence of its calendar, whether **{source.title_en}** changed "
            "(a conditional request, the publisher's date, when a table was updated). News wakes the ingest "
            "DAG; a skipped `look` says that all is as it was.\n\nOwner: the network's data engineers."
        ),
        # Never a run for a moment that passed before the DAG was first seen.
        schedule=MultipleCronTriggerTimetable(
            *source.schedule, timezone="Europe/Stockholm", run_immediately=timedelta(0)
        ),
        default_args={"owner": "data engineers"},
        catchup=False,
        max_active_runs=1,
        tags=[source_tag(source.id), Layer.LOOK],
    )
    def poll() -> None:
        task(tasks.poll, outlets=[assets.news(source.id)])(source.id)

    poll()


# A task asks for its own DAG only; the others need not be built in its process.
asked = get_parsing_context().dag_id
for each in SOURCES.values():
    if asked in (None, f"poll_{each.id}"):
        build_poll(each)
