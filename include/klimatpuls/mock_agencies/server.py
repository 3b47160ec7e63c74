"""Answers over HTTP on this machine as the agencies do, from an archive folder, as of a day.

The first part of a path names the agency, as ``Source.mock_path`` of the catalogue does:
``/smhi/api/getexcelfile/…`` is answered by :mod:`klimatpuls.mock_agencies.agencies.smhi`, ``/scb/api/v2/…``
by :mod:`klimatpuls.mock_agencies.agencies.scb`, and so on; a source whose agency has no module is served
from the recorded files in its folder of the archive (:mod:`klimatpuls.mock_agencies.recorded`). What is our
own choice at an agency stands in its module. Only the mock server sends: the headers
``X-Klimatpuls-Known-From`` (the day an archive's file was known from) and ``X-Klimatpuls-Not-Yet-Published``
(nothing published as of the day).

With ``--as-recorded`` it answers under :data:`klimatpuls.mock_agencies.conditions.AS_RECORDED`, over TLS,
and sends neither of the two headers; ``--certificates`` names the folder of the authority that callers must
trust.

The server starts at once; the archive is read by a thread beside it, and the first answer waits for it.
"""

from __future__ import annotations

import argparse
import importlib
import socket
import ssl
import struct
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from requests.structures import CaseInsensitiveDict

from klimatpuls import clock
from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import KlimatpulsError, UsageError
from klimatpuls.mock_agencies.certificates import make_certificate
from klimatpuls.mock_agencies.conditions import AS_RECORDED, PLAIN, Passage
from klimatpuls.mock_agencies.origin import SYNTHETIC_ANSWER, is_synthetic
from klimatpuls.mock_agencies.recorded import RecordedAgency
from klimatpuls.mock_agencies.wire import Reply, Request, Settings, page_reply, text_reply, too_many_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from klimatpuls.mock_agencies.certificates import Certificate
    from klimatpuls.mock_agencies.conditions import Change, Conditions
    from klimatpuls.mock_agencies.wire import Agency

LOOPBACK = "127.0.0.1"
MAX_QUESTION_BYTES = 1_000_000
CHUNK_BYTES = 8_192


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


class MockAgencies:
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
        settings = Settings(
            max_cells=max_cells,
            calls=calls,
            window_seconds=window_seconds,
            clock=clock,
            mark=SYNTHETIC_ANSWER if is_synthetic(archive) else "",
        )
        self._folder = archive
        self._agencies = {
            name: _agency(name, source_id, archive, as_of or date.max, settings)
            for name, source_id in agency_names().items()
        }

    def read(self) -> None:
        """Read the heads of the archive, so that a folder that is no archive fails at once.

        Raises:
            UsageError: if the folder is no archive.
        """
        # pandas takes seconds to import: not before somebody asks.
        from klimatpuls.mock_agencies.archive import read_archive

        read_archive(self._folder)

    def answer(self, request: Request, agency: str) -> Reply:
        """The answer of an agency to a question."""
        if agency not in self._agencies:
            return page_reply(404, "Sidan finns inte")
        return self._agencies[agency].answer(request)


def agency_names() -> dict[str, str]:
    """First part of the path at the mock server → id of a source that is found there."""
    return {source.mock_path.split("/")[1]: source.id for source in reversed(SOURCES.values())}


def _agency(name: str, source_id: str, folder: Path, as_of: date, settings: Settings) -> Agency:
    module = f"klimatpuls.mock_agencies.agencies.{name}"
    if find_spec(module) is None:
        return RecordedAgency(folder / source_id, as_of)
    made: Agency = importlib.import_module(module).Agency(folder, as_of, settings)
    return made


