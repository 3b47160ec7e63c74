from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from klimatpuls.errors import MailError, UsageError
from klimatpuls.report.mailer import (
    SuppressedError,
    build_message,
    build_operator_settings,
    check_may_send,
    hide_addresses,
    make_message_id,
    parse_connection,
)
from klimatpuls.report.render import Rendering

CONNECTION = {
    "conn_type": "smtp", "host": "127.0.0.1", "port": 1025, "login": "klimatpuls", "password": "hemligt",
    "extra": {"from_email": "klimatpuls@example.org", "list_address": "lista@example.org",
              "disable_tls": True, "disable_ssl": True},
}  # fmt: skip
NOW = datetime(2026, 5, 8, 5, 30, tzinfo=UTC)


def settings(**changes):
    extra = {**CONNECTION["extra"], **changes.pop("extra", {})}
    return parse_connection(json.dumps({**CONNECTION, **changes, "extra": extra}))


def message(origin: str = "live", message_id: str = "<a@example.org>", ours=None):
    rendering = Rendering(
        publication_id=7, origin=origin, subject="Nya utsläppssiffror: 2024", text="Åäö\n.punkt först\n",
        mail_html='<p>Åäö</p><img src="cid:chart@klimatpuls">', chart_png=b"\x89PNG",
    )  # fmt: skip
    return build_message(
        rendering,
        settings=ours or settings(),
        recipient="lista@example.org",
        message_id=message_id,
        date=NOW,
    )


def test_the_connection_of_the_embedded_catcher_is_read():
    ours = settings()
    assert (ours.host, ours.port, ours.login, ours.password) == ("127.0.0.1", 1025, "klimatpuls", "hemligt")
    assert (ours.from_address, ours.list_addresses) == ("klimatpuls@example.org", ("lista@example.org",))
    assert (ours.implicit_tls, ours.starttls, ours.is_own_catcher) == (False, False, True)


def test_extra_may_be_json_text_as_airflow_exports_it():
    text = json.dumps({**CONNECTION, "extra": json.dumps(CONNECTION["extra"])})
    assert parse_connection(text) == settings()


@pytest.mark.parametrize(
    ("port", "extra", "implicit", "starttls"),
    [
        (587, {}, False, True),
        (465, {}, True, False),
        (465, {"disable_ssl": True}, False, True),
        (2525, {"disable_ssl": False}, True, False),
        (25, {"disable_tls": True}, False, False),
    ],
)
def test_tls_is_on_unless_switched_off(port, extra, implicit, starttls):
    addresses = {"from_email": "a@example.org", "list_address": "b@example.org"}
    ours = parse_connection(
        json.dumps({"host": "mail.example.org", "port": port, "extra": {**addresses, **extra}})
    )
    assert (ours.implicit_tls, ours.starttls) == (implicit, starttls)
    assert (ours.login, ours.is_own_catcher) == (None, False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": ""}, "host is missing"),
        ({"port": "smtp"}, "port is 'smtp'"),
        ({"port": 70000}, "port is 70000"),
        ({"extra": {"from_email": None}}, "extra.from_email is missing"),
        ({"extra": {"list_address": "nobody"}}, "extra.list_address is missing or no mail address"),
        ({"extra": {"list_address": "a@b.se\nBcc: c@d.se"}}, "extra.list_address"),
    ],
)
def test_a_faulty_connection_names_the_field_and_never_the_password(changes, words):
    with pytest.raises(UsageError, match=words) as caught:
        settings(**changes)
    assert "hemligt" not in str(caught.value)


def test_the_operator_is_mailed_whatever_other_address_is_wrong():
    fields = {"host": "mail.example.org", "port": 587}
    sound = {
        "from_email": "a@example.org",
        "list_address": "b@example.org",
        "operator_address": "c@example.org",
    }
    for wrong, sender in (({"list_address": "x"}, "a"), ({"from_email": "x"}, "c"), ({}, "a")):
        found = build_operator_settings(fields, sound | wrong)
        assert found.from_address == f"{sender}@example.org"
        assert found.operator_address == "c@example.org"
        assert found.list_addresses == ()
    with pytest.raises(UsageError, match=r"extra\.operator_address"):
        build_operator_settings(fields, sound | {"operator_address": "x"})
    with pytest.raises(UsageError, match="host is missing"):
        build_operator_settings({"host": ""}, sound)


def test_no_json_is_a_usage_error_without_its_text():
    with pytest.raises(UsageError) as caught:
        parse_connection("smtp://klimatpuls:hemligt@localhost")
    assert "hemligt" not in str(caught.value)


def test_the_password_is_not_shown():
    assert "hemligt" not in repr(settings())


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("127.evil.example", False),
    ],
)
def test_loopback_is_this_machine_only(host, loopback):
    assert settings(host=host).is_own_catcher is loopback


@pytest.mark.parametrize("origin", ["synthetic", "archive"])
def test_figures_that_are_not_live_stay_on_this_machine(origin):
    with pytest.raises(SuppressedError, match=f"origin {origin} are never mailed"):
        check_may_send(settings(host="mail.example.org", extra={"disable_tls": False}), origin)
    check_may_send(settings(), origin)


def test_off_loopback_needs_tls():
    with pytest.raises(MailError, match="disables TLS"):
        check_may_send(settings(host="mail.example.org"), "live")
    check_may_send(settings(host="mail.example.org", extra={"disable_tls": False}), "live")


