"""Every assumption about SCB's answers, broken in turn: read all the same with a note, or refused truly.

Each case takes an answer in the recorded shape and changes one thing. An accepted one must give the same
figures as the answer in the recorded shape, and its note must say what was met.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from klimatpuls.contract import catalog
from klimatpuls.errors import SourceFormatError
from klimatpuls.sources.protocol import source_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from klimatpuls.contract.releases import Parsed

FIXTURES = Path(__file__).parents[2] / "fixtures"
POPULATION, CKM, DENSITY = "scb_population", "scb_population_ckm", "scb_population_density"
NATIONAL, ENERGY, FORECAST = "scb_national_emissions", "scb_energy", "scb_population_forecast"
ANSWERS = {
    POPULATION: "scb_population/tab638_data.json",
    CKM: "scb_population/tab5557_data.json",
    DENSITY: "scb_population_density/tab628_data.json",
    NATIONAL: "scb_national_emissions/data.json",
    ENERGY: "scb_energy/data.json",
    FORECAST: "scb_population_forecast/data.json",
}


@dataclass(frozen=True)
class Case:
    """One change of an answer.

    Attributes:
        id: What a person would call it.
        dataset: Whose answer is changed.
        change: Changes the document, or returns the bytes to be read instead.
        note: Words of the note of an answer that is read all the same; empty where nothing need be said.
        rule: The rule that refuses it, or None where it is accepted.
        words: What the message of a refusal must hold.
    """

    id: str
    dataset: str
    change: Callable[[dict[str, Any]], Any]
    note: str = ""
    rule: str | None = None
    words: tuple[str, ...] = ()


def answer(dataset: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FIXTURES / ANSWERS[dataset]).read_bytes())
    return document


def parse(dataset: str, body: bytes) -> Parsed:
    return source_module(catalog.source_of(dataset)).parse([body], dataset, None)


def encode(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


# ---------------------------------------------------------------------------------------- changes


def contents(document: dict[str, Any]) -> dict[str, Any]:
    category: dict[str, Any] = document["dimension"]["ContentsCode"]["category"]
    return category


def unit(text: str | None) -> Callable[[dict[str, Any]], None]:
    """Another text in the unit field; None takes the field away."""

    def change(document: dict[str, Any]) -> None:
        if text is None:
            contents(document).pop("unit")
        else:
            for entry in contents(document)["unit"].values():
                entry["base"] = text

    return change


def unit_as_text(document: dict[str, Any]) -> None:
    contents(document)["unit"] = dict.fromkeys(contents(document)["index"], "antal personer")


def title(text: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(label=text)


def measure(code: str, label: str | None) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        category = contents(document)
        (old,) = category["index"]
        category["index"] = [code]
        category["label"] = {code: label or category["label"][old]}
        category["unit"] = {code: category["unit"][old]}

    return change


def several(*changes: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for each in changes:
            each(document)

    return change


def labels(variable: str, relabel: Callable[[str, str], str]) -> Callable[[dict[str, Any]], None]:
    """New labels of a variable's values, from code and label."""

    def change(document: dict[str, Any]) -> None:
        category = document["dimension"][variable]["category"]
        category["label"] = {code: relabel(code, text) for code, text in category["label"].items()}

    return change


def without_units(_: str, label: str) -> str:
    return label.partition(" (")[0]


def only_of(code: str, text: str) -> Callable[[str, str], str]:
    return lambda each, label: text if each == code else label


def scaled(variable: str, code: str, factor: float) -> Callable[[dict[str, Any]], None]:
    """The figures of one code multiplied; the variable is the first of the cube."""

    def change(document: dict[str, Any]) -> None:
        assert document["id"][0] == variable
        block = len(document["value"]) // document["size"][0]
        first = block * list(document["dimension"][variable]["category"]["index"]).index(code)
        for place in range(first, first + block):
            if document["value"][place] is not None:
                document["value"][place] *= factor

    return change


def spelt(old: str, new: str) -> Callable[[dict[str, Any]], None]:
    """A variable under another name."""

    def change(document: dict[str, Any]) -> None:
        document["id"] = [new if name == old else name for name in document["id"]]
        document["dimension"][new] = document["dimension"].pop(old)

    return change


