"""A published home to be harmed: cloned for every test, so that each starts from the same good figures."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from support.releases import release, the_day_after

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


@pytest.fixture(scope="module")
def day_after(
    clone: Callable[[str], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Published], Published]:
    """Clones what is published, the day after, for all tests of a module: each meets what the others left."""
    return lambda good: the_day_after(good, clone(good.warehouse.name), tmp_path_factory.mktemp("harmed"))


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


@pytest.fixture
def own_copy(own_clone: Callable[[Published], Published], tmp_path: Path) -> Callable[[Published], Published]:
    """Copies a warehouse with its home for one test."""

    def make(pattern: Published) -> Published:
        home = shutil.copytree(pattern.context.home, tmp_path / "home")
        return replace(own_clone(pattern), context=replace(pattern.context, home=home))

    return make


@pytest.fixture(scope="session")
def newer_once(
    good: Published, clone: Callable[[str], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """Good figures, and a newer release that waits for its publication: to be copied."""
    home = tmp_path_factory.mktemp("newer") / "home"
    newer = the_day_after(good, clone(good.warehouse.name), home)
    assert release(newer, date(2026, 5, 9), 1.001).state == "validated"
    return newer


@pytest.fixture
def newer_waits(newer_once: Published, own_copy: Callable[[Published], Published]) -> Published:
    """The same, the test's own."""
    return own_copy(newer_once)
