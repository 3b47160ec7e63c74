"""Answers over HTTP on this machine as the agencies do, from an archive folder, as of a day.

Routes, each also without its first part, as at the agency itself:

``/smhi/api/getexcelfile/?county=0&municipality=0&sub=GGT``
    The newest workbook of a substance that was known on the day.
``/scb/api/v2/config``, ``/tables``, ``/tables/{id}``, ``/tables/{id}/metadata``, ``/tables/{id}/data``
    Population over PxWebApi 2; what is ours in it stands in ``klimatpuls.replica.scb``.

Our own choices for SMHI, whose errors and headers nobody has recorded: ETag and Last-Modified are sent and
conditional requests answered with 304; an unknown substance, a single county or municipality and a
substance without a workbook yet are a 404 with an HTML page. Sent by the replica alone: the headers
``X-Klimatpuls-Known-From`` (the day an archive's file was known from) and ``X-Klimatpuls-Not-Yet-Published``
(nothing published as of the day).

The server starts at once; the archive is read by a thread beside it, and the first answer waits for it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import socket
import struct
import sys
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from requests.structures import CaseInsensitiveDict

from klimatpuls.errors import KlimatpulsError, UsageError
from klimatpuls.http import REPLICA_KNOWN_FROM_HEADER, REPLICA_NOT_YET_HEADER
from klimatpuls.replica import scb
from klimatpuls.substances import substances

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from klimatpuls.replica.archive import Archive, ArchivedWorkbook

LOOPBACK = "127.0.0.1"
SMHI_ROUTE = "/api/getexcelfile"
SCB_ROUTE = "/api/v2"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HTML_PAGE = (
    "<!DOCTYPE html>\n"
    '<html lang="sv"><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n'
)
MAX_QUESTION_BYTES = 1_000_000
MAX_PAGE_SIZE = 10_000


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What goes wrong on purpose, for tests; nothing by default.

    Attributes:
        route: Part of the path that is hit; an empty text hits every route.
        html_200: Answer with an HTML page and status 200.
        truncate: Send the first half of the body and announce just that.
        reset_half_way: Announce the whole body, send half and reset the connection.
        too_many_first_n: Answer the first n calls with 429.
        retry_after_seconds: What those calls say in ``Retry-After``.
        slow_seconds: Wait this long before an answer.
    """

    route: str = ""
    html_200: bool = False
    truncate: bool = False
    reset_half_way: bool = False
    too_many_first_n: int = 0
    retry_after_seconds: int = 1
    slow_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer.

    Attributes:
        status: HTTP status.
        body: The body.
        content_type: Its type.
        headers: Further headers.
    """

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One question.

    Attributes:
        method: ``GET`` or ``POST``.
        path: Path, without the agency's name and without a trailing slash.
        query: Query parameters.
        headers: Headers, names without regard to case.
        body: The body of a POST.
        base_url: Address of the replica up to the path, for links.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base_url: str


class CallWindow:
    """Counts calls in a sliding window, as the agency does per caller."""

    def __init__(self, calls: int, seconds: float, clock: Callable[[], float]) -> None:
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


class Replica:
    """What the agencies would answer on a day, without the HTTP server around it."""

    def __init__(
        self,
        archive: Path,
        as_of: date | None,
        *,
        max_cells: int = 150_000,
        calls: int = 30,
        window_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not archive.is_dir():
            msg = f"no archive folder {archive}; it holds smhi/*.xlsx, scb/regions.csv and scb/population.csv"
            raise UsageError(msg)
        self._folder = archive
        self._as_of = as_of or date.max
        self._max_cells = max_cells
        self._calls, self._window_seconds = calls, window_seconds
        self._window = CallWindow(calls, window_seconds, clock)
        self._lock = threading.Lock()
        self._archive: Archive | None = None
        self._tables: dict[str, scb.Table] | None = None

    def read(self) -> Archive:
        """Read the archive, once.

        Raises:
            UsageError: if the folder is no archive.
        """
        # pandas takes seconds to import: not before somebody asks.
        from klimatpuls.replica.archive import read_archive

        with self._lock:
            if self._archive is None:
                self._archive = read_archive(self._folder)
            return self._archive

    def tables(self) -> dict[str, scb.Table]:
        """SCB's population tables as of the day."""
        archive = self.read()
        with self._lock:
            if self._tables is None:
                people = archive.population
                keys = zip(people["region_code"], people["year"].tolist(), strict=True)
                figures = dict(zip(keys, people["population"].tolist(), strict=True))
                self._tables = scb.build_tables(figures, self._as_of)
            return self._tables

    def answer(self, request: Request) -> Reply:
        """The answer to a question."""
        if request.path.startswith(SCB_ROUTE):
            return self._scb(request)
        if request.path == SMHI_ROUTE:
            return self._smhi(request)
        return _page(404, "Sidan finns inte")

    def _smhi(self, request: Request) -> Reply:
        if request.method != "GET":
            return _page(405, "Metoden stöds inte")
        if any(request.query.get(name, "0") != "0" for name in ("county", "municipality")):
            return _page(404, "Repliken svarar bara för hela landet")
        code = request.query.get("sub", "")
        substance = next((entry for entry in substances().values() if entry.smhi_code == code), None)
        if substance is None:
            return _page(404, "Okänt ämne")
        book = self.read().newest(substance.code, self._as_of)
        if book is None:
            return _page(404, "Ännu inte publicerat", {REPLICA_NOT_YET_HEADER: code})
        return self._workbook(book, request.headers)

    def _workbook(self, book: ArchivedWorkbook, asked: Mapping[str, str]) -> Reply:
        body = book.path.read_bytes()
        since = datetime.combine(book.published_date, time_of_day(6), tzinfo=UTC)
        headers = {
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            "Last-Modified": format_datetime(since, usegmt=True),
            "Cache-Control": "no-cache",
            REPLICA_KNOWN_FROM_HEADER: (book.known_from or book.published_date).isoformat(),
        }
        if _is_unchanged(asked, headers["ETag"], since):
            return Reply(status=304, body=b"", content_type=XLSX, headers=headers)
        return Reply(status=200, body=body, content_type=XLSX, headers=headers)

    def _scb(self, request: Request) -> Reply:
        parts = [part for part in request.path.removeprefix(SCB_ROUTE).split("/") if part]
        if parts == ["config"]:
            return _json(
                200,
                scb.config_document(
                    max_cells=self._max_cells, calls=self._calls, window_seconds=self._window_seconds
                ),
            )
        wait = self._window.refusal()
        if wait is not None:
            return _too_many(wait)
        try:
            return _json(200, self._scb_document(parts, request))
        except scb.ProblemError as problem:
            return _json(problem.status, problem.document, content_type="application/problem+json")
        except scb.EmptyTableError as table:
            document = scb.ProblemError(404, "Non-existent table").document
            reply = _json(404, document, content_type="application/problem+json")
            return Reply(
                status=404,
                body=reply.body,
                content_type=reply.content_type,
                headers={REPLICA_NOT_YET_HEADER: str(table)},
            )

    def _scb_document(self, parts: Sequence[str], request: Request) -> dict[str, Any]:
        if parts == ["tables"]:
            return scb.tables_document(
                list(self.tables().values()),
                request.base_url + SCB_ROUTE,
                query=request.query.get("query", ""),
                page=_positive(request.query, "pageNumber", 1),
                page_size=min(_positive(request.query, "pageSize", 20), MAX_PAGE_SIZE),
            )
        if not 2 <= len(parts) <= 3 or parts[0] != "tables" or parts[1] not in self.tables():
            raise scb.ProblemError(404, "Non-existent table")
        table = self.tables()[parts[1]]
        kind = parts[2] if len(parts) == 3 else ""
        if request.method == "POST" and kind != "data":
            raise scb.ProblemError(405, "Method not allowed")
        if kind == "":
            return scb.table_document(table, request.base_url + SCB_ROUTE)
        if kind == "metadata":
            return scb.metadata_document(table)
        if kind == "data":
            return scb.data_document(table, _selection(request), max_cells=self._max_cells)
        raise scb.ProblemError(404, "Non-existent resource")


