"""Small words: genitives, fractions, sizes without a sign."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.report.numbers import Speaker
from klimatpuls.site.words import genitive, is_zero, lowered, mass, month, percent_words, share_words
from klimatpuls.translations import NBSP

SV, EN = Speaker("sv"), Speaker("en")


@pytest.mark.parametrize(
    ("name", "swedish", "english"),
    [
        ("Tierp", "Tierps", "Tierp's"),
        ("Borås", "Borås", "Borås's"),
        ("Bordeaux", "Bordeaux", "Bordeaux's"),
        ("Schweiz", "Schweiz", "Schweiz's"),
        ("Luleå", "Luleås", "Luleå's"),
    ],
)
def test_a_name_in_s_x_or_z_takes_no_s_in_swedish(name, swedish, english):
    assert (genitive(name, SV), genitive(name, EN)) == (swedish, english)


@pytest.mark.parametrize(
    ("pct", "words"),
    [
        (-32.976, "en tredjedel"),
        (-25.0, "en fjärdedel"),
        (-66.6, "två tredjedelar"),
        (-75.5, "tre fjärdedelar"),
        (-50.0, "50 procent"),
        (-34.1, "34 procent"),
        (-5.67, "5,7 procent"),
    ],
)
def test_a_share_is_a_fraction_where_it_is_one(pct, words):
    assert share_words(pct, SV) == words


@pytest.mark.parametrize(
    ("pct", "words"), [(12.157, "12 procent"), (9.96, "10 procent"), (-9.94, "9,9 procent")]
)
def test_percent_has_a_decimal_below_ten_and_no_sign(pct, words):
    assert percent_words(pct, SV) == words


@pytest.mark.parametrize(
    ("tonnes", "words"),
    [
        (146_060.381, f"146{NBSP}000{NBSP}ton"),
        (11_162_325.0, f"11,2{NBSP}miljoner{NBSP}ton"),
        (999_600.0, f"1,00{NBSP}miljoner{NBSP}ton"),
        (-328.4, f"328{NBSP}ton"),
        (0.3, f"mindre än 1{NBSP}ton"),
        (0.0, f"0{NBSP}ton"),
    ],
)
def test_tonnes_are_read_with_three_figures(tonnes, words):
    assert mass(tonnes, SV).replace(" ton", f"{NBSP}ton") == words


@given(st.floats(-1e9, 1e9))
def test_no_size_has_a_sign_and_none_is_far_off(tonnes):
    words = mass(tonnes, EN)
    assert not set(words) & set("+-−")
    if abs(tonnes) >= 1:
        number = float(words.split(NBSP)[0].replace(",", ""))
        assert number * (1e6 if "million" in words else 1) == pytest.approx(abs(tonnes), rel=0.0051, abs=0.5)


def test_a_name_within_a_sentence_is_lower_case_unless_it_is_an_abbreviation():
    assert [lowered(name) for name in ("Transporter", "El och fjärrvärme", "EU-handel", "")] == [
        "transporter",
        "el och fjärrvärme",
        "EU-handel",
        "",
    ]


def test_what_is_printed_as_zero_is_no_change():
    assert [is_zero(pct) for pct in (0.049, -0.049, 0.051)] == [True, True, False]


def test_a_month_is_written_in_its_language():
    from datetime import date

    assert (month(date(2027, 5, 10), SV), month(date(2027, 5, 10), EN)) == ("maj 2027", "May 2027")
