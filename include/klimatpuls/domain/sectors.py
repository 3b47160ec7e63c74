"""The tree of emission sectors, with every spelling of every release.

``all`` is the root, with nine main sectors below it and sub-sectors such as ``transport.passenger_cars``
below those. SMHI writes a sector as a pair (Huvudsektor, Undersektor), sometimes misspelt: ``Egen uppärmning
…`` of April 2024 and ``Egen uppvärmning …`` are one sector. ``reference/sectors.csv`` lists the spellings as
``Huvudsektor > Undersektor``, separated by ``|``; the first is the newest. The names shown to readers are our
own, without the publisher's misspellings.

A sector without sub-sectors (industry, power_heat) is its own leaf. Sub-sectors need not add up to their
sector: product use lacks a row in 2021, and ``transport.military`` is only in that release.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from klimatpuls.domain.reference_tables import read_reference
from klimatpuls.domain.regions import plain_name

if TYPE_CHECKING:
    from collections.abc import Mapping

ALL = "all"
INTERNATIONAL_TRANSPORT = "international_transport"
DOMESTIC_AVIATION = "transport.domestic_aviation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sector:
    """One sector.

    Attributes:
        code: Our code.
        parent_code: Code of the sector it is part of, or None for ``all``.
        name_sv: Name shown to readers, Swedish.
        name_en: Name shown to readers, English.
        sort_order: Place in the publisher's order, 1 upwards, unique.
        is_main: Whether it is one of the nine whose sum is ``all``.
        spellings: The publisher's (Huvudsektor, Undersektor) pairs, newest first.
    """

    code: str
    parent_code: str | None
    name_sv: str
    name_en: str
    sort_order: int
    is_main: bool
    spellings: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def sectors() -> Mapping[str, Sector]:
    """All sectors by code, in the publisher's order."""
    return MappingProxyType(
        {
            row["sector_code"]: Sector(
                code=row["sector_code"],
                parent_code=row["parent_code"] or None,
                name_sv=row["name_sv"],
                name_en=row["name_en"],
                sort_order=int(row["sort_order"]),
                is_main=row["is_main"] == "true",
                spellings=tuple(_pair(spelling) for spelling in row["spellings"].split("|")),
            )
            for row in read_reference("sectors")
        }
    )


def _pair(spelling: str) -> tuple[str, str]:
    main, _, sub = spelling.partition(" > ")
    return main, sub


def main_codes() -> tuple[str, ...]:
    """The nine main sectors, whose sum is ``all``, in the publisher's order."""
    return tuple(code for code, sector in sectors().items() if sector.is_main)


def sub_codes(parent_code: str) -> tuple[str, ...]:
    """The sub-sectors of a main sector, in the publisher's order; empty where it has none."""
    return tuple(code for code, sector in sectors().items() if sector.parent_code == parent_code)


@lru_cache(maxsize=1)
def codes_by_spelling() -> Mapping[tuple[str, str], str]:
    """Our code by (Huvudsektor, Undersektor), both as :func:`.regions.plain_name` writes them."""
    return MappingProxyType(
        {
            (plain_name(main), plain_name(sub)): code
            for code, sector in sectors().items()
            for main, sub in sector.spellings
        }
    )


def code_for(main: str, sub: str) -> str | None:
    """Our code of a publisher's pair, or None for a pair that no release has."""
    return codes_by_spelling().get((plain_name(main), plain_name(sub)))
