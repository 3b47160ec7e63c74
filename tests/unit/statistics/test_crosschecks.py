from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.statistics.crosschecks import Side, build_cross_checks

EMISSIONS = Side(
    release_id="smhi",
    published_date=date(2026, 5, 7),
    facts=pd.DataFrame(
        [("00", "all", 2023, 110.0), ("00", "international_transport", 2023, 10.0),
         ("00", "all", 2024, 99.0), ("00", "international_transport", 2024, 9.0), ("0360", "all", 2024, 5.0)],
        columns=["region_code", "sector_code", "year", "emissions_tco2e"],
    ),
)  # fmt: skip
KOLADA = Side(
    release_id="kolada",
    published_date=date(2026, 6, 10),
    facts=pd.DataFrame(
        [("N07702", "0360", 2024, 4.0), ("N07702", "00", 2024, 99.0), ("N00401", "0360", 2024, 6.9)],
        columns=["indicator_code", "region_code", "year", "indicator_value"],
    ),
)
INVENTORY = Side(
    release_id="scb",
    published_date=date(2025, 12, 16),
    facts=pd.DataFrame({"year": [2022, 2023, 2024], "emissions_tco2e": [90.0, 100.0, 0.0]}),
)


def checks(kolada=KOLADA, inventory=INVENTORY) -> pd.DataFrame:
    return build_cross_checks(EMISSIONS, kolada, inventory)


def test_totals_are_held_against_kolada_and_what_is_per_inhabitant_is_not():
    frame = checks(inventory=None).set_index("region_code")
    assert frame.loc["0360", "difference_pct"] == pytest.approx(25.0)
    assert frame.loc["00", "difference_pct"] == 0.0
    assert len(frame) == 2


def test_the_territorial_nation_is_held_against_the_inventory_in_the_years_of_both():
    frame = checks(kolada=None).set_index("year")
    assert frame.loc[2023, ["left_value", "right_value", "difference_pct"]].tolist() == [100.0, 100.0, 0.0]
    assert pd.isna(frame.loc[2024, "difference_pct"]), "nothing can be a share of zero"
    assert set(frame["left_release_id"]) == {"smhi"}


@pytest.mark.parametrize(
    ("kolada", "is_same"),
    [
        (KOLADA, True),
        (replace(KOLADA, published_date=date(2026, 5, 6)), False),
    ],
)
def test_only_one_vintage_is_evaluated(kolada, is_same):
    assert set(checks(kolada=kolada, inventory=None)["is_same_vintage"]) == {is_same}


def test_an_inventory_to_another_year_is_another_vintage():
    later = replace(INVENTORY, facts=pd.DataFrame({"year": [2023, 2025], "emissions_tco2e": [100.0, 80.0]}))
    assert set(checks(kolada=None, inventory=later)["is_same_vintage"]) == {False}


def test_nothing_to_check_against_is_no_row():
    assert checks(None, None).empty


@given(st.floats(0.01, 100.0))
def test_the_difference_does_not_depend_on_the_unit(factor):
    scaled = replace(
        EMISSIONS, facts=EMISSIONS.facts.assign(emissions_tco2e=lambda f: f["emissions_tco2e"] * factor)
    )
    other = replace(
        KOLADA, facts=KOLADA.facts.assign(indicator_value=lambda f: f["indicator_value"] * factor)
    )
    before, after = checks(inventory=None), build_cross_checks(scaled, other, None)
    assert after["difference_pct"].tolist() == pytest.approx(before["difference_pct"].tolist())
