import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from klimatpuls.contract import catalog
from klimatpuls.errors import FetchError, NotYetPublished, SourceFormatError
from klimatpuls.fetch import http
from klimatpuls.fetch.pxweb.client import parse_metadata
from klimatpuls.fetch.pxweb.table import build_selection
from klimatpuls.sources import scb_population

FIXTURES = Path(__file__).parents[2] / "fixtures" / "scb_population"
SOURCE = catalog.SOURCES["scb_population"]
TABLE = catalog.dataset("scb_population").px_table
CKM_TABLE = catalog.dataset("scb_population_ckm").px_table
AS_OF = date(2026, 5, 8)


def body(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def gone(server: HTTPServer, *table_ids: str) -> None:
    for table_id in table_ids:
        for path in (f"tables/{table_id}", f"tables/{table_id}/metadata"):
            server.expect_request(f"/api/v2/{path}").respond_with_json(
                {"title": "Non-existent table"}, status=404
            )


def changed(name: str, change: Callable[[dict[str, Any]], None]) -> bytes:
    document = json.loads(body(name).decode("utf-8-sig"))
    change(document)
    return json.dumps(document, ensure_ascii=False).encode()


def parse(*parts: bytes, dataset: str = "scb_population"):
    return scb_population.parse(parts, dataset, None)


class TestParse:
    def test_every_region_and_year_is_a_row(self):
        parsed = parse(body("tab638_data.json"))
        assert parsed.rows.to_dict("records")[:2] == [
            {"region_code": "00", "year": 2000, "population_count": 8900000, "sheet_row": 0},
            {"region_code": "00", "year": 2001, "population_count": 8910000, "sheet_row": 1},
        ]
        assert parsed.published_date == date(2025, 2, 21)
        assert parsed.years == (2000, 2001, 2002, 2003)
        assert parsed.unit == "persons"
        assert parsed.rows["population_count"].dtype == "int64"
        assert parsed.rows["region_code"].dtype == "str"

    @pytest.mark.parametrize(
        ("name", "dataset"),
        [("tab638_data.json", "scb_population"), ("tab5557_data.json", "scb_population_ckm")],
    )
    def test_the_recorded_unit_that_was_once_refused_is_read(self, name, dataset):
        """Bytes kept by a home that refused them are read by this parser, without a remark."""
        assert b'"base": "antal personer"' in body(name)
        parsed = parse(body(name), dataset=dataset)
        assert len(parsed.rows) > 0
        assert not any("unit" in note for note in parsed.notes)

    def test_no_cell_is_lost(self):
        parsed = parse(body("tab638_data.json"))
        assert parsed.rows_read == 20 == len(parsed.rows) + len(parsed.rejects)
        seen = [*parsed.rows["sheet_row"], *parsed.rejects["sheet_row"]]
        assert sorted(seen) == list(range(20))

    def test_a_municipality_that_was_not_there_yet_has_no_row_and_is_no_finding(self):
        parsed = parse(body("tab638_data.json"))
        knivsta = parsed.rows[parsed.rows["region_code"] == "0330"]
        assert knivsta["year"].tolist() == [2002, 2003]
        rejected = parsed.rejects[parsed.rejects["column_name"] == "0330 2000"]
        assert rejected["reason"].tolist() == ["expected: not yet a municipality (0)"]
        assert rejected["raw_value"].tolist() == ["0"]

    def test_a_code_outside_the_312_is_left_out_and_noted(self):
        parsed = parse(body("tab638_data.json"))
        assert "1917" not in set(parsed.rows["region_code"])
        reasons = parsed.rejects.loc[parsed.rejects["column_name"].str.startswith("1917"), "reason"]
        assert set(reasons) == {"expected: region code 1917 is none of the 312 regions"}
        assert "4 cells left out: region code 1917 is none of the 312 regions" in parsed.notes

    @pytest.mark.parametrize(
        ("value", "status", "raw", "reason"),
        [
            (None, {"12": ".."}, "..", "no number, symbol '..'"),
            (None, {}, "", "no number"),
            ("..", {}, "..", "no number, symbol '..'"),
            (0, {}, "0", "a population is a whole number above 0"),
            (-5, {}, "-5", "a population is a whole number above 0"),
            (20100.5, {}, "20100.5", "a population is a whole number above 0"),
        ],
    )
    def test_a_cell_without_a_population_is_a_finding(self, value, status, raw, reason):
        def change(document):
            document["value"][12] = value
            document["status"] = status

        rejects = parse(changed("tab638_data.json", change)).rejects
        (tierp,) = rejects[rejects["column_name"] == "0360 2000"].to_dict("records")
        assert tierp == {"sheet_row": 12, "column_name": "0360 2000", "raw_value": raw, "reason": reason}

    def test_people_in_a_municipality_before_it_was_one_are_a_finding(self):
        def change(document):
            document["value"][8] = 12000

        rejects = parse(changed("tab638_data.json", change)).rejects
        assert "population of Knivsta before it was a municipality (2002)" in set(rejects["reason"])

    def test_the_successor_is_read_whatever_the_order_of_its_dimensions(self):
        parsed = parse(changed("tab5557_data.json", turned_round), dataset="scb_population_ckm")
        found = dict(zip(parsed.rows["region_code"], parsed.rows["population_count"], strict=True))
        assert found == {"00": 10600000, "03": 410000, "0330": 20500, "0360": 21000}
        assert parsed.years == (2025,)
        assert parsed.published_date == date(2026, 2, 24)
        assert any("Cell Key Method" in note for note in parsed.notes)
        assert parsed.rejects.empty

    def test_several_answers_are_one_table(self):
        later = changed("tab638_data.json", lambda document: relabel_years(document, 2004))
        parsed = parse(body("tab638_data.json"), later)
        assert parsed.years == tuple(range(2000, 2008))
        assert parsed.rows["sheet_row"].is_unique
        assert parsed.rows_read == 40

    def test_a_cell_that_comes_twice_is_refused(self):
        with pytest.raises(SourceFormatError, match=r"Region 00, Tid 2000 \(cell 0\)") as caught:
            parse(body("tab638_data.json"), body("tab638_data.json"))
        assert caught.value.rule == "key_twice"

    def test_answers_of_different_days_are_refused(self):
        def change(document):
            relabel_years(document, 2004)
            document["updated"] = "2025-03-01T07:00:00Z"

        with pytest.raises(SourceFormatError, match="fetch again") as caught:
            parse(body("tab638_data.json"), changed("tab638_data.json", change))
        assert caught.value.rule == "changed_while_reading"

    def test_the_date_is_the_swedish_one(self):
        parsed = parse(changed("tab638_data.json", lambda d: d.update(updated="2025-02-21T23:30:00Z")))
        assert parsed.published_date == date(2025, 2, 22)

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            (
                lambda d: d["dimension"]["ContentsCode"]["category"]["unit"]["BE0101N1"].update(
                    base="tusental"
                ),
                "wrong_unit",
            ),
            (lambda d: rename(d, "Tid", "Period"), "dimension_missing"),
            (lambda d: rename(d, "Region", "Lan"), "dimension_missing"),
            (lambda d: rename_code(d, "Tid", "2000", "2000M01"), "not_a_year"),
            (lambda d: add_dimension(d, "Kon", ["1"]), "not_a_total"),
            (lambda d: d["value"].pop(), "value_count"),
            (lambda d: empty(d), "empty"),
        ],
        ids=["unit", "no time", "no region", "months", "extra column", "cut", "empty"],
    )
    def test_another_layout_is_refused_by_name(self, change, rule):
        with pytest.raises(SourceFormatError, match="What to do") as caught:
            parse(changed("tab638_data.json", change))
        assert caught.value.rule == rule

    def test_an_error_page_and_nothing_at_all_are_refused(self):
        with pytest.raises(SourceFormatError, match="<html>"):
            parse(b"<html><body>Tekniskt fel</body></html>")
        with pytest.raises(SourceFormatError, match="no answer"):
            parse()

    def test_one_sex_alone_is_not_the_population(self):
        one_sex = changed("tab5557_data.json", lambda d: rename_code(d, "Kon", "TotSa", "1"))
        with pytest.raises(SourceFormatError, match="Kon is not at its total but at 1") as caught:
            parse(one_sex, dataset="scb_population_ckm")
        assert caught.value.rule == "not_a_total"


