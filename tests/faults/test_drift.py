"""What publishers do to their files: each harm has one verdict, its words, and no way past it.

Every case takes good bytes of a new release, harms them, and sends them through the true hops into a copy of
a warehouse in which every source is published.
"""

from __future__ import annotations

import json
import math
import re
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

import openpyxl
import pytest
from support import drift, pipeline_run
from support.pipeline_run import sheet_rows, unthrottled
from support.releases import shown

from klimatpuls.contract import catalog
from klimatpuls.domain import regions
from klimatpuls.fetch.http import open_session
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.pipeline import snapshot
from klimatpuls.pipeline.approval import decide_release
from klimatpuls.sources import smhi_emissions
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Published

pytestmark = pytest.mark.postgres

WARNED = "publish_with_warnings"
"""The made-up figures have the break of international transport, of which every release warns."""
Verdict = Literal["publish", "publish_with_warnings", "hold", "quarantine"]
Rows = list[list[Any]]
Parts = list[bytes]


@dataclass(frozen=True)
class Case:
    """One harm, and what must come of it.

    Attributes:
        id: What a person would call it.
        dataset: Whose bytes are harmed.
        harm: Changes the good bytes, in the shape :func:`opened` gives them.
        verdict: The only verdict that is right.
        words: What the message must hold.
    """

    id: str
    dataset: str
    harm: Callable[[Any], Any]
    verdict: Verdict
    words: tuple[str, ...] = ()


# ------------------------------------------------------------------------------------- good new releases


@pytest.fixture(scope="module")
def answers(wholly_good: Published) -> dict[str, Parts]:
    """Dataset → its bytes as the replica sends them."""
    as_of = wholly_good.context.as_of
    found: dict[str, Parts] = {}
    with MockServer(MockAgencies(wholly_good.archive, as_of)) as replica:
        for source in map(unthrottled, catalog.SOURCES.values()):
            with open_session(source, replica.url + source.mock_path) as session:
                for dataset in source.datasets:
                    if dataset.id in {case.dataset for case in CASES}:
                        fetched = snapshot.source_module(source).fetch(
                            session, session.base_url, dataset.id, dataset.substances[0], as_of=as_of
                        )
                        found[dataset.id] = list(fetched.parts)
    return found


@pytest.fixture(scope="module")
def sheet(answers: dict[str, Parts]) -> Rows:
    """The rows of a good workbook of SMHI, dated after the published one."""
    parsed = smhi_emissions.parse(answers["smhi_emissions"], "smhi_emissions", "ghg")
    return sheet_rows(parsed, parsed.published_date.replace(day=parsed.published_date.day + 1))


def opened(dataset: str, parts: Parts) -> Any:
    """Good bytes as something that can be harmed, under a later date of the publisher's."""
    if dataset == "klimatklivet":
        page, body = parts
        sheet = openpyxl.load_workbook(BytesIO(body)).worksheets[0]
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        return [page.replace(b"31 december 2025", b"31 mars 2026"), rows]
    if dataset == "eu_ets":
        sheet = openpyxl.load_workbook(BytesIO(parts[0])).worksheets[0]
        return [list(row) for row in sheet.iter_rows(values_only=True)]
    documents = [json.loads(part) for part in parts]
    for document in documents:
        if "updated" in document:
            document["updated"] = "2026-05-09T06:00:00Z"
    if dataset == "trafa_vehicles":
        documents = json.loads(re.sub(r"2026-\d\d-\d\dT", "2026-05-09T", json.dumps(documents)))
    if dataset.startswith("kolada"):
        documents[0]["retrieved"] = "2026-05-09"
    return documents


def closed(dataset: str, harmed: Any) -> Parts:
    """Bytes of what :func:`opened` gave; a harm may give the bytes itself."""
    if isinstance(harmed, bytes):
        return [harmed]
    if dataset == "smhi_emissions":
        return [workbook.build_workbook(harmed, sheet_name="Växthusgaser totalt")]
    if dataset == "eu_ets":
        return [workbook.build_workbook(harmed, sheet_name="data")]
    if dataset == "klimatklivet":
        return [harmed[0], workbook.build_workbook(harmed[1], sheet_name="Per åtgärdskategori")]
    return [part if isinstance(part, bytes) else json.dumps(part).encode() for part in harmed]


# ------------------------------------------------------------------------------------------------- SMHI


def smhi(change: Callable[[Rows, int], Rows | bytes | None]) -> Callable[[Rows], Any]:
    """A harm to SMHI's sheet that is told in which row the header stands."""

    def harm(rows: Rows) -> Any:
        at = next(at for at, row in enumerate(rows) if row[:2] == ["Huvudsektor", "Undersektor"])
        changed = change(rows, at)
        return rows if changed is None else changed

    return harm


def row_of(rows: Rows, municipality: str, sector: str = "Jordbruk") -> list[Any]:
    return next(row for row in rows if row[:2] == [sector, "Alla"] and row[3] == municipality)


def names(rows: Rows, column: int, old: str, new: str) -> None:
    for row in rows:
        if len(row) > column and row[column] == old:
            row[column] = new


def without(rows: Rows, column: int, name: str) -> Rows:
    return [row for row in rows if len(row) <= column or row[column] != name]