class MockServer:
    """the mock server on a port of this machine; a context manager.

    Attributes:
        agencies: What answers.
        log: One entry per call: method, path, status.
        arrivals: One entry per call: the second in which it came (a clock that only goes forward), path.
        change: What a test does between callers and agencies; None for nothing.
        passage: What stands between the agencies' answers and their callers.
        is_talkative: Whether each call is written to standard error.
    """

    def __init__(
        self,
        agencies: MockAgencies,
        *,
        port: int = 0,
        faults: Faults | None = None,
        conditions: Conditions = PLAIN,
        certificate: Certificate | None = None,
    ) -> None:
        self.agencies = agencies
        self.faults = faults or Faults()
        self.passage = Passage(conditions)
        self.change: Change | None = None
        self.is_talkative = False
        self._scheme = "http" if certificate is None else "https"
        self.log: list[tuple[str, str, int]] = []
        self.arrivals: list[tuple[float, str]] = []
        self._refused = 0
        self._lock = threading.Lock()
        self._server = _Server((LOOPBACK, port), self, certificate)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> MockServer:
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
        return f"{self._scheme}://{LOOPBACK}:{self.port}"

    @property
    def calls(self) -> Counter[str]:
        """How many calls each path has had."""
        with self._lock:
            return Counter(path for _, path, _ in self.log)

    def serve_forever(self) -> None:
        """Answer until the process is stopped."""
        self._server.serve_forever()

    def note_arrival(self, path: str) -> None:
        """Write down that a call came now."""
        with self._lock:
            self.arrivals.append((time.monotonic(), path))

    def note(self, method: str, path: str, status: int) -> None:
        """Add a call to the log."""
        with self._lock:
            self.log.append((method, path, status))
        if self.is_talkative:
            sys.stderr.write(f"{method} {path} {status}\n")

    def reply(self, request: Request, agency: str) -> Reply:
        """The answer of an agency to a question, faults included."""
        faults, path = self.faults, f"/{agency}{request.path}"
        hit = faults.route in path
        if hit and faults.slow_seconds:
            time.sleep(faults.slow_seconds)
        if hit and self._refuses():
            return too_many_reply(faults.retry_after_seconds)
        answer = partial(self.agencies.answer, agency=agency)
        try:
            reply = answer(request) if self.change is None else self.change(agency, request, answer)
        except KlimatpulsError as error:
            return text_reply(500, f"the archive cannot be served: {error}")
        if hit and faults.html_200:
            return page_reply(200, "Tekniskt fel")
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

    def __init__(self, address: tuple[str, int], owner: MockServer, certificate: Certificate | None) -> None:
        self.owner = owner
        super().__init__(address, _Handler)
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate.server)
            # Hands are shaken by the thread of the call: a caller that never does holds up nobody else.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up or does not trust us is no error of ours; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "klimatpuls-mock"
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
            self._send(text_reply(413, "the question is too long or states no length"), "", "")
            return
        self._respond(self.rfile.read(int(size)))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the owner keeps the log."""

    def _respond(self, body: bytes) -> None:
        owner, parts = self.server.owner, urlsplit(self.path)
        host = self.headers.get("Host", "")
        agency = owner.passage.agency_of(host)
        own_path = unquote(parts.path)
        path = own_path if agency is None else f"/{agency}{own_path}"
        owner.note_arrival(path)
        _, named, *below = path.split("/")
        request = Request(
            method=self.command,
            path="/".join(["", *below]).rstrip("/"),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers=CaseInsensitiveDict(self.headers.items()),
            body=body,
            base_url=f"{owner.url}/{named}" if agency is None else f"https://{host}",
        )
        reply = owner.passage.refusal(named, parts.query) or owner.reply(request, named)
        self._send(owner.passage.dressed(named, request, reply), path, named)

    def _send(self, reply: Reply, path: str, agency: str) -> None:
        owner = self.server.owner
        owner.note(self.command, path, reply.status)
        is_chunked = owner.passage.is_chunked(agency, reply)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif reply.status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if owner.faults.reset_half_way and owner.faults.route in path:
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.wfile.flush()
            self._reset()
            return
        self.wfile.write(_in_chunks(reply.body) if is_chunked else reply.body)

    def _reset(self) -> None:
        # A linger time of zero makes closing send a reset instead of an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.connection.close()


def _in_chunks(body: bytes) -> bytes:
    """A body in the chunked transfer coding, its end included."""
    parts = [body[at : at + CHUNK_BYTES] for at in range(0, len(body), CHUNK_BYTES)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def _date(text: str) -> date:
    return date.fromisoformat(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve an archive folder until stopped; the first line of the output is the port.

    Returns:
        Exit code: 0, or 1 with the reason on standard error.
    """
    parser = argparse.ArgumentParser(prog="python -m klimatpuls.mock_agencies.server", description=__doc__)
    parser.add_argument("--archive", type=Path, required=True, help="archive folder to serve")
    parser.add_argument("--as-of", type=_date, default=None, help="day to answer as of; default: everything")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--as-recorded", action="store_true", help="TLS, limits and packing as recorded of the agencies"
    )
    parser.add_argument(
        "--certificates", type=Path, default=None, help="folder of the certificate of --as-recorded"
    )
    options = parser.parse_args(arguments)
    if options.as_recorded != (options.certificates is not None):
        parser.error("--as-recorded and --certificates belong together")
    try:
        server = _server(options)
    except (UsageError, OSError) as error:
        sys.stderr.write(f"mock: {error}\n")
        return 1
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    threading.Thread(target=_read_ahead, args=(server.agencies,), daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.stderr.write("mock: stopped\n")
    return 0


def _server(options: argparse.Namespace) -> MockServer:
    agencies = MockAgencies(options.archive, options.as_of)
    if not options.as_recorded:
        return MockServer(agencies, port=options.port)
    certificate = make_certificate(options.certificates, clock.utc_now())
    server = MockServer(agencies, port=options.port, conditions=AS_RECORDED, certificate=certificate)
    server.is_talkative = True
    return server


def _read_ahead(agencies: MockAgencies) -> None:
    try:
        agencies.read()
    except KlimatpulsError as error:
        sys.stderr.write(f"mock: {error}\n")


if __name__ == "__main__":
    sys.exit(main())
