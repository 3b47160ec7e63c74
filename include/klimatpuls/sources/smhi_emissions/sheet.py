"""Finds the table in a workbook of SMHI or in its CSV form, and reads what stands above it."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from klimatpuls.domain import substances
from klimatpuls.domain.regions import plain_name
from klimatpuls.errors import SourceFormatError
from klimatpuls.files.archive_safety import MAX_ENTRIES, MAX_INFLATED_BYTES, check_workbook
from klimatpuls.files.csv_text import csv_rows, decode_text
from klimatpuls.files.values import SHORT_MONTHS, text_of
from klimatpuls.files.workbook_cells import column_index, column_letters
from klimatpuls.files.zip_parts import ZipParts, ZipPartsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


SOURCE: Final = "smhi_emissions"
HEADER_SEARCH_ROWS: Final = 60
KEY_WORDS: Final = ("Huvudsektor", "Undersektor", "Län", "Kommun")
_HEAD_BYTES: Final = 2**17
_YEAR = re.compile(r"(?:år )?((?:19|20)\d\d)(?:[.,]0+)?(?: ?\*+| ?\(?prel[a-zåäö]*\.?\)?)?", re.IGNORECASE)
_YEAR_INSIDE = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_YEAR_ROWS_ABOVE: Final = 3
_DAY_FORMS: Final = (
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<d>\d{1,2})[./-](?P<m>\d{1,2})[./-](?P<y>(?:19|20)\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?!\d)"),
    re.compile(
        r"(?<!\d)(?P<d>\d{1,2}):?e? (?P<name>[a-z]{3,9})\.? (?P<y>(?:19|20)\d\d)(?!\d)", re.IGNORECASE
    ),
)
_ENGLISH_MONTHS: Final = {"may": 5, "oct": 10}
_FIRST_SERIAL, _LAST_SERIAL = 36_526, 73_050
"""Days since 1899-12-30 of 2000-01-01 and 2099-12-31: a date that lost its format."""
_UNIT_IN_BRACKETS = re.compile(r"\(([^()]*(?:/ ?| per )år[^()]*)\)", re.IGNORECASE)
Row = list[Any]
"""One sheet row as the reader hands it out: str, float, int, bool or a date per cell, '' where empty."""


@dataclass(frozen=True, slots=True)
class Preamble:
    """What the lines above the table say.

    Attributes:
        substance: Our code of the substance.
        unit: Unit as written, such as ``ton/år``.
        published_date: The dataset's own date (B1).
        notes: What was written in another form than recorded, one sentence each.
    """

    substance: str
    unit: str
    published_date: date
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Where the table stands in its sheet; rows and columns count from 0.

    Attributes:
        header_row: The row with the four words.
        keys: Columns of main sector, sub-sector, county and municipality.
        years: The years, in the order of their columns.
        year_columns: Their columns.
        notes: Columns that were left out, one sentence each.
    """

    header_row: int
    keys: tuple[int, int, int, int]
    years: tuple[int, ...]
    year_columns: tuple[int, ...]
    notes: tuple[str, ...]


def read_preamble(body: bytes, *, what: str = SOURCE) -> Preamble:
    """Substance, unit and publisher's date of a workbook, whatever its file is called.

    Only the head of a sheet is inflated where that is enough, so that it costs milliseconds; the table is not
    checked.

    Raises:
        SourceFormatError: as :func:`parse`.
    """
    head = _head_of(body)
    if head is not None:
        try:
            return find_table(head, what, None)[3]
        except SourceFormatError:
            pass  # The cut may be the cause: the whole file decides.
    return find_table(body, what, None)[3]


