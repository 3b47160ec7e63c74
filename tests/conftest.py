"""The environment of the tests: real figures where they are, a throw-away PostgreSQL, nothing else."""

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
from support.result_cache import remembering

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
"""What a copy of the project leaves out: byte code that another worker has not finished writing."""
# Where the environment forbids byte code, every command and every worker would compile all that it imports.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# The modules of a session are millions of objects that stay; looking through them again and again takes time.
gc.set_threshold(100_000, 20, 100)
CLUSTER = pytest.StashKey[shared.SharedCluster]()

# A deadline per example measures the machine, not the code: a busy one fails what is right.
hypothesis.settings.register_profile("klimatpuls", deadline=None)
hypothesis.settings.load_profile("klimatpuls")


@dataclass(frozen=True)
class Warehouse:
    """A warehouse of a test's own and the ways into it."""

    name: str
    admin_dsn: str
    loader_dsn: str
    mailer_dsn: str
    bi_dsn: str


@dataclass(frozen=True)
class Published:
    """A warehouse with good figures, and the circumstances of the next run."""

    warehouse: Warehouse
    context: RunContext
    archive: Path
    good_digest: str

    def digest(self) -> str:
        """Hash of everything published."""
        with closing(connect(self.warehouse.loader_dsn)) as conn:
            return warehouse_digest(conn)


def pytest_collection_finish() -> None:
    """What the modules of all tests hold stays to the end: it need not be looked through again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs longest comes first, so that no core waits for the other at the end."""
    longest = ("e2e", "real_run")
    items.sort(key=lambda item: not any(map(item.get_closest_marker, longest)))


@pytest.fixture(scope="session", autouse=True)
def remembered_results(session_folder: Path) -> Iterator[None]:
    """Publications of the same inputs reckon their results once in a session."""
    folder = session_folder / "results"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "each_result", remembering(folder))
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real figures; the tests that need it are skipped only where it is missing."""
    folder = Path(os.environ.get(REAL_DATA, PROJECT.parent / "shared" / "data"))
    if not (folder / "smhi").is_dir():
        pytest.skip(f"no real figures in {folder}; set {REAL_DATA} to a folder that holds smhi/ and scb/")
    return folder


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the cluster; in a fixture, waiting for the other worker would count as the last test's time."""
    cluster = session.config.stash.get(CLUSTER, None)
    if cluster is not None:
        cluster.close()


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the workers have in common."""
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
    """The small archive and the answers of all other sources."""
    return made_archives / "every"


@pytest.fixture(scope="session")
def shared_cluster(session_folder: Path, request: pytest.FixtureRequest) -> shared.SharedCluster:
    """Our end of the cluster of the session."""
    ours = shared.SharedCluster(session_folder)
    request.config.stash[CLUSTER] = ours
    return ours


@pytest.fixture(scope="session")
def cluster(shared_cluster: shared.SharedCluster) -> Cluster:
    """A throw-away PostgreSQL cluster for the whole session and all its workers."""
    return shared_cluster.open()


@pytest.fixture(scope="session")
def warehouse_template(cluster: Cluster, shared_cluster: shared.SharedCluster) -> str:
    """A migrated database that the tests' own databases are cloned from."""
    from klimatpuls.warehouse.migrate import migrate

    def make(_: Path) -> None:
        cluster.ensure_database("template_warehouse")
        migrate(cluster.dsn("template_warehouse"), PASSWORDS)

    shared.once(shared_cluster.folder, "template", make)
    return "template_warehouse"


@pytest.fixture(scope="session")
def make_database(cluster: Cluster) -> Callable[[str, str], Warehouse]:
    """Makes the warehouse of a name, a clone of another database."""

    def make(name: str, template: str) -> Warehouse:
        with closing(cluster.connect()) as conn:
            conn.autocommit = True
            with conn.cursor() as cursor:
                # Copying the files is a tenth of the work of writing them to the log once more.
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
    """Makes warehouses, each a clone of the database named."""
    numbers = count(1)
    return lambda template: make_database(f"warehouse_{shared.WORKER}{next(numbers)}", template)


@pytest.fixture(scope="session")
def drop_warehouse(cluster: Cluster) -> Callable[[Warehouse], None]:
    """Takes a warehouse away, whoever is still connected to it."""

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
    """Publishes an archive as of ``AS_OF``, once for all workers; each has a copy of its own.

    It is read and cloned. What was published into is a template alone, for nobody clones what others read.
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
    """A warehouse in which everything as of ``AS_OF`` is published; to be cloned, never changed."""
    return published_as("good", small_archive)


@pytest.fixture(scope="session")
def wholly_good(published_as: Callable[[str, Path], Published], whole_archive: Path) -> Published:
    """A warehouse in which every source is published as of ``AS_OF``; to be cloned, never changed."""
    return published_as("wholly_good", whole_archive)


@pytest.fixture(scope="session")
def new_warehouse(clone: Callable[[str], Warehouse], warehouse_template: str) -> Callable[[], Warehouse]:
    """Makes migrated, empty warehouses."""
    return lambda: clone(warehouse_template)


@pytest.fixture
def warehouse(
    new_warehouse: Callable[[], Warehouse], drop_warehouse: Callable[[Warehouse], None]
) -> Iterator[Warehouse]:
    """A migrated, empty warehouse of the test's own."""
    made = new_warehouse()
    yield made
    drop_warehouse(made)