def every_number(rows: Rows, head: int, spell: Callable[[float], str]) -> None:
    for row in rows[head + 1 :]:
        row[4:] = [spell(value) for value in row[4:]]


def swedish(value: float) -> str:
    return repr(float(value)).replace(".", ",")


def grouped(value: float) -> str:
    return f"{float(value):,.6f}".replace(",", "\u00a0").replace(".", ",")


def power(value: float) -> str:
    mantissa, exponent = f"{float(value):.15e}".split("e")
    return f"{mantissa.replace('.', ',')}×10^{exponent}".replace("-", "\u2212")


def drop_years(rows: Rows, head: int) -> None:
    for row in rows[head - 1 :]:
        del row[5:7]


def drop_municipality_column(rows: Rows, head: int) -> None:
    for row in rows[head - 1 :]:
        del row[3]


def add_column(rows: Rows, head: int) -> None:
    for row in rows[head + 1 :]:
        row.append("1")
    rows[head].append("Osäkerhet")


def new_sector(rows: Rows, _: int) -> Rows:
    added = [["Vätgas", *row[1:]] for row in rows if row[:1] == ["Jordbruk"]]
    return rows + added


def text_years(rows: Rows, head: int) -> None:
    rows[head - 1][4:] = [str(year) for year in rows[head - 1][4:]]


def years_into_header(rows: Rows, head: int) -> None:
    rows[head][4:] = rows[head - 1][4:]
    rows[head - 1] = []


def merged(rows: Rows, _: int) -> Rows:
    names(rows, 3, "Heby", "Heby-Tierp")
    return without(rows, 3, "Tierp")


def moved_down(rows: Rows, _: int) -> Rows:
    return [*rows[:3], ["Preliminära uppgifter"], [], *rows[3:]]


def kilotonnes(rows: Rows, _: int) -> None:
    next(row for row in rows if row and str(row[0]).startswith("Enhet"))[0] = "Enhet: kt/år"


def silent_kilotonnes(rows: Rows, head: int) -> None:
    for row in rows[head + 1 :]:
        row[4:] = [value / 1000 for value in row[4:]]


def revised(rows: Rows, head: int) -> None:
    for row in rows[head + 1 :]:
        row[4:-1] = [value * 1.08 for value in row[4:-1]]


def other_gas(rows: Rows, _: int) -> None:
    next(row for row in rows if row and str(row[0]).startswith("Emissioner"))[0] = (
        "Emissioner av Kvävetrifluorid (NF3)"
    )


def shifted_names(rows: Rows, head: int) -> None:
    """Every municipality's figures under the name of the one before, within its county."""
    wanted = [row for row in rows[head + 1 :] if row[3] != "Alla"]
    for sector in {row[0] for row in wanted}:
        members = [row for row in wanted if row[0] == sector]
        for county in {row[2] for row in members}:
            inside = [row for row in members if row[2] == county]
            values = [row[4:] for row in inside]
            for row, figures in zip(inside, [*values[1:], values[0]], strict=True):
                row[4:] = figures


def sheets(*, hidden_first: bool) -> Callable[[Rows], bytes]:
    """A workbook with one sheet more, which nobody sees."""

    def harm(rows: Rows) -> bytes:
        book = openpyxl.Workbook()
        visible = book.active
        visible.title = "Växthusgaser totalt"
        for row in rows:
            visible.append(row)
        hidden = book.create_sheet("Arbetsblad", 0 if hidden_first else 1)
        hidden.append(["Anteckningar"])
        hidden.sheet_state = "hidden"
        book.active = visible
        buffer = BytesIO()
        book.save(buffer)
        return buffer.getvalue()

    return harm


def renamed_sheet(rows: Rows) -> bytes:
    return workbook.build_workbook(rows, sheet_name="Blad1")


def negative(rows: Rows, _: int) -> None:
    row_of(rows, "Tierp")[4] = "\u22123,0"


def only_head(rows: Rows, head: int) -> Rows:
    return rows[: head + 1]


def smhi_case(name: str, harm: Callable[[Rows], Any], verdict: Verdict, *words: str) -> Case:
    """A case of SMHI's; what is published must read as the good sheet."""
    return Case(name, "smhi_emissions", harm, verdict, words)


