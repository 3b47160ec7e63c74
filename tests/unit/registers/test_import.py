"""What a member fills in: the template, cells as people write them, and the way into the reviewed files."""

from __future__ import annotations

import datetime as dt
import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from support.spreadsheets import minimal_workbook

from klimatpuls.errors import UsageError
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.registers.checking import REGISTERS, check_folder
from klimatpuls.registers.importing import import_file
from klimatpuls.registers.reading import MAX_BYTES, RegisterError
from klimatpuls.registers.schemas import shape
from klimatpuls.registers.sheets import GUIDE
from klimatpuls.registers.template import FILLED_IN, build_template
from klimatpuls.registers.values import cell_text, value_of

TODAY = dt.date(2026, 11, 28)
MEASURE = {
    "Åtgärds-id": "tierp-buss",
    "Kommunkod": "0360",
    "Avgränsning": "territorial",
    "Sektor": "transport",
    "Åtgärd": "Elbussar",
    "Åtgärd på engelska": "Electric buses",
    "Status": "Pågående",
    "Startdatum": dt.datetime.fromisoformat("2025-01-01"),
    "Slutdatum": dt.date(2029, 12, 31),
    "Effekt per år i ton": "2026: 120,5 | 2030: 400",
    "Beräknad av": "Upphandlaren",
    "Beräkningssätt": "schablon",
    "Kostnad i kronor": "1 250 000,50",
    "Ansvarig roll": "trafikstrateg",
    "Senast ändrad": "2026-02-03",
}
TARGET = {
    "Mål-id": "tierp_2030",
    "Kommunkod": "0360",
    "Avgränsning": "territorial",
    "Måltyp": "percent_below_base",
    "Målår": 2030,
    "Basår": 1990.0,
    "Procent under basåret": "62,5",
    "Delmål": "2025:30 %|2027:90 000 t",
    "Benämning": "Mål",
    "Benämning på engelska": "Target",
    "Beslutsdag": dt.datetime.fromisoformat("2024-06-17"),
    "Beslutat av": "kommunfullmäktige",
    "Länk till beslutet": "https://example.org/beslut",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's registers."""
    return Path(shutil.copytree(REGISTERS_FOLDER, tmp_path / "registers"))


def fill(path: Path, sheets: dict[str, list[dict[str, Any]]]) -> Path:
    """Write rows into the template by the headers of its sheets, as a spreadsheet program would."""
    book = openpyxl.load_workbook(io.BytesIO(build_template()))
    for title, rows in sheets.items():
        sheet = book[title]
        columns = {cell.value: cell.column for cell in sheet[1]}
        for number, row in enumerate(rows, start=2):
            for header, value in row.items():
                sheet.cell(number, columns[header]).value = value
    book.save(path)
    return path


def test_the_template_holds_every_column_and_is_the_same_every_time() -> None:
    body = build_template()
    assert body == build_template()
    book = openpyxl.load_workbook(io.BytesIO(body))
    assert book.sheetnames == [GUIDE, *(register.shape.document["title"] for register in FILLED_IN)]
    for register in FILLED_IN:
        sheet = book[register.shape.document["title"]]
        headers = [cell.value for cell in sheet[1]]
        assert headers == [entry["title"] for entry in register.shape.columns.values()]
        assert sheet.column_dimensions["A"].width >= 14
    status = book["Åtgärder"].data_validations.dataValidation
    assert any("planerad,beslutad,pågående,klar,avbruten" in (rule.formula1 or "") for rule in status)
    guide = "\n".join(str(cell.value) for row in book[GUIDE] for cell in row)
    assert "0360, inte 360" in guide
    assert "Klimatklivet" in guide


def test_a_filled_in_workbook_comes_into_the_reviewed_files(folder: Path, tmp_path: Path) -> None:
    book = fill(tmp_path / "tierp.xlsx", {"Åtgärder": [MEASURE], "Mål": [TARGET]})
    done = import_file(book, folder, today=TODAY)
    assert [str(one) for one in done] == [
        "targets.yaml: 1 added, 0 changed, 0 as they were",
        "measures.csv: 1 added, 0 changed, 0 as they were",
    ]
    checked = check_folder(folder, TODAY)
    assert checked.mistakes == ()
    (measure,) = checked.of("measures")
    assert measure.values == {
        "measure_id": "tierp-buss", "owner_region_code": "0360", "boundary": "territorial",
        "sector_code": "transport", "title_sv": "Elbussar", "title_en": "Electric buses", "status": "ongoing",
        "start_date": "2025-01-01",
        "end_date": "2029-12-31", "effects": {"2026": 120.5, "2030": 400}, "reckoned_by": "Upphandlaren",
        "how": "schablon", "cost_sek": 1250000.5, "responsible_role": "trafikstrateg",
        "last_updated": "2026-02-03",
    }  # fmt: skip
    (target,) = checked.of("targets")
    assert target.values["percent_below_base"] == 62.5
    assert target.values["interim"] == [
        {"year": 2025, "percent_below_base": 30},
        {"year": 2027, "level_tco2e": 90000},
    ]
    text = (folder / "targets.yaml").read_text(encoding="utf-8")
    assert text.startswith("# Targets that members have decided themselves."), "remarks are kept"
    written = (folder / "measures.csv").read_bytes()
    assert [str(one) for one in import_file(book, folder, today=TODAY)] == [
        "targets.yaml: 0 added, 0 changed, 1 as they were",
        "measures.csv: 0 added, 0 changed, 1 as they were",
    ]
    assert (folder / "measures.csv").read_bytes() == written


def test_a_row_with_a_known_id_takes_its_place(folder: Path, tmp_path: Path) -> None:
    second = {**MEASURE, "Åtgärds-id": "tierp-tag"}
    import_file(fill(tmp_path / "a.xlsx", {"Åtgärder": [MEASURE, second]}), folder, today=TODAY)
    changed = {**MEASURE, "Status": "klar"}
    (done,) = import_file(fill(tmp_path / "b.xlsx", {"Åtgärder": [changed]}), folder, today=TODAY)
    assert (done.added, done.changed, done.unchanged) == (0, 1, 0)
    found = [
        (record.values["measure_id"], record.values["status"])
        for record in check_folder(folder).of("measures")
    ]
    assert found == [("tierp-buss", "done"), ("tierp-tag", "ongoing")]


def test_a_csv_with_semicolons_and_swedish_headers_is_read(folder: Path, tmp_path: Path) -> None:
    header = ";".join(entry["title"] for entry in shape("own_series").columns.values())
    row = "egna;0360;Egen verksamhet;Own operations;2024;1 100,5;tCO2e;miljöbokslut;bränslen"
    path = tmp_path / "från kommunen.csv"
    path.write_text(f"{header}\n{row}\n", encoding="utf-8-sig")
    (done,) = import_file(path, folder, today=TODAY)
    assert (done.file, done.added) == ("own_series.csv", 1)
    (record,) = check_folder(folder).of("own_series")
    assert (record.values["year"], record.values["value"]) == (2024, 1100.5)


def test_a_csv_that_could_be_anything_is_asked_about(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "tabell.csv"
    path.write_text("namn,år\nTierp,2024\n", encoding="utf-8")
    with pytest.raises(UsageError, match="say --register with one of targets, "):
        import_file(path, folder)
    with pytest.raises(UsageError, match="no register is called 'plegdes'"):
        import_file(path, folder, register="plegdes")
    with pytest.raises(RegisterError, match="the register has no such column"):
        import_file(path, folder, register="pledges")


def bad(folder: Path, path: Path) -> list[str]:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(RegisterError) as raised:
        import_file(path, folder, today=TODAY)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before, "nothing is written"
    return [str(mistake) for mistake in raised.value.mistakes]


def test_every_mistake_of_a_workbook_is_told_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    wrong = {**MEASURE, "Kommunkod": 360, "Slutdatum": "2024-12-31", "Kostnad i kronor": "=1+1"}
    told = bad(folder, fill(tmp_path / "tierp.xlsx", {"Åtgärder": [MEASURE, wrong], "Mål": [TARGET]}))
    places = [line.partition(": ")[0] for line in told]
    assert places == [
        "tierp.xlsx [Åtgärder], row 3, column cost_sek (Kostnad i kronor), cell M3",
        "tierp.xlsx [Åtgärder], row 3, column owner_region_code (Kommunkod), cell B3",
        "tierp.xlsx [Åtgärder], row 3, column measure_id (Åtgärds-id), cell A3",
    ]
    assert "the cell holds a formula" in told[0]
    assert 'found "360". Did you mean 0360? Write the code as text, leading zero kept.' in told[1]
    assert "tierp-buss stands in row 2 already" in told[2]


def test_a_rule_between_files_names_the_row_of_the_imported_file(folder: Path, tmp_path: Path) -> None:
    pledge = {
        "Löftes-id": "tierp-l1", "Kommunkod": "0360", "Lovat till": "Länet", "Lydelse": "Fossilfritt",
        "Lovat den": "2024-03-01", "Åtgärder": "tierp-boss",
    }  # fmt: skip
    told = bad(folder, fill(tmp_path / "tierp.xlsx", {"Klimatlöften": [pledge]}))
    (line,) = told
    assert line.startswith(
        "tierp.xlsx [Klimatlöften], row 2, column measure_ids (Åtgärder), cell G2: measures.csv has no"
    )
    book = fill(
        tmp_path / "both.xlsx",
        {"Klimatlöften": [pledge], "Åtgärder": [{**MEASURE, "Åtgärds-id": "tierp-boss"}]},
    )
    assert len(import_file(book, folder, today=TODAY)) == 2


def test_an_unknown_sheet_with_rows_is_told(folder: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(build_template()))
    sheet = book.create_sheet("Idéer")
    sheet.append(["Idé"])
    sheet.append(["Mer buss"])
    book.save(tmp_path / "tierp.xlsx")
    assert 'no register is called "Idéer"' in bad(folder, tmp_path / "tierp.xlsx")[0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"PK\x03\x04 half", "truncated"),
        (b"<html><title>Logga in</title>", "an HTML page"),
        (b"", "the file is empty"),
        (b"x" * (MAX_BYTES + 1), "bytes, more than 10,485,760"),
    ],
    ids=["half a workbook", "a page", "nothing", "too large"],
)
def test_what_is_no_workbook_is_refused(folder: Path, tmp_path: Path, body: bytes, words: str) -> None:
    path = tmp_path / "tierp.xlsx"
    path.write_bytes(body)
    assert words in bad(folder, path)[0]


