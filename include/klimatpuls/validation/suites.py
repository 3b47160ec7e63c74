"""The rules of each fact, with their limits and the values in their queries.

Standard library only. The queries are the files of ``include/sql/checks``, each used by one or more rules.
A query returns one row per compared cell with the columns ``release_id region_code sector_code year sheet_row
found expected measured is_finding``. The measured value and the findings come from the same text, so they
cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from klimatpuls.contract import catalog
from klimatpuls.contract.schema import SHEET_ROW
from klimatpuls.domain import regions
from klimatpuls.validation.gates import Rule
from klimatpuls.validation.new_years import (
    CONFIRM_EN,
    CONFIRM_SV,
    FACT_NEW_YEAR_RULES,
    FOLLOWS_THE_NATION,
    NEW_YEAR_RULES,
)
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from klimatpuls.contract.catalog import Dataset, Tolerances
    from klimatpuls.contract.schema import Column, Fact

Value = int | float | str | Sequence[int] | Sequence[str]

POPULATION_EXACT_TO_YEAR = 2024
"""Last year SCB publishes without noise: until then the parts add up to the person (docs/methods.md)."""
POPULATION_NOISE_PCT = 1.0
"""How far the municipalities' sum may be from the nation's figure once there is noise, percent."""
POPULATION_NOISE_PERSONS = 20.0
"""How far two tables may be apart about one area and year, persons: men and women differ from their total by
less in SCB's answer of June 2026 for every county, age and month."""
NATIONAL_SUM_PCT = 0.1
"""How far the inventory's sectors may be from its total, percent: they are rounded to parts of kilotonnes."""
VEHICLE_COUNTY_SUM = 20.0
"""How far a county may be from its municipalities, vehicles: some owners have a county and no municipality
(at most 1 in the workbook of 2025)."""
VEHICLE_FUEL_SHORT_PCT = 1.0
"""How much of all fuels may be in no fuel of its own, percent: fuels that nobody knows, figures that no total
proves to be zero. A municipality has few new cars, so ``VEHICLE_COUNTY_SUM`` vehicles may be short anyhow."""
ENERGY_SUM_PCT = 1.0
"""How far the carriers may be from their total where nothing is confidential, percent."""
EARLIEST_PUBLISHED = "2000-01-01"
"""No source here has published in its present form before: an older date is a default of some program."""
POPULATION_CONTINUED_PCT = 10.0
"""How far a municipality's first year in a new table may be from the last in the old one, percent."""
FIRST_YEAR = 1968
"""First year a figure can be about: SCB's population by municipality begins there."""

COLUMNS = Rule(
    name="columns",
    title_sv="Kolumner som saknas, har fel typ eller saknar värden (hela körningen)",
    title_en="Columns that are missing, of a wrong type or with missing values (the whole run)",
)

_REJECTED = Rule(
    name="rejected_cells",
    title_sv="Celler som inte gick att läsa",
    title_en="Cells that could not be read",
)

_RETRIEVED_TWICE = Rule(
    name="same_day",
    severity="hold",
    title_sv="Andra utgåvor med samma utgivardatum, hämtade samma dag",
    title_en="Other releases with the same publisher's date, retrieved on the same day",
    advice_sv=(
        "Ingenting säger vilken som rättar vilken. Fråga utgivaren. Är den här den rättade: godkänn den. Är "
        "den andra rätt: avvisa den här, eller godkänn den som den äldre "
        "(klimatpuls release approve ID --older)."
    ),
    advice_en=(
        "Nothing says which corrects which. Ask the publisher. If this is the corrected one, approve it. If "
        "the other is right, reject this one, or approve it as the older one "
        "(klimatpuls release approve ID --older)."
    ),
)
_DATE = Rule(
    name="release_date",
    severity="hold",
    title_sv="Utgivardatum som inte kan stämma",
    title_en="Publisher's dates that cannot be right",
    advice_sv="Kontrollera datumet hos utgivaren. Godkänn bara om det stämmer: det avgör vad som gäller.",
    advice_en="Check the date with the publisher. Approve only if it is right: it decides what is current.",
)
_ALWAYS = (_REJECTED, _DATE, _RETRIEVED_TWICE)
"""The rules of every release, whatever its fact."""

