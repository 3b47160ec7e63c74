"""Pages as HTML: Jinja2 with everything escaped, an unknown name an error, and links relative to the page."""

from __future__ import annotations

import posixpath
import re
from functools import cache
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterable

    from klimatpuls.site.page import Block, Page

STYLE_SHEET: Final = "site.css"


@cache
def environment() -> Environment:
    """The templates of this package."""
    made = Environment(
        loader=PackageLoader("klimatpuls.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["drawing"] = _drawing
    made.filters["groupby_runs"] = _runs
    return made


def _drawing(svg: str) -> Markup:
    """A drawing of our own templates, whose texts are escaped already."""
    return Markup(svg)  # noqa: S704


def _runs(blocks: Iterable[Block]) -> list[tuple[bool, list[Block]]]:
    """Blocks in runs of folds and of everything else, since folds stand beside each other."""
    return [(is_fold, list(run)) for is_fold, run in groupby(blocks, lambda block: block.kind == "fold")]


def style_sheet() -> str:
    """The style sheet that all pages share."""
    return resources.files("klimatpuls.site").joinpath(f"templates/{STYLE_SHEET}").read_text("utf-8")


def render_page(page: Page, base_url: str = "") -> str:
    """A page as HTML; equal pages give equal text.

    Args:
        page: The page.
        base_url: Where the site's root is on the web, for the addresses that must be whole (``hreflang``,
            Open Graph); without it they are relative or left out.
    """
    folder = posixpath.dirname(page.path)

    def href(target: str) -> str:
        if target.startswith(("https://", "http://", "#")):
            return target
        return posixpath.relpath(target, folder or ".")

    def absolute(target: str) -> str:
        return f"{base_url.rstrip('/')}/{target}" if base_url else href(target)

    html = (
        environment()
        .get_template("page.html.j2")
        .render(page=page, href=href, absolute=absolute, has_base=bool(base_url), style_sheet=STYLE_SHEET)
    )
    return re.sub(r"\n{2,}", "\n", html)
