"""Per capita, change, local signal, and the network's sums (methods section 2).

Per capita is a ratio of sums for any set of regions, never a sum or mean of ratios. The network's sums cover
member *municipalities*: a member region (county) would count its municipalities twice and is shown
separately.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from klimatpuls.domain.regions import NATION, regions
from klimatpuls.statistics.series import (
    PUBLISHED_TOTAL,
    TERRITORIAL,
    TERRITORIAL_SECTORS,
    ReleaseTable,
    SeriesMatrix,
    to_matrix,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from klimatpuls.statistics.trend import BoolArray, FloatArray, IntArray

    Splits = Sequence[tuple[str, str, int]]

FIRST_YEAR: Final = 1990
"""The year that tables for readers give changes since."""
SMALL_BASE_TCO2E: Final = 1_000.0
SMALL_BASE_SHARE: Final = 0.01
LOCAL_SIGNAL_POINTS: Final = 0.2
"""A change this near the nation's, in percentage points, was probably copied from it."""
SCALED_NATIONALLY_PCT: Final = 75.0
"""From this share of municipalities, or of their tonnes, a sector's change holds no local signal."""
NOISE_FROM_YEAR: Final = 2025
"""From this year SCB adds noise to population: nation and county are taken as published."""
MUNICIPALITY_CODE_LENGTH: Final = 4
COUNTY_CODE_LENGTH: Final = 2

BORDERS_CHANGED: Final = "borders_changed"
NO_POPULATION: Final = "no_population"
NO_EMISSIONS: Final = "no_emissions"
BASE_TOO_SMALL: Final = "base_too_small"
JOIN_DATE_UNKNOWN: Final = "join_date_unknown"
NO_MEMBERS: Final = "no_members"
OTHER_MEMBERS: Final = "other_members"
"""The set did not hold the same municipalities in both years."""
SCOPE_CHANGED: Final = "scope_changed"
"""The publisher counts something since that it did not count in the earlier year."""

MEMBERS_AT_THE_TIME: Final = "members_at_the_time"
CONSTANT_PANEL: Final = "constant_panel"
WITHOUT_LARGEST: Final = "without_largest_emitter"
ON_THE_PROXY: Final = "constant_panel_on_proxy"
WITHOUT_LARGEST_ON_THE_PROXY: Final = "without_largest_emitter_on_proxy"
REST_OF_SWEDEN: Final = "rest_of_sweden"
REST_ON_THE_PROXY: Final = "rest_of_sweden_on_proxy"
SWEDEN: Final = "sweden"
SWEDEN_ON_THE_PROXY: Final = "sweden_on_proxy"
UNALLOCATED: Final = "unallocated"
UNALLOCATED_ON_THE_PROXY: Final = "unallocated_on_proxy"

PER_INHABITANT_COLUMNS: Final = (
    "region_code", "boundary", "year", "emissions_t_per_capita", "per_capita_reason",
    "per_capita_change_since_1990_pct", "per_capita_change_reason", "widened_with",
)  # fmt: skip
"""The columns of :func:`build_per_inhabitant`."""


def splits() -> Splits:
    """The municipalities split off after 1990.

    Returns:
        (child, mother, first year whose population is in today's borders) of every split.
    """
    return [
        (region.code, region.split_from, region.population_from_year)
        for region in regions().values()
        if region.split_from is not None and region.population_from_year is not None
    ]


