"""Texts for readers in their language, from the gettext catalogues under ``klimatpuls/locale``.

A message is identified by its English text, as gettext does by convention: the code stays readable, an editor
for catalogues shows translators the source beside their text, and English needs no catalogue. A message with
no translation is shown in English. Placeholders have names; ``{nbsp}`` is a no-break space.

``locale/<language>/LC_MESSAGES/klimatpuls.po`` is the whole translation. It is read at the first use in a
process, so no compiled file can be out of date. After a message was added or changed::

    cd include/klimatpuls
    rooms="membership operations pipeline registers report site"
    k="-k say -k words -k message -k translate:2 -k plural:1,2 -k translate_plural:2,3"
    pybabel extract -F locale/babel.cfg $k --add-location=file --no-wrap -o /tmp/all.pot $rooms
    pybabel update -D klimatpuls --no-wrap --ignore-obsolete -i /tmp/all.pot -d locale
"""

from __future__ import annotations

import gettext
import re
from functools import cache
from importlib import resources
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Language = Literal["sv", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("sv", "en")

NBSP: Final = "\u00a0"
DOMAIN: Final = "klimatpuls"
"""Name of the catalogues' files."""


def message(text: str) -> str:
    """The text itself; marks a message that is translated elsewhere, such as the value of a constant."""
    return text


def translate(language: Language, text: str, /, **values: object) -> str:
    """A message in a language, its placeholders filled.

    Args:
        language: Language of the text.
        text: The message in English.
        values: Placeholder → value.

    Example: ``translate("sv", "row {number}", number=7)`` → ``rad 7``.
    """
    translated = catalogue(language).gettext(text) if text else text
    return translated.format(nbsp=NBSP, **values)


def translate_plural(language: Language, singular: str, plural: str, count: int, /, **values: object) -> str:
    """The form of a message that fits a number, its placeholders filled; ``{count}`` is the number."""
    translated = catalogue(language).ngettext(singular, plural, count)
    return translated.format(nbsp=NBSP, count=count, **values)


@cache
def catalogue(language: Language) -> gettext.NullTranslations:
    """The translations into a language; for English, which the code holds, an empty catalogue."""
    if language == "en":
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    path = resources.files("klimatpuls").joinpath(f"locale/{language}/LC_MESSAGES/{DOMAIN}.po")
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language, abort_invalid=True))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def extract_hints(
    file: IO[bytes], keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, None, str, list[str]]]:
    """What a register's schema says (``x-hint``, ``description``) as messages, for ``pybabel extract``."""
    for number, line in enumerate(file.read().decode().splitlines(), start=1):
        if found := re.search(r'"(?:x-hint|description)": "([^"\\]*)"', line):
            yield number, None, found[1], []
