"""A warehouse with figures in it, brought from the first migration to the newest: as if it had been new."""

from __future__ import annotations

import re
import subprocess
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from klimatpuls.warehouse.connection import connect, load_sql
from klimatpuls.warehouse.migrate import migrate, migrate_tables

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Warehouse

    from klimatpuls.local.postgres import Cluster

pytestmark = pytest.mark.postgres

PASSWORDS = {"wh_loader": "load", "wh_mailer": "mail", "bi_read": "read"}
FIRST = "0001_foundation"
GHG, PEOPLE = "smhi_emissions-ghg-2025-06-18-aaaaaaaa", "scb_population-all-2025-02-22-bbbbbbbb"
AHEAD, PAST = "kolada-all-2026-06-30-cccccccc", "kolada-all-2025-05-01-dddddddd"

# What a warehouse held that was made and filled when there was one migration.
_FILLED = f"""
SET ROLE wh_owner;
INSERT INTO core.dim_region VALUES ('00', 'Riket', 'nation', NULL, 1),
    ('03', 'Uppsala län', 'county', NULL, 2),
    ('0360', 'Tierp', 'municipality', '03', 3);
INSERT INTO core.dim_sector VALUES ('all', NULL, 'Alla sektorer', 'All sectors', FALSE, 1);
INSERT INTO core.dim_substance VALUES ('ghg', 'Växthusgaser', 'Greenhouse gases', TRUE);
INSERT INTO ops.warehouse_origin (origin) VALUES ('live');
INSERT INTO ops.source_run (source, origin, as_of_date, state, ended_at)
VALUES ('smhi_emissions', 'live', '2025-06-18', 'validated', now()),
    ('scb_population', 'live', '2025-02-22', 'validated', now()),
    ('kolada', 'live', '2025-06-18', 'validated', now());
INSERT INTO core.dim_release (
    release_id, source, dataset, substance, unit, published_date, known_from, retrieved_at, content_sha256,
    file_sha256, years, row_count, rejected_count, origin, state, run_id, decided_by, decided_at,
    decision_reason
) VALUES
    ('{GHG}', 'smhi_emissions', 'smhi_emissions', 'ghg', 't', '2025-06-18', '2025-06-18', now(),
        repeat('a', 64), repeat('a', 64), '{{1990,2023}}', 2, 0, 'live', 'published', 1,
        'operator', now(), 'looked at'),
    ('{PEOPLE}', 'scb_population', 'scb_population', 'all', 'antal', '2025-02-22', '2025-02-22', now(),
        repeat('b', 64), repeat('b', 64), '{{2023}}', 1, 0, 'live', 'published', 2, NULL, NULL, NULL),
    ('{AHEAD}', 'kolada', 'kolada', 'all', 't', '2026-06-30', '2025-06-18', now(),
        repeat('c', 64), repeat('c', 64), '{{2023}}', 0, 0, 'live', 'published', 3, NULL, NULL, NULL),
    ('{PAST}', 'kolada', 'kolada', 'all', 't', '2025-05-01', '2025-06-11', now(),
        repeat('d', 64), repeat('d', 64), '{{2023}}', 0, 0, 'live', 'published', 3, NULL, NULL, NULL);
CREATE TABLE core.fct_emission_r1 PARTITION OF core.fct_emission
    (CHECK (run_id = 1), PRIMARY KEY (release_id, substance, region_code, sector_code, year))
    FOR VALUES IN (1);
INSERT INTO core.fct_emission VALUES
    (1, '{GHG}', 'ghg', '0360', 'all', 1990, 210185.5, 9),
    (1, '{GHG}', 'ghg', '0360', 'all', 2023, 131260.25, 9);
CREATE TABLE core.fct_population_r2 PARTITION OF core.fct_population
    (CHECK (run_id = 2), PRIMARY KEY (release_id, region_code, year)) FOR VALUES IN (2);
INSERT INTO core.fct_population VALUES (2, '{PEOPLE}', '0360', 2023, 21325, 9);
INSERT INTO ops.publication (
    state, origin, as_of_date, method_version, emission_facts_id, population_facts_id, register_sha256,
    published_at
) VALUES ('published', 'live', '2025-06-18', '1.0', 1, 1, '', now());
INSERT INTO ops.publication_release VALUES (1, '{GHG}', TRUE), (1, '{PEOPLE}', TRUE);
INSERT INTO ops.validation (run_id, dataset, substance, release_id, snapshot_sha256, verdict)
VALUES (1, 'smhi_emissions', 'ghg', '{GHG}', '', 'publish_with_warnings');
INSERT INTO ops.validation_gate (validation_id, rule, severity, passed, message_sv, message_en)
VALUES (1, 'sector_collapse', 'advisory', FALSE, 'Fall', 'Collapse');
CREATE TABLE mart_data.emission_p1 PARTITION OF mart_data.emission
    (CHECK (facts_id = 1), PRIMARY KEY (region_code, sector_code, year, substance)) FOR VALUES IN (1);
INSERT INTO mart_data.emission VALUES
    (1, '0360', 'all', 1990, 'ghg', 210185.5, 'observed', '{GHG}'),
    (1, '0360', 'all', 2023, 'ghg', 131260.25, 'observed', '{GHG}');
INSERT INTO mart_data.population VALUES (1, '0360', 2023, 21325, '{PEOPLE}');
UPDATE mart.current_publication
SET publication_id = 1, emission_facts_id = 1, population_facts_id = 1,
    as_of_date = '2025-06-18', origin = 'live';
"""