def per_capita(
    series: pd.DataFrame, population: pd.DataFrame, region_codes: Collection[str], splits: Splits
) -> pd.DataFrame:
    """Emissions per inhabitant of a set of regions, a ratio of sums (methods section 2).

    Emissions are in today's borders back to 1990, population is not. Before a municipality was split off,
    a set that holds the child without its mother, or the mother without the child, is NULL.

    Args:
        series: Tidy series of one boundary (:mod:`klimatpuls.statistics.series`); published years are used.
        population: One row per region_code × year: ``population_count``, inhabitants at 31 December.
        region_codes: The set, each region once. Municipalities, or one county or the nation alone.
        splits: As :func:`splits` gives them.

    Returns:
        One row per published year: ``year``, ``emissions_tco2e``, ``population_count``,
        ``tco2e_per_capita``, ``reason`` (``""``, ``borders_changed``, ``no_population`` or
        ``no_emissions``).

    Example: 100 t and 10 inhabitants with 300 t and 90 inhabitants → 400 / 100 = 4.0 t, not 6.67.
    """
    return _ratio_of_sums(to_matrix(series), _by_year(population, splits), region_codes, splits)


def _ratio_of_sums(
    matrix: SeriesMatrix, inhabitants_by_year: pd.DataFrame, region_codes: Collection[str], splits: Splits
) -> pd.DataFrame:
    """As :func:`per_capita`, from figures laid out once for many sets."""
    chosen = sorted(set(region_codes))
    years = matrix.years[matrix.published.any(axis=0)]
    changed = np.zeros(len(years), dtype=np.bool_)
    for child, mother, first in splits:
        if (child in chosen) != (mother in chosen):
            changed |= years < first
    return _divide(
        _sum_of(matrix, chosen, years),
        _population_of(inhabitants_by_year, chosen, years),
        changed,
        year=years,
    )


def _divide(
    emissions: FloatArray, inhabitants: FloatArray, changed: BoolArray, **keys: object
) -> pd.DataFrame:
    """Emissions per inhabitant as rows, with the reason where there is none."""
    reason = np.select(
        [changed, np.isnan(inhabitants), np.isnan(emissions)],
        [BORDERS_CHANGED, NO_POPULATION, NO_EMISSIONS],
        default="",
    )
    ratio = np.divide(
        emissions, inhabitants, out=np.full(emissions.shape, np.nan), where=(reason == "") & (inhabitants > 0)
    )
    return pd.DataFrame(
        {
            **keys,
            "emissions_tco2e": emissions.reshape(-1),
            "population_count": inhabitants.reshape(-1),
            "tco2e_per_capita": ratio.reshape(-1),
            "reason": reason.reshape(-1),
        }
    )


def build_per_capita(
    series: pd.DataFrame,
    population: pd.DataFrame,
    county_of: Mapping[str, str],
    splits: Splits,
) -> pd.DataFrame:
    """Emissions per inhabitant of every region (methods section 2).

    A county's population is the sum of its municipalities in today's borders; from 2025, when SCB adds noise,
    it is the county's own row. The nation's is always its own row.

    Args:
        series: Tidy series of one boundary.
        population: One row per region_code × year with ``population_count``.
        county_of: Municipality code → county code, today's.
        splits: As in :func:`per_capita`.

    Returns:
        One row per region_code × published year with the columns of :func:`per_capita`.

    Example: Uppsala county before 2007 counts Heby's inhabitants, though Heby lay in Västmanland then.
    """
    matrix = to_matrix(series)
    years = matrix.years[matrix.published.any(axis=0)]
    columns = np.searchsorted(matrix.years, years)
    emissions = np.where(matrix.published, matrix.values, np.nan)[:, columns]
    by_year = _by_year(population, splits)
    inhabitants = (
        by_year.reindex(index=list(matrix.region_codes), columns=years.tolist())
        .to_numpy(dtype=np.float64)
        .copy()
    )
    changed = np.zeros(emissions.shape, dtype=np.bool_)
    for row, code in enumerate(matrix.region_codes):
        if len(code) == COUNTY_CODE_LENGTH and code != NATION:
            parts = sorted(part for part, county in county_of.items() if county == code)
            early = years < NOISE_FROM_YEAR
            inhabitants[row] = np.where(early, _population_of(by_year, parts, years), inhabitants[row])
    for child, mother, first in splits:
        for code in {child, mother} & set(matrix.region_codes):
            changed[matrix.region_codes.index(code)] |= years < first
    return _divide(
        emissions,
        inhabitants,
        changed,
        region_code=np.repeat(np.array(matrix.region_codes, dtype=object), len(years)),
        year=np.tile(years, len(matrix.region_codes)),
    )


