"""Check the containers: complete settings, no secret in a file, a valid Compose file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from klimatpuls.files.yaml_text import parse_yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yaml"
SETTING = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
SECRET_NAME = re.compile(r"PASSWORD|SECRET|FERNET|TOKEN")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """Return the file as Compose reads it: merge keys resolved, settings not replaced."""
    document: dict[str, Any] = parse_yaml(COMPOSE.read_text(encoding="utf-8"))
    return document


def _replaced(text: str, given: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        return given.get(name) or (rest if kind == "-" else f"<{name}>")

    return SETTING.sub(value, text)


def test_it_is_valid_by_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, str(COMPOSE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_typo_is_found(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yaml"
    text = COMPOSE.read_text(encoding="utf-8")
    broken.write_text(text.replace("healthcheck:", "healthchek:", 1), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, str(broken)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "healthchek" in done.stdout + done.stderr


def test_every_service_has_a_health_check(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {
        "postgres", "airflow-init", "airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "mail",
    }  # fmt: skip
    without = {name for name, service in services.items() if "healthcheck" not in service}
    assert without == {"airflow-init"}, "only the one-off job may lack a health check"
    for name in ("airflow-apiserver", "airflow-scheduler", "airflow-dag-processor"):
        waits = services[name]["depends_on"]
        assert waits["airflow-init"] == {"condition": "service_completed_successfully"}
        assert waits["postgres"] == {"condition": "service_healthy"}


def _settings_that_code_reads() -> set[str]:
    """Names of the settings that tasks read: in the pipeline, the clock, the adapters and the DAGs."""
    files = [
        *(ROOT / "dags").glob("*.py"),
        *(ROOT / "plugins").rglob("*.py"),
        *(ROOT / "include/klimatpuls/pipeline").glob("*.py"),
        *(ROOT / "include/klimatpuls/operations").glob("*.py"),
        ROOT / "include/klimatpuls/clock.py",
    ]
    names = re.compile(r"\"((?:KLIMATPULS|MAIL)_[A-Z_]+)\"")
    return {name for path in files for name in names.findall(path.read_text(encoding="utf-8"))}


def test_every_setting_that_tasks_read_is_given(compose: dict[str, Any]) -> None:
    wanted = _settings_that_code_reads()
    assert {"KLIMATPULS_HOME", "KLIMATPULS_ORIGIN", "KLIMATPULS_AS_OF", "MAIL_APPROVAL"} <= wanted
    given = set(compose["x-airflow-common"]["environment"])
    assert wanted - given == set()


def test_the_job_that_prepares_the_databases_has_what_the_migration_reads(compose: dict[str, Any]) -> None:
    from klimatpuls.warehouse.migrate import LOGIN_ROLES

    job = compose["services"]["airflow-init"]
    main = (ROOT / "include/klimatpuls/cli/main.py").read_text("utf-8")
    read = re.findall(r"\"(WAREHOUSE_[A-Z_]+)\"", main)
    assert "WAREHOUSE_ADMIN_DSN" in read
    wanted = {*read, *(f"{role.upper()}_PASSWORD" for role in LOGIN_ROLES)}
    assert wanted - set(job["environment"]) == set()
    script = job["command"][-1]
    assert script.index("airflow db migrate") < script.index("klimatpuls migrate")
    for setting in re.findall(r"environ\[\"(\w+)\"\]|\$\$(\w+)", script):
        assert "".join(setting) in job["environment"]


def test_every_connection_is_given_and_reads_as_json(compose: dict[str, Any]) -> None:
    environment = compose["x-airflow-common"]["environment"]
    connections = {
        name.removeprefix("AIRFLOW_CONN_").lower(): json.loads(_replaced(text, {}))
        for name, text in environment.items()
        if name.startswith("AIRFLOW_CONN_")
    }
    assert set(connections) == {"warehouse_default", "warehouse_mailer", "smtp_default"}
    assert connections["warehouse_default"]["login"] == "wh_loader"
    assert connections["warehouse_mailer"]["login"] == "wh_mailer"


def test_the_mail_connection_is_one_our_mailer_accepts(compose: dict[str, Any]) -> None:
    from klimatpuls.report.mailer import parse_connection

    text = compose["x-airflow-common"]["environment"]["AIRFLOW_CONN_SMTP_DEFAULT"]
    given = {"MAIL_FROM": "klimatpuls@example.org", "MAIL_LIST": "list@example.org", "SMTP_PASSWORD": "x"}
    settings = parse_connection(_replaced(text, given))
    assert (settings.host, settings.port) == ("mail", 1025)
    assert settings.list_addresses == ("list@example.org",)
    assert settings.is_own_catcher, "mail works as shipped"
    other = parse_connection(_replaced(text, {**given, "SMTP_HOST": "smtp.example.org"}))
    assert not other.is_own_catcher, "a server of the deployment's own needs TLS and live figures"
    assert not settings.starttls
    assert not settings.implicit_tls


def test_containers_call_the_agencies(compose: dict[str, Any]) -> None:
    environment = compose["x-airflow-common"]["environment"]
    assert environment["KLIMATPULS_SOURCES"] == "live"
    assert environment["KLIMATPULS_ORIGIN"] == "live"


def _flat(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [line for key, item in value.items() for line in (f"{key}={item}", *_flat(item))]
    return [str(value)]


def test_no_secret_has_a_value_or_a_default(compose: dict[str, Any]) -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    secrets = {(name, kind) for name, kind, _ in SETTING.findall(text) if SECRET_NAME.search(name)}
    assert len(secrets) >= 9
    assert {kind for _, kind in secrets} == {"?"}, "a secret must be required, never defaulted"
    for service in (compose["x-airflow-common"], *compose["services"].values()):
        for name, value in service.get("environment", {}).items():
            is_path = name.endswith("_FILE")
            assert not SECRET_NAME.search(name) or is_path or SETTING.search(str(value)), name
    assert not re.search(r"\"password\": \"(?!\$\{)", text)
    assert not re.search(r"://\w+:(?!\$\{)[^/\s]*@", text)


def test_ports_are_bound_to_this_machine_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert len(ports) == 3
    assert all(str(port).startswith("127.0.0.1:") for port in ports)


def test_the_example_names_every_required_setting_without_a_value() -> None:
    required = {name for name, kind, _ in SETTING.findall(COMPOSE.read_text(encoding="utf-8")) if kind == "?"}
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    named = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert set(named) == required
    assert set(named.values()) == {""}
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ".env" in ignored


def test_the_image_installs_what_the_lock_says_and_copies_what_it_needs() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert all(
        "--require-hashes" in line for line in re.findall(r"pip install .*--requirement.*", dockerfile)
    )
    copied = {
        word for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE) for word in line.split()
    }
    assert {"requirements.txt", "pyproject.toml", "include", "dags", "plugins"} <= copied
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)
    assert re.search(r"^USER 50000", dockerfile, re.MULTILINE)