class ReplicaServer:
    """The replica on a port of this machine; a context manager.

    Attributes:
        replica: What answers.
        log: One entry per call: method, path, status.
    """

    def __init__(self, replica: Replica, *, port: int = 0, faults: Faults | None = None) -> None:
        self.replica = replica
        self.faults = faults or Faults()
        self.log: list[tuple[str, str, int]] = []
        self._refused = 0
        self._lock = threading.Lock()
        self._server = _Server((LOOPBACK, port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> ReplicaServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address, without a trailing slash."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def calls(self) -> Counter[str]:
        """How many calls each path has had."""
        with self._lock:
            return Counter(path for _, path, _ in self.log)

    def serve_forever(self) -> None:
        """Answer until the process is told to stop."""
        self._server.serve_forever()

    def note(self, method: str, path: str, status: int) -> None:
        """Add a call to the log."""
        with self._lock:
            self.log.append((method, path, status))

    def reply(self, request: Request, path: str) -> Reply:
        """The answer to a question, faults included."""
        faults = self.faults
        hit = faults.route in path
        if hit and faults.slow_seconds:
            time.sleep(faults.slow_seconds)
        if hit and self._refuses():
            return _too_many(faults.retry_after_seconds)
        try:
            reply = self.replica.answer(request)
        except KlimatpulsError as error:
            return _text(500, f"the archive cannot be served: {error}")
        if hit and faults.html_200:
            return _page(200, "Tekniskt fel")
        if hit and faults.truncate:
            return Reply(
                status=reply.status,
                body=reply.body[: len(reply.body) // 2],
                content_type=reply.content_type,
                headers=reply.headers,
            )
        return reply

    def _refuses(self) -> bool:
        with self._lock:
            self._refused += 1
            return self._refused <= self.faults.too_many_first_n


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], owner: ReplicaServer) -> None:
        self.owner = owner
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no error of ours; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "klimatpuls-replica"
    # Headers and body are two writes: without this the second waits for the first one's acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._respond(b"")

    def do_POST(self) -> None:
        size = self.headers.get("Content-Length", "0")
        if not size.isdecimal() or int(size) > MAX_QUESTION_BYTES:
            # What has been sent is taken in, or closing would reset the connection before our answer is read.
            self.rfile.read(min(int(size), 2 * MAX_QUESTION_BYTES) if size.isdecimal() else 0)
            self.close_connection = True
            self._send(_text(413, "the question is too long or states no length"), "")
            return
        self._respond(self.rfile.read(int(size)))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the owner keeps the log."""

    def _respond(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        request = Request(
            method=self.command,
            path=_agency_path(path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers=CaseInsensitiveDict(self.headers.items()),
            body=body,
            base_url=self.server.owner.url + ("/scb" if path.startswith("/scb/") else ""),
        )
        self._send(self.server.owner.reply(request, path), path)

    def _send(self, reply: Reply, path: str) -> None:
        owner = self.server.owner
        owner.note(self.command, path, reply.status)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if owner.faults.reset_half_way and owner.faults.route in path:
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.wfile.flush()
            self._reset()
            return
        self.wfile.write(reply.body)

    def _reset(self) -> None:
        # A linger time of zero makes closing send a reset instead of an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.connection.close()


def _agency_path(path: str) -> str:
    for agency in ("/smhi", "/scb"):
        if path.startswith(f"{agency}/"):
            path = path.removeprefix(agency)
    return path.rstrip("/")


def _selection(request: Request) -> dict[str, list[str]]:
    if request.query.get("outputFormat", "json-stat2").lower() != "json-stat2":
        raise scb.ProblemError(400, "Unsupported output format")
    if request.method == "GET":
        return scb.read_query(request.query)
    if not request.body:
        return {}
    try:
        document = json.loads(request.body)
    except ValueError:
        raise scb.ProblemError(400, "Illegal selection expression", "the body is no JSON") from None
    return scb.read_question(document)


def _positive(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise scb.ProblemError(400, f"Illegal {name}")
    return int(text)


def _is_unchanged(asked: Mapping[str, str], etag: str, since: datetime) -> bool:
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


def _json(status: int, document: object, content_type: str = "application/json") -> Reply:
    body = json.dumps(document, ensure_ascii=False).encode()
    return Reply(status=status, body=body, content_type=f"{content_type}; charset=utf-8")


def _text(status: int, text: str) -> Reply:
    return Reply(status=status, body=text.encode(), content_type="text/plain; charset=utf-8")


def _page(status: int, title: str, headers: Mapping[str, str] | None = None) -> Reply:
    body = HTML_PAGE.format(title=title).encode()
    return Reply(status=status, body=body, content_type="text/html; charset=utf-8", headers=headers or {})


def _too_many(wait: int) -> Reply:
    text = "429 - Too many requests in too short timeframe. Please try again later."
    reply = _text(429, text)
    return Reply(
        status=429, body=reply.body, content_type=reply.content_type, headers={"Retry-After": str(wait)}
    )


def _date(text: str) -> date:
    return date.fromisoformat(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve an archive folder until told to stop; the first line of the output is the port.

    Returns:
        Exit code: 0, or 1 with the reason on standard error.
    """
    parser = argparse.ArgumentParser(prog="python -m klimatpuls.replica.server", description=__doc__)
    parser.add_argument("--archive", type=Path, required=True, help="archive folder to serve")
    parser.add_argument("--as-of", type=_date, default=None, help="day to answer as of; default: everything")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    options = parser.parse_args(arguments)
    try:
        server = ReplicaServer(Replica(options.archive, options.as_of), port=options.port)
    except (UsageError, OSError) as error:
        sys.stderr.write(f"replica: {error}\n")
        return 1
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    threading.Thread(target=_read_ahead, args=(server.replica,), daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.stderr.write("replica: stopped\n")
    return 0


def _read_ahead(replica: Replica) -> None:
    try:
        replica.read()
    except KlimatpulsError as error:
        sys.stderr.write(f"replica: {error}\n")


if __name__ == "__main__":
    sys.exit(main())
