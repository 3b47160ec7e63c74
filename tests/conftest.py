"""The environment of the tests: real figures where they are, a throw-away PostgreSQL, nothing else."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import chain
import hypothesis
import pytest
from psycopg2 import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from klimatpuls.embedded.postgres import Cluster

REAL_DATA = "KLIMATPULS_REAL_DATA"
PROJECT = Path(__file__).resolve().parents[1]
PASSWORDS = {"wh_loader": "load", "wh_mailer": "mail", "bi_read": "read"}

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs longest comes first, so that no core waits for the other at the end."""
    longest = ("e2e", "real_run")
    items.sort(key=lambda item: not any(map(item.get_closest_marker, longest)))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real figures; the tests that need it are skipped only where it is missing."""
    folder = Path(os.environ.get(REAL_DATA, PROJECT.parent / "shared" / "data"))
    if not (folder / "smhi").is_dir():
        pytest.skip(f"no real figures in {folder}; set {REAL_DATA} to a folder that holds smhi/ and scb/")
    return folder


@pytest.fixture(scope="session")
def small_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases of all greenhouse gases, main sectors only, and population."""
    return chain.small_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A throw-away PostgreSQL cluster for the whole session."""
    from klimatpuls.embedded.postgres import temporary_cluster

    with temporary_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="session")
def warehouse_template(cluster: Cluster) -> str:
    """A migrated database that the tests' own databases are cloned from."""
    from klimatpuls.warehouse.migrate import migrate

    cluster.ensure_database("template_warehouse")
    migrate(cluster.dsn("template_warehouse"), PASSWORDS)
    return "template_warehouse"


@pytest.fixture(scope="session")
def clone(cluster: Cluster) -> Callable[[str], Warehouse]:
    """Makes warehouses, each a clone of the database named."""
    numbers = count(1)

    def make(template: str) -> Warehouse:
        name = f"warehouse_{next(numbers)}"
        with closing(cluster.connect()) as conn:
            conn.autocommit = True
            with conn.cursor() as cursor:
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                        sql.Identifier(name), sql.Identifier(template)
                    )
                )
                cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
                for role in PASSWORDS:
                    cursor.execute(
                        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                            sql.Identifier(name), sql.Identifier(role)
                        )
                    )

        def dsn(role: str) -> str:
            return cluster.dsn(name, role, PASSWORDS[role])

        return Warehouse(
            name=name,
            admin_dsn=cluster.dsn(name),
            loader_dsn=dsn("wh_loader"),
            mailer_dsn=dsn("wh_mailer"),
            bi_dsn=dsn("bi_read"),
        )

    return make


@pytest.fixture(scope="session")
def new_warehouse(clone: Callable[[str], Warehouse], warehouse_template: str) -> Callable[[], Warehouse]:
    """Makes migrated, empty warehouses."""
    return lambda: clone(warehouse_template)


@pytest.fixture
def warehouse(new_warehouse: Callable[[], Warehouse]) -> Warehouse:
    """A migrated, empty warehouse of the test's own."""
    return new_warehouse()
