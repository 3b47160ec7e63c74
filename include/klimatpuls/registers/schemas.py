"""The shape of every register: one JSON Schema (draft 2020-12) each, and what it says in plain words.

``schemas/<name>.schema.json`` is the only place that knows the columns of a register. Beside the standard's
own words a column may carry annotations: ``title`` is its Swedish header and ``x-headers`` further ones,
``x-hint`` what to do when it is wrong (a message of the catalogues), ``x-words`` Swedish words for values,
``x-values`` values that words stand for without an ``enum``, ``x-prefixes`` Swedish words before a
colon, ``x-unit`` that a number is in ``percent`` or a ``fraction`` of one, ``x-not-future`` that a day
may not lie ahead, ``x-private`` that a message must not repeat the cell. A ``pattern`` has its sentence here.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from klimatpuls.domain import regions, sectors
from klimatpuls.domain.mail_address import AddressError, parse_address
from klimatpuls.registers.values import likely_day, swedish_word
from klimatpuls.registers.words import NOTHING, Words, either, joined, same, shown, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jsonschema import FormatChecker
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

FUNCTION_WORDS: Final = (
    "avdelning", "diarie", "energi", "expedition", "forvaltning", "funktion", "hallbar", "info", "kansli",
    "klimat", "kommun", "kontakt", "miljo", "namnd", "ordforande", "politik", "region", "registrator",
    "samhall", "stab", "stad", "strateg", "styrelse", "utveckling",
)  # fmt: skip
"""A function's address holds one of these words before its @; a person's own address holds a name."""

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200
"""Years that a register speaks of; a day outside them is a slip."""
MAX_URL: Final = 2000
MAX_NUMBER: Final = 1e15
"""Beyond any figure of a municipality, and far within what every formula and table can hold."""

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ID: Final = "^[a-z0-9][a-z0-9_-]{1,62}$"
PATTERNS: Final[Mapping[str, Words]] = {
    _ID: words("an id of 2 to 63 characters: small letters a to z, digits, - or _"),
    "^[A-C][1-9]$": words("a letter A to C and a digit, such as C6"),
    "^(19|20|21)[0-9]{2}$": words("a year from 1900 to 2199"),
}
"""What each pattern of a schema says, in words."""
_CODE: Final = words(
    "Write the code as text, leading zero kept, such as 0360; in a YAML file in quotation marks."
)
_FUNCTIONS: Final = ", ".join(FUNCTION_WORDS)
_FORMATS: Final[Mapping[str, tuple[Words, Words]]] = {
    "date": (
        words("a day"),
        words("Write the day as 2024-02-29; a month or a year alone is no day, then leave it empty."),
    ),
    "region-code": (words("the code of a municipality (four digits) or region (two)"), _CODE),
    "municipality-code": (
        words("the code of a municipality"),
        words("Write four digits as text, such as 0360."),
    ),
    "area-code": (words("the code of an area"), _CODE),
    "sector-code": (
        words("the code of a sector"),
        words(
            "Write a code of mart.sector or its name, such as transport or Avfall; all means every sector."
        ),
    ),
    "https-url": (
        words("a web address"),
        words("Write the whole address, beginning with https://, without blanks."),
    ),
    "function-address": (
        words("the address of a function"),
        words(
            "Write an address that belongs to a function and not to a person, such as "
            "klimat@example.org (it must hold one of the words {functions} before the @).",
            functions=_FUNCTIONS,
        ),
    ),
}


class Fault(NamedTuple):
    """One way in which a record does not fit its schema; the column is None for the whole record."""

    column: str | None
    problem: Words
    remedy: Words


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

    def label(self, column: str) -> Words:
        """A column as a message names it, such as ``end_date (Slutdatum)``; Swedish the other way round."""
        title = self.columns.get(column, {}).get("title")
        return words("{column} ({title})", column=column, title=title) if title else same(column)

    def name_of(self, column: str) -> Words:
        """A column in a sentence: its Swedish title, or its own name."""
        return either(str(self.columns.get(column, {}).get("title", column)), column)

    def named(self, text: Words) -> Words:
        """A message whose values name columns of this register, in each language by what it calls them."""
        return replace(
            text,
            values=tuple(
                (name, self.name_of(value) if isinstance(value, str) and value in self.columns else value)
                for name, value in text.values
            ),
        )

    def faults(self, record: Mapping[str, Any]) -> Iterator[Fault]:
        """All ways in which a record does not fit the schema, by column."""
        errors = sorted(
            _validator(self.name).iter_errors(dict(record)), key=lambda error: str(error.absolute_path)
        )
        for error in errors:
            yield self._fault(error, record)

    def _fault(self, error: ValidationError, record: Mapping[str, Any]) -> Fault:
        path = [str(part) for part in error.absolute_path]
        column = path[0] if path else None
        if error.validator in ("required", "dependentRequired"):
            missing = _missing(error)
            column = column or missing
            problem = words("it is empty")
            if path:
                problem = words("{missing} is missing", missing=missing)
            problem = joined("", [problem, self._reason(error, record)])
            return Fault(column, problem, self._hint(column, words("Fill it in.")))
        if error.validator == "additionalProperties" and not path:
            return self._unknown(error, record)
        entry = self.columns.get(column or "", {})
        found = shown(error.instance)
        wanted, remedy = _wanted(error)
        problem = words("expected {wanted}, found {found}", wanted=wanted, found=found)
        if entry.get("x-private"):
            problem = words("expected {wanted}", wanted=wanted)
        return Fault(column, problem, self._hint(column, remedy))

    def _unknown(self, error: ValidationError, record: Mapping[str, Any]) -> Fault:
        strange = ", ".join(repr(name) for name in record if name not in self.columns) or str(error.message)
        known = ", ".join(self.columns)
        return Fault(
            column=None,
            problem=words("there is no setting {strange}", strange=strange),
            remedy=words("Known settings are {known}.", known=known),
        )

    def _hint(self, column: str | None, remedy: Words) -> Words:
        entry = self.columns.get(column or "", {})
        hint = entry.get("x-hint")
        return words(hint) if hint else remedy

    def _reason(self, error: ValidationError, record: Mapping[str, Any]) -> Words:
        """Why a column is needed here, where that follows from another column."""
        if error.validator == "dependentRequired":
            given = str(error.message).rsplit(" ", 1)[-1].strip("'")
            return words(", although {given} is given", given=self.name_of(given))
        names = [name for name in ("target_type", "kind") if name in record]
        if "then" not in error.absolute_schema_path or not names:
            return NOTHING
        (name, *_) = names
        value = either(swedish_word(record[name], self.columns[name]), record[name])
        return words(", and {name} {value} needs it", name=self.name_of(name), value=value)


def _missing(error: ValidationError) -> str | None:
    """The column that a record lacks, which the library names between quotes at the start of its message."""
    quoted = str(error.message).split("'", 2)
    return quoted[1] if len(quoted) > 2 else None


_TYPES: Final[Mapping[str, tuple[Words, Words]]] = {
    "string": (words("text"), words("Write it as text; in a YAML file put a code in quotation marks.")),
    "number": (words("a number"), words("Write digits only, with a decimal comma or point, and no unit.")),
    "integer": (words("a whole number"), words("Write digits only, such as 2030.")),
    "boolean": (words("true or false"), words("Write true or false (ja or nej).")),
    "array": (words("a list"), words("Part the entries by |.")),
    "object": (
        words("values by year"),
        words("Write year:value, parted by |."),
    ),
}


def _wanted(error: ValidationError) -> tuple[Words, Words]:
    """What was expected, and what to do, for the word of the schema that was broken."""
    value = error.validator_value
    match error.validator:
        case "type":
            return _TYPES[str(value)]
        case "format":
            wanted, remedy = _FORMATS[str(value)]
            return wanted, _near(str(value), error.instance) or remedy
        case "enum":
            choices = _choices(value, error.schema)
            return words("one of {choices}", choices=choices), words(
                "Write one of {choices}.", choices=choices
            )
        case "pattern":
            wanted = PATTERNS[str(value)]
            return wanted, words("Write it so.")
        case "minLength" | "minItems":
            return words("something"), words("Fill it in.")
        case "uniqueItems":
            return words("every entry once"), words("Take out what stands there twice.")
    return _bounds(str(error.validator), value)


def _bounds(keyword: str, value: Any) -> tuple[Words, Words]:
    match keyword:
        case "minimum":
            limit = words("at least {value:g}", value=value)
        case "exclusiveMinimum":
            limit = words("more than {value:g}", value=value)
        case "maximum":
            limit = words("at most {value:g}", value=value)
        case _:
            return words("something else"), words("See the columns in include/registers/README.md.")
    return limit, words("Write a number of {limit}.", limit=limit)


def _choices(values: Sequence[Any], entry: Any) -> Words:
    """The values of a column, in Swedish by the first word for each."""
    english = [str(value) for value in values]
    return either(", ".join(swedish_word(value, entry) for value in english), ", ".join(english))


def _near(kind: str, found: object) -> Words | None:
    """A better remedy where a code has lost its leading zero or a day is written in words."""
    if not isinstance(found, str):
        return None
    if kind == "date":
        day = likely_day(found)
        if day is None:
            return None
        if not is_day(day):
            return words(
                "Write a day from the year {first_year} to {last_year}; else leave the cell empty.",
                first_year=FIRST_YEAR,
                last_year=LAST_YEAR,
            )
        return words("Did you mean {day}? Write the day so.", day=day)
    if kind not in ("region-code", "municipality-code", "area-code"):
        return None
    padded = found.zfill(4 if len(found) > 2 else 2)
    if padded not in regions.regions() or padded == found:
        return None
    return words("Did you mean {padded}? Write the code as text, leading zero kept.", padded=padded)


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
        "https-url": lambda value: not isinstance(value, str) or is_web_address(value),
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
    """Whether a text is an ISO day of the calendar within the years of a register, such as ``2024-02-29``."""
    if not _DAY.fullmatch(text):
        return False
    try:
        return FIRST_YEAR <= dt.date.fromisoformat(text).year <= LAST_YEAR
    except ValueError:
        return False


def is_web_address(text: str) -> bool:
    """Whether a text is a whole address of the web, such as ``https://example.org/beslut``."""
    scheme, sign, rest = text.partition("://")
    host = rest.partition("/")[0]
    is_one_word = len(text) <= MAX_URL and not any(
        character.isspace() or not character.isprintable() for character in text
    )
    has_host = "." in host.strip(".") and bool(host)
    return is_one_word and bool(sign) and scheme.casefold() in ("http", "https") and has_host


def is_function_address(text: str) -> bool:
    """Whether a mail address can be sent to, and belongs to a function and not to a person.

    The part before the @ must hold a word of ``FUNCTION_WORDS``, with or without the dots of å, ä, ö. A text
    that could be a person's name is refused.

    Example: ``klimat@example.org`` is a function's; ``anna.ek@example.org`` and ``anna@example.org`` are not.
    """
    try:
        address = parse_address(text)
    except AddressError:
        return False
    local = "".join(
        sign
        for sign in unicodedata.normalize("NFD", address.local.casefold())
        if not unicodedata.combining(sign)
    )
    return any(word in local for word in FUNCTION_WORDS)
