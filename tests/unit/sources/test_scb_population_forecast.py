import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from klimatpuls.contract import catalog
from klimatpuls.contract.releases import Release, current
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.fetch import http
from klimatpuls.fetch.pxweb.client import parse_metadata
from klimatpuls.fetch.pxweb.table import build_selection
from klimatpuls.sources import scb_population_forecast

FIXTURES = Path(__file__).parents[2] / "fixtures" / "scb_population_forecast"
SOURCE = catalog.SOURCES["scb_population_forecast"]


def parse(change: Callable[[dict[str, Any]], None] = lambda _: None):
    document = json.loads((FIXTURES / "data.json").read_bytes())
    change(document)
    body = json.dumps(document, ensure_ascii=False).encode()
    return scb_population_forecast.parse([body], "scb_population_forecast", None)


def test_every_region_and_year_is_a_row():
    parsed = parse()
    assert parsed.rows.to_dict("list") == {
        "region_code": ["00", "00", "03", "03", "0360", "0360"],
        "year": [2026, 2027] * 3,
        "population_count": [1001, 1002, 2001, 2002, 3001, 3002],
        "sheet_row": [0, 1, 2, 3, 4, 5],
    }
    assert parsed.published_date == date(2026, 4, 20)


@pytest.mark.parametrize("value", [None, 1000.5, 0, -1])
def test_what_is_no_whole_number_is_a_finding(value):
    parsed = parse(lambda document: document["value"].__setitem__(0, value))
    assert parsed.rejects["reason"].tolist() == ["a population is a whole number above 0"]
    assert parsed.rows_read == 6 == len(parsed.rows) + len(parsed.rejects)


def test_a_region_nobody_knows_is_left_out():
    def strange(document: dict[str, Any]) -> None:
        category = document["dimension"]["Region"]["category"]
        category["index"] = {"00": 0, "03": 1, "9999": 2}
        category["label"]["9999"] = "Okänd"

    assert parse(strange).rejects["reason"].str.startswith("expected: ").tolist() == [True, True]


def test_another_unit_is_refused():
    def in_thousands(document: dict[str, Any]) -> None:
        document["dimension"]["ContentsCode"]["category"]["unit"]["000006MS"]["base"] = "1000-tal"

    with pytest.raises(SourceFormatError) as caught:
        parse(in_thousands)
    assert caught.value.rule == "wrong_unit"


def test_age_and_sex_are_left_out_of_the_question():
    metadata = parse_metadata((FIXTURES / "metadata.json").read_bytes())
    selection = build_selection(metadata, SOURCE.datasets[0].px_table, SOURCE.id)
    assert set(selection) == {"Region", "ContentsCode", "Tid"}


TITLE = "Framskriven folkmängd efter region, ålder och kön"
AS_OF = date(2026, 11, 2)


def entry(table_id: str, first: int, updated: str, title: str = TITLE, **changes: Any) -> dict[str, Any]:
    return {
        "id": table_id,
        "label": f"{title}. År {first}-2070",
        "firstPeriod": str(first),
        "lastPeriod": "2070",
        "timeUnit": "Annual",
        "updated": updated,
        "variableNames": ["region", "ålder", "kön", "tabellinnehåll", "år"],
        **changes,
    }


VINTAGE_2022 = entry("TAB6299", 2022, "2026-01-15T07:00:00Z")
VINTAGE_2024 = entry("TAB6008", 2024, "2024-06-11T06:00:00Z")
VINTAGE_2026 = entry("TAB7777", 2026, "2026-05-05T06:00:00Z")
BY_BIRTH = entry(
    "TAB8888", 2027, "2026-05-05T06:00:00Z", "Framskriven folkmängd efter region och födelseland"
)
MONTHS = entry("TAB8889", 2027, "2026-05-05T06:00:00Z", timeUnit="Monthly")
UNLIKE = entry("TAB698", 2028, "2026-05-05T06:00:00Z", "Bostadsbyggande")


@pytest.fixture
def service(httpserver: HTTPServer):
    httpserver.expect_request("/api/v2/config").respond_with_json(
        {"maxDataCells": 150000, "maxCallsPerTimeWindow": 30, "timeWindow": 10}
    )
    unhurried = replace(SOURCE, calls_per_window=())
    with http.open_session(unhurried, httpserver.url_for("/api/v2"), sleep=lambda _: None) as session:
        yield httpserver, session


