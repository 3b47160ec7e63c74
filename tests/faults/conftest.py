"""A published home to be harmed: cloned for every test, so that each starts from the same good figures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from releasing import the_day_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Published, Warehouse


@pytest.fixture
def own_clone(
    clone: Callable[[str], Warehouse], drop_warehouse: Callable[[Warehouse], None]
) -> Iterator[Callable[[Published], Published]]:
    """Clones what is published for one test, and takes the clones away after it."""
    made: list[Warehouse] = []

    def make(good: Published) -> Published:
        made.append(clone(good.warehouse.name))
        return replace(good, warehouse=made[-1])

    yield make
    for warehouse in made:
        drop_warehouse(warehouse)


@pytest.fixture
def published(own_clone: Callable[[Published], Published], good: Published, tmp_path: Path) -> Published:
    """Good figures of the test's own, the day after they were published."""
    return the_day_after(good, own_clone(good).warehouse, tmp_path / "home")


@pytest.fixture
def wholly_published(
    own_clone: Callable[[Published], Published], wholly_good: Published, tmp_path: Path
) -> Published:
    """Good figures of every source, the day after they were published."""
    return the_day_after(wholly_good, own_clone(wholly_good).warehouse, tmp_path / "home")
