"""Naturvårdsverket at the mock server: the results page of Klimatklivet and the workbook it links.

Files of an archive: ``naturvardsverket/klimatklivet-<YYYY-MM-DD>.xlsx``, named by the last day it covers and
served a week later. As at the agency, the workbook's address changes with every edition. Guesses: the page's
markup around the link, the folder in the address, the headers.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from klimatpuls.mock_agencies.wire import Reply, Request, Settings, file_reply, not_yet_reply, page_reply

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (
    "/amnesomraden/klimatomstallningen/klimatklivet/sa-fungerar-klimatklivet/"
    "resultat--hur-har-det-gatt-for-klimatklivet"
)
DAYS_TO_PUBLICATION = 7
_NAME = re.compile(r"klimatklivet-(\d{4}-\d{2}-\d{2})\.xlsx")
_MONTHS = (
    "januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober",
    "november", "december",
)  # fmt: skip
_HTML = """<!DOCTYPE html>
<html lang="sv"><head><title>Resultat</title></head><body>
<p><a href="/om-oss/">Om oss</a></p>
<p><a href="{href}">Beviljade ansökningar till Klimatklivet till och med {day} (xlsx)</a></p>
</body></html>
"""


class Agency:
    """Answers from ``naturvardsverket/klimatklivet-*.xlsx``."""

    def __init__(self, folder: Path, as_of: date, settings: Settings) -> None:
        self._folder, self._as_of = folder / "naturvardsverket", as_of

    def answer(self, request: Request) -> Reply:
        """The answer to a request."""
        if request.method != "GET":
            return page_reply(405, "Metoden stöds inte")
        edition = self._newest()
        if edition is None:
            return not_yet_reply("klimatklivet")
        path, day = edition
        address = (
            f"/{hashlib.sha256(path.name.encode()).hexdigest()[:6]}/globalassets/"
            f"beviljade-ansokningar-till-klimatklivet-{day:%y%m%d}.xlsx"
        )
        if request.path == PAGE:
            words = f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
            prefix = urlsplit(request.base_url).path
            body = _HTML.format(href=f"{prefix}{address}", day=words).encode()
            return Reply(status=200, body=body, content_type="text/html; charset=utf-8")
        if request.path == address:
            since = datetime.combine(_published(day), time(9), tzinfo=UTC)
            return file_reply(path.read_bytes(), request, since, _published(day))
        return page_reply(404, "Sidan finns inte")

    def _newest(self) -> tuple[Path, date] | None:
        found = [
            (path, date.fromisoformat(name[1]))
            for path in sorted(self._folder.glob("klimatklivet-*.xlsx"))
            if (name := _NAME.fullmatch(path.name))
        ]
        there = [(path, day) for path, day in found if _published(day) <= self._as_of]
        return max(there, key=lambda edition: edition[1], default=None)


def _published(day: date) -> date:
    return day + timedelta(days=DAYS_TO_PUBLICATION)
