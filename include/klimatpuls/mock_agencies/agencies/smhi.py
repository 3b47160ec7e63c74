"""SMHI's emission database at the mock server: the newest workbook of a substance that was known on the day.

``/api/getexcelfile/?county=0&municipality=0&sub=GGT``. Guesses, since nobody recorded the service's errors
and headers: it sends ETag and Last-Modified and answers conditional requests with 304; an unknown substance
and a single county or municipality are a 404 with an HTML page.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from klimatpuls.domain.substances import substances
from klimatpuls.mock_agencies.wire import Reply, Request, Settings, file_reply, not_yet_reply, page_reply

if TYPE_CHECKING:
    from pathlib import Path

ROUTE = "/api/getexcelfile"


class Agency:
    """Answers from ``smhi/*.xlsx``."""

    def __init__(self, folder: Path, as_of: date, settings: Settings) -> None:
        # pandas takes seconds to import: not before somebody asks.
        from klimatpuls.mock_agencies.archive import read_workbooks

        self._as_of, self._workbooks = as_of, read_workbooks(folder)

    def answer(self, request: Request) -> Reply:
        """The answer to a request."""
        from klimatpuls.mock_agencies.archive import newest

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
        book = newest(self._workbooks, substance.code, self._as_of)
        if book is None:
            return not_yet_reply(code)
        since = datetime.combine(book.published_date, time(6), tzinfo=UTC)
        return file_reply(book.path.read_bytes(), request, since, book.known_from or book.published_date)