@pytest.fixture(scope="module")
def upgraded(cluster: Cluster) -> str:
    """Address of a warehouse that was filled at the first migration and brought to the newest."""
    cluster.ensure_database("upgraded")
    dsn = cluster.dsn("upgraded")
    migrate_tables(dsn, PASSWORDS, FIRST)
    with closing(connect(dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(_FILLED)
    migrate(dsn, PASSWORDS)
    return dsn


def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with closing(connect(dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def objects(cluster: Cluster, dsn: str, tmp_path: Path) -> set[str]:
    """Every object of a database with its owner, grants and comments, but for partitions of figures."""
    dumped = tmp_path / "schema.sql"
    program = cluster.psql.with_name("pg_dump")
    subprocess.run([program, "--schema-only", f"--file={dumped}", dsn], check=True)
    whole = re.split(r"\n\n+--\n-- ", dumped.read_text(encoding="utf-8"))
    bodies = (part.split("\n--\n", 1)[-1].strip() for part in whole[1:])
    return {
        body
        for body in bodies
        if not re.search(r"_[rp][0-9]+(_pkey)?\b", body) and not body.startswith("\\unrestrict")
    }


def test_an_upgraded_warehouse_has_the_objects_of_a_new_one(
    cluster: Cluster, warehouse: Warehouse, upgraded: str, tmp_path: Path
) -> None:
    new = objects(cluster, warehouse.admin_dsn, tmp_path)
    assert len(new) > 500
    assert objects(cluster, upgraded, tmp_path) == new
    assert migrate(upgraded, PASSWORDS) == migrate(warehouse.admin_dsn, PASSWORDS)
    figures = "SELECT year, emissions_tco2e, release_id FROM mart.{} WHERE region_code = '0360' ORDER BY year"
    expected = [(1990, 210185.5, GHG), (2023, 131260.25, GHG)]
    for relation in ("emission", "emission_by_release", "emission_as_of('2025-12-31', 'ghg')"):
        assert ask(upgraded, figures.format(relation)) == expected
    assert ask(upgraded, "SELECT population_count FROM mart.population") == [(21325,)]
    assert ask(upgraded, "SELECT release_id, rule, passed FROM mart.release_gate") == [
        (GHG, "sector_collapse", False)
    ]
    assert ask(upgraded, "SELECT release_id, action, reason FROM ops.release_decision") == [
        (GHG, "approve", "looked at")
    ]


def test_releases_dated_by_a_planned_publication_are_dated_by_when_we_knew_them(upgraded: str) -> None:
    dates = "SELECT release_id, published_date FROM core.dim_release WHERE source = 'kolada' ORDER BY 2"
    assert ask(upgraded, dates) == [(PAST, date(2025, 5, 1)), (AHEAD, date(2025, 6, 18))]


# Two releases that were compared before a total was compared on two boundaries.
_COMPARED = """
SET ROLE wh_owner;
INSERT INTO core.dim_sector VALUES
    ('international_transport', NULL, 'Utrikes transporter', 'International transport', TRUE, 2);
INSERT INTO ops.source_run (run_id, source, origin, as_of_date, state, ended_at) OVERRIDING SYSTEM VALUE
SELECT r, 'smhi_emissions', 'live', '2026-05-07', 'validated', now() FROM unnest(ARRAY[11, 12]) AS r;
INSERT INTO core.dim_release (
    release_id, source, dataset, substance, unit, published_date, known_from, retrieved_at, content_sha256,
    file_sha256, years, row_count, rejected_count, origin, state, run_id
)
SELECT
    x.name, 'smhi_emissions', 'smhi_emissions', 'ghg', 't', x.day, x.day, now(), md5(x.name) || md5(x.name),
    md5(x.name) || md5(x.name), x.years, 4, 0, 'live', 'published', x.run_id
FROM (VALUES
    ('old', '2025-06-18'::date, ARRAY[1990, 2023]::smallint[], 11),
    ('new', '2026-05-07'::date, ARRAY[2023, 2024]::smallint[], 12)
) AS x (name, day, years, run_id);
CREATE TABLE core.fct_emission_r11 PARTITION OF core.fct_emission FOR VALUES IN (11);
CREATE TABLE core.fct_emission_r12 PARTITION OF core.fct_emission FOR VALUES IN (12);
INSERT INTO core.fct_emission
SELECT f.* FROM (VALUES
    (11, 'old', 'ghg', '0360', 'all', 1990, 200.0, 9), (11, 'old', 'ghg', '0360', 'all', 2023, 100.0, 9),
    (11, 'old', 'ghg', '0360', 'international_transport', 1990, 0.0, 10),
    (11, 'old', 'ghg', '0360', 'international_transport', 2023, 0.0, 10),
    (12, 'new', 'ghg', '0360', 'all', 2023, 137.0, 9), (12, 'new', 'ghg', '0360', 'all', 2024, 150.0, 9),
    (12, 'new', 'ghg', '0360', 'international_transport', 2023, 38.0, 10),
    (12, 'new', 'ghg', '0360', 'international_transport', 2024, 40.0, 10)
) AS f;
INSERT INTO core.revision_pair VALUES ('new', 'old', 6, 6);
INSERT INTO core.revision VALUES
    ('new', 'old', 'all', '0360', 1990, 200.0, NULL, NULL),
    ('new', 'old', 'all', '0360', 2023, 100.0, 137.0, 1),
    ('new', 'old', 'all', '0360', 2024, NULL, 150.0, NULL),
    ('new', 'old', 'international_transport', '0360', 1990, 0.0, NULL, NULL),
    ('new', 'old', 'international_transport', '0360', 2023, 0.0, 38.0, 1),
    ('new', 'old', 'international_transport', '0360', 2024, NULL, 40.0, NULL);
"""


def test_what_was_compared_before_is_as_if_it_were_compared_now(cluster: Cluster) -> None:
    cluster.ensure_database("compared")
    dsn = cluster.dsn("compared")
    migrate_tables(dsn, PASSWORDS, FIRST)
    for script, version in ((_FILLED, "0014_movement_rank"), (_COMPARED, "head")):
        with closing(connect(dsn)) as conn, conn, conn.cursor() as cursor:
            cursor.execute(script)
        migrate_tables(dsn, PASSWORDS, version)
    tables = ("core.revision", "core.revision_pair")
    upgraded = {name: ask(dsn, f"SELECT t.* FROM {name} AS t ORDER BY t::text") for name in tables}
    assert upgraded["core.revision_pair"] == [("new", "old", 2, 2)]
    with closing(connect(dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("TRUNCATE core.revision, core.revision_pair")
        sides = {"to_release_id": "new", "to_run_id": 12, "from_release_id": "old", "from_run_id": 11}
        cursor.execute(load_sql("write/build_revision.sql"), sides)
    now = {name: ask(dsn, f"SELECT t.* FROM {name} AS t ORDER BY t::text") for name in tables}
    assert upgraded == now
    territorial = (
        "SELECT year, old_emissions, new_emissions FROM core.revision WHERE boundary = 'territorial'"
    )
    assert ask(dsn, f"{territorial} ORDER BY year") == [
        (1990, 200.0, None),
        (2023, 100.0, 99.0),
        (2024, None, 110.0),
    ]


def test_releases_of_one_day_keep_their_order_and_later_answers_come_after(cluster: Cluster) -> None:
    """Until approvals were numbered the content hash decided; upgrading changes nothing readers see."""
    cluster.ensure_database("of_one_day")
    dsn = cluster.dsn("of_one_day")
    migrate_tables(dsn, PASSWORDS, "0014_movement_rank")
    with closing(connect(dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("SET ROLE wh_owner")
        cursor.execute(
            "INSERT INTO ops.source_run (source, origin, as_of_date, state) "
            "VALUES ('smhi_emissions', 'live', '2026-05-07', 'validated')"
        )
        for name, day, state in (
            ("c", "2026-05-07", "published"),
            ("a", "2026-05-07", "published"),
            ("b", "2026-05-07", "withdrawn"),
            ("d", "2026-05-07", "rejected"),
            ("e", "2025-05-06", "published"),
            ("f", "2024-05-06", "published"),
        ):
            cursor.execute(
                "INSERT INTO core.dim_release (release_id, source, dataset, substance, unit, published_date, "
                "known_from, retrieved_at, content_sha256, file_sha256, years, row_count, rejected_count, "
                "origin, state, run_id) VALUES (%(name)s, 'smhi_emissions', 'smhi_emissions', 'ghg', 't', "
                "%(day)s, %(day)s, now(), repeat(%(name)s, 64), repeat('0', 64), '{2023}', 1, 0, 'live', "
                "%(state)s, 1)",
                {"name": name, "day": day, "state": state},
            )
        cursor.execute(
            "INSERT INTO ops.release_decision "
            "(release_id, action, from_state, to_state, decided_by, decided_at) "
            "SELECT release_id, 'approve', 'held', 'validated', 'operator', now() FROM core.dim_release "
            "WHERE release_id IN ('a', 'e') ORDER BY release_id RETURNING decision_id"
        )
        decisions = [number for (number,) in cursor.fetchall()]
    migrate(dsn, PASSWORDS)
    numbers = dict(ask(dsn, "SELECT release_id, approval_number FROM core.dim_release"))
    assert numbers == {"a": -2, "b": -1, "c": 0, "d": 0, "e": decisions[1], "f": 0}