def relabel_years(document, first):
    codes = [str(first + place) for place in range(4)]
    document["dimension"]["Tid"]["category"] = {"index": codes}


def rename(document, old, new):
    document["id"] = [new if name == old else name for name in document["id"]]
    document["dimension"][new] = document["dimension"].pop(old)


def rename_code(document, name, old, new):
    category = document["dimension"][name]["category"]
    category["index"] = [new if code == old else code for code in category["index"]]


def relabel(document, name, old, new, label):
    category = document["dimension"][name]["category"]
    category["label"] = {new if code == old else code: text for code, text in category["label"].items()}
    category["label"][new] = label
    rename_code(document, name, old, new)


def turned_round(document):
    """Another order of dimensions, lists for objects, values as a sparse object, a byte order mark."""
    for dimension in document["dimension"].values():
        dimension["category"]["index"] = list(dimension["category"]["index"])
    document["id"].reverse()
    document["size"].reverse()
    document["value"] = {str(place): value for place, value in enumerate(document["value"])}


def add_dimension(document, name, codes):
    document["id"].append(name)
    document["size"].append(len(codes))
    document["dimension"][name] = {"category": {"index": codes}}


def empty(document):
    document["dimension"]["Tid"]["category"] = {"index": []}
    document["size"][document["id"].index("Tid")] = 0
    document["value"] = []
    document.pop("status")


