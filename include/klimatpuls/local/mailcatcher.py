"""A mail server that delivers to a folder: the embedded stack sends no real mail.

It listens on 127.0.0.1 only, requires a login, and keeps each message as one ``.eml`` file, whole or not at
all. A page on a second port lists them and shows their parts.

Name and password come from the environment (``KLIMATPULS_SMTP_USER``, ``KLIMATPULS_SMTP_PASSWORD``), so that
they appear in no process list.
"""

from __future__ import annotations

import argparse
import base64
import email
import email.policy
import hashlib
import hmac
import html
import os
import re
import signal
import sys
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from klimatpuls.local.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import EmailMessage

USER = "klimatpuls"
SIZE_LIMIT = 25 * 1024 * 1024
"""Largest message accepted, bytes."""
_NAME = re.compile(r"[0-9A-Za-z-]+\.eml")
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"


def store(folder: Path, content: bytes, sender: str, recipients: Sequence[str], now: datetime) -> Path:
    """Keep a message as a file, with the envelope in front as delivery agents write it.

    Args:
        folder: Folder for the file; must exist.
        content: The message as received.
        sender: Envelope sender; empty for a bounce.
        recipients: Envelope recipients, at least one.
        now: Moment of receipt, with time zone.

    Returns:
        The file: ``<UTC time>-<first 8 of its SHA-256>.eml``; it gets this name once it is complete.
    """
    envelope = f"Return-Path: <{sender}>\r\n" + "".join(f"Delivered-To: {each}\r\n" for each in recipients)
    whole = envelope.encode("utf-8") + content
    digest = hashlib.sha256(whole).hexdigest()[:8]
    path = folder / f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}Z-{digest}.eml"
    scratch = folder / f".{path.name}.part"
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(whole)
        file.flush()
        os.fsync(file.fileno())
    scratch.rename(path)
    return path


class Receiver:
    """Handles the messages and the logins of the SMTP server.

    Args:
        folder: Folder for the messages.
        user: Name that may send.
        password: Its password.
    """

    def __init__(self, folder: Path, user: str, password: str) -> None:
        self._folder = folder
        self._expected = (user.encode(), password.encode())

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a message and answer the SMTP status line."""
        path = store(
            self._folder,
            envelope.original_content or b"",
            envelope.mail_from or "",
            envelope.rcpt_tos,
            datetime.now(UTC),
        )
        return f"250 2.0.0 kept as {path.name}"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> Any:
        """Check a login (PLAIN or LOGIN)."""
        from aiosmtpd.smtp import AuthResult

        found = (given.login, given.password)
        is_right = all(hmac.compare_digest(a, b) for a, b in zip(found, self._expected, strict=True))
        return AuthResult(success=is_right, handled=False)


def messages(folder: Path) -> list[Path]:
    """Return the kept messages of a folder, newest first."""
    return sorted((path for path in folder.glob("*.eml") if not path.name.startswith(".")), reverse=True)


def render_list(folder: Path) -> str:
    """Render the page that lists the kept messages of a folder, newest first, in Swedish and English."""
    rows = []
    for path in messages(folder):
        message = _read(path)
        cells = [str(message.get(name, "")) for name in ("Date", "Delivered-To", "Subject")]
        shown = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        links = " ".join(
            f'<a href="/{path.name}{suffix}">{label}</a>'
            for suffix, label in (("/html", "HTML"), ("/text", "text"), ("", "eml"))
        )
        rows.append(f"<tr>{shown}<td>{links}</td></tr>")
    body = "\n".join(rows) or '<tr><td colspan="4">Inga brev ännu · No mail yet</td></tr>'
    return (
        '<!doctype html><html lang="sv"><meta charset="utf-8"><title>Klimatpuls: brev</title>'
        '<meta name="viewport" content="width=device-width">'
        "<style>body{font:16px/1.5 sans-serif;margin:2rem}td,th{padding:.3rem .8rem;text-align:left}</style>"
        "<h1>Brev som fångats · Caught mail</h1><p>Inget av detta har lämnat datorn. "
        '<span lang="en">None of this has left the computer.</span></p>'
        "<table><tr><th>Datum · Date</th><th>Till · To</th><th>Ärende · Subject</th><th></th></tr>"
        f"{body}</table></html>"
    )


def render_part(message: EmailMessage, kind: str) -> str | None:
    """Return the part of a message of a kind, ``html`` or ``text``; ``None`` if it has none.

    Inline images of the HTML part become ``data:`` addresses.
    """
    part = message.get_body(preferencelist=("plain",) if kind == "text" else ("html",))
    if part is None:
        return None
    text = str(part.get_content())
    if kind == "text":
        return text
    for image in message.walk():
        mark = str(image.get("Content-ID", "")).strip("<>")
        payload = image.get_payload(decode=True)
        if mark and isinstance(payload, bytes):
            data = base64.b64encode(payload).decode()
            text = text.replace(f"cid:{mark}", f"data:{image.get_content_type()};base64,{data}")
    return text


def answer(folder: Path, path: str) -> tuple[HTTPStatus, str, bytes]:
    """Answer a request of the mail page with status, content type and body.

    Args:
        folder: Folder of the messages.
        path: Path of the request: ``/``, ``/NAME.eml``, ``/NAME.eml/html`` or ``/NAME.eml/text``.
    """
    name, _, kind = unquote(path.partition("?")[0]).strip("/").partition("/")
    if not name:
        return HTTPStatus.OK, "text/html; charset=utf-8", render_list(folder).encode()
    file = folder / name
    if _NAME.fullmatch(name) and kind in ("", "html", "text") and file.is_file():
        if not kind:
            return HTTPStatus.OK, "message/rfc822", file.read_bytes()
        text = render_part(_read(file), kind)
        if text is not None:
            subtype = "html" if kind == "html" else "plain"
            return HTTPStatus.OK, f"text/{subtype}; charset=utf-8", text.encode()
    return HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"Finns inte. / Not found.\n"


def page_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Make the server of the mail page, on a port of 127.0.0.1 (0 for any).

    It answers only GET requests whose host is this machine.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers.get("Host", "").rpartition(":")[0]
            if host in (LOOPBACK, "localhost"):
                status, kind, body = answer(folder, self.path)
            else:  # DNS rebinding: a page whose name resolves to this address may not read the mail
                status, kind, body = HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b""
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header(
                "Content-Security-Policy", _POLICY if kind.startswith("text/html") else "sandbox"
            )
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            return

    return ThreadingHTTPServer((LOOPBACK, port), Handler)


def _read(path: Path) -> EmailMessage:
    with path.open("rb") as file:
        return email.message_from_binary_file(file, policy=email.policy.default)


def main(arguments: list[str] | None = None) -> int:
    """Run the mail catcher until SIGTERM; returns 0."""
    from aiosmtpd.controller import Controller

    parser = argparse.ArgumentParser(prog="klimatpuls.local.mailcatcher")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--page-port", type=int, required=True)
    given = parser.parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    receiver = Receiver(
        given.folder, os.environ["KLIMATPULS_SMTP_USER"], os.environ["KLIMATPULS_SMTP_PASSWORD"]
    )
    smtp = Controller(
        receiver,
        hostname=LOOPBACK,
        port=given.smtp_port,
        server_hostname="localhost",
        authenticator=receiver.authenticate,
        auth_required=True,
        auth_require_tls=False,  # loopback only
        data_size_limit=SIZE_LIMIT,
        enable_SMTPUTF8=True,
    )
    smtp.start()
    page = page_server(given.folder, given.page_port)
    threading.Thread(target=page.serve_forever, name="page", daemon=True).start()
    ended.wait()
    smtp.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
