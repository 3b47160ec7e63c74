import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from klimatpuls import catalog
from klimatpuls.errors import SourceFormatError
from klimatpuls.pxtable import build_selection
from klimatpuls.pxweb import parse_metadata
from klimatpuls.sources import scb_population_forecast

FIXTURES = Path(__file__).parents[2] / "fixtures" / "scb_population_forecast"
SOURCE = catalog.SOURCES["scb_population_forecast"]


def parse(change: Callable[[dict[str, Any]], None] = lambda _: None):
    document = json.loads((FIXTURES / "data.json").read_bytes())
    change(document)
    body = json.dumps(document, ensure_ascii=False).encode()
    return scb_population_forecast.parse([body], "scb_population_forecast", None)


def test_every_region_and_year_is_a_row():
    parsed = parse()
    assert parsed.rows.to_dict("list") == {
        "region_code": ["00", "00", "03", "03", "0360", "0360"],
        "year": [2026, 2027] * 3,
        "population_count": [1001, 1002, 2001, 2002, 3001, 3002],
        "sheet_row": [0, 1, 2, 3, 4, 5],
    }
    assert parsed.published_date == date(2026, 4, 20)


@pytest.mark.parametrize("value", [None, 1000.5])
def test_what_is_no_whole_number_is_a_finding(value):
    parsed = parse(lambda document: document["value"].__setitem__(0, value))
    assert parsed.rejects["reason"].tolist() == ["a population is a whole number"]
    assert parsed.rows_read == 6 == len(parsed.rows) + len(parsed.rejects)


def test_a_region_nobody_knows_is_left_out():
    def strange(document: dict[str, Any]) -> None:
        category = document["dimension"]["Region"]["category"]
        category["index"] = {"00": 0, "03": 1, "9999": 2}
        category["label"]["9999"] = "Okänd"

    assert parse(strange).rejects["reason"].str.startswith("expected: ").tolist() == [True, True]


def test_another_unit_is_refused():
    def in_thousands(document: dict[str, Any]) -> None:
        document["dimension"]["ContentsCode"]["category"]["unit"]["000006MS"]["base"] = "1000-tal"

    with pytest.raises(SourceFormatError) as caught:
        parse(in_thousands)
    assert caught.value.rule == "wrong_unit"


def test_age_and_sex_are_left_out_of_the_question():
    metadata = parse_metadata((FIXTURES / "metadata.json").read_bytes())
    selection = build_selection(metadata, SOURCE.datasets[0].px_table, SOURCE.id)
    assert set(selection) == {"Region", "ContentsCode", "Tid"}
