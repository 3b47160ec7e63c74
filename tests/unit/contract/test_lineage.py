"""Where numbers come from: every number of every mart is explained, and what explains it exists."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from klimatpuls.contract import lineage, schema
from klimatpuls.contract.lineage import CALCULATED, KINDS, SOURCE, parse_input

METHODS = Path(__file__).parents[3] / "docs/methods.md"
NUMBERS = {"smallint", "integer", "bigint", "double precision"}
WITHOUT_NUMBERS = {
    "code_list", "current_publication", "data_status", "lineage", "publication", "region", "release",
    "release_file", "result_status", "sector", "sector_quality", "year",
}  # fmt: skip
"""Marts about codes, files and the publication itself."""
NO_FIGURES = {
    "national_quality", "geographic_quality", "largest_sector_national_quality",
    "largest_sector_geographic_quality", "publication_id", "stored_publication_id", "sort_sv",
}  # fmt: skip
"""Columns that say how good a figure is or who stored it, or in which order rows stand."""

ENTRIES = {(entry.mart, entry.column): entry for entry in lineage.lineages()}
INPUTS = [
    (mart, column, parse_input(text)) for (mart, column), entry in ENTRIES.items() for text in entry.inputs
]


def columns_of(mart: str) -> set[str]:
    return {column.name for column in schema.mart(mart).columns}


def test_every_number_of_every_mart_is_explained_once() -> None:
    wanted = {
        (mart.name, column.name)
        for mart in schema.marts()
        if mart.name not in WITHOUT_NUMBERS
        for column in mart.columns
        if column.type in NUMBERS and column.name not in NO_FIGURES and column.name not in mart.key
    }
    missing = sorted(wanted - set(ENTRIES))
    assert not missing, f"add them to contract/lineage.csv: {missing}"
    assert len(ENTRIES) == len(lineage.lineages()), "a column is explained twice"


def test_every_line_of_the_file_has_a_cell_per_column() -> None:
    """A comma in a formula without quotes would cut it off."""
    text = Path(lineage.__file__).with_name("lineage.csv").read_text(encoding="utf-8")
    head, *lines = csv.reader(text.splitlines())
    assert [line for line in lines if len(line) != len(head)] == []


def test_what_is_explained_is_there() -> None:
    assert {mart for mart, _ in ENTRIES} <= {mart.name for mart in schema.marts()}
    assert [key for key in ENTRIES if key[1] not in columns_of(key[0])] == []


def test_both_languages_a_kind_and_a_section_that_exists() -> None:
    sections = {
        int(found) for found in re.findall(r"^## (\d+) ", METHODS.read_text(encoding="utf-8"), re.MULTILINE)
    }
    for entry in ENTRIES.values():
        assert entry.kind in KINDS
        assert entry.formula_sv
        assert entry.formula_en
        assert entry.methods_section in sections or entry.methods_section is None
        if entry.kind == CALCULATED:
            assert entry.methods_section is not None, entry
            assert entry.inputs or entry.mart == "boundary_series", entry
        if entry.kind == SOURCE and not entry.inputs:
            fact = schema.mart(entry.mart).fact
            assert fact is not None or entry.mart.startswith("emission"), entry


@pytest.mark.parametrize(("mart", "column", "part"), INPUTS, ids=lambda value: str(value)[:40])
def test_every_input_names_columns_that_exist(mart: str, column: str, part: lineage.Input) -> None:
    assert part.column in columns_of(part.mart), column
    for one in part.conditions:
        assert one.column in columns_of(part.mart)
        assert one.other is None or one.other in columns_of(mart), one
    for one in part.guard:
        assert one.column in columns_of(mart)
    if part.is_own_row and part.mart != mart:
        shared = set(schema.mart(part.mart).key) & columns_of(mart)
        assert shared, f"{mart}.{column}: nothing chooses the row of {part.mart}"


def test_an_input_is_read_as_it_is_written() -> None:
    part = parse_input("{sector_code!='all'}emission.emissions_tco2e[substance='ghg',year>='2015',in_trend]*")
    assert (part.mart, part.column, part.is_set, part.in_trend) == ("emission", "emissions_tco2e", True, True)
    assert [(one.column, one.relation, one.literal) for one in part.conditions] == [
        ("substance", "=", "ghg"),
        ("year", ">=", "2015"),
    ]
    assert part.is_about({"sector_code": "waste"})
    assert not part.is_about({"sector_code": "all"})
    assert not part.in_territory
    assert parse_input("emission.emissions_tco2e[in_territory,year=first_year]").in_territory
    assert parse_input("target.base_year").is_own_row


@pytest.mark.parametrize("text", ["emission", "emission.x[year]", "emission.x[year='2015]", "a b.c"])
def test_what_is_no_input_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_input(text)
