"""Interprets cells as their column's schema defines values: numbers, days, words and lists.

People write ``63 %``, ``146 060``, ``pågår`` and ``Transporter``. A cell with one possible meaning gets that
value. A cell with two becomes a :class:`Question`, because a wrong guess is a wrong figure.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.domain import sectors
from klimatpuls.files.values import SHORT_MONTHS
from klimatpuls.registers.cells import Percent, day_or_moment
from klimatpuls.registers.words import Words, either, shown, words
from klimatpuls.registers.workbooks import day_of_serial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from klimatpuls.registers.cells import Cell

LIST_SIGN: Final = "|"
PERCENT: Final = "percent"
FRACTION: Final = "fraction"
MAX_NUMBER_CHARACTERS: Final = 60

# Each expression matches the whole text, and no part of it can stand in for the next: none can backtrack.
_PLAIN: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_GROUPED: Final = re.compile(r"[0-9]{1,3}(?: [0-9]{3})+(?:[.,][0-9]+)?")
_EITHER: Final = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_DIGITS: Final = re.compile(r"[0-9][0-9 .,]*")
_FOUR_DIGITS: Final = re.compile(r"[0-9]{4}")
_NUMBER_BLANKS: Final = str.maketrans(dict.fromkeys("\u00a0\u202f\u2007\u2009", " "))
_ZERO_WIDTH: Final = str.maketrans("", "", "\u200b\u200c\u200d\u2060\ufeff\u00ad")
_TRUTHS: Final[Mapping[str, bool]] = {
    "true": True, "ja": True, "sant": True, "yes": True,
    "false": False, "nej": False, "falskt": False, "no": False,
}  # fmt: skip
_SWEDISH_TRUTHS: Final[Mapping[bool, str]] = {True: "ja", False: "nej"}
_SECTOR_WORDS: Final[Mapping[str, str]] = {
    "alla": "all",
    "flera": "all",
    "flera sektorer": "all",
    "transport": "transport",
    "el": "power_heat",
    "fjärrvärme": "power_heat",
    "uppvärmning": "own_heating",
    "egen uppvärmning": "own_heating",
    "lösningsmedel": "product_use",
    "avlopp": "waste",
    "utrikes transport": "international_transport",
}
"""Shorter words for sectors than the publisher's and ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A cell with more than one possible meaning, or with none.

    Attributes:
        problem: What was found.
        remedy: What to write instead.
    """

    problem: Words
    remedy: Words


def clean(text: str) -> str:
    """A text as it is kept: one form per letter (NFC), no blanks at its ends, no signs without width."""
    return unicodedata.normalize("NFC", text).translate(_ZERO_WIDTH).replace("\r\n", "\n").strip()


def key_of(text: str) -> str:
    """A word as it is compared: small letters, without blanks, hyphens and underscores."""
    plain = unicodedata.normalize("NFC", text).translate(_ZERO_WIDTH).casefold()
    return "".join(character for character in plain if not character.isspace() and character not in "-_–")


def value_of(cell: Cell, column: Mapping[str, Any]) -> Any:
    """The value of a spreadsheet cell, as its column's schema defines values.

    A cell that cannot be interpreted keeps its text; the check against the schema then reports it.

    Args:
        cell: The cell: text, a number, a percentage, a truth value, a day, or None.
        column: The column's part of the schema.

    Returns:
        Text, number, bool, list or mapping; None for an empty cell; a Question where it may mean two things.

    Example: ``"1 250,5"`` in a column of numbers → 1250.5, ``"146,060"`` → a Question; a day of 7 May 2026 →
    ``"2026-05-07"``.
    """
    if isinstance(cell, str):
        cell = clean(cell)
    if cell is None or cell == "":
        return None
    if isinstance(cell, dt.date):
        return _from_day(cell, column)
    if isinstance(cell, str):
        return _reader(column)(cell, column)
    return _from_number(cell, column)


def _from_day(cell: dt.date, column: Mapping[str, Any]) -> Any:
    text = (day_or_moment(cell) if isinstance(cell, dt.datetime) else cell).isoformat()
    if column.get("type") in ("number", "integer"):
        return Question(
            problem=words("the cell shows a day ({text}), no number", text=text),
            remedy=words("Give the cell the format Number or General, and write the number."),
        )
    return text


def _from_number(cell: Any, column: Mapping[str, Any]) -> Any:
    kind = column.get("type")
    if isinstance(cell, bool):
        return str(cell).lower() if kind == "string" else cell
    if kind == "string":
        return _text_of_number(cell, column)
    if kind == "array":
        return _read_list(f"{float(cell):g}" if isinstance(cell, Percent) else cell_text(float(cell)), column)
    if kind not in ("number", "integer"):
        return _whole(float(cell))
    if isinstance(cell, Percent):
        return _percentage(100 * float(cell), column)
    return _checked(_whole(float(cell)), column)


def _text_of_number(cell: float, column: Mapping[str, Any]) -> Any:
    """A number where text is expected, such as a code that lost its zero: without the decimals Excel adds."""
    if isinstance(cell, Percent):
        return f"{_rounded(100 * float(cell)):g} %"
    if column.get("format") == "date":
        day = day_of_serial(float(cell), is_1904=False)
        meant = f" ({day.isoformat()[:10]}?)" if isinstance(day, dt.date) and cell > 20_000 else ""
        return Question(
            problem=words("the cell shows the number {cell:g}, no day", cell=cell),
            remedy=words(
                "Give the cell the format Date, or write the day as 2026-05-07{meant}.", meant=meant
            ),
        )
    return str(int(cell)) if float(cell).is_integer() else str(cell)


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _rounded(number: float) -> float | int:
    """A number without the noise that a multiplication by 100 leaves."""
    return _whole(float(f"{number:.14g}"))


def _percentage(number: float, column: Mapping[str, Any]) -> Any:
    """A value that is stated in percent."""
    unit = column.get("x-unit")
    if unit == PERCENT:
        return _rounded(number)
    if unit == FRACTION:
        return _rounded(number / 100)
    percentage = f"{_rounded(number):g} %"
    return Question(
        problem=words("the cell shows {percentage}, but the column is not in percent", percentage=percentage),
        remedy=words("Give the cell the format Number, and write the value in the column's unit."),
    )


def _checked(number: float | int, column: Mapping[str, Any]) -> Any:
    """A number without a unit; a Question where it could be a share of one in a column of percent."""
    if column.get("x-unit") != PERCENT or not 0 < abs(number) <= 1:
        return number
    share, same = _decimal(f"{_rounded(100 * number):g} %"), _decimal(f"{number:g} %")
    return Question(
        problem=words("{number:g} may mean {share} or {same}", number=number, share=share, same=same),
        remedy=words("Write {share} or {same}, with the percent sign.", share=share, same=same),
    )


def _decimal(text: str) -> Words:
    """A number as text with the decimal sign of each language."""
    return either(text.replace(".", ","), text.replace(",", "."))


def _reader(column: Mapping[str, Any]) -> Callable[[str, Mapping[str, Any]], Any]:
    return _READERS.get(str(column.get("type")), _read_word)


def read_number(text: str) -> float | int | Question | None:
    """The number a text states, with blanks as thousands signs and a decimal comma or point.

    Args:
        text: Such as ``146 060``, ``−3,5`` or ``1e3``, without a unit.

    Returns:
        The number; None where the text is none; a Question where comma or point may part thousands.
    """
    plain = text.translate(_NUMBER_BLANKS)
    sign = -1 if plain[:1] in ("-", "−") else 1
    digits = plain[1:].lstrip() if plain[:1] in ("-", "−", "+") else plain
    if len(digits) > MAX_NUMBER_CHARACTERS:
        return None
    if _EITHER.fullmatch(digits):
        return _ambiguous(text, digits)
    if _PLAIN.fullmatch(digits) or _GROUPED.fullmatch(digits):
        number = float(digits.replace(" ", "").replace(",", "."))
        return _whole(sign * number) if abs(number) < float("inf") else None
    if _DIGITS.fullmatch(digits) and any(mark in digits for mark in " .,"):
        return _unclear(text)
    return None


def _ambiguous(text: str, digits: str) -> Question:
    whole, _, rest = digits.replace(".", ",").partition(",")
    thousand, decimal = f"{whole} {rest}", f"{whole},{rest.rstrip('0') or '0'}"
    return Question(
        problem=words(
            "{found} may mean {thousand} or {decimal}",
            found=shown(text),
            thousand=thousand,
            decimal=_decimal(decimal),
        ),
        remedy=words(
            "Write {whole}{rest} or {whole} {rest} for thousands; write {whole}.{rest}0 for decimals.",
            whole=whole,
            rest=rest,
        ),
    )


def _unclear(text: str) -> Question:
    found = shown(text)
    return Question(
        problem=words("{found} cannot be read as one number", found=found),
        remedy=words(
            "Write digits with at most one decimal sign; thousands are parted by blanks: 146 060 or 1 250.5."
        ),
    )


def _read_number(text: str, column: Mapping[str, Any]) -> Any:
    for sign in ("%", "procent", "percent"):
        if text.casefold().endswith(sign):
            number = read_number(text[: -len(sign)].rstrip())
            if number is None or isinstance(number, Question):
                return text if number is None else number
            return _percentage(number, column)
    number = read_number(text)
    if number is None:
        return text
    return number if isinstance(number, Question) else _checked(number, column)


def _read_word(text: str, column: Mapping[str, Any]) -> Any:
    if column.get("format") == "sector-code":
        return sector_code(text)
    if column.get("format") == "date":
        return _read_day(text)
    if "x-prefixes" in column and ":" in text:
        return _prefixed(text, column["x-prefixes"])
    return _words(column).get(key_of(text), text)


def word_of(value: Any, column: Mapping[str, Any]) -> Any:
    """The value of a setting by its word, such as ``ongoing`` for ``pågår``; one without words as it is."""
    if isinstance(value, list):
        return [word_of(inner, column.get("items", {})) for inner in value]
    has_words = "enum" in column or "x-words" in column or column.get("format") == "sector-code"
    return _read_word(value, column) if isinstance(value, str) and has_words else value


def _words(column: Mapping[str, Any]) -> Mapping[str, str]:
    """Key → value of a column with words of its own: its values, and the Swedish words for them."""
    own = {key_of(word): word for word in (*column.get("enum", ()), *column.get("x-values", ()))}
    return own | {key_of(word): str(value) for word, value in column.get("x-words", {}).items()}


def _prefixed(text: str, prefixes: Mapping[str, str]) -> str:
    kind, _, name = text.partition(":")
    known = {key_of(word): word for word in prefixes.values()} | {
        key_of(word): value for word, value in prefixes.items()
    }
    return f"{known.get(key_of(kind), kind)}:{name.strip()}"


def _read_day(text: str) -> Any:
    for ending in ("T00:00:00", " 00:00:00", " 00:00"):
        text = text.removesuffix(ending)
    return text


def likely_day(text: str) -> str | None:
    """The ISO day that a text in Swedish words seems to mean, for a question; None where nothing is likely.

    Example: ``1 mars 2025`` → ``2025-03-01``; ``2025/3/1`` → ``2025-03-01``.
    """
    parts = text[:40].casefold().replace("/", " ").replace("-", " ").replace(".", " ").split()
    if len(parts) != 3:
        return None
    day, month, year = parts[::-1] if _FOUR_DIGITS.fullmatch(parts[0]) else parts
    if month[:3] in SHORT_MONTHS and month.isalpha():
        month = str(SHORT_MONTHS.index(month[:3]) + 1)
    elif day is parts[0]:
        return None  # 1/3 2025 is the first of March or the third of January
    try:
        return dt.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


@lru_cache(maxsize=1)
def _sector_keys() -> Mapping[str, str]:
    """Key → code for every name of a sector; a name that several sectors share is left out."""
    found: dict[str, str] = {}
    shared: set[str] = set()
    for code, sector in sectors.sectors().items():
        for name in _sector_names(sector):
            if (
                found.setdefault(key_of(name), code) != code
                and not sectors.sectors()[found[key_of(name)]].is_main
            ):
                shared.add(key_of(name))
    words = {key_of(word): code for word, code in _SECTOR_WORDS.items()}
    codes = {key_of(code): code for code in sectors.sectors()}
    return {key: code for key, code in found.items() if key not in shared} | words | codes


def _sector_names(sector: sectors.Sector) -> Iterator[str]:
    yield sector.name_sv
    yield sector.name_en
    yield sector.name_sv.partition(" (")[0]
    for main, sub in sector.spellings:
        if key_of(sub) == key_of("Alla"):
            yield main
            yield main.partition(" (")[0]
        else:
            yield sub
            yield f"{main} > {sub}"


def sector_code(text: str) -> str:
    """The code of a sector by its code or one of its names, Swedish or English; else the text."""
    return _sector_keys().get(key_of(text), text)


def _read_truth(text: str, _: Mapping[str, Any]) -> Any:
    return _TRUTHS.get(key_of(text), text)


def _read_list(text: str, column: Mapping[str, Any]) -> Any:
    items = column.get("items", {})
    read = _read_step if items.get("type") == "object" else _reader(items)
    return _all_or_question(read(part, items) for part in _parts(text, LIST_SIGN))


def _all_or_question(values: Iterable[Any]) -> Any:
    listed = list(values)
    return next((value for value in listed if isinstance(value, Question)), listed)


def _parts(text: str, signs: str) -> list[str]:
    for sign in signs[1:]:
        text = text.replace(sign, signs[0])
    return [part.strip() for part in text.split(signs[0]) if part.strip()]


def _pair(text: str) -> tuple[str, str]:
    """A year and what stands behind its colon or equals sign."""
    year, _, rest = text.replace("=", ":", 1).partition(":") if ":" not in text else text.partition(":")
    return year.strip(), rest.strip()


def _read_step(text: str, _: Mapping[str, Any]) -> Any:
    """An interim step written into one cell: ``2025:30 %`` or ``2025:90000 t``."""
    year, amount = _pair(text)
    if not _FOUR_DIGITS.fullmatch(year):
        return text
    for sign, name in (("%", "percent_below_base"), ("ton", "level_tco2e"), ("t", "level_tco2e")):
        if amount.casefold().endswith(sign):
            number = read_number(amount[: -len(sign)].rstrip())
            if isinstance(number, Question):
                return number
            return text if number is None else {"year": int(year), name: number}
    return text


def _read_years(text: str, _: Mapping[str, Any]) -> Any:
    """Values by year written into one cell: ``2027:120|2030:400``."""
    pairs = [_pair(part) for part in _parts(text, "|;\n")]
    years = [year for year, _ in pairs]
    if any(not value for _, value in pairs) or len(years) != len(set(years)):
        return text
    numbers = [read_number(value) for _, value in pairs]
    if question := next((number for number in numbers if isinstance(number, Question)), None):
        return question
    return {
        year: value if number is None else number
        for (year, value), number in zip(pairs, numbers, strict=True)
    }


_READERS: Final[dict[str, Callable[[str, Mapping[str, Any]], Any]]] = {
    "number": _read_number,
    "integer": _read_number,
    "boolean": _read_truth,
    "array": _read_list,
    "object": _read_years,
}


def cell_text(value: Any) -> str:
    """A value as a CSV register writes it; the reverse of :func:`value_of`.

    A number with three decimals gets a fourth, so that nobody can take its point for a thousands sign.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = str(int(value)) if value.is_integer() else str(value)
        return f"{text}0" if _EITHER.fullmatch(text.lstrip("-")) else text
    if isinstance(value, dict):
        return LIST_SIGN.join(f"{year}:{cell_text(number)}" for year, number in value.items())
    if isinstance(value, list):
        return LIST_SIGN.join(cell_text(inner) for inner in value)
    return str(value)


