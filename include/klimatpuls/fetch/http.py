"""One polite way to call an agency: throttled, retried, with limits, and no incomplete answer passes.

A session waits for a slot of its :class:`~klimatpuls.fetch.throttle.Throttle` before every call and tries
again after 429 and 5xx, as long as the agency requires. It identifies itself. It calls only hosts of the
catalogue (also after a redirect), none with an address in a private network, and only over https except on
this machine. It refuses an answer that is empty, too large or shorter than announced. A call ends after so
many tries and seconds, redirects included.

The retry loop is our own, with urllib3's ``Retry`` for the number of tries, the backoff and ``Retry-After``:
every try must take a slot, and all tries and redirects share one limit of time, which neither urllib3 nor
tenacity offers. A session does not look inside the body (the parser refuses an HTML page with status 200)
and caches nothing (``snapshots`` keeps the bytes).
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import logging
import math
import socket
import time
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import InvalidHeader, MaxRetryError, ProtocolError, ReadTimeoutError
from urllib3.util import Retry

from klimatpuls import __version__
from klimatpuls.contract.releases import Poll
from klimatpuls.errors import FetchError, NotYetPublished, UsageError
from klimatpuls.fetch.throttle import MemoryCallLog, Throttle
from klimatpuls.fetch.transport import (
    HEADERS_DUE,
    BoundedAdapter,
    BrokenAnswerError,
    TooLargeError,
    read_body,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from klimatpuls.contract.catalog import Source
    from klimatpuls.fetch.throttle import CallLog

logger = logging.getLogger(__name__)

USER_AGENT = f"klimatpuls/{__version__} (yearly climate statistics of a municipal network)"
MOCK_KNOWN_FROM_HEADER = "X-Klimatpuls-Known-From"
"""Sent by the mock agencies only: the day an archive's file was first known (ISO date)."""
MOCK_NOT_YET_HEADER = "X-Klimatpuls-Not-Yet-Published"
"""Sent by the mock agencies only: this has nothing published yet as of their day."""

CONDITIONS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
"""Header of an answer → header of the next request, which returns the file only if it changed."""
RETRIED_STATUS = frozenset({429, 500, 502, 503, 504})
REDIRECT_STATUS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
MEGABYTE = 1_000_000
PROGRESS_SECONDS = 10.0
"""Seconds between two log lines about a body that is still coming."""
SHORTEST_SECONDS = 0.1
"""Least time for a try, also for a redirect that comes when the call has no time left."""


class StatusError(FetchError):
    """The service answered with a status that is no success, or with an empty body.

    Attributes:
        status: The HTTP status.
        body: The body that came with it.
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
        headers: Headers; their names are compared in any case.
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
        """The day an archive's file was first known, if the mock agencies on this machine state it."""
        value = self.headers.get(MOCK_KNOWN_FROM_HEADER)
        if value is None or not is_loopback(self.url):
            return None
        return date.fromisoformat(value)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a call may take and how large its body may be.

    Attributes:
        connect_seconds: Time to get a connection.
        read_seconds: Longest silence while reading.
        total_seconds: Longest time for one call, all its tries, pauses and redirects together; waiting for
            the throttle does not count.
        max_bytes: Largest body that is read, both packed and unpacked.
        retries: How many times a call is tried again, all its redirects together.
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


