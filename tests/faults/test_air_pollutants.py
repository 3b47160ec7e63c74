"""Air pollutants, each in the unit of its sheet: to the marts in tonnes, refused or held where wrong."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from python_calamine import CalamineWorkbook
from support import pipeline_run

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.fetch.http import open_session
from klimatpuls.mock_agencies import archive as archives
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.mock_agencies.synthetic import smhi
from klimatpuls.pipeline import load, publish, snapshot, validate
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Warehouse

    from klimatpuls.pipeline.context import RunContext

SMHI_EMISSIONS = SOURCES["smhi_emissions"]
pytestmark = pytest.mark.postgres

DATASET = "smhi_air_pollutants"
FIRST, SECOND = date(2025, 5, 7), date(2026, 5, 8)
LATER = date(2026, 6, 1)
IN_TONNES = {"nox": 1.0, "hg": 1_000.0}
SHEETS = {"nox": "NOx", "hg": "Hg"}

Rows = list[list[Any]]


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workbooks of the bundled archive's air pollutants, in the years of the small one."""
    folder = tmp_path_factory.mktemp("pollutants")
    made, small = archives.make_archive(folder / "whole", pollutants={"nox", "hg", "pm25"}), folder / "small"
    (small / "smhi").mkdir(parents=True)
    for name in SHEETS.values():
        for path in (made / "smhi").glob(f"{name}_*.xlsx"):
            body = workbook.build_workbook(cells_of(few_years(read(path))), sheet_name="blad")
            (small / "smhi" / path.name).write_bytes(body)
    return small


def read(path: Path) -> Rows:
    return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(skip_empty_area=False)


def few_years(rows: Rows) -> Rows:
    head = next(at for at, row in enumerate(rows) if row[0] == "Huvudsektor")
    kept = [at for at, year in enumerate(rows[head - 1]) if at < 4 or year in pipeline_run.SMALL_YEARS]
    return [*rows[: head - 1], *([row[at] for at in kept] for row in rows[head - 1 :])]


def cells_of(rows: Rows) -> Rows:
    """The same with blank cells as None."""
    return [[None if cell == "" else cell for cell in row] for row in rows]


def rows_of(folder: Path, substance: str, year: int = 2026) -> Rows:
    (path,) = (folder / "smhi").glob(f"{SHEETS[substance]}_*{year}*.xlsx")
    return read(path)


def book(rows: Rows, day: date = LATER) -> bytes:
    """A workbook of these rows, of a day of its own."""
    rows[0][1] = f"Länsrapport, {day.isoformat()}"
    return workbook.build_workbook(cells_of(rows), sheet_name="blad")


def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def fetch_as_of(dsn: str, folder: Path, context: RunContext) -> tuple[str, validate.ValidationResult | None]:
    """Snapshot, load and validate over HTTP from the mock server."""
    source = pipeline_run.unthrottled(SMHI_EMISSIONS)
    with MockServer(MockAgencies(folder, context.as_of)) as server, closing(connect(dsn)) as conn:
        run_id = pipeline_run.begin(conn, source, context)
        with open_session(source, server.url + source.mock_path) as session:
            taken = snapshot.take_snapshots(conn, source, session, context, run_id=run_id)
        if taken.state != "fetched":
            with conn:
                validate.record_checks(conn, source, context)
            return taken.state, None
        load.load_run(conn, source, run_id, context)
        return taken.state, validate.validate_run(conn, dsn, source, run_id, context)


@pytest.fixture(scope="module")
def published(
    new_warehouse: Callable[[], Warehouse], bundled: Path, tmp_path_factory: pytest.TempPathFactory
) -> Warehouse:
    """A warehouse with both releases of both pollutants published."""
    warehouse, home = new_warehouse(), tmp_path_factory.mktemp("home")
    for day in (FIRST, SECOND):
        context = replace(pipeline_run.context_of(home, day), air_pollutants=frozenset({"nox", "hg", "pm25"}))
        state, result = fetch_as_of(warehouse.loader_dsn, bundled, context)
        assert (state, result and result.state) == ("fetched", "validated")
        with closing(connect(warehouse.loader_dsn)) as conn:
            made = publish.publish_validated(conn, context, pipeline_run.LIST_ADDRESS)
        assert made is not None
        assert not made.digest_queued
    return warehouse


def test_nobody_is_asked_for_them_by_default(warehouse: Warehouse, bundled: Path, tmp_path: Path) -> None:
    context = pipeline_run.context_of(tmp_path, SECOND)
    assert fetch_as_of(warehouse.loader_dsn, bundled, context) == ("not_yet_published", None)
    datasets = ask(warehouse.admin_dsn, "SELECT DISTINCT dataset FROM mart.data_status")
    assert datasets == [("smhi_emissions",)], "no freshness of datasets that are not fetched"


