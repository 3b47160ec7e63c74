"""The content of the digest without a language: rows of the marts in, one :class:`Digest` out.

:func:`build_digest` is pure. :func:`read_digest` queries the marts in one REPEATABLE READ transaction, so
that all figures of a mail belong to one publication.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from klimatpuls.contract import catalog
from klimatpuls.contract.causes import cause_from_json
from klimatpuls.statistics.trend import MIN_POINTS, MIN_SPAN_YEARS, TREND_FROM_YEAR
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.causes import Cause

Origin = Literal["live", "archive", "synthetic"]

BASE_YEAR: Final = 1990
EMISSIONS: Final = "smhi_emissions"
GHG: Final = "ghg"
OMITTED_DATASETS: Final = catalog.datasets_of("air_pollutant")
"""Datasets that the digest, a mail about the climate, leaves out."""
TERRITORIAL: Final = "territorial"
PROXY: Final = "effort_sharing_proxy"
OUTSIDE_TRADING: Final = "outside_trading"

NATION: Final = "nation"
MEMBERS_TODAY: Final = "members_today"
MEMBERS_AT_THE_TIME: Final = "members_at_the_time"
MEMBERS_WITHOUT_LARGEST: Final = "members_without_largest"
REST_OF_SWEDEN: Final = "rest_of_sweden"
UNALLOCATED: Final = "unallocated"

VARIANTS: Final[tuple[tuple[str, str], ...]] = (
    (MEMBERS_TODAY, TERRITORIAL),
    (MEMBERS_AT_THE_TIME, TERRITORIAL),
    (MEMBERS_WITHOUT_LARGEST, TERRITORIAL),
    (MEMBERS_TODAY, PROXY),
    (MEMBERS_WITHOUT_LARGEST, PROXY),
    (REST_OF_SWEDEN, TERRITORIAL),
    (REST_OF_SWEDEN, PROXY),
    (UNALLOCATED, TERRITORIAL),
    (NATION, TERRITORIAL),
    (NATION, PROXY),
)
"""The rows of the comparison, in the order they are shown (methods section 2): (panel, boundary)."""

SHOWS: Final[dict[str, frozenset[str]]] = {
    "network_summary": frozenset({"network_summary"}),
    "own_targets": frozenset({"target_progress"}),
    "criteria": frozenset({"criterion"}),
    "measures": frozenset({"member_overview"}),
    "coverage": frozenset({"measure_coverage", "member_overview"}),
    "revision_record": frozenset({"revision_record"}),
    "variant_worth": frozenset({"variant_worth"}),
    "nowcast": frozenset({"nowcast", "nowcast_score"}),
}
"""Query → the result tables that it reads; its rows are dropped if one was not calculated."""
MEMBERS_SHOW: Final = "region_overview"
"""The result table that the figures of members come from; their names come from the register."""

QUERIES: Final = (
    "publication",
    "releases",
    "network_summary",
    "network_sectors",
    "members",
    "own_targets",
    "criteria",
    "measures",
    "coverage",
    "findings",
    "data_status",
    "revision_record",
    "variant_worth",
    "nowcast",
    "result_status",
    "mailed_headline",
)
"""Names of the files under ``include/sql/report`` that make up a digest."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """One release of the current publication; ``years`` ascending, ``retrieved_at`` with its time zone."""

    release_id: str
    dataset: str
    substance: str
    published_date: date
    retrieved_at: datetime
    years: tuple[int, ...]
    is_current: bool
    gwp_set: str | None

    @property
    def is_current_ghg(self) -> bool:
        """Whether it is the current release of all greenhouse gases."""
        return self.is_current and (self.dataset, self.substance) == (EMISSIONS, GHG)


@dataclass(frozen=True, kw_only=True)
class SummaryPoint:
    """One panel on one boundary in one year; tonnes CO2e, tonnes per inhabitant, percent.

    The change per inhabitant is that of the panel together with the municipalities in ``widened_with``.
    ``stated_member_count`` is how many members the network says it has, None where nobody knows.
    """

    panel: str
    boundary: str
    year: int
    region_count: int
    emissions_tco2e: float | None
    population_count: int | None
    t_per_capita: float | None
    change_since_1990_pct: float | None
    per_capita_change_since_1990_pct: float | None
    per_capita_change_reason: str | None
    widened_with: tuple[str, ...]
    status_reason: str | None
    confirmed_member_count: int | None
    stated_member_count: int | None


FigureKind = Literal["emissions", "per_inhabitant", "change", "change_per_inhabitant"]


@dataclass(frozen=True, kw_only=True)
class HeadlineFigure:
    """One of the network's figures that a digest leads with: tonnes, tonnes per inhabitant or percent.

    ``since`` is the earlier year of a change, None for a level.
    """

    kind: FigureKind
    year: int
    since: int | None
    value: float


@dataclass(frozen=True, kw_only=True)
class Headline:
    """What a digest leads with, and what the figures rest on.

    Attributes:
        members: Codes of the member municipalities in the sums.
        method_version: Version of the formulas.
        figures: The figures.
    """

    members: tuple[str, ...]
    method_version: str
    figures: tuple[HeadlineFigure, ...]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One member's row: its own territorial emissions, or its county's where the member is a region.

    Every number is None where the warehouse has none; ``per_capita_reason`` then says why for the level
    per inhabitant. National and own part are percent of the previous year and add up to its change;
    ``own_part_status`` says what the own part is worth, ``scaled_share_pct`` how much of the emissions lie
    in sectors that the publisher scaled with the nation. Where one plant decides, ``leads_with`` is the
    boundary to lead with, and one of the two figures beside it is known.
    """

    region_code: str
    region_name: str
    level: str
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
    revision_of_previous_pct: float | None
    revision_of_previous_tco2e: float | None
    outside_trading_tco2e: float | None
    without_plant_sectors_tco2e: float | None
    leads_with: str | None
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SectorChange:
    """Sum of a main sector over today's member municipalities in the two newest years; tonnes CO2e."""

    sector_code: str
    old_tco2e: float
    new_tco2e: float

    @property
    def change_tco2e(self) -> float:
        """Change since the year before, tonnes CO2e."""
        return self.new_tco2e - self.old_tco2e

    @property
    def change_pct(self) -> float:
        """Change since the year before, percent of it.

        Raises:
            ZeroDivisionError: if there was nothing the year before.
        """
        return 100.0 * self.change_tco2e / self.old_tco2e


