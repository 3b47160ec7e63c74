"""Decides which reminders a person gets on a day: what is due, at which step, and never too often.

A matter is reminded of 30, 7 and 1 days before its day, five days after it, and then every 30 days. A person
gets one mail for all matters, and no second one within :data:`QUIET_DAYS` days. Matters whose next step would
fall into those days are put into the mail at once, so that waiting makes none of them late.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DAYS_BEFORE: Final = (30, 7, 1)
DAYS_AFTER: Final = 5
DAYS_BETWEEN: Final = 30
"""Between the reminders that follow the one after the day."""
QUIET_DAYS: Final = 5

Key = tuple[str, str, str, dt.date]
"""Region code, kind and id of a matter, and its day."""


class ItemKind(StrEnum):
    """What a member is reminded of."""

    CRITERION = "criterion"
    MEASURE_END = "measure_end"
    MEASURE_STALE = "measure_stale"
    ROUND = "round"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Item:
    """One matter of a member with its day.

    Attributes:
        due_on: Criterion: the last day it is met. Measure: its end, or the last day it is not stale.
            Round: the day it closes.
        region_code: The member or applicant.
        kind: What it is.
        item_id: The criterion, measure or round.
        title_sv: Title for readers, Swedish; empty for a criterion.
        title_en: The same in English.
    """

    due_on: dt.date
    region_code: str
    kind: ItemKind
    item_id: str
    title_sv: str = ""
    title_en: str = ""

    @property
    def key(self) -> Key:
        """What makes it the same matter: a new day for the same thing is a new matter."""
        return self.region_code, self.kind, self.item_id, self.due_on


@dataclass(frozen=True, slots=True)
class Step:
    """A matter with the day of the reminder it is due for."""

    item: Item
    on: dt.date


def newest_step(due_on: dt.date, until: dt.date) -> dt.date | None:
    """Return the day of the newest reminder on or before a day; None if the first is still to come.

    Args:
        due_on: Day of the matter.
        until: The day.

    Example: due on 31 October → on 25 October that of 24 October (7 days before).
    """
    after = (until - due_on).days - DAYS_AFTER
    if after >= 0:
        return due_on + dt.timedelta(days=DAYS_AFTER + after // DAYS_BETWEEN * DAYS_BETWEEN)
    passed = [days for days in DAYS_BEFORE if due_on - dt.timedelta(days=days) <= until]
    return due_on - dt.timedelta(days=min(passed)) if passed else None


def due_steps(
    items: Iterable[Item],
    reminded: Mapping[Key, dt.date],
    last_mail: dt.date | None,
    today: dt.date,
) -> tuple[Step, ...]:
    """Return what goes into a person's reminder today, by day of the matter; nothing if none is to be sent.

    Args:
        items: The matters of all members that the person is a contact of.
        reminded: :attr:`Item.key` → newest step the person was reminded for.
        last_mail: Day of the person's newest reminder; None: never one.
        today: The day.
    """
    if last_mail is not None and (today - last_mail).days <= QUIET_DAYS:
        return ()

    def new_steps(until: dt.date) -> list[Step]:
        steps = []
        for item in sorted(items):
            step = newest_step(item.due_on, until)
            if step is not None and step > reminded.get(item.key, dt.date.min):
                steps.append(Step(item, step))
        return steps

    if not new_steps(today):
        return ()
    return tuple(new_steps(today + dt.timedelta(days=QUIET_DAYS)))