_ROW_COUNT = Rule(
    name="row_count",
    worst="max",
    unit="rows",
    title_sv="Skillnad mellan antalet lästa och antalet laddade rader",
    title_en="Difference between the rows read and the rows loaded",
)
_YEARS = Rule(
    name="years",
    title_sv="Värden för orimliga år (före 1968 eller efter utgåvans datum)",
    title_en="Values of impossible years (before 1968 or after the release's date)",
)
_KNOWN_AREAS = Rule(
    name="fact_known_regions",
    query="known_codes",
    title_sv="Rader med okänt område",
    title_en="Rows of an unknown area",
)
_against_earlier = partial(
    Rule,
    severity="hold",
    worst="max",
    unit="%",
    compares="release",
    nothing_sv="ingen tidigare utgåva att jämföra med",
    nothing_en="no earlier release to compare with",
)
_moved_totals = partial(
    _against_earlier,
    query="moved_totals",
    nothing_sv="ingen tidigare utgåva med gemensamma år att jämföra med",
    nothing_en="no earlier release with years in common to compare with",
)
_unallocated = partial(Rule, query="unallocated", worst="max", unit="%")
_TOTAL = "s.sector_code = 'all'"
_UNALLOCATED_PCT = "100 * (n.{value} - c.emissions) / nullif(n.{value}, 0)"

