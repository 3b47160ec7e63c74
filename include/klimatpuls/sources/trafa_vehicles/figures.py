"""Reads answers of Trafikanalys' interface: which cell is which, and what a missing figure means. No network.

In a cell of a variable ``Name`` is the code and ``Value`` the label; in a cell of a measure ``Value`` is the
number as text or ``-`` (the interface's own description). Both ways round are read.

A figure may be ``-``, and a cell or a whole row that is zero may be left out. Neither is taken for zero on
trust. It is zero where a total proves it: the municipality's own total over all fuels equals the sum of its
other fuels, or the county's total of the fuel equals the sum of its other municipalities. Else there is no
figure, and the reject says so. So no sum is ever wrong, and none is invented.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.contract.releases import EXPECTED
from klimatpuls.domain.regions import (
    UnknownRegionError,
    code_for,
    municipalities_of,
    plain_name,
    region,
    regions,
)
from klimatpuls.sources.trafa_vehicles.answers import (
    DASHES,
    FIRST_YEAR,
    FUEL_CODES,
    FUEL_WORDS,
    MEASURES,
    TOTAL,
    VARIABLES,
    WHAT_TO_DO,
    cells_of,
    count_of,
    day_of,
    document,
    product_of,
    refuse,
    rows_of,
    text_of,
    values_of,
    why_no_count,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


_NEEDED: Final = frozenset({"ar", "regkom", "drivmedel"})
_IS_CODE: Final = {
    "ar": re.compile(r"\d{4}"),
    "reglan": re.compile(r"\d{2}|aa|t\d"),
    "regkom": re.compile(r"\d{4}|\d{0,2}aa|t\d"),
    "drivmedel": re.compile(r"\d{3}|t\d"),
}
_TOTAL_CODE = re.compile(r"t\d")
_TOTAL_LABEL = re.compile("total|samtliga|alla")
_Row = tuple[str, str, str, str, int, int, int]
_Key = tuple[int, str, str, str, str]
"""Year, county, area, code of a fuel, measure."""
_Reject = tuple[int, str, str, str]


@dataclass(frozen=True)
class Read:
    """What some answers say.

    Attributes:
        rows: region, vehicle, fuel, measure, year, count, place.
        rejects: Cells that are no figure.
        published: The day that dates the release.
        notes: What an operator should know.
        losses: Those of the notes that tell of a part that is missing.
    """

    rows: list[_Row]
    rejects: list[_Reject]
    published: date
    notes: tuple[str, ...]
    losses: tuple[str, ...]


def read_figures(parts: Sequence[bytes]) -> Read:
    """The figures of the municipalities in some answers.

    Args:
        parts: The structure and the answers; an answer alone is read too.

    Raises:
        SourceFormatError: if an answer is an error, lacks a variable, gives a municipality another's name or
            a cell two figures.
    """
    documents = [document(part) for part in parts]
    answers = [one for one in documents if "Rows" in one]
    structure = next((one for one in documents if "Rows" not in one), {})
    reading = _Reading(labels=values_of(structure)["drivmedel"])
    for answer in answers:
        for row in rows_of(answer):
            reading.take(row)
    if not reading.counts and reading.partial:
        refuse("columns", f"nobody knows {', '.join(sorted(reading.partial))}, of which no row is the total")
    rows = list(reading.finished())
    published, notes = _published(structure, answers, max((row[4] for row in rows), default=FIRST_YEAR))
    said = (*reading.losses, *reading.notes(), *notes, *_next_expected(answers))
    return Read(rows, reading.rejects, published, said, tuple(reading.losses))


def _published(
    structure: Mapping[str, Any], answers: Sequence[Mapping[str, Any]], last_year: int
) -> tuple[date, list[str]]:
    """The day the answers are in force from, by their own word; with a note where they do not say it.

    A day that is not after the last year of the figures cannot be the day they came: it is passed over.
    """
    own = max((day for answer in answers if (day := day_of(answer, "ActiveFrom"))), default=None)
    if own is not None and own.year > last_year:
        return own, []
    product = product_of(structure)
    told = day_of(product, "ActiveFrom") if product else None
    if told is not None and told.year > last_year:
        return told, [f"the answers state no day they came (ActiveFrom: {own}); the structure's was taken"]
    return date(last_year, 12, 31), [
        f"no day later than {last_year} is stated (ActiveFrom: {own}); dated by the end of that year"
    ]


def _next_expected(answers: Iterable[Mapping[str, Any]]) -> list[str]:
    days = [day for answer in answers if (day := day_of(answer, "NextPublishDate"))]
    return [f"Trafikanalys expects to publish next on {max(days)}"] if days else []


@dataclass
class _Reading:
    """Cells taken so far, by what they are about."""

    labels: dict[str, str]
    counts: dict[tuple[int, str, str], dict[tuple[str, str], int]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """(year, county, area or ``t1``) → (fuel code, measure) → count; only numbers."""
    places: dict[_Key, int] = field(default_factory=dict)
    """Where each cell of a municipality stands."""
    refused: set[_Key] = field(default_factory=set)
    """Cells that have a reject of their own already."""
    first_place: dict[tuple[int, str], int] = field(default_factory=dict)
    fuels: dict[str, str | None] = field(default_factory=dict)
    """Code of a fuel → ours; None where nobody knows it."""
    partial: set[str] = field(default_factory=set)
    rejects: list[_Reject] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)
    place: int = 0

    def notes(self) -> Iterator[str]:
        """One sentence each."""
        yield from (f"{what} ({count} times)" for what, count in self.met.items())

    def take(self, row: object) -> None:
        """Take the cells of a row, or leave the row out and count why."""
        cells = self._cells(row)
        codes = self._codes(cells)
        year, area, fuel = int(codes["ar"]), codes["regkom"], codes["drivmedel"]
        if year < FIRST_YEAR:
            self.met[f"a row of a year before {FIRST_YEAR} was left out"] += 1
            return
        county = codes.get("reglan") or (area[:2] if area in regions() else "")
        why_not = self._why_not(cells, county, area)
        self._know(fuel, self._label("drivmedel", cells["drivmedel"]) or self.labels.get(fuel, ""))
        for measure in MEASURES:
            if measure in cells:
                self._take_figure((year, county, area, fuel, measure), cells[measure], why_not)
                self.place += 1

    def _cells(self, row: object) -> dict[str, dict[str, Any]]:
        """Column → cell of a row whose other variables are at their total."""
        cells = {str(cell.get("Column", "")): cell for cell in cells_of(row)}
        strange = sorted(cells.keys() - {*VARIABLES, *MEASURES})
        if missing := sorted(_NEEDED - cells.keys()):
            refuse("columns", f"columns missing: {missing}; nobody knows: {strange or 'none'}")
        for column in strange:
            self.met[f"the column {column!r} was not asked for and was passed over"] += 1
        return cells

    def _codes(self, cells: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        codes = {column: self._code(column, cells[column]) for column in VARIABLES if column in cells}
        if not _IS_CODE["ar"].fullmatch(codes["ar"]):
            refuse("not_a_year", f"expected a year, found {codes['ar']!r}")
        return codes

    def _code(self, column: str, cell: Mapping[str, Any]) -> str:
        """The code of a variable's value: what looks like one, else ``Name``."""
        name, value = text_of(cell.get("Name")).casefold(), text_of(cell.get("Value")).casefold()
        if not _IS_CODE[column].fullmatch(name) and _IS_CODE[column].fullmatch(value):
            self.met[f"the code of {column} stands in Value, not in Name"] += 1
            return value
        return name or value

    def _label(self, column: str, cell: Mapping[str, Any]) -> str:
        code = self._code_silently(column, cell)
        texts = (text_of(cell.get(key)) for key in ("Value", "Name", "FormattedValue"))
        return next((text for text in texts if text and text.casefold() != code), "")

    @staticmethod
    def _code_silently(column: str, cell: Mapping[str, Any]) -> str:
        name, value = text_of(cell.get("Name")).casefold(), text_of(cell.get("Value")).casefold()
        is_swapped = not _IS_CODE[column].fullmatch(name) and _IS_CODE[column].fullmatch(value)
        return value if is_swapped else name or value

    def _why_not(self, cells: Mapping[str, Mapping[str, Any]], county: str, area: str) -> str:
        """Why a row is about no municipality; an empty text where it is about one.

        Raises:
            SourceFormatError: if a municipality has another's name, or another county.
        """
        for column in sorted(cells.keys() - {*VARIABLES, *MEASURES}):
            cell = cells[column]
            if not cell.get("IsMeasure") and not self._is_total(cell):
                self.partial.add(column)
                return f"{EXPECTED}a part by {column}"
        if _TOTAL_CODE.fullmatch(area):
            self.met[f"the total of a county ({area}) is no municipality and was left out"] += 1
            return _no_municipality(area)
        known = regions().get(area)
        if known is None or known.level != "municipality":
            self.met[f"{area!r} is no municipality and was left out"] += 1
            return _no_municipality(area)
        if county != known.county_code:
            if county in regions():
                refuse("region", f"{area} {known.name} stands in county {county}")
            self.met[f"the county {county!r} is none and was left out"] += 1
            return f"{EXPECTED}no county ({county})"
        self._check_name(area, self._label("regkom", cells["regkom"]))
        return ""

    @staticmethod
    def _is_total(cell: Mapping[str, Any]) -> bool:
        texts = [text_of(cell.get(key)).casefold() for key in ("Name", "Value", "FormattedValue")]
        return any(_TOTAL_CODE.fullmatch(text) or _TOTAL_LABEL.match(text) for text in texts)

    def _check_name(self, code: str, label: str) -> None:
        if not label or plain_name(label) == plain_name(region(code).name):
            return
        try:
            named = code_for(label)
        except UnknownRegionError:
            self.met[f"{code} {region(code).name} is called {label!r}"] += 1
            return
        if named != code:
            refuse("region", f"code {code} is called {label!r}, which is {named}")

    def _know(self, code: str, label: str) -> None:
        """Decide once what a fuel's code stands for: its label says so, else the code where they agree."""
        if code in self.fuels:
            return
        by_word = FUEL_WORDS.get(plain_name(label))
        by_code, must_say = FUEL_CODES.get(code, (None, None))
        if by_word is not None:
            if by_code != by_word:
                self.met[f"the fuel code {code} is called {label!r}, and was read as {by_word}"] += 1
            found: str | None = by_word
        elif by_code is not None and must_say is not None and (
            not label or must_say.search(plain_name(label))
        ):  # fmt: skip
            found = by_code
            if label:
                self.met[f"the label {label!r} of fuel code {code} is new; it was read as {by_code}"] += 1
        else:
            found = None
            self.losses.append(
                f"nobody knows the fuel {code} ({label or 'no label'}): it is in the totals only. "
                f"{WHAT_TO_DO}"
            )
        for other, fuel in self.fuels.items():
            if found is not None and fuel == found:
                self.losses.append(
                    f"the fuel codes {other} and {code} are both {found}: in the totals only. {WHAT_TO_DO}"
                )
                self.fuels[other] = found = None
        self.fuels[code] = found

    def _take_figure(self, key: _Key, cell: Mapping[str, Any], why_not: str) -> None:
        year, county, area, fuel, measure = key
        text, count = self._figure(cell)
        reason = why_not
        if not why_not:
            self.first_place.setdefault((year, area), self.place)
            self.places[key] = self.place
            self._keep(key, count)
            if count is None and text and text not in DASHES:
                reason = why_no_count(text)
                self.refused.add(key)
        elif _TOTAL_CODE.fullmatch(area) and county in regions() and why_not == _no_municipality(area):
            self._keep((year, county, TOTAL, fuel, measure), count)
        if reason:
            self.rejects.append((self.place, f"{area} {fuel} {year} {measure}", text, reason))

    def _keep(self, key: _Key, count: int | None) -> None:
        year, county, area, fuel, measure = key
        figures = self.counts[year, county, area]
        if count is not None and figures.setdefault((fuel, measure), count) != count:
            had = figures[fuel, measure]
            refuse("key_twice", f"cells that come twice: {area} {fuel} {year} {measure} is {had} and {count}")

    def _figure(self, cell: Mapping[str, Any]) -> tuple[str, int | None]:
        """A measure's text and whole number; ``FormattedValue`` is read where ``Value`` is missing."""
        text = text_of(cell.get("Value"))
        if not text:
            text = text_of(cell.get("FormattedValue"))
            if text:
                self.met["a figure stands in FormattedValue alone"] += 1
        return text, count_of(text)

    # --------------------------------------------------------------------------- what a missing figure means

    def finished(self) -> Iterator[_Row]:
        """One row per figure; every figure that is not there is proven zero, or a reject."""
        for measure in MEASURES:
            if any(measure == found for figures in self.counts.values() for _, found in figures):
                for year, county, area in list(self.counts):
                    if area != TOTAL:
                        yield from self._area((year, county, area), measure)
            else:
                self.losses.append(
                    f"no figure of {measure} came; the other measure was read. What to do: see whether the "
                    "measure has another name at https://www.trafa.se, then change MEASURES in "
                    "klimatpuls/trafa_answers.py"
                )

    def _area(self, about: tuple[int, str, str], measure: str) -> Iterator[_Row]:
        """The rows of one municipality, year and measure."""
        year, _, area = about
        figures = self.counts[about]
        for code, fuel in self.fuels.items():
            key = (*about, code, measure)
            place = self.places.get(key, self.first_place[year, area])
            count = figures.get((code, measure))
            if fuel is None:
                if count is not None:
                    reason = f"{EXPECTED}a fuel that nobody knows, in the total only"
                    self._reject(place, key, str(count), reason)
                continue
            if count is None and key not in self.refused:
                if self._is_zero(key, figures):
                    self.met["no figure (a dash or no cell) is zero, as the totals prove"] += 1
                    count = 0
                else:
                    self.met["no figure (a dash or no cell), and no total proves that it is zero"] += 1
                    reason = f"{EXPECTED}no figure, and no total proves that it is zero"
                    self._reject(place, key, "-" if key in self.places else "", reason)
            if count is not None:
                yield area, "passenger_car", fuel, MEASURES[measure], year, count, place

    def _reject(self, place: int, key: _Key, text: str, reason: str) -> None:
        year, _, area, code, measure = key
        self.rejects.append((place, f"{area} {code} {year} {measure}", text, reason))

    def _is_zero(self, key: _Key, figures: Mapping[tuple[str, str], int]) -> bool:
        """Whether a figure that is not there is zero, as a total proves."""
        year, county, _, code, measure = key
        of_county = self.counts.get((year, county, TOTAL), {})
        whole = of_county.get((code, measure))
        if self.fuels.get(code) != "total":
            if self._fuels_are_whole(figures, measure):
                return True
            if whole is None and self._fuels_are_whole(of_county, measure):
                whole = 0
        elif any(count for (_, found), count in figures.items() if found == measure):
            return False
        there = sum(
            self.counts.get((year, county, area), {}).get((code, measure), 0)
            for area in municipalities_of(county)
        )
        return whole is not None and there == whole

    def _fuels_are_whole(self, figures: Mapping[tuple[str, str], int], measure: str) -> bool:
        """Whether the fuels that are there add up to the total of all fuels."""
        totals = [code for code, fuel in self.fuels.items() if fuel == "total"]
        whole = next((figures[code, measure] for code in totals if (code, measure) in figures), None)
        parts = sum(
            count for (code, found), count in figures.items() if found == measure and code not in totals
        )
        return whole is not None and whole == parts


def _no_municipality(area: str) -> str:
    return f"{EXPECTED}no municipality ({area})"
