"""Units and numbers as publishers write them.

All our tables hold emissions in tonnes. A greenhouse gas in an unexpected unit is refused, never converted on
a guess; an air pollutant is converted from the unit that its sheet states, if that is a mass.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from fractions import Fraction

from klimatpuls.clock import stockholm_date

TONNES_PER_YEAR = "ton/år"
"""How SMHI writes the unit of greenhouse gases: metric tonnes per calendar year."""
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_MINUSES = str.maketrans({"−": "-", "–": "-", "‒": "-"})
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
_POWER_OF_TEN = re.compile(r"\s*[×x*·]\s*10\s*\^\s*(?=[-+]?\d+$)")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?", re.ASCII)
_GROUPED = re.compile(r"[-+]?\d{1,3}(?: \d{3})+(?:\.\d*)?", re.ASCII)


def number_from_text(text: str) -> float:
    """The number in a publisher's text cell.

    Args:
        text: Such as ``1 234,5`` (Swedish: blanks between thousands, decimal comma), ``−3,0`` (U+2212) or
            ``7,33347×10^−05``.

    Returns:
        The number.

    Raises:
        ValueError: if the text is no number, or an ambiguous one (``1,234.5``); ``nan`` and ``inf`` are no
            numbers.

    Example: ``7,33347×10^−05`` → 7.33347e-05.
    """
    plain = _RAISED.sub(lambda found: "^" + found.group().translate(_SUPERSCRIPTS), text.translate(_MINUSES))
    plain = " ".join(plain.split())
    plain = _POWER_OF_TEN.sub("e", plain).replace(",", ".")
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(" ", "")
    if not _NUMBER.fullmatch(plain):
        msg = f"{text!r} is no number"
        raise ValueError(msg)
    value = float(plain)
    if value in (float("inf"), float("-inf")):
        msg = f"{text!r} is too large for a number"
        raise ValueError(msg)
    return value


MONTHS = (
    "januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september", "oktober",
    "november", "december",
)  # fmt: skip
"""Swedish names of the months, January first."""
SHORT_MONTHS = tuple(name[:3] for name in MONTHS)
"""Their first three letters, which are unique."""
_WRITTEN_DAY = re.compile(r"(\d{1,2})\.? ([a-zå]{3,9})\.? (\d{4})", re.IGNORECASE)


def day_from_text(text: str) -> date:
    """The day in a publisher's text.

    Args:
        text: ``2026-06-10``, ``2026/06/10`` or ``20260610``, optionally followed by a time after ``T`` or a
            blank, or ``10 juni 2026`` (``10 jun 2026``). A time with a zone gives the day in Sweden.

    Returns:
        The day.

    Raises:
        ValueError: if the text is no such day.

    Example: ``2026-06-10T22:30:00Z`` → 11 June 2026.
    """
    plain = " ".join(text.split())
    written = _WRITTEN_DAY.fullmatch(plain)
    try:
        if written is not None:
            return date(int(written[3]), month_from_word(written[2]), int(written[1]))
        moment = datetime.fromisoformat(plain.replace("/", "-"))
        return moment.date() if moment.tzinfo is None else stockholm_date(moment)
    except (ValueError, OverflowError) as error:
        msg = f"{text!r} is no day ({error})"
        raise ValueError(msg) from error


def month_from_word(word: str) -> int:
    """The number of a Swedish month by its name or the first three letters or more of it.

    Raises:
        ValueError: if it is no month.
    """
    for number, name in enumerate(MONTHS, start=1):
        if len(word) >= 3 and name.startswith(word.casefold()):
            return number
    msg = f"{word!r} is no month"
    raise ValueError(msg)


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
