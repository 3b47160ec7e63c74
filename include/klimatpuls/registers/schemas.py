"""The shape of every register: one JSON Schema (draft 2020-12) each, and what it says in plain words.

``schemas/<name>.schema.json`` is the only place that knows the columns of a register. Beside the standard's
own words a column may carry annotations: ``title`` is its Swedish header and ``x-headers`` further ones,
``x-hint`` what to do when it is wrong, ``x-words`` Swedish words for its values, ``x-not-future`` that a day
may not lie ahead, ``x-private`` that a message must not repeat the cell.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, cast

from klimatpuls import regions, sectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jsonschema import FormatChecker
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

    from klimatpuls.registers.reading import Cell

LIST_SIGN: Final = "|"
FUNCTION_WORDS: Final = (
    "avdelning", "diarie", "energi", "expedition", "forvaltning", "funktion", "hallbar", "info", "kansli",
    "klimat", "kommun", "kontakt", "miljo", "namnd", "ordforande", "politik", "region", "registrator",
    "samhall", "stab", "stad", "strateg", "styrelse", "utveckling",
)  # fmt: skip
"""A function's address holds one of these words before its @; a person's own address holds a name."""

FIRST_DAY, LAST_DAY = dt.date(1900, 1, 1), dt.date(2200, 12, 31)
"""Days outside are slips of the pen: years are held to the same span."""
LARGEST_NUMBER: Final = 1e15
"""No tonne, krona or inhabitant of a register comes near it; a larger number is a slip, or none at all."""
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER: Final = re.compile(r"[+\-−]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?")
_URL: Final = re.compile(r"https?://[^\s/]+\.[^\s]+")
_ADDRESS: Final = re.compile(r"[a-z0-9][a-z0-9._+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_BLANKS: Final = re.compile(r"[\s\u00a0\u202f]")
_TRUTHS: Final[Mapping[str, bool]] = {
    "true": True,
    "ja": True,
    "sant": True,
    "false": False,
    "nej": False,
    "falskt": False,
}
_FORMATS: Final[Mapping[str, tuple[str, str]]] = {
    "date": (
        "a day",
        f"Write the day as 2024-02-29, from {FIRST_DAY} to {LAST_DAY}; a month or a year alone is no day, "
        "then leave it empty.",
    ),
    "region-code": (
        "the code of a municipality (four digits) or region (two)",
        "Write the code as text, leading zero kept, such as 0360; in a YAML file in quotation marks.",
    ),
    "municipality-code": ("the code of a municipality", "Write four digits as text, such as 0360."),
    "area-code": ("the code of an area", "Write the code as text, leading zero kept, such as 0360."),
    "sector-code": (
        "the code of a sector",
        "Write a code of mart.sector, such as transport or waste; all means every sector.",
    ),
    "https-url": ("a web address", "Write the whole address, beginning with https://."),
    "function-address": (
        "the address of a function",
        "Write an address that belongs to a function and not to a person, such as klimat@example.org "
        f"(it must hold one of the words {', '.join(FUNCTION_WORDS)} before the @).",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the schema has against one record.

    Attributes:
        column: The column, or None for the whole record.
        problem: What is wrong.
        remedy: What to do.
    """

    column: str | None
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The shape of one register.

    Attributes:
        name: Name of the register.
        document: The JSON Schema.
        columns: Column → its part of the schema, in order.
    """

    name: str
    document: Mapping[str, Any]
    columns: Mapping[str, Mapping[str, Any]]

    @property
    def headers(self) -> Mapping[str, str]:
        """Header as it is compared → column: the column's own name, its Swedish title and further ones."""
        return {
            regions.plain_name(header): column
            for column, entry in self.columns.items()
            for header in (column, entry["title"], *entry.get("x-headers", ()))
        }

    def label(self, column: str) -> str:
        """A column as a message names it, such as ``end_date (Slutdatum)``."""
        title = self.columns.get(column, {}).get("title")
        return f"{column} ({title})" if title else column

    def faults(self, record: Mapping[str, Any]) -> Iterator[Fault]:
        """Everything the schema has against a record, in the order of its columns."""
        errors = sorted(
            _validator(self.name).iter_errors(dict(record)), key=lambda error: str(error.absolute_path)
        )
        for error in errors:
            yield self._fault(error, record)
        for column, value in record.items():
            if any(not abs(number) <= LARGEST_NUMBER for number in _numbers(value)):
                remedy = self._hint(column, "Write the number in the unit of the column, digits only.")
                problem = f"expected a number of at most {LARGEST_NUMBER:g}, found {_shown(value)}"
                yield Fault(column=column, problem=problem, remedy=remedy)

    def _fault(self, error: ValidationError, record: Mapping[str, Any]) -> Fault:
        path = [str(part) for part in error.absolute_path]
        column = path[0] if path else None
        if error.validator in ("required", "dependentRequired"):
            missing = re.match(r"'([^']+)' is", str(error.message))
            column = column or (missing.group(1) if missing else None)
            why = _reason(error, record)
            problem = "it is empty" if not path else f"{error.message}"
            return Fault(column=column, problem=problem + why, remedy=self._hint(column, "Fill it in."))
        if error.validator == "additionalProperties" and not path:
            known = ", ".join(self.columns)
            return Fault(column=None, problem=str(error.message), remedy=f"Known settings are {known}.")
        entry = self.columns.get(column or "", {})
        found = "" if entry.get("x-private") else f", found {_shown(error.instance)}"
        wanted, remedy = _wanted(error)
        return Fault(column=column, problem=f"expected {wanted}{found}", remedy=self._hint(column, remedy))

    def _hint(self, column: str | None, remedy: str) -> str:
        hint = self.columns.get(column or "", {}).get("x-hint")
        return str(hint) if hint else remedy


