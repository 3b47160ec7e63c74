"""Per capita, change, local signal, and the network's sums (methods section 2).

Per capita is a ratio of sums for any set of regions, never a sum or mean of ratios. The network's sums cover
member *municipalities*: a member region (county) would count its municipalities twice and is shown
separately.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from klimatpuls.domain.regions import NATION, regions
from klimatpuls.statistics.series import TERRITORIAL_SECTORS, ReleaseTable, SeriesMatrix, to_matrix

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from klimatpuls.statistics.trend import BoolArray, FloatArray, IntArray

    Splits = Sequence[tuple[str, str, int]]

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

MEMBERS_AT_THE_TIME: Final = "members_at_the_time"
CONSTANT_PANEL: Final = "constant_panel"
WITHOUT_LARGEST: Final = "without_largest_emitter"
ON_THE_PROXY: Final = "constant_panel_on_proxy"
REST_OF_SWEDEN: Final = "rest_of_sweden"
REST_ON_THE_PROXY: Final = "rest_of_sweden_on_proxy"
SWEDEN: Final = "sweden"


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
    return _ratio_of_sums(to_matrix(series), _by_year(population), region_codes, splits)


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
    by_year = _by_year(population)
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
    small = ~missing & ((base < SMALL_BASE_TCO2E) | (base < SMALL_BASE_SHARE * area_base))
    usable = ~missing & ~small
    change = np.divide(100.0 * (last - base), base, out=np.full(len(base), np.nan), where=usable)
    reason = np.select([missing, small], [NO_EMISSIONS, BASE_TOO_SMALL], default="")
    return change, [str(text) for text in reason]


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
    date is unknown, that variant is NULL with the reason.

    Args:
        members: One row per membership: ``region_code``, ``joined_on`` and ``left_on`` (date or None).
            The caller leaves unconfirmed members out.
        territorial: Tidy series of the boundary ``territorial``.
        proxy: Tidy series of the boundary ``effort_sharing_proxy``.
        population: One row per region_code × year with ``population_count``.
        splits: As in :func:`per_capita`.
        as_of: The run's day.

    Returns:
        One row per variant × published year: ``variant``, ``year``, ``members_n``, ``emissions_tco2e``,
        ``population_count``, ``tco2e_per_capita``, ``left_out`` (region_code of the largest emitter where
        it is left out), ``reason``.

    Example: members 100 t and 40 t in a nation of 1 000 t → constant panel 140 t, without the largest
    40 t, rest of Sweden 860 t.
    """
    municipal = members[members["region_code"].str.len() == MUNICIPALITY_CODE_LENGTH]
    whole, own = to_matrix(territorial), to_matrix(proxy)
    inhabitants = _by_year(population)
    panel = sorted(set(members_on(municipal, as_of)) & set(whole.region_codes))
    largest = _largest(whole, panel)
    rest_of = [code for code in panel if code != largest]
    return pd.concat(
        [
            _members_at_the_time(municipal, whole, inhabitants, splits),
            _variant(CONSTANT_PANEL, whole, inhabitants, splits, panel),
            _variant(WITHOUT_LARGEST, whole, inhabitants, splits, rest_of, left_out=largest),
            _variant(ON_THE_PROXY, own, inhabitants, splits, panel),
            _rest(REST_OF_SWEDEN, whole, inhabitants, splits, panel),
            _rest(REST_ON_THE_PROXY, own, inhabitants, splits, panel),
            _variant(SWEDEN, whole, inhabitants, splits, [NATION]),
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
    name: str,
    matrix: SeriesMatrix,
    inhabitants_by_year: pd.DataFrame,
    splits: Splits,
    region_codes: Sequence[str],
    *,
    left_out: str | None = None,
) -> pd.DataFrame:
    frame = _ratio_of_sums(matrix, inhabitants_by_year, region_codes, splits)
    frame.insert(0, "variant", name)
    frame.insert(2, "members_n", 0 if list(region_codes) == [NATION] else len(region_codes))
    frame["left_out"] = pd.Series([left_out] * len(frame), dtype=object)
    if not region_codes:
        frame["reason"] = NO_MEMBERS
    return frame


def _rest(
    name: str,
    matrix: SeriesMatrix,
    inhabitants_by_year: pd.DataFrame,
    splits: Splits,
    panel: Sequence[str],
) -> pd.DataFrame:
    """The nation without the panel; a split breaks it exactly when it breaks the panel."""
    nation = _variant(name, matrix, inhabitants_by_year, splits, [NATION])
    if not panel:
        return nation
    own = _ratio_of_sums(matrix, inhabitants_by_year, panel, splits)
    for column in ("emissions_tco2e", "population_count"):
        nation[column] = nation[column] - own[column]
    nation["reason"] = np.where(nation["reason"] == "", own["reason"], nation["reason"])
    ratio = nation["emissions_tco2e"] / nation["population_count"].where(nation["population_count"] > 0)
    nation["tco2e_per_capita"] = ratio.where(nation["reason"] == "")
    return nation


def _members_at_the_time(
    members: pd.DataFrame,
    matrix: SeriesMatrix,
    inhabitants_by_year: pd.DataFrame,
    splits: Splits,
) -> pd.DataFrame:
    """One row per year, summed over the members on 31 December of it."""
    years = matrix.years[matrix.published.any(axis=0)]
    known = members[members["region_code"].isin(matrix.region_codes)]
    is_unknown = any(_as_date(joined) is None for joined in known["joined_on"])
    frames = []
    for year in years.tolist():
        chosen = [] if is_unknown else sorted(set(members_on(known, dt.date(year, 12, 31))))
        whole = _variant(MEMBERS_AT_THE_TIME, matrix, inhabitants_by_year, splits, chosen)
        frames.append(whole[whole["year"] == year])
    frame: pd.DataFrame = pd.concat(frames, ignore_index=True)
    if is_unknown:
        frame["reason"] = JOIN_DATE_UNKNOWN
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


def _by_year(population: pd.DataFrame) -> pd.DataFrame:
    """Inhabitants laid out once: one row per region_code, one column per year."""
    return population.pivot_table(
        index="region_code", columns="year", values="population_count", aggfunc="sum"
    )


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
