"""What leaves the project: good figures of every source, to be exported and backed up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Published, Warehouse


@pytest.fixture(scope="module")
def good(wholly_good: Published, clone: Callable[[str], Warehouse]) -> Published:
    """Figures of the module's own: a database that somebody reads cannot be cloned by others."""
    return replace(wholly_good, warehouse=clone(wholly_good.warehouse.name))
