"""Reads the clock and the run's day; everywhere else "now" is a parameter.

Swedish agencies date their releases in Swedish time, so every date here is a date in Europe/Stockholm.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from klimatpuls.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

STOCKHOLM = ZoneInfo("Europe/Stockholm")
AS_OF_VARIABLE = "KLIMATPULS_AS_OF"


def utc_now() -> datetime:
    """The present moment, with its time zone (UTC)."""
    return datetime.now(UTC)


def stockholm_date(moment: datetime) -> date:
    """The calendar date in Sweden at a moment.

    Args:
        moment: A moment that carries its time zone.

    Raises:
        ValueError: if the moment carries no time zone.

    Example: 2025-12-31 23:30 UTC → 2026-01-01.
    """
    if moment.tzinfo is None:
        msg = f"a moment without time zone has no date in Sweden: {moment.isoformat()}"
        raise ValueError(msg)
    return moment.astimezone(STOCKHOLM).date()


def as_of_date(environ: Mapping[str, str], now: datetime) -> date:
    """The day that a run is about: ``KLIMATPULS_AS_OF`` if set, else today in Sweden.

    Args:
        environ: The process environment.
        now: The present moment with its time zone.

    Returns:
        The run's ``as_of_date``.

    Raises:
        UsageError: if the setting is no ISO date.
    """
    setting = environ.get(AS_OF_VARIABLE, "").strip()
    if not setting:
        return stockholm_date(now)
    return iso_day(setting, AS_OF_VARIABLE)


def iso_day(text: str, name: str) -> date:
    """Parse an ISO date that a person wrote.

    Args:
        text: Such as ``2026-05-08``.
        name: Name of the setting, for the message.

    Raises:
        UsageError: if it is no ISO date.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        msg = f"{name}={text!r} is no date: write it as YYYY-MM-DD, for example 2026-05-08"
        raise UsageError(msg) from error
