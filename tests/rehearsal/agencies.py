"""The mock agencies under the agencies' own names, for this process."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import urllib3.util.connection

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.fetch import http

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from klimatpuls.mock_agencies.server import MockServer

PUBLIC_ADDRESS = "8.8.8.8"
"""What the agencies' names are said to stand for: an address that the polite session lets pass."""
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@contextmanager
def called_by_their_names(server: MockServer, authority: Path) -> Iterator[None]:
    """Whoever calls an agency by its name reaches the mock; TLS and the name are checked as ever."""
    hosts = {host for source in SOURCES.values() for host in source.hosts}
    really_connect = urllib3.util.connection.create_connection

    def connect_here(address: tuple[str, int], *arguments: Any, **options: Any) -> Any:
        host, port = address
        if host == "127.0.0.1":
            return really_connect(address, *arguments, **options)
        if host not in hosts or port != 443:
            pytest.fail(f"{host}:{port} was called; the agencies of the catalogue are {sorted(hosts)}")
        return really_connect(("127.0.0.1", server.port), *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urllib3.util.connection, "create_connection", connect_here)
        patch.setattr(http, "addresses_of", lambda _: frozenset({PUBLIC_ADDRESS}))
        patch.setenv("REQUESTS_CA_BUNDLE", str(authority))
        for name in PROXIES:
            patch.delenv(name, raising=False)
        yield