@dataclass(frozen=True, kw_only=True)
class OwnTarget:
    """One of a member's own targets, with its status; rates are fractions per year."""

    region_name: str
    target_id: str
    title_sv: str
    title_en: str
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
    achieved_annual_reduction_rate: float | None
    achieved_from_year: int | None
    annual_reduction_since_2015: float | None
    flags: tuple[str, ...]
    release_id: str


@dataclass(frozen=True, kw_only=True)
class CriterionSum:
    """Counts of members per status of one criterion, as published."""

    criterion: str
    member_count: int
    met_count: int
    documented_count: int
    not_met_count: int
    due_count: int
    unknown_count: int


@dataclass(frozen=True, kw_only=True)
class MeasureCounts:
    """Members' measures and pledges, in counts."""

    measure_count: int = 0
    overdue_count: int = 0
    stale_count: int = 0
    pledge_count: int = 0
    pledge_at_risk_count: int = 0
    without_target_count: int = 0


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Coverage of the gap to one of a member's targets by its measures; tonnes, percent."""

    region_name: str
    target_title_sv: str
    target_title_en: str
    gap_tco2e: float | None
    coverage_pct: float | None
    coverage_reason: str | None
    measure_count: int
    without_effect_count: int
    overlap: str | None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One gate that a current release did not pass; ``areas`` are the names in its sample."""

    dataset: str
    substance: str
    rule: str
    severity: str
    finding_count: int
    message_sv: str
    message_en: str
    areas: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DataStatus:
    """How fresh one dataset is; ``published_date`` is None while the warehouse has no release of it."""

    dataset: str
    substance: str
    published_date: date | None
    next_expected: date | None
    status: str


@dataclass(frozen=True, kw_only=True)
class RevisionRecord:
    """How far municipal totals moved so many years after their first publication, in percent of it."""

    years_since_first: int
    pairs_n: int
    median_moved_pct: float
    p90_moved_pct: float


@dataclass(frozen=True, kw_only=True)
class VariantWorth:
    """How many independent method variants the ``variants_n`` are worth, in this publication."""

    independent_n: float
    variants_n: int


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The member municipalities together in the year after the latest; tonnes CO2e, percent."""

    year: int
    last_year: int
    basis: str
    region_count: int
    last_tco2e: float
    emissions_tco2e: float
    nowcast_median_pct: float


