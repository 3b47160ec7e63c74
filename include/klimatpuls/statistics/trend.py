"""Trends and projections of short, irregular series (methods section 3).

All functions work on many series at once: ``values`` has shape ``(n_series, n_years)``, in tonnes CO2e,
with NaN where a year has no value; ``years`` has shape ``(n_years,)`` and ascends. Functions raise ValueError
if years do not ascend or shapes do not match. Rows with the same years are fitted together, so 290
municipalities are one call.

Nothing here is an interval or a probability. The eight variants share the same few points, so their spread
is a spread of methods, and every report calls it that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Method = Literal["lad", "ols", "theil_sen", "constant_rate"]

TREND_FROM_YEAR: Final = 2015
MIN_POINTS: Final = 4
MIN_SPAN_YEARS: Final = 5
TIE_TOLERANCE: Final = 1e-12
"""Sums of absolute residuals closer than this share of the sum of absolute values are equal."""

TOO_FEW_POINTS: Final = "too_few_points"
SPAN_TOO_SHORT: Final = "span_too_short"


@dataclass(frozen=True)
class Variant:
    """One method variant: a method of fitting, free or anchored at the last point."""

    code: str
    method: Method
    anchored: bool
    title_sv: str
    title_en: str


_METHODS: Final[tuple[tuple[Method, str, str], ...]] = (
    ("constant_rate", "Konstant takt", "Constant rate"),
    ("lad", "Minsta absolutavvikelse", "Least absolute deviations"),
    ("ols", "Minsta kvadrat", "Least squares"),
    ("theil_sen", "Theil–Sen", "Theil–Sen"),
)
VARIANTS: Final[tuple[Variant, ...]] = tuple(
    variant
    for method, sv, en in _METHODS
    for variant in (
        Variant(f"{method}_free", method, False, sv, en),
        Variant(
            f"{method}_anchored", method, True, f"{sv} från senaste värdet", f"{en} from the latest value"
        ),
    )
)
"""The method variants, in the order of the last axis of :func:`project`."""

CENTRAL_VARIANT: Final = 1
"""Index of the central one: the constant rate, anchored. The backtest chose it (decision 21)."""


@dataclass(frozen=True)
class Lines:
    """One fitted line per series: ``value(x) = intercept + slope * x``, x in years from the last point.

    For the method ``constant_rate`` both are in natural logarithms: ``ln value(x)``.
    """

    intercept: FloatArray
    slope: FloatArray


@dataclass(frozen=True)
class Points:
    """The points that a trend may use, per series.

    Attributes:
        values: The values with everything else set to NaN, tonnes CO2e, shape ``(n_series, n_years)``.
        reason: Per series ``""`` where the trend is defined, else ``too_few_points`` or
            ``span_too_short``.
    """

    values: FloatArray
    reason: NDArray[np.str_]


def select_points(
    years: IntArray,
    values: FloatArray,
    *,
    trend_from_year: int = TREND_FROM_YEAR,
    excluded: BoolArray | None = None,
) -> Points:
    """Choose the full set of points of each series (methods section 3).

    Args:
        years: Calendar years.
        values: Observed tonnes CO2e.
        trend_from_year: First year a trend may use.
        excluded: True where a value is a known defect, same shape as ``values``.

    Returns:
        The points, and per series why there is no trend: fewer than 4 points, or spanning under 5 years.

    Example: 2015–2019 are five points that span four years → ``span_too_short``.
    """
    _check_shapes(years, values)
    kept = np.where(years >= trend_from_year, values, np.nan)
    if excluded is not None:
        kept = np.where(excluded, np.nan, kept)
    present = ~np.isnan(kept)
    count = present.sum(axis=1)
    first = np.where(present, years, np.iinfo(np.int64).max).min(axis=1, initial=np.iinfo(np.int64).max)
    last = np.where(present, years, np.iinfo(np.int64).min).max(axis=1, initial=np.iinfo(np.int64).min)
    too_few = count < MIN_POINTS
    span = np.where(too_few, 0, last - np.where(too_few, last, first))
    reason = np.where(too_few, TOO_FEW_POINTS, np.where(span < MIN_SPAN_YEARS, SPAN_TOO_SHORT, ""))
    return Points(values=kept, reason=reason)


def fit_lad(x: FloatArray, y: FloatArray) -> Lines:
    """Fit lines of least absolute deviations, exactly (methods section 3).

    An optimal line passes through two of the points, so every pair is tried. Sums that differ by less
    than ``1e-12 * sum |y|`` are ties, won by the slope nearest to zero; slopes equal in size to the same
    precision go to the pair that comes first in time.

    Args:
        x: Years from the last point, distinct, shape ``(n_years,)``, at least two.
        y: Values without NaN, shape ``(n_series, n_years)``.

    Returns:
        One line per series, in the units of ``y`` and of ``y`` per year.

    Raises:
        ValueError: with fewer than two points.

    Example: x = -3, -2, -1, 0 and y = 9, 8, 0, 6 → slope -1, intercept 6 (the outlier is ignored).
    """
    first, second = _pairs(x)
    slopes = (y[:, second] - y[:, first]) / (x[second] - x[first])
    intercepts = y[:, first] - slopes * x[first]
    residuals = y[:, None, :] - intercepts[:, :, None] - slopes[:, :, None] * x
    sums = np.abs(residuals).sum(axis=2)
    scale = TIE_TOLERANCE * np.abs(y).sum(axis=1, keepdims=True)
    tied = sums <= sums.min(axis=1, keepdims=True) + scale
    size = np.where(tied, np.abs(slopes), np.inf)
    nearest = size <= size.min(axis=1, keepdims=True) + scale / (x.max() - x.min())
    chosen = nearest.argmax(axis=1)
    rows = np.arange(len(y))
    return Lines(intercept=intercepts[rows, chosen], slope=slopes[rows, chosen])


def fit_ols(x: FloatArray, y: FloatArray) -> Lines:
    """Fit lines of least squares (methods section 3).

    Arguments and errors as for :func:`fit_lad`.

    Returns:
        One line per series.

    Example: x = -2, -1, 0 and y = 5, 3, 4 → slope -0.5, intercept 3.5.
    """
    _pairs(x)
    centred = x - x.mean()
    slope = (y - y.mean(axis=1, keepdims=True)) @ centred / (centred @ centred)
    return Lines(intercept=y.mean(axis=1) - slope * x.mean(), slope=slope)


def fit_theil_sen(x: FloatArray, y: FloatArray) -> Lines:
    """Fit Theil–Sen lines: median of pairwise slopes, intercept = median of (y - b x) (methods section 3).

    Arguments and errors as for :func:`fit_lad`.

    Returns:
        One line per series. The median of an even number is the mean of the middle two.

    Example: x = -2, -1, 0 and y = 5, 3, 4 → slopes -2, -0.5, 1 → slope -0.5, intercept 4.
    """
    first, second = _pairs(x)
    slope = np.median((y[:, second] - y[:, first]) / (x[second] - x[first]), axis=1)
    return Lines(intercept=np.median(y - slope[:, None] * x, axis=1), slope=slope)


def fit_constant_rate(x: FloatArray, y: FloatArray) -> Lines:
    """Fit a constant yearly rate: least squares on ln y (methods section 3).

    Arguments and errors as for :func:`fit_lad`.

    Returns:
        One line per series in ln y; NaN where a point is zero or negative.

    Example: y = 100, 50, 25 one year apart → slope ln 0.5, projected one year on: 12.5.
    """
    positive: BoolArray = np.all(y > 0, axis=1).reshape(-1)
    lines = fit_ols(x, np.log(np.where(positive[:, None], y, 1.0)))
    return Lines(
        intercept=np.where(positive, lines.intercept, np.nan), slope=np.where(positive, lines.slope, np.nan)
    )


_FITS: Final[dict[Method, Callable[[FloatArray, FloatArray], Lines]]] = {
    "lad": fit_lad,
    "ols": fit_ols,
    "theil_sen": fit_theil_sen,
    "constant_rate": fit_constant_rate,
}


def fit(years: IntArray, values: FloatArray, method: Method) -> Lines:
    """Fit one line per series, each centred at its own last year with a value (methods section 3).

    Args:
        years: Calendar years.
        values: Tonnes CO2e.
        method: ``lad``, ``ols``, ``theil_sen`` or ``constant_rate``.

    Returns:
        Lines; NaN for series with fewer than two points (and for ``constant_rate`` with a point <= 0).

    Example: years 2020, 2022, 2024 with 30, 20, 10 t → slope -5 t per year, intercept 10 t (2024).
    """
    _check_shapes(years, values)
    intercept = np.full(len(values), np.nan)
    slope = np.full(len(values), np.nan)
    for rows, columns in _groups(values):
        if len(columns) < 2:
            continue
        x = (years[columns] - years[columns[-1]]).astype(np.float64)
        lines = _FITS[method](x, values[np.ix_(rows, columns)])
        intercept[rows], slope[rows] = lines.intercept, lines.slope
    return Lines(intercept=intercept, slope=slope)


def last_observed(years: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Find the last year with a value and that value.

    Returns:
        Year (0 where a series has no value at all) and value in tonnes CO2e (NaN there), each of shape
        ``(n_series,)``.

    Example: years 2023, 2024 with 7 t and NaN → 2023, 7 t.
    """
    _check_shapes(years, values)
    present = ~np.isnan(values)
    if not len(years):
        return np.zeros(len(values), dtype=np.int64), np.full(len(values), np.nan)
    column = len(years) - 1 - present[:, ::-1].argmax(axis=1)
    some = present.any(axis=1)
    return np.where(some, years[column], 0), values[np.arange(len(values)), column]


