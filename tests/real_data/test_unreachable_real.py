"""A live home with real figures whose agencies do not answer: a failed fetch, and every figure as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.commands import Commands
from support.unreachable_agencies import NOWHERE, check_that_all_failed

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

    check_that_all_failed(home, home("refresh"), releases=1, earlier_mails=mails)
    assert home.rows(FIGURES) == [before], "not a figure moved"
    assert sorted((home.home / "snapshots").rglob("*.json")) == kept
