"""A published home to be harmed: cloned for every test, so that each starts from the same good figures."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import chain
import pytest
from conftest import PASSWORDS, Warehouse
from psycopg2 import sql

from klimatpuls.hops.context import RunContext
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import warehouse_digest

if TYPE_CHECKING:
    from klimatpuls.embedded.postgres import Cluster

AS_OF = date(2026, 5, 8)
PUBLISHED = "published_warehouse"
WHOLE = "wholly_published_warehouse"
FURTHER_FOLDERS = ("kolada", "naturvardsverket", "trafa")
_numbers = count(1)


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


@pytest.fixture(scope="session")
def small_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases of all greenhouse gases, main sectors only, and population."""
    return chain.small_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="session")
def published_template(
    cluster: Cluster,
    warehouse_template: str,
    small_archive: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The digest of a database in which everything as of ``AS_OF`` is published."""
    _clone(cluster, PUBLISHED, warehouse_template)
    home = tmp_path_factory.mktemp("good")
    loader = cluster.dsn(PUBLISHED, "wh_loader", PASSWORDS["wh_loader"])
    now = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 9, tzinfo=UTC)
    context = RunContext(home=home, origin="synthetic", as_of=AS_OF, now=now)
    with closing(connect(loader)) as conn:
        assert chain.refresh(conn, loader, small_archive, context) is not None
        return warehouse_digest(conn)


@pytest.fixture
def published(cluster: Cluster, published_template: str, small_archive: Path, tmp_path: Path) -> Published:
    """Good figures of the test's own, the day after they were published."""
    return _published(cluster, PUBLISHED, published_template, small_archive, tmp_path)


@pytest.fixture(scope="session")
def as_of() -> date:
    """The day whose figures are published."""
    return AS_OF


@pytest.fixture(scope="session")
def whole_archive(small_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small archive and the answers of all other sources."""
    folder = tmp_path_factory.mktemp("every") / "archive"
    shutil.copytree(small_archive, folder)
    for name in FURTHER_FOLDERS:
        shutil.copytree(small_archive.parent / "whole" / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def whole_template(
    cluster: Cluster,
    warehouse_template: str,
    whole_archive: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The digest of a database in which every source is published."""
    _clone(cluster, WHOLE, warehouse_template)
    loader = cluster.dsn(WHOLE, "wh_loader", PASSWORDS["wh_loader"])
    now = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 9, tzinfo=UTC)
    home = tmp_path_factory.mktemp("good-whole")
    context = RunContext(home=home, origin="synthetic", as_of=AS_OF, now=now)
    with closing(connect(loader)) as conn:
        assert chain.refresh(conn, loader, whole_archive, context) is not None
        return warehouse_digest(conn)


@pytest.fixture
def wholly_published(cluster: Cluster, whole_template: str, whole_archive: Path, tmp_path: Path) -> Published:
    """Good figures of every source, the day after they were published."""
    return _published(cluster, WHOLE, whole_template, whole_archive, tmp_path)


def _published(cluster: Cluster, template: str, good_digest: str, archive: Path, tmp_path: Path) -> Published:
    name = f"harmed_{next(_numbers)}"
    _clone(cluster, name, template)
    day = AS_OF.replace(day=AS_OF.day + 1)
    context = RunContext(
        home=tmp_path / "home",
        origin="synthetic",
        as_of=day,
        now=datetime(day.year, day.month, day.day, 9, tzinfo=UTC),
    )
    warehouse = Warehouse(
        admin_dsn=cluster.dsn(name),
        loader_dsn=cluster.dsn(name, "wh_loader", PASSWORDS["wh_loader"]),
        mailer_dsn=cluster.dsn(name, "wh_mailer", PASSWORDS["wh_mailer"]),
        bi_dsn=cluster.dsn(name, "bi_read", PASSWORDS["bi_read"]),
    )
    return Published(warehouse, context, archive, good_digest)


def _clone(cluster: Cluster, name: str, template: str) -> None:
    conn = cluster.connect()
    try:
        with conn.cursor() as cursor:
            cursor.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
            for role in PASSWORDS:
                cursor.execute(
                    sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                        sql.Identifier(name), sql.Identifier(role)
                    )
                )
    finally:
        conn.close()
