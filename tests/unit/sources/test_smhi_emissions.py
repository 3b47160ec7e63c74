"""Every layout of SMHI's workbook is read, and nothing that only looks like one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from klimatpuls.contract.releases import content_sha256
from klimatpuls.domain import regions, sectors
from klimatpuls.errors import FetchError, NotYetPublished, SourceFormatError, UsageError
from klimatpuls.fetch.http import Answer, StatusError
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.workbook import (
    Cell,
    Properties,
    build_workbook,
    preamble,
    region_names,
    region_order,
)
from klimatpuls.sources import smhi_emissions
from klimatpuls.sources.smhi_emissions import parse, read_preamble
from klimatpuls.sources.smhi_emissions.parser import UNKNOWN_SUBSECTOR
from klimatpuls.sources.smhi_emissions.sheet import year_of

if TYPE_CHECKING:
    from collections.abc import Sequence

FIXTURES = Path(__file__).parents[2] / "fixtures" / "smhi_emissions"
PINNED = "beceb06de3b65922fc2ae0a0bf67c7043a23dbcb0bcb29076c976bf39a2ddd15"
PUBLISHED = date(2026, 5, 7)
YEARS = (1990, 2024)
PAIRS = (("Alla", "Alla"), ("Transporter", "Alla"))
FIRST_DATA_ROW = {"ghg": 8, "co2": 7}

Sheet = list[list[Any]]


def value_of(region: str, sector: int, year: int) -> float:
    """An invented figure that says where it belongs."""
    return int(region) * 100 + sector * 10 + YEARS.index(year) + 0.25


def sheet(
    substance: str = "ghg", *, years_at: workbook.YearsAt = "above", unit: str = "ton/år", pairs: Any = PAIRS
) -> Sheet:
    rows = preamble(substance, PUBLISHED, YEARS, years_at=years_at, unit=unit)
    for number, pair in enumerate(pairs):
        for code in region_order():
            values = [value_of(code, number, year) for year in YEARS]
            rows.append([*pair, *region_names(code), *values])
    return rows


def book(rows: Sequence[Sequence[Cell]], **properties: str) -> bytes:
    return build_workbook(rows, sheet_name="Blad1", properties=Properties(**properties))


def read(rows: Sequence[Sequence[Cell]], substance: str | None = "ghg") -> Any:
    parsed = parse((book(rows),), "smhi_emissions", substance)
    assert parsed.rows_read == len(parsed.rows) + len(parsed.rejects)
    return parsed


def refused(rows: Sequence[Sequence[Cell]], substance: str | None = "ghg") -> SourceFormatError:
    with pytest.raises(SourceFormatError) as caught:
        parse((book(rows),), "smhi_emissions", substance)
    return caught.value


# ---------------------------------------------------------------------------------------- layouts


@pytest.mark.parametrize("substance", ["ghg", "co2"])
@pytest.mark.parametrize("years_at", ["above", "header", "header_text"])
def test_every_layout_gives_the_same_facts(substance: str, years_at: workbook.YearsAt):
    parsed = read(sheet(substance, years_at=years_at), substance)
    assert (parsed.substance, parsed.unit, parsed.published_date) == (substance, "ton/år", PUBLISHED)
    assert (parsed.years, parsed.gwp_set, len(parsed.rejects)) == (YEARS, None, 0)
    assert len(parsed.rows) == parsed.rows_read == len(PAIRS) * 312 * len(YEARS)
    assert list(parsed.rows.columns) == ["region_code", "sector_code", "year", "emissions", "sheet_row"]
    facts = parsed.rows.set_index(["region_code", "sector_code", "year"])["emissions"]
    assert facts.index.is_unique
    for code in regions.codes():
        for number, sector in enumerate(("all", "transport")):
            for year in YEARS:
                assert facts[code, sector, year] == value_of(code, number, year)


def test_sheet_rows_are_those_a_reader_of_the_workbook_sees():
    rows = read(sheet()).rows
    assert rows["sheet_row"].min() == FIRST_DATA_ROW["ghg"]
    assert rows["sheet_row"].max() == FIRST_DATA_ROW["ghg"] + len(PAIRS) * 312 - 1
    assert read(sheet("co2"), "co2").rows["sheet_row"].min() == FIRST_DATA_ROW["co2"]


def test_the_committed_fixture_keeps_its_content_hash():
    body = (FIXTURES / "ghg_layout.xlsx").read_bytes()
    parsed = parse((body,), "smhi_emissions", "ghg")
    assert content_sha256(parsed) == PINNED
    assert content_sha256(read(sheet())) == PINNED


def test_other_document_properties_are_no_other_content():
    one = parse((book(sheet(), creator="a", title="x"),), "smhi_emissions", "ghg")
    body = book(sheet(), creator="b", title="y")
    other = parse((body,), "smhi_emissions", "ghg")
    assert body != book(sheet(), creator="a", title="x")
    assert content_sha256(one) == content_sha256(other)


def test_years_as_text_above_the_header_and_as_whole_floats():
    rows = sheet()
    rows[5] = [None, None, None, None, "1990", 2024.0]
    assert read(rows).years == YEARS


def test_years_in_any_column_order():
    rows = [row[:4] + row[:3:-1] if len(row) > 4 else row for row in sheet()]
    assert content_sha256(read(rows)) == content_sha256(read(sheet()))


def test_a_header_moved_down_and_to_the_right():
    rows = sheet()
    moved = [*rows[:4], [], [], [], *([None, *row] if row else [] for row in rows[4:])]
    parsed = read(moved)
    assert content_sha256(parsed) == content_sha256(read(sheet()))
    assert parsed.rows["sheet_row"].min() == FIRST_DATA_ROW["ghg"] + 3


def test_key_columns_in_another_order():
    rows = [[row[3], row[2], row[1], row[0], *row[4:]] if len(row) > 4 else row for row in sheet()]
    assert content_sha256(read(rows)) == content_sha256(read(sheet()))


def test_the_misspelt_sector_of_2024_is_the_same_sector():
    pairs = (("Egen uppärmning av bostäder och lokaler", "Alla"), ("Transporter", "Alla"))
    parsed = read(sheet(pairs=pairs))
    assert set(parsed.rows["sector_code"]) == {"own_heating", "transport"}
    assert any("Egen uppärmning" in note and "own_heating" in note for note in parsed.notes)


def test_every_sector_pair_of_every_release():
    pairs = [pair for sector in sectors.sectors().values() for pair in sector.spellings[:1]]
    parsed = read(
        [*preamble("ghg", PUBLISHED, YEARS), *([*pair, "Alla", "Alla", 1.0, 2.0] for pair in pairs)]
    )
    assert list(parsed.rows["sector_code"].unique()) == sorted(sectors.sectors())


def test_rows_come_in_the_order_of_their_key_and_keep_their_place_in_the_sheet():
    rows = [row for row in sheet() if row]
    parsed = read(rows).rows
    key = parsed[["region_code", "sector_code", "year"]]
    assert key.equals(key.sort_values(list(key)).reset_index(drop=True))
    assert parsed["sheet_row"].is_monotonic_increasing is False
    for found in parsed.itertuples():
        assert found.emissions in rows[found.sheet_row - 1]


def test_footer_and_blank_rows_are_no_data():
    rows = [*sheet(), [], ["Rapportnamn:", "Länsrapport, 2026-05-07"], ["", "", None]]
    assert content_sha256(read(rows)) == content_sha256(read(sheet()))


def test_names_with_blanks_at_their_ends_and_letters_in_two_parts():
    import unicodedata

    rows = [
        [
            unicodedata.normalize("NFD", f" {cell} ") if isinstance(cell, str) and at > 6 else cell
            for cell in row
        ]
        for at, row in enumerate(sheet())
    ]
    assert content_sha256(read(rows)) == content_sha256(read(sheet()))


def test_an_empty_column_is_ignored():
    rows = [[*row[:4], None, *row[4:]] if len(row) > 4 else row for row in sheet()]
    assert content_sha256(read(rows)) == content_sha256(read(sheet()))


def test_any_substance_where_none_was_asked_for():
    assert read(sheet("co2"), None).substance == "co2"


@pytest.mark.parametrize(
    ("substance", "unit", "divisor"),
    [
        ("nox", "ton/år", 1),
        ("pb", "kg/år", 1_000),
        ("hg", "Kg / år", 1_000),
        ("bap", "g/år", 1_000_000),
        ("dioxin", "g I-TEQ/år", 1_000_000),
    ],
)
def test_an_air_pollutant_is_read_in_the_unit_of_its_sheet_and_kept_in_tonnes(
    substance: str, unit: str, divisor: int
):
    parsed = parse((book(sheet(substance, unit=unit)),), "smhi_air_pollutants", substance)
    assert (parsed.substance, parsed.unit) == (substance, unit)
    assert any(unit in note and "tonnes" in note for note in parsed.notes)
    assert list(parsed.rows.columns) == ["region_code", "sector_code", "year", "emissions_t", "sheet_row"]
    facts = parsed.rows.set_index(["region_code", "sector_code", "year"])["emissions_t"]
    for code in ("00", "0360"):
        assert facts[code, "transport", 2024] == value_of(code, 1, 2024) / divisor


@pytest.mark.parametrize("unit", ["", "Mg/år", "kg/månad", "ton CO2-ekv.", "g I-TEQ/år"])
def test_an_air_pollutant_in_a_unit_that_is_no_mass_is_refused(unit: str):
    with pytest.raises(SourceFormatError, match=r"cannot be converted to tonnes") as caught:
        parse((book(sheet("hg", unit=unit)),), "smhi_air_pollutants", "hg")
    assert caught.value.rule == "unexpected_unit"
    assert caught.value.findings == (f"Enhet: {unit}",)


def test_the_preamble_alone_is_read_from_the_head_of_a_large_sheet():
    rows = sheet(pairs=PAIRS * 12)
    head = read_preamble(book(rows))
    assert (head.substance, head.unit, head.published_date) == ("ghg", "ton/år", PUBLISHED)
    with pytest.raises(SourceFormatError, match="HTML"):
        read_preamble(b"<html></html>")


# ----------------------------------------------------------------------------------- what nobody has seen


def text_of(rows: Sheet, *, separator: str = ";") -> str:
    """A sheet as it is saved by hand: separated, with a decimal comma, as the one of 2021."""

    def cell(value: Any) -> str:
        return (
            str(value).replace(".", ",") if isinstance(value, float) else "" if value is None else str(value)
        )

    return "\r\n".join(separator.join(map(cell, row)) for row in rows) + "\r\n"


def saved(rows: Sheet) -> Sheet:
    """As the one of 2021: names and years in one line, a footer that repeats the report's name."""
    width = len(rows[-1])
    full = [[*row, *[None] * (width - len(row))] for row in rows]
    return [*full, ["Rapportnamn:", "Länsrapport, 2026-05-07", *[None] * (width - 2)]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("years_at", ["above", "header_text"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_text_file_gives_the_facts_of_the_workbook(
    encoding: str, years_at: workbook.YearsAt, separator: str
):
    rows = saved(sheet(years_at=years_at))
    parsed = parse((text_of(rows, separator=separator).encode(encoding),), "smhi_emissions", "ghg")
    assert content_sha256(parsed) == content_sha256(read(sheet()))
    assert parsed.rows["sheet_row"].min() == FIRST_DATA_ROW["ghg"]


def test_powers_of_ten_of_the_text_file_of_2021():
    rows = saved(sheet())
    rows[7][4] = "7,33347×10^−05"
    parsed = parse((text_of(rows).encode(),), "smhi_emissions", "ghg")
    cell = parsed.rows[(parsed.rows["sheet_row"] == 8) & (parsed.rows["year"] == 1990)]
    assert cell["emissions"].item() == 7.33347e-05


@pytest.mark.parametrize(
    ("written", "is_usual"),
    [
        ("Länsrapport, 2026-05-07", True),
        ("Länsrapport 2026-05-07 10:22", True),
        ("Länsrapport, 2026/05/07", False),
        ("Länsrapport, 20260507", False),
        ("Länsrapport, 7 maj 2026", False),
        ("Länsrapport, 7.5.2026 ", None),
        (46149, False),
        ("Länsrapport, 07/05/2026", None),
        ("Länsrapport, 31/12/2025 och 2026-05-07", None),
    ],
)
def test_the_publishers_date_in_every_form_that_has_one_meaning(written: Cell, is_usual: bool | None):
    rows = sheet()
    rows[0][1] = written
    if is_usual is None:
        error = refused(rows)
        assert error.rule == "published_date_not_found"
        assert str(written).strip() in str(error)
        return
    parsed = read(rows)
    assert parsed.published_date == PUBLISHED
    assert any("publisher's date is written" in note for note in parsed.notes) is not is_usual


@pytest.mark.parametrize(
    "line",
    [
        ["Enhet : ton/år"],
        ["Enhet:", "ton/år"],
        ["Enhet: ton per år"],
        ["Enhet: ton CO2-ekv./år"],
        ["Enhet: ton CO2-ekvivalenter/år"],
        ["Enhet: t/år"],
        ["Enhet (ton/år)"],
        ["Enhet: ton"],
        ["Unit and more (ton/år)"],
        ["Enhet: tonnes/year"],
    ],
)
def test_tonnes_a_year_however_they_are_spelled(line: list[Cell]):
    rows = sheet()
    rows[2] = line
    parsed = read(rows)
    assert parsed.unit == "ton/år"
    assert content_sha256(parsed) == content_sha256(read(sheet()))


@pytest.mark.parametrize(
    "unit", ["kt CO2-ekv./år", "1000 ton/år", "Mg/år", "ton/km", "ton/månad", "tusen ton"]
)
def test_what_is_not_tonnes_a_year_is_refused(unit: str):
    assert refused(sheet(unit=unit)).rule == "unexpected_unit"


@pytest.mark.parametrize("year", ["2024*", "2024 (prel)", "År 2024", "2024,0", date(2024, 1, 1)])
def test_a_year_with_a_word_beside_it(year: Any):
    if isinstance(year, date):
        assert year_of(year) == 2024
        return
    rows = sheet()
    rows[5][5] = year
    assert read(rows).years == YEARS


def test_lines_above_and_below_the_ones_we_know():
    rows = sheet()
    more = [
        ["SMHI"],
        *rows[:4],
        ["Uttagen", "2026-06-01"],
        [],
        rows[5],
        [],
        rows[6],
        *rows[7:],
        [],
        ["Summa"],
    ]
    assert refused(more).rule == "unknown_names", "a line below that has a name is no data we know"
    parsed = read(more[:-1])
    assert content_sha256(parsed) == content_sha256(read(sheet()))
    assert any("publisher's date" in note for note in parsed.notes), "the report's name is not in row 1"


def test_an_unknown_sub_sector_is_left_out_and_every_cell_accounted_for():
    pairs = (*PAIRS, ("Transporter", "Vätgasbussar"))
    parsed = read(sheet(pairs=pairs))
    assert content_sha256(parsed) == content_sha256(read(sheet()))
    assert set(parsed.rejects["reason"]) == {UNKNOWN_SUBSECTOR}
    assert len(parsed.rejects) == 312 * len(YEARS)
    (loss,) = parsed.losses
    assert loss in parsed.notes
    assert loss.startswith(
        "no sub-sector is called 'Transporter > Vätgasbussar'; it was left out. What to do:"
    )
    assert read(sheet()).losses == ()


def test_an_unknown_sub_sector_of_a_sector_without_its_sum_refuses():
    pairs = (("Alla", "Alla"), ("Transporter", "Vätgasbussar"))
    assert refused(sheet(pairs=pairs)).rule == "unknown_names"


def test_a_main_sector_with_a_letter_wrong_is_that_sector_and_another_word_is_not():
    pairs = (("Alla", "Alla"), ("Jordbruk", "Alla"), ("Transporter", "Alla"))
    right = read(sheet(pairs=pairs))
    for wrong, is_read in (("Jordbrukk", True), ("Jorbruk", True), ("Skogsbruk", False)):
        rows = [[wrong if cell == "Jordbruk" else cell for cell in row] for row in sheet(pairs=pairs)]
        if is_read:
            parsed = read(rows)
            assert content_sha256(parsed) == content_sha256(right)
            assert f"main sector {wrong!r} was read as 'Jordbruk'" in parsed.notes
        else:
            assert refused(rows).rule == "unknown_names"


def test_a_misspelt_sector_beside_the_right_one_is_no_second_spelling():
    pairs = (("Alla", "Alla"), ("Jordbruk", "Alla"), ("Jordbrukk", "Alla"))
    assert refused(sheet(pairs=pairs)).rule == "unknown_names"


def reshaped(body: bytes, change: Any, name: str) -> bytes:
    """A workbook with one part changed, or another one added."""
    import io
    import zipfile

    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(body)) as good,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as other,
    ):
        parts = {part: good.read(part) for part in good.namelist()}
        parts[name] = change(parts.get(name, b""))
        for part, content in parts.items():
            other.writestr(part, content)
    return out.getvalue()


SHEET_PART = "xl/worksheets/sheet1.xml"


def _prefixed(text: bytes) -> bytes:
    import re

    plain = re.sub(rb"<(/?)([a-zA-Z])", rb"<\1x:\2", text)
    return plain.replace(b"xmlns=", b"xmlns:x=")


def _inline(text: bytes) -> bytes:
    import re

    strings = re.findall(rb"<si><t[^>]*>(.*?)</t></si>", _STRINGS)
    return re.sub(
        rb'<c r="(\w+)" t="s"><v>(\d+)</v></c>',
        lambda found: (
            b'<c r="' + found[1] + b'" t="inlineStr"><is><t>' + strings[int(found[2])] + b"</t></is></c>"
        ),
        text,
    )


def _repeated_strings(text: bytes) -> bytes:
    return text.replace(b"</sst>", b"<si><t>Alla</t></si>" * 60_000 + b"</sst>")


def _large_styles(_: bytes) -> bytes:
    many = b'<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>' * 60_000
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return b'<styleSheet xmlns="' + main + b'"><cellXfs>' + many + b"</cellXfs></styleSheet>"


_STRINGS = b""


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (SHEET_PART, _prefixed),
        (SHEET_PART, _inline),
        ("xl/sharedStrings.xml", _prefixed),
        ("xl/sharedStrings.xml", _repeated_strings),
        ("xl/styles.xml", _large_styles),
    ],
    ids=["prefixed names", "inline strings", "prefixed strings", "repeated strings", "large styles"],
)
def test_a_workbook_as_other_programs_write_it(part: str, change: Any):
    import io
    import zipfile

    global _STRINGS
    body = book(sheet(pairs=PAIRS * 12))
    with zipfile.ZipFile(io.BytesIO(body)) as good:
        _STRINGS = good.read("xl/sharedStrings.xml")
    other = reshaped(body, change, part)
    assert content_sha256(parse((other,), "smhi_emissions", "ghg")) == content_sha256(
        parse((body,), "smhi_emissions", "ghg")
    )
    assert smhi_emissions.recognise(other) == ("smhi_emissions", "ghg")
    assert read_preamble(other).published_date == PUBLISHED


