"""Cells as people write them: what is read, what is asked about, and words in Swedish."""

from __future__ import annotations

import datetime as dt
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.domain import sectors
from klimatpuls.files.workbook_cells import column_letters
from klimatpuls.registers.cells import Percent, place_of, reference
from klimatpuls.registers.checking import CONTACTS, REGISTERS
from klimatpuls.registers.schemas import MAX_NUMBER, PATTERNS, is_day, is_web_address, shape, swedish_word
from klimatpuls.registers.values import Question, cell_text, key_of, likely_day, read_number, value_of
from klimatpuls.registers.words import shown, words
from klimatpuls.statistics.series import BOUNDARY_CODES

NUMBER: dict[str, Any] = {"type": "number"}
PERCENT: dict[str, Any] = {"type": "number", "x-unit": "percent"}
FRACTION: dict[str, Any] = {"type": "number", "x-unit": "fraction"}
DAY: dict[str, Any] = {"type": "string", "format": "date"}
SCHEMAS = sorted({register.schema or name for name, register in REGISTERS.items()} | {"contacts"})


@pytest.mark.parametrize(
    ("cell", "column", "value"),
    [
        ("146 060", NUMBER, 146060),
        ("146\u00a0060", NUMBER, 146060),
        ("146\u2009060", NUMBER, 146060),
        ("146\u202f060,25", NUMBER, 146060.25),
        ("−146 060", NUMBER, -146060),
        ("12,5", NUMBER, 12.5),
        ("0,125", NUMBER, 0.125),
        ("146,0600", NUMBER, 146.06),
        ("1,46060E+05", NUMBER, 146060),
        ("1E-3", NUMBER, 0.001),
        (" 63\u00a0", NUMBER, 63),
        (Percent(0.63), PERCENT, 63),
        (Percent(0.07), PERCENT, 7),
        (Percent(0.625), PERCENT, 62.5),
        (Percent(0.0063), PERCENT, 0.63),
        (Percent(1.0), PERCENT, 100),
        ("63 %", PERCENT, 63),
        ("63%", PERCENT, 63),
        ("62,5\u00a0%", PERCENT, 62.5),
        ("63 procent", PERCENT, 63),
        ("0,63 %", PERCENT, 0.63),
        (63.0, PERCENT, 63),
        (0.0, PERCENT, 0),
        (Percent(0.16), FRACTION, 0.16),
        ("16 %", FRACTION, 0.16),
        (0.16, FRACTION, 0.16),
        (Percent(0.63), {"type": "string"}, "63 %"),
        ("2025-03-01", DAY, "2025-03-01"),
        ("2025-03-01 00:00:00", DAY, "2025-03-01"),
        (dt.date(2025, 3, 1), DAY, "2025-03-01"),
        ("SANT", {"type": "boolean"}, True),
        (" Falskt ", {"type": "boolean"}, False),
        (2005.0, {"type": "array", "items": {"type": "integer"}}, [2005]),
        ("2027: 146 060 | 2030 = 12,5", {"type": "object"}, {"2027": 146060, "2030": 12.5}),
    ],
)
def test_what_can_be_meant_in_one_way_is_read_so(cell: Any, column: dict[str, Any], value: Any) -> None:
    found = value_of(cell, column)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("cell", "column", "sv", "en"),
    [
        ("146,060", NUMBER, "146 060 eller 146,06", "146 060 or 146.06"),
        ("146.060", NUMBER, "146 060 eller 146,06", "146 060 or 146.06"),
        ("-146,060", NUMBER, "146 060 eller 146,06", "146 060 or 146.06"),
        ("1,000", NUMBER, "1 000 eller 1,0", "1 000 or 1.0"),
        ("1.250,5", NUMBER, "kan inte läsas som ett tal", "cannot be read as one number"),
        ("1,250,000", NUMBER, "kan inte läsas som ett tal", "cannot be read as one number"),
        ("14 60", NUMBER, "kan inte läsas som ett tal", "cannot be read as one number"),
        (0.63, PERCENT, "0.63 kan betyda 63 % eller 0,63 %", "0.63 may mean 63 % or 0.63 %"),
        ("0,63", PERCENT, "0.63 kan betyda 63 % eller 0,63 %", "0.63 may mean 63 % or 0.63 %"),
        (1.0, PERCENT, "1 kan betyda 100 % eller 1 %", "1 may mean 100 % or 1 %"),
        (Percent(0.63), NUMBER, "cellen visar 63 %", "the cell shows 63 %"),
        ("63 %", NUMBER, "cellen visar 63 %", "the cell shows 63 %"),
        ("146,060 %", PERCENT, "146 060 eller 146,06", "146 060 or 146.06"),
        (dt.date(1905, 7, 22), {"type": "integer"}, "cellen visar en dag", "the cell shows a day"),
        (45717.0, DAY, "cellen visar talet 45717", "the cell shows the number 45717"),
        ("2027:146,060", {"type": "object"}, "146 060 eller 146,06", "146 060 or 146.06"),
        (
            "2025:90,000 t",
            {"type": "array", "items": {"type": "object"}},
            "90 000 eller 90,0",
            "90 000 or 90.0",
        ),
    ],
)
def test_what_can_be_meant_in_two_ways_is_asked_about(
    cell: Any, column: dict[str, Any], sv: str, en: str
) -> None:
    found = value_of(cell, column)
    assert isinstance(found, Question)
    assert sv in found.problem.sv
    assert en in found.problem.en
    assert found.remedy.sv
    assert found.remedy.en


