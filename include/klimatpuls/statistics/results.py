"""Calculates the result tables of a publication: pure, frames in, frames out.

Everything that ``mart_data`` holds beside the facts is calculated here, from one release of all greenhouse
gases, the releases before it, population and the registers. The formulas live in the modules of their
sections. This module says which formula fills which table, as steps (:mod:`klimatpuls.statistics.steps`) that
name what they need: a step that fails only fails the tables that need it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from klimatpuls.domain import regions, sectors
from klimatpuls.domain.rounding import round_change
from klimatpuls.statistics import (
    carbon_law,
    change_parts,
    crosschecks,
    derived,
    network,
    official,
    revisions,
    series,
    trading,
)
from klimatpuls.statistics.series import Boundary, LateReleaseTable, ReleaseTable, SeriesMatrix
from klimatpuls.statistics.steps import Steps
from klimatpuls.statistics.targets import TargetState, select_in_force

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from klimatpuls.statistics.steps import Failure, Result
    from klimatpuls.statistics.targets import Target
    from klimatpuls.statistics.trend import FloatArray

PANELS: Final[dict[str, tuple[str, str]]] = {
    network.SWEDEN: ("nation", series.TERRITORIAL),
    network.SWEDEN_ON_THE_PROXY: ("nation", series.EFFORT_SHARING_PROXY),
    network.CONSTANT_PANEL: ("members_today", series.TERRITORIAL),
    network.ON_THE_PROXY: ("members_today", series.EFFORT_SHARING_PROXY),
    network.MEMBERS_AT_THE_TIME: ("members_at_the_time", series.TERRITORIAL),
    network.WITHOUT_LARGEST: ("members_without_largest", series.TERRITORIAL),
    network.WITHOUT_LARGEST_ON_THE_PROXY: ("members_without_largest", series.EFFORT_SHARING_PROXY),
    network.REST_OF_SWEDEN: ("rest_of_sweden", series.TERRITORIAL),
    network.REST_ON_THE_PROXY: ("rest_of_sweden", series.EFFORT_SHARING_PROXY),
    network.UNALLOCATED: ("unallocated", series.TERRITORIAL),
    network.UNALLOCATED_ON_THE_PROXY: ("unallocated", series.EFFORT_SHARING_PROXY),
}
"""Variant of ``network.build_network`` → (panel, boundary) of ``mart.network_summary``."""


@dataclass(frozen=True)
class EarlierRelease:
    """A published release before the current one, read when a formula needs it.

    Attributes:
        release_id: The release.
        years: Its calendar years, ascending.
        read: Reads its facts, with the columns of the current one.
    """

    release_id: str
    years: tuple[int, ...]
    read: Callable[[], pd.DataFrame]

    @classmethod
    def of(cls, release_id: str, facts: pd.DataFrame) -> EarlierRelease:
        """A release whose facts are already read."""
        return cls(release_id, tuple(sorted(set(facts["year"].tolist()))), lambda: facts)

    def table(self, sub_sectors: Sequence[str]) -> LateReleaseTable:
        """The release as matrices, read when first needed.

        Args:
            sub_sectors: As for :func:`klimatpuls.statistics.series.build_release_table`.
        """

        def read() -> ReleaseTable:
            return series.build_release_table(self.release_id, self.read(), sub_sectors=sub_sectors)

        return LateReleaseTable(self.release_id, self.years, read)


@dataclass(frozen=True, kw_only=True)
class ResultInputs:
    """What the results are calculated from.

    Attributes:
        as_of: The run's day.
        current: Id and facts of the current release of all greenhouse gases: one row per region_code ×
            sector_code × year with ``emissions_tco2e``; main sectors and domestic aviation are enough.
        earlier: The published releases before it, oldest first.
        donors: The published releases of all greenhouse gases and of carbon dioxide, oldest first, with
            ``current`` and ``earlier`` among them; they may show the domestic aviation that another lacks.
            Empty: the releases of all greenhouse gases alone.
        population: One row per region_code × year with ``population_count``.
        members: One row per member with ``region_code``, ``joined_on``, ``left_on``, ``confirmed``.
        targets: Own targets and national lines.
        defects: (region_code, sector_code, year) of cells known to be wrong: in no trend.
        published_date: The publisher's date of the current release; needed for the cross-checks.
        kolada: Kolada's key figures, where they are held.
        inventory: The national inventory, where it is held.
        known_from: Release → first day it was known; for the base year's value when a target was decided.
        boundaries: Lists of sectors of the register, as boundaries a target may name.
        own_series: Values that owners import: ``region_code``, ``boundary``, ``year``, ``value``, ``unit``.
        population_forecast: (region_code, year) → inhabitants.
        national: The nation's figures by sector: ``sector_code``, ``year``, ``emissions_tco2e``.
        official_figures: Official figures of the nation that no source delivers: ``submission_last_year``,
            ``year``, ``sector_code``, ``emissions_tco2e``.
        density: Municipality → inhabitants per km², where entered.
        groups: Municipality → municipality group, where entered.
        stated_member_count: How many members the network says it has; None where the register does not say.
        trading_plants: The plants in emissions trading, as far as the register knows them.
        references: Official figures to compare the proxy with; see
            :func:`klimatpuls.statistics.trading.check_proxy`. None: there are none.
        stored: Results of the release before, calculated by another method version: ``target_id``,
            ``region_code`` and the columns of a step. None while the method is the same: calculating the old
            release again gives what was stored.
        unread: Name of one of the above → why it could not be read; what needs it is not calculated.
    """

    as_of: date
    current: tuple[str, pd.DataFrame]
    earlier: tuple[EarlierRelease, ...]
    population: pd.DataFrame
    members: pd.DataFrame
    targets: Sequence[Target]
    donors: tuple[EarlierRelease, ...] = ()
    defects: Sequence[tuple[str, str, int]] = ()
    published_date: date | None = None
    kolada: crosschecks.Side | None = None
    inventory: crosschecks.Side | None = None
    known_from: Mapping[str, date] = field(default_factory=dict)
    boundaries: Sequence[Boundary] = ()
    own_series: pd.DataFrame | None = None
    population_forecast: Mapping[tuple[str, int], float] = field(default_factory=dict)
    national: pd.DataFrame | None = None
    official_figures: pd.DataFrame | None = None
    density: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    stated_member_count: int | None = None
    trading_plants: trading.Trading = field(default_factory=trading.Trading)
    references: pd.DataFrame | None = None
    stored: pd.DataFrame | None = None
    unread: Mapping[str, Failure] = field(default_factory=dict)


def each_result(inputs: ResultInputs) -> Iterator[Result]:
    """Calculate the result tables of a publication one by one, so one is written while the next is made.

    Args:
        inputs: Facts and registers.

    Yields:
        A table of ``mart_data`` and its frame, with all columns but ``publication_id``; the largest first. A
        table that could not be calculated has its failure instead.

    Raises:
        WarehouseError: if an earlier release could not be read.
    """
    roots = {name: getattr(inputs, name) for name in STEPS.roots if name not in inputs.unread}
    yield from STEPS.run(roots, inputs.unread)


STEPS: Final = Steps(frozenset(field.name for field in fields(ResultInputs)) - {"unread"})
"""Everything that is calculated from :class:`ResultInputs`; a step's parameters name what it needs."""


