"""One polite way to call an agency: throttled, retried, capped, and never fooled by half an answer.

What it does: waits before it calls too often, tries again after 429 and 5xx as long as the agency asks,
says honestly who is calling, calls only hosts of the catalogue (also after a redirect), speaks https only
except to this machine, reads no more than a stated number of bytes and refuses an answer shorter than
announced. What it does not do: look inside the body (an HTML page with status 200 is the parser's to
refuse), share its throttle between processes, or cache (bytes are kept by ``snapshots``).
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import InvalidHeader, MaxRetryError
from urllib3.util import Retry

from klimatpuls import __version__
from klimatpuls.errors import FetchError, NotYetPublished, UsageError
from klimatpuls.releases import Look

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from klimatpuls.catalog import Source

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


class StatusError(FetchError):
    """The service answered, with a status that is no success.

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


class Throttle:
    """Holds back calls so that none of the stated windows is exceeded; one object per service.

    A window ``(calls, seconds)`` slides: in any ``seconds`` at most ``calls`` calls start. A twentieth is
    added to its length, because the service counts when a call arrives and we count when it leaves.
    """

    MARGIN = 1.05

    def __init__(
        self,
        windows: Sequence[tuple[int, float]],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._calls: deque[float] = deque()
        self.windows: tuple[tuple[int, float], ...] = ()
        self.set_windows(windows)

    def set_windows(self, windows: Sequence[tuple[int, float]]) -> None:
        """Replace the windows by the ones a service states; calls already made still count.

        Raises:
            ValueError: if a window allows no call or has no length.
        """
        for calls, seconds in windows:
            if calls < 1 or seconds <= 0:
                msg = f"a window of {calls} calls per {seconds} s lets nothing through"
                raise ValueError(msg)
        with self._lock:
            self.windows = tuple(windows)
            most = max((calls for calls, _ in self.windows), default=0)
            self._calls = deque(self._calls, maxlen=most)

    @property
    def longest_window(self) -> float:
        """Length of the longest window in seconds; 0 without windows."""
        return max((seconds for _, seconds in self.windows), default=0.0)

    def wait(self) -> None:
        """Return when a call may start, and count it."""
        with self._lock:
            delay = self._delay(self._clock())
            while delay > 0:
                self._sleep(delay)
                delay = self._delay(self._clock())
            self._calls.append(self._clock())

    def _delay(self, now: float) -> float:
        delays = [
            self._calls[-calls] + seconds * self.MARGIN - now
            for calls, seconds in self.windows
            if len(self._calls) >= calls
        ]
        return max(delays, default=0.0)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long we wait and how much we take.

    Attributes:
        connect_seconds: Time to get a connection.
        read_seconds: Longest silence while reading.
        total_seconds: Longest time for one attempt, so that a dripping answer ends.
        max_bytes: Largest body that is read.
        retries: How many times a call is tried again.
        backoff_seconds: First pause between two attempts; it doubles.
        backoff_max_seconds: Longest pause of our own.
        retry_after_max_seconds: Longest pause we take on a service's word; more than that ends the call.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 60.0
    total_seconds: float = 300.0
    max_bytes: int = 50 * MEGABYTE
    retries: int = 4
    backoff_seconds: float = 1.0
    backoff_max_seconds: float = 30.0
    retry_after_max_seconds: float = 120.0


@dataclass
class PoliteSession:
    """Calls one service of the catalogue; made by ``open_session``.

    Attributes:
        source_id: Name of the source, for messages.
        base_url: Where the service is, without a trailing slash.
        allowed: Network locations (``host`` or ``host:port``) that may be called.
        throttle: Holds back calls; a client that learns the service's limits sets its windows.
        limits: Waiting and size limits.
        sleep: How to wait between attempts.
        clock: Seconds that only go forward.
    """

    source_id: str
    base_url: str
    allowed: Collection[str]
    throttle: Throttle
    limits: Limits = field(default_factory=Limits)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __post_init__(self) -> None:
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "*/*"})
        # This machine is never reached through a proxy, and no service gets a password from ~/.netrc.
        self._session.trust_env = not is_loopback(self.base_url)
        self._session.auth = _no_password

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
        for _ in range(MAX_REDIRECTS + 1):
            self._refuse_unless_allowed(url)
            answer = self._try_until_answered(method, url, headers, body)
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
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> Answer:
        policy = Retry(
            total=self.limits.retries,
            backoff_factor=self.limits.backoff_seconds,
            backoff_max=self.limits.backoff_max_seconds,
        )
        attempt = 0
        while True:
            attempt += 1
            self.throttle.wait()
            answer, trouble = self._attempt(method, url, headers, body, attempt)
            if answer is not None and answer.status not in RETRIED_STATUS:
                return answer
            try:
                policy = policy.increment(method, url)
            except MaxRetryError:
                if answer is not None:
                    return answer
                raise self._failure(
                    method,
                    url,
                    f"{trouble} (attempt {attempt} of {attempt})",
                    "nothing was changed; try again later, or check the network and the agency's own page",
                ) from None
            self.sleep(self._pause(method, url, policy, answer))

    def _attempt(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, attempt: int
    ) -> tuple[Answer | None, str]:
        timeout = (self.limits.connect_seconds, self.limits.read_seconds)
        try:
            with self._session.request(
                method, url, headers=headers, data=body, timeout=timeout, stream=True, allow_redirects=False
            ) as response:
                content = self._read(method, url, response)
                return (
                    Answer(
                        url=url,
                        status=response.status_code,
                        headers=response.headers,
                        body=content,
                        attempts=attempt,
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
        except (requests.RequestException, Urllib3Error, OSError) as error:
            return None, _trouble(error)

    def _read(self, method: str, url: str, response: requests.Response) -> bytes:
        started = self.clock()
        parts: list[bytes] = []
        size = 0
        for chunk in response.iter_content(CHUNK_BYTES):
            parts.append(chunk)
            size += len(chunk)
            if size > self.limits.max_bytes:
                raise self._failure(
                    method,
                    url,
                    f"the body is larger than the cap of {self.limits.max_bytes} bytes",
                    "look at what the agency sends now; if it is right, raise Limits.max_bytes",
                )
            if self.clock() - started > self.limits.total_seconds:
                raise self._failure(
                    method,
                    url,
                    f"no complete answer within {self.limits.total_seconds:g} s ({size} bytes came)",
                    "nothing was changed; try again later",
                )
        announced = response.headers.get("Content-Length")
        received = response.raw.tell()
        if announced is not None and announced.isdigit() and received != int(announced):
            msg = f"{received} of {announced} announced bytes came"
            raise requests.exceptions.ChunkedEncodingError(msg)
        return b"".join(parts)

    def _pause(self, method: str, url: str, policy: Retry, answer: Answer | None) -> float:
        backoff = max(policy.get_backoff_time(), self.limits.backoff_seconds)
        if answer is None:
            return backoff
        asked = self._retry_after(policy, answer)
        if asked is None:
            return max(backoff, self.throttle.longest_window) if answer.status == 429 else backoff
        if asked > self.limits.retry_after_max_seconds:
            raise self._failure(
                method,
                url,
                f"HTTP {answer.status}, asking us to wait {asked:.0f} s "
                f"(we wait at most {self.limits.retry_after_max_seconds:.0f} s)",
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
        if answer.status in accept:
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
            f"{' or '.join(str(status) for status in accept)}; the body begins {start!r}",
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

    def _message(self, method: str, url: str, what: str, todo: str) -> str:
        return f"{self.source_id}: {method} {url}: {what}. What to do: {todo}."

    def _failure(self, method: str, url: str, what: str, todo: str) -> FetchError:
        return FetchError(self._message(method, url, what, todo))


def open_session(
    source: Source,
    base_url: str,
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> PoliteSession:
    """A session for one source, at the agency or at a replica on this machine.

    Args:
        source: The catalogue entry.
        base_url: From the Airflow connection; the agency's host or this machine.
        limits: Other limits than the usual ones.
        clock: Seconds that only go forward.
        sleep: How to wait.

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
        throttle=Throttle(source.calls_per_window, clock=clock, sleep=sleep),
        limits=limits or Limits(),
        sleep=sleep,
        clock=clock,
    )


def look_at_file(
    session: PoliteSession, url: str, params: Mapping[str, str], validators: Mapping[str, str]
) -> Look:
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
        return Look(fingerprint=None, validators=dict(validators), detail="not modified")
    digest = hashlib.sha256(answer.body).hexdigest()
    kept = {name: answer.headers[name] for name in CONDITIONS if name in answer.headers}
    return Look(fingerprint=digest, validators=kept, detail=f"{len(answer.body)} bytes, {digest[:8]}")


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine, by its host name alone (nothing is looked up)."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _no_password(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _trouble(error: Exception) -> str:
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"the connection ended before the whole body had come: {error}"
    # requests wraps urllib3, which wraps the reason; the reason alone says what an operator needs.
    inner = error.args[0] if error.args else error
    return f"no connection, or it broke: {getattr(inner, 'reason', None) or error}"


def _advice(status: int) -> str:
    if status == 429:
        return "we were asked to slow down; nothing was changed, try again later"
    if status >= 500:
        return "the service has trouble of its own; nothing was changed, try again later"
    if status in (401, 403):
        return "the service refuses us; look at the address in a browser and at the agency's terms"
    return "the service has no such thing; compare the address with the agency's documentation"
