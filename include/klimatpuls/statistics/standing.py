"""Where a target stands (methods section 6).

A standing shows how much the result depends on the method; it is not a probability. It counts how many of
the method variants of :mod:`klimatpuls.statistics.trend` end at or below the level, such as 7 of 8.

The first rule that applies gives the status:

1. the level cannot be calculated → ``not_computable``, or ``insufficient_data`` without a forecast
2. no release shows the domestic aviation of the boundary → ``insufficient_data``
3. target year observed → ``met`` or ``missed``, by the value of that year
4. target year passed, no figure yet → ``awaiting_data`` with the expected month
5. too few points for a trend → ``insufficient_data``: a counted status always has its count
6. latest value at or below the level → ``below_level`` (not for a carbon budget)
7. more than 10 years after the latest data year → ``too_far``
8. ``all_below`` ``most_below`` ``split`` ``few_below`` ``none_below``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from klimatpuls.domain.method_version import METHOD_VERSION
from klimatpuls.statistics import trend
from klimatpuls.statistics.series import (
    AVIATION_INCLUDED,
    EFFORT_SHARING_PROXY,
    ONE_PLANT,
    PROXY_POOR,
    SeriesMatrix,
    fill_gap_years,
    to_matrix,
)
from klimatpuls.statistics.targets import (
    OFFICIAL,
    Target,
    TargetType,
    base_values,
    levels,
    path_values,
    uses_national_proxy,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping, Sequence

    from klimatpuls.statistics.trend import BoolArray, FloatArray, IntArray

ROUNDING: Final = 1e-9
"""Share of the level by which two sums of the same numbers may differ between machines. No emission is known
that precisely, and without it a projection that ends exactly at the level would count on one machine only."""

MET: Final = "met"
MISSED: Final = "missed"
AWAITING_DATA: Final = "awaiting_data"
BELOW_LEVEL: Final = "below_level"
ALL_BELOW: Final = "all_below"
MOST_BELOW: Final = "most_below"
SPLIT: Final = "split"
FEW_BELOW: Final = "few_below"
NONE_BELOW: Final = "none_below"
TOO_FAR: Final = "too_far"
INSUFFICIENT_DATA: Final = "insufficient_data"
NOT_COMPUTABLE: Final = "not_computable"

STATUSES: Final = (
    MET, MISSED, AWAITING_DATA, BELOW_LEVEL, ALL_BELOW, MOST_BELOW, SPLIT, FEW_BELOW, NONE_BELOW, TOO_FAR,
    INSUFFICIENT_DATA, NOT_COMPUTABLE,
)  # fmt: skip

REASONS: Final = (
    trend.TOO_FEW_POINTS,
    trend.SPAN_TOO_SHORT,
    "aviation_unknown",  # no release shows domestic aviation
    "no_population_forecast",  # for the target year
    "no_stated_cap",  # a net-zero target that states no cap on what may remain
    "base_year_missing",  # no release has the base year
    "boundary_missing",  # neither in SMHI's figures nor imported
    "region_missing",  # the region is not in the series
    "target_year_missing",  # no release has the target year
    "budget_start_missing",  # no release has the first year of the budget
)
"""Why there is no standing."""

PROXY_BASE: Final = "proxy"
"""Status of the nation's effort-sharing base where the official outcome is not held."""
MAX_YEARS_AHEAD: Final = 10
SMALL_LEVEL_SHARE: Final = 0.01
ACHIEVED_MIN_YEARS: Final = 3
ACHIEVED_MAX_YEARS: Final = 5
BUDGET_HORIZON: Final = 2100
PUBLISHING_LAG_YEARS: Final = 2
PUBLISHING_MONTH: Final = 5

MART_COLUMNS: Final = (
    "region_code", "target_id", "is_own_target", "boundary", "base_year", "target_year", "level_tco2e",
    "last_year", "last_tco2e", "status", "variants_met", "variants_n", "central_tco2e", "spread_low_tco2e",
    "spread_high_tco2e", "gap_tco2e", "required_annual_reduction_rate", "achieved_annual_reduction_rate",
    "path_position_tco2e", "hangs_on", "flags", "release_id", "method_version", "as_of_date",
)  # fmt: skip
"""The first columns of ``mart.target_progress``, in its order."""

