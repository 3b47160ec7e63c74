"""What each step leaves behind when a source is bad, slow, late or alone: states, kept bytes, words."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from support import pipeline_run
from support.agency_faults import Faults

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.contract.releases import Fetched
from klimatpuls.fetch.http import Limits, open_session
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.pipeline import load, publish, snapshot, validate
from klimatpuls.pipeline.context import RunContext
from klimatpuls.sources import smhi_emissions
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Published, Warehouse

    from klimatpuls.pipeline.validate import ValidationResult

SCB_POPULATION = SOURCES["scb_population"]
SMHI_EMISSIONS = SOURCES["smhi_emissions"]
pytestmark = pytest.mark.postgres

FILE = "/api/getexcelfile"
LIST = "list@example.org"


def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def sheet(archive: Path, day: date, substance: str = "ghg") -> list[list[Any]]:
    """A good sheet of a later day; for another substance the same figures under its name."""
    (path,) = (archive / "smhi").glob("GGT*2026*.xlsx")
    parsed = smhi_emissions.parse([path.read_bytes()], "smhi_emissions", "ghg")
    above = workbook.preamble("ghg", day, parsed.years)
    return (
        workbook.preamble(substance, day, parsed.years) + pipeline_run.sheet_rows(parsed, day)[len(above) :]
    )


def take_workbook(published: Published, body: bytes) -> ValidationResult:
    return pipeline_run.take(published.warehouse.loader_dsn, published.context, "smhi_emissions", [body])


def through_replica(published: Published, faults: Faults, sleep: Callable[[float], None]) -> ValidationResult:
    """SMHI's workbooks over HTTP from a mock server with faults, through steps 1 to 3."""
    dsn, context, source = (
        published.warehouse.loader_dsn,
        published.context,
        pipeline_run.unthrottled(SMHI_EMISSIONS),
    )
    mock_server = MockServer(MockAgencies(published.archive, context.as_of), change=faults)
    limits = Limits(backoff_seconds=0.01, backoff_max_seconds=0.02, retries=2)
    with mock_server, closing(connect(dsn)) as conn:
        run_id = pipeline_run.begin(conn, source, context)
        with open_session(source, mock_server.url + source.mock_path, limits=limits, sleep=sleep) as session:
            snapshot.take_snapshots(conn, source, session, context, run_id=run_id)
        load.load_run(conn, source, run_id, context)
        return validate.validate_run(conn, dsn, source, run_id, context)


@pytest.mark.parametrize(
    ("faults", "rule"),
    [(Faults(route=FILE, html_200=True), "not_a_workbook"), (Faults(route=FILE, truncate=True), "truncated")],
    ids=["an HTML page with status 200", "half a body announced as whole"],
)
def test_a_wrong_answer_over_http_is_kept_and_quarantined(
    published: Published, faults: Faults, rule: str
) -> None:
    result = through_replica(published, faults, lambda _: None)
    assert result.state == "quarantined"
    assert rule in "\n".join(result.explanations)
    refused = ask(
        published.warehouse.admin_dsn,
        "SELECT snapshot_sha256, manifest_path FROM ops.snapshot WHERE outcome = 'quarantined'",
    )
    assert refused
    snapshots = published.context.snapshots
    for sha256, manifest in refused:
        assert (snapshots / manifest).is_file()
        assert (snapshots / "objects" / sha256[:2] / sha256).stat().st_size > 0
    assert published.digest() == published.good_digest


def test_an_agency_that_recovers_while_we_wait_is_read_whole(published: Published) -> None:
    waits: list[float] = []
    context, source = published.context, pipeline_run.unthrottled(SMHI_EMISSIONS)
    mock_server = MockServer(
        MockAgencies(published.archive, context.as_of), change=Faults(route=FILE, reset_half_way=True)
    )

    def recover(seconds: float) -> None:
        waits.append(seconds)
        mock_server.change = None

    limits = Limits(backoff_seconds=0.01, backoff_max_seconds=0.02, retries=2)
    with mock_server, closing(connect(published.warehouse.loader_dsn)) as conn:
        run_id = pipeline_run.begin(conn, source, context)
        with open_session(
            source, mock_server.url + source.mock_path, limits=limits, sleep=recover
        ) as session:
            taken = snapshot.take_snapshots(conn, source, session, context, run_id=run_id)
    assert waits, "the first answer was cut off"
    assert taken.state == "no_news", "the very bytes that are published came at the second attempt"


def test_a_failed_fetch_is_told_and_moves_no_figure(published: Published) -> None:
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        run_id = pipeline_run.begin(conn, SMHI_EMISSIONS, published.context)
        validate.close_failed(conn, SMHI_EMISSIONS, published.context, run_id, "no connection; try later")
    admin = published.warehouse.admin_dsn
    state = f"SELECT state, detail, ended_at IS NOT NULL FROM ops.source_run WHERE run_id = {run_id}"
    assert ask(admin, state) == [("failed", "no connection; try later", True)]
    message = "SELECT DISTINCT status, detail FROM mart.data_status WHERE source = 'smhi_emissions'"
    assert ask(admin, message) == [("failed", "no connection; try later")]
    assert published.digest() == published.good_digest


