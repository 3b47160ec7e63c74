"""A page as a tagged PDF (PDF/UA-1), compiled by Typst from the page's own tree.

The template reads the tree as JSON, so a text of a register can never be markup. Fonts come with Typst and
matplotlib, not from the machine, and the time stamp is the day of the figures: equal pages give equal bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.site.frame import SITE_NAME

if TYPE_CHECKING:
    from datetime import date

    import typst

    from klimatpuls.site.page import Page

LEFT_OUT: Final = ("path", "other_path", "other_label", "menu", "menu_label", "skip_label", "pdf")
"""Attributes of a page that paper has no use for."""
TEMPLATE: Final = Path(__file__).parent / "templates" / "report.typ"
REGIONS: Final = {"sv": "SE", "en": "GB"}


def page_json(page: Page, base_url: str = "") -> str:
    """What the template reads of a page, as JSON; equal pages give equal text.

    Args:
        page: The page.
        base_url: Where the site is on the web; without it the PDF names no address.
    """
    tree: dict[str, Any] = {name: value for name, value in asdict(page).items() if name not in LEFT_OUT}
    tree |= {
        "site": SITE_NAME,
        "author": SITE_NAME,
        "region": REGIONS[page.lang],
        "url": f"{base_url.rstrip('/')}/{page.path}" if base_url else "",
    }
    return json.dumps(tree, ensure_ascii=False, sort_keys=True, default=sorted)


def compile_pdf(page: str, day: date) -> bytes:
    """The PDF of a page.

    Args:
        page: The page, as :func:`page_json` writes it.
        day: Day of the figures, which the document is dated.

    Raises:
        RuntimeError: if Typst refuses it, such as a picture without an alternative text.
    """
    pdf = _compiler().compile(
        format="pdf",
        sys_inputs={"page": page},
        pdf_standards=["ua-1"],
        timestamp=datetime.combine(day, time(), tzinfo=UTC),
    )
    if not isinstance(pdf, bytes):
        msg = f"Typst made {type(pdf).__name__} of a page, expected one PDF"
        raise TypeError(msg)
    return pdf


def has_compiled() -> bool:
    """Whether this process has compiled a PDF: Typst's threads run in it then."""
    return _compiler.cache_info().currsize > 0


@cache
def _compiler() -> typst.Compiler:
    """The compiler of this process; it keeps what it has parsed."""
    import matplotlib
    import typst

    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return typst.Compiler(
        input=TEMPLATE,
        root=TEMPLATE.parent,
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=[fonts]),
    )
