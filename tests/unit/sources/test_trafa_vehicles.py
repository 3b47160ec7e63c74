import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from openpyxl import Workbook
from pytest_httpserver import HTTPServer
from support.pipeline_run import unthrottled

from klimatpuls.contract import catalog
from klimatpuls.domain.regions import codes
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.fetch import http
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.sources import trafa_vehicles
from klimatpuls.sources.trafa_vehicles.client import questions

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


def put(sheet: str, cell: str, value: object):
    def change(book: Workbook) -> None:
        book[sheet][cell] = value
        if value == "#N/A":
            book[sheet][cell].data_type = "e"

    return change


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
            (lambda book: book.remove(book["Tabell 4"]), "table_missing", "personbilar i trafik"),
            (lambda book: book["Tabell 4"].__setitem__("B7", "Ingenstans"), "region", "Ingenstans"),
            (lambda book: book["Tabell 4"].__setitem__("A7", 1e300), "region", "no region is called"),
            (lambda book: book["Tabell 4"].__setitem__("C4", "Vätgas"), "columns", "missing.*petrol.*Vätgas"),
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

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ("många", "not a whole number"),
            (-5, "a negative number"),
            (2.5, "not a whole number"),
            ("..", "expected: no figure, symbol .."),
            ("=1+1", "not a whole number"),
            ("#N/A", "not a whole number"),
            (None, "not a whole number"),
        ],
    )
    def test_what_is_no_number_of_vehicles_is_no_figure(self, value, reason):
        parsed = read(put("Tabell 4", "C7", value))
        assert set(parsed.rejects["reason"]) == {reason, "expected: owner without a municipality"}
        assert parsed.rows_read == 5 * 5 * 9 == len(parsed.rows) + len(parsed.rejects)

    @pytest.mark.parametrize(
        ("change", "note"),
        [
            pytest.param(put("Tabell 4", "A7", "0360"), "codes written as text were read", id="code as text"),
            pytest.param(put("Tabell 4", "C7", "5"), "", id="number as text"),
            pytest.param(put("Tabell 4", "C8", "50,0"), "", id="number with a decimal comma"),
            pytest.param(put("Tabell 4", "F7", "-"), "", id="zero as a hyphen"),
            pytest.param(lambda book: book["Tabell 4"].insert_rows(1), "", id="a blank row above the title"),
            pytest.param(
                put("Tabell 4", "A1", "Tabell 4: Personbilar i trafik efter kommun och drivmedel, år 2025"),
                "",
                id="another sign after the number",
            ),
        ],
    )
    def test_another_form_is_read_as_the_same(self, change, note):
        parsed, plain = read(change), read()
        keys = ["region_code", "vehicle_code", "fuel_code", "measure_code", "year", "vehicle_count"]
        assert parsed.rows[keys].equals(plain.rows[keys])
        assert note in " / ".join(parsed.notes)

    def test_a_table_that_is_gone_loses_only_its_vehicles(self):
        parsed = read(lambda book: book.remove(book["Tabell 8"]))
        assert set(parsed.rows["vehicle_code"]) == {"passenger_car", "light_truck", "heavy_truck"}
        (note,) = parsed.notes
        assert note.startswith(
            "no sheet is titled 'bussar i trafik efter kommun och drivmedel': its vehicles are missing."
        )
        assert parsed.losses == (note,)

    def test_a_fuel_nobody_knows_is_in_the_total_only(self):
        parsed = read(put("Tabell 4", "I4", "Vätgas"))
        cars = parsed.rows.query("vehicle_code == 'passenger_car' and measure_code == 'in_traffic'")
        assert "gas" not in set(cars["fuel_code"])
        (note,) = parsed.notes
        assert note.startswith(
            "table of passenger_car, in_traffic: unknown fuel 'Vätgas': it is in the total only."
        )
        assert parsed.losses == (note,)

    @pytest.mark.parametrize("changed_on", ["", "i går", "2020-01-01T00:00:00Z", "2026-13-01T00:00:00Z"])
    def test_a_workbook_that_no_day_dates_is_dated_by_the_end_of_its_year(self, changed_on):
        parsed = trafa_vehicles.parse([workbook(changed_on=changed_on)], "trafa_vehicles_workbook", None)
        assert parsed.published_date == date(2025, 12, 31)
        assert "dated by the end of 2025" in " / ".join(parsed.notes)

    def test_it_is_recognised_by_its_tables(self):
        assert trafa_vehicles.recognise(workbook()) == ("trafa_vehicles_workbook", None)
        assert trafa_vehicles.recognise(b"PK\x03\x04 no workbook") is None


