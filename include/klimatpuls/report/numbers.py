"""Numbers, dates and lists as a Swedish or an English reader expects them (CLDR's rules, by Babel)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from babel.dates import format_date
from babel.numbers import format_decimal

from klimatpuls.translations import translate, translate_plural

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from klimatpuls.translations import Language

MISSING: Final = "–"
"""Shown where a value is missing; the reason stands beside or below, and it is never a zero."""
MINUS: Final = "\u2212"
_LOCALES: Final[dict[Language, str]] = {"sv": "sv_SE", "en": "en_GB"}


@dataclass(frozen=True)
class Speaker:
    """One language: translates messages, formats the numbers.

    Example: ``Speaker("sv")("year {year}", year=2024)`` → ``år 2024``.
    """

    lang: Language

    def __call__(self, message: str, /, **values: object) -> str:
        """A message in this language, its placeholders filled."""
        return translate(self.lang, message, **values)

    def plural(self, singular: str, plural: str, count: int, /, **values: object) -> str:
        """The form of a message that fits a number; ``{count}`` is the number."""
        return translate_plural(self.lang, singular, plural, count, **values)

    def either(self, sv: str, en: str) -> str:
        """One of two texts that the warehouse or the catalogue of sources holds in both languages."""
        return sv if self.lang == "sv" else en

    def number(self, value: float, decimals: int = 0, *, signed: bool = False) -> str:
        """A number with its thousands grouped and a true minus.

        Args:
            value: The number.
            decimals: Decimals shown, always all of them.
            signed: Put a plus before what is above zero.

        Example: 1234567.4 → ``1 234 567`` (no-break spaces) or ``1,234,567``.
        """
        rounded = round(value, decimals) + 0.0
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        text = format_decimal(abs(rounded), format=pattern, locale=_LOCALES[self.lang])
        if rounded < 0:
            return MINUS + text
        return f"+{text}" if signed and rounded > 0 else text

    def percent(self, value: float | None, decimals: int = 1) -> str:
        """A change in percent with its sign: ``−38,2 %`` (no-break space) or ``−38.2%``."""
        if value is None:
            return MISSING
        return translate(self.lang, "{number}%", number=self.number(value, decimals, signed=True))

    def share(self, value: float, decimals: int = 1) -> str:
        """A share in percent, without a plus."""
        return translate(self.lang, "{number}%", number=self.number(value, decimals))

    def change(self, value: float | None, decimals: int = 1) -> str:
        """A change for a table whose heading says percent: ``−38,2``."""
        return MISSING if value is None else self.number(value, decimals, signed=True)

    def level(self, value: float | None, decimals: int = 0) -> str:
        """A level for a table whose heading says the unit."""
        return MISSING if value is None else self.number(value, decimals)

    def tonnes(self, value: float | None, decimals: int = 0, *, signed: bool = False) -> str:
        """``1 234 567 ton`` or ``1,234,567 tonnes``."""
        if value is None:
            return MISSING
        return translate(
            self.lang, "{number}{nbsp}tonnes", number=self.number(value, decimals, signed=signed)
        )

    def million_tonnes(self, value: float | None) -> str:
        """``8,41 miljoner ton`` or ``8.41 million tonnes``."""
        if value is None:
            return MISSING
        return translate(self.lang, "{number}{nbsp}million tonnes", number=self.number(value / 1e6, 2))

    def per_head(self, value: float | None) -> str:
        """``2,9 ton`` or ``2.9 tonnes``, emissions per inhabitant."""
        return self.tonnes(value, 1)

    def day(self, value: date) -> str:
        """``8 maj 2026`` or ``8 May 2026``."""
        return format_date(value, format="d MMMM y", locale=_LOCALES[self.lang])

    def all_of(self, words: Sequence[str]) -> str:
        """``a, b och c`` or ``a, b and c``."""
        if len(words) < 2:
            return "".join(words)
        return translate(self.lang, "{words} and {last}", words=", ".join(words[:-1]), last=words[-1])

    def years(self, years: Sequence[int]) -> str:
        """Years with runs of three and more drawn together: ``1990, 2000, 2010–2019``."""
        runs: list[list[int]] = []
        for year in sorted(years):
            if runs and year == runs[-1][-1] + 1:
                runs[-1].append(year)
            else:
                runs.append([year])
        words = []
        for run in runs:
            words += [f"{run[0]}–{run[-1]}"] if len(run) > 2 else [str(year) for year in run]
        return ", ".join(words)