def further(name: str, codes: dict[str, str], **extension: Any) -> Callable[[dict[str, Any]], None]:
    """A further variable in front; the figures stand under its first code, others have one more."""

    def change(document: dict[str, Any]) -> None:
        document["id"].insert(0, name)
        document["size"].insert(0, len(codes))
        category = {"index": list(codes), "label": codes}
        document["dimension"][name] = {"label": name, "category": category, "extension": extension}
        whole = document["value"]
        status = document.pop("status", {})
        document["value"] = [
            value if value is None else value + shift for shift in range(len(codes)) for value in whole
        ]
        document["status"] = {
            str(int(place) + shift * len(whole)): symbol
            for shift in range(len(codes))
            for place, symbol in status.items()
        }

    return change


def second_measure(document: dict[str, Any]) -> None:
    """Another measure in the answer: the figures twice, the second time negative."""
    category = contents(document)
    at, (code,) = document["id"].index("ContentsCode"), category["index"]
    assert at == len(document["id"]) - 2
    category["index"] = {code: 0, "BE0101N2": 1}
    category["label"]["BE0101N2"] = "Folkökning"
    document["size"][at] = 2
    years, values = document["size"][-1], document["value"]
    rows = [values[place : place + years] for place in range(0, len(values), years)]
    document["value"] = [value for row in rows for value in (*row, *[-1] * years)]
    places = {int(place): symbol for place, symbol in document.get("status", {}).items()}
    document["status"] = {
        str(place // years * 2 * years + place % years): symbol for place, symbol in places.items()
    }


def sparse(document: dict[str, Any]) -> None:
    document["value"] = {str(p): value for p, value in enumerate(document["value"]) if value is not None}


def as_text(document: dict[str, Any]) -> None:
    document["value"] = [value if value is None else str(value) for value in document["value"]]


def symbols_for_values(document: dict[str, Any]) -> None:
    for place, symbol in document.pop("status").items():
        document["value"][int(place)] = symbol


def index_lists(document: dict[str, Any]) -> None:
    for dimension in document["dimension"].values():
        dimension["category"]["index"] = list(dimension["category"]["index"])


def removed(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return change


def years(*codes: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["dimension"]["Tid"]["category"] = {"index": list(codes)}

    return change


def recoded(variable: str, old: str, new: str, label: str | None = None) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        category = document["dimension"][variable]["category"]
        category["index"] = [new if code == old else code for code in category["index"]]
        category["label"][new] = label or category["label"][old]

    return change


def in_millions(document: dict[str, Any]) -> None:
    """The nation of a size it really has, whatever the fixture invents."""
    document["value"] = [value if value is None else value * 50.0 for value in document["value"]]


def real_nation(factor: float) -> Callable[[dict[str, Any]], None]:
    """The nation's total use of energy of its real size, in another unit."""

    def change(document: dict[str, Any]) -> None:
        for place in (16, 17):
            document["value"][place] = 3.7e8 / factor

    return change


def from_year(first: int) -> Callable[[dict[str, Any]], None]:
    return years(str(first), str(first + 1))


NO_UNIT = several(unit(None), title("Folkmängden efter region"))
GASES_SILENT = labels("Vaxthusgaser", without_units)
MARK = "\N{ZERO WIDTH NO-BREAK SPACE}".encode()

CASES = (
    # units of persons
    Case("unit in capitals and blanks", POPULATION, unit(" Antal  Personer "), ""),
    Case(
        "unit 'antal'",
        POPULATION,
        unit("antal"),
        "the unit is 'antal' in the unit field (recorded was 'antal",
    ),
    Case("unit 'personer'", CKM, unit("personer"), "the unit is 'personer' in the unit field"),
    Case("unit in English", CKM, unit("number of persons"), "'number of persons'"),
    Case("unit as a bare text", CKM, unit_as_text, ""),
    Case("unit of the density table longer", DENSITY, unit("antal personer"), "(recorded was 'antal'"),
    Case(
        "unit in the measure's label",
        POPULATION,
        several(unit(""), measure("BE0101N1", "Folkmängd, antal")),
        "'antal' in the label of the measure",
    ),
    Case(
        "unit in the title",
        POPULATION,
        several(unit("-"), title("Folkmängden (antal personer) efter region")),
        "'antal personer' in the title",
    ),
    Case("unit nowhere, the nation proves it", POPULATION, NO_UNIT, "the nation then lies between 5,000,000"),
    Case(
        "unit nowhere, thousands of persons",
        POPULATION,
        several(NO_UNIT, lambda d: d.update(value=[v and v // 1000 for v in d["value"]])),
        rule="wrong_unit",
        words=("states no unit", "expected between 5,000,000 and 20,000,000", "2000: 8,900"),
    ),
    Case(
        "unit nowhere, no nation and not all municipalities",
        FORECAST,
        unit(None),
        rule="wrong_unit",
        words=("states no unit", "2026: 1,001"),
    ),
    Case("unit in thousands", POPULATION, unit("tusental personer"), rule="wrong_unit", words=("tusental",)),
    Case(
        "unit that contradicts the title",
        ENERGY,
        several(unit("GWh"), title("Slutanvändning (MWh) efter region")),
        rule="wrong_unit",
        words=("contradicts itself", "'GWh' in the unit field", "'MWh' in the title"),
    ),
    # units of energy
    Case(
        "unit in the field too",
        ENERGY,
        unit("MWh"),
        "'MWh' in the unit field (recorded was 'MWh' in the title",
    ),
    Case(
        "unit nowhere of energy", ENERGY, several(title("Slutanvändning"), real_nation(1)), "states no unit"
    ),
    Case(
        "unit nowhere of energy, gigawatt-hours",
        ENERGY,
        several(title("Slutanvändning"), real_nation(1000)),
        rule="wrong_unit",
        words=("states no unit", "370,000"),
    ),
    Case(
        "unit of energy in words",
        ENERGY,
        several(title("Slutanvändning, megawattimmar, efter region")),
        "'megawattimmar' in the title",
    ),
    Case(
        "gigawatt-hours with their factor",
        ENERGY,
        several(
            title("Slutanvändning (GWh) efter region"),
            lambda d: d.update(value=[v and v / 1000 for v in d["value"]]),
        ),
        "values are multiplied by 1000",
    ),
    # units of emissions
    Case("unit in the field", NATIONAL, several(unit("kt"), GASES_SILENT), "'kt' in the unit field"),
    Case(
        "unit in the field, equivalents named",
        NATIONAL,
        several(unit("Kton CO₂-ekv."), GASES_SILENT),
        "'Kton CO₂-ekv.' in the unit field",
    ),
    Case(
        "thousand tonnes",
        NATIONAL,
        labels("Vaxthusgaser", lambda _, label: label.replace("kt", "1 000 ton")),
        "'1 000 ton CO2-ekv.' in the label of Vaxthusgaser",
    ),
    Case(
        "one gas in tonnes",
        NATIONAL,
        several(
            labels("Vaxthusgaser", only_of("PFC", "Perfluorkolväten (ton CO2-ekv.)")),
            scaled("Vaxthusgaser", "PFC", 1000),
        ),
        "values are multiplied by 1",
    ),
    Case(
        "gas without equivalents that adds up",
        NATIONAL,
        labels("Vaxthusgaser", only_of("HFC", "Fluorkolväten (kt)")),
        "nothing says that the figures of hfc are in CO2 equivalents",
    ),
    Case(
        "gas without a unit that adds up",
        NATIONAL,
        labels("Vaxthusgaser", only_of("HFC", "Fluorkolväten")),
        "nothing says that the figures of hfc",
    ),
    Case(
        "gas by mass that does not add up",
        NATIONAL,
        several(
            labels("Vaxthusgaser", only_of("HFC", "Fluorkolväten (ton)")), scaled("Vaxthusgaser", "HFC", 20)
        ),
        rule="wrong_unit",
        words=("figures of hfc", "do not add up"),
    ),
    Case(
        "unit nowhere, the nation and the sum prove it",
        NATIONAL,
        several(unit(None), GASES_SILENT, in_millions),
        "states no unit: read as emissions times 1000",
    ),
    Case(
        "unit nowhere, millions of tonnes",
        NATIONAL,
        several(unit(None), GASES_SILENT, *(scaled("Vaxthusgaser", c, 0.05) for c in ("CO2-ekv.",))),
        rule="wrong_unit",
        words=("states no unit", "2023: 50,000"),
    ),
    Case("unit nobody knows", NATIONAL, unit("Mton"), rule="wrong_unit", words=("expected a unit", "'Mton'")),
    Case(
        "field and label differ",
        NATIONAL,
        unit("ton CO2-ekv."),
        rule="wrong_unit",
        words=("contradicts itself", "Totala Växthusgaser (kt CO2-ekv.)", "'ton CO2-ekv.' in the unit field"),
    ),
    # variables and totals
    Case("variables in lower case", CKM, several(spelt("Region", "region"), spelt("Kon", "kon")), ""),
    Case("time in lower case", POPULATION, spelt("Tid", "tid"), ""),
    Case("wanted variable in lower case", NATIONAL, spelt("Vaxthusgaser", "vaxthusgaser"), ""),
    Case("total in another case", CKM, recoded("Alder", "TotSA", "totsa"), ""),
    Case(
        "another total of age",
        CKM,
        recoded("Alder", "TotSA", "samtliga"),
        "",
    ),
    Case(
        "further variable with a total by its code",
        POPULATION,
        further("Fodelseregion", {"tot": "totalt", "09": "Sverige"}),
        "of the variable Fodelseregion its total tot (totalt) was taken",
    ),
    Case(
        "further variable with a total by its label",
        POPULATION,
        further("Kon", {"9": "båda könen", "1": "män"}),
        "of the variable Kon its total 9 (båda könen)",
    ),
    Case(
        "further variable with the publisher's own total",
        POPULATION,
        further("Kon", {"K": "k", "1": "män"}, elimination=True, eliminationValueCode="K"),
        "of the variable Kon its total K (k)",
    ),
    Case(
        "further variable with one code that is a total",
        DENSITY,
        further("Alder", {"TOT1": "totalt, samtliga åldrar"}),
        "of the variable Alder its total TOT1",
    ),
    Case(
        "further variable without a total",
        POPULATION,
        further("Kon", {"1": "män", "2": "kvinnor"}),
        rule="not_a_total",
        words=("Kon is not at its total but at 1, 2",),
    ),
    Case(
        "further variable whose total is of some",
        POPULATION,
        further("Alder", {"tot16": "totalt 16-74 år"}),
        rule="not_a_total",
        words=("tot16",),
    ),
    # measures
    Case("another measure too", POPULATION, second_measure, ""),
    Case(
        "measure under another code", CKM, measure("000009XX", None), "the measure is 000009XX, not 000007ME"
    ),
    Case(
        "another measure alone",
        CKM,
        measure("000007MG", "Folkökning"),
        rule="measure_missing",
        words=("expected the measure 000007ME", "found 000007MG (Folkökning)"),
    ),
    # codes and labels
    Case(
        "gas under another code",
        NATIONAL,
        recoded("Vaxthusgaser", "CH4_CO2-ekv.", "CH4E"),
        "code CH4E of Vaxthusgaser was recognised by its label 'Metan (kt CO2-ekv.)': ch4",
    ),
    Case(
        "sector under another code",
        NATIONAL,
        recoded("Sektor", "0.1", "0.10"),
        "code 0.10 of Sektor was recognised by its label",
    ),
    Case(
        "gas nobody knows",
        NATIONAL,
        recoded("Vaxthusgaser", "HFC", "NF3", "Kvävetrifluorid (kt CO2-ekv.)"),
        rule="unknown_code",
        words=("NF3 (Kvävetrifluorid",),
    ),
    Case(
        "no labels at all",
        POPULATION,
        lambda d: [v["category"].pop("label") for v in d["dimension"].values()],
    ),
    # regions
    Case(
        "region nobody knows",
        DENSITY,
        recoded("Region", "0330", "1229"),
        "3 cells left out: region code 1229",
    ),
    # values
    Case("sparse values", CKM, sparse, ""),
    Case("numbers as text", POPULATION, as_text, "18 values are written as text and were read as numbers"),
    Case("symbols in the place of values", POPULATION, symbols_for_values, ""),
    Case(
        "number with blanks and a comma",
        CKM,
        lambda d: d["value"].__setitem__(1, "410 000,0"),
        rule="value_type",
        words=("410 000,0",),
    ),
    # frame
    Case("byte order mark", CKM, lambda d: MARK + encode(d), ""),
    Case("index as lists", CKM, index_lists, ""),
    Case("no role", CKM, removed("role"), ""),
    Case("no title", CKM, removed("label"), ""),
    Case("no extension", CKM, removed("extension"), ""),
    Case("one note as a text", CKM, lambda d: d.update(note="En enda not."), "En enda not."),
    Case(
        "time of change without a zone",
        CKM,
        lambda d: d.update(updated="2026-02-24T07:00:00"),
        "no time zone",
    ),
    Case("no time of change", CKM, removed("updated"), "dated 2026-02-22, when the year 2025 is expected"),
    Case(
        "unreadable time of change",
        CKM,
        lambda d: d.update(updated="i tisdags"),
        "cannot be read: 'i tisdags'",
    ),
    Case("no time of change of a forecast", FORECAST, removed("updated"), "dated 2026-05-20"),
    # time
    Case("quarters", CKM, years("2025K4"), rule="not_a_year", words=("expected years, found 2025K4",)),
    Case("months", CKM, years("2025M12"), rule="not_a_year", words=("2025M12",)),
    Case(
        "a forecast that lies behind",
        FORECAST,
        from_year(2024),
        rule="no_forecast",
        words=("ends in 2025", "no year of it lies ahead"),
    ),
)
LESS = {"region nobody knows"}
"""Cases after which a region is missing, as it should be."""
SCALED = {"unit nowhere, the nation and the sum prove it": 50.0}
"""Cases whose figures were made larger to be of the nation's real size."""
REPLACED = {"unit nowhere of energy"}
"""Cases whose figures of the nation were replaced by real ones."""


def test_there_are_as_many_cases_as_assumptions_and_each_has_a_name() -> None:
    assert len({case.id for case in CASES}) == len(CASES) >= 40


def figures(parsed: Parsed) -> pd.Series:
    value = next(n for n in ("population_count", "emissions_tco2e", "energy_mwh") if n in parsed.rows)
    keys = [n for n in parsed.rows.columns if n not in (value, "sheet_row", "status")]
    return parsed.rows.set_index(keys)[value].sort_index()


@pytest.mark.parametrize("case", [c for c in CASES if c.rule is None], ids=lambda case: case.id)
def test_what_changes_no_figure_is_read_and_said(case: Case) -> None:
    document = answer(case.dataset)
    changed = case.change(document)
    body = changed if isinstance(changed, bytes) else encode(document)
    parsed, recorded = parse(case.dataset, body), parse(case.dataset, encode(answer(case.dataset)))
    assert parsed.rows_read == len(parsed.rows) + len(parsed.rejects) == recorded.rows_read
    found, expected = figures(parsed), figures(recorded) * SCALED.get(case.id, 1.0)
    if case.id in LESS:
        expected = expected[[place != "0330" for place in expected.index.get_level_values(0)]]
    if case.id in REPLACED:
        expected[("00", "total", "total", 2023)] = expected[("00", "total", "total", 2024)] = 3.7e8
    pd.testing.assert_series_equal(found, expected, check_exact=False, rtol=1e-12, check_dtype=False)
    new = set(parsed.notes) - set(recorded.notes)
    if case.note:
        assert any(case.note in note for note in new), new
    else:
        assert new == set()


@pytest.mark.parametrize("case", [c for c in CASES if c.rule is not None], ids=lambda case: case.id)
def test_what_would_make_a_figure_wrong_is_refused_by_a_true_message(case: Case) -> None:
    document = answer(case.dataset)
    case.change(document)
    with pytest.raises(SourceFormatError) as caught:
        parse(case.dataset, encode(document))
    assert caught.value.rule == case.rule
    message = str(caught.value)
    for words in (
        *case.words,
        catalog.source_of(case.dataset).id if case.rule != "value_type" else "PxWebApi",
    ):
        assert words in message
    assert "What to do" in message


def test_the_recorded_shapes_bring_no_note_about_their_shape() -> None:
    for dataset in (POPULATION, CKM, DENSITY, NATIONAL):
        notes = parse(dataset, encode(answer(dataset))).notes
        own = [note for note in notes if note.startswith(("the ", "no ", "nothing ", "of the "))]
        lacking = [note for note in own if not note.startswith("the answers have no code")]
        assert lacking == (
            [] if dataset != NATIONAL else [note for note in own if "'kt' in the label" in note]
        )
