"""Sends one message to one recipient over SMTP and returns what happened.

``smtplib`` is driven command by command, because only then can an unclear end after DATA (the message may
have arrived, so sending again may send it twice) be distinguished from other failures. Figures of origin
``synthetic`` or ``archive`` go to our own mail catcher only; any other server requires TLS.

Addresses are checked when the settings are read (:mod:`klimatpuls.domain.mail_address`). A domain is sent
encoded; a local part with letters such as å, ä and ö is sent only to a server that offers SMTPUTF8. No
address is put into an outcome's detail or a log line.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from urllib.parse import quote

from klimatpuls.clock import STOCKHOLM
from klimatpuls.domain.mail_address import AddressError, parse_address, parse_addresses
from klimatpuls.errors import MailError, UsageError
from klimatpuls.report.page import CHART_ID
from klimatpuls.report.smtp_session import NO_CODE, Patience, Session, TlsSession

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from klimatpuls.report.render import Rendering

IMPLICIT_TLS_PORT: Final = 465

READY_FOR_DATA: Final = 354
SECONDS_TO_QUIT: Final = 2.0
CONTENT_LANGUAGE: Final = "sv, en"
ARRIVAL_UNKNOWN: Final = "the mail may or may not have arrived"

_SEPARATORS = re.compile(r"([\s<>()\[\],;:\"']+)")
MAX_REPLY: Final = 4000
"""Characters of a server's reply that are read."""
MAX_DETAIL: Final = 500

State = Literal["sent", "refused", "failed", "unknown"]


class SuppressedError(MailError):
    """Figures that are not live must not be sent to a server on another machine."""


