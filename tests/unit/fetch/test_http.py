import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest
import urllib3
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import FetchError, NotYetPublished, UsageError
from klimatpuls.fetch import http
from klimatpuls.fetch.throttle import MemoryCallLog, Throttle

SCB = replace(SOURCES["scb_population"], calls_per_window=())
QUICK = http.Limits(retries=3, connect_seconds=5, read_seconds=5)


class FakeTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def session(httpserver: HTTPServer, time: FakeTime) -> Iterator[http.PoliteSession]:
    with http.open_session(
        SCB, httpserver.url_for("/api"), limits=QUICK, clock=time.clock, sleep=time.sleep
    ) as polite:
        yield polite


def test_a_body_comes_whole_with_its_facts(httpserver, session):
    httpserver.expect_request("/api/x", query_string="sub=GGT").respond_with_data(
        b"12345", content_type="application/json", headers={"ETag": '"a"'}
    )
    answer = session.get(f"{session.base_url}/x", params={"sub": "GGT"})
    assert answer.body == b"12345"
    assert answer.facts["status"] == 200
    assert answer.facts["attempts"] == 1
    assert answer.facts["headers"]["ETag"] == '"a"'
    assert answer.facts["headers"]["Content-Length"] == "5"


def test_we_say_who_we_are_and_send_no_password(httpserver, session, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    seen: dict[str, str | None] = {}

    def handle(request: Request) -> Response:
        seen["agent"] = request.headers.get("User-Agent")
        seen["authorization"] = request.headers.get("Authorization")
        return Response(b"ok")

    httpserver.expect_request("/api/x").respond_with_handler(handle)
    session.get(f"{session.base_url}/x")
    assert seen["agent"].startswith("klimatpuls/")
    assert seen["authorization"] is None


def test_429_is_obeyed_for_as_long_as_it_asks(httpserver, session, time):
    httpserver.expect_ordered_request("/api/x").respond_with_data(status=429, headers={"Retry-After": "17"})
    httpserver.expect_ordered_request("/api/x").respond_with_data(b"ok")
    answer = session.get(f"{session.base_url}/x")
    assert answer.body == b"ok"
    assert answer.attempts == 2
    assert time.slept == [17.0]


def test_429_without_retry_after_waits_out_the_longest_window(httpserver, session, time):
    session.throttle.learn([(100, 1.0), (100, 10.0)])
    httpserver.expect_ordered_request("/api/x").respond_with_data(status=429)
    httpserver.expect_ordered_request("/api/x").respond_with_data(b"ok")
    assert session.get(f"{session.base_url}/x").body == b"ok"
    assert time.slept == [10.0]


def test_a_wait_longer_than_ours_ends_the_call_instead_of_calling_too_early(httpserver, session, time):
    httpserver.expect_request("/api/x").respond_with_data(status=429, headers={"Retry-After": "3600"})
    with pytest.raises(FetchError, match=r"wait 3600 s .*try again after 3600 s"):
        session.get(f"{session.base_url}/x")
    assert time.slept == []
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_trouble_is_tried_again_with_growing_pauses(httpserver, session, time, status):
    httpserver.expect_request("/api/x").respond_with_data(b"<h1>down</h1>", status=status)
    with pytest.raises(http.StatusError, match=f"HTTP {status} after 4 attempt") as caught:
        session.get(f"{session.base_url}/x")
    assert caught.value.status == status
    assert time.slept == [1.0, 2.0, 4.0]
    assert len(httpserver.log) == 4


def test_a_mistake_of_ours_is_not_repeated(httpserver, session):
    httpserver.expect_request("/api/x").respond_with_data(b'{"title":"Non-existent table"}', status=404)
    with pytest.raises(http.StatusError, match=r"Non-existent table.*What to do") as caught:
        session.get(f"{session.base_url}/x")
    assert "scb_population: GET http://" in str(caught.value)
    assert caught.value.body == b'{"title":"Non-existent table"}'
    assert len(httpserver.log) == 1


def test_a_status_that_was_asked_for_is_an_answer(httpserver, session):
    httpserver.expect_request("/api/x").respond_with_data(status=304)
    answer = session.get(f"{session.base_url}/x", headers={"If-None-Match": '"a"'}, accept=(200, 304))
    assert (answer.status, answer.body) == (304, b"")


def test_a_body_over_the_cap_is_refused_by_name(httpserver, session):
    session.limits = replace(QUICK, max_bytes=1000)
    httpserver.expect_request("/api/x").respond_with_data(b"x" * 1001)
    with pytest.raises(FetchError, match="cap of 1000 bytes"):
        session.get(f"{session.base_url}/x")
    assert len(httpserver.log) == 1


def test_a_body_of_exactly_the_cap_is_read(httpserver, session):
    session.limits = replace(QUICK, max_bytes=1000)
    httpserver.expect_request("/api/x").respond_with_data(b"x" * 1000)
    assert len(session.get(f"{session.base_url}/x").body) == 1000


def test_a_redirect_inside_the_allowed_hosts_is_followed(httpserver, session):
    httpserver.expect_request("/api/old").respond_with_data(status=301, headers={"Location": "/api/new"})
    httpserver.expect_request("/api/new").respond_with_data(b"moved")
    answer = session.get(f"{session.base_url}/old")
    assert answer.body == b"moved"
    assert answer.url.endswith("/api/new")


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("https://example.org/x", "not among the hosts"),
        ("http://example.org/x", "only https"),
        ("http://127.0.0.1:1/x", "not among the hosts"),
        ("file:///etc/passwd", "only https"),
    ],
)
def test_a_redirect_off_the_allow_list_is_refused(httpserver, session, location, why):
    httpserver.expect_request("/api/x").respond_with_data(status=302, headers={"Location": location})
    with pytest.raises(FetchError, match=why):
        session.get(f"{session.base_url}/x")
    assert len(httpserver.log) == 1