def change_since(base: FloatArray, last: FloatArray, area_base: FloatArray) -> tuple[FloatArray, list[str]]:
    """Change since a year in percent, unless the base is too small (methods section 2).

    Args:
        base: Emissions of the earlier year, tonnes CO2e, shape ``(n,)``.
        last: Emissions of the later year, tonnes CO2e, shape ``(n,)``.
        area_base: The area's territorial total of the earlier year, tonnes CO2e, shape ``(n,)``.

    Returns:
        Percent, shape ``(n,)``, and the reason per value: NaN with ``base_too_small`` where the base is
        under 1 000 t or under 1 % of the area's territorial total, NaN with ``no_emissions`` where a
        value is missing.

    Example: 2 000 t → 1 500 t in an area of 100 000 t → −25.0 %; 900 t → 450 t → NaN, base_too_small.
    """
    missing = np.isnan(base) | np.isnan(last)
    small = ~missing & _is_small(base, area_base)
    usable = ~missing & ~small
    change = np.divide(100.0 * (last - base), base, out=np.full(len(base), np.nan), where=usable)
    reason = np.select([missing, small], [NO_EMISSIONS, BASE_TOO_SMALL], default="")
    return change, [str(text) for text in reason]


def _is_small(base: FloatArray, area_base: FloatArray) -> BoolArray:
    small: BoolArray = (base < SMALL_BASE_TCO2E) | (base < SMALL_BASE_SHARE * area_base)
    return small


def missing_halves(region_codes: Collection[str], splits: Splits, since: int = FIRST_YEAR) -> list[str]:
    """The municipalities that a set lacks to hold the same inhabitants in both years (methods section 2).

    Args:
        region_codes: The set.
        splits: As :func:`splits` gives them.
        since: The earlier year. A split whose population is in today's borders by then is none.

    Returns:
        Codes of the other parts of every municipality split since of which the set holds a part, sorted.

    Example: Uppsala → Knivsta, split off in 2003; Gnesta → Nyköping and Trosa, which were one with it.
    """
    chosen = set(region_codes)
    while True:
        torn = [
            {child, mother}
            for child, mother, first in splits
            if first > since and (child in chosen) != (mother in chosen)
        ]
        if not torn:
            return sorted(chosen - set(region_codes))
        chosen.update(*torn)


def per_capita_change(
    series: pd.DataFrame,
    population: pd.DataFrame,
    region_codes: Collection[str],
    splits: Splits,
    *,
    area: pd.DataFrame | None = None,
    since: int = FIRST_YEAR,
) -> pd.DataFrame:
    """Change of emissions per inhabitant of a set of regions since a year (methods section 2).

    A set that holds one part of a municipality split since is widened by the other parts in both years.

    Args:
        series: Tidy series of one boundary; published years are used.
        population: One row per region_code × year with ``population_count``.
        region_codes: The set, each region once. Municipalities, or the nation alone.
        splits: As :func:`splits` gives them.
        area: Tidy series of the boundary ``territorial``, which a base is small against. None: ``series``.
        since: The earlier year.

    Returns:
        One row per published year: ``year``, ``per_capita_change_pct``, ``per_capita_change_reason``
        (``""``, ``no_members`` for an empty set, ``no_population``, ``no_emissions`` or ``base_too_small``)
        and ``widened_with``, the tuple of region codes that were added.

    Example: Uppsala 90 t, 9 inhabitants and Knivsta 10 t, 1 inhabitant in 1990, together 72 t and 12
    inhabitants now: 10.0 → 6.0 t each, −40 %.
    """
    matrix = to_matrix(series)
    figures = _Figures(
        matrix, matrix if area is None else to_matrix(area), _by_year(population, splits), splits, since
    )
    return _change_of_ratios(figures, region_codes)


