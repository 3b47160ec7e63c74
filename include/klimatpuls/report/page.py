"""The digest as a document without markup: sections of blocks, from which HTML and plain text are made.

Both renderings walk the same tree, so they have the same content.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from klimatpuls.translations import Language

CHART_ID: Final = "chart@klimatpuls"
"""Content id of the inline picture; the HTML part refers to it as ``cid:chart@klimatpuls``."""


@dataclass(frozen=True)
class Paragraph:
    """Running text; ``tone`` is its emphasis."""

    text: str
    tone: Literal["plain", "lead", "note"] = "plain"
    kind: Literal["paragraph"] = field(default="paragraph", init=False)


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]
    kind: Literal["bullets"] = field(default="bullets", init=False)


@dataclass(frozen=True)
class Table:
    """A table whose first column names the rows.

    Attributes:
        caption: What the table shows, with the unit where all columns share it.
        columns: Headings, the first one of the row names.
        rows: Cells as shown, one tuple per row, as long as ``columns``.
        strong: Indexes of rows to set in bold.
        text_columns: Indexes of columns set left, as text; the others are numbers.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()
    text_columns: frozenset[int] = frozenset({0})
    kind: Literal["table"] = field(default="table", init=False)


@dataclass(frozen=True)
class KeyFigure:
    """One key figure, with its label and what to compare it with."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class KeyFigures:
    """A few key figures in large type."""

    items: tuple[KeyFigure, ...]
    kind: Literal["key_figures"] = field(default="key_figures", init=False)


@dataclass(frozen=True)
class Picture:
    """The chart: its alternative text and its caption."""

    alt: str
    caption: str
    kind: Literal["picture"] = field(default="picture", init=False)


Block = Paragraph | Bullets | Table | KeyFigures | Picture


@dataclass(frozen=True)
class Section:
    """A heading with its blocks."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """The whole digest in one language.

    Attributes:
        lang: Its language.
        title: Headline.
        subtitle: The day it speaks about.
        banner: Warning above all figures (where they are not live), or None.
        sections: In reading order; the first one has no heading of its own in the mail's text.
        footer: Last lines: what made it, with which method.
    """

    lang: Language
    title: str
    subtitle: str
    banner: str | None
    sections: tuple[Section, ...]
    footer: tuple[str, ...]
