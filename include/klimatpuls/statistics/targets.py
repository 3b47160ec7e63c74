"""Targets as data: their types, levels, paths and base years (methods section 5).

A target names exactly one boundary; base year, latest year and projection always use that one. A target
without an owner is a *comparison line* (a national target). It is applied to every region, but it is never
called the region's own, and never a status in a list, a ranking or a mail.

Levels are tonnes CO2e in the target year; for a carbon budget the level is the budget itself, tonnes
CO2e over all its years.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from klimatpuls.domain.regions import NATION
from klimatpuls.statistics.series import EFFORT_SHARING_PROXY, TERRITORIAL, SeriesMatrix, to_matrix

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from klimatpuls.statistics.trend import FloatArray, IntArray

NATIONAL_EFFORT_SHARING_DEDUCTION_TCO2E: Final = 25_000_000.0
"""Fixed by the definition of the national target: official effort sharing 1990 = national total − 25.0 Mt."""
NATIONAL_EFFORT_SHARING_BASE_YEAR: Final = 1990
OFFICIAL: Final = "official"
"""Status and flag of the nation's official series outside emission trading."""
YEAR_MARK: Final = 5


class TargetType(StrEnum):
    """How a target is stated."""

    PERCENT_BELOW_BASE = "percent_below_base"
    FIXED_LEVEL = "fixed_level"
    FIXED_LEVEL_PER_CAPITA = "fixed_level_per_capita"
    NET_ZERO = "net_zero"
    CONSTANT_RATE = "constant_rate"
    CARBON_BUDGET = "carbon_budget"


class TargetState(StrEnum):
    """Whether a target is decided or only proposed."""

    DECIDED = "decided"
    PROPOSED = "proposed"


_REQUIRED: Final[dict[TargetType, tuple[str, ...]]] = {
    TargetType.PERCENT_BELOW_BASE: ("base_year", "target_year", "percent_below_base"),
    TargetType.FIXED_LEVEL: ("target_year", "level_tco2e"),
    TargetType.FIXED_LEVEL_PER_CAPITA: ("target_year", "level_tco2e_per_capita"),
    TargetType.NET_ZERO: ("base_year", "target_year"),
    TargetType.CONSTANT_RATE: ("base_year", "annual_rate"),
    TargetType.CARBON_BUDGET: ("target_year", "budget_start_year", "budget_tco2e"),
}


