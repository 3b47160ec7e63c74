"""Rounding of parts printed beside their total, so that they add up as printed (methods section 2)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


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