def test_a_circle_of_redirects_ends(httpserver, session):
    httpserver.expect_request("/api/x").respond_with_data(status=302, headers={"Location": "/api/x"})
    with pytest.raises(FetchError, match="more than 5 redirects"):
        session.get(f"{session.base_url}/x")


def test_a_post_puts_its_question_and_turns_into_a_get_after_303(httpserver, session):
    httpserver.expect_request("/api/q", method="POST", json={"a": "å"}).respond_with_data(
        status=303, headers={"Location": "/api/r"}
    )
    httpserver.expect_request("/api/r", method="GET").respond_with_data(b"result")
    assert session.post_json(f"{session.base_url}/q", {"a": "å"}).body == b"result"


def test_the_replica_says_not_yet_and_since_when(httpserver, session):
    httpserver.expect_request("/api/x").respond_with_data(
        status=404, headers={http.MOCK_NOT_YET_HEADER: "GGT"}
    )
    httpserver.expect_request("/api/y").respond_with_data(
        b"y", headers={http.MOCK_KNOWN_FROM_HEADER: "2024-05-14"}
    )
    with pytest.raises(NotYetPublished, match="scb_population: GGT"):
        session.get(f"{session.base_url}/x")
    assert session.get(f"{session.base_url}/y").known_from == date(2024, 5, 14)


def test_an_agency_cannot_say_since_when():
    answer = http.Answer(
        url="https://statistikdatabasen.scb.se/x",
        status=200,
        headers={http.MOCK_KNOWN_FROM_HEADER: "1990-01-01"},
        body=b"",
    )
    assert answer.known_from is None


@pytest.mark.parametrize(
    "base_url",
    [
        "http://statistikdatabasen.scb.se/api/v2",
        "https://example.org/api/v2",
        "http://10.0.0.1/api",
        "ftp://127.0.0.1/x",
        "https://statistikdatabasen.scb.se@example.org/api",
        "statistikdatabasen.scb.se",
    ],
)
def test_a_base_url_off_the_allow_list_is_refused_before_any_call(base_url):
    with pytest.raises(UsageError, match="scb_default"):
        http.open_session(SCB, base_url)