@dataclass(frozen=True, kw_only=True)
class SmtpSettings:
    """Settings of the mail server, from the Airflow connection ``smtp_default``.

    Attributes:
        host: Name or address of the server.
        port: TCP port.
        login: User name, or None for no authentication.
        password: Its password; never shown by ``repr``.
        from_address: Sender of the digest.
        list_addresses: The digest's recipients, such as the network's list; each gets a message of its own.
        operator_address: Gets notices of what was refused, held or not fetched; None for nobody.
        implicit_tls: TLS from the first byte (usually port 465).
        starttls: TLS by STARTTLS, required when set.
        reply_to: Where an answer goes, such as the secretariat; None: to the sender.
        unsubscribe_url: https address that takes the POST of RFC 8058 (One-Click), or None.
        catcher_host: Host of a mail catcher that delivers to nobody, such as ``mail`` in containers, or None.
        patience: How long the server is waited for.
    """

    host: str
    port: int
    login: str | None
    password: str | None = field(repr=False)
    from_address: str
    list_addresses: tuple[str, ...]
    operator_address: str | None
    implicit_tls: bool
    starttls: bool
    reply_to: str | None = None
    unsubscribe_url: str | None = None
    catcher_host: str | None = None
    patience: Patience = field(default_factory=Patience)

    @property
    def is_own_catcher(self) -> bool:
        """Whether the server is on this machine, or is the catcher that the settings name."""
        if self.host.casefold() in {"localhost", (self.catcher_host or "localhost").casefold()}:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Result of one attempt: the outbox state to store, and the server's reply without addresses.

    Attributes:
        state: The state.
        detail: What happened, without addresses.
        is_server_silent: Whether the server did not answer in time before it had the message: it will not
            answer for the next recipient either.
    """

    state: State
    detail: str | None = None
    is_server_silent: bool = False


def parse_connection(text: str) -> SmtpSettings:
    """The settings in the JSON of an Airflow connection of type ``smtp``.

    Args:
        text: Such as ``{"conn_type": "smtp", "host": "127.0.0.1", "port": 1025, "login": "u",
            "password": "p", "extra": {"from_email": "…", "list_address": "…", "disable_tls": true,
            "disable_ssl": true}}``; ``extra`` may itself be JSON text, as Airflow exports it.

    Raises:
        UsageError: if a field is missing or of the wrong kind; the password is not repeated.
    """
    try:
        fields = json.loads(text)
        extra = fields.get("extra") or {}
        extra = json.loads(extra) if isinstance(extra, str) else extra
    except (ValueError, AttributeError):
        msg = "the connection smtp_default is no JSON object; write it as Airflow's AIRFLOW_CONN_* JSON form"
        raise UsageError(msg) from None
    return build_settings(fields, extra)


def build_operator_settings(fields: Mapping[str, Any], extra: Mapping[str, Any]) -> SmtpSettings:
    """The settings for mail to the operator, which a wrong address in another field does not stop.

    Args:
        fields: As for :func:`build_settings`.
        extra: As for :func:`build_settings`. The digest's recipients are left out; where the sender's address
            is wrong, the operator's own stands for it.

    Raises:
        UsageError: if the operator's address, the port or the host is wrong.
    """
    without_list = {**extra, "list_address": "nobody@example.invalid"}
    try:
        settings = build_settings(fields, without_list)
    except UsageError:
        if not extra.get("operator_address"):
            raise
        sender = _address(extra, "operator_address")
        settings = build_settings(fields, {**without_list, "from_email": sender})
    return replace(settings, list_addresses=())


def build_settings(fields: Mapping[str, Any], extra: Mapping[str, Any]) -> SmtpSettings:
    """The settings in an Airflow connection's fields.

    Args:
        fields: ``host``, ``port``, ``login``, ``password``.
        extra: ``from_email``, ``list_address`` (one, or several parted by comma or semicolon, or a list),
            ``operator_address`` (may be missing), ``disable_tls``, ``disable_ssl``. As in Airflow's SMTP
            provider, TLS from the first byte is used unless ``disable_ssl``, else STARTTLS unless
            ``disable_tls``; here port 25 and 587 mean STARTTLS by themselves. ``reply_to``,
            ``unsubscribe_url`` and ``catcher_host`` may be missing or empty.

    Raises:
        UsageError: if a field is missing or of the wrong kind, or an address cannot be sent to; says why
            and repeats no address.
    """
    port = fields.get("port") or 587
    if not isinstance(port, int) or not 0 < port < 65536:
        msg = f"connection smtp_default: port is {port!r}, expected a number from 1 to 65535"
        raise UsageError(msg)
    host = fields.get("host")
    if not isinstance(host, str) or not host.strip():
        msg = "connection smtp_default: host is missing"
        raise UsageError(msg)
    implicit = not extra.get("disable_ssl", port != IMPLICIT_TLS_PORT)
    return SmtpSettings(
        host=host.strip(),
        port=port,
        login=fields.get("login") or None,
        password=fields.get("password") or None,
        from_address=_address(extra, "from_email"),
        list_addresses=_addresses(extra, "list_address"),
        operator_address=_optional_address(extra, "operator_address"),
        implicit_tls=implicit,
        starttls=not implicit and not extra.get("disable_tls", False),
        reply_to=_optional_address(extra, "reply_to"),
        unsubscribe_url=_unsubscribe_url(extra.get("unsubscribe_url") or None),
        catcher_host=str(extra.get("catcher_host") or "").strip() or None,
    )


def _optional_address(extra: Mapping[str, Any], key: str) -> str | None:
    return _address(extra, key) if extra.get(key) else None


def _unsubscribe_url(url: Any) -> str | None:
    """The address, if it can stand in a header as it is.

    Raises:
        UsageError: if it is no https address in printable ASCII.
    """
    if url is None or (isinstance(url, str) and re.fullmatch(r"https://[!-;=?-~]{1,500}", url)):
        return url
    msg = "connection smtp_default: extra.unsubscribe_url is no https address in ASCII without blanks or < >"
    raise UsageError(msg)


def _address(extra: Mapping[str, Any], key: str) -> str:
    try:
        return str(parse_address(extra.get(key) or "", allow_name=True))
    except AddressError as error:
        raise _wrong_address(key, error) from None


def _addresses(extra: Mapping[str, Any], key: str) -> tuple[str, ...]:
    stated = extra.get(key) or ""
    try:
        return tuple(map(str, parse_addresses(stated if isinstance(stated, str | list) else [stated])))
    except AddressError as error:
        raise _wrong_address(key, error) from None


def _wrong_address(key: str, error: AddressError) -> UsageError:
    return UsageError(f"connection smtp_default: extra.{key} is missing or no mail address ({error})")


def hide_addresses(text: str) -> str:
    """The text with every mail address replaced, so that logs and error tables name no person."""
    return "".join("<address>" if "@" in word else word for word in _SEPARATORS.split(text))


def _short(text: str) -> str:
    """A text from outside, shortened and without any address or part of one."""
    if len(text) > MAX_REPLY:
        text = text[:MAX_REPLY].rpartition(" ")[0]
    return hide_addresses(text)[:MAX_DETAIL]


def make_message_id(outbox_id: int, created_at: datetime, from_address: str, kind: str = "digest") -> str:
    """The Message-ID of an outbox row, the same at every attempt: mail programs then show one mail.

    Args:
        outbox_id: Number of the row; another warehouse may have the same ...
        created_at: ... but not made in the same microsecond.
        from_address: Its domain is the right side of the id.
        kind: Kind of the mail.
    """
    domain = from_address.rpartition("@")[2]
    return f"<{kind}.{outbox_id}.{created_at.strftime('%Y%m%d%H%M%S%f')}@{domain}>"


def build_message(
    rendering: Rendering, *, settings: SmtpSettings, recipient: str, message_id: str, date: datetime
) -> EmailMessage:
    """The digest as a mail: plain text, and HTML with its picture inline.

    Args:
        rendering: The digest, rendered.
        settings: For the lines From, Reply-To, List-Id and List-Unsubscribe.
        recipient: Address of the To line.
        message_id: With its angle brackets; boundaries are derived from it, so equal input gives equal bytes.
        date: Moment of the Date line, with its time zone.
    """
    message = start_message(
        settings, subject=rendering.subject, recipient=recipient, message_id=message_id, date=date
    )
    message["List-Id"] = f"Klimatpuls <klimatpuls.{settings.from_address.rpartition('@')[2]}>"
    _add_unsubscription(message, settings)
    message["X-Klimatpuls-Publication"] = str(rendering.publication_id)
    message["X-Klimatpuls-Origin"] = rendering.origin
    message.set_content(rendering.text, cte="quoted-printable")
    message.add_alternative(rendering.mail_html, subtype="html", cte="quoted-printable")
    html = message.get_payload()[1]  # type: ignore[index]
    html.add_related(  # type: ignore[union-attr]
        rendering.chart_png,
        "image",
        "png",
        cid=f"<{CHART_ID}>",
        filename="klimatpuls.png",
        disposition="inline",
    )
    seed = hashlib.sha256(message_id.encode()).hexdigest()[:24]
    message.set_boundary(f"=_alternative_{seed}")
    html.set_boundary(f"=_related_{seed}")  # type: ignore[union-attr]
    message["Content-Language"] = CONTENT_LANGUAGE  # Setting the content removes an earlier one.
    return message


def start_message(
    settings: SmtpSettings, *, subject: str, recipient: str, message_id: str, date: datetime
) -> EmailMessage:
    """Return a message with the lines that every mail has, still without content.

    Args:
        settings: For the lines From and Reply-To.
        subject: Subject line.
        recipient: Address of the To line.
        message_id: With its angle brackets.
        date: Moment of the Date line, with its time zone.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = f"Klimatpuls <{settings.from_address}>"
    message["To"] = recipient
    if settings.reply_to is not None:
        message["Reply-To"] = settings.reply_to
    message["Subject"] = subject
    message["Date"] = format_datetime(date.astimezone(STOCKHOLM))
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    return message