EXTRA_COLUMNS: Final = (
    "reason", "base_tco2e", "base_status", "gap_pct_of_base", "observed_gap_tco2e",
    "required_reduction_t_per_year", "path_start_year", "path_position_pct_of_base", "before_year",
    "before_status", "before_variants_met", "before_variants_n", "before_central_tco2e", "expected_month",
    "data_lag_months", "budget_used_share", "budget_time_used_share", "budget_runs_out_year",
    "achieved_from_year", "annual_reduction_since_2015",
)  # fmt: skip

STATUS_COLUMNS: Final = (
    "status", "variants_met", "variants_n", "central_tco2e", "level_tco2e", "gap_tco2e", "last_year",
    "last_tco2e",
)  # fmt: skip
"""What one step of a revision stores of a standing."""

_INTEGER_COLUMNS: Final = (
    "base_year", "target_year", "last_year", "variants_met", "variants_n", "path_start_year", "before_year",
    "before_variants_met", "before_variants_n", "data_lag_months", "budget_runs_out_year",
    "achieved_from_year",
)  # fmt: skip


@dataclass(frozen=True)
class _Count:
    """How many variants end at or below the level, per region."""

    met: IntArray
    n: IntArray
    central: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class _Case:
    """Everything that decides the status of one target, per region."""

    target: Target
    matrix: SeriesMatrix
    year: int
    base: FloatArray
    level: FloatArray
    as_of: dt.date
    allow_aviation: bool
    level_reason: str

    @property
    def is_budget(self) -> bool:
        return self.target.target_type == TargetType.CARBON_BUDGET


@dataclass(frozen=True)
class _Verdict:
    """Status, reason and count of each region, from a given set of points."""

    status: NDArray[np.object_]
    reason: NDArray[np.object_]
    count: _Count
    last_year: IntArray
    last: FloatArray
    points: FloatArray


def required_annual_reduction_rates(last: FloatArray, level: FloatArray, years: FloatArray) -> FloatArray:
    """Constant yearly reduction that takes emissions from the latest year to the level (methods section 6).

    Args:
        last: Emissions of the latest observed year, tonnes CO2e, shape ``(n_regions,)``.
        level: Emissions allowed in the target year, tonnes CO2e, same shape.
        years: Target year minus latest observed year, > 0; NaN where there is none.

    Returns:
        Fraction per year in [0, 1): 0 where the latest value is at or below the level; NaN where the level
        is 0 or under 1 % of the latest value (tonnes per year are given instead).

    Example: from 139 205 t to 69 434.5 t in 6 years → 0.109 (Tierp, 10.9 % a year).
    """
    computable = (level > 0) & (level < last) & (level >= SMALL_LEVEL_SHARE * last)
    ratio = np.divide(level, last, out=np.full(len(last), np.nan), where=computable)
    rate = 1.0 - ratio ** (1.0 / years)
    return np.where((last <= level) & ~np.isnan(years), 0.0, rate)


def achieved_from_year(years: IntArray, values: FloatArray) -> FloatArray:
    """First year of the window of the achieved rate (methods section 6).

    Args:
        years: Ascending calendar years, shape ``(n_years,)``.
        values: Observed tonnes CO2e, NaN where there is none, shape ``(n_series, n_years)``.

    Returns:
        The earliest observed year a with 3 <= last − a <= 5; NaN without one.

    Example: observed in 2015, 2020, 2022 and 2024 → 2020.
    """
    last_year, _ = trend.last_observed(years, values)
    back = last_year[:, None] - years[None, :]
    fits = (back >= ACHIEVED_MIN_YEARS) & (back <= ACHIEVED_MAX_YEARS) & ~np.isnan(values)
    first: FloatArray = np.where(fits, years[None, :].astype(np.float64), np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isinf(first), np.nan, first)


