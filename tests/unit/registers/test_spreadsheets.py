"""Files as spreadsheet programs and hands leave them: every kind that is read, and every ceiling."""

from __future__ import annotations

import datetime as dt
import io
import time
import tracemalloc
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from support.spreadsheets import minimal_workbook, ods_row, row, spreadsheet, zipped

from klimatpuls.registers import archive, reading
from klimatpuls.registers.cells import Percent
from klimatpuls.registers.reading import (
    Sheet,
    UnreadableError,
    read_csv,
    read_mapping,
    read_table,
    read_workbook,
)
from klimatpuls.registers.workbooks import day_of_serial, kind_of_format

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TEXT_CELL = (
    "<table:table-cell table:number-columns-repeated='{}' office:value-type='string'><text:p>x</text:p>"
    "</table:table-cell>"
)
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"


def cells_of(body: bytes) -> dict[tuple[int, int], Any]:
    """The cells below the header of the first sheet."""
    sheet = read_table(body, "x")
    return {(number, column): cell for number, cells in sheet.rows for column, cell in cells.items()}


def xlsx(rows: str, **settings: Any) -> bytes:
    return zipped(minimal_workbook(row(1, "a", "b", "c") + rows, **settings))


def refused(read: Callable[[bytes, str], Any], body: bytes) -> str:
    with pytest.raises(UnreadableError) as caught:
        read(body, "x")
    mistake = caught.value.mistake
    assert mistake.swedish != str(mistake)
    return str(mistake)


# --------------------------------------------------------------------------------------------- Excel


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("<c r='A2' t='inlineStr'><is><t>åäö</t></is></c>", "åäö"),
        ("<c r='A2' t='inlineStr'><is><r><t>å</t></r><r><t>ä</t></r><rPh><t>x</t></rPh></is></c>", "åä"),
        ("<c r='A2' t='s'><v>1</v></c>", "delad"),
        ("<c r='A2' t='str'><v>text_x000D_\n2</v></c>", "text\n2"),
        ("<c r='A2' t='b'><v>1</v></c>", True),
        ("<c r='A2' t='d'><v>2024-06-17T00:00:00</v></c>", dt.date(2024, 6, 17)),
        ("<c r='A2'><v>63</v></c>", 63.0),
        ("<c r='A2'><v>1.4606E5</v></c>", 146060.0),
        ("<c r='A2' s='1'><v>0.63</v></c>", Percent(0.63)),
        ("<c r='A2' s='2'><v>45460</v></c>", dt.date(2024, 6, 17)),
        ("<c r='A2' s='2'><v>45460.5</v></c>", dt.datetime(2024, 6, 17, 12)),  # noqa: DTZ001
        ("<c r='A2' s='3'><v>63</v></c>", 63.0),
        ("<c r='A2' s='4'><v>63</v></c>", 63.0),
        ("<c><v>63</v></c>", 63.0),
        ("<c r='A2'><!-- <f>1+1</f> --><v>6<!-- 5 -->3</v></c>", 63.0),
    ],
)
@pytest.mark.parametrize("main", ["http://schemas.openxmlformats.org/spreadsheetml/2006/main", STRICT])
def test_a_cell_is_read_as_a_person_sees_it(cell: str, value: Any, main: str) -> None:
    formats = ("0.0%", "yyyy\\-mm\\-dd;@", '0"%"', "[Red]#,##0.00\\ [$kr-41D]")
    found = cells_of(xlsx(row(2, cell), formats=formats, shared=("annan", "delad"), main=main))
    assert found == {(2, 0): value}
    assert type(found[2, 0]) is type(value)


@pytest.mark.parametrize(
    ("number", "code", "kind"),
    [
        (9, None, "percent"),
        (10, None, "percent"),
        (14, None, "day"),
        (22, None, "day"),
        (3, None, "number"),
        (170, "General", "number"),
        (170, "0 %", "percent"),
        (170, "0.0%;[Red]-0.0%", "percent"),
        (170, '0"%"', "number"),
        (170, "0\\%", "number"),
        (170, "[$-41D]d mmmm yyyy", "day"),
        (170, "[h]:mm:ss", "day"),
        (170, '#,##0 "dagar"', "number"),
        (170, "0.00E+00", "number"),
        (170, "@", "number"),
        (170, '"' * 100_000, "number"),
    ],
)
def test_a_number_format_says_what_a_number_is(number: int, code: str | None, kind: str) -> None:
    assert kind_of_format(number, code) == kind


