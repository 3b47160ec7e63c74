"""A warehouse in which every source is published: what is exported, backed up and tidied."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import chain
import pytest

from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Warehouse

    from klimatpuls.hops.context import RunContext

AS_OF = date(2026, 5, 8)
FURTHER_FOLDERS = ("kolada", "naturvardsverket", "trafa")


@dataclass(frozen=True)
class Published:
    """A warehouse with good figures, and the circumstances they were published under."""

    warehouse: Warehouse
    context: RunContext


@pytest.fixture(scope="session")
def good(
    new_warehouse: Callable[[], Warehouse], small_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """Every source as of ``AS_OF``; to be read or cloned, never changed."""
    archive = tmp_path_factory.mktemp("every") / "archive"
    shutil.copytree(small_archive, archive)
    for name in FURTHER_FOLDERS:
        shutil.copytree(small_archive.parent / "whole" / name, archive / name)
    warehouse = new_warehouse()
    context = chain.context_of(tmp_path_factory.mktemp("good"), AS_OF)
    with closing(connect(warehouse.loader_dsn)) as conn:
        assert chain.refresh(conn, warehouse.loader_dsn, archive, context) is not None
    return Published(warehouse=warehouse, context=context)