def reduction_since(years: IntArray, values: FloatArray, first_year: FloatArray) -> FloatArray:
    """Constant yearly reduction from a year to the latest (methods section 6).

    Args:
        years: Ascending calendar years, shape ``(n_years,)``.
        values: Observed tonnes CO2e, NaN where there is none, shape ``(n_series, n_years)``.
        first_year: The year per series, NaN where there is none.

    Returns:
        1 − (E_last/E_first)^(1/(last−first)), fraction per year, negative when emissions rose; NaN where the
        first year is not observed, holds 0 or is the latest.

    Example: 100 t in 2015, 90 t in 2024 → 1 − 0.9^(1/9) = 0.0116.
    """
    last_year, last = trend.last_observed(years, values)
    is_first = years[None, :] == first_year[:, None]
    start = np.where(is_first & ~np.isnan(values), values, 0.0).sum(axis=1)
    usable = (start > 0) & (first_year < last_year)
    ratio = np.divide(last, start, out=np.full(len(values), np.nan), where=usable)
    span = np.where(usable, last_year - np.where(usable, first_year, 0.0), 1.0)
    rate: FloatArray = 1.0 - ratio ** (1.0 / span)
    return rate


def evaluate_all(
    targets: Sequence[Target],
    series_by_boundary: Mapping[str, pd.DataFrame],
    *,
    as_of: dt.date,
    population_forecast: Mapping[tuple[str, int], float] | None = None,
    one_plant: Collection[str] = (),
    proxy_poor: Collection[str] = (),
    allow_aviation: bool = False,
) -> pd.DataFrame:
    """Evaluate every target, comparison lines for every region of their series (methods section 6).

    ``gap_tco2e`` is the central projection minus the level, ``observed_gap_tco2e`` the latest observed
    value minus the level. Once the target year is observed, both are its value minus the level; for net zero
    without a stated cap both are the latest value. For a carbon budget ``level_tco2e``, ``central_tco2e`` and
    the spread are totals over the budget's years. A target too far ahead has neither count, projection nor
    gap. The caller chooses which targets are in force
    (:meth:`klimatpuls.statistics.targets.Target.in_force`).

    Args:
        targets: The targets; those without an owner are comparison lines.
        series_by_boundary: Boundary → tidy series of the current release (:mod:`.statistics.series`).
        as_of: The run's day.
        population_forecast: (region_code, year) → inhabitants.
        one_plant: Regions to flag ``one_plant`` (:func:`klimatpuls.statistics.series.find_one_plant`).
        proxy_poor: Regions whose targets on the proxy are flagged ``proxy_poor``
            (:func:`klimatpuls.statistics.trading.find_poor`).
        allow_aviation: Give a standing also where domestic aviation could not be taken out of the
            boundary (tests of the formulas alone); otherwise such rows are ``insufficient_data``.

    Returns:
        One row per target × region: :data:`MART_COLUMNS` and :data:`EXTRA_COLUMNS`. Rates are fractions
        per year; ``hangs_on`` is a tuple of years, ``flags`` a sorted tuple of text; counts and years are
        nullable integers; undefined values are NULL, with ``reason`` where there is no status.

    Example: 100, 90, 80, 70, 60 t in 2015, 2020, 2022, 2023, 2024 and a fixed level of 50 t in 2030 →
    required rate 1 − (50/60)^(1/6) = 0.0299.
    """
    matrices = {name: to_matrix(series) for name, series in series_by_boundary.items()}
    frames = [
        _evaluate_one(
            target,
            matrices.get(target.boundary),
            as_of=as_of,
            forecast=population_forecast or {},
            flagged={ONE_PLANT: frozenset(one_plant), PROXY_POOR: frozenset(proxy_poor)},
            allow_aviation=allow_aviation,
        )
        for target in targets
    ]
    return _finish(frames)


def evaluate_matrix(
    target: Target,
    matrix: SeriesMatrix,
    base: FloatArray,
    *,
    as_of: dt.date,
    population_forecast: Mapping[tuple[str, int], float] | None = None,
    allow_aviation: bool = False,
) -> dict[str, NDArray[Any]]:
    """Evaluate the status of one target on a series, with base values of any release (methods section 7).

    The steps of a revision need a status many times over, so rates, paths and the years that a verdict hangs
    on are left out.

    Args:
        target: The target; its owner does not restrict the rows.
        matrix: The series.
        base: Base values, tonnes CO2e, shape ``(n_regions,)``.
        as_of: The run's day.
        population_forecast: (region_code, year) → inhabitants.
        allow_aviation: As in :func:`evaluate_all`.

    Returns:
        Column of :data:`STATUS_COLUMNS` → its values, one per region of ``matrix``, equal to those of
        :func:`evaluate_all`.

    Example: series falling to 60 t in 2024 and base 100 t, 50 % below → level 50 t, last 60 t.
    """
    case = _build_case(target, matrix, base, as_of, population_forecast or {}, allow_aviation=allow_aviation)
    verdict = _evaluate_status(case, matrix.observed)
    gap, _ = _gaps(case, verdict)
    counted, known = verdict.count.n > 0, verdict.last_year > 0
    return {
        "status": verdict.status,
        "variants_met": np.where(counted, verdict.count.met, np.nan),
        "variants_n": np.where(counted, verdict.count.n, np.nan),
        "central_tco2e": verdict.count.central,
        "level_tco2e": case.level,
        "gap_tco2e": gap,
        "last_year": np.where(known, verdict.last_year, np.nan),
        "last_tco2e": verdict.last,
    }


