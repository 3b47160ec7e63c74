"""Parts that add up as printed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.domain.rounding import round_parts


@pytest.mark.parametrize(
    ("total", "parts", "decimals", "expected"),
    [
        (12.157, (14.640, -2.483), 1, (14.7, -2.5)),  # Tierp 2023 → 2024
        (-12.249, (-7.425, -4.825), 1, (-7.4, -4.8)),
        (100.0, (33.4, 33.3, 33.3), 0, (34.0, 33.0, 33.0)),
        (1.0, (0.5, 0.5), 0, (1.0, 0.0)),
        (3.0, (0.5, 2.5), 0, (0.0, 3.0)),  # equal remainders: the larger part
        (-3.0, (-0.5, -2.5), 0, (0.0, -3.0)),
        (0.0, (), 1, ()),
    ],
)
def test_worked_examples(total: float, parts: tuple[float, ...], decimals: int, expected: tuple[float, ...]):
    assert round_parts(total, parts, decimals) == pytest.approx(expected)


@given(
    parts=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9),
    decimals=st.integers(0, 2),
)
def test_they_add_up_and_none_is_a_unit_away(parts: list[float], decimals: int) -> None:
    total = math.fsum(parts)
    found = round_parts(total, parts, decimals)
    unit = 10.0**-decimals
    assert math.fsum(found) == pytest.approx(round(total, decimals), abs=unit / 100)
    assert all(abs(own - part) < 1.001 * unit for own, part in zip(found, parts, strict=True))


def test_parts_of_something_else_are_refused() -> None:
    with pytest.raises(ValueError, match=r"add up to 3\.0, not to 5\.0"):
        round_parts(5.0, (1.0, 2.0), 1)
