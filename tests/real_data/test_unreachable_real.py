"""A live home with real figures whose agencies do not answer: a failed fetch, and every figure as it was."""

from __future__ import annotations

import email
import email.policy
from typing import TYPE_CHECKING

import pytest
from commands import Commands

from klimatpuls.catalog import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.real_run,
    pytest.mark.postgres,
    pytest.mark.airflow,
    pytest.mark.timeout(600),
]

# A port that is reserved and closed: whatever network this machine has, no agency is called.
NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
FIGURES = """
    SELECT count(*) AS figures, min(origin) AS origin, md5(string_agg(
        concat_ws(';', e.release_id, e.region_code, e.sector_code, e.year, e.emissions_tco2e), '|'
        ORDER BY e.release_id, e.region_code, e.sector_code, e.year)) AS digest
    FROM mart.emission AS e
    INNER JOIN mart.release AS r ON e.release_id = r.release_id
"""


@pytest.fixture
def home(real_data: Path, tmp_path: Path) -> Iterator[Commands]:
    """A live home, its stack left running, in which the newest edition was published from its file."""
    klimatpuls = Commands(tmp_path / "live")
    try:
        klimatpuls.good("up", SOURCES="live", **NOWHERE)
        klimatpuls.good("ingest", str(real_data / "smhi" / "GGT_edition_2026a.xlsx"))
        yield klimatpuls
    finally:
        klimatpuls("down")


def test_live_sources_that_do_not_answer_are_a_failed_fetch_and_nothing_else(home: Commands) -> None:
    (before,) = home.rows(FIGURES)
    assert int(before["figures"]) == 31_200
    assert before["origin"] == "live"
    kept, mails = sorted((home.home / "snapshots").rglob("*.json")), home.mails()

    done = home("refresh")
    assert done.code == 2, done.out + done.err
    assert "smhi_emissions" in done.out
    assert home.rows(FIGURES) == [before], "not a figure moved"
    (found,) = home.rows(
        "SELECT (SELECT count(*) FROM mart.release) AS releases, "
        "(SELECT count(*) FROM mart.data_status WHERE status <> 'failed') AS not_failed"
    )
    assert found == {"releases": "1", "not_failed": "0"}
    subjects = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)["Subject"]
        for path in home.mails()
        if path not in mails
    ]
    assert sorted(subjects) == [
        f"{source}: körningen misslyckades / {source}: the run failed" for source in sorted(SOURCES)
    ], "the operator is told of every source, the list of nothing"
    assert sorted((home.home / "snapshots").rglob("*.json")) == kept
