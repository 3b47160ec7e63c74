"""Registers as people fill them in and send them back, whole files of each kind."""

from __future__ import annotations

import datetime as dt
import io
import shutil
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from support.spreadsheets import minimal_workbook, ods_row, row, spreadsheet, zipped

from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.registers.checking import MAX_MISTAKES, REGISTERS, check_folder
from klimatpuls.registers.contacts import forget_in_file
from klimatpuls.registers.importing import import_file
from klimatpuls.registers.reading import MAX_LISTED, RegisterError
from klimatpuls.registers.schemas import shape
from klimatpuls.registers.template import build_template

if TYPE_CHECKING:
    from collections.abc import Callable

TODAY = dt.date(2026, 11, 28)
TARGET: dict[str, Any] = {
    "Mål-id": "lund_2030",
    "Kommunkod": "1281",
    "Avgränsning": "Territoriella utsläpp",
    "Måltyp": "Minskning i procent",
    "Målår": 2030,
    "Basår": 1990,
    "Procent under basåret": 63,
    "Benämning": "Minst 63 % lägre",
    "Benämning på engelska": "At least 63 % lower",
    "Läge": "beslutat",
    "Beslutsdag": dt.date(2024, 6, 17),
    "Beslutat av": "Kommunfullmäktige",
    "Länk till beslutet": "https://example.org/beslut",
    "Gäller från": dt.date(2024, 6, 17),
}
WANTED = {
    "target_id": "lund_2030",
    "region_code": "1281",
    "boundary": "territorial",
    "target_type": "percent_below_base",
    "target_year": 2030,
    "base_year": 1990,
    "percent_below_base": 63,
    "title_sv": "Minst 63 % lägre",
    "title_en": "At least 63 % lower",
    "state": "decided",
    "decided_on": "2024-06-17",
    "decided_by": "Kommunfullmäktige",
    "document_url": "https://example.org/beslut",
    "valid_from": "2024-06-17",
}
MEASURE = {
    "Åtgärds-id": "lund-el", "Kommunkod": "1281", "Avgränsning": "territorial", "Sektor": "Alla sektorer",
    "Åtgärd": "Elbussar", "Åtgärd på engelska": "Electric buses", "Status": "Pågående",
    "Effekt per år i ton": "2030: 146 060", "Beräknad av": "Upphandlaren", "Beräkningssätt": "schablon",
    "Ansvarig roll": "trafikstrateg", "Senast ändrad": "2026-02-03",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's registers."""
    return Path(shutil.copytree(REGISTERS_FOLDER, tmp_path / "registers"))


def filled(*, formats: dict[str, str] | None = None, sheet: str = "Mål", **changes: Any) -> bytes:
    """The template with one row, as a spreadsheet program saves it.

    Args:
        formats: Number format by column.
        sheet: Sheet of the row.
        changes: Column → value, in place of the usual one.
    """
    book = openpyxl.load_workbook(io.BytesIO(build_template()))
    places = {cell.value: cell.column for cell in book[sheet][1]}
    usual = TARGET if sheet == "Mål" else MEASURE
    for header, value in {**usual, **changes}.items():
        cell = book[sheet].cell(2, places[header])
        cell.value = value
        if isinstance(value, int | float):
            cell.number_format = "General"
        if formats and header in formats:
            cell.number_format = formats[header]
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def edited(body: bytes, edit: Callable[[str, str], str]) -> bytes:
    """A workbook whose parts were changed: name and text → text."""
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        return zipped({name: edit(name, parts.read(name).decode()) for name in parts.namelist()})


def with_rows(body: bytes, rows: str) -> bytes:
    """A workbook with rows behind those of its second sheet."""
    return edited(
        body,
        lambda name, text: (
            text.replace("</sheetData>", f"{rows}</sheetData>") if name.endswith("sheet2.xml") else text
        ),
    )


def as_macro_book(name: str, text: str) -> str:
    kind = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    usual = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    return text.replace(usual, kind) if name == "[Content_Types].xml" else text


def as_ods() -> bytes:
    """The same row in OpenDocument, the percentage as LibreOffice writes it."""
    cells = []
    for header in shape("targets").columns.values():
        value = TARGET.get(header["title"], "")
        if isinstance(value, dt.date):
            cells.append(f"<table:table-cell office:value-type='date' office:date-value='{value}'/>")
        elif header["title"] == "Procent under basåret":
            cells.append("<table:table-cell office:value-type='percentage' office:value='0.63'/>")
        elif isinstance(value, int):
            cells.append(f"<table:table-cell office:value-type='float' office:value='{value}'/>")
        else:
            cells.append(value)
    head = ods_row(*(header["title"] for header in shape("targets").columns.values()))
    return spreadsheet({"Mål": head + ods_row(*cells) + ods_row("", repeated=1_000_000)})


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("mall.xlsx", filled()),
        ("procent.xlsx", filled(formats={"Procent under basåret": "0%"}, **{"Procent under basåret": 0.63})),
        (
            "procent.xlsx",
            filled(formats={"Procent under basåret": "0.0 %"}, **{"Procent under basåret": 0.63}),
        ),
        ("procent.xlsx", filled(**{"Procent under basåret": "63 %"})),
        ("procent.xlsx", filled(**{"Procent under basåret": "63\u00a0%"})),
        ("blanktecken.xlsx", filled(**{"Kommunkod": "1281\u00a0", "Målår": "\u00a02030 "})),
        ("tomma.xlsx", filled(**{"Basvärde i ton": "\u00a0", "Ersatt av": "\u200b"})),
        ("sista raden.xlsx", with_rows(filled(), '<row r="1048576" ht="15" customHeight="1"/>')),
        ("sista raden.xlsx", with_rows(filled(), '<row r="1048576" s="1"><c r="A1048576" s="1"/></row>')),
        ("BA3.xlsx", with_rows(filled(), '<row r="3"><c r="BA3" s="1"/></row>')),
        ("BA3.xlsx", with_rows(filled(), '<row r="3"><c r="BA3" t="inlineStr"><is><t> </t></is></c></row>')),
        ("makro.xlsm", edited(filled(), as_macro_book)),
        ("makro.xlsx", edited(filled(), as_macro_book)),
        ("namn.ods", filled()),
        ("namn.csv", filled()),
        ("namn", filled()),
        ("calc.ods", as_ods()),
        ("calc.xlsx", as_ods()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_workbook_comes_in_however_it_was_saved(
    folder: Path, tmp_path: Path, name: str, body: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    assert [str(done) for done in import_file(path, folder, today=TODAY)] == [
        "targets.yaml: 1 added, 0 changed, 0 as they were"
    ]
    checked = check_folder(folder, TODAY)
    assert checked.mistakes == ()
    assert checked.of("targets")[0].values == WANTED
    assert [done.unchanged for done in import_file(path, folder, today=TODAY)] == [1]


def mistakes_of(folder: Path, path: Path) -> list[Any]:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(RegisterError) as caught:
        import_file(path, folder, today=TODAY)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before, "nothing is written"
    return list(caught.value.mistakes)


def error_in(cell: str, text: str) -> Callable[[str, str], str]:
    """Put an error in the place of an empty cell before column H of the second sheet."""
    return lambda name, part: (
        part.replace('<c r="H2"', f'<c r="{cell}" t="e"><v>{text}</v></c><c r="H2"')
        if name.endswith("sheet2.xml")
        else part
    )


@pytest.mark.parametrize("text", ["#N/A", "#REF!", "#DIV/0!", "#NAME?"])
def test_an_error_in_a_column_that_may_be_empty_is_a_mistake(folder: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "fel.xlsx"
    path.write_bytes(edited(filled(), error_in("G2", text)))
    (mistake,) = mistakes_of(folder, path)
    assert str(mistake) == (
        f"fel.xlsx [Mål], row 2, column base_tco2e (Basvärde i ton), cell G2: the cell shows the error "
        f'"{text}". Write the value, or empty the cell where nothing is known.'
    )
    assert mistake.swedish == (
        f"fel.xlsx [Mål], rad 2, kolumn Basvärde i ton (base_tco2e), cell G2: cellen visar felet "
        f'"{text}". Skriv värdet, eller töm cellen om inget är känt.'
    )


@pytest.mark.parametrize(
    ("changes", "formats", "cell", "words"),
    [
        ({"Procent under basåret": 0.63}, {}, "H2", "0.63 kan betyda 63 % eller 0,63 %"),
        ({"Basvärde i ton": "146,060"}, {}, "G2", '"146,060" kan betyda 146 060 eller 146,06'),
        ({"Basvärde i ton": "146.060"}, {}, "G2", '"146.060" kan betyda 146 060 eller 146,06'),
        ({"Basvärde i ton": 0.5}, {"Basvärde i ton": "0%"}, "G2", "cellen visar 50 %"),
        ({"Beslutsdag": 45460}, {"Beslutsdag": "General"}, "V2", "cellen visar talet 45460, inte en dag"),
        ({"Beslutsdag": "17 juni 2024"}, {}, "V2", 'väntade en dag, här står "17 juni 2024"'),
        ({"Målår": 2030}, {"Målår": "yyyy-mm-dd"}, "E2", "cellen visar en dag (1905-07-22)"),
        ({"Kommunkod": "12\u00a081"}, {}, "B2", 'här står "12⟨hårt mellanslag⟩81"'),
        ({"Mål-id": "Lund 2030"}, {}, "A2", "väntade ett id med 2 till 63 tecken"),
        ({"Måltyp": "lägre"}, {}, "D2", "väntade ett av minskning i procent, fast nivå"),
    ],
)
def test_what_cannot_be_told_is_asked_about_in_swedish(
    folder: Path, tmp_path: Path, changes: dict[str, Any], formats: dict[str, str], cell: str, words: str
) -> None:
    path = tmp_path / "fråga.xlsx"
    path.write_bytes(filled(formats=formats, **changes))
    (mistake,) = mistakes_of(folder, path)
    assert (mistake.place.sv, mistake.cell) == ("rad 2", cell)
    assert words in mistake.problem.sv
    assert mistake.remedy.sv.endswith((".", "?"))


def test_a_value_outside_the_header_is_told_with_its_cell(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "utanför.xlsx"
    path.write_bytes(with_rows(filled(), '<row r="3"><c r="BA3" t="inlineStr"><is><t>x</t></is></c></row>'))
    (mistake,) = mistakes_of(folder, path)
    assert str(mistake).startswith(
        'utanför.xlsx [Mål], row 3, cell BA3: "x" stands in a column without a header'
    )


def test_a_measure_for_several_sectors_is_read(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "åtgärd.xlsx"
    path.write_bytes(filled(sheet="Åtgärder"))
    import_file(path, folder, today=TODAY)
    (record,) = check_folder(folder, TODAY).of("measures")
    assert record.values["sector_code"] == "all"
    assert record.values["effects"] == {"2030": 146060}


def test_a_sheet_of_comments_that_took_a_minute_takes_none(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "redos.xlsx"
    comment = "<!-- " + "<c r='A1' " * 60_000 + " -->"
    path.write_bytes(zipped(minimal_workbook(row(1, "x") + comment, sheet="Mål")))
    started = time.process_time()
    assert import_file(path, folder, today=TODAY) == ()
    assert time.process_time() - started < 1


# ---------------------------------------------------------------- the reviewed files, edited by hand


def rewritten(path: Path, edit: Callable[[str], str], encoding: str = "utf-8") -> None:
    path.write_bytes(edit(path.read_text(encoding="utf-8")).encode(encoding))


def with_semicolons(text: str) -> str:
    """The file as Excel in Sweden writes it."""
    import csv

    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(csv.reader(io.StringIO(text)))
    return out.getvalue()


def without_trailing(text: str) -> str:
    """The file without separators behind the last cell of a row, as Excel leaves them out after row 16."""
    head, *lines = with_semicolons(text).splitlines()
    return "\r\n".join([head, *(line.rstrip(";") for line in lines)])


@pytest.mark.parametrize(
    ("edit", "encoding"),
    [
        (with_semicolons, "utf-8-sig"),
        (with_semicolons, "cp1252"),
        (lambda text: with_semicolons(text).replace(";", "\t"), "utf-16"),
        (lambda text: "sep=;\r\n" + with_semicolons(text), "utf-8-sig"),
        (without_trailing, "utf-8-sig"),
    ],
    ids=["semicolons", "Windows-1252", "Unicode text", "sep=", "trailing separators"],
)
def test_every_register_is_read_as_excel_saves_it(
    sound: Path, edit: Callable[[str], str], encoding: str
) -> None:
    before = check_folder(sound, TODAY)
    for register in REGISTERS.values():
        if register.is_spreadsheet:
            text = (sound / register.file).read_text(encoding="utf-8")
            if encoding == "cp1252" and not set("åäö") & set(text):
                continue
            if encoding == "utf-16" and ";" in text:
                continue
            rewritten(sound / register.file, edit, encoding)
    after = check_folder(sound, TODAY)
    assert [str(mistake) for mistake in after.mistakes] == []
    assert {name: [record.values for record in records] for name, records in after.records.items()} == {
        name: [record.values for record in records] for name, records in before.records.items()
    }


def test_blanks_that_nobody_sees_are_trimmed_behind_codes(sound: Path) -> None:
    before = check_folder(sound, TODAY).of("members")
    rewritten(sound / "members.csv", lambda text: text.replace(",Lund,", "\u00a0,Lund\u00a0,"))
    checked = check_folder(sound, TODAY)
    assert checked.mistakes == ()
    assert checked.of("members") == before


def test_an_empty_column_among_the_others_is_passed_over(sound: Path) -> None:
    before = check_folder(sound, TODAY).of("members")
    rewritten(
        sound / "members.csv",
        lambda text: text.replace("\n", "\n,").replace("region_code", ",region_code")[:-1],
    )
    checked = check_folder(sound, TODAY)
    assert [record.values for record in checked.of("members")] == [record.values for record in before]
    rewritten(sound / "members.csv", lambda text: text.replace(",1281,Lund", "x,1281,Lund"))
    (mistake,) = check_folder(sound, TODAY).mistakes
    assert str(mistake).startswith('members.csv, row 13, cell A13: "x" stands in a column without a header')


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("measures.csv", "0360,territorial,transport", "0360,Territoriella utsläpp,Transporter"),
        ("measures.csv", "1281,sector_list:avfall,waste", "1281,Sektorlista: avfall,AVFALL"),
        ("measures.csv", ",ongoing,", ",PÅGÅR,"),
        ("sector_lists.csv", ",waste", ",Avfall (inkl.avlopp)"),
        ("known_defects.csv", ",1881,waste", ",1881,Avfall"),
        ("climate_plans.csv", ",pre_plan,", ",Förplan,"),
        ("evidence.csv", ",action_plan,document,", ",Handlingsplan,dokument,"),
        ("enquiries.csv", "0360,targets", "0360,Mål"),
        ("criteria_rules.csv", "plan_years,action_plan,", "plan_years,handlingsplan,"),
        ("members.csv", "1281,Lund,,,true,false,false", "1281,Lund,,,Ja,Nej,FALSKT"),
        (
            "targets.yaml",
            "boundary: territorial\n    target_type: carbon_budget",
            "boundary: Territoriella utsläpp\n    target_type: Koldioxidbudget",
        ),
        ("national_lines.yaml", "state: proposed", "state: förslag"),
        ("national_lines.yaml", "boundary: domestic_transport", "boundary: inrikes transporter utan flyg"),
    ],
)
def test_swedish_words_are_read_in_every_register(sound: Path, file: str, old: str, new: str) -> None:
    before = check_folder(sound, TODAY).records
    text = (sound / file).read_text(encoding="utf-8")
    assert old in text
    (sound / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    checked = check_folder(sound, TODAY)
    assert [mistake.swedish for mistake in checked.mistakes] == []
    name = next(name for name, register in REGISTERS.items() if register.file == file)
    assert [record.values for record in checked.of(name)] == [record.values for record in before[name]]


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("own_series.csv", ",1200.5,", ",1e400,", "väntade ett tal"),
        ("own_series.csv", ",1200.5,", ",1e200,", "talet är för stort (1e+200)"),
        ("targets.yaml", "budget_tco2e: 900000", "budget_tco2e: .inf", "talet är för stort (inf)"),
        ("targets.yaml", "budget_tco2e: 900000", "budget_tco2e: .nan", "talet är för stort (nan)"),
        ("targets.yaml", "budget_tco2e: 900000", f"budget_tco2e: {10**400}", "talet är för stort (∞)"),
        ("targets.yaml", "title_en: Budget", 'title_en: "a\\0b"', "styrtecknet U+0000"),
        ("targets.yaml", "title_en: Budget", 'title_en: "a\\uD800b"', None),
        ("climate_plans.csv", "2023-12-12,,2025-01-01", "2023-12-12,,9999-01-01", "väntade en dag"),
        ("climate_plans.csv", "2020-01-01,2024-12-31", "2020-01-01,9999-12-31", "väntade en dag"),
    ],
)
def test_what_no_table_or_formula_can_hold_is_a_mistake(
    sound: Path, file: str, old: str, new: str, words: str | None
) -> None:
    text = (sound / file).read_text(encoding="utf-8")
    assert old in text
    (sound / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    told = [mistake.swedish for mistake in check_folder(sound, TODAY).mistakes]
    assert told
    assert words is None or words in told[0]
    assert all(mistake.isprintable() for mistake in told)


def test_many_rows_of_one_owner_are_held_to_each_other_in_no_time(sound: Path) -> None:
    rows = "".join(
        f"p{number},0360,plan,Plan,2020-05-04,,2020-01-01,2020-12-31,,,,beslut,\n" for number in range(5_000)
    )
    with (sound / "climate_plans.csv").open("a", encoding="utf-8") as file:
        file.write(rows)
    started = time.process_time()
    with pytest.raises(RegisterError) as caught:
        raise RegisterError(check_folder(sound, TODAY).mistakes)
    assert time.process_time() - started < 60
    assert len(caught.value.mistakes) == 5_000, "each row once"
    assert str(caught.value).count("\n") == 2 * MAX_LISTED + 1
    assert "och 4800 fel till / and 4800 mistakes more" in str(caught.value)


def test_a_file_of_nothing_but_mistakes_is_left_after_a_while(sound: Path) -> None:
    with (sound / "climate_plans.csv").open("a", encoding="utf-8") as file:
        file.write("x,x,x,x,x,x,x,x,x,x,x,x,\n" * 2_000)
    mistakes = check_folder(sound, TODAY).mistakes
    repeated = [mistake for mistake in mistakes if "stands in" in str(mistake)]
    assert MAX_MISTAKES < len(mistakes) - len(repeated) < MAX_MISTAKES + 20


def test_a_plan_within_a_longer_one_is_told_beside_the_longer_one(sound: Path) -> None:
    with (sound / "climate_plans.csv").open("a", encoding="utf-8") as file:
        file.write("l1,1281,plan,A,2010-05-04,,2010-01-01,2024-12-31,,,,beslut,\n")
        file.write("l2,1281,plan,B,2011-05-04,,2011-01-01,2012-12-31,,,,beslut,\n")
        file.write("l3,1281,plan,C,2020-05-04,,2020-01-01,2025-12-31,,,,beslut,\n")
    told = [str(mistake) for mistake in check_folder(sound, TODAY).mistakes]
    assert len(told) == 2
    assert all("at the same time as row 6" in line for line in told)


def test_contacts_are_taken_out_of_a_file_that_excel_saved(tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    rows = ["Kommunkod;Slag;Roll;Funktionsadress", "0360\u00a0;Tjänsteperson ;strateg;klimat@example.org"]
    rows += [
        "0360;förtroendevald;ordförande;styrelsen@example.org",
        "1281;tjänsteperson;chef;miljo@example.org",
    ]
    path.write_bytes("\r\n".join(rows).encode("cp1252"))
    assert forget_in_file(path, "0360", "official") == 1
    assert forget_in_file(path, "0360") == 1
    assert path.read_text(encoding="utf-8").splitlines() == [
        "Kommunkod,Slag,Roll,Funktionsadress",
        "1281,tjänsteperson,chef,miljo@example.org",
    ]
