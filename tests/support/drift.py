"""Corruptions of a valid release that a gate must detect: new years, dates, impossible values."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

from klimatpuls.domain import regions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Rows = list[list[Any]]
Documents = list[Any]
NEW_YEAR = 2025
"""The year after the newest one of the synthetic data."""
FIRST_FIGURE = 4
"""Column of the first year in SMHI's sheet."""


# ------------------------------------------------------------------------------- a new year in SMHI's sheet


def new_year(change: Callable[[Rows, int], None] | None = None) -> Callable[[Rows, int], None]:
    """Add a plausible new year in which every sum holds, then corrupt it."""

    def corrupt(rows: Rows, head: int) -> None:
        rows[head - 1].append(NEW_YEAR)
        for row in rows[head + 1 :]:
            row.append(0.6 * row[-1] + 0.4 * row[-2])
        if change is not None:
            change(rows, head)

    return corrupt


def data(rows: Rows, head: int) -> Rows:
    return rows[head + 1 :]


def times(factor: float) -> Callable[[Rows, int], None]:
    """Multiply the whole new year: a wrong unit, a doubling, zero."""

    def change(rows: Rows, head: int) -> None:
        for row in data(rows, head):
            row[-1] *= factor

    return change


def like(year: int, factor: float = 1.0) -> Callable[[Rows, int], None]:
    """Copy another year of the sheet into the new one, times a factor."""

    def change(rows: Rows, head: int) -> None:
        at = rows[head - 1].index(year)
        for row in data(rows, head):
            row[-1] = row[at] * factor

    return change


def each_sector_by_its_own_factor(rows: Rows, head: int) -> None:
    """Multiply each sector by one factor, so no municipality has a change of its own."""
    names = list(dict.fromkeys(row[0] for row in data(rows, head) if row[0] != "Alla"))
    _by_sector(rows, head, lambda row: row[-2] * (0.93 + 0.02 * names.index(row[0])))


def sector(name: str, value: Callable[[list[Any]], float]) -> Callable[[Rows, int], None]:
    """Change one sector of the new year, and the totals with it."""
    return lambda rows, head: _by_sector(rows, head, lambda row: value(row) if row[0] == name else row[-1])


def _by_sector(rows: Rows, head: int, value: Callable[[list[Any]], float]) -> None:
    sums: dict[tuple[str, str], float] = {}
    for row in data(rows, head):
        if row[0] != "Alla":
            row[-1] = value(row)
            place = (row[2], row[3])
            sums[place] = sums.get(place, 0.0) + row[-1]
    for row in data(rows, head):
        if row[0] == "Alla":
            row[-1] = sums[row[2], row[3]]


def municipal(value: Callable[[list[Any]], float]) -> Callable[[Rows, int], None]:
    """Change municipalities of the new year, and their county, the nation and the totals with them."""

    def change(rows: Rows, head: int) -> None:
        gained: dict[tuple[str, str], float] = {}
        for row in data(rows, head):
            if row[3] == "Alla" or row[0] == "Alla":
                continue
            was, row[-1] = row[-1], value(row)
            for county in (row[2], "Alla"):
                key = (row[0], county)
                gained[key] = gained.get(key, 0.0) + row[-1] - was
        for row in data(rows, head):
            if row[3] == "Alla" and row[0] != "Alla":
                row[-1] += gained.get((row[0], row[2]), 0.0)
        _by_sector(rows, head, lambda row: row[-1])

    return change


def county(name: str, factor: float) -> Callable[[Rows, int], None]:
    return municipal(lambda row: row[-1] * (factor if row[2] == name else 1.0))


def many_municipalities(factor: float) -> Callable[[Rows, int], None]:
    """Multiply the first municipality by name of every county but the smallest ones."""
    first = {
        regions.region(regions.municipalities_of(code)[0]).name
        for code in regions.codes("county")
        if len(regions.municipalities_of(code)) > 6
    }
    return municipal(lambda row: row[-1] * (factor if row[3] in first else 1.0))