Change = Callable[[dict[str, Any]], None]


def read_answers(change: Change = lambda answer: None, structure: Change = lambda listed: None):
    documents = [json.loads(body("structure.json")), json.loads(body("data.json"))]
    structure(documents[0])
    change(documents[1])
    parts = [json.dumps(one, ensure_ascii=False).encode() for one in documents]
    return trafa_vehicles.parse(parts, "trafa_vehicles", None)


def figures(parsed) -> dict[tuple[str, str, str], int]:
    rows = parsed.rows
    keys = zip(rows["region_code"], rows["fuel_code"], rows["measure_code"], strict=True)
    return dict(zip(keys, rows["vehicle_count"].tolist(), strict=True))


def each_cell(edit: Callable[[dict[str, Any]], None], *columns: str) -> Change:
    def change(answer: dict[str, Any]) -> None:
        for row in answer["Rows"]:
            for cell in row["Cell"]:
                if not columns or cell["Column"] in columns:
                    edit(cell)

    return change


def without_cells(*columns: str) -> Change:
    def change(answer: dict[str, Any]) -> None:
        for row in answer["Rows"]:
            row["Cell"] = [cell for cell in row["Cell"] if cell["Column"] not in columns]

    return change


def is_about(row: dict[str, Any], area: str, fuel: str = "") -> bool:
    said = {cell["Column"]: cell["Name"] for cell in row["Cell"]}
    return said["regkom"] == area and fuel in ("", said["drivmedel"])


def cell_of(area: str, fuel: str, column: str, **fields: Any) -> Change:
    def change(answer: dict[str, Any]) -> None:
        row = next(row for row in answer["Rows"] if is_about(row, area, fuel))
        next(cell for cell in row["Cell"] if cell["Column"] == column).update(fields)

    return change


def without_rows(area: str, fuel: str = "") -> Change:
    def change(answer: dict[str, Any]) -> None:
        answer["Rows"] = [row for row in answer["Rows"] if not is_about(row, area, fuel)]

    return change


def with_column(name: str, *values: str) -> Change:
    """Every row once for each value of a variable more."""

    def change(answer: dict[str, Any]) -> None:
        cell = {"Column": name, "FormattedValue": "", "IsMeasure": False}
        answer["Rows"] = [
            {**row, "Cell": [*row["Cell"], {**cell, "Name": value, "Value": value}]}
            for row in answer["Rows"]
            for value in values
        ]

    return change


def both(*changes: Change) -> Change:
    def change(answer: dict[str, Any]) -> None:
        for one in changes:
            one(answer)

    return change


def field_of(name: str, value: Any) -> Change:
    return lambda answer: answer.update({name: value})


def swapped(cell: dict[str, Any]) -> None:
    if not cell["IsMeasure"]:
        cell["Name"], cell["Value"] = cell["Value"], cell["Name"]


def code_only(cell: dict[str, Any]) -> None:
    """Cells as we took them to be before anybody had described them."""
    if not cell["IsMeasure"]:
        cell["Value"], cell["FormattedValue"] = cell.pop("Name"), cell["Value"]
    for name in set(cell) - {"Column", "Value", "FormattedValue"}:
        del cell[name]


def as_number(cell: dict[str, Any]) -> None:
    if cell["Value"].isdecimal():
        cell["Value"] = int(cell["Value"])


def with_blanks(cell: dict[str, Any]) -> None:
    cell["Value"] = cell["FormattedValue"]


def formatted_only(cell: dict[str, Any]) -> None:
    cell["Value"] = None


def single_cells(answer: dict[str, Any]) -> None:
    answer["Rows"].append({"Cell": {"Column": "ar", "Name": "2025", "Value": "2025"}})


def tripled(answer: dict[str, Any]) -> None:
    answer["Rows"] *= 3


