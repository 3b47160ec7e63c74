"""The yearly workbook of Trafikanalys as published, cell by cell in sums."""

from __future__ import annotations

from datetime import date

import pytest

from klimatpuls.domain import regions
from klimatpuls.sources import trafa_vehicles

pytestmark = pytest.mark.real_data

KEYS = ["vehicle_code", "measure_code", "fuel_code"]


@pytest.fixture(scope="module")
def parsed(real_data):
    body = (real_data / "trafa" / "fordon-i-lan-och-kommuner-2025.xlsx").read_bytes()
    assert trafa_vehicles.recognise(body) == ("trafa_vehicles_workbook", None)
    return trafa_vehicles.parse([body], "trafa_vehicles_workbook", None)


def test_five_tables_of_all_areas_are_read(parsed):
    assert (len(parsed.rows), len(parsed.rejects), parsed.rows_read) == (13_728, 88, 13_816)
    assert parsed.published_date == date(2026, 2, 10)
    assert parsed.years == (2025,)
    assert set(parsed.rows["region_code"]) == set(regions.codes())
    assert set(parsed.rejects["reason"]) == {"expected: owner without a municipality"}


def test_single_figures_are_the_published_ones(parsed):
    # Källa: Trafikanalys, Fordon i län och kommuner 2025.
    counts = parsed.rows.set_index(["region_code", *KEYS])["vehicle_count"]
    assert counts["0114", "passenger_car", "in_traffic", "electric"] == 1_715
    assert counts["00", "passenger_car", "in_traffic", "petrol"] == 2_297_530
    assert counts["00", "passenger_car", "newly_registered", "electric"] == 100_365


def test_the_fuels_add_up_and_counties_hold_their_municipalities(parsed):
    rows = parsed.rows
    whole = rows[rows["fuel_code"] == "total"].set_index(["region_code", *KEYS[:2]])["vehicle_count"]
    parts = rows[rows["fuel_code"] != "total"].groupby(["region_code", *KEYS[:2]])["vehicle_count"].sum()
    assert (whole - parts).abs().max() == 0
    level = rows["region_code"].map(lambda code: regions.region(code).level)
    county_of = rows["region_code"].map(lambda code: regions.region(code).county_code)
    counties = rows[level == "county"].set_index(["region_code", *KEYS])["vehicle_count"].sort_index()
    local = rows[level == "municipality"].groupby([county_of, *KEYS])["vehicle_count"].sum().sort_index()
    assert (counties - local.rename_axis(counties.index.names)).abs().max() == 1


def test_the_nation_has_a_few_vehicles_that_no_county_has(parsed):
    rows = parsed.rows
    level = rows["region_code"].map(lambda code: regions.region(code).level)
    nation = rows[level == "nation"].set_index(KEYS)["vehicle_count"]
    counties = rows[level == "county"].groupby(KEYS)["vehicle_count"].sum()
    over = nation - counties
    assert over.min() == 0
    assert over["passenger_car", "in_traffic", "total"] == 9_842
