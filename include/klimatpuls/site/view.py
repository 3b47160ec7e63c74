"""The content of the site without a language: rows of the marts in, one :class:`Site` out.

Every query reads one table for all regions at once. All of them, and those of the digest, are answered in one
transaction, so the figures of a site belong to one publication. The site reads what is public of membership
(methods section 11) and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from klimatpuls.domain.regions import NATION as NATION_CODE
from klimatpuls.report.view import QUERIES as REPORT_QUERIES
from klimatpuls.report.view import build_digest
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.report.view import Digest

Row = dict[str, Any]
MemberKind = Literal["member", "applicant"]

SHOWS: Final[dict[str, frozenset[str]]] = {
    "regions": frozenset({"region_overview"}),
    "series": frozenset({"boundary_series"}),
    "plants": frozenset({"boundary_series", "region_overview"}),
    "changes": frozenset({"change_part", "region_overview"}),
    "peers": frozenset({"peer"}),
    "examples": frozenset({"better_example"}),
    "targets": frozenset({"target_progress"}),
    "coverage": frozenset({"measure_coverage"}),
    "criteria": frozenset({"criterion"}),
    "revisions": frozenset(),
}
"""Query → the result tables that it reads. The queries are files of ``include/sql/site``."""
MAILED: Final = "mailed_headline"
"""The query of the digest that the site leaves out: it reads the outbox, and no page speaks of mails."""
QUERIES: Final = (
    *(f"report/{name}.sql" for name in REPORT_QUERIES if name != MAILED),
    *(f"site/{name}.sql" for name in SHOWS),
)
"""Every query of the site, with the digest's; each reads ``mart`` alone."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """Territorial emissions of one year; ``status`` is observed, linked or estimated."""

    year: int
    tco2e: float
    status: str


@dataclass(frozen=True, kw_only=True)
class SectorChange:
    """One sector in the two latest years, tonnes; ``own_part_status`` says what the own part is worth."""

    sector_code: str
    sector_name_sv: str
    sector_name_en: str
    first_tco2e: float | None
    last_tco2e: float | None
    change_pct: float | None
    own_part_tco2e: float | None
    own_part_status: str
    quality: int | None

    @property
    def difference(self) -> float | None:
        """Change in tonnes, None where a year is missing."""
        if self.first_tco2e is None or self.last_tco2e is None:
            return None
        return self.last_tco2e - self.first_tco2e


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A similar municipality, and what makes it similar."""

    peer_region_code: str
    reason_sv: str
    reason_en: str


@dataclass(frozen=True, kw_only=True)
class Example:
    """A sector in which a municipality cut fastest; ``annual_reduction_rate`` is a fraction per year."""

    sector_name_sv: str
    sector_name_en: str
    first_year: int
    last_year: int
    annual_reduction_rate: float


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target of the region's own with its standing; tonnes, fractions per year."""

    target_id: str
    title_sv: str
    title_en: str
    target_type: str
    decided_on: date | None
    decided_by: str | None
    document_url: str | None
    boundary: str
    boundary_title_sv: str | None
    boundary_title_en: str | None
    target_year: int | None
    level_tco2e: float | None
    last_year: int | None
    last_tco2e: float | None
    status: str
    status_reason: str | None
    variants_met: int | None
    variants_n: int | None
    required_annual_reduction_rate: float | None
    required_reduction_t_per_year: float | None
    achieved_annual_reduction_rate: float | None
    achieved_from_year: int | None
    annual_reduction_since_2015: float | None
    path_start_year: int | None
    path_start_tco2e: float | None
    data_lag_months: int | None
    expected_month: str | None
    budget_runs_out_year: int | None
    record_verdicts_n: int | None
    record_came_true_n: int | None
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How far the measures reach towards one target; tonnes, percent."""

    target_id: str
    gap_tco2e: float | None
    counted_reduction_tco2e: float | None
    coverage_pct: float | None
    coverage_reason: str | None
    measure_count: int
    without_effect_count: int
    overlap: str | None


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One criterion of membership as it is shown outside."""

    criterion: str
    status: str
    evidence_kind: str | None
    reason_sv: str
    reason_en: str
    to_meet_sv: str | None
    to_meet_en: str | None
    reply: str | None


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A year's territorial total before and after the current release, tonnes."""

    year: int
    old_tco2e: float
    new_tco2e: float
    from_published_date: date
    to_published_date: date


