"""Units as publishers write them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.domain.units import TONNES_PER_YEAR, plain_unit, tonnes_per_unit


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
