"""SCB's PxWebApi 2 at the mock server, over HTTP: ``/api/v2/config``, ``/tables`` and what lies below them.

:mod:`klimatpuls.mock_agencies.scb` makes the documents. A caller that calls too often gets 429, as at the
agency; ``/config`` is exempt.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from klimatpuls.fetch.http import MOCK_NOT_YET_HEADER
from klimatpuls.mock_agencies import scb
from klimatpuls.mock_agencies.scb_tables import build_tables
from klimatpuls.mock_agencies.wire import (
    CallWindow,
    Reply,
    Request,
    Settings,
    json_reply,
    page_reply,
    too_many_reply,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

ROUTE = "/api/v2"
MAX_PAGE_SIZE = 10_000
_PROBLEM = "application/problem+json"


class Agency:
    """Answers from ``scb/``."""

    def __init__(self, folder: Path, as_of: date, settings: Settings) -> None:
        self._settings = settings
        self._window = CallWindow(settings.calls, settings.window_seconds)
        self._tables = build_tables(folder, as_of)

    def answer(self, request: Request) -> Reply:
        """The answer to a request."""
        if not request.path.startswith(ROUTE):
            return page_reply(404, "Sidan finns inte")
        parts = [part for part in request.path.removeprefix(ROUTE).split("/") if part]
        if parts == ["config"]:
            return json_reply(200, scb.config_document(self._settings))
        wait = self._window.refusal()
        if wait is not None:
            return too_many_reply(wait)
        try:
            return json_reply(200, self._document(parts, request))
        except scb.ProblemError as problem:
            return json_reply(problem.status, problem.document, content_type=_PROBLEM)
        except scb.EmptyTableError as table:
            document = scb.ProblemError(404, "Non-existent table").document
            return json_reply(404, document, {MOCK_NOT_YET_HEADER: str(table)}, content_type=_PROBLEM)

    def _document(self, parts: Sequence[str], request: Request) -> dict[str, Any]:
        if parts == ["tables"]:
            return scb.tables_document(
                list(self._tables.values()),
                request.base_url + ROUTE,
                query=request.query.get("query", ""),
                page=_positive(request.query, "pageNumber", 1),
                page_size=min(_positive(request.query, "pageSize", 20), MAX_PAGE_SIZE),
            )
        if not 2 <= len(parts) <= 3 or parts[0] != "tables" or parts[1] not in self._tables:
            raise scb.ProblemError(404, "Non-existent table")
        table = self._tables[parts[1]]
        kind = "".join(parts[2:])
        if request.method == "POST" and kind != "data":
            raise scb.ProblemError(405, "Method not allowed")
        if kind == "":
            return scb.table_document(table, request.base_url + ROUTE)
        if kind == "metadata":
            return self._marked(scb.metadata_document(table))
        if kind == "data":
            return self._marked(
                scb.data_document(table, _selection(request), max_cells=self._settings.max_cells)
            )
        raise scb.ProblemError(404, "Non-existent resource")

    def _marked(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the document, with the synthetic mark in the name of its source."""
        mark = self._settings.mark
        return {**document, "source": f"{document['source']}, {mark}"} if mark else document


def _selection(request: Request) -> dict[str, list[str]]:
    if request.query.get("outputFormat", "json-stat2").lower() != "json-stat2":
        raise scb.ProblemError(400, "Unsupported output format")
    if request.method == "GET":
        return scb.read_query(request.query)
    if not request.body:
        return {}
    try:
        document = json.loads(request.body)
    except ValueError:
        raise scb.ProblemError(400, "Illegal selection expression", "the body is no JSON") from None
    return scb.read_question(document)


def _positive(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise scb.ProblemError(400, f"Illegal {name}")
    return int(text)
