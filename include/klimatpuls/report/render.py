"""The digest as files and mail parts: HTML, plain text and the chart, equal for equal figures.

Jinja2 with an environment of its own: everything is escaped, an unknown name is an error. The HTML of the
mail refers to the chart by content id; the stand-alone file carries it as a data URI.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from klimatpuls.errors import MailError
from klimatpuls.report.chart import draw_chart
from klimatpuls.report.headline import headline_of, headline_to_json
from klimatpuls.report.numbers import Speaker
from klimatpuls.report.page import CHART_ID, Bullets, KeyFigures, Paragraph, Picture, Table
from klimatpuls.report.view import read_digest
from klimatpuls.report.wording import IN_SHORT_SHOWS, subject, write_page
from klimatpuls.translations import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.report.page import Block, Page
    from klimatpuls.report.view import Digest

TEXT_WIDTH: Final = 72
"""Columns of the plain-text part: it stays readable when it is quoted in an answer."""
HTML_FILE: Final = "digest.html"
TEXT_FILE: Final = "digest.txt"
CHART_FILE: Final = "chart.png"
MANIFEST_FILE: Final = "digest.json"

_CHART_REFERENCE: Final = f"cid:{CHART_ID}"
_GAP: Final = "  "


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """A digest, rendered.

    Attributes:
        publication_id: The publication of its figures.
        origin: ``live``, ``archive`` or ``synthetic``.
        subject: Subject line.
        mail_html: HTML part of the mail; its picture is ``cid:chart@klimatpuls``.
        text: Plain-text part, with the same content, at most 72 columns.
        chart_png: The picture.
        headline: The figures it leads with, as they are kept beside the mail; None where it has none.
    """

    publication_id: int
    origin: str
    subject: str
    mail_html: str
    text: str
    chart_png: bytes
    headline: Mapping[str, Any] | None = None

    @property
    def standalone_html(self) -> str:
        """The HTML with its picture inside, for a browser."""
        return self.mail_html.replace(_CHART_REFERENCE, _data_uri(self.chart_png))

    @property
    def html_sha256(self) -> str:
        """Hash of the mail's HTML part."""
        return _sha256(self.mail_html.encode())

    @property
    def text_sha256(self) -> str:
        """Hash of the mail's plain-text part."""
        return _sha256(self.text.encode())


@dataclass(frozen=True, kw_only=True)
class ReportFiles:
    """Paths of a rendered digest."""

    html: Path
    text: Path
    chart: Path


class Renderer:
    """Renders the digest of a publication for the outbox, and stores it as files.

    Only the current publication can be read from the marts. A mail that is due for an earlier one (its
    server was down that day) is sent as it was rendered then.

    Args:
        connect: Opens a connection of ``wh_mailer``; it is closed again here.
        folder: Folder of the reports; a digest lies in ``<folder>/<publication_id>/``.
    """

    def __init__(self, connect: Callable[[], PgConnection], folder: Path) -> None:
        self._connect = connect
        self._folder = folder

    def __call__(self, publication_id: int) -> Rendering:
        """Render the current publication's digest, or read an earlier one's.

        Raises:
            MailError: if the publication is not current and was never rendered.
        """
        connection = self._connect()
        try:
            digest = read_digest(connection)
        finally:
            connection.close()
        if digest is None or digest.publication_id != publication_id:
            return read_files(self._folder / str(publication_id))
        rendering = render(digest)
        write_files(rendering, self._folder / str(publication_id))
        return rendering


def render(digest: Digest) -> Rendering:
    """Render a digest: Swedish first, then English, in one mail.

    Args:
        digest: The digest.
    """
    pages = [write_page(digest, lang) for lang in LANGUAGES]
    heading = subject(digest)
    headline = None if digest.not_calculated & IN_SHORT_SHOWS else headline_of(digest)
    return Rendering(
        publication_id=digest.publication_id,
        origin=digest.origin,
        subject=heading,
        mail_html=render_html(pages, heading),
        text=render_text(pages, heading),
        chart_png=draw_chart(digest),
        headline=None if headline is None else headline_to_json(headline),
    )