SMHI_CASES = (
    smhi_case("renamed sheet", renamed_sheet, WARNED, "scope_break"),
    smhi_case("header moved down", smhi(moved_down), WARNED, "scope_break"),
    smhi_case("years in the header row", smhi(years_into_header), WARNED, "scope_break"),
    smhi_case("text years", smhi(text_years), WARNED, "scope_break"),
    smhi_case("decimal comma", smhi(lambda r, h: every_number(r, h, swedish)), WARNED, "scope_break"),
    smhi_case(
        "NBSP between thousands", smhi(lambda r, h: every_number(r, h, grouped)), WARNED, "scope_break"
    ),
    smhi_case(
        "powers of ten with U+2212", smhi(lambda r, h: every_number(r, h, power)), WARNED, "scope_break"
    ),
    smhi_case("hidden sheet behind", sheets(hidden_first=False), WARNED, "scope_break"),
    smhi_case("hidden sheet in front", sheets(hidden_first=True), WARNED, "scope_break"),
    smhi_case("dropped years", smhi(drop_years), WARNED, "scope_break"),
    smhi_case("new column", smhi(add_column), WARNED, "scope_break"),
    smhi_case("dropped column", smhi(drop_municipality_column), "quarantine", "header_not_found", "Kommun"),
    smhi_case("new sector", smhi(new_sector), "quarantine", "unknown_names", "Vätgas"),
    smhi_case(
        "misspelt sector",
        smhi(lambda r, _: names(r, 0, "Jordbruk", "Jordbrukk")),
        WARNED,
        "scope_break",
    ),
    smhi_case("new gas", smhi(other_gas), "quarantine", "unexpected_substance", "NF3"),
    smhi_case("negative with U+2212", smhi(negative), "quarantine", "Tierp"),
    smhi_case("kt for t", smhi(kilotonnes), "quarantine", "unexpected_unit", "kt/år"),
    smhi_case("kt for t, unsaid", smhi(silent_kilotonnes), "hold", "hold_ratio"),
    smhi_case(
        "municipality renamed",
        smhi(lambda r, _: names(r, 3, "Tierp", "Tierpp")),
        "quarantine",
        "no region is called 'Tierpp'",
        "nearest names: Tierp (0360)",
    ),
    smhi_case("municipalities merged", smhi(merged), "quarantine", "Heby-Tierp", "0360 Tierp"),
    smhi_case(
        "municipality twice", smhi(lambda r, _: [*r, list(row_of(r, "Tierp"))]), "quarantine", "duplicate"
    ),
    smhi_case(
        "municipality missing",
        smhi(lambda r, _: without(r, 3, "Tierp")),
        "quarantine",
        "complete_areas",
        "Tierp",
    ),
    smhi_case(
        "total row at the bottom",
        smhi(lambda r, _: [*r, ["Summa", "", "", "", *r[-1][4:]]]),
        "quarantine",
        "unknown_names",
        "Summa",
    ),
    smhi_case("revised old years", smhi(revised), "hold", "hold_moved"),
    smhi_case("figures under the next name", smhi(shifted_names), "hold", "hold_moved"),
    smhi_case("empty answer", lambda _: b"", "quarantine", "not_a_workbook", "empty"),
    smhi_case("no data rows", smhi(only_head), "quarantine", "no_data_rows"),
    smhi_case(
        "HTML with 200",
        lambda _: b"<!DOCTYPE html><html><body>Driftstopp</body></html>",
        "quarantine",
        "not_a_workbook",
        "HTML",
    ),
)

# -------------------------------------------------------------------------------------------------- SCB


def region(document: dict[str, Any]) -> dict[str, int]:
    index: dict[str, int] = document["dimension"]["Region"]["category"]["index"]
    return index


def rename_code(document: dict[str, Any], variable: str, old: str, new: str) -> None:
    category = document["dimension"][variable]["category"]
    category["index"] = {new if code == old else code: at for code, at in category["index"].items()}
    category["label"][new] = category["label"].pop(old)


def wrong_municipality_code(documents: list[Any]) -> None:
    rename_code(documents[0], "Region", "0360", "0361")


def lost_leading_zeros(documents: list[Any]) -> None:
    for code in [code for code in region(documents[0]) if len(code) == 4 and code.startswith("0")]:
        rename_code(documents[0], "Region", code, code[1:])


def shifted_codes(documents: list[Any]) -> None:
    """Every municipality's figures under the code of the one before; the nation's and counties' stay."""
    index = region(documents[0])
    # Municipalities that were split are known by the years they lack: they would be found at once.
    codes = [
        code
        for code, entry in regions.regions().items()
        if entry.level == "municipality" and entry.population_from_year is None
    ]
    places = [index[code] for code in codes]
    index.update(zip(codes, [*places[1:], places[0]], strict=True))


def other_unit(unit: str) -> Callable[[list[Any]], None]:
    def harm(documents: list[Any]) -> None:
        units = documents[0]["dimension"]["ContentsCode"]["category"]["unit"]
        for entry in units.values():
            entry["base"] = unit

    return harm


def values_short(documents: list[Any]) -> None:
    documents[0]["value"] = documents[0]["value"][:-3]


def error_with_200(documents: list[Any]) -> list[Any]:
    return [{"type": "Error", "title": "Internal server error", "status": 500}]


def text_value(documents: list[Any]) -> None:
    documents[0]["value"][0] = "1 234,5"


def new_code(variable: str) -> Callable[[list[Any]], None]:
    def harm(documents: list[Any]) -> None:
        first = next(iter(documents[0]["dimension"][variable]["category"]["index"]))
        rename_code(documents[0], variable, first, "NY")
        documents[0]["dimension"][variable]["category"]["label"]["NY"] = "Något nytt"

    return harm


def html(_: Any) -> list[bytes]:
    return [b"<!DOCTYPE html><html><body>Driftstopp</body></html>"]


def without_regions(documents: list[Any]) -> None:
    """The nation's figures alone, under no region at all."""
    document = documents[0]
    at = document["id"].index("Region")
    del document["id"][at], document["dimension"]["Region"]
    kept = len(document["value"]) // document["size"].pop(at)
    document["value"] = document["value"][:kept]


def without_last_years(documents: list[Any]) -> None:
    """The last two years gone, as of a table that was cut; time is the dimension that turns fastest."""
    document = documents[0]
    assert document["id"][-1] == "Tid"
    years = document["size"][-1]
    document["size"][-1] = years - 2
    document["value"] = [value for at, value in enumerate(document["value"]) if at % years < years - 2]
    category = document["dimension"]["Tid"]["category"]
    category["index"] = {code: at for code, at in category["index"].items() if at < years - 2}
    category["label"] = {code: category["label"][code] for code in category["index"]}


