"""A small site: its rows, to be changed freely, and what is built from them."""

from __future__ import annotations

import pytest
from support.site_rows import site_rows

from klimatpuls.site.view import build_site


@pytest.fixture
def rows():
    """Rows of every query."""
    return site_rows()


@pytest.fixture
def site(rows):
    """The site of those rows."""
    return build_site(rows)
