"""SMHI's emission database at the mock server: the newest workbook of a substance that was known on the day.

``/api/getexcelfile/?county=0&municipality=0&sub=GGT``. Our own choices, since nobody has recorded the
service's errors and headers: ETag and Last-Modified are sent and conditional requests answered with 304; an
unknown substance and a single county or municipality are a 404 with an HTML page.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import TYPE_CHECKING

from klimatpuls.domain.substances import substances
from klimatpuls.fetch.http import MOCK_KNOWN_FROM_HEADER
from klimatpuls.mock_agencies.wire import (
    XLSX,
    Reply,
    Request,
    Settings,
    is_unchanged,
    not_yet_reply,
    page_reply,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from klimatpuls.mock_agencies.archive import ArchivedWorkbook

ROUTE = "/api/getexcelfile"


class Agency:
    """Answers from ``smhi/*.xlsx``."""

    def __init__(self, folder: Path, as_of: date, settings: Settings) -> None:
        self._folder, self._as_of = folder, as_of
        self._lock = threading.Lock()
        self._books: tuple[ArchivedWorkbook, ...] | None = None

    def answer(self, request: Request) -> Reply:
        """The answer to a question."""
        if request.path != ROUTE:
            return page_reply(404, "Sidan finns inte")
        if request.method != "GET":
            return page_reply(405, "Metoden stöds inte")
        if any(request.query.get(name, "0") != "0" for name in ("county", "municipality")):
            return page_reply(404, "Testservern svarar bara för hela landet")
        code = request.query.get("sub", "")
        substance = next((entry for entry in substances().values() if entry.smhi_code == code), None)
        if substance is None:
            return page_reply(404, "Okänt ämne")
        from klimatpuls.mock_agencies.archive import newest

        book = newest(self._workbooks(), substance.code, self._as_of)
        return not_yet_reply(code) if book is None else _workbook(book, request.headers)

    def _workbooks(self) -> tuple[ArchivedWorkbook, ...]:
        # pandas takes seconds to import: not before somebody asks.
        from klimatpuls.mock_agencies.archive import read_workbooks

        with self._lock:
            if self._books is None:
                self._books = read_workbooks(self._folder)
            return self._books


def _workbook(book: ArchivedWorkbook, asked: Mapping[str, str]) -> Reply:
    body = book.path.read_bytes()
    since = datetime.combine(book.published_date, time(6), tzinfo=UTC)
    headers = {
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "Last-Modified": format_datetime(since, usegmt=True),
        "Cache-Control": "no-cache",
        MOCK_KNOWN_FROM_HEADER: (book.known_from or book.published_date).isoformat(),
    }
    if is_unchanged(asked, headers["ETag"], since):
        return Reply(status=304, body=b"", content_type=XLSX, headers=headers)
    return Reply(status=200, body=body, content_type=XLSX, headers=headers)
