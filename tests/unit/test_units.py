"""Numbers as publishers write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.units import TONNES_PER_YEAR, number_from_text, plain_unit


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7,33347×10^−05", 7.33347e-05),
        ("2,31583×10⁻⁵", 2.31583e-05),
        ("1,5 * 10^3", 1500.0),
        ("1 234 567,25", 1234567.25),
        ("1\u00a0234,5", 1234.5),
        ("−3,0", -3.0),
        ("–3", -3.0),
        ("2.5e3", 2500.0),
        (" 12 ", 12.0),
        (",5", 0.5),
    ],
)
def test_numbers(text: str, value: float):
    assert number_from_text(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "..",
        "n/a",
        "nan",
        "inf",
        "1e999",
        "1_000",
        "0x1f",
        "12 34",
        "1,234.5",
        "1.2.3",
        "7×105",
        "#DIV/0!",
        "12 t",
        "٣",
        "5,0 (prel.)",
    ],
)
def test_text_that_is_no_number(text: str):
    with pytest.raises(ValueError, match="number"):
        number_from_text(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_comes_back_exactly_from_its_swedish_text(value: float):
    swedish = repr(value).replace(".", ",").replace("-", "\u2212")
    assert number_from_text(swedish) == value


@given(st.integers(min_value=1_000, max_value=10**12))
def test_thousands_may_be_parted_by_blanks(value: int):
    assert number_from_text(f"{value:,}".replace(",", " ")) == value


@given(st.text(max_size=12))
def test_anything_else_is_refused_or_finite(text: str):
    try:
        value = number_from_text(text)
    except ValueError:
        return
    assert math.isfinite(value)
    assert any(letter.isdigit() for letter in text)


def test_units_are_compared_without_regard_to_blanks_and_case():
    assert plain_unit(" Ton / år ") == plain_unit(TONNES_PER_YEAR)
    assert plain_unit("kt/år") != plain_unit(TONNES_PER_YEAR)