def is_at_or_below(value: FloatArray, level: FloatArray) -> BoolArray:
    """Whether a value is at or below the level, however a processor rounded its sums (methods section 6).

    Args:
        value: Tonnes CO2e.
        level: Tonnes CO2e, of a shape that broadcasts with it.

    Returns:
        True within :data:`ROUNDING` of the level; False where either is NaN.

    Example: 37.00000000001 t against a level of 37 t → True.
    """
    within: BoolArray = value <= level + ROUNDING * np.abs(level)
    return within


def count_at_or_below(projected: FloatArray, level: FloatArray) -> tuple[IntArray, IntArray]:
    """Count the variants that end at or below the level (methods section 6).

    Args:
        projected: Tonnes CO2e per variant, shape ``(n_regions, n_variants)``, NaN where one is not defined.
        level: Tonnes CO2e, shape ``(n_regions,)``.

    Returns:
        The number at or below and the number defined, each of shape ``(n_regions,)``.

    Example: 30, 40 and NaN t against 37 t → 1 of 2.
    """
    defined = ~np.isnan(projected)
    return (defined & is_at_or_below(projected, level[:, None])).sum(axis=1), defined.sum(axis=1)


def name_counts(met: IntArray, n: IntArray) -> NDArray[np.object_]:
    """Name the status of a count of variants (methods section 6).

    Args:
        met: Variants at or below the level, shape ``(n_regions,)``.
        n: Variants defined, same shape.

    Returns:
        One of the five counted statuses each; ``insufficient_data`` where no variant is defined.

    Example: 7 of 8 → ``most_below``; 4 of 8 → ``split``; 0 of 6 → ``none_below``.
    """
    names = np.select(
        [n == 0, met == n, 2 * met > n, 2 * met == n, met > 0],
        [INSUFFICIENT_DATA, ALL_BELOW, MOST_BELOW, SPLIT, FEW_BELOW],
        default=NONE_BELOW,
    )
    return names.astype(object)


def variant_outcomes(target: Target, matrix: SeriesMatrix, *, as_of: dt.date) -> FloatArray:
    """Whether each variant ends at or below the level of a target, per region (methods section 6).

    Args:
        target: A target other than a carbon budget; its owner does not restrict the rows.
        matrix: The series of its boundary.
        as_of: The run's day.

    Returns:
        1 at or below the level and 0 above, shape ``(n_regions, n_variants)``; NaN for a variant that is not
        defined, and for a region without a count.

    Example: of eight variants seven end below → seven 1 and one 0.
    """
    case = _build_case(target, matrix, base_values(target, matrix), as_of, {}, allow_aviation=False)
    points = _evaluate_status(case, matrix.observed).points
    ends = trend.project(matrix.years, points, np.array([case.year]))[:, 0, :]
    return np.where(np.isnan(ends), np.nan, is_at_or_below(ends, case.level[:, None]))


