import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from support.pipeline_run import unthrottled
from werkzeug import Request, Response

from klimatpuls.contract import catalog
from klimatpuls.contract.releases import content_sha256
from klimatpuls.domain.kolada_kpis import emission_totals, kpis
from klimatpuls.domain.sectors import ALL, main_codes
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.fetch import http
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.sources import kolada
from klimatpuls.sources.kolada import client

FIXTURES = Path(__file__).parents[2] / "fixtures" / "kolada"
SOURCE = unthrottled(catalog.SOURCES["kolada"])
PAGES = ("kpi.json", "data_page1.json", "data_page2.json")
Change = Callable[[dict[str, Any]], None]


def document(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / name).read_bytes())


def head(retrieved: str = "2026-07-01", pages: int = len(PAGES)) -> bytes:
    return json.dumps({**document("retrieved.json"), "retrieved": retrieved, "pages": pages}).encode()


def parts_of(pages: tuple[str, ...] = PAGES, **changes: Change) -> list[bytes]:
    parts = []
    for name in pages:
        page = document(name)
        changes.get(name.removesuffix(".json"), lambda _: None)(page)
        parts.append(json.dumps(page, ensure_ascii=False).encode())
    return parts


def parse(dataset: str = "kolada", pages: tuple[str, ...] = PAGES, **changes: Change):
    parts = parts_of(pages, **changes)
    return kolada.parse([head(pages=len(parts)), *parts], dataset, None)


def entry(at: int, **fields: Any) -> Change:
    return lambda page: page["values"][at].update(fields)


def value(at: int, **fields: Any) -> Change:
    return lambda page: page["values"][at]["values"][0].update(fields)


def definition(at: int, **fields: Any) -> dict[str, Change]:
    return {"kpi": entry(at, **fields)}


def first(change: Change) -> dict[str, Change]:
    return {"data_page1": change}