MEASURE_CELLS = ("itrfslut", "nyregunder")
PLAIN = {
    ("0360", "petrol", "in_traffic"): 6100,
    ("0360", "diesel", "in_traffic"): 4200,
    ("0360", "electric", "in_traffic"): 1200,
    ("0360", "hybrid", "in_traffic"): 900,
    ("0360", "plugin_hybrid", "in_traffic"): 700,
    ("0360", "other", "in_traffic"): 0,
    ("0360", "total", "in_traffic"): 13100,
    ("0330", "petrol", "in_traffic"): 2000,
    ("0330", "diesel", "in_traffic"): 1000,
    ("0330", "electric", "in_traffic"): 500,
    ("0330", "hybrid", "in_traffic"): 0,
    ("0330", "plugin_hybrid", "in_traffic"): 0,
    ("0330", "other", "in_traffic"): 3,
    ("0330", "total", "in_traffic"): 3503,
    ("0360", "petrol", "newly_registered"): 75,
    ("0360", "diesel", "newly_registered"): 40,
    ("0360", "electric", "newly_registered"): 160,
    ("0360", "total", "newly_registered"): 320,
    ("0330", "petrol", "newly_registered"): 30,
    ("0330", "diesel", "newly_registered"): 10,
    ("0330", "electric", "newly_registered"): 50,
    ("0330", "hybrid", "newly_registered"): 0,
    ("0330", "plugin_hybrid", "newly_registered"): 0,
    ("0330", "other", "newly_registered"): 0,
    ("0330", "total", "newly_registered"): 90,
}
"""What the fixture says: a dash or a fuel left out is zero where the totals prove it.

Of Tierp's new cars they do not: 45 of 320 are unaccounted for.
"""


