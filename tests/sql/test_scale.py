"""Questions at 600 releases: what a query has to plan, lock and read does not grow with what is kept."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from klimatpuls.domain.substances import substances
from klimatpuls.paths import SQL_ROOT
from klimatpuls.warehouse import publication
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Warehouse

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(180)]

RUNS = 20
MOST_PARTITIONS, MOST_LOCKS, MOST_PLANNING_MS = 2, 50, 5.0
DASHBOARD = sorted((SQL_ROOT / "checks/dashboard").glob("*.sql"))

_RUN = """
INSERT INTO ops.source_run (source, origin, as_of_date, state, ended_at)
VALUES ('smhi_emissions', 'synthetic', %(day)s, 'validated', now()) RETURNING run_id
"""
_FACTS = """
INSERT INTO core.{partition}
SELECT %(run_id)s, x.release_id, x.substance, r.region_code, s.sector_code, y.year, 100 + y.year %% 7, 9
FROM unnest(%(release_ids)s, %(substances)s) AS x (release_id, substance)
CROSS JOIN core.dim_region AS r
CROSS JOIN unnest(ARRAY['all', 'transport', 'waste', 'international_transport']) AS s (sector_code)
CROSS JOIN generate_series(2015::smallint, 2015::smallint + 1) AS y (year)
WHERE r.region_code IN ('00', '03', '0360', '0380')
"""
_RELEASES = """
INSERT INTO core.dim_release (
    release_id, source, dataset, substance, unit, published_date, known_from, retrieved_at, content_sha256,
    file_sha256, years, row_count, rejected_count, origin, state, run_id
)
SELECT
    x.release_id, 'smhi_emissions', 'smhi_emissions', x.substance, 't', %(day)s, %(day)s, now(),
    encode(sha256(x.release_id::bytea), 'hex'), encode(sha256(x.release_id::bytea), 'hex'),
    ARRAY[2015, 2016]::smallint[], 32, 0, 'synthetic', 'validated', %(run_id)s
FROM unnest(%(release_ids)s, %(substances)s) AS x (release_id, substance)
"""


def fill(warehouse: Warehouse) -> None:
    """Twenty source runs of every substance known, 600 releases, published."""
    names = sorted(substances())
    with closing(connect(warehouse.loader_dsn)) as conn:
        for number in range(RUNS):
            values: dict[str, Any] = {"day": date(2005 + number, 5, 7), "substances": names}
            values["release_ids"] = [f"smhi_emissions-{name}-{values['day']}-{number:08x}" for name in names]
            with conn, conn.cursor() as cursor:
                cursor.execute(_RUN, values)
                (values["run_id"],) = cursor.fetchone()
                cursor.execute("SELECT ops.create_load_partition('emission', %(run_id)s)", values)
                (partition,) = cursor.fetchone()
                cursor.execute(_FACTS.format(partition=partition), values)
                cursor.execute("SELECT ops.attach_load_partition('emission', %(run_id)s)", values)
                cursor.execute(_RELEASES, values)
        made = publication.publish(conn, as_of=date(2026, 5, 8), compute=lambda _: (), list_address=None)
        assert made is not None
        assert len(made.release_ids) == RUNS * len(names) == 600


@pytest.fixture(scope="module")
def reader(new_warehouse: Callable[[], Warehouse]) -> Iterator[Any]:
    warehouse = new_warehouse()
    fill(warehouse)
    with closing(connect(warehouse.admin_dsn)) as admin, admin, admin.cursor() as cursor:
        cursor.execute("ANALYZE")
    with closing(psycopg2.connect(warehouse.bi_dsn)) as conn:
        yield conn


def cost(reader: Any, query: str) -> tuple[int, int, float, int]:
    """Partitions of core a query locks, locks it holds, milliseconds of planning (best of three), rows."""
    planning, rows = [], 0
    for _ in range(3):
        with reader, reader.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}")
            ((plan,),) = cursor.fetchall()
            planning.append(plan[0]["Planning Time"])
            rows = plan[0]["Plan"]["Actual Rows"]
            cursor.execute(
                "SELECT count(DISTINCT c.oid) FILTER (WHERE c.relname ~ '^fct_.*_r[0-9]+$'), count(*) "
                "FROM pg_locks AS l LEFT JOIN pg_class AS c ON l.relation = c.oid "
                "WHERE l.pid = pg_backend_pid()"
            )
            ((partitions, locks),) = cursor.fetchall()
    return partitions, locks, min(planning), rows


@pytest.mark.parametrize("path", DASHBOARD, ids=lambda path: path.stem)
def test_a_page_of_a_dashboard_costs_the_same_at_600_releases(reader: Any, path: Path) -> None:
    partitions, locks, planning, _ = cost(reader, path.read_text(encoding="utf-8"))
    assert partitions <= MOST_PARTITIONS
    assert locks <= MOST_LOCKS
    assert planning <= MOST_PLANNING_MS


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM mart.emission WHERE region_code = '0360'",
        "SELECT * FROM mart.emission_as_of('2015-12-31', 'ghg')",
        "SELECT * FROM mart.emission_as_of('2015-12-31', 'ghg', '0360')",
        "SELECT * FROM mart.revision WHERE is_current AND substance = 'ghg'",
    ],
)
def test_a_look_at_one_release_touches_one_run(reader: Any, query: str) -> None:
    partitions, locks, planning, rows = cost(reader, query)
    assert rows > 0 or "revision" in query
    assert partitions <= MOST_PARTITIONS
    assert locks <= MOST_LOCKS
    assert planning <= MOST_PLANNING_MS


def test_two_releases_side_by_side_touch_two_runs(reader: Any) -> None:
    with reader, reader.cursor() as cursor:
        cursor.execute(
            "SELECT release_id FROM mart.release WHERE substance = 'ghg' ORDER BY published_date DESC LIMIT 2"
        )
        (new,), (old,) = cursor.fetchall()
    partitions, locks, _, rows = cost(reader, f"SELECT * FROM mart.revision_between('{old}', '{new}')")
    assert rows == 32
    assert partitions == 2
    assert locks <= MOST_LOCKS


def test_the_rows_behind_a_number_touch_the_run_of_their_release(reader: Any) -> None:
    with reader, reader.cursor() as cursor:
        cursor.execute("SELECT release_id FROM mart.release WHERE substance = 'ghg' LIMIT 1")
        ((release,),) = cursor.fetchall()
    partitions, locks, _, rows = cost(
        reader, f"SELECT * FROM mart.source_row('emission', '{release}', '0360')"
    )
    assert rows > 0
    assert partitions == 1
    assert locks <= MOST_LOCKS
