"""What becomes of a mail when the server's replies are unclear, too long or too slow."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from email.message import EmailMessage

import pytest

from klimatpuls.report.mailer import SmtpSettings, deliver
from klimatpuls.report.smtp_session import MAX_REPLY_BYTES, MAX_REPLY_LINES, Patience

RECIPIENT = "lista@example.org"
SHORT = Patience(connect=2, command=2, data_start=2, content=2, after_data=1.0)


def drip(connection: socket.socket) -> None:
    """A reply whose every byte comes before a time limit per byte would end."""
    while True:
        connection.sendall(b"2")
        time.sleep(0.05)


def endless(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"250-more\r\n" * 1000)


class Server:
    """A mail server that answers from a script: bytes to send, a function, or None to hang up."""

    def __init__(self, **replies) -> None:
        self.replies = {
            "greeting": b"220 hej\r\n",
            "ehlo": b"250-hej\r\n250 8BITMIME\r\n",
            "mail": b"250 ok\r\n",
            "rcpt": b"250 ok\r\n",
            "data": b"354 go on\r\n",
            "content": b"250 taken\r\n",
            "quit": b"221 bye\r\n",
            **replies,
        }
        self.commands: list[str] = []

    def serve(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            try:
                self._answer(connection, "greeting")
                for line in stream:
                    command = line.decode().split()[0].lower().replace("helo", "ehlo")
                    self._answer(connection, command)
                    if command == "data" and self.replies["data"].startswith(b"354"):
                        for content in stream:
                            if content == b".\r\n":
                                break
                        self._answer(connection, "content")
            except OSError:
                return  # The client has gone, which is what these tests are about.

    def _answer(self, connection: socket.socket, command: str) -> None:
        self.commands.append(command)
        reply = self.replies[command]
        if reply is None:
            connection.shutdown(socket.SHUT_RDWR)
        elif callable(reply):
            reply(connection)
        else:
            connection.sendall(reply)


@contextmanager
def serving(**replies):
    server = Server(**replies)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        server.port = listener.getsockname()[1]
        yield server
        thread.join(10)
        assert not thread.is_alive()


def send(server: Server, patience: Patience = SHORT):
    message = EmailMessage()
    message["From"], message["To"] = "klimatpuls@example.org", RECIPIENT
    message["X-Klimatpuls-Origin"] = "live"
    message.set_content("Hej\n")
    settings = SmtpSettings(
        host="127.0.0.1",
        port=server.port,
        login=None,
        password=None,
        from_address="klimatpuls@example.org",
        list_addresses=(RECIPIENT,),
        operator_address=None,
        implicit_tls=False,
        starttls=False,
        patience=patience,
    )
    return deliver(message, RECIPIENT, settings)


def test_a_mail_that_is_taken_ends_with_quit():
    with serving() as server:
        assert send(server).state == "sent"
    assert server.commands == ["greeting", "ehlo", "mail", "rcpt", "data", "content", "quit"]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"<html>500</html>\r\n", id="garbage"),
        pytest.param(b"\r\n", id="blank"),
        pytest.param(b"354 go on\r\n", id="354"),
        pytest.param(b"199 what\r\n", id="1xx"),
        pytest.param(b"250-taken\r\n550 or not\r\n", id="two codes"),
        pytest.param(b"250-taken\r\n", id="half a reply"),
        pytest.param(b"2500 taken\r\n", id="four digits"),
        pytest.param(b"", id="silence"),
        pytest.param(None, id="hung up"),
        pytest.param(drip, id="drips"),
        pytest.param(endless, id="never ends"),
        pytest.param(b"250 " + b"x" * (MAX_REPLY_BYTES + 1), id="one long line"),
    ],
)
def test_what_is_unclear_after_the_content_is_unknown(reply):
    started = time.monotonic()
    with serving(content=reply) as server:
        outcome = send(server)
    assert outcome.state == "unknown"
    assert "may or may not have arrived" in outcome.detail
    assert RECIPIENT not in outcome.detail
    assert time.monotonic() - started < 8


@pytest.mark.parametrize(("reply", "state"), [(b"451 later\r\n", "failed"), (b"554 no\r\n", "refused")])
def test_a_clear_refusal_after_the_content_is_no_unknown(reply, state):
    with serving(content=reply) as server:
        outcome = send(server)
    assert outcome.state == state
    assert outcome.detail == f"message not taken: {reply.decode().strip()}"


@pytest.mark.parametrize("command", ["greeting", "ehlo", "mail", "rcpt", "data"])
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"<html>500</html>\r\n", id="garbage"),
        pytest.param(b"199 what\r\n", id="1xx"),
        pytest.param(b"", id="silence"),
        pytest.param(drip, id="drips"),
        pytest.param(endless, id="never ends"),
    ],
)
def test_what_is_unclear_before_the_content_failed_and_may_be_tried_again(command, reply):
    with serving(**{command: reply}) as server:
        outcome = send(server, Patience(connect=1, command=0.5, data_start=0.5, content=1, after_data=1))
    assert outcome.state == "failed"
    assert "content" not in server.commands


def test_a_reply_may_have_many_lines():
    lines = b"".join(b"250-line\r\n" for _ in range(MAX_REPLY_LINES - 1)) + b"250 taken\r\n"
    with serving(content=lines) as server:
        assert send(server).state == "sent"


def test_a_slow_server_is_waited_for_longer_after_the_content():
    def slow(connection: socket.socket) -> None:
        time.sleep(1.5)
        connection.sendall(b"250 taken\r\n")

    with serving(content=slow) as server:
        patience = Patience(connect=1, command=0.5, data_start=0.5, content=1, after_data=5)
        assert send(server, patience).state == "sent"


def test_the_patience_is_that_of_rfc_5321():
    patience = Patience()
    assert (patience.command, patience.data_start, patience.content, patience.after_data) == (
        300,
        120,
        180,
        600,
    )
