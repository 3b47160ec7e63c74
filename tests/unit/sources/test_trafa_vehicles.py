import io
import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from chain import unthrottled
from openpyxl import Workbook
from pytest_httpserver import HTTPServer

from klimatpuls import catalog, http
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.sources import trafa_vehicles

FIXTURES = Path(__file__).parents[2] / "fixtures" / "trafa_vehicles"
SOURCE = unthrottled(catalog.SOURCES["trafa_vehicles"])
FUELS = ("Bensin", "Diesel", "El", "Elhybrider1)", "Laddhybrider", "Etanol", "Gas", "Övriga", "Totalt")
TITLES = (
    "Personbilar i trafik", "Nyregistrerade personbilar", "Lätta lastbilar i trafik",
    "Tunga lastbilar i trafik", "Bussar i trafik",
)  # fmt: skip
ROWS: list[list[Any]] = [
    [360, "Tierp         ", 5, 3, 1, "–", "–", "–", "–", 1, 10],
    [114, "Upplands Väsby", 50, 30, 10, 2, 3, 1, 2, 2, 100],
    ["Uppsala län   ", "", 5, 3, 1, "–", "–", "–", "–", 1, 10],
    ["AAAA          ", "Okänd kommun2)", 1, "–", "–", "–", "–", "–", "–", "–", 1],
    ["Hela riket    ", "", 56, 33, 11, 2, 3, 1, 2, 3, 111],
    ["1) Exklusive mildhybrider", *[""] * 10],
]


