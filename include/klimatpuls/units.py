"""Units and numbers as publishers write them.

Emissions are tonnes in every table of ours; a release whose unit is not the expected one is refused, never
converted on a guess.
"""

from __future__ import annotations

import re

TONNES_PER_YEAR = "ton/år"
"""How SMHI writes the unit of greenhouse gases: metric tonnes per calendar year."""
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_MINUSES = str.maketrans({"−": "-", "–": "-", "‒": "-"})
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
_POWER_OF_TEN = re.compile(r"\s*[×x*·]\s*10\s*\^\s*(?=[-+]?\d+$)")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?", re.ASCII)
_GROUPED = re.compile(r"[-+]?\d{1,3}(?: \d{3})+(?:\.\d*)?", re.ASCII)


def number_from_text(text: str) -> float:
    """A number that a publisher's cell holds as text.

    Args:
        text: Such as ``1 234,5`` (Swedish: blanks between thousands, decimal comma), ``−3,0`` (U+2212) or
            ``7,33347×10^−05``.

    Returns:
        The number.

    Raises:
        ValueError: if the text is no number, or writes one that the decimal comma makes ambiguous
            (``1,234.5``); ``nan`` and ``inf`` are no numbers.

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


def plain_unit(unit: str) -> str:
    """A unit as it is compared: single blanks, none around the slash, lower case."""
    return re.sub(r"\s*/\s*", "/", " ".join(unit.split())).casefold()
