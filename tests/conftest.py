"""Fixtures of all tests: real data if present, synthetic archives, and a throw-away PostgreSQL."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from psycopg2 import sql
from support import pipeline_run, shared
from support.result_cache import cached_results

from klimatpuls.statistics import results
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import warehouse_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from klimatpuls.local.postgres import Cluster
    from klimatpuls.pipeline.context import RunContext

REAL_DATA = "KLIMATPULS_REAL_DATA"
PROJECT = Path(__file__).resolve().parents[1]
PASSWORDS = {"wh_loader": "load", "wh_mailer": "mail", "bi_read": "read"}
AS_OF = date(2026, 5, 8)
HALF_WRITTEN = shutil.ignore_patterns("*.pyc.*")
"""Left out of copies of the project: byte code that another worker is still writing."""
# Without byte code every command and every worker would compile all its imports again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Modules are millions of long-lived objects, which the garbage collector would scan again and again.
gc.set_threshold(100_000, 20, 100)
CLUSTER = pytest.StashKey[shared.SharedCluster]()

# A deadline per example measures the load of the machine, not the code.
hypothesis.settings.register_profile("klimatpuls", deadline=None)
hypothesis.settings.load_profile("klimatpuls")


@dataclass(frozen=True)
class Warehouse:
    """A warehouse of one test and its addresses by role."""

    name: str
    admin_dsn: str
    loader_dsn: str
    mailer_dsn: str
    bi_dsn: str


@dataclass(frozen=True)
class Published:
    """A warehouse with valid data, and the context of the next run."""

    warehouse: Warehouse
    context: RunContext
    archive: Path
    good_digest: str

    def digest(self) -> str:
        """The digest of everything published."""
        with closing(connect(self.warehouse.loader_dsn)) as conn:
            return warehouse_digest(conn)


def pytest_collection_finish() -> None:
    """Freeze long-lived objects so the garbage collector skips them."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first, so no worker waits for another at the end."""
    longest = ("e2e", "real_run")
    items.sort(key=lambda item: not any(map(item.get_closest_marker, longest)))