@dataclass(frozen=True, kw_only=True)
class Digest:
    """The content of the mail as numbers, codes and dates.

    Attributes:
        publication_id: The publication every figure belongs to.
        as_of: The day the publication was made for.
        origin: ``live``, ``archive`` or ``synthetic``.
        method_version: Version of the formulas.
        causes: Why there is a new publication.
        releases: Releases of the publication, current and earlier ones.
        emissions: The current one of all greenhouse gases.
        summary: Every panel, boundary and year.
        sectors: Today's member municipalities by main sector, where every one of them has both newest years.
        municipalities: Confirmed members that are municipalities, Swedish order.
        regions: Confirmed members that are regions, with their county's figures.
        own_targets: Targets of members' own; national lines are never among them.
        criteria: The network's picture of the four criteria, as shown outside.
        measures: Measures and pledges in counts.
        coverage: How far measures reach, per own target.
        findings: Gates that current releases did not pass.
        statuses: Freshness per dataset and substance.
        worth: What a count of method variants is worth; None where it could not be calculated.
        estimate: The year after the latest; None where no estimate may be shown.
        record: How far municipal totals usually move after their first publication; only what enough pairs of
            releases say.
        not_calculated: The result tables that could not be calculated in this publication; the digest holds
            no row of them.
        mailed: The headline of the last digest that was mailed before this publication, if one was.
    """

    publication_id: int
    as_of: date
    origin: Origin
    method_version: str
    causes: tuple[Cause, ...]
    releases: tuple[Release, ...]
    emissions: Release
    summary: tuple[SummaryPoint, ...]
    sectors: tuple[SectorChange, ...]
    municipalities: tuple[Standing, ...]
    regions: tuple[Standing, ...]
    own_targets: tuple[OwnTarget, ...]
    criteria: tuple[CriterionSum, ...]
    measures: MeasureCounts
    coverage: tuple[Coverage, ...]
    findings: tuple[Finding, ...]
    statuses: tuple[DataStatus, ...]
    worth: VariantWorth | None
    estimate: Estimate | None
    record: tuple[RevisionRecord, ...]
    not_calculated: frozenset[str] = frozenset()
    mailed: Headline | None = None

    @property
    def is_first_publication(self) -> bool:
        """Whether no other release of all greenhouse gases has the latest year: nothing confirmed it yet."""
        return not any(
            self.last_year in release.years
            for release in self.releases
            if (release.dataset, release.substance) == (EMISSIONS, GHG)
            and release.release_id != self.emissions.release_id
        )

    @property
    def last_year(self) -> int:
        """Latest data year of the emissions."""
        return self.emissions.years[-1]

    @property
    def previous_year(self) -> int | None:
        """The data year before the latest one, whatever the distance."""
        years = self.emissions.years
        return years[-2] if len(years) > 1 else None

    def point(self, panel: str, boundary: str, year: int | None) -> SummaryPoint | None:
        """The summary of one panel, boundary and year, None where there is none."""
        for point in self.summary:
            if (point.panel, point.boundary, point.year) == (panel, boundary, year):
                return point
        return None

    def line(self, panel: str, boundary: str = TERRITORIAL) -> tuple[SummaryPoint, ...]:
        """All years of one panel on one boundary, ascending."""
        return tuple(p for p in self.summary if (p.panel, p.boundary) == (panel, boundary))

    def change_since_previous_pct(self, panel: str, boundary: str = TERRITORIAL) -> float | None:
        """Change of a panel from the data year before to the latest one, percent; see :meth:`change_pct`."""
        return self.change_pct(panel, self.previous_year, self.last_year, boundary)

    def change_pct(
        self, panel: str, since: int | None, year: int, boundary: str = TERRITORIAL
    ) -> float | None:
        """Change of a panel from one year to a later one, percent.

        Returns:
            None where a value is missing or the panel did not hold the same number of areas in both
            years: a change of composition is no change of emissions.
        """
        new = self.point(panel, boundary, year)
        old = self.point(panel, boundary, since)
        if new is None or old is None or new.region_count != old.region_count:
            return None
        if new.emissions_tco2e is None or not old.emissions_tco2e:
            return None
        return 100.0 * (new.emissions_tco2e - old.emissions_tco2e) / old.emissions_tco2e

    @property
    def largest_emitter(self) -> Standing | None:
        """The member municipality with the largest territorial emissions in the latest year, if known."""
        known = [member for member in self.municipalities if member.territorial_tco2e is not None]
        return max(known, key=lambda member: member.territorial_tco2e or 0.0, default=None)

    @property
    def members_known(self) -> tuple[int, int] | None:
        """How many members the register confirms, of how many the network has.

        None where the register does not say how many, or confirms all of them.
        """
        point = self.point(MEMBERS_TODAY, TERRITORIAL, self.last_year)
        if point is None or point.confirmed_member_count is None or point.stated_member_count is None:
            return None
        known = (point.confirmed_member_count, point.stated_member_count)
        return known if known[0] < known[1] else None

    @property
    def years_without_population(self) -> tuple[int, ...]:
        """Data years of the emissions for which the warehouse holds no population of the nation."""
        held = {p.year for p in self.line(NATION) if p.population_count is not None}
        return tuple(year for year in self.emissions.years if year not in held)

    @property
    def trend_years(self) -> tuple[int, ...]:
        """Observed years a trend may use (methods section 3)."""
        return tuple(year for year in self.emissions.years if year >= TREND_FROM_YEAR)

    @property
    def trend_is_possible(self) -> bool:
        """Whether the years held are enough for a trend: at least 4, spanning at least 5 years.

        Example: 2015–2019 are five years that span four → False.
        """
        years = self.trend_years
        return len(years) >= MIN_POINTS and years[-1] - years[0] >= MIN_SPAN_YEARS


