"""A published home to be harmed: cloned for every test, so that each starts from the same good figures."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import chain
import pytest

from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import warehouse_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Warehouse

    from klimatpuls.hops.context import RunContext

AS_OF = date(2026, 5, 8)
FURTHER_FOLDERS = ("kolada", "naturvardsverket", "trafa")


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
def good(
    new_warehouse: Callable[[], Warehouse], small_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """A warehouse in which everything as of ``AS_OF`` is published; to be cloned, never changed."""
    return _publish(new_warehouse(), small_archive, tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="session")
def whole_archive(small_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small archive and the answers of all other sources."""
    folder = tmp_path_factory.mktemp("every") / "archive"
    shutil.copytree(small_archive, folder)
    for name in FURTHER_FOLDERS:
        shutil.copytree(small_archive.parent / "whole" / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def wholly_good(
    new_warehouse: Callable[[], Warehouse], whole_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """A warehouse in which every source is published as of ``AS_OF``; to be cloned, never changed."""
    return _publish(new_warehouse(), whole_archive, tmp_path_factory.mktemp("wholly-good"))


@pytest.fixture
def published(clone: Callable[[str], Warehouse], good: Published, tmp_path: Path) -> Published:
    """Good figures of the test's own, the day after they were published."""
    return _the_day_after(good, clone, tmp_path)


@pytest.fixture
def wholly_published(clone: Callable[[str], Warehouse], wholly_good: Published, tmp_path: Path) -> Published:
    """Good figures of every source, the day after they were published."""
    return _the_day_after(wholly_good, clone, tmp_path)


def _publish(warehouse: Warehouse, archive: Path, home: Path) -> Published:
    context = chain.context_of(home, AS_OF)
    with closing(connect(warehouse.loader_dsn)) as conn:
        assert chain.refresh(conn, warehouse.loader_dsn, archive, context) is not None
        return Published(warehouse, context, archive, warehouse_digest(conn))


def _the_day_after(good: Published, clone: Callable[[str], Warehouse], tmp_path: Path) -> Published:
    context = chain.context_of(tmp_path / "home", AS_OF + timedelta(days=1))
    return replace(good, warehouse=clone(good.warehouse.name), context=context)
