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
    Figures,
    Reject,
    Row,
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
_Key = tuple[int, str, str, str, str]
"""Year, county, area, code of a fuel, measure."""


def read_figures(parts: Sequence[bytes]) -> Figures:
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
        refuse("columns", f"no row is at the total of the unknown columns {sorted(reading.partial)}")
    rows = list(reading.finished())
    published, notes = _published(structure, answers, max((row[4] for row in rows), default=FIRST_YEAR))
    oddities = [f"{what} ({count} times)" for what, count in reading.oddities.items()]
    notes = [*reading.losses, *oddities, *notes, *_next_expected(answers)]
    return Figures(rows, reading.rejects, published, notes, reading.losses)


def _published(
    structure: Mapping[str, Any], answers: Sequence[Mapping[str, Any]], last_year: int
) -> tuple[date, list[str]]:
    """The day from which the answers are in force, with a note where they do not state it.

    A stated day that is not after the last year of the figures cannot be right and is ignored.
    """
    own = max((day for answer in answers if (day := day_of(answer, "ActiveFrom"))), default=None)
    if own is not None and own.year > last_year:
        return own, []
    product = product_of(structure)
    listed = day_of(product, "ActiveFrom") if product else None
    if listed is not None and listed.year > last_year:
        return listed, [f"the answers state no usable day (ActiveFrom: {own}); the structure's was taken"]
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
    """Code of a fuel → ours; None for an unknown fuel."""
    partial: set[str] = field(default_factory=set)
    rejects: list[Reject] = field(default_factory=list)
    oddities: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)
    place: int = 0

    def take(self, row: object) -> None:
        """Take the cells of a row, or leave the row out and count why."""
        cells = self._cells(row)
        codes = self._codes(cells)
        year, area, fuel = int(codes["ar"]), codes["regkom"], codes["drivmedel"]
        if year < FIRST_YEAR:
            self.oddities[f"a row of a year before {FIRST_YEAR} was left out"] += 1
            return
        county = codes.get("reglan") or (area[:2] if area in regions() else "")
        why_not = self._why_not(cells, county, area)
        self._know(fuel, _label_of("drivmedel", cells["drivmedel"]) or self.labels.get(fuel, ""))
        for measure in MEASURES:
            if measure in cells:
                self._take_figure((year, county, area, fuel, measure), cells[measure], why_not)
                self.place += 1

    def _cells(self, row: object) -> dict[str, dict[str, Any]]:
        """Column → cell of a row whose other variables are at their total."""
        cells = {str(cell.get("Column", "")): cell for cell in cells_of(row)}
        strange = sorted(cells.keys() - {*VARIABLES, *MEASURES})
        if missing := sorted(_NEEDED - cells.keys()):
            refuse("columns", f"columns missing: {missing}; unknown: {strange or 'none'}")
        for column in strange:
            self.oddities[f"the column {column!r} was not requested and was ignored"] += 1
        return cells

    def _codes(self, cells: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
        codes: dict[str, str] = {}
        for column in VARIABLES:
            if column in cells:
                codes[column], is_swapped = _code_of(column, cells[column])
                if is_swapped:
                    self.oddities[f"the code of {column} stands in Value, not in Name"] += 1
        if not _IS_CODE["ar"].fullmatch(codes["ar"]):
            refuse("not_a_year", f"expected a year, found {codes['ar']!r}")
        return codes

    def _why_not(self, cells: Mapping[str, Mapping[str, Any]], county: str, area: str) -> str:
        """Why a row is about no municipality; an empty text where it is about one.

        Raises:
            SourceFormatError: if a municipality has another's name, or another county.
        """
        for column in sorted(cells.keys() - {*VARIABLES, *MEASURES}):
            cell = cells[column]
            if not cell.get("IsMeasure") and not _is_total(cell):
                self.partial.add(column)
                return f"{EXPECTED}a part by {column}"
        if _TOTAL_CODE.fullmatch(area):
            self.oddities[f"the total of a county ({area}) is no municipality and was left out"] += 1
            return _no_municipality(area)
        known = regions().get(area)
        if known is None or known.level != "municipality":
            self.oddities[f"{area!r} is no municipality and was left out"] += 1
            return _no_municipality(area)
        if county != known.county_code:
            if county in regions():
                refuse("region", f"{area} {known.name} stands in county {county}")
            self.oddities[f"the county {county!r} is none and was left out"] += 1
            return f"{EXPECTED}no county ({county})"
        self._check_name(area, _label_of("regkom", cells["regkom"]))
        return ""

    def _check_name(self, code: str, label: str) -> None:
        if not label or plain_name(label) == plain_name(region(code).name):
            return
        try:
            named = code_for(label)
        except UnknownRegionError:
            self.oddities[f"{code} {region(code).name} is called {label!r}"] += 1
            return
        if named != code:
            refuse("region", f"code {code} is called {label!r}, which is {named}")

    def _know(self, code: str, label: str) -> None:
        """Decide once what a fuel's code means: what its label says, else the code if the label agrees."""
        if code in self.fuels:
            return
        by_word = FUEL_WORDS.get(plain_name(label))
        by_code, must_say = FUEL_CODES.get(code, (None, None))
        if by_word is not None:
            if by_code != by_word:
                self.oddities[f"the fuel code {code} is called {label!r}, and was read as {by_word}"] += 1
            found: str | None = by_word
        elif by_code and must_say and (not label or must_say.search(plain_name(label))):
            found = by_code
            if label:
                self.oddities[f"the label {label!r} of fuel code {code} is new: read as {by_code}"] += 1
        else:
            found = None
            self.losses.append(
                f"unknown fuel {code} ({label or 'no label'}): it is in the totals only. {WHAT_TO_DO}"
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
        if not text and (text := text_of(cell.get("FormattedValue"))):
            self.oddities["a figure stands in FormattedValue alone"] += 1
        return text, count_of(text)

    # --------------------------------------------------------------------------- what a missing figure means

    def finished(self) -> Iterator[Row]:
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
                    "klimatpuls/sources/trafa_vehicles/answers.py"
                )

    def _area(self, about: tuple[int, str, str], measure: str) -> Iterator[Row]:
        """The rows of one municipality, year and measure."""
        year, _, area = about
        figures = self.counts[about]
        for code, fuel in self.fuels.items():
            key = (*about, code, measure)
            place = self.places.get(key, self.first_place[year, area])
            count = figures.get((code, measure))
            if fuel is None:
                if count is not None:
                    reason = f"{EXPECTED}an unknown fuel, in the total only"
                    self._reject(place, key, str(count), reason)
                continue
            if count is None and key not in self.refused:
                if self._is_zero(key, figures):
                    self.oddities["no figure (a dash or no cell) is zero, as the totals prove"] += 1
                    count = 0
                else:
                    self.oddities["no figure (a dash or no cell), and no total proves that it is zero"] += 1
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


def _code_of(column: str, cell: Mapping[str, Any]) -> tuple[str, bool]:
    """The code of a variable's value, and whether it stands in ``Value``; ``Name`` if neither is a code."""
    name, value = text_of(cell.get("Name")).casefold(), text_of(cell.get("Value")).casefold()
    is_swapped = not _IS_CODE[column].fullmatch(name) and _IS_CODE[column].fullmatch(value) is not None
    return value if is_swapped else name or value, is_swapped


def _label_of(column: str, cell: Mapping[str, Any]) -> str:
    code, _ = _code_of(column, cell)
    texts = (text_of(cell.get(key)) for key in ("Value", "Name", "FormattedValue"))
    return next((text for text in texts if text and text.casefold() != code), "")


def _is_total(cell: Mapping[str, Any]) -> bool:
    texts = [text_of(cell.get(key)).casefold() for key in ("Name", "Value", "FormattedValue")]
    return any(_TOTAL_CODE.fullmatch(text) or _TOTAL_LABEL.match(text) for text in texts)
