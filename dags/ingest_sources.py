"""Makes one DAG per source of the catalogue: snapshot → load → validate."""

from __future__ import annotations

from airflow.sdk import dag, get_parsing_context, task

from klimatpuls.contract.catalog import SOURCES, Source
from klimatpuls_airflow import assets, operators, tasks
from klimatpuls_airflow.links import FindingsLink
from klimatpuls_airflow.tags import Layer, source_tag


def build_ingest(source: Source) -> None:
    """Build the DAG of one source."""

    @dag(
        dag_id=f"ingest_{source.id}",
        dag_display_name=f"Ingest · {source.title_en}",
        description=f"{source.title_en} ({source.publisher}): fetch, load, validate",
        doc_md=(
            f"Fetches **{source.title_en}** ({source.publisher}), keeps the raw bytes, loads the rows, "
            "invisible to readers, and validates them. The poll DAG starts it when it finds a change. "
            "The publish DAG then publishes, and the review DAG asks about a release on hold. "
            "If nothing is new, `fetch_snapshot` is skipped. `notify_findings` runs only if there are "
            "findings: it fails with a message that explains them and what to do. With the configuration "
            '`{"kept_as_of": "2025-07-01"}` the DAG uses the bytes that were kept by that day, and calls no '
            f"agency.{_optional_datasets(source)}"
            "\n\nOwner: the network's data engineers."
        ),
        schedule=assets.news(source.id),
        default_args=operators.task_defaults("data engineers")
        | {
            "execution_timeout": operators.SOURCE,
            # Absolute: a sum over the following tasks would put every fetch before this validation.
            "priority_weight": source.priority,
            "weight_rule": "absolute",
        },
        catchup=False,
        max_active_runs=1,
        tags=[source_tag(source.id), Layer.INGEST],
    )
    def ingest() -> None:
        source_run = operators.python_task(tasks.fetch_snapshot)(source.id)
        loaded = operators.python_task(tasks.load)(source.id, source_run)
        # One task validates, emits the events and skips the rest: each task is a process.
        outlets = [assets.conditional(assets.validated(source.id)), assets.conditional(assets.HELD)]
        validated = operators.python_task(tasks.validate, kind=task.branch, outlets=outlets)(
            source.id, loaded
        )
        validated.operator.operator_extra_links = (FindingsLink(),)
        validated >> operators.python_task(tasks.notify_findings)(source.id, loaded)

    ingest()


def _optional_datasets(source: Source) -> str:
    """Return a sentence on the datasets of a source that are fetched only if a setting names them."""
    names = ", ".join(dataset.title_en for dataset in source.datasets if dataset.by_setting)
    which = "only the substances that `KLIMATPULS_AIR_POLLUTANTS` in the environment names (`all`, or codes)"
    return f" {names}: {which}." if names else ""


# The process of a task parses this file and needs only its own DAG.
parsed_dag = get_parsing_context().dag_id
for each in SOURCES.values():
    if parsed_dag in (None, f"ingest_{each.id}"):
        build_ingest(each)