def project(years: IntArray, values: FloatArray, target_years: IntArray) -> FloatArray:
    """Project every series along every variant (methods section 3).

    Args:
        years: Calendar years.
        values: The points to use, tonnes CO2e, NaN elsewhere, shape ``(n_series, n_years)``
            (see :func:`select_points`).
        target_years: Years to project to, shape ``(n_targets,)``.

    Returns:
        Tonnes CO2e, shape ``(n_series, n_targets, 8)`` in the order of :data:`VARIANTS`. Linear
        projections floor at 0. NaN where a variant is not defined, so six remain when a point is zero
        or negative and none with fewer than two points.

    Example: 100, 50, 25 t in 2022–2024, to 2025 → constant rate 12.5 t, least squares free 0 t
        (-16.7 t floored).
    """
    _check_shapes(years, values)
    last_year, last_value = last_observed(years, values)
    ahead = target_years[None, :] - last_year[:, None]
    lines = {method: fit(years, values, method) for method in _FITS}
    projected = np.empty((len(values), len(target_years), len(VARIANTS)))
    for index, variant in enumerate(VARIANTS):
        line = lines[variant.method]
        step = line.slope[:, None] * ahead
        if variant.method == "constant_rate":
            start = last_value[:, None] if variant.anchored else np.exp(line.intercept)[:, None]
            projected[:, :, index] = start * np.exp(step)
        else:
            start = last_value[:, None] if variant.anchored else line.intercept[:, None]
            projected[:, :, index] = np.maximum(start + step, 0.0)
    return projected


