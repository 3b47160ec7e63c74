"""Numbers as publishers write them."""

from __future__ import annotations

import math
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.domain.units import (
    TONNES_PER_YEAR,
    day_from_text,
    number_from_text,
    plain_unit,
    tonnes_per_unit,
)


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


MASSES = {
    "t": Fraction(1),
    "ton": Fraction(1),
    "kton": Fraction(1_000),
    "kg": Fraction(1, 1_000),
    "kilogram": Fraction(1, 1_000),
    "g": Fraction(1, 10**6),
    "gram": Fraction(1, 10**6),
    "mg": Fraction(1, 10**9),
}
BLANK = st.sampled_from([" ", "  ", "\u00a0", "\t"])


@st.composite
def written_units(draw: st.DrawFn) -> tuple[str, Fraction]:
    """A unit of mass per year as a person may write it, and what it is in tonnes."""
    word = draw(st.sampled_from(sorted(MASSES)))
    spelled = word if word == "mg" else draw(st.sampled_from([word, word.capitalize(), word.upper()]))
    thousand = draw(st.sampled_from(["", "1000", "1 000", "tusen"]))
    year = draw(st.sampled_from(["", "/år", " / år", "/ ÅR", " per år"]))
    text = (thousand + draw(BLANK) if thousand else "") + spelled + year
    return draw(st.sampled_from(["", " "])) + text, MASSES[word] * (1_000 if thousand else 1)


@settings(max_examples=500)
@given(written_units())
def test_every_spelling_of_a_mass_is_what_it_weighs(case: tuple[str, Fraction]):
    text, tonnes = case
    assert tonnes_per_unit(text) == tonnes


@settings(max_examples=500)
@given(st.text(alphabet="1 0tonkgmGM/årperilµIEQ²-", max_size=14))
def test_any_other_text_is_refused_or_a_power_of_a_thousand(text: str):
    try:
        factor = tonnes_per_unit(text)
    except ValueError:
        return
    assert 1 in (factor.numerator, factor.denominator)
    assert factor in {Fraction(1_000) ** power for power in range(-3, 3)}


@pytest.mark.parametrize(
    "text",
    ["", "Mg/år", "MG", "Gg", "ton/månad", "ton/km2", "t/inv", "lb/år", "µg", "100 ton", "ton ton", "/år",
     "ton/år CO2-ekv.", "g I-TEQ/år", "1000"],
)  # fmt: skip
def test_what_is_no_mass_per_year_is_refused(text: str):
    with pytest.raises(ValueError, match=r"no unit of mass|may be milligrams"):
        tonnes_per_unit(text)


@pytest.mark.parametrize("text", ["g I-TEQ/år", "g TEQ / år", "g i-teq per år", "g/år"])
def test_dioxins_are_weighed_in_toxic_equivalents(text: str):
    assert tonnes_per_unit(text, in_equivalents=True) == Fraction(1, 10**6)


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
