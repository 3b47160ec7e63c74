import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import requests
from support.agency_faults import Faults

from klimatpuls.contract import catalog
from klimatpuls.domain.regions import regions
from klimatpuls.errors import FetchError, NotYetPublished, SourceFormatError, UsageError
from klimatpuls.fetch import http
from klimatpuls.fetch.pxweb.client import PxWebClient, parse_cube
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.mock_agencies.wire import CallWindow
from klimatpuls.sources import scb_population

SCB = catalog.SOURCES["scb_population"]
UNHURRIED_SCB = replace(SCB, calls_per_window=())
SMHI = catalog.SOURCES["smhi_emissions"]
YEARS = (2000, 2001, 2002, 2023, 2024, 2025)
GGT = "/smhi/api/getexcelfile/?county=0&municipality=0&sub=GGT"


def emission_workbook(substance: str, published: date) -> bytes:
    rows = workbook.preamble(substance, published, (1990, 2022))
    rows.append(["Alla", "Alla", "Alla", "Alla", 10.0, 9.0])
    return workbook.build_workbook(rows, sheet_name="blad")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two GGT workbooks, one of CO2, population of six years; one figure is missing."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "smhi").mkdir()
    (folder / "scb").mkdir()
    for name, substance, published in (
        ("a.xlsx", "ghg", date(2024, 5, 6)),
        ("b.xlsx", "ghg", date(2025, 5, 6)),
        ("c.xlsx", "co2", date(2025, 5, 6)),
    ):
        (folder / "smhi" / name).write_bytes(emission_workbook(substance, published))
    (folder / "manifest.csv").write_text("path,origin,known_from\nsmhi/a.xlsx,archive,2024-05-14\n")
    lines = ["region_code,region_name,year,population"]
    for place, (code, region) in enumerate(regions().items()):
        for year in YEARS:
            not_there = region.split_from and year < (region.population_from_year or 0)
            if not not_there and (code, year) != ("0360", 2023):
                lines.append(f"{code},{region.name},{year},{1000 * (place + 1) + year - 2000}")
    (folder / "scb" / "population.csv").write_text("\n".join(lines) + "\n")
    return folder


@contextmanager
def serving(archive: Path, as_of: str, faults: Faults | None = None, **options) -> Iterator[MockServer]:
    with MockServer(MockAgencies(archive, date.fromisoformat(as_of), **options), change=faults) as server:
        yield server


@pytest.fixture(scope="module")
def server(archive: Path) -> Iterator[MockServer]:
    with serving(archive, "2026-05-08", calls=10_000) as running:
        yield running


def question(
    server: MockServer, table: str, selection: dict[str, list[str]] | None, **params
) -> requests.Response:
    entries = [{"variableCode": n, "valueCodes": v} for n, v in (selection or {}).items()]
    return requests.post(
        f"{server.url}/scb/api/v2/tables/{table}/data", json={"selection": entries}, params=params, timeout=10
    )


def get(server: MockServer, path: str, **options) -> requests.Response:
    return requests.get(f"{server.url}{path}", timeout=10, **options)


