"""Measures compared with the gap, and the pledges that they fulfil (methods section 10).

The gap for measures is the *observed* one, E_last − level: the trend already holds the effect of ongoing
measures. A measure adds the difference between its effect in the target year and in the latest data year.
No overlap is assumed and no factor estimated; national policy is never a measure.

The caller builds the frozen classes below from the registers of measures and pledges.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from klimatpuls.domain.sectors import ALL
from klimatpuls.translations import message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

STALE_AFTER_MONTHS: Final = 12
OVERLAP_NOT_ASSESSED: Final = "not_assessed"
ALREADY_AT_LEVEL: Final = "already_at_level"
NO_GAP: Final = "no_gap"
NO_EFFECT: Final = "no_effect"
COVERAGE_REASONS: Final[dict[str, str]] = {
    ALREADY_AT_LEVEL: message("already at the level"),
    NO_GAP: message("the level of the target cannot be calculated"),
    NO_EFFECT: message("nobody has calculated the effect of the measures decided"),
}
"""Why there is no coverage: its message."""


class MeasureStatus(StrEnum):
    """How far a measure has come."""

    PLANNED = "planned"
    DECIDED = "decided"
    ONGOING = "ongoing"
    DONE = "done"
    CANCELLED = "cancelled"


COUNTED: Final = (MeasureStatus.DECIDED, MeasureStatus.ONGOING, MeasureStatus.DONE)
OPEN: Final = (MeasureStatus.PLANNED, MeasureStatus.DECIDED, MeasureStatus.ONGOING)


class PledgeStatus(StrEnum):
    """How a pledge stands, by its measures."""

    KEPT = "kept"
    UNDER_WAY = "under_way"
    AT_RISK = "at_risk"
    NO_MEASURE_YET = "no_measure_yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure of the register (methods section 10).

    Attributes:
        measure_id: Stable id.
        owner_region_code: Whose it is.
        boundary: Name of the series it counts in, the same as the target's.
        sector_code: The main sector it works in; ``all`` where it works in several.
        title: What it is.
        status: How far it has come.
        start_date: When it begins.
        end_date: When it is to be done.
        effects: Calendar year → tonnes CO2e less per year than without it, calculated for that year. A year
            without a figure has that of the last year before it that has one, and 0 before the first.
        reckoned_by: Who calculated the effect.
        how: How it was calculated.
        cost_sek: Cost.
        klimatklivet_case: Case number of a grant.
        responsible_role: Who is responsible; a role, never a person.
        evidence: Links.
        last_updated: When status, effect, date or evidence last changed.
    """

    measure_id: str
    owner_region_code: str
    boundary: str
    sector_code: str
    title: str
    status: MeasureStatus
    start_date: dt.date | None = None
    end_date: dt.date | None = None
    effects: Mapping[int, float] = field(default_factory=dict)
    reckoned_by: str = ""
    how: str = ""
    cost_sek: float | None = None
    klimatklivet_case: str | None = None
    responsible_role: str = ""
    evidence: tuple[str, ...] = ()
    last_updated: dt.date | None = None

    @property
    def has_effect(self) -> bool:
        """Whether its effect is calculated."""
        return bool(self.effects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pledge:
    """One pledge (klimatlöfte), such as one given to a county board (methods section 10).

    Attributes:
        pledge_id: Stable id.
        owner_region_code: Who gave it.
        promised_to: To whom.
        wording: What was promised.
        pledged_on: When it was given.
        due_on: When it is to be kept.
        measure_ids: The measures that fulfil it.
    """

    pledge_id: str
    owner_region_code: str
    promised_to: str
    wording: str
    pledged_on: dt.date | None = None
    due_on: dt.date | None = None
    measure_ids: tuple[str, ...] = ()


def effect_in(effects: Mapping[int, float], year: int) -> float:
    """Expected effect in a year, tonnes CO2e (methods section 10).

    Args:
        effects: Calendar year → tonnes CO2e.
        year: The year.

    Returns:
        The figure of that year, else of the last year before it that has one; 0 before the first.

    Example: 100 t from 2025 and 300 t from 2028 → 2024: 0, 2027: 100, 2030: 300.
    """
    known = [own for own in effects if own <= year]
    return float(effects[max(known)]) if known else 0.0


def counted_effect(measure: Measure, last_year: int, target_year: int) -> float:
    """What a measure adds between the latest data year and the target year, tonnes CO2e (section 10).

    Args:
        measure: The measure.
        last_year: The latest data year.
        target_year: The target year.

    Returns:
        Effect in the target year minus effect in the latest data year: 0 when its effect is already full,
        negative when it wears off.

    Example: 100 t in 2024, 300 t in 2030 → 200 t.
    """
    return effect_in(measure.effects, target_year) - effect_in(measure.effects, last_year)


def build_coverage(
    measures: Iterable[Measure],
    *,
    owner_region_code: str,
    boundary: str,
    last_year: int,
    target_year: int,
    observed_gap_tco2e: float,
    overlap: str = OVERLAP_NOT_ASSESSED,
) -> pd.DataFrame:
    """Compare the measures of one owner with the gap of one target (methods section 10).

    Args:
        measures: Any measures; those of the owner and the target's boundary that are not cancelled are used.
        owner_region_code: Whose target it is.
        boundary: The target's boundary.
        last_year: The latest data year.
        target_year: The target year.
        observed_gap_tco2e: E_last − level, tonnes CO2e; NaN where the level cannot be calculated.
        overlap: ``not_assessed``, or the words of whoever assessed it.

    Returns:
        One row per sector_code with a measure, and ``all``. A measure for several sectors (sector ``all``)
        counts once, in ``all`` only. Columns: ``measures_n``, ``counted_reduction_tco2e`` (decided, ongoing
        and done), ``planned_reduction_tco2e`` (separate; both NaN where there are such measures and none has
        a calculated effect), ``without_effect_n``, ``without_effect_pct``, ``coverage_points`` (what the
        sector adds to the coverage); on ``all`` also ``gap_tco2e``, ``coverage_pct`` (100 × counted ÷
        gap, NaN without a positive gap or a calculated effect), ``coverage_reason`` and ``overlap``.

    Example: gap 1 000 t, decided +200 t, planned +300 t, one measure without effect → coverage 20 %,
    planned 300 t beside it, 1 of 3 without effect.
    """
    own = [
        measure
        for measure in measures
        if measure.owner_region_code == owner_region_code
        and measure.boundary == boundary
        and measure.status != MeasureStatus.CANCELLED
    ]
    years = (last_year, target_year)
    rows = [
        _sum_row(code, [one for one in own if one.sector_code == code], years)
        for code in sorted({measure.sector_code for measure in own} - {ALL})
    ]
    whole = _sum_row(ALL, own, years)
    reason = ""
    if np.isnan(observed_gap_tco2e):
        reason = NO_GAP
    elif observed_gap_tco2e <= 0:
        reason = ALREADY_AT_LEVEL
    elif np.isnan(_total(own, COUNTED, years)):
        reason = NO_EFFECT
    for row in (*rows, whole):
        row["coverage_points"] = (
            np.nan if reason else 100.0 * row["counted_reduction_tco2e"] / observed_gap_tco2e
        )
    whole |= {
        "gap_tco2e": observed_gap_tco2e,
        "coverage_pct": whole["coverage_points"],
        "coverage_reason": reason,
        "overlap": overlap,
    }
    columns = [
        "sector_code", "measures_n", "counted_reduction_tco2e", "planned_reduction_tco2e", "without_effect_n",
        "without_effect_pct", "gap_tco2e", "coverage_pct", "coverage_points", "coverage_reason", "overlap",
    ]  # fmt: skip
    return pd.DataFrame([*rows, whole], columns=columns)


def is_overdue(measure: Measure, as_of: dt.date) -> bool:
    """Whether a measure is past its end and not done (methods section 10).

    Example: to end on 2025-12-31, ongoing on 2026-05-08 → True; done or cancelled → False.
    """
    day = overdue_from(measure)
    return day is not None and day <= as_of


def overdue_from(measure: Measure) -> dt.date | None:
    """The first day on which an open measure is overdue (methods section 10), or None.

    Example: to end on 2025-12-31, ongoing → 2026-01-01.
    """
    if measure.status not in OPEN or measure.end_date is None:
        return None
    return measure.end_date + dt.timedelta(days=1)


def is_stale(measure: Measure, as_of: dt.date, months: int = STALE_AFTER_MONTHS) -> bool:
    """Whether nothing about an open measure changed for 12 months (methods section 10).

    A measure without a dated change is stale: nothing shows that it moved.

    Args:
        measure: The measure.
        as_of: The run's day.
        months: Months without a change after which it is stale.

    Example: last changed 2025-05-07, as of 2026-05-08 → True; changed 2025-05-08 → False.
    """
    if measure.status not in OPEN:
        return False
    return measure.last_updated is None or measure.last_updated < months_before(as_of, months)


def stale_from(measure: Measure, months: int = STALE_AFTER_MONTHS) -> dt.date | None:
    """The first day on which an open measure is stale (methods section 10).

    None where it is closed or has no dated change.


    Example: last changed 2025-05-07 → 2026-05-08.
    """
    if measure.status not in OPEN or measure.last_updated is None:
        return None
    day = months_before(measure.last_updated, -months)
    # The month may be shorter than the one a year before: at most three days later.
    while not is_stale(measure, day, months):
        day += dt.timedelta(days=1)
    return day


def measures_of(pledge: Pledge, measures: Iterable[Measure]) -> list[Measure]:
    """The measures that a pledge names, without cancelled ones: those fulfil nothing."""
    return [
        measure
        for measure in measures
        if measure.measure_id in pledge.measure_ids and measure.status != MeasureStatus.CANCELLED
    ]


def pledge_status(
    pledge: Pledge, measures: Iterable[Measure], as_of: dt.date, months: int = STALE_AFTER_MONTHS
) -> PledgeStatus:
    """How a pledge stands, by its measures (methods section 10).

    Args:
        pledge: The pledge.
        measures: Any measures; :func:`measures_of` the pledge are used.
        as_of: The run's day.
        months: An open measure without a change for so long is stale.

    Returns:
        ``no_measure_yet``, ``kept`` (all done), ``at_risk`` (one overdue or stale, or the pledge itself
        overdue), else ``under_way``.

    Example: one measure done and one overdue → ``at_risk``; both done → ``kept``.
    """
    own = measures_of(pledge, measures)
    if not own:
        return PledgeStatus.NO_MEASURE_YET
    if all(measure.status == MeasureStatus.DONE for measure in own):
        return PledgeStatus.KEPT
    late = pledge.due_on is not None and pledge.due_on < as_of
    if late or any(is_overdue(measure, as_of) or is_stale(measure, as_of, months) for measure in own):
        return PledgeStatus.AT_RISK
    return PledgeStatus.UNDER_WAY


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day of the month so many months earlier, or the last day of a shorter month.

    Example: 12 months before 2028-02-29 → 2027-02-28.
    """
    month = day.year * 12 + day.month - 1 - months
    year, number = divmod(month, 12)
    first_of_next = dt.date(year + (number == 11), (number + 1) % 12 + 1, 1)
    last_day = (first_of_next - dt.timedelta(days=1)).day
    return dt.date(year, number + 1, min(day.day, last_day))


def _total(own: Sequence[Measure], statuses: tuple[MeasureStatus, ...], years: tuple[int, int]) -> float:
    """Sum of the effects; NaN where measures have these statuses and none has a calculated effect."""
    chosen = [one for one in own if one.status in statuses]
    if chosen and not any(one.has_effect for one in chosen):
        return float("nan")
    return sum((counted_effect(one, *years) for one in chosen), 0.0)


def _sum_row(code: str, own: Sequence[Measure], years: tuple[int, int]) -> dict[str, Any]:
    without = sum(not measure.has_effect for measure in own)
    return {
        "sector_code": code,
        "measures_n": len(own),
        "counted_reduction_tco2e": _total(own, COUNTED, years),
        "planned_reduction_tco2e": _total(own, (MeasureStatus.PLANNED,), years),
        "without_effect_n": without,
        "without_effect_pct": 100.0 * without / len(own) if own else np.nan,
    }
