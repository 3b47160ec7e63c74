"""What a register's messages are made of: a sentence in Swedish and in English, for members and operators."""

from __future__ import annotations

import json
import unicodedata
from typing import Final, NamedTuple

MAX_SHOWN: Final = 80
"""Characters of a cell that a message repeats."""
_BLANK_NAMES: Final = {
    "\u00a0": ("hårt mellanslag", "no-break space"),
    "\u202f": ("smalt hårt mellanslag", "narrow no-break space"),
    "\u2007": ("siffermellanslag", "figure space"),
    "\u2009": ("tunt mellanslag", "thin space"),
    "\u200b": ("nollbrett mellanslag", "zero width space"),
    "\u00ad": ("mjukt bindestreck", "soft hyphen"),
    "\ufeff": ("byteordningsmärke", "byte order mark"),
}
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs", "Cs"})


class Words(NamedTuple):
    """The same in two languages.

    Attributes:
        sv: Swedish, shown first: members read it.
        en: English.
    """

    sv: str
    en: str


NOTHING: Final = Words("", "")


def same(text: object) -> Words:
    """What reads the same in both languages, such as a code or a number."""
    return Words(str(text), str(text))


def shown(value: object) -> Words:
    """A value as a message repeats it: quoted, shortened, and no character invisible.

    Args:
        value: What a cell or a setting holds.

    Example: a code with a no-break space behind it reads ``"0360⟨no-break space⟩"`` in English.
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > MAX_SHOWN:
        text = f"{text[: MAX_SHOWN - 3]}…"
    return Words(_visible(text, 0), _visible(text, 1))


def _visible(text: str, language: int) -> str:
    return "".join(
        character
        if character == " " or unicodedata.category(character) not in _INVISIBLE
        else f"⟨{_BLANK_NAMES[character][language]}⟩"
        if character in _BLANK_NAMES
        else f"⟨U+{ord(character):04X}⟩"
        for character in text
    )
