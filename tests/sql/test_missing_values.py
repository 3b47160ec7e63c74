"""A figure that is missing says why: in a column of reasons, or it is exempt for a stated reason."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from klimatpuls.contract import schema
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Published

pytestmark = pytest.mark.postgres

OVERVIEW: Final = {
    "territorial_t_per_capita": "per_capita_reason",
    "change_since_1990_pct": "change_since_1990_reason",
    "change_since_previous_year_pct": "change_since_previous_year_reason",
    "national_part_pct": "change_since_previous_year_reason",
    "scaled_share_pct": "change_since_previous_year_reason",
    "own_part_pct": "own_part_status, change_since_previous_year_reason",
    "revision_of_previous_year_pct": "revision_reason",
    "change_printed_pct": "change_since_previous_year_reason",
    "national_part_printed_pct": "change_since_previous_year_reason",
    "own_part_printed_pct": "own_part_status, change_since_previous_year_reason",
    "outside_trading_tco2e": "outside_trading_reason",
}
SAID_IN: Final[dict[str, dict[str, str]]] = {
    "region_overview": OVERVIEW,
    "municipality_overview": {**OVERVIEW, "population_count": "per_capita_reason"},
    "network_summary": {
        "emissions_tco2e": "status_reason",
        "population_count": "status_reason",
        "emissions_t_per_capita": "status_reason",
        "change_since_1990_pct": "change_reason",
        "per_capita_change_since_1990_pct": "per_capita_change_reason",
    },
    "carbon_law": dict.fromkeys(
        (
            "emissions_slope_t_per_year",
            "estimated_reference_year_tco2e",
            "projected_next_year_tco2e",
            "projected_2030_tco2e",
            "projected_2045_tco2e",
            "projected_2050_tco2e",
            "trend_total_tco2e",
            "carbon_law_total_tco2e",
            "annual_change_pct",
            "annual_change_v1_pct",
        ),
        "status_reason",
    ),
    "proxy_check": dict.fromkeys(("reference_tco2e", "proxy_tco2e", "difference_pct"), "status_reason"),
    "per_inhabitant": {
        "emissions_t_per_capita": "per_capita_reason",
        "per_capita_change_since_1990_pct": "per_capita_change_reason",
    },
    "change_part": {"own_part_tco2e": "own_part_status", "own_part_pct": "own_part_status"},
    "energy": {"energy_mwh": "status"},
    "criterion": dict.fromkeys(("implied_annual_reduction_rate", "national_annual_reduction_rate"), "reason"),
    "measure_coverage": {"coverage_pct": "coverage_reason", "gap_tco2e": "coverage_reason"},
    "base_year_ledger": dict.fromkeys(
        ("decided_tco2e", "current_tco2e", "difference_tco2e", "difference_pct"), "reason"
    ),
    "target_progress": {
        "level_tco2e": "status_reason",
        "last_tco2e": "status_reason",
        "base_tco2e": "status_reason",
        "observed_gap_tco2e": "status_reason",
        "path_position_tco2e": "status_reason",
        "path_position_pct_of_base": "status_reason",
    },
}
"""Mart → nullable figure → the columns that say why it is missing; one of them is filled where it is."""

NOT_A_STANDING: Final = "the status too_far says that no projection is made; status_reason the rest"
EITHER_OR: Final = "a target has its yearly rate or its yearly tonnes, a budget its shares; the other is NULL"
NO_RECORD: Final = "the record is of the past; a verdict nobody has given yet has none"
SETTING: Final = "a setting of the register that other types of target have"
ONE_SIDE: Final = (
    "a year that only one of the two releases has; old or new is NULL, and with it the difference"
)
PUBLISHER: Final = "as the publisher states it, who leaves the cell empty"
ALWAYS_THERE: Final = (
    "the gates refuse a release that lacks such a cell; NULL only where a formula has no number"
)
ONE_PLANT: Final = "only areas with the flag one_plant have it"
NOBODY_CALCULATED: Final = "no measure has a calculated effect; without_effect_count is measure_count"
EXEMPT: Final[dict[str, dict[str, str]]] = {
    "emission_wide_by_sector": {"*": ALWAYS_THERE},
    "revision": {"*": ONE_SIDE},
    "revision_summary": {"cells_changed_pct": "two releases without a common cell; cells_compared is 0"},
    "reconciliation": {
        "unallocated_pct": "the nation has 0 t; nation stands in the row",
        "sector_sum_gap": "only the sum of all sectors can differ from the sectors",
    },
    "cross_check": {"difference_pct": "the other source says 0; both values stand in the row"},
    "granted_measure": dict.fromkeys(("amount_sek", "charge_point_count"), PUBLISHER),
    "grant_offer": {"amount_sek": PUBLISHER},
    "measure": {"cost_sek": "nobody has stated the cost"},
    "measure_coverage": {
        "counted_reduction_tco2e": NOBODY_CALCULATED,
        "planned_reduction_tco2e": NOBODY_CALCULATED,
        "coverage_points": "only a target in percent of a base has points",
        "without_effect_pct": "an owner without measures; measure_count is 0",
    },
    "region_overview": {
        **dict.fromkeys(
            ("published_total_tco2e", "territorial_tco2e", "effort_sharing_proxy_tco2e"), ALWAYS_THERE
        ),
        "without_plant_sectors_tco2e": ONE_PLANT,
    },
    "municipality_overview": {
        **dict.fromkeys(
            (
                "published_total_tco2e", "territorial_tco2e", "effort_sharing_proxy_tco2e",
                "largest_sector_share_pct",
            ),
            ALWAYS_THERE,
        ),
        "without_plant_sectors_tco2e": ONE_PLANT,
    },
    "ets_plant": dict.fromkeys(("verified_tco2e", "allocation_t"), PUBLISHER),
    "nowcast_plant_score": {"*": "too few pairs of years; the verdict says so"},
    "network_summary": {
        "confirmed_member_count": "rows of earlier method versions do not know it",
        "stated_member_count": "the register does not say how many members the network has",
    },
    "change_part": {
        **dict.fromkeys(
            (
                "first_tco2e", "last_tco2e", "national_part_tco2e", "change_pct", "national_part_pct",
                "scaled_share_pct",
            ),
            ALWAYS_THERE,
        ),
        **dict.fromkeys(
            ("near_nation_pct", "near_nation_tonnes_pct"), "a share of one sector; all sectors have none"
        ),
    },
    "nowcast": {"change_pct": "the year before has 0 t; it stands in mart.emission"},
    "standing_change": {"*": "the status of the step in the row says that there is no level or projection"},
    "target": {"*": SETTING},
    "target_progress": {
        **dict.fromkeys(
            (
                "variants_met", "variants_n", "central_tco2e", "spread_low_tco2e", "spread_high_tco2e",
                "gap_tco2e", "gap_pct_of_base", "before_variants_met", "before_variants_n",
                "before_central_tco2e",
            ),
            NOT_A_STANDING,
        ),
        **dict.fromkeys(
            (
                "required_annual_reduction_rate", "required_reduction_t_per_year", "budget_used_share",
                "budget_time_used_share",
            ),
            EITHER_OR,
        ),
        **dict.fromkeys(("record_verdicts_n", "record_came_true_n", "record_came_true_pct"), NO_RECORD),
        **dict.fromkeys(
            ("achieved_annual_reduction_rate", "annual_reduction_since_2015"),
            "no observed year to count from",
        ),
        "data_lag_months": "a region without a value of any year",
    },
}  # fmt: skip
"""Mart → nullable figure → why it may be missing without a reason in the row; ``*`` is all of the mart's."""
NUMBERS: Final = frozenset({"double precision", "integer", "bigint", "smallint"})
NO_FIGURES: Final = frozenset({"year", None})
"""Units of what is a number and no figure: years, ids, counts without unit."""


