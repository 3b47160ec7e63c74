"""Backtests projections and verdicts of the past (methods sections 3 and 6).

Both use one series: the newest release, with the years it no longer publishes linked from the releases held
(methods section 1). At each *origin*, a year of that series, only the points of the nine years before it are
used, as today's trends run from 2015 to 2024; the *outcome* is the series' own value of a later year. A new
release or a revision therefore changes the record at the next publication, and a revision is never mistaken
for a wrong projection.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from klimatpuls.statistics import trend
from klimatpuls.statistics.network import MUNICIPALITY_CODE_LENGTH
from klimatpuls.statistics.standing import (
    BELOW_LEVEL,
    MAX_YEARS_AHEAD,
    build_verdict_record,
    count_at_or_below,
    is_at_or_below,
    name_counts,
)
from klimatpuls.statistics.targets import Target, TargetType, levels, path_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from klimatpuls.statistics.series import SeriesMatrix
    from klimatpuls.statistics.trend import FloatArray

WINDOW_YEARS: Final = 9
"""From the first point of a trend to its origin, as from 2015 to 2024."""
HORIZONS: Final = (5, 6)
"""Years from origin to outcome: those of the national lines of 2030."""
NAMED_ORIGINS: Final = (
    (2013, 2018),
    (2014, 2019),
    (2016, 2022),
    (2017, 2023),
    (2018, 2023),
    (2018, 2024),
    (2019, 2024),
)
"""The seven (origin, outcome) on which the first central projection was chosen (decision 21)."""

CENTRAL: Final = "central"
MEDIAN_OF_VARIANTS: Final = "median_of_variants"
CARRIED_FORWARD: Final = "carried_forward"

COLUMNS: Final = (
    "origin_year", "outcome_year", "variant_code", "municipalities_n", "median_error_pct", "p90_error_pct",
    "median_deviation_pct",
)  # fmt: skip
RECORD_COLUMNS: Final = (
    "target_id", "status", "outcome_year", "lead_years", "verdicts_n", "came_true_n", "came_true_pct",
)  # fmt: skip


def build_backtest(matrix: SeriesMatrix, *, horizons: Sequence[int] = HORIZONS) -> pd.DataFrame:
    """Project from past origins to years that have come since (methods section 3).

    Args:
        matrix: The series of one boundary, gone years linked; its municipalities are used.
        horizons: Years from origin to outcome.

    Returns:
        One row per origin × outcome × projection: :data:`COLUMNS`. The projections are the variants of
        :data:`klimatpuls.statistics.trend.VARIANTS`, ``central``, ``median_of_variants`` and
        ``carried_forward`` (the origin's own value). Errors are |projected − outcome| ÷ outcome in percent,
        their median and 90th percentile over the municipalities; ``median_deviation_pct`` keeps the sign
        (above 0: projected too high). Only municipalities with a trend at the origin and an outcome above
        zero count, the same ones for every projection; outcomes so near zero that the error overflows do not.

    Example: 100 t in each of 2005, 2010–2013 and 80 t in 2018 → every projection is 100 t: error 25 %.
    """
    municipal = _municipal(matrix)
    rows: list[tuple[object, ...]] = []
    for origin, outcome in _origins(municipal, horizons):
        points = _points_at(municipal, origin)
        projected = trend.project(municipal.years, points, np.array([outcome]))[:, 0, :]
        last = trend.last_observed(municipal.years, points)[1]
        projections = {variant.code: projected[:, index] for index, variant in enumerate(trend.VARIANTS)}
        projections[CENTRAL] = trend.central(projected)
        projections[MEDIAN_OF_VARIANTS] = _median_of_variants(projected)
        projections[CARRIED_FORWARD] = last
        came = _value_at(municipal, outcome)
        usable = (came > 0) & ~np.isnan(projections[CENTRAL])
        if not usable.any():
            continue
        for code, guess in projections.items():
            with np.errstate(all="ignore"):
                error = 100.0 * (guess - came) / came
            known = usable & np.isfinite(error)
            deviation = error[known]
            if not len(deviation):
                continue
            size = np.abs(deviation)
            rows.append(
                (
                    origin,
                    outcome,
                    code,
                    int(known.sum()),
                    float(np.median(size)),
                    float(np.quantile(size, 0.9)),
                    float(np.median(deviation)),
                )
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def compare_with_central(backtest: pd.DataFrame) -> pd.DataFrame:
    """Count the origins at which each projection was better than the central one (methods section 3).

    Args:
        backtest: As :func:`build_backtest` gives it, of one boundary, filtered to the origins of interest.

    Returns:
        One row per projection but ``central``: ``variant_code``, ``origins_n``, ``better_n`` (smaller median
        error than the central projection), ``is_better_in_most`` (in more than half).

    Example: smaller in 4 of 7 → ``is_better_in_most``.
    """
    wide = backtest.pivot_table(
        index=["origin_year", "outcome_year"], columns="variant_code", values="median_error_pct"
    )
    others = wide.drop(columns=CENTRAL)
    compared = pd.DataFrame(
        {
            "origins_n": others.notna().sum(),
            "better_n": others.lt(wide[CENTRAL], axis=0).sum(),
        }
    )
    compared["is_better_in_most"] = 2 * compared["better_n"] > compared["origins_n"]
    return compared.reset_index()


def build_verdicts(target: Target, matrix: SeriesMatrix, lead_years: int) -> pd.DataFrame:
    """The verdicts that earlier years would have given on the target's path, and the outcome (section 6).

    A target that lies ahead has no outcome. So its own straight path is taken as the level of each earlier
    year, for every municipality of the series: at every origin the variants at or below the level
    ``lead_years`` later are counted, as far ahead as the target itself is now.

    Args:
        target: The target; its owner does not restrict the rows. A fixed level is taken as its percentage
            below the owner's base year. A target without a path from a base year (a budget, a level per
            inhabitant, a fixed level without a base year) has no verdicts.
        matrix: The series of its boundary, gone years linked.
        lead_years: Years from origin to outcome.

    Returns:
        One row per municipality × origin: ``region_code``, ``origin_year``, ``target_year`` (the outcome
        year), ``status`` (a counted one or ``below_level``), ``came_true`` (the outcome at or below the
        level).

    Example: 50 % below 1990 by 2030, lead 6 → the level of 2024 is 42.5 % below, evaluated with the points to
    2018 and compared with the value of 2024.
    """
    columns = ["region_code", "origin_year", "target_year", "status", "came_true"]
    everyone = _for_every_municipality(target, matrix)
    if everyone is None or everyone.base_year is None or not 0 < lead_years <= MAX_YEARS_AHEAD:
        return pd.DataFrame(columns=columns)
    municipal = _municipal(matrix)
    base = municipal.at(everyone.base_year)
    frames = []
    for origin, outcome in _origins(municipal, (lead_years,)):
        level = _path_level(everyone, municipal, base, outcome)
        points = _points_at(municipal, origin)
        projected = trend.project(municipal.years, points, np.array([outcome]))[:, 0, :]
        met, count = count_at_or_below(projected, level)
        last = trend.last_observed(municipal.years, points)[1]
        status = np.where(is_at_or_below(last, level), BELOW_LEVEL, name_counts(met, count))
        came = _value_at(municipal, outcome)
        known = (count > 0) & ~np.isnan(came) & ~np.isnan(level)
        frames.append(
            pd.DataFrame(
                {
                    "region_code": np.array(municipal.region_codes, dtype=object)[known],
                    "origin_year": origin,
                    "target_year": outcome,
                    "status": status[known],
                    "came_true": is_at_or_below(came, level)[known],
                }
            )
        )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def build_record(target: Target, matrix: SeriesMatrix, lead_years: int) -> pd.DataFrame:
    """How often verdicts like those on a target came true, per status and outcome year (section 6).

    Args:
        target: The target.
        matrix: The series of its boundary, gone years linked.
        lead_years: Years from the latest observed year to the target year.

    Returns:
        One row per status × outcome year: :data:`RECORD_COLUMNS`.

    Example: of 40 verdicts ``most_below`` for 2024, 24 at or below the path → 60 %.
    """
    verdicts = build_verdicts(target, matrix, lead_years)
    if verdicts.empty:
        return pd.DataFrame(columns=list(RECORD_COLUMNS))
    record = build_verdict_record(verdicts).rename(columns={"target_year": "outcome_year"})
    return record.assign(target_id=target.target_id, lead_years=lead_years)[list(RECORD_COLUMNS)]


def pool_record(record: pd.DataFrame) -> pd.DataFrame:
    """Sum a record over its outcome years, per status (methods section 6).

    Args:
        record: As :func:`build_record` gives it, of any number of targets.

    Returns:
        One row per target_id × status: ``verdicts_n``, ``came_true_n``, ``came_true_pct``.

    Example: 24 of 40 for 2024 and 6 of 10 for 2023 → 30 of 50, 60 %.
    """
    pooled = record.groupby(["target_id", "status"], sort=True)[["verdicts_n", "came_true_n"]].sum()
    pooled["came_true_pct"] = 100.0 * pooled["came_true_n"] / pooled["verdicts_n"]
    return pooled.reset_index()


def _for_every_municipality(target: Target, matrix: SeriesMatrix) -> Target | None:
    """The target as a percentage that applies to any municipality; None where it has none."""
    steps = tuple(step for step in target.interim if step.percent_below_base is not None)
    shared = replace(target, region_code=None, base_tco2e=None, path_start_tco2e=None, interim=steps)
    if target.target_type == TargetType.FIXED_LEVEL:
        owner = None if target.region_code is None else matrix.select([target.region_code])
        if owner is None or not owner.region_codes or target.base_year is None or target.level_tco2e is None:
            return None
        base = target.base_tco2e if target.base_tco2e is not None else float(owner.at(target.base_year)[0])
        if not base > target.level_tco2e:
            return None
        return replace(
            shared,
            target_type=TargetType.PERCENT_BELOW_BASE,
            percent_below_base=100.0 * (1.0 - target.level_tco2e / base),
        )
    if target.target_type in (TargetType.CARBON_BUDGET, TargetType.FIXED_LEVEL_PER_CAPITA):
        return None
    return shared


def _municipal(matrix: SeriesMatrix) -> SeriesMatrix:
    return matrix.select([code for code in matrix.region_codes if len(code) == MUNICIPALITY_CODE_LENGTH])


def _origins(matrix: SeriesMatrix, horizons: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Every (origin, outcome) whose two years are in the series."""
    years = matrix.years[(~np.isnan(matrix.values)).any(axis=0)].tolist()
    for origin in years:
        for horizon in sorted(horizons):
            if origin + horizon in years:
                yield origin, origin + horizon


