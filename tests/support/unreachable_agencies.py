"""A live home whose agencies do not answer: how it is made, and what must have come of it."""

from __future__ import annotations

import email
import email.policy
from typing import TYPE_CHECKING

from klimatpuls.contract.catalog import SOURCES

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from support.commands import Commands, Done

NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
"""A port that is reserved and closed: whatever network this machine has, no agency is called."""


def check_that_all_failed(
    home: Commands, done: Done, *, releases: int = 0, earlier_mails: Collection[Path] = ()
) -> None:
    """Hold a run that reached no agency against what it may leave: a failure of every source, told once each.

    Args:
        home: The home of the run.
        done: The command that ran.
        releases: How many releases the home had before.
        earlier_mails: What was caught before.
    """
    assert done.code == 2, done.out + done.err
    assert "smhi_emissions" in done.out
    (found,) = home.rows(
        "SELECT (SELECT count(*) FROM mart.release) AS releases, "
        "(SELECT count(*) FROM mart.data_status WHERE status <> 'failed') AS not_failed"
    )
    assert found == {"releases": str(releases), "not_failed": "0"}, found
    subjects = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)["Subject"]
        for path in home.mails()
        if path not in earlier_mails
    ]
    told = [f"{source}: körningen misslyckades / {source}: the run failed" for source in sorted(SOURCES)]
    assert sorted(subjects) == told, f"the operator is told of every source, the list of nothing: {subjects}"
