"""One polite way to call an agency: throttled, retried, capped, and never fooled by half an answer.

What it does: waits before it calls too often, tries again after 429 and 5xx as long as the agency asks,
says honestly who is calling, calls only hosts of the catalogue (also after a redirect) and none that turns
out to lie in a private network, speaks https only except to this machine, reads no more than a stated number
of bytes and refuses an answer that is empty or shorter than announced. A call ends after so many tries and
seconds, redirects included. What it does not do: look inside the body (an HTML page with status 200 is the
parser's to refuse), count calls for other processes (a ledger does that, see ``Ledger``), or cache (bytes are
kept by ``snapshots``).
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import logging
import math
import socket
import threading
import time
import zlib
from collections import defaultdict
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import InvalidHeader, MaxRetryError, ProtocolError, ReadTimeoutError
from urllib3.util import Retry

from klimatpuls import __version__
from klimatpuls.contract.releases import Poll
from klimatpuls.errors import FetchError, NotYetPublished, UsageError
from klimatpuls.fetch import rate_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from klimatpuls.contract.catalog import Source
    from klimatpuls.fetch.rate_limit import Window

logger = logging.getLogger(__name__)

USER_AGENT = f"klimatpuls/{__version__} (yearly climate statistics of a municipal network)"
REPLICA_KNOWN_FROM_HEADER = "X-Klimatpuls-Known-From"
"""Sent by the replica alone: the day an archive's file was first known (ISO date)."""
REPLICA_NOT_YET_HEADER = "X-Klimatpuls-Not-Yet-Published"
"""Sent by the replica alone: what was asked for has nothing published as of its day."""

CONDITIONS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
"""Header of an answer → header of the next request that asks for the file only if it changed."""
RETRIED_STATUS = frozenset({429, 500, 502, 503, 504})
REDIRECT_STATUS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
CHUNK_BYTES = 64 * 1024
MEGABYTE = 1_000_000
PROGRESS_SECONDS = 10.0
"""A body that takes longer says every so many seconds how far it is."""
SHORTEST_SECONDS = 0.1
"""A redirect is followed even when it took the last of the call's time, and given up at once."""
GZIP_WINDOW_BITS = 31
"""What zlib calls a gzip header and trailer around the data."""


