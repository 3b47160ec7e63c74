"""Answers over HTTP on this machine as the agencies do, from an archive folder, as of a day.

The first part of a path names the agency, as ``Source.mock_path`` of the catalogue does:
``/smhi/api/getexcelfile/…`` is answered by :mod:`klimatpuls.mock_agencies.agencies.smhi`, ``/scb/api/v2/…``
by :mod:`klimatpuls.mock_agencies.agencies.scb`, and so on; a source whose agency has no module is served
from the recorded files in its folder of the archive (:mod:`klimatpuls.mock_agencies.recorded`). The module of
an agency says which of its behaviour is a guess. Two headers come from the mock server only:
``X-Klimatpuls-Known-From`` (the day an archive's file was known from) and ``X-Klimatpuls-Not-Yet-Published``
(nothing published as of the day).

With ``--as-recorded FOLDER`` it answers under :data:`klimatpuls.mock_agencies.conditions.AS_RECORDED`, over
TLS, and sends neither of the two headers. It writes the certificate of its authority, which callers must
trust, into that folder.

The server starts at once. A thread beside it reads the archive, and the first answers wait for that.
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
from klimatpuls.mock_agencies.wire import Reply, Request, Settings, page_reply, text_reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klimatpuls.mock_agencies.certificates import Certificate
    from klimatpuls.mock_agencies.conditions import Change, Conditions
    from klimatpuls.mock_agencies.wire import Agency

LOOPBACK = "127.0.0.1"
MAX_REQUEST_BYTES = 1_000_000
CHUNK_BYTES = 8_192


class MockAgencies:
    """What the agencies would answer on a day, without the HTTP server around it.

    Args:
        archive: Archive folder (:mod:`klimatpuls.mock_agencies.archive`).
        as_of: Day to answer as of; ``None`` for everything the archive holds.
        **limits: ``max_cells``, ``calls`` and ``window_seconds`` of :class:`Settings`.

    Raises:
        UsageError: if there is no such folder.
    """

    def __init__(self, archive: Path, as_of: date | None, **limits: Any) -> None:
        if not archive.is_dir():
            msg = f"no archive folder {archive}; it holds smhi/*.xlsx and scb/population.csv"
            raise UsageError(msg)
        mark = SYNTHETIC_ANSWER if is_synthetic(archive) else ""
        self._archive, self._as_of, self._settings = archive, as_of or date.max, Settings(mark=mark, **limits)
        self._agencies: dict[str, Agency] = {}
        self._lock = threading.Lock()

    def read(self) -> None:
        """Read the files that every archive must have, so that a folder that is no archive fails at once.

        Raises:
            UsageError: if the folder is no archive.
        """
        for name in ("smhi", "scb"):
            self._agency(name)

    def answer(self, request: Request, agency: str) -> Reply:
        """The answer of an agency to a request."""
        if agency not in agency_names():
            return page_reply(404, "Sidan finns inte")
        return self._agency(agency).answer(request)

    def _agency(self, name: str) -> Agency:
        """An agency; its files are read at the first call."""
        with self._lock:
            if name not in self._agencies:
                self._agencies[name] = self._read_agency(name)
            return self._agencies[name]

    def _read_agency(self, name: str) -> Agency:
        module = f"klimatpuls.mock_agencies.agencies.{name}"
        if find_spec(module) is None:
            return RecordedAgency(self._archive / agency_names()[name], self._as_of)
        made: Agency = importlib.import_module(module).Agency(self._archive, self._as_of, self._settings)
        return made


def agency_names() -> Mapping[str, str]:
    """First part of the path at the mock server → id of a source that is found there."""
    return {source.mock_path.split("/")[1]: source.id for source in reversed(SOURCES.values())}


class MockServer:
    """The mock server on a port of this machine; a context manager.

    Attributes:
        agencies: What answers.
        log: One entry per call: method, path, status.
        arrivals: One entry per call: the second in which it came (monotonic clock), path.
        change: What a test does between callers and agencies; None for nothing.
        passage: What stands between the agencies' answers and their callers.
        is_verbose: Whether each call is written to standard error.
    """

    def __init__(
        self,
        agencies: MockAgencies,
        *,
        port: int = 0,
        change: Change | None = None,
        conditions: Conditions = PLAIN,
        certificate: Certificate | None = None,
    ) -> None:
        self.agencies = agencies
        self.passage = Passage(conditions)
        self.change = change
        self.is_verbose = False
        self._scheme = "http" if certificate is None else "https"
        self.log: list[tuple[str, str, int]] = []
        self.arrivals: list[tuple[float, str]] = []
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
        """Record that a call came now."""
        with self._lock:
            self.arrivals.append((time.monotonic(), path))

    def note(self, method: str, path: str, status: int) -> None:
        """Add a call to the log."""
        with self._lock:
            self.log.append((method, path, status))
        if self.is_verbose:
            sys.stderr.write(f"{method} {path} {status}\n")

    def reply(self, request: Request, agency: str) -> Reply:
        """The answer of an agency to a request, as a test changes it."""
        answer = partial(self.agencies.answer, agency=agency)
        try:
            return answer(request) if self.change is None else self.change(agency, request, answer)
        except KlimatpulsError as error:
            return text_reply(500, f"the archive cannot be served: {error}")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], owner: MockServer, certificate: Certificate | None) -> None:
        self.owner = owner
        super().__init__(address, _Handler)
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate.server)
            # The thread of the call makes the handshake, so a caller that never does delays nobody else.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Show an error, unless the caller hung up or does not trust the certificate."""
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
        if not size.isdecimal() or int(size) > MAX_REQUEST_BYTES:
            # Read what was sent, or closing would reset the connection before the caller reads the answer.
            self.rfile.read(min(int(size), 2 * MAX_REQUEST_BYTES) if size.isdecimal() else 0)
            self.close_connection = True
            self._send(text_reply(413, "the request is too long or states no length"), "", "")
            return
        self._respond(self.rfile.read(int(size)))

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: the owner keeps the log."""

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
        if reply.is_reset_half_way:
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve an archive folder until stopped; the first line of the output is the port.

    Returns:
        Exit code: 0, or 1 with the reason on standard error.
    """
    parser = argparse.ArgumentParser(prog="python -m klimatpuls.mock_agencies.server", description=__doc__)
    parser.add_argument("--archive", type=Path, required=True, help="archive folder to serve")
    parser.add_argument(
        "--as-of", type=date.fromisoformat, default=None, help="day to answer as of; default: everything"
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument(
        "--as-recorded",
        type=Path,
        metavar="FOLDER",
        help="answer with TLS, limits and compression as recorded; write the certificate here",
    )
    options = parser.parse_args(arguments)
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
    certificate = make_certificate(options.as_recorded, clock.utc_now())
    server = MockServer(agencies, port=options.port, conditions=AS_RECORDED, certificate=certificate)
    server.is_verbose = True
    return server


def _read_ahead(agencies: MockAgencies) -> None:
    try:
        agencies.read()
    except KlimatpulsError as error:
        sys.stderr.write(f"mock: {error}\n")


if __name__ == "__main__":
    sys.exit(main())
