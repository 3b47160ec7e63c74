"""Reads the tables of Trafikanalys' yearly workbook *Fordon i län och kommuner*."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from python_calamine import CalamineError, CalamineWorkbook

from klimatpuls.contract.releases import EXPECTED
from klimatpuls.domain.regions import UnknownRegionError, code_for, plain_name
from klimatpuls.files import workbook_cells as sheet_cells
from klimatpuls.sources.trafa_vehicles.answers import (
    DASHES,
    FIRST_YEAR,
    FUEL_WORDS,
    WHAT_TO_DO,
    Figures,
    Reject,
    Row,
    count_of,
    refuse,
    text_of,
    why_no_count,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


_TABLES: Final = (
    ("personbilar i trafik efter kommun och drivmedel", "passenger_car", "in_traffic"),
    ("nyregistrerade personbilar efter kommun och drivmedel", "passenger_car", "newly_registered"),
    ("lätta lastbilar i trafik efter kommun och drivmedel", "light_truck", "in_traffic"),
    ("tunga lastbilar i trafik efter kommun och drivmedel", "heavy_truck", "in_traffic"),
    ("bussar i trafik efter kommun och drivmedel", "bus", "in_traffic"),
)
"""Words of a table's title, the kind of vehicle, what is counted."""
_TITLE_ROWS: Final = 3
_TITLE = re.compile(r"tabell \d+[.:]?\s*(.*?)[.,]?\s*år (\d{4})", re.IGNORECASE)
_FOOTNOTE = re.compile(r"\d\)")
_HEAD_ROWS: Final = 10


def read_workbook(body: bytes) -> Figures:
    """The figures of every table of the workbook.

    Raises:
        SourceFormatError: if it cannot be opened, the table of cars is missing, or a table cannot be read.
    """
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        titles = {name: title_of(book, name) for name in book.sheet_names[1:]}
    except (CalamineError, OSError, ValueError) as error:
        refuse("unreadable_workbook", f"the workbook cannot be opened ({error})")
    rows: list[Row] = []
    rejects: list[Reject] = []
    notes: list[str] = []
    losses: list[str] = []
    wanted = {words: (vehicle, measure) for words, vehicle, measure in _TABLES}
    for name, title in titles.items():
        if title is not None and title[0] in wanted:
            vehicle, measure = wanted.pop(title[0])
            cells = sheet_cells.sheet_rows(book, body, name)
            _Table(vehicle, measure, title[1], rows, rejects, notes, losses).read(cells)
    if _TABLES[0][0] in wanted:
        refuse("table_missing", f"no sheet is titled {', '.join(sorted(wanted))}")
    losses += [
        f"no sheet is titled {words!r}: its vehicles are missing. What to do: if the workbook has them under "
        "another title, add it to _TABLES in klimatpuls/sources/trafa_vehicles/workbook.py"
        for words in sorted(wanted)
    ]
    published, dated = _changed_on(body, max((row[4] for row in rows), default=FIRST_YEAR))
    return Figures(rows, rejects, published, [*losses, *notes, *dated], losses)


def title_of(book: CalamineWorkbook, name: str) -> tuple[str, int] | None:
    """Words and year of the title of a sheet's table, which stands in one of the first rows; else None."""
    for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=_TITLE_ROWS):
        found = _TITLE.match(text_of(row[0]) if row else "")
        if found:
            return found[1].casefold(), int(found[2])
    return None


