"""Calculates how often a host may be called, without a clock, a network or a place to count in.

A service counts a call when it arrives, which its caller never learns: some time between the moment it may
leave and its answer. The next call in a window counts from the latest of these moments, so that no delay on
the way brings two windows' calls together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Window = tuple[int, float]
    """(calls, seconds): in any so many seconds at most so many calls start."""

PERCENT_KEPT = 90
"""Share of what is allowed that we use."""
TRAVEL_SECONDS = 15.0
"""A call has arrived by then or never will: longer than ``Limits.connect_seconds``. The call of a killed
process holds its slot no longer than this."""


def kept_windows(allowed: Iterable[Window]) -> tuple[Window, ...]:
    """The windows that we keep where these are allowed: nine tenths of the calls, in whole calls.

    Args:
        allowed: Windows (calls, seconds), ours and the service's; every one holds, so the lowest wins.

    Returns:
        One window for each; where nine tenths are less than one call, one call in a longer window.

    Raises:
        ValueError: if a window allows no call or has no length.

    Example: 30 per 10 s → 27 per 10 s; 3 per 1 s → 2 per 1 s; 1 per 1 s → 1 per 1.11 s.
    """
    kept = []
    for calls, seconds in allowed:
        if calls < 1 or seconds <= 0:
            msg = f"a window of {calls} calls per {seconds} s lets nothing through"
            raise ValueError(msg)
        ours = max(1, calls * PERCENT_KEPT // 100)
        kept.append((ours, max(seconds, seconds * 100 * ours / (calls * PERCENT_KEPT))))
    return tuple(kept)


def seconds_to_wait(ages: Sequence[float], kept: Iterable[Window]) -> float:
    """How long the next call must wait so that none of the windows is exceeded.

    Args:
        ages: Seconds since each earlier call can have arrived at the latest, longest ago first; 0 while it is
            on its way. Calls older than every window may lack.
        kept: Windows (calls, seconds).

    Returns:
        Seconds, 0 if a call may start now.
    """
    waits = [seconds - ages[-calls] for calls, seconds in kept if len(ages) >= calls]
    return max(0.0, *waits) if waits else 0.0
