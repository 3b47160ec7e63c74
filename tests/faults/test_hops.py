"""What each hop leaves behind when a source is bad, slow, late or alone: states, kept bytes, words."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import chain
import psycopg2
import pytest

from klimatpuls.catalog import SMHI_EMISSIONS
from klimatpuls.hops import load, snapshot, validate
from klimatpuls.hops.context import RunContext
from klimatpuls.http import Limits, open_session
from klimatpuls.releases import Fetched
from klimatpuls.replica import workbook
from klimatpuls.replica.server import Faults, Replica, ReplicaServer
from klimatpuls.sources import smhi_emissions
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Published
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.catalog import Source
    from klimatpuls.hops.validate import ValidationResult

pytestmark = pytest.mark.postgres

FILE = "/api/getexcelfile"
LIST = "list@example.org"


def begin(conn: PgConnection, source: Source, context: RunContext) -> int:
    with conn:
        run = runs.start_run(
            conn, source=source.id, origin=context.origin, as_of=context.as_of, orchestrator_run=None
        )
    return run.run_id


def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def sheet(archive: Path, day: date, substance: str = "ghg") -> list[list[Any]]:
    """A good sheet of a later day; for another substance the same figures under its name."""
    (path,) = (archive / "smhi").glob("GGT*2026*.xlsx")
    parsed = smhi_emissions.parse([path.read_bytes()], "smhi_emissions", "ghg")
    above = workbook.preamble("ghg", day, parsed.years)
    return workbook.preamble(substance, day, parsed.years) + chain.sheet_rows(parsed, day)[len(above) :]


def take(dsn: str, context: RunContext, body: bytes, substance: str = "ghg") -> ValidationResult:
    """Bytes of a workbook through hops 1 to 3."""
    source = SMHI_EMISSIONS
    fetched = Fetched(
        source=source.id, dataset="smhi_emissions", substance=substance, url="file:test", parts=(body,)
    )
    with closing(connect(dsn)) as conn:
        run_id = begin(conn, source, context)
        assert snapshot._enter(conn, source, snapshot._put(source, fetched, context), run_id)
        load.load_run(conn, source, run_id, context)
        return validate.validate_run(conn, dsn, source, run_id, context)


def through_replica(published: Published, faults: Faults, sleep: Callable[[float], None]) -> ValidationResult:
    """SMHI's workbooks over HTTP from a replica with faults, through hops 1 to 3."""
    dsn, context, source = published.warehouse.loader_dsn, published.context, SMHI_EMISSIONS
    replica = ReplicaServer(Replica(published.archive, context.as_of), faults=faults)
    limits = Limits(backoff_seconds=0.01, backoff_max_seconds=0.02, retries=2)
    with replica, closing(connect(dsn)) as conn:
        run_id = begin(conn, source, context)
        with open_session(source, replica.url + source.replica_path, limits=limits, sleep=sleep) as session:
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
    context, source = published.context, SMHI_EMISSIONS
    replica = ReplicaServer(
        Replica(published.archive, context.as_of), faults=Faults(route=FILE, reset_half_way=True)
    )

    def recover(seconds: float) -> None:
        waits.append(seconds)
        replica.faults = Faults()

    limits = Limits(backoff_seconds=0.01, backoff_max_seconds=0.02, retries=2)
    with replica, closing(connect(published.warehouse.loader_dsn)) as conn:
        run_id = begin(conn, source, context)
        with open_session(source, replica.url + source.replica_path, limits=limits, sleep=recover) as session:
            taken = snapshot.take_snapshots(conn, source, session, context, run_id=run_id)
    assert waits, "the first answer was cut off"
    assert taken.state == "no_news", "the very bytes that are published came at the second attempt"


def test_a_failed_fetch_is_told_and_moves_no_figure(published: Published) -> None:
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        run_id = begin(conn, SMHI_EMISSIONS, published.context)
        validate.close_failed(conn, SMHI_EMISSIONS, published.context, run_id, "no connection; try later")
    admin = published.warehouse.admin_dsn
    state = f"SELECT state, detail, ended_at IS NOT NULL FROM ops.source_run WHERE run_id = {run_id}"
    assert ask(admin, state) == [("failed", "no connection; try later", True)]
    told = "SELECT DISTINCT status, detail FROM mart.data_status WHERE source = 'smhi_emissions'"
    assert ask(admin, told) == [("failed", "no connection; try later")]
    assert published.digest() == published.good_digest