def read_digest(connection: PgConnection) -> Digest | None:
    """The current publication's digest, read in one transaction.

    Args:
        connection: A connection of ``wh_mailer`` outside any transaction; it is left outside one again.

    Returns:
        The digest, or None while the publication holds no release of all greenhouse gases.
    """
    from psycopg2.extras import RealDictCursor

    rows: dict[str, list[dict[str, Any]]] = {}
    try:
        with connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            for name in QUERIES:
                cursor.execute(load_sql(f"report/{name}.sql"))
                rows[name] = [dict(row) for row in cursor.fetchall()]
    finally:
        connection.rollback()
    return build_digest(rows)


def build_digest(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Digest | None:
    """Build the digest from the rows of the report queries.

    Args:
        rows: Per name in :data:`QUERIES` the rows of ``include/sql/report/<name>.sql``, columns as there.

    Returns:
        The digest, or None where nothing is published or no current release is of all greenhouse gases.

    Raises:
        ValueError: if rows belong to different publications, or a cause is of a kind not known here.
    """
    releases = tuple(_release(row) for row in rows["releases"])
    emissions = next((release for release in releases if release.is_current_ghg), None)
    if not rows["publication"] or emissions is None:
        return None
    head = rows["publication"][0]
    publication_id = head["publication_id"]
    for name in QUERIES:
        strangers = {row["publication_id"] for row in rows[name]} - {publication_id}
        if strangers:
            msg = f"report/{name}.sql: rows of publication {sorted(strangers)}, expected {publication_id}"
            raise ValueError(msg)
    not_calculated = frozenset(row["table_name"] for row in rows["result_status"])
    rows = {
        name: [] if SHOWS.get(name, frozenset()) & not_calculated else found for name, found in rows.items()
    }
    members = [_standing(row, is_known=MEMBERS_SHOW not in not_calculated) for row in rows["members"]]
    included = {
        name: [row for row in rows[name] if row.get("dataset") not in OMITTED_DATASETS] for name in QUERIES
    }
    return Digest(
        publication_id=publication_id,
        as_of=head["as_of_date"],
        origin=head["origin"],
        method_version=head["method_version"],
        causes=tuple(
            cause_from_json(cause) for cause in head["causes"] if cause.get("dataset") not in OMITTED_DATASETS
        ),
        releases=tuple(_release(row) for row in included["releases"]),
        emissions=emissions,
        summary=tuple(_summary_point(row) for row in rows["network_summary"]),
        sectors=_sectors(rows["network_sectors"], (emissions.years[-1], *emissions.years[-2:-1])),
        municipalities=tuple(member for member in members if member.level == "municipality"),
        regions=tuple(member for member in members if member.level == "county"),
        own_targets=tuple(
            OwnTarget(**{**_without_id(row), "flags": tuple(row["flags"])}) for row in rows["own_targets"]
        ),
        criteria=tuple(CriterionSum(**_without_id(row)) for row in rows["criteria"]),
        measures=next((MeasureCounts(**_without_id(row)) for row in rows["measures"]), MeasureCounts()),
        coverage=tuple(Coverage(**_without_id(row)) for row in rows["coverage"]),
        findings=tuple(_finding(row) for row in included["findings"]),
        statuses=tuple(DataStatus(**_without_id(row)) for row in included["data_status"]),
        worth=next((VariantWorth(**_without_id(row)) for row in rows["variant_worth"]), None),
        estimate=next((Estimate(**_without_id(row)) for row in rows["nowcast"]), None),
        record=tuple(RevisionRecord(**_without_id(row)) for row in rows["revision_record"]),
        not_calculated=not_calculated,
        mailed=next((_headline(row["headline"]) for row in rows["mailed_headline"]), None),
    )


def _without_id(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "publication_id"}


def _release(row: Mapping[str, Any]) -> Release:
    return Release(**{**_without_id(row), "years": tuple(sorted(row["years"]))})


def _summary_point(row: Mapping[str, Any]) -> SummaryPoint:
    fields = _without_id(row)
    fields["t_per_capita"] = fields.pop("emissions_t_per_capita")
    return SummaryPoint(**{**fields, "widened_with": tuple(fields["widened_with"])})


def _headline(stored: Mapping[str, Any]) -> Headline:
    return Headline(
        members=tuple(stored["members"]),
        method_version=stored["method_version"],
        figures=tuple(HeadlineFigure(**figure) for figure in stored["figures"]),
    )


def _sectors(rows: Sequence[Mapping[str, Any]], years: tuple[int, ...]) -> tuple[SectorChange, ...]:
    """Sectors with equally many municipalities in both years: another number is no change of emissions."""
    sums = {(row["sector_code"], row["year"]): row for row in rows}
    changes = []
    for code in sorted({code for code, _ in sums}):
        new, old = sums.get((code, years[0])), sums.get((code, years[-1]))
        if len(years) < 2 or new is None or old is None or new["region_count"] != old["region_count"]:
            continue
        changes.append(
            SectorChange(sector_code=code, old_tco2e=old["emissions_tco2e"], new_tco2e=new["emissions_tco2e"])
        )
    return tuple(changes)


def _standing(row: Mapping[str, Any], *, is_known: bool) -> Standing:
    """A member's row, without figures if they are not from this publication."""
    fields = _without_id(row)
    if not is_known:
        fields = {name: fields[name] if name in _NAMES_OF_MEMBERS else None for name in fields}
    fields["t_per_capita"] = fields.pop("territorial_t_per_capita")
    fields["change_since_previous_pct"] = fields.pop("change_since_previous_year_pct")
    for unit in ("pct", "tco2e"):
        fields[f"revision_of_previous_{unit}"] = fields.pop(f"revision_of_previous_year_{unit}")
    fields["flags"] = tuple(fields["flags"] or ())
    return Standing(**fields)


_NAMES_OF_MEMBERS: Final = frozenset({"region_code", "region_name", "level"})


def _finding(row: Mapping[str, Any]) -> Finding:
    names = [cell.get("region_name") for cell in row["sample"] or () if isinstance(cell, dict)]
    return Finding(
        dataset=row["dataset"],
        substance=row["substance"],
        rule=row["rule"],
        severity=row["severity"],
        finding_count=row["finding_count"],
        message_sv=row["message_sv"],
        message_en=row["message_en"],
        areas=tuple(dict.fromkeys(name for name in names if name)),
    )
