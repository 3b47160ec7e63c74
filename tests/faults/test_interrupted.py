"""A process killed between two steps, and a step done twice: the next run ends what the last one began."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from support import pipeline_run

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.mock_agencies import workbook
from klimatpuls.pipeline import load, publish, snapshot, validate
from klimatpuls.sources import smhi_emissions
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Published
    from psycopg2.extensions import connection as PgConnection

SMHI_EMISSIONS = SOURCES["smhi_emissions"]
pytestmark = pytest.mark.postgres

LIST = "list@example.org"
LATER = date(2026, 5, 9)


@pytest.fixture
def conn(published: Published) -> Iterator[PgConnection]:
    with closing(connect(published.warehouse.loader_dsn)) as opened:
        yield opened


@pytest.fixture
def file(published: Published, tmp_path: Path) -> Path:
    """A workbook of the day after, with figures a little higher."""
    (newest,) = (published.archive / "smhi").glob("GGT*2026*.xlsx")
    parsed = smhi_emissions.parse([newest.read_bytes()], "smhi_emissions", "ghg")
    path = tmp_path / "GGT.xlsx"
    path.write_bytes(
        workbook.build_workbook(
            pipeline_run.sheet_rows(parsed, LATER, 1.001), sheet_name="Växthusgaser totalt"
        )
    )
    return path


def take(conn: PgConnection, published: Published, file: Path) -> snapshot.SnapshotResult:
    """Step 1 in a run of its own."""
    with conn:
        run = runs.start_run(
            conn,
            source=SMHI_EMISSIONS.id,
            origin=published.context.origin,
            as_of=published.context.as_of,
            orchestrator_run=None,
        )
    kept = snapshot.keep_file(file, published.context)
    return snapshot.adopt_by_hand(
        conn, SMHI_EMISSIONS, published.context, run_id=run.run_id, manifest_path=kept.manifest_path
    )


def evaluate(conn: PgConnection, published: Published, run_id: int) -> validate.ValidationResult:
    return validate.validate_run(
        conn, published.warehouse.loader_dsn, SMHI_EMISSIONS, run_id, published.context
    )


def ask(published: Published, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(published.warehouse.admin_dsn)) as own, own, own.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_a_load_done_twice_says_the_same_twice(conn: PgConnection, published: Published, file: Path) -> None:
    run_id = take(conn, published, file).run_id
    first = load.load_run(conn, SMHI_EMISSIONS, run_id, published.context)
    assert first.rows
    assert load.load_run(conn, SMHI_EMISSIONS, run_id, published.context) == first
    state = f"SELECT state FROM ops.source_run WHERE run_id = {run_id}"
    assert ask(published, state) == [("loaded",)]


def test_a_refused_file_is_refused_again_when_the_load_is_done_again(
    conn: PgConnection, published: Published, file: Path
) -> None:
    taken = take(conn, published, file)
    with conn, conn.cursor() as cursor:
        cursor.execute("UPDATE ops.snapshot SET outcome = 'quarantined' WHERE run_id = %s", (taken.run_id,))
    again = load.load_run(conn, SMHI_EMISSIONS, taken.run_id, published.context)
    assert len(again.quarantined) == 1
    assert ask(published, f"SELECT state FROM ops.source_run WHERE run_id = {taken.run_id}") == [
        ("quarantined",)
    ]


def test_a_release_that_never_got_its_verdict_is_judged_by_the_next_run(
    conn: PgConnection, published: Published, file: Path
) -> None:
    killed = take(conn, published, file).run_id
    load.load_run(conn, SMHI_EMISSIONS, killed, published.context)
    with conn:
        runs.set_run_state(conn, killed, "failed", "killed after its load")

    taken = take(conn, published, file)
    assert taken.state == "fetched"
    assert taken.run_id == killed
    load.load_run(conn, SMHI_EMISSIONS, taken.run_id, published.context)
    assert evaluate(conn, published, taken.run_id).state == "validated"
    made = publish.publish_validated(conn, published.context, LIST)
    assert made is not None
    assert [LATER.isoformat() in release for release in made.release_ids] == [True]

    assert take(conn, published, file).state == "no_news"


def test_a_verdict_given_twice_stands_once(conn: PgConnection, published: Published, file: Path) -> None:
    run_id = take(conn, published, file).run_id
    load.load_run(conn, SMHI_EMISSIONS, run_id, published.context)
    assert evaluate(conn, published, run_id) == evaluate(conn, published, run_id)
    assert ask(published, f"SELECT count(*) FROM ops.validation WHERE run_id = {run_id}") == [(1,)]