def nullable_figures() -> Iterator[tuple[schema.Mart, str]]:
    """Of the columns under their present names: an old name shows the same."""
    for mart in schema.marts():
        for column in mart.columns:
            is_figure = column.type in NUMBERS and column.unit not in NO_FIGURES
            if is_figure and column.nullable and column.deprecated_from is None:
                yield mart, column.name


def is_exempt(mart: str, column: str) -> bool:
    return not {"*", column}.isdisjoint(EXEMPT.get(mart, {}))


def test_every_figure_that_may_be_missing_has_a_reason_column_or_an_exemption() -> None:
    unsaid = [
        f"{mart.name}.{column}"
        for mart, column in nullable_figures()
        if column not in SAID_IN.get(mart.name, {}) and not is_exempt(mart.name, column)
    ]
    assert unsaid == []


def test_the_lists_name_columns_of_the_contract_and_each_once() -> None:
    known = {(mart.name, column) for mart, column in nullable_figures()}
    said = {(mart, column) for mart, columns in SAID_IN.items() for column in columns}
    exempt = {(mart, column) for mart, columns in EXEMPT.items() for column in columns if column != "*"}
    assert (said | exempt) - known == set()
    assert said & exempt == set()
    for mart, columns in SAID_IN.items():
        names = {column.name for column in schema.mart(mart).columns}
        assert names >= {name for text in columns.values() for name in text.split(", ")}, mart