@dataclass(frozen=True)
class _Table:
    """One table of the workbook, and the lists that its figures, rejects, notes and losses are added to."""

    vehicle: str
    measure: str
    year: int
    rows: list[Row]
    rejects: list[Reject]
    notes: list[str]
    losses: list[str]

    def read(self, cells: Sequence[Sequence[Any]]) -> None:
        """Take every cell of the table.

        Raises:
            SourceFormatError: if its head or an area is not found.
        """
        starts = (at for at, row in enumerate(cells[:_HEAD_ROWS]) if text_of(row[0]).startswith("Kommun"))
        head = next(starts, None)
        first = next((at for at, row in enumerate(cells) if _holds_figures(row)), None)
        if head is None or first is None or first <= head:
            refuse(
                "header_not_found",
                f"table of {self.vehicle}: no head that begins with Kommun, or no row of figures",
            )
        fuels = self._fuel_columns(cells[head:first])
        if any(isinstance(row[0], str) and _code(row[0]) for row in cells[first:]):
            self.notes.append(f"table of {self.vehicle}, {self.measure}: codes written as text were read")
        for at, row in enumerate(cells[first:], start=first + 1):
            name = text_of(row[0])
            if name and not _FOOTNOTE.match(name):
                area = _area(row, at)
                for column, fuel in fuels.items():
                    self._take(area, fuel, text_of(row[column]), at)

    def _take(self, area: str | None, fuel: str, text: str, at: int) -> None:
        count = 0 if text in DASHES and text else count_of(text)  # a dash is zero: the publisher's legend
        where = f"{self.vehicle} {self.measure} {fuel}"
        if area is None:
            self.rejects.append((at, where, text, f"{EXPECTED}owner without a municipality"))
        elif count is None:
            self.rejects.append((at, where, text, why_no_count(text)))
        else:
            self.rows.append((area, self.vehicle, fuel, self.measure, self.year, count, at))

    def _fuel_columns(self, head: Sequence[Sequence[Any]]) -> dict[int, str]:
        """Column → our fuel, from the Swedish lines of the head, which may break a word over two lines.

        An unknown column is left out and noted: its vehicles are in the total only.
        """
        fuels: dict[int, str] = {}
        unknown = []
        for column in range(2, len(head[0])):
            lines = [_FOOTNOTE.sub("", text_of(row[column])).strip() for row in head]
            swedish = [line for line in lines[:2] if line]
            if not swedish:
                continue
            fuel = FUEL_WORDS.get("".join(swedish).casefold()) or FUEL_WORDS.get(swedish[0].casefold())
            if fuel is None:
                unknown.append("".join(swedish))
            else:
                fuels[column] = fuel
        missing = {"petrol", "diesel", "electric", "total"} - set(fuels.values())
        if missing:
            what = f"columns missing: {sorted(missing)}; unknown: {unknown or 'none'}"
            refuse("columns", f"table of {self.vehicle}: {what}")
        table = f"table of {self.vehicle}, {self.measure}"
        self.losses.extend(
            f"{table}: unknown fuel {name!r}: it is in the total only. {WHAT_TO_DO}" for name in unknown
        )
        return fuels


def _holds_figures(row: Sequence[Any]) -> bool:
    return bool(_code(row[0])) or any(isinstance(cell, int | float) for cell in row[2:])


def _code(cell: object) -> str:
    """The code of a municipality in the first column, written as a number or as text; else an empty text."""
    text = text_of(cell)
    return text.zfill(4) if re.fullmatch(r"\d{3,4}", text) else ""


def _area(row: Sequence[Any], at: int) -> str | None:
    """Our code of a row's area; None where its vehicles belong to no municipality or county."""
    name, code = text_of(row[0]), _code(row[0])
    if plain_name(name).startswith(("okän", "okänt")) or re.fullmatch(r"(\d\d|AA)AA", name):
        return None
    try:
        named = code_for(text_of(row[1]) if code else name)
    except UnknownRegionError as error:
        refuse("region", f"row {at}: {error}")
    if code and named != code:
        refuse("region", f"row {at}: code {code} is called {text_of(row[1])!r}, which is {named}")
    return named


def _changed_on(body: bytes, year: int) -> tuple[date, list[str]]:
    """The day the workbook was last changed; the end of its year if that is unknown or earlier."""
    day = sheet_cells.changed_on(body)
    if day is not None and day.year > year:
        return day, []
    return date(year, 12, 31), [
        f"the workbook says it was last changed on {day or 'no day'}: dated by the end of {year}"
    ]