EMISSION_RULES: tuple[Rule, ...] = (
    *_ALWAYS,
    _ROW_COUNT,
    Rule(
        name="known_codes",
        title_sv="Rader med okänt område eller okänd sektor",
        title_en="Rows of an unknown area or sector",
    ),
    _YEARS,
    Rule(
        name="complete_areas",
        title_sv="Områden som saknas (av riket, 21 län och 290 kommuner)",
        title_en="Missing areas (of the nation, 21 counties and 290 municipalities)",
    ),
    Rule(
        name="complete_sectors",
        title_sv="Huvudsektorer som saknas",
        title_en="Missing main sectors",
    ),
    Rule(
        name="complete_cells",
        title_sv="Luckor i område × sektor × år",
        title_en="Gaps in area × sector × year",
    ),
    Rule(
        name="not_negative",
        worst="min",
        unit="t",
        title_sv="Minsta utsläppsvärde",
        title_en="Smallest emission value",
    ),
    Rule(
        name="sector_sum",
        worst="max",
        limit="sector_sum_t",
        unit="t",
        title_sv="Största avvikelse mellan de nio sektorernas summa och totalen",
        title_en="Largest gap between the sum of the nine sectors and the total",
    ),
    Rule(
        name="county_sum",
        worst="max",
        limit="county_sum_t",
        unit="t",
        title_sv="Största avvikelse mellan kommunernas summa och länet",
        title_en="Largest gap between the sum of the municipalities and their county",
    ),
    _unallocated(
        name="unallocated_low",
        parts={
            "sectors": _TOTAL,
            "measured": "n.{value} - c.emissions",
            "is_beyond": "n.{value} - c.emissions < {limit_value}",
        },
        worst="min",
        limit="unallocated_low_t",
        unit="t",
        title_sv="Minsta ofördelade del (riket minus länen)",
        title_en="Smallest unallocated part (nation minus counties)",
    ),
    _unallocated(
        name="unallocated_high",
        parts={
            "sectors": _TOTAL,
            "measured": _UNALLOCATED_PCT,
            "is_beyond": f"{_UNALLOCATED_PCT} > {{limit_value}}",
        },
        limit="unallocated_high_pct",
        title_sv="Största ofördelade del (riket minus länen), andel av riket",
        title_en="Largest unallocated part (nation minus counties), share of the nation",
    ),
    _moved_totals(
        name="hold_ratio",
        parts={
            "is_odd": (
                "new.{value} < old.{value} * :hold_ratio_low OR new.{value} > old.{value} * :hold_ratio_high"
            ),
        },
        limit="hold_ratio_share_pct",
        title_sv="Andel kommunala totaler som halverats eller fördubblats mot föregående utgåva",
        title_en="Share of municipal totals halved or doubled against the earlier release",
    ),
    _moved_totals(
        name="hold_moved",
        parts={"is_odd": "abs(new.{value} - old.{value}) > old.{value} * :hold_moved_pct / 100"},
        limit="hold_moved_share_pct",
        title_sv="Andel kommunala totaler som ändrats tydligt mot föregående utgåva",
        title_en="Share of municipal totals that moved clearly against the earlier release",
    ),
    _unallocated(
        name="unallocated_sector",
        severity="advisory",
        parts={
            "sectors": "s.is_main AND s.sector_code <> all(:wide_unallocated_sectors)",
            "measured": f"abs({_UNALLOCATED_PCT})",
            "is_beyond": f"abs({_UNALLOCATED_PCT}) > {{limit_value}}",
        },
        limit="advisory_unallocated_pct",
        title_sv="Största ofördelade del av en sektor (utom transporter och arbetsmaskiner)",
        title_en="Largest unallocated part of a sector (transport and machinery apart)",
    ),
    _unallocated(
        name="unallocated_sector_wide",
        severity="advisory",
        parts={
            "sectors": "s.is_main AND s.sector_code = any(:wide_unallocated_sectors)",
            "measured": f"abs({_UNALLOCATED_PCT})",
            "is_beyond": f"abs({_UNALLOCATED_PCT}) > {{limit_value}}",
        },
        limit="advisory_unallocated_wide_pct",
        title_sv="Största ofördelade del av transporter och arbetsmaskiner",
        title_en="Largest unallocated part of transport and machinery",
    ),
    Rule(
        name="subsector_sum",
        severity="advisory",
        worst="max",
        unit="t",
        title_sv="Undersektorer över sin sektor, utöver det tillåtna",
        title_en="Sub-sectors above their sector, beyond the allowance",
        nothing_sv="utgåvan har inga undersektorer",
        nothing_en="the release has no sub-sectors",
    ),
    Rule(
        name="sector_collapse",
        parts={"large_t": ":advisory_collapse_from_t"},
        severity="advisory",
        worst="min",
        limit="advisory_collapse_to_pct",
        unit="%",
        title_sv="Lägsta nivå för en stor kommunal sektor jämfört med åren intill",
        title_en="Lowest level of a large municipal sector against the years beside it",
        nothing_sv="ingen sektor är stor nog två år i följd",
        nothing_en="no sector is large enough two years running",
    ),
    Rule(
        name="inventory",
        severity="advisory",
        worst="max",
        limit="advisory_inventory_pct",
        unit="%",
        title_sv="Största avvikelse mellan rikets territoriella utsläpp och den nationella inventeringen",
        title_en="Largest gap between the nation's territorial emissions and the national inventory",
        nothing_sv="ingen inventering från samma år att jämföra med",
        nothing_en="no inventory of the same submission year to compare with",
    ),
    *NEW_YEAR_RULES,
    Rule(
        name="inventory_far",
        severity="hold",
        worst="max",
        limit="inventory_far_pct",
        unit="%",
        title_sv="Största avvikelse mellan rikets territoriella utsläpp och inventeringen, oavsett årgång",
        title_en="Largest gap between the nation's territorial emissions and the inventory, any vintage",
        nothing_sv="ingen inventering att jämföra med",
        nothing_en="no inventory to compare with",
        advice_sv=CONFIRM_SV,
        advice_en=CONFIRM_EN,
    ),
    FOLLOWS_THE_NATION,
    Rule(
        name="scope_break",
        severity="advisory",
        title_sv="Sektorer som är noll överallt till och med ett år och inte därefter",
        title_en="Sectors that are zero everywhere up to some year and not from then on",
    ),
)

