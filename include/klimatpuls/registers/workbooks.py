"""Reads an Excel workbook (.xlsx, .xlsm) as a person sees it: percentages, days, errors and formulas.

Values alone are not enough for a register: a cell that shows 63 % holds 0.63, a day is a number with a
format, and a cell that shows ``#N/A`` must not become an empty one. So number formats, the date system and
the type of each cell are read with its value. Shape of the parts: ECMA-376 part 1, section 18.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Final, Literal

from klimatpuls.files.workbook_cells import MAC_DAY_ZERO, WINDOWS_DAY_ZERO
from klimatpuls.registers.archive import MAX_CELL_CHARACTERS, Archive, Budget, damaged, resolve, too_large
from klimatpuls.registers.cells import (
    MAX_COLUMN,
    MAX_ROW,
    ErrorValue,
    Formula,
    Percent,
    day_or_moment,
    place_of,
    reference,
)
from klimatpuls.registers.words import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klimatpuls.registers.cells import Cell, Grid

WORKBOOK_PART: Final = "xl/workbook.xml"
Kind = Literal["number", "percent", "day"]

_BUILT_IN_PERCENT: Final = frozenset({9, 10})
_BUILT_IN_DAY: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|[_*].|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE | re.DOTALL)
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LAST_DAY: Final = 2_958_465
"""31 December 9999, the last day a spreadsheet knows."""
_LEAP_BUG: Final = 60
"""Serial of the 29 February 1900 that the 1900 date system counts and no calendar has."""
_SECONDS_A_DAY: Final = 86_400


def read_xlsx(archive: Archive) -> dict[str, Grid]:
    """Every sheet of a workbook by name, with the cells that hold something.

    Raises:
        BrokenWorkbookError: if a part is damaged or the file is larger than the ceilings.
    """
    part = _workbook_part(archive)
    targets = _relations(archive, part)
    sheets, is_1904 = _sheet_list(archive, part)
    shared = _shared_texts(archive, targets)
    kinds = _style_kinds(archive, targets)
    grids: dict[str, Grid] = {}
    for name, relation in sheets:
        _, target = targets.get(relation, ("", ""))
        if target not in archive:
            continue
        sheet = _SheetReader(archive.budget, shared, kinds, is_1904=is_1904)
        archive.parse(target, sheet.start, sheet.end, sheet.text)
        grids[name] = sheet.grid
    return grids


def _workbook_part(archive: Archive) -> str:
    for kind, target in _relations(archive, "").values():
        if kind == "officeDocument" and target in archive:
            return target
    return WORKBOOK_PART


def _relations(archive: Archive, part: str) -> dict[str, tuple[str, str]]:
    """Id of a relation → the last word of its type, and the part it leads to."""
    folder, _, name = part.rpartition("/")
    found: dict[str, tuple[str, str]] = {}

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = (kind, resolve(part, attributes.get("Target", "")))

    archive.parse(f"{folder}/_rels/{name}.rels".lstrip("/"), start)
    return found


def _sheet_list(archive: Archive, part: str) -> tuple[list[tuple[str, str]], bool]:
    """(name, relation) of the sheets, and whether days count from 1904."""
    sheets: list[tuple[str, str]] = []
    is_1904 = False

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal is_1904
        if tag == "sheet":
            sheets.append((attributes.get("name", ""), attributes.get("id", "")))
        elif tag == "workbookPr":
            is_1904 = attributes.get("date1904", "0") in ("1", "true", "on")

    archive.parse(part, start)
    return sheets, is_1904


def _part_of(targets: Mapping[str, tuple[str, str]], kind: str) -> str:
    return next((target for found, target in targets.values() if found == kind), "")


def _shared_texts(archive: Archive, targets: Mapping[str, tuple[str, str]]) -> Sequence[str]:
    texts: list[str] = []
    reader = _TextReader()

    def start(tag: str, _: Mapping[str, str]) -> None:
        if tag == "si":
            reader.begin()
        else:
            reader.start(tag)

    def end(tag: str) -> None:
        if tag == "si":
            texts.append(reader.take())
        else:
            reader.end(tag)

    archive.parse(_part_of(targets, "sharedStrings"), start, end, reader.text)
    return texts


class _TextReader:
    """Collects the text of an ``si`` or ``is`` element: all its runs, without phonetic hints."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._is_open = False
        self._phonetic = 0

    def begin(self) -> None:
        self._pieces, self._is_open, self._phonetic = [], False, 0

    def start(self, tag: str) -> None:
        if tag == "rPh":
            self._phonetic += 1
        elif tag == "t":
            self._is_open = self._phonetic == 0

    def end(self, tag: str) -> None:
        if tag == "rPh":
            self._phonetic -= 1
        elif tag == "t":
            self._is_open = False

    def text(self, data: str) -> None:
        if self._is_open:
            self._pieces.append(data)

    def take(self) -> str:
        return _unescape("".join(self._pieces))