def build_verdict_record(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Calculate how often earlier verdicts came true (methods section 6).

    Args:
        verdicts: One row per earlier verdict: ``status`` (one of the five counted statuses or
            ``below_level``), ``target_year`` (the outcome year) and ``came_true``, True when the observed
            value of that year was at or below the level.

    Returns:
        One row per status × target_year: ``verdicts_n``, ``came_true_n``, ``came_true_pct``. Statuses
        without an outcome have no row.

    Example: three verdicts ``most_below`` for 2024, two of them at the level → 66.7 %.
    """
    grouped = verdicts.groupby(["status", "target_year"], sort=True)["came_true"]
    record = grouped.agg(verdicts_n="size", came_true_n="sum").reset_index()
    record["came_true_n"] = record["came_true_n"].astype(np.int64)
    record["came_true_pct"] = 100.0 * record["came_true_n"] / record["verdicts_n"]
    return record


def _evaluate_one(
    target: Target,
    matrix: SeriesMatrix | None,
    *,
    as_of: dt.date,
    forecast: Mapping[tuple[str, int], float],
    flagged: Mapping[str, frozenset[str]],
    allow_aviation: bool,
) -> dict[str, object]:
    """Evaluate one target on all its rows; columns as arrays and lists."""
    owner = target.region_code
    if matrix is not None and owner is not None:
        matrix = matrix.select([owner])
    if matrix is None or not matrix.region_codes:
        reason = "boundary_missing" if matrix is None else "region_missing"
        return _nothing(target, owner, reason, as_of)
    base = base_values(target, matrix)
    case = _build_case(target, matrix, base, as_of, forecast, allow_aviation=allow_aviation)
    return _evaluate_case(case, flagged)


def _evaluate_case(case: _Case, flagged: Mapping[str, frozenset[str]]) -> dict[str, object]:
    target, matrix = case.target, case.matrix
    verdict = _evaluate_status(case, case.matrix.observed)
    before = _evaluate_status(case, _without_newest(case.matrix.observed))
    flags = [
        _flags(target, code, own, flagged)
        for code, own in zip(matrix.region_codes, matrix.flags, strict=True)
    ]
    return {
        **_describe(case, verdict),
        **_measure(case, verdict),
        **_describe_before(verdict, before),
        **_budget_columns(case, verdict),
        "hangs_on": _hangs_on(case, verdict),
        "flags": flags,
        "release_id": [release or None for release in matrix.release_ids],
    }


def _finish(frames: Sequence[dict[str, object]]) -> pd.DataFrame:
    """Join the columns of all targets, in order and with their types."""
    columns = [*MART_COLUMNS, *EXTRA_COLUMNS]
    if not frames:
        return pd.DataFrame(columns=columns)
    merged = pd.concat([pd.DataFrame(frame) for frame in frames], ignore_index=True)
    for name in _INTEGER_COLUMNS:
        merged[name] = pd.array(merged[name].to_numpy(dtype=np.float64), dtype="Int64")
    return merged[columns]


def _build_case(
    target: Target,
    matrix: SeriesMatrix,
    base: FloatArray,
    as_of: dt.date,
    forecast: Mapping[tuple[str, int], float],
    *,
    allow_aviation: bool,
) -> _Case:
    year = target.evaluation_year(as_of)
    population = np.array([forecast.get((code, year), np.nan) for code in matrix.region_codes])
    reasons = {
        TargetType.FIXED_LEVEL_PER_CAPITA: "no_population_forecast",
        TargetType.NET_ZERO: "no_stated_cap" if target.residual_percent is None else "base_year_missing",
    }
    return _Case(
        target=target,
        matrix=matrix,
        year=year,
        base=base,
        level=levels(target, base, year, population),
        as_of=as_of,
        allow_aviation=allow_aviation,
        level_reason=reasons.get(target.target_type, "base_year_missing"),
    )


def _evaluate_status(case: _Case, observed: FloatArray) -> _Verdict:
    """Status and count from a set of observed values, by the rules of the module's docstring."""
    years = case.matrix.years
    last_year, last = trend.last_observed(years, observed)
    points = trend.select_points(years, observed)
    ahead = case.year - last_year
    counted = (points.reason == "") & (ahead > 0) & (ahead <= MAX_YEARS_AHEAD) & ~np.isnan(case.level)
    usable = np.where(counted[:, None], points.values, np.nan)
    count = _count_budget(case, usable, last_year) if case.is_budget else _count_level(case, usable)
    outcome = _outcome(case)
    below = np.zeros(len(last), dtype=np.bool_) if case.is_budget else is_at_or_below(last, case.level)
    unknown_aviation = np.array(
        [AVIATION_INCLUDED in own and not case.allow_aviation for own in case.matrix.flags], dtype=np.bool_
    )
    no_level = np.isnan(case.level)
    observed_year = (last_year > 0) & (ahead <= 0)
    unstarted = _budget_start_missing(case)
    insufficient = points.reason != ""
    no_level_status = INSUFFICIENT_DATA if case.level_reason == "no_population_forecast" else NOT_COMPUTABLE
    rules: list[tuple[BoolArray, str, str | NDArray[np.str_]]] = [
        (no_level, no_level_status, case.level_reason),
        (unknown_aviation, INSUFFICIENT_DATA, "aviation_unknown"),
        (unstarted, NOT_COMPUTABLE, "budget_start_missing"),
        (observed_year & np.isnan(outcome), NOT_COMPUTABLE, "target_year_missing"),
        (observed_year & is_at_or_below(outcome, case.level), MET, ""),
        (observed_year, MISSED, ""),
        (np.full(len(last), case.as_of.year > case.year), AWAITING_DATA, ""),
        (insufficient, INSUFFICIENT_DATA, points.reason),
        (below, BELOW_LEVEL, ""),
        (ahead > MAX_YEARS_AHEAD, TOO_FAR, ""),
    ]
    conditions = [condition for condition, _, _ in rules]
    counted_status = name_counts(count.met, count.n)
    status = np.select(conditions, [name for _, name, _ in rules], default=counted_status.astype(str))
    reason = np.select(conditions, [text for _, _, text in rules], default="")
    return _Verdict(
        status=status.astype(object),
        reason=reason.astype(object),
        count=count,
        last_year=last_year,
        last=last,
        points=usable,
    )


def _outcome(case: _Case) -> FloatArray:
    """The observed (or linked) value that decides the target in the end."""
    if not case.is_budget:
        return case.matrix.at(case.year)
    first = int(case.target.budget_start_year or case.year)
    total: FloatArray = fill_gap_years(case.matrix.years, case.matrix.values, first, case.year).sum(axis=1)
    return total


def _budget_start_missing(case: _Case) -> BoolArray:
    """Whether a budget begins before the first year of any release."""
    if not case.is_budget or case.target.budget_start_year is None:
        return np.zeros(len(case.level), dtype=np.bool_)
    present = ~np.isnan(case.matrix.values)
    first = np.where(present, case.matrix.years, BUDGET_HORIZON).min(axis=1)
    missing: BoolArray = first > case.target.budget_start_year
    return missing


def _count_level(case: _Case, points: FloatArray) -> _Count:
    """Count the variants that end at or below the level in the target year."""
    return _count(trend.project(case.matrix.years, points, np.array([case.year]))[:, 0, :], case.level)


def _count_budget(case: _Case, points: FloatArray, last_year: IntArray) -> _Count:
    """Count the variants whose total over the budget's years is within the budget."""
    years = np.arange(int(case.target.budget_start_year or case.year), case.year + 1)
    projected = trend.project(case.matrix.years, points, years)
    filled = fill_gap_years(case.matrix.years, case.matrix.values, int(years[0]), int(years[-1]))
    past = years[None, :] <= last_year[:, None]
    combined = np.where(past[:, :, None], filled[:, :, None], projected)
    return _count(combined.sum(axis=1), case.level)


def _count(projected: FloatArray, level: FloatArray) -> _Count:
    defined = ~np.isnan(projected)
    met, count = count_at_or_below(projected, level)
    some = defined.any(axis=1)
    low = np.where(defined, projected, np.inf).min(axis=1)
    high = np.where(defined, projected, -np.inf).max(axis=1)
    return _Count(
        met=met,
        n=count,
        central=trend.central(projected),
        low=np.where(some, low, np.nan),
        high=np.where(some, high, np.nan),
    )


def _without_newest(observed: FloatArray) -> FloatArray:
    """The observed values without the newest of each region."""
    present = ~np.isnan(observed)
    newest = present & (present[:, ::-1].cumsum(axis=1)[:, ::-1] == 1)
    return np.where(newest, np.nan, observed)


def _hangs_on(case: _Case, verdict: _Verdict) -> list[tuple[int, ...]]:
    """Years, never the newest, whose removal moves the central projection across the level."""
    years, points = case.matrix.years, verdict.points
    found: list[list[int]] = [[] for _ in verdict.last]
    below = is_at_or_below(verdict.count.central, case.level)
    for column in np.flatnonzero((~np.isnan(points)).any(axis=0)):
        removable = ~np.isnan(points[:, column]) & (verdict.last_year != years[column])
        if not removable.any():
            continue
        fewer = points.copy()
        fewer[:, column] = np.nan
        fewer[~removable] = np.nan
        without = _central(case, fewer, verdict.last_year)
        for row in np.flatnonzero(removable & (is_at_or_below(without, case.level) != below)):
            found[row].append(int(years[column]))
    return [tuple(own) for own in found]


def _central(case: _Case, points: FloatArray, last_year: IntArray) -> FloatArray:
    """The central projection alone, of the target year or the sum of the budget's years."""
    if not case.is_budget:
        return trend.project_central(case.matrix.years, points, np.array([case.year]))[:, 0]
    return _count_budget(case, points, last_year).central


def _describe(case: _Case, verdict: _Verdict) -> dict[str, object]:
    """Columns on what was evaluated, on which data, with which count."""
    target, rows = case.target, len(verdict.last)
    counted = verdict.count.n > 0
    awaiting = verdict.status == AWAITING_DATA
    month = f"{case.year + PUBLISHING_LAG_YEARS}-{PUBLISHING_MONTH:02d}"
    lag = (case.as_of.year - verdict.last_year - 1) * 12 + case.as_of.month - 1
    known = verdict.last_year > 0
    return {
        "region_code": list(case.matrix.region_codes),
        "target_id": [target.target_id] * rows,
        "is_own_target": [target.is_own] * rows,
        "boundary": [target.boundary] * rows,
        "base_year": np.full(rows, np.nan if target.base_year is None else target.base_year),
        "target_year": np.full(rows, float(case.year)),
        "level_tco2e": case.level,
        "last_year": np.where(known, verdict.last_year, np.nan),
        "last_tco2e": verdict.last,
        "status": verdict.status,
        "reason": verdict.reason,
        "variants_met": np.where(counted, verdict.count.met, np.nan),
        "variants_n": np.where(counted, verdict.count.n, np.nan),
        "central_tco2e": verdict.count.central,
        "spread_low_tco2e": verdict.count.low,
        "spread_high_tco2e": verdict.count.high,
        "method_version": [METHOD_VERSION] * rows,
        "as_of_date": pd.Series([case.as_of] * rows, dtype=object),
        "expected_month": pd.Series([month if wait else None for wait in awaiting], dtype=object),
        "data_lag_months": np.where(known, lag, np.nan),
    }


def _measure(case: _Case, verdict: _Verdict) -> dict[str, object]:
    """Gap, required and achieved rate, position on the path."""
    target = case.target
    left = (case.year - verdict.last_year).astype(np.float64)
    ahead = (left > 0) & (verdict.last_year > 0) & (not case.is_budget)
    gap, observed_gap = _gaps(case, verdict)
    years_left = np.where(ahead, left, np.nan)
    required = required_annual_reduction_rates(verdict.last, case.level, years_left)
    in_tonnes = ahead & np.isnan(required)
    start_year, path = path_values(target, case.matrix, case.base, case.level, verdict.last_year)
    position = verdict.last - path
    positive_base = np.where(case.base > 0, case.base, np.nan)
    years, observed = case.matrix.years, case.matrix.observed
    achieved_from = achieved_from_year(years, observed)
    base_status: list[str | None] = [None] * len(gap)
    if target.base_year is not None and target.base_year in years:
        column = int(np.flatnonzero(years == target.base_year)[0])
        base_status = [
            PROXY_BASE if uses_national_proxy(target, code) and status != OFFICIAL else str(status) or None
            for code, status in zip(case.matrix.region_codes, case.matrix.status[:, column], strict=True)
        ]
    return {
        "base_tco2e": case.base,
        "base_status": pd.Series(base_status, dtype=object),
        "gap_tco2e": gap,
        "gap_pct_of_base": 100.0 * gap / positive_base,
        "observed_gap_tco2e": observed_gap,
        "required_annual_reduction_rate": required,
        "required_reduction_t_per_year": np.where(
            in_tonnes, (verdict.last - case.level) / years_left, np.nan
        ),
        "achieved_annual_reduction_rate": reduction_since(years, observed, achieved_from),
        "achieved_from_year": achieved_from,
        "annual_reduction_since_2015": reduction_since(
            years, observed, np.full(len(gap), float(trend.TREND_FROM_YEAR))
        ),
        "path_start_year": np.where(np.isnan(path) | (start_year is None), np.nan, start_year or 0),
        "path_position_tco2e": position,
        "path_position_pct_of_base": 100.0 * position / positive_base,
    }


def _gaps(case: _Case, verdict: _Verdict) -> tuple[FloatArray, FloatArray]:
    """Central projection and latest value above the level; the outcome above the level once it is final."""
    if case.target.target_type == TargetType.NET_ZERO and case.target.residual_percent is None:
        return verdict.last, verdict.last
    final = np.isin(verdict.status, (MET, MISSED))
    outcome = _outcome(case)
    gap = np.where(final, outcome, verdict.count.central) - case.level
    observed_gap = np.where(final, outcome, np.nan if case.is_budget else verdict.last) - case.level
    return gap, observed_gap


def _describe_before(verdict: _Verdict, before: _Verdict) -> dict[str, object]:
    """How much the newest year weighs: the status without it."""
    counted = before.count.n > 0
    known = verdict.last_year > 0
    return {
        "before_year": np.where(known, verdict.last_year, np.nan),
        "before_status": before.status,
        "before_variants_met": np.where(counted, before.count.met, np.nan),
        "before_variants_n": np.where(counted, before.count.n, np.nan),
        "before_central_tco2e": before.count.central,
    }


def _budget_columns(case: _Case, verdict: _Verdict) -> dict[str, object]:
    """Share of budget and time used, and the year in which the central projection uses the budget up."""
    rows = len(verdict.last)
    if not case.is_budget or case.target.budget_start_year is None:
        empty = np.full(rows, np.nan)
        return {name: empty for name in EXTRA_COLUMNS if name.startswith("budget_")}
    start, end = case.target.budget_start_year, case.year
    years = np.arange(start, BUDGET_HORIZON + 1)
    past = years[None, :] <= verdict.last_year[:, None]
    filled = fill_gap_years(case.matrix.years, case.matrix.values, start, BUDGET_HORIZON)
    projected = trend.central(trend.project(case.matrix.years, verdict.points, years))
    yearly = np.where(past, filled, projected)
    over = yearly.cumsum(axis=1) > case.level[:, None]
    spent = np.where(past, filled, 0.0).sum(axis=1)
    used_years = np.clip(verdict.last_year - start + 1, 0, end - start + 1)
    return {
        "budget_used_share": spent / case.level,
        "budget_time_used_share": used_years / (end - start + 1),
        "budget_runs_out_year": np.where(over.any(axis=1), years[over.argmax(axis=1)], np.nan),
    }


def _flags(
    target: Target, region_code: str, own: tuple[str, ...], flagged: Mapping[str, frozenset[str]]
) -> tuple[str, ...]:
    flags = {*own, *(flag for flag, regions in flagged.items() if region_code in regions)}
    if target.target_type == TargetType.CARBON_BUDGET:
        flags.add("carbon_budget")
    if target.boundary == EFFORT_SHARING_PROXY and OFFICIAL not in own:
        flags.add("proxy")
    else:
        flags.discard(PROXY_POOR)
    return tuple(sorted(flags))


def _nothing(target: Target, owner: str | None, reason: str, as_of: dt.date) -> dict[str, object]:
    """One row for an own target that has no series, none for a comparison line."""
    rows = 0 if owner is None else 1
    known: dict[str, object] = {
        "region_code": owner,
        "target_id": target.target_id,
        "is_own_target": target.is_own,
        "boundary": target.boundary,
        "base_year": np.nan if target.base_year is None else target.base_year,
        "target_year": target.evaluation_year(as_of),
        "status": NOT_COMPUTABLE,
        "reason": reason,
        "hangs_on": (),
        "flags": (),
        "method_version": METHOD_VERSION,
        "as_of_date": as_of,
    }
    texts = {"base_status", "before_status", "expected_month", "release_id"}
    return {
        name: [known.get(name, None if name in texts else np.nan)] * rows
        for name in (*MART_COLUMNS, *EXTRA_COLUMNS)
    }
