"""The first live day: every source loads as recorded, and the digest goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from first_day import LIST, OPERATOR, FirstDay, whole

from klimatpuls.contract.catalog import SOURCES

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Warehouse
    from first_day import Mailbox

    from klimatpuls.mock_agencies.server import MockServer

pytestmark = [pytest.mark.rehearsal, pytest.mark.postgres, pytest.mark.airflow]


def test_everything_loads_and_the_digest_goes_out(
    live: None,
    agencies: MockServer,
    warehouse: Warehouse,
    mailbox: Mailbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    agencies.change = None
    mailbox.messages.clear()
    day = FirstDay(warehouse, tmp_path / "home", mailbox, monkeypatch)
    for source in SOURCES.values():
        brought = day.bring(source)
        assert brought.trouble == (), (source.id, brought)
    done = day.publish_and_mail()
    assert done.trouble == ()
    assert day.datasets() == set().union(*map(whole, SOURCES.values()))
    assert len(mailbox.to(LIST)) == 1
    assert [message.get_content() for message in mailbox.to(OPERATOR)] == []
    ((origin,),) = day.ask("SELECT origin FROM mart.current_publication")
    assert origin == "live"
