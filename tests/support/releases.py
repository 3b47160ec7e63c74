"""Releases added to a published warehouse by hand, and queries on the result."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg2

from klimatpuls.contract.catalog import SOURCES, source_of
from klimatpuls.contract.releases import Fetched
from klimatpuls.mock_agencies import workbook
from klimatpuls.pipeline import load, publish, snapshot, validate
from klimatpuls.sources import smhi_emissions
from klimatpuls.warehouse import publication, runs
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import digest_parts
from support import pipeline_run

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from conftest import Published, Warehouse
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.releases import Parsed
    from klimatpuls.pipeline.validate import ValidationResult

SMHI_EMISSIONS = SOURCES["smhi_emissions"]
LIST = "list@example.org"


def the_day_after(good: Published, warehouse: Warehouse, home: Path) -> Published:
    """Valid data in a warehouse of its own, with a context of the day after publication."""
    context = pipeline_run.context_of(home, good.context.as_of + timedelta(days=1))
    return replace(good, warehouse=warehouse, context=context)


@cache
def newest(archive: Path) -> Parsed:
    (path,) = (archive / "smhi").glob("GGT*2026*.xlsx")
    return smhi_emissions.parse([path.read_bytes()], "smhi_emissions", "ghg")


@cache
def book(archive: Path, day: date, factor: float, title: str) -> bytes:
    """The newest workbook with another date, every figure multiplied."""
    rows = pipeline_run.sheet_rows(newest(archive), day, factor)
    return workbook.build_workbook(
        rows, sheet_name="Växthusgaser totalt", properties=workbook.Properties(title=title)
    )


def release(
    published: Published, day: date, factor: float = 1.0, title: str = "", known_from: date | None = None
) -> ValidationResult:
    """Load and validate a release of another date; ``known_from`` defaults to that date."""
    body = book(published.archive, day, factor, title)
    dsn, context, source = published.warehouse.loader_dsn, published.context, SMHI_EMISSIONS
    with closing(connect(dsn)) as conn:
        with conn:
            run = runs.start_run(
                conn, source=source.id, origin=context.origin, as_of=context.as_of, orchestrator_run=None
            )
        fetched = Fetched(
            source=source.id,
            dataset="smhi_emissions",
            substance="ghg",
            url="file:test",
            parts=(body,),
            known_from=known_from,
        )
        snapshot._enter(conn, source, snapshot._put(source, fetched, context), run.run_id)
        load.load_run(conn, source, run.run_id, context)
        return validate.validate_run(conn, dsn, source, run.run_id, context)


def publish_now(published: Published, conn: PgConnection | None = None) -> publication.Published | None:
    if conn is not None:
        return publish.publish_validated(conn, published.context, LIST)
    with closing(connect(published.warehouse.loader_dsn)) as own:
        return publish.publish_validated(own, published.context, LIST)


def ask(published: Published, query: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(published.warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def current(published: Published) -> str:
    query = "SELECT release_id FROM mart.release WHERE is_current AND substance = 'ghg'"
    ((release_id,),) = ask(published, query)
    return str(release_id)


def outbox(published: Published) -> list[tuple[Any, ...]]:
    return ask(published, "SELECT as_of_date, approval, state FROM ops.mail_outbox ORDER BY outbox_id")


def shown(published: Published, dataset: str) -> dict[str, str]:
    """What readers see of a dataset: the publication, the releases, and the hash of its facts.

    It takes a tenth of the time of the whole digest.
    """
    fact = source_of(dataset).dataset(dataset).fact
    with closing(connect(published.warehouse.loader_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("SELECT publication_id::text FROM mart.current_publication")
        (publication_id,) = cursor.fetchone()
        parts = digest_parts(cursor, only={f"core {fact}", "release"})
    assert len(parts) == 2
    return {"publication": publication_id, **parts}
