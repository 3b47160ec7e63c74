"""An empty live home whose agencies do not answer: a failed fetch, and nothing in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.commands import Commands
from support.unreachable_agencies import NOWHERE, check_that_all_failed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.airflow, pytest.mark.timeout(600)]


def test_live_sources_that_do_not_answer_are_a_failed_fetch_and_nothing_else(tmp_path: Path) -> None:
    home = Commands(tmp_path / "live")
    check_that_all_failed(home, home("run", SOURCES="live", **NOWHERE))
    assert not any((home.home / "snapshots").rglob("*.json"))
