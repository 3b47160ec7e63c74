"""The worked example of docs/example_tierp.md, reckoned again: every line of its tables must come out.

The targets, measures and statements are made up for the example and stand here alone: no register holds them.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pandas as pd
import pytest

from klimatpuls import criteria, measures, network, peers, standing
from klimatpuls.criteria import Answer, Evidence, Plan, Records, ReportingRound
from klimatpuls.measures import Measure
from klimatpuls.regions import region
from klimatpuls.series import build_release_table, build_series
from klimatpuls.sources import smhi_emissions
from klimatpuls.targets import Interim, Target

pytestmark = pytest.mark.real_data

PAGE = Path(__file__).parents[2] / "docs/example_tierp.md"
TIERP = "0360"
AS_OF = dt.date(2026, 5, 8)
INHABITANTS_2030 = 21_000.0
DECIDED = {
    "region_code": TIERP,
    "decided_on": dt.date(2022, 11, 28),
    "decided_by": "Kommunfullmäktige (exempel)",
}

TARGETS = (
    Target(
        target_id="percent",
        target_type="percent_below_base",
        base_year=1990,
        target_year=2030,
        percent_below_base=70.0,
        interim=(Interim(year=2025, percent_below_base=55.0),),
        **DECIDED,
    ),
    Target(target_id="level", target_type="fixed_level", target_year=2030, level_tco2e=110_000.0, **DECIDED),
    Target(
        target_id="per_capita",
        target_type="fixed_level_per_capita",
        target_year=2030,
        level_tco2e_per_capita=5.0,
        **DECIDED,
    ),
    Target(
        target_id="net_zero",
        target_type="net_zero",
        base_year=1990,
        target_year=2045,
        residual_percent=15.0,
        **DECIDED,
    ),
    Target(target_id="rate", target_type="constant_rate", base_year=2020, annual_rate=0.08, **DECIDED),
    Target(
        target_id="budget",
        target_type="carbon_budget",
        target_year=2030,
        budget_start_year=2020,
        budget_tco2e=1_500_000.0,
        **DECIDED,
    ),
)
MEASURES = (
    Measure(
        measure_id="heat",
        owner_region_code=TIERP,
        boundary="territorial",
        sector_code="power_heat",
        title="Plast ur avfallet till värmeverket",
        status="decided",
        end_date=dt.date(2028, 12, 31),
        effects={2027: 2_000.0, 2029: 5_000.0},
        last_updated=dt.date(2026, 2, 1),
    ),
    Measure(
        measure_id="trucks",
        owner_region_code=TIERP,
        boundary="territorial",
        sector_code="transport",
        title="Laddplatser för tunga fordon",
        status="ongoing",
        end_date=dt.date(2026, 3, 31),
        effects={2024: 500.0, 2028: 3_500.0},
        last_updated=dt.date(2025, 9, 1),
    ),
    Measure(
        measure_id="farms",
        owner_region_code=TIERP,
        boundary="territorial",
        sector_code="agriculture",
        title="Rådgivning till lantbruk",
        status="planned",
        last_updated=dt.date(2025, 12, 1),
    ),
)


@pytest.fixture(scope="module")
def table(real_data):
    content = (real_data / "smhi/GGT_edition_2026a.xlsx").read_bytes()
    rows = smhi_emissions.parse([content], "smhi_emissions", "ghg").rows
    return build_release_table("2026a", rows.rename(columns={"emissions": "emissions_tco2e"}))


@pytest.fixture(scope="module")
def found(table):
    frame = standing.evaluate_all(
        TARGETS,
        {"territorial": build_series(table, "territorial")},
        as_of=AS_OF,
        population_forecast={(TIERP, 2030): INHABITANTS_2030},
    )
    return frame.set_index("target_id")


def tonnes(value: float) -> str:
    return "" if pd.isna(value) else f"{value:,.0f}".replace(",", " ").replace("-", "−")


def percent(value: float) -> str:
    return "" if pd.isna(value) else f"{100 * value:.1f} %".replace("-", "−")


def rows_of(heading: str) -> list[list[str]]:
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}", 1)[1].split("\n## ", 1)[0]
    lines = re.findall(r"^\|(.+)\|$", section, re.MULTILINE)[2:]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def test_the_targets_of_every_type(found):
    told = []
    for target_id, row in found.iterrows():
        count = "" if pd.isna(row["variants_n"]) else f"{row['variants_met']} of {row['variants_n']}"
        told.append(
            [
                f"`{target_id}`",
                str(row["target_year"]),
                tonnes(row["level_tco2e"]),
                f"`{row['status']}`",
                count,
                tonnes(row["central_tco2e"]),
                tonnes(row["gap_tco2e"]),
                percent(row["required_annual_rate"]),
                tonnes(row["path_position_tco2e"]),
                ", ".join(map(str, row["hangs_on"])),
                f"`{row['before_status']}`",
            ]
        )
    assert rows_of("Targets") == told
    level = found.loc["level"]
    assert level["central_tco2e"] == level["spread_high_tco2e"]
    assert f"without 2024 it was {tonnes(level['before_central_tco2e'])} t." in PAGE.read_text(
        encoding="utf-8"
    )


def test_the_budget(found):
    row = found.loc["budget"]
    assert rows_of("The carbon budget") == [
        [
            percent(row["budget_used_share"]),
            percent(row["budget_time_used_share"]),
            str(row["budget_runs_out_year"]),
        ]
    ]


def test_the_measures_against_the_gap(found):
    row = found.loc["percent"]
    coverage = measures.build_coverage(
        MEASURES,
        owner_region_code=TIERP,
        boundary="territorial",
        last_year=2024,
        target_year=2030,
        observed_gap_tco2e=row["observed_gap_tco2e"],
    )
    told = [
        [
            f"`{line.sector_code}`",
            str(line.measures_n),
            tonnes(line.counted_tco2e),
            str(line.without_effect_n),
            tonnes(line.gap_tco2e),
            "" if pd.isna(line.coverage_pct) else f"{line.coverage_pct:.1f} %",
        ]
        for line in coverage.itertuples()
    ]
    assert rows_of("Measures against the gap") == told
    late = [measure.measure_id for measure in MEASURES if measures.is_overdue(measure, AS_OF)]
    assert f"Overdue on 8 May 2026: `{late[0]}`." in PAGE.read_text(encoding="utf-8")


def test_the_four_criteria():
    records = Records(
        targets=TARGETS,
        measures=MEASURES,
        plans=[Plan(plan_id="p", owner_region_code=TIERP, decided_on=dt.date(2014, 3, 31))],
        evidence=[
            Evidence(
                region_code=TIERP,
                criterion="inventory",
                kind="self_confirmed",
                stated_on=dt.date(2025, 9, 10),
            )
        ],
        rounds=[
            ReportingRound(round_id="2026", opens_on=dt.date(2026, 1, 15), closes_on=dt.date(2026, 3, 31))
        ],
        answers=[Answer(region_code=TIERP, round_id="2025", answered_on=dt.date(2025, 3, 1))],
        asked_on={(TIERP, None): dt.date(2025, 9, 1)},
    )
    told = [
        [
            f"`{one.criterion}`",
            f"`{one.status}`",
            criteria.REASONS[one.reason][1],
            "" if one.lapses_on is None else one.lapses_on.isoformat(),
            one.to_meet_en,
        ]
        for one in criteria.assess(TIERP, records, AS_OF)
    ]
    assert rows_of("The four criteria") == told


def test_national_and_own_part_and_peers(table, real_data):
    total = network.sum_national_and_own(network.split_national_and_own(table, 2015, 2024))
    row = total.set_index("region_code").loc[TIERP]
    assert rows_of("National and own part") == [
        [
            "2015–2024",
            *(
                f"{row[name]:.1f} %".replace("-", "−")
                for name in ("change_pct", "national_part_pct", "own_part_pct")
            ),
        ]
    ]
    population = pd.read_csv(real_data / "scb/population.csv", dtype={"region_code": str})
    inhabitants = population[population["year"] == 2024].set_index("region_code")["population"].to_dict()
    nearest = peers.find_peers(peers.build_features(table, inhabitants))
    own = nearest[nearest["region_code"] == TIERP].head(3)
    assert rows_of("Peers") == [
        [
            str(line.peer_rank),
            region(line.peer_region_code).name,
            ", ".join(peers.FEATURES[name][1] for name in line.reasons),
        ]
        for line in own.itertuples()
    ]