def central(projected: FloatArray) -> FloatArray:
    """Take the central projection out of the variants (methods section 3).

    Args:
        projected: As :func:`project` gives it, variants on the last axis, tonnes CO2e.

    Returns:
        The constant rate, anchored; where it is not defined the median of the variants that are; NaN where
        none is. Tonnes CO2e, one axis fewer.

    Example: constant rate NaN and the six others 1, 2, 3, 4, 5, 6 t → 3.5 t.
    """
    chosen = projected[..., CENTRAL_VARIANT]
    missing = np.isnan(chosen)
    if not missing.any():
        return chosen.copy()
    rest = np.sort(projected, axis=-1)  # NaN sorts last
    count = (~np.isnan(projected)).sum(axis=-1)
    low = np.take_along_axis(rest, np.maximum((count - 1) // 2, 0)[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(rest, np.minimum(count // 2, rest.shape[-1] - 1)[..., None], axis=-1)[..., 0]
    return np.where(missing, np.where(count > 0, (low + high) / 2, np.nan), chosen)


def project_central(years: IntArray, values: FloatArray, target_years: IntArray) -> FloatArray:
    """Project along the central projection alone (methods section 3).

    Args:
        years: Calendar years.
        values: The points to use, tonnes CO2e, NaN elsewhere, shape ``(n_series, n_years)``.
        target_years: Years to project to, shape ``(n_targets,)``.

    Returns:
        Tonnes CO2e, shape ``(n_series, n_targets)``; equal to ``central(project(...))``, but faster: only the
        needed variants are calculated.

    Example: 100, 50, 25 t in 2022–2024, to 2025 → 12.5 t.
    """
    last_year, last_value = last_observed(years, values)
    line = fit(years, values, "constant_rate")
    ahead = target_years[None, :] - last_year[:, None]
    chosen: FloatArray = last_value[:, None] * np.exp(line.slope[:, None] * ahead)
    rest = np.flatnonzero(np.isnan(line.slope) & ((~np.isnan(values)).sum(axis=1) >= 2))
    if len(rest):
        chosen[rest] = central(project(years, values[rest], target_years))
    return chosen


def _groups(values: FloatArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield (rows, columns) of the series that have the same years available."""
    if not values.size:
        return
    present = np.ascontiguousarray(~np.isnan(values))
    # Each row of booleans is read as one word of bytes: sorting words is many times faster than rows.
    words = present.view(f"S{present.shape[1]}").reshape(-1)
    _, first, group = np.unique(words, return_index=True, return_inverse=True)
    for index, row in enumerate(first):
        yield np.flatnonzero(group == index), np.flatnonzero(present[row])


def _pairs(x: FloatArray) -> tuple[IntArray, IntArray]:
    """Give the indices of all pairs of points, in the order of time."""
    if len(x) < 2:
        msg = f"a line needs at least two points, got {len(x)}"
        raise ValueError(msg)
    first, second = np.triu_indices(len(x), k=1)
    return first.astype(np.int64), second.astype(np.int64)


def _check_shapes(years: IntArray, values: FloatArray) -> None:
    if values.ndim != 2 or values.shape[1] != len(years):
        msg = f"values must have shape (n_series, {len(years)}) for {len(years)} years, got {values.shape}"
        raise ValueError(msg)
    if len(years) > 1 and (np.diff(years) <= 0).any():
        msg = f"years must ascend without repeats, got {years.tolist()}"
        raise ValueError(msg)


def participation_ratio(outcomes: FloatArray) -> float:
    """Effective number of independent variants among several that tend to agree (methods section 6).

    Args:
        outcomes: One row per series, one column per variant, such as 1 for at or below a level and 0 for
            above; shape ``(n_series, n_variants)``. Rows with NaN are left out, and so are variants with the
            same outcome for every series: they distinguish nothing.

    Returns:
        (Σλ)² ÷ Σλ² over the eigenvalues λ of the variants' correlation matrix: 1 where they always agree,
        their number where they are independent; NaN where no variant distinguishes two series.

    Example: two variants that always agree → 1.0; two that agree in half of the cases → 2.0.
    """
    known = outcomes[~np.isnan(outcomes).any(axis=1)]
    varying = known[:, np.ptp(known, axis=0) > 0] if len(known) else known[:, :0]
    if not varying.shape[1]:
        return float("nan")
    weights = np.linalg.eigvalsh(np.atleast_2d(np.corrcoef(varying, rowvar=False)))
    return float(weights.sum() ** 2 / (weights**2).sum())