def _with_sheet_in_front(rows: Sheet, front: Sheet) -> bytes:
    from io import BytesIO

    import openpyxl

    made = openpyxl.Workbook()
    for number, (name, content) in enumerate((("Läs mig", front), ("Data", rows))):
        opened = made.worksheets[0] if number == 0 else made.create_sheet()
        opened.title = name
        for row in content:
            opened.append(row)
    buffer = BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def test_the_table_is_found_in_whichever_sheet_it_stands():
    body = _with_sheet_in_front(sheet(), [["Om uppgifterna"], ["Kontakt: smed@example.org"]])
    assert content_sha256(parse((body,), "smhi_emissions", "ghg")) == content_sha256(read(sheet()))
    assert len(smhi_emissions.read_places(body).columns) == len(YEARS)


def test_of_two_tables_the_one_of_the_substance_asked_for_is_read():
    body = _with_sheet_in_front(sheet(), sheet("co2"))
    assert content_sha256(parse((body,), "smhi_emissions", "ghg")) == content_sha256(read(sheet()))
    assert parse((body,), "smhi_emissions", "co2").substance == "co2"
    assert smhi_emissions.read_places(body, "ghg").name == "Data"
    assert smhi_emissions.read_places(body, "co2").name == "Läs mig"
    assert any("2 sheets have a table" in note for note in parse((body,), "smhi_emissions", "ghg").notes)


