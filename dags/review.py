"""Asks a person about every release on hold, and takes the answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import dag, task, task_group

from klimatpuls_airflow import assets, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Review",
    description="Release on hold → a person's answer",
    doc_md=(
        "Woken when a release is put on hold. One question per release, with what was found; a release is "
        "asked about once. No answer within fourteen days leaves it on hold: it is never published unasked. "
        "`klimatpuls release approve` or `reject` can answer at any time."
        "\n\nOwner: the network's data engineers."
    ),
    schedule=assets.HELD,
    default_args={"owner": "data engineers"},
    catchup=False,
    # A release that waits for a person must not hold up the question about the next one.
    max_active_runs=16,
    tags=[Layer.REVIEW],
)
def review() -> None:
    """Ask about each release, then note what was answered."""

    @task_group
    def one_release(release_id: Any, subject: Any, body: Any) -> None:
        approve_release = HITLOperator(
            task_id="approve_release",
            subject=subject,
            body=body,
            response_timeout=timedelta(days=14),
            options=[tasks.APPROVE, tasks.REJECT, tasks.LEAVE],
            defaults=tasks.LEAVE,
        )
        task(tasks.note_review, outlets=[assets.REVIEWED])(approve_release.output, release_id)

    one_release.expand_kwargs(task(tasks.questions_of_holds)())


review()
