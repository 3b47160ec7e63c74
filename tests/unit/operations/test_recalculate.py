"""Numbers calculated again: from the inputs that the lineage declares, and from nothing else."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from klimatpuls.contract import schema
from klimatpuls.contract.lineage import CALCULATED, lineages, parse_input
from klimatpuls.domain import regions
from klimatpuls.operations.recalculate import RULES, Inputs, NotDeclaredError
from klimatpuls.statistics.series import TERRITORIAL_SECTORS

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBERS = {"smallint", "integer", "bigint", "double precision"}
EXPLAINED_OTHERWISE = {"boundary_series", "release_gate"}
"""Added up cell by cell by the trace itself; measured when the release was validated."""


def inputs(row: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> Inputs:
    def read(name: str) -> pd.DataFrame:
        if name not in frames:
            raise NotDeclaredError(name)
        return frames[name]

    return Inputs(row=row, read=read, releases=["old", "new"], donors=["old", "new"])


def own(mart: str, **values: float | None) -> dict[str, pd.DataFrame]:
    return {f"{mart}.{name}": pd.DataFrame([{name: value}]) for name, value in values.items()}


def test_every_calculated_number_has_a_rule_and_every_rule_a_number() -> None:
    wanted = {
        (entry.mart, entry.column)
        for entry in lineages()
        if entry.kind == CALCULATED
        and entry.mart not in EXPLAINED_OTHERWISE
        and schema.mart(entry.mart).column(entry.column).type in NUMBERS
    }
    missing = sorted(wanted - RULES.keys())
    assert not missing, f"add a rule to operations/recalculate.py, or the trace cannot check: {missing}"
    assert RULES.keys() - {(entry.mart, entry.column) for entry in lineages()} == set()


def test_every_input_of_a_calculated_number_is_one_that_can_be_read() -> None:
    for entry in lineages():
        if (entry.mart, entry.column) in RULES:
            assert entry.inputs, entry
            assert all(parse_input(text).mart for text in entry.inputs)


def test_a_rule_that_reads_more_than_is_declared_fails() -> None:
    rule = RULES["revision", "difference_pct"]
    with pytest.raises(NotDeclaredError):
        rule(inputs({}, own("revision", new_emissions_tco2e=110.0)), "difference_pct")


def test_a_revision_of_a_territorial_total_leaves_international_transport_out() -> None:
    cells = pd.DataFrame(
        {"sector_code": ["all", "international_transport"], "emissions_tco2e": [440.0, 104.25]}
    )
    rule = RULES["revision", "new_emissions_tco2e"]
    assert rule(inputs({}, {"emission_by_release.emissions_tco2e": cells}), "new_emissions_tco2e") == 335.75


def test_the_revision_of_one_year_compares_with_the_release_before() -> None:
    frames = {
        "boundary_series.emissions_tco2e": pd.DataFrame({"emissions_tco2e": [99.0]}),
        "emission_by_release.emissions_tco2e": pd.DataFrame(
            {"sector_code": ["all", "international_transport"], "emissions_tco2e": [120.0, 20.0]}
        ),
    }
    column = "revision_of_previous_year_pct"
    assert RULES["region_overview", column](inputs({}, frames), column) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("panel", "emissions", "count"),
    [
        ("nation", 1000.0, 3),
        ("members_today", 140.0, 2),
        ("members_without_largest", 40.0, 1),
        ("rest_of_sweden", 850.0, 1),
        ("unallocated", 10.0, 0),
    ],
)
def test_a_panel_of_the_network_is_made_of_its_municipalities(
    panel: str, emissions: float, count: int
) -> None:
    """The unallocated part is what the nation has beyond its municipalities; nobody lives there."""
    years = pd.DataFrame(
        {"region_code": ["00", "0360", "0380", "0580"], "emissions_tco2e": [1000.0, 100.0, 40.0, 850.0]}
    )
    frames = {
        "boundary_series.emissions_tco2e": years,
        "member": pd.DataFrame(
            {
                "region_code": ["0360", "0380", "0580", "03"],
                "confirmed": [True, True, False, True],
                "joined_on": None,
                "left_on": None,
            }
        ),
        "region_overview.territorial_tco2e": pd.DataFrame(
            {"region_code": ["0360", "0380"], "territorial_tco2e": [100.0, 40.0]}
        ),
        "publication": pd.DataFrame({"as_of_date": [pd.Timestamp(2026, 5, 8)]}),
    }
    found = inputs({"panel": panel, "year": 2024}, frames)
    for column, wanted in (("emissions_tco2e", emissions), ("region_count", count)):
        assert RULES["network_summary", column](found, column) == wanted


def test_the_first_step_of_a_standing_has_no_part_and_the_others_the_rest_of_the_one_before() -> None:
    steps = pd.DataFrame({"step_order": [0, 1, 2], "gap_tco2e": [10.0, 7.0, 9.5]})
    rule = RULES["standing_change", "gap_part_tco2e"]
    frames = {"standing_change.gap_tco2e": steps}
    parts = [rule(inputs({"step_order": at}, frames), "gap_part_tco2e") for at in range(3)]
    assert parts == [0.0, -3.0, 2.5]
    assert sum(parts) == pytest.approx(9.5 - 10.0)


def test_a_column_under_an_old_name_is_calculated_like_its_replacement() -> None:
    row = {"region_code": "0360", "status": "none_below"}
    frames = own("target_progress", last_tco2e=100.0, level_tco2e=25.0, target_year=2030, last_year=2028)
    names = ("required_annual_rate", "required_annual_reduction_rate")
    assert [RULES["target_progress", name](inputs(row, frames), name) for name in names] == [0.5, 0.5]


def official(**values: Any) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """The nation on official outcomes of 2023 and 2024."""
    row = {"region_code": "00", "base_status": "official", "base_year": 1990, "budget_used_share": None}
    outcomes = pd.DataFrame({"year": [2024, 2023], "emissions_tco2e": [29e6, 30e6]})
    return row | values, {"official_figure.emissions_tco2e": outcomes}


def test_an_official_line_is_made_of_the_inventory_and_official_outcomes() -> None:
    row, frames = official(status="missed")
    frames |= own("target", base_tco2e=None) | own("national_emission", emissions_tco2e=71e6)
    found = inputs(row, frames)
    assert RULES["target_progress", "base_tco2e"](found, "base_tco2e") == 46e6
    assert RULES["target_progress", "last_tco2e"](found, "last_tco2e") == 29e6
    assert RULES["target_progress", "last_year"](found, "last_year") == 2024


def test_an_official_base_of_another_year_is_an_official_outcome() -> None:
    row, _ = official(base_year=2005)
    frames = own("target", base_tco2e=None) | own("official_figure", emissions_tco2e=46e6)
    assert RULES["target_progress", "base_tco2e"](inputs(row, frames), "base_tco2e") == 46e6


def test_a_settled_official_line_is_measured_on_its_official_outcome() -> None:
    row, _ = official(status="missed")
    frames = own("target_progress", level_tco2e=20e6) | own("official_figure", emissions_tco2e=21e6)
    assert RULES["target_progress", "observed_gap_tco2e"](inputs(row, frames), "observed_gap_tco2e") == 1e6


def sectors_of(region: str, year: int, **tonnes: float) -> pd.DataFrame:
    """Every sector of a region in a year, 10 t where nothing else is said."""
    values = {code: tonnes.get(code, 10.0) for code in TERRITORIAL_SECTORS}
    values |= {"all": sum(values.values()), "international_transport": 0.0}
    return pd.DataFrame(
        {"region_code": region, "year": year, "sector_code": list(values), "emissions_tco2e": values.values()}
    )


@pytest.mark.parametrize(
    ("with_plants", "expected"),
    [(False, 0.9 * 170.0), (True, 0.9 * (170.0 - 80.0) + 60.0)],
)
def test_a_nowcast_takes_the_plants_as_verified_where_it_says_so(with_plants: bool, expected: float) -> None:
    """Industry 100 t of which plants 80 t, nation −10 %, plants now 60 t."""
    row = {"region_code": "0360", "basis": "preliminary", "with_plants": with_plants, "last_year": 2024,
           "year": 2025}  # fmt: skip
    final, ahead = (sectors_of("00", year).drop(columns="region_code") for year in (2024, 2025))
    frames = {
        "emission.emissions_tco2e": sectors_of("0360", 2024, industry=100.0),
        "national_emission.emissions_tco2e": final,
        "official_figure.emissions_tco2e": ahead.assign(emissions_tco2e=0.9 * ahead["emissions_tco2e"]),
        "ets_plant.verified_tco2e": pd.DataFrame(
            {
                "installation_id": ["1", "1", "2", "2"],
                "year": [2024, 2025, 2024, 2025],
                "region_code": "0360",
                "sector_code": "industry",
                "verified_tco2e": [80.0, 60.0, None, None],
            }
        ),
    }
    rule = RULES["nowcast", "emissions_tco2e"]
    assert rule(inputs(row, frames), "emissions_tco2e") == pytest.approx(expected)


def test_the_population_of_a_county_before_2025_is_that_of_its_municipalities() -> None:
    """Heby counts in Uppsala county, though it lay in Västmanland in 2005."""
    codes = [code for code, region in regions.regions().items() if region.county_code == "03"]
    points = {"region_code": "03", "boundary": "territorial", "year": 2005, "emissions_tco2e": 400.0,
              "status": "observed", "release_id": "new"}  # fmt: skip
    frames = {
        "boundary_series.emissions_tco2e": pd.DataFrame([{**points, "flags": []}]),
        "population.population_count": pd.DataFrame(
            {
                "region_code": ["03", *codes],
                "year": 2005,
                "population_count": [90, *[100 // len(codes)] * len(codes)],
            }
        ),
    }
    row = {"region_code": "03", "boundary": "territorial", "year": 2005}
    rule = RULES["per_inhabitant", "emissions_t_per_capita"]
    assert rule(inputs(row, frames), "emissions_t_per_capita") == 400.0 / (100 // len(codes) * len(codes))


def test_the_number_of_members_is_the_one_stated_for_the_day_of_the_publication() -> None:
    frames = {
        "criteria_rule.value": pd.DataFrame(
            {
                "value": [52.0, 53.0],
                "valid_from": [None, dt.date(2026, 6, 1)],
                "valid_to": [dt.date(2026, 5, 31), None],
            }
        ),
        "publication": pd.DataFrame({"as_of_date": [pd.Timestamp(2026, 5, 8)]}),
    }
    rule = RULES["network_summary", "stated_member_count"]
    assert rule(inputs({}, frames), "stated_member_count") == 52


def test_members_are_counted_on_the_day_of_the_publication() -> None:
    frames = {
        "member": pd.DataFrame(
            {
                "region_code": ["0360", "0380", "0580", "03"],
                "confirmed": [True, True, False, True],
                "joined_on": [None, dt.date(2027, 1, 1), None, None],
                "left_on": None,
            }
        ),
        "publication": pd.DataFrame({"as_of_date": [pd.Timestamp(2026, 5, 8)]}),
    }
    rule = RULES["network_summary", "confirmed_member_count"]
    assert rule(inputs({}, frames), "confirmed_member_count") == 2, "a county too, and nobody unconfirmed"
