"""The rules that judge the years of a release which the release before does not have.

Nothing older can be held against them, so each is compared with the release's own year before it. Limits are
the catalogue's (``Tolerances``); what the real releases show stands in docs/methods.md, gates per release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.validation.gates import Rule

if TYPE_CHECKING:
    from klimatpuls.validation.gates import Worst

_NO_NEW_YEAR_SV = "inget nytt år att jämföra med året före"
_NO_NEW_YEAR_EN = "no new year to compare with the year before"
_ALL_NEAR = ("ingen kommun är långt från sina egna siffror", "no municipality is far from its own figures")
LOOK_SV = "Jämför med utgivarens egen sida; godkänn om utgivaren bekräftar det nya året, avvisa annars."
"""What a person does about a figure that is not plausible, Swedish."""
LOOK_EN = (
    "Compare with the publisher's own page; approve if the publisher confirms the new year, else reject."
)


MEASURED_ON = frozenset({"ghg", "co2"})
"""Substances of which real releases are held. Of the others nobody has seen a year: hydrofluorocarbons rose
from next to nothing, and a gas may be shared out by one key. What is odd there warns and holds nothing."""


def _new_year(
    name: str,
    worst: Worst,
    limit: float | str,
    unit: str,
    title_sv: str,
    title_en: str,
    nothing: tuple[str, str] = (_NO_NEW_YEAR_SV, _NO_NEW_YEAR_EN),
    *,
    measured_on: frozenset[str] = frozenset(),
) -> Rule:
    """A rule that judges the years which the release before does not have; a finding asks a person."""
    return Rule(
        name=name,
        severity="hold",
        worst=worst,
        limit=limit,
        unit=unit,
        title_sv=title_sv,
        title_en=title_en,
        nothing_sv=nothing[0],
        nothing_en=nothing[1],
        compares="years",
        advice_sv=LOOK_SV,
        advice_en=LOOK_EN,
        measured_on=measured_on,
    )


NEW_YEAR_RULES: tuple[Rule, ...] = (
    _new_year(
        "new_year_zero",
        "count",
        0.0,
        "count",
        "Nytt år: summor och rikets sektorer som blivit noll",
        "New year: totals and national sectors that became zero",
        measured_on=MEASURED_ON,
    ),
    _new_year(
        "new_year_nation",
        "max",
        "new_year_nation_pct",
        "%",
        "Nytt år: rikets ändring mot året före",
        "New year: change of the nation against the year before",
        measured_on=MEASURED_ON,
    ),
    _new_year(
        "new_year_sectors",
        "max",
        "new_year_sectors_pct",
        "%",
        "Nytt år: största ändring av en sektor i riket mot året före",
        "New year: largest change of a sector of the nation against the year before",
        measured_on=MEASURED_ON,
    ),
    _new_year(
        "new_year_county",
        "max",
        "new_year_county_pct",
        "%",
        "Nytt år: största ändring av ett län mot året före",
        "New year: largest change of a county against the year before",
        measured_on=MEASURED_ON,
    ),
    _new_year(
        "new_year_municipal",
        "max",
        "new_year_share_pct",
        "%",
        "Nytt år: andel kommunala totaler som ändrats mer än rimligt mot året före",
        "New year: share of municipal totals that changed more than plausible against the year before",
        measured_on=MEASURED_ON,
    ),
    _new_year(
        "new_year_cells",
        "max",
        100.0,
        "%",
        "Nytt år: andel kommunala sektorer med orimlig ändring, av den andel som är rimlig för storleken",
        "New year: share of municipal sectors with an implausible change, of that plausible for the size",
        measured_on=MEASURED_ON,
    ),
    _new_year(
        "new_year_uniform",
        "max",
        "new_year_uniform_pct",
        "%",
        "Nytt år: andel kommunala siffror som är ett annat år om igen, oförändrat eller gånger ett tal",
        "New year: share of municipal figures that are another year over again, copied or times a factor",
        measured_on=MEASURED_ON,
    ),
    _new_year(
        "new_year_swapped",
        "min",
        "new_year_swapped_pct",
        "%",
        "Två kommuner som bytt plats: minsta avstånd till den andras siffror, som andel av det till de egna",
        "Municipalities that changed places: distance to the other's figures as a share of that to their own",
        nothing=_ALL_NEAR,
        measured_on=MEASURED_ON,
    ),
)
"""Years that the release before does not have, against the year before (the swap: old years too)."""

FOLLOWS_THE_NATION = Rule(
    name="new_year_sector_uniform",
    severity="advisory",
    worst="max",
    limit="new_year_sector_uniform_pct",
    unit="%",
    title_sv="Nytt år: sektorer som följer riket, största andel av kommunerna eller deras ton",
    title_en="New year: sectors that follow the nation, largest share of municipalities or of their tonnes",
    nothing_sv=_NO_NEW_YEAR_SV,
    nothing_en=_NO_NEW_YEAR_EN,
    compares="years",
)

FACT_NEW_YEAR_RULES: tuple[Rule, ...] = (
    _new_year(
        "fact_new_year",
        "max",
        "new_year_share_pct",
        "%",
        "Nytt år: andel värden som ändrats mer än rimligt mot året före",
        "New year: share of values that changed more than plausible against the year before",
    ),
    _new_year(
        "fact_new_year_uniform",
        "max",
        "new_year_uniform_pct",
        "%",
        "Nytt år: andel värden som är ett annat år om igen, oförändrat eller gånger ett tal",
        "New year: share of values that are another year over again, copied or times a factor",
    ),
    _new_year(
        "fact_new_year_swapped",
        "min",
        "new_year_swapped_pct",
        "%",
        "Två kommuner som bytt plats: minsta avstånd till den andras siffror, som andel av det till de egna",
        "Municipalities that changed places: distance to the other's figures as a share of that to their own",
        nothing=_ALL_NEAR,
    ),
)
"""The same for facts without rules of their own, on their totals where they have some."""
