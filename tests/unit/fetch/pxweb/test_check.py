"""The assumptions about SCB tables, asked of a mock agency that answers as recorded and of others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from support.agency_faults import Faults

from klimatpuls.contract import catalog
from klimatpuls.fetch import http
from klimatpuls.mock_agencies import scb
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.sources.protocol import source_module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from klimatpuls.fetch.assumptions import Checked

AS_OF = date(2026, 5, 8)
SCB_SOURCES = [name for name in catalog.SOURCES if name.startswith("scb_")]
POPULATION, DENSITY = "scb_population", "scb_population_density"
NATIONAL, ENERGY, FORECAST = "scb_national_emissions", "scb_energy", "scb_population_forecast"


def checked(
    archive: Path, source_id: str, as_of: date = AS_OF, faults: Faults | None = None
) -> list[Checked]:
    source = replace(catalog.SOURCES[source_id], calls_per_window=())
    limits = http.Limits(retries=0)
    with (
        MockServer(MockAgencies(archive, as_of, calls=10_000), change=faults) as server,
        http.open_session(source, server.url + source.mock_path, limits=limits) as session,
    ):
        return list(source_module(source).check(session, session.base_url, as_of=as_of))


@pytest.mark.parametrize("source_id", SCB_SOURCES)
def test_an_agency_that_answers_as_recorded_fails_nothing(whole_archive: Path, source_id: str) -> None:
    found = checked(whole_archive, source_id)
    assert len(found) == 1 + 8 * len(catalog.SOURCES[source_id].datasets)
    assert {one.verdict for one in found} <= {"holds", "differs"}
    # The bundled archive begins later than the agency's tables, and nobody recorded the forecast's unit.
    differing = {one.assumption.partition(": ")[2] for one in found[1:] if one.verdict == "differs"}
    allowed = {"its time is in years, up to the year that is due"}
    if source_id == FORECAST:
        allowed.add("the unit stands where it was recorded")
    assert differing <= allowed
    assert all(bool(one.action) == (one.verdict != "holds") for one in found)
    assert all(one.answer for one in found)


def category(document: dict[str, Any], name: str) -> dict[str, Any]:
    entry: dict[str, Any] = document["dimension"][name]["category"]
    return entry


def unit(text: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for entry in category(document, "ContentsCode")["unit"].values():
            entry["base"] = text

    return change


def drop_region(code: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        index = category(document, "Region")["index"]
        index.pop(code, None)
        category(document, "Region")["index"] = list(index)
        document["size"][document["id"].index("Region")] = len(index)

    return change


def new_region(document: dict[str, Any]) -> None:
    index = [*category(document, "Region")["index"], "1917"]
    category(document, "Region")["index"] = index
    document["size"][document["id"].index("Region")] = len(index)


def recoded(name: str, old: str, new: str, label: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        entry = category(document, name)
        entry["index"] = [new if code == old else code for code in entry["index"]]
        entry["label"][new] = label

    return change


def months(document: dict[str, Any]) -> None:
    codes = category(document, "Tid")["index"]
    category(document, "Tid")["index"] = [f"{year}M12" for year in codes]


def old_table(document: dict[str, Any]) -> None:
    codes = category(document, "Tid")["index"]
    category(document, "Tid")["index"] = [str(int(year) - 9) for year in codes]


def spelt(old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["id"] = [new if name == old else name for name in document["id"]]
        document["dimension"][new] = document["dimension"].pop(old)

    return change


def must_be_chosen(name: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["dimension"][name]["extension"]["elimination"] = False

    return change


UNIT, VARIABLES = "the unit stands where it was recorded", "its variables are the recorded ones"
CODES, MEASURE = "the requested codes and totals are there", "the measure has the recorded code"
REGIONS, YEARS = "its regions are the 312", "its time is in years, up to the year that is due"


@pytest.mark.parametrize(
    ("source_id", "change", "assumption", "verdict", "answer"),
    [
        (POPULATION, unit("personer"), UNIT, "differs", "'personer' in the unit field"),
        (POPULATION, unit("1000-tal"), UNIT, "fails", "'1000-tal'"),
        (POPULATION, unit("-"), UNIT, "differs", "no unit is stated"),
        (NATIONAL, unit("kt"), UNIT, "differs", "'kt' in the unit field"),
        (NATIONAL, unit("ton"), UNIT, "fails", "the table contradicts itself: 'ton' in the unit"),
        (ENERGY, unit("MWh"), UNIT, "differs", "'MWh' in the unit field"),
        (ENERGY, unit("GWh"), UNIT, "fails", "contradicts itself"),
        (DENSITY, drop_region("0360"), REGIONS, "fails", "311 of 312, without 0360"),
        (FORECAST, drop_region("00"), REGIONS, "differs", "311 of 312, without 00"),
        (DENSITY, new_region, REGIONS, "differs", "and 1 others that are left out"),
        (ENERGY, recoded("Bransle", "16", "165", "el"), CODES, "differs", "none of Bransle for electricity"),
        (ENERGY, recoded("Bransle", "955", "956", "allt"), CODES, "fails", "no code for total"),
        (
            ENERGY,
            recoded("Forbrukningskategri", "98", "98", "slutanv. fritidshus"),
            CODES,
            "fails",
            "code 98 of Forbrukningskategri was detached_houses so far",
        ),
        (
            DENSITY,
            recoded("ContentsCode", "BE0101U2", "U9", "Folkmängd"),
            MEASURE,
            "differs",
            "U9 (Folkmängd)",
        ),
        (DENSITY, recoded("ContentsCode", "BE0101U2", "U9", "Annat"), MEASURE, "fails", "measure BE0101U2"),
        (DENSITY, months, YEARS, "fails", "no years but 1991M12"),
        (DENSITY, old_table, YEARS, "differs", "1982 to 2016"),
        (DENSITY, spelt("Region", "region"), VARIABLES, "differs", "region, Tid"),
        (DENSITY, spelt("Region", "Lan"), VARIABLES, "fails", "'Region'; it has Lan"),
        (POPULATION, must_be_chosen("Alder"), VARIABLES, "differs", "Alder at its total"),
        (
            POPULATION,
            must_be_chosen("Civilstand"),
            VARIABLES,
            "fails",
            "Civilstand (civilstånd) has no total",
        ),
    ],
)
def test_an_assumption_that_does_not_hold_is_named_with_what_was_answered(
    whole_archive: Path,
    monkeypatch: pytest.MonkeyPatch,
    source_id: str,
    change: Callable[[dict[str, Any]], None],
    assumption: str,
    verdict: str,
    answer: str,
) -> None:
    ask = scb.metadata_document

    def changed(table: scb.Table) -> dict[str, Any]:
        document = ask(table)
        if source_id != POPULATION or table.id == "TAB638":
            change(document)
        return document

    monkeypatch.setattr(scb, "metadata_document", changed)
    dataset = catalog.SOURCES[source_id].datasets[0].id
    found = {one.assumption: one for one in checked(whole_archive, source_id)}
    one = found[f"{dataset}: {assumption}"]
    assert one.verdict == verdict, one
    assert answer in one.answer
    assert one.action


def test_a_page_with_a_finding_fails(whole_archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = scb.data_document

    def changed(table: scb.Table, selection: Any, *, max_cells: int) -> dict[str, Any]:
        document = ask(table, selection, max_cells=max_cells)
        document["value"][1] = None
        return document

    monkeypatch.setattr(scb, "data_document", changed)
    page = checked(whole_archive, DENSITY)[-1]
    assert page.verdict == "fails"
    assert "refused: 0180 2025: no number" in page.answer


def test_a_table_that_is_not_due_is_no_failure_and_one_that_has_gone_is(
    whole_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = checked(whole_archive, POPULATION, date(2026, 2, 21))
    assert [one.verdict for one in early if "scb_population_ckm" in one.assumption] == ["holds"]
    assert early[-1].answer.startswith("not published yet")
    source = catalog.SOURCES[NATIONAL]
    table = replace(source.datasets[0].px_table, table_ids=("TAB1",))
    moved = replace(source, datasets=(replace(source.datasets[0], px_table=table),))
    monkeypatch.setitem(catalog.SOURCES, NATIONAL, moved)
    gone = checked(whole_archive, NATIONAL)
    assert [one.verdict for one in gone[1:]] == ["fails"]
    assert "none of the tables TAB1 is there any more" in gone[-1].answer


def test_other_limits_differ_and_no_answer_fails(
    whole_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"maxDataCells": 1000, "timeWindow": 10}
    monkeypatch.setattr(scb, "config_document", lambda _: config)
    first = checked(whole_archive, DENSITY)[0]
    assert first.verdict == "differs"
    assert "1000 cells an answer" in first.answer
    assert "no usable maxCallsPerTimeWindow (None)" in first.answer
    (only,) = checked(whole_archive, DENSITY, faults=Faults(html_200=True))
    assert only.verdict == "fails"
    assert "expected JSON" in only.answer