class TestBuildSelection:
    def test_what_may_be_left_out_is_left_out(self):
        selection = build_selection(parse_metadata(body("tab638_metadata.json")), TABLE, SOURCE.id)
        assert selection == {
            "Region": ("00", "03", "0330", "0360"),
            "ContentsCode": ("BE0101N1",),
            "Tid": ("2000", "2001", "2002", "2003"),
        }

    def test_totals_that_must_be_named_are_named_as_the_table_writes_them(self):
        selection = build_selection(parse_metadata(body("tab5557_metadata.json")), CKM_TABLE, SOURCE.id)
        assert selection["Alder"] == ("TotSA",)
        assert selection["Civilstand"] == ("SC",)
        assert selection["Kon"] == ("TotSa",)
        assert selection["ContentsCode"] == ("000007ME",)

    @pytest.mark.parametrize(
        ("name", "table", "change", "rule"),
        [
            (
                "tab638_metadata.json",
                TABLE,
                lambda d: d["dimension"]["Kon"]["extension"].update(elimination=False),
                "total_missing",
            ),
            (
                "tab638_metadata.json",
                TABLE,
                lambda d: relabel(d, "ContentsCode", "BE0101N1", "BE0101N9", "Medelfolkmängd"),
                "measure_missing",
            ),
            (
                "tab638_metadata.json",
                TABLE,
                lambda d: d["dimension"]["Region"]["category"].update(
                    index=["0", "3", "330", "360", "1"], label={}
                ),
                "regions_unknown",
            ),
            (
                "tab5557_metadata.json",
                CKM_TABLE,
                lambda d: d["dimension"]["Alder"]["category"].update(
                    index=["0", "1", "2", "3", "tot16", "16+"], label={"tot16": "totalt 16-74 år"}
                ),
                "total_missing",
            ),
            ("tab638_metadata.json", TABLE, lambda d: rename(d, "Region", "Lan"), "dimension_missing"),
        ],
    )
    def test_a_table_that_cannot_be_asked_is_refused_by_name(self, name, table, change, rule):
        with pytest.raises(SourceFormatError) as caught:
            build_selection(parse_metadata(changed(name, change)), table, SOURCE.id)
        assert caught.value.rule == rule

    def test_the_publishers_own_total_is_taken_where_the_catalogues_is_not_there(self):
        metadata = parse_metadata(
            changed(
                "tab5557_metadata.json",
                lambda d: (
                    rename_code(d, "Kon", "TotSa", "1+2"),
                    d["dimension"]["Kon"]["extension"].update(eliminationValueCode="1+2"),
                ),
            )
        )
        assert build_selection(metadata, CKM_TABLE, SOURCE.id)["Kon"] == ("1+2",)

    def test_of_several_measures_the_one_called_population_is_taken(self):
        def change(document):
            category = document["dimension"]["ContentsCode"]["category"]
            category["index"] = ["000007MG", "0000XXXY"]
            category["label"] = {"000007MG": "Folkökning", "0000XXXY": "Folkmängd"}

        metadata = parse_metadata(changed("tab5557_metadata.json", change))
        assert build_selection(metadata, CKM_TABLE, SOURCE.id)["ContentsCode"] == ("0000XXXY",)


