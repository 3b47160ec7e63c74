"""Superset without starting it: its command lines, its environment, the assets it is given."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from klimatpuls.contract import schema
from klimatpuls.errors import UsageError
from klimatpuls.files.yaml_text import parse_yaml
from klimatpuls.local import superset
from klimatpuls.local.home import Home
from klimatpuls.local.superset import Superset

PROJECT = Path(__file__).resolve().parents[3]
ASSETS = PROJECT / "bi" / "assets"
DSN = "postgresql://bi_read:p%40ss%2Fword@127.0.0.1:5999/klimatpuls"


def _read(folder: str) -> dict[str, dict[str, Any]]:
    return {path.stem: parse_yaml(path.read_text("utf-8")) for path in (ASSETS / folder).rglob("*.yaml")}


DATASETS, CHARTS = _read("datasets"), _read("charts")
(DASHBOARD,) = _read("dashboards").values()
BY_UUID = {dataset["uuid"]: dataset for dataset in DATASETS.values()}
MARTS = {mart.name: mart for mart in schema.marts()}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_the_files_hold_no_password_and_name_the_role_that_may_only_read() -> None:
    (database,) = _read("databases").values()
    assert database["sqlalchemy_uri"].startswith("postgresql+psycopg2://bi_read:XXXXXXXXXX@")
    assert "password" not in database
    assert database["allow_dml"] is False
    assert database["allow_csv_upload"] is False


def test_the_bundle_has_the_address_of_the_warehouse() -> None:
    with zipfile.ZipFile(io.BytesIO(superset.build_bundle(ASSETS, DSN))) as bundle:
        contents = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert contents.keys() == {f"klimatpuls/{path.relative_to(ASSETS)}" for path in ASSETS.rglob("*.yaml")}
    database = parse_yaml(contents["klimatpuls/databases/Klimatpuls.yaml"])
    assert database["sqlalchemy_uri"] == DSN.replace("postgresql:", "postgresql+psycopg2:")
    assert database["allow_dml"] is False


def test_the_server_listens_on_this_machine_and_no_secret_is_on_a_command_line(home: Home) -> None:
    words = superset.server_words(8088)
    assert "--bind=127.0.0.1:8088" in words
    secrets = set(vars(home.secrets).values())
    assert not secrets & set(words)


def test_no_setting_of_the_callers_reaches_superset(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SUPERSET__X", "FLASK_DEBUG", "GUNICORN_CMD_ARGS", "PYTHONPATH", "TALISMAN_ENABLED"):
        monkeypatch.setenv(name, "x")
    environment = Superset(home).environment()
    assert not {"SUPERSET__X", "FLASK_DEBUG", "GUNICORN_CMD_ARGS", "PYTHONPATH", "TALISMAN_ENABLED"} & set(
        environment
    )
    assert environment["PATH"].startswith(str(PROJECT / "bi/.venv/bin"))
    assert environment["SUPERSET_SECRET_KEY"] == home.secrets.superset_key


def test_without_its_environment_the_error_names_the_command(home: Home, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="make bi"):
        Superset(home, project=tmp_path).start(DSN)


def test_without_a_warehouse_the_error_names_what_to_start(home: Home) -> None:
    with pytest.raises(UsageError, match="make up"):
        superset.start(home, lambda _: None)


def test_stopping_what_never_ran_makes_no_folder(home: Home) -> None:
    assert superset.stop(home) is False
    assert not (home.root / superset.FOLDER).exists()


def test_every_chart_is_on_the_dashboard_and_has_a_dataset() -> None:
    placed = {part["meta"]["uuid"] for part in DASHBOARD["position"].values() if _is_chart(part)}
    assert placed == {chart["uuid"] for chart in CHARTS.values()}
    assert {chart["dataset_uuid"] for chart in CHARTS.values()} <= BY_UUID.keys()
    assert DASHBOARD["slug"] == superset.DASHBOARD


def _is_chart(part: Any) -> bool:
    return isinstance(part, dict) and part["type"] == "CHART"


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_asks_for_columns_and_metrics_that_its_dataset_has(name: str) -> None:
    chart = CHARTS[name]
    dataset = BY_UUID[chart["dataset_uuid"]]
    columns = {column["column_name"] for column in dataset["columns"]}
    params = chart["params"]
    used = {*params.get("all_columns", ()), *params.get("groupby", ())}
    used |= {condition["subject"] for condition in params["adhoc_filters"]}
    used |= {params["x_axis"]} if "x_axis" in params else set()
    assert used <= columns
    assert set(params.get("metrics", ())) <= {metric["metric_name"] for metric in dataset["metrics"]}
    assert params["viz_type"] == chart["viz_type"]
    (query,) = parse_yaml(chart["query_context"])["queries"]
    assert {condition["col"] for condition in query["filters"]} == {
        condition["subject"] for condition in params["adhoc_filters"]
    }


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_reads_marts_only_and_has_the_texts_of_the_contract(name: str) -> None:
    dataset = DATASETS[name]
    assert dataset["schema"] == "mart"
    if dataset["sql"] is None:
        mart = MARTS[name]
        described = {
            column["column_name"]: column["description"]
            for column in dataset["columns"]
            if column["expression"] is None
        }
        expected = {column.name: column.en for column in mart.columns if column.name in described}
        assert described == expected
    else:
        sources = set(re.findall(r"\b(?:FROM|JOIN)\s+([\w.]+)", dataset["sql"]))
        named = set(re.findall(r"\b(\w+) AS \(", dataset["sql"]))
        assert {source for source in sources if not source.startswith("mart.")} <= named
        assert {source.partition(".")[2] for source in sources if "." in source} <= MARTS.keys()


@pytest.mark.parametrize("name", DATASETS)
def test_every_column_has_a_label_of_its_own_and_an_explanation(name: str) -> None:
    fields = [*DATASETS[name]["columns"], *DATASETS[name]["metrics"]]
    assert all(field["verbose_name"] and field["description"] for field in fields)
    labels = [column["verbose_name"] for column in DATASETS[name]["columns"]]
    assert len(labels) == len(set(labels))


def test_no_metric_adds_or_averages_a_ratio() -> None:
    for name, dataset in DATASETS.items():
        for metric in dataset["metrics"]:
            expression = metric["expression"].lower()
            assert "avg(" not in expression, (name, metric["metric_name"])
            summed = re.findall(r"sum\((\w+)\)", expression)
            assert not [one for one in summed if one.endswith(("_pct", "_per_capita"))], name


def test_every_word_of_a_code_is_translated() -> None:
    for name, dataset in DATASETS.items():
        for column in dataset["columns"]:
            mart = MARTS.get(name)
            match = re.match(r"CASE (\w+)\n", column["expression"] or "")
            if mart is None or match is None:
                continue
            (source,) = [one for one in mart.columns if one.name == match[1]]
            words = set(re.findall(r"WHEN '(\w+)'", column["expression"]))
            assert words == set(source.allowed), (name, column["column_name"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The script that makes Superset's environment, in a project whose installer only keeps a diary."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bi").mkdir()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    shutil.copy(PROJECT / "bin/bootstrap-bi", tmp_path / "bin/bootstrap-bi")
    (tmp_path / "bi/requirements.txt").write_text("superset==1\n", encoding="utf-8")
    (tmp_path / ".venv/bin/uv").write_text(
        '#!/bin/sh\necho "$1" >>diary\n[ "$1" = venv ] || exit 0\n'
        f"mkdir -p bi/.venv/bin\nln -s {sys.executable} bi/.venv/bin/python\n",
        encoding="utf-8",
    )
    (tmp_path / ".venv/bin/uv").chmod(0o755)
    return tmp_path


def _bootstrap(project: Path, **settings: str) -> tuple[int, str, list[str]]:
    done = subprocess.run(
        [project / "bin/bootstrap-bi"],
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    diary = project / "diary"
    return done.returncode, done.stderr, diary.read_text().split() if diary.exists() else []


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="Superset knows Python 3.11 and 3.12")
def test_its_environment_is_made_once_and_again_when_the_lock_changed(project: Path) -> None:
    python = {"KLIMATPULS_BI_PYTHON": sys.executable}
    assert _bootstrap(project, **python) == (0, "", ["venv", "pip"])
    assert _bootstrap(project, **python) == (0, "", ["venv", "pip"])
    (project / "bi/requirements.txt").write_text("superset==2\n", encoding="utf-8")
    assert _bootstrap(project, **python) == (0, "", ["venv", "pip", "venv", "pip"])


def test_an_interpreter_it_cannot_use_is_named(project: Path) -> None:
    code, said, diary = _bootstrap(project, KLIMATPULS_BI_PYTHON="/nowhere/python")
    assert code == 1
    assert "KLIMATPULS_BI_PYTHON=/nowhere/python is no Python 3.11 or 3.12" in said
    assert diary == []


def test_without_the_installer_the_error_names_the_command(project: Path) -> None:
    (project / ".venv/bin/uv").unlink()
    code, said, _ = _bootstrap(project)
    assert code == 1
    assert "run make bi" in said
