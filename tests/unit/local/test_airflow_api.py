from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from werkzeug import Response

from klimatpuls.local import ports
from klimatpuls.local.airflow_api import AirflowApi, AirflowApiError, Run

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

RUN = {"dag_id": "publish", "dag_run_id": "r1", "state": "running"}


@pytest.fixture
def api(httpserver: HTTPServer) -> AirflowApi:
    httpserver.expect_request("/auth/token", method="POST").respond_with_json({"access_token": "t1"})
    return AirflowApi(httpserver.url_for("/"), "klimatpuls", "x")


def test_an_expired_token_is_renewed_once(httpserver: HTTPServer, api: AirflowApi) -> None:
    path = "/api/v2/dags/publish/dagRuns"
    httpserver.expect_oneshot_request(path).respond_with_json({}, status=401)
    httpserver.expect_oneshot_request(path).respond_with_json({"dag_runs": [RUN], "total_entries": 1})
    assert api.runs("publish") == [Run("publish", "r1", "running")]
    assert [request.path for request, _ in httpserver.log] == ["/auth/token", path, "/auth/token", path]


def test_all_pages_of_a_list_are_read(httpserver: HTTPServer, api: AirflowApi) -> None:
    ids = [f"d{number}" for number in range(150)]

    def page(request: Request) -> Response:
        first, size = int(request.args["offset"]), int(request.args["limit"])
        dags = [{"dag_id": each} for each in ids[first : first + size]]

        return Response(
            json.dumps({"dags": dags, "total_entries": len(ids)}), content_type="application/json"
        )

    httpserver.expect_request("/api/v2/dags").respond_with_handler(page)
    assert api.dag_ids() == set(ids)


def test_a_broken_dag_file_is_named_at_once(httpserver: HTTPServer, api: AirflowApi) -> None:
    httpserver.expect_request("/api/v2/dags").respond_with_json({"dags": [], "total_entries": 0})
    error = {"filename": "publish.py", "stack_trace": "NameError: x"}
    httpserver.expect_request("/api/v2/importErrors").respond_with_json(
        {"import_errors": [error], "total_entries": 1}
    )
    with pytest.raises(AirflowApiError, match=r"publish\.py cannot be imported:\nNameError: x"):
        api.wait_for_dags(["publish"], patience=30)


def test_the_tasks_of_many_runs_are_asked_for_at_once(httpserver: HTTPServer, api: AirflowApi) -> None:
    def task(dag_id: str, run_id: str, number: int) -> dict[str, object]:
        state = {"task_id": f"t{number}", "map_index": -1, "state": "success", "try_number": 1}
        return {"dag_id": dag_id, "dag_run_id": run_id, "duration": 0.5, **state}

    asked: list[dict[str, object]] = []
    # Airflow answers with every pair of the DAGs and runs in the request, wanted or not.
    there = [task(dag_id, run_id, n) for dag_id in "ab" for run_id in ("r1", "r2") for n in range(40)]

    def page(request: Request) -> Response:
        body = request.get_json()
        assert (body["dag_ids"], body["dag_run_ids"]) == (["a", "b"], ["r1", "r2"])
        asked.append({key: body.get(key) for key in ("end_date_gte", "state")})
        first, size = body["page_offset"], body["page_limit"]
        answer = {"task_instances": there[first : first + size], "total_entries": len(there)}
        return Response(json.dumps(answer), content_type="application/json")

    path = "/api/v2/dags/~/dagRuns/~/taskInstances/list"
    httpserver.expect_request(path, method="POST").respond_with_handler(page)
    found = api.tasks_of({("a", "r1"), ("b", "r2")})
    assert {key: len(tasks) for key, tasks in found.items()} == {("a", "r1"): 40, ("b", "r2"): 40}
    assert found["a", "r1"][3].task_id == "t3"
    assert api.tasks_of(set()) == {}
    assert asked == [{"end_date_gte": None, "state": None}] * 2
    moment = datetime(2026, 5, 8, 6, 30, tzinfo=UTC)
    api.tasks_of({("a", "r1"), ("b", "r2")}, ended_since=moment, state="success")
    assert asked[2] == {"end_date_gte": "2026-05-08T06:30:00+00:00", "state": ["success"]}


def test_a_refusal_shows_what_was_asked_and_answered(httpserver: HTTPServer, api: AirflowApi) -> None:
    httpserver.expect_request("/api/v2/dags/nope/dagRuns").respond_with_data("no such dag", status=404)
    with pytest.raises(AirflowApiError, match="answered 404 to POST /dags/nope/dagRuns: no such dag"):
        api.trigger("nope")


def test_structured_logs_become_lines(httpserver: HTTPServer, api: AirflowApi) -> None:
    event = {
        "timestamp": "2026-05-08T12:00:00Z",
        "level": "error",
        "event": "Task failed",
        "error_detail": [{"exc_type": "ValueError", "exc_value": "row 7"}],
    }
    httpserver.expect_request("/api/v2/dags/a/dagRuns/r/taskInstances/t/logs/1").respond_with_json(
        {"content": [event, {"event": "end"}]}
    )
    assert api.log("a", "r", "t") == "2026-05-08T12:00:00Z error Task failed\n    ValueError: row 7\nend"


def test_an_airflow_that_does_not_run_is_unhealthy_and_a_clear_error() -> None:
    with ports.Desk() as desk:
        api = AirflowApi(f"http://127.0.0.1:{desk.choose().number}", "klimatpuls", "x")
    assert api.is_healthy() is False
    with pytest.raises(AirflowApiError, match=r"127\.0\.0\.1:\d+ does not answer to GET /dags"):
        api.dag_ids()
