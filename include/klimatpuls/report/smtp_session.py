"""An SMTP connection that no server can hold open for ever or fill memory with.

``smtplib`` starts its time limit anew at every byte and reads a reply of any number of lines. Here a whole
reply has one time limit, and a ceiling in lines and bytes.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_REPLY_LINES: Final = 100
MAX_REPLY_BYTES: Final = 64 * 1024
NO_CODE: Final = -1
"""Code of a reply that is no SMTP reply, as in :mod:`smtplib`."""

_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})([ -]|(?=\r?\n|$))([^\r\n]*)\r?\n?")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds to wait for a server, as RFC 5321 section 4.5.3.2 asks; connecting is not in it.

    Attributes:
        connect: For the TCP connection.
        command: For the greeting, and the reply to MAIL and RCPT and the commands before them.
        data_start: For the reply to DATA.
        content: For sending the message.
        after_data: For the reply to the message. A server may file it before it answers, so giving up early
            leaves mails of which nobody knows whether they arrived.
    """

    connect: float = 30.0
    command: float = 300.0
    data_start: float = 120.0
    content: float = 180.0
    after_data: float = 600.0


class ReplyTooLongError(smtplib.SMTPException):
    """A reply exceeds the ceiling in lines or bytes."""


class Session(smtplib.SMTP):
    """``smtplib.SMTP`` with bounded replies.

    Args:
        host: Name or address of the server.
        port: TCP port.
        patience: How long it is waited for.
        **options: As for :class:`smtplib.SMTP` or, in :class:`TlsSession`, :class:`smtplib.SMTP_SSL`.

    Raises:
        OSError: if there is no connection in time.
        smtplib.SMTPException: if the greeting is no greeting.
    """

    def __init__(self, host: str, port: int, *, patience: Patience, **options: Any) -> None:
        self.patience = patience
        self.seconds_to_reply = patience.command
        super().__init__(host, port, timeout=patience.connect, **options)

    def getreply(self) -> tuple[int, bytes]:
        """Return the code and the text of the next reply; :data:`NO_CODE` if it is no SMTP reply.

        Raises:
            TimeoutError: if the whole reply is not there within ``seconds_to_reply``.
            ReplyTooLongError: if it exceeds the ceiling; the connection is closed.
            smtplib.SMTPServerDisconnected: if the connection ends first.
        """
        sock = self.sock
        if sock is None:
            msg = "please run connect() first"
            raise smtplib.SMTPServerDisconnected(msg)
        if self.file is None:
            self.file = sock.makefile("rb")
        sock.settimeout(self.seconds_to_reply)
        with _ended_after(sock, self.seconds_to_reply):
            return self._read_reply(self.file)

    def _read_reply(self, stream: BinaryIO) -> tuple[int, bytes]:
        texts: list[bytes] = []
        codes: set[int] = set()
        size = 0
        while True:
            line = stream.readline(MAX_REPLY_BYTES + 1)
            if not line:
                self.close()
                msg = "the server closed the connection"
                raise smtplib.SMTPServerDisconnected(msg)
            size += len(line)
            if size > MAX_REPLY_BYTES or len(texts) == MAX_REPLY_LINES:
                self.close()
                msg = f"the reply is longer than {MAX_REPLY_LINES} lines or {MAX_REPLY_BYTES} bytes"
                raise ReplyTooLongError(msg)
            found = _REPLY_LINE.fullmatch(line)
            if found is None:
                return NO_CODE, line
            texts.append(found[3])
            codes.add(int(found[1]))
            if found[2] != b"-":
                break
        # RFC 5321 4.2.1: every line of a reply has the same code. Of one that has not, nothing is known.
        return (codes.pop() if len(codes) == 1 else NO_CODE), b"\n".join(texts)

    def send_content(self, content: bytes) -> tuple[int, bytes]:
        """Send the message after a 354 and return the server's reply to it.

        Args:
            content: The message in SMTP form, with its final dot.
        """
        if self.sock is not None:
            self.sock.settimeout(self.patience.content)
        self.send(content)
        self.seconds_to_reply = self.patience.after_data
        return self.getreply()


class TlsSession(Session, smtplib.SMTP_SSL):
    """A :class:`Session` with TLS from the first byte; give it a ``context``."""


@contextlib.contextmanager
def _ended_after(sock: socket.socket, seconds: float) -> Iterator[None]:
    """End the connection after some seconds, so that a reader who waits on it stops.

    Raises:
        TimeoutError: if it was ended.
    """
    late = threading.Event()

    def end() -> None:
        late.set()
        with contextlib.suppress(OSError):  # The server may have closed it in the meantime.
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, smtplib.SMTPException) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            msg = f"no whole reply within {seconds:g} s"
            raise TimeoutError(msg) from error
        raise
    finally:
        timer.cancel()