def test_the_substance_is_told_by_the_headings_where_no_line_names_it():
    rows = sheet()
    rows[1] = []
    parsed = read(rows)
    assert parsed.substance == "ghg"
    assert any("no line names the substance" in note for note in parsed.notes)


# ------------------------------------------------------------------------------------------ recognise


@pytest.mark.parametrize(
    ("body", "known"),
    [
        (book(sheet()), ("smhi_emissions", "ghg")),
        (book(sheet("hg", unit="kg/år")), ("smhi_air_pollutants", "hg")),
        (text_of(saved(sheet("co2"))).encode("cp1252"), ("smhi_emissions", "co2")),
        (book([["Rapport"], ["något annat"]]), None),
        (b"", None),
        (b'{"class": "dataset"}', None),
        (book(sheet())[:900], None),
    ],
)
def test_its_own_files_are_recognised(body: bytes, known: Any):
    assert smhi_emissions.recognise(body) == known


def test_a_table_of_a_substance_nobody_knows_is_refused_by_name():
    rows = sheet()
    rows[1] = ["Emissioner av Guld (Au)"]
    with pytest.raises(SourceFormatError, match="Guld"):
        smhi_emissions.recognise(book(rows))


# ------------------------------------------------------------------------------------------ cells

TEXT_NUMBERS = {"7,33347×10^−05": 7.33347e-05, "1 234,5": 1234.5, "−2,0": -2.0, "17": 17.0}


