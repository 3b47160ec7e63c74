"""One DAG per source of the catalogue: snapshot → load → validate, ending at "validated"."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import MultipleCronTriggerTimetable, dag, task

from klimatpuls.catalog import SOURCES, Source
from klimatpuls_airflow import assets, tasks
from klimatpuls_airflow.tags import Layer, source_tag


def build_ingest(source: Source) -> None:
    """The DAG of one source."""

    @dag(
        dag_id=f"ingest_{source.id}",
        dag_display_name=f"Ingest · {source.title_en}",
        description=f"{source.title_en} ({source.publisher}): fetch, load, validate",
        doc_md=(
            f"Fetches **{source.title_en}** ({source.publisher}), keeps the raw bytes, loads them unseen and "
            "judges them. Ends at *validated*; publishing is the publish DAG's work. A skipped "
            "`fetch_snapshot` says that nothing is new; a failed `tell_findings` names what is wrong and "
            "what to do.\n\nOwner: the network's data engineers."
        ),
        # Never a run for a moment that passed before the DAG was first seen.
        schedule=MultipleCronTriggerTimetable(
            *source.schedule, timezone="Europe/Stockholm", run_immediately=timedelta(0)
        ),
        default_args={"owner": "data engineers"},
        catchup=False,
        max_active_runs=1,
        tags=[source_tag(source.id), Layer.INGEST],
    )
    def ingest() -> None:
        source_run = task(tasks.fetch_snapshot)(source.id)
        loaded = task(tasks.load)(source.id, source_run)
        judged = task(tasks.validate)(source.id, loaded)
        task(tasks.announce, outlets=[assets.validated(source.id)])(judged)
        task(tasks.tell_findings)(judged)

    ingest()


for each in SOURCES.values():
    build_ingest(each)
