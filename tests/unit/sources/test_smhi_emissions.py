"""Every layout of SMHI's workbook is read, and nothing that only looks like one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from klimatpuls import regions, sectors
from klimatpuls.errors import FetchError, NotYetPublished, SourceFormatError, UsageError
from klimatpuls.http import Answer, StatusError
from klimatpuls.releases import content_sha256
from klimatpuls.replica import workbook
from klimatpuls.replica.workbook import Cell, Properties, build_workbook, preamble, region_names, region_order
from klimatpuls.sources import smhi_emissions
from klimatpuls.sources.smhi_emissions import parse, read_preamble

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
    assert refused([*([[]] * 15), *sheet()]).rule == "header_not_found"
    assert refused([]).rule == "header_not_found"


def test_a_column_that_is_no_year_is_refused_with_its_letter():
    rows = sheet()
    rows = [[*row, "prel." if at > 6 else None] for at, row in enumerate(rows)]
    rows[6][6] = "Kommentar"
    error = refused(rows)
    assert error.rule == "unexpected_column"
    assert error.findings == ("column G, header row 7: 'Kommentar'",)


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
    assert "asked for ghg, the workbook says it is co2" in str(error)


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
            row[0] = "Transportmedel"
    error = refused(rows)
    assert error.rule == "unknown_names"
    assert len(error.findings) == 2
    message = str(error)
    assert "no sector is called 'Transportmedel > Alla'" in message
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


@pytest.mark.parametrize("substance", [None, "GGT"])
def test_fetch_needs_a_known_substance(substance: str | None):
    with pytest.raises(UsageError, match="no substance"):
        _fetch(Session(FetchError("never asked")), substance)


@pytest.mark.parametrize(
    ("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (701, "ZZ"), (702, "AAA")]
)
def test_column_letters(index: int, letters: str):
    assert smhi_emissions.column_letters(index) == letters