@pytest.mark.parametrize(("text", "value"), TEXT_NUMBERS.items())
def test_numbers_written_as_text_are_read(text: str, value: float):
    rows = sheet()
    rows[7][5] = text
    parsed = read(rows)
    cell = parsed.rows[(parsed.rows["sheet_row"] == 8) & (parsed.rows["year"] == 2024)]
    assert cell["emissions"].item() == value
    assert len(parsed.rejects) == 0
    assert "1 cells written as text were read as the numbers they are" in parsed.notes


@pytest.mark.parametrize(
    ("cell", "raw", "reason"),
    [
        (None, "", "missing value"),
        ("  ", "", "missing value"),
        ("..", "..", "not a number"),
        ("se fotnot", "se fotnot", "not a number"),
        ("#DIV/0!", "#DIV/0!", "not a number"),
        ("NaN", "NaN", "not a number"),
    ],
)
def test_a_cell_that_is_no_number_is_a_reject_with_its_place(cell: Cell, raw: str, reason: str):
    rows = sheet()
    rows[319][4] = cell
    parsed = read(rows)
    assert parsed.rejects.to_dict("records") == [
        {"sheet_row": 320, "column_name": "1990", "raw_value": raw, "reason": reason}
    ]
    assert not ((parsed.rows["sheet_row"] == 320) & (parsed.rows["year"] == 1990)).any()
    assert ((parsed.rows["sheet_row"] == 320) & (parsed.rows["year"] == 2024)).any()


