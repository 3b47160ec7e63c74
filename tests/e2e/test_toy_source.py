"""A rehearsal: a source that never was, added in a copy of the project by five files and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import HALF_WRITTEN, PASSWORDS, PROJECT

from klimatpuls.local.postgres import temporary_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klimatpuls.local.postgres import Cluster

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

MODULE = '''"""Trees by municipality, from a service that never was."""

from __future__ import annotations

import json
from datetime import date

import pandas as pd

from klimatpuls.fetch.assumptions import Checked
from klimatpuls.errors import SourceFormatError
from klimatpuls.fetch.http import poll_file
from klimatpuls.contract.releases import Fetched, Parsed


def fetch(session, base_url, dataset, substance, *, as_of):
    """Ask for the trees."""
    answer = session.get(f"{base_url}/trees")
    return Fetched(
        source="toy_trees", dataset=dataset, substance=None, url=answer.url, parts=(answer.body,)
    )


def poll(session, base_url, dataset, substance, *, as_of, validators):
    """See whether the trees changed."""
    return poll_file(session, f"{base_url}/trees", {}, validators)


RECOGNISES = "JSON with the trees of each municipality"


def recognise(body):
    """Whether a file given by hand holds the trees."""
    return ("toy_trees", None) if b'"trees"' in body and body.startswith(b"{") else None


def check(session, base_url, *, as_of):
    """The one assumption: the trees come with the day they were counted."""
    found = parse([session.get(f"{base_url}/trees").body], "toy_trees", None)
    yield Checked(
        assumption="the trees come with the day they were counted",
        answer=f"{len(found.rows)} rows of {found.published_date}",
        verdict="holds",
    )


def parse(parts, dataset, substance):
    """One row per municipality and year."""
    document = json.loads(parts[0])
    if sorted(document) != ["published", "trees"]:
        found = sorted(document)
        raise SourceFormatError(f"toy_trees: expected published and trees, found {found}", rule="shape")
    rows = pd.DataFrame(document["trees"], columns=["region_code", "year", "tree_count"])
    rows["sheet_row"] = range(len(rows))
    return Parsed(
        dataset=dataset, substance=None, unit="trees",
        published_date=date.fromisoformat(document["published"]),
        years=tuple(sorted(rows["year"].unique().tolist())), rows=rows.astype({"region_code": "str"}),
        rejects=pd.DataFrame(columns=["sheet_row", "column_name", "raw_value", "reason"]).astype(
            {"sheet_row": "int64"}
        ),
        rows_read=len(rows),
        losses=() if len(rows) else ("no tree is counted. What to do: ask Nobody",),
    )
'''

ORIGIN = """# Trees

Built by hand, not recorded. Seen: nothing. Assumed: the whole answer, since the service never was.
"""

TEST = '''"""Trees: the happy path."""

from klimatpuls.sources import toy_trees


def test_a_tree_is_read() -> None:
    body = b'{"published": "2026-03-01", "trees": [["0360", 2025, 7]]}'
    assert toy_trees.parse([body], "toy_trees", None).rows["tree_count"].tolist() == [7]
'''

ENTRY = """TOY_TREES = Source(
    id="toy_trees",
    title_sv="Träd",
    title_en="Trees",
    publisher="Nobody",
    conn_id="toy_default",
    live_base_url="https://trees.example.org",
    mock_path="/toy",
    hosts=("trees.example.org",),
    licence="none",
    licence_url=None,
    attribution_sv="Källa: ingen",
    attribution_en="Source: nobody",
    schedule=("15 8 * * 1",),
    calls_per_window=((4, 1.0),),
    datasets=(
        Dataset(
            id="toy_trees",
            fact="tree",
            title_sv="Träd per kommun",
            title_en="Trees by municipality",
            substances=(None,),
            expected_month=3,
            expected_day=1,
            publication_lag_years=1,
            due_after_days=30,
            stale_after_days=200,
            # Measured on the releases there are: no municipality more than doubled its trees in a year.
            tolerances=Tolerances(new_year_ratio=2.0, new_year_share_pct=1.0),
        ),
    ),
)

SOURCES: dict"""

FACT = """  tree:
    key: [region_code, year]
    columns:
      - region_code
      - year
      - tree_count:
          type: integer
          unit: trees
          min: 0
          sv: Antal träd.
          en: Number of trees.

  population_forecast:
    key:"""

MART = """  tree:
    fact: tree
    sv: Träd per kommun enligt gällande utgåva.
    en: Trees by municipality, by the current release.
    grain_sv: en rad per område × år
    grain_en: one row per area × year
    key: [region_code, year]
    columns:
      - region_code
      - year
      - tree_count
      - release_id
      - publication_id
"""

REHEARSAL = """
import json, sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from airflow.dag_processing.dagbag import DagBag
from klimatpuls.contract import catalog, schema
from klimatpuls.pipeline import load, publish, recognising, snapshot, validate
from klimatpuls.operations.check_sources import Place, check_sources
from klimatpuls.pipeline.context import RunContext
from klimatpuls.fetch.http import open_session
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.migrate import migrate

