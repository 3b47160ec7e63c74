"""Superset as `make bi` starts it: every chart asks and shows rows, nothing leaks, nothing is left behind."""

from __future__ import annotations

import shutil
import stat
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import yaml
from support import chromium, dashboard, pipeline_run
from support.commands import Commands

from klimatpuls.files.yaml_text import parse_yaml
from klimatpuls.local import processes, runtime, superset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Started
    from support.chromium import Page

    from klimatpuls.local.home import Home

pytestmark = [pytest.mark.bi, pytest.mark.timeout(900)]
ASSETS = Path(__file__).resolve().parents[2] / "bi" / "assets"
CHARTS = {
    content["slice_name"]: content
    for content in (parse_yaml(path.read_text("utf-8")) for path in (ASSETS / "charts").glob("*.yaml"))
}
NOISE = ("url_params", "custom_params", "custom_form_data", "applied_time_extras")
"""Parts of a query that the page adds and that ask nothing."""


@pytest.fixture(scope="module")
def browser() -> str:
    """The browser; without one the tests that need it are skipped, and the queries asked all the same."""
    found = chromium.find()
    if found is None:
        reason = (
            "NO BROWSER: the dashboard was not opened, only its queries were asked. Install chromium "
            "(apt-get install chromium) or name one with CHROMIUM"
        )
        print(f"\n{reason}")
        pytest.skip(reason)
    return found


@pytest.fixture
def page(browser: str, started: Started) -> Iterator[Page]:
    """A browser of the test's own, logged in, the dashboard open."""
    with chromium.open_page(browser) as opened:
        dashboard.log_in(opened, started.superset)
        yield opened


def test_the_command_says_where_it_is_and_that_the_port_was_taken(started: Started) -> None:
    assert f"port {superset.USUAL_PORT} (Superset) is taken, using {started.superset.port}" in started.said
    assert started.superset.dashboard_url in started.said
    assert str(started.superset.password_file) in started.said
    secrets = set(vars(started.superset.home.secrets).values())
    assert not [secret for secret in secrets if secret in started.said]


def test_every_chart_asks_rows(started: Started) -> None:
    api = started.superset.api
    api.log_in()
    charts = api.call("GET", f"/dashboard/{superset.DASHBOARD}/charts")["result"]
    found = {one["slice_name"]: api.call("GET", f"/chart/{one['id']}/data/?force=true") for one in charts}
    rows = {name: [query["data"] for query in answer["result"]] for name, answer in found.items()}
    for name, answers in rows.items():
        print(f"\n  {name}: {', '.join(str(len(answer)) for answer in answers)} rows", end="")
    assert rows.keys() == CHARTS.keys()
    assert [name for name, answers in rows.items() if not answers or not all(answers)] == []


def test_the_page_shows_every_chart(page: Page, started: Started, home: Home) -> None:
    begun = time.monotonic()
    seen = {name: dashboard.read_chart(page, name) for name in CHARTS}
    assert {name: one.trouble for name, one in seen.items() if one.trouble} == {}
    tables = {name for name, content in CHARTS.items() if content["viz_type"] == "table"}
    assert {name for name, one in seen.items() if one.rows} == tables
    assert all(seen[name].colours >= dashboard.COLOURS for name in CHARTS.keys() - tables)
    page.resize(1400, 4000)
    for name in CHARTS:
        assert dashboard.read_chart(page, name).trouble == ""
    file = home.root / "klimatlaget.png"
    page.photograph(file)
    print(f"\n  every chart seen after {time.monotonic() - begun:.1f} s, the picture is {file}")
    assert dashboard.strangers(page, started.superset) == []


def test_made_up_figures_are_called_so_in_white_on_red(page: Page) -> None:
    assert dashboard.read_chart(page, "Publicering").rows == 1
    word = "document.querySelector('[data-test-chart-name=\"Publicering\"] td strong')"
    assert page.evaluate(f"{word}.innerText") == "PÅHITTADE SIFFROR"
    style = page.evaluate(f"(s => [s.color, s.backgroundColor])(getComputedStyle({word}))")
    assert style == ["rgb(255, 255, 255)", "rgb(176, 0, 32)"]


def test_the_stored_queries_are_those_of_the_page(page: Page) -> None:
    for name in CHARTS:
        dashboard.read_chart(page, name)
    asked = {
        name: [{key: value for key, value in query.items() if key not in NOISE} for query in queries]
        for name, queries in dashboard.queries_asked(page).items()
    }
    stored = {name: parse_yaml(content["query_context"])["queries"] for name, content in CHARTS.items()}
    assert asked == stored