def test_both_units_come_to_the_mart_in_tonnes(published: Warehouse, bundled: Path) -> None:
    for substance, divisor in IN_TONNES.items():
        rows = rows_of(bundled, substance)
        head = next(at for at, row in enumerate(rows) if row[0] == "Huvudsektor")
        newest = rows[head - 1].index(2024.0)
        wanted = {tuple(row[:4]): row[newest] / divisor for row in rows[head + 1 :]}
        found = ask(
            published.bi_dsn,
            "SELECT sector_code, region_code, emissions_t FROM mart.air_pollutant"
            f" WHERE substance = '{substance}' AND year = 2024",
        )
        assert len(found) == 312 * 10
        named = {
            (*workbook.sector_names(sector), *workbook.region_names(region)): value
            for sector, region, value in found
        }
        assert named == wanted
    sizes = dict(
        ask(
            published.bi_dsn,
            "SELECT substance, emissions_t FROM mart.air_pollutant"
            " WHERE region_code = '00' AND sector_code = 'all' AND year = 2024",
        )
    )
    assert sizes["nox"] > 50_000
    assert 0.1 < sizes["hg"] < 1.0


def test_they_are_never_among_emissions_and_keep_their_unit_with_the_release(published: Warehouse) -> None:
    assert ask(published.bi_dsn, "SELECT count(*) FROM mart.emission") == [(0,)]
    assert ask(published.bi_dsn, "SELECT count(*) FROM mart.emission_by_release") == [(0,)]
    assert ask(published.admin_dsn, "SELECT count(*) FROM ops.mail_outbox") == [(0,)]
    releases = "SELECT substance, published_date::text, unit, is_current FROM mart.release ORDER BY 1, 2"
    assert ask(published.bi_dsn, releases) == [
        ("hg", "2025-05-06", "kg/år", False),
        ("hg", "2026-05-07", "kg/år", True),
        ("nox", "2025-05-06", "ton/år", False),
        ("nox", "2026-05-07", "ton/år", True),
    ]
    by_release = (
        "SELECT substance, count(DISTINCT release_id), count(*) FROM mart.air_pollutant_by_release"
        " GROUP BY substance ORDER BY substance"
    )
    years = [set(pipeline_run.SMALL_YEARS) & set(each) for each in (smhi.FIRST_YEARS, smhi.SECOND_YEARS)]
    rows = pipeline_run.CELLS_A_YEAR * sum(map(len, years))
    assert ask(published.bi_dsn, by_release) == [("hg", 2, rows), ("nox", 2, rows)]
    sums = (
        "SELECT DISTINCT unit, unallocated > 0, unallocated_pct < 2 FROM mart.reconciliation"
        " WHERE sector_code = 'all'"
    )
    assert ask(published.bi_dsn, sums) == [("ton/år", True, True)]


def test_every_gate_of_theirs_measured_something_and_passed(published: Warehouse) -> None:
    gates = ask(
        published.bi_dsn,
        "SELECT rule, bool_and(passed), max(measured) FROM mart.release_gate"
        " WHERE severity IN ('hard', 'hold') GROUP BY rule",
    )
    assert all(passed for _, passed, _ in gates)
    measured = {rule: value for rule, _, value in gates}
    for rule in ("pollutant_sector_sum", "pollutant_county_sum", "pollutant_county_excess"):
        assert measured[rule] == 0.0
    assert 0 < measured["unallocated_high"] < 2
    assert measured["hold_ratio"] is not None
    assert "county_sum" not in measured, "no gate in tonnes"


# -------------------------------------------------------------------------------------------- corruptions


def value_row(rows: Rows, sector: str, county: str, municipality: str) -> list[Any]:
    return next(row for row in rows if row[:4] == [sector, "Alla", county, municipality])


def unit_line(rows: Rows, unit: str) -> None:
    next(row for row in rows if str(row[0]).startswith("Enhet:"))[0] = f"Enhet: {unit}"


def times(rows: Rows, factor: float) -> None:
    head = next(at for at, row in enumerate(rows) if row[0] == "Huvudsektor")
    for row in rows[head + 1 :]:
        row[4:] = [value * factor for value in row[4:]]


def rounded(rows: Rows, decimals: int) -> None:
    head = next(at for at, row in enumerate(rows) if row[0] == "Huvudsektor")
    for row in rows[head + 1 :]:
        row[4:] = [round(value, decimals) for value in row[4:]]


def sum_off_by_ten_grams(rows: Rows) -> None:
    """27 millionths of the nation's mercury: of emissions 50 000 times as much may be off."""
    value_row(rows, "Alla", "Uppsala län", "Tierp")[-1] += 0.010