def test_a_county_twice_keeps_the_first_and_rejects_the_second():
    rows = sheet()
    twin = [*rows[8][:4], 1.0, "oläsligt"]
    parsed = read([*rows, twin])
    assert rows[8][2:4] == ["Blekinge län", "Alla"]
    assert parsed.rejects[["column_name", "raw_value", "reason"]].to_numpy().tolist() == [
        ["1990", "1.0", "duplicate"],
        ["2024", "oläsligt", "not a number"],
    ]
    assert content_sha256(replace(parsed, rejects=parsed.rejects[:0])) == content_sha256(read(rows))


def test_a_missing_municipality_is_noted_for_the_completeness_gate():
    rows = [row for row in sheet() if len(row) < 4 or row[3] != "Tierp"]
    parsed = read(rows)
    assert "0360" not in set(parsed.rows["region_code"])
    assert "1 of 312 regions are missing: 0360 Tierp" in parsed.notes


# --------------------------------------------------------------------------------------- refusals


def test_a_missing_header_word_is_named_by_the_row_that_comes_nearest():
    rows = sheet()
    rows[6][1] = "Delsektor"
    error = refused(rows)
    assert error.rule == "header_not_found"
    assert "the nearest, row 7, reads ['Huvudsektor', 'Delsektor', 'Län', 'Kommun'" in str(error)


