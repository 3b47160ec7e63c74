"""A state directory of the code before the packages: it upgrades, keeps its figures, and goes on."""

from __future__ import annotations

import json
import lzma
import shutil
import subprocess
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from conftest import PASSWORDS, PROJECT, Warehouse
from support import pipeline_run

from klimatpuls.contract import schema
from klimatpuls.contract.catalog import SOURCES
from klimatpuls.local.services import LIST_ADDRESS
from klimatpuls.operations import airflow_history
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.pipeline import validate, watch
from klimatpuls.pipeline.parser_version import parser_version
from klimatpuls.warehouse import publication
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import digest_parts
from klimatpuls.warehouse.migrate import make_roles, migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.local.postgres import Cluster
    from klimatpuls.pipeline.context import RunContext

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

BEFORE = PROJECT / "tests" / "fixtures" / "home_before_rooms"
LAST_DAY, NEXT_DAY = date(2025, 6, 1), date(2026, 5, 8)
ASKED = ("smhi_emissions", "scb_population")
FIRST_RELEASE = "smhi_emissions-ghg-2025-05-06-2b02012c"
REFUSED_BY_GATES, REFUSED_BY_PARSER = "2d87a8fa", "fef32eab"
SENT = "SELECT * FROM ops.mail_outbox ORDER BY outbox_id"
NOTICES = "SELECT * FROM ops.operator_notice ORDER BY notice_key"
RELEASES = "SELECT release_id, state, content_sha256 FROM core.dim_release ORDER BY release_id"
FIGURES = f"""
    SELECT region_code, sector_code, year, emissions FROM core.fct_emission
    WHERE release_id = '{FIRST_RELEASE}' ORDER BY region_code, sector_code, year
"""


SOURCES_SINCE = {"eu_ets"}
"""Sources that the old home did not have."""


