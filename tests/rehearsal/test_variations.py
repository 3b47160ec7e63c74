"""The variations themselves: enough of them, for every source."""

from __future__ import annotations

import pytest
from variations import VARIATIONS

from klimatpuls.contract.catalog import SOURCES

pytestmark = pytest.mark.rehearsal


def test_every_source_has_some_and_all_have_names_of_their_own() -> None:
    assert len(VARIATIONS) >= 40
    assert len({one.id for one in VARIATIONS}) == len(VARIATIONS)
    assert {one.source for one in VARIATIONS} == set(SOURCES)
