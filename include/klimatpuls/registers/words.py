"""What a register's messages are made of: a sentence in Swedish and in English, for members and operators."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from klimatpuls.translations import message, translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klimatpuls.translations import Language

MAX_SHOWN: Final = 80
"""Characters of a cell that a message repeats."""
_BLANK_NAMES: Final = {
    "\u00a0": message("no-break space"),
    "\u202f": message("narrow no-break space"),
    "\u2007": message("figure space"),
    "\u2009": message("thin space"),
    "\u200b": message("zero width space"),
    "\u00ad": message("soft hyphen"),
    "\ufeff": message("byte order mark"),
}
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs", "Cs"})


class _Both(NamedTuple):
    sv: str
    en: str


@dataclass(frozen=True, slots=True)
class Words:
    """A text that is translated when it is shown; see :func:`words`.

    Attributes:
        message: The text in English, with placeholders.
        values: Placeholder → value, as pairs; a value may be such a text itself.
    """

    message: str
    values: tuple[tuple[str, object], ...] = ()

    @property
    def sv(self) -> str:
        """The text in Swedish, which members read."""
        return self.translated("sv")

    @property
    def en(self) -> str:
        """The text in English."""
        return self.translated("en")

    def translated(self, language: Language) -> str:
        """The text in a language."""
        values = {
            name: getattr(value, language) if isinstance(value, Words | _Both) else value
            for name, value in self.values
        }
        return translate(language, self.message, **values)


NOTHING: Final = Words("")


def words(text: str, /, **values: object) -> Words:
    """A message with the values of its placeholders.

    Args:
        text: The message in English; the catalogues hold its translations.
        values: Placeholder → value.
    """
    return Words(text, tuple(values.items()))


def same(text: object) -> Words:
    """What reads the same in every language, such as a code or a number."""
    return Words("{text}", (("text", str(text)),))


def either(sv: str, en: str) -> Words:
    """What differs between the languages and is no message, such as a decimal or a word of a schema."""
    return Words("{text}", (("text", _Both(sv, en)),))


def joined(between: str, parts: Sequence[Words]) -> Words:
    """Several texts as one, with a sign between them."""
    names = [f"part_{number}" for number in range(len(parts))]
    return Words(between.join(f"{{{name}}}" for name in names), tuple(zip(names, parts, strict=True)))


def shown(value: object, *, quoted: bool = True) -> Words:
    """A value as a message repeats it: quoted, shortened, and no character invisible.

    Args:
        value: What a cell or a setting holds.
        quoted: Whether quotation marks stand around a text.

    Example: a code with a no-break space behind it reads ``"0360⟨no-break space⟩"`` in English.
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > MAX_SHOWN:
        text = f"{text[: MAX_SHOWN - 3]}…"
    if not quoted:
        text = text.strip('"')
    blanks = {f"u{ord(sign):04x}": words(_BLANK_NAMES[sign]) for sign in text if sign in _BLANK_NAMES}
    return Words("".join(map(_visible, text)), tuple(blanks.items()))


def _visible(character: str) -> str:
    """A character of a template that shows it: by its name or its number where it is invisible."""
    if character in _BLANK_NAMES:
        return f"⟨{{u{ord(character):04x}}}⟩"
    if character != " " and unicodedata.category(character) in _INVISIBLE:
        return f"⟨U+{ord(character):04X}⟩"
    return character * 2 if character in "{}" else character