def body(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def workbook(change=lambda book: None, changed_on: str = "2026-02-10T06:56:02Z") -> bytes:
    book = Workbook()
    book.active.title = "Titel"
    for number, title in enumerate(TITLES, start=4):
        sheet = book.create_sheet(f"Tabell {number}")
        sheet.append([f"Tabell {number}. {title} efter kommun och drivmedel. År 2025."])
        sheet.append([f"Table {number}. Vehicles. Year 2025."])
        sheet.append([])
        sheet.append(["Kommun-", "Kommun", *FUELS])
        sheet.append(["kod", "Municipality", "Petrol", "Diesel"])
        sheet.append([])
        for row in ROWS:
            sheet.append(row)
    change(book)
    written = io.BytesIO()
    book.save(written)
    whole = io.BytesIO()
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                start = content.index(b">", content.index(b"<dcterms:modified")) + 1
                end = content.index(b"</dcterms:modified>")
                content = content[:start] + changed_on.encode() + content[end:]
            new.writestr(name, content)
    return whole.getvalue()


def read(change=lambda book: None):
    return trafa_vehicles.parse([workbook(change)], "trafa_vehicles_workbook", None)


class TestWorkbook:
    def test_every_table_becomes_rows_in_our_codes(self):
        parsed = read()
        counts = parsed.rows.set_index(["region_code", "vehicle_code", "fuel_code", "measure_code", "year"])
        assert counts["vehicle_count"]["0360", "passenger_car", "petrol", "in_traffic", 2025] == 5
        assert counts["vehicle_count"]["03", "bus", "other", "in_traffic", 2025] == 1
        assert counts["vehicle_count"]["00", "passenger_car", "total", "newly_registered", 2025] == 111
        assert counts["vehicle_count"]["0360", "light_truck", "gas", "in_traffic", 2025] == 0, (
            "a dash is zero"
        )
        assert parsed.published_date == date(2026, 2, 10)

    def test_owners_without_a_municipality_are_left_out_and_no_cell_is_lost(self):
        parsed = read()
        assert parsed.rows_read == 5 * 5 * 9 == len(parsed.rows) + len(parsed.rejects)
        assert set(parsed.rejects["reason"]) == {"expected: owner without a municipality"}

    def test_a_head_that_breaks_a_word_is_read_as_one(self):
        def broken(book: Workbook) -> None:
            sheet = book["Tabell 7"]
            sheet["F4"], sheet["F5"] = "Elhybrider/", "laddhybrid1)"
            sheet["I4"], sheet["I5"] = "Gas-", "komprimerad"

        fuels = set(read(broken).rows.query("vehicle_code == 'heavy_truck'")["fuel_code"])
        assert {"hybrid_or_plugin", "gas_compressed"} <= fuels

    @pytest.mark.parametrize(
        ("change", "rule", "words"),
        [
            (lambda book: book.remove(book["Tabell 8"]), "table_missing", "bussar i trafik"),
            (lambda book: book["Tabell 4"].__setitem__("C4", "Vätgas"), "columns", "Vätgas.*missing.*petrol"),
            (
                lambda book: book["Tabell 4"].__setitem__("B7", "Knivsta"),
                "region",
                "0360 is called 'Knivsta'",
            ),
            (lambda book: book["Tabell 4"].__setitem__("A9", "Uppland"), "region", "Uppland"),
            (lambda book: book["Tabell 4"].__setitem__("A8", 360), "region", "0360 is called"),
            (lambda book: book["Tabell 4"].append(ROWS[0]), "key_twice", "0360"),
        ],
    )
    def test_a_workbook_in_another_shape_is_refused(self, change, rule, words):
        with pytest.raises(SourceFormatError, match=words) as caught:
            read(change)
        assert caught.value.rule == rule

    def test_text_in_a_number_cell_is_a_finding(self):
        parsed = read(lambda book: book["Tabell 4"].__setitem__("C7", "många"))
        assert "not a whole number" in set(parsed.rejects["reason"])

    def test_it_is_recognised_by_its_tables(self):
        assert trafa_vehicles.recognise(workbook()) == ("trafa_vehicles_workbook", None)
        assert trafa_vehicles.recognise(b"PK\x03\x04 no workbook") is None


class TestInterface:
    def test_values_are_read_and_not_their_dressed_up_form(self):
        parsed = trafa_vehicles.parse([body("structure.json"), body("data.json")], "trafa_vehicles", None)
        counts = parsed.rows.set_index(["region_code", "fuel_code", "measure_code"])["vehicle_count"]
        assert counts["0360", "petrol", "in_traffic"] == 6100
        assert counts["0360", "total", "newly_registered"] == 275
        assert parsed.published_date == date(2026, 2, 20)
        assert parsed.rows_read == 16 == len(parsed.rows) + len(parsed.rejects)
        assert sorted(set(parsed.rejects["reason"])) == [
            "expected: no figure, symbol ..", "expected: no municipality (t1)",
        ]  # fmt: skip

    def test_an_error_with_status_200_is_no_figure(self):
        broken = json.dumps({"Rows": [], "Errors": ["Okänd dimension"]}).encode()
        with pytest.raises(SourceFormatError, match="Okänd dimension") as caught:
            trafa_vehicles.parse([body("structure.json"), broken], "trafa_vehicles", None)
        assert caught.value.rule == "service_error"

    def test_a_fuel_nobody_knows_is_refused(self):
        strange = body("structure.json").replace(b"Diesel", "Vätgas".encode())
        with pytest.raises(SourceFormatError, match="'Vätgas'") as caught:
            trafa_vehicles.parse([strange, body("data.json")], "trafa_vehicles", None)
        assert caught.value.rule == "fuel"

    def test_every_year_is_asked_for_with_filters(self, httpserver: HTTPServer):
        httpserver.expect_request("/api/structure").respond_with_data(body("structure.json"))
        httpserver.expect_request("/api/data").respond_with_data(body("data.json"))
        with http.open_session(SOURCE, httpserver.url_for("/api"), sleep=lambda _: None) as session:
            fetched = trafa_vehicles.fetch(
                session, session.base_url, "trafa_vehicles", None, as_of=date(2026, 3, 1)
            )
        assert len(fetched.parts) == 3
        asked = [request.args["query"] for request, _ in httpserver.log if request.path == "/api/data"]
        assert asked == [
            f"t10026|itrfslut|nyregunder|ar:{year}|regkom:0114,0360|drivmedel:101,102,103,t1"
            for year in (2024, 2025)
        ]

    def test_an_error_while_asking_is_a_failed_fetch(self, httpserver: HTTPServer):
        httpserver.expect_request("/api/structure").respond_with_json({"Errors": ["Tillfälligt fel"]})
        with (
            http.open_session(SOURCE, httpserver.url_for("/api"), sleep=lambda _: None) as session,
            pytest.raises(FetchError, match=r"no figures came.*Tillfälligt fel"),
        ):
            trafa_vehicles.fetch(session, session.base_url, "trafa_vehicles", None, as_of=date(2026, 3, 1))