@pytest.mark.parametrize(
    ("serial", "is_1904", "day"),
    [
        (45460, False, dt.date(2024, 6, 17)),
        (43998, True, dt.date(2024, 6, 17)),
        (1, False, dt.date(1900, 1, 1)),
        (59, False, dt.date(1900, 2, 28)),
        (61, False, dt.date(1900, 3, 1)),
        (0, True, dt.date(1904, 1, 1)),
        (2_958_465, False, dt.date(9999, 12, 31)),
        (2_958_465, True, 2_958_465),
        (-1, False, -1),
        (1e300, False, 1e300),
    ],
)
def test_days_are_counted_as_the_workbook_counts_them(serial: float, is_1904: bool, day: Any) -> None:
    assert day_of_serial(serial, is_1904=is_1904) == day


def test_the_date_system_of_1904_is_read() -> None:
    body = xlsx(row(2, "<c r='A2' s='1'><v>43998</v></c>"), formats=("yyyy-mm-dd",), is_1904=True)
    assert cells_of(body) == {(2, 0): dt.date(2024, 6, 17)}


def test_prefixed_names_and_a_sheet_elsewhere_are_read() -> None:
    parts = minimal_workbook(row(1, "a") + row(2, "<c><v>7</v></c>"), part="elsewhere/blad.xml")
    sheet = parts["elsewhere/blad.xml"]
    for tag in ("worksheet", "sheetData", "row", "c", "v", "is", "t"):
        sheet = sheet.replace(f"<{tag}>", f"<x:{tag}>").replace(f"<{tag} ", f"<x:{tag} ")
        sheet = sheet.replace(f"</{tag}>", f"</x:{tag}>")
    parts["elsewhere/blad.xml"] = sheet.replace("xmlns=", "xmlns:x=")
    assert "<x:c" in parts["elsewhere/blad.xml"]
    assert cells_of(zipped(parts)) == {(2, 0): 7.0}


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("<c r='B2' t='e'><v>#N/A</v></c>", 'the cell shows the error "#N/A"'),
        ("<c r='B2' t='e'><v>#REF!</v></c>", 'the cell shows the error "#REF!"'),
        ("<c r='B2' t='inlineStr'><is><t>#SAKNAS!</t></is></c>", 'the error "#SAKNAS!"'),
        ("<c r='B2'><v>INF</v></c>", 'the error "INF"'),
        ("<c r='B2'><f>1+1</f><v>2</v></c>", "the cell holds a formula"),
        ("<c r='B2' t='inlineStr'><is><t>=1+1</t></is></c>", "the cell holds a formula"),
        ("<c r='B2' t='inlineStr'><is><t>\t@x</t></is></c>", "the cell holds a formula"),
        ("<c r='B2' t='inlineStr'><is><t>a_x0007_b</t></is></c>", "the control character U+0007"),
        ("<c r='B2' t='inlineStr'><is><t>VÃ¤xjÃ¶</t></is></c>", "letters were read in a wrong encoding"),
        (f"<c r='B2' t='inlineStr'><is><t>{'x' * 40_000}</t></is></c>", "longer than 32,767 characters"),
    ],
)
def test_a_cell_that_holds_no_value_is_a_mistake_at_its_place(cell: str, words: str) -> None:
    sheet = read_workbook(xlsx(row(2, cell)), "x")[0]
    (mistake,) = sheet.mistakes
    assert (mistake.file, mistake.place.sv, mistake.place.en, mistake.cell) == (
        "x [S]",
        "rad 2",
        "row 2",
        "B2",
    )
    assert words in mistake.problem.en
    assert sheet.rows == ((2, {}),)