def test_a_column_has_one_unit_in_every_mart() -> None:
    units: dict[str, set[str | None]] = {}
    for mart in schema.marts():
        for column in mart.columns:
            if column.type in NUMBERS and column.unit is not None:
                units.setdefault(column.name, set()).add(column.unit)
    assert {name: found for name, found in units.items() if len(found) > 1} == {}


def test_a_missing_figure_says_why(wholly_good: Published) -> None:
    """On figures of every source: NULL only where a reason stands in the row."""
    silent = {}
    missing = 0
    with closing(connect(wholly_good.warehouse.bi_dsn)) as conn, conn.cursor() as cursor:
        for mart, column in nullable_figures():
            if column not in SAID_IN.get(mart.name, {}):
                continue
            reasons = SAID_IN[mart.name][column]
            cursor.execute(
                f"SELECT count(*), count(*) FILTER (WHERE coalesce({reasons}) IS NULL) "
                f"FROM mart.{mart.name} WHERE {column} IS NULL"
            )
            found, without = cursor.fetchone()
            missing += found
            if without:
                silent[f"{mart.name}.{column}"] = without
    assert missing > 1000, "the home misses figures, else this proves nothing"
    assert silent == {}


def test_the_change_per_inhabitant_since_1990_is_that_of_the_widened_network(wholly_good: Published) -> None:
    """On synthetic population, which reaches back to 1990: members, Knivsta and Lekeberg, in both years."""
    with closing(connect(wholly_good.warehouse.bi_dsn)) as conn, conn.cursor() as cursor:
        cursor.execute(
            """
            WITH panel AS (
                SELECT region_code FROM mart.municipality_overview
                WHERE is_member OR region_code IN ('0330', '1814')
            ),
            levels AS (
                SELECT e.year, sum(e.emissions_tco2e) / sum(coalesce(p.population_count, 0)) AS level
                FROM mart.boundary_series AS e
                INNER JOIN panel USING (region_code)
                LEFT JOIN mart.population AS p ON e.region_code = p.region_code AND e.year = p.year
                WHERE e.boundary = 'territorial' AND e.year IN (1990, 2024)
                GROUP BY e.year
            )
            SELECT 100 * (max(level) FILTER (WHERE year = 2024) / max(level) FILTER (WHERE year = 1990) - 1)
            FROM levels
            """
        )
        ((expected,),) = cursor.fetchall()
        cursor.execute(
            "SELECT per_capita_change_since_1990_pct, widened_with FROM mart.network_summary "
            "WHERE panel = 'members_today' AND boundary = 'territorial' AND year = 2024"
        )
        ((change, widened),) = cursor.fetchall()
        assert change == pytest.approx(expected)
        assert widened == ["0330", "1814"]
        cursor.execute(
            "SELECT DISTINCT boundary, per_capita_change_reason FROM mart.per_inhabitant "
            "WHERE year = 2024 AND per_capita_change_since_1990_pct IS NULL"
        )
        assert set(cursor.fetchall()) <= {("published_total", "scope_changed")}