def write_files(rendering: Rendering, folder: Path) -> ReportFiles:
    """Write ``digest.html``, ``digest.txt``, ``chart.png`` and, last, ``digest.json`` with their hashes.

    Args:
        rendering: The digest, rendered.
        folder: Such as ``reports/7`` under the home; made when missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = ReportFiles(html=folder / HTML_FILE, text=folder / TEXT_FILE, chart=folder / CHART_FILE)
    manifest = {
        "publication_id": rendering.publication_id,
        "origin": rendering.origin,
        "subject": rendering.subject,
        "html_sha256": rendering.html_sha256,
        "text_sha256": rendering.text_sha256,
        "chart_sha256": _sha256(rendering.chart_png),
        "headline": rendering.headline,
    }
    files.chart.write_bytes(rendering.chart_png)
    files.text.write_bytes(rendering.text.encode())
    files.html.write_bytes(rendering.standalone_html.encode())
    (folder / MANIFEST_FILE).write_text(
        json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    return files


def read_files(folder: Path) -> Rendering:
    """Read back what :func:`write_files` wrote: the mail of a publication that is no longer current.

    Args:
        folder: The folder it was written to.

    Raises:
        MailError: if a file is missing or is not the one that was written.
    """
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        png = (folder / CHART_FILE).read_bytes()
        html = (folder / HTML_FILE).read_bytes().decode().replace(_data_uri(png), _CHART_REFERENCE)
        text = (folder / TEXT_FILE).read_bytes().decode()
    except (OSError, ValueError) as error:
        msg = (
            f"no rendered digest in {folder}: {error}; a digest can only be rendered while its publication "
            "is current"
        )
        raise MailError(msg) from error
    rendering = Rendering(
        publication_id=manifest["publication_id"],
        origin=manifest["origin"],
        subject=manifest["subject"],
        mail_html=html,
        text=text,
        chart_png=png,
        headline=manifest.get("headline"),
    )
    for name, found in (
        ("html_sha256", rendering.html_sha256),
        ("text_sha256", rendering.text_sha256),
        ("chart_sha256", _sha256(png)),
    ):
        if manifest[name] != found:
            msg = f"{folder}: {name} is {found}, expected {manifest[name]}: a file was changed since"
            raise MailError(msg)
    return rendering


# ---------------------------------------------------------------- HTML


def render_html(pages: Sequence[Page], heading: str) -> str:
    """The pages as HTML for mail programs: one column, styles inline, escaped throughout.

    Args:
        pages: One per language, in order.
        heading: Title of the document.
    """
    import css_inline

    template = _environment().get_template("digest.html.j2")
    html = template.render(pages=pages, heading=heading, jump=_jump(), picture=_CHART_REFERENCE)
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True, minify_css=True)
    inlined: str = inliner.inline(html)
    # Classes have done their work; Gmail cuts a mail's HTML off at 102 kB.
    return re.sub(r'(<[^>]*?) class="[^"]*"', r"\1", inlined)


def _jump() -> str:
    """The pointer to the English page, on the Swedish page that comes first."""
    say = Speaker("en")
    return say("In English below")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("klimatpuls.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


# ---------------------------------------------------------------- plain text


def render_text(pages: Sequence[Page], heading: str) -> str:
    """The pages as plain text with the same content, at most 72 columns.

    Args:
        pages: One per language, in order.
        heading: First line.
    """
    lines = [*_wrap(heading), ""]
    for position, page in enumerate(pages):
        if position:
            lines += ["", "", "=" * TEXT_WIDTH, ""]
        elif len(pages) > 1:
            lines += [f"{_jump()}.", ""]
        lines += _page_lines(page)
    return "\n".join(line.rstrip(" ") for line in lines) + "\n"


def _page_lines(page: Page) -> list[str]:
    lines: list[str] = []
    if page.banner is not None:
        lines += ["*" * TEXT_WIDTH, *_wrap(page.banner), "*" * TEXT_WIDTH, ""]
    lines += [*_wrap(page.title.upper()), *_wrap(page.subtitle)]
    for section in page.sections:
        lines += ["", "", section.heading, "-" * len(section.heading)]
        for block in section.blocks:
            lines += ["", *_block_lines(block)]
    return [*lines, "", "", *(line for text in page.footer for line in _wrap(text))]


def _block_lines(block: Block) -> list[str]:
    if isinstance(block, Paragraph):
        return _wrap(block.text)
    if isinstance(block, Bullets):
        return [line for item in block.items for line in _wrap(item, first="- ", rest="  ")]
    if isinstance(block, KeyFigures):
        return [
            line
            for item in block.items
            for line in _wrap(f"{item.label}: {item.value} ({item.detail})", first="  ", rest="    ")
        ]
    if isinstance(block, Picture):
        return [*_wrap(f"[{block.alt}]"), *_wrap(block.caption)]
    return _table_lines(block)


def _wrap(text: str, *, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        TEXT_WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=True,
    )


def _table_lines(table: Table) -> list[str]:
    """The caption and an aligned table; the first column takes what the others leave."""
    widths = [
        max([len(row[index]) for row in table.rows] + [len(word) for word in table.columns[index].split(" ")])
        for index in range(len(table.columns))
    ]
    widths[0] = min(widths[0], TEXT_WIDTH - sum(widths[1:]) - len(_GAP) * (len(widths) - 1))
    heads = [textwrap.wrap(text, width) or [""] for text, width in zip(table.columns, widths, strict=True)]
    height = max(len(lines) for lines in heads)
    heads = [[""] * (height - len(lines)) + lines for lines in heads]
    body = [_GAP.join("-" * width for width in widths)]
    for row in table.rows:
        names = textwrap.wrap(row[0], widths[0]) or [""]
        for extra in names[:-1]:
            body.append(extra)
        body.append(_aligned((names[-1], *row[1:]), widths, table.text_columns))
    head = [_aligned(line, widths, table.text_columns) for line in zip(*heads, strict=True)]
    return [*_wrap(f"{table.caption}:"), "", *head, *body]


def _aligned(cells: Sequence[str], widths: Sequence[int], text_columns: frozenset[int]) -> str:
    return _GAP.join(
        cell.ljust(width) if index in text_columns else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