def _unescape(text: str) -> str:
    """A text with the characters that XML cannot hold put back (``_x000D_``)."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _style_kinds(archive: Archive, targets: Mapping[str, tuple[str, str]]) -> Sequence[Kind]:
    """What the numbers of a style are, by the style's place in the list of cell formats."""
    formats: dict[int, str] = {}
    used: list[int] = []
    is_inside = False

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal is_inside
        if tag == "numFmt":
            formats[_number(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
        elif tag == "cellXfs":
            is_inside = True
        elif tag == "xf" and is_inside:
            used.append(_number(attributes.get("numFmtId")))

    def end(tag: str) -> None:
        nonlocal is_inside
        if tag == "cellXfs":
            is_inside = False

    archive.parse(_part_of(targets, "styles"), start, end)
    return [kind_of_format(number, formats.get(number)) for number in used]


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else 0


def kind_of_format(number: int, code: str | None) -> Kind:
    """What a number format makes of a number.

    Args:
        number: Its id; those below 164 are built in.
        code: Its code where the workbook states one, such as ``0.0%`` or ``yyyy-mm-dd``.
    """
    if code is None:
        return "percent" if number in _BUILT_IN_PERCENT else "day" if number in _BUILT_IN_DAY else "number"
    plain = _LITERAL.sub("", code[:255]).partition(";")[0].casefold()
    if "%" in plain:
        return "percent"
    if plain.strip() in ("general", "standard", "@"):
        return "number"
    return "day" if any(letter in plain for letter in "ymdhs") else "number"


class _SheetReader:
    """Collects the filled cells of one sheet from its elements as they come."""

    def __init__(
        self, budget: Budget, shared: Sequence[str], kinds: Sequence[Kind], *, is_1904: bool
    ) -> None:
        self.grid: dict[int, dict[int, Cell]] = {}
        self._budget, self._shared, self._kinds, self._is_1904 = budget, shared, kinds, is_1904
        self._is_data = self._has_formula = self._in_value = self._in_text = False
        self._row = 0
        self._column = -1
        self._type, self._kind = "n", "number"
        self._value: list[str] = []
        self._text = _TextReader()

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "sheetData":
            self._is_data = True
        elif not self._is_data:
            return
        elif tag == "row":
            number = attributes.get("r")
            self._row = _number(number) if number else self._row + 1
            self._column = -1
        elif tag == "c":
            self._begin_cell(attributes)
        else:
            self._begin_inside(tag)

    def _begin_inside(self, tag: str) -> None:
        if tag == "v":
            self._in_value = True
        elif tag == "f":
            self._has_formula = True
        elif tag == "is":
            self._in_text = True
        elif self._in_text:
            self._text.start(tag)

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        self._budget.see()
        named = attributes.get("r")
        place = place_of(named) if named else (self._row, self._column + 1)
        if place is None or place[1] >= MAX_COLUMN or not 1 <= place[0] <= MAX_ROW:
            where = named or reference(max(self._row, 1), self._column + 1)
            raise too_large(words("a cell outside the sheet ({where})", where=where))
        self._row, self._column = place
        style = _number(attributes.get("s"))
        self._kind = self._kinds[style] if style < len(self._kinds) else "number"
        self._type = attributes.get("t", "n")
        self._has_formula = False
        self._value = []
        self._text.begin()

    def end(self, tag: str) -> None:
        if tag == "sheetData":
            self._is_data = False
        elif not self._is_data:
            return
        elif tag == "c":
            self._end_cell()
        elif tag == "v":
            self._in_value = False
        elif tag == "is":
            self._in_text = False
        elif self._in_text:
            self._text.end(tag)

    def text(self, data: str) -> None:
        if self._in_value:
            self._value.append(data)
        elif self._in_text:
            self._text.text(data)

    def _end_cell(self) -> None:
        cell = Formula() if self._has_formula else self._cell()
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            return
        if isinstance(cell, str):
            cell = cell[: MAX_CELL_CHARACTERS + 1]
        self._budget.keep(cell)
        self.grid.setdefault(self._row, {})[self._column] = cell

    def _cell(self) -> Cell:
        raw = "".join(self._value)
        match self._type:
            case "inlineStr":
                return self._text.take()
            case "s":
                return self._shared_text(raw.strip())
            case "str":
                return _unescape(raw)
            case "b":
                return raw.strip() in ("1", "true")
            case "e":
                return ErrorValue(raw.strip() or "#N/A")
            case "d":
                return iso_day(raw.strip())
        return self._numeric(raw.strip())

    def _shared_text(self, raw: str) -> str | None:
        if not raw:
            return None
        if not raw.isdecimal() or len(raw) > 9 or int(raw) >= len(self._shared):
            raise damaged(f"{reference(self._row, self._column)}: shared text {raw[:20]}")
        return self._shared[int(raw)]

    def _numeric(self, raw: str) -> Cell:
        if not raw:
            return None
        number = finite(raw)
        if number is None:
            return ErrorValue(raw[:40])
        if self._kind == "percent":
            return Percent(number)
        if self._kind == "day":
            return day_of_serial(number, is_1904=self._is_1904)
        return number


def finite(text: str) -> float | None:
    """A number as a file states it; None for anything else, infinities and NaN among them."""
    if len(text) > 40 or not text.isascii() or "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def day_of_serial(serial: float, *, is_1904: bool) -> dt.date | float:
    """The day, or moment, that a spreadsheet's number stands for; the number itself where it stands for none.

    Args:
        serial: Days since the start of the date system.
        is_1904: Whether the workbook counts from 1 January 1904 and not from 1900.

    Example: 45460 is 17 June 2024, and 43998 is the same day where days count from 1904.
    """
    if not 0 <= serial <= _LAST_DAY:
        return serial
    base = dt.datetime.combine(MAC_DAY_ZERO if is_1904 else WINDOWS_DAY_ZERO, dt.time())
    if not is_1904 and serial < _LEAP_BUG:
        base += dt.timedelta(days=1)
    try:
        moment = base + dt.timedelta(seconds=round(serial * _SECONDS_A_DAY))
    except OverflowError:
        return serial
    return day_or_moment(moment)


def iso_day(text: str) -> dt.date | str:
    """The day or moment of an ISO text; the text where it is none."""
    try:
        return day_or_moment(dt.datetime.fromisoformat(text))
    except ValueError:
        return text