_POLLUTANT_RULES = {
    "sector_sum": Rule(
        name="pollutant_sector_sum",
        query="pollutant_sum",
        parts={
            "whole_region": "f.region_code",
            "whole_sector": "s.parent_sector_code",
            "parts": "s.is_main",
            "gap": "abs(t.{value} - p.sum_t)",
            "compared_with": "n.total_t",
            "found": "whole_t",
            "expected": "sum_t",
            "per": "1e6",
        },
        worst="max",
        limit="sum_ppm",
        unit="ppm",
        title_sv="Största avvikelse mellan nio sektorer och totalen utöver avrundning, av rikets total",
        title_en="Largest gap between the nine sectors and the total beyond rounding, of the nation's total",
    ),
    "county_sum": Rule(
        name="pollutant_county_sum",
        query="pollutant_sum",
        parts={
            "whole_region": "r.county_code",
            "whole_sector": "f.sector_code",
            "parts": "r.level = 'municipality'",
            "gap": "abs(t.{value} - p.sum_t)",
            "compared_with": "n.total_t",
            "found": "whole_t",
            "expected": "sum_t",
            "per": "1e6",
        },
        worst="max",
        limit="sum_ppm",
        unit="ppm",
        title_sv="Största avvikelse mellan kommunernas summa och länet utöver avrundning, av rikets total",
        title_en="Largest gap between municipalities and county beyond rounding, of the nation's total",
    ),
    "unallocated_low": Rule(
        name="pollutant_county_excess",
        query="pollutant_sum",
        parts={
            "whole_region": "cast('00' AS text)",
            "whole_sector": "f.sector_code",
            "parts": "r.level = 'county' AND f.sector_code = 'all'",
            "gap": "p.sum_t - t.{value}",
            "compared_with": "t.{value}",
            "found": "whole_t",
            "expected": "sum_t",
            "per": "1e6",
        },
        worst="max",
        limit="sum_ppm",
        unit="ppm",
        title_sv="Så mycket länen har mer än riket utöver avrundning, av rikets total",
        title_en="What the counties have beyond the nation and beyond rounding, of the nation's total",
    ),
    "subsector_sum": Rule(
        name="pollutant_subsector_sum",
        query="pollutant_sum",
        parts={
            "whole_region": "f.region_code",
            "whole_sector": "s.parent_sector_code",
            "parts": "s.parent_sector_code <> 'all'",
            "gap": "p.sum_t - t.{value}",
            "compared_with": "t.{value}",
            "found": "sum_t",
            "expected": "whole_t",
            "per": "100",
        },
        severity="advisory",
        worst="max",
        limit="advisory_subsector_excess_pct",
        unit="%",
        title_sv="Undersektorer över sin sektor utöver avrundning, av sektorn",
        title_en="Sub-sectors above their sector beyond rounding, of the sector",
        nothing_sv="utgåvan har inga undersektorer",
        nothing_en="the release has no sub-sectors",
    ),
    "sector_collapse": Rule(
        name="pollutant_collapse",
        query="sector_collapse",
        parts={"large_t": "x.total_t * :collapse_from_ppm / 1e6"},
        severity="advisory",
        worst="min",
        limit="advisory_collapse_to_pct",
        unit="%",
        title_sv="Lägsta nivå för en stor kommunal sektor jämfört med åren intill",
        title_en="Lowest level of a large municipal sector against the years beside it",
        nothing_sv="ingen sektor är stor nog två år i följd",
        nothing_en="no sector is large enough two years running",
    ),
}
"""Instead of rules that speak of tonnes, which mean nothing for mercury: docs/decisions/0015. Size classes
in tonnes and sectors that follow the nation have no counterpart: no workbook has been seen to measure."""

AIR_POLLUTANT_RULES: tuple[Rule, ...] = tuple(
    _POLLUTANT_RULES.get(rule.name, rule)
    for rule in EMISSION_RULES
    if rule.name not in {"inventory", "inventory_far", "new_year_cells", "new_year_sector_uniform"}
)