@dataclass(frozen=True)
class _Figures:
    """What sums over sets are made of: one boundary, and what it is compared with.

    ``area`` is the boundary ``territorial``; ``inhabitants`` as :func:`_by_year` lays them out.
    """

    matrix: SeriesMatrix
    area: SeriesMatrix
    inhabitants: pd.DataFrame
    splits: Splits
    since: int = FIRST_YEAR

    @property
    def years(self) -> IntArray:
        """The published years."""
        return self.matrix.years[self.matrix.published.any(axis=0)]

    def base(self, region_codes: Sequence[str]) -> tuple[float, float]:
        """A set's emissions of the earlier year, on this boundary and territorial; NaN if not published."""
        year = np.array([self.since])
        sides = [
            float(_sum_of(matrix, region_codes, year)[0]) if self.since in matrix.years else np.nan
            for matrix in (self.matrix, self.area)
        ]
        return sides[0], sides[1]


def _change_of_ratios(figures: _Figures, region_codes: Collection[str]) -> pd.DataFrame:
    """As :func:`per_capita_change`, from figures laid out once for many sets."""
    added = missing_halves(region_codes, figures.splits, figures.since)
    widened = sorted({*region_codes, *added})
    levels = _ratio_of_sums(figures.matrix, figures.inhabitants, widened, figures.splits)
    change, reason = _changes_since(levels, np.array([figures.base(widened)[1]]), figures.since)
    return pd.DataFrame(
        {
            "year": levels["year"],
            "per_capita_change_pct": change,
            "per_capita_change_reason": reason if widened else NO_MEMBERS,
            "widened_with": pd.Series([tuple(added)] * len(levels), dtype=object),
        }
    )


def _changes_since(
    levels: pd.DataFrame, area_base: FloatArray, since: int
) -> tuple[FloatArray, NDArray[np.object_]]:
    """Change of emissions per inhabitant since a year, and the reason where there is none.

    ``levels`` has the columns of :func:`per_capita`: every year of the first set, then of the next.
    ``area_base`` is the territorial emissions of each set in the earlier year.
    """
    count = len(area_base)
    years, ratio, emissions = (
        levels[name].to_numpy().reshape(count, -1) for name in ("year", "tco2e_per_capita", "emissions_tco2e")
    )
    reason = levels["reason"].to_numpy(dtype=object).reshape(count, -1)
    is_first = years[0] == since
    if not is_first.any():
        return np.full(ratio.size, np.nan), np.full(ratio.size, NO_EMISSIONS, dtype=object)
    first = int(is_first.argmax())
    small = _is_small(emissions[:, first], area_base)
    why = np.where(reason[:, [first]] != "", reason[:, [first]], reason)
    why = np.where((why == "") & small[:, None], BASE_TOO_SMALL, why)
    base = ratio[:, [first]]
    change = np.divide(
        100.0 * (ratio - base), base, out=np.full(ratio.shape, np.nan), where=(why == "") & (base > 0)
    )
    return change.reshape(-1), why.reshape(-1)