def serve(server: HTTPServer, there: list[dict[str, Any]], found: list[dict[str, Any]] | None) -> None:
    """A service that has some tables; a search finds others, or fails."""
    for table in there:
        path = f"/api/v2/tables/{table['id']}"
        server.expect_request(path).respond_with_json(table)
        server.expect_request(f"{path}/metadata").respond_with_data((FIXTURES / "metadata.json").read_bytes())
        server.expect_request(f"{path}/data").respond_with_data((FIXTURES / "data.json").read_bytes())
    if found is None:
        server.expect_request("/api/v2/tables").respond_with_data("no search here", status=404)
    else:
        server.expect_request("/api/v2/tables").respond_with_json({"tables": found})
    server.expect_request(re.compile("/api/v2/tables/.*")).respond_with_data("no such table", status=404)


@pytest.mark.parametrize(
    ("there", "found", "taken", "note"),
    [
        ([VINTAGE_2022, VINTAGE_2024], [], "TAB6008", None),
        ([VINTAGE_2022], [], "TAB6299", "table TAB6299 was taken, not TAB6008"),
        ([VINTAGE_2022, VINTAGE_2024, VINTAGE_2026], [VINTAGE_2026], "TAB7777", "table TAB7777 was taken"),
        ([VINTAGE_2024], [BY_BIRTH, MONTHS], "TAB6008", None),
        ([VINTAGE_2024, UNLIKE], [], "TAB6008", None),
        ([VINTAGE_2024], None, "TAB6008", "no newer edition was searched for"),
    ],
    ids=[
        "newest by year",
        "only the old one",
        "a successor",
        "another breakdown",
        "no forecast",
        "no search",
    ],
)
def test_the_vintage_that_begins_last_is_taken(service, there, found, taken, note):
    server, session = service
    serve(server, there, found)
    fetched = scb_population_forecast.fetch(
        session, session.base_url, "scb_population_forecast", None, as_of=AS_OF
    )
    assert fetched.http["table_id"] == taken
    notes = "; ".join(fetched.http["notes"])
    assert note in notes if note else "taken" not in notes
    seen = scb_population_forecast.poll(
        session, session.base_url, "scb_population_forecast", None, as_of=AS_OF, validators={}
    )
    assert seen.fingerprint.startswith(f"{taken} updated ")


def test_no_vintage_at_all_is_a_failure_that_says_where_to_look(service):
    server, session = service
    serve(server, [], [VINTAGE_2026])
    with pytest.raises(FetchError, match="none of the tables TAB6008, TAB698, TAB6299 is there any more"):
        scb_population_forecast.fetch(session, session.base_url, "scb_population_forecast", None, as_of=AS_OF)


def of_vintage(first: int, updated: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["dimension"]["Tid"]["category"] = {"index": [str(first), "2070"]}
        document["updated"] = updated

    return change


@pytest.mark.parametrize("retrieved", [date(2024, 6, 12), date(2026, 11, 2)])
def test_an_older_vintage_is_superseded_however_late_its_table_is_changed_or_fetched(retrieved):
    old = parse(of_vintage(2022, "2026-01-15T07:00:00Z"))
    new = parse(of_vintage(2024, "2024-06-11T06:00:00Z"))
    assert (old.published_date, new.published_date) == (date(2022, 12, 31), date(2024, 6, 11))
    assert (
        "the table was last changed on 2026-01-15; as the forecast of 2022 it is dated 2022-12-31"
        in old.notes
    )
    published = [
        Release(
            release_id=str(parsed.published_date),
            dataset=parsed.dataset,
            substance=None,
            published_date=parsed.published_date,
            known_from=known_from,
            state="published",
        )
        for parsed, known_from in ((old, date(2026, 11, 3)), (new, retrieved))
    ]
    assert current(published).release_id == "2024-06-11"


def test_a_forecast_without_a_row_of_the_nation_is_read():
    def without_nation(document: dict[str, Any]) -> None:
        category = document["dimension"]["Region"]["category"]
        category["index"] = {"03": 0, "0360": 1}
        document["size"][0] = 2
        document["value"] = document["value"][2:]

    assert set(parse(without_nation).rows["region_code"]) == {"03", "0360"}