def swedish_cell(value: Any, column: Mapping[str, Any]) -> Cell:
    """A value as a workbook shows it in Swedish; :func:`value_of` reads it back.

    Example: 63 in a column of percent → a cell that shows 63 %; ``ongoing`` → ``pågående``.
    """
    kind = column.get("type")
    if value is None:
        return None
    if isinstance(value, bool):
        return _SWEDISH_TRUTHS[value]
    if isinstance(value, int | float):
        value, unit = float(f"{value:.15g}"), column.get("x-unit")  # what every spreadsheet program keeps
        return Percent(value / 100) if unit == PERCENT else Percent(value) if unit == FRACTION else value
    if kind == "array":
        return LIST_SIGN.join(_swedish_item(inner, column.get("items", {})) for inner in value)
    if kind == "object":
        return LIST_SIGN.join(f"{year}:{_decimal_comma(number)}" for year, number in value.items())
    return dt.date.fromisoformat(value) if column.get("format") == "date" else _swedish_item(value, column)


def _swedish_item(value: Any, column: Mapping[str, Any]) -> str:
    if isinstance(value, dict):
        sign, amount = (
            ("%", value["percent_below_base"])
            if "percent_below_base" in value
            else ("t", value["level_tco2e"])
        )
        return f"{value['year']}:{_decimal_comma(amount)} {sign}"
    text = cell_text(value)
    if column.get("format") == "sector-code" and text in sectors.sectors():
        name = sectors.sectors()[text].name_sv
        return name if sector_code(name) == text else text
    prefix, sign, name = text.partition(":")
    if sign and prefix in column.get("x-prefixes", {}).values():
        word = next(word for word, known in column["x-prefixes"].items() if known == prefix)
        return f"{word}: {name}"
    return swedish_word(text, column)


def swedish_word(value: str, column: Mapping[str, Any]) -> str:
    """The Swedish word a member reads and writes for a value; the value itself where there is none."""
    return next((str(word) for word, known in column.get("x-words", {}).items() if known == value), value)


def _decimal_comma(number: float) -> str:
    return cell_text(number).replace(".", ",")


def swedish_text(value: Any, column: Mapping[str, Any]) -> str:
    """A value in words, such as ``63 %``, ``146060,5`` or ``pågående``; empty for None."""
    cell = swedish_cell(value, column)
    if isinstance(cell, Percent):
        return f"{_decimal_comma(_rounded(100 * float(cell)))} %"
    return _decimal_comma(cell) if isinstance(cell, int | float) else "" if cell is None else str(cell)