root, admin, loader, passwords = Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
assert Path(catalog.__file__).is_relative_to(root), catalog.__file__
dags = sorted(DagBag(dag_folder=str(root / "dags")).dags)
migrate(admin, passwords)
source = catalog.SOURCES["toy_trees"]
context = RunContext(
    home=root.parent / "home", origin="synthetic", as_of=date(2026, 5, 8),
    now=datetime(2026, 5, 8, 9, tzinfo=UTC),
)
recorded = MockAgencies(root / "tests/fixtures", context.as_of)
with closing(connect(loader)) as conn, MockServer(recorded) as replica:
    with conn:
        run = runs.start_run(
            conn, source=source.id, origin="synthetic", as_of=context.as_of, orchestrator_run=None
        )
    place = Place(
        base_urls={source.conn_id: replica.url + source.mock_path}, as_of=context.as_of
    )
    checked = [(one.verdict, one.answer) for _, one in check_sources([source], place)]
    with open_session(source, replica.url + source.mock_path) as session:
        taken = snapshot.take_snapshots(conn, source, session, context, run_id=run.run_id)
    load.load_run(conn, source, taken.run_id, context)
    judged = validate.validate_run(conn, loader, source, taken.run_id, context)
    publish.publish_validated(conn, context, "list@example.org")
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT region_code, year, tree_count FROM mart.tree")
        rows = cursor.fetchall()
        cursor.execute("SELECT count(*) FROM mart.data_status WHERE dataset = 'toy_trees'")
        (fresh,) = cursor.fetchone()
by_hand = recognising.recognise((root / "tests/fixtures/toy_trees/trees.json").read_bytes())
print("RESULT " + json.dumps({
    "checked": checked, "by_hand": by_hand[0].source,
    "dags": dags, "state": judged.state, "told": judged.explanations, "rows": rows, "fresh": fresh,
    "page": "Trees by municipality, by the current release." in schema.dictionary_markdown(),
}))
"""


def replace_once(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def hashes(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and not {"__pycache__", ".pytest_cache"} & set(path.parts)
    }


def add_source(root: Path) -> None:
    """The five files of docs/adding_a_source.md."""
    package = root / "include" / "klimatpuls"
    (package / "sources" / "toy_trees.py").write_text(MODULE, encoding="utf-8")
    replace_once(package / "catalog.py", "SOURCES: dict", ENTRY)
    replace_once(
        package / "catalog.py",
        "        KLIMATKLIVET,\n    )",
        "        KLIMATKLIVET,\n        TOY_TREES,\n    )",
    )
    contract = package / "contract" / "facts.yaml"
    replace_once(contract, "  population_forecast:\n    key:", FACT)
    replace_once(contract, "  population_forecast:\n    fact:", f"{MART}\n  population_forecast:\n    fact:")
    fixture = root / "tests" / "fixtures" / "toy_trees"
    fixture.mkdir(parents=True)
    (fixture / "routes.csv").write_text(
        "path,file,content_type,available_from\n/trees,trees.json,application/json,\n", encoding="utf-8"
    )
    trees = {"published": "2026-03-01", "trees": [["0360", 2025, 7], ["0319", 2025, 11]]}
    (fixture / "trees.json").write_text(json.dumps(trees), encoding="utf-8")
    (fixture / "ORIGIN.md").write_text(ORIGIN, encoding="utf-8")
    (root / "tests" / "unit" / "sources").mkdir(parents=True)
    (root / "tests" / "unit" / "sources" / "test_toy_trees.py").write_text(TEST, encoding="utf-8")


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of the test's own: it makes roles, which all databases of a cluster have in common."""
    with temporary_cluster(tmp_path / "cluster") as running:
        yield running


def test_five_files_make_a_source(own_cluster: Cluster, tmp_path: Path) -> None:
    root = tmp_path / "project"
    for folder in ("include", "dags", "plugins"):
        shutil.copytree(PROJECT / folder, root / folder, ignore=HALF_WRITTEN)
    before = hashes(root)
    add_source(root)

    own_cluster.ensure_database("toy_source")
    environment = {
        **os.environ,
        "PYTHONPATH": f"{root / 'include'}{os.pathsep}{root / 'plugins'}",
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////nowhere/never-opened.db",
    }
    loader = own_cluster.dsn("toy_source", "wh_loader", PASSWORDS["wh_loader"])
    own = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(root), str(root / "tests" / "unit")]
    tested = subprocess.run(own, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert "1 passed" in tested.stdout, tested.stdout[-3000:]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            REHEARSAL,
            str(root),
            own_cluster.dsn("toy_source"),
            loader,
            json.dumps(PASSWORDS),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    result = json.loads(line.removeprefix("RESULT "))
    assert {"ingest_toy_trees", "poll_toy_trees"} <= set(result["dags"])
    assert result["state"] == "validated", result["told"]
    assert sorted(result["rows"]) == [["0319", 2025, 11], ["0360", 2025, 7]]
    assert result["fresh"] == 1
    assert result["checked"] == [["holds", "2 rows of 2026-03-01"]]
    assert result["by_hand"] == "toy_trees"
    assert result["page"]

    after = hashes(root)
    assert not before.keys() - after.keys()
    touched = {name for name in after if after[name] != before.get(name)}
    places = {str(Path(name).parent) if "/fixtures/" in f"/{name}" else name for name in touched}
    assert places == {
        "include/klimatpuls/contract/catalog.py",
        "include/klimatpuls/contract/facts.yaml",
        "include/klimatpuls/sources/toy_trees.py",
        "tests/fixtures/toy_trees",
        "tests/unit/sources/test_toy_trees.py",
    }
