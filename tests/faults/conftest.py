"""A published home to be harmed: cloned for every test, so that each starts from the same good figures."""

from __future__ import annotations

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
    warehouse = new_warehouse()
    context = chain.context_of(tmp_path_factory.mktemp("good"), AS_OF)
    with closing(connect(warehouse.loader_dsn)) as conn:
        assert chain.refresh(conn, warehouse.loader_dsn, small_archive, context) is not None
        return Published(warehouse, context, small_archive, warehouse_digest(conn))


@pytest.fixture
def published(clone: Callable[[str], Warehouse], good: Published, tmp_path: Path) -> Published:
    """Good figures of the test's own, the day after they were published."""
    context = chain.context_of(tmp_path / "home", AS_OF + timedelta(days=1))
    return replace(good, warehouse=clone(good.warehouse.name), context=context)