@pytest.fixture(scope="session", autouse=True)
def result_cache(session_folder: Path) -> Iterator[None]:
    """Calculate the results of the same inputs once per session."""
    folder = session_folder / "results"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "each_result", cached_results(folder))
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests that need it are skipped only if it is missing."""
    folder = Path(os.environ.get(REAL_DATA, PROJECT.parent / "shared" / "data"))
    if not (folder / "smhi").is_dir():
        pytest.skip(f"no real figures in {folder}; set {REAL_DATA} to a folder that holds smhi/ and scb/")
    return folder


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the cluster here: in a fixture, waiting for other workers would count as time of the last test."""
    cluster = session.config.stash.get(CLUSTER, None)
    if cluster is not None:
        cluster.close()


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers share."""
    return shared.session_folder(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def made_archives(session_folder: Path) -> Path:
    """A folder with the bundled archive (``whole``), a ``small`` one and ``every``: not to be changed."""
    return shared.once(session_folder, "archives", pipeline_run.make_archives)


@pytest.fixture(scope="session")
def small_archive(made_archives: Path) -> Path:
    """Two releases of all greenhouse gases, main sectors and six years only, and population."""
    return made_archives / "small"


@pytest.fixture(scope="session")
def whole_archive(made_archives: Path) -> Path:
    """The small archive and all other sources."""
    return made_archives / "every"


@pytest.fixture(scope="session")
def shared_cluster(session_folder: Path, request: pytest.FixtureRequest) -> shared.SharedCluster:
    """This worker's handle of the session's cluster."""
    ours = shared.SharedCluster(session_folder)
    request.config.stash[CLUSTER] = ours
    return ours


@pytest.fixture(scope="session")
def cluster(shared_cluster: shared.SharedCluster) -> Cluster:
    """A throw-away PostgreSQL cluster for all workers of the session."""
    return shared_cluster.open()


@pytest.fixture(scope="session")
def warehouse_template(cluster: Cluster, shared_cluster: shared.SharedCluster) -> str:
    """A migrated database from which the databases of tests are cloned."""
    from klimatpuls.warehouse.migrate import migrate

    def make(_: Path) -> None:
        cluster.ensure_database("template_warehouse")
        migrate(cluster.dsn("template_warehouse"), PASSWORDS)

    shared.once(shared_cluster.folder, "template", make)
    return "template_warehouse"


@pytest.fixture(scope="session")
def make_database(cluster: Cluster) -> Callable[[str, str], Warehouse]:
    """Makes a warehouse with a name as a clone of another database."""

    def make(name: str, template: str) -> Warehouse:
        with closing(cluster.connect()) as conn:
            conn.autocommit = True
            with conn.cursor() as cursor:
                # Copying files takes a tenth of the time of the default, which writes them to the log.
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                        sql.Identifier(name), sql.Identifier(template)
                    )
                )
                cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
                for role in (*PASSWORDS, "wh_secretariat"):
                    cursor.execute(
                        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                            sql.Identifier(name), sql.Identifier(role)
                        )
                    )
        return _warehouse(cluster, name)

    return make


def _warehouse(cluster: Cluster, name: str) -> Warehouse:
    def dsn(role: str) -> str:
        return cluster.dsn(name, role, PASSWORDS[role])

    return Warehouse(
        name=name,
        admin_dsn=cluster.dsn(name),
        loader_dsn=dsn("wh_loader"),
        mailer_dsn=dsn("wh_mailer"),
        bi_dsn=dsn("bi_read"),
    )


@pytest.fixture(scope="session")
def clone(make_database: Callable[[str, str], Warehouse]) -> Callable[[str], Warehouse]:
    """Makes warehouses as clones of a database."""
    numbers = count(1)
    return lambda template: make_database(f"warehouse_{shared.WORKER}{next(numbers)}", template)


@pytest.fixture(scope="session")
def drop_warehouse(cluster: Cluster) -> Callable[[Warehouse], None]:
    """Drops a warehouse even if somebody is still connected to it."""

    def drop(warehouse: Warehouse) -> None:
        with closing(cluster.connect()) as conn:
            conn.autocommit = True
            with conn.cursor() as cursor:
                cursor.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(warehouse.name))
                )

    return drop


@pytest.fixture(scope="session")
def published_as(
    shared_cluster: shared.SharedCluster,
    warehouse_template: str,
    make_database: Callable[[str, str], Warehouse],
) -> Callable[[str, Path], Published]:
    """Publishes an archive as of ``AS_OF`` once for all workers, and gives each worker a copy.

    The database published into is only a template: PostgreSQL cannot clone one that somebody reads.
    """
    copies: dict[str, Warehouse] = {}

    def publish(name: str, archive: Path) -> Published:
        def make(folder: Path) -> None:
            made = make_database(f"{name}_template", warehouse_template)
            context = pipeline_run.context_of(folder / "home", AS_OF)
            with closing(connect(made.loader_dsn)) as conn:
                assert pipeline_run.refresh(conn, made.loader_dsn, archive, context) is not None
                (folder / "digest").write_text(warehouse_digest(conn), encoding="ascii")

        folder = shared.once(shared_cluster.folder, name, make)
        if name not in copies:
            copies[name] = make_database(f"{name}_{shared.WORKER}", f"{name}_template")
        return Published(
            warehouse=copies[name],
            context=pipeline_run.context_of(folder / "home", AS_OF),
            archive=archive,
            good_digest=(folder / "digest").read_text(encoding="ascii"),
        )

    return publish


@pytest.fixture(scope="session")
def good(published_as: Callable[[str, Path], Published], small_archive: Path) -> Published:
    """A warehouse with the small archive published as of ``AS_OF``; clone it, never change it."""
    return published_as("good", small_archive)


@pytest.fixture(scope="session")
def wholly_good(published_as: Callable[[str, Path], Published], whole_archive: Path) -> Published:
    """A warehouse with every source published as of ``AS_OF``; clone it, never change it."""
    return published_as("wholly_good", whole_archive)


@pytest.fixture(scope="session")
def new_warehouse(clone: Callable[[str], Warehouse], warehouse_template: str) -> Callable[[], Warehouse]:
    """Makes migrated, empty warehouses."""
    return lambda: clone(warehouse_template)


@pytest.fixture
def warehouse(
    new_warehouse: Callable[[], Warehouse], drop_warehouse: Callable[[Warehouse], None]
) -> Iterator[Warehouse]:
    """A migrated, empty warehouse for one test."""
    made = new_warehouse()
    yield made
    drop_warehouse(made)