def test_the_mail_has_text_and_html_with_its_picture_inline():
    parsed = message_from_bytes(message().as_bytes(), policy=default)
    assert parsed.get_content_type() == "multipart/alternative"
    text, related = parsed.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == "Åäö\n.punkt först\n"
    html, picture = related.iter_parts()
    assert "cid:chart@klimatpuls" in html.get_content()
    assert picture["Content-ID"] == "<chart@klimatpuls>"
    assert picture.get_content_disposition() == "inline"


def test_the_headers_say_what_wrote_it_and_of_what_origin():
    parsed = message_from_bytes(message("archive").as_bytes(), policy=default)
    assert parsed["Subject"] == "Nya utsläppssiffror: 2024"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["List-Id"] == "Klimatpuls <klimatpuls.example.org>"
    assert parsed["X-Klimatpuls-Origin"] == "archive"
    assert parsed["Date"].datetime == NOW
    assert parsed["Date"].endswith("07:30:00 +0200"), "readers are in Sweden"
    assert parsed["Content-Language"] == "sv, en"
    assert parsed["Reply-To"] is parsed["List-Unsubscribe"] is parsed["List-Unsubscribe-Post"] is None


def test_an_answer_and_an_unsubscription_reach_the_secretariat():
    ours = settings(extra={"reply_to": "Kansliet <kansliet+klimat@example.org>"})
    parsed = message_from_bytes(message(ours=ours).as_bytes(), policy=default)
    assert parsed["Reply-To"] == "kansliet+klimat@example.org"
    assert parsed["List-Unsubscribe"] == "<mailto:kansliet%2Bklimat@example.org?subject=unsubscribe>"
    assert parsed["List-Unsubscribe-Post"] is None


def test_one_click_is_offered_only_where_an_address_takes_it():
    url = "https://example.org/av?lista=klimat"
    ours = settings(extra={"reply_to": "k@example.org", "unsubscribe_url": url})
    parsed = message_from_bytes(message(ours=ours).as_bytes(), policy=default)
    assert parsed["List-Unsubscribe"] == f"<mailto:k@example.org?subject=unsubscribe>, <{url}>"
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    "url", ["http://example.org/av", "https://example.org/a b", "https://x>\r\nBcc: y", "https://å", 7]
)
def test_an_address_that_cannot_stand_in_a_header_is_refused(url):
    with pytest.raises(UsageError, match=r"extra\.unsubscribe_url is no https address"):
        settings(extra={"unsubscribe_url": url})


def test_a_catcher_named_by_the_deployment_may_get_figures_that_are_not_live():
    elsewhere = settings(host="mail", extra={"catcher_host": "mail"})
    check_may_send(elsewhere, "synthetic")
    for host in ("smtp.example.org", "mail.example.org"):
        with pytest.raises(SuppressedError, match=r"extra\.catcher_host"):
            check_may_send(settings(host=host, extra={"catcher_host": "mail"}), "synthetic")


def test_equal_input_gives_equal_bytes():
    assert message().as_bytes() == message().as_bytes()
    assert message().as_bytes() != message(message_id="<b@example.org>").as_bytes()


def test_a_message_id_belongs_to_one_row_of_one_warehouse():
    ours = make_message_id(3, NOW, "klimatpuls@example.org")
    assert ours == "<digest.3.20260508053000000000@example.org>"
    assert ours != make_message_id(3, NOW.replace(microsecond=1), "klimatpuls@example.org")


def test_addresses_are_hidden():
    assert hide_addresses("550 <Eva.Ek@example.org>: unknown") == "550 <<address>>: unknown"


def test_every_address_of_the_list_is_a_recipient_once():
    ours = settings(
        extra={"list_address": "Lista <lista@example.org>; miljö@örebro.example, LISTA@example.org"}
    )
    encoded = "örebro.example".encode("idna").decode()
    assert ours.list_addresses == ("lista@example.org", f"miljö@{encoded}")
    assert settings(extra={"list_address": ["a@example.org", "b@example.org"]}).list_addresses == (
        "a@example.org",
        "b@example.org",
    )


@pytest.mark.parametrize("field", ["from_email", "list_address", "operator_address"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("eva ek@example.org", "holds a blank"),
        ("eva@example.org.", "ends with a dot"),
        ('"eva ek"@example.org', "quoted"),
        ("eva@exa_mple.org", "cannot be encoded"),
        ("eva@example.org\r\nBcc: x@example.org", "line break"),
        (7, "found int"),
    ],
)
def test_an_address_no_server_takes_is_refused_where_the_settings_are_read(field, value, reason):
    with pytest.raises(UsageError, match=f"extra.{field} .*{reason}") as caught:
        settings(extra={field: value})
    assert "eva" not in str(caught.value)


@pytest.mark.parametrize("field", ["from_email", "operator_address"])
def test_one_address_is_one(field):
    with pytest.raises(UsageError, match=field):
        settings(extra={field: "a@example.org, b@example.org"})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("550 <åsa@örebro.example>: unknown", "550 <<address>>: unknown"),
        ("to:eva@example.org;x", "to:<address>;x"),
        ("no address", "no address"),
    ],
)
def test_addresses_of_every_kind_are_hidden(text, shown):
    assert hide_addresses(text) == shown


def test_long_words_of_a_server_are_read_in_no_time():
    started = time.process_time()
    assert hide_addresses("a" * 2_000_000) == "a" * 2_000_000
    assert time.process_time() - started < 2
