"""Publishes everything validated under a new publication; any source starts it, one run at a time."""

from __future__ import annotations

from airflow.sdk import AssetAny, dag, task

from klimatpuls.contract.catalog import SOURCES
from klimatpuls_airflow import assets, operators, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Publish",
    description="Validated releases and changed registers → marts under a new publication",
    doc_md=(
        "Started by any source, by the registers, by an approval or by the DAG `watch`. It reads the "
        "database, not the events. It waits until no source run is open, calculates the marts, invisible to "
        "readers, and switches in one transaction. A result table that cannot be calculated stops no other: "
        "`notify_stale` then fails with the reason and what to do. The configuration "
        '`{"try_again": true}` calculates such tables again.\n\n'
        "Owner: the network's data engineers."
    ),
    schedule=AssetAny(
        *(assets.validated(source_id) for source_id in SOURCES),
        assets.REGISTERS,
        assets.REVIEWED,
        assets.SWEEP,
    ),
    default_args=operators.task_defaults("data engineers"),
    catchup=False,
    max_active_runs=1,
    tags=[Layer.PUBLISH],
)
def publish() -> None:
    """Wait for the sources, publish, notify the operator of what could not be calculated."""
    waited = operators.python_task(
        tasks.ingests_are_done,
        kind=task.sensor,
        poke_interval=1,
        timeout=operators.WAIT.total_seconds(),
        mode="poke",
        execution_timeout=operators.WAIT + operators.SHORT,
    )()
    published = operators.python_task(
        tasks.publish, outlets=[assets.PUBLICATION], execution_timeout=operators.PUBLICATION
    )()
    # Publishing succeeds, so that the report is sent; a failed table fails the next task.
    waited >> published >> operators.python_task(tasks.notify_stale)()


publish()