class TestSmhi:
    @pytest.mark.parametrize(
        ("as_of", "name"), [("2024-05-20", "a.xlsx"), ("2025-05-05", "a.xlsx"), ("2025-05-06", "b.xlsx")]
    )
    def test_the_newest_workbook_of_the_day_is_sent_byte_for_byte(self, archive, as_of, name):
        with serving(archive, as_of) as server:
            answer = get(server, GGT)
        assert answer.status_code == 200
        assert answer.content == (archive / "smhi" / name).read_bytes()
        assert answer.headers["Content-Type"].startswith("application/vnd.openxmlformats")
        assert int(answer.headers["Content-Length"]) == len(answer.content)

    def test_a_workbook_has_the_day_it_was_known_from(self, archive):
        with serving(archive, "2024-05-20") as server:
            assert get(server, GGT).headers["X-Klimatpuls-Known-From"] == "2024-05-14"
        with serving(archive, "2026-01-01") as server:
            assert get(server, GGT).headers["X-Klimatpuls-Known-From"] == "2025-05-06"

    @pytest.mark.parametrize(
        ("as_of", "sub"), [("2024-05-13", "GGT"), ("2025-05-05", "CO2"), ("2026-05-08", "NOx")]
    )
    def test_what_has_no_workbook_yet_is_not_yet_published(self, archive, as_of, sub):
        with (
            serving(archive, as_of) as server,
            http.open_session(SMHI, f"{server.url}/smhi") as session,
            pytest.raises(NotYetPublished, match=sub),
        ):
            session.get(f"{session.base_url}/api/getexcelfile/", params={"sub": sub})

    @pytest.mark.parametrize(
        "query", ["sub=ggt", "sub=PM2.5", "", "sub=GGT&county=03", "sub=GGT&municipality=0360"]
    )
    def test_another_question_is_an_html_404_that_is_no_not_yet(self, server, query):
        answer = get(server, f"/smhi/api/getexcelfile/?{query}")
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "X-Klimatpuls-Not-Yet-Published" not in answer.headers

    def test_a_conditional_question_is_answered_with_304(self, server):
        first = get(server, GGT)
        for headers in (
            {"If-None-Match": first.headers["ETag"]},
            {"If-None-Match": f'"other", W/{first.headers["ETag"]}'},
            {"If-Modified-Since": first.headers["Last-Modified"]},
        ):
            again = get(server, GGT, headers=headers)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == first.headers["ETag"]

    @pytest.mark.parametrize(
        "headers",
        [
            {"If-None-Match": '"other"'},
            {"If-Modified-Since": "Mon, 05 May 2025 06:00:00 GMT"},
            {"If-Modified-Since": "i går"},
        ],
    )
    def test_a_condition_that_does_not_hold_gets_the_workbook(self, server, headers):
        assert get(server, GGT, headers=headers).status_code == 200

    def test_no_agency_answers_for_another(self, server):
        assert get(server, GGT.removeprefix("/smhi")).status_code == 404
        assert get(server, GGT.replace("/smhi/", "/scb/")).status_code == 404


class TestPopulationByDate:
    @pytest.mark.parametrize(
        ("as_of", "years", "ckm_years"),
        [
            ("2024-02-21", ["2000", "2001", "2002"], None),
            ("2024-02-22", ["2000", "2001", "2002", "2023"], None),
            ("2025-07-01", ["2000", "2001", "2002", "2023", "2024"], None),
            ("2026-02-22", ["2000", "2001", "2002", "2023", "2024"], ["2025"]),
        ],
    )
    def test_a_year_is_there_from_the_following_22_february(self, archive, as_of, years, ckm_years):
        with serving(archive, as_of) as server:
            metadata = get(server, "/scb/api/v2/tables/TAB638/metadata").json()
            ckm = get(server, "/scb/api/v2/tables/TAB5557/metadata")
        assert list(metadata["dimension"]["Tid"]["category"]["index"]) == years
        if ckm_years is None:
            assert ckm.status_code == 404
            assert ckm.headers["X-Klimatpuls-Not-Yet-Published"] == "TAB5557"
        else:
            assert list(ckm.json()["dimension"]["Tid"]["category"]["index"]) == ckm_years

    def test_the_last_change_is_the_publication_of_the_newest_year(self, archive):
        with serving(archive, "2025-07-01") as server:
            assert (
                get(server, "/scb/api/v2/tables/TAB638/metadata").json()["updated"] == "2025-02-22T07:00:00Z"
            )

    def test_before_the_first_year_both_tables_are_not_yet_published(self, archive):
        with (
            serving(archive, "1999-01-01") as server,
            http.open_session(SCB, f"{server.url}/scb/api/v2") as session,
        ):
            for dataset in ("scb_population", "scb_population_ckm"):
                with pytest.raises(NotYetPublished):
                    scb_population.fetch(session, session.base_url, dataset, None, as_of=date(1999, 1, 1))

    @pytest.mark.parametrize("dataset", ["scb_population", "scb_population_ckm"])
    def test_the_real_client_reads_every_figure(self, archive, server, dataset):
        with http.open_session(SCB, server.url + SCB.mock_path) as session:
            fetched = scb_population.fetch(session, session.base_url, dataset, None, as_of=date(2026, 5, 8))
        parsed = scb_population.parse(fetched.parts, dataset, None)
        wanted = {}
        for line in (archive / "scb" / "population.csv").read_text().splitlines()[1:]:
            code, _, year, count = line.split(",")
            if (int(year) > 2024) == (dataset == "scb_population_ckm"):
                wanted[code, int(year)] = int(count)
        found = {(row.region_code, row.year): row.population_count for row in parsed.rows.itertuples()}
        assert found == wanted
        assert parsed.rows_read == len(parsed.rows) + len(parsed.rejects)

    def test_a_municipality_not_there_yet_is_0_and_a_gap_is_a_symbol(self, server):
        answer = question(
            server,
            "TAB638",
            {"Region": ["0330", "0360"], "ContentsCode": ["BE0101N1"], "Tid": ["2000", "2023"]},
        )
        cube = parse_cube(answer.content)
        frame = cube.frame().set_index(["Region", "Tid"])
        assert frame.loc[("0330", "2000"), "value"] == 0
        assert frame.loc[("0360", "2023"), "status"] == ".."
        assert answer.json()["value"][3] is None

    def test_split_questions_give_what_one_question_gives(self, archive, server):
        selection = {
            "Region": tuple(regions()),
            "ContentsCode": ("BE0101N1",),
            "Tid": ("2000", "2023", "2024"),
        }
        frames = []
        for max_cells in (150_000, 100):
            with http.open_session(UNHURRIED_SCB, server.url + SCB.mock_path) as session:
                client = PxWebClient(session=session, base_url=session.base_url)
                answers = client.fetch_data("TAB638", selection, max_cells=max_cells)
            cells = [
                row for answer in answers for row in parse_cube(answer.body).frame().itertuples(index=False)
            ]
            frames.append(sorted((row.Region, row.Tid, str(row.value), row.status) for row in cells))
        assert frames[0] == frames[1]
        assert len(frames[0]) == 936


