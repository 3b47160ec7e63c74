"""Takes apart an answer of Trafikanalys' interface: product, variables, rows, cells, days. No network."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NoReturn

from klimatpuls.contract.releases import EXPECTED
from klimatpuls.errors import SourceFormatError
from klimatpuls.files import values

if TYPE_CHECKING:
    from collections.abc import Mapping


SOURCE_ID: Final = "trafa_vehicles"
PRODUCT: Final = "t10026"
MEASURES: Final = {"itrfslut": "in_traffic", "nyregunder": "newly_registered"}
TOTAL: Final = "t1"
FIRST_YEAR: Final = 2015
FUEL_WORDS: Final = {
    "totalt": "total",
    "samtliga": "total",
    "samtliga drivmedel": "total",
    "bensin": "petrol",
    "diesel": "diesel",
    "el": "electric",
    "elhybrid": "hybrid",
    "elhybrider": "hybrid",
    "laddhybrid": "plugin_hybrid",
    "laddhybrider": "plugin_hybrid",
    "elhybrider/laddhybrid": "hybrid_or_plugin",
    "elhybrider/laddhybrider": "hybrid_or_plugin",
    "etanol": "ethanol",
    "etanol/etanol flexifuel": "ethanol",
    "gas": "gas",
    "gas/gas flexifuel": "gas",
    "gas-komprimerad": "gas_compressed",
    "gas-flytande": "gas_liquid",
    "övriga": "other",
    "övrigt": "other",
}
"""Trafikanalys' word for a fuel, in lower case → our code."""
FUEL_CODES: Final = {
    "101": ("petrol", re.compile("bensin")),
    "102": ("diesel", re.compile("diesel")),
    "103": ("electric", re.compile(r"\b(ren )?el(drift|bil|fordon|ektrisk\w*)?\b|batteri")),
    "104": ("hybrid", re.compile("^(?!.*ladd).*hybrid")),
    "105": ("plugin_hybrid", re.compile("laddhybrid|laddbar")),
    "106": ("ethanol", re.compile("etanol|e85")),
    "107": ("gas", re.compile(r"\b(metan|natur|bio|fordons)?gas\b")),
    "109": ("other", re.compile("övrig")),
    TOTAL: ("total", re.compile("total|samtliga|alla")),
}
"""Code of a fuel → ours, and what an unknown label must say to be accepted for that fuel."""
VARIABLES: Final = ("ar", "reglan", "regkom", "drivmedel")
WHAT_TO_DO: Final = (
    "What to do: see what it means at https://www.trafa.se, then add it to FUEL_WORDS or FUEL_CODES in "
    "klimatpuls/sources/trafa_vehicles/answers.py"
)
"""What a person does about a fuel that was not read."""
DASHES: Final = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2212")
_NO_FIGURE: Final = frozenset({"..", ".", "…"})

Row = tuple[str, str, str, str, int, int, int]
"""Region, vehicle, fuel, measure, year, count, place in the file."""
Reject = tuple[int, str, str, str]
"""Place, what it is about, text, reason."""


@dataclass(frozen=True)
class Figures:
    """What some answers or the workbook hold.

    Attributes:
        rows: The figures.
        rejects: Cells that are no figure.
        published: The day that dates the release.
        notes: What an operator should know, one sentence each.
        losses: Those of the notes about a part that is missing.
    """

    rows: list[Row]
    rejects: list[Reject]
    published: date
    notes: list[str]
    losses: list[str]


def document(body: bytes) -> dict[str, Any]:
    """One answer of the interface.

    Raises:
        SourceFormatError: if it is no JSON object, or an error with status 200.
    """
    try:
        found = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        refuse("not_json", f"expected JSON, found {body[:80]!r}")
    if not isinstance(found, dict):
        refuse("not_json", "expected a JSON object")
    if found.get("Errors"):
        refuse("service_error", f"the service answers with an error: {found['Errors']}")
    return found


def product_of(structure: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The product in a structure, which lists other products too; None where it is not there."""
    stack = list(_items(structure))
    while stack:
        item: Mapping[str, Any] = stack.pop()
        if str(item.get("Name", "")).casefold() == PRODUCT:
            return item
        stack += _items(item)
    return None


def values_of(structure: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Variable → its codes with their labels, however deep the structure nests them; empty where none are."""
    found: dict[str, dict[str, str]] = {name: {} for name in VARIABLES}
    product = product_of(structure)
    stack = [(item, "") for item in _items(structure if product is None else product)]
    while stack:
        item, above = stack.pop()
        name = str(item.get("Name", ""))
        if above:
            found[above][name.casefold()] = str(item.get("Label", ""))
        stack += [(child, name if name in found else above) for child in _items(item)]
    return found


def day_of(answer: Mapping[str, Any], name: str) -> date | None:
    """The day in a field of an answer; None where there is none, or one that cannot be."""
    stated = answer.get(name)
    if not stated:
        return None
    try:
        day = values.day_from_text(str(stated))
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None


def _items(item: Mapping[str, Any]) -> list[Any]:
    below = item.get("StructureItems") or []
    return [child for child in below if isinstance(child, dict)] if isinstance(below, list) else []


def rows_of(answer: Mapping[str, Any]) -> list[Any]:
    """The rows of an answer."""
    rows = answer.get("Rows") or []
    return rows if isinstance(rows, list) else [rows]


def cells_of(row: object) -> list[dict[str, Any]]:
    """The cells of a row, of which a single one may stand without a list."""
    stated = row.get("Cell") if isinstance(row, dict) else None
    return [cell for cell in (stated if isinstance(stated, list) else [stated]) if isinstance(cell, dict)]


def count_of(text: str) -> int | None:
    """A whole number of vehicles that is not negative; None for anything else."""
    try:
        value = values.number_from_text(text)
    except ValueError:
        return None
    return int(value) if value == int(value) and value >= 0 else None


def why_no_count(text: str) -> str:
    """Why a text is no number of vehicles."""
    if text in _NO_FIGURE:
        return f"{EXPECTED}no figure, symbol {text}"
    try:
        return "a negative number" if values.number_from_text(text) < 0 else "not a whole number"
    except ValueError:
        return "not a whole number"


def text_of(value: object) -> str:
    """A value of JSON as text; empty for what is no text or number."""
    return "" if isinstance(value, bool | dict | list) else values.text_of(value)


def refuse(rule: str, what: str) -> NoReturn:
    """Refuse bytes of this source.

    Raises:
        SourceFormatError: always.
    """
    msg = f"{SOURCE_ID}: {what}. What to do: compare the kept bytes with the publisher's; nothing was loaded."
    raise SourceFormatError(msg, rule=rule, findings=(what,))