def test_a_header_below_the_searched_rows_is_not_found():
    assert refused([*([[]] * 60), *sheet()]).rule == "header_not_found"
    assert refused([]).rule == "header_not_found"


def test_a_column_with_a_name_of_its_own_is_left_out_with_a_note():
    rows = [[*row, "prel." if at > 6 else None] for at, row in enumerate(sheet())]
    rows[6][6] = "Kommentar"
    parsed = read(rows)
    assert content_sha256(parsed) == content_sha256(read(sheet()))
    assert "the column 'Kommentar' (G) is no year and was left out" in parsed.notes


@pytest.mark.parametrize("heading", ["20235", "2023 reviderad", "GGT"])
def test_a_column_whose_heading_may_hide_a_year_is_refused_with_its_letter(heading: str):
    rows = [[*row, 1.0 if at > 6 else None] for at, row in enumerate(sheet())]
    rows[6][6] = heading
    error = refused(rows)
    assert error.rule == "unexpected_column"
    assert error.findings == (f"column G, header row 7: {heading!r}",)


def test_a_value_column_without_a_year_is_refused():
    rows = sheet()
    rows[5][5] = None
    assert refused(rows).rule == "unexpected_column"


def test_no_year_at_all():
    rows = [row[:4] for row in sheet()]
    assert "no column with a year" in str(refused(rows))


def test_a_year_twice():
    rows = sheet()
    rows[5][5] = 1990
    assert refused(rows).rule == "duplicate_year"


def test_no_data_rows():
    assert refused(sheet()[:7]).rule == "no_data_rows"


