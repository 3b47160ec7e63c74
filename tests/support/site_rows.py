"""Rows as the queries of the site give them: a country of four municipalities. Every figure is invented.

Tierp has all that a page can show: a target, measures, criteria, peers, a revision. Borås (a name in s) is no
member, Luleå has one plant, Knivsta no population, and nothing is known of it in 1990.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

from klimatpuls.report.view import SummaryPoint
from klimatpuls.site.view import QUERIES

PUBLICATION = 7
YEARS = (1990, 2000, 2010, 2020, 2021, 2022, 2023, 2024)
GHG = "smhi_emissions-ghg-2026-05-07-0a1b2c3d"
OLD_GHG = "smhi_emissions-ghg-2025-05-06-99aabbcc"
COUNTIES = (("03", "Uppsala län"), ("14", "Västra Götalands län"), ("25", "Norrbottens län"))
MUNICIPALITIES = (
    # code, name, county, kind, value of 1990, of 2023, of 2024
    ("1490", "Borås", "14", None, 500_000.0, 250_000.0, 249_990.0),
    ("0330", "Knivsta", "03", "member", None, 60_000.0, 54_000.0),
    ("2580", "Luleå", "25", "member", 3_172_215.0, 3_398_689.0, 3_365_903.0),
    ("0360", "Tierp", "03", "applicant", 217_922.683, 130_228.259, 146_060.381),
)
SECTORS = (
    ("transport", "Transporter", "Transport", 0.55, "measured"),
    (
        "industry",
        "Industri (energi och processer)",
        "Industry (energy and processes)",
        0.05,
        "not_measurable_yet",
    ),
    ("agriculture", "Jordbruk", "Agriculture", 0.27, "measured"),
    ("power_heat", "El och fjärrvärme", "Electricity and district heating", 0.13, "not_measurable_yet"),
)
HOSTILE = "<script>alert(1)</script> #eval(1) {{ 7*7 }} \"'&"
"""A text of a register that would be markup, code or a template anywhere it was not inert."""


def site_rows() -> dict[str, list[dict[str, Any]]]:
    """Rows of every query of the site and of the digest, to be changed freely."""
    return {
        **{name: [] for name in QUERIES},
        "report/publication.sql": [
            {
                "publication_id": PUBLICATION,
                "as_of_date": date(2026, 5, 8),
                "origin": "live",
                "method_version": "2.0",
                "causes": [],
            }
        ],
        "report/releases.sql": [
            _release(GHG, date(2026, 5, 7), True),
            _release(OLD_GHG, date(2025, 5, 6), False),
        ],
        "report/network_summary.sql": _summary(),
        "report/network_sectors.sql": _network_sectors(),
        "report/members.sql": [_member(row) for row in _regions() if row["member_kind"] == "member"],
        "report/findings.sql": [
            {
                "dataset": "smhi_emissions",
                "substance": "ghg",
                "rule": "sector_collapse",
                "severity": "advisory",
                "finding_count": 1,
                "message_sv": "Ett sektorvärde faller under 5 % av åren intill",
                "message_en": "One sector value falls below 5 % of the years beside it",
                "sample": [],
                "publication_id": PUBLICATION,
            }
        ],
        "report/data_status.sql": [
            {
                "dataset": "smhi_emissions",
                "substance": "ghg",
                "published_date": date(2026, 5, 7),
                "next_expected": date(2027, 5, 10),
                "status": "fresh",
                "publication_id": PUBLICATION,
            }
        ],
        "site/regions.sql": _regions(),
        "site/series.sql": [
            _own(code, year=year, tco2e=value, status="observed")
            for code, *_, first, before, last in MUNICIPALITIES
            for year, value in _series(first, before, last)
        ],
        "site/plants.sql": [
            _own("2580", year=year, tco2e=value, status="observed")
            for year, value in _series(400_000.0, 250_000.0, 262_000.0)
        ],
        "site/changes.sql": _changes(),
        "site/peers.sql": [
            _own("0360", peer_region_code=peer, reason_sv="andel transporter", reason_en="share of transport")
            for peer in ("1490", "0330")
        ],
        "site/examples.sql": [
            _own(
                "1490",
                sector_name_sv="Transporter",
                sector_name_en="Transport",
                first_year=2020,
                last_year=2024,
                annual_reduction_rate=0.043,
            )
        ],
        "site/targets.sql": [target()],
        "site/coverage.sql": [
            _own(
                "0360",
                target_id="tierp_2030",
                gap_tco2e=80_683.6,
                counted_reduction_tco2e=400.0,
                coverage_pct=0.496,
                coverage_reason=None,
                measure_count=2,
                without_effect_count=1,
                overlap=None,
            )
        ],
        "site/criteria.sql": [
            _own(
                "0360",
                criterion=criterion,
                status="met" if criterion == "targets" else "unknown",
                evidence_kind="document" if criterion == "targets" else None,
                reason_sv="ännu inte fastställt",
                reason_en="not yet established",
                to_meet_sv=None if criterion == "targets" else "Granska det nyaste året.",
                to_meet_en=None if criterion == "targets" else "Look at the newest year.",
                reply=None,
            )
            for criterion in ("inventory", "targets", "action_plan", "informing")
        ],
        "site/revisions.sql": [
            _own(
                "0360",
                year=year,
                old_tco2e=old,
                new_tco2e=new,
                from_published_date=date(2025, 5, 6),
                to_published_date=date(2026, 5, 7),
            )
            for year, old, new in ((1990, 210_185.0, 217_922.683), (2023, 131_260.0, 130_228.259))
        ],
    }


def target(**changes: Any) -> dict[str, Any]:
    """The row of Tierp's target, with some columns changed."""
    return {
        **_own(
            "0360",
            target_id="tierp_2030",
            title_sv="70 procent lägre utsläpp 2030 än 1990",
            title_en="70 percent lower emissions in 2030 than in 1990",
            target_type="percent_below_base",
            decided_on=date(2024, 6, 17),
            decided_by="kommunfullmäktige",
            document_url="https://example.org/beslut",
            boundary="territorial",
            boundary_title_sv=None,
            boundary_title_en=None,
            target_year=2030,
            level_tco2e=65_376.8,
            last_year=2024,
            last_tco2e=146_060.381,
            status="none_below",
            status_reason=None,
            variants_met=0,
            variants_n=8,
            required_annual_reduction_rate=0.12543,
            required_reduction_t_per_year=None,
            achieved_annual_reduction_rate=-0.01031,
            achieved_from_year=2020,
            annual_reduction_since_2015=0.0144,
            path_start_year=1990,
            path_start_tco2e=217_922.683,
            data_lag_months=16,
            expected_month=None,
            budget_runs_out_year=None,
            record_verdicts_n=401,
            record_came_true_n=9,
            flags=[],
        ),
        **changes,
    }