def _numbers(value: object) -> Iterator[float]:
    """Every number in a value, also those of a list or of values by year."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _reason(error: ValidationError, record: Mapping[str, Any]) -> str:
    """Why a column is needed here, where that follows from another column."""
    if error.validator == "dependentRequired":
        given = str(error.message).rsplit(" ", 1)[-1].strip("'")
        return f", although {given} is given"
    if "then" in error.absolute_schema_path:
        names = [name for name in ("target_type", "kind") if name in record]
        return "".join(f", and {name} {record[name]} needs it" for name in names)
    return ""


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}…"


_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "string": ("text", "Write it as text; in a YAML file put a code in quotation marks."),
    "number": ("a number", "Write digits only, with a decimal comma or point, and no unit."),
    "integer": ("a whole number", "Write digits only, such as 2030."),
    "boolean": ("true or false", "Write true or false (ja or nej)."),
    "array": ("a list", f"Part the entries by {LIST_SIGN}."),
    "object": ("values by year", f"Write year:value, parted by {LIST_SIGN}."),
}


def _wanted(error: ValidationError) -> tuple[str, str]:
    """What was expected, and what to do, for the word of the schema that was broken."""
    value = error.validator_value
    match error.validator:
        case "type":
            return _TYPES[str(value)]
        case "format":
            wanted, remedy = _FORMATS[str(value)]
            return wanted, _near(str(value), error.instance) or remedy
        case "enum":
            words = ", ".join(map(str, value))
            return f"one of {words}", f"Write one of {words}."
        case "minimum" | "exclusiveMinimum":
            sign = "at least" if error.validator == "minimum" else "more than"
            return f"{sign} {value:g}", f"Write a number of {sign} {value:g}."
        case "maximum":
            return f"at most {value:g}", f"Write a number of at most {value:g}."
        case "pattern":
            return f"a text of the form {value}", "Write it in that form."
        case "minLength" | "minItems":
            return "something", "Fill it in."
        case "uniqueItems":
            return "every entry once", "Take out what stands there twice."
    return str(error.message), "See the columns in include/registers/README.md."


def _near(kind: str, found: object) -> str | None:
    """A better remedy where a code has lost its leading zero."""
    if kind not in ("region-code", "municipality-code", "area-code") or not isinstance(found, str):
        return None
    padded = found.zfill(4 if len(found) > 2 else 2)
    return (
        f"Did you mean {padded}? Write the code as text, leading zero kept."
        if padded in regions.regions()
        else None
    )


@lru_cache(maxsize=32)
def shape(name: str) -> Shape:
    """The shape of the register of this name."""
    path = resources.files("klimatpuls.registers").joinpath(f"schemas/{name}.schema.json")
    document = cast("Mapping[str, Any]", json.loads(path.read_text(encoding="utf-8")))
    return Shape(name=name, document=document, columns=document["properties"])


@lru_cache(maxsize=32)
def _validator(name: str) -> Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(dict(shape(name).document), format_checker=_format_checker())


@lru_cache(maxsize=1)
def _format_checker() -> FormatChecker:
    from jsonschema import FormatChecker

    checks: Mapping[str, Callable[[object], bool]] = {
        "date": lambda value: not isinstance(value, str) or is_day(value),
        "region-code": lambda value: _is_region(value, ("county", "municipality")),
        "municipality-code": lambda value: _is_region(value, ("municipality",)),
        "area-code": lambda value: _is_region(value, ("nation", "county", "municipality")),
        "sector-code": lambda value: not isinstance(value, str) or value in sectors.sectors(),
        "https-url": lambda value: not isinstance(value, str) or bool(_URL.fullmatch(value)),
        "function-address": lambda value: not isinstance(value, str) or is_function_address(value),
    }
    checker = FormatChecker(formats=())
    for name, check in checks.items():
        checker.checks(name)(check)
    return checker


def _is_region(value: object, levels: tuple[str, ...]) -> bool:
    if not isinstance(value, str):
        return True
    known = regions.regions().get(value)
    return known is not None and known.level in levels


def is_day(text: str) -> bool:
    """Whether a text is an ISO day of the calendar that a register may name, such as ``2024-02-29``."""
    if not _DAY.fullmatch(text):
        return False
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return False
    return FIRST_DAY <= day <= LAST_DAY


def is_function_address(text: str) -> bool:
    """Whether a mail address belongs to a function and not to a person.

    The part before the @ must hold a word of ``FUNCTION_WORDS``: a name does not, and what cannot be told
    from a name is refused rather than kept.

    Example: ``klimat@example.org`` is a function's; ``anna.ek@example.org`` and ``anna@example.org`` are not.
    """
    plain = text.casefold()
    local = plain.partition("@")[0]
    return bool(_ADDRESS.fullmatch(plain)) and any(word in local for word in FUNCTION_WORDS)


def value_of(cell: Cell, column: Mapping[str, Any]) -> Any:
    """What a cell of a spreadsheet says, as its column's schema knows values.

    A cell that cannot be understood stays what it was, and the schema then says what it expects.

    Args:
        cell: The cell: text, a number, a truth value, a day of Excel's, or None.
        column: The column's part of the schema.

    Returns:
        Text, number, bool, list or mapping; None for an empty cell.

    Example: ``"1 250,5"`` in a column of numbers → 1250.5; Excel's 7 May 2026 → ``"2026-05-07"``.
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, dt.datetime):
        is_whole_day = cell.time() == dt.time()
        return cell.date().isoformat() if is_whole_day else cell.isoformat()
    if isinstance(cell, dt.date):
        return cell.isoformat()
    kind = column.get("type")
    if not isinstance(cell, str):
        return _plain(cell) if kind == "string" else cell if kind == "boolean" else _whole(cell)
    return _reader(kind)(cell, column)


