"""Kolada's interface, version 3, at the mock server: definitions and values of key figures, in pages.

Files of an archive: ``kolada/kpi.csv`` (id, title, publication_date: the next planned publication, as the
service has it) and ``kolada/data.csv`` (published_date, kpi, municipality, period, gender, status, value,
isdeleted). Values are served from their published date on. Every answer states that date in a header of the
mock server; the real service states none, so its answers are dated by the day of retrieval.

Guesses, where nobody recorded the service: more than 25 ids in a part of the path are a 400 with a JSON body;
an unknown key figure is left out of the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from klimatpuls.fetch.http import MOCK_KNOWN_FROM_HEADER
from klimatpuls.mock_agencies.csv_files import read_rows
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
        self._kpi_file = folder / "kolada" / "kpi.csv"
        rows = read_rows(folder / "kolada" / "data.csv")
        days = {row["published_date"] for row in rows if row["published_date"] <= as_of.isoformat()}
        self._known_from = max(days, default="")
        self._values = _Values([row for row in rows if row["published_date"] == self._known_from])

    def answer(self, request: Request) -> Reply:
        """The answer to a request."""
        parts = [part for part in request.path.removeprefix(ROUTE).split("/") if part]
        if not request.path.startswith(f"{ROUTE}/") or request.method != "GET":
            return json_reply(404, {"error": "Not found"})
        if not self._values.rows:
            return not_yet_reply("kolada")
        if any(len(part.split(",")) > MAX_IDS for part in parts):
            return json_reply(400, {"error": f"at most {MAX_IDS} ids"})
        if parts[0] == "kpi" and len(parts) == 2:
            wanted = parts[1].split(",")
            return self._page(
                request, [_definition(row) for row in read_rows(self._kpi_file) if row["id"] in wanted]
            )
        if parts[0] == "data" and len(parts) in (5, 7):
            return self._page(request, self._values.find(dict(zip(parts[1::2], parts[2::2], strict=True))))
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
        return json_reply(200, document, {MOCK_KNOWN_FROM_HEADER: self._known_from})


class _Values:
    """The published values in the order of the file, indexed by municipality: a request names 25 of 312."""

    def __init__(self, rows: Sequence[dict[str, str]]) -> None:
        self.rows = rows
        self._places: dict[str, list[int]] = {}
        for place, row in enumerate(rows):
            self._places.setdefault(row["municipality"], []).append(place)

    def find(self, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        """The entries of the requested ids (part of the path → ids with commas between them)."""
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
