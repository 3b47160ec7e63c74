from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from klimatpuls.domain.defects import Defect, defect_cells, overdue

KUMLA = Defect(
    defect_id="kumla",
    dataset="smhi_emissions",
    substance="co2",
    published_date=date(2024, 4, 18),
    region_code="1881",
    sector_code="waste",
    years=(2017, 2018, 2019),
    at_most=1_000.0,
    at_least=None,
    reason_sv="fel",
    reason_en="wrong",
    source="test",
    entered_on=date(2026, 11, 27),
    review_by=date(2027, 12, 31),
)
FACTS = pd.DataFrame(
    [("1881", "waste", 2017, 132_293.0), ("1881", "waste", 2018, 23.0), ("0360", "waste", 2018, 5.0)],
    columns=["region_code", "sector_code", "year", "emissions_tco2e"],
)


def test_a_cell_counts_while_it_shows_the_defect():
    assert defect_cells([KUMLA], FACTS) == [("1881", "waste", 2018)]


def test_a_cell_that_was_mended_ends_the_entry():
    mended = FACTS.assign(emissions_tco2e=[132_293.0, 127_871.0, 5.0])
    assert defect_cells([KUMLA], mended) == []


def test_the_guard_may_be_a_least_value():
    high = replace(KUMLA, at_most=None, at_least=100_000.0)
    assert defect_cells([high], FACTS) == [("1881", "waste", 2017)]


@pytest.mark.parametrize(("day", "names"), [(date(2027, 12, 31), []), (date(2028, 1, 1), ["kumla"])])
def test_an_entry_not_reviewed_in_time_is_overdue(day, names):
    assert [defect.defect_id for defect in overdue([KUMLA], day)] == names
