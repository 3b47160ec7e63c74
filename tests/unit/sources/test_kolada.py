import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from chain import unthrottled
from pytest_httpserver import HTTPServer

from klimatpuls import catalog, http
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.kolada_kpis import emission_totals, kpis
from klimatpuls.replica.server import Replica, ReplicaServer
from klimatpuls.sectors import ALL, main_codes
from klimatpuls.sources import kolada

FIXTURES = Path(__file__).parents[2] / "fixtures" / "kolada"
SOURCE = unthrottled(catalog.SOURCES["kolada"])
PAGES = ("kpi.json", "data_page1.json", "data_page2.json")
Change = Callable[[dict[str, Any]], None]


def document(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / name).read_bytes())


def parse(dataset: str = "kolada", pages: tuple[str, ...] = PAGES, **changes: Change):
    parts = []
    for name in pages:
        page = document(name)
        changes.get(name.removesuffix(".json"), lambda _: None)(page)
        parts.append(json.dumps(page, ensure_ascii=False).encode())
    return kolada.parse(parts, dataset, None)


class TestParse:
    def test_nation_county_and_municipality_get_our_codes(self):
        rows = parse().rows
        assert rows[["indicator_code", "region_code", "year", "indicator_value"]].values.tolist() == [
            ["N07702", "00", 2023, 1000.5],
            ["N07702", "03", 2023, 400.0],
            ["N07702", "0360", 2023, 131.25],
            ["N07702", "0360", 2024, 146.0],
            ["N01951", "0360", 2024, 21000.0],
        ]

    def test_what_is_no_figure_is_left_out_and_no_row_is_lost(self):
        parsed = parse()
        reasons = [reason.removeprefix("expected: ") for reason in parsed.rejects["reason"]]
        assert reasons == [
            "by sex", "by sex", "a group of municipalities", "no value, status Missing",
            "deleted by the publisher",
        ]  # fmt: skip
        assert parsed.rows_read == 10 == len(parsed.rows) + len(parsed.rejects)
        assert parsed.published_date == date(2026, 6, 30)

    def test_definitions_are_kept_in_the_publishers_words(self):
        parsed = parse("kolada_kpi", PAGES[:1])
        assert set(parsed.rows["indicator_code"]) == set(kpis())
        assert parsed.rows.iloc[0]["title"] == "Påhittad rubrik N07702"

    def test_a_value_without_status_is_a_finding(self):
        def silent(page: dict[str, Any]) -> None:
            page["values"][3]["values"][0]["status"] = ""

        assert "no value and no status" in parse(data_page2=silent).rejects["reason"].tolist()

    @pytest.mark.parametrize("gone", ["data_page1.json", "data_page2.json"])
    def test_a_page_that_never_came_is_noticed(self, gone):
        with pytest.raises(SourceFormatError, match="a page never came") as caught:
            parse(pages=tuple(name for name in PAGES if name != gone))
        assert caught.value.rule == "page_missing"

    @pytest.mark.parametrize(
        ("changes", "rule", "words"),
        [
            ({"kpi": lambda page: page["values"].pop()}, "kpis", "missing: \\['N01951'\\]"),
            (
                {"data_page2": lambda page: page["values"][0].update(municipality="0999")},
                "unknown_codes",
                "area 0999",
            ),
            ({"data_page2": lambda page: page["values"][0].update(kpi="N99999")}, "unknown_codes", "N99999"),
            ({"data_page2": lambda page: page["values"].append(page["values"][0])}, "key_twice", "N07702"),
            ({"kpi": lambda page: page.update(next_page="x")}, "old_interface", "version 2"),
            ({"kpi": lambda page: page.pop("values")}, "page_shape", "page with values"),
            (
                {"kpi": lambda page: [entry.update(publication_date=None) for entry in page["values"]]},
                "no_publication_date",
                "published",
            ),
        ],
    )
    def test_an_answer_in_another_shape_is_refused(self, changes, rule, words):
        with pytest.raises(SourceFormatError, match=words) as caught:
            parse(**changes)
        assert caught.value.rule == rule