def test_a_zip_bomb_is_refused_before_it_is_read(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "tierp.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, text in minimal_workbook("<row r='1'/>" + " " * 80_000_000).items():
            parts.writestr(name, text)
    assert path.stat().st_size < MAX_BYTES
    assert "more than 67,108,864 bytes when unpacked" in bad(folder, path)[0]


def test_an_import_is_not_held_up_by_mistakes_in_other_files(folder: Path, tmp_path: Path) -> None:
    (folder / "answers.csv").write_bytes(b"")
    assert len(import_file(fill(tmp_path / "a.xlsx", {"Åtgärder": [MEASURE]}), folder, today=TODAY)) == 1
    (folder / "measures.csv").write_bytes(b"")
    with pytest.raises(RegisterError, match=r"measures\.csv: the file is empty"):
        import_file(tmp_path / "a.xlsx", folder, today=TODAY)


@pytest.mark.parametrize(
    ("cell", "column", "value"),
    [
        ("1 250,5", {"type": "number"}, 1250.5),
        ("1\u00a0250", {"type": "number"}, 1250),
        ("−3,5", {"type": "number"}, -3.5),
        ("1e3", {"type": "number"}, 1000),
        (2030.0, {"type": "integer"}, 2030),
        ("2030", {"type": "integer"}, 2030),
        ("Ja", {"type": "boolean"}, True),
        (False, {"type": "boolean"}, False),
        (360.0, {"type": "string"}, "360"),
        (dt.datetime.fromisoformat("2026-05-07"), {"type": "string", "format": "date"}, "2026-05-07"),
        (
            dt.datetime.fromisoformat("2026-05-07T12:00"),
            {"type": "string", "format": "date"},
            "2026-05-07T12:00:00",
        ),
        (dt.date(2026, 5, 7), {"type": "string", "format": "date"}, "2026-05-07"),
        ("a| b |", {"type": "array", "items": {"type": "string"}}, ["a", "b"]),
        ("2005|2018", {"type": "array", "items": {"type": "integer"}}, [2005, 2018]),
        ("2026=1,5;2027:2", {"type": "object"}, {"2026": 1.5, "2027": 2}),
        ("2026:1|2026:2", {"type": "object"}, "2026:1|2026:2"),
        ("", {"type": "number"}, None),
        (None, {"type": "string"}, None),
    ],
)
def test_cells_are_read_as_people_write_them(cell: Any, column: dict[str, Any], value: Any) -> None:
    found = value_of(cell, column)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "name", sorted({register.schema or name for name, register in REGISTERS.items()} | {"contacts"})
)
def test_every_schema_is_one_and_says_what_a_spreadsheet_needs(name: str) -> None:
    from jsonschema import Draft202012Validator

    document = shape(name).document
    Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(document["required"]) <= set(document["properties"])
    if name == "rules":
        return
    for column, entry in shape(name).columns.items():
        assert entry["title"], column
        assert entry["description"].endswith("."), column
    titles = [
        header
        for entry in shape(name).columns.values()
        for header in (entry["title"], *entry.get("x-headers", ()))
    ]
    assert len(titles) == len({title.casefold() for title in titles})


def test_a_written_cell_is_read_back_the_same() -> None:
    values = {
        "effects": {"2026": 120.5, "2030": 400},
        "evidence_links": ["https://example.org/a", "https://example.org/b"],
        "cost_sek": 1250000.5,
        "title_sv": "Elbussar",
    }
    columns = shape("measures").columns
    assert {name: value_of(cell_text(value), columns[name]) for name, value in values.items()} == values
