"""Cells with values that cannot be are refused in every source, and nothing else is."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.contract import catalog, schema
from klimatpuls.contract.releases import Parsed
from klimatpuls.contract.value_ranges import refuse_impossible

NO_REJECTS = pd.DataFrame(columns=["sheet_row", "column_name", "raw_value", "reason"])
NUMBERS = {"double precision", "integer", "smallint", "bigint"}
MEASURED = [
    (dataset.id, column.name)
    for source in catalog.SOURCES.values()
    for dataset in source.datasets
    for column in schema.fact(dataset.fact).values
    if column.type in NUMBERS
]
NEGATIVE_IS_POSSIBLE = {("kolada", "indicator_value")}


def release(dataset: str, column: str, values: list[object], **others: object) -> Parsed:
    """A release with one row per value; its other columns hold anything."""
    fact = schema.fact(catalog.dataset(dataset).fact)
    rows = pd.DataFrame({name: ["x"] * len(values) for name in fact.names}).assign(**others)
    for each in fact.values:
        if each.type in NUMBERS:
            rows[each.name] = 1
    rows[column] = values
    rows["sheet_row"] = range(7, 7 + len(values))
    return Parsed(
        dataset=dataset,
        substance=None,
        unit="",
        published_date=date(2026, 5, 7),
        years=(2024,),
        rows=rows,
        rejects=NO_REJECTS,
        rows_read=len(rows),
    )


@pytest.mark.parametrize(("dataset", "column"), MEASURED)
@pytest.mark.parametrize("value", [math.inf, -math.inf, -1.0])
def test_an_impossible_value_is_a_refused_cell_in_every_source(
    dataset: str, column: str, value: float
) -> None:
    found = refuse_impossible(release(dataset, column, [5.0, value, 0.0]))

    if value == -1.0 and (dataset, column) in NEGATIVE_IS_POSSIBLE:
        assert found.rejects.empty
        return
    (cell,) = found.rejects.to_dict("records")
    assert (cell["sheet_row"], cell["column_name"], cell["raw_value"]) == (8, column, str(value))
    assert cell["reason"].startswith(("infinite (", "negative ("))
    assert list(found.rows["sheet_row"]) == [7, 9]
    assert len(found.rows) + len(found.rejects) == found.rows_read


@pytest.mark.parametrize(("dataset", "column"), MEASURED)
def test_what_is_no_number_is_refused_where_there_must_be_one(dataset: str, column: str) -> None:
    nullable = {each.name: each.nullable for each in schema.fact(catalog.dataset(dataset).fact).columns}

    found = refuse_impossible(release(dataset, column, [1.0, math.nan]))

    assert [cell["reason"][:8] for cell in found.rejects.to_dict("records")] == (
        [] if nullable[column] else ["no value"]
    )


def test_the_reason_names_the_cell() -> None:
    parsed = release(
        "smhi_emissions", "emissions", [-3.0], region_code="0360", sector_code="waste", year=2024
    )
    (cell,) = refuse_impossible(parsed).rejects.to_dict("records")
    assert cell["reason"] == "negative (0360, waste, 2024)"


@pytest.mark.parametrize(
    ("sector", "is_refused"), [("lulucf", False), ("total_with_both", False), ("total", True)]
)
def test_only_land_use_may_take_up(sector: str, is_refused: bool) -> None:
    parsed = release("scb_national_emissions", "emissions_tco2e", [-50.0], sector_code=sector)
    assert bool(len(refuse_impossible(parsed).rejects)) == is_refused


@pytest.mark.parametrize(("value", "reason"), [(1.5, "not a whole number"), (2.0**31, "too large")])
def test_a_count_is_a_whole_number_that_the_warehouse_can_hold(value: float, reason: str) -> None:
    (cell,) = refuse_impossible(release("scb_population", "population_count", [value])).rejects.to_dict(
        "records"
    )
    assert cell["reason"].startswith(reason)


def test_a_row_with_several_faults_is_refused_once() -> None:
    parsed = release("klimatklivet", "amount_sek", [-1.0, 2.0])
    parsed.rows["charge_point_count"] = [-3, 4]
    found = refuse_impossible(parsed)
    assert (len(found.rows), len(found.rejects)) == (1, 1)


@given(st.lists(st.floats(), max_size=20))
def test_every_cell_is_kept_or_refused_and_what_is_kept_is_possible(values: list[float]) -> None:
    parsed = release("smhi_emissions", "emissions", [float(value) for value in values])
    found = refuse_impossible(parsed)
    assert len(found.rows) + len(found.rejects) == parsed.rows_read
    assert set(found.rows["sheet_row"]) | set(found.rejects["sheet_row"]) == set(parsed.rows["sheet_row"])
    kept = found.rows["emissions"].to_numpy(dtype="float64")
    assert np.isfinite(kept).all()
    assert (kept >= 0).all()


def test_a_good_release_is_handed_on_as_it_is() -> None:
    parsed = release("smhi_emissions", "emissions", [0.0, 1.5])
    assert refuse_impossible(parsed) is parsed
