"""Connections and bodies with limits: an answer cannot take longer, or be larger, than its call allows."""

from __future__ import annotations

import socket
import threading
import time
import zlib
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

CHUNK_BYTES: Final = 64 * 1024
GZIP_WINDOW_BITS: Final = 31
"""What zlib calls a gzip header and trailer around the data."""

HEADERS_DUE: ContextVar[float] = ContextVar(
    "moment by which the headers of the current call must be complete"
)


class BrokenAnswerError(Exception):
    """The answer is not complete; the text says why. Another try may succeed."""


class TooLargeError(Exception):
    """The body is larger than the cap."""


class _BoundedConnection(HTTPConnection):
    """A connection whose headers must be complete before the call has no time left.

    A socket's timeout is for one read, and a server may send the headers byte by byte: it could keep us
    waiting without end. So the socket is shut down when the call has no time left, which ends the read.
    """

    def getresponse(self) -> Any:
        """Returns the answer's status and headers.

        Raises:
            TimeoutError: if they were not complete when the call's time was over.
        """
        is_late, wire = threading.Event(), self.sock

        def cut() -> None:
            is_late.set()
            with suppress(OSError):
                # Not the TLS socket's own shutdown: it would drop its state while another thread reads.
                socket.socket.shutdown(wire, socket.SHUT_RDWR)

        timer = threading.Timer(max(0.0, HEADERS_DUE.get() - time.monotonic()), cut)
        timer.daemon = True
        timer.start()
        try:
            return super().getresponse()
        finally:
            timer.cancel()
            if is_late.is_set():
                raise TimeoutError


class _BoundedTlsConnection(_BoundedConnection, HTTPSConnection):
    """The same over TLS."""


class _BoundedPool(HTTPConnectionPool):
    ConnectionCls = _BoundedConnection


class _BoundedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _BoundedTlsConnection


_POOLS: Final = {"http": _BoundedPool, "https": _BoundedTlsPool}


class BoundedAdapter(HTTPAdapter):
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


def read_body(response: requests.Response, max_bytes: int, note_progress: Callable[[int], None]) -> bytes:
    """Returns the whole body of a streamed answer, unpacked.

    Args:
        response: The answer, its body not read yet.
        max_bytes: Largest body that is read, both packed and unpacked.
        note_progress: Called with the bytes read so far after every read; may raise to stop.

    Raises:
        BrokenAnswerError: if fewer or more bytes came than announced, or the packed body is damaged.
        TooLargeError: if the body is larger than ``max_bytes``.
    """
    parts = []
    size = 0
    for part in _chunks(response):
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            raise TooLargeError
        note_progress(size)
    announced = response.headers.get("Content-Length")
    if announced is not None and announced.isdigit() and size != int(announced):
        msg = f"{size} of {announced} announced bytes came"
        raise BrokenAnswerError(msg)
    content = _unpacked(b"".join(parts), response.headers.get("Content-Encoding", "").lower(), max_bytes)
    if len(content) > max_bytes:
        raise TooLargeError
    return content


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Yields bytes as they come: a read that waits for a whole chunk would let an answer drip for days."""
    while part := response.raw.read1(CHUNK_BYTES, decode_content=False):
        yield part


def _unpacked(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Returns a body without its content encoding; unpacking stops one byte beyond the cap.

    Raises:
        BrokenAnswerError: if the packed bytes are damaged, end too early or are followed by others, which
            libraries accept.
    """
    if encoding in ("", "identity") or not body:
        return body
    if encoding not in ("gzip", "x-gzip"):
        msg = f"the body is packed as {encoding!r}, but gzip was requested"
        raise BrokenAnswerError(msg)
    unpacker = zlib.decompressobj(GZIP_WINDOW_BITS)
    try:
        content = unpacker.decompress(body, max_bytes + 1)
    except zlib.error as error:
        msg = f"the packed body is damaged: {error}"
        raise BrokenAnswerError(msg) from error
    if not unpacker.eof and len(content) <= max_bytes:
        msg = f"the packed body ended before its end ({len(body)} bytes came)"
        raise BrokenAnswerError(msg)
    if unpacker.unused_data:
        msg = f"the packed body is followed by something else ({len(unpacker.unused_data)} bytes)"
        raise BrokenAnswerError(msg)
    return content
