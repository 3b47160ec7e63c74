"""Trafikanalys' interface at the mock server: the structure of its products and the figures of one.

File of an archive: ``trafa/vehicles.csv`` (published_date, year, region_code, fuel, itrfslut, nyregunder;
codes of the product t10026, one line per municipality).

As at the service:

- In a cell of a variable ``Name`` is the code and ``Value`` the label. In a cell of a measure ``Value`` is
  the number as text, or ``-`` for zero.
- A municipality has rows only if the request names its county too.
- Totals (``t1``) are among the rows; a row of zeros is left out.
- The web server refuses a request of more than 2 048 characters (404.15) before the service sees it.
- Errors come with status 200.
- The answer states from when it is in force, and the structure lists other products too.

Guesses, where nobody recorded the service: how deep the structure lists its values, and the words of errors.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from klimatpuls.domain.regions import region, regions
from klimatpuls.mock_agencies.csv_files import read_rows
from klimatpuls.mock_agencies.wire import Reply, Request, Settings, json_reply, not_yet_reply, page_reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

PRODUCT: Final = "t10026"
MAX_QUESTION: Final = 2_048
"""Most characters of an encoded request that IIS accepts."""
MEASURES: Final = {"itrfslut": "Antal i trafik", "nyregunder": "Antal nyregistreringar"}
VARIABLES: Final = {"ar": "År", "reglan": "Län", "regkom": "Kommun", "drivmedel": "Drivmedel"}
TOTAL: Final = "t1"
FUELS: Final = {
    "101": "Bensin",
    "102": "Diesel",
    "103": "El",
    "104": "Elhybrid",
    "105": "Laddhybrid",
    "106": "Etanol/etanol flexifuel",
    "107": "Gas/gas flexifuel",
    "109": "Övriga",
    TOTAL: "Totalt",
}
_Counts = dict[tuple[str, str, str, str], list[int]]
"""(year, county, municipality, fuel) → number by measure; ``t1`` where a place is a total."""


@dataclass(frozen=True)
class _Figures:
    """The figures of the archive as of the day, with all totals."""

    published: str
    counts: _Counts

    @property
    def years(self) -> list[str]:
        """Ascending."""
        return sorted({year for year, *_ in self.counts})


class Agency:
    """Answers from ``trafa/vehicles.csv``."""

    def __init__(self, folder: Path, as_of: date, settings: Settings) -> None:
        rows = read_rows(folder / "trafa" / "vehicles.csv")
        rows = [row for row in rows if row["published_date"] <= as_of.isoformat()]
        published = max((row["published_date"] for row in rows), default="")
        self._figures = _Figures(published, _with_totals(rows))
        self._notes = {"1": settings.mark} if settings.mark else {}

    def answer(self, request: Request) -> Reply:
        """The answer to a request."""
        if len(urlencode(request.query)) > MAX_QUESTION:
            return page_reply(404, "IIS 404.15 - Query String Too Long")
        if request.method != "GET" or request.path not in ("/api/structure", "/api/data"):
            return json_reply(404, {"Message": "Not found"})
        figures = self._figures
        if not figures.counts:
            return not_yet_reply(PRODUCT)
        product, *asked = request.query.get("query", "").split("|")
        if product != PRODUCT:
            return json_reply(200, {"Rows": None, "Errors": [f"Okänd produkt: {product}"]})
        if request.path == "/api/structure":
            return json_reply(200, {**_structure(figures), **({"Notes": self._notes} if self._notes else {})})
        return json_reply(200, {**_data(figures, asked), "Notes": self._notes})


def _with_totals(rows: Iterable[Mapping[str, str]]) -> _Counts:
    counts: _Counts = defaultdict(lambda: [0] * len(MEASURES))
    for row in rows:
        place = row["region_code"]
        for area in ((place[:2], place), (place[:2], TOTAL), (TOTAL, TOTAL)):
            figures = counts[row["year"], *area, row["fuel"]]
            for at, measure in enumerate(MEASURES):
                figures[at] += int(row[measure])
    return dict(counts)


def _item(
    name: str, label: str, kind: str, active: str, items: Iterable[dict[str, Any]] = ()
) -> dict[str, Any]:
    return {
        "UniqueId": name.upper(),
        "Name": name,
        "Label": label,
        "Type": kind,
        "ActiveFrom": active,
        "StructureItems": list(items),
    }


def _structure(figures: _Figures) -> dict[str, Any]:
    active = f"{figures.published}T08:00:00"
    listed = {
        "ar": {year: year for year in figures.years},
        "reglan": {code: one.name for code, one in regions().items() if one.level == "county"},
        "regkom": {code: one.name for code, one in regions().items() if one.level == "municipality"},
        "drivmedel": FUELS,
    }
    variables = [
        _item(name, label, "D", active, [_item(*value, "DV", active) for value in listed[name].items()])
        for name, label in VARIABLES.items()
    ]
    measures = [_item(*measure, "M", active) for measure in MEASURES.items()]
    products = [
        _item("t10016", "Personbilar", "P", "2022-05-10T14:00:00"),
        _item(PRODUCT, "Personbilar", "P", active, [*variables, *measures]),
        _item("t0604", "Körsträckor", "P", f"{int(figures.published[:4]) + 1}-06-01T08:00:00"),
    ]
    return {
        "DataCount": 0,
        "ValidatedRequestType": "structure",
        "StructureItems": products,
        "Errors": None,
    }


def _data(figures: _Figures, asked: Sequence[str]) -> dict[str, Any]:
    filters = {name: set(values.split(",")) - {""} for name, _, values in (a.partition(":") for a in asked)}
    measures = [name for name in MEASURES if name in filters]
    variables = [name for name in VARIABLES if name in filters]
    rows = []
    if any(filters.values()) and not ("regkom" in filters and "reglan" not in filters):
        newest = figures.years[-1]
        for (year, county, place, fuel), counts in figures.counts.items():
            value = {"ar": year, "reglan": county, "regkom": place, "drivmedel": fuel}
            numbers = [counts[list(MEASURES).index(name)] for name in measures]
            if any(numbers) and _is_asked(value, filters, newest):
                cells = [_cell(name, value[name], _label(name, value[name])) for name in variables]
                cells += [_figure(*figure) for figure in zip(measures, numbers, strict=True)]
                rows.append({"IsTotal": TOTAL in value.values(), "Cell": cells})
    return {
        "Header": {"Column": [_column(name) for name in (*variables, *measures)], "Description": None},
        "Rows": rows,
        "Errors": None,
        "Name": "Personbilar",
        "OriginalName": PRODUCT.upper(),
        "Notes": {},
        "NextPublishDate": f"{int(figures.published[:4]) + 1}{figures.published[4:]}T08:00:00",
        "ActiveFrom": f"{figures.published}T08:00:00",
        "ValidatedRequestType": "data",
        "StructureItems": [],
    }


def _is_asked(value: Mapping[str, str], filters: Mapping[str, set[str]], newest: str) -> bool:
    """Whether a row is in the answer: variables that were not asked for are at their totals."""
    for name, code in value.items():
        wanted = {newest if one == "senaste" else one for one in filters.get(name, set())}
        if name not in filters:
            if code != TOTAL:
                return False
        elif wanted and code not in wanted:
            return False
    return True


def _label(name: str, code: str) -> str:
    if code == TOTAL:
        return "Totalt"
    if name in ("reglan", "regkom"):
        return region(code).name
    return FUELS.get(code, "Övriga") if name == "drivmedel" else code


def _figure(name: str, number: int) -> dict[str, Any]:
    text = str(number) if number else "-"
    return {**_cell(name, name, text), "IsMeasure": True,
            "FormattedValue": f"{number:,}".replace(",", "\u00a0") if number else "-"}  # fmt: skip


def _cell(column: str, name: str, value: str) -> dict[str, Any]:
    return {
        "Column": column,
        "Name": name,
        "Value": value,
        "FormattedValue": value,
        "IsMeasure": False,
        "Description": "",
        "Level": "1",
        "NoteIds": [],
        "Versions": [],
    }


def _column(name: str) -> dict[str, Any]:
    is_measure = name in MEASURES
    return {
        "Name": name,
        "Value": MEASURES[name] if is_measure else VARIABLES[name],
        "Type": "M" if is_measure else "D",
        "DataType": "String" if is_measure or name == "drivmedel" else "Time" if name == "ar" else "Region",
        "Filters": None,
        "Unit": "st" if is_measure else None,
        "Description": "",
        "UniqueId": f"{PRODUCT}_{name}".upper(),
    }
