"""The mock agencies as their servers were recorded: names, TLS, limits, packing."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import stat
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import FetchError
from klimatpuls.fetch import http
from klimatpuls.mock_agencies.certificates import LIFE, make_certificate
from klimatpuls.mock_agencies.conditions import AS_RECORDED, SHORTEST_PACKED, Conditions, Passage
from klimatpuls.mock_agencies.server import MockServer
from klimatpuls.mock_agencies.wire import Reply, Request, json_reply, not_yet_reply, text_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from klimatpuls.mock_agencies.certificates import Certificate

SMHI = SOURCES["smhi_emissions"]
LONG = {"words": "ord " * SHORTEST_PACKED}
UNHURRIED = replace(AS_RECORDED, first_byte_seconds=0.0)
QUICK = http.Limits(retries=0, connect_seconds=5, read_seconds=5)


class Echo:
    """Replaces all agencies: answers with the request, or as the test wants."""

    def __init__(self) -> None:
        self.reply: Callable[[Request], Reply] = lambda request: json_reply(200, LONG)
        self.asked: list[tuple[str, str, str]] = []

    def answer(self, request: Request, agency: str) -> Reply:
        self.asked.append((agency, request.path, request.base_url))
        return self.reply(request)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"), datetime.now(UTC))


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def server(echo: Echo, certificate: Certificate) -> Iterator[MockServer]:
    with MockServer(echo, conditions=UNHURRIED, certificate=certificate) as running:  # type: ignore[arg-type]
        yield running


def get(server: MockServer, certificate: Certificate, path: str, **headers: str) -> requests.Response:
    return requests.get(server.url + path, headers=headers, verify=certificate.authority, timeout=10)


class TestTls:
    def test_a_caller_with_the_authoritys_file_is_answered(
        self, server: MockServer, certificate: Certificate
    ) -> None:
        assert server.url.startswith("https://127.0.0.1:")
        with http.open_session(SMHI, f"{server.url}/smhi", mock_ca=certificate.authority) as session:
            assert session.get(f"{session.base_url}/x").status == 200

    def test_a_caller_without_it_refuses_the_certificate(self, server: MockServer, echo: Echo) -> None:
        with (
            http.open_session(SMHI, f"{server.url}/smhi", limits=QUICK) as session,
            pytest.raises(FetchError, match=r"certificate was not accepted.*do not switch the check off"),
        ):
            session.get(f"{session.base_url}/x")
        assert echo.asked == []

    def test_an_agency_is_never_trusted_by_it(self, certificate: Certificate) -> None:
        with http.open_session(SMHI, SMHI.live_base_url, mock_ca=certificate.authority) as session:
            assert session._session.verify is True

    def test_it_vouches_for_this_machine_and_the_hosts_of_the_catalogue_alone(
        self, server: MockServer, certificate: Certificate
    ) -> None:
        context = ssl.create_default_context(cafile=str(certificate.authority))
        for host in ("127.0.0.1", *(host for source in SOURCES.values() for host in source.hosts)):
            with (
                socket.create_connection(("127.0.0.1", server.port)) as wire,
                context.wrap_socket(wire, server_hostname=host) as secure,
            ):
                assert secure.version() == "TLSv1.3"
        with (
            socket.create_connection(("127.0.0.1", server.port)) as wire,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(wire, server_hostname="example.org")

    def test_only_the_owner_reads_the_key_and_the_authority_can_sign_no_other(
        self, certificate: Certificate
    ) -> None:
        assert stat.S_IMODE(certificate.server.stat().st_mode) == 0o600
        keys = [path for path in certificate.server.parent.iterdir() if b"PRIVATE KEY" in path.read_bytes()]
        assert keys == [certificate.server]

    def test_it_ends(self, tmp_path: Path, echo: Echo) -> None:
        old = make_certificate(tmp_path, datetime.now(UTC) - LIFE - timedelta(days=1))
        with (
            MockServer(echo, conditions=UNHURRIED, certificate=old) as server,  # type: ignore[arg-type]
            pytest.raises(requests.exceptions.SSLError, match="expired"),
        ):
            get(server, old, "/smhi/x")

    def test_a_caller_without_a_handshake_delays_no_other(
        self, server: MockServer, certificate: Certificate, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with socket.create_connection(("127.0.0.1", server.port)):
            assert get(server, certificate, "/smhi/x").status_code == 200
        assert "Traceback" not in capsys.readouterr().err


def test_an_agency_answers_under_its_own_name(
    server: MockServer, certificate: Certificate, echo: Echo
) -> None:
    get(server, certificate, "/api/v2/config", Host="statistikdatabasen.scb.se")
    get(server, certificate, "/scb/api/v2/config")
    assert echo.asked == [
        ("scb", "/api/v2/config", "https://statistikdatabasen.scb.se"),
        ("scb", "/api/v2/config", f"{server.url}/scb"),
    ]
    assert server.calls == {"/scb/api/v2/config": 2}


def test_without_conditions_a_name_means_nothing(echo: Echo) -> None:
    with MockServer(echo) as server:  # type: ignore[arg-type]
        requests.get(f"{server.url}/scb/x", headers={"Host": "api.trafa.se"}, timeout=10)
    assert [agency for agency, *_ in echo.asked] == ["scb"]


def test_nothing_is_sent_that_only_the_mock_has(
    server: MockServer, certificate: Certificate, echo: Echo
) -> None:
    echo.reply = lambda _: not_yet_reply("GGT")
    answer = get(server, certificate, "/smhi/x")
    assert answer.status_code == 404
    assert [name for name in answer.headers if name.lower().startswith("x-klimatpuls")] == []


class TestPacking:
    def test_a_text_comes_packed_and_in_chunks_to_who_can_read_it(
        self, server: MockServer, certificate: Certificate
    ) -> None:
        answer = get(server, certificate, "/kolada/x")
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in answer.headers
        assert answer.json() == LONG

    def test_the_polite_session_reads_it_whole(
        self, server: MockServer, certificate: Certificate, echo: Echo
    ) -> None:
        many = {"words": [f"ord {number}" for number in range(100_000)]}
        echo.reply = lambda _: json_reply(200, many)
        source = SOURCES["kolada"]
        with http.open_session(
            source, server.url + source.mock_path, mock_ca=certificate.authority
        ) as session:
            answer = session.get(f"{session.base_url}/x")
        assert answer.body == json_reply(200, many).body

    @pytest.mark.parametrize(
        ("path", "headers", "status"),
        [("/kolada/x", {"Accept-Encoding": "identity"}, 200), ("/smhi/x", {}, 200)],
    )
    def test_other_callers_get_it_uncompressed(
        self, server: MockServer, certificate: Certificate, path: str, headers: dict[str, str], status: int
    ) -> None:
        answer = get(server, certificate, path, **headers)
        assert (answer.status_code, answer.json()) == (status, LONG)
        assert "Content-Encoding" not in answer.headers

    def test_what_is_short_or_packed_already_is_left_as_it_is(self) -> None:
        passage = Passage(UNHURRIED)
        request = Request(
            method="GET", path="/x", query={}, headers={"Accept-Encoding": "gzip"}, body=b"", base_url=""
        )
        short = text_reply(200, "ord")
        assert passage.dressed("scb", request, short).body == short.body
        packed = replace(json_reply(200, LONG), headers={"Content-Encoding": "gzip"})
        assert passage.dressed("scb", request, packed) == packed

    def test_the_tag_of_packed_bytes_is_weak_and_still_known_again(
        self, server: MockServer, certificate: Certificate, echo: Echo
    ) -> None:
        def tagged(request: Request) -> Reply:
            is_known = "if-none-match" in request.headers
            status, body = (304, b"") if is_known else (200, json_reply(200, LONG).body)
            return Reply(status=status, body=body, content_type="text/html", headers={"ETag": '"a"'})

        echo.reply = tagged
        tag = get(server, certificate, "/naturvardsverket/x").headers["ETag"]
        assert tag == 'W/"a"'
        again = get(server, certificate, "/naturvardsverket/x", **{"If-None-Match": tag})
        assert again.status_code == 304
        assert "Transfer-Encoding" not in again.headers
        assert again.content == b""

    def test_packed_bytes_are_a_gzip(self, server: MockServer, certificate: Certificate) -> None:
        answer = requests.get(f"{server.url}/scb/x", verify=certificate.authority, timeout=10, stream=True)
        assert gzip.decompress(answer.raw.read(decode_content=False)) == json_reply(200, LONG).body


class TestLimits:
    def test_a_query_may_be_so_long_and_no_longer(
        self, server: MockServer, certificate: Certificate, echo: Echo
    ) -> None:
        longest = AS_RECORDED.longest_query["trafa"]
        query = "query=" + "x" * (longest - len("query="))
        assert get(server, certificate, f"/trafa/api/data?{query}").status_code == 200
        refused = get(server, certificate, f"/trafa/api/data?{query}x")
        assert refused.status_code == 404
        assert "404.15" in refused.text
        assert len(echo.asked) == 1
        assert get(server, certificate, f"/scb/x?{query}x").status_code == 200

    def test_encoded_characters_count_as_they_are_sent(
        self, server: MockServer, certificate: Certificate
    ) -> None:
        bars = "%7C" * (AS_RECORDED.longest_query["trafa"] // 3)
        assert get(server, certificate, f"/trafa/api/data?query={bars}").status_code == 404

    def test_too_many_calls_get_retry_after_and_a_plain_text(self) -> None:
        now = [0.0]
        passage = Passage(Conditions(windows={"kolada": (2, 1.0)}), clock=lambda: now[0])
        assert [passage.refusal("kolada", "") for _ in range(2)] == [None, None]
        refused = passage.refusal("kolada", "")
        assert refused is not None
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        assert refused.content_type.startswith("text/plain")
        assert passage.refusal("scb", "") is None, "another agency counts by itself"
        now[0] = 1.1
        assert passage.refusal("kolada", "") is None

    def test_the_catalogue_keeps_within_what_is_recorded(self) -> None:
        for source in SOURCES.values():
            window = AS_RECORDED.windows.get(source.mock_path.split("/")[1])
            if window is not None:
                calls, seconds = window
                assert any(ours <= calls and over >= seconds for ours, over in source.calls_per_window)

    def test_the_first_byte_takes_its_time(self) -> None:
        waits: list[float] = []
        Passage(AS_RECORDED, sleep=waits.append).refusal("smhi", "")
        assert waits == [AS_RECORDED.first_byte_seconds]
        assert 0 < AS_RECORDED.first_byte_seconds < 1


class TestCommand:
    def test_as_recorded_it_uses_tls_and_logs_the_requests(self, tmp_path: Path) -> None:
        (tmp_path / "archive").mkdir()
        words = ["--archive", str(tmp_path / "archive"), "--as-recorded", str(tmp_path)]
        with subprocess.Popen(
            [sys.executable, "-m", "klimatpuls.mock_agencies.server", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                port = int(process.stdout.readline())
                answer = requests.get(
                    f"https://127.0.0.1:{port}/nobody/x", verify=tmp_path / "mock_ca.pem", timeout=20
                )
                assert answer.status_code == 404
                time.sleep(0.1)
            finally:
                process.terminate()
                log = process.communicate(timeout=20)[1]
        assert re.search(r"^GET /nobody/x 404$", log, re.MULTILINE), log