class TestInterface:
    def test_codes_are_read_from_name_and_numbers_from_value(self):
        parsed = read_answers()
        assert figures(parsed) == PLAIN
        assert parsed.published_date == date(2026, 2, 20)
        assert parsed.years == (2025,)
        assert parsed.rows_read == len(parsed.rows) + len(parsed.rejects)

    def test_an_answer_without_the_structure_is_read(self):
        parsed = trafa_vehicles.parse([body("data.json")], "trafa_vehicles", None)
        assert figures(parsed) == PLAIN
        assert parsed.published_date == date(2026, 2, 20)

    def test_what_no_total_proves_is_no_figure_and_says_so(self):
        rejects = read_answers().rejects
        reasons = dict(zip(rejects["column_name"], rejects["reason"], strict=True))
        unproven = "expected: no figure, and no total proves that it is zero"
        assert reasons["0360 104 2025 nyregunder"] == unproven
        assert reasons["0360 109 2025 nyregunder"] == unproven
        assert reasons["0360 105 2025 nyregunder"] == "expected: no figure, symbol .."
        assert reasons["t1 101 2025 itrfslut"] == "expected: no municipality (t1)"
        assert all(reason.startswith("expected: ") for reason in reasons.values())

    def test_the_totals_of_a_county_are_said_and_never_counted(self):
        notes = " / ".join(read_answers().notes)
        assert "the total of a county (t1) is no municipality and was left out (7 times)" in notes
        assert "Trafikanalys expects to publish next on 2027-02-18" in notes

    @pytest.mark.parametrize(
        ("change", "note"),
        [
            pytest.param(each_cell(swapped), "the code of drivmedel stands in Value", id="swapped"),
            pytest.param(each_cell(code_only), "the code of regkom stands in Value", id="no Name at all"),
            pytest.param(each_cell(as_number, *MEASURE_CELLS), "", id="numbers as numbers"),
            pytest.param(each_cell(with_blanks, *MEASURE_CELLS), "", id="no-break spaces in Value"),
            pytest.param(
                each_cell(formatted_only, *MEASURE_CELLS),
                "a figure stands in FormattedValue alone",
                id="numbers in FormattedValue only",
            ),
            pytest.param(
                with_column("agarkat", "t1", "060"),
                "the column 'agarkat' was not requested",
                id="a variable more, with a total",
            ),
            pytest.param(
                with_column("agarkat", "Totalt"), "'agarkat' was not requested", id="a total told by its word"
            ),
            pytest.param(tripled, "", id="the same rows again"),
            pytest.param(
                without_rows("0360", "109"), "is zero, as the totals prove", id="a zero row left out"
            ),
            pytest.param(
                cell_of("0360", "103", "drivmedel", Value="El (ren eldrift)"),
                "the label 'El (ren eldrift)' of fuel code 103 is new",
                id="a new label of a known fuel",
            ),
            pytest.param(
                each_cell(
                    lambda cell: cell.update(Name="119") if cell["Name"] == "109" else None, "drivmedel"
                ),
                "the fuel code 119 is called 'Övriga'",
                id="a new code of a known fuel",
            ),
            pytest.param(
                cell_of("0360", "101", "regkom", Value="Tierps stad"),
                "0360 Tierp is called 'Tierps stad'",
                id="a municipality's name in another form",
            ),
            pytest.param(
                cell_of("0360", "101", "regkom", Value="Tierp         "),
                "",
                id="a name with blanks behind it",
            ),
            pytest.param(field_of("Errors", []), "", id="an empty list of errors"),
            pytest.param(field_of("Notes", None), "", id="no notes"),
            pytest.param(field_of("Extra", {"a": 1}), "", id="a field more"),
        ],
    )
    def test_another_form_is_read_as_the_same(self, change, note):
        parsed = read_answers(change)
        assert figures(parsed) == PLAIN
        assert note in " / ".join(parsed.notes)

    @pytest.mark.parametrize(
        ("change", "note", "gone"),
        [
            pytest.param(
                each_cell(
                    lambda cell: cell.update(Name="110", Value="Vätgas") if cell["Name"] == "104" else None,
                    "drivmedel",
                ),
                "unknown fuel 110 (Vätgas): it is in the totals only",
                "hybrid",
                id="an unknown fuel",
            ),
            pytest.param(
                each_cell(lambda c: c.update(Value="Vätgas") if c["Name"] == "104" else None, "drivmedel"),
                "unknown fuel 104 (Vätgas): it is in the totals only",
                "hybrid",
                id="a code that became another fuel",
            ),
        ],
    )
    def test_a_fuel_nobody_knows_is_in_the_totals_only(self, change, note, gone):
        parsed = read_answers(change)
        assert figures(parsed) == {key: count for key, count in PLAIN.items() if key[1] != gone}
        (loss,) = parsed.losses
        assert loss in parsed.notes
        assert loss.startswith(f"{note}. What to do:")
        assert "expected: an unknown fuel, in the total only" in set(parsed.rejects["reason"])

    def test_two_codes_of_one_fuel_are_neither_added_nor_chosen_between(self):
        change = each_cell(
            lambda cell: cell.update(Value="Diesel") if cell["Name"] == "109" else None, "drivmedel"
        )
        parsed = read_answers(change)
        assert {"diesel", "other"}.isdisjoint(parsed.rows["fuel_code"])
        assert "the fuel codes 102 and 109 are both diesel: in the totals only" in " / ".join(parsed.losses)

    @pytest.mark.parametrize(
        ("change", "key", "expected"),
        [
            pytest.param(
                cell_of("0330", "103", "itrfslut", Value="-"),
                ("0330", "electric", "in_traffic"),
                None,
                id="a dash that the totals contradict",
            ),
            pytest.param(
                without_rows("0330", "103"), ("0330", "electric", "in_traffic"), None, id="a missing row"
            ),
            pytest.param(
                without_rows("0330", "t1"),
                ("0330", "hybrid", "in_traffic"),
                0,
                id="without its total, the county proves it",
            ),
            pytest.param(
                both(without_rows("0330", "t1"), without_rows("t1")),
                ("0330", "hybrid", "in_traffic"),
                None,
                id="without any total nothing is proven",
            ),
            pytest.param(
                both(without_rows("0330", "t1"), without_rows("t1", "104"), cell_of("0360", "104", "itrfslut",
                     Value="-"), cell_of("t1", "t1", "itrfslut", Value="15703")),
                ("0330", "hybrid", "in_traffic"),
                0,
                id="a fuel that a whole county lacks",
            ),
            pytest.param(
                without_rows("0330", "t1"), ("0330", "total", "in_traffic"), None, id="no total is invented"
            ),
            pytest.param(
                without_rows("t1"), ("0330", "hybrid", "in_traffic"), 0, id="its own total is enough"
            ),
        ],
    )  # fmt: skip
    def test_what_is_not_there_is_zero_only_where_a_total_proves_it(self, change, key, expected):
        parsed = read_answers(change)
        assert figures(parsed).get(key) == expected
        assert parsed.rows_read == len(parsed.rows) + len(parsed.rejects)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("många", "not a whole number"),
            ("12,5", "not a whole number"),
            ("-5", "a negative number"),
            ("nan", "not a whole number"),
            ("1e999", "not a whole number"),
            (float("inf"), "not a whole number"),
            (-1, "a negative number"),
            ("1 234,5", "not a whole number"),
        ],
    )
    def test_a_figure_that_is_no_number_is_a_finding(self, text, reason):
        parsed = read_answers(cell_of("0360", "101", "itrfslut", Value=text))
        found = [one for one in parsed.rejects["reason"] if not one.startswith("expected: ")]
        assert found == [reason]
        assert ("0360", "petrol", "in_traffic") not in figures(parsed)

    def test_rows_of_no_county_are_left_out(self):
        parsed = read_answers(cell_of("0330", "109", "reglan", Name="aa", Value="Okänt län"))
        assert ("0330", "other", "in_traffic") not in figures(parsed)
        assert "the county 'aa' is none and was left out" in " / ".join(parsed.notes)

    @pytest.mark.parametrize(
        ("change", "day", "note"),
        [
            pytest.param(field_of("ActiveFrom", "2026-02-20"), date(2026, 2, 20), "", id="without a time"),
            pytest.param(
                field_of("ActiveFrom", "2026-02-19T23:30:00Z"), date(2026, 2, 20), "", id="in another zone"
            ),
            pytest.param(
                field_of("ActiveFrom", None), date(2026, 2, 20), "the structure's was taken", id="not stated"
            ),
            pytest.param(
                field_of("ActiveFrom", "/Date(1771574400000)/"),
                date(2026, 2, 20),
                "the structure's was taken",
                id="in a notation nobody reads",
            ),
            pytest.param(
                field_of("ActiveFrom", "2022-05-10T14:00:00"),
                date(2026, 2, 20),
                "the structure's was taken",
                id="older than the figures",
            ),
            pytest.param(
                field_of("ActiveFrom", "2026-02-31"),
                date(2026, 2, 20),
                "the structure's was taken",
                id="no day",
            ),
        ],
    )
    def test_the_answer_dates_the_release_and_another_product_never_does(self, change, day, note):
        parsed = read_answers(change)
        assert parsed.published_date == day
        assert note in " / ".join(parsed.notes)

    def test_figures_that_nobody_dates_are_dated_by_the_end_of_their_year(self):
        def undated(listed: dict[str, Any]) -> None:
            listed["StructureItems"][1]["ActiveFrom"] = "2022-05-10T14:00:00"

        parsed = read_answers(field_of("ActiveFrom", None), undated)
        assert parsed.published_date == date(2025, 12, 31)
        assert "dated by the end of that year" in " / ".join(parsed.notes)

    @pytest.mark.parametrize(
        ("change", "rule", "words"),
        [
            (field_of("Errors", ["Okänd dimension"]), "service_error", "Okänd dimension"),
            (field_of("Rows", []), "empty", "no figure was found"),
            (field_of("Rows", None), "empty", "no figure was found"),
            (without_cells("drivmedel"), "columns", r"missing: \['drivmedel'\]"),
            (without_cells("regkom", "reglan"), "columns", r"missing: \['regkom'\]"),
            (single_cells, "columns", r"missing: \['drivmedel', 'regkom'\]"),
            (with_column("agarkat", "060", "070"), "columns", "the total of the unknown columns .*agarkat"),
            (cell_of("0360", "101", "ar", Name="2025M01", Value="jan"), "not_a_year", "2025m01"),
            (cell_of("0360", "101", "regkom", Value="Knivsta"), "region", "0360 is called 'Knivsta'"),
            (cell_of("0360", "101", "reglan", Name="04"), "region", "0360 Tierp stands in county 04"),
            (cell_of("0360", "101", "drivmedel", Name="102", Value="Diesel"), "key_twice", "6100 and 4200"),
        ],
    )
    def test_an_answer_that_would_make_a_figure_wrong_is_refused(self, change, rule, words):
        with pytest.raises(SourceFormatError, match=words) as caught:
            read_answers(change)
        assert caught.value.rule == rule