@dataclass(frozen=True)
class Upgraded:
    """The warehouse after the upgrade, its state directory, and what it said before."""

    warehouse: Warehouse
    home: Path
    archive: Path
    contract_before: schema.Contract
    digests_before: dict[str, str]
    sent_before: list[tuple[Any, ...]]
    notices_before: list[tuple[Any, ...]]
    releases_before: list[tuple[Any, ...]]

    def context(self, day: date) -> RunContext:
        """With registers as they were: a rule that was added or reworded later would be news."""
        return replace(pipeline_run.context_of(self.home, day), registers=self.home / "registers")

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with closing(connect(self.warehouse.loader_dsn)) as conn, conn, conn.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def digests(self, *, with_prose: bool = True) -> dict[str, str]:
        """Of what its readers read before: later marts and columns are left out, old names are not."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(schema, "contract", lambda: self.contract_before)
            return _digests(self.warehouse.loader_dsn, with_prose=with_prose)


def _digests(dsn: str, *, with_prose: bool = True) -> dict[str, str]:
    with closing(connect(dsn)) as conn, conn, conn.cursor() as cursor:
        return digest_parts(cursor, with_prose=with_prose)


def _contract_of(dsn: str) -> schema.Contract:
    """The contract cut to the facts, marts and columns that a warehouse has: what its readers use."""
    now = schema.contract()
    with closing(connect(dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'mart' "
            "ORDER BY table_name, ordinal_position"
        )
        found = cursor.fetchall()
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'core'")
        tables = {table for (table,) in cursor.fetchall()}
    names: dict[str, list[str]] = {}
    for mart, column in found:
        names.setdefault(mart, []).append(column)
    marts = [mart for mart in now.marts if mart.name in names]
    assert {mart.name for mart in marts} == names.keys(), "no mart was taken from its readers"
    return replace(
        now,
        facts=tuple(fact for fact in now.facts if fact.table in tables),
        marts=tuple(replace(m, columns=tuple(map(m.column, names[m.name]))) for m in marts),
    )


def load_dump(cluster: Cluster, dump: str, dsn: str) -> None:
    """Run a packed SQL dump in an empty database."""
    done = subprocess.run(
        [cluster.psql, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={dsn}"],
        input=lzma.decompress((BEFORE / dump).read_bytes()),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def upgraded(
    cluster: Cluster,
    make_database: Callable[[str, str], Warehouse],
    made_archives: Path,
    warehouse_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Upgraded:
    """The old warehouse, restored into a database of its own and migrated."""
    assert warehouse_template, "making it made the roles of the cluster"
    warehouse = make_database("before_rooms", "template0")
    make_roles(warehouse.admin_dsn, PASSWORDS)
    load_dump(cluster, "warehouse.sql.xz", warehouse.admin_dsn)
    old_contract = _contract_of(warehouse.admin_dsn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "contract", lambda: old_contract)
        digests = _digests(warehouse.admin_dsn)
    migrate(warehouse.admin_dsn, PASSWORDS)
    home = tmp_path_factory.mktemp("before_rooms") / "home"
    shutil.copytree(BEFORE / "snapshots", home / "snapshots")
    shutil.copytree(REGISTERS_FOLDER, home / "registers")
    shutil.copytree(BEFORE / "registers", home / "registers", dirs_exist_ok=True)
    found = Upgraded(warehouse, home, made_archives / "every", old_contract, digests, [], [], [])
    found.sent_before.extend(found.rows(SENT))
    found.notices_before.extend(found.rows(NOTICES))
    found.releases_before.extend(found.rows(RELEASES))
    return found


@pytest.fixture(scope="module", autouse=True)
def _the_same_formulas(upgraded: Upgraded) -> Iterator[None]:
    """The method version that calculated the old figures: with another one all are published anew."""
    ((method_version,),) = upgraded.rows("SELECT DISTINCT method_version FROM ops.publication")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publication, "METHOD_VERSION", method_version)
        patch.setattr(watch, "METHOD_VERSION", method_version)
        yield


@pytest.fixture(scope="module")
def refreshed(upgraded: Upgraded) -> Upgraded:
    """The same, asked once more for its last day, which brought nothing new."""
    with pytest.MonkeyPatch.context() as patch, closing(connect(upgraded.warehouse.loader_dsn)) as conn:
        patch.setattr(pipeline_run, "LIST_ADDRESS", LIST_ADDRESS)
        context = upgraded.context(LAST_DAY)
        made = pipeline_run.refresh(conn, upgraded.warehouse.loader_dsn, upgraded.archive, context)
    assert made is None, "every byte was known or refused, and no register had changed"
    return upgraded


def test_the_upgrade_changes_no_figure(upgraded: Upgraded) -> None:
    assert upgraded.digests() == upgraded.digests_before
    made_before = json.loads((BEFORE / "figures.json").read_text(encoding="utf-8"))
    assert upgraded.digests(with_prose=False) == made_before


def test_readers_see_the_publication_that_was_current(upgraded: Upgraded) -> None:
    with closing(connect(upgraded.warehouse.bi_dsn)) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT publication_id, as_of_date, origin FROM mart.current_publication")
        assert cursor.fetchall() == [(1, LAST_DAY, "synthetic")]
        cursor.execute("SELECT count(*), count(DISTINCT region_code) FROM mart.emission")
        assert cursor.fetchall() == [(15_600, 312)]


def test_refused_bytes_are_read_again_by_the_new_parser_and_known_ones_bring_nothing(
    refreshed: Upgraded,
) -> None:
    assert refreshed.rows(RELEASES) == refreshed.releases_before
    read_again = refreshed.rows(
        "SELECT left(snapshot_sha256, 8), outcome, run_id FROM ops.snapshot "
        "WHERE parser_version = %(version)s ORDER BY 1",
        version=parser_version("smhi_emissions"),
    )
    # The gates' verdict is on the release, which is still refused; the parser's is on the file.
    assert [row[:2] for row in read_again] == [
        (REFUSED_BY_GATES, "known_content"),
        (REFUSED_BY_PARSER, "quarantined"),
    ]
    with closing(connect(refreshed.warehouse.loader_dsn)) as conn:
        result = validate.read_result(conn, read_again[0][2])
    assert (result.quarantined, result.explanations) == ((), ()), "it is refused as before: no news to mail"


def test_nothing_is_mailed_twice(refreshed: Upgraded) -> None:
    assert len(refreshed.sent_before) == 1
    assert refreshed.rows(SENT) == refreshed.sent_before
    assert len(refreshed.notices_before) == 2
    assert refreshed.rows(NOTICES) == refreshed.notices_before
    ((method_version,),) = refreshed.rows("SELECT DISTINCT method_version FROM ops.publication")
    with pytest.MonkeyPatch.context() as patch, closing(connect(refreshed.warehouse.loader_dsn)) as conn:
        patch.setattr(watch, "METHOD_VERSION", method_version)
        assert not watch.has_mail_due(conn)
        assert not watch.has_unpublished(conn)


def test_a_refresh_publishes_on_top_and_queues_one_digest(refreshed: Upgraded) -> None:
    before = refreshed.rows(FIGURES)
    with pytest.MonkeyPatch.context() as patch, closing(connect(refreshed.warehouse.loader_dsn)) as conn:
        patch.setattr(pipeline_run, "LIST_ADDRESS", LIST_ADDRESS)
        patch.setattr(pipeline_run, "SOURCES", {name: SOURCES[name] for name in ASKED})
        context = refreshed.context(NEXT_DAY)
        made = pipeline_run.refresh(conn, refreshed.warehouse.loader_dsn, refreshed.archive, context)
        assert made is not None
        assert watch.has_mail_due(conn)
    datasets = {release_id.partition("-")[0] for release_id in made.release_ids}
    assert datasets >= {"smhi_emissions", "scb_population_ckm"}
    assert made.stale == ()
    shown = refreshed.rows(
        "SELECT is_current, earlier_release_id FROM ops.publication_release "
        "WHERE publication_id = %(id)s AND release_id = ANY(%(releases)s) ORDER BY 1",
        id=made.publication_id,
        releases=[FIRST_RELEASE, *(name for name in made.release_ids if "-ghg-" in name)],
    )
    assert shown == [(False, None), (True, FIRST_RELEASE)], "the new release follows upon the old one"
    assert refreshed.rows(FIGURES) == before
    first, *new = refreshed.rows(SENT)
    assert [first] == refreshed.sent_before
    assert len(new) == 1


RUNS = "SELECT dag_id, run_id, state FROM dag_run ORDER BY 1, 2"
TASKS = "SELECT dag_id, task_id, run_id, state FROM task_instance ORDER BY 1, 2, 3"
ID_COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name ~ 'dag_id$' AND data_type IN ('text', 'character varying')
"""