SOME_MISSING = "01, 0114, 0115, 0117, 0120, 0123, 0125, 0126, 0127, 0128 and 298 more"
CONFIG = {"maxDataCells": 150000, "maxCallsPerTimeWindow": 30, "timeWindow": 10, "license": "CC0"}
SUCCESSOR = {
    "id": "TAB5557",
    "label": "Folkmängd efter region, civilstånd, ålder, kön och år",
    "firstPeriod": "2025",
    "lastPeriod": "2025",
    "timeUnit": "Annual",
    "variableNames": ["region", "civilstånd", "ålder", "kön", "tabellinnehåll", "år"],
}
OTHERS = [
    {**SUCCESSOR, "id": "TAB638", "firstPeriod": "1968", "lastPeriod": "2024"},
    {**SUCCESSOR, "id": "TAB6471", "timeUnit": "Monthly"},
    {**SUCCESSOR, "id": "TAB9", "variableNames": ["region", "kön"]},
    {**SUCCESSOR, "id": "TAB10", "label": "Folkmängden efter födelseland"},
]


@pytest.fixture
def service(httpserver: HTTPServer):
    httpserver.expect_request("/api/v2/config").respond_with_json(CONFIG)
    with http.open_session(SOURCE, httpserver.url_for("/api/v2"), sleep=lambda _: None) as session:
        yield httpserver, session


def list_tables(server: HTTPServer, tables: list[dict[str, Any]]) -> None:
    document = {"tables": tables, "page": {"totalPages": 1}}
    server.expect_request("/api/v2/tables").respond_with_json(document)


def posted(server: HTTPServer) -> list[dict[str, Any]]:
    """The selection of the last question."""
    selection: list[dict[str, Any]] = server.log[-1][0].get_json()["selection"]
    return selection


def serve(server: HTTPServer, table_id: str, metadata: bytes, data: bytes) -> None:
    server.expect_request(f"/api/v2/tables/{table_id}/metadata").respond_with_data(metadata)
    server.expect_request(f"/api/v2/tables/{table_id}/data", method="POST").respond_with_data(data)


