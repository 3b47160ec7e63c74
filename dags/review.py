"""Asks a person about every release on hold, and records the answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task_group

from klimatpuls_airflow import assets, operators, tasks
from klimatpuls_airflow.tags import Layer


@dag(
    dag_display_name="Review",
    description="Release on hold → a person's answer",
    doc_md=(
        "Started when a release is put on hold. Asks once per release, with the findings. Without an answer "
        "within fourteen days the release stays on hold: it is "
        "never published without approval. `klimatpuls release approve` or `reject` can answer at any time."
        "\n\nOwner: the network's data engineers."
    ),
    schedule=assets.HELD,
    default_args=operators.task_defaults("data engineers"),
    catchup=False,
    # A release that waits for a person must not delay the review of the next one.
    max_active_runs=16,
    tags=[Layer.REVIEW],
)
def review() -> None:
    """Ask about each release, then record the answer."""

    @task_group
    def one_release(release_id: Any, subject: Any, body: Any) -> None:
        approve_release = operators.approval(
            "approve_release",
            subject,
            body,
            options=[tasks.APPROVE, tasks.REJECT, tasks.LEAVE],
            default=tasks.LEAVE,
            wait=timedelta(days=14),
        )
        operators.python_task(tasks.note_review, outlets=[assets.REVIEWED])(
            approve_release.output, release_id
        )

    one_release.expand_kwargs(operators.python_task(tasks.pending_reviews)())


review()