def test_airflow_keeps_the_history_of_renamed_dags(cluster: Cluster, tmp_path: Path) -> None:
    cluster.ensure_role("airflow", "secret")
    cluster.ensure_database("metadata_before_rooms", "airflow")
    load_dump(cluster, "metadata.sql.xz", cluster.dsn("metadata_before_rooms"))
    log = tmp_path / "dag_id=look_smhi_emissions" / "run_id=manual" / "task_id=look" / "attempt=1.log"
    log.parent.mkdir(parents=True)
    log.write_text("kept", encoding="utf-8")
    with closing(connect(cluster.dsn("metadata_before_rooms", "airflow", "secret"))) as conn:
        runs, tasks = _ask(conn, RUNS), _ask(conn, TASKS)
        assert {dag_id for dag_id, *_ in runs} >= {
            "look_smhi_emissions",
            "look_scb_population",
            "assess",
            "tidy",
        }
        renamed = airflow_history.rename_dags(conn, tmp_path)
        then = SOURCES.keys() - SOURCES_SINCE
        assert set(renamed) == {*(f"look_{source_id}" for source_id in then), "assess", "tidy"}
        present = {old: airflow_history.RENAMED_DAGS[old] for old in renamed}
        assert _ask(conn, RUNS) == sorted((present.get(dag_id, dag_id), *rest) for dag_id, *rest in runs)
        found = _ask(conn, TASKS)
        assert sorted((dag_id, run_id, str(state)) for dag_id, _, run_id, state in found) == sorted(
            (present.get(dag_id, dag_id), run_id, str(state)) for dag_id, _, run_id, state in tasks
        )
        assert {task_id for dag_id, task_id, *_ in found if dag_id.startswith("poll_")} == {"poll"}
        for table, column in _ask(conn, ID_COLUMNS):
            left = _ask(conn, f"SELECT count(*) FROM {table} WHERE {column} = ANY(%s)", [list(present)])
            assert left == [(0,)], f"{table}.{column}"
        assert airflow_history.rename_dags(conn, tmp_path) == ()
    kept = tmp_path / "dag_id=poll_smhi_emissions" / "run_id=manual" / "task_id=poll" / "attempt=1.log"
    assert kept.read_text(encoding="utf-8") == "kept"


def _ask(conn: PgConnection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with conn, conn.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()
