"""docs/adding_a_source.md, followed word for word in a copy of the project: it adds two invented sources."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import PASSWORDS, PROJECT

from klimatpuls.local.postgres import temporary_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from klimatpuls.local.postgres import Cluster

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

PAGE = "docs/adding_a_source.md"
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".hypothesis", "var", "*.egg-info", ".*_cache", "__pycache__", "node_modules"
)
FENCED = re.compile(r"^```(?P<kind>\w+)\n(?:# (?P<path>[\w./-]+)\n)?(?P<text>.*?)^```$", re.M | re.S)
AT_THE_AGENCY = "## Ask the agency"
"""The one section whose commands call an agency that does not exist."""
GENERATED = {"docs/data_dictionary.md", "docs/datapackage.json", "docs/sources/README.md"}

RUN = """
import json, sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from airflow.dag_processing.dagbag import DagBag
from klimatpuls.contract import catalog
from klimatpuls.fetch.http import open_session
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.operations.check_sources import Place, check_sources
from klimatpuls.pipeline import load, publish, recognise_file, snapshot, validate
from klimatpuls.pipeline.context import RunContext
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.migrate import migrate

root, admin, loader, passwords = Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
assert Path(catalog.__file__).is_relative_to(root), catalog.__file__
dags = sorted(DagBag(dag_folder=str(root / "dags")).dags)
migrate(admin, passwords)
context = RunContext(
    home=root.parent / "home", origin="synthetic", as_of=date(2026, 5, 8),
    now=datetime(2026, 5, 8, 9, tzinfo=UTC),
)
fixtures = root / "tests/fixtures"
found = {}
with closing(connect(loader)) as conn, MockServer(MockAgencies(fixtures, context.as_of)) as server:
    for source in map(catalog.source, sys.argv[5:]):
        base_url = server.url + source.mock_path
        place = Place(base_urls={source.conn_id: base_url}, as_of=context.as_of)
        checked = [(one.verdict, one.assumption) for _, one in check_sources([source], place)]
        with conn:
            run = runs.start_run(
                conn, source=source.id, origin="synthetic", as_of=context.as_of, orchestrator_run=None
            )
        with open_session(source, base_url) as session:
            taken = snapshot.take_snapshots(conn, source, session, context, run_id=run.run_id)
        load.load_run(conn, source, taken.run_id, context)
        verdict = validate.validate_run(conn, loader, source, taken.run_id, context)
        found[source.id] = {"checked": checked, "state": verdict.state, "why": verdict.explanations}
    publish.publish_validated(conn, context, "list@example.org")
    with conn, conn.cursor() as cursor:
        for name, result in found.items():
            cursor.execute(f"SELECT region_code, year, {name}_count FROM mart.{name} ORDER BY 1")
            result["rows"] = cursor.fetchall()
            cursor.execute("SELECT count(*) FROM mart.data_status WHERE dataset = %s", [name])
            result["freshness_rows"] = cursor.fetchone()[0]
            cursor.execute("SELECT column_name, kind FROM mart.lineage WHERE mart_name = %s", [name])
            result["lineage"] = cursor.fetchall()
for name, result in found.items():
    (body,) = (fixtures / name).glob("[dv]a*.json")
    result["by_hand"] = recognise_file.recognise(body.read_bytes())[0].source
print("RESULT " + json.dumps({"dags": dags, "sources": found}))
"""


def hashes(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
        and not {"__pycache__", ".pytest_cache", ".hypothesis", ".venv"} & set(path.relative_to(root).parts)
    }


def follow(root: Path, environment: Mapping[str, str]) -> list[str]:
    """Does what the page says, in its order: writes its files and runs its commands. Returns their output."""
    before, heading, after = (PROJECT / PAGE).read_text(encoding="utf-8").partition(AT_THE_AGENCY)
    assert heading
    printed = []
    for block in FENCED.finditer(before + "## " + after.partition("\n## ")[2]):
        if block["kind"] != "sh":
            assert block["path"], f"the page does not say which file this is:\n{block['text']}"
            assert (root / block["path"]).is_file(), f"{block['path']} was not written by the command"
            (root / block["path"]).write_text(block["text"], encoding="utf-8")
            continue
        for line in block["text"].splitlines():
            done = subprocess.run(
                line.split(),
                cwd=root,
                env=environment,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
            printed.append(done.stdout)
    return printed


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of the test's own: it makes roles, which all databases of a cluster have in common."""
    with temporary_cluster(tmp_path / "cluster") as running:
        yield running


def test_the_page_adds_two_sources_and_changes_no_other_file(own_cluster: Cluster, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(PROJECT, root, ignore=LEFT_OUT)
    (root / ".venv").symlink_to(sys.prefix)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{root / 'include'}{os.pathsep}{root / 'plugins'}",
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////nowhere/never-opened.db",
    }
    before = hashes(root)
    printed = follow(root, environment)
    assert sum(" passed" in text for text in printed) == 2

    names = ("toy_trees", "toy_cyclists")
    own_cluster.ensure_database("toy_source")
    loader = own_cluster.dsn("toy_source", "wh_loader", PASSWORDS["wh_loader"])
    words = [str(root), own_cluster.dsn("toy_source"), loader, json.dumps(PASSWORDS), *names]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    result = json.loads(line.removeprefix("RESULT "))
    assert {f"{kind}_{name}" for kind in ("poll", "ingest") for name in names} <= set(result["dags"])
    for name, source in result["sources"].items():
        assert source["state"] == "validated", source["why"]
        assert source["rows"] == [["0319", 2025, 11], ["0360", 2025, 7]]
        assert source["freshness_rows"] == 1
        assert source["lineage"] == [[f"{name}_count", "source"]]
        assert source["checked"]
        # The recorded answers are cut to two regions, as the page says.
        unproven = [words for verdict, words in source["checked"] if verdict != "holds"]
        assert [words for words in unproven if "its regions are the 312" not in words] == []
        assert bool(unproven) == (name == "toy_cyclists")
        assert source["by_hand"] == name

    after = hashes(root)
    assert not before.keys() - after.keys()
    touched = {name for name in after if after[name] != before.get(name)}
    own = {
        place
        for name in names
        for place in (
            f"include/klimatpuls/sources/{name}",
            f"tests/fixtures/{name}",
            f"tests/unit/sources/test_{name}.py",
            f"docs/sources/{name}.md",
        )
    }
    assert {str(Path(name).parent) if str(Path(name).parent) in own else name for name in touched} == {
        *own,
        *GENERATED,
    }