@dataclass(frozen=True, kw_only=True)
class Interim:
    """An interim target: a year with either a percentage below the base year or a level in tonnes."""

    year: int
    percent_below_base: float | None = None
    level_tco2e: float | None = None

    def __post_init__(self) -> None:
        if (self.percent_below_base is None) == (self.level_tco2e is None):
            msg = (
                f"interim target {self.year}: give either percent_below_base or level_tco2e, not both or none"
            )
            raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One target of the register (methods section 5).

    Attributes:
        target_id: Stable id, such as ``national_2030_63``.
        region_code: The owner; None for a comparison line applied to every region.
        boundary: Name of its series (:mod:`klimatpuls.statistics.series`).
        target_type: How it is stated.
        target_year: Year it is to be reached; the last year of a budget. A constant rate may have none
            and is then evaluated at the next year divisible by five.
        base_year: Year a percentage, a rate or a residual refers to.
        base_tco2e: Base value in tonnes where the decision fixes it; otherwise the current release's.
        percent_below_base: 63.0 means at most 37 % of the base remains.
        level_tco2e: Fixed level in tonnes CO2e.
        level_tco2e_per_capita: Fixed level in tonnes CO2e per inhabitant.
        residual_percent: Net zero: what may remain in percent of base, gross; None: no stated cap.
        annual_rate: Constant rate as a fraction per year, 0.16 means 16 % less each year.
        budget_tco2e: Carbon budget in tonnes CO2e from ``budget_start_year`` to ``target_year``, both in.
        budget_start_year: First year of the budget.
        path_start_year: Where the path starts; None: the base year.
        path_start_tco2e: Value there; None: the region's own value of that year.
        path_start_confirmed: The start year is confirmed in the source; until then the path starts at
            the base year.
        interim: Interim targets, ascending.
        title_sv: Title shown to readers, Swedish.
        title_en: Title shown to readers, English.
        state: Decided or proposed.
        decided_on: Date of the decision.
        decided_by: Body that decided.
        document_url: Link to the decision.
        measures_overlap: How far the measures that count towards it overlap, in the words of the assessor;
            None: not assessed.
        valid_from: First day the target is in force.
        valid_to: Last day, None while it is in force.
        superseded_by: The target that replaced it.
    """

    target_id: str
    region_code: str | None = None
    boundary: str = TERRITORIAL
    target_type: TargetType
    target_year: int | None = None
    base_year: int | None = None
    base_tco2e: float | None = None
    percent_below_base: float | None = None
    level_tco2e: float | None = None
    level_tco2e_per_capita: float | None = None
    residual_percent: float | None = None
    annual_rate: float | None = None
    budget_tco2e: float | None = None
    budget_start_year: int | None = None
    path_start_year: int | None = None
    path_start_tco2e: float | None = None
    path_start_confirmed: bool = False
    interim: tuple[Interim, ...] = ()
    title_sv: str = ""
    title_en: str = ""
    state: TargetState = TargetState.DECIDED
    decided_on: dt.date | None = None
    decided_by: str = ""
    document_url: str = ""
    measures_overlap: str | None = None
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    superseded_by: str | None = None

    def __post_init__(self) -> None:
        kind, _ = TargetType(self.target_type), TargetState(self.state)  # refuse unknown words
        missing = [name for name in _REQUIRED[kind] if getattr(self, name) is None]
        if missing:
            msg = f"target {self.target_id}: type {self.target_type} needs {', '.join(missing)}; fill them in"
            raise ValueError(msg)
        if self.target_type == TargetType.NET_ZERO and self.boundary != TERRITORIAL:
            msg = (
                f"target {self.target_id}: net zero is evaluated on boundary {TERRITORIAL}, "
                f"found {self.boundary}; state it as another type or change the boundary"
            )
            raise ValueError(msg)
        self._check_ranges()

    def _check_ranges(self) -> None:
        for name, low, high in (
            ("percent_below_base", 0.0, 100.0),
            ("residual_percent", 0.0, 100.0),
            ("annual_rate", 0.0, 1.0),
            ("level_tco2e", 0.0, np.inf),
            ("level_tco2e_per_capita", 0.0, np.inf),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                msg = f"target {self.target_id}: {name} is {value}, expected {low:g} to {high:g}"
                raise ValueError(msg)
        start = self.budget_start_year if self.target_type == TargetType.CARBON_BUDGET else self.base_year
        if start is not None and self.target_year is not None and self.target_year <= start:
            msg = f"target {self.target_id}: target year {self.target_year} is not after its start {start}"
            raise ValueError(msg)

    @property
    def is_own(self) -> bool:
        """Whether a region owns it; False for a comparison line."""
        return self.region_code is not None

    def in_force(self, on: dt.date) -> bool:
        """Whether the target is decided and valid on a day."""
        if self.state != TargetState.DECIDED:
            return False
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )

    def evaluation_year(self, as_of: dt.date) -> int:
        """Year the target is evaluated at (methods section 5).

        Example: 16 % a year from 2020 without an end, as of 2026 → 2030.
        """
        if self.target_year is not None:
            return self.target_year
        return -(-as_of.year // YEAR_MARK) * YEAR_MARK


def select_in_force(targets: Iterable[Target], on: dt.date) -> list[Target]:
    """The targets in force on a day, without those whose successor is in force too (methods section 5).

    Args:
        targets: Targets of the register.
        on: The day.

    Returns:
        In the order given. A superseded decision stays in the register, but is not shown once its successor
        is in force.

    Example: −50 % superseded by −70 %, valid from 2026-01-01 → the first on 2025-12-31, the second after.
    """
    valid = [target for target in targets if target.in_force(on)]
    names = {target.target_id for target in valid}
    return [target for target in valid if target.superseded_by not in names]


def base_values(target: Target, matrix: SeriesMatrix) -> FloatArray:
    """Give the base value of each region (methods section 5).

    Base and outcome always come from the same series: for the nation the official one where it is held
    (:mod:`klimatpuls.statistics.official`), else the proxy like for every other region.

    Args:
        target: The target.
        matrix: The series of the target's boundary.

    Returns:
        Tonnes CO2e, shape ``(n_regions,)``; NaN where no release has the base year, or the target has none.

    Example: nation on the proxy, 43.2 Mt in 1990 and 29.0 Mt in 2024 → base 43.2 Mt, −32.8 %.
    """
    if target.base_tco2e is not None:
        return np.full(len(matrix.region_codes), target.base_tco2e)
    if target.base_year is None:
        return np.full(len(matrix.region_codes), np.nan)
    return matrix.at(target.base_year).copy()


def uses_national_proxy(target: Target, region_code: str) -> bool:
    """Whether a base value stands in for the nation's official one (methods section 5)."""
    return (
        region_code == NATION
        and target.boundary == EFFORT_SHARING_PROXY
        and target.base_year == NATIONAL_EFFORT_SHARING_BASE_YEAR
        and target.base_tco2e is None
    )


