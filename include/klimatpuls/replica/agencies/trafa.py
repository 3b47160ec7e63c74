"""Trafikanalys' interface at the replica: the structure of a product and its figures.

File of an archive: ``trafa/vehicles.csv`` (published_date, year, region_code, fuel, itrfslut, nyregunder;
codes of the product t10026). Our own choices, where nobody has recorded the service: how deep the structure
lists its values, and the words of an error, which comes with status 200 as at the service.
"""

from __future__ import annotations

import csv
import threading
from typing import TYPE_CHECKING, Any

from klimatpuls.regions import regions
from klimatpuls.replica.wire import Reply, Request, Settings, json_reply, not_yet_reply

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

PRODUCT = "t10026"
MEASURES = {"itrfslut": "Antal i trafik", "nyregunder": "Antal nyregistreringar"}
FUELS = {
    "101": "Bensin",
    "102": "Diesel",
    "103": "El",
    "104": "Elhybrid",
    "105": "Laddhybrid",
    "106": "Etanol/etanol flexifuel",
    "107": "Gas/gas flexifuel",
    "108": "Övriga",
    "t1": "Totalt",
}


class Agency:
    """Answers from ``trafa/vehicles.csv``."""

    def __init__(self, folder: Path, as_of: date, settings: Settings) -> None:
        self._path, self._as_of = folder / "trafa" / "vehicles.csv", as_of
        self._lock = threading.Lock()
        self._rows: list[dict[str, str]] | None = None

    def answer(self, request: Request) -> Reply:
        """The answer to a question."""
        rows = self._read()
        product, *asked = request.query.get("query", "").split("|")
        if request.method != "GET" or request.path not in ("/api/structure", "/api/data"):
            return json_reply(404, {"Message": "Not found"})
        if not rows:
            return not_yet_reply(PRODUCT)
        if product != PRODUCT:
            return json_reply(200, {"Rows": [], "Errors": [f"Okänd produkt: {product}"]})
        if request.path == "/api/structure":
            return json_reply(200, _structure(rows))
        return json_reply(200, _data(rows, asked))

    def _read(self) -> list[dict[str, str]]:
        with self._lock:
            if self._rows is None:
                self._rows = []
                if self._path.exists():
                    with self._path.open(encoding="utf-8", newline="") as file:
                        day = self._as_of.isoformat()
                        self._rows = [row for row in csv.DictReader(file) if row["published_date"] <= day]
            return self._rows


def _item(
    name: str, label: str, kind: str, active: str, items: Iterable[dict[str, Any]] = ()
) -> dict[str, Any]:
    return {"Name": name, "Label": label, "Type": kind, "ActiveFrom": active, "StructureItems": list(items)}


def _structure(rows: Iterable[dict[str, str]]) -> dict[str, Any]:
    rows = list(rows)
    active = f"{max(row['published_date'] for row in rows)}T09:00:00"
    years = sorted({row["year"] for row in rows})
    places = {code: region.name for code, region in regions().items() if region.level == "municipality"}
    dimensions = [
        _item("ar", "År", "D", active, [_item(year, year, "DV", active) for year in years]),
        _item("regkom", "Kommun", "D", active, [_item(*place, "DV", active) for place in places.items()]),
        _item("drivmedel", "Drivmedel", "D", active, [_item(*fuel, "DV", active) for fuel in FUELS.items()]),
    ]
    product = _item(PRODUCT, "Personbilar", "P", active, dimensions)
    return {"DataCount": 0, "ValidatedRequestType": "structure", "StructureItems": [product], "Errors": None}


def _data(rows: Iterable[dict[str, str]], asked: Iterable[str]) -> dict[str, Any]:
    filters = {
        name: values.split(",") for name, _, values in (part.partition(":") for part in asked) if values
    }
    measures = [part for part in asked if part in MEASURES]
    columns = {"ar": "year", "regkom": "region_code", "drivmedel": "fuel"}
    found = (
        []
        if not filters
        else [row for row in rows if all(row[columns[name]] in values for name, values in filters.items())]
    )
    labels = {"drivmedel": FUELS, "regkom": {code: region.name for code, region in regions().items()}}
    return {
        "Header": {"Column": [{"Name": name, "Value": name, "Type": "D"} for name in (*columns, *measures)]},
        "Rows": [
            {
                "Cell": [
                    *(
                        {
                            "Column": name,
                            "Value": row[column],
                            "FormattedValue": labels.get(name, {}).get(row[column], row[column]),
                        }
                        for name, column in columns.items()
                    ),
                    *(
                        {
                            "Column": name,
                            "Value": row[name],
                            "FormattedValue": f"{int(row[name]):,}".replace(",", "\u00a0"),
                        }
                        for name in measures
                    ),
                ]
            }
            for row in found
        ],
        "Name": "Personbilar",
        "Errors": None,
    }
