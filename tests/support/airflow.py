"""What tests do with the embedded Airflow beyond what the commands need."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from klimatpuls.local.airflow_api import AirflowApi, Run


def finished(api: AirflowApi, run: Run, patience: float = 60.0) -> Run:
    """A run in its final state."""
    deadline = time.monotonic() + patience
    while not run.is_over:
        assert time.monotonic() < deadline, f"{run} is not over after {patience:.0f} s"
        time.sleep(0.25)
        (run,) = [one for one in api.runs(run.dag_id) if one.run_id == run.run_id]
    return run


def xcom(api: AirflowApi, run: Run, task_id: str) -> Any:
    """The value that a task returned."""
    path = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/xcomEntries/return_value"
    return api.call("GET", path)["value"]


def reviews(api: AirflowApi, about: str) -> list[dict[str, Any]]:
    """The reviews that wait for an answer and whose subject names something, as Airflow gives them."""
    found = api.pages("/dags/~/dagRuns/~/hitlDetails", "hitl_details", {"response_received": "false"})
    return [one for one in found if about in one["subject"]]


def answer(api: AirflowApi, review: dict[str, Any], *options: str) -> None:
    """Answer a review; an answer in its first seconds can fail its task."""
    task = review["task_instance"]
    run = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}"
    path = f"{run}/taskInstances/{task['task_id']}/{task['map_index']}/hitlDetails"
    api.call("PATCH", path, json={"chosen_options": list(options), "params_input": {}})
