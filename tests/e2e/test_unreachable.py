"""A live home whose agencies do not answer: a failed fetch, and nothing in its place."""

from __future__ import annotations

import email
import email.policy
from typing import TYPE_CHECKING

import pytest
from commands import Commands

from klimatpuls.catalog import SOURCES

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.airflow, pytest.mark.timeout(600)]


def test_live_sources_that_do_not_answer_are_a_failed_fetch_and_nothing_else(tmp_path: Path) -> None:
    klimatpuls = Commands(tmp_path / "live")
    # A port that is reserved and closed: whatever network this machine has, no agency is called.
    nowhere = "http://127.0.0.1:1"
    done = klimatpuls("run", SOURCES="live", HTTPS_PROXY=nowhere, https_proxy=nowhere)
    assert done.code == 2, done.out + done.err
    assert "smhi_emissions" in done.out
    (found,) = klimatpuls.rows(
        "SELECT (SELECT count(*) FROM mart.release) AS releases, "
        "(SELECT count(*) FROM mart.data_status WHERE status <> 'failed') AS not_failed"
    )
    assert found == {"releases": "0", "not_failed": "0"}
    subjects = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)["Subject"]
        for path in klimatpuls.mails()
    ]
    assert sorted(subjects) == [
        f"{source}: körningen misslyckades / {source}: the run failed" for source in sorted(SOURCES)
    ], "the operator is told of every source, the list of nothing"
    assert not any((klimatpuls.home / "snapshots").rglob("*.json"))
