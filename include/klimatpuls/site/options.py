"""How a site is built; apart from what builds it, since every task reads the settings and few build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Pdfs = Literal["none", "members", "all"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a site is built.

    Attributes:
        base_url: Where its root is on the web; empty where that is not known.
        pdfs: Whose PDFs are made: all, those of counties, members and applicants, or none. One that still
            holds is kept in any case.
        workers: Processes that make pages at the same time; 0 makes them in this one.
    """

    base_url: str = ""
    pdfs: Pdfs = "all"
    workers: int = 2
