"""Rounding of parts printed beside their total, so that they add up as printed (methods section 2)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANGE_DECIMALS: Final = 1
"""Decimals of a change in percent, in mail, pages and dashboard."""


def round_parts(total: float, parts: Sequence[float], decimals: int = 0) -> tuple[float, ...]:
    """Round parts by largest remainder, so that they add up to the rounded total (methods section 2).

    Every part is rounded as usual. The remaining difference is distributed, one unit of the last decimal
    each, to the parts that rounding changed most in the other direction; of equal ones to the larger part. So
    every part stays less than one unit from its value.

    Args:
        total: The total printed beside them (rounded half to even, as numbers are printed).
        parts: Its parts, of any sign.
        decimals: Decimals printed.

    Returns:
        The parts to print, in their order.

    Raises:
        ValueError: if the parts miss the total by a unit of the last decimal or more: that is not rounding.

    Example: 12.157 = 14.640 − 2.483 with one decimal → 14.7 and −2.5, which make 12.2.
    """
    scale = 10.0**decimals
    whole_sum = math.fsum(parts)
    if abs(whole_sum - total) * scale >= 1.0:
        msg = f"the parts {list(parts)} add up to {whole_sum}, not to {total}; check what they are parts of"
        raise ValueError(msg)
    rounded = [round(round(part, decimals) * scale) for part in parts]
    missing = round(round(total, decimals) * scale) - sum(rounded)
    step = 1 if missing > 0 else -1
    taken = [(part * scale - whole) * step for part, whole in zip(parts, rounded, strict=True)]
    order = sorted(range(len(parts)), key=lambda at: (-taken[at], -abs(parts[at]), at))
    for at in order[: abs(missing)]:
        rounded[at] += step
    return tuple(whole / scale for whole in rounded)


def round_change(change: float, national: float, own: float) -> tuple[float, float, float]:
    """Round a change and its national and own part as they are printed, so that they add up (section 2).

    Args:
        change: The change, percent; NaN where it is not given.
        national: Its national part, percentage points; NaN where it is not known.
        own: Its own part, likewise.

    Returns:
        The three with :data:`CHANGE_DECIMALS` decimals. Where one is NaN, each by itself. Where the parts
        miss the change by a unit of the last decimal or more, they are NaN: they are no parts of it, since
        the sectors of so small a region miss its total.

    Example: 12.157, 14.640, −2.483 → 12.2, 14.7, −2.5.
    """
    if any(map(math.isnan, (change, national, own))):
        return (
            round(change, CHANGE_DECIMALS),
            round(national, CHANGE_DECIMALS),
            round(own, CHANGE_DECIMALS),
        )
    if abs(national + own - change) * 10.0**CHANGE_DECIMALS >= 1.0:
        return round(change, CHANGE_DECIMALS), math.nan, math.nan
    parts = round_parts(change, (national, own), CHANGE_DECIMALS)
    return round(change, CHANGE_DECIMALS), parts[0], parts[1]