def build_per_inhabitant(
    by_boundary: Mapping[str, pd.DataFrame],
    population: pd.DataFrame,
    county_of: Mapping[str, str],
    splits: Splits,
    *,
    total_changed_from: int | None = None,
    since: int = FIRST_YEAR,
) -> pd.DataFrame:
    """Emissions per inhabitant of every region and boundary, and their change (methods section 2).

    The level of a municipality split since is NULL before the split; its change is that of all its parts
    together, named in ``widened_with``.

    Args:
        by_boundary: Boundary → tidy series, ``territorial`` among them.
        population: One row per region_code × year with ``population_count``.
        county_of: Municipality code → county code, today's.
        splits: As :func:`splits` gives them.
        total_changed_from: First year in which the published total counts what it did not before; its change
            is NULL from then on.
        since: The earlier year of the change.

    Returns:
        One row per region_code × boundary × published year: :data:`PER_INHABITANT_COLUMNS`; a reason is
        ``""`` where there is a value.

    Example: Tierp 20 000 inhabitants, 200 000 t in 1990 and 150 000 t now: 10.0 → 7.5 t, −25 %.
    """
    area = to_matrix(by_boundary[TERRITORIAL])
    inhabitants = _by_year(population, splits)
    parts = {code for child, mother, first in splits if first > since for code in (child, mother)}
    area_base = pd.Series(area.at(since), index=pd.Index(area.region_codes, dtype=object))
    frames = []
    for boundary, tidy in by_boundary.items():
        whole = build_per_capita(tidy, population, county_of, splits).assign(boundary=boundary)
        codes = whole["region_code"].drop_duplicates()
        whole["per_capita_change_pct"], whole["per_capita_change_reason"] = _changes_since(
            whole, np.array([area_base.get(code, np.nan) for code in codes]), since
        )
        whole["widened_with"] = pd.Series([()] * len(whole), dtype=object)
        figures = _Figures(to_matrix(tidy), area, inhabitants, splits, since)
        for code in codes[codes.isin(parts)]:
            change = _change_of_ratios(figures, [code]).drop(columns="year")
            whole.loc[whole["region_code"] == code, change.columns] = change.to_numpy()
        if boundary == PUBLISHED_TOTAL and total_changed_from is not None:
            broken = (whole["year"] >= total_changed_from) & (whole["per_capita_change_reason"] == "")
            whole.loc[broken, "per_capita_change_pct"] = np.nan
            whole.loc[broken, "per_capita_change_reason"] = SCOPE_CHANGED
        frames.append(whole)
    renamed = {
        "tco2e_per_capita": "emissions_t_per_capita",
        "reason": "per_capita_reason",
        "per_capita_change_pct": "per_capita_change_since_1990_pct",
    }
    return pd.concat(frames, ignore_index=True).rename(columns=renamed)[list(PER_INHABITANT_COLUMNS)]


def find_local_signal(table: ReleaseTable, first_year: int, last_year: int) -> pd.DataFrame:
    """Find sectors whose municipal figures were scaled with the nation's (methods section 2).

    A sector is scaled nationally when 75 % of the municipalities, or of their tonnes, lie within 0.2 points
    of the nation's change over these years, or over the last step that ends in the later year: a longer
    period that ends in a copied year says no more about a place than that year does.

    Args:
        table: One release.
        first_year: Year a.
        last_year: Year b, later than a.

    Returns:
        One row per main territorial sector: ``sector_code``, ``municipalities_n`` (with emissions in the
        first year), ``near_nation_pct`` (percent of them whose change lies within 0.2 points of the
        nation's), ``near_nation_tonnes_pct`` (percent of their tonnes of the first year),
        ``scaled_nationally``.

    Raises:
        ValueError: if the release lacks a year, or the years are not in order.

    Example: release 2026a, 2023 → 2024: industry 21 % of the municipalities and 91 % of the tonnes, scaled.
    """
    first, last = _year_columns(table, first_year, last_year)
    counts, near, tonnes = _near_nation(table, first, last)
    is_scaled = _reaches_limit(near, tonnes)
    if first < last - 1:
        is_scaled |= _reaches_limit(*_near_nation(table, last - 1, last)[1:])
    return pd.DataFrame(
        {
            "sector_code": list(TERRITORIAL_SECTORS),
            "municipalities_n": counts,
            "near_nation_pct": near,
            "near_nation_tonnes_pct": tonnes,
            "scaled_nationally": is_scaled,
        }
    )