def levels(target: Target, base: FloatArray, year: int, population: FloatArray | None = None) -> FloatArray:
    """Give the level of a target in tonnes CO2e (methods section 5).

    Args:
        target: The target.
        base: Base values, tonnes CO2e, shape ``(n_regions,)``.
        year: The year it is evaluated at.
        population: Inhabitants forecast for that year, same shape; for a level per capita only.

    Returns:
        Tonnes CO2e, shape ``(n_regions,)``; NaN where it cannot be computed: no base value, no forecast,
        net zero without a stated cap, a constant rate before its base year.

    Example: base 100 t, 63 % below → 37 t; 16 % a year from 2020, evaluated in 2030 → 100 × 0.84^10 = 17.5 t.
    """
    match target.target_type:
        case TargetType.PERCENT_BELOW_BASE:
            return base * (1.0 - _number(target.percent_below_base) / 100.0)
        case TargetType.FIXED_LEVEL:
            return np.full(len(base), _number(target.level_tco2e))
        case TargetType.FIXED_LEVEL_PER_CAPITA:
            if population is None:
                return np.full(len(base), np.nan)
            return population * _number(target.level_tco2e_per_capita)
        case TargetType.NET_ZERO:
            return base * _number(target.residual_percent) / 100.0
        case TargetType.CONSTANT_RATE:
            elapsed = year - int(_number(target.base_year))
            if elapsed < 0:  # before it begins
                return np.full(len(base), np.nan)
            return base * (1.0 - _number(target.annual_rate)) ** elapsed
        case TargetType.CARBON_BUDGET:
            return np.full(len(base), _number(target.budget_tco2e))


def path_values(
    target: Target, matrix: SeriesMatrix, base: FloatArray, level: FloatArray, years: IntArray
) -> tuple[int | None, FloatArray]:
    """Give the value of the path to a target in a year of each region (methods section 5).

    The path is straight from the start through interim targets to the target; a constant rate follows its
    own curve. The start is the base year unless the register names a confirmed start year.

    Args:
        target: The target.
        matrix: The series of the target's boundary.
        base: Base values, tonnes CO2e, shape ``(n_regions,)``.
        level: Levels, tonnes CO2e, shape ``(n_regions,)``.
        years: The year wanted per region, shape ``(n_regions,)``.

    Returns:
        The start year (None where there is no path) and tonnes CO2e, shape ``(n_regions,)``; NaN before
        the start, the last level after the end, NaN throughout for a carbon budget.

    Example: 100 t in 1990, 37 t in 2030 → 2010: 68.5 t.
    """
    value = np.full(len(base), np.nan)
    if target.target_type == TargetType.CONSTANT_RATE:
        start = int(_number(target.base_year))
        curve = base * (1.0 - _number(target.annual_rate)) ** np.maximum(years - start, 0)
        return start, np.where(years >= start, curve, np.nan)
    start_year, start_value = _path_start(target, matrix, base)
    if start_year is None or target.target_year is None or target.target_type == TargetType.CARBON_BUDGET:
        return None, value
    corners = [(start_year, start_value)]
    for step in target.interim:
        if start_year < step.year < target.target_year:
            corners.append((step.year, _interim_level(step, base)))
    corners.append((target.target_year, level))
    for (left, low), (right, high) in pairwise(corners):
        share = (years - left) / (right - left)
        value = np.where((years >= left) & (years <= right), low + (high - low) * share, value)
    return start_year, np.where(years > target.target_year, level, value)


