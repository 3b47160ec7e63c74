"""Municipalities alike, and who did it better."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.domain import sectors
from klimatpuls.statistics import peers
from klimatpuls.statistics.series import ReleaseTable


def features(population: list[float], **others: list[object]) -> pd.DataFrame:
    """Municipalities 0001, 0002 … alike in all but what is given."""
    count = len(population)
    columns: dict[str, object] = {name: [0.1] * count for name in peers.FEATURES}
    columns |= {peers.GROUP: [None] * count, peers.DENSITY: [np.nan] * count}
    columns |= {peers.POPULATION: np.log(population), **others}
    frame = pd.DataFrame(columns, index=pd.Index([f"{n + 1:04d}" for n in range(count)], name="region_code"))
    return frame[list(peers.FEATURES)]


def nearest(frame: pd.DataFrame, code: str) -> list[str]:
    found = peers.find_peers(frame)
    return found.loc[found["region_code"] == code, "peer_region_code"].tolist()


def test_the_nearest_in_population_comes_first() -> None:
    frame = features([10_000, 11_000, 90_000, 95_000])
    assert nearest(frame, "0001") == ["0002", "0003", "0004"]
    assert nearest(frame, "0004")[0] == "0003"


def test_another_group_is_a_step_away() -> None:
    frame = features([10_000, 10_000, 11_000, 90_000], group=["A", "B", "A", "A"])
    assert nearest(frame, "0001") == ["0003", "0002", "0004"]


def test_what_one_of_two_lacks_is_left_out_of_their_distance() -> None:
    frame = features([10_000, 10_000, 20_000], density=[1.0, np.nan, 1.0])
    found = peers.find_peers(frame).set_index(["region_code", "peer_region_code"])
    assert found.loc[("0001", "0002"), "distance"] == 0.0
    assert found["distance"].notna().all()


def test_the_reason_is_the_two_closest_features() -> None:
    frame = features([10_000, 11_000, 90_000], transport=[0.5, 0.9, 0.5], waste=[0.1, 0.1, 0.4])
    row = peers.find_peers(frame).set_index(["region_code", "peer_region_code"]).loc[("0001", "0002")]
    assert row["reasons"] == ("waste", "population")


def test_at_most_ten_and_never_itself() -> None:
    found = peers.find_peers(features(np.linspace(5_000, 90_000, 14).tolist()))
    assert (found["region_code"] != found["peer_region_code"]).all()
    assert set(found.groupby("region_code").size()) == {10}
    assert peers.find_peers(features([10_000])).empty


def test_features_are_of_the_latest_year_with_industry_and_power_merged() -> None:
    cells = {code: np.zeros((2, 1)) for code in sectors.main_codes()}
    cells |= {"transport": np.array([[9.0], [60.0]]), "industry": np.array([[0.0], [30.0]])}
    cells["power_heat"] = np.array([[0.0], [10.0]])
    table = ReleaseTable("r", ("00", "0360"), np.array([2024]), cells)
    row = peers.build_features(table, {"0360": 10.0}, groups={"0360": "C8"}).loc["0360"]
    assert (row["transport"], row[peers.PLANTS], row[peers.PER_CAPITA]) == pytest.approx((0.6, 0.4, 10.0))
    assert row[peers.GROUP] == "C8"
    assert np.isnan(row[peers.DENSITY])
    assert peers.build_features(table, {}).empty


@settings(deadline=None, max_examples=40)
@given(population=st.lists(st.integers(1_000, 10**6), min_size=3, max_size=12, unique=True))
def test_likeness_is_mutual_and_grows_with_rank(population: list[int]) -> None:
    found = peers.find_peers(features([float(own) for own in population]))
    pairs = found.set_index(["region_code", "peer_region_code"])["distance"]
    for (one, other), distance in pairs.items():
        if (other, one) in pairs.index:
            assert pairs[(other, one)] == pytest.approx(distance)
    assert (found.groupby("region_code")["distance"].diff().dropna() >= 0).all()


# ------------------------------------------------------------------------------------ who did it better

CODES = ("00", *(f"{number:04d}" for number in range(1, 11)))


def release(name: str, last: dict[str, float], years: tuple[int, ...] = (2019, 2023, 2024)) -> ReleaseTable:
    """Ten municipalities with 10 kt of transport and 10 kt of waste; ``last`` changes the last transport."""
    transport = np.full((len(CODES), len(years)), 10_000.0)
    for row, code in enumerate(CODES[1:], start=1):
        transport[row, -1] = last.get(code, 9_900.0 - 10 * row)
    transport[0] = 1.02 * transport[1:].sum(axis=0)
    waste = np.full(transport.shape, 10_000.0)
    waste[0] = waste[1:].sum(axis=0)
    cells = {code: np.zeros(transport.shape) for code in sectors.main_codes()}
    cells |= {"transport": transport, "waste": waste}
    return ReleaseTable(name, CODES, np.array(years), cells)


FAST = {"0001": 5_000.0, "0002": 6_000.0, "0003": 8_000.0, "0004": 8_500.0, "0005": 11_000.0}
TO_2023 = (2018, 2022, 2023)


def test_the_fastest_fifth_of_both_releases_is_an_example() -> None:
    found = peers.find_examples([release("old", FAST, TO_2023), release("new", FAST)])
    assert found["region_code"].tolist() == ["0001", "0002"]
    assert found["annual_reduction_rate"].iloc[0] == pytest.approx(1 - 0.5**0.2)
    assert (found["own_part_pct"] < 0).all()


def test_who_leads_in_one_release_only_is_none() -> None:
    steady = {"0002": 6_000.0, "0003": 8_000.0, "0004": 11_000.0, "0005": 11_500.0}
    new = release("new", {**steady, "0001": 5_000.0, "0003": 7_000.0})
    assert peers.find_examples([release("old", steady, TO_2023), new])["region_code"].tolist() == ["0002"]


def test_a_correction_of_the_same_year_is_no_second_witness() -> None:
    new = release("new", {**FAST, "0003": 4_000.0})
    correction = release("correction", {**FAST, "0003": 4_000.0})
    assert peers.find_examples([new, correction]).empty, "both end in 2024"
    old = release("old", FAST, TO_2023)
    assert peers.find_witness([old, new, correction]) is old
    found = peers.find_examples([old, new, correction])
    assert found["region_code"].tolist() == ["0001"], "0003 is fast in what ends in 2024, 0002 no longer"
    assert peers.find_witness([]) is None


def test_who_rose_is_no_example_however_fast_the_others_rose() -> None:
    rising = {code: 12_000.0 for code in CODES[1:]} | {"0001": 10_100.0, "0002": 9_900.0}
    found = peers.find_examples([release("old", rising, TO_2023), release("new", rising)])
    assert found["region_code"].tolist() == ["0002"]
    assert (found[["annual_reduction_rate", "earlier_annual_reduction_rate"]] > 0).all(axis=None)


def test_a_sector_scaled_with_the_nation_has_no_example() -> None:
    pair = [release("old", FAST, TO_2023), release("new", FAST)]
    assert "waste" not in set(peers.find_examples(pair)["sector_code"]), "all waste moved as the nation's"
    copied = release("new", FAST)
    copied.sectors["transport"][:, -1] = 1.02 * copied.sectors["transport"][:, -2]
    assert peers.find_examples([pair[0], copied]).empty, "the last year is a copy of the nation's"


def test_a_sector_too_small_has_no_example() -> None:
    fast = {"0001": 5_000.0, "0002": 6_000.0}
    small = release("new", fast)
    small.sectors["transport"][:] *= 0.05
    assert peers.find_examples([release("old", fast, TO_2023), small]).empty
    assert peers.find_examples([release("only", fast)]).empty