class TestScbShape:
    def test_the_config_holds_what_the_agencys_holds(self, archive):
        with serving(archive, "2026-05-08", calls=3, window_seconds=1.0, max_cells=1000) as server:
            config = get(server, "/scb/api/v2/config").json()
        assert (config["maxDataCells"], config["maxCallsPerTimeWindow"], config["timeWindow"]) == (1000, 3, 1)
        assert config["license"].endswith("/cc0/")
        assert config["sourceReferences"][1] == {"language": "sv", "text": "Källa: SCB"}

    def test_the_list_of_tables_has_pages(self, server):
        first = get(server, "/scb/api/v2/tables?query=folkm%C3%A4ngd%20civilst%C3%A5nd&pageSize=1").json()
        second = get(server, first["page"]["links"][0]["href"].removeprefix(server.url)).json()
        assert [first["tables"][0]["id"], second["tables"][0]["id"]] == ["TAB638", "TAB5557"]
        assert first["page"] | {"links": []} == {
            "pageNumber": 1, "pageSize": 1, "totalElements": 2, "totalPages": 2, "links": [],
        }  # fmt: skip
        assert second["page"]["links"] == []
        beyond = get(
            server, "/scb/api/v2/tables?query=folkm%C3%A4ngd%20civilst%C3%A5nd&pageSize=1&pageNumber=3"
        )
        assert (beyond.status_code, beyond.json()["title"]) == (404, "Page out of range")
        assert get(server, "/scb/api/v2/tables?query=bilar").json()["tables"] == []
        assert get(server, "/scb/api/v2/tables?pageSize=noll").status_code == 400

    def test_one_table_is_described(self, server):
        table = get(server, "/scb/api/v2/tables/TAB638").json()
        assert (table["firstPeriod"], table["lastPeriod"], table["timeUnit"]) == ("1968", "2024", "Annual")
        assert table["label"].endswith("År 1968-2024")

    def test_metadata_has_all_codes_and_no_value(self, server):
        metadata = get(server, "/scb/api/v2/tables/TAB5557/metadata").json()
        assert metadata["value"] == []
        assert metadata["id"] == ["Region", "Civilstand", "Alder", "Kon", "ContentsCode", "Tid"]
        assert metadata["size"][0] == 312
        assert metadata["dimension"]["Alder"]["extension"]["elimination"] is False
        assert "eliminationValueCode" not in metadata["dimension"]["Kon"]["extension"]
        assert list(metadata["dimension"]["Alder"]["category"]["index"])[:4] == [
            "TotSA",
            "TOT1",
            "TOT10",
            "TOT5",
        ]

    def test_no_selection_is_the_default_selection_not_everything(self, server):
        answer = question(server, "TAB638", None).json()
        assert answer["size"][-1] == 1
        assert answer["dimension"]["Tid"]["category"]["index"] == {"2024": 0}

    @pytest.mark.parametrize(
        ("codes", "years"),
        [(["*"], ["2000", "2001", "2002", "2023", "2024"]), (["2024", "2000"], ["2000", "2024"])],
    )
    def test_codes_mean_the_same_in_get_and_post(self, server, codes, years):
        posted = question(server, "TAB638", {"Region": ["0360"], "ContentsCode": ["BE0101N1"], "Tid": codes})
        got = get(
            server,
            "/scb/api/v2/tables/TAB638/data",
            params={
                "valueCodes[Region]": "0360",
                "valueCodes[ContentsCode]": "BE0101N1",
                "valueCodes[Tid]": ",".join(codes),
            },
        )
        assert list(posted.json()["dimension"]["Tid"]["category"]["index"]) == years
        assert got.json() == posted.json()

    def test_a_variable_left_out_does_not_stand_in_the_answer(self, server):
        answer = question(server, "TAB638", {"ContentsCode": ["BE0101N1"], "Tid": ["2024"]}).json()
        assert answer["id"] == ["ContentsCode", "Tid"]
        assert answer["value"] == [1024]

    @pytest.mark.parametrize(
        ("table", "selection", "status", "title"),
        [
            ("TAB1", {}, 404, "Non-existent table"),
            (
                "TAB638",
                {"Region": ["9999"], "ContentsCode": ["BE0101N1"], "Tid": ["*"]},
                400,
                "Non-existent value",
            ),
            ("TAB638", {"Lan": ["03"]}, 400, "Non-existent variable"),
            ("TAB638", {"Region": ["0360"]}, 400, "Missing selection for mandatory variable"),
            ("TAB638", {"ContentsCode": ["BE0101N1"], "Tid": ["TOP(1)"]}, 400, "Non-existent value"),
            ("TAB638", {"ContentsCode": ["BE0101N2"], "Tid": ["2024"]}, 400, "Non-existent value"),
            (
                "TAB638",
                {"Kon": ["1"], "ContentsCode": ["BE0101N1"], "Tid": ["2024"]},
                400,
                "Non-existent value",
            ),
            (
                "TAB5557",
                {"ContentsCode": ["000007ME"], "Tid": ["2025"]},
                400,
                "Missing selection for mandatory variable",
            ),
        ],
    )
    def test_a_wrong_question_is_answered_with_a_problem(self, server, table, selection, status, title):
        answer = question(server, table, selection)
        problem = answer.json()
        assert (answer.status_code, problem["status"], problem["title"]) == (status, status, title)
        assert problem["type"] == "Parameter error"
        assert answer.headers["Content-Type"].startswith("application/problem+json")

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"[]",
            b"{}",
            b'{"selection": [{"valueCodes": []}]}',
            b'{"selection": [{"variableCode": "Tid", "valueCodes": "*"}]}',
        ],
    )
    def test_a_body_in_another_shape_is_refused(self, server, body):
        answer = requests.post(f"{server.url}/scb/api/v2/tables/TAB638/data", data=body, timeout=10)
        assert (answer.status_code, answer.json()["title"]) == (400, "Illegal selection expression")

    def test_other_formats_and_other_paths_are_refused(self, server):
        assert question(server, "TAB638", None, outputFormat="xlsx").status_code == 400
        assert get(server, "/scb/api/v2/tables/TAB638/nonsense").status_code == 404
        assert get(server, "/scb/api/v2/nonsense").status_code == 404
        assert get(server, "/nonsense").status_code == 404
        assert requests.post(f"{server.url}{GGT}", timeout=10).status_code == 405
        assert requests.post(f"{server.url}/scb/api/v2/tables/TAB638/metadata", timeout=10).status_code == 405

    def test_too_many_cells_are_refused_and_just_enough_are_not(self, archive):
        selection = {"Region": ["*"], "ContentsCode": ["BE0101N1"], "Tid": ["2024"]}
        with serving(archive, "2026-05-08", max_cells=312) as server:
            assert question(server, "TAB638", selection).status_code == 200
            answer = question(server, "TAB638", {**selection, "Tid": ["2023", "2024"]})
        assert answer.json() == {
            "type": "Parameter error", "title": "Too many cells selected",
            "status": 400, "detail": "Too many cells selected",
        }  # fmt: skip