class TestRefusedSheet:
    """States and words after a sheet with one wrong cell, and one with a word of the header gone."""

    @pytest.fixture
    def rows(self, published: Published) -> list[list[Any]]:
        return sheet(published.archive, date(2026, 5, 9))

    def test_a_text_in_a_number_cell_is_told_with_its_row_and_count(
        self, published: Published, rows: list[list[Any]]
    ) -> None:
        at = next(at for at, row in enumerate(rows) if len(row) > 3 and row[3] == "Tierp")
        rows[at][5] = "uppgift saknas"
        body = workbook.build_workbook(rows, sheet_name="wrong cell")
        result = take_workbook(published, body)
        message = "\n".join(result.explanations)
        assert f"row {at + 1}" in message
        assert "uppgift saknas" in message
        admin = published.warehouse.admin_dsn
        (release,) = result.quarantined
        kept = f"SELECT sheet_row, raw_value FROM staging.rejected_cell WHERE run_id = {result.run_id}"
        assert ask(admin, kept) == [(at + 1, "uppgift saknas")]
        gate = "SELECT severity, finding_count FROM ops.validation_gate NATURAL JOIN ops.validation"
        wrong = f"{gate} WHERE release_id = '{release}' AND rule = 'rejected_cells' AND NOT passed"
        assert ask(admin, wrong) == [("hard", 1)]
        state = f"SELECT state, rejected_count FROM core.dim_release WHERE release_id = '{release}'"
        assert ask(admin, state) == [("quarantined", 1)]
        run = f"SELECT state FROM ops.source_run WHERE run_id = {result.run_id}"
        assert ask(admin, run) == [("quarantined",)]

    def test_a_sheet_that_cannot_be_read_leaves_a_verdict_and_no_release(
        self, published: Published, rows: list[list[Any]]
    ) -> None:
        header = next(row for row in rows if row and row[0] == "Huvudsektor")
        header[3] = "Ort"
        body = workbook.build_workbook(rows, sheet_name="no header")
        result = take_workbook(published, body)
        assert result.state == "quarantined"
        admin = published.warehouse.admin_dsn
        snapshots = f"SELECT outcome, release_id FROM ops.snapshot WHERE run_id = {result.run_id}"
        assert ask(admin, snapshots) == [("quarantined", None)]
        verdicts = f"SELECT verdict, release_id FROM ops.validation WHERE run_id = {result.run_id}"
        assert ask(admin, verdicts) == [("quarantine", None)]
        facts = f"SELECT count(*) FROM core.fct_emission WHERE run_id = {result.run_id}"
        assert ask(admin, facts) == [(0,)]

    def test_the_same_bad_bytes_again_are_no_news(self, published: Published) -> None:
        body = b"<!DOCTYPE html><html><title>Fel</title></html>"
        assert take_workbook(published, body).state == "quarantined"
        source = SMHI_EMISSIONS
        again = Fetched(
            source=source.id, dataset="smhi_emissions", substance="ghg", url="file:test", parts=(body,)
        )
        with closing(connect(published.warehouse.loader_dsn)) as conn:
            run_id = pipeline_run.begin(conn, source, published.context)
            kept = snapshot._put(source, again, published.context)
            assert not snapshot._enter(conn, source, kept, run_id)


def test_carbon_dioxide_alone_is_published_without_a_digest(published: Published) -> None:
    body = workbook.build_workbook(sheet(published.archive, date(2026, 5, 9), "co2"), sheet_name="CO2")
    result = pipeline_run.take(
        published.warehouse.loader_dsn, published.context, "smhi_emissions", [body], "co2"
    )
    assert result.state == "validated"
    queued = "SELECT count(*) FROM ops.mail_outbox"
    before = ask(published.warehouse.admin_dsn, queued)
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        made = publish.publish_validated(conn, published.context, LIST)
    assert made is not None
    assert not made.digest_queued
    assert ask(published.warehouse.admin_dsn, queued) == before


def test_population_alone_is_published_without_a_digest(
    warehouse: Warehouse, small_archive: Path, tmp_path: Path
) -> None:
    day = date(2026, 5, 8)
    now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    context = RunContext(home=tmp_path / "home", origin="synthetic", as_of=day, now=now)
    dsn, source = warehouse.loader_dsn, SCB_POPULATION
    with MockServer(MockAgencies(small_archive, day)) as mock_server, closing(connect(dsn)) as conn:
        run_id = pipeline_run.begin(conn, source, context)
        with open_session(source, mock_server.url + source.mock_path) as session:
            taken = snapshot.take_snapshots(conn, source, session, context, run_id=run_id)
        assert taken.state == "fetched"
        load.load_run(conn, source, run_id, context)
        assert validate.validate_run(conn, dsn, source, run_id, context).state == "validated"
        made = publish.publish_validated(conn, context, LIST)
    assert made is not None
    assert not made.digest_queued
    assert ask(warehouse.admin_dsn, "SELECT count(*) FROM ops.mail_outbox") == [(0,)]
    assert ask(warehouse.admin_dsn, "SELECT count(*) > 10000 FROM mart.population") == [(True,)]