def test_the_agency_itself_is_reached_by_https_alone():
    with http.open_session(SCB, "https://statistikdatabasen.scb.se/api/v2/") as polite:
        assert polite.base_url == "https://statistikdatabasen.scb.se/api/v2"
        with pytest.raises(FetchError, match="only https"):
            polite.get("http://statistikdatabasen.scb.se/api/v2/config")
        with pytest.raises(FetchError, match="not among the hosts"):
            polite.get("http://127.0.0.1:9/x")


@contextmanager
def broken_server(reply: bytes, *, reset: bool) -> Iterator[tuple[str, list[bytes]]]:
    """A server that sends ``reply`` to everyone and then closes, or resets, the connection."""
    requests: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                peer, _ = listener.accept()
            except TimeoutError:
                continue
            with peer:
                requests.append(peer.recv(65536))
                peer.sendall(reply)
                if reset:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
    finally:
        stop.set()
        thread.join()
        listener.close()


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
def test_half_a_body_is_never_taken_for_a_whole_one(time, reset):
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500
    with (
        broken_server(reply, reset=reset) as (url, requests),
        http.open_session(SCB, url, limits=QUICK, clock=time.clock, sleep=time.sleep) as polite,
        pytest.raises(FetchError, match=r"attempt 4 of 4.*What to do: nothing was changed; try again later"),
    ):
        polite.get(f"{url}/x")
    assert len(requests) == 4


def test_a_body_shorter_than_announced_is_noticed_even_if_the_library_does_not(time, monkeypatch):
    original = urllib3.HTTPResponse.__init__

    def lenient(self, *args, **kwargs):
        kwargs["enforce_content_length"] = False
        original(self, *args, **kwargs)

    monkeypatch.setattr(urllib3.HTTPResponse, "__init__", lenient)
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500
    with (
        broken_server(reply, reset=False) as (url, _),
        http.open_session(SCB, url, limits=QUICK, clock=time.clock, sleep=time.sleep) as polite,
        pytest.raises(FetchError, match="500 of 1000 announced bytes"),
    ):
        polite.get(f"{url}/x")


def test_an_agency_that_cannot_be_reached_is_said_so(time):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        http.open_session(
            SCB, f"http://127.0.0.1:{port}", limits=QUICK, clock=time.clock, sleep=time.sleep
        ) as polite,
        pytest.raises(FetchError, match=r"no connection.*nothing was changed"),
    ):
        polite.get(f"http://127.0.0.1:{port}/x")
    assert time.slept == [1.0, 2.0, 4.0]


@pytest.fixture
def throttle(time: FakeTime) -> Throttle:
    call_log = MemoryCallLog(time.clock)
    return Throttle("example.org", [(3, 1.0)], call_log=call_log, sleep=time.sleep)


def call(throttle: Throttle, time: FakeTime, seconds: float = 0.0) -> float:
    """Make a call that is answered after so many seconds; returns when it could start."""
    with throttle.slot():
        started = time.now
        time.now += seconds
    return started


def test_the_throttle_keeps_nine_tenths_of_every_window(time, throttle):
    throttle.learn([(10, 10.0)])
    starts = [call(throttle, time, 0.01) for _ in range(40)]
    for calls, seconds in ((2, 1.0), (9, 10.0)):
        assert all(later - earlier >= seconds for earlier, later in zip(starts, starts[calls:], strict=False))
    # No slower than the rule asks: 40 calls are four full nines and four calls, two of them a second.
    assert starts[-1] - starts[0] == pytest.approx(4 * 10 + 1, abs=0.5)


def test_a_window_counts_from_the_latest_moment_a_call_can_have_arrived(time, throttle):
    starts = [call(throttle, time, 5.0) for _ in range(3)]
    assert starts == [1000.0, 1005.0, 1010.0]
    assert time.slept == []
    with throttle.slot(), throttle.slot():
        assert time.slept == [1.0]
        time.now += 4.0


