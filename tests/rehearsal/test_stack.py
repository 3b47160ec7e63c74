"""The first live day as a user gives it: one command, the whole stack, the agencies as recorded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from first_day import DAY, whole
from support.commands import Commands

from klimatpuls.contract.catalog import SOURCES

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.rehearsal,
    pytest.mark.postgres,
    pytest.mark.airflow,
    pytest.mark.timeout(600),
]


def test_a_run_loads_everything_keeps_every_limit_and_mails_once(
    rehearsal_archive: Path, tmp_path: Path
) -> None:
    commands = Commands(tmp_path / "home")
    commands.good(
        "run",
        SOURCES="mock",
        ARCHIVE=str(rehearsal_archive),
        AS_OF=DAY.isoformat(),
        KLIMATPULS_MOCK="as-recorded",
    )
    shown = commands.rows("SELECT dataset, substance FROM mart.release WHERE is_current")
    assert {(row["dataset"], row["substance"]) for row in shown} == set().union(*map(whole, SOURCES.values()))
    assert len(commands.mails()) == 1
    log = (commands.home / "logs" / "mock.log").read_text(encoding="utf-8")
    answers = re.findall(r"^(?:GET|POST) (\S.*) (\d{3})$", log, re.MULTILINE)
    # A forecast's table is looked for under several ids; nothing else is refused, no limit is exceeded.
    assert [path for path, status in answers if status != "200" and "/tables/TAB" not in path] == []
    assert {status for _, status in answers} <= {"200", "404"}
    assert "Traceback" not in log

    checked = commands("source", "check")
    assert checked.code == 0, checked.out + checked.err
    assert ", 0 fails" in checked.out