class TestLimits:
    def test_the_window_slides(self):
        now = [0.0]
        window = CallWindow(2, 10.0, lambda: now[0])
        assert window.refusal() is None
        now[0] = 4.0
        assert window.refusal() is None
        now[0] = 5.5
        assert window.refusal() == 5
        now[0] = 10.0
        assert window.refusal() is None
        assert window.refusal() == 4

    def test_too_many_calls_get_429_and_the_config_stays_open(self, archive):
        with serving(archive, "2026-05-08", calls=2, window_seconds=10.0) as server:
            statuses = [get(server, "/scb/api/v2/tables/TAB638").status_code for _ in range(3)]
            refused = get(server, "/scb/api/v2/tables/TAB638")
            assert get(server, "/scb/api/v2/config").status_code == 200
        assert statuses == [200, 200, 429]
        assert 1 <= int(refused.headers["Retry-After"]) <= 10

    def test_the_real_client_is_never_refused(self, archive):
        with serving(archive, "2026-05-08", calls=3, window_seconds=0.5, max_cells=312) as server:
            with http.open_session(UNHURRIED_SCB, server.url + SCB.mock_path) as session:
                scb_population.fetch(
                    session, session.base_url, "scb_population", None, as_of=date(2026, 5, 8)
                )
            assert {status for _, _, status in server.log} == {200}
            assert server.calls["/scb/api/v2/tables/TAB638/data"] == 6