@pytest.mark.parametrize("unit", ["kt/år", "kg/år", ""])
def test_another_unit_is_refused_not_converted(unit: str):
    error = refused(sheet(unit=unit))
    assert error.rule == "unexpected_unit"
    assert "ton/år" in str(error)


def test_no_unit_line():
    rows = sheet()
    rows[2] = []
    assert "found none" in str(refused(rows))


def test_the_unit_may_be_written_with_other_blanks_and_case():
    assert content_sha256(read(sheet(unit="Ton / år"))) == content_sha256(read(sheet()))


def test_another_substance_than_asked_for():
    error = refused(sheet("co2"), "ghg")
    assert error.rule == "unexpected_substance"
    assert "requested ghg, found a workbook of co2" in str(error)


def test_value_columns_of_another_substance():
    rows = sheet()
    rows[6][5] = "CO2"
    assert refused(rows).rule == "unexpected_substance"


def test_a_substance_nobody_knows():
    rows = sheet()
    rows[1] = ["Emissioner av Guld (Au)"]
    assert "'Emissioner av Guld (Au)'" in str(refused(rows))


@pytest.mark.parametrize(
    "first_row", [[], ["Rapportnamn:", "Länsrapport"], ["Rapportnamn:", "Länsrapport, 2026-13-07"]]
)
def test_no_date_of_the_publisher(first_row: list[Cell]):
    assert refused([first_row, *sheet()[1:]]).rule == "published_date_not_found"


def test_unknown_sectors_and_regions_are_listed_together_with_what_is_missing():
    rows = sheet()
    for row in rows[7:]:
        if row[3] == "Tierp":
            row[3] = "Tjierp"
        if row[0] == "Transporter":
            row[0] = "Luftfart"
    error = refused(rows)
    assert error.rule == "unknown_names"
    assert len(error.findings) == 2
    message = str(error)
    assert "no sector is called 'Luftfart > Alla'" in message
    assert "'Tjierp'; nearest names: Tierp (0360)" in message
    assert "Missing regions: 0360 Tierp" in message


def test_a_row_without_names_but_with_values_is_not_passed_over():
    assert refused([*sheet(), ["", "", "", "", 1.0, 2.0]]).rule == "unknown_names"


def test_habo_in_the_county_of_håbo_is_refused():
    rows = sheet()
    for row in rows[7:]:
        if row[3] == "Håbo":
            row[3] = "Habo"
    error = refused(rows)
    assert error.rule == "unknown_names"
    assert "'Habo' (0643) lies in Jönköpings län, not in 'Uppsala län'" in str(error)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"<!DOCTYPE html><html><title>503</title></html>", "not_a_workbook"),
        (b"", "not_a_workbook"),
        (book([["x"]])[:300], "truncated_workbook"),
    ],
)
def test_bodies_that_are_no_workbook(body: bytes, rule: str):
    with pytest.raises(SourceFormatError) as caught:
        parse((body,), "smhi_emissions", "ghg")
    assert caught.value.rule == rule


def test_a_zip_that_is_no_spreadsheet_inside():
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(SourceFormatError) as caught:
        parse((buffer.getvalue(),), "smhi_emissions", "ghg")
    assert caught.value.rule == "unreadable_workbook"


def test_one_workbook_at_a_time():
    body = book(sheet())
    with pytest.raises(SourceFormatError, match="found 2 parts"):
        parse((body, body), "smhi_emissions", "ghg")


# ------------------------------------------------------------------------------------------ fetch


class Session:
    """Stands for the polite session: remembers the question, gives the answer it was made with."""

    def __init__(self, answer: Answer | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[str, str]]] = []

    def get(self, url: str, *, params: dict[str, str]) -> Answer:
        self.asked.append((url, params))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def _fetch(session: Session, substance: str | None = "ghg") -> Any:
    return smhi_emissions.fetch(
        session,  # type: ignore[arg-type]
        "https://agency.example/",
        "smhi_emissions",
        substance,
        as_of=PUBLISHED,
    )


def test_fetch_asks_for_all_areas_and_keeps_the_bytes():
    answer = Answer(url="https://agency.example/x", status=200, headers={"ETag": "e"}, body=b"PK")
    session = Session(answer)
    fetched = _fetch(session)
    assert session.asked == [
        (
            "https://agency.example/api/getexcelfile/",
            {"county": "0", "municipality": "0", "sub": "GGT"},
        )
    ]
    assert (fetched.parts, fetched.url, fetched.known_from) == ((b"PK",), answer.url, None)
    assert (fetched.source, fetched.dataset, fetched.substance) == ("smhi_emissions", "smhi_emissions", "ghg")
    assert fetched.http == answer.facts