def session_at(httpserver: HTTPServer):
    return http.open_session(SOURCE, httpserver.url_for("/api"), sleep=lambda _: None)


def asked_of(httpserver: HTTPServer) -> list[str]:
    return [request.args["query"] for request, _ in httpserver.log if request.path == "/api/data"]


class TestAsking:
    def test_every_county_is_asked_for_by_itself(self, httpserver: HTTPServer):
        httpserver.expect_request("/api/structure").respond_with_data(body("structure.json"))
        httpserver.expect_request("/api/data").respond_with_data(body("data.json"))
        with session_at(httpserver) as session:
            fetched = trafa_vehicles.fetch(
                session, session.base_url, "trafa_vehicles", None, as_of=date(2026, 3, 1)
            )
        assert len(fetched.parts) == 1 + 21
        asked = asked_of(httpserver)
        assert asked[1] == "t10026|itrfslut|nyregunder|ar:2024,2025|reglan:03|regkom|drivmedel"
        assert [question.split("|")[4] for question in asked] == [f"reglan:{c}" for c in codes("county")]

    def test_no_question_is_longer_than_the_server_takes(self):
        years = [str(year) for year in range(2001, 2040)]
        asked = list(questions(years))
        assert len(asked) == 21 * 5, "five blocks of at most five years, from 2015"
        assert max(len(urlencode({"query": one, "lang": "sv"})) for one in asked) <= 2_000
        assert all("reglan:" in one and "|ar:" in one for one in asked)

    def test_where_no_year_is_listed_all_are_asked_for(self):
        assert next(questions([])) == ("t10026|itrfslut|nyregunder|ar|reglan:01|regkom|drivmedel")

    def test_an_error_while_asking_is_a_failed_fetch(self, httpserver: HTTPServer):
        httpserver.expect_request("/api/structure").respond_with_json({"Errors": ["Tillfälligt fel"]})
        with (
            session_at(httpserver) as session,
            pytest.raises(FetchError, match=r"no figures came.*Tillfälligt fel"),
        ):
            trafa_vehicles.fetch(session, session.base_url, "trafa_vehicles", None, as_of=date(2026, 3, 1))

    @pytest.mark.parametrize("answer", [{"Errors": ["Okänd genväg"]}, {"Rows": []}])
    def test_a_look_asks_for_one_figure_and_else_reads_the_list(self, httpserver: HTTPServer, answer):
        httpserver.expect_request("/api/structure").respond_with_data(body("structure.json"))
        httpserver.expect_request("/api/data").respond_with_json(answer)
        with session_at(httpserver) as session:
            seen = trafa_vehicles.poll(
                session, session.base_url, "trafa_vehicles", None, as_of=date(2026, 3, 1), validators={}
            )
        assert asked_of(httpserver) == ["t10026|itrfslut|ar:senaste"]
        assert seen.detail == "years to 2025, 9 fuels, active from 2026-02-20"


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[MockServer]:
    folder = tmp_path / "trafa"
    folder.mkdir()
    lines = ["published_date,year,region_code,fuel,itrfslut,nyregunder"]
    for at, place in enumerate(codes("municipality")):
        lines += [f"2026-02-20,{year},{place},101,{100 + at},3" for year in range(2019, 2026)]
        lines += [f"2026-02-20,{year},{place},103,0,0" for year in range(2019, 2026)]
        lines += [f"2026-02-20,{year},{place},109,{at % 2},0" for year in range(2019, 2026)]
        lines += [f"2026-02-20,{year},{place},t1,{100 + at + at % 2},3" for year in range(2019, 2026)]
    (folder / "vehicles.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with MockServer(MockAgencies(tmp_path, date(2026, 3, 1))) as server:
        yield server


class TestMockAgency:
    def ask(self, server: MockServer, question: str) -> dict[str, Any]:
        with http.open_session(SOURCE, server.url + SOURCE.mock_path) as session:
            answer = session.get(f"{session.base_url}/data", params={"query": question, "lang": "sv"})
        return json.loads(answer.body)

    def test_everything_it_says_is_read_without_a_finding(self, agency: MockServer):
        with http.open_session(SOURCE, agency.url + SOURCE.mock_path) as session:
            fetched = trafa_vehicles.fetch(
                session, session.base_url, "trafa_vehicles", None, as_of=date(2026, 3, 1)
            )
        parsed = trafa_vehicles.parse(fetched.parts, "trafa_vehicles", None)
        assert len(fetched.parts) == 1 + 21 * 2
        assert len(parsed.rows) == 290 * 7 * 3 * 2, "zero rows left out by the agency are rows here"
        assert set(parsed.rejects["reason"]) == {"expected: no municipality (t1)"}
        assert parsed.published_date == date(2026, 2, 20)

    def test_municipalities_have_rows_only_with_their_county(self, agency: MockServer):
        question = "t10026|itrfslut|ar:2025|regkom|drivmedel"
        assert self.ask(agency, question)["Rows"] == []
        assert len(self.ask(agency, question.replace("|regkom", "|reglan:09|regkom"))["Rows"]) == 2 * 3

    def test_a_question_without_filters_has_no_rows(self, agency: MockServer):
        assert self.ask(agency, "t10026|itrfslut|ar|reglan|regkom|drivmedel")["Rows"] == []

    def test_a_long_question_is_refused_by_the_web_server(self, agency: MockServer):
        places = ",".join(codes("municipality"))
        with pytest.raises(http.StatusError, match=r"404\.15"):
            self.ask(agency, f"t10026|itrfslut|ar:2025|reglan|regkom:{places}|drivmedel")

    def test_a_look_sees_a_revised_figure(self, agency: MockServer, tmp_path: Path):
        def poll(server: MockServer) -> str:
            with http.open_session(SOURCE, server.url + SOURCE.mock_path) as session:
                return trafa_vehicles.poll(
                    session, session.base_url, "trafa_vehicles", None, as_of=date(2026, 3, 1), validators={}
                ).detail

        before = poll(agency)
        assert before.endswith("cars in traffic 2025, in force from 2026-02-20, next expected 2027-02-20")
        file = tmp_path / "trafa" / "vehicles.csv"
        file.write_text(file.read_text(encoding="utf-8").replace("2025,0114,t1,", "2025,0114,t1,9"), "utf-8")
        with MockServer(MockAgencies(tmp_path, date(2026, 3, 1))) as server:
            assert poll(server) != before

    def test_every_assumption_holds_there(self, agency: MockServer):
        with http.open_session(SOURCE, agency.url + SOURCE.mock_path) as session:
            found = list(trafa_vehicles.check(session, session.base_url, as_of=date(2026, 3, 1)))
        assert [(one.verdict, one.answer) for one in found if one.verdict != "holds"] == []
        assert len(found) == 6


class TestCheck:
    def test_an_agency_that_answers_otherwise_is_told_and_nothing_is_raised(self, httpserver: HTTPServer):
        answer = json.loads(body("data.json"))
        each_cell(swapped)(answer)
        answer["ActiveFrom"] = None
        httpserver.expect_request("/api/structure").respond_with_json({"StructureItems": []})
        httpserver.expect_request("/api/data").respond_with_json(answer)
        with session_at(httpserver) as session:
            found = list(trafa_vehicles.check(session, session.base_url, as_of=date(2026, 3, 1)))
        assert [one.verdict for one in found] == [
            "differs",
            "holds",
            "differs",
            "differs",
            "differs",
            "differs",
        ]
        assert all(one.action for one in found if one.verdict != "holds")

    def test_an_agency_that_is_down_fails(self, httpserver: HTTPServer):
        httpserver.expect_request("/api/structure").respond_with_data("borta", status=404)
        with session_at(httpserver) as session:
            (found,) = trafa_vehicles.check(session, session.base_url, as_of=date(2026, 3, 1))
        assert found.verdict == "fails"
        assert "HTTP 404" in found.answer