@dataclass(frozen=True, kw_only=True)
class Region:
    """The view model of one region's page; every number is None where the warehouse has none.

    Attributes:
        code: Code of the region, text.
        name: Its name.
        level: ``nation``, ``county`` or ``municipality``.
        county_code: A municipality's county, else None.
        county_name: The county's name.
        member_kind: ``member``, ``applicant``, or None for everybody else.
        last_year: The latest year with emissions.
        previous_year: The year before it in the release.
        territorial_tco2e: Emissions of the latest year, tonnes.
        t_per_capita: The same per inhabitant.
        per_capita_reason: Why that is missing.
        change_since_1990_pct: Percent of 1990.
        change_since_previous_pct: Percent of the previous year.
        national_part_pct: The part of that change that each sector's national development would have given.
        own_part_pct: The rest of it.
        own_part_status: What the own part is worth.
        scaled_share_pct: Share of the emissions in sectors that the publisher scaled with the nation.
        leads_with: Boundary that the page leads with: ``territorial``, or ``outside_trading``.
        outside_trading_tco2e: The latest year without plants in emissions trading and aviation, where known.
        without_plant_sectors_tco2e: The same without industry, electricity and district heating, where a
            single plant can decide.
        flags: Caveats.
        series: Every year, ascending.
        without_plant: The years of the boundary that the page leads with, if it is not ``territorial``; else
            those without industry, electricity and district heating, where a single plant can decide.
        sectors: The eight territorial sectors in the two latest years, in the publisher's order.
        peers: The most similar municipalities, the closest first.
        examples: Sectors in which the region itself cut fastest.
        targets: Its own targets, in order of their years.
        coverage: Its measures against the gap to each target; empty unless it is a member or an applicant.
        criteria: The four criteria; empty unless it is a member or an applicant.
        revisions: Years whose value the current release changed.
    """

    code: str
    name: str
    level: str
    county_code: str | None
    county_name: str | None
    member_kind: MemberKind | None
    last_year: int | None
    previous_year: int | None
    territorial_tco2e: float | None
    t_per_capita: float | None
    per_capita_reason: str | None
    change_since_1990_pct: float | None
    change_since_previous_pct: float | None
    national_part_pct: float | None
    own_part_pct: float | None
    own_part_status: str | None
    scaled_share_pct: float | None
    leads_with: str | None
    outside_trading_tco2e: float | None
    without_plant_sectors_tco2e: float | None
    flags: tuple[str, ...]
    series: tuple[Point, ...] = ()
    without_plant: tuple[Point, ...] = ()
    sectors: tuple[SectorChange, ...] = ()
    peers: tuple[Peer, ...] = ()
    examples: tuple[Example, ...] = ()
    targets: tuple[Target, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    revisions: tuple[Revision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Site:
    """The content of the site.

    Attributes:
        digest: What the digest says of the same publication: network, releases, findings, freshness.
        regions: Code → region, in Swedish order: the nation, the counties, the municipalities.
        missing: Result tables that could not be calculated; no figure of them is in ``regions``.
    """

    digest: Digest
    regions: Mapping[str, Region]
    missing: frozenset[str] = field(default=frozenset())

    @property
    def nation(self) -> Region:
        """The nation, which has no page of its own."""
        return self.regions[NATION_CODE]

    @property
    def municipalities(self) -> tuple[Region, ...]:
        """The municipalities in Swedish order."""
        return tuple(one for one in self.regions.values() if one.level == "municipality")

    @property
    def counties(self) -> tuple[Region, ...]:
        """The counties in Swedish order."""
        return tuple(one for one in self.regions.values() if one.level == "county")

    @property
    def members(self) -> tuple[Region, ...]:
        """Confirmed members in Swedish order, regions first."""
        return tuple(one for one in self.regions.values() if one.member_kind == "member")


def read_rows(connection: PgConnection) -> dict[str, list[Row]]:
    """The rows of every query of :data:`QUERIES`, read in one transaction.

    Args:
        connection: A connection that may read ``mart``, outside any transaction; left outside one again.
    """
    from psycopg2.extras import RealDictCursor

    rows: dict[str, list[Row]] = {}
    try:
        with connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for name in QUERIES:
                cursor.execute(load_sql(name))
                rows[name] = [dict(row) for row in cursor.fetchall()]
    finally:
        connection.rollback()
    return rows


def build_site(rows: Mapping[str, Sequence[Row]]) -> Site | None:
    """The site of the rows that :func:`read_rows` returned.

    Args:
        rows: Per name in :data:`QUERIES` the rows of that file, columns as there.

    Returns:
        The site, or None while the publication holds no release of all greenhouse gases.

    Raises:
        ValueError: if rows belong to different publications.
    """
    digest = build_digest(
        {MAILED: ()} | {name: rows[f"report/{name}.sql"] for name in REPORT_QUERIES if name != MAILED}
    )
    if digest is None:
        return None
    for name in SHOWS:
        strangers = {row["publication_id"] for row in rows[f"site/{name}.sql"]} - {digest.publication_id}
        if strangers:
            msg = (
                f"site/{name}.sql: rows of publication {sorted(strangers)}, expected {digest.publication_id}"
            )
            raise ValueError(msg)
    return Site(digest=digest, regions=_regions(rows, digest.not_calculated), missing=digest.not_calculated)


Part = TypeVar("Part")


def _regions(rows: Mapping[str, Sequence[Row]], missing: frozenset[str]) -> dict[str, Region]:
    def parts(kind: type[Part], name: str) -> dict[str, tuple[Part, ...]]:
        return {} if SHOWS[name] & missing else _by_region(kind, rows[f"site/{name}.sql"])

    series, changes = parts(Point, "series"), parts(SectorChange, "changes")
    plants = parts(Point, "plants")
    peers, examples = parts(Peer, "peers"), parts(Example, "examples")
    targets, revisions = parts(Target, "targets"), parts(Revision, "revisions")
    coverage, criteria = parts(Coverage, "coverage"), parts(Criterion, "criteria")
    found = {}
    for row in rows["site/regions.sql"]:
        code, kind = row["region_code"], row["member_kind"]
        figures = {name: row[name] for name in _FIGURES}
        if SHOWS["regions"] & missing:
            figures = dict.fromkeys(_FIGURES)
        found[code] = Region(
            code=code,
            name=row["region_name"],
            level=row["level"],
            county_code=row["county_code"],
            county_name=row["county_name"],
            member_kind=kind,
            **{**figures, "flags": tuple(figures["flags"] or ())},
            series=series.get(code, ()),
            without_plant=plants.get(code, ()),
            sectors=changes.get(code, ()),
            peers=peers.get(code, ()),
            examples=examples.get(code, ()),
            targets=targets.get(code, ()),
            coverage=coverage.get(code, ()) if kind else (),
            criteria=criteria.get(code, ()) if kind else (),
            revisions=revisions.get(code, ()),
        )
    return found


_FIGURES: Final = (
    "last_year",
    "previous_year",
    "territorial_tco2e",
    "t_per_capita",
    "per_capita_reason",
    "change_since_1990_pct",
    "change_since_previous_pct",
    "national_part_pct",
    "own_part_pct",
    "own_part_status",
    "scaled_share_pct",
    "leads_with",
    "outside_trading_tco2e",
    "without_plant_sectors_tco2e",
    "flags",
)
"""Columns of a region that ``region_overview`` holds."""


def _by_region(kind: type[Part], rows: Iterable[Row]) -> dict[str, tuple[Part, ...]]:
    """Region → its rows as objects, in the order of the rows."""
    found: dict[str, list[Part]] = {}
    for row in rows:
        fields = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in row.items()
            if name not in _KEYS
        }
        found.setdefault(row["region_code"], []).append(kind(**fields))
    return {code: tuple(parts) for code, parts in found.items()}


_KEYS: Final = frozenset({"region_code", "publication_id"})