def _head_of(body: bytes) -> bytes | None:
    """The same workbook with its sheets cut after the first rows; None where it has no sheet to cut."""
    head, is_cut = io.BytesIO(), False
    try:
        parts = ZipParts(body, max_parts=MAX_ENTRIES, max_bytes=MAX_INFLATED_BYTES)
        with zipfile.ZipFile(head, "w") as cut:
            for entry in parts.entries:
                text = b""
                for chunk in parts.chunks(entry):
                    text += chunk
                    end = text.rfind(b"</row>")
                    if len(text) >= _HEAD_BYTES and end >= 0:
                        is_cut, text = True, text[:end] + b"</row></sheetData></worksheet>"
                        break
                cut.writestr(entry.filename, text)
    except ZipPartsError:
        return None
    return head.getvalue() if is_cut else None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The table of a workbook as it stands in its sheet, to find a figure again.

    Attributes:
        name: Name of the sheet.
        columns: Year → letters of its column.
        rows: Every row of the sheet from its first, each a list of cells.
    """

    name: str
    columns: Mapping[int, str]
    rows: Sequence[Row]

    def cell(self, sheet_row: int, year: int) -> Any:
        """What stands in a year's column in a row (the first is 1), as the reader hands it out."""
        return self.rows[sheet_row - 1][column_index(self.columns[year])]


def read_places(body: bytes, substance: str | None = None) -> Sheet:
    """Where in a workbook the figures of each year stand.

    Args:
        body: The bytes of a workbook that :func:`parse` has accepted.
        substance: Our code of the substance it was accepted as.

    Returns:
        The sheet; its rows count as ``sheet_row`` does.

    Raises:
        SourceFormatError: if it is no such workbook.
    """
    name, rows, table, *_ = find_table(body, SOURCE, substance)
    columns = dict(zip(table.years, map(column_letters, table.year_columns), strict=True))
    return Sheet(name=name, columns=columns, rows=rows)


def find_table(
    body: bytes, what: str, requested: str | None
) -> tuple[str, list[Row], Table, Preamble, tuple[str, ...]]:
    """Name and rows of the sheet that has the table, where the table stands, what is above it, and notes.

    Where several sheets have the table, the one of the requested substance, else the first.
    """
    found = []
    for name, rows, table in _tables(body, what):
        found.append((name, rows, table, _preamble(rows, table, what)))
    name, rows, table, preamble = next((one for one in found if one[3].substance == requested), found[0])
    notes = (f"{len(found)} sheets have a table; {name!r} was read",) if len(found) > 1 else ()
    return name, rows, table, preamble, notes


def _tables(body: bytes, what: str) -> Iterator[tuple[str, list[Row], Table]]:
    """Name, rows and table of every sheet that has the header.

    Raises:
        SourceFormatError: if none has; of the sheets' reasons the first.
    """
    reasons: list[SourceFormatError] = []
    has_table = False
    for name, rows in _sheets(body, what):
        try:
            table = _table_of(rows, what)
        except SourceFormatError as error:
            if error.rule != "header_not_found":
                raise
            reasons.append(error)
            continue
        has_table = True
        yield name, rows, table
    if not has_table:
        raise reasons[0]


def _sheets(body: bytes, what: str) -> Iterator[tuple[str, list[Row]]]:
    """Name and rows of every sheet that is shown, or the rows of a text file."""
    if not body.startswith(b"PK"):
        yield "", _text_rows(body, what)
        return
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        shown = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
        ]
        if not shown:
            msg = "it shows no sheet"
            raise ValueError(msg)
        for name in shown:
            yield name, book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        if isinstance(error, SourceFormatError):
            raise
        msg = f"{what}: the workbook opens as a zip but not as a spreadsheet ({error}). Nothing was loaded."
        raise SourceFormatError(msg, rule="unreadable_workbook") from error


def _text_rows(body: bytes, what: str) -> list[Row]:
    """The rows of a CSV file, all of one length, each cell a text.

    Raises:
        SourceFormatError: as :func:`klimatpuls.files.archive_safety.check_workbook` where it is no such text.
    """
    text = decode_text(body)
    line = next((line for line in text.splitlines() if KEY_WORDS[0].casefold() in line.casefold()), None)
    if line is None:
        check_workbook(body, what=what)
    separator = max(";\t,", key=str(line).count)
    try:
        rows: list[Row] = [*csv_rows(text, separator)]
    except csv.Error as error:
        msg = f"{what}: the file looks like CSV and cannot be read as such ({error}). Nothing was loaded."
        raise SourceFormatError(msg, rule="unreadable_workbook") from error
    width = max(map(len, rows))
    return [[*row, *[""] * (width - len(row))] for row in rows]


