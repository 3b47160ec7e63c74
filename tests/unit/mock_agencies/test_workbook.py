"""The writer's workbooks open elsewhere, and the same table gives the same bytes."""

from __future__ import annotations

import io
from datetime import date

import openpyxl

from klimatpuls.domain import regions
from klimatpuls.mock_agencies.workbook import Properties, build_workbook, preamble, region_names, region_order

ROWS = [['Län & <kommun> "å"', " blank "], [], [None, 1, 2.5e-05, 71000515.07]]


def test_another_reader_sees_the_same_cells():
    body = build_workbook(ROWS, sheet_name='Koldioxid "CO2" & mer', properties=Properties(title="<titel>"))
    opened = openpyxl.load_workbook(io.BytesIO(body))
    sheet = opened.worksheets[0]
    assert sheet.title == 'Koldioxid "CO2" & mer'
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ['Län & <kommun> "å"', " blank ", None, None],
        [None] * 4,
        [None, 1, 2.5e-05, 71000515.07],
    ]
    assert (opened.properties.title, opened.properties.creator) == ("<titel>", "klimatpuls")


def test_copies_of_a_sheet_hold_the_same_rows():
    opened = openpyxl.load_workbook(io.BytesIO(build_workbook(ROWS, sheet_name="a", copies=("b", "c"))))
    assert opened.sheetnames == ["a", "b", "c"]
    assert len({str([*sheet.iter_rows(values_only=True)]) for sheet in opened.worksheets}) == 1


def test_equal_tables_give_equal_bytes():
    assert build_workbook(ROWS, sheet_name="a") == build_workbook(iter(ROWS), sheet_name="a")
    assert build_workbook(ROWS, sheet_name="a") != build_workbook(ROWS[:1], sheet_name="a")


def test_the_co2_table_begins_one_row_above_that_of_other_gases():
    day, years = date(2026, 5, 7), [1990, 2024]
    co2, ghg, lead = (preamble(substance, day, years) for substance in ("co2", "ghg", "pb"))
    assert (len(co2), len(ghg), len(lead)) == (6, 7, 6)
    assert ghg[3][0].startswith("CO2-ekv.")
    assert co2[-1] == ["Huvudsektor", "Undersektor", "Län", "Kommun", "CO2", "CO2"]
    assert ghg[-2:] == [
        [None, None, None, None, 1990, 2024],
        ["Huvudsektor", "Undersektor", "Län", "Kommun", "GGT", "GGT"],
    ]


def test_regions_come_as_the_publisher_orders_them():
    order = region_order()
    assert sorted(order) == sorted(regions.codes())
    names = [region_names(code) for code in order]
    assert names[:4] == [
        ("Alla", "Alla"),
        ("Blekinge län", "Alla"),
        ("Blekinge län", "Karlshamn"),
        ("Blekinge län", "Karlskrona"),
    ]
    assert names[-2:] == [("Östergötlands län", "Åtvidaberg"), ("Östergötlands län", "Ödeshög")]
