"""Whether the agencies answer: any word is a yes, and a no comes before anybody grows impatient."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.local import runtime

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 8.0
"""Seconds after which a person thinks that the command hangs."""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Accepts connections and sends nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


def put_agencies_at(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    moved = {
        name: replace(source, live_base_url=f"http://127.0.0.1:{port}/api")
        for name, source in SOURCES.items()
    }
    monkeypatch.setattr(runtime, "SOURCES", moved)


def test_an_agency_that_takes_no_connection_is_given_up_at_once(
    monkeypatch: pytest.MonkeyPatch, listener: socket.socket
) -> None:
    port = listener.getsockname()[1]
    listener.close()
    put_agencies_at(monkeypatch, port)
    began = time.monotonic()
    assert runtime.are_agencies_reachable() is False
    assert time.monotonic() - began < 2


def test_an_agency_that_sends_nothing_counts_as_unreachable_soon(
    monkeypatch: pytest.MonkeyPatch, listener: socket.socket
) -> None:
    put_agencies_at(monkeypatch, listener.getsockname()[1])
    began = time.monotonic()
    assert runtime.are_agencies_reachable() is False
    assert time.monotonic() - began < PATIENCE


@pytest.mark.parametrize("status", [200, 404, 503])
def test_any_answer_means_reachable(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        put_agencies_at(monkeypatch, server.server_port)
        assert runtime.are_agencies_reachable() is True
        server.shutdown()
