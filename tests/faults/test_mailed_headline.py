"""A correction that moves a mailed headline: the next mail tells both figures, once."""

from __future__ import annotations

import re
import socket
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller
from support.releases import LIST, ask, newest, publish_now, release

from klimatpuls.pipeline.report import send_mail
from klimatpuls.report.mailer import SmtpSettings
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Published

    from klimatpuls.pipeline.context import RunContext

pytestmark = pytest.mark.postgres

HEADLINES = "SELECT headline FROM ops.mail_outbox ORDER BY outbox_id"


class Server:
    """A mail server that takes everything, or refuses everything for now."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.is_down = False

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        if self.is_down:
            return "451 try again later"
        mail = message_from_bytes(envelope.original_content, policy=default)
        body = mail.get_body(("plain",)).get_content()
        self.texts.append(re.sub(r"\s+", " ", body))
        return "250 OK"


@contextmanager
def serving() -> Iterator[tuple[Server, SmtpSettings]]:
    handler = Server()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield (
            handler,
            SmtpSettings(
                host="127.0.0.1",
                port=port,
                login=None,
                password=None,
                from_address="klimatpuls@example.org",
                list_addresses=(LIST,),
                operator_address=None,
                implicit_tls=False,
                starttls=False,
            ),
        )
    finally:
        controller.stop()


def mail(published: Published, settings: SmtpSettings) -> None:
    send_mail(lambda: connect(published.warehouse.mailer_dsn), settings, published.context)


def correct(published: Published, days: int, factor: float) -> Published:
    """Publish a correction of the newest release some days later; gives what is published then."""
    day = newest(published.archive).published_date
    later = replace(published, context=later_context(published, days))
    assert release(later, day, factor, known_from=day + timedelta(days=days)).state == "validated"
    assert publish_now(later) is not None
    return later


def later_context(published: Published, days: int) -> RunContext:
    context = published.context
    return replace(
        context, as_of=context.as_of + timedelta(days=days), now=context.now + timedelta(days=days)
    )


def quoted(published: Published) -> float:
    """The network's emissions of the latest year, as they are published now."""
    ((value,),) = ask(
        published,
        "SELECT emissions_tco2e FROM mart.network_summary WHERE panel = 'members_today' "
        "AND boundary = 'territorial' ORDER BY year DESC LIMIT 1",
    )
    return float(value)


def words(value: float) -> str:
    return f"{value / 1e6:.2f}".replace(".", ",")


def test_a_correction_is_told_once_with_both_figures_in_both_languages(published: Published) -> None:
    with serving() as (server, settings):
        mail(published, settings)
        (first,) = server.texts
        assert "I förra brevet skrev vi" not in first, "there was no letter before"
        old = quoted(published)
        assert ask(published, HEADLINES)[0][0]["figures"][0]["value"] == old

        corrected = correct(published, 1, 1.01)
        new = quoted(corrected)
        assert words(new) != words(old)
        server.is_down = True
        mail(corrected, settings)
        server.is_down = False
        mail(corrected, settings)
        second = server.texts[-1]
        assert (
            f"I förra brevet skrev vi {words(old)} miljoner ton för nätverkets utsläpp 2024; med rättade "
            f"siffror är det {words(new)} miljoner ton."
        ) in second
        english = (words(one).replace(",", ".") for one in (old, new))
        assert (
            "In the last letter we wrote {} million tonnes for the network's emissions in 2024; with "
            "corrected figures it is {} million tonnes."
        ).format(*english) in second
        assert "ändringen av nätverkets utsläpp" not in second, "every year was raised alike"

        third = correct(corrected, 2, 1.010001)
        mail(third, settings)
        assert len(server.texts) == 3
        assert words(quoted(third)) == words(new)
        assert "I förra brevet skrev vi" not in server.texts[-1], "told once, and it moved less than printed"


def test_a_correction_nobody_was_mailed_is_compared_with_what_was(published: Published) -> None:
    with serving() as (server, settings):
        mail(published, settings)
        old = quoted(published)
        unsent = correct(published, 1, 1.01)
        assert ask(
            unsent, "UPDATE ops.mail_outbox SET approval = 'rejected' WHERE state = 'pending' RETURNING 1"
        )
        last = correct(unsent, 2, 1.03)
        mail(last, settings)
        assert len(server.texts) == 2
        assert f"I förra brevet skrev vi {words(old)} miljoner ton" in server.texts[-1]
        assert f"är det {words(quoted(last))} miljoner ton." in server.texts[-1]