def build_letter(
    settings: SmtpSettings,
    *,
    subject: str,
    text: str,
    origin: str,
    recipient: str,
    message_id: str,
    date: datetime,
) -> EmailMessage:
    """Return a mail to one person: plain text.

    Args:
        settings: For the lines From and Reply-To.
        subject: Subject line.
        text: The text.
        origin: ``live``, ``archive`` or ``synthetic``.
        recipient: Address of the To line.
        message_id: With its angle brackets.
        date: Moment of the Date line, with its time zone.
    """
    message = start_message(settings, subject=subject, recipient=recipient, message_id=message_id, date=date)
    message["X-Klimatpuls-Origin"] = origin
    message.set_content(text, cte="quoted-printable")
    message["Content-Language"] = "sv"
    return message


def _add_unsubscription(message: EmailMessage, settings: SmtpSettings) -> None:
    """Add List-Unsubscribe (RFC 2369), and One-Click (RFC 8058) where an address takes it."""
    ways = []
    if settings.reply_to is not None:
        ways.append(f"<mailto:{quote(settings.reply_to, safe='@')}?subject=unsubscribe>")
    if settings.unsubscribe_url is not None:
        ways.append(f"<{settings.unsubscribe_url}>")
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if ways:
        message["List-Unsubscribe"] = ", ".join(ways)