def test_a_number_in_a_column_of_days_is_read_back_as_a_question_with_the_day() -> None:
    found = value_of(45717.0, DAY)
    assert isinstance(found, Question)
    assert "2025-03-01?" in found.remedy.sv


def test_the_way_out_that_a_question_names_is_no_question() -> None:
    for answer in ("146060", "146 060", "146,0600", "146.0600"):
        assert not isinstance(value_of(answer, NUMBER), Question)
    for answer in ("63 %", "0,63 %", "100 %", "1 %"):
        assert not isinstance(value_of(answer, PERCENT), Question)


@given(st.floats(-MAX_NUMBER, MAX_NUMBER) | st.integers(-(10**15), 10**15))
def test_a_number_that_we_write_is_never_asked_about(number: float) -> None:
    written = cell_text(number)
    found = value_of(written, NUMBER)
    assert not isinstance(found, Question | str), written
    assert math.isclose(found, number, rel_tol=1e-15, abs_tol=0.0) or found == number


@given(st.text("0123456789 .,%eE+-\u00a0−", max_size=70))
def test_a_text_of_number_signs_is_a_number_a_question_or_none(text: str) -> None:
    found = read_number(text)
    assert found is None or isinstance(found, Question) or math.isfinite(found)


@pytest.mark.parametrize(
    "text", ["1e999", "inf", "nan", "1_000", "٣", "1e", "--1", "", "9" * 400, "12 ton", "ca 1200"]
)
def test_what_is_no_number_stays_what_it_was(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "2025:" + " " * 30_000 + "x",
        "2025" + " " * 30_000 + ":1",
        "1" * 30_000 + "x",
        "1 " * 15_000 + "x",
        "+" + "1 " * 15_000 + "=",
        "http://" + "a." * 15_000 + " ",
        "-".join(["a"] * 15_000),
        "a@" + "a." * 15_000 + "@",
        "|".join(["2025:1"] * 5_000),
    ],
)
def test_no_text_takes_long(text: str) -> None:
    columns = [
        NUMBER, PERCENT, DAY, {"type": "object"}, {"type": "array", "items": {"type": "object"}},
        {"type": "string", "format": "sector-code"}, shape("measures").columns["boundary"],
    ]  # fmt: skip
    started = time.process_time()
    for column in columns:
        value_of(text, column)
    for name in ("targets", "measures", "evidence", "contacts"):
        record = dict.fromkeys(shape(name).columns, text)
        assert list(shape(name).faults(record))
    assert time.process_time() - started < 2