def persons_as_thousands(documents: list[Any]) -> None:
    documents[0]["value"] = [round(value / 1000) for value in documents[0]["value"]]


POPULATION, NATIONAL, ENERGY = "scb_population", "scb_national_emissions", "scb_energy"
FORECAST, DENSITY = "scb_population_forecast", "scb_population_density"
SCB_CASES = (
    Case("wrong municipality code", POPULATION, wrong_municipality_code, "quarantine", ("Tierp",)),
    Case("leading zeros lost", POPULATION, lost_leading_zeros, "quarantine", ("population_complete",)),
    Case("positional codes shifted", POPULATION, shifted_codes, "hold", ("fact_moved",)),
    Case("values cut short", POPULATION, values_short, "quarantine", ("values",)),
    Case("thousands for persons", POPULATION, other_unit("1000-tal"), "quarantine", ("1000-tal",)),
    Case(
        "thousands for persons in the fall-back", DENSITY, other_unit("1000-tal"), "quarantine", ("1000-tal",)
    ),
    Case("an error with 200", NATIONAL, error_with_200, "quarantine", ("scb",)),
    Case("unknown unit", NATIONAL, other_unit("Mton"), "quarantine", ("wrong_unit", "Mton")),
    Case("new gas at SCB", NATIONAL, new_code("Vaxthusgaser"), "quarantine", ("unknown_code", "NY")),
    Case("text in a value", NATIONAL, text_value, "quarantine", ("value_type", "1 234,5")),
    Case("wrong municipality code of energy", ENERGY, wrong_municipality_code, "quarantine", ("Tierp",)),
    Case(
        "wrong municipality code of the forecast", FORECAST, wrong_municipality_code, "quarantine", ("Tierp",)
    ),
    Case("forecast without regions", FORECAST, without_regions, "quarantine", ("Region",)),
    Case("forecast in thousands", FORECAST, other_unit("1000-tal"), "quarantine", ("wrong_unit", "1000-tal")),
    Case("forecast in thousands, unsaid", FORECAST, persons_as_thousands, "hold", ("fact_moved",)),
    Case("forecast cut short", FORECAST, without_last_years, "hold", ("fact_vanished",)),
    Case("HTML with 200 from SCB", ENERGY, html, "quarantine", ("DOCTYPE",)),
)

# ---------------------------------------------------------------------------- Kolada, Trafikanalys, grants


def retitled(documents: list[Any]) -> None:
    entry = next(entry for entry in documents[1]["values"] if entry["id"] == "N00401")
    entry["title"] = "Utsläpp, en annan avgränsning"


def last_page_missing(documents: list[Any]) -> list[Any]:
    tail = next(page for page in documents if page.get("previous_url") and not page["next_url"])
    return [page for page in documents if page is not tail]


def last_answer_missing(documents: list[Any]) -> list[Any]:
    return documents[:-1]


def deleted_rows(documents: list[Any]) -> None:
    for document in documents[3:5]:
        for entry in document["values"]:
            for value in entry["values"]:
                value["isdeleted"] = True


def first_value(change: dict[str, Any]) -> Callable[[list[Any]], None]:
    def harm(documents: list[Any]) -> None:
        documents[3]["values"][0]["values"][0].update(change)

    return harm


def entry_without(name: str) -> Callable[[list[Any]], None]:
    def harm(documents: list[Any]) -> None:
        del documents[3]["values"][0][name]

    return harm


def kpi_gone(documents: list[Any]) -> None:
    del documents[1]["values"][3]


def area_unknown(documents: list[Any]) -> None:
    documents[3]["values"][0]["municipality"] = "9999"


def kolada_error(documents: list[Any]) -> None:
    documents[3] = {"error": "Internal error"}


def trafa_error(documents: list[Any]) -> None:
    documents[1] = {"DataCount": 0, "Errors": ["Timeout"], "Rows": None}


def trafa_cells(documents: list[Any]) -> list[dict[str, Any]]:
    return [cell for answer in documents[1:] for row in answer["Rows"] for cell in row["Cell"]]


def trafa_cell(column: str, **fields: str) -> Callable[[list[Any]], None]:
    def harm(documents: list[Any]) -> None:
        next(cell for cell in trafa_cells(documents) if cell["Column"] == column).update(fields)

    return harm


def trafa_column(old: str, new: str) -> Callable[[list[Any]], None]:
    def harm(documents: list[Any]) -> None:
        for cell in trafa_cells(documents):
            if cell["Column"] == old:
                cell["Column"] = new

    return harm


def trafa_municipality(documents: list[Any]) -> None:
    for cell in trafa_cells(documents):
        if cell["Column"] == "regkom" and cell["Name"] == "0360":
            cell["Name"] = "0361"


def trafa_swapped(documents: list[Any]) -> None:
    for cell in trafa_cells(documents):
        if not cell["IsMeasure"]:
            cell["Name"], cell["Value"] = cell["Value"], cell["Name"]


