import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from klimatpuls.contract import catalog
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.fetch import http
from klimatpuls.fetch.pxweb.client import parse_metadata
from klimatpuls.fetch.pxweb.table import build_selection
from klimatpuls.sources import scb_national_emissions

FIXTURES = Path(__file__).parents[2] / "fixtures" / "scb_national_emissions"
SOURCE = catalog.SOURCES["scb_national_emissions"]
TABLE = SOURCE.datasets[0].px_table
GASES = ("ghg", "co2", "ch4", "n2o", "hfc", "pfc", "sf6")


def changed(name: str, change: Callable[[dict[str, Any]], None]) -> bytes:
    document = json.loads((FIXTURES / name).read_bytes())
    change(document)
    return json.dumps(document, ensure_ascii=False).encode()


def parse(change: Callable[[dict[str, Any]], None] = lambda _: None):
    return scb_national_emissions.parse([changed("data.json", change)], SOURCE.datasets[0].id, None)


def rename_code(document: dict[str, Any], variable: str, old: str, new: str, label: str) -> None:
    category = document["dimension"][variable]["category"]
    for part in ("index", "label"):
        category[part] = {new if code == old else code: value for code, value in category[part].items()}
    category["label"][new] = label


def test_kilotonnes_become_tonnes_and_codes_ours():
    parsed = parse()
    facts = parsed.rows.set_index(["substance", "sector_code", "year"])["emissions_tco2e"]
    assert facts["ghg", "transport", 2023] == pytest.approx(240_000.0)
    assert facts["ghg", "lulucf", 2024] == -200_000.0
    assert tuple(dict.fromkeys(parsed.rows["substance"])) == GASES
    assert parsed.published_date == date(2025, 12, 16)
    assert (parsed.years, parsed.unit) == ((2023, 2024), "t CO2e")


def test_the_total_is_the_sum_of_the_eight_domestic_sectors():
    rows = parse().rows
    wide = rows[rows["substance"] == "ghg"].pivot_table(
        index="year", columns="sector_code", values="emissions_tco2e"
    )
    parts = ["transport", "industry", "agriculture", "power_heat", "own_heating", "machinery", "product_use"]
    assert (wide[[*parts, "waste"]].sum(axis=1) - wide["total"]).abs().max() < 1.0


def test_no_cell_is_lost_and_a_symbol_is_no_finding():
    parsed = parse()
    assert parsed.rows_read == 7 * 14 * 2 == len(parsed.rows) + len(parsed.rejects)
    assert set(parsed.rejects["raw_value"]) == {".."}
    assert parsed.rejects["reason"].str.startswith("expected: ").all()


def test_a_cell_without_number_and_symbol_is_a_finding():
    def no_symbols(document: dict[str, Any]) -> None:
        document.pop("status")

    assert set(parse(no_symbols).rejects["reason"]) == {"no number"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda d: rename_code(d, "Sektor", "8.0", "8.9", "Övrigt"), "unknown_code"),
        (
            lambda d: d["dimension"]["ContentsCode"]["category"]["unit"]["0000018Q"].update(base="ton"),
            "wrong_unit",
        ),
    ],
)
def test_an_answer_in_another_shape_is_refused(change, rule):
    with pytest.raises(SourceFormatError) as caught:
        parse(change)
    assert caught.value.rule == rule


def test_a_missing_and_an_unknown_code_are_both_named():
    metadata = parse_metadata(
        changed("metadata.json", lambda d: rename_code(d, "Sektor", "8.0", "8.9", "Övrigt"))
    )
    words = r"no code for transport; unknown codes: 8\.9 \(Övrigt\)"
    with pytest.raises(SourceFormatError, match=words) as caught:
        build_selection(metadata, TABLE, SOURCE.id)
    assert caught.value.rule == "codes_missing"


def test_gases_are_asked_for_in_co2_equivalents_only():
    selection = build_selection(parse_metadata((FIXTURES / "metadata.json").read_bytes()), TABLE, SOURCE.id)
    assert selection["Vaxthusgaser"] == (
        "CO2-ekv.", "CO2", "CH4_CO2-ekv.", "N2O_CO2-ekv.", "HFC", "PFC", "SF6_CO2-ekv.",
    )  # fmt: skip
    assert len(selection["Sektor"]) == 14


def test_an_html_page_with_status_200_is_no_figure(httpserver: HTTPServer):
    httpserver.expect_request("/api/v2/config").respond_with_data("<html>Tekniskt fel</html>")
    with (
        http.open_session(SOURCE, httpserver.url_for("/api/v2"), sleep=lambda _: None) as session,
        pytest.raises(FetchError, match="no figures of scb_national_emissions came"),
    ):
        scb_national_emissions.fetch(
            session, session.base_url, "scb_national_emissions", None, as_of=date(2026, 1, 2)
        )