def swapped(one: str, other: str, columns: Iterable[int]) -> Callable[[Rows, int], None]:
    """Swap two municipalities of one county in some columns; every sum stays."""

    def change(rows: Rows, head: int) -> None:
        found = {(row[0], row[3]): row for row in data(rows, head)}
        for name in dict.fromkeys(row[0] for row in data(rows, head)):
            a, b = found[name, one], found[name, other]
            for column in columns:
                a[column], b[column] = b[column], a[column]

    return change


def shuffled(name: str) -> Callable[[Rows, int], None]:
    """Give one sector's figures to other municipalities, and the totals with them; county sums stay."""

    def change(rows: Rows, head: int) -> None:
        chosen = [row for row in data(rows, head) if row[0] == name and row[3] != "Alla"]
        by_county: dict[str, Rows] = {}
        for row in chosen:
            by_county.setdefault(row[2], []).append(row)
        for members in by_county.values():
            members.sort(key=lambda row: row[-1])
            values = [row[-1] for row in members]
            for row, figure in zip(members, reversed(values), strict=True):
                row[-1] = figure
        _by_sector(rows, head, lambda row: row[-1])

    return change


def cell(municipality: str, text: str) -> Callable[[Rows, int], None]:
    """Replace one figure of agriculture by text."""

    def change(rows: Rows, head: int) -> None:
        row = next(row for row in data(rows, head) if row[0] == "Jordbruk" and row[3] == municipality)
        row[FIRST_FIGURE] = text

    return change


def dated(day: str) -> Callable[[Rows, int], None]:
    """Change the publisher's date."""

    def change(rows: Rows, _: int) -> None:
        rows[0][1] = f"Länsrapport, {day}"

    return change


# ------------------------------------------------------------------------------------------- SCB's documents


