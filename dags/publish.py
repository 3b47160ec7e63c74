"""Everything validated becomes the marts of a new publication; one run at a time, woken by any source."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import AssetAny, dag, task

from klimatpuls.contract.catalog import SOURCES
from klimatpuls_airflow import assets, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Publish",
    description="Validated releases and changed registers → marts under a new publication",
    doc_md=(
        "Woken by any source, by the registers, by an approval or by the sweep; reads the database, not the "
        "events. Waits until no source is on its way, computes unseen, then switches in one transaction. A "
        "result table that cannot be calculated stops no other: `tell_stale` then fails, and names the error "
        'and what to do. The configuration `{"try_again": true}` calculates such tables once more.\n\n'
        "Owner: the network's data engineers."
    ),
    schedule=AssetAny(
        *(assets.validated(source_id) for source_id in SOURCES),
        assets.REGISTERS,
        assets.REVIEWED,
        assets.SWEEP,
    ),
    default_args={"owner": "data engineers"},
    catchup=False,
    max_active_runs=1,
    tags=[Layer.PUBLISH],
)
def publish() -> None:
    """Wait for the sources, publish, tell what could not be calculated."""
    waited = task.sensor(poke_interval=1, timeout=timedelta(minutes=45).total_seconds(), mode="poke")(
        tasks.ingests_are_done
    )()
    # Publishing succeeds, so that the report goes out; what could not be calculated fails a task of its own.
    waited >> task(tasks.publish, outlets=[assets.PUBLICATION])() >> task(tasks.tell_stale)()


publish()
