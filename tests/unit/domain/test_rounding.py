"""Parts that add up as printed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.domain.rounding import round_change, round_parts


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


@given(national=st.floats(-500, 500), own=st.floats(-500, 500), miss=st.floats(-0.09, 0.09))
def test_a_change_is_printed_as_the_sum_of_its_parts(national: float, own: float, miss: float) -> None:
    """Also when the parts come from sectors, whose sum misses the total a little."""
    change, *parts = round_change(national + own + miss, national, own)
    assert math.fsum(parts) == pytest.approx(change, abs=1e-9)
    assert change == round(national + own + miss, 1)


def test_what_is_unknown_of_a_change_stays_so() -> None:
    assert round_change(12.157, 14.640, -2.483) == pytest.approx((12.2, 14.7, -2.5))
    assert round_change(1.26, 1.26, math.nan) == pytest.approx((1.3, 1.3, math.nan), nan_ok=True)
    assert round_change(math.nan, 1.26, -2.44) == pytest.approx((math.nan, 1.3, -2.4), nan_ok=True)
    assert round_change(5.0, 1.0, 2.0) == pytest.approx((5.0, math.nan, math.nan), nan_ok=True)
