"""The 312 regions of Swedish emission statistics: one nation, 21 counties, 290 municipalities.

Publishers write names, we store codes: the module of each source turns a name into its code once, with
:func:`code_for`. It handles these traps: ``Habo`` (Jönköpings län) is not ``Håbo`` (Uppsala län); a letter
with its accent written as two characters equals the same letter written as one (NFC); names have blanks at
their ends; a municipality may be called ``X kommun`` or, in the genitive, ``Xs kommun``, without a second s
where the name ends in one (Borås kommun).

``reference/regions.csv`` holds the regions. ``sort_sv`` is the place of the name in Swedish alphabetical
order (å, ä, ö after z) within nation, counties, municipalities, so that no database needs a Swedish
collation. ``split_from`` is the municipality that a younger one was split off from. ``population_from_year``
is the first year whose population (31 December) is counted in today's borders, set for both. A year's
population uses the division of the next 1 January, so Knivsta (1 January 2003) has its first population in
2002. Emissions are published in today's borders back to 1990.

Source of codes and names: SCB, Länskod och kommunkod i kommunnummerordning.
"""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, cast

from klimatpuls.domain.reference_tables import read_reference
from klimatpuls.errors import KlimatpulsError

if TYPE_CHECKING:
    from collections.abc import Mapping

Level = Literal["nation", "county", "municipality"]

NATION = "00"


class UnknownRegionError(KlimatpulsError, LookupError):
    """A name or code of none of the 312 regions; the message lists the nearest names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region.

    Attributes:
        code: ``00``, two digits for a county, four for a municipality; text, leading zeros kept.
        name: Swedish name as SCB writes it.
        level: ``nation``, ``county`` or ``municipality``.
        county_code: County of a municipality, else None.
        sort_sv: Place in Swedish order, 1 to 312, unique.
        aliases: Other names publishers use for it.
        split_from: Code of the municipality it was taken out of after 1990, or None.
        population_from_year: First year whose population is in today's borders, or None (all years are).
    """

    code: str
    name: str
    level: Level
    county_code: str | None
    sort_sv: int
    aliases: tuple[str, ...]
    split_from: str | None
    population_from_year: int | None


@lru_cache(maxsize=1)
def regions() -> Mapping[str, Region]:
    """All 312 regions by code, in code order."""
    return MappingProxyType(
        {
            row["region_code"]: Region(
                code=row["region_code"],
                name=row["region_name"],
                level=cast("Level", row["level"]),
                county_code=row["county_code"] or None,
                sort_sv=int(row["sort_sv"]),
                aliases=tuple(filter(None, row["aliases"].split("|"))),
                split_from=row["split_from"] or None,
                population_from_year=int(row["population_from_year"])
                if row["population_from_year"]
                else None,
            )
            for row in read_reference("regions")
        }
    )


def codes(level: Level | None = None) -> tuple[str, ...]:
    """Codes of all regions, or of those of one level, in code order."""
    return tuple(code for code, region in regions().items() if level in (None, region.level))


def region(code: str) -> Region:
    """The region with this code.

    Raises:
        UnknownRegionError: if no region has it; the message recognises a missing leading zero.
    """
    try:
        return regions()[code]
    except KeyError:
        padded = str(code).zfill(4 if len(str(code)) > 2 else 2)
        hint = f"; did you mean {padded!r}?" if padded in regions() else ""
        msg = f"no region has the code {code!r} (codes are text with leading zeros, such as '0360'){hint}"
        raise UnknownRegionError(msg) from None


@lru_cache
def municipalities_of(county_code: str) -> tuple[str, ...]:
    """Codes of a county's municipalities, in code order.

    Raises:
        UnknownRegionError: if no county has this code.
    """
    if region(county_code).level != "county":
        msg = f"{county_code!r} ({region(county_code).name}) is no county"
        raise UnknownRegionError(msg)
    return tuple(code for code, entry in regions().items() if entry.county_code == county_code)


def plain_name(name: str) -> str:
    """A name in the form for comparing: NFC, lower case, single blanks, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


@lru_cache(maxsize=1)
def _codes_by_name() -> Mapping[str, str]:
    names: dict[str, str] = {}
    for code, entry in regions().items():
        spellings = [entry.name, *entry.aliases]
        if entry.level == "municipality":
            genitive = entry.name if entry.name.endswith("s") else f"{entry.name}s"
            spellings += [f"{entry.name} kommun", f"{genitive} kommun"]
        for spelling in spellings:
            other = names.setdefault(plain_name(spelling), code)
            if other != code:
                msg = f"reference/regions.csv gives the name {spelling!r} to both {other} and {code}"
                raise ValueError(msg)
    return MappingProxyType(names)


def code_for(name: str, county_name: str | None = None) -> str:
    """The code of a region by its name or one of its aliases.

    Args:
        name: Name of a nation, county or municipality as a publisher writes it.
        county_name: Name of the county a municipality must lie in, where the publisher gives it.

    Returns:
        The region code.

    Raises:
        UnknownRegionError: if no region has the name, or the municipality lies in another county.
    """
    code = _codes_by_name().get(plain_name(name))
    if code is None:
        near = nearest_names(name)
        hint = f"; nearest names: {', '.join(near)}" if near else ""
        msg = f"no region is called {name!r}{hint}"
        raise UnknownRegionError(msg)
    if county_name is not None:
        county_code = code_for(county_name)
        actual = region(code).county_code
        if actual != county_code:
            where = f"lies in {region(actual).name}" if actual else f"is a {region(code).level}"
            msg = f"{name!r} ({code}) {where}, not in {county_name!r}"
            raise UnknownRegionError(msg)
    return code


def nearest_names(name: str, n: int = 3) -> tuple[str, ...]:
    """The names most like an unknown one, best first, with their codes, such as ``Habo (0643)``."""
    by_name = _codes_by_name()
    near = difflib.get_close_matches(plain_name(name), by_name, n=2 * n, cutoff=0.6)
    found = dict.fromkeys(by_name[spelling] for spelling in near)
    return tuple(f"{region(code).name} ({code})" for code in list(found)[:n])