def test_an_empty_chart_and_a_broken_one_are_noticed(
    page: Page, started: Started, bi_dsn: str, tmp_path: Path
) -> None:
    changed = tmp_path / "assets"
    shutil.copytree(ASSETS, changed)
    nobody = {"clause": "WHERE", "expressionType": "SQL", "sqlExpression": "false"}
    _change(changed / "charts/Datalage.yaml", lambda it: it["params"].update(adhoc_filters=[nobody]))
    _change(changed / "charts/Sektorer.yaml", lambda it: it["params"].update(adhoc_filters=[nobody]))
    _change(
        changed / "datasets/Klimatpuls/network_summary.yaml",
        lambda it: it["metrics"][0].update(expression="1 / (count(*) - count(*))"),
    )
    api = started.superset.api
    api.log_in()
    api.import_assets(superset.build_bundle(changed, bi_dsn))
    try:
        page.open(started.superset.dashboard_url)
        seen = {name: dashboard.read_chart(page, name) for name in CHARTS}
    finally:
        api.import_assets(superset.build_bundle(ASSETS, bi_dsn))
    troubled = {name for name, one in seen.items() if one.trouble}
    assert troubled == {
        "Så färska är siffrorna",
        "Nätverkets utsläpp per sektor, ton CO2e",
        "Nätverket mot riket: ton CO2e per invånare",
    }


def _change(file: Path, change: Any) -> None:
    content = parse_yaml(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def test_sectors_add_up_to_the_network_and_to_the_nation(bi_dsn: str) -> None:
    split = parse_yaml((ASSETS / "datasets/Klimatpuls/sector_split.yaml").read_text("utf-8"))["sql"]
    with closing(psycopg2.connect(bi_dsn)) as conn, conn.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), max(abs(s.total - n.emissions_tco2e)), "
            "max(abs(s.total / s.population - n.emissions_t_per_capita)) "
            "FROM (SELECT panel, year, sum(emissions_tco2e) AS total, max(population_count) AS population "
            f"FROM ({split}) AS q GROUP BY panel, year) AS s "
            "INNER JOIN mart.network_summary AS n USING (panel, year) WHERE n.boundary = 'territorial'"
        )
        rows, tonnes, per_capita = cursor.fetchone()
    # The network and the nation, in every year that the archive of the tests has.
    assert rows == 2 * len(pipeline_run.SMALL_YEARS)
    assert tonnes < 1.0
    assert per_capita < 1e-6


def test_a_second_start_takes_the_one_that_runs(home: Home, started: Started) -> None:
    port = started.superset.port
    said = Commands(home.root).good("bi")
    assert "runs already" in said
    assert started.superset.port == port
    api = started.superset.api
    api.log_in()
    charts = api.call("GET", f"/dashboard/{superset.DASHBOARD}/charts")["result"]
    assert len(charts) == len(CHARTS)


def test_it_listens_on_this_machine_only(started: Started) -> None:
    sign = f":{started.superset.port:04X}"
    listening = [
        fields[1]
        for table in ("tcp", "tcp6")
        if Path(f"/proc/net/{table}").exists()
        for fields in (line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if fields[3] == "0A" and fields[1].endswith(sign)
    ]
    assert listening == [f"0100007F{sign}"]


def test_no_secret_is_where_others_could_read_it(started: Started) -> None:
    place, secrets = started.superset.place.root, started.superset.home.secrets
    kept = (secrets.bi_read, secrets.superset_admin, secrets.superset_key)
    for path in place.rglob("*"):
        if path.is_file() and path != started.superset.password_file:
            content = path.read_bytes()
            assert not [one for one in kept if one.encode() in content], path
    for path in (started.superset.password_file, place / "superset.db"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for pid in processes.of_home(place):
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert not [one for one in kept if one.encode() in words]


def test_bi_down_leaves_nothing_of_it_and_the_warehouse_up(home: Home, started: Started) -> None:
    commands = Commands(home.root)
    place = started.superset.place.root
    assert processes.of_home(place)
    assert "stopped Superset" in commands.good("bi-down")
    assert processes.of_home(place) == set()
    assert started.superset.port is None
    assert runtime.attach(home) is not None
    assert "no Superset was running" in commands.good("bi-down")


def test_down_ends_both(home: Home, started: Started) -> None:
    commands = Commands(home.root)
    begun = time.monotonic()
    commands.good("bi")
    print(f"\n  a later start took {time.monotonic() - begun:.1f} s")
    commands.good("down")
    assert processes.of_home(started.superset.place.root) == set()
    assert processes.of_home(home.root, home.root / "postgres") == set()
    done = commands("bi")
    assert done.code == 1
    assert "make up" in done.err
