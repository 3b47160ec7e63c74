"""Rows as the report queries give them. Every figure is invented; magnitudes are like the real ones."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime

import pytest

from klimatpuls.report.view import build_digest

PUBLICATION = 7
YEARS = (1990, 2000, 2005, 2010, 2015, 2020, 2021, 2022, 2023, 2024)
GHG_ID = "smhi_emissions-ghg-2026-05-07-0a1b2c3d"
OLD_GHG_ID = "smhi_emissions-ghg-2025-05-06-99aabbcc"
POPULATION_ID = "scb_population-all-2025-02-21-55667788"

LINES = {
    "members_today": (11.9, 11.2, 11.0, 11.3, 9.4, 8.0, 8.2, 7.7, 7.25, 7.93),
    "members_without_largest": (9.6, 8.9, 8.5, 8.2, 6.9, 5.3, 5.4, 5.0, 4.7, 5.12),
    "rest_of_sweden": (58.8, 55.2, 54.9, 52.5, 43.7, 37.5, 38.4, 36.4, 36.5, 39.15),
    "unallocated": (0.27, 0.3, 0.2, 0.28, 0.2, 0.2, 0.2, 0.2, 0.22, 0.41),
    "nation": (70.97, 66.7, 66.1, 64.08, 53.3, 45.7, 46.8, 44.3, 43.97, 47.49),
}
COUNTS = {
    "members_today": 18,
    "members_without_largest": 17,
    "rest_of_sweden": 272,
    "nation": 290,
    "unallocated": 0,
}
PEOPLE = {
    "members_today": 3_312_000,
    "members_without_largest": 3_233_000,
    "rest_of_sweden": 7_240_000,
    "nation": 10_552_000,
}
KNOWN = {"confirmed_member_count": 19, "stated_member_count": 52}
MEMBERS = (
    ("2081", "Borlänge", 262_114.4, 4.9, -31.2, 8.1, 9.0, -0.9),
    ("1480", "Göteborg", 2_304_518.0, 3.8, -12.4, 4.6, 6.9, -2.3),
    ("1283", "Helsingborg", 402_377.2, 2.7, -44.0, 11.2, 7.4, 3.8),
    ("0126", "Huddinge", 161_908.9, 1.4, -41.7, 13.9, 13.0, 0.9),
    ("1267", "Höör", 58_220.3, 3.4, -28.9, 12.0, 9.1, 2.9),
    ("1780", "Karlstad", 241_500.6, 2.5, -47.3, 9.9, 8.6, 1.3),
    ("1282", "Landskrona", 155_102.1, 3.2, -39.5, 10.8, 8.9, 1.9),
    ("2580", "Luleå", 2_811_340.7, 35.4, 22.1, 10.2, 3.1, 7.1),
    ("1281", "Lund", 282_660.5, 2.2, -45.1, 12.4, 9.7, 2.7),
    ("1280", "Malmö", 798_241.9, 2.2, -51.3, 7.7, 7.9, -0.2),
    ("2062", "Mora", 82_911.0, 4.1, -33.0, 11.5, 10.6, 0.9),
    ("2482", "Skellefteå", 281_417.2, 3.7, -42.4, 8.4, 8.0, 0.4),
    ("0180", "Stockholm", 1_422_030.8, 1.4, -55.8, 12.1, 12.6, -0.5),
    ("0486", "Strängnäs", 131_005.5, 3.4, -27.2, 12.9, 11.1, 1.8),
    ("1488", "Trollhättan", 142_870.0, 2.4, -36.4, 10.0, 10.4, -0.4),
    ("0380", "Uppsala", 561_412.6, 2.2, -48.9, 9.1, 10.0, -0.9),
    ("0187", "Vaxholm", 25_114.8, 2.1, -24.6, 14.2, 13.8, 0.4),
    ("1880", "Örebro", 402_918.1, 2.5, -46.0, 10.7, 10.1, 0.6),
)


SECTORS = (
    ("agriculture", 500_000.0, 495_000.0),
    ("industry", 3_000_000.0, 2_950_000.0),
    ("machinery", 400_000.0, 540_000.0),
    ("transport", 2_000_000.0, 2_420_000.0),
    ("waste", 100_000.0, 100_000.0),
)
"""Sector, tonnes of today's members in 2023 and in 2024."""


