"""Reads an OpenDocument spreadsheet (.ods) into the same cells as an Excel workbook.

Shape of ``content.xml``: OpenDocument 1.3 part 3, section 9. Repeated cells and rows without content are
counted and not laid out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from klimatpuls.registers.archive import MAX_CELL_CHARACTERS, Archive, Budget, too_large
from klimatpuls.registers.cells import MAX_COLUMN, MAX_ROW, ErrorValue, Formula, Percent, reference
from klimatpuls.registers.words import words
from klimatpuls.registers.workbooks import finite, iso_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klimatpuls.registers.cells import Cell, Grid

CONTENT_PART: Final = "content.xml"
MIME_PART: Final = "mimetype"
MIME_TYPE: Final = b"application/vnd.oasis.opendocument.spreadsheet"
_CELLS: Final = ("table-cell", "covered-table-cell")
_ASIDE: Final = ("annotation", "frame", "shapes", "tracked-changes", "dde-links")
"""Elements whose text and tables are not part of a cell."""
_BREAKS: Final = {"tab": "\t", "line-break": "\n"}


def read_ods(archive: Archive) -> dict[str, Grid]:
    """Every sheet of a spreadsheet by name, with the cells that hold something.

    Raises:
        BrokenWorkbookError: if a part is damaged or the file is larger than the ceilings.
    """
    reader = _ContentReader(archive.budget)
    archive.parse(CONTENT_PART, reader.start, reader.end, reader.text)
    return reader.grids


class _ContentReader:
    """Collects the filled cells of all sheets from the elements as they come."""

    def __init__(self, budget: Budget) -> None:
        self.grids: dict[str, Grid] = {}
        self._budget = budget
        self._grid: dict[int, dict[int, Cell]] = {}
        self._cells: dict[int, Cell] = {}
        self._row = self._column = self._row_repeats = 0
        self._aside = 0
        self._cell: Mapping[str, str] | None = None
        self._pieces: list[str] = []
        self._paragraphs = self._length = 0
        self._in_paragraph = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in _ASIDE:
            self._aside += 1
        if self._aside:
            return
        if tag == "table":
            self._grid, self._row = {}, 0
            self.grids[attributes.get("name", "")] = self._grid
        elif tag == "table-row":
            self._cells, self._column = {}, 0
            self._row_repeats = _count(attributes.get("number-rows-repeated"))
        elif tag in _CELLS:
            self._cell = attributes
            self._pieces, self._paragraphs, self._length = [], 0, 0
        elif self._cell is not None:
            self._start_text(tag, attributes)

    def _start_text(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "p":
            if self._paragraphs:
                self._add("\n")
            self._paragraphs += 1
            self._in_paragraph = True
        elif tag == "s":
            self._add(" " * min(_count(attributes.get("c")), MAX_CELL_CHARACTERS))
        elif tag in _BREAKS:
            self._add(_BREAKS[tag])

    def _add(self, data: str) -> None:
        """Add text to the cell, up to one character more than the limit."""
        data = data[: MAX_CELL_CHARACTERS + 1 - self._length]
        self._length += len(data)
        self._pieces.append(data)

    def end(self, tag: str) -> None:
        if tag in _ASIDE:
            self._aside -= 1
        elif self._aside:
            return
        elif tag == "p":
            self._in_paragraph = False
        elif tag in _CELLS and self._cell is not None:
            self._end_cell(self._cell)
            self._cell = None
        elif tag == "table-row":
            self._end_row()

    def text(self, data: str) -> None:
        if self._in_paragraph and not self._aside:
            self._add(data)

    def _end_cell(self, attributes: Mapping[str, str]) -> None:
        repeats = _count(attributes.get("number-columns-repeated"))
        self._budget.see()
        cell = self._value(attributes)
        if cell is not None and not (isinstance(cell, str) and not cell.strip()):
            if self._column + repeats > MAX_COLUMN:
                where = reference(self._row + 1, self._column)
                raise too_large(words("cells outside the sheet (from {where})", where=where))
            self._budget.keep(cell, repeats)
            self._cells.update(dict.fromkeys(range(self._column, self._column + repeats), cell))
        self._column += repeats

    def _end_row(self) -> None:
        if self._cells:
            if self._row + self._row_repeats > MAX_ROW:
                row = self._row + 1
                raise too_large(words("rows outside the sheet (from {row})", row=row))
            for cell in self._cells.values():
                self._budget.keep(cell, self._row_repeats - 1)
            for number in range(self._row + 1, self._row + self._row_repeats + 1):
                self._grid[number] = self._cells
        self._row += self._row_repeats

    def _value(self, attributes: Mapping[str, str]) -> Cell:
        if "formula" in attributes:
            return Formula()
        text = "".join(self._pieces)
        match attributes.get("value-type"):
            case "float" | "currency":
                return _numeric(attributes.get("value", ""), text)
            case "percentage":
                number = finite(attributes.get("value", ""))
                return Percent(number) if number is not None else ErrorValue(text[:40])
            case "date":
                return iso_day(attributes.get("date-value", text))
            case "boolean":
                return attributes.get("boolean-value") == "true"
            case "error":
                return ErrorValue(text[:40] or "#N/A")
        return text or attributes.get("string-value")


def _numeric(raw: str, text: str) -> Cell:
    number = finite(raw)
    return ErrorValue(text[:40] or raw[:40]) if number is None else number


def _count(text: str | None) -> int:
    """Number of repetitions; 1 where the attribute is missing."""
    return int(text) if text is not None and text.isdecimal() and 0 < len(text) < 9 and int(text) else 1