POPULATION_RULES: tuple[Rule, ...] = (
    *_ALWAYS,
    replace(_ROW_COUNT, name="population_row_count", query="row_count"),
    replace(_KNOWN_AREAS, name="population_known_codes"),
    replace(_YEARS, name="population_years", query="years"),
    Rule(
        name="population_complete",
        title_sv="Områden utan folkmängd (av 312, utom kommuner som ännu inte fanns)",
        title_en="Areas without population (of 312, municipalities that did not exist yet apart)",
    ),
    Rule(
        name="population_positive",
        worst="min",
        limit=1.0,
        unit="persons",
        title_sv="Minsta folkmängd",
        title_en="Smallest population",
    ),
    Rule(
        name="population_sum",
        parts={
            "years": "n.year <= :population_exact_to_year",
            "measured": "abs(n.population_count - p.population_count)",
            "is_finding": "n.population_count <> p.population_count",
        },
        worst="max",
        unit="persons",
        title_sv="Avvikelse mellan kommunernas summa och riket, år utan röjandeskydd",
        title_en="Gap between the sum of the municipalities and the nation, years without noise",
        nothing_sv="utgåvan har inga år utan röjandeskydd",
        nothing_en="the release has no year without noise",
    ),
    Rule(
        name="population_sum_noise",
        query="population_sum",
        parts={
            "years": "n.year > :population_exact_to_year",
            "measured": (
                "100.0 * abs(n.population_count - p.population_count) / nullif(n.population_count, 0)"
            ),
            "is_finding": (
                "abs(n.population_count - p.population_count) * 100.0 > n.population_count * {limit_value}"
            ),
        },
        severity="advisory",
        worst="max",
        limit="population_noise_pct",
        unit="%",
        title_sv="Avvikelse mellan kommunernas summa och riket, år med röjandeskydd",
        title_en="Gap between the sum of the municipalities and the nation, years with noise",
        nothing_sv="utgåvan har inga år med röjandeskydd",
        nothing_en="the release has no year with noise",
    ),
    Rule(
        name="population_cross_check",
        severity="advisory",
        worst="max",
        limit="population_noise_persons",
        unit="persons",
        title_sv="Största skillnad mot SCB:s andra tabell med folkmängd, samma område och år",
        title_en="Largest difference from SCB's other table of population, same area and year",
        nothing_sv="ingen annan tabell med samma år att jämföra med",
        nothing_en="no other table with the same years to compare with",
    ),
)


PLAIN_RULES: tuple[Rule, ...] = (
    *_ALWAYS,
    replace(_ROW_COUNT, name="fact_row_count", query="row_count"),
    _KNOWN_AREAS,
    replace(_YEARS, name="fact_years", query="years"),
    _against_earlier(
        name="fact_vanished",
        limit="hold_vanished_share_pct",
        title_sv="Andel av föregående utgåvas rader som saknas",
        title_en="Share of the earlier release's rows that are gone",
    ),
    _against_earlier(
        name="fact_moved",
        limit="hold_moved_share_pct",
        title_sv="Andel värden som ändrats tydligt mot föregående utgåva",
        title_en="Share of values that moved clearly against the earlier release",
        nothing_sv="ingen tidigare utgåva med gemensamma rader att jämföra med",
        nothing_en="no earlier release with rows in common to compare with",
    ),
    Rule(
        name="impossible_values",
        title_sv="Värden som inte kan finnas (inget tal, oändligt, negativt där det inte går)",
        title_en="Values that cannot be (not a number, infinite, negative where it cannot be)",
    ),
    Rule(
        name="fact_empty",
        title_sv="Kolumner där alla värden saknas",
        title_en="Columns in which every value is missing",
        compares="release",
    ),
    _against_earlier(
        name="fact_missing",
        limit="hold_missing_points",
        title_sv="Saknade värden ett år, procentenheter mer än i föregående utgåva",
        title_en="Missing values of a year, points of percent more than in the earlier release",
        advice_sv="Fråga utgivaren om värdena är sekretesskyddade; godkänn om de ska saknas.",
        advice_en="Ask the publisher whether the values are confidential; approve if they should be gone.",
    ),
    *FACT_NEW_YEAR_RULES,
)
"""What every fact is held against that has no rules of its own for it; see :func:`plain_rules`."""

