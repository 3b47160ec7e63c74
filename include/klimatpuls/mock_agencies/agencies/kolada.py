"""Kolada's interface, version 3, at the mock server: definitions and values of key figures, in pages.

Files of an archive: ``kolada/kpi.csv`` (id, title, publication_date: the next planned publication, as the
service has it) and ``kolada/data.csv`` (published_date, kpi, municipality, period, gender, status, value,
isdeleted). Values are there from their published date, which every answer states as the day it is known from:
the service states no such day, and whoever retrieves from it dates the answer by the day of retrieval.

Our own choices, where nobody has recorded the service: more than 25 ids in a part of the path are a 400 with
a JSON body; an unknown key figure is simply not in the answer.
"""

from __future__ import annotations

import csv
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from klimatpuls.fetch.http import MOCK_KNOWN_FROM_HEADER
from klimatpuls.mock_agencies.wire import Reply, Request, Settings, json_reply, not_yet_reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

ROUTE = "/v3"
MAX_IDS = 25
MAX_PER_PAGE = 5_000
_PARTS = {"kpi": "kpi", "municipality": "municipality", "year": "period"}


class Agency:
    """Answers from ``kolada/``."""

    def __init__(self, folder: Path, as_of: date, settings: Settings) -> None:
        self._folder, self._as_of = folder / "kolada", as_of
        self._lock = threading.Lock()
        self._data: _Values | None = None

    def answer(self, request: Request) -> Reply:
        """The answer to a question."""
        parts = [part for part in request.path.removeprefix(ROUTE).split("/") if part]
        if not request.path.startswith(f"{ROUTE}/") or request.method != "GET":
            return json_reply(404, {"error": "Not found"})
        data = self._values()
        if not data.rows:
            return not_yet_reply("kolada")
        if any(len(part.split(",")) > MAX_IDS for part in parts):
            return json_reply(400, {"error": f"at most {MAX_IDS} ids"})
        if parts[0] == "kpi" and len(parts) == 2:
            wanted = parts[1].split(",")
            return self._page(request, [_definition(row) for row in self._kpis() if row["id"] in wanted])
        if parts[0] == "data" and len(parts) in (5, 7):
            return self._page(request, data.find(dict(zip(parts[1::2], parts[2::2], strict=True))))
        return json_reply(404, {"error": "Not found"})

    def _page(self, request: Request, values: Sequence[dict[str, Any]]) -> Reply:
        size = min(int(request.query.get("per_page", MAX_PER_PAGE)), MAX_PER_PAGE)
        page = int(request.query.get("page", "1"))
        shown = values[(page - 1) * size : page * size]

        def address(number: int) -> str:
            return f"{request.base_url}{request.path}?{urlencode({'page': number, 'per_page': size})}"

        document = {
            "count": len(shown),
            "next_url": address(page + 1) if page * size < len(values) else None,
            "previous_url": address(page - 1) if page > 1 else None,
            "values": shown,
        }
        known_from = self._values().rows[0]["published_date"]
        return replace(json_reply(200, document), headers={MOCK_KNOWN_FROM_HEADER: known_from})

    def _kpis(self) -> list[dict[str, str]]:
        return _read(self._folder / "kpi.csv")

    def _values(self) -> _Values:
        with self._lock:
            if self._data is None:
                rows = _read(self._folder / "data.csv")
                days = {
                    row["published_date"] for row in rows if row["published_date"] <= self._as_of.isoformat()
                }
                self._data = _Values([row for row in rows if days and row["published_date"] == max(days)])
            return self._data


class _Values:
    """The published values in the order of the file, found by municipality: a question names 25 of 312."""

    def __init__(self, rows: Sequence[dict[str, str]]) -> None:
        self.rows = rows
        self._places: dict[str, list[int]] = {}
        for place, row in enumerate(rows):
            self._places.setdefault(row["municipality"], []).append(place)

    def find(self, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        """The entries of the ids asked for (part of the path → ids with commas between them)."""
        wanted = {_PARTS[name]: set(ids.split(",")) for name, ids in asked.items() if name in _PARTS}
        areas = wanted.pop("municipality", self._places.keys())
        places = sorted(place for area in areas for place in self._places.get(area, ()))
        entries: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        for row in map(self.rows.__getitem__, places):
            if all(row[column] in ids for column, ids in wanted.items()):
                entries.setdefault((row["kpi"], row["municipality"], row["period"]), []).append(
                    {
                        "gender": row["gender"],
                        "count": 1,
                        "status": row["status"],
                        "value": float(row["value"]) if row["value"] else None,
                        "isdeleted": row["isdeleted"] == "true",
                    }
                )
        return [
            {"kpi": kpi, "municipality": area, "period": int(period), "values": values}
            for (kpi, area, period), values in entries.items()
        ]


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _definition(row: dict[str, str]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "title": row["title"],
        "description": row["title"],
        "auspice": "X",
        "has_ou_data": False,
        "is_divided_by_gender": False,
        "municipality_type": "A",
        "operating_area": "Miljö",
        "perspective": "Övrigt",
        "publication_date": row["publication_date"],
        "prel_publication_date": None,
        "publ_period": None,
    }