def _summary() -> list[dict[str, object]]:
    rows = []
    for panel, line in LINES.items():
        for scale, boundary in ((1.0, "territorial"), (0.62, "effort_sharing_proxy")):
            for year, value in zip(YEARS, line, strict=True):
                people = PEOPLE.get(panel) if year >= 2023 else None
                rows.append(
                    {
                        "panel": panel,
                        "boundary": boundary,
                        "year": year,
                        "region_count": COUNTS[panel],
                        "emissions_tco2e": value * scale * 1e6,
                        "population_count": people,
                        "emissions_t_per_capita": value * scale * 1e6 / people if people else None,
                        "change_since_1990_pct": 100.0 * (value - line[0]) / line[0],
                        "per_capita_change_since_1990_pct": None,
                        "per_capita_change_reason": "no_population",
                        "widened_with": [],
                        "status_reason": None if people else "no_population",
                        **KNOWN,
                        "publication_id": PUBLICATION,
                    }
                )
    rows += [
        {
            "panel": "members_at_the_time",
            "boundary": "territorial",
            "year": year,
            "region_count": 0,
            "emissions_tco2e": None,
            "population_count": None,
            "emissions_t_per_capita": None,
            "change_since_1990_pct": None,
            "per_capita_change_since_1990_pct": None,
            "per_capita_change_reason": "join_date_unknown",
            "widened_with": [],
            "status_reason": "join_date_unknown",
            **KNOWN,
            "publication_id": PUBLICATION,
        }
        for year in YEARS
    ]
    return rows


def _member(
    code: str,
    name: str,
    level: str,
    total: float,
    head: float,
    base: float,
    last: float,
    national: float | None,
    own: float | None,
) -> dict[str, object]:
    return {
        "region_code": code,
        "region_name": name,
        "level": level,
        "last_year": 2024,
        "previous_year": 2023,
        "territorial_tco2e": total,
        "territorial_t_per_capita": head,
        "per_capita_reason": None,
        "change_since_1990_pct": base,
        "change_since_previous_year_pct": last,
        "national_part_pct": national,
        "own_part_pct": own,
        "own_part_status": "partly_measured" if name == "Luleå" else "measured",
        "scaled_share_pct": 94.0 if name == "Luleå" else 7.0,
        "revision_of_previous_year_pct": -11.4 if name == "Luleå" else 0.3,
        "revision_of_previous_year_tco2e": -340_000.0 if name == "Luleå" else total * 0.003,
        "outside_trading_tco2e": None,
        "without_plant_sectors_tco2e": 248_000.0 if name == "Luleå" else None,
        "leads_with": "territorial",
        "flags": ["one_plant"] if name == "Luleå" else [],
        "publication_id": PUBLICATION,
    }


def _release(
    release_id: str, dataset: str, substance: str, published: date, years: list[int], *, is_current: bool
) -> dict[str, object]:
    return {
        "release_id": release_id,
        "dataset": dataset,
        "substance": substance,
        "published_date": published,
        "retrieved_at": datetime(2026, 5, 8, 5, 15, tzinfo=UTC),
        "years": years,
        "is_current": is_current,
        "gwp_set": None,
        "publication_id": PUBLICATION,
    }