def renamed(*, kpi: str) -> Change:
    def change(page: dict[str, Any]) -> None:
        for one in page["values"]:
            one["kpi"] = kpi

    return change


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

    def test_a_release_is_dated_by_its_retrieval_and_not_by_the_next_publication(self):
        for dataset, pages in (("kolada", PAGES), ("kolada_kpi", PAGES[:1])):
            parsed = parse(dataset, pages)
            assert parsed.published_date == date(2026, 7, 1)
            assert parsed.notes == ("Kolada expects to publish next on 2027-06-30",)

    def test_the_same_figures_on_another_day_are_the_same_content(self):
        def content(day: str, **changes: Change) -> str:
            return content_sha256(kolada.parse([head(day), *parts_of(**changes)], "kolada", None))

        assert content("2026-07-01") == content("2026-07-08")
        assert content("2026-07-01") != content("2026-07-01", data_page1=value(0, value=1.5))

    def test_content_that_came_back_after_other_content_is_told_by_its_day(self):
        before, after = (kolada.parse([head(day), *parts_of()], "kolada", None) for day in
                         ("2026-07-01", "2026-07-08"))  # fmt: skip
        assert content_sha256(after, came_back=True) not in (
            content_sha256(before), content_sha256(before, came_back=True),
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("dataset", "pages", "day"),
        [("kolada", PAGES, date(2025, 4, 4)), ("kolada_kpi", PAGES[:1], date(2025, 4, 4))],
    )
    def test_an_answer_kept_without_its_day_is_dated_before_every_later_one(self, dataset, pages, day):
        parsed = kolada.parse(parts_of(pages), dataset, None)
        assert parsed.published_date == day
        assert any("kept without the day" in note for note in parsed.notes)

    def test_definitions_are_kept_in_the_publishers_words(self):
        parsed = parse("kolada_kpi", PAGES[:1])
        assert set(parsed.rows["indicator_code"]) == set(kpis())
        assert parsed.rows.iloc[0]["title"] == "Påhittad rubrik N07702"
        assert parsed.rows.iloc[0]["publication_date"] == date(2027, 6, 30)

    @pytest.mark.parametrize("gone", ["data_page1.json", "data_page2.json"])
    @pytest.mark.parametrize("has_head", [True, False])
    def test_a_page_that_never_came_is_noticed(self, gone, has_head):
        parts = parts_of(tuple(name for name in PAGES if name != gone))
        with pytest.raises(SourceFormatError, match="a page never came") as caught:
            kolada.parse([head(), *parts] if has_head else parts, "kolada", None)
        assert caught.value.rule == "page_missing"

    @pytest.mark.parametrize(
        ("changes", "note"),
        [
            pytest.param(
                {"kpi": lambda page: page["values"].pop()},
                "key figures that Kolada no longer has: N01951; all others were read",
                id="a key figure is gone",
            ),
            pytest.param(
                {"kpi": lambda page: page["values"].append({"id": "N99999", "title": "x"})},
                "key figure N99999 was not requested and was left out (1 times)",
                id="a definition nobody asked for",
            ),
            pytest.param(
                first(entry(0, kpi="N99999")),
                "key figure N99999 was not requested and was left out (1 times)",
                id="a value nobody asked for",
            ),
            pytest.param(
                definition(0, publication_date="/Date(1780000000000)/"),
                "publication_date '/Date(1780000000000)/' is no day and was left out (1 times)",
                id="publication date in another notation",
            ),
            pytest.param(
                definition(0, publication_date="0001-01-01T00:00:00Z"),
                "publication_date '0001-01-01T00:00:00Z' is no day and was left out (1 times)",
                id="publication date of year one",
            ),
            pytest.param(
                {"data_page2": value(3, status="")},
                "no value and no status: left out (1 times)",
                id="null without a status",
            ),
            pytest.param(
                first(value(0, status="Preliminär")),
                "the status 'Preliminär' was not known; its values were taken (1 times)",
                id="a status nobody knows",
            ),
            pytest.param(
                first(value(0, value="1000,5")),
                "a value written as text was read as a number (1 times)",
                id="number as text",
            ),
            pytest.param(
                first(value(0, count=3)),
                "a value of one area was taken although it is marked as a mean of several (1 times)",
                id="count above one",
            ),
            pytest.param(
                first(entry(1, municipality="1917")),
                "1917 is a former municipality code and was left out (1 times)",
                id="former municipality code",
            ),
            pytest.param(
                first(entry(1, municipality="X12")),
                "area X12 is no municipality, county or nation and was left out (1 times)",
                id="another kind of area",
            ),
        ],
    )
    def test_what_is_met_is_read_and_said(self, changes, note):
        parsed = parse(**changes)
        assert note in " / ".join(parsed.notes)
        assert all(reason.startswith("expected: ") for reason in parsed.rejects["reason"])
        assert "0360" in set(parsed.rows["region_code"])
        assert parsed.rows_read == len(parsed.rows) + len(parsed.rejects)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(first(entry(0, period="2023")), id="period as text"),
            pytest.param(first(entry(0, period=2023.0)), id="period as decimal"),
            pytest.param(first(value(0, gender="t")), id="gender in lower case"),
            pytest.param({"data_page2": value(4, isdeleted="true")}, id="isdeleted as text"),
            pytest.param({"data_page2": value(4, isdeleted=1)}, id="isdeleted as number"),
            pytest.param(first(lambda page: page.update(next_url="?page=2")), id="relative next page"),
            pytest.param(
                first(lambda page: page.update(next_url="http://api.kolada.se/v3/x?page=2")),
                id="next page over http",
            ),
            pytest.param({"data_page2": lambda page: page.pop("previous_url")}, id="no previous page named"),
            pytest.param({"data_page2": lambda page: page.pop("count")}, id="no count"),
            pytest.param(first(value(0, note="ny uppgift")), id="a field more"),
            pytest.param({"kpi": lambda page: page.update(next_url="")}, id="next page is an empty text"),
            pytest.param(definition(0, publication_date="2027-06-30T08:00:00"), id="a day with a time"),
        ],
    )
    def test_another_notation_is_read_as_the_same(self, change):
        changed, plain = parse(**change), parse()
        assert changed.rows.equals(plain.rows)
        assert changed.notes == plain.notes

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            (first(entry(0, values=None)), "no list of values"),
            (first(entry(0, values=[None])), "no list of values"),
            (first(value(0, gender=None)), "a value that does not say whose it is (gender is missing)"),
            (
                first(lambda page: page["values"][0]["values"][0].pop("gender")),
                "a value that does not say whose it is (gender is missing)",
            ),
            (first(value(0, value=float("nan"))), "not a number"),
            (first(value(0, value=float("inf"))), "not a number"),
            (first(value(0, value=10**400)), "not a number"),
            (first(value(0, value=True)), "not a number"),
            (first(value(0, value="-")), "not a number"),
            (first(value(0, value=-0.5)), "a negative number"),
            (first(entry(0, period="2023M01")), "the period '2023M01' is no year"),
            (first(entry(0, period=None)), "the period 'None' is no year"),
            (definition(0, title=None), "a key figure without a title"),
        ],
    )
    def test_a_value_that_is_none_is_a_finding_and_loses_only_itself(self, changes, reason):
        parsed = parse("kolada_kpi" if "kpi" in changes else "kolada", **changes)
        found = [one for one in parsed.rejects["reason"] if not one.startswith("expected: ")]
        assert found == [reason]
        assert len(parsed.rows) == (26 if "kpi" in changes else 4)

    @pytest.mark.parametrize(
        ("changes", "rule", "words"),
        [
            ({"kpi": lambda page: page["values"].clear()}, "kpis", "none of the 27 key figures"),
            (
                {"kpi": lambda page: page["values"].append(page["values"][0])},
                "key_twice",
                "key figures that come twice: N07702",
            ),
            (
                {"data_page2": lambda page: page["values"][0].update(municipality="0999")},
                "unknown_codes",
                "area 0999",
            ),
            ({"data_page2": lambda page: page["values"].append(page["values"][0])}, "key_twice", "N07702"),
            ({"data_page2": lambda page: page["values"][0].pop("kpi")}, "fields", "lacks kpi"),
            ({"data_page2": lambda page: page["values"].append("x")}, "page_shape", "no object"),
            ({"kpi": lambda page: page.update(next_page="x")}, "old_interface", "version 2"),
            ({"kpi": lambda page: page.pop("values")}, "page_shape", "page with values"),
            (
                {"data_page1": renamed(kpi="N99999"), "data_page2": renamed(kpi="N99999")},
                "empty",
                "none of 10 values",
            ),
        ],
    )
    def test_an_answer_that_would_make_a_figure_wrong_is_refused(self, changes, rule, words):
        with pytest.raises(SourceFormatError, match=words) as caught:
            parse(**changes)
        assert caught.value.rule == rule

    def test_a_damaged_day_of_retrieval_is_refused(self):
        with pytest.raises(SourceFormatError, match="when the answer was retrieved") as caught:
            kolada.parse([b'{"retrieved": "en dag", "pages": 3}', *parts_of()], "kolada", None)
        assert caught.value.rule == "head"


