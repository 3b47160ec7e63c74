"""What stands between an agency's answer and its caller: host names, limits, packing, pace.

By default nothing does: a mock agency on this machine answers at once, under any name. ``AS_RECORDED`` is
what recordings and the agencies' own words show of their servers; "our choice" marks what nobody recorded.
TLS belongs to the server itself (:mod:`klimatpuls.mock_agencies.certificates`).
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
    """What a test does between caller and agency: agency, question, how the agency answers → answer."""

OWN_HEADERS: Final = (MOCK_KNOWN_FROM_HEADER, MOCK_NOT_YET_HEADER)
SHORTEST_PACKED: Final = 256
"""Bytes below which servers send a text as it is."""
_TEXTS: Final = ("text/", "application/json", "application/problem+json")


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """How the agencies' servers behave around an answer.

    Attributes:
        answers_as_agency: Whether a call to an agency's own host name finds that agency under its own path,
            and no header is sent that only the mock has. A home that asks for a day in the past then gets
            404 where an agency had published nothing.
        packed: Agencies that pack texts with gzip for a caller that accepts it.
        chunked: Agencies that announce no length and send their texts in chunks.
        longest_query: Agency → characters of a query that it still answers; a longer one gets IIS' 404.15.
        windows: Agency → calls and seconds; more calls get 429 with ``Retry-After`` and a plain text. SCB
            counts by itself (``wire.Settings``).
        first_byte_seconds: Pause before the answer begins.
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
    # Our choice: which of them pack and send in chunks. Every common server does both.
    packed=frozenset({"scb", "kolada", "trafa", "naturvardsverket"}),
    chunked=frozenset({"scb", "kolada", "trafa"}),
    # IIS refuses a query of more than 2 048 characters unless it is told otherwise.
    longest_query={"trafa": 2_048},
    # Kolada's clients are refused above five calls a second. The others' limits are not recorded: our choice.
    windows={"kolada": (5, 1.0), "trafa": (10, 1.0), "smhi": (5, 1.0), "naturvardsverket": (5, 1.0)},
    first_byte_seconds=0.1,
)


class Passage:
    """Lets questions through to the agencies and dresses their answers, under conditions.

    Args:
        conditions: What holds.
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
        """The agency that has this host name, where the mock answers under the agencies' names."""
        return _AGENCIES.get(host.partition(":")[0].lower()) if self.conditions.answers_as_agency else None

    def refusal(self, agency: str, query: str) -> Reply | None:
        """What the server says before the agency sees a question; None where it lets it through.

        Args:
            agency: First part of the path at the mock.
            query: The query as it came, encoded.
        """
        if self.conditions.first_byte_seconds:
            self._sleep(self.conditions.first_byte_seconds)
        if len(query) > self.conditions.longest_query.get(agency, len(query)):
            return page_reply(404, "404.15 - Not Found: the query string is too long (request filtering)")
        wait = self._windows[agency].refusal() if agency in self._windows else None
        return None if wait is None else too_many_reply(wait)

    def dressed(self, agency: str, request: Request, reply: Reply) -> Reply:
        """An answer as the agency's server sends it: without the mock's own headers, packed."""
        headers = dict(reply.headers)
        if self.conditions.answers_as_agency:
            headers = {name: value for name, value in headers.items() if name not in OWN_HEADERS}
        if not self._is_packed(agency, request, reply):
            return replace(reply, headers=headers)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        if headers.get("ETag", "").startswith('"'):
            headers["ETag"] = f"W/{headers['ETag']}"  # packed bytes are not the ones the strong tag names
        return replace(reply, headers=headers, body=gzip.compress(reply.body, compresslevel=1, mtime=0))

    def is_chunked(self, agency: str, reply: Reply) -> bool:
        """Whether an answer goes out in chunks, its length not announced."""
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