def _rows() -> dict[str, list[dict[str, object]]]:
    causes = [
        {
            "kind": "release",
            "release_id": GHG_ID,
            "dataset": "smhi_emissions",
            "substance": "ghg",
            "published_date": "2026-05-07",
            "first": False,
            "replaces": OLD_GHG_ID,
            "new_years": [2024],
            "vanished_years": [2016, 2017, 2018, 2019],
            "nation": [
                {"year": 2023, "old_t": 44_110_326.0, "new_t": 43_977_551.0, "international_t": 180_469.0},
                {"year": 2022, "old_t": 45_010_870.0, "new_t": 44_920_005.0},
            ],
            "largest_movers": [
                {
                    "region_code": "1881",
                    "region_name": "Kumla",
                    "year": 2005,
                    "old_t": 91_500.0,
                    "new_t": 124_600.0,
                }
            ],
            "moved_share_pct": 18.8,
            "boundary": "territorial",
        }
    ]
    population = {"dataset": "scb_population", "substance": "all"}
    return {
        "publication": [
            {
                "publication_id": PUBLICATION,
                "as_of_date": date(2026, 5, 8),
                "origin": "live",
                "method_version": "1.0",
                "causes": causes,
            }
        ],
        "releases": [
            _release(POPULATION_ID, *population.values(), date(2025, 2, 21), [2023, 2024], is_current=True),
            _release(GHG_ID, "smhi_emissions", "ghg", date(2026, 5, 7), list(YEARS), is_current=True),
            _release(
                OLD_GHG_ID, "smhi_emissions", "ghg", date(2025, 5, 6), [1990, 2000, 2023], is_current=False
            ),
        ],
        "network_summary": _summary(),
        "network_sectors": [
            {
                "sector_code": code,
                "year": year,
                "emissions_tco2e": tonnes,
                "region_count": 3,
                "publication_id": PUBLICATION,
            }
            for code, *line in SECTORS
            for year, tonnes in zip((2023, 2024), line, strict=True)
        ],
        "members": [
            *(
                _member(code, name, "municipality", total, head, base, last, national, own)
                for code, name, total, head, base, last, national, own in MEMBERS
            ),
            _member("12", "Skåne län", "county", 5_230_771.0, 3.6, -40.2, 8.8, None, None),
        ],
        "revision_record": [],
        "nowcast": [],
        "variant_worth": [{"independent_n": 1.78, "variants_n": 8, "publication_id": PUBLICATION}],
        "own_targets": [],
        "criteria": [
            {
                "criterion": criterion,
                "member_count": 19,
                "met_count": 0,
                "documented_count": 0,
                "not_met_count": 0,
                "due_count": 0,
                "unknown_count": 19,
                "publication_id": PUBLICATION,
            }
            for criterion in ("inventory", "targets", "action_plan", "informing")
        ],
        "measures": [
            {
                "measure_count": 0,
                "overdue_count": 0,
                "stale_count": 0,
                "pledge_count": 0,
                "pledge_at_risk_count": 0,
                "without_target_count": 19,
                "publication_id": PUBLICATION,
            }
        ],
        "coverage": [],
        "findings": [
            {
                "dataset": "smhi_emissions",
                "substance": "ghg",
                "rule": "sector_collapse",
                "severity": "advisory",
                "finding_count": 5,
                "message_sv": "Fem sektorvärden faller under 5 % av åren intill",
                "message_en": "Five sector values fall below 5 % of the years beside them",
                "sample": [
                    {"region_code": "1881", "region_name": "Kumla", "year": 2005},
                    {"region_code": "2380", "region_name": "Östersund", "year": 2022},
                ],
                "publication_id": PUBLICATION,
            }
        ],
        "result_status": [],
        "mailed_headline": [],
        "data_status": [
            {
                **population,
                "published_date": date(2025, 2, 21),
                "next_expected": None,
                "status": "fresh",
                "publication_id": PUBLICATION,
            },
            {
                "dataset": "smhi_emissions",
                "substance": "co2",
                "published_date": None,
                "next_expected": date(2026, 5, 10),
                "status": "not_yet_published",
                "publication_id": PUBLICATION,
            },
            {
                "dataset": "smhi_emissions",
                "substance": "ghg",
                "published_date": date(2026, 5, 7),
                "next_expected": date(2027, 5, 10),
                "status": "fresh",
                "publication_id": PUBLICATION,
            },
        ],
    }


@pytest.fixture
def rows():
    """Rows of every report query, to be changed freely."""
    return copy.deepcopy(_rows())


@pytest.fixture
def digest(rows):
    """The digest of those rows."""
    return build_digest(rows)