@dataclass(kw_only=True)
class _Call:
    """One call to a service, and what is left of its tries and time; its redirects included."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    policy: Retry
    seconds_left: float
    tries: int = 0


@dataclass
class PoliteSession:
    """Calls one service of the catalogue; made by ``open_session``.

    Attributes:
        source_id: Name of the source, for messages.
        base_url: Where the service is, without a trailing slash.
        allowed: Network locations (``host`` or ``host:port``) that may be called.
        throttle: Holds back calls; a client gives it the limits that the service advertises.
        resolve: Returns the network addresses of a host name, none if it is unknown.
        limits: Waiting and size limits.
        sleep: How to wait between attempts.
        clock: Seconds that only go forward.
        mock_ca: Certificate of the authority of mock agencies on this machine; never used for an agency.
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
        for scheme in ("http", "https"):
            self._session.mount(f"{scheme}://", BoundedAdapter())

    def __enter__(self) -> PoliteSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the open connections."""
        self._session.close()

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Collection[int] = (200,),
    ) -> Answer:
        """Fetches an address with GET.

        Args:
            url: Absolute address.
            params: Query parameters, added to the address.
            headers: Additional headers, such as ``If-None-Match``.
            accept: Statuses that are a success.

        Raises:
            NotYetPublished: if the mock agencies say that nothing is published yet.
            StatusError: if the service answers with another status.
            FetchError: if no complete answer came, or the address may not be called.
        """
        return self._send(self._new_call("GET", url, params, dict(headers or {}), None), accept)

    def post_json(
        self,
        url: str,
        payload: object,
        *,
        params: Mapping[str, str] | None = None,
        accept: Collection[int] = (200,),
    ) -> Answer:
        """Sends a JSON body with POST, as :meth:`get`; it is retried, so only for queries."""
        body = json.dumps(payload, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return self._send(self._new_call("POST", url, params, headers, body), accept)

    def _new_call(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        headers: dict[str, str],
        body: bytes | None,
    ) -> _Call:
        return _Call(
            method=method,
            url=str(requests.Request(method, url, params=dict(params or {})).prepare().url),
            headers=headers,
            body=body,
            policy=Retry(
                total=self.limits.retries,
                backoff_factor=self.limits.backoff_seconds,
                backoff_max=self.limits.backoff_max_seconds,
            ),
            seconds_left=self.limits.total_seconds,
        )

    def _send(self, call: _Call, accept: Collection[int]) -> Answer:
        """Tries a call and follows its redirects until an acceptable answer comes."""
        for _ in range(MAX_REDIRECTS + 1):
            self._refuse_unless_allowed(call.url)
            answer = self._try_until_answered(call)
            location = answer.headers.get("Location")
            if answer.status not in REDIRECT_STATUS or location is None:
                return self._accepted(call.method, answer, accept)
            call.url = urljoin(call.url, location)
            if answer.status not in (307, 308):
                call.method, call.body = "GET", None
        raise self._failure(call, f"more than {MAX_REDIRECTS} redirects", "look at the address in a browser")

    def _try_until_answered(self, call: _Call) -> Answer:
        while True:
            with self.throttle.slot():
                call.tries += 1
                started = self.clock()
                answer, trouble = self._attempt(call)
                took = self.clock() - started
            call.seconds_left -= took
            if answer is not None and answer.status not in RETRIED_STATUS and not _is_empty(answer):
                logger.info(
                    "%s: %s %s: HTTP %d, %d bytes in %.1f s",
                    self.source_id, call.method, call.url, answer.status, len(answer.body), took,
                )  # fmt: skip
                return answer
            pause = self._pause(call, answer)
            if pause >= call.seconds_left:
                if answer is not None:
                    return answer
                raise self._failure(
                    call,
                    f"{trouble} (attempt {call.tries} of {self.limits.retries + 1}, "
                    f"{self.limits.total_seconds:g} s for all of them)",
                    "nothing was changed; try again later, or check the network and the agency's own page",
                )
            logger.warning(
                "%s: %s %s: %s; next try in %.0f s",
                self.source_id, call.method, call.url, trouble or f"HTTP {answer and answer.status}", pause,
            )  # fmt: skip
            self.sleep(pause)
            call.seconds_left -= pause

    def _attempt(self, call: _Call) -> tuple[Answer | None, str]:
        """Returns the answer of one try; or None, and what went wrong that another try may mend."""
        left = max(SHORTEST_SECONDS, call.seconds_left)
        deadline = self.clock() + left
        HEADERS_DUE.set(time.monotonic() + left)
        timeout = (min(self.limits.connect_seconds, left), min(self.limits.read_seconds, left))
        try:
            with self._session.request(
                call.method, call.url, headers=call.headers, data=call.body, timeout=timeout, stream=True,
                allow_redirects=False,
            ) as response:  # fmt: skip
                body = read_body(response, self.limits.max_bytes, self._progress(call, deadline))
                return Answer(
                    url=call.url,
                    status=response.status_code,
                    headers=response.headers,
                    body=body,
                    attempts=call.tries,
                ), ""
        except requests.exceptions.SSLError as error:
            raise self._failure(
                call, f"its certificate was not accepted: {error}", "do not switch the check off; report it"
            ) from error
        except TooLargeError as error:
            raise self._failure(
                call,
                f"the body is larger than the cap of {self.limits.max_bytes} bytes",
                "look at what the agency sends now; if it is right, raise Limits.max_bytes",
            ) from error
        except (requests.RequestException, Urllib3Error, OSError, BrokenAnswerError) as error:
            return None, _trouble(error)

    def _progress(self, call: _Call, deadline: float) -> Callable[[int], None]:
        """Returns a function that logs the number of bytes read so far, and raises after the deadline."""
        logged = self.clock()

        def note(size: int) -> None:
            nonlocal logged
            now = self.clock()
            if now > deadline:
                raise self._failure(
                    call,
                    f"no complete answer within {self.limits.total_seconds:g} s ({size} bytes came)",
                    "nothing was changed; try again later",
                )
            if now - logged > PROGRESS_SECONDS:
                logged = now
                logger.info("%s: %s %s: %d bytes so far", self.source_id, call.method, call.url, size)

        return note

    def _pause(self, call: _Call, answer: Answer | None) -> float:
        """Returns the seconds to the next try; infinity if there is none."""
        try:
            call.policy = call.policy.increment(call.method, call.url)
        except MaxRetryError:
            return math.inf
        backoff = max(call.policy.get_backoff_time(), self.limits.backoff_seconds)
        if answer is None:
            return backoff
        try:
            requested = float(call.policy.parse_retry_after(answer.headers["Retry-After"]))
        except (KeyError, InvalidHeader):
            return max(backoff, self.throttle.longest_window) if answer.status == 429 else backoff
        if requested >= call.seconds_left:
            raise self._failure(
                call,
                f"HTTP {answer.status}, asking us to wait {requested:.0f} s "
                f"({max(0.0, call.seconds_left):.0f} s are left of {self.limits.total_seconds:g} s)",
                f"nothing was changed; try again after {requested:.0f} s",
            )
        return max(requested, self.limits.backoff_seconds)

    def _accepted(self, method: str, answer: Answer, accept: Collection[int]) -> Answer:
        if answer.status in accept and not _is_empty(answer):
            return answer
        not_yet = answer.headers.get(MOCK_NOT_YET_HEADER)
        if not_yet is not None and is_loopback(answer.url):
            msg = f"{self.source_id}: {not_yet} has nothing published yet as of the mock agencies' day"
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
            what, todo = "only https is used outside this machine", "correct the address in the connection"
        elif parts.netloc.lower() not in self.allowed:
            hosts = ", ".join(sorted(self.allowed))
            what = f"{parts.netloc} is not among the hosts of this source ({hosts})"
            todo = "if the agency has moved, change the source's hosts in its source.yaml"
        elif private := self._private_address(url):
            what = f"{parts.hostname} has the address {private}, which is not on the public internet"
            todo = "nothing was requested; have the network's name server checked"
        else:
            return
        raise FetchError(self._message("GET", url, what, todo))

    def _private_address(self, url: str) -> str | None:
        """Returns an address of the host that is not public, or None; a proxy looks names up itself."""
        if is_loopback(self.base_url) or get_environ_proxies(url):
            return None
        addresses = self.resolve(str(urlsplit(url).hostname))
        return next((one for one in addresses if not ipaddress.ip_address(one).is_global), None)

    def _message(self, method: str, url: str, what: str, todo: str) -> str:
        return f"{self.source_id}: {method} {url}: {what}. What to do: {todo}."

    def _failure(self, call: _Call, what: str, todo: str) -> FetchError:
        return FetchError(self._message(call.method, call.url, what, todo))


def open_session(
    source: Source,
    base_url: str,
    *,
    call_log: CallLog | None = None,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    resolve: Callable[[str], Collection[str]] | None = None,
    mock_ca: Path | None = None,
) -> PoliteSession:
    """Opens a session for one source, at the agency or at the mock agencies on this machine.

    Args:
        source: The catalogue entry.
        base_url: From the Airflow connection; the agency's host or this machine.
        call_log: Where calls are counted, so that all who share it keep the limits together; without one
            this session counts its own calls only.
        limits: Limits of time and size, if not the default ones.
        clock: Seconds that only go forward.
        sleep: How to wait.
        resolve: Returns the network addresses of a host name; by default this machine's resolver.
        mock_ca: Certificate of the authority of mock agencies that use TLS. It is read only if the base URL
            is on this machine: it cannot be used to impersonate an agency.

    Returns:
        A session that calls only the hosts of the source, or only the mock agencies.

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
        # Mock agencies are counted as the agency they replace: each has limits of its own.
        throttle=Throttle(
            source.hosts[0], source.calls_per_window, call_log=call_log or MemoryCallLog(clock), sleep=sleep
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
    """Polls one file with a conditional request; hashes the body if one comes.

    Args:
        session: The polite session of the source.
        url: Address of the file.
        params: Its query.
        validators: ``ETag`` and ``Last-Modified`` of the last poll, if the service sent them.

    Returns:
        No fingerprint if the service says that nothing changed, else the SHA-256 of the body.

    Raises:
        NotYetPublished: if the mock agencies have nothing published as of their day.
        FetchError: if no complete answer came.
    """
    conditions = {CONDITIONS[name]: value for name, value in validators.items() if name in CONDITIONS}
    accept = (200, 304) if conditions else (200,)
    answer = session.get(url, params=params, headers=conditions, accept=accept)
    if answer.status == 304:
        return Poll(fingerprint=None, validators=dict(validators), detail="not modified")
    digest = hashlib.sha256(answer.body).hexdigest()
    kept = {name: answer.headers[name] for name in CONDITIONS if name in answer.headers}
    return Poll(fingerprint=digest, validators=kept, detail=f"{len(answer.body)} bytes, {digest[:8]}")


def is_loopback(url: str) -> bool:
    """Returns whether an address is on this machine, by its host name alone, without a DNS query."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def addresses_of(host: str) -> frozenset[str]:
    """Returns the network addresses of a host name; none if it is unknown: the connection then fails."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return frozenset()
    return frozenset(str(entry[4][0]) for entry in found)


def _no_password(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _is_empty(answer: Answer) -> bool:
    return answer.status == 200 and not answer.body


def _trouble(error: Exception) -> str:
    if isinstance(error, requests.exceptions.Timeout | ReadTimeoutError):
        return "no answer in time"
    if isinstance(error, BrokenAnswerError):
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
        return "the service limits our calls; nothing was changed, try again later"
    if status >= 500:
        return "the service has trouble of its own; nothing was changed, try again later"
    if status in (401, 403):
        return "the service refuses us; look at the address in a browser and at the agency's terms"
    return "the service has no such thing; compare the address with the agency's documentation"
