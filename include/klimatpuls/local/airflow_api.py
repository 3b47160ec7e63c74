"""A small client for the REST API of the embedded Airflow (version 2 of the API, Airflow 3.3)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from klimatpuls.errors import KlimatpulsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

FINAL_RUN_STATES = frozenset({"success", "failed"})
PAGE = 100
"""Entries per page of a list, the most that Airflow sends by default."""


class AirflowApiError(KlimatpulsError):
    """The embedded Airflow refused a request or did not answer."""


@dataclass(frozen=True)
class Run:
    """One run of a DAG; its state is ``queued``, ``running``, ``success`` or ``failed``."""

    dag_id: str
    run_id: str
    state: str

    @property
    def is_over(self) -> bool:
        """Whether the run has ended, successfully or not."""
        return self.state in FINAL_RUN_STATES


@dataclass(frozen=True)
class TaskState:
    """One task instance of a run.

    Attributes:
        task_id: The task.
        map_index: Index of a mapped task, -1 otherwise.
        state: Airflow's state; ``None`` if it is not scheduled yet.
        try_number: Tries so far.
        seconds: Duration of the last try, ``None`` before its end.
    """

    task_id: str
    map_index: int
    state: str | None
    try_number: int
    seconds: float | None


class AirflowApi:
    """Talks to the API server.

    Args:
        base_url: Address without a path, such as ``http://127.0.0.1:8080``.
        user: Name of an Airflow user.
        password: Its password.
    """

    def __init__(self, base_url: str, user: str, password: str) -> None:
        import requests

        self.base_url = base_url.rstrip("/")
        self._login = {"username": user, "password": password}
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy: it is this machine

    def is_healthy(self) -> bool:
        """Return whether API server, metadata, scheduler and DAG processor all report healthy."""
        import requests

        try:
            answer = self._session.get(f"{self.base_url}/api/v2/monitor/health", timeout=5)
            health = answer.json() if answer.ok else {}
        except (requests.RequestException, ValueError):
            return False
        parts = ("metadatabase", "scheduler", "dag_processor")
        return all((health.get(part) or {}).get("status") == "healthy" for part in parts)

    def dag_ids(self) -> set[str]:
        """Return the ids of the DAGs that are parsed and active."""
        return {dag["dag_id"] for dag in self.pages("/dags", "dags")}

    def import_errors(self) -> dict[str, str]:
        """Return the DAG files that cannot be imported, with the end of their tracebacks."""
        return {
            each["filename"]: str(each["stack_trace"])[-2000:]
            for each in self.pages("/importErrors", "import_errors")
        }

    def wait_for_dags(self, wanted: Iterable[str], patience: float = 60.0) -> None:
        """Wait until Airflow has parsed these DAGs.

        Raises:
            AirflowApiError: if a DAG file cannot be imported, or a DAG is missing after ``patience`` seconds.
        """
        needed = set(wanted)
        deadline = time.monotonic() + patience
        while missing := needed - self.dag_ids():
            errors = self.import_errors()
            if errors:
                message = "\n".join(f"{file} cannot be imported:\n{trace}" for file, trace in errors.items())
                raise AirflowApiError(message)
            if time.monotonic() > deadline:
                message = f"Airflow has not parsed {', '.join(sorted(missing))} after {patience:.0f} s"
                raise AirflowApiError(message)
            time.sleep(0.2)

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None, run_id: str | None = None) -> Run:
        """Start a run of a DAG now and return it, queued; without ``run_id`` Airflow chooses its id."""
        body: dict[str, Any] = {"logical_date": None, "conf": conf or {}}
        if run_id is not None:
            body["dag_run_id"] = run_id
        return _as_run(self.call("POST", f"/dags/{dag_id}/dagRuns", json=body))

    def runs(
        self, dag_id: str, *, queued_since: datetime | None = None, changed_since: datetime | None = None
    ) -> list[Run]:
        """Return the runs of a DAG, newest first.

        Args:
            dag_id: The DAG, ``~`` for all.
            queued_since: Only runs queued at that moment or later (with time zone).
            changed_since: Only runs that changed at that moment or later (with time zone).
        """
        query = {"order_by": "-id"}
        if queued_since is not None:
            query["run_after_gte"] = queued_since.astimezone(UTC).isoformat()
        if changed_since is not None:
            query["updated_at_gte"] = changed_since.astimezone(UTC).isoformat()
        return [_as_run(each) for each in self.pages(f"/dags/{dag_id}/dagRuns", "dag_runs", query)]

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Return the task instances of a run."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        return [_as_task(each) for each in self.pages(path, "task_instances")]

    def tasks_of(
        self,
        runs: Collection[tuple[str, str]],
        *,
        ended_since: datetime | None = None,
        state: str | None = None,
    ) -> dict[tuple[str, str], list[TaskState]]:
        """Return the task instances of several runs with one request.

        Args:
            runs: DAG and run of each.
            ended_since: Only tasks that ended at that moment or later (with time zone).
            state: Only tasks in this state.
        """
        found: dict[tuple[str, str], list[TaskState]] = {key: [] for key in runs}
        wanted: dict[str, Any] = {
            "dag_ids": sorted({dag_id for dag_id, _ in runs}),
            "dag_run_ids": sorted({run_id for _, run_id in runs}),
            "page_limit": PAGE,
        }
        if ended_since is not None:
            wanted["end_date_gte"] = ended_since.astimezone(UTC).isoformat()
        if state is not None:
            wanted["state"] = [state]
        offset, total = 0, 1 if runs else 0
        while offset < total:
            path = "/dags/~/dagRuns/~/taskInstances/list"
            page = self.call("POST", path, json={**wanted, "page_offset": offset})
            for each in page["task_instances"]:
                key = (each["dag_id"], each["dag_run_id"])
                if key in found:
                    found[key].append(_as_task(each))
            offset, total = offset + PAGE, page["total_entries"]
        return found

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """Return the log of one try of a task as text, one line per event; tries count from 1."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        content = self.call("GET", path, params={"map_index": map_index, "full_content": "true"})["content"]
        if isinstance(content, str):
            return content
        return "\n".join(_log_line(each) for each in content)

    def failures(self, run: Run) -> Iterator[tuple[TaskState, str]]:
        """Yield the failed tasks of a run that is over, each with its log."""
        for task in self.tasks(run.dag_id, run.run_id):
            if task.state == "failed":
                tries = task.try_number or 1
                yield task, self.log(run.dag_id, run.run_id, task.task_id, tries, task.map_index)

    def pages(self, path: str, key: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the entries of all pages of a list, which the answers hold under ``key``."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.call("GET", path, params={**(query or {}), "limit": PAGE, "offset": len(found)})
            found += page[key]
            if not page[key] or len(found) >= page["total_entries"]:
                return found

    def call(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        """Send a request to a path of the API and return the answer's JSON object.

        Raises:
            AirflowApiError: if Airflow refuses it or does not answer.
        """
        answer = self._request(method, path, **given)
        if not answer.ok:
            message = f"Airflow answered {answer.status_code} to {method} {path}: {answer.text[:500]}"
            raise AirflowApiError(message)
        content: dict[str, Any] = answer.json()
        return content

    def _request(self, method: str, path: str, **given: Any) -> Any:
        import requests

        url = f"{self.base_url}/api/v2{path}"
        try:
            if "Authorization" not in self._session.headers:
                self._log_in()
            answer = self._session.request(method, url, timeout=60, **given)
            if answer.status_code == requests.codes.unauthorized:  # the token has expired
                self._log_in()
                answer = self._session.request(method, url, timeout=60, **given)
        except requests.RequestException as error:
            raise AirflowApiError(
                f"Airflow at {self.base_url} does not answer to {method} {path} ({type(error).__name__})"
            ) from error
        return answer

    def _log_in(self) -> None:
        answer = self._session.post(f"{self.base_url}/auth/token", json=self._login, timeout=30)
        if not answer.ok:
            message = f"Airflow at {self.base_url} refused the login of this home: {answer.status_code}"
            raise AirflowApiError(message)
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def _as_run(answer: dict[str, Any]) -> Run:
    return Run(answer["dag_id"], answer["dag_run_id"], answer["state"])


def _as_task(answer: dict[str, Any]) -> TaskState:
    return TaskState(
        answer["task_id"],
        answer["map_index"],
        answer["state"],
        answer["try_number"] or 0,
        answer["duration"],
    )


def _log_line(event: dict[str, Any]) -> str:
    moment, level, text = (str(event.get(key) or "") for key in ("timestamp", "level", "event"))
    line = f"{moment} {level} {text}".strip()
    for error in event.get("error_detail") or []:
        line += f"\n    {error.get('exc_type')}: {error.get('exc_value')}"
    return line
