"""Recorded answers of a source that has no agency module of its own.

The archive holds ``<source id>/routes.csv`` with the columns ``path`` (with its query, as requested),
``file`` (beside it), ``content_type`` and ``available_from`` (ISO date, may be empty). Of several rows with
one path the last that was available on the day is sent.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from klimatpuls.mock_agencies.csv_files import read_rows
from klimatpuls.mock_agencies.wire import Reply, Request, not_yet_reply, page_reply

if TYPE_CHECKING:
    from pathlib import Path

ROUTES = "routes.csv"


class RecordedAgency:
    """Answers from the recorded files of one source."""

    def __init__(self, folder: Path, as_of: date) -> None:
        self._folder, self._as_of = folder, as_of

    def answer(self, request: Request) -> Reply:
        """The recorded answer to a request."""
        routes = read_rows(self._folder / ROUTES)
        asked = request.path + (f"?{urlencode(request.query)}" if request.query else "")
        rows = [row for row in routes if row["path"] == asked]
        if routes and not rows:
            return page_reply(404, "Sidan finns inte")
        there = [
            row for row in rows if date.fromisoformat(row["available_from"] or "0001-01-01") <= self._as_of
        ]
        if not there:
            return not_yet_reply(self._folder.name)
        body = (self._folder / there[-1]["file"]).read_bytes()
        return Reply(status=200, body=body, content_type=there[-1]["content_type"])