class StatusError(FetchError):
    """The service answered, with a status that is no success or with nothing at all.

    Attributes:
        status: The HTTP status.
        body: The body that came with it, at most a few kilobytes matter.
        headers: The headers that came with it.
    """

    def __init__(self, message: str, *, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
        self.headers = headers


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A complete answer of a service.

    Attributes:
        url: The address that answered, after redirects.
        status: The HTTP status.
        headers: Headers, names without regard to case.
        body: The whole body, decoded from its transfer encoding.
        attempts: How many calls it took.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    attempts: int = 1

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest of a snapshot keeps about the call."""
        names = ("Content-Type", "Content-Length", "Content-Encoding", "ETag", "Last-Modified", "Date")
        kept = {name: self.headers[name] for name in names if name in self.headers}
        return {"url": self.url, "status": self.status, "attempts": self.attempts, "headers": kept}

    @property
    def known_from(self) -> date | None:
        """The day an archive's file was first known: what a replica on this machine says, else None."""
        value = self.headers.get(REPLICA_KNOWN_FROM_HEADER)
        if value is None or not is_loopback(self.url):
            return None
        return date.fromisoformat(value)


class Ledger(Protocol):
    """Where the calls of a host are counted, for one process or for all of them."""

    def take(self, host: str, windows: Sequence[Window]) -> tuple[float, int]:
        """Count a call and return 0 and its number, or return the seconds after which to ask again."""

    def answered(self, host: str, call: int) -> None:
        """Note that a call has come to its end, with or without an answer."""

    def state(self, host: str, windows: Sequence[Window]) -> None:
        """Tell whoever else calls the host what it says of its limits."""


class OwnLedger:
    """Counts the calls of this process alone: for a look without a warehouse.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._arrived: defaultdict[str, list[float | None]] = defaultdict(list)
        self._stated: dict[str, tuple[Window, ...]] = {}

    def take(self, host: str, windows: Sequence[Window]) -> tuple[float, int]:
        """Take a slot if one is free now; see :class:`Ledger`."""
        with self._lock:
            now, arrived = self._clock(), self._arrived[host]
            kept = rate_limit.kept_windows([*windows, *self._stated.get(host, ())])
            ages = [0.0 if moment is None else now - moment for moment in arrived]
            wait = rate_limit.seconds_to_wait(sorted(ages, reverse=True), kept)
            if wait == 0:
                arrived.append(None)
            return wait, len(arrived) - 1

    def answered(self, host: str, call: int) -> None:
        """Note that a call has come to its end; see :class:`Ledger`."""
        with self._lock:
            self._arrived[host][call] = self._clock()

    def state(self, host: str, windows: Sequence[Window]) -> None:
        """Keep what a host says of itself; its newest word counts."""
        with self._lock:
            self._stated[host] = tuple(windows)


class Throttle:
    """Holds back the calls of one service, so that no window is exceeded by anybody who shares the ledger.

    Args:
        host: The service, as the ledger knows it.
        windows: (calls, seconds) that we keep whatever the service allows.
        ledger: Where calls are counted.
        sleep: How to wait.
    """

    def __init__(
        self,
        host: str,
        windows: Sequence[Window],
        *,
        ledger: Ledger,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        rate_limit.kept_windows(windows)
        self._host = host
        self._ledger = ledger
        self._sleep = sleep
        self._ours = tuple(windows)
        self._stated: tuple[Window, ...] = ()

    @property
    def windows(self) -> tuple[Window, ...]:
        """What is allowed as far as we know: our own windows, then the ones the service stated."""
        return tuple(dict.fromkeys((*self._ours, *self._stated)))

    def learn(self, windows: Sequence[Window]) -> None:
        """Keep what the service states beside our own; calls already made count.

        Raises:
            ValueError: if a window allows no call or has no length.
        """
        rate_limit.kept_windows(windows)
        self._stated = tuple(windows)
        self._ledger.state(self._host, windows)

    @property
    def longest_window(self) -> float:
        """Length of the longest window in seconds; 0 without windows."""
        return max((seconds for _, seconds in self.windows), default=0.0)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait until a call may start and count it; the call is over when the block is."""
        while True:
            seconds, call = self._ledger.take(self._host, self.windows)
            if seconds == 0:
                break
            self._sleep(seconds)
        try:
            yield
        finally:
            self._ledger.answered(self._host, call)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long we wait and how much we take.

    Attributes:
        connect_seconds: Time to get a connection.
        read_seconds: Longest silence while reading.
        total_seconds: Longest time for one call, all its tries, pauses and redirects together; waiting for
            the throttle does not count.
        max_bytes: Largest body that is read, as it comes and unpacked.
        retries: How many times a call is tried again, its redirects together.
        backoff_seconds: First pause between two attempts; it doubles.
        backoff_max_seconds: Longest pause of our own.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 60.0
    total_seconds: float = 120.0
    max_bytes: int = 50 * MEGABYTE
    retries: int = 4
    backoff_seconds: float = 1.0
    backoff_max_seconds: float = 30.0


_HEADERS_DUE: ContextVar[float] = ContextVar("moment by which the headers of the call at hand must be here")


class _BoundedConnection(HTTPConnection):
    """A connection whose answer must have begun by the end of its call.

    A timeout of a socket is for one read, and the headers are read byte by byte if they come so: a server
    that drips them would be waited for as long as it likes. So the socket is cut when the call has no time
    left, which ends the read.
    """

    def getresponse(self) -> Any:
        """The answer's status and headers.

        Raises:
            TimeoutError: if they were not whole when the call's time was over.
        """
        is_late, wire = threading.Event(), self.sock

        def cut() -> None:
            is_late.set()
            with suppress(OSError):
                # Not its own way of shutting down: TLS would forget its state under the reader's hands.
                socket.socket.shutdown(wire, socket.SHUT_RDWR)

        watch = threading.Timer(max(0.0, _HEADERS_DUE.get() - time.monotonic()), cut)
        watch.daemon = True
        watch.start()
        try:
            return super().getresponse()
        finally:
            watch.cancel()
            if is_late.is_set():
                raise TimeoutError


class _BoundedTlsConnection(_BoundedConnection, HTTPSConnection):
    """The same over TLS."""


class _BoundedPool(HTTPConnectionPool):
    ConnectionCls = _BoundedConnection


class _BoundedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _BoundedTlsConnection


class _BoundedAdapter(HTTPAdapter):
    """Makes bounded connections, also through a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """See the base class."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        """See the base class."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_POOLS = {"http": _BoundedPool, "https": _BoundedTlsPool}


class _BrokenAnswerError(Exception):
    """What came is no whole answer; the text says why."""


@dataclass
class _Patience:
    """What is left of one call.

    Attributes:
        policy: Tries that are left, and how the pauses grow.
        seconds: Seconds that are left.
        tries: Tries made.
    """

    policy: Retry
    seconds: float
    tries: int = 0


@dataclass
class PoliteSession:
    """Calls one service of the catalogue; made by ``open_session``.

    Attributes:
        source_id: Name of the source, for messages.
        base_url: Where the service is, without a trailing slash.
        allowed: Network locations (``host`` or ``host:port``) that may be called.
        throttle: Holds back calls; a client tells it the limits that the service states.
        resolve: The network addresses of a host name, none if it is not known here.
        limits: Waiting and size limits.
        sleep: How to wait between attempts.
        clock: Seconds that only go forward.
        mock_ca: Certificate of the authority that a replica on this machine is trusted by; no agency is.
    """

    source_id: str
    base_url: str
    allowed: Collection[str]
    throttle: Throttle
    resolve: Callable[[str], Collection[str]]
    limits: Limits = field(default_factory=Limits)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    mock_ca: Path | None = None
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __post_init__(self) -> None:
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip"})
        # This machine is never reached through a proxy, and no service gets a password from ~/.netrc.
        self._session.trust_env = not is_loopback(self.base_url)
        self._session.auth = _no_password
        if self.mock_ca is not None and is_loopback(self.base_url):
            self._session.verify = str(self.mock_ca)
        for scheme in _POOLS:
            self._session.mount(f"{scheme}://", _BoundedAdapter())

    def __enter__(self) -> PoliteSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of open connections."""
        self._session.close()

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200,),
    ) -> Answer:
        """Fetch an address with GET.

        Args:
            url: Absolute address.
            params: Query parameters, added to the address.
            headers: Additional headers, such as ``If-None-Match``.
            accept: Statuses that are a success.

        Returns:
            The complete answer.

        Raises:
            NotYetPublished: if a replica says that nothing is published yet.
            StatusError: if the service answers with another status.
            FetchError: if no complete answer came, or the address may not be called.
        """
        prepared = requests.Request("GET", url, params=dict(params or {})).prepare()
        return self._call("GET", str(prepared.url), dict(headers or {}), None, accept)

    def post_json(
        self,
        url: str,
        payload: object,
        *,
        params: Mapping[str, str] | None = None,
        accept: Collection[int] = (200,),
    ) -> Answer:
        """Put a question as a JSON body; tried again like a GET, so only for questions that change nothing.

        Args:
            url: Absolute address.
            payload: The question.
            params: Query parameters, added to the address.
            accept: Statuses that are a success.

        Returns:
            The complete answer.

        Raises:
            NotYetPublished: if a replica says that nothing is published yet.
            StatusError: if the service answers with another status.
            FetchError: if no complete answer came, or the address may not be called.
        """
        prepared = requests.Request("POST", url, params=dict(params or {})).prepare()
        body = json.dumps(payload, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return self._call("POST", str(prepared.url), headers, body, accept)

    def _call(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, accept: Collection[int]
    ) -> Answer:
        patience = _Patience(
            Retry(
                total=self.limits.retries,
                backoff_factor=self.limits.backoff_seconds,
                backoff_max=self.limits.backoff_max_seconds,
            ),
            self.limits.total_seconds,
        )
        for _ in range(MAX_REDIRECTS + 1):
            self._refuse_unless_allowed(url)
            answer = self._try_until_answered(method, url, headers, body, patience)
            location = answer.headers.get("Location")
            if answer.status not in REDIRECT_STATUS or location is None:
                return self._accepted(method, answer, accept)
            url = urljoin(url, location)
            if answer.status not in (307, 308):
                method, body = "GET", None
        raise self._failure(
            method, url, f"more than {MAX_REDIRECTS} redirects", "look at the address in a browser"
        )

    def _try_until_answered(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, patience: _Patience
    ) -> Answer:
        while True:
            with self.throttle.slot():
                patience.tries += 1
                started = self.clock()
                answer, trouble = self._attempt(method, url, headers, body, patience)
                took = self.clock() - started
            patience.seconds -= took
            if answer is not None and not _is_worth_another_try(answer):
                logger.info(
                    "%s: %s %s: HTTP %d, %d bytes in %.1f s",
                    self.source_id, method, url, answer.status, len(answer.body), took,
                )  # fmt: skip
                return answer
            pause = self._pause(method, url, patience, answer)
            if pause >= patience.seconds:
                if answer is not None:
                    return answer
                raise self._failure(
                    method,
                    url,
                    f"{trouble} (attempt {patience.tries} of {self.limits.retries + 1}, "
                    f"{self.limits.total_seconds:g} s for all of them)",
                    "nothing was changed; try again later, or check the network and the agency's own page",
                )
            logger.warning(
                "%s: %s %s: %s; next try in %.0f s",
                self.source_id, method, url, trouble or f"HTTP {answer and answer.status}", pause,
            )  # fmt: skip
            self.sleep(pause)
            patience.seconds -= pause

    def _attempt(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, patience: _Patience
    ) -> tuple[Answer | None, str]:
        left = max(SHORTEST_SECONDS, patience.seconds)
        deadline = self.clock() + left
        _HEADERS_DUE.set(time.monotonic() + left)
        timeout = (min(self.limits.connect_seconds, left), min(self.limits.read_seconds, left))
        try:
            with self._session.request(
                method, url, headers=headers, data=body, timeout=timeout, stream=True, allow_redirects=False
            ) as response:
                content = self._read(method, url, response, deadline)
                return (
                    Answer(
                        url=url,
                        status=response.status_code,
                        headers=response.headers,
                        body=content,
                        attempts=patience.tries,
                    ),
                    "",
                )
        except requests.exceptions.SSLError as error:
            raise self._failure(
                method,
                url,
                f"its certificate was not accepted: {error}",
                "do not switch the check off; report it",
            ) from error
        except (requests.RequestException, Urllib3Error, OSError, _BrokenAnswerError) as error:
            return None, _trouble(error)

    def _read(self, method: str, url: str, response: requests.Response, deadline: float) -> bytes:
        """The whole body, unpacked.

        It is read as it comes, byte by byte if need be: a read that waits for a whole chunk would let an
        answer drip for days.
        """
        said = self.clock()
        parts: list[bytes] = []
        size = 0
        while part := response.raw.read1(CHUNK_BYTES, decode_content=False):
            parts.append(part)
            size += len(part)
            if size > self.limits.max_bytes:
                raise self._too_large(method, url)
            now = self.clock()
            if now > deadline:
                raise self._failure(
                    method,
                    url,
                    f"no complete answer within {self.limits.total_seconds:g} s ({size} bytes came)",
                    "nothing was changed; try again later",
                )
            if now - said > PROGRESS_SECONDS:
                said = now
                logger.info("%s: %s %s: %d bytes so far", self.source_id, method, url, size)
        announced = response.headers.get("Content-Length")
        if announced is not None and announced.isdigit() and size != int(announced):
            msg = f"{size} of {announced} announced bytes came"
            raise _BrokenAnswerError(msg)
        content = _unpacked(
            b"".join(parts), response.headers.get("Content-Encoding", "").lower(), self.limits.max_bytes
        )
        if len(content) > self.limits.max_bytes:
            raise self._too_large(method, url)
        return content

    def _too_large(self, method: str, url: str) -> FetchError:
        return self._failure(
            method,
            url,
            f"the body is larger than the cap of {self.limits.max_bytes} bytes",
            "look at what the agency sends now; if it is right, raise Limits.max_bytes",
        )

    def _pause(self, method: str, url: str, patience: _Patience, answer: Answer | None) -> float:
        """Seconds to the next try; infinitely many when there is none."""
        try:
            patience.policy = patience.policy.increment(method, url)
        except MaxRetryError:
            return math.inf
        backoff = max(patience.policy.get_backoff_time(), self.limits.backoff_seconds)
        if answer is None:
            return backoff
        asked = self._retry_after(patience.policy, answer)
        if asked is None:
            return max(backoff, self.throttle.longest_window) if answer.status == 429 else backoff
        if asked >= patience.seconds:
            raise self._failure(
                method,
                url,
                f"HTTP {answer.status}, asking us to wait {asked:.0f} s "
                f"({max(0.0, patience.seconds):.0f} s are left of {self.limits.total_seconds:g} s)",
                f"nothing was changed; try again after {asked:.0f} s",
            )
        return max(asked, self.limits.backoff_seconds)

    @staticmethod
    def _retry_after(policy: Retry, answer: Answer) -> float | None:
        value = answer.headers.get("Retry-After")
        if value is None:
            return None
        try:
            return float(policy.parse_retry_after(value))
        except InvalidHeader:
            return None

    def _accepted(self, method: str, answer: Answer, accept: Collection[int]) -> Answer:
        if answer.status in accept and not _is_empty(answer):
            return answer
        not_yet = answer.headers.get(REPLICA_NOT_YET_HEADER)
        if not_yet is not None and is_loopback(answer.url):
            msg = f"{self.source_id}: {not_yet} has nothing published yet as of the replica's day"
            raise NotYetPublished(msg)
        start = answer.body[:200].decode("utf-8", errors="replace").strip()
        message = self._message(
            method,
            answer.url,
            f"HTTP {answer.status} after {answer.attempts} attempt(s), expected "
            f"{' or '.join(str(status) for status in accept)}; the body "
            f"{f'begins {start!r}' if answer.body else 'is empty'}",
            _advice(answer.status),
        )
        raise StatusError(message, status=answer.status, body=answer.body, headers=answer.headers)

    def _refuse_unless_allowed(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(url)):
            raise self._failure(
                "GET", url, "only https is used outside this machine", "correct the address in the connection"
            )
        if parts.netloc.lower() not in self.allowed:
            raise self._failure(
                "GET",
                url,
                f"{parts.netloc} is not among the hosts of this source ({', '.join(sorted(self.allowed))})",
                "if the agency has moved, change the source's hosts in the catalogue",
            )
        if is_loopback(self.base_url) or get_environ_proxies(url):
            return  # a proxy looks names up itself, and often this machine cannot
        for address in self.resolve(str(parts.hostname)):
            if not ipaddress.ip_address(address).is_global:
                raise self._failure(
                    "GET",
                    url,
                    f"{parts.hostname} has the address {address}, which is not on the public internet",
                    "nothing was asked; have the network's name server looked at",
                )

    def _message(self, method: str, url: str, what: str, todo: str) -> str:
        return f"{self.source_id}: {method} {url}: {what}. What to do: {todo}."

    def _failure(self, method: str, url: str, what: str, todo: str) -> FetchError:
        return FetchError(self._message(method, url, what, todo))


def open_session(
    source: Source,
    base_url: str,
    *,
    ledger: Ledger | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    resolve: Callable[[str], Collection[str]] | None = None,
    mock_ca: Path | None = None,
) -> PoliteSession:
    """A session for one source, at the agency or at a replica on this machine.

    Args:
        source: The catalogue entry.
        base_url: From the Airflow connection; the agency's host or this machine.
        ledger: Where calls are counted, so that all who share it keep the limits together; without one this
            session counts for itself.
        limits: Other limits than the usual ones.
        clock: Seconds that only go forward.
        sleep: How to wait.
        resolve: The network addresses of a host name; this machine's own way without it.
        mock_ca: Certificate of the authority that vouches for a replica that speaks TLS. It is read only
            where the base URL is on this machine: no agency can be stood in for by it.

    Returns:
        A session that calls the hosts of the source only (at a replica: the replica only).

    Raises:
        UsageError: if the base URL is neither https to a host of the source nor on this machine.
    """
    base_url = base_url.rstrip("/")
    parts = urlsplit(base_url)
    if is_loopback(base_url) and parts.scheme in ("http", "https"):
        allowed: frozenset[str] = frozenset({parts.netloc.lower()})
    elif parts.scheme == "https" and parts.netloc.lower() in source.hosts:
        allowed = frozenset(source.hosts)
    else:
        msg = (
            f"{source.id}: base URL {base_url!r} is neither https to {' or '.join(source.hosts)} nor on this "
            f"machine; correct the connection {source.conn_id}"
        )
        raise UsageError(msg)
    return PoliteSession(
        source_id=source.id,
        base_url=base_url,
        allowed=allowed,
        # A replica is counted as the agency it stands for: its agencies have limits of their own.
        throttle=Throttle(
            source.hosts[0], source.calls_per_window, ledger=ledger or OwnLedger(clock), sleep=sleep
        ),
        limits=limits or Limits(),
        sleep=sleep,
        clock=clock,
        resolve=resolve or addresses_of,
        mock_ca=mock_ca,
    )


def poll_file(
    session: PoliteSession, url: str, params: Mapping[str, str], validators: Mapping[str, str]
) -> Poll:
    """A light look at one file: a conditional request, and the hash of the body where one comes.

    Args:
        session: The polite session of the source.
        url: Address of the file.
        params: Its query.
        validators: ``ETag`` and ``Last-Modified`` of the last look, where the service sent them.

    Returns:
        No fingerprint where the service says that nothing changed, else the SHA-256 of the body.

    Raises:
        NotYetPublished: if a replica has nothing published as of its day.
        FetchError: if no complete answer came.
    """
    asked = {CONDITIONS[name]: value for name, value in validators.items() if name in CONDITIONS}
    accept = (200, 304) if asked else (200,)
    answer = session.get(url, params=params, headers=asked, accept=accept)
    if answer.status == 304:
        return Poll(fingerprint=None, validators=dict(validators), detail="not modified")
    digest = hashlib.sha256(answer.body).hexdigest()
    kept = {name: answer.headers[name] for name in CONDITIONS if name in answer.headers}
    return Poll(fingerprint=digest, validators=kept, detail=f"{len(answer.body)} bytes, {digest[:8]}")


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine, by its host name alone (nothing is looked up)."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def addresses_of(host: str) -> frozenset[str]:
    """The network addresses of a host name; none if it is not known, which the connection will tell."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return frozenset()
    return frozenset(str(entry[4][0]) for entry in found)


def _no_password(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _is_empty(answer: Answer) -> bool:
    return answer.status == 200 and not answer.body


def _is_worth_another_try(answer: Answer) -> bool:
    return answer.status in RETRIED_STATUS or _is_empty(answer)


def _unpacked(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """A body without its content encoding; unpacking stops one byte beyond the cap.

    Raises:
        _BrokenAnswerError: if the packed bytes are damaged, end too early or are followed by others, which
            libraries let pass.
    """
    if encoding in ("", "identity") or not body:
        return body
    if encoding not in ("gzip", "x-gzip"):
        msg = f"the body is packed as {encoding!r}, and we asked for gzip"
        raise _BrokenAnswerError(msg)
    unpacker = zlib.decompressobj(GZIP_WINDOW_BITS)
    try:
        content = unpacker.decompress(body, max_bytes + 1)
    except zlib.error as error:
        msg = f"the packed body is damaged: {error}"
        raise _BrokenAnswerError(msg) from error
    if not unpacker.eof and len(content) <= max_bytes:
        msg = f"the packed body ended before its end ({len(body)} bytes came)"
        raise _BrokenAnswerError(msg)
    if unpacker.unused_data:
        msg = f"the packed body is followed by something else ({len(unpacker.unused_data)} bytes)"
        raise _BrokenAnswerError(msg)
    return content


def _trouble(error: Exception) -> str:
    if isinstance(error, requests.exceptions.Timeout | ReadTimeoutError):
        return "no answer in time"
    if isinstance(error, _BrokenAnswerError):
        return str(error)
    if isinstance(error, ProtocolError):
        return f"the connection ended before the whole body had come: {error}"
    # requests wraps urllib3, which wraps the reason; the reason alone says what an operator needs.
    inner = error.args[0] if error.args else error
    return f"no connection, or it broke: {getattr(inner, 'reason', None) or error}"


def _advice(status: int) -> str:
    if status == 200:
        return "nothing was changed; look at the address in a browser and try again later"
    if status == 429:
        return "we were asked to slow down; nothing was changed, try again later"
    if status >= 500:
        return "the service has trouble of its own; nothing was changed, try again later"
    if status in (401, 403):
        return "the service refuses us; look at the address in a browser and at the agency's terms"
    return "the service has no such thing; compare the address with the agency's documentation"