def check_may_send(settings: SmtpSettings, origin: str) -> None:
    """Raise an error if a mail must not leave this machine.

    Raises:
        SuppressedError: if the figures are not live and the server is not our own mail catcher.
        MailError: if the server is not our own catcher and the connection disables TLS.
    """
    if settings.is_own_catcher:
        return
    if origin != "live":
        msg = (
            f"figures of origin {origin} are never mailed to another machine: the server {settings.host} "
            "is neither on loopback nor extra.catcher_host of connection smtp_default; use the embedded "
            "mail catcher, or run with SOURCES=live"
        )
        raise SuppressedError(msg)
    if not (settings.implicit_tls or settings.starttls):
        msg = (
            f"the mail server {settings.host} is not on this machine and connection smtp_default "
            "disables TLS; "
            "remove disable_tls or disable_ssl from its extra"
        )
        raise MailError(msg)


def deliver(message: EmailMessage, recipient: str, settings: SmtpSettings) -> Outcome:
    """Hand one message to the server.

    Args:
        message: As :func:`build_message` makes it.
        recipient: Envelope recipient.
        settings: The server.

    Returns:
        ``sent``: the server took it. ``refused``: it refused this recipient or this message for good
        (5xx). ``failed``: the server certainly did not take it (no connection, no login, 4xx); it may be
        tried again. ``unknown``: after DATA the connection was lost, or no clear reply came in time.

    Raises:
        MailError: never for what a server does, only for what :func:`check_may_send` refuses.
    """
    check_may_send(settings, str(message["X-Klimatpuls-Origin"]))
    try:
        server = _connect(settings)
    except (OSError, smtplib.SMTPException) as error:
        return _not_taken("no connection", error)
    try:
        return _converse(server, message, recipient, settings)
    finally:
        server.close()


def _connect(settings: SmtpSettings) -> Session:
    if settings.implicit_tls:
        context = ssl.create_default_context()
        return TlsSession(settings.host, settings.port, patience=settings.patience, context=context)
    return Session(settings.host, settings.port, patience=settings.patience)