_COMPARISONS = tuple(
    rule
    for rule in PLAIN_RULES
    if rule.compares != "nothing" and rule.name not in {"fact_empty", "fact_missing"}
)
_POPULATION_CONTINUED = Rule(
    name="population_continued",
    severity="hold",
    worst="max",
    limit="population_continued_pct",
    unit="%",
    title_sv="Första årets största ändring mot året före i en annan tabell",
    title_en="Largest change of the first year against the year before in another table",
    nothing_sv="ingen annan tabell med året före",
    nothing_en="no other table with the year before",
    advice_sv=CONFIRM_SV,
    advice_en=CONFIRM_EN,
)

OWN_RULES: Mapping[str, tuple[Rule, ...]] = {
    "emission": EMISSION_RULES,
    "air_pollutant": AIR_POLLUTANT_RULES,
    # Codes that slipped by one place leave every sum as it was: only the earlier release tells.
    "population": (*POPULATION_RULES, *_COMPARISONS, _POPULATION_CONTINUED),
}
"""Facts whose rules are all their own."""

_MUNICIPALITIES = Rule(
    name="fact_municipalities",
    title_sv="Kommuner som saknas ett år",
    title_en="Municipalities that a year lacks",
)

FURTHER_RULES: Mapping[str, tuple[Rule, ...]] = {
    "indicator_definition": (
        _against_earlier(
            name="indicator_title",
            worst="count",
            unit="count",
            title_sv="Nyckeltal som fått en ny rubrik sedan föregående utgåva",
            title_en="Key figures that were retitled since the earlier release",
        ),
    ),
    "population_forecast": (_MUNICIPALITIES,),
    "vehicle": (
        _MUNICIPALITIES,
        Rule(
            name="vehicle_fuel_sum",
            worst="max",
            unit="vehicles",
            title_sv="Största avvikelse mellan drivmedlens summa och totalen",
            title_en="Largest gap between the sum of the fuels and the total",
        ),
        Rule(
            name="vehicle_county_sum",
            worst="max",
            limit=VEHICLE_COUNTY_SUM,
            unit="vehicles",
            title_sv="Största avvikelse mellan kommunernas summa och länet",
            title_en="Largest gap between the sum of the municipalities and their county",
            nothing_sv="utgåvan har inga län",
            nothing_en="the release has no counties",
        ),
    ),
    "energy": (
        _MUNICIPALITIES,
        Rule(
            name="energy_sum",
            severity="advisory",
            worst="max",
            limit="energy_sum_pct",
            unit="%",
            title_sv="Största avvikelse mellan energibärarnas summa och totalen, utan sekretess",
            title_en="Largest gap between the sum of the carriers and the total, nothing confidential",
        ),
    ),
    "national_emission": (
        Rule(
            name="national_total",
            title_sv="År utan rikets total för alla växthusgaser",
            title_en="Years without the nation's total of all greenhouse gases",
        ),
        Rule(
            name="national_sector_sum",
            worst="max",
            limit="national_sum_pct",
            unit="%",
            title_sv="Största avvikelse mellan de åtta sektorernas summa och totalen",
            title_en="Largest gap between the sum of the eight sectors and the total",
            nothing_sv="inget år har alla åtta sektorer",
            nothing_en="no year has all eight sectors",
        ),
    ),
}
"""What a fact is held against beside the plain rules."""

YEARS_AHEAD = frozenset({"population_forecast"})
"""Facts about years that have not come: for them a year after the release's date is no mistake."""

PAST_YEARS = frozenset({"emission", "air_pollutant", "population", "national_emission", "energy", "vehicle"})
"""Facts about whole years that are over: no release of them is dated before its newest year has ended."""

