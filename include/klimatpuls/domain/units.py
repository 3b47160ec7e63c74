"""Units as publishers write them.

All our tables hold emissions in tonnes. A greenhouse gas in an unexpected unit is refused, never converted on
a guess; an air pollutant is converted from the unit that its sheet states, if that is a mass.
"""

from __future__ import annotations

import re
from fractions import Fraction

TONNES_PER_YEAR = "ton/år"
"""How SMHI writes the unit of greenhouse gases: metric tonnes per calendar year."""


def plain_unit(unit: str) -> str:
    """A unit in the form for comparing: single blanks, none around the slash, lower case."""
    return re.sub(r"\s*/\s*", "/", " ".join(unit.split())).casefold()


_MASSES = {
    Fraction(1_000): ("kt", "kton", "kiloton"),
    Fraction(1): ("t", "ton"),
    Fraction(1, 1_000): ("kg", "kilo", "kilogram"),
    Fraction(1, 1_000_000): ("g", "gram"),
    Fraction(1, 1_000_000_000): ("mg", "milligram"),
}
_TONNES_OF_WORD = {word: mass for mass, words in _MASSES.items() for word in words}
_MASS_UNIT = re.compile(
    r"(?P<thousand>(?:1 ?000|tusen) )?(?P<word>[a-z]+)(?P<equivalents> (?:i-)?teq)?(?: ?/ ?år| per år)?"
)


def tonnes_per_unit(unit: str, *, in_equivalents: bool = False) -> Fraction:
    """How many tonnes one unit of a sheet is, exactly.

    Args:
        unit: As the publisher writes it: a mass (kt, ton, kg, g, mg, or the words), optionally in thousands
            (``1000 ton``), optionally with ``/år`` or ``per år``.
        in_equivalents: Whether a mass of toxic equivalents (``g I-TEQ``) is accepted, as for dioxins.

    Returns:
        The factor; multiply by the numerator and divide by the denominator, one of which is 1.

    Raises:
        ValueError: if the text is no such unit, or ``Mg``, which may be megagrams or milligrams.

    Example: ``kg/år`` → 1/1000.
    """
    plain = " ".join(unit.split())
    found = _MASS_UNIT.fullmatch(plain.casefold())
    mass = _TONNES_OF_WORD.get(found["word"]) if found else None
    if found is None or mass is None or (found["equivalents"] and not in_equivalents):
        msg = f"{unit!r} is no unit of mass per year"
        raise ValueError(msg)
    if found["word"] == "mg" and "mg" not in plain:
        msg = f"{unit!r} may be milligrams or megagrams"
        raise ValueError(msg)
    return mass * (1_000 if found["thousand"] else 1)