# ------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Transporter", "transport"),
        (" transporter ", "transport"),
        ("EGEN UPPVÄRMNING", "own_heating"),
        ("Egen uppvärmning av bostäder och lokaler", "own_heating"),
        ("Egen uppva\u0308rmning", "own_heating"),
        ("El och\u00a0fjärrvärme", "power_heat"),
        ("Industri (energi + processer)", "industry"),
        ("industri", "industry"),
        ("Avfall", "waste"),
        ("Avfall (inkl.avlopp)", "waste"),
        ("arbetsmaskiner", "machinery"),
        ("Produktanvändning", "product_use"),
        ("jordbruk", "agriculture"),
        ("Utrikes transporter", "international_transport"),
        ("alla", "all"),
        ("Alla sektorer", "all"),
        ("flera", "all"),
        ("Own-heating", "own_heating"),
        ("Personbilar", "transport.passenger_cars"),
        ("Transporter > Personbilar", "transport.passenger_cars"),
        ("Rymdfart", "Rymdfart"),
    ],
)
def test_a_sector_may_be_named_in_swedish(text: str, code: str) -> None:
    for column in (
        shape("measures").columns["sector_code"],
        shape("known_defects").columns["sector_code"],
    ):
        assert value_of(text, column) == code
    assert value_of(f"{text}|{text}", shape("sector_lists").columns["sector_codes"]) == [code, code]


def test_every_sector_is_found_by_its_code_and_its_names() -> None:
    column = shape("measures").columns["sector_code"]
    for code, sector in sectors.sectors().items():
        assert value_of(code, column) == code
        assert value_of(code.upper(), column) == code
        if sector.is_main:
            assert value_of(sector.name_sv, column) == value_of(sector.name_en, column) == code


@pytest.mark.parametrize(
    ("register", "column", "text", "value"),
    [
        ("measures", "status", "PÅGÅENDE", "ongoing"),
        ("measures", "status", "på gående", "ongoing"),
        ("measures", "status", "Ongoing", "ongoing"),
        ("measures", "boundary", "Territoriella utsläpp", "territorial"),
        ("measures", "boundary", "Egen serie: tierp-egna", "own_series:tierp-egna"),
        ("targets", "boundary", "publicerad  summa", "published_total"),
        ("targets", "boundary", "Närmevärde", "effort_sharing_proxy"),
        ("targets", "boundary", "inrikes transporter utan flyg", "domestic_transport"),
        ("targets", "boundary", "sektorlista:avfall", "sector_list:avfall"),
        ("targets", "target_type", "Minskning i procent", "percent_below_base"),
        ("targets", "target_type", "netto-noll", "net_zero"),
        ("targets", "state", "Beslutat", "decided"),
        ("climate_plans", "kind", "Förplan", "pre_plan"),
        ("evidence", "criterion", "Handlingsplan", "action_plan"),
        ("evidence", "kind", "egen uppgift", "self_confirmed"),
        ("enquiries", "criterion", "mål", "targets"),
        ("criteria_rules", "unit", "Månader", "months"),
        ("criteria_rules", "criterion", "alla", "all"),
        ("contacts", "kind", "Tjänsteperson", "official"),
    ],
)
def test_words_are_read_in_swedish_whatever_their_letters_and_blanks(
    register: str, column: str, text: str, value: str
) -> None:
    assert value_of(text, shape(register).columns[column]) == value


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_value_of_a_column_has_a_swedish_word_that_is_read_back(name: str) -> None:
    for column, entry in shape(name).columns.items():
        values = [*entry.get("enum", ()), *entry.get("x-values", ())]
        for value in values:
            word = swedish_word(value, entry)
            assert "x-words" in entry, column
            assert value_of(word, entry) == value_of(value, entry) == value
        keys = [key_of(word) for word in entry.get("x-words", {})]
        assert len(keys) == len(set(keys))
        assert set(entry.get("x-words", {}).values()) <= set(values)


def test_the_boundaries_that_words_stand_for_are_those_of_the_formulas() -> None:
    for name in ("targets", "measures"):
        assert shape(name).columns["boundary"]["x-values"] == list(BOUNDARY_CODES)


# ------------------------------------------------------------------------------------------------- messages


def patterns(document: Any) -> set[str]:
    if isinstance(document, dict):
        own = {document["pattern"]} if isinstance(document.get("pattern"), str) else set()
        return own.union(*map(patterns, document.values()))
    return set().union(*map(patterns, document)) if isinstance(document, list) else set()