_NUMBERS = frozenset({"bigint", "double precision", "integer", "smallint"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What the rows of a fact are held against.

    Attributes:
        fact: The fact; the shape of its table, the allowed values and the ranges are the contract's.
        rules: The rules, in the order they are reported.
    """

    fact: Fact
    rules: tuple[Rule, ...]

    @property
    def columns(self) -> Mapping[str, str]:
        """All columns of the fact's table with their types as SQLAlchemy names them."""
        head = {"run_id": "BIGINT", "release_id": "TEXT"} | (
            {"substance": "TEXT"} if self.fact.by_substance else {}
        )
        own = {column.name: column.type.upper() for column in self.fact.columns}
        return {**head, **own, SHEET_ROW: "INTEGER"}

    @property
    def nullable(self) -> frozenset[str]:
        """Columns that may be NULL."""
        return frozenset(column.name for column in self.fact.columns if column.nullable)


def suite_of(fact: Fact) -> Suite:
    """What the rows of a fact are held against: its own rules, or the plain ones and its further ones."""
    own = OWN_RULES.get(fact.name)
    rules = (*plain_rules(fact), *FURTHER_RULES.get(fact.name, ())) if own is None else own
    return Suite(fact=fact, rules=rules)


def plain_rules(fact: Fact) -> tuple[Rule, ...]:
    """The plain rules that apply to a fact: those about areas, years and values only where it has them."""
    is_yearly = "year" in fact.names and measured_column(fact) is not None
    left_out = {
        "fact_known_regions": "region_code" not in fact.names,
        "fact_years": "year" not in fact.names or fact.name in YEARS_AHEAD,
        "fact_moved": measured_column(fact) is None,
        "impossible_values": not _numeric(fact),
        "fact_empty": not _can_be_missing(fact),
        "fact_missing": not _can_be_missing(fact),
        "fact_new_year": not is_yearly,
        "fact_new_year_uniform": not is_yearly,
        # Figures of several units have no common distance.
        "fact_new_year_swapped": not is_yearly or "region_code" not in fact.names or fact.name == "indicator",
    }
    return tuple(rule for rule in PLAIN_RULES if not left_out.get(rule.name, False))


def measured_column(fact: Fact) -> str | None:
    """The first numeric value of a fact, which moves between releases; None where it has none."""
    return next((column.name for column in _numeric(fact)), None)


def _numeric(fact: Fact) -> tuple[Column, ...]:
    return tuple(column for column in fact.values if column.type in _NUMBERS)


def _can_be_missing(fact: Fact) -> tuple[Column, ...]:
    """Columns with numbers in which a value may be missing; in the others the database refuses NULL."""
    return tuple(column for column in _numeric(fact) if column.nullable)


def check_text(rule: Rule, fact: Fact) -> str:
    """The text of a rule's query for a fact, with names of tables and columns in place of its placeholders.

    Only names of the contract, which are letters and underscores, and SQL of the rules are put in; values
    stay named (``:name``).
    """
    totals = [c.name for c in fact.columns if c.name in fact.key and "total" in (c.allowed or ())]
    has_sectors = any(c.references == "sector.sector_code" for c in fact.columns)
    value = measured_column(fact) or "NULL"
    generic = {
        "cells": " AND ".join(f"f.{name} = 'total'" for name in totals) or "TRUE",
        "limit_value": f":{rule.limit}" if isinstance(rule.limit, str) else repr(rule.limit),
        "new_years": _NEW_YEARS.format(every_year=":every_year = 1"),
        "new_last_years": _NEW_YEARS.format(every_year="FALSE"),
        "municipalities": _MUNICIPALITIES_SQL,
        "main_sectors": _MAIN_SECTORS_SQL,
        "rows": f"core.{fact.table}",
        "region_code": "f.region_code" if "region_code" in fact.names else "cast(NULL AS text)",
        "sector_code": "f.sector_code" if has_sectors else "cast(NULL AS text)",
        "year": "f.year" if "year" in fact.names else "cast(NULL AS integer)",
        # A finding of a plain rule names no value: facts have several.
        "found": f"cast({f'f.{value}' if fact.name in OWN_RULES else 'NULL'} AS double precision)",
        "same_key": " AND ".join(f"f.{name} = e.{name}" for name in fact.key),
        "value": value,
        "same_cell": " AND ".join(f"f.{name} = b.{name}" for name in fact.key if name != "year") or "TRUE",
        "group": "".join(f", f.{name}" for name in _groups(fact)),
        "missing_values": ", ".join(f"('{c.name}', f.{c.name} IS NULL)" for c in _can_be_missing(fact)),
        "impossible_values": ", ".join(map(_impossible, _numeric(fact))),
    }
    text = load_sql(f"checks/{rule.query or rule.name}.sql")
    # A rule's own parts come first: they win over generic ones of the same name, and may contain them.
    for name, words in (*rule.parts.items(), *generic.items()):
        text = text.replace(f"{{{name}}}", words)
    return text


_NEW_YEARS = (
    "ops.new_years(:release_ids, cast(:compared_release_ids AS text[]), "
    "cast(:earlier_release_ids AS text[]), {every_year})"
)
_MUNICIPALITIES_SQL = (
    "any(array(SELECT r.region_code FROM core.dim_region AS r WHERE r.level = 'municipality'))"
)
_MAIN_SECTORS_SQL = "any(array(SELECT s.sector_code FROM core.dim_sector AS s WHERE s.is_main))"


def _groups(fact: Fact) -> list[str]:
    """Columns of the key within which areas are compared with each other; none where a fact has no areas."""
    if "region_code" not in fact.key:
        return []
    return [name for name in fact.key if name not in {"region_code", "year"}]


def _impossible(column: Column) -> str:
    """A row of SQL values: the column's name, its value, and whether the contract does not allow it."""
    number = f"cast(f.{column.name} AS double precision)"
    broken = [f"{number} IN ('NaN', 'Infinity', '-Infinity')"]
    if column.minimum is not None:
        broken.append(f"{number} < {column.minimum}")
    if column.maximum is not None:
        broken.append(f"{number} > {column.maximum}")
    if column.negative_only is not None:
        name, codes = column.negative_only
        broken.append(f"({number} < 0 AND f.{name} NOT IN ({', '.join(repr(code) for code in codes)}))")
    return f"('{column.name}', {number}, {' OR '.join(broken)})"


def limit_of(rule: Rule, tolerances: Tolerances) -> float:
    """A rule's limit as a number, in the rule's unit."""
    if isinstance(rule.limit, str):
        return float({**asdict(tolerances), **_CONSTANTS}[rule.limit])
    return rule.limit


def query_values(dataset: Dataset, run_id: int, release_ids: Sequence[str]) -> dict[str, Value]:
    """The values the queries of a dataset may name, apart from those about earlier releases.

    Args:
        dataset: The dataset, whose tolerances they carry.
        run_id: The source run whose rows are checked.
        release_ids: The releases of that run and dataset.

    Returns:
        Name in the query (``:name``) → value.
    """
    split = {
        code: region.population_from_year
        for code, region in regions.regions().items()
        if region.split_from is not None and region.population_from_year is not None
    }
    return {
        **asdict(dataset.tolerances),
        **_CONSTANTS,
        "earliest_published": EARLIEST_PUBLISHED,
        "every_year": int(dataset.fact == "emission"),
        "is_about_past_years": int(dataset.fact in PAST_YEARS),
        "run_id": run_id,
        "release_ids": list(release_ids),
        "split_region_codes": list(split),
        "split_from_years": list(split.values()),
        "population_datasets": list(catalog.datasets_of("population")),
    }


_CONSTANTS: dict[str, float] = {
    "national_sum_pct": NATIONAL_SUM_PCT,
    "energy_sum_pct": ENERGY_SUM_PCT,
    "vehicle_county_sum": VEHICLE_COUNTY_SUM,
    "vehicle_fuel_short_pct": VEHICLE_FUEL_SHORT_PCT,
    "population_exact_to_year": POPULATION_EXACT_TO_YEAR,
    "population_noise_pct": POPULATION_NOISE_PCT,
    "population_noise_persons": POPULATION_NOISE_PERSONS,
    "population_continued_pct": POPULATION_CONTINUED_PCT,
    "first_year": FIRST_YEAR,
}
