"""Which reminders are due on a day."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.membership.reminders import QUIET_DAYS, Item, ItemKind, due_steps, newest_step

DUE = date(2026, 10, 31)


def item(due_on: date = DUE, item_id: str = "a") -> Item:
    return Item(due_on=due_on, region_code="0360", kind=ItemKind.MEASURE_END, item_id=item_id)


@pytest.mark.parametrize(
    ("days_from_due", "step"),
    [(-31, None), (-30, -30), (-8, -30), (-7, -7), (-2, -7), (-1, -1), (0, -1), (4, -1), (5, 5), (34, 5),
     (35, 35), (64, 35), (65, 65)],
)  # fmt: skip
def test_the_steps_lie_before_and_after_the_day(days_from_due, step):
    expected = None if step is None else DUE + timedelta(days=step)
    assert newest_step(DUE, DUE + timedelta(days=days_from_due)) == expected


def test_nobody_is_reminded_twice_of_a_step():
    today = DUE - timedelta(days=7)
    (step,) = due_steps([item()], {}, None, today)
    assert step.on == today
    assert due_steps([item()], {item().key: step.on}, None, today) == ()


def test_what_falls_into_the_quiet_days_is_said_at_once():
    soon = item(DUE + timedelta(days=QUIET_DAYS), "b")
    steps = due_steps([soon, item()], {}, None, DUE - timedelta(days=7))
    assert [(step.item.item_id, step.on) for step in steps] == [
        ("a", DUE - timedelta(days=7)),
        ("b", DUE - timedelta(days=7) + timedelta(days=QUIET_DAYS)),
    ]


def test_a_new_day_for_the_same_measure_is_a_new_matter():
    later = item(DUE + timedelta(days=30))
    (step,) = due_steps([later], {item().key: DUE - timedelta(days=1)}, None, DUE)
    assert step.on == later.due_on - timedelta(days=30)


@given(
    st.lists(st.integers(-60, 200), min_size=1, max_size=8),
    st.sets(st.integers(0, 149)),
)
def test_over_half_a_year_nobody_is_reminded_too_often_or_too_late(days, missed):
    """Whatever the days of the matters are, and on whichever days nothing runs."""
    start = date(2026, 3, 1)
    items = [item(start + timedelta(days=day), f"m{number}") for number, day in enumerate(days)]
    reminded: dict = {}
    mailed: list[date] = []
    for offset in range(150):
        today = start + timedelta(days=offset)
        if offset in missed:
            continue
        steps = due_steps(items, reminded, mailed[-1] if mailed else None, today)
        if not steps:
            continue
        mailed.append(today)
        for step in steps:
            assert step.on > reminded.get(step.item.key, date.min)
            assert step.on <= today + timedelta(days=QUIET_DAYS)
            reminded[step.item.key] = step.on
        for one in items:
            newest = newest_step(one.due_on, today)
            assert newest is None or reminded[one.key] >= newest, "a mail leaves nothing out that is due"
    assert all((later - earlier).days > QUIET_DAYS for earlier, later in itertools.pairwise(mailed))
    if not missed:
        for one in items:
            first = one.due_on - timedelta(days=30)
            if start <= first < start + timedelta(days=150):
                assert min(mailed) <= first <= max(mailed) + timedelta(days=QUIET_DAYS)