class TestFetch:
    def test_limits_then_metadata_then_data(self, service):
        server, session = service
        serve(server, "TAB638", body("tab638_metadata.json"), body("tab638_data.json"))
        fetched = scb_population.fetch(session, session.base_url + "/", "scb_population", None, as_of=AS_OF)
        assert [request.path for request, _ in server.log] == [
            "/api/v2/config",
            "/api/v2/tables/TAB638/metadata",
            "/api/v2/tables/TAB638/data",
        ]
        assert fetched.parts == (body("tab638_data.json"),)
        assert (fetched.source, fetched.dataset, fetched.substance) == (
            "scb_population",
            "scb_population",
            None,
        )
        assert fetched.http["table_id"] == "TAB638"
        assert fetched.http["cells"] == 16
        assert fetched.known_from is None
        assert session.throttle.windows == ((3, 1.0), (30, 10.0))

    def test_the_successor_is_asked_for_by_its_id_and_at_its_totals(self, service):
        server, session = service
        serve(server, "TAB5557", body("tab5557_metadata.json"), body("tab5557_data.json"))
        fetched = scb_population.fetch(session, session.base_url, "scb_population_ckm", None, as_of=AS_OF)
        assert fetched.http["table_id"] == "TAB5557"
        assert fetched.http["notes"] == ["the table lacks 308 of the 312 regions: " + SOME_MISSING]
        assert len(scb_population.parse(fetched.parts, fetched.dataset, None).rows) == 4
        question = {entry["variableCode"]: entry["valueCodes"] for entry in posted(server)}
        assert {name: question[name] for name in ("Alder", "Civilstand", "Kon")} == {
            "Alder": ["TotSA"],
            "Civilstand": ["SC"],
            "Kon": ["TotSa"],
        }

    def test_a_successor_under_another_id_is_found_by_its_title_among_others(self, service):
        server, session = service
        gone(server, "TAB5557")
        list_tables(server, [*OTHERS, {**SUCCESSOR, "id": "TAB9999"}])
        serve(server, "TAB9999", body("tab5557_metadata.json"), body("tab5557_data.json"))
        fetched = scb_population.fetch(session, session.base_url, "scb_population_ckm", None, as_of=AS_OF)
        assert fetched.http["table_id"] == "TAB9999"
        assert fetched.http["notes"][0] == (
            "none of the tables TAB5557 is there; TAB9999 was found by its title"
        )

    def test_before_its_first_day_the_successor_is_not_yet_published(self, service):
        server, session = service
        gone(server, "TAB5557")
        list_tables(server, OTHERS)
        with pytest.raises(NotYetPublished, match="2026-02-22"):
            scb_population.fetch(
                session, session.base_url, "scb_population_ckm", None, as_of=date(2026, 2, 28)
            )

    @pytest.mark.parametrize(
        ("tables", "found"),
        [(OTHERS, "finds 0 tables"), ([SUCCESSOR, {**SUCCESSOR, "id": "TABYYYY"}], "TABYYYY")],
    )
    def test_after_it_a_table_that_cannot_be_told_is_a_failure(self, service, tables, found):
        server, session = service
        gone(server, "TAB5557")
        list_tables(server, tables)
        with pytest.raises(FetchError, match=found) as caught:
            scb_population.fetch(session, session.base_url, "scb_population_ckm", None, as_of=AS_OF)
        assert not isinstance(caught.value, NotYetPublished)
        assert "table_ids of scb_population_ckm in the catalogue" in str(caught.value)

    def test_a_table_without_a_year_is_not_yet_published(self, service):
        server, session = service
        metadata = changed("tab638_metadata.json", no_years)
        serve(server, "TAB638", metadata, b"")
        with pytest.raises(NotYetPublished, match="no year yet"):
            scb_population.fetch(session, session.base_url, "scb_population", None, as_of=AS_OF)

    def test_a_table_that_has_gone_is_a_failure_that_says_where_to_look(self, service):
        server, session = service
        gone(server, "TAB638")
        list_tables(server, [])
        with pytest.raises(FetchError, match="finds 0 tables that could be scb_population:") as caught:
            scb_population.fetch(session, session.base_url, "scb_population", None, as_of=AS_OF)
        assert not isinstance(caught.value, NotYetPublished)
        assert "/api/v2/tables" in str(caught.value)

    def test_regions_that_are_none_of_the_312_are_not_asked_for(self, service):
        server, session = service
        serve(server, "TAB638", body("tab638_metadata.json"), body("tab638_data.json"))
        fetched = scb_population.fetch(session, session.base_url, "scb_population", None, as_of=AS_OF)
        assert fetched.http["unknown_codes"] == {"Region": ["1917"]}
        assert "unknown codes of Region were not requested: 1917" in fetched.http["notes"]

    @pytest.mark.parametrize("path", ["config", "tables/TAB638/metadata"])
    def test_an_error_page_before_any_figure_is_a_failed_fetch(self, httpserver, path):
        httpserver.expect_request(f"/api/v2/{path}").respond_with_data("<html>Tekniskt fel</html>")
        httpserver.expect_request("/api/v2/config").respond_with_json(CONFIG)
        with (
            http.open_session(SOURCE, httpserver.url_for("/api/v2"), sleep=lambda _: None) as session,
            pytest.raises(FetchError, match=r"no figures of scb_population came.*<html>Tekniskt fel"),
        ):
            scb_population.fetch(session, session.base_url, "scb_population", None, as_of=AS_OF)

    def test_server_trouble_is_not_taken_for_a_missing_table(self, service):
        server, session = service
        server.expect_request("/api/v2/tables/TAB638/metadata").respond_with_data(status=403)
        with pytest.raises(http.StatusError, match="HTTP 403"):
            scb_population.fetch(session, session.base_url, "scb_population", None, as_of=AS_OF)

    @pytest.mark.parametrize(("dataset", "substance"), [("smhi_emissions", None), ("scb_population", "ghg")])
    def test_what_is_no_population_is_refused(self, service, dataset, substance):
        _, session = service
        with pytest.raises(FetchError, match="neither"):
            scb_population.fetch(session, session.base_url, dataset, substance, as_of=AS_OF)


def no_years(document):
    document["dimension"]["Tid"]["category"] = {"index": []}
    document["size"][document["id"].index("Tid")] = 0
