"""Where a task finds an agency: its connection, else the catalogue, and the latter only in a live stack."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("airflow")

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from klimatpuls.contract.catalog import SOURCES
from klimatpuls_airflow import connections

pytestmark = pytest.mark.airflow
SCB = SOURCES["scb_population"]


def without_connection(conn_id: str) -> Connection:
    raise AirflowNotFoundException(conn_id)


def test_a_connection_names_the_address_and_the_authority_of_the_mock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = Connection(
        conn_id="scb_default",
        conn_type="http",
        host="https://127.0.0.1:1/scb",
        extra='{"mock_ca": "/ca.pem"}',
    )
    monkeypatch.setattr(connections.Connection, "get", lambda _: found)
    monkeypatch.setenv("KLIMATPULS_SOURCES", "live")
    assert connections.agency(SCB) == ("https://127.0.0.1:1/scb", Path("/ca.pem"))


def test_a_live_stack_needs_no_connection_for_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections.Connection, "get", without_connection)
    monkeypatch.setenv("KLIMATPULS_SOURCES", "live")
    assert connections.agency(SCB) == (SCB.live_base_url, None)


@pytest.mark.parametrize("setting", ["", "replica"])
def test_no_other_stack_asks_an_agency_for_lack_of_a_connection(
    monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setattr(connections.Connection, "get", without_connection)
    monkeypatch.setenv("KLIMATPULS_SOURCES", setting)
    with pytest.raises(AirflowNotFoundException):
        connections.agency(SCB)
