"""The rules for the years of a release that the release before it does not have.

There is nothing older to compare such a year with, so each is compared with the release's own year before
it. Limits are in the catalogue (``Tolerances``); docs/methods.md, gates per release, says what real releases
show.
"""

from __future__ import annotations

from functools import partial

from klimatpuls.validation.gates import Rule

CONFIRM_SV = "Jämför med utgivarens egen sida; godkänn om utgivaren bekräftar det nya året, avvisa annars."
"""What a person does about a figure that is not plausible, Swedish."""
CONFIRM_EN = (
    "Compare with the publisher's own page; approve if the publisher confirms the new year, else reject."
)

MEASURED_ON = frozenset({"ghg", "co2"})
"""Substances of which real releases were measured. No year of the others has been seen: hydrofluorocarbons
rose from almost nothing, and a gas may be distributed by one key. An odd value there only warns."""

_MAIN_CELLS = {
    "nation": "f.region_code = '00' AND f.sector_code = 'all'",
    "county": (
        "f.region_code = any(array(SELECT r.region_code FROM core.dim_region AS r WHERE r.level = 'county'))"
        " AND f.sector_code = 'all'"
    ),
    "municipal": "f.sector_code = 'all' AND f.region_code = {municipalities}",
    "sectors": """f.region_code = '00' AND f.sector_code = {main_sectors}
    AND b.{value} >= :new_year_sector_floor_pct / 100.0 * (
        SELECT t.{value} FROM {rows} AS t
        WHERE t.run_id = :run_id AND t.release_id = b.release_id AND t.year = b.year
            AND t.region_code = '00' AND t.sector_code = 'all'
    )""",
}
"""SQL that chooses the totals a rule compares; sectors below a share of the nation's total are left out."""

_new_year = partial(
    Rule,
    severity="hold",
    worst="max",
    unit="%",
    compares="years",
    nothing_sv="inget nytt år att jämföra med året före",
    nothing_en="no new year to compare with the year before",
    advice_sv=CONFIRM_SV,
    advice_en=CONFIRM_EN,
)
_new_emission_year = partial(_new_year, measured_on=MEASURED_ON)
_swapped = partial(
    _new_year,
    query="new_year_swapped",
    worst="min",
    limit="new_year_swapped_pct",
    title_sv=(
        "Två kommuner som bytt plats: minsta avstånd till den andras siffror, som andel av det till de egna"
    ),
    title_en=(
        "Municipalities that changed places: distance to the other's figures as a share of that to their own"
    ),
    nothing_sv="ingen kommun är långt från sina egna siffror",
    nothing_en="no municipality is far from its own figures",
)

NEW_YEAR_RULES: tuple[Rule, ...] = (
    _new_emission_year(
        name="new_year_zero",
        worst="count",
        unit="count",
        title_sv="Nytt år: summor och rikets sektorer som blivit noll",
        title_en="New year: totals and national sectors that became zero",
    ),
    _new_emission_year(
        name="new_year_nation",
        query="new_year_change",
        parts={"cells": _MAIN_CELLS["nation"]},
        limit="new_year_nation_pct",
        title_sv="Nytt år: rikets ändring mot året före",
        title_en="New year: change of the nation against the year before",
    ),
    _new_emission_year(
        name="new_year_sectors",
        query="new_year_change",
        parts={"cells": _MAIN_CELLS["sectors"]},
        limit="new_year_sectors_pct",
        title_sv="Nytt år: största ändring av en sektor i riket mot året före",
        title_en="New year: largest change of a sector of the nation against the year before",
    ),
    _new_emission_year(
        name="new_year_county",
        query="new_year_change",
        parts={"cells": _MAIN_CELLS["county"]},
        limit="new_year_county_pct",
        title_sv="Nytt år: största ändring av ett län mot året före",
        title_en="New year: largest change of a county against the year before",
    ),
    _new_emission_year(
        name="new_year_municipal",
        query="new_year_odd",
        parts={"cells": _MAIN_CELLS["municipal"]},
        limit="new_year_share_pct",
        title_sv="Nytt år: andel kommunala totaler som ändrats mer än rimligt mot året före",
        title_en=(
            "New year: share of municipal totals that changed more than plausible against the year before"
        ),
    ),
    _new_emission_year(
        name="new_year_cells",
        limit=100.0,
        title_sv=(
            "Nytt år: andel kommunala sektorer med orimlig ändring, av den andel som är rimlig för storleken"
        ),
        title_en=(
            "New year: share of municipal sectors with an implausible change, of that plausible for the size"
        ),
    ),
    _new_emission_year(
        name="new_year_uniform",
        limit="new_year_uniform_pct",
        title_sv=(
            "Nytt år: andel kommunala siffror som är ett annat år om igen, oförändrat eller gånger ett tal"
        ),
        title_en=(
            "New year: share of municipal figures that are another year over again, copied or times a factor"
        ),
    ),
    _swapped(
        name="new_year_swapped",
        parts={"profile_cells": "f.sector_code = {main_sectors}"},
        measured_on=MEASURED_ON,
    ),
)
"""Years that the release before does not have, against the year before (the swap: old years too)."""

FOLLOWS_THE_NATION = _new_year(
    name="new_year_sector_uniform",
    severity="advisory",
    limit="new_year_sector_uniform_pct",
    title_sv="Nytt år: sektorer som följer riket, största andel av kommunerna eller deras ton",
    title_en="New year: sectors that follow the nation, largest share of municipalities or of their tonnes",
    advice_sv="",
    advice_en="",
)

FACT_NEW_YEAR_RULES: tuple[Rule, ...] = (
    _new_year(
        name="fact_new_year",
        query="new_year_odd",
        limit="new_year_share_pct",
        title_sv="Nytt år: andel värden som ändrats mer än rimligt mot året före",
        title_en="New year: share of values that changed more than plausible against the year before",
    ),
    _new_year(
        name="fact_new_year_uniform",
        limit="new_year_uniform_pct",
        title_sv="Nytt år: andel värden som är ett annat år om igen, oförändrat eller gånger ett tal",
        title_en="New year: share of values that are another year over again, copied or times a factor",
    ),
    _swapped(name="fact_new_year_swapped", parts={"profile_cells": "TRUE"}),
)
"""The same for facts without rules of their own, on their totals where they have some."""