def base_year_ledger(target: Target, decided: pd.DataFrame, current: pd.DataFrame) -> pd.DataFrame:
    """Compare the base year's value at the decision with the current one (methods section 5).

    Args:
        target: A target with a base year.
        decided: Tidy series of the release in force when the target was decided, the target's boundary.
        current: Tidy series of the current release, the same boundary.

    Returns:
        One row per region_code of either: ``base_year``, ``decided_tco2e``, ``decided_release_id``,
        ``current_tco2e``, ``current_release_id``, ``difference_tco2e``, ``difference_pct``.

    Raises:
        ValueError: if the target has no base year.

    Example: Tierp 1990 territorial, 210 185 t in the 2025 release, 217 923 t in 2026a → +7 738 t, +3.68 %.
    """
    if target.base_year is None:
        msg = f"target {target.target_id} has no base year, so it has no base-year ledger"
        raise ValueError(msg)
    old, new = (_base_column(series, target.base_year) for series in (decided, current))
    both = old.add_suffix("_old").join(new.add_suffix("_new"), how="outer")
    difference = both["value_new"] - both["value_old"]
    return pd.DataFrame(
        {
            "region_code": both.index.astype(str),
            "base_year": target.base_year,
            "decided_tco2e": both["value_old"].to_numpy(),
            "decided_release_id": both["release_old"].to_numpy(),
            "current_tco2e": both["value_new"].to_numpy(),
            "current_release_id": both["release_new"].to_numpy(),
            "difference_tco2e": difference.to_numpy(),
            "difference_pct": (
                100.0 * difference / both["value_old"].where(both["value_old"] > 0)
            ).to_numpy(),
        }
    )


def find_release_in_force(known_from: Mapping[str, dt.date], on: dt.date) -> str | None:
    """Find the release in force on a day: the newest one known by then (methods section 5).

    Args:
        known_from: Release id → first day it was known, in the order of releases, oldest first.
        on: The day, such as the day a target was decided.

    Returns:
        The release id, None when none was known yet.

    Example: releases known from 2021-10-14 and 2025-06-18, decided 2022-11-28 → the one of 2021.
    """
    known = [release_id for release_id, day in known_from.items() if day <= on]
    return known[-1] if known else None


def _base_column(series: pd.DataFrame, year: int) -> pd.DataFrame:
    matrix = to_matrix(series)
    return pd.DataFrame(
        {"value": matrix.at(year), "release": matrix.release_ids},
        index=pd.Index(matrix.region_codes, dtype=object),
    )


def _path_start(target: Target, matrix: SeriesMatrix, base: FloatArray) -> tuple[int | None, FloatArray]:
    if target.path_start_year is None or not target.path_start_confirmed:
        return target.base_year, base
    if target.path_start_tco2e is not None:
        return target.path_start_year, np.full(len(base), target.path_start_tco2e)
    return target.path_start_year, matrix.at(target.path_start_year)


def _interim_level(step: Interim, base: FloatArray) -> FloatArray:
    if step.level_tco2e is not None:
        return np.full(len(base), step.level_tco2e)
    return base * (1.0 - _number(step.percent_below_base) / 100.0)


def _number(value: float | None) -> float:
    """A field as a number, NaN where the register leaves it empty."""
    return np.nan if value is None else float(value)
