"""What the mock agencies share: requests, answers, and the answers that several of them give."""

from __future__ import annotations

import hashlib
import json
import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

from klimatpuls.fetch.http import MOCK_KNOWN_FROM_HEADER, MOCK_NOT_YET_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HTML_PAGE = (
    "<!DOCTYPE html>\n"
    '<html lang="sv"><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n'
)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer.

    Attributes:
        status: HTTP status.
        body: The body.
        content_type: Its type.
        headers: Further headers.
        is_reset_half_way: Whether the connection is reset after half of the body, for tests.
    """

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    is_reset_half_way: bool = False


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request.

    Attributes:
        method: ``GET`` or ``POST``.
        path: Path at the agency, without a trailing slash.
        query: Query parameters.
        headers: Headers, names without regard to case.
        body: The body of a POST.
        base_url: Address of the agency at the mock server, for links.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base_url: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the mock agencies behave.

    Attributes:
        max_cells: Largest number of cells in one answer of SCB.
        calls: Calls that SCB lets through per window.
        window_seconds: Length of that window.
        mark: Mark of synthetic figures, for answers whose format has a place for text; else empty.
    """

    max_cells: int = 150_000
    calls: int = 30
    window_seconds: float = 10.0
    mark: str = ""


class Agency(Protocol):
    """One agency; every module of ``agencies`` has such a class.

    The constructor takes the archive folder, the day to answer as of, and :class:`Settings`. It reads the
    agency's files and raises ``UsageError`` if the folder is no archive.
    """

    def answer(self, request: Request) -> Reply:
        """The answer to a request."""


class CallWindow:
    """Counts calls in a sliding window, as an agency does per caller."""

    def __init__(self, calls: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls, self._seconds, self._clock = calls, seconds, clock
        self._seen: deque[float] = deque()
        self._lock = threading.Lock()

    def refusal(self) -> int | None:
        """None if a call may pass (it is counted then), else the seconds to wait, at least 1."""
        with self._lock:
            now = self._clock()
            while self._seen and self._seen[0] <= now - self._seconds:
                self._seen.popleft()
            if len(self._seen) < self._calls:
                self._seen.append(now)
                return None
            return max(1, math.ceil(self._seen[0] + self._seconds - now))


def file_reply(body: bytes, request: Request, since: datetime, known_from: date) -> Reply:
    """A workbook, or 304 if the request names this very version.

    Args:
        body: The workbook.
        request: The request, conditional or not.
        since: When the agency last changed the file.
        known_from: The day from which it was known to be public.
    """
    headers = {
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "Last-Modified": format_datetime(since, usegmt=True),
        "Cache-Control": "no-cache",
        MOCK_KNOWN_FROM_HEADER: known_from.isoformat(),
    }
    if _is_unchanged(request.headers, headers["ETag"], since):
        return Reply(status=304, body=b"", content_type=XLSX, headers=headers)
    return Reply(status=200, body=body, content_type=XLSX, headers=headers)


def _is_unchanged(asked: Mapping[str, str], etag: str, since: datetime) -> bool:
    """Whether a conditional request names the version that would be sent."""
    tags = asked.get("If-None-Match")
    if tags is not None:
        return tags.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in tags.split(","))
    moment = asked.get("If-Modified-Since")
    if moment is None:
        return False
    try:
        return parsedate_to_datetime(moment) >= since
    except (TypeError, ValueError):
        return False


def json_reply(
    status: int,
    document: object,
    headers: Mapping[str, str] | None = None,
    *,
    content_type: str = "application/json",
) -> Reply:
    """A JSON document."""
    body = json.dumps(document, ensure_ascii=False).encode()
    return Reply(
        status=status, body=body, content_type=f"{content_type}; charset=utf-8", headers=headers or {}
    )


def text_reply(status: int, text: str, headers: Mapping[str, str] | None = None) -> Reply:
    """A plain text."""
    body = text.encode()
    return Reply(status=status, body=body, content_type="text/plain; charset=utf-8", headers=headers or {})


def page_reply(status: int, title: str, headers: Mapping[str, str] | None = None) -> Reply:
    """A small HTML page."""
    body = HTML_PAGE.format(title=title).encode()
    return Reply(status=status, body=body, content_type="text/html; charset=utf-8", headers=headers or {})


def not_yet_reply(what: str) -> Reply:
    """The mock server's own answer: nothing of this is published as of its day."""
    return page_reply(404, "Ännu inte publicerat", {MOCK_NOT_YET_HEADER: what})


def too_many_reply(wait: int) -> Reply:
    """The refusal of a caller that calls too often, with the seconds to wait."""
    text = "429 - Too many requests in too short timeframe. Please try again later."
    return text_reply(429, text, {"Retry-After": str(wait)})
