"""Numbers and days as publishers write them, in texts and in cells."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.files.values import day_from_text, number_from_text, number_of, text_of


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


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-06-10", date(2026, 6, 10)),
        (" 2026-06-10 08:00 ", date(2026, 6, 10)),
        ("2026-06-10T08:00:00", date(2026, 6, 10)),
        ("2026/06/10", date(2026, 6, 10)),
        ("20260610", date(2026, 6, 10)),
        ("10 juni 2026", date(2026, 6, 10)),
        ("1 sept. 2026", date(2026, 9, 1)),
        ("2026-06-10T22:30:00Z", date(2026, 6, 11)),
        ("2026-01-10T22:30:00Z", date(2026, 1, 10)),
        ("2026-06-10T00:30:00+05:00", date(2026, 6, 9)),
    ],
)
def test_days_as_publishers_write_them(text: str, day: date):
    assert day_from_text(text) == day


@pytest.mark.parametrize(
    "text",
    ["", "2026", "10/06/2026", "/Date(1780000000000)/", "2026-13-01", "31 juni 2026", "1 foo 2026",
     "9999-12-31T23:59:59-12:00", "i går"],
)  # fmt: skip
def test_what_is_no_day_is_refused(text: str):
    with pytest.raises(ValueError, match="is no day"):
        day_from_text(text)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (2024.0, "2024"),
        (0.5, "0.5"),
        (7, "7"),
        ("  Upplands\u00a0 Väsby\n", "Upplands Väsby"),
        (date(2026, 1, 2), "2026-01-02"),
        (math.inf, "inf"),
    ],
)
def test_the_text_of_a_cell(cell: object, text: str):
    assert text_of(cell) == text


@pytest.mark.parametrize(("cell", "number"), [(7, 7.0), (-0.5, -0.5), ("1 234,5", 1234.5)])
def test_the_number_of_a_cell(cell: object, number: float):
    assert number_of(cell) == number


@pytest.mark.parametrize("cell", [None, "", "..", True, math.nan, math.inf, 10**400, [1], {"value": 1}])
def test_a_cell_without_a_number(cell: object):
    with pytest.raises(ValueError, match="not a number"):
        number_of(cell)