@STEPS.shared
def _sub_sectors(boundaries: Sequence[Boundary]) -> list[str]:
    """Domestic aviation, and every sub-sector that a boundary of the register names."""
    named = {code for boundary in boundaries for code in (*boundary.plus, *boundary.minus) if "." in code}
    return sorted({sectors.DOMESTIC_AVIATION, *named})


@STEPS.shared
def _table(current: tuple[str, pd.DataFrame], sub_sectors: Sequence[str]) -> ReleaseTable:
    return series.build_release_table(*current, sub_sectors=sub_sectors)


@STEPS.shared
def _earlier_tables(
    earlier: Sequence[EarlierRelease], sub_sectors: Sequence[str]
) -> tuple[LateReleaseTable, ...]:
    return tuple(one.table(sub_sectors) for one in earlier)


@STEPS.shared
def _donor_tables(
    donors: Sequence[EarlierRelease], earlier_tables: Sequence[LateReleaseTable], table: ReleaseTable
) -> tuple[ReleaseTable, ...]:
    """The releases that may show domestic aviation, in order; those that are held are not read again."""
    held: tuple[ReleaseTable, ...] = (*earlier_tables, table)
    known = {one.release_id: one for one in held}
    tables = [known.get(one.release_id) or one.table([sectors.DOMESTIC_AVIATION]) for one in donors]
    return tuple(tables or held)