def _reader(kind: object) -> Callable[[str, Mapping[str, Any]], Any]:
    return _READERS.get(str(kind), _read_word)


def _plain(cell: float | bool) -> str:
    """A number where text is expected, such as a code that lost its zero: without the decimals Excel adds."""
    if isinstance(cell, bool):
        return str(cell).lower()
    return str(int(cell)) if float(cell).is_integer() else str(cell)


def _whole(number: float | bool) -> float | int | bool:
    """A number without the decimals that say nothing; one beyond :data:`LARGEST_NUMBER` stays as it is."""
    is_whole = isinstance(number, float) and number.is_integer() and abs(number) <= LARGEST_NUMBER
    return int(number) if is_whole else number


def _read_number(text: str, _: Mapping[str, Any]) -> Any:
    plain = _BLANKS.sub("", text)
    if not _NUMBER.fullmatch(plain):
        return text
    return _whole(float(plain.replace(",", ".").replace("−", "-")))


def _read_word(text: str, column: Mapping[str, Any]) -> str:
    words = column.get("x-words", {})
    return str(words.get(text.casefold(), text))


def _read_truth(text: str, _: Mapping[str, Any]) -> Any:
    return _TRUTHS.get(text.casefold(), text)


def _read_list(text: str, column: Mapping[str, Any]) -> Any:
    items = column.get("items", {})
    parts = [part.strip() for part in text.split(LIST_SIGN) if part.strip()]
    if items.get("type") == "object":
        return [_read_step(part) for part in parts]
    return [_reader(items.get("type"))(part, items) for part in parts]


def _read_step(text: str) -> Any:
    """An interim step written into one cell: ``2025:30 %`` or ``2025:90000 t``."""
    found = re.fullmatch(r"(\d{4})\s*[:=]\s*(.+?)\s*(%|t)", text)
    if not found:
        return text
    name = "percent_below_base" if found.group(3) == "%" else "level_tco2e"
    return {"year": int(found.group(1)), name: _read_number(found.group(2), {})}


def _read_years(text: str, _: Mapping[str, Any]) -> Any:
    """Values by year written into one cell: ``2027:120|2030:400``."""
    pairs = [
        re.split(r"\s*[:=]\s*", part.strip(), maxsplit=1) for part in re.split(r"[|;]", text) if part.strip()
    ]
    years = [pair[0] for pair in pairs]
    if any(len(pair) != 2 for pair in pairs) or len(years) != len(set(years)):
        return text
    return {year: _read_number(value, {}) for year, value in pairs}


_READERS: Final[dict[str, Callable[[str, Mapping[str, Any]], Any]]] = {
    "number": _read_number,
    "integer": _read_number,
    "boolean": _read_truth,
    "array": _read_list,
    "object": _read_years,
}