def test_every_pattern_has_its_sentence() -> None:
    met = set().union(*(patterns(shape(name).document) for name in SCHEMAS))
    assert met == set(PATTERNS)
    for sentence in PATTERNS.values():
        assert not set("^$[]{}\\") & set(sentence.sv + sentence.en)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_hint_is_in_both_languages(name: str) -> None:
    for entry in shape(name).columns.values():
        hint = words(entry.get("x-hint", "."))
        assert hint.en.endswith(".")
        assert hint.sv.endswith(".")
        assert (hint.sv != hint.en) == ("x-hint" in entry)


@pytest.mark.parametrize("name", [name for name in SCHEMAS if name != "rules"])
@pytest.mark.parametrize("value", ["x\u00a0y", 7.5, True, ["a", "a"], {"x": "y"}, "", -5, 1e9])
def test_no_message_shows_a_regular_expression(name: str, value: Any) -> None:
    record = dict.fromkeys(shape(name).columns, value)
    for fault in shape(name).faults(record):
        for text in (fault.problem.sv, fault.problem.en, fault.remedy.sv, fault.remedy.en):
            assert text
            assert not any(sign in text for sign in ("^[", ")$", "]$", "\\d", "]{", "[0-9]"))
            assert "\u00a0" not in text


def test_an_invisible_sign_is_shown_by_its_name() -> None:
    assert shown("0360\u00a0x").sv == '"0360⟨hårt mellanslag⟩x"'
    assert shown("0360\u00a0x").en == '"0360⟨no-break space⟩x"'
    assert shown("a\u200b").en == '"a⟨zero width space⟩"'
    assert shown("a\u2028b").en == '"a⟨U+2028⟩b"'
    assert len(shown("x" * 1000).en) <= 80


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1 mars 2025", "2025-03-01"),
        ("1 Okt. 2025", "2025-10-01"),
        ("2025-3-1", "2025-03-01"),
        ("2025/03/01", "2025-03-01"),
        ("1/3 2025", None),
        ("mars 2025", None),
        ("31 februari 2025", None),
        ("x" * 100_000, None),
    ],
)
def test_a_day_in_words_is_suggested_and_not_taken(text: str, day: str | None) -> None:
    assert likely_day(text) == day
    assert value_of(text, DAY) == text
    faults = [
        fault for fault in shape("answers").faults({"answered_on": text}) if fault.column == "answered_on"
    ]
    assert day is None or (
        f"Menas {day}?" in faults[0].remedy.sv and f"Did you mean {day}?" in faults[0].remedy.en
    )


@pytest.mark.parametrize(
    "text", ["0001-01-01", "9999-12-31", "1899-12-31", "2201-01-01", "2025-02-30", "２０25-01-01"]
)
def test_a_day_outside_the_years_of_a_register_is_none(text: str) -> None:
    assert not is_day(text)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://example.org/a?b=c#d", True),
        ("HTTP://örebro.example/å", True),
        ("https://example", False),
        ("https://", False),
        ("ftp://example.org", False),
        ("https://example.org/a b", False),
        ("https://example.org/\u200b", False),
        ("www.example.org", False),
        ("https://example.org/" + "a" * 2000, False),
    ],
)
def test_a_web_address_is_whole(text: str, is_one: bool) -> None:
    assert is_web_address(text) is is_one


def test_a_cell_is_named_as_a_spreadsheet_names_it() -> None:
    assert [column_letters(column) for column in (0, 25, 26, 51, 52, 701, 702, 16383)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD",
    ]  # fmt: skip
    for row, column in ((1, 0), (3, 52), (1048576, 16383)):
        assert place_of(reference(row, column)) == (row, column)
    for name in ("", "A", "1", "A0", "XFE1", "A1048577", "1A", "Å1", "A1:B2", "AAAAAAAAAAAAAAA1"):
        assert place_of(name) is None


def test_the_address_of_a_function_may_have_swedish_letters() -> None:
    column = CONTACTS.shape
    record = {"region_code": "0360", "kind": "official", "role": "strateg"}
    for address in ("miljö@örebro.example", "miljo\u0308forvaltningen@example.org", "klimat@example.org"):
        assert not list(column.faults({**record, "address": address}))
    for address in ("åsa@example.org", "klimat@example.org.", "klimat@exa_mple.org", '"klimat"@example.org'):
        (fault,) = column.faults({**record, "address": address})
        assert address.partition("@")[0].strip('"') + "@" not in (fault.problem.en + fault.problem.sv)