@STEPS.shared
def _by_boundary(
    table: ReleaseTable,
    earlier_tables: Sequence[ReleaseTable],
    donor_tables: Sequence[ReleaseTable],
    boundaries: Sequence[Boundary],
    defects: Sequence[tuple[str, str, int]],
) -> dict[str, pd.DataFrame]:
    """Boundary → tidy series of the current release."""
    return {
        boundary.code: series.build_series(
            table, boundary, earlier=earlier_tables, donors=donor_tables, defects=defects
        )
        for boundary in (*series.BOUNDARIES.values(), *boundaries)
    }


@STEPS.shared
def _own_by_boundary(own_series: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    """Boundary → series imported by an owner."""
    if own_series is None:
        return {}
    return {
        str(boundary): series.build_own_series(own, str(boundary))
        for boundary, own in own_series.groupby("boundary", sort=True)
    }


@STEPS.shared
def _official_effort_sharing(
    inventory: crosschecks.Side | None, official_figures: pd.DataFrame | None
) -> pd.DataFrame:
    return official.build_effort_sharing(inventory, official_figures)


@STEPS.shared
def _without_aviation(
    table: ReleaseTable,
    earlier_tables: Sequence[ReleaseTable],
    donor_tables: Sequence[ReleaseTable],
    defects: Sequence[tuple[str, str, int]],
) -> pd.DataFrame:
    """Territorial emissions without domestic aviation, from which the plants are subtracted."""
    return series.build_series(
        table, trading.WITHOUT_AVIATION, earlier=earlier_tables, donors=donor_tables, defects=defects
    )


@STEPS.shared
def _outside_trading(without_aviation: pd.DataFrame, trading_plants: trading.Trading) -> pd.DataFrame:
    return trading.build_outside_trading(without_aviation, trading_plants)


@STEPS.table("proxy_check")
def _proxy_check(
    references: pd.DataFrame | None,
    by_boundary: dict[str, pd.DataFrame],
    without_aviation: pd.DataFrame,
    population: pd.DataFrame,
    table: ReleaseTable,
) -> pd.DataFrame:
    if references is None:
        return pd.DataFrame(columns=[*trading.CHECK_COLUMNS, "release_id"])
    proxy = by_boundary[series.EFFORT_SHARING_PROXY]
    checked = trading.check_proxy(references, proxy, without_aviation, population)
    return checked.assign(release_id=table.release_id)


@STEPS.shared
def _proxy_poor(proxy_check: pd.DataFrame) -> frozenset[str]:
    return trading.find_poor(proxy_check)


@STEPS.shared
def _held(
    table: ReleaseTable,
    earlier_tables: Sequence[ReleaseTable],
    by_boundary: dict[str, pd.DataFrame],
    own_by_boundary: dict[str, pd.DataFrame],
    outside_trading: pd.DataFrame,
    boundaries: Sequence[Boundary],
    known_from: Mapping[str, date],
    donor_tables: Sequence[ReleaseTable],
) -> derived.Held:
    return derived.Held(
        tables=(*earlier_tables, table),
        by_boundary={
            **by_boundary,
            **own_by_boundary,
            series.OUTSIDE_TRADING: trading.known_only(outside_trading),
        },
        boundaries=(*series.BOUNDARIES.values(), *boundaries),
        known_from=known_from,
        donors=tuple(donor_tables),
    )


@STEPS.shared
def _in_force(targets: Sequence[Target], as_of: date) -> list[Target]:
    return select_in_force(targets, as_of)


STEPS.table("change_part")(derived.change_part)
STEPS.table("standing_change")(derived.standing_changes)

SCOPE_BREAK: Final = "scope_break"
"""Flag of a published total from the first year in which a sector that was zero everywhere is not."""


@STEPS.table("boundary_series")
def _boundary_series(
    table: ReleaseTable,
    by_boundary: dict[str, pd.DataFrame],
    outside_trading: pd.DataFrame,
    proxy_poor: frozenset[str],
) -> pd.DataFrame:
    """The series of every boundary; the published total is flagged from its scope break on, a poor proxy."""
    of_release = [by_boundary[code] for code in series.BOUNDARIES]
    whole = pd.concat([*of_release, trading.known_only(outside_trading)], ignore_index=True)
    broken_from = _scope_break_year(table)
    is_broken = (whole["boundary"] == series.PUBLISHED_TOTAL) & (whole["year"] >= (broken_from or np.inf))
    is_poor = (whole["boundary"] == series.EFFORT_SHARING_PROXY) & whole["region_code"].isin(proxy_poor)
    added = np.select([is_broken, is_poor], [SCOPE_BREAK, series.PROXY_POOR], "")
    flags = [
        derived.pg_array(sorted({*own, flag}) if flag else own)
        for own, flag in zip(whole["flags"], added, strict=True)
    ]
    return pd.DataFrame(
        {
            "region_code": whole["region_code"],
            "boundary": whole["boundary"],
            "year": whole["year"],
            "emissions_tco2e": whole["value_tco2e"],
            "status": whole["status"],
            "flags": flags,
            "release_id": table.release_id,
        }
    )


def _scope_break_year(table: ReleaseTable) -> int | None:
    """The first year in which a main sector that was zero in every area before is not; None without one."""
    firsts = []
    for code in sectors.main_codes():
        if code not in table.sectors:
            continue
        present = np.atleast_1d((table.sectors[code] > 0).any(axis=0))
        if present.any() and not present[0]:
            firsts.append(int(table.years[int(present.argmax())]))
    return min(firsts, default=None)


STEPS.table("peer")(derived.peer)
STEPS.table("verdict_record")(derived.verdict_record)
STEPS.table("variant_worth")(derived.variant_worth)


@STEPS.table("carbon_law")
def _carbon_law(table: ReleaseTable, by_boundary: dict[str, pd.DataFrame], as_of: date) -> pd.DataFrame:
    frame = carbon_law.build_carbon_law(by_boundary[series.PUBLISHED_TOTAL], as_of.year)
    frame.insert(1, "release_id", table.release_id)
    return frame


@STEPS.table("target_progress")
def _target_progress(
    held: derived.Held,
    in_force: Sequence[Target],
    targets: Sequence[Target],
    as_of: date,
    population_forecast: Mapping[tuple[str, int], float],
    official_effort_sharing: pd.DataFrame,
    standing_change: pd.DataFrame,
    verdict_record: pd.DataFrame,
    proxy_poor: frozenset[str],
) -> pd.DataFrame:
    proposed = [one for one in targets if one.state == TargetState.PROPOSED and not one.is_own]
    frame = derived.evaluate_targets(
        in_force,
        held.by_boundary,
        official_effort_sharing,
        as_of=as_of,
        population_forecast=population_forecast,
        one_plant=series.find_one_plant(held.current),
        proxy_poor=proxy_poor,
    )
    for_nation = derived.evaluate_proposed(proposed, held.by_boundary, official_effort_sharing, as_of=as_of)
    parts = [part for part in (frame, for_nation) if not part.empty]
    if not parts:
        return pd.DataFrame(columns=list(derived.TARGET_COLUMNS))
    states = {target.target_id: str(target.state) for target in (*in_force, *proposed)}
    together = pd.concat(parts, ignore_index=True)
    whole = derived.add_to_progress(together, standing_change, verdict_record, states)
    whole["release_id"] = held.current.release_id
    whole["status_reason"] = whole["reason"].replace("", None)
    whole["hangs_on"] = [", ".join(map(str, years)) or None for years in whole["hangs_on"]]
    whole["flags"] = [derived.pg_array(flags) for flags in whole["flags"]]
    return whole[list(derived.TARGET_COLUMNS)]


STEPS.table("base_year_ledger")(derived.base_year_ledger)


@STEPS.table("cross_check")
def _cross_check(
    current: tuple[str, pd.DataFrame],
    published_date: date | None,
    kolada: crosschecks.Side | None,
    inventory: crosschecks.Side | None,
) -> pd.DataFrame:
    if published_date is None:
        return pd.DataFrame(columns=list(crosschecks.COLUMNS))
    release_id, facts = current
    mains = facts[~facts["sector_code"].str.contains(".", regex=False)]
    emissions = crosschecks.Side(release_id=release_id, published_date=published_date, facts=mains)
    return crosschecks.build_cross_checks(emissions, kolada, inventory)


@STEPS.table("network_summary")
def _network_summary(
    by_boundary: dict[str, pd.DataFrame],
    members: pd.DataFrame,
    population: pd.DataFrame,
    as_of: date,
    stated_member_count: int | None,
) -> pd.DataFrame:
    confirmed = members[members["confirmed"].astype(bool)]
    whole = network.build_network(
        confirmed,
        by_boundary[series.TERRITORIAL],
        by_boundary[series.EFFORT_SHARING_PROXY],
        population,
        network.splits(),
        as_of=as_of,
    )
    emissions = whole["emissions_tco2e"].to_numpy(dtype=np.float64)
    return pd.DataFrame(
        {
            "panel": [PANELS[variant][0] for variant in whole["variant"]],
            "boundary": [PANELS[variant][1] for variant in whole["variant"]],
            "year": whole["year"],
            "region_count": whole["members_n"],
            "emissions_tco2e": emissions,
            "population_count": whole["population_count"].round().astype("Int64"),
            "emissions_t_per_capita": whole["tco2e_per_capita"],
            "change_since_1990_pct": whole["change_pct"],
            "change_reason": whole["change_reason"].replace("", None),
            "per_capita_change_since_1990_pct": whole["per_capita_change_pct"],
            "per_capita_change_reason": whole["per_capita_change_reason"].replace("", None),
            "widened_with": [derived.pg_array(codes) for codes in whole["widened_with"]],
            "status": np.where(np.isnan(emissions), "not_computable", "observed"),
            "status_reason": whole["reason"].replace("", None),
            "confirmed_member_count": len(set(network.members_on(confirmed, as_of))),
            "stated_member_count": pd.array([stated_member_count] * len(whole), dtype="Int64"),
        }
    )


@STEPS.table("per_inhabitant")
def _per_inhabitant(
    table: ReleaseTable, by_boundary: dict[str, pd.DataFrame], population: pd.DataFrame
) -> pd.DataFrame:
    """Emissions per inhabitant of every region, boundary and year, and their change since 1990."""
    frame = network.build_per_inhabitant(
        {code: by_boundary[code] for code in series.BOUNDARIES},
        population,
        _county_of(),
        network.splits(),
        total_changed_from=_scope_break_year(table),
    )
    return frame.assign(
        per_capita_reason=frame["per_capita_reason"].replace("", None),
        per_capita_change_reason=frame["per_capita_change_reason"].replace("", None),
        widened_with=[derived.pg_array(codes) for codes in frame["widened_with"]],
        release_id=table.release_id,
    )


def _county_of() -> dict[str, str]:
    """Municipality → county, today's."""
    return {code: region.county_code for code, region in regions.regions().items() if region.county_code}


@STEPS.table("region_overview")
def _region_overview(
    table: ReleaseTable,
    earlier_tables: Sequence[ReleaseTable],
    by_boundary: dict[str, pd.DataFrame],
    members: pd.DataFrame,
    population: pd.DataFrame,
    as_of: date,
    outside_trading: pd.DataFrame,
    proxy_poor: frozenset[str],
) -> pd.DataFrame:
    """One row per region: emissions, changes, and the national and own part of the latest change."""
    one_plant = series.find_one_plant(table)
    matrices = {name: series.to_matrix(frame) for name, frame in by_boundary.items()}
    territorial = matrices[series.TERRITORIAL]
    last_year = int(table.years[-1])
    previous_year = int(table.years[-2]) if len(table.years) > 1 else None
    last = territorial.at(last_year)
    since_first, why_not_since_first = _change(territorial, network.FIRST_YEAR, last)
    since_previous, why_not_since_previous = _change(territorial, previous_year, last)
    revision, why_no_revision = _revision(territorial, earlier_tables, previous_year)
    is_confirmed = members["confirmed"].astype(bool)
    ours = frozenset(network.members_on(members[is_confirmed], as_of))
    overview = pd.DataFrame(
        {
            "region_code": list(territorial.region_codes),
            "is_member": [code in ours for code in territorial.region_codes],
            "last_year": last_year,
            "previous_year": pd.array([previous_year] * len(last), dtype="Int64"),
            "published_total_tco2e": matrices[series.PUBLISHED_TOTAL].at(last_year),
            "territorial_tco2e": last,
            "effort_sharing_proxy_tco2e": matrices[series.EFFORT_SHARING_PROXY].at(last_year),
            "change_since_1990_pct": since_first,
            "change_since_1990_reason": why_not_since_first,
            "change_since_previous_year_pct": since_previous,
            "change_since_previous_year_reason": why_not_since_previous,
            "revision_of_previous_year_pct": revision,
            "revision_reason": why_no_revision,
            "earlier_release_id": _compared_release(earlier_tables, previous_year),
            "flags": _region_flags(matrices[series.EFFORT_SHARING_PROXY], one_plant, proxy_poor),
            "release_id": table.release_id,
        }
    )
    outside = trading.latest_of(outside_trading, territorial.region_codes, last_year)
    overview = overview.join(outside).assign(
        without_plant_sectors_tco2e=trading.without_plant_sectors(table, one_plant),
        leads_with=[
            trading.choose_lead(code in one_plant, known)
            for code, known in zip(overview["region_code"], outside["outside_trading_tco2e"], strict=True)
        ],
    )
    per_capita = network.build_per_capita(
        by_boundary[series.TERRITORIAL], population, _county_of(), network.splits()
    )
    newest = per_capita[per_capita["year"] == last_year].set_index("region_code")
    overview = overview.join(newest["tco2e_per_capita"].rename("territorial_t_per_capita"), on="region_code")
    overview = overview.join(newest["reason"].replace("", None).rename("per_capita_reason"), on="region_code")
    if previous_year is None:
        return overview.assign(**dict.fromkeys((*_OWN_PART_COLUMNS, *_PRINTED_COLUMNS), None))
    parts = change_parts.build_change_parts(table, [(previous_year, last_year)], with_sectors=False)
    overview = overview.join(parts.set_index("region_code")[list(_OWN_PART_COLUMNS)], on="region_code")
    whole = ["change_since_previous_year_pct", "national_part_pct", "own_part_pct"]
    printed = [round_change(*numbers) for numbers in overview[whole].to_numpy(dtype=np.float64).tolist()]
    return overview.assign(**dict(zip(_PRINTED_COLUMNS, map(list, zip(*printed, strict=True)), strict=True)))


_OWN_PART_COLUMNS: Final = ("national_part_pct", "own_part_pct", "own_part_status", "scaled_share_pct")
_PRINTED_COLUMNS: Final = ("change_printed_pct", "national_part_printed_pct", "own_part_printed_pct")


STEPS.table("backtest")(derived.projection_backtest)


@STEPS.table("nowcast_plant_score")
def _nowcast_plant_score(table: ReleaseTable, trading_plants: trading.Trading) -> pd.DataFrame:
    return trading.score_plants(table, trading_plants)


STEPS.shared(derived.nowcasts)


@STEPS.table("nowcast")
def _nowcast(nowcasts: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    return nowcasts[0]


@STEPS.table("nowcast_score")
def _nowcast_score(nowcasts: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    return nowcasts[1]


STEPS.table("better_example")(derived.better_example)


@STEPS.table("revision_record")
def _revision_record(held: derived.Held) -> pd.DataFrame:
    return revisions.build_record(held.tables)


SINGLE_YEAR: Final = "single_year"
"""The release has one year only."""
NOT_PUBLISHED_BEFORE: Final = "not_published_before"
"""No earlier release has the year."""


def _change(
    matrix: SeriesMatrix, base_year: int | None, last: FloatArray
) -> tuple[FloatArray, list[str | None]]:
    """Change of every region since a year in percent, and the reason where there is none."""
    if base_year is None:
        return np.full(len(last), np.nan), [SINGLE_YEAR] * len(last)
    base = matrix.at(base_year)
    change, reasons = network.change_since(base, last, base)
    return change, [reason or None for reason in reasons]


def _revision(
    current: SeriesMatrix, earlier: Sequence[ReleaseTable], year: int | None
) -> tuple[FloatArray, list[str | None]]:
    """How far the release moved a published figure, in percent; NaN and the reason where there was none."""
    missing = np.full(len(current.region_codes), np.nan)
    if year is None:
        return missing, [SINGLE_YEAR] * len(missing)
    if not earlier or year not in earlier[-1].years.tolist():
        return missing, [NOT_PUBLISHED_BEFORE] * len(missing)
    before = series.to_matrix(series.build_series(earlier[-1], series.TERRITORIAL))
    known = pd.Series(before.at(year), index=pd.Index(before.region_codes, dtype=object))
    then, now = known.reindex(list(current.region_codes)).to_numpy(dtype=np.float64), current.at(year)
    share: FloatArray = np.divide(now - then, then, out=missing, where=then > 0)
    return 100.0 * share, [network.NO_EMISSIONS if np.isnan(one) else None for one in share]


def _compared_release(earlier: Sequence[ReleaseTable], year: int | None) -> str | None:
    """The release whose value :func:`_revision` compares with."""
    return earlier[-1].release_id if earlier and year in earlier[-1].years.tolist() else None


def _region_flags(proxy: SeriesMatrix, one_plant: frozenset[str], proxy_poor: frozenset[str]) -> list[str]:
    added = {series.ONE_PLANT: one_plant, series.PROXY_POOR: proxy_poor}
    return [
        derived.pg_array(sorted({*flags, *(flag for flag, regions in added.items() if code in regions)}))
        for code, flags in zip(proxy.region_codes, proxy.flags, strict=True)
    ]
