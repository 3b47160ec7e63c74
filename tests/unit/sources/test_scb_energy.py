import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from klimatpuls import catalog
from klimatpuls.errors import SourceFormatError
from klimatpuls.pxtable import build_selection
from klimatpuls.pxweb import parse_metadata
from klimatpuls.sources import scb_energy

FIXTURES = Path(__file__).parents[2] / "fixtures" / "scb_energy"
SOURCE = catalog.SOURCES["scb_energy"]
TABLE = SOURCE.datasets[0].px_table
KEYS = ["region_code", "consumer_code", "fuel_code", "year"]


def changed(name: str, change: Callable[[dict[str, Any]], None]) -> bytes:
    document = json.loads((FIXTURES / name).read_bytes())
    change(document)
    return json.dumps(document, ensure_ascii=False).encode()


def parse(change: Callable[[dict[str, Any]], None] = lambda _: None):
    return scb_energy.parse([changed("data.json", change)], "scb_energy", None)


def relabel(document: dict[str, Any], code: str, label: str) -> None:
    document["dimension"]["Forbrukningskategri"]["category"]["label"][code] = label


def test_every_cell_is_a_row_in_our_codes():
    parsed = parse()
    facts = parsed.rows.set_index(KEYS)["energy_mwh"]
    assert facts["0360", "industry_construction", "electricity", 2024] == 301.0
    assert set(parsed.rows["consumer_code"]) == {"industry_construction", "detached_houses", "total"}
    assert parsed.rows_read == 54 == len(parsed.rows) + len(parsed.rejects)
    assert parsed.published_date == date(2026, 3, 26)


def test_a_confidential_cell_has_no_value_and_is_no_zero():
    rows = parse().rows.set_index(KEYS)
    hidden = rows.loc[("0114", "industry_construction", "solid_fossil", 2023)]
    assert pd.isna(hidden["energy_mwh"])
    assert hidden["status"] == "confidential"
    assert (rows["status"] == "observed").sum() == 53


def test_a_cell_without_number_and_symbol_is_a_finding():
    parsed = parse(lambda document: document.pop("status"))
    assert parsed.rejects["reason"].tolist() == ["no number"]
    assert parsed.rejects["column_name"].tolist() == ["0114 industry_construction solid_fossil 2023"]


def test_a_region_nobody_knows_is_left_out_and_said():
    def heby_before(document: dict[str, Any]) -> None:
        category = document["dimension"]["Region"]["category"]
        category["index"] = {"00": 0, "1917": 1, "0360": 2}
        category["label"] = {"00": "Riket", "1917": "Heby", "0360": "Tierp"}

    parsed = parse(heby_before)
    assert len(parsed.rejects) == 18
    assert parsed.rejects["reason"].str.startswith("expected: region code 1917").all()
    assert any("18 cells left out" in note for note in parsed.notes)


@pytest.mark.parametrize(
    ("label", "ours"),
    [("slutanv. flerbostadshus", "apartment_buildings"), ("slutanv. hushåll", "households")],
)
def test_household_codes_are_told_by_their_labels(label, ours):
    parsed = parse(lambda document: relabel(document, "964", label))
    assert ours in set(parsed.rows["consumer_code"])


def test_a_code_whose_label_says_nothing_is_refused():
    with pytest.raises(SourceFormatError, match="Forbrukningskategri holds codes nobody knew: 964") as caught:
        parse(lambda document: relabel(document, "964", "något annat"))
    assert caught.value.rule == "unknown_code"


def test_the_question_names_every_consumer_and_carrier():
    selection = build_selection(parse_metadata((FIXTURES / "metadata.json").read_bytes()), TABLE, SOURCE.id)
    assert len(selection["Forbrukningskategri"]) == len(selection["Bransle"]) == 9
    assert selection["ContentsCode"] == ("EN0203AE",)
