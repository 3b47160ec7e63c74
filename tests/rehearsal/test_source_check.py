"""`klimatpuls source check` against the agencies as recorded: nothing fails, the table is the stored one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from agencies import called_by_their_names
from conftest import PROJECT
from first_day import DAY

from klimatpuls.cli import output
from klimatpuls.contract.catalog import SOURCES
from klimatpuls.mock_agencies.certificates import make_certificate
from klimatpuls.mock_agencies.conditions import AS_RECORDED
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.operations.check_sources import Place

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.rehearsal

STORED = PROJECT / "tests" / "rehearsal" / "source_check.md"
BEGIN, END = "<!-- source check -->\n", "<!-- end of source check -->"


def test_no_assumption_fails_and_the_table_is_the_stored_one(
    rehearsal_archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base_urls = {source.conn_id: source.live_base_url for source in SOURCES.values()}
    place = Place(base_urls=base_urls, as_of=DAY)
    certificate = make_certificate(tmp_path, datetime.now(UTC))
    server = MockServer(MockAgencies(rehearsal_archive, DAY), conditions=AS_RECORDED, certificate=certificate)
    with server, called_by_their_names(server, certificate.authority):
        is_sound = output.print_checks(list(SOURCES.values()), place, as_markdown=True)
    printed = capsys.readouterr().out
    assert is_sound, printed
    # A forecast's table is looked for under several ids; nothing else is asked for that is not there.
    assert [call for call in server.log if call[2] != 200 and "/tables/TAB" not in call[1]] == []
    shown = STORED.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert without_figures(shown) == without_figures(printed), f"source_check.md should hold:\n{printed}"


def without_figures(table: str) -> str:
    """A table in which every number is the same: synthetic figures say nothing of an assumption."""
    return re.sub(r"\d+(?:[\d  ]*\d)?", "0", table)