def scb_year(make: Callable[[float, str], float | None], year: int = NEW_YEAR) -> Callable[[Documents], None]:
    """Add a year to a table, calculated from each cell's newest value and the code of its region."""

    def corrupt(documents: Documents) -> None:
        document = documents[0]
        width = document["size"][-1]
        per_region = math.prod(document["size"][1:-1])
        codes = _regions(document)
        values, wide = document["value"], []
        for at in range(len(values) // width):
            known = values[at * width : (at + 1) * width]
            newest = known[-1]
            code = codes[at // per_region] if codes else "00"
            wide += [*known, None if newest is None else make(newest, code)]
        document["value"] = wide
        if isinstance(document.get("status"), dict):
            old = {int(at): mark for at, mark in document["status"].items()}
            document["status"] = {str(at // width * (width + 1) + at % width): m for at, m in old.items()} | {
                str((at // width + 1) * (width + 1) - 1): m
                for at, m in old.items()
                if at % width == width - 1
            }
        document["size"][-1] = width + 1
        category = document["dimension"]["Tid"]["category"]
        category["index"][str(year)] = width
        category["label"][str(year)] = str(year)

    return corrupt


def _regions(document: dict[str, Any]) -> list[str]:
    index = document["dimension"].get("Region", {}).get("category", {}).get("index", {})
    return sorted(index, key=index.__getitem__)


def grown(value: float, code: str) -> float:
    """A plausible value of the next year, different per area; a count stays whole."""
    step = value * (1 + 0.015 * math.sin(int(code) * 1.7))
    return round(step) if isinstance(value, int) else step


def scb_times(factor: float, of: str = "") -> Callable[[float, str], float]:
    """The plausible next year, times a factor in the areas whose code has a prefix."""

    def make(value: float, code: str) -> float:
        step = grown(value, code) * (factor if code.startswith(of) else 1)
        return round(step) if isinstance(value, int) else step

    return make


def scb_value(value: object) -> Callable[[Documents], None]:
    """Put an impossible value into one cell of the last area."""

    def corrupt(documents: Documents) -> None:
        documents[0]["value"][-1] = value

    return corrupt


def scb_nulls(every: int, symbol: str = "") -> Callable[[Documents], None]:
    """Empty every n-th cell, with the publisher's symbol if one is given."""

    def corrupt(documents: Documents) -> None:
        document = documents[0]
        gone = range(0, len(document["value"]), every)
        for at in gone:
            document["value"][at] = None
        if symbol:
            document["status"] = {**document.get("status", {}), **{str(at): symbol for at in gone}}

    return corrupt


def scb_dated(day: str) -> Callable[[Documents], None]:
    def corrupt(documents: Documents) -> None:
        documents[0]["updated"] = f"{day}T06:00:00Z"

    return corrupt


def scb_without_last_year(documents: Documents) -> None:
    document = documents[0]
    width = document["size"][-1]
    document["size"][-1] = width - 1
    document["value"] = [value for at, value in enumerate(document["value"]) if at % width < width - 1]
    category = document["dimension"]["Tid"]["category"]
    last = max(category["index"], key=category["index"].__getitem__)
    del category["index"][last], category["label"][last]


def scb_swapped(one: str, other: str) -> Callable[[Documents], None]:
    """Swap the codes of two areas."""

    def corrupt(documents: Documents) -> None:
        index = documents[0]["dimension"]["Region"]["category"]["index"]
        index[one], index[other] = index[other], index[one]

    return corrupt


# --------------------------------------------------------------------------- Trafikanalys, Kolada, the grants


def trafa_year(factor: float) -> Callable[[Documents], None]:
    """Copy the newest year into the year after it, every count times a factor."""

    def corrupt(documents: Documents) -> None:
        pages = [page for page in documents if page.get("Rows")]
        newest = max(_cells(row)["ar"]["Value"] for page in pages for row in page["Rows"])
        for page in pages:
            added = [copy.deepcopy(row) for row in page["Rows"] if _cells(row)["ar"]["Value"] == newest]
            for row in added:
                cells = _cells(row)
                cells["ar"]["Value"] = str(int(newest) + 1)
                cells["ar"]["Name"] = str(int(newest) + 1)
                for name in ("itrfslut", "nyregunder"):
                    if cells[name]["Value"].isdecimal():
                        cells[name]["Value"] = str(round(int(cells[name]["Value"]) * factor))
            page["Rows"] += added

    return corrupt


def _cells(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {cell["Column"]: cell for cell in row["Cell"]}


def trafa_count(value: str, row: int) -> Callable[[Documents], None]:
    """Put an impossible value into one count; use another row each time, or the content would be known."""

    def corrupt(documents: Documents) -> None:
        counted = [
            cells
            for answer in documents[1:]
            for cells in map(_cells, answer["Rows"])
            if len(cells["regkom"]["Name"]) == 4 and cells["itrfslut"]["Value"].isdecimal()
        ]
        counted[row]["itrfslut"]["Value"] = value

    return corrupt


def kolada_year(factor: float) -> Callable[[Documents], None]:
    """Copy the newest year of every key figure into the year after it, every value times a factor."""

    def corrupt(documents: Documents) -> None:
        pages = documents[3:]
        newest = max(entry["period"] for page in pages for entry in page["values"])
        for page in pages:
            added = [copy.deepcopy(entry) for entry in page["values"] if entry["period"] == newest]
            for entry in added:
                entry["period"] = newest + 1
                for value in entry["values"]:
                    value["value"] = None if value["value"] is None else value["value"] * factor
            page["values"] += added
            page["count"] += len(added)

    return corrupt


def kolada_value(value: float, row: int) -> Callable[[Documents], None]:
    """Put an impossible figure into one value; use another row each time, or the content would be known."""

    def corrupt(documents: Documents) -> None:
        documents[3]["values"][row]["values"][0]["value"] = value

    return corrupt
