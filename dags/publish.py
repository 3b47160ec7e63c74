"""Everything validated becomes the marts of a new publication; one run at a time, woken by any source."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import AssetAny, dag, task

from klimatpuls.catalog import SOURCES
from klimatpuls_airflow import assets, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Publish",
    description="Validated releases and changed registers → marts under a new publication",
    doc_md=(
        "Woken by any source, by the registers, by an approval or by the sweep; reads the database, not the "
        "events. Waits until no source is on its way, computes unseen, then switches in one transaction.\n\n"
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
    """Wait for the sources, then publish."""
    waited = task.sensor(poke_interval=1, timeout=timedelta(minutes=45).total_seconds(), mode="poke")(
        tasks.ingests_are_done
    )()
    waited >> task(tasks.publish, outlets=[assets.PUBLICATION])()


publish()