class TestFaults:
    def fetch(self, server: MockServer, slept: list[float]) -> bytes:
        limits = http.Limits(retries=2, read_seconds=5)
        smhi = replace(SMHI, calls_per_window=())
        with http.open_session(smhi, f"{server.url}/smhi", limits=limits, sleep=slept.append) as session:
            return session.get(f"{server.url}{GGT}").body

    def test_429_is_obeyed_and_then_the_workbook_comes(self, archive):
        slept: list[float] = []
        with serving(archive, "2026-05-08", Faults(too_many_first_n=2, retry_after_seconds=7)) as server:
            assert self.fetch(server, slept) == (archive / "smhi" / "b.xlsx").read_bytes()
        assert slept == [7.0, 7.0]
        assert [status for _, _, status in server.log] == [429, 429, 200]

    def test_a_connection_reset_half_way_is_an_error_with_a_remedy(self, archive):
        with (
            serving(archive, "2026-05-08", Faults(reset_half_way=True)) as server,
            pytest.raises(FetchError, match="What to do: nothing was changed"),
        ):
            self.fetch(server, [])
        assert len(server.log) == 3

    def test_a_truncated_workbook_and_an_error_page_come_as_they_are(self, archive):
        whole = (archive / "smhi" / "b.xlsx").read_bytes()
        with serving(archive, "2026-05-08", Faults(truncate=True)) as server:
            assert self.fetch(server, []) == whole[: len(whole) // 2]
        with serving(archive, "2026-05-08", Faults(html_200=True)) as server:
            assert self.fetch(server, []).startswith(b"<!DOCTYPE html>")

    def test_a_fault_hits_its_route_alone(self, archive):
        with serving(archive, "2026-05-08", Faults(route="/TAB638/data", html_200=True)) as server:
            with http.open_session(SCB, f"{server.url}/scb/api/v2") as session:
                fetched = scb_population.fetch(
                    session, session.base_url, "scb_population", None, as_of=date(2026, 5, 8)
                )
            assert get(server, GGT).content.startswith(b"PK")
        with pytest.raises(SourceFormatError, match="expected JSON"):
            scb_population.parse(fetched.parts, "scb_population", None)

    def test_a_slow_agency_is_given_up_on(self, archive):
        limits = http.Limits(retries=0, read_seconds=0.2)
        with (
            serving(archive, "2026-05-08", Faults(slow_seconds=1.0)) as server,
            http.open_session(SMHI, f"{server.url}/smhi", limits=limits) as session,
            pytest.raises(FetchError, match="no answer in time"),
        ):
            session.get(f"{server.url}{GGT}")


class TestProcess:
    def test_it_starts_at_once_prints_its_port_and_answers(self, archive):
        command = [sys.executable, "-m", "klimatpuls.mock_agencies.server"]
        started = time.monotonic()
        with subprocess.Popen(
            [*command, "--archive", str(archive), "--as-of", "2026-05-08"], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                port = int(process.stdout.readline())
                seconds = time.monotonic() - started
                config = requests.get(f"http://127.0.0.1:{port}/scb/api/v2/config", timeout=10)
                book = requests.get(f"http://127.0.0.1:{port}{GGT}", timeout=30)
            finally:
                process.terminate()
        assert config.json()["apiVersion"] == "2.2.0"
        assert book.content.startswith(b"PK")
        assert seconds < 5  # far above what it takes, so that a busy machine does not fail it

    def test_importing_it_does_not_import_pandas(self):
        code = "import sys, klimatpuls.mock_agencies.server; print('pandas' in sys.modules)"
        answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert answer.stdout.strip() == "False"

    def test_a_missing_folder_is_named_in_the_error(self, tmp_path):
        command = [
            sys.executable,
            "-m",
            "klimatpuls.mock_agencies.server",
            "--archive",
            str(tmp_path / "nothing"),
        ]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        assert answer.returncode == 1
        assert "no archive folder" in answer.stderr
        assert "Traceback" not in answer.stderr

    def test_a_folder_that_is_no_archive_is_answered_with_500_and_the_reason(self, tmp_path):
        with serving(tmp_path, "2026-05-08") as server:
            answer = get(server, GGT)
        assert answer.status_code == 500
        assert "smhi/*.xlsx" in answer.text
        with pytest.raises(UsageError, match="no archive folder"):
            MockAgencies(tmp_path / "nothing", None)

    def test_it_listens_on_this_machine_alone(self, server):
        assert server.url.startswith("http://127.0.0.1:")
        assert server._server.server_address[0] == "127.0.0.1"

    def test_a_question_without_end_is_refused(self, server):
        answer = requests.post(
            f"{server.url}/scb/api/v2/tables/TAB638/data", data=b"x" * 1_000_001, timeout=10
        )
        assert answer.status_code == 413

    def test_answers_can_come_from_several_callers_at_once(self, archive):
        with serving(archive, "2026-05-08", calls=1000) as server, ThreadPoolExecutor(8) as pool:
            path = "/scb/api/v2/tables/TAB638/data"
            statuses = list(pool.map(lambda _: get(server, path).status_code, range(32)))
            assert server.calls[path] == 32
        assert set(statuses) == {200}


def test_a_recorded_answer_and_ours_have_the_same_shape(server):
    """Keys of the interface's documented answer: https://statistikdatabasen.scb.se/api/v2, TAB638."""
    answer = question(
        server, "TAB638", {"Region": ["0360"], "ContentsCode": ["BE0101N1"], "Tid": ["2024"]}
    ).json()
    assert set(answer) == {
        "version", "class", "label", "source", "updated", "note", "role",
        "id", "size", "dimension", "extension", "value",
    }  # fmt: skip
    assert answer["role"] == {"time": ["Tid"], "metric": ["ContentsCode"]}
    contents = answer["dimension"]["ContentsCode"]
    assert contents["category"]["unit"] == {"BE0101N1": {"base": "antal personer", "decimals": 0}}
    assert set(answer["dimension"]["Region"]) == {"label", "category", "extension"}
    assert json.dumps(answer["value"]).strip("[]").isdecimal()
