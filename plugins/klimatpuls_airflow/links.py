"""Buttons on the pages of our tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

from klimatpuls_airflow import PAGES

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


def findings_url(source_run: int) -> str:
    """Return the address of the validation page of a source run."""
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return f"{base}{PAGES}/findings/run-{source_run}"


class FindingsLink(BaseOperatorLink):
    """Links a validation to its page: every gate with its margin, and the findings."""

    name = "Findings"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address of the page of the task's source run, which is its second argument."""
        return findings_url(operator.op_args[1])  # type: ignore[attr-defined]  # a task made of a function