def _own(code: str, **columns: Any) -> dict[str, Any]:
    return {"region_code": code, **columns, "publication_id": PUBLICATION}


def _release(release_id: str, published: date, is_current: bool) -> dict[str, Any]:
    return {
        "release_id": release_id,
        "dataset": "smhi_emissions",
        "substance": "ghg",
        "published_date": published,
        "retrieved_at": datetime(2026, 5, 8, 5, 15, tzinfo=UTC),
        "years": list(YEARS) if is_current else list(YEARS[:-1]),
        "is_current": is_current,
        "gwp_set": None,
        "publication_id": PUBLICATION,
    }


def _summary() -> list[dict[str, Any]]:
    lines = {
        "members_today": (3.2, 3.46, 3.42),
        "members_without_largest": (0.1, 0.06, 0.054),
        "nation": (71.0, 44.0, 47.5),
    }
    # What a sum of the network has beside these, its query gives too.
    rest = {one.name: [] if "tuple" in str(one.type) else None for one in fields(SummaryPoint)}
    del rest["t_per_capita"]
    return [
        {
            **rest,
            "panel": panel,
            "boundary": "territorial",
            "year": year,
            "region_count": 1 if panel == "nation" else 2,
            "emissions_tco2e": value * 1e6,
            "population_count": None,
            "emissions_t_per_capita": None,
            "change_since_1990_pct": 100.0 * (value - values[0]) / values[0],
            "status_reason": None,
            "publication_id": PUBLICATION,
        }
        for panel, values in lines.items()
        for year, value in _series(*values)
    ]


