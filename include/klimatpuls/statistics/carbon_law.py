"""Indicators by Klimatkollen's method, named as theirs (methods section 4).

The method of Klimatkollen (territorial-data-pipeline, 2026) compares two lines: a line of least absolute
deviations through the published totals from 2015 on, shifted to pass through the latest value, and a path
that falls 11.72 % a year (the "Carbon Law") from the same starting level. Where the verdict is shown, the
reader learns that it rests on six points and an anchor only.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from klimatpuls.statistics import trend
from klimatpuls.statistics.series import to_matrix

if TYPE_CHECKING:
    from klimatpuls.statistics.trend import BoolArray, FloatArray, IntArray

FROM_YEAR: Final = 2015
END_YEAR: Final = 2050
YEARLY_FACTOR: Final = 0.8828
"""Share of the emissions left after one year on the Carbon Law path (1 - 0.1172)."""
SECONDS_PER_YEAR: Final = 31_536_000
SHOWN_YEARS: Final = (2030, 2045, 2050)
BASE_YEAR_MISSING: Final = "base_year_missing"
"""No published 2015 above zero, so that there is no yearly rate since then."""
ZERO_POINT: Final = "zero_point"
"""A point before the last is zero, so that there is no mean of rates between points."""


def build_carbon_law(series: pd.DataFrame, reference_year: int) -> pd.DataFrame:
    """Compute Klimatkollen's indicators for every region of a series (methods section 4).

    Only published years from 2015 on are used. A region with fewer than two of them has NULL in every
    column but ``region_code`` and ``reference_year``. A reference year before a region's latest observed
    year is replaced by that year, since the trend starts where the observations end; the column shows the
    year used.

    Args:
        series: Tidy series of the boundary ``published_total`` (see :mod:`klimatpuls.statistics.series`).
        reference_year: The current year of the run, at most 2050.

    Returns:
        One row per region_code with the columns of ``mart.carbon_law`` but ``release_id``. Tonnes CO2e,
        tonnes per year, percent (100 × the fraction). ``net_zero_date`` is a date or None: none when the
        slope is not negative or the crossing lies beyond year 9999. Projections to a year not after the
        latest observed one are NULL. ``annual_change_pct`` is NULL without an observed 2015 above zero;
        ``annual_change_v1_pct`` is NULL where a point before the last is zero. ``status_reason`` says which
        of these holds, the first that does.

    Raises:
        ValueError: if the reference year is after 2050.

    Example: 600, 500, 400 t in 2015, 2020, 2025 with reference year 2025 → slope -20 t per year, trend
    total 4 200 t (21 years), Carbon Law total 400 × (1 - 0.8828^26) / 0.1172 = 3 279 t, not met.
    """
    if reference_year > END_YEAR:
        msg = f"reference year {reference_year} is after {END_YEAR}, where the method of Klimatkollen ends"
        raise ValueError(msg)
    matrix = to_matrix(series)
    from_column = int(np.searchsorted(matrix.years, FROM_YEAR))
    years, values = matrix.years[from_column:], matrix.observed[:, from_column:]
    last_year, last_value = trend.last_observed(years, values)
    slope = trend.fit(years, values, "lad").slope
    known = ~np.isnan(slope)
    start = np.maximum(reference_year, last_year)

    def along(year: IntArray | int) -> FloatArray:
        ahead = np.maximum(last_value + slope * (year - last_year), 0.0)
        return np.where(year >= last_year, ahead, np.nan)

    current = along(start)
    all_years = np.arange(reference_year, END_YEAR + 1)
    counted = all_years[None, :] >= start[:, None]
    line = np.maximum(last_value[:, None] + slope[:, None] * (all_years - last_year[:, None]), 0.0)
    law = current[:, None] * YEARLY_FACTOR ** np.where(counted, all_years - start[:, None], 0)
    trend_total = np.where(counted, line, 0.0).sum(axis=1)
    law_total = np.where(counted, law, 0.0).sum(axis=1)
    shown = {
        f"projected_{year}_tco2e": np.where(year > last_year, along(year), np.nan) for year in SHOWN_YEARS
    }
    rate = np.where(known, 100.0 * annual_change(years, values), np.nan)
    rate_v1 = np.where(known, 100.0 * annual_change_v1(years, values), np.nan)
    reasons = np.select(
        [~known, np.isnan(rate), np.isnan(rate_v1)],
        [trend.TOO_FEW_POINTS, BASE_YEAR_MISSING, ZERO_POINT],
        default="",
    )
    return pd.DataFrame(
        {
            "region_code": list(matrix.region_codes),
            "reference_year": start,
            "emissions_slope_t_per_year": slope,
            "estimated_reference_year_tco2e": current,
            "projected_next_year_tco2e": along(start + 1),
            **shown,
            "trend_total_tco2e": trend_total,
            "carbon_law_total_tco2e": law_total,
            "meets_carbon_law": pd.arrays.BooleanArray(trend_total <= law_total, ~known),
            "net_zero_date": pd.Series(
                map(net_zero_date, last_year.tolist(), last_value.tolist(), slope.tolist()), dtype=object
            ),
            "annual_change_pct": rate,
            "annual_change_v1_pct": rate_v1,
            "status_reason": pd.Series([reason or None for reason in reasons.tolist()], dtype=object),
        }
    )


def net_zero_date(last_year: int, last_tco2e: float, slope: float) -> dt.date | None:
    """Date on which the anchored line reaches zero, as Klimatkollen calculates it (methods section 4).

    Args:
        last_year: Latest observed year.
        last_tco2e: Emissions of that year, tonnes CO2e.
        slope: Tonnes per year.

    Returns:
        The date, a year counted as 365 days; None when the slope is not negative (or not known) or the
        crossing lies beyond year 9999.

    Example: 2024, 100 t, -40 t per year → 2026.5 → 1 January 2026 plus 15 768 000 s → 2026-07-02.
    """
    if not slope < 0:
        return None
    crossing = last_year - last_tco2e / slope
    if crossing >= dt.MAXYEAR:
        return None
    whole = math.floor(crossing)
    start = dt.datetime(whole, 1, 1, tzinfo=dt.UTC)
    return (start + dt.timedelta(seconds=int((crossing - whole) * SECONDS_PER_YEAR))).date()


def annual_change(years: IntArray, values: FloatArray) -> FloatArray:
    """Mean yearly change from 2015 to the latest year as a constant rate (methods section 4).

    Args:
        years: Ascending calendar years, shape ``(n_years,)``.
        values: Tonnes CO2e, NaN where there is none, shape ``(n_series, n_years)``.

    Returns:
        Fraction per year, -0.05 means 5 % less each year; NaN without a 2015 above zero or a later year.

    Example: 100 t in 2015, 50 t in 2025 → 0.5^(1/10) - 1 = -0.067.
    """
    last_year, last_value = trend.last_observed(years, values)
    column = int(np.searchsorted(years, FROM_YEAR))
    if column == len(years) or years[column] != FROM_YEAR:
        return np.full(len(values), np.nan)
    base = values[:, column]
    defined: BoolArray = (base > 0) & (last_year > FROM_YEAR)
    ratio = np.divide(last_value, base, out=np.full(len(values), np.nan), where=defined)
    power: FloatArray = ratio ** (1.0 / np.maximum(last_year - FROM_YEAR, 1))
    return power - 1.0


def annual_change_v1(years: IntArray, values: FloatArray) -> FloatArray:
    """Mean yearly change as Klimatkollen published it until 7 May 2026 (methods section 4).

    Args:
        years: Ascending calendar years, shape ``(n_years,)``; those before 2015 must be left out.
        values: Tonnes CO2e, NaN where there is none, shape ``(n_series, n_years)``.

    Returns:
        Fraction per year: the constant rate between consecutive points, weighted by the years between
        them; NaN with fewer than two points or where a point before the last is zero.

    Example: 100, 50, 100 t in 2015, 2016, 2017 → (-0.5 + 1.0) / 2 = 0.25.
    """
    change = np.full(len(values), np.nan)
    for row, own in enumerate(values):
        present = ~np.isnan(own)
        points, gaps = own[present], np.diff(years[present])
        if len(points) >= 2 and (points[:-1] > 0).all():
            rates = (points[1:] / points[:-1]) ** (1.0 / gaps) - 1.0
            change[row] = (gaps * rates).sum() / gaps.sum()
    return change
