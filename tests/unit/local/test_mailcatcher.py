from __future__ import annotations

import smtplib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest

from klimatpuls.local import mailcatcher, ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 5, 8, 12, 0, 0, 123456, tzinfo=UTC)


def digest(subject: str = "Utsläppen 2024") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "klimatpuls@example.org"
    message["To"] = "natverket@example.org"
    message["Subject"] = subject
    message.set_content("Åtta av tio.\n")
    message.add_alternative('<p>Å <img src="cid:chart@kp" alt="x"></p>', subtype="html")
    html = message.get_payload()[1]
    html.add_related(b"\x89PNG", "image", "png", cid="<chart@kp>")
    return message


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[int, int]]:
    with ports.Desk() as desk:
        smtp, page = desk.choose().number, desk.choose().number
    words = [f"--folder={tmp_path}", f"--smtp-port={smtp}", f"--page-port={page}"]
    with subprocess.Popen(
        [sys.executable, "-m", "klimatpuls.local.mailcatcher", *words],
        env={"KLIMATPULS_SMTP_USER": "klimatpuls", "KLIMATPULS_SMTP_PASSWORD": "hemligt"},
    ) as process:
        deadline = time.monotonic() + 20
        while (ports.is_free(smtp) or ports.is_free(page)) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield smtp, page
        process.terminate()
        assert process.wait(5) == 0


def test_mail_is_taken_from_those_who_log_in_and_shown(tmp_path: Path, running: tuple[int, int]) -> None:
    smtp, page = running
    with smtplib.SMTP(ports.LOOPBACK, smtp, timeout=10) as client:
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.send_message(digest())
        assert refused.value.smtp_code == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("klimatpuls", "fel")
        client.login("klimatpuls", "hemligt")
        assert client.send_message(digest(), "bounce@example.org", ["a@example.org", "b@example.org"]) == {}
    [kept] = mailcatcher.messages(tmp_path)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_bytes().startswith(
        b"Return-Path: <bounce@example.org>\r\nDelivered-To: a@example.org\r\nDelivered-To: b@example.org\r\n"
    )
    with urllib.request.urlopen(f"http://{ports.LOOPBACK}:{page}/{kept.name}/html", timeout=10) as answer:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert 'src="data:image/png;base64,iVBORw=="' in answer.read().decode()
    stranger = urllib.request.Request(f"http://{ports.LOOPBACK}:{page}/", headers={"Host": "evil.example:80"})
    with pytest.raises(urllib.error.HTTPError) as misdirected:
        urllib.request.urlopen(stranger, timeout=10)
    assert misdirected.value.code == 421


def test_a_message_appears_whole_under_its_name(tmp_path: Path) -> None:
    path = mailcatcher.store(tmp_path, b"Subject: x\r\n\r\nbody", "a@b.se", ["c@d.se"], NOW)
    assert path.name.startswith("20260508T120000123456Z-")
    assert path.read_bytes().endswith(b"Subject: x\r\n\r\nbody")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_the_list_is_newest_first_and_escapes_what_strangers_wrote(tmp_path: Path) -> None:
    assert "Inga brev ännu · No mail yet" in mailcatcher.render_list(tmp_path)
    mailcatcher.store(tmp_path, digest("<script>alert(1)</script>").as_bytes(), "", ["c@d.se"], NOW)
    later = NOW.replace(hour=13)
    mailcatcher.store(tmp_path, digest("Senare").as_bytes(), "", ["c@d.se"], later)
    page = mailcatcher.render_list(tmp_path)
    assert "<script>" not in page
    assert page.index("Senare") < page.index("&lt;script&gt;")


def test_text_part_and_source_are_shown_and_nothing_else(tmp_path: Path) -> None:
    path = mailcatcher.store(tmp_path, digest().as_bytes(), "", ["c@d.se"], NOW)
    (tmp_path.parent / "secret.eml").write_text("x", encoding="utf-8")
    assert mailcatcher.answer(tmp_path, f"/{path.name}/text")[2].decode() == "Åtta av tio.\n"
    assert mailcatcher.answer(tmp_path, f"/{path.name}")[2] == path.read_bytes()
    for wrong in ("/../secret.eml", "/%2e%2e%2fsecret.eml", f"/{path.name}/etc", "/missing.eml"):
        assert mailcatcher.answer(tmp_path, wrong)[0] == 404