def test_every_emission_sector_has_a_total_to_check_against():
    assert set(emission_totals()) == {ALL, *main_codes()}


def _archive(folder: Path) -> Path:
    where = folder / "kolada"
    where.mkdir(parents=True)
    kpi = "\n".join(["id,title,publication_date", *(f"{code},Rubrik {code},2027-06-10" for code in kpis())])
    (where / "kpi.csv").write_text(f"{kpi}\n", encoding="utf-8")
    lines = ["published_date,kpi,municipality,period,gender,status,value,isdeleted"]
    lines += [f"2026-06-10,N07702,0360,{year},T,,{year}.5,false" for year in range(1990, 2025)]
    lines += [f"2026-06-10,N01951,0360,{year},T,,{year},false" for year in range(1990, 2025)]
    (where / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def fetch(httpserver: HTTPServer, dataset: str = "kolada_kpi"):
    with http.open_session(SOURCE, httpserver.url_for("/v3"), sleep=lambda _: None) as session:
        return kolada.fetch(session, session.base_url, dataset, None, as_of=date(2026, 7, 1))


def page_of(*entries: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"count": len(entries), "values": list(entries), "previous_url": None, "next_url": None, **fields}


def titled(code: str) -> dict[str, Any]:
    return {"id": code, "title": f"Rubrik {code}", "publication_date": "2027-06-10"}


def batch(at: int) -> str:
    return "/v3/kpi/" + ",".join(list(kpis())[25 * at : 25 * (at + 1)])


class TestFetch:
    def test_every_page_of_every_question_is_followed(self, tmp_path, monkeypatch):
        monkeypatch.setattr("klimatpuls.mock_agencies.agencies.kolada.MAX_PER_PAGE", 7)
        with MockServer(MockAgencies(_archive(tmp_path), date(2026, 7, 1))) as server:
            session = http.open_session(SOURCE, server.url + SOURCE.mock_path, sleep=lambda _: None)
            with session:
                fetched = kolada.fetch(session, session.base_url, "kolada", None, as_of=date(2026, 7, 1))
            asked = [path for _, path, _ in server.log]
        parsed = kolada.parse(fetched.parts, "kolada", None)
        assert len(parsed.rows) == 70
        assert max(len(part.split(",")) for path in asked for part in path.split("/")) == client.MAX_IDS
        assert {status for _, _, status in server.log} == {200}
        assert parsed.published_date == fetched.known_from == date(2026, 6, 10), "as the archive says"

    def test_a_live_answer_is_dated_by_the_run(self, httpserver: HTTPServer):
        codes = list(kpis())
        httpserver.expect_request(batch(0)).respond_with_json(page_of(*map(titled, codes[:25])))
        httpserver.expect_request(batch(1)).respond_with_json(page_of(*map(titled, codes[25:])))
        fetched = fetch(httpserver)
        assert fetched.known_from is None
        assert kolada.parse(fetched.parts, "kolada_kpi", None).published_date == date(2026, 7, 1)

    @pytest.mark.parametrize("form", ["http", "relative", "port"])
    def test_a_next_page_is_asked_for_on_our_own_host_and_scheme(self, httpserver: HTTPServer, form):
        codes = list(kpis())
        said = {
            "http": f"http://localhost{batch(0)}?page=2",
            "relative": "?page=2",
            "port": f"https://localhost:444{batch(0)}?page=2",
        }
        httpserver.expect_request(batch(0), query_string="page=2").respond_with_json(
            page_of(*map(titled, codes[10:25]), previous_url="x")
        )
        httpserver.expect_request(batch(0)).respond_with_json(
            page_of(*map(titled, codes[:10]), next_url=said[form])
        )
        httpserver.expect_request(batch(1)).respond_with_json(page_of(*map(titled, codes[25:])))
        assert len(kolada.parse(fetch(httpserver).parts, "kolada_kpi", None).rows) == len(codes)

    def test_a_next_page_on_another_host_is_not_asked_for(self, httpserver: HTTPServer):
        page = page_of(titled("N07702"), next_url="https://kolada.example.org/v3/kpi?page=2")
        httpserver.expect_request(batch(0)).respond_with_json(page)
        with pytest.raises(FetchError, match=r"another host \(https://kolada\.example\.org.*kolada_default"):
            fetch(httpserver)

    def test_a_next_page_that_is_no_address_fails_with_what_to_do(self, httpserver: HTTPServer):
        page = page_of(titled("N07702"), next_url="http://[::1/v3/kpi?page=2")
        httpserver.expect_request(batch(0)).respond_with_json(page)
        with pytest.raises(FetchError, match=r"no address \('http://\[::1.*What to do: report it"):
            fetch(httpserver)

    def test_an_empty_page_ends_the_chain(self, httpserver: HTTPServer):
        codes = list(kpis())
        full = page_of(*map(titled, codes[:25]), next_url="?page=2")
        for at, entries in ((2, []), (3, [titled("N07702")])):
            page = page_of(*entries, previous_url="x", next_url=f"?page={at + 1}")
            httpserver.expect_request(batch(0), query_string=f"page={at}").respond_with_json(page)
        httpserver.expect_request(batch(0)).respond_with_json(full)
        httpserver.expect_request(batch(1)).respond_with_json(page_of(*map(titled, codes[25:])))
        fetched = fetch(httpserver)
        assert len(fetched.parts) == 4, "the day, the full page, the empty one, the second question"
        assert len(kolada.parse(fetched.parts, "kolada_kpi", None).rows) == len(codes)
        assert len(kolada.parse(fetched.parts[1:], "kolada_kpi", None).rows) == len(codes)

    @pytest.mark.parametrize("status", [400, 404, 422])
    def test_an_id_that_is_refused_loses_only_its_key_figure(self, httpserver: HTTPServer, status):
        def answer(request: Request) -> Response:
            codes = request.path.rpartition("/")[2].split(",")
            if "N00401" in codes:
                return Response("unknown id", status=status)
            return Response(json.dumps(page_of(*map(titled, codes))), content_type="application/json")

        httpserver.expect_request(re.compile("/v3/kpi/.*")).respond_with_handler(answer)
        parsed = kolada.parse(fetch(httpserver).parts, "kolada_kpi", None)
        assert set(kpis()) - set(parsed.rows["indicator_code"]) == {"N00401"}
        (loss,) = parsed.losses
        assert "no longer has: N00401" in loss
        assert "What to do" in loss
        assert loss in parsed.notes

    def test_a_look_reads_definitions_only_and_sees_a_new_title(self, tmp_path):
        archive = _archive(tmp_path)
        with MockServer(MockAgencies(archive, date(2026, 7, 1))) as server:
            with http.open_session(SOURCE, server.url + SOURCE.mock_path) as session:

                def poll() -> Any:
                    return kolada.poll(
                        session, session.base_url, "kolada", None, as_of=date(2026, 7, 1), validators={}
                    )

                before, again = poll(), poll()
                titles = (archive / "kolada" / "kpi.csv").read_text(encoding="utf-8")
                changed = titles.replace("Rubrik N00401", "Ny rubrik N00401")
                (archive / "kolada" / "kpi.csv").write_text(changed, encoding="utf-8")
                after = poll()
            assert not any("/data/" in path for _, path, _ in server.log)
        assert before.fingerprint == again.fingerprint != after.fingerprint
        assert before.detail == "27 key figures, next publication expected 2027-06-10"

    def test_pages_that_never_end_are_refused(self, httpserver: HTTPServer):
        page = page_of(titled("N07702"), next_url=httpserver.url_for("/v3/again"))
        httpserver.expect_request("/v3/again").respond_with_json(page)
        httpserver.expect_request(batch(0)).respond_with_json(page)
        with pytest.raises(FetchError, match="the pages never end"):
            fetch(httpserver)

    def test_an_html_page_with_status_200_is_no_figure(self, httpserver: HTTPServer):
        httpserver.expect_request(batch(0)).respond_with_data("<html>Tekniskt fel</html>")
        with pytest.raises(FetchError, match=r"no figures of kolada_kpi came.*<html>Tekniskt fel"):
            fetch(httpserver)

    def test_that_no_key_figure_is_there_is_a_failed_fetch(self, httpserver: HTTPServer):
        httpserver.expect_request(re.compile("/v3/kpi/.*")).respond_with_data("nothing here", status=404)
        with pytest.raises(FetchError, match="Kolada knows none of the 27 key figures"):
            fetch(httpserver)


def checked(base_url: str) -> list[Any]:
    with http.open_session(SOURCE, base_url, sleep=lambda _: None) as session:
        return list(kolada.check(session, session.base_url, as_of=date(2026, 7, 1)))


class TestCheck:
    def test_every_assumption_holds_at_the_mock_agency(self, tmp_path):
        with MockServer(MockAgencies(_archive(tmp_path), date(2026, 7, 1))) as server:
            found = checked(server.url + SOURCE.mock_path)
        assert [one.verdict for one in found] == ["holds"] * 5
        assert not any(one.action for one in found)

    def test_an_agency_that_answers_otherwise_is_told_and_nothing_is_raised(self, httpserver: HTTPServer):
        httpserver.expect_request(batch(0)).respond_with_json(
            page_of({**titled("N07702"), "publication_date": "2026-06-10"})
        )
        values = [{"gender": None, "count": 1, "status": "", "value": 1.0, "isdeleted": False}]
        httpserver.expect_request("/v3/data/kpi/N07702/municipality/0000,0003,0360/year/2022,2023,2024,2025")\
            .respond_with_json(page_of(
                {"kpi": "N07702", "municipality": "0000", "period": 2023, "values": values},
                next_url="https://kolada.example.org/v3/data?page=2",
            ))  # fmt: skip
        found = checked(httpserver.url_for("/v3"))
        assert [one.verdict for one in found] == ["differs", "differs", "holds", "fails", "fails"]
        assert "another host" in found[-1].answer
        assert all(one.action for one in found if one.verdict != "holds")

    def test_an_agency_that_is_down_fails_every_question(self, httpserver: HTTPServer):
        httpserver.expect_request("/v3").respond_with_data("", status=404)
        found = checked(httpserver.url_for("/v3"))
        assert [one.verdict for one in found] == ["fails", "fails"]
        assert all("HTTP" in one.answer for one in found)
