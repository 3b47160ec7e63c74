"""National and own part of every pair of years."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klimatpuls.domain import sectors
from klimatpuls.statistics import change_parts
from klimatpuls.statistics.series import TERRITORIAL_SECTORS, ReleaseTable

NATION, TIERP, UPPSALA = "00", "0360", "0380"
CODES = (NATION, TIERP, UPPSALA)


def table_of(
    cells: dict[str, list[list[float]]], years: tuple[int, ...] = (2015, 2020, 2024)
) -> ReleaseTable:
    shape = (len(CODES), len(years))
    filled = {code: np.zeros(shape) for code in sectors.main_codes()}
    filled |= {code: np.array(values) for code, values in cells.items()}
    filled["all"] = sum(filled.values(), np.zeros(shape))
    return ReleaseTable("r", CODES, np.array(years), filled)


TABLE = table_of(
    {
        "transport": [[1000.0, 950.0, 900.0], [100.0, 90.0, 80.0], [200.0, 190.0, 180.0]],
        "industry": [[500.0, 500.0, 400.0], [0.0, 10.0, 5.0], [50.0, 50.0, 40.0]],
    }
)


def test_a_worked_example() -> None:
    found = change_parts.build_change_parts(TABLE, [(2015, 2024)])
    row = found.set_index(["region_code", "sector_code"]).loc[(TIERP, "transport")]
    assert row[["national_part_tco2e", "own_part_tco2e"]].tolist() == pytest.approx([-10.0, -10.0])
    assert row[["change_pct", "national_part_pct", "own_part_pct"]].tolist() == pytest.approx([-20, -10, -10])
    whole = found.set_index(["region_code", "sector_code"]).loc[(TIERP, "all")]
    assert whole["own_part_tco2e"] == pytest.approx(-10.0 + 5.0)


def test_a_sector_the_nation_did_not_have_is_all_own() -> None:
    table = table_of({"waste": [[0.0, 20.0, 50.0], [5.0, 20.0, 50.0], [0.0, 0.0, 0.0]]})
    found = change_parts.build_change_parts(table, [(2015, 2024)]).set_index(["region_code", "sector_code"])
    assert found.loc[(TIERP, "all"), "own_part_tco2e"] == 45.0


def test_a_sector_scaled_with_the_nation_is_not_measurable_yet_and_its_sum_partly() -> None:
    found = change_parts.build_change_parts(TABLE, [(2015, 2024)]).set_index(["region_code", "sector_code"])
    assert found.loc[(UPPSALA, "industry"), "near_nation_pct"] == 100.0
    assert found.loc[(UPPSALA, "industry"), "own_part_status"] == change_parts.NOT_MEASURABLE_YET
    assert found.loc[(UPPSALA, "industry"), "scaled_share_pct"] == 100.0
    assert found.loc[(UPPSALA, "all"), "own_part_status"] == change_parts.PARTLY
    assert found.loc[(UPPSALA, "all"), "scaled_share_pct"] == pytest.approx(100 * 50 / 250)
    assert found.loc[(TIERP, "all"), "own_part_status"] == change_parts.MEASURED, "it had no industry in 2015"
    assert found.loc[(TIERP, "all"), "scaled_share_pct"] == 0.0
    assert found.loc[(TIERP, "transport"), "own_part_status"] == change_parts.MEASURED


@pytest.mark.parametrize(
    ("industry", "share", "status"),
    [(20.0, 100 * 20 / 210, change_parts.MEASURED), (25.0, 100 * 25 / 215, change_parts.PARTLY)],
)
def test_a_total_is_measured_in_part_from_a_tenth_of_its_tonnes(
    industry: float, share: float, status: str
) -> None:
    copied = [[500.0, 500.0, 400.0], [0.0, 0.0, 0.0], [industry, industry, 0.8 * industry]]
    table = table_of({"transport": TABLE.sectors["transport"].tolist(), "industry": copied})
    found = change_parts.build_change_parts(table, [(2020, 2024)]).set_index(["region_code", "sector_code"])
    assert found.loc[(UPPSALA, "industry"), "own_part_status"] == change_parts.NOT_MEASURABLE_YET
    assert found.loc[(UPPSALA, "all"), "scaled_share_pct"] == pytest.approx(share)
    assert found.loc[(UPPSALA, "all"), "own_part_status"] == status


def test_the_nation_has_no_own_part() -> None:
    found = change_parts.build_change_parts(TABLE, change_parts.every_pair(TABLE))
    nation = found[found["region_code"] == NATION]
    assert nation[["own_part_tco2e", "own_part_pct"]].isna().all(axis=None)
    assert set(nation["own_part_status"]) == {change_parts.NATION_ITSELF}
    np.testing.assert_allclose(
        nation["national_part_tco2e"], nation["last_tco2e"] - nation["first_tco2e"], atol=1e-9
    )


def test_pairs_whose_sectors_are_shown() -> None:
    assert change_parts.every_pair(TABLE) == [(2015, 2020), (2015, 2024), (2020, 2024)]
    assert change_parts.pairs_with_sectors(TABLE) == [(2015, 2020), (2015, 2024), (2020, 2024)]
    longer = ReleaseTable("r", (NATION,), np.array([1990, 2015, 2020, 2024]), {})
    assert (1990, 2020) not in change_parts.pairs_with_sectors(longer)


def test_sums_alone_are_the_sums_of_the_sectors() -> None:
    whole = change_parts.build_change_parts(TABLE, [(2015, 2024)])
    sums = change_parts.build_change_parts(TABLE, [(2015, 2024)], with_sectors=False)
    expected = whole[whole["sector_code"] == "all"].reset_index(drop=True)
    assert sums.equals(expected)


@pytest.mark.parametrize("pair", [(2024, 2015), (2015, 2015), (2015, 2019)])
def test_a_pair_that_is_none_is_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="2015, 2020, 2024"):
        change_parts.build_change_parts(TABLE, [pair])


cells = st.lists(
    st.lists(st.just(0.0) | st.floats(1e-3, 1e7), min_size=3, max_size=3),
    min_size=len(CODES),
    max_size=len(CODES),
)


@settings(deadline=None, max_examples=60)
@given(figures=st.fixed_dictionaries(dict.fromkeys(TERRITORIAL_SECTORS, cells)))
def test_the_parts_always_add_up(figures: dict[str, list[list[float]]]) -> None:
    table = table_of(figures)
    found = change_parts.build_change_parts(table, change_parts.every_pair(table))
    found = found[found["region_code"] != NATION]
    change = found["last_tco2e"] - found["first_tco2e"]
    parts = found["national_part_tco2e"] + found["own_part_tco2e"]
    size = 1.0 + found[["first_tco2e", "last_tco2e"]].abs().sum(axis=1) + found["national_part_tco2e"].abs()
    assert ((change - parts).abs() <= 1e-9 * size).all()
