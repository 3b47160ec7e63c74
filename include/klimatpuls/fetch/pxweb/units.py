"""Reads the unit of a statistical table from the texts a publisher writes it in. Pure.

Publishers write the unit of a figure in its own field, in the label of a value (``Metan (kt CO2-ekv.)``), in
the label of the measure or in the title of the table, in many spellings. This module knows the spellings of
three quantities and the factor that belongs to each. A spelling it does not know is never guessed at.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klimatpuls.contract.catalog import Quantity

_FACTORS: Mapping[Quantity, Mapping[Fraction, tuple[str, ...]]] = {
    "persons": {
        Fraction(1): (
            "antal",
            "antal personer",
            "antal invånare",
            "personer",
            "person",
            "invånare",
            "number",
            "number of persons",
            "persons",
        ),
    },
    "emissions": {
        Fraction(1_000): (
            "kt",
            "kton",
            "kiloton",
            "tusen ton",
            "tusentals ton",
            "1000 ton",
            "1 000 ton",
            "1000-tal ton",
            "gg",
            "gigagram",
        ),
        Fraction(1): ("t", "ton", "tonnes", "metriska ton"),
        Fraction(1, 1_000): ("kg", "kilo", "kilogram"),
    },
    "energy": {
        Fraction(1, 1_000): ("kwh", "kilowattimmar"),
        Fraction(1): ("mwh", "megawattimmar", "megawattimme"),
        Fraction(1_000): ("gwh", "gigawattimmar"),
        Fraction(1_000_000): ("twh", "terawattimmar"),
    },
}
_WORDS = {
    quantity: {word: factor for factor, words in by_factor.items() for word in words}
    for quantity, by_factor in _FACTORS.items()
}
_EQUIVALENTS = re.compile(r"(?:co2|koldioxid)[ -]?(?:e\b|eq|ekv)")
_OF_CARBON_DIOXIDE = re.compile(r" ?(?:av )?(?:co2|koldioxid)(?:[ -]?e(?:q\w*|kv\w*)?\.?)?$")
_PER_YEAR = re.compile(r" ?(?:/ ?år|per år)$")
_SAYS_NOTHING = re.compile(r"[-. ]*|enhet|.*\b(?:varierar|olika|se)\b.*")
_PART = re.compile(r"[()\[\],;:]")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as a text states it.

    Attributes:
        text: The words of the publisher.
        factor: What a value is multiplied by to be in our unit.
        is_equivalents: Whether the words speak of CO2 equivalents.
    """

    text: str
    factor: Fraction
    is_equivalents: bool = False


def plain(text: str) -> str:
    """A text as it is compared: single blanks, no subscripts, lower case.

    Example: ``Kt  CO₂-ekv.`` → ``kt co2-ekv.``
    """
    return " ".join(unicodedata.normalize("NFKC", text).split()).casefold()


def read_unit(text: str, quantity: Quantity) -> Unit | None:
    """The unit that a whole text states; None where it is no unit of the quantity.

    Args:
        text: Such as ``antal personer``, ``1 000 ton CO2-ekv./år`` or ``MWh``.
        quantity: What the table counts.

    Returns:
        The unit with its factor to persons, tonnes or megawatt-hours.

    Example: ``kton CO2-ekv.`` of emissions → factor 1000.
    """
    words = plain(text)
    bare = _PER_YEAR.sub("", words)
    if quantity == "emissions":
        bare = _OF_CARBON_DIOXIDE.sub("", bare)
    factor = _WORDS[quantity].get(bare.strip(" .") if bare.strip(" .") else bare)
    return None if factor is None else Unit(" ".join(text.split()), factor, speaks_of_equivalents(words))


def find_unit(text: str, quantity: Quantity) -> Unit | None:
    """The unit that stands somewhere in a label or title; None where there is none, or more than one factor.

    Only a part that stands by itself counts, within brackets or between commas: the words ``10 000 ton`` end
    with a unit that would be wrong.

    Example: ``Metan (kt CO2-ekv.)`` → ``kt CO2-ekv.``; ``Fluorkolväten (HFC)`` → None.
    """
    units = [unit for part in _PART.split(text) if (unit := read_unit(part, quantity))]
    return units[0] if len({unit.factor for unit in units}) == 1 else None


def says_nothing(text: str) -> bool:
    """Whether a unit field leaves the unit to another place: it is empty or says that units vary."""
    words = plain(text)
    return _SAYS_NOTHING.fullmatch(words) is not None or _OF_CARBON_DIOXIDE.fullmatch(words) is not None


def speaks_of_equivalents(text: str) -> bool:
    """Whether a text speaks of CO2 equivalents, in any spelling."""
    return _EQUIVALENTS.search(plain(text)) is not None
