"""What an agency's server does around an answer: host names, limits, compression, delay.

By default a mock agency answers at once, under any host name. ``AS_RECORDED`` does what recordings and the
agencies' documentation show of their servers; "a guess" marks what nobody recorded. TLS belongs to the server
itself (:mod:`klimatpuls.mock_agencies.certificates`).
"""

from __future__ import annotations

import gzip
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.fetch.http import MOCK_KNOWN_FROM_HEADER, MOCK_NOT_YET_HEADER
from klimatpuls.mock_agencies.wire import CallWindow, Reply, page_reply, too_many_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from klimatpuls.mock_agencies.wire import Request

    Change = Callable[[str, Request, Callable[[Request], Reply]], Reply]
    """A test's change of an answer: agency, request, how the agency answers → answer."""

OWN_HEADERS: Final = (MOCK_KNOWN_FROM_HEADER, MOCK_NOT_YET_HEADER)
SHORTEST_PACKED: Final = 256
"""Bytes below which servers do not compress a text."""
_TEXTS: Final = ("text/", "application/json", "application/problem+json")


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """How the agencies' servers behave around an answer.

    Attributes:
        answers_as_agency: Whether a call to an agency's own host name is answered under its own path, and
            without the headers that only the mock server sends. For a day on which an agency had published
            nothing, the answer is then a plain 404.
        packed: Agencies that compress texts with gzip for a caller that accepts it.
        chunked: Agencies that send their texts in chunks, without a length.
        longest_query: Agency → most characters of a query; a longer one gets 404.15, as from IIS.
        windows: Agency → calls and seconds; more calls get 429 with ``Retry-After`` and a plain text. SCB
            counts its calls itself (``wire.Settings``).
        first_byte_seconds: Delay before the answer begins.
    """

    answers_as_agency: bool = False
    packed: frozenset[str] = frozenset()
    chunked: frozenset[str] = frozenset()
    longest_query: Mapping[str, int] = field(default_factory=dict)
    windows: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    first_byte_seconds: float = 0.0


PLAIN: Final = Conditions()
AS_RECORDED: Final = Conditions(
    answers_as_agency=True,
    # A guess: which of them compress and send in chunks. Every common server does both.
    packed=frozenset({"scb", "kolada", "trafa", "naturvardsverket"}),
    chunked=frozenset({"scb", "kolada", "trafa"}),
    # The default of IIS.
    longest_query={"trafa": 2_048},
    # Kolada refuses more than five calls a second. The limits of the others are guesses.
    windows={"kolada": (5, 1.0), "trafa": (10, 1.0), "smhi": (5, 1.0), "naturvardsverket": (5, 1.0)},
    first_byte_seconds=0.1,
)


class Passage:
    """Applies conditions to the requests of callers and to the answers of agencies.

    Args:
        conditions: The conditions.
        clock: Seconds that only go forward.
        sleep: How to wait before the first byte.
    """

    def __init__(
        self,
        conditions: Conditions,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.conditions = conditions
        self._sleep = sleep
        self._windows = {
            agency: CallWindow(calls, seconds, clock)
            for agency, (calls, seconds) in conditions.windows.items()
        }

    def agency_of(self, host: str) -> str | None:
        """The agency with this host name; None unless the mock server answers to such names."""
        return _AGENCIES.get(host.partition(":")[0].lower()) if self.conditions.answers_as_agency else None

    def refusal(self, agency: str, query: str) -> Reply | None:
        """The refusal of a request by the agency's web server; None if the request reaches the agency.

        Args:
            agency: First part of the path at the mock.
            query: The query as it came, still encoded.
        """
        if self.conditions.first_byte_seconds:
            self._sleep(self.conditions.first_byte_seconds)
        if len(query) > self.conditions.longest_query.get(agency, len(query)):
            return page_reply(404, "404.15 - Not Found: the query string is too long (request filtering)")
        wait = self._windows[agency].refusal() if agency in self._windows else None
        return None if wait is None else too_many_reply(wait)

    def dressed(self, agency: str, request: Request, reply: Reply) -> Reply:
        """An answer as the agency's server sends it: compressed, without the mock server's own headers."""
        headers = dict(reply.headers)
        if self.conditions.answers_as_agency:
            headers = {name: value for name, value in headers.items() if name not in OWN_HEADERS}
        if not self._is_packed(agency, request, reply):
            return replace(reply, headers=headers)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        if headers.get("ETag", "").startswith('"'):
            headers["ETag"] = f"W/{headers['ETag']}"  # the strong tag names the uncompressed bytes
        return replace(reply, headers=headers, body=gzip.compress(reply.body, compresslevel=1, mtime=0))

    def is_chunked(self, agency: str, reply: Reply) -> bool:
        """Whether an answer is sent in chunks, without a length."""
        return agency in self.conditions.chunked and bool(reply.body) and _is_text(reply)

    def _is_packed(self, agency: str, request: Request, reply: Reply) -> bool:
        return (
            agency in self.conditions.packed
            and _is_text(reply)
            and len(reply.body) >= SHORTEST_PACKED
            and "Content-Encoding" not in reply.headers
            and "gzip" in request.headers.get("Accept-Encoding", "")
        )


_AGENCIES: Final = {
    host: source.mock_path.split("/")[1] for source in SOURCES.values() for host in source.hosts
}


def _is_text(reply: Reply) -> bool:
    return reply.content_type.startswith(_TEXTS)
