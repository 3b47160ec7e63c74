from __future__ import annotations

from datetime import date

import pytest

from klimatpuls.report.numbers import Speaker

SV, EN = Speaker("sv"), Speaker("en")


@pytest.mark.parametrize(
    ("value", "decimals", "swedish", "english"),
    [
        (1234567.4, 0, "1\u00a0234\u00a0567", "1,234,567"),
        (-1234.56, 1, "\u22121\u00a0234,6", "\u22121,234.6"),
        (0.04, 1, "0,0", "0.0"),
        (-0.04, 1, "0,0", "0.0"),
    ],
)
def test_numbers_follow_the_language(value, decimals, swedish, english):
    assert SV.number(value, decimals) == swedish
    assert EN.number(value, decimals) == english


@pytest.mark.parametrize(
    ("value", "swedish", "english"),
    [(5.24, "+5,2\u00a0%", "+5.2%"), (-38.16, "\u221238,2\u00a0%", "\u221238.2%"), (None, "–", "–")],
)
def test_a_change_carries_its_sign_and_a_missing_one_is_no_zero(value, swedish, english):
    assert SV.percent(value) == swedish
    assert EN.percent(value) == english


def test_runs_of_three_years_are_drawn_together():
    assert (
        SV.years([2024, 1990, 2000, 2010, 2011, 2012, 2020, 2021])
        == "1990, 2000, 2010–2012, 2020, 2021, 2024"
    )


def test_days_and_lists():
    assert (SV.day(date(2026, 5, 8)), EN.day(date(2026, 5, 8))) == ("8 maj 2026", "8 May 2026")
    assert (SV.all_of(["a", "b", "c"]), EN.all_of(["a", "b", "c"])) == ("a, b och c", "a, b and c")
    assert SV.all_of(["a"]) == "a"
