"""One DAG per source of the catalogue: snapshot → load → validate, ending at "validated"."""

from __future__ import annotations

from airflow.sdk import dag, get_parsing_context, task

from klimatpuls.contract.catalog import SOURCES, Source
from klimatpuls_airflow import assets, tasks
from klimatpuls_airflow.links import FindingsLink
from klimatpuls_airflow.tags import Layer, source_tag


def build_ingest(source: Source) -> None:
    """The DAG of one source."""

    @dag(
        dag_id=f"ingest_{source.id}",
        dag_display_name=f"Ingest · {source.title_en}",
        description=f"{source.title_en} ({source.publisher}): fetch, load, validate",
        doc_md=(
            f"Fetches **{source.title_en}** ({source.publisher}), keeps the raw bytes, loads them unseen and "
            "judges them. Woken by news that the look DAG saw. Ends at *validated*; publishing is up to "
            "the publish DAG, and what is on hold to the review DAG. A skipped `fetch_snapshot` says that "
            "nothing is new; `tell_findings` runs only when something was found: it fails, and names what is "
            'wrong and what to do. With the configuration `{"kept_as_of": "2025-07-01"}` it '
            "takes the bytes that were kept by that day instead of asking the agency."
            f"{_by_setting(source)}"
            "\n\nOwner: the network's data engineers."
        ),
        schedule=assets.news(source.id),
        default_args={
            "owner": "data engineers",
            # As it stands: summed up over what follows, a fetch of anybody would go before this validation.
            "priority_weight": source.priority,
            "weight_rule": "absolute",
        },
        catchup=False,
        max_active_runs=1,
        tags=[source_tag(source.id), Layer.INGEST],
    )
    def ingest() -> None:
        source_run = task(tasks.fetch_snapshot)(source.id)
        loaded = task(tasks.load)(source.id, source_run)
        # One task judges, tells whom it may concern and skips what has nothing to say: each is a process.
        told = [assets.perhaps(assets.validated(source.id)), assets.perhaps(assets.HELD)]
        judged = task.branch(tasks.validate, outlets=told)(source.id, loaded)
        judged.operator.operator_extra_links = (FindingsLink(),)
        judged >> task(tasks.tell_findings)(source.id, loaded)

    ingest()


def _by_setting(source: Source) -> str:
    """What of a source is asked for only where the installation's setting names it."""
    names = ", ".join(dataset.title_en for dataset in source.datasets if dataset.by_setting)
    said = "as far as `KLIMATPULS_AIR_POLLUTANTS` in the environment names substances (`all`, or codes)"
    return f" {names}: {said}." if names else ""


# A task asks for its own DAG only; the others need not be built in its process.
asked = get_parsing_context().dag_id
for each in SOURCES.values():
    if asked in (None, f"ingest_{each.id}"):
        build_ingest(each)
