"""Names become codes once, and the traps among them are known."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.domain import regions
from klimatpuls.domain.regions import UnknownRegionError, code_for

_SWEDISH = {letter: place for place, letter in enumerate(" -abcdefghijklmnopqrstuvwxyzåäö")}


def test_one_nation_21_counties_290_municipalities():
    assert [len(regions.codes(level)) for level in ("nation", "county", "municipality")] == [1, 21, 290]
    assert len(regions.codes()) == 312


def test_every_municipality_lies_in_the_county_its_code_begins_with():
    for code in regions.codes("municipality"):
        assert regions.region(code).county_code == code[:2]
    assert sum(len(regions.municipalities_of(county)) for county in regions.codes("county")) == 290


def test_stored_order_is_swedish_alphabetical_order_within_each_level():
    levels = ["nation", "county", "municipality"]

    def key(region: regions.Region) -> tuple[int, list[int]]:
        return levels.index(region.level), [_SWEDISH[letter] for letter in region.name.casefold()]

    everything = list(regions.regions().values())
    expected = [region.code for region in sorted(everything, key=key)]
    assert [region.code for region in sorted(everything, key=lambda region: region.sort_sv)] == expected
    assert sorted(region.sort_sv for region in everything) == list(range(1, 313))


@pytest.mark.parametrize(
    ("name", "county", "code"),
    [
        ("Habo", "Jönköpings län", "0643"),
        ("Håbo", "Uppsala län", "0305"),
        (unicodedata.normalize("NFD", "Håbo"), unicodedata.normalize("NFD", "Uppsala län"), "0305"),
        ("  Tierp ", None, "0360"),
        ("Tierps kommun", None, "0360"),
        ("Borås kommun", None, "1490"),
        ("Falu kommun", None, "2080"),
        ("Upplands-Väsby", None, "0114"),
        ("Upplands-Bro", None, "0139"),
        ("Region Gotland (kommun)", None, "0980"),
        ("Gotlands kommun", None, "0980"),
        ("Göteborgs Stad", None, "1480"),
        ("Gotlands län", None, "09"),
        ("Sverige", None, "00"),
        ("Riket", None, "00"),
    ],
)
def test_names_publishers_write(name: str, county: str | None, code: str):
    assert code_for(name, county) == code


@given(st.sampled_from(regions.codes()))
def test_every_region_is_found_by_its_own_name_however_it_is_encoded(code: str):
    region = regions.region(code)
    assert code_for(region.name) == code
    assert code_for(f" {unicodedata.normalize('NFD', region.name)}\u00a0") == code


def test_a_name_never_seen_lists_the_nearest():
    with pytest.raises(UnknownRegionError, match=r"'Tjierp'.*Tierp \(0360\)"):
        code_for("Tjierp")


def test_a_municipality_in_the_wrong_county_is_refused():
    with pytest.raises(
        UnknownRegionError, match=r"'Habo' \(0643\) lies in Jönköpings län, not in 'Uppsala län'"
    ):
        code_for("Habo", "Uppsala län")


def test_a_code_without_its_leading_zero_is_recognised():
    with pytest.raises(UnknownRegionError, match="did you mean '0360'"):
        regions.region("360")


def test_a_municipality_is_no_county():
    with pytest.raises(UnknownRegionError, match="is no county"):
        regions.municipalities_of("0360")


@pytest.mark.parametrize(
    ("code", "group", "since"),
    [
        ("0480", {"0461", "0480", "0488"}, 1991),
        ("0488", {"0461", "0480", "0488"}, 1991),
        ("1490", {"1443", "1490"}, 1994),
        ("1814", {"1814", "1880"}, 1994),
        ("0181", {"0140", "0181"}, 1998),
        ("0330", {"0330", "0380"}, 2002),
    ],
)
def test_mother_and_children_of_a_split_share_the_first_year_of_todays_borders(
    code: str, group: set[str], since: int
):
    mother = regions.region(code).split_from or code
    assert group == {mother} | {
        child for child in regions.codes() if regions.region(child).split_from == mother
    }
    assert {regions.region(member).population_from_year for member in group} == {since}


def test_only_the_five_splits_since_1990_limit_population():
    limited = {code for code in regions.codes() if regions.region(code).population_from_year}
    assert len(limited) == 11
    assert "0360" not in limited
