"""The validation pages that Airflow's API server shows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient

pytestmark = pytest.mark.airflow


@pytest.fixture
def visitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A browser at the plugin as Airflow mounts it; nobody is logged in."""
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from klimatpuls_plugin import KlimatpulsPlugin

    page = tmp_path / "data_docs" / "run-7" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h1>Validering</h1>", encoding="utf-8")
    (tmp_path / "secrets.json").write_text("hemligt")
    monkeypatch.setenv("KLIMATPULS_HOME", str(tmp_path))
    (ours,) = KlimatpulsPlugin.fastapi_apps
    whole = FastAPI()
    whole.mount(ours["url_prefix"], ours["app"])
    with TestClient(whole) as client:
        yield client


@pytest.fixture
def logged_in(visitor: TestClient) -> Iterator[TestClient]:
    from airflow.api_fastapi.core_api.security import get_user

    from klimatpuls_airflow.pages import app

    app.dependency_overrides[get_user] = lambda: SimpleNamespace(name="someone")
    yield visitor
    app.dependency_overrides.clear()


def test_who_is_not_logged_in_sees_nothing(visitor: TestClient) -> None:
    answer = visitor.get("/klimatpuls/findings/run-7")
    assert answer.status_code == 401
    assert "Validering" not in answer.text


def test_a_page_is_shown_and_may_run_nothing(logged_in: TestClient) -> None:
    answer = logged_in.get("/klimatpuls/findings/run-7")
    assert (answer.status_code, answer.text) == (200, "<h1>Validering</h1>")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/klimatpuls/findings/run-8", 404),
        ("/klimatpuls/findings/run-..%2f..%2fsecrets.json", 404),
        ("/klimatpuls/findings/run-x", 422),
        ("/klimatpuls/docs", 404),
    ],
)
def test_nothing_else_is_shown(logged_in: TestClient, path: str, status: int) -> None:
    answer = logged_in.get(path)
    assert answer.status_code == status
    assert "hemligt" not in answer.text


def test_the_validation_links_to_its_page() -> None:
    from klimatpuls_airflow.links import FindingsLink

    link = FindingsLink().get_link(SimpleNamespace(op_args=("kolada", 7)), ti_key=None)
    assert link.endswith("/klimatpuls/findings/run-7")
