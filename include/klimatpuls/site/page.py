"""A page of the site as a document without markup; HTML and PDF are made from the same tree.

Links lead to paths below the site's root, such as ``sv/0360/index.html``; the layout makes them relative.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from klimatpuls.translations import Language

INDEX: Final = "index.html"


@dataclass(frozen=True)
class Link:
    """A text that leads somewhere: a path below the site's root, or an address on the web."""

    text: str
    target: str

    @property
    def is_external(self) -> bool:
        """Whether it leaves the site."""
        return self.target.startswith(("https://", "http://"))


Cell = str | Link


@dataclass(frozen=True)
class Paragraph:
    """Running text, and where to read on."""

    text: str
    tone: Literal["plain", "lead", "note", "box"] = "plain"
    link: Link | None = None
    kind: Literal["paragraph"] = field(default="paragraph", init=False)


@dataclass(frozen=True)
class Bullets:
    """A list of sentences or links."""

    items: tuple[Cell, ...]
    kind: Literal["bullets"] = field(default="bullets", init=False)


@dataclass(frozen=True)
class Table:
    """A table whose first column names the rows.

    Attributes:
        caption: What the table shows, with the unit where all columns share it.
        columns: Headings, the first one of the row names.
        rows: Cells as shown, one tuple per row, as long as ``columns``.
        bars: Per row a length from −1 to 1 drawn after the name; None draws none.
        strong: Indexes of rows to set in bold.
        text_columns: Indexes of columns set left, as text; the others are numbers.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    bars: tuple[float | None, ...] | None = None
    strong: frozenset[int] = frozenset()
    text_columns: frozenset[int] = frozenset({0})
    kind: Literal["table"] = field(default="table", init=False)


@dataclass(frozen=True)
class Picture:
    """A chart or a map as SVG, with its finding, its text for those who do not see it, and its numbers."""

    title: str
    alt: str
    svg: str
    note: str = ""
    table: Table | None = None
    table_label: str = ""
    shape: Literal["chart", "map"] = "chart"
    kind: Literal["picture"] = field(default="picture", init=False)


@dataclass(frozen=True)
class Fold:
    """Blocks behind a heading that opens them; open on paper."""

    label: str
    blocks: tuple[Block, ...]
    kind: Literal["fold"] = field(default="fold", init=False)


Block = Paragraph | Bullets | Table | Picture | Fold


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it."""

    heading: str
    blocks: tuple[Block, ...]
    anchor: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page in one language.

    Attributes:
        lang: Its language.
        path: Its file below the site's root.
        other_path: The same page in the other language.
        other_label: That language's name for itself.
        title: Title of the document, unique in the site.
        description: One sentence for those who get a link to the page.
        kicker: What the page is about, above its heading.
        heading: The finding.
        answers: Labels with the three most important sentences.
        picture: The chart beside the answers.
        sections: What follows.
        banner: What must be known of the figures before they are read; None for live ones.
        menu: Links to the main pages.
        menu_label: What the menu is, for those who do not see it.
        footer: Source, date and version.
        skip_label: Words of the link that leads past the menu.
        pdf: The page as PDF.
    """

    lang: Language
    path: str
    other_path: str
    other_label: str
    title: str
    description: str
    kicker: Cell
    heading: str
    answers: tuple[tuple[str, str], ...] = ()
    picture: Picture | None = None
    sections: tuple[Section, ...] = ()
    banner: str | None = None
    menu: tuple[Link, ...] = ()
    menu_label: str = ""
    footer: tuple[Cell, ...] = ()
    skip_label: str = ""
    pdf: Link | None = None