def _table_of(rows: list[Row], what: str) -> Table:
    wanted = [plain_name(word) for word in KEY_WORDS]
    best: tuple[int, int] = (0, -1)
    for at, row in enumerate(rows[:HEADER_SEARCH_ROWS]):
        words = [plain_name(text_of(cell)) for cell in row]
        found = sum(word in words for word in wanted)
        best = max(best, (found, -at))
        if found == len(wanted):
            keys = tuple(words.index(word) for word in wanted)
            return _year_columns(rows, at, (keys[0], keys[1], keys[2], keys[3]), what)
    seen = [text_of(cell) for cell in rows[-best[1]] if text_of(cell)][:6] if best[0] else []
    msg = (
        f"{what}: no header with {', '.join(KEY_WORDS)} in the first {HEADER_SEARCH_ROWS} rows; "
        + (f"the nearest, row {1 - best[1]}, reads {seen}. " if seen else "none of these words was found. ")
        + "Nothing was loaded; the publisher may have changed its layout."
    )
    raise SourceFormatError(msg, rule="header_not_found", findings=[f"row {1 - best[1]}: {seen}"])


def _year_columns(rows: list[Row], at: int, keys: tuple[int, int, int, int], what: str) -> Table:
    above = _row_of_years(rows, at)
    years: dict[int, int] = {}
    others: dict[int, str] = {}
    for column, cell in enumerate(rows[at]):
        if column in keys:
            continue
        year = year_of(cell) or year_of(above[column] if column < len(above) else "")
        if year is None:
            if text_of(cell) or any(text_of(row[column]) for row in rows[at + 1 :]):
                others[column] = text_of(cell)
        elif year in years.values():
            msg = f"{what}: the year {year} stands in two columns (header row {at + 1}). Nothing was loaded."
            raise SourceFormatError(msg, rule="duplicate_year")
        else:
            years[column] = year
    strange = [
        f"column {column_letters(column)}, header row {at + 1}: {name!r}"
        for column, name in others.items()
        if not _is_beside_the_years(name, rows[at], years)
    ]
    if strange or not years:
        msg = (
            f"{what}: expected {', '.join(KEY_WORDS)} and years, found "
            + (
                f"columns that may hide a year: {'; '.join(strange[:10])}"
                if strange
                else "no column with a year"
            )
            + ". Nothing was loaded; the publisher may have changed its layout."
        )
        raise SourceFormatError(msg, rule="unexpected_column", findings=strange)
    notes = tuple(
        f"the column {name!r} ({column_letters(column)}) is no year and was left out"
        for column, name in others.items()
    )
    return Table(at, keys, tuple(years.values()), tuple(years), notes)


def _row_of_years(rows: list[Row], at: int) -> Row:
    """The nearest row above the header that has a year in it; an empty one where there is none."""
    near = (rows[row] for row in range(at - 1, max(-1, at - 1 - _YEAR_ROWS_ABOVE), -1))
    return next((row for row in near if any(year_of(cell) is not None for cell in row)), [])


def _is_beside_the_years(name: str, header: Row, years: Mapping[int, int]) -> bool:
    """Whether a column's name means something else than a year: it can be left out without losing one."""
    repeated = {text_of(header[column]) for column in years}
    hidden = {int(year) for year in _YEAR_INSIDE.findall(name)}
    has_words = any(letter.isalpha() for letter in name)
    return has_words and name not in repeated and (len(hidden) != 1 or hidden <= set(years.values()))


def year_of(cell: object) -> int | None:
    """The year of a heading: a number, a text such as ``2024 (prel.)``, or a year's first or last day."""
    if isinstance(cell, date):
        return cell.year if (cell.month, cell.day) in {(1, 1), (12, 31)} else None
    found = _YEAR.fullmatch(text_of(cell))
    return int(found.group(1)) if found else None