def _converse(server: Session, message: EmailMessage, recipient: str, settings: SmtpSettings) -> Outcome:
    try:
        _log_in(server, settings)
        needs = not (settings.from_address.isascii() and recipient.isascii())
        if needs and not server.has_extn("smtputf8"):
            return _without_smtputf8(settings.from_address)
        content = message.as_bytes(policy=SMTPUTF8 if needs else SMTP)
        problem = _envelope(server, settings.from_address, recipient, len(content), needs)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        return _not_taken("before DATA", error)
    if problem is not None:
        return problem
    try:
        code, reply = server.send_content(_stuff_dots(content) + b".\r\n")
    except (OSError, smtplib.SMTPException) as error:
        return Outcome(state="unknown", detail=_words(f"no reply after DATA: {ARRIVAL_UNKNOWN}", error))
    if 200 <= code < 300:
        _quit(server)
        return Outcome(state="sent")
    if code < 400:
        unclear = f"unclear reply after DATA ({ARRIVAL_UNKNOWN})"
        return Outcome(state="unknown", detail=_reply_words(unclear, code, reply))
    return _reply_outcome("message", code, reply)


def _quit(server: Session) -> None:
    """End the session as RFC 5321 asks; the mail is taken, so nothing that fails here matters."""
    server.seconds_to_reply = SECONDS_TO_QUIT
    with suppress(OSError, smtplib.SMTPException):
        server.docmd("QUIT")


def _log_in(server: Session, settings: SmtpSettings) -> None:
    server.ehlo_or_helo_if_needed()
    if settings.starttls:
        server.starttls(context=ssl.create_default_context())
        server.ehlo_or_helo_if_needed()
    if settings.login is not None:
        server.login(settings.login, settings.password or "")


def _without_smtputf8(sender: str) -> Outcome:
    """The outcome where the server cannot take an address; final only for a recipient's."""
    whose, state = ("recipient", "refused") if sender.isascii() else ("sender", "failed")
    detail = (
        f"the {whose}'s address has letters beyond ASCII before the @, and the server does not offer "
        "SMTPUTF8: it cannot take such an address"
    )
    return Outcome(state=cast("State", state), detail=detail)


def _envelope(server: Session, sender: str, recipient: str, size: int, is_utf8: bool) -> Outcome | None:
    """Send MAIL, RCPT and DATA; returns None if the server then waits for the message."""
    options = [f"size={size}"] if server.does_esmtp and server.has_extn("size") else []
    options += ["SMTPUTF8"] if is_utf8 else []
    code, reply = server.mail(sender, options)
    if not 200 <= code < 300:
        # A refused sender is an error of the settings, so the mail is tried again.
        return Outcome(state="failed", detail=_reply_words("sender not taken", code, reply))
    code, reply = server.rcpt(recipient)
    if not 200 <= code < 300:
        return _reply_outcome("recipient", code, reply)
    server.seconds_to_reply = server.patience.data_start
    code, reply = server.docmd("DATA")
    if code != READY_FOR_DATA:
        return _reply_outcome("message", code, reply)
    return None


def _stuff_dots(content: bytes) -> bytes:
    """The message in SMTP form: dots at line starts doubled, CRLF at the end."""
    stuffed = re.sub(rb"(?m)^\.", b"..", content)
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"


def _not_taken(where: str, error: Exception) -> Outcome:
    is_silent = isinstance(error, TimeoutError)
    return Outcome(state="failed", detail=_words(where, error), is_server_silent=is_silent)


def _reply_outcome(what: str, code: int, reply: bytes) -> Outcome:
    state: State = "refused" if code >= 500 else "failed"
    return Outcome(state=state, detail=_reply_words(f"{what} not taken", code, reply))


def _reply_words(what: str, code: int, reply: bytes) -> str:
    text = reply[:MAX_REPLY].decode("utf-8", "replace").strip()
    return _short(f"{what}: {'no SMTP reply:' if code == NO_CODE else code} {text}")


def _words(where: str, error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        raw = error.smtp_error
        reply = raw if isinstance(raw, bytes) else str(raw).encode()
        return _reply_words(f"{where} ({type(error).__name__})", error.smtp_code, reply)
    return _short(f"{where}: {type(error).__name__}: {error}")