def _sound(matrix: SeriesMatrix) -> FloatArray:
    """All values but known defects, linked ones included."""
    return np.where(matrix.defect, np.nan, matrix.values)


def _points_at(matrix: SeriesMatrix, origin: int) -> FloatArray:
    """The points of the window that ends at the origin; none where they have no trend or end earlier."""
    had = np.where(matrix.years <= origin, _sound(matrix), np.nan)
    points = trend.select_points(matrix.years, had, trend_from_year=origin - WINDOW_YEARS)
    last_year, _ = trend.last_observed(matrix.years, points.values)
    kept = (points.reason == "") & (last_year == origin)
    return np.where(kept[:, None], points.values, np.nan)


def _value_at(matrix: SeriesMatrix, year: int) -> FloatArray:
    return _sound(matrix)[:, int(np.flatnonzero(matrix.years == year)[0])]


def _median_of_variants(projected: FloatArray) -> FloatArray:
    middle = np.full(len(projected), np.nan)
    known = ~np.isnan(projected).all(axis=1)
    middle[known] = np.nanmedian(projected[known], axis=1)
    return middle


def _path_level(target: Target, matrix: SeriesMatrix, base: FloatArray, year: int) -> FloatArray:
    """The value of the target's path in a year, region by region."""
    end = target.target_year if target.target_year is not None else year
    _, path = path_values(
        target, matrix, base, levels(target, base, end), np.full(len(base), year, dtype=np.int64)
    )
    return path