def _near_nation(table: ReleaseTable, first: int, last: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Per sector: municipalities with emissions, percent of them near the nation, percent of their tonnes.

    ``first`` and ``last`` are columns of the release. 0 % where the nation or all municipalities had none.
    """
    nation = _nation_row(table)
    municipal = np.array([len(code) == MUNICIPALITY_CODE_LENGTH for code in table.region_codes])
    cube = np.array([table.sector(code) for code in TERRITORIAL_SECTORS])
    start, end = cube[:, nation, first], cube[:, nation, last]
    base, newest = cube[:, municipal, first], cube[:, municipal, last]
    counted = (base > 0) & ~np.isnan(newest)
    own = np.divide(newest, base, out=np.full(base.shape, np.nan), where=counted)
    growth = np.divide(end, start, out=np.full(len(start), np.nan), where=start > 0)
    is_near = counted & (100.0 * np.abs(own - growth[:, None]) <= LOCAL_SIGNAL_POINTS)
    counts = counted.sum(axis=1)
    tonnes = np.where(counted, base, 0.0).sum(axis=1)
    near = np.where(is_near, base, 0.0).sum(axis=1)
    return (
        counts,
        np.divide(100.0 * is_near.sum(axis=1), counts, out=np.zeros(len(counts)), where=counts > 0),
        np.divide(100.0 * near, tonnes, out=np.zeros(len(counts)), where=tonnes > 0),
    )


def _reaches_limit(near: FloatArray, tonnes: FloatArray) -> BoolArray:
    reached: BoolArray = np.maximum(near, tonnes) >= SCALED_NATIONALLY_PCT
    return reached


def build_network(
    members: pd.DataFrame,
    territorial: pd.DataFrame,
    proxy: pd.DataFrame,
    population: pd.DataFrame,
    splits: Splits,
    *,
    as_of: dt.date,
) -> pd.DataFrame:
    """Sum the network in its variants, the rest of Sweden and the nation (methods section 2).

    Only municipalities count, since a county would count its municipalities twice. Today's members are those
    on ``as_of`` (:func:`members_on`). A member at the time joined by 31 December of the year; if any join
    date is unknown, that variant is NULL with the reason. The rest of Sweden is the municipalities that are
    no members; what the nation has beyond its municipalities is the unallocated part.

    Args:
        members: One row per membership: ``region_code``, ``joined_on`` and ``left_on`` (date or None).
            The caller leaves unconfirmed members out.
        territorial: Tidy series of the boundary ``territorial``.
        proxy: Tidy series of the boundary ``effort_sharing_proxy``.
        population: One row per region_code × year with ``population_count``.
        splits: As in :func:`per_capita`.
        as_of: The run's day.

    Returns:
        One row per variant × published year: ``variant``, ``year``, ``members_n`` (municipalities in the
        sum, all for the nation, 0 for the unallocated part), ``emissions_tco2e``, ``population_count``,
        ``tco2e_per_capita``, ``left_out`` (region_code of the largest emitter where it is left out),
        ``reason``; the change of the sum since 1990 (``change_pct``, ``change_reason``) and that per
        inhabitant with the columns of :func:`per_capita_change`.

    Example: members 100 t and 40 t, others 850 t, nation 1 000 t → constant panel 140 t, without the largest
    40 t, rest of Sweden 850 t, unallocated 10 t.
    """
    municipal = members[members["region_code"].str.len() == MUNICIPALITY_CODE_LENGTH]
    whole, inhabitants = to_matrix(territorial), _by_year(population, splits)
    everywhere = _Figures(whole, whole, inhabitants, splits)
    outside_trading = _Figures(to_matrix(proxy), whole, inhabitants, splits)
    everyone = [code for code in whole.region_codes if len(code) == MUNICIPALITY_CODE_LENGTH]
    panel = sorted(set(members_on(municipal, as_of)) & set(everyone))
    rest = [code for code in everyone if code not in panel]
    largest = _largest(whole, panel)
    without = [code for code in panel if code != largest]
    return pd.concat(
        [
            _members_at_the_time(municipal, everywhere),
            _variant(CONSTANT_PANEL, everywhere, panel),
            _variant(WITHOUT_LARGEST, everywhere, without, left_out=largest),
            _variant(ON_THE_PROXY, outside_trading, panel),
            _variant(WITHOUT_LARGEST_ON_THE_PROXY, outside_trading, without, left_out=largest),
            _variant(REST_OF_SWEDEN, everywhere, rest),
            _variant(REST_ON_THE_PROXY, outside_trading, rest),
            _variant(SWEDEN, everywhere, [NATION]).assign(members_n=len(everyone)),
            _variant(SWEDEN_ON_THE_PROXY, outside_trading, [NATION]).assign(members_n=len(everyone)),
            _unallocated(UNALLOCATED, everywhere, everyone),
            _unallocated(UNALLOCATED_ON_THE_PROXY, outside_trading, everyone),
        ],
        ignore_index=True,
    )


def members_on(members: pd.DataFrame, day: dt.date) -> list[str]:
    """The members on a day: joined by then and not left; an unknown date excludes nobody.

    Args:
        members: One row per membership: ``region_code``, ``joined_on`` and ``left_on`` (date or None).
        day: The day.

    Returns:
        Region codes, in the order of the rows.

    Example: joined 2027-01-01 → no member on 2026-05-08; joined None, left None → a member.
    """
    spells = zip(members["region_code"], members["joined_on"], members["left_on"], strict=True)
    return [str(code) for code, joined, left in spells if is_member_on(joined, left, day)]


def is_member_on(joined_on: object, left_on: object, day: dt.date) -> bool:
    """Whether a membership covers a day; see :func:`members_on`."""
    joined, left = _as_date(joined_on), _as_date(left_on)
    return (joined is None or joined <= day) and (left is None or left > day)


def _variant(
    name: str, figures: _Figures, region_codes: Sequence[str], *, left_out: str | None = None
) -> pd.DataFrame:
    frame = _ratio_of_sums(figures.matrix, figures.inhabitants, region_codes, figures.splits)
    frame.insert(0, "variant", name)
    frame.insert(2, "members_n", len(region_codes))
    frame["left_out"] = pd.Series([left_out] * len(frame), dtype=object)
    base, area_base = figures.base(region_codes)
    frame["change_pct"], frame["change_reason"] = change_since(
        np.full(len(frame), base), frame["emissions_tco2e"].to_numpy(), np.full(len(frame), area_base)
    )
    changed = _change_of_ratios(figures, region_codes)
    frame[changed.columns[1:]] = changed[changed.columns[1:]]
    if not region_codes:
        frame[["reason", "change_reason"]] = NO_MEMBERS
    return frame


def _unallocated(name: str, figures: _Figures, everyone: Sequence[str]) -> pd.DataFrame:
    """The nation without all its municipalities; nobody lives there."""
    frame = _variant(name, figures, [NATION])
    total = frame["emissions_tco2e"].to_numpy() - _sum_of(figures.matrix, everyone, figures.years)
    base = figures.base([NATION])[0] - figures.base(everyone)[0]
    # The base is small against its own size only: the part is a fraction of a percent of the nation.
    change, change_reason = change_since(np.full(len(frame), base), total, np.full(len(frame), base))
    lacking = np.where(np.isnan(total), NO_EMISSIONS, NO_POPULATION)
    return frame.assign(
        members_n=0,
        emissions_tco2e=total,
        population_count=np.nan,
        tco2e_per_capita=np.nan,
        reason=lacking,
        change_pct=change,
        change_reason=change_reason,
        per_capita_change_pct=np.nan,
        per_capita_change_reason=lacking,
    )


def _members_at_the_time(members: pd.DataFrame, figures: _Figures) -> pd.DataFrame:
    """One row per year, summed over the members on 31 December of it.

    A change counts only between years with the same members.
    """
    known = members[members["region_code"].isin(figures.matrix.region_codes)]
    is_unknown = any(_as_date(joined) is None for joined in known["joined_on"])

    def chosen_in(year: int) -> list[str]:
        return [] if is_unknown else sorted(set(members_on(known, dt.date(year, 12, 31))))

    first = chosen_in(figures.since)
    frames = []
    for year in figures.years.tolist():
        chosen = chosen_in(year)
        whole = _variant(MEMBERS_AT_THE_TIME, figures, chosen)
        if chosen and chosen != first:
            whole[["change_pct", "per_capita_change_pct"]] = np.nan
            whole[["change_reason", "per_capita_change_reason"]] = OTHER_MEMBERS
        frames.append(whole[whole["year"] == year])
    frame: pd.DataFrame = pd.concat(frames, ignore_index=True)
    if is_unknown:
        frame[["reason", "change_reason", "per_capita_change_reason"]] = JOIN_DATE_UNKNOWN
    return frame


def _largest(whole: SeriesMatrix, panel: Sequence[str]) -> str | None:
    """The panel's largest emitter in the latest published year."""
    matrix = whole.select(panel)
    if not matrix.region_codes:
        return None
    newest = np.flatnonzero(matrix.published.any(axis=0))[-1]
    return matrix.region_codes[int(np.nanargmax(np.nan_to_num(matrix.values[:, newest], nan=-1.0)))]


def _sum_of(matrix: SeriesMatrix, region_codes: Sequence[str], years: IntArray) -> FloatArray:
    """Sum of published values, NaN for a year in which a region of the set has none."""
    own = matrix.select(region_codes)
    columns = np.searchsorted(matrix.years, years)
    if len(own.region_codes) < len(region_codes) or not region_codes:
        return np.full(len(years), np.nan)
    total: FloatArray = np.where(own.published, own.values, np.nan)[:, columns].sum(axis=0)
    return total


def _by_year(population: pd.DataFrame, splits: Splits) -> pd.DataFrame:
    """Inhabitants laid out once: one row per region_code, one column per year.

    Before a split the mother's row holds the child's inhabitants, and the child has none of its own: 0.
    """
    wide = population.pivot_table(
        index="region_code", columns="year", values="population_count", aggfunc="sum"
    )
    years = np.array(wide.columns, dtype=np.int64)
    for child, mother, first in splits:
        if mother in wide.index:
            # The years at hand may all be before the split; then the child has no row at all.
            own, of_mother = wide.reindex([child, mother]).to_numpy(dtype=np.float64)
            is_within = (years < first) & np.isnan(own) & ~np.isnan(of_mother)
            wide.loc[child] = np.where(is_within, 0.0, own)
    return wide


def _population_of(
    inhabitants_by_year: pd.DataFrame, region_codes: Sequence[str], years: IntArray
) -> FloatArray:
    """Sum of inhabitants, NaN for a year in which a region of the set has none."""
    if not region_codes:
        return np.full(len(years), np.nan)
    wide = inhabitants_by_year.reindex(index=list(region_codes), columns=years.tolist())
    total: FloatArray = wide.to_numpy(dtype=np.float64).sum(axis=0)
    return total


def _year_columns(table: ReleaseTable, first_year: int, last_year: int) -> tuple[int, int]:
    years = table.years.tolist()
    missing = [year for year in (first_year, last_year) if year not in years]
    if missing or first_year >= last_year:
        msg = (
            f"release {table.release_id}: cannot compare {first_year} with {last_year}; "
            f"choose two of its years in order: {', '.join(map(str, years))}"
        )
        raise ValueError(msg)
    return years.index(first_year), years.index(last_year)


def _nation_row(table: ReleaseTable) -> int:
    if NATION not in table.region_codes:
        msg = f"release {table.release_id} has no row for the nation ({NATION}); it cannot be compared with"
        raise ValueError(msg)
    return table.region_codes.index(NATION)


def _as_date(value: object) -> dt.date | None:
    """Read a register's cell as a date; None for None, NaN and NaT."""
    if isinstance(value, dt.datetime):
        return None if pd.isna(value) else value.date()
    return value if isinstance(value, dt.date) else None
