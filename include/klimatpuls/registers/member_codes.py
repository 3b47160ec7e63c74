"""Finds the code of a row's member by its name, in sheets that show both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.domain import regions
from klimatpuls.domain.regions import plain_name
from klimatpuls.registers.cells import reference
from klimatpuls.registers.reading import Mistake, row_place
from klimatpuls.registers.values import value_of
from klimatpuls.registers.words import Words, same, shown, words
from klimatpuls.translations import message, translate

if TYPE_CHECKING:
    from klimatpuls.registers.checking import Register
    from klimatpuls.registers.reading import Sheet

MEMBER: Final = message("Member")
"""Header of the names, but in the register of members, which has them itself."""
REGION_COLUMNS: Final = ("region_code", "owner_region_code")
_CHOOSE: Final = words("Choose the member in the list.")


def region_column(register: Register) -> str | None:
    """The column with the code of a row's member."""
    return next((name for name in register.shape.columns if name in REGION_COLUMNS), None)


def with_codes(register: Register, sheet: Sheet) -> tuple[Sheet, list[Words]]:
    """A sheet with the code of each row's member, found by its name or given its lost zero back.

    Returns:
        The sheet, its mistakes about names added and a column of names that is not the register's own taken
        out; and a note for each code that had lost its zero.
    """
    code = region_column(register)
    headers = [register.shape.headers.get(plain_name(text)) for text in sheet.header]
    if code not in headers or code is None:
        return sheet, []
    entry, own = register.shape.columns[code], "region_name" in register.shape.columns
    title = str(register.shape.columns["region_name"]["title"]) if own else translate("sv", MEMBER)
    titles = [plain_name(text) for text in sheet.header]
    at = headers.index(code)
    named = titles.index(plain_name(title)) if plain_name(title) in titles else None
    refused = {mistake.cell for mistake in sheet.mistakes}
    rows, mistakes, notes = [], [*sheet.mistakes], []
    for number, cells in sheet.rows:
        row = dict(cells)
        found = value_of(row.get(at), entry)
        if (whole := _whole_code(found)) != found:
            notes.append(
                words(
                    "{file}, cell {cell}: {text} is read as {code} ({name}), which lost its leading zero.",
                    file=sheet.name,
                    cell=reference(number, at),
                    text=found,
                    code=whole,
                    name=regions.region(whole).name,
                )
            )
        called = None if named is None else row.get(named) if own else row.pop(named, None)
        if named is not None and not refused & {reference(number, at), reference(number, named)}:
            whole, wrong = _by_name(whole, None if called is None else str(called))
            if wrong is not None:
                # A row without a code is reported once, at the name: the code's cell is protected.
                column = str(entry["title"]) if whole is None else title
                mistakes.append(
                    Mistake(
                        file=sheet.name,
                        place=row_place(number),
                        column=same(column),
                        problem=wrong[0],
                        remedy=wrong[1],
                        cell=reference(number, named),
                    )
                )
        if whole is not None:
            row[at] = whole
        rows.append((number, row))
    header = ["" if index == named and not own else text for index, text in enumerate(sheet.header)]
    return replace(sheet, header=tuple(header), rows=tuple(rows), mistakes=tuple(mistakes)), notes


def _whole_code(text: Any) -> Any:
    """A code that lost its leading zero, where it can be only one; anything else as it is."""
    if not isinstance(text, str) or text in regions.regions() or not text.isdigit():
        return text
    whole = {text.zfill(length) for length in (2, 4)} & set(regions.regions())
    return whole.pop() if len(whole) == 1 else text


def _by_name(code: Any, name: str | None) -> tuple[Any, tuple[Words, Words] | None]:
    """The code of a row by its code and its member's name, and what is wrong with the name and what to do."""
    if name is None:
        return code, (words("the row names no member"), _CHOOSE) if code is None else None
    try:
        by_name = regions.code_for(name)
    except regions.UnknownRegionError:
        near = regions.nearest_names(name, 1)
        remedy = (
            words("Did you mean {near}? Choose the member in the list.", near=near[0]) if near else _CHOOSE
        )
        return code, (words("no municipality or region is called {name}", name=shown(name)), remedy)
    if code is None or code == by_name or code not in regions.regions():
        return code or by_name, None
    return code, (
        words(
            "the row has the code {code} ({owner}), but names {name}",
            code=code,
            owner=regions.region(code).name,
            name=shown(name),
        ),
        words("Correct the name, or empty the code so that it follows the name."),
    )