def trafa_rows_deleted(documents: list[Any]) -> None:
    years = {cell["Name"] for cell in trafa_cells(documents) if cell["Column"] == "ar"}
    for answer in documents[1:]:
        answer["Rows"] = [
            row for row in answer["Rows"] if not any(cell["Name"] == max(years) for cell in row["Cell"])
        ]


def grant_rows(change: Callable[[Rows, int], Any]) -> Callable[[list[Any]], list[Any]]:
    def harm(parts: list[Any]) -> list[Any]:
        rows = parts[1]
        head = next(at for at, row in enumerate(rows) if "Ärendenummer" in row)
        changed = change(rows, head)
        return [parts[0], rows if changed is None else changed]

    return harm


def grant_column(rows: Rows, head: int) -> None:
    rows[head].append("Utsläppsminskning")


def grant_columns_swapped(rows: Rows, head: int) -> None:
    for row in rows[head:]:
        row[0], row[6] = row[6], row[0]


def grant_cell(column: int, value: object, below: int = 2) -> Callable[[list[Any]], list[Any]]:
    def change(rows: Rows, head: int) -> None:
        rows[head + below][column] = value

    return grant_rows(change)


def grants_halved(rows: Rows, _: int) -> Rows:
    return rows[: len(rows) // 2]


ETS_HEAD = 2
"""The row of the header in the workbook of plants in emissions trading."""


def ets_cell(row: int, value: object) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[row][rows[ETS_HEAD].index("VERIFIED_EMISSIONS_2024")] = value

    return change


def ets_halved(rows: Rows) -> Rows:
    return rows[: ETS_HEAD + 1 + (len(rows) - ETS_HEAD) // 2]


def ets_renamed(rows: Rows) -> None:
    rows[ETS_HEAD] = [str(name).replace("VERIFIED", "CHECKED") for name in rows[ETS_HEAD]]


KPI, KOLADA, TRAFA, GRANTS = "kolada_kpi", "kolada", "trafa_vehicles", "klimatklivet"
ETS = "eu_ets"
FURTHER_CASES = (
    Case(
        "key figure retitled",
        KPI,
        retitled,
        "hold",
        ("indicator_title", "N00401, funnet/found Utsläpp, en annan avgränsning, väntat/expected SYNTHETIC "),
    ),
    Case("key figure gone", KPI, kpi_gone, "publish"),
    Case("last page missing", KOLADA, last_page_missing, "quarantine", ("page_missing",)),
    Case("last answer missing", KOLADA, last_answer_missing, "quarantine", ("page_missing",)),
    Case("rows deleted by the publisher", KOLADA, deleted_rows, "hold", ("fact_vanished",)),
    Case("area unknown", KOLADA, area_unknown, "quarantine", ("area 9999",)),
    Case(
        "value as text", KOLADA, first_value({"value": "uppgift saknas"}), "quarantine", ("uppgift saknas",)
    ),
    Case("an error as a page", KOLADA, kolada_error, "quarantine", ("page_shape", "error")),
    Case("a field of a row gone", KOLADA, entry_without("period"), "quarantine", ("period",)),
    Case("HTTP 200 carrying an error", TRAFA, trafa_error, "quarantine", ("service_error", "Timeout")),
    Case(
        "wrong municipality code of vehicles",
        TRAFA,
        trafa_municipality,
        "quarantine",
        ("fact_municipalities",),
    ),
    Case("newest year gone", TRAFA, trafa_rows_deleted, "hold", ("fact_vanished",)),
    Case(
        "column renamed", TRAFA, trafa_column("drivmedel", "bransle"), "quarantine", ("drivmedel", "bransle")
    ),
    Case("a count as text", TRAFA, trafa_cell("itrfslut", Value="många"), "quarantine", ("många",)),
    Case(
        "a large part of the cars under a fuel nobody knows",
        TRAFA,
        trafa_cell("drivmedel", Name="999", Value="Vätgas"),
        "quarantine",
        ("vehicle_fuel_sum",),
    ),
    Case("code and label change places", TRAFA, trafa_swapped, "publish"),
    Case("column added", GRANTS, grant_rows(grant_column), "publish"),
    Case("columns change places", GRANTS, grant_rows(grant_columns_swapped), "publish"),
    Case("not a number written nan", GRANTS, grant_cell(6, "nan"), "quarantine", ("nan",)),
    Case("amount with U+2212", GRANTS, grant_cell(6, "\u22125"), "quarantine", ("negative",)),
    Case("half of the rows gone", GRANTS, grant_rows(grants_halved), "hold", ("fact_vanished",)),
    Case(
        "tonnes of a plant as words", ETS, ets_cell(3, "cirka 5"), "quarantine", ("not a number of tonnes",)
    ),
    Case("tonnes of a plant below zero", ETS, ets_cell(4, -7.0), "quarantine", ("not a number of tonnes",)),
    Case("half of the plants gone", ETS, ets_halved, "hold", ("fact_vanished",)),
    Case("years under another name", ETS, ets_renamed, "quarantine", ("header_not_found",)),
    Case(
        "municipality never seen",
        GRANTS,
        grant_cell(5, "Tierpp"),
        "quarantine",
        ("no region is called 'Tierpp'", "nearest names: Tierp (0360)"),
    ),
)

# ------------------------------------------------- new years, dates, missing values, values that cannot be


def emission_year(
    name: str, change: Callable[[Rows, int], None] | None, verdict: Verdict, *words: str
) -> Case:
    """A case about a new year of SMHI's."""
    return smhi_case(f"new year: {name}", smhi(drift.new_year(change)), verdict, *words)


def both(*harms: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    """Several harms, one after the other."""

    def harm(documents: list[Any]) -> None:
        for each in harms:
            each(documents)

    return harm


def grants_without_amounts(every: int) -> Callable[[list[Any]], list[Any]]:
    def change(rows: Rows, head: int) -> None:
        for at, row in enumerate(rows[head + 1 :]):
            if at % every == 0:
                row[6] = None

    return grant_rows(change)


def trafa_dated(day: str) -> Callable[[list[Any]], None]:
    def harm(documents: list[Any]) -> None:
        documents[:] = json.loads(json.dumps(documents).replace("2026-05-09T", f"{day}T"))

    return harm


def grants_dated(day: str) -> Callable[[list[Any]], list[Any]]:
    return lambda parts: [parts[0].replace(b"31 mars 2026", day.encode()), parts[1]]


UNIFORM, SWAPPED = "new_year_uniform", "new_year_swapped"
NEW_YEAR_CASES = (
    emission_year("plausible", None, WARNED, "scope_break"),
    emission_year("a copy", drift.like(2024), "hold", UNIFORM, "Riket (2025", "2024"),
    emission_year("a copy of an old year", drift.like(2021), "hold", UNIFORM, "som/as 2021"),
    emission_year("one factor", drift.like(2024, 0.97), "hold", UNIFORM, "0.97"),
    emission_year("every sector scaled", drift.each_sector_by_its_own_factor, "hold", UNIFORM, "som/as 2024"),
    emission_year(
        "one sector scaled",
        drift.sector("Jordbruk", lambda row: row[-2] * 0.98),
        WARNED,
        "new_year_sector_uniform",
        "Jordbruk: 2025",
    ),
    emission_year("zero", drift.times(0.0), "hold", "new_year_zero", "Riket", "2025"),
    emission_year("kilotonnes", drift.times(0.001), "hold", "new_year_nation", "Riket"),
    emission_year("kilograms", drift.times(1000.0), "hold", "new_year_nation", "Riket"),
    emission_year("doubled", drift.times(2.0), "hold", "new_year_nation", "mot/against 2024"),
    emission_year(
        "a county doubled", drift.county("Gotlands län", 2.0), "hold", "new_year_county", "Gotland"
    ),
    emission_year(
        "a sector zero",
        drift.sector("Jordbruk", lambda _: 0.0),
        "hold",
        "new_year_zero",
        "Riket (Jordbruk: 2025)",
    ),
    emission_year(
        "a sector times ten",
        drift.sector("Jordbruk", lambda row: row[-1] * 10),
        "hold",
        "new_year_sectors",
        "Riket (Jordbruk: 2025)",
    ),
    emission_year("many municipalities out", drift.many_municipalities(1.7), "hold", "new_year_municipal"),
    emission_year(
        "a sector under other names",
        drift.shuffled("Industri (energi + processer)"),
        "hold",
        "new_year_cells",
    ),
    emission_year(
        "two municipalities swapped",
        drift.swapped("Tierp", "Uppsala", [-1]),
        "hold",
        SWAPPED,
        "Tierp",
        "Uppsala (0380) 2024",
    ),
    smhi_case(
        "two municipalities swapped in all years",
        smhi(drift.swapped("Tierp", "Uppsala", range(4, 10))),
        "hold",
        SWAPPED,
        "Uppsala (0380) 2024",
    ),
    smhi_case("infinite", smhi(drift.cell("Tierp", "inf")), "quarantine", "inf"),
    smhi_case("not a number", smhi(drift.cell("Heby", "NaN")), "quarantine", "NaN"),
    smhi_case("a date in the future", smhi(drift.dated("2026-06-30")), "hold", "release_date", "2026-06-30"),
    smhi_case(
        "the day and date of the published one",
        smhi(lambda r, h: (drift.dated("2026-05-07")(r, h), drift.new_year()(r, h))[0]),
        "hold",
        "same_day",
        "smhi_emissions-ghg-2026-05-07-",
        "--older",
    ),
    # The fall-back table holds another figure for that year, of which the release warns.
    Case(
        "persons: a new year",
        POPULATION,
        drift.scb_year(drift.grown),
        WARNED,
        ("population_cross_check",),
    ),
    Case(
        "persons: a new year doubled",
        POPULATION,
        drift.scb_year(drift.scb_times(2)),
        "hold",
        ("fact_new_year", "Riket", "mot/against 2024"),
    ),
    Case(
        "persons: a new year a copy",
        POPULATION,
        drift.scb_year(lambda value, _: value),
        "hold",
        ("fact_new_year_uniform", "som/as 2024"),
    ),
    Case(
        "persons: a county missing a digit",
        POPULATION,
        drift.scb_year(drift.scb_times(0.1, "09")),
        "hold",
        ("fact_new_year", "Gotland"),
    ),
    Case(
        "persons: two municipalities swapped",
        POPULATION,
        drift.scb_swapped("0360", "0380"),
        "hold",
        ("fact_new_year_swapped", "Uppsala (0380)"),
    ),
    Case(
        "persons: a date in the future",
        POPULATION,
        drift.scb_dated("2026-06-30"),
        "hold",
        ("release_date",),
    ),
    Case(
        "persons: the date of the published one",
        POPULATION,
        both(drift.scb_year(drift.grown), drift.scb_dated("2025-02-22")),
        "hold",
        ("release_date", "same_day"),
    ),
    Case("persons: infinite", POPULATION, drift.scb_value(math.inf), "quarantine", ("not_json",)),
    Case("persons: not a number", POPULATION, drift.scb_value(math.nan), "quarantine", ("not_json",)),
    Case("persons: negative", POPULATION, drift.scb_value(-5), "quarantine", ("-5",)),
    Case("persons: values missing", POPULATION, drift.scb_nulls(10), "quarantine", ("population",)),
    Case("energy: a new year", ENERGY, drift.scb_year(drift.grown), "publish"),
    Case(
        "energy: a new year in kWh",
        ENERGY,
        drift.scb_year(drift.scb_times(1000)),
        "hold",
        ("fact_new_year", "mot/against 2024"),
    ),
    Case(
        "energy: a county doubled",
        ENERGY,
        drift.scb_year(drift.scb_times(2, "09")),
        "hold",
        ("fact_new_year",),
    ),
    Case(
        "energy: a new year zero",
        ENERGY,
        drift.scb_year(lambda *_: 0.0),
        "hold",
        ("fact_new_year", "Riket"),
    ),
    Case(
        "energy: a new year a copy",
        ENERGY,
        drift.scb_year(lambda value, _: value),
        "hold",
        ("fact_new_year_uniform",),
    ),
    Case(
        "energy: a third is missing",
        ENERGY,
        drift.scb_nulls(3, ".."),
        "hold",
        ("fact_missing", "energy_mwh"),
    ),
    Case(
        "energy: all is missing",
        ENERGY,
        drift.scb_nulls(1, ".."),
        "quarantine",
        ("fact_empty", "energy_mwh"),
    ),
    Case("energy: infinite", ENERGY, drift.scb_value(math.inf), "quarantine", ("not_json",)),
    Case("energy: negative", ENERGY, drift.scb_value(-0.5), "quarantine", ("negative", "-0.5")),
    Case("energy: a date in the future", ENERGY, drift.scb_dated("2026-06-30"), "hold", ("release_date",)),
    Case(
        "inventory: a new year doubled",
        NATIONAL,
        drift.scb_year(drift.scb_times(2)),
        "hold",
        ("fact_new_year",),
    ),
    Case(
        "inventory: the newest year gone",
        NATIONAL,
        drift.scb_without_last_year,
        "hold",
        ("fact_vanished",),
    ),
    Case("inventory: infinite", NATIONAL, drift.scb_value(math.inf), "quarantine", ("not_json",)),
    Case(
        "inventory: a date in the future",
        NATIONAL,
        drift.scb_dated("2026-06-30"),
        "hold",
        ("release_date",),
    ),
    Case(
        "forecast: a new year in thousands",
        FORECAST,
        drift.scb_year(drift.scb_times(0.001), 2046),
        "hold",
        ("fact_new_year",),
    ),
    Case("forecast: negative", FORECAST, drift.scb_value(-5), "quarantine", ("-5",)),
    Case("forecast: not a number", FORECAST, drift.scb_value(math.nan), "quarantine", ("not_json",)),
    Case("forecast: of another century", FORECAST, drift.scb_dated("1999-12-31"), "hold", ("release_date",)),
    Case("vehicles: a new year doubled", TRAFA, drift.trafa_year(2.0), "hold", ("fact_new_year",)),
    Case("vehicles: a new year a copy", TRAFA, drift.trafa_year(1.0), "hold", ("fact_new_year_uniform",)),
    Case("vehicles: a date in the future", TRAFA, trafa_dated("2026-06-30"), "hold", ("release_date",)),
    Case("vehicles: negative", TRAFA, drift.trafa_count("-5", 1), "quarantine", ("-5",)),
    Case("vehicles: infinite", TRAFA, drift.trafa_count("inf", 2), "quarantine", ("inf",)),
    Case(
        "key figures: a new year in thousands",
        KOLADA,
        drift.kolada_year(0.001),
        "hold",
        ("fact_new_year",),
    ),
    Case("key figures: infinite", KOLADA, drift.kolada_value(math.inf, 1), "quarantine", ("inf",)),
    Case("key figures: not a number", KOLADA, drift.kolada_value(math.nan, 2), "quarantine", ("nan",)),
    Case(
        "grants: amounts missing", GRANTS, grants_without_amounts(2), "hold", ("fact_missing", "amount_sek")
    ),
    Case(
        "grants: no amount at all",
        GRANTS,
        grants_without_amounts(1),
        "quarantine",
        ("fact_empty", "amount_sek"),
    ),
    Case("grants: infinite", GRANTS, grant_cell(6, "inf", 3), "quarantine", ("inf",)),
    Case("grants: a date in the future", GRANTS, grants_dated("31 december 2026"), "hold", ("release_date",)),
)

CASES = (*SMHI_CASES, *SCB_CASES, *FURTHER_CASES, *NEW_YEAR_CASES)


@dataclass(frozen=True)
class Outcome:
    """What came of a case: the verdicts, what the operator is told, and the figures ready for publication."""

    verdicts: list[str]
    told: str
    sums: dict[int, float]


SUMS = {
    "smhi_emissions": """SELECT f.year, sum(f.emissions) FROM core.fct_emission AS f
        INNER JOIN core.dim_release AS r ON f.release_id = r.release_id
        WHERE f.run_id = %s AND r.state = 'validated' GROUP BY f.year""",
    "klimatklivet": """SELECT 0, sum(f.amount_sek) FROM core.fct_grant AS f
        INNER JOIN core.dim_release AS r ON f.release_id = r.release_id
        WHERE f.run_id = %s AND r.state = 'validated'""",
}
"""Dataset → query of the sums of what a run has ready for publication."""


def take(published: Published, dataset: str, parts: Parts) -> Outcome:
    """Feed bytes through the hops."""
    dsn = published.warehouse.loader_dsn
    result = pipeline_run.take(dsn, published.context, dataset, parts)
    for release_id in result.held:
        # Answered, so that the next harm to the same dataset has no twin on hold.
        with closing(connect(dsn)) as conn:
            decide_release(
                conn, release_id, action="reject", decided_by="operator", reason="", now=published.context.now
            )
    with closing(connect(dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("SELECT verdict FROM ops.validation WHERE run_id = %s", (result.run_id,))
        verdicts = [verdict for (verdict,) in cursor.fetchall()]
        sums: dict[int, float] = {}
        if dataset in SUMS:
            cursor.execute(SUMS[dataset], (result.run_id,))
            sums = dict(cursor.fetchall())
    return Outcome(verdicts, "\n".join(result.explanations), sums)


def expected_sums(dataset: str, rows: Rows) -> dict[int, float]:
    """The sums of good rows, by year where there are years."""
    if dataset == "klimatklivet":
        head = next(at for at, row in enumerate(rows) if "Ärendenummer" in row)
        return {0: sum(row[6] for row in rows[head + 1 :])}
    head = next(at for at, row in enumerate(rows) if row[:2] == ["Huvudsektor", "Undersektor"])
    years = rows[head - 1][4:]
    return {year: sum(row[at] for row in rows[head + 1 :]) for at, year in enumerate(years, start=4)}


def test_each_case_has_a_name_of_its_own_and_every_source_is_harmed() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    harmed = {catalog.source_of(case.dataset).id for case in CASES}
    assert harmed == catalog.SOURCES.keys()


@pytest.fixture(scope="module")
def harmed(wholly_good: Published, day_after: Callable[[Published], Published]) -> Published:
    """One home for all harms of which nothing may come."""
    return day_after(wholly_good)


@pytest.fixture(scope="module")
def good_parts(harmed: Published) -> Callable[[str], dict[str, str]]:
    """Dataset → what was published of it before any harm."""
    datasets = dict.fromkeys(case.dataset for case in CASES)
    before = {dataset: shown(harmed, dataset) for dataset in datasets}
    return before.__getitem__


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_harm_has_one_verdict(
    request: pytest.FixtureRequest,
    answers: dict[str, Parts],
    sheet: Rows,
    good_parts: Callable[[str], dict[str, str]],
    case: Case,
) -> None:
    is_smhi = case.dataset == "smhi_emissions"
    is_published = case.verdict in ("publish", WARNED)
    published: Published = request.getfixturevalue("wholly_published" if is_published else "harmed")
    whole = [list(row) for row in sheet] if is_smhi else opened(case.dataset, answers[case.dataset])
    is_summed = is_published and case.dataset in SUMS
    right = expected_sums(case.dataset, sheet if is_smhi else whole[1]) if is_summed else {}
    changed = case.harm(whole)
    parts = closed(case.dataset, whole if changed is None else changed)
    outcome = take(published, case.dataset, parts)
    assert outcome.verdicts == [case.verdict], outcome.told
    for words in case.words:
        assert words in outcome.told
    if is_published:
        known = {year: total for year, total in outcome.sums.items() if year in right}
        assert known == pytest.approx({year: right[year] for year in known}, rel=1e-9)
        added = {drift.NEW_YEAR} if case.id.startswith("new year: ") else set()
        assert outcome.sums.keys() - right.keys() == added
        lost = {"dropped years": 2}.get(case.id, 0) - len(added)
        assert len(right) - len(outcome.sums) == lost
    else:
        assert outcome.sums == {} or set(outcome.sums.values()) == {None}
        assert shown(published, case.dataset) == good_parts(case.dataset)


def test_a_file_mended_by_taking_the_bad_row_away_is_judged_again(
    wholly_published: Published, answers: dict[str, Parts]
) -> None:
    good, verdicts = opened(GRANTS, answers[GRANTS]), []
    head = next(at for at, row in enumerate(good[1]) if "Ärendenummer" in row)
    bad = [good[0], [*good[1][: head + 1], [*good[1][head + 1]], *good[1][head + 2 :]]]
    bad[1][head + 1][6] = "nan"
    mended = [good[0], [*good[1][: head + 1], *good[1][head + 2 :]]]
    for document in (bad, mended):
        verdicts.append(take(wholly_published, GRANTS, closed(GRANTS, document)).verdicts)
    assert verdicts == [["quarantine"], ["publish"]]


def test_after_all_harms_everything_published_is_as_it_was(harmed: Published) -> None:
    assert harmed.digest() == harmed.good_digest
