"""Reads numbers and days as publishers write them, in texts and in cells of spreadsheets or JSON."""

from __future__ import annotations

import math
import re
from datetime import date, datetime

from klimatpuls.clock import stockholm_date

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


def text_of(cell: object) -> str:
    """A cell as text: single blanks, whole numbers without decimals, empty for None.

    Example: ``2024.0`` → ``2024``; ``"  Upplands\u00a0 Väsby "`` → ``Upplands Väsby``.
    """
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split())


def number_of(cell: object) -> float:
    """The number of a cell, written as one or as text.

    Raises:
        ValueError: if it holds no finite number; a truth value is none.
    """
    try:
        if isinstance(cell, str):
            return number_from_text(cell)
        if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
            return float(cell)
    except (ValueError, OverflowError):
        pass
    msg = "not a number"
    raise ValueError(msg)
