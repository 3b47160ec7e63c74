"""A published home to be harmed: cloned for every test, so that each starts from the same good figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import chain
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Published, Warehouse


@pytest.fixture
def published(clone: Callable[[str], Warehouse], good: Published, tmp_path: Path) -> Published:
    """Good figures of the test's own, the day after they were published."""
    return _the_day_after(good, clone, tmp_path)


@pytest.fixture
def wholly_published(clone: Callable[[str], Warehouse], wholly_good: Published, tmp_path: Path) -> Published:
    """Good figures of every source, the day after they were published."""
    return _the_day_after(wholly_good, clone, tmp_path)


def _the_day_after(good: Published, clone: Callable[[str], Warehouse], tmp_path: Path) -> Published:
    context = chain.context_of(tmp_path / "home", good.context.as_of + timedelta(days=1))
    return replace(good, warehouse=clone(good.warehouse.name), context=context)
