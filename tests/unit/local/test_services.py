from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from klimatpuls.errors import UsageError
from klimatpuls.local import services
from klimatpuls.local.home import Home
from klimatpuls.local.postgres import Cluster
from klimatpuls.local.services import Addresses, Folders
from klimatpuls.local.stack import Stack

if TYPE_CHECKING:
    from pathlib import Path

ADDRESSES = Addresses(postgres=5001, airflow=5002, smtp=5003, mail_page=5004, mock=5005)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def cluster(home: Home) -> Cluster:
    return Cluster(home.root / "postgres", home.secrets.admin, ADDRESSES.postgres)


def test_every_server_of_airflow_is_bound_to_this_machine(home: Home, cluster: Cluster) -> None:
    settings = services.airflow_settings(home, ADDRESSES, Folders.of_project(), cluster)
    hosts = {key: value for key, value in settings.items() if key.endswith("_HOST") or "SERVER_HOST" in key}
    assert set(hosts.values()) == {"127.0.0.1"}
    assert set(hosts) == {"AIRFLOW__API__HOST", "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST"}
    assert "--skip-serve-logs" in services.airflow(home, "scheduler", {}).argv
    assert settings["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("postgresql+psycopg2://airflow:")


def test_no_setting_of_the_callers_reaches_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AIRFLOW__CORE__EXECUTOR", "AIRFLOW_HOME", "PGHOST", "PYTHONPATH", "KLIMATPULS_AS_OF"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    monkeypatch.setenv("NO_PROXY", "intranet")
    environment = services.base_environment()
    assert not {"AIRFLOW__CORE__EXECUTOR", "AIRFLOW_HOME", "PGHOST", "PYTHONPATH"} & set(environment)
    assert "KLIMATPULS_AS_OF" not in environment
    assert environment["HTTPS_PROXY"] == "http://proxy"
    assert environment["NO_PROXY"] == "intranet,127.0.0.1,localhost"


def test_no_password_is_on_a_command_line(home: Home, cluster: Cluster) -> None:
    secrets = set(vars(home.secrets).values())
    settings = services.airflow_settings(home, ADDRESSES, Folders.of_project(), cluster)
    made = [
        services.database(home, cluster),
        services.mail(home, ADDRESSES),
        services.mock(home, ADDRESSES, home.root, "2021-10-20"),
        *(services.airflow(home, part, settings) for part in ("api-server", "scheduler", "dag-processor")),
    ]
    for service in made:
        assert not any(secret in word for secret in secrets for word in service.argv)
    assert made[2].argv[-2:] == ("--as-of", "2021-10-20")


def test_tasks_find_their_connections_as_json(home: Home, cluster: Cluster) -> None:
    urls = {"smhi_default": "http://127.0.0.1:5005", "scb_default": "http://127.0.0.1:5005/api/v2"}
    given = services.connections(home, ADDRESSES, urls, cluster)
    assert set(given) == {
        f"AIRFLOW_CONN_{name}"
        for name in ("WAREHOUSE_DEFAULT", "WAREHOUSE_MAILER", "SMTP_DEFAULT", "SMHI_DEFAULT", "SCB_DEFAULT")
    }
    warehouse = json.loads(given["AIRFLOW_CONN_WAREHOUSE_DEFAULT"])
    assert (warehouse["login"], warehouse["port"], warehouse["schema"]) == ("wh_loader", 5001, "klimatpuls")
    assert json.loads(given["AIRFLOW_CONN_SCB_DEFAULT"]) == {"conn_type": "http", "host": urls["scb_default"]}


def test_the_mock_agencies_answer_under_the_path_of_the_catalogue() -> None:
    assert services.mock_url("/scb/api/v2", 8027) == "http://127.0.0.1:8027/scb/api/v2"


def test_mock_agencies_as_recorded_use_tls_and_only_tasks_trust_their_authority(home: Home) -> None:
    for is_as_recorded in (False, True):
        stack = Stack(home, sources="mock", archive=home.root, is_as_recorded=is_as_recorded)
        stack._addresses = ADDRESSES
        stack._cluster = Cluster(home.root / "postgres", home.secrets.admin, ADDRESSES.postgres)
        given = stack.task_environment
        words = services.mock(home, ADDRESSES, home.root, None, is_as_recorded=is_as_recorded).argv
        scheme = "https" if is_as_recorded else "http"
        assert {url.partition(":")[0] for url in stack.base_urls.values()} == {scheme}
        assert ("--as-recorded" in words) is is_as_recorded
        assert (str(home.run) in words) is is_as_recorded
        connection = json.loads(given["AIRFLOW_CONN_SMHI_DEFAULT"])
        trusted = {"mock_ca": str(home.run / "mock_ca.pem")} if is_as_recorded else None
        assert connection.get("extra") == trusted


def test_the_password_file_is_closed_and_the_metadata_mark_follows_the_lock(
    home: Home, tmp_path: Path
) -> None:
    services.prepare_airflow(home)
    file = services.password_file(home)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text(encoding="utf-8")) == {"klimatpuls": home.secrets.airflow_admin}
    folders = Folders(tmp_path, tmp_path, tmp_path)
    before = services.metadata_mark(folders)
    (tmp_path / "requirements.txt").write_text("apache-airflow==9", encoding="utf-8")
    assert services.metadata_mark(folders) != before


def test_a_stack_refuses_what_it_cannot_serve(home: Home) -> None:
    with pytest.raises(UsageError, match="live or mock, not 'auto'"):
        Stack(home, sources="auto")
    with pytest.raises(UsageError, match="need an archive folder"):
        Stack(home, sources="mock", archive=home.root / "missing")
    assert Stack(home, sources="mock", archive=home.root / "missing", make_archive=lambda: None)