@pytest.mark.parametrize("status", [404, 410])
def test_an_address_that_is_gone_tells_of_the_way_by_hand(status: int):
    gone = StatusError("gone", status=status, body=b"", headers={})
    with pytest.raises(FetchError, match="klimatpuls ingest FILE"):
        _fetch(Session(gone))


@pytest.mark.parametrize(
    "error", [StatusError("down", status=503, body=b"", headers={}), NotYetPublished("not yet")]
)
def test_other_failures_pass_as_they_are(error: FetchError):
    with pytest.raises(FetchError) as caught:
        _fetch(Session(error))
    assert caught.value is error


def check_of(answer: Answer | Exception, as_of: date = date(2026, 6, 1)) -> dict[str, tuple[str, str]]:
    """Assumption → verdict and answer."""
    session: Any = Session(answer)
    found = list(smhi_emissions.check(session, "https://agency.example", as_of=as_of))
    assert session.asked == [
        ("https://agency.example/api/getexcelfile/", {"county": "0", "municipality": "0", "sub": "GGT"})
    ]
    assert all(one.action for one in found if one.verdict != "holds")
    return {one.assumption: (one.verdict, one.answer) for one in found}


def whole() -> Sheet:
    """A sheet with all main sectors."""
    pairs = [sectors.sectors()[code].spellings[0] for code in ("all", *sectors.main_codes())]
    return sheet(pairs=pairs)


def reply(body: bytes, **headers: str) -> Answer:
    return Answer(url="https://agency.example/x", status=200, headers=headers, body=body)


def test_every_assumption_holds_of_the_recorded_layout():
    found = check_of(reply(book(whole()), ETag="e"))
    assert {verdict for verdict, _ in found.values()} == {"holds"}
    assert len(found) == 11


@pytest.mark.parametrize(
    ("change", "words", "verdict"),
    [
        (lambda rows: rows.insert(0, ["SMHI"]), "header Huvudsektor", "differs"),
        (lambda rows: rows.__setitem__(0, ["Rapportnamn:", "Länsrapport, 7 maj 2026"]), "row 1", "differs"),
        (lambda rows: rows.__setitem__(0, ["Rapportnamn:", "Länsrapport, 2026-09-07"]), "row 1", "fails"),
        (lambda rows: rows.__setitem__(2, ["Enhet: ton CO2-ekv./år"]), "the unit", "differs"),
        (lambda rows: rows.__setitem__(2, ["Enhet: kt/år"]), "layout", "fails"),
        (lambda rows: rows[5].__setitem__(4, 1995), "years are sparse", "differs"),
        (lambda rows: rows[5].__setitem__(5, 2027), "years are sparse", "fails"),
        (lambda rows: rows[6].append("Not"), "every column", "differs"),
        (lambda rows: rows.__delitem__(slice(-312, None)), "main sectors", "fails"),
        (lambda rows: rows.pop(), "names without codes", "holds"),
        (lambda rows: rows[9].__setitem__(4, ".."), "every cell is a number", "fails"),
        (lambda rows: rows[6].__setitem__(3, "Ort"), "layout", "fails"),
    ],
)
def test_each_broken_assumption_is_the_one_that_is_named(change: Any, words: str, verdict: str):
    rows = whole()
    change(rows)
    width = max(map(len, rows))
    found = check_of(reply(book([[*row, *[None] * (width - len(row))] for row in rows]), ETag="e"))
    (named,) = [one for assumption, (one, _) in found.items() if words in assumption]
    assert named == verdict


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply(b"<html><title>Fel</title></html>"), "HTML"),
        (StatusError("gone", status=404, body=b"", headers={}), "gone"),
        (reply(b"PK\x03\x04 and no more"), "workbook"),
    ],
)
def test_an_answer_that_is_no_workbook_fails_with_what_it_is(answer: Any, words: str):
    found = check_of(answer)
    assert any(verdict == "fails" and words in said for verdict, said in found.values())


def test_a_service_without_validators_differs_and_needs_nothing_done():
    found = check_of(reply(book(whole())))
    assert [verdict for verdict, _ in found.values()].count("differs") == 1


@pytest.mark.parametrize("substance", [None, "GGT"])
def test_fetch_needs_a_known_substance(substance: str | None):
    with pytest.raises(UsageError, match="no substance"):
        _fetch(Session(FetchError("never asked")), substance)
