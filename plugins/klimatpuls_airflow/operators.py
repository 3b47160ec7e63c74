"""Retries and time limits of tasks, and functions that make tasks."""

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
"""Retries outlast an agency's outage of half an hour. A hold or a quarantine is not retried."""
RETRIES_VARIABLE: Final = "KLIMATPULS_TASK_RETRIES"
"""``make run`` sets 0: a person waits, and the next run tries again."""
RETRY_DELAY: Final = timedelta(minutes=10)

SHORT: Final = timedelta(minutes=10)
"""For a task with a few queries of the warehouse, which take seconds."""
SOURCE: Final = timedelta(minutes=INGEST_PATIENCE_MINUTES)
"""For a task that calls an agency or reads its files: a longer source run is closed as killed."""
WAIT: Final = timedelta(minutes=45)
"""For waiting until no source run is open: longer than a source run may take."""
PUBLICATION: Final = timedelta(hours=1)
"""For a task that calculates, deletes or mails a publication (one or two minutes on two cores)."""


def task_defaults(owner: str) -> dict[str, Any]:
    """Return the ``default_args`` of a DAG with this owner."""
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
        body: The task's function; its name is the task's id.
        kind: Airflow's decorator: ``task``, ``task.branch`` or ``task.sensor``.
        **settings: Settings of the operator, such as ``outlets`` and ``execution_timeout``.
    """
    make: Callable[..., PlainXComArg] = kind(**settings)(body)
    return make


def approval(
    task_id: str, subject: Any, body: Any, *, options: Sequence[str], default: str, wait: timedelta
) -> HITLOperator:
    """Return a task that asks a person.

    Args:
        task_id: Id of the task.
        subject: The question in one line.
        body: Information for the answer, Markdown.
        options: The answers.
        default: The answer if there is none in time.
        wait: Time to answer. The task may run an hour longer, for an Airflow that counts waiting as running.
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