def test_every_emission_sector_has_a_total_to_check_against():
    assert set(emission_totals()) == {ALL, *main_codes()}


def _archive(folder: Path) -> Path:
    where = folder / "kolada"
    where.mkdir(parents=True)
    kpi = "\n".join(["id,title,publication_date", *(f"{code},Rubrik {code},2026-06-10" for code in kpis())])
    (where / "kpi.csv").write_text(f"{kpi}\n", encoding="utf-8")
    lines = ["published_date,kpi,municipality,period,gender,status,value,isdeleted"]
    lines += [f"2026-06-10,N07702,0360,{year},T,,{year}.5,false" for year in range(1990, 2025)]
    lines += [f"2026-06-10,N01951,0360,{year},T,,{year},false" for year in range(1990, 2025)]
    (where / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


class TestFetch:
    def test_every_page_of_every_question_is_followed(self, tmp_path, monkeypatch):
        monkeypatch.setattr("klimatpuls.replica.agencies.kolada.MAX_PER_PAGE", 7)
        with ReplicaServer(Replica(_archive(tmp_path), date(2026, 7, 1))) as server:
            session = http.open_session(SOURCE, server.url + SOURCE.replica_path, sleep=lambda _: None)
            with session:
                fetched = kolada.fetch(session, session.base_url, "kolada", None, as_of=date(2026, 7, 1))
            asked = [path for _, path, _ in server.log]
        assert len(kolada.parse(fetched.parts, "kolada", None).rows) == 70
        assert max(len(part.split(",")) for path in asked for part in path.split("/")) == kolada.MAX_IDS
        assert {status for _, _, status in server.log} == {200}

    def test_a_look_reads_definitions_only_and_sees_a_new_title(self, tmp_path):
        archive = _archive(tmp_path)
        with ReplicaServer(Replica(archive, date(2026, 7, 1))) as server:
            with http.open_session(SOURCE, server.url + SOURCE.replica_path) as session:

                def look() -> str | None:
                    return kolada.look(
                        session, session.base_url, "kolada", None, as_of=date(2026, 7, 1), validators={}
                    ).fingerprint

                before, again = look(), look()
                titles = (archive / "kolada" / "kpi.csv").read_text(encoding="utf-8")
                changed = titles.replace("Rubrik N00401", "Ny rubrik N00401")
                (archive / "kolada" / "kpi.csv").write_text(changed, encoding="utf-8")
                after = look()
            assert not any("/data/" in path for _, path, _ in server.log)
        assert before == again != after

    def test_pages_that_never_end_are_refused(self, httpserver: HTTPServer):
        page = {"count": 0, "values": [], "previous_url": None, "next_url": httpserver.url_for("/v3/again")}
        httpserver.expect_request("/v3/again").respond_with_json(page)
        httpserver.expect_request("/v3/kpi/" + ",".join(list(kpis())[:25])).respond_with_json(page)
        with (
            http.open_session(SOURCE, httpserver.url_for("/v3"), sleep=lambda _: None) as session,
            pytest.raises(FetchError, match="the pages never end"),
        ):
            kolada.fetch(session, session.base_url, "kolada_kpi", None, as_of=date(2026, 7, 1))

    def test_an_html_page_with_status_200_is_no_figure(self, httpserver: HTTPServer):
        path = "/v3/kpi/" + ",".join(list(kpis())[:25])
        httpserver.expect_request(path).respond_with_data("<html>Tekniskt fel</html>")
        with (
            http.open_session(SOURCE, httpserver.url_for("/v3"), sleep=lambda _: None) as session,
            pytest.raises(FetchError, match=r"no figures of kolada_kpi came.*<html>Tekniskt fel"),
        ):
            kolada.fetch(session, session.base_url, "kolada_kpi", None, as_of=date(2026, 7, 1))
