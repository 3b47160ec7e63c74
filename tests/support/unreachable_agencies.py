"""A live state directory whose agencies do not answer, and the checks on what it must hold."""

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
"""A proxy on a reserved, closed port, so no agency is called whatever network the machine has."""


def check_that_all_failed(
    home: Commands, done: Done, *, releases: int = 0, earlier_mails: Collection[Path] = ()
) -> None:
    """Check that a run without any agency failed for every source, with one mail to the operator for each.

    Args:
        home: The state directory of the run.
        done: The command that ran.
        releases: How many releases there were before.
        earlier_mails: The mails caught before.
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
    expected = [f"{source}: körningen misslyckades / {source}: the run failed" for source in sorted(SOURCES)]
    assert sorted(subjects) == expected, f"one mail per source to the operator, none to the list: {subjects}"