def test_a_call_that_is_on_its_way_holds_its_slot(time):
    call_log = MemoryCallLog(time.clock)
    assert call_log.take("example.org", [(1, 9.0)]) == (0.0, 0)
    time.now += 3600
    assert call_log.take("example.org", [(1, 9.0)])[0] == pytest.approx(10.0)
    call_log.answered("example.org", 0)
    time.now += 9.0
    assert call_log.take("example.org", [(1, 9.0)])[0] == pytest.approx(1.0)


def test_calls_made_before_the_limits_were_known_count(time, throttle):
    call(throttle, time)
    throttle.learn([(1, 9.0)])
    call(throttle, time)
    assert time.slept == [pytest.approx(10.0)]


def test_what_a_service_states_never_lifts_our_own_limit_and_its_newest_word_counts(throttle):
    throttle.learn([(1, 60.0)])
    throttle.learn([(3000, 1.0)])
    assert throttle.windows == ((3, 1.0), (3000, 1.0))


def test_who_shares_a_call_log_shares_the_limits_and_what_the_service_stated(time):
    call_log = MemoryCallLog(time.clock)
    first, second = (
        Throttle("example.org", [(20, 1.0)], call_log=call_log, sleep=time.sleep) for _ in range(2)
    )
    elsewhere = Throttle("example.com", [(20, 1.0)], call_log=call_log, sleep=time.sleep)
    first.learn([(2, 10.0)])
    call(first, time)
    call(elsewhere, time)
    assert time.slept == []
    call(second, time)
    assert time.slept == [10.0]


def test_a_throttle_without_windows_never_waits(time):
    throttle = Throttle("example.org", [], call_log=MemoryCallLog(time.clock), sleep=time.sleep)
    for _ in range(100):
        call(throttle, time)
    assert time.slept == []
    assert throttle.longest_window == 0.0


@pytest.mark.parametrize("window", [(0, 1.0), (3, 0.0)])
def test_a_window_that_lets_nothing_through_is_refused(throttle, window):
    with pytest.raises(ValueError, match="lets nothing through"):
        Throttle("example.org", [window], call_log=MemoryCallLog())
    with pytest.raises(ValueError, match="lets nothing through"):
        throttle.learn([window])
    assert throttle.windows == ((3, 1.0),)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "::1", "fd00::1"]
)
def test_a_name_that_leads_into_a_private_network_is_refused_before_any_call(monkeypatch, address):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    asked = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["193.183.28.15", address]

    with (
        http.open_session(SCB, SCB.live_base_url, resolve=resolve) as polite,
        pytest.raises(FetchError, match=rf"has the address {address}, which is not on the public internet"),
    ):
        polite.get(f"{SCB.live_base_url}/config")
    assert asked == ["statistikdatabasen.scb.se"]


def test_behind_a_proxy_the_proxy_looks_names_up(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
    limits = http.Limits(retries=0)
    with (
        http.open_session(SCB, SCB.live_base_url, limits=limits, resolve=lambda _: ["10.0.0.1"]) as polite,
        pytest.raises(FetchError, match="proxy"),
    ):
        polite.get(f"{SCB.live_base_url}/config")


def test_this_machine_finds_itself_and_no_name_that_is_none():
    assert http.addresses_of("localhost") & {"127.0.0.1", "::1"}
    assert http.addresses_of("no-such-name.invalid") == frozenset()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000/x", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:80/", True),
        ("http://localhost/", True),
        ("http://localhost.example.org/", False),
        ("http://127.0.0.1.nip.io/", False),
        ("http://0.0.0.0/", False),
        ("https://statistikdatabasen.scb.se", False),
        ("nonsense", False),
    ],
)
def test_what_is_this_machine(url, expected):
    assert http.is_loopback(url) is expected