def _preamble(rows: list[Row], table: Table, what: str) -> Preamble:
    """What stands above a table.

    Raises:
        SourceFormatError: ``published_date_not_found`` or ``unexpected_substance``.
    """
    above = rows[: table.header_row]
    lines = [" ".join(filter(None, map(text_of, row))) for row in above]
    published, date_notes = _published_date(above, lines, what)
    substance, substance_notes = _substance(lines, rows[table.header_row], table, what)
    return Preamble(substance, _unit_text(lines), published, (*date_notes, *substance_notes))


def _published_date(above: list[Row], lines: list[str], what: str) -> tuple[date, tuple[str, ...]]:
    """The publisher's date, from the line of the report's name, else from any line that names the report."""
    at = next((at for at, line in enumerate(lines) if plain_name(line).startswith("rapportnamn")), None)
    if at is None:
        at = next((at for at, line in enumerate(lines) if "länsrapport" in plain_name(line)), None)
    line = "" if at is None else lines[at]
    days = set[date | None]().union(*map(_days, [] if at is None else above[at]))
    published = days.pop() if len(days) == 1 else None
    if published is None:
        msg = (
            f"{what}: expected 'Rapportnamn: Länsrapport, YYYY-MM-DD' above the table, found {line!r}"
            + (" (day and month are ambiguous, or there are two dates)" if line else "")
            + ". Nothing was loaded: the date says which release is the newest."
        )
        raise SourceFormatError(msg, rule="published_date_not_found", findings=[line])
    is_usual = published.isoformat() in line and at == 0
    notes = () if is_usual else (f"the publisher's date is written {line!r}; it was read as {published}",)
    return published, notes


def _days(cell: object) -> set[date | None]:
    """The days that a cell states; None stands for one that is no day or can be read in two ways."""
    if isinstance(cell, date):
        return {cell.date() if isinstance(cell, datetime) else cell}
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        is_serial = _FIRST_SERIAL <= cell <= _LAST_SERIAL
        return {date(1899, 12, 30) + timedelta(days=int(cell))} if is_serial else set()
    text, days = text_of(cell), set[date | None]()
    for form in _DAY_FORMS:
        for found in form.finditer(text):
            days.add(_day_of(found.groupdict(), is_year_first=found.start("y") == found.start()))
        text = form.sub("|", text)
    return days


def _day_of(parts: Mapping[str, str | None], *, is_year_first: bool) -> date | None:
    year, day = int(str(parts["y"])), int(str(parts["d"]))
    if name := parts.get("name"):
        short = name.casefold()[:3]
        known = short in SHORT_MONTHS
        month = SHORT_MONTHS.index(short) + 1 if known else _ENGLISH_MONTHS.get(short, 0)
    else:
        month = int(str(parts["m"]))
        if not is_year_first and day != month and day <= 12 and month <= 12:
            return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _substance(lines: list[str], header: Row, table: Table, what: str) -> tuple[str, tuple[str, ...]]:
    """Our code of the substance, from its line, else from the heading of the value columns."""
    label = _line_after("Emissioner av", lines) or _line_after("Utsläpp av", lines)
    entry = substances.by_label(label) or substances.by_label(_UNIT_IN_BRACKETS.sub("", label).strip(" ,"))
    if entry is not None:
        return entry.code, ()
    if not label:
        codes = {plain_name(text_of(header[column])) for column in table.year_columns}
        known = {plain_name(one.smhi_code): one.code for one in substances.substances().values()}
        if len(codes) == 1 and (code := known.get(codes.pop())):
            return code, (f"no line names the substance; its columns are headed as {code}",)
    msg = f"{what}: 'Emissioner av {label}' names none of the {len(substances.substances())} substances"
    raise SourceFormatError(msg, rule="unexpected_substance")


def _unit_text(lines: list[str]) -> str:
    """The unit as written: after the word ``Enhet``, else in brackets; an empty text where there is none."""
    for line in lines:
        if plain_name(line).startswith("enhet"):
            return line[len("enhet") :].strip(" :=()[]")
    found = next((found for line in lines if (found := _UNIT_IN_BRACKETS.search(line))), None)
    return found.group(1).strip() if found else ""


def _line_after(start: str, lines: Iterable[str]) -> str:
    wanted = plain_name(start)
    return next((line[len(start) :].strip(" :") for line in lines if plain_name(line).startswith(wanted)), "")