def _series(first: float | None, before: float, last: float) -> list[tuple[int, float]]:
    middle = [(year, before) for year in YEARS[1:-1]]
    return ([] if first is None else [(YEARS[0], first)]) + [*middle, (YEARS[-1], last)]


def _regions() -> list[dict[str, Any]]:
    rows = [_region("00", "Riket", "nation", None, None, 71e6, 44e6, 47.5e6)]
    rows += [_region(code, name, "county", None, None, 4e6, 3.6e6, 3.5e6) for code, name in COUNTIES]
    rows += [
        _region(code, name, "municipality", county, kind, *values)
        for code, name, county, kind, *values in MUNICIPALITIES
    ]
    return rows


def _region(
    code: str,
    name: str,
    level: str,
    county: str | None,
    kind: str | None,
    first: float | None,
    before: float,
    last: float,
) -> dict[str, Any]:
    change = 100.0 * (last - before) / before
    has_people = code != "0330"
    return _own(
        code,
        region_name=name,
        level=level,
        county_code=county,
        county_name=dict(COUNTIES).get(county or ""),
        member_kind=kind,
        last_year=2024,
        previous_year=2023,
        territorial_tco2e=last,
        t_per_capita=last / 21_104 if has_people else None,
        per_capita_reason=None if has_people else "no_population",
        change_since_1990_pct=None if first is None else 100.0 * (last - first) / first,
        change_since_previous_pct=change,
        national_part_pct=change + 2.483,
        own_part_pct=None if level == "nation" else -2.483,
        own_part_status="nation_itself"
        if level == "nation"
        else "partly_measured"
        if code == "2580"
        else "measured",
        scaled_share_pct=94.0 if code == "2580" else 7.02,
        leads_with="territorial",
        outside_trading_tco2e=None,
        without_plant_sectors_tco2e=262_000.0 if code == "2580" else None,
        flags=["one_plant"] if code == "2580" else [],
    )


def _member(region: dict[str, Any]) -> dict[str, Any]:
    """The digest's row of a member."""
    names = {
        "t_per_capita": "territorial_t_per_capita",
        "change_since_previous_pct": "change_since_previous_year_pct",
    }
    left_out = {"county_code", "county_name", "member_kind"}
    return {
        **{names.get(name, name): value for name, value in region.items() if name not in left_out},
        "revision_of_previous_year_pct": None,
        "revision_of_previous_year_tco2e": None,
    }


def _network_sectors() -> list[dict[str, Any]]:
    members = {code for code, _, _, kind, *_ in MUNICIPALITIES if kind == "member"}
    return [
        {
            "sector_code": code,
            "year": year,
            "emissions_tco2e": sum(
                row[column]
                for row in _changes()
                if row["region_code"] in members and row["sector_code"] == code
            ),
            "region_count": len(members),
            "publication_id": PUBLICATION,
        }
        for code, *_ in SECTORS
        for year, column in ((2023, "first_tco2e"), (2024, "last_tco2e"))
    ]


def _changes() -> list[dict[str, Any]]:
    return [
        _own(
            code,
            sector_code=sector,
            sector_name_sv=name_sv,
            sector_name_en=name_en,
            first_tco2e=before * share,
            # Transport takes the whole change, so that the sectors add up.
            last_tco2e=before * share + (last - before if sector == "transport" else 0.0),
            change_pct=100.0 * (last - before) / (before * share) if sector == "transport" else 0.0,
            own_part_tco2e=-10.0,
            own_part_status=status,
            quality=3 if sector == "industry" else None,
        )
        for code, *_, before, last in MUNICIPALITIES
        for sector, name_sv, name_en, share, status in SECTORS
    ]
