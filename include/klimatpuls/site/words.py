"""Small words of both languages: genitives, fractions, shares, and numbers that are read in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from babel.dates import format_date

from klimatpuls.translations import message

if TYPE_CHECKING:
    from datetime import date

    from klimatpuls.report.numbers import Speaker
    from klimatpuls.site.view import SectorChange

FRACTIONS: Final[tuple[tuple[float, str], ...]] = (
    (25.0, message("a quarter")),
    (100.0 / 3, message("a third")),
    (200.0 / 3, message("two thirds")),
    (75.0, message("three quarters")),
)
"""Percentages that a reader grasps as a fraction."""
NEAR_FRACTION: Final = 0.7
"""Points between a percentage and the fraction that is said for it."""
SIBILANTS: Final = ("s", "x", "z")
"""Ends of names that take no s in a Swedish genitive."""


def genitive(name: str, say: Speaker) -> str:
    """A name's possessive: ``Tierps`` and ``Borås`` in Swedish, ``Tierp's`` and ``Borås's`` in English."""
    if say.lang == "en":
        return f"{name}'s"
    return name if name.casefold().endswith(SIBILANTS) else f"{name}s"


def lowered(text: str) -> str:
    """A name within a sentence: ``Transporter`` → ``transporter``; an abbreviation keeps its capitals."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def raised(text: str) -> str:
    """A sentence's first letter in upper case."""
    return text[:1].upper() + text[1:]


def percent_words(value: float, say: Speaker) -> str:
    """A size in percent without its sign: whole from ten upwards, else with one decimal.

    Example: −12.157 → ``12 procent``, 5.67 → ``5,7 procent``.
    """
    size = abs(value)
    return say("{number} percent", number=say.number(size, 0 if size >= 9.95 else 1))


def share_words(pct: float, say: Speaker) -> str:
    """A size in percent as a fraction where it is one, else in percent.

    Example: 32.98 → ``en tredjedel``, 38 → ``38 procent``.
    """
    for fraction, words in FRACTIONS:
        if abs(abs(pct) - fraction) <= NEAR_FRACTION:
            return say(words)
    return percent_words(pct, say)


def is_zero(pct: float) -> bool:
    """Whether a change in percent is none as printed, with one decimal."""
    return round(pct, 1) == 0


def mass(tonnes: float, say: Speaker) -> str:
    """Tonnes as read in a sentence, three figures that count and no sign.

    Example: 146060.4 → ``146 000 ton``, 11162325 → ``11,2 miljoner ton``, 0.3 → ``mindre än 1 ton``.
    """
    size = abs(tonnes)
    if size >= 999_500:
        millions = size / 1e6
        decimals = 2 if millions < 9.995 else 1 if millions < 99.95 else 0
        return say("{number}{nbsp}million tonnes", number=say.number(millions, decimals))
    if size < 0.5:
        return say("less than 1{nbsp}tonne") if size else say.tonnes(0)
    digits = len(str(int(size)))
    return say.tonnes(round(size, 3 - digits) if digits > 3 else size)


def sector_name(sector: SectorChange, say: Speaker) -> str:
    """A sector's name without what stands in brackets."""
    return say.either(sector.sector_name_sv, sector.sector_name_en).partition(" (")[0]


def month(day: date, say: Speaker) -> str:
    """A day's month: ``maj 2027`` or ``May 2027``."""
    return format_date(day, format="MMMM y", locale=say.lang)
