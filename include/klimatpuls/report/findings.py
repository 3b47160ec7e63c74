"""What the newest figures say, as a headline says it: how many members rose or fell, in which sectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from klimatpuls.translations import message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import Digest, SectorChange

FEW: Final = 3
"""At most so many members are named as the exceptions."""
MOST: Final = 0.8
"""Sectors are named until they make up this share of what rose, or fell."""
SECTORS_NAMED: Final = 2
SECTORS: Final[dict[str, str]] = {
    "transport": message("transport"),
    "industry": message("industry"),
    "agriculture": message("agriculture"),
    "power_heat": message("electricity and district heating"),
    "own_heating": message("heating of buildings"),
    "machinery": message("working machinery"),
    "product_use": message("use of products such as refrigerants"),
    "waste": message("waste"),
}
"""Main sector → its name within a sentence."""


@dataclass(frozen=True, kw_only=True)
class Movement:
    """Names of the member municipalities whose emissions rose, fell or did not change since the year before.

    A change that prints as 0.0 percent is none.
    """

    rose: tuple[str, ...]
    fell: tuple[str, ...]
    unchanged: tuple[str, ...]

    @property
    def total(self) -> int:
        """Number of member municipalities with a change."""
        return len(self.rose) + len(self.fell) + len(self.unchanged)


def movement(digest: Digest) -> Movement:
    """Sort the member municipalities by the direction of their change since the year before."""
    changes = [
        (member.region_name, round(member.change_since_previous_pct, 1))
        for member in digest.municipalities
        if member.change_since_previous_pct is not None
    ]
    return Movement(
        rose=tuple(name for name, change in changes if change > 0),
        fell=tuple(name for name, change in changes if change < 0),
        unchanged=tuple(name for name, change in changes if change == 0),
    )


def headline(digest: Digest, say: Speaker) -> str | None:
    """Return the finding of a new year as a headline; None where no member has a change to report."""
    year, found = digest.last_year, movement(digest)
    if not found.total:
        return None
    rose, fell = len(found.rose), len(found.fell)
    if found.total == 1 and rose + fell:
        text = (
            message("Emissions rose in {name} in {year}")
            if rose
            else message("Emissions fell in {name} in {year}")
        )
        return say(text, name=(found.rose or found.fell)[0], year=year)
    if rose == found.total:
        return say("Emissions rose in all {count} member municipalities in {year}", count=rose, year=year)
    if fell == found.total:
        return say("Emissions fell in all {count} member municipalities in {year}", count=fell, year=year)
    total = found.total
    if 2 * rose > found.total:
        return say(
            "Emissions rose in {count} of {total} member municipalities in {year}",
            count=rose,
            total=total,
            year=year,
        )
    if 2 * fell > found.total:
        return say(
            "Emissions fell in {count} of {total} member municipalities in {year}",
            count=fell,
            total=total,
            year=year,
        )
    return say(
        "Emissions in {year}: up in {rose} and down in {fell} of {total} member municipalities",
        year=year,
        rose=rose,
        fell=fell,
        total=total,
    )


def subject_detail(digest: Digest, say: Speaker) -> str:
    """Return the sectors behind the headline's direction, for the subject line; empty where none leads."""
    found = movement(digest)
    rises = 2 * len(found.rose) > found.total
    if not rises and 2 * len(found.fell) <= found.total:
        return ""
    named = _leading(digest.sectors, 1 if rises else -1)
    if not named:
        return ""
    text = message(" – mostly in {sectors}")
    return say(text, sectors=_list([say(SECTORS[sector.sector_code]) for sector in named], say))


def main_points(digest: Digest, say: Speaker) -> list[str]:
    """Return sentences on the sectors that moved most and the members that went against the rest."""
    return [*_sector_sentences(digest, say), *_exceptions(digest, say)]


def _sector_sentences(digest: Digest, say: Speaker) -> list[str]:
    def described(sector: SectorChange) -> str:
        size = say.number(abs(sector.change_pct), 0)
        return say("{sector} ({size} percent)", sector=say(SECTORS[sector.sector_code]), size=size)

    sentences = []
    for direction, text in (
        (1, message("The largest increases since {before}: {sectors}.")),
        (-1, message("The largest decreases since {before}: {sectors}.")),
    ):
        if named := _leading(digest.sectors, direction):
            words = [described(sector) for sector in named]
            sentences.append(say(text, before=digest.previous_year, sectors=say.all_of(words)))
    return sentences


def _leading(sectors: Sequence[SectorChange], direction: int) -> list[SectorChange]:
    """The sectors with most tonnes up (1) or down (-1): at most two, each changed by at least a percent."""
    moved = sorted(
        (sector for sector in sectors if sector.old_tco2e > 0 and sector.change_tco2e * direction > 0),
        key=lambda sector: (-abs(sector.change_tco2e), sector.sector_code),
    )
    whole = sum(abs(sector.change_tco2e) for sector in moved)
    named: list[SectorChange] = []
    covered = 0.0
    for sector in moved[:SECTORS_NAMED]:
        if covered >= MOST * whole or round(abs(sector.change_pct)) < 1:
            break
        named.append(sector)
        covered += abs(sector.change_tco2e)
    return named


def _exceptions(digest: Digest, say: Speaker) -> list[str]:
    found = movement(digest)
    exceptions: tuple[tuple[str, ...], Callable[[str], str]] | None = None
    if 2 * len(found.rose) > found.total and 0 < len(found.fell) <= FEW:
        exceptions = found.fell, lambda names: say("Emissions fell only in {names}.", names=names)
    elif 2 * len(found.fell) > found.total and 0 < len(found.rose) <= FEW:
        exceptions = found.rose, lambda names: say("Emissions rose only in {names}.", names=names)
    return [] if exceptions is None else [exceptions[1](say.all_of(exceptions[0]))]


def _list(words: Sequence[str], say: Speaker) -> str:
    """A list whose last member may itself hold an “and”, in which case commas alone part it."""
    joined = say.all_of(["", ""])
    ordered = sorted(words, key=lambda word: joined in word)
    return ", ".join(ordered) if any(joined in word for word in words) else say.all_of(list(words))