def test_empty_cells_cost_nothing_wherever_they_are() -> None:
    stray = "".join(f"<row r='{number}'><c r='XFD{number}' s='1'/></row>" for number in range(3, 20_000))
    last = (
        "<row r='1048576'><c r='A1048576' s='1'/><c r='BA1048576' t='inlineStr'><is><t> </t></is></c></row>"
    )
    body = xlsx(row(2, "x") + stray + last, formats=("0%",))
    tracemalloc.start()
    try:
        assert cells_of(body) == {(2, 0): "x"}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * 2**20


def test_a_filled_cell_in_the_last_row_is_read() -> None:
    assert cells_of(xlsx("<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>")) == {(1048576, 16383): 1.0}


@given(
    st.lists(
        st.lists(
            st.none()
            | st.booleans()
            | st.integers(-(10**9), 10**9)
            | st.floats(-1e9, 1e9).filter(lambda number: abs(number) > 1e-9 or number == 0)
            | st.dates(dt.date(1901, 1, 1), dt.date(2200, 1, 1))
            | st.text("abcåäö 0123.,<&>", min_size=1, max_size=20).filter(lambda text: text.strip() != ""),
            min_size=1,
            max_size=6,
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=40, deadline=None)
def test_values_are_those_that_other_readers_see(table: list[list[Any]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["a", "b", "c", "d", "e", "f"])
    for values in table:
        sheet.append(values)
    buffer = io.BytesIO()
    book.save(buffer)
    theirs = CalamineWorkbook.from_filelike(io.BytesIO(buffer.getvalue())).get_sheet_by_index(0)
    wanted = {
        (number, column): cell.strip() if isinstance(cell, str) else cell
        for number, cells in enumerate(theirs.to_python(skip_empty_area=False)[1:], start=2)
        for column, cell in enumerate(cells)
        if cell != ""
    }
    assert cells_of(buffer.getvalue()) == wanted


# --------------------------------------------------------------------------------------- OpenDocument


def test_an_opendocument_spreadsheet_is_read() -> None:
    cell = "<table:table-cell office:value-type='{}' office:{}='{}'><text:p>{}</text:p></table:table-cell>"
    rows = ods_row("a", "b", "c", "d", "e", "f") + ods_row(
        "två<rader",
        cell.format("percentage", "value", "0.63", "63 %"),
        cell.format("float", "value", "146060", "146 060"),
        cell.format("date", "date-value", "2024-06-17", "17 juni"),
        cell.format("boolean", "boolean-value", "true", "SANT"),
        "<table:table-cell office:value-type='string'><text:p>a<text:s text:c='2'/>b<text:tab/></text:p>"
        "<text:p>c</text:p></table:table-cell>",
    )
    body = spreadsheet({"S": rows, "tom": ods_row("", repeated=1_048_576)})
    (sheet,) = read_workbook(body, "x")
    assert sheet.header == ("a", "b", "c", "d", "e", "f")
    ((number, cells),) = sheet.rows
    assert number == 2
    assert cells == {
        0: "två<rader", 1: Percent(0.63), 2: 146060.0, 3: dt.date(2024, 6, 17), 4: True, 5: "a  b\t\nc",
    }  # fmt: skip
    assert isinstance(cells[1], Percent)


def test_repeated_cells_and_rows_keep_their_places() -> None:
    empty = "<table:table-cell table:number-columns-repeated='3'/>"
    twice = TEXT_CELL.format(2)
    rows = ods_row("a", "b") + ods_row("", repeated=7) + ods_row(empty, twice, repeated=2)
    rows += ods_row("<table:table-cell table:number-columns-repeated='16384'/>", repeated=1_048_566)
    assert cells_of(spreadsheet({"S": rows})) == {
        (number, column): "x" for number in (9, 10) for column in (3, 4)
    }


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (
            "<table:table-cell table:formula='of:=1+1' office:value-type='float' office:value='2'/>",
            "a formula",
        ),
        (
            "<table:table-cell office:value-type='error'><text:p>Err:502</text:p></table:table-cell>",
            'the error "Err:502"',
        ),
        ("#SAKNAS!", 'the error "#SAKNAS!"'),
        ("<table:table-cell office:value-type='float' office:value='NaN'/>", 'the error "NaN"'),
    ],
)
def test_formulas_and_errors_of_opendocument_are_mistakes(cell: str, words: str) -> None:
    sheet = read_workbook(spreadsheet({"S": ods_row("a", "b") + ods_row("x", cell)}), "x")[0]
    (mistake,) = sheet.mistakes
    assert mistake.cell == "B2"
    assert words in mistake.problem.en


def test_a_remark_on_a_cell_is_no_part_of_it() -> None:
    cell = (
        "<table:table-cell office:value-type='string'><office:annotation><text:p>kolla</text:p>"
        "</office:annotation><text:p>x</text:p></table:table-cell>"
    )
    assert cells_of(spreadsheet({"S": ods_row("a") + ods_row(cell)})) == {(2, 0): "x"}


# ------------------------------------------------------------------------------------- what is refused


def with_part(name: str, text: str | bytes) -> bytes:
    return zipped({**minimal_workbook(row(1, "a")), name: text})


def encrypted() -> bytes:
    body = bytearray(xlsx(""))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = body.find(mark)
        while place >= 0:
            body[place + at] |= 1
            place = body.find(mark, place + 4)
    return bytes(body)


HOSTILE: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "more empty cells than any register": (
        lambda: xlsx(f"<row r='2'>{'<c/>' * 10_000}</row>" * 3),
        "more than 25,000 cells",
    ),
    "more filled cells than any register": (
        lambda: xlsx(f"<row>{'<c><v>1</v></c>' * 10_001}</row>"),
        "more than 10,000 filled cells",
    ),
    "more rows than any register": (
        lambda: xlsx("".join(row(number, "x") for number in range(2, 1_003))),
        "more than 1,000",
    ),
    "cells without references": (
        lambda: xlsx(f"<row>{'<c/>' * 20_000}</row>"),
        "outside the sheet (XFE2)",
    ),
    "a cell beyond the last column": (
        lambda: xlsx("<row r='2'><c r='AAAA2'><v>1</v></c></row>"),
        "outside the sheet (AAAA2)",
    ),
    "a cell beyond the last row": (
        lambda: xlsx("<row r='2'><c r='A9999999'><v>1</v></c></row>"),
        "outside the sheet (A9999999)",
    ),
    "a reference that is none": (
        lambda: xlsx(f"<row><c r='{'A' * 60_000}1'/></row>"),
        "outside the sheet",
    ),
    "a row that is none": (lambda: xlsx("<row r='0'><c><v>1</v></c></row>"), "outside the sheet"),
    "one long text shared by many cells": (
        lambda: xlsx("<row>" + "<c t='s'><v>0</v></c>" * 1_000 + "</row>", shared=("x" * 30_000,)),
        "more than 20,000,000 characters",
    ),
    "a shared text that is not there": (
        lambda: xlsx("<row><c t='s'><v>5</v></c></row>"),
        "shared text 5",
    ),
    "a part larger than all registers": (
        lambda: with_part("xl/sharedStrings.xml", "<sst>" + " " * 80_000_000 + "</sst>"),
        "more than 67,108,864 bytes",
    ),
    "entities": (
        lambda: with_part(
            "xl/worksheets/sheet1.xml", "<!DOCTYPE a [<!ENTITY b 'bbbb'>]><worksheet>&b;</worksheet>"
        ),
        "document type declaration",
    ),
    "no XML": (
        lambda: with_part("xl/worksheets/sheet1.xml", "<worksheet><sheetData>"),
        "truncated or damaged",
    ),
    "half a file": (lambda: xlsx("")[:400], "truncated or damaged"),
    "a wrong checksum": (
        lambda: zipped(minimal_workbook(row(1, "abc")), zipfile.ZIP_STORED).replace(b">abc<", b">abd<"),
        "the checksum of",
    ),
    "another compression": (
        lambda: zipped(minimal_workbook(row(1, "a")), zipfile.ZIP_BZIP2),
        "zip compression 12",
    ),
    "many parts": (
        lambda: zipped({f"p{number}": "" for number in range(1_100)}),
        "more than 1000 parts",
    ),
    "a password": (encrypted, "has a password"),
    "an older Excel file": (
        lambda: bytes.fromhex("d0cf11e0a1b11ae1") + b"x" * 600,
        "older Excel file (.xls)",
    ),
    "a binary workbook": (lambda: zipped({"xl/workbook.bin": "x", "_rels/.rels": "<a/>"}), "(.xlsb)"),
    "a text document": (lambda: zipped({"word/document.xml": "<a/>"}), "a zip without a sheet"),
    "no sheet": (lambda: zipped({"xl/workbook.xml": "<workbook/>"}), "no sheet with content"),
    "repeated cells of OpenDocument": (
        lambda: spreadsheet({"S": ods_row(TEXT_CELL.format(99_999))}),
        "cells outside the sheet",
    ),
    "repeated rows of OpenDocument": (
        lambda: spreadsheet({"S": ods_row("a") + ods_row("x", repeated=1_000_000)}),
        "more than 10,000 filled cells",
    ),
    "rows beyond the last of OpenDocument": (
        lambda: spreadsheet({"S": ods_row("", repeated=2_000_000) + ods_row("x")}),
        "rows outside the sheet",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_beyond_the_ceilings_is_refused_in_little_memory(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_CELLS", 25_000)
    monkeypatch.setattr(archive, "MAX_FILLED_CELLS", 10_000)
    monkeypatch.setattr(reading, "MAX_ROWS", 1_000)
    make, words = HOSTILE[name]
    body = make()
    tracemalloc.start()
    try:
        told = refused(read_workbook, body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert words in told
    assert peak < 40 * 2**20


def test_the_ceilings_themselves_are_reached_in_seconds() -> None:
    """What a hostile file can cost at most; a register of the network takes a hundredth of a second."""
    empty = f"<row r='2'>{'<c/>' * 10_000}</row>" * (archive.MAX_CELLS // 10_000 + 1)
    started = time.process_time()
    assert "more than 1,000,000 cells" in refused(read_workbook, xlsx(empty))
    assert time.process_time() - started < 20


def test_spaces_of_opendocument_are_no_bomb() -> None:
    spaces = "<text:s text:c='99999999'/>" * 20_000
    cell = f"<table:table-cell office:value-type='string'><text:p>{spaces}x</text:p></table:table-cell>"
    sheet = read_workbook(spreadsheet({"S": ods_row("a") + ods_row(cell)}), "x")[0]
    assert sheet.rows == ()


def test_the_text_that_once_took_a_minute_takes_none() -> None:
    comment = "<!-- " + "<c r='A1' " * 60_000 + " -->"
    started = time.process_time()
    (sheet,) = read_workbook(zipped(minimal_workbook(row(1, "<c><v>1</v></c>") + comment)), "x")
    assert (sheet.header, sheet.rows) == (("1.0",), ())
    assert time.process_time() - started < 1


# ------------------------------------------------------------------------------------------------ CSV


def rows_of(sheet: Sheet) -> list[tuple[int, dict[int, Any]]]:
    return [(number, dict(cells)) for number, cells in sheet.rows]


TEXT = "kod;namn;not\n0360;Tierp;å\n0123;Järfälla;\n"
WANTED = [(2, {0: "0360", 1: "Tierp", 2: "å"}), (3, {0: "0123", 1: "Järfälla"})]


@pytest.mark.parametrize(
    "body",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("cp1252"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace(";", ",").encode(),
        TEXT.replace(";", "\t").encode("utf-16"),
        f"sep=;\n{TEXT}".encode(),
        f"SEP=;\r\n{TEXT}".encode("utf-8-sig"),
        f'"sep=;"\n{TEXT}'.encode(),
        f"sep=|\n{TEXT.replace(';', '|')}".encode(),
        TEXT.replace("Järfälla;", "Järfälla").encode(),
        TEXT.replace("Järfälla;", "Järfälla;;;;").encode(),
        TEXT.replace("0360", '"0360"').encode(),
        TEXT.replace("0360", "0360\u00a0").encode(),
        TEXT.replace("0360", "\u200b 0360 ").encode(),
        TEXT.replace("Järfälla", "Ja\u0308rfa\u0308lla").encode(),
        TEXT.encode() + b";;\n\n   ;\xc2\xa0;\n",
    ],
)
def test_a_table_in_text_is_read_however_it_was_saved(body: bytes) -> None:
    sheet = read_csv(body, "x")
    assert sheet.header == ("kod", "namn", "not")
    assert rows_of(sheet) == WANTED


def test_a_text_cut_at_its_own_separators_is_put_together() -> None:
    body = b"kod;not;tal\n1;juni 2022; dag ok\xc3\xa4nd; tredje;5\n"
    assert rows_of(read_csv(body, "x")) == [(2, {0: "1", 1: "juni 2022; dag okänd; tredje", 2: "5"})]
    for line in (b"1;juni;dag;5", b"1;a; b;5;6"):
        ((_, cells),) = rows_of(read_csv(b"kod;not;tal\n" + line + b"\n", "x"))
        assert max(cells) > 2, "what cannot be put together stays too wide"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (TEXT.encode("mac-roman"), "not UTF-8 (byte 0x8c in line 2)"),
        (TEXT.encode("cp850"), "not UTF-8 (byte 0x86 in line 2)"),
        ("namn\nHöör\n".encode("cp850"), "not UTF-8 (byte 0x94 in line 2)"),
        (b"namn\nH\x81r\n", "not UTF-8"),
        ("namn\nГород\n".encode("cp1251"), "not UTF-8"),
        (TEXT.encode("utf-16-le"), "no text (byte 0)"),
        (b"a;b\nx\x00;1\n", "no text (byte 0)"),
        (TEXT.encode("utf-16")[:-1], "truncated"),
        (b"%PDF-1.7", "is PDF"),
        (b"<html><title>Logga in</title>", "an HTML page"),
        (b"<?xml version='1.0'?><Workbook/>", "is XML"),
        (b"sep=x\na,b\n", 'the first line is "sep=x"'),
        (b'a,b\n"x,1\n', "the file is no CSV"),
        (b"a" * 200_000, "the file is no CSV"),
    ],
)
def test_a_text_that_cannot_be_told_is_refused(body: bytes, words: str) -> None:
    assert words in refused(read_csv, body)


@pytest.mark.parametrize("cell", ["#SAKNAS!", "#n/a", "#REFERENS!", "#DIVISION/0!", "Err:502"])
def test_an_error_that_was_saved_as_text_is_a_mistake(cell: str) -> None:
    sheet = read_csv(f"kod;tal\n1;{cell}\n".encode(), "x.csv")
    (mistake,) = sheet.mistakes
    assert str(mistake).startswith("x.csv, row 2, column tal, cell B2: the cell shows the error")
    assert mistake.swedish.startswith("x.csv, rad 2, kolumn tal, cell B2: cellen visar felet")


@pytest.mark.parametrize("cell", ["-5", "-146 060", "+46", "-1e-05", "-146,060", "-12,5 %", "−5"])
def test_a_signed_number_is_no_formula(cell: str) -> None:
    assert read_csv(f"kod;tal\n1;{cell}\n".encode(), "x").mistakes == ()


@pytest.mark.parametrize("cell", ["=1", "+a", "-", "-1+2", "@x", "-1e-5+2", "--1", "\t=1"])
def test_what_a_program_would_run_is_a_formula(cell: str) -> None:
    assert len(read_csv(f"kod;tal\n1;{cell}\n".encode(), "x").mistakes) == 1


def test_a_yaml_that_grows_is_refused() -> None:
    text = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n"
    assert "the file refers to itself (*a)" in refused(read_mapping, text.encode())
    assert read_mapping(b"a: 'x * y'\n", "x") == {"a": "x * y"}
