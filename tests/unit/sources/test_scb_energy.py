import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from klimatpuls.contract import catalog
from klimatpuls.errors import SourceFormatError
from klimatpuls.fetch.pxweb.client import parse_metadata
from klimatpuls.fetch.pxweb.table import build_selection
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


def recode(document: dict[str, Any], old: str, new: str, label: str) -> None:
    category = document["dimension"]["Forbrukningskategri"]["category"]
    category["index"] = {new if code == old else code: place for code, place in category["index"].items()}
    category["label"] = {new if code == old else code: text for code, text in category["label"].items()}
    category["label"][new] = label


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
    [
        ("slutanv. småhus", "detached_houses"),
        ("slutanv. flerbostadshus", "apartment_buildings"),
        ("Fritidshus", "holiday_homes"),
        ("slutanv. hushåll", "households"),
    ],
)
def test_a_code_nobody_knew_is_told_by_its_label(label, ours):
    parsed = parse(lambda document: recode(document, "98", "971", label))
    assert ours in set(parsed.rows["consumer_code"])
    assert f"code 971 of Forbrukningskategri was recognised by its label {label!r}: {ours}" in parsed.notes


def test_a_code_whose_label_says_nothing_is_refused():
    with pytest.raises(SourceFormatError, match=r"holds unknown codes: 971 \(något annat\)") as caught:
        parse(lambda document: recode(document, "98", "971", "något annat"))
    assert caught.value.rule == "unknown_code"


def test_a_known_code_whose_label_says_another_category_is_refused():
    with pytest.raises(SourceFormatError, match=r"code 98 .* was detached_houses so far") as caught:
        parse(lambda document: recode(document, "98", "98", "slutanv. fritidshus"))
    assert caught.value.rule == "code_and_label_differ"


def test_a_total_that_is_withheld_has_no_value_and_is_never_the_sum_of_its_parts():
    """Region 0114, all consumers and carriers, 2023: withheld, since it would reveal the hidden part."""

    def withhold(document: dict[str, Any]) -> None:
        document["value"][34] = None
        document["status"]["34"] = ".."

    rows = parse(withhold).rows.set_index(KEYS)
    total = rows.loc[("0114", "total", "total", 2023)]
    assert pd.isna(total["energy_mwh"])
    assert total["status"] == "confidential"
    assert rows.loc[("0114", "total", "total", 2024), "energy_mwh"] == 222.0


@pytest.mark.parametrize("symbol", ["-", "."])
def test_another_symbol_is_no_secret_and_no_zero(symbol):
    parsed = parse(lambda document: document["status"].update({"18": symbol}))
    assert parsed.rejects["reason"].tolist() == [f"expected: no figure, symbol {symbol}"]
    assert set(parsed.rows["status"]) == {"observed"}


def test_a_negative_use_is_a_finding():
    parsed = parse(lambda document: document["value"].__setitem__(0, -1.0))
    assert parsed.rejects["reason"].tolist() == ["an energy use is not negative"]


def test_the_question_names_every_consumer_and_carrier():
    selection = build_selection(parse_metadata((FIXTURES / "metadata.json").read_bytes()), TABLE, SOURCE.id)
    assert len(selection["Forbrukningskategri"]) == len(selection["Bransle"]) == 9
    assert selection["ContentsCode"] == ("EN0203AE",)