def sum_off_by_a_gram(rows: Rows) -> None:
    value_row(rows, "Alla", "Uppsala län", "Tierp")[-1] += 0.001


def county_off_by_a_kilogram(rows: Rows) -> None:
    for sector in ("Alla", "Transporter"):
        value_row(rows, sector, "Uppsala län", "Alla")[-1] += 1.0


def in_grams(rows: Rows) -> None:
    unit_line(rows, "g/år")
    times(rows, 1_000.0)


CORRUPTIONS: dict[str, tuple[str, Callable[[Rows], None], str, str]] = {
    # name: (substance, change, state, words of the finding)
    "a sum wrong by ten grams": ("hg", sum_off_by_ten_grams, "quarantined", "pollutant_sector_sum"),
    "a county wrong by a kilogram": ("hg", county_off_by_a_kilogram, "quarantined", "pollutant_county_sum"),
    "a sum wrong by a gram, which is rounding": ("hg", sum_off_by_a_gram, "validated", ""),
    "everything rounded to tenths": ("hg", lambda rows: rounded(rows, 1), "validated", ""),
    "nitrogen oxides rounded to tonnes": ("nox", lambda rows: rounded(rows, 0), "validated", ""),
    "a unit that is no mass": ("hg", lambda rows: unit_line(rows, "st/år"), "quarantined", "unexpected_unit"),
    "no unit": ("nox", lambda rows: unit_line(rows, ""), "quarantined", "unexpected_unit"),
    "tonnes for kilograms": ("hg", lambda rows: unit_line(rows, "ton/år"), "held", "hold_ratio"),
    "kilograms for tonnes": ("nox", lambda rows: unit_line(rows, "kg/år"), "held", "hold_ratio"),
    "figures a thousand times larger": ("nox", lambda rows: times(rows, 1_000.0), "held", "hold_ratio"),
    "grams, and said so": ("hg", in_grams, "validated", ""),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_harmed_sheet_has_one_verdict(
    published: Warehouse, clone: Callable[[str], Warehouse], bundled: Path, tmp_path: Path, name: str
) -> None:
    substance, change, state, words = CORRUPTIONS[name]
    warehouse = clone(published.name)
    rows = rows_of(bundled, substance)
    change(rows)
    result = pipeline_run.take(
        warehouse.loader_dsn, pipeline_run.context_of(tmp_path, LATER), DATASET, [book(rows)], substance
    )
    text = "\n".join(result.explanations)
    assert result.state == state, text
    assert words in text
    if words == "pollutant_sector_sum":
        assert "Tierp" in text
        assert "found 0," not in text, "a figure of mercury is not rounded away"


def test_an_approved_hold_of_a_pollutant_is_published_without_a_digest(
    published: Warehouse, clone: Callable[[str], Warehouse], bundled: Path, tmp_path: Path
) -> None:
    from klimatpuls.pipeline.approval import decide_release

    warehouse, context = clone(published.name), pipeline_run.context_of(tmp_path, LATER)
    rows = rows_of(bundled, "nox")
    times(rows, 1_000.0)
    result = pipeline_run.take(warehouse.loader_dsn, context, DATASET, [book(rows)], "nox")
    (held,) = result.held
    with closing(connect(warehouse.loader_dsn)) as conn:
        decide_release(conn, held, action="approve", decided_by="operator", reason="method", now=context.now)
        made = publish.publish_validated(conn, context, pipeline_run.LIST_ADDRESS)
    assert made is not None
    assert not made.digest_queued
    assert ask(warehouse.admin_dsn, "SELECT count(*) FROM ops.mail_outbox") == [(0,)]


def test_a_file_by_hand_is_taken_whatever_the_setting_says(
    warehouse: Warehouse, bundled: Path, tmp_path: Path
) -> None:
    context = pipeline_run.context_of(tmp_path / "home", LATER)
    file = tmp_path / "mercury.xlsx"
    file.write_bytes(book(rows_of(bundled, "hg")))
    kept = snapshot.keep_file(file, context)
    assert (kept.source, kept.dataset, kept.substance) == ("smhi_emissions", DATASET, "hg")
    with closing(connect(warehouse.loader_dsn)) as conn:
        run_id = pipeline_run.begin(conn, SMHI_EMISSIONS, context)
        snapshot.adopt_by_hand(conn, SMHI_EMISSIONS, context, run_id=run_id, manifest_path=kept.manifest_path)
        load.load_run(conn, SMHI_EMISSIONS, run_id, context)
        result = validate.validate_run(conn, warehouse.loader_dsn, SMHI_EMISSIONS, run_id, context)
    assert len(result.publishable) == 1
    statuses = "SELECT substance, status FROM mart.data_status WHERE dataset = 'smhi_air_pollutants'"
    assert ask(warehouse.admin_dsn, statuses) == [("hg", "fresh")]
