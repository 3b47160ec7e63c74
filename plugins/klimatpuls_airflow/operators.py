"""Retries and time limits of every task, and how a DAG makes a task from a function."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import task

from klimatpuls.pipeline.context import INGEST_PATIENCE_MINUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow.sdk.definitions.xcom_arg import PlainXComArg

RETRIES: Final = 3
"""Tries of a task outlast an agency's outage of half an hour. A hold or a quarantine is not tried again."""
RETRIES_VARIABLE: Final = "KLIMATPULS_TASK_RETRIES"
"""``make run`` sets 0: a person waits for it, and the next run tries again."""
RETRY_DELAY: Final = timedelta(minutes=10)

SHORT: Final = timedelta(minutes=10)
"""For a task that asks the warehouse a few questions (seconds): after ten minutes it hangs."""
SOURCE: Final = timedelta(minutes=INGEST_PATIENCE_MINUTES)
"""For a task that asks an agency or reads its files: a longer source run is closed as killed anyway."""
WAIT: Final = timedelta(minutes=45)
"""For waiting until no source run is open: longer than any of them may take."""
PUBLICATION: Final = timedelta(hours=1)
"""For a task that computes, deletes or mails a whole publication (a minute or two on two cores)."""


def task_defaults(owner: str) -> dict[str, Any]:
    """Return the ``default_args`` of a DAG.

    Args:
        owner: Who looks after its tasks.
    """
    return {
        "owner": owner,
        "retries": int(os.environ.get(RETRIES_VARIABLE) or RETRIES),
        "retry_delay": RETRY_DELAY,
        "execution_timeout": SHORT,
    }


def python_task(
    body: Callable[..., Any], *, kind: Callable[..., Any] = task, **settings: Any
) -> Callable[..., PlainXComArg]:
    """Return a function that adds a task to the present DAG; its arguments may be results of other tasks.

    Args:
        body: What the task does; its name is the task's id.
        kind: Airflow's decorator: ``task``, ``task.branch`` or ``task.sensor``.
        **settings: Settings of the operator, such as ``outlets`` and ``execution_timeout``.
    """
    make: Callable[..., PlainXComArg] = kind(**settings)(body)
    return make


def approval(
    task_id: str, subject: Any, body: Any, *, options: Sequence[str], default: str, wait: timedelta
) -> HITLOperator:
    """Return a task that asks a person a question.

    Args:
        task_id: Id of the task.
        subject: The question in one line.
        body: What the person must know, Markdown.
        options: The answers.
        default: The answer when nobody answers in time.
        wait: How long an answer is waited for. The task itself may take an hour more: it waits, too, on an
            Airflow that counts waiting as work.
    """
    return HITLOperator(
        task_id=task_id,
        subject=subject,
        body=body,
        options=list(options),
        defaults=default,
        response_timeout=wait,
        execution_timeout=wait + timedelta(hours=1),
    )
