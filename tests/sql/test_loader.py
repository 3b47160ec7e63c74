"""Tidy rows into core: every row counted, and all or nothing."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
import psycopg2
import pytest
from support.loading import load_facts, load_rejects

from klimatpuls.contract.releases import Parsed
from klimatpuls.contract.schema import ContractError
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.loader import copy_rows, frame_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Warehouse
    from psycopg2.extensions import connection as PgConnection

pytestmark = pytest.mark.postgres

SNAPSHOT = {"snapshot_sha256": "f" * 64, "dataset": "smhi_emissions", "substance": "ghg"}
REJECT_COLUMNS = ["sheet_row", "column_name", "raw_value", "reason"]


@pytest.fixture
def conn(warehouse: Warehouse) -> Iterator[PgConnection]:
    opened = connect(warehouse.loader_dsn)
    yield opened
    opened.close()


@pytest.fixture
def run_id(conn: PgConnection) -> int:
    with conn:
        run = runs.start_run(
            conn, source="smhi_emissions", origin="synthetic", as_of=date(2026, 5, 8), orchestrator_run=None
        )
    return run.run_id


def release(rows: pd.DataFrame, substance: str | None = "ghg") -> Parsed:
    return Parsed(
        dataset="smhi_emissions" if substance else "scb_population",
        substance=substance,
        unit="ton/år",
        published_date=date(2026, 5, 7),
        years=tuple(sorted(set(rows["year"]))),
        rows=rows,
        rejects=pd.DataFrame(columns=REJECT_COLUMNS),
        rows_read=len(rows),
    )


def emissions(*values: float) -> pd.DataFrame:
    frame = pd.DataFrame({"year": range(2020, 2020 + len(values)), "emissions": values})
    frame.insert(0, "sector_code", "all")
    frame.insert(0, "region_code", "0360")
    return frame.assign(sheet_row=9)


def population(*counts: int) -> pd.DataFrame:
    frame = pd.DataFrame({"year": range(2020, 2020 + len(counts)), "population_count": counts})
    frame.insert(0, "region_code", "0360")
    return frame.assign(sheet_row=range(len(counts)))


def ask(conn: PgConnection, query: str) -> list[tuple[Any, ...]]:
    with conn.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_rows_are_counted_per_release_and_arrive_to_the_last_digit(conn: PgConnection, run_id: int) -> None:
    exact = (0.1, 1 / 3, 123456789.123)
    counts = load_facts(
        conn,
        run_id,
        [("one", release(emissions(*exact))), ("two", release(emissions(-0.25, 7.33347e-05), "co2"))],
    )
    conn.commit()
    assert counts == {"one": 3, "two": 2}
    found = ask(conn, "SELECT substance, emissions, run_id FROM core.fct_emission ORDER BY release_id, year")
    wanted = [("ghg", value, run_id) for value in exact]
    assert found == [*wanted, ("co2", -0.25, run_id), ("co2", 7.33347e-05, run_id)]
    assert ask(conn, "SELECT DISTINCT region_code FROM core.fct_emission") == [("0360",)]


def test_population_has_a_table_of_its_own(conn: PgConnection, run_id: int) -> None:
    assert load_facts(conn, run_id, [("people", release(population(21_000, 0), None))]) == {"people": 2}
    found = ask(conn, "SELECT year, population_count, sheet_row FROM core.fct_population ORDER BY year")
    assert found == [(2020, 21_000, 0), (2021, 0, 1)]


def test_a_load_that_is_rolled_back_leaves_neither_table_nor_row(conn: PgConnection, run_id: int) -> None:
    load_facts(conn, run_id, [("one", release(emissions(1.0)))])
    conn.rollback()
    assert ask(conn, f"SELECT to_regclass('core.fct_emission_r{run_id}')") == [(None,)]
    assert ask(conn, "SELECT count(*) FROM core.fct_emission") == [(0,)]
    assert load_facts(conn, run_id, [("one", release(emissions(1.0)))]) == {"one": 1}, "a retry is free to go"


def test_a_cell_twice_is_refused_by_the_key(conn: PgConnection, run_id: int) -> None:
    twice = pd.concat([emissions(1.0), emissions(2.0)], ignore_index=True)
    with pytest.raises(psycopg2.errors.UniqueViolation):
        load_facts(conn, run_id, [("one", release(twice))])
    conn.rollback()
    assert ask(conn, f"SELECT to_regclass('core.fct_emission_r{run_id}')") == [(None,)]


def test_a_missing_value_is_refused_by_the_column(conn: PgConnection, run_id: int) -> None:
    with pytest.raises(psycopg2.errors.NotNullViolation):
        load_facts(conn, run_id, [("one", release(emissions(float("nan"))))])


def test_a_run_is_loaded_once(conn: PgConnection, run_id: int) -> None:
    load_facts(conn, run_id, [("one", release(emissions(1.0)))])
    conn.commit()
    with pytest.raises(psycopg2.errors.DuplicateTable):
        load_facts(conn, run_id, [("one", release(emissions(1.0)))])


def test_what_is_loaded_may_not_be_changed_by_the_loader(conn: PgConnection, run_id: int) -> None:
    load_facts(conn, run_id, [("one", release(emissions(1.0)))])
    conn.commit()
    for statement in (
        f"INSERT INTO core.fct_emission_r{run_id} SELECT * FROM core.fct_emission_r{run_id}",
        f"DELETE FROM core.fct_emission_r{run_id}",
        f"UPDATE core.fct_emission_r{run_id} SET emissions = 0",
        f"DROP TABLE core.fct_emission_r{run_id}",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), conn.cursor() as cursor:
            cursor.execute(statement)
        conn.rollback()
    assert ask(conn, "SELECT emissions FROM core.fct_emission") == [(1.0,)]


def test_two_kinds_of_facts_of_one_run_lie_in_tables_of_their_own(conn: PgConnection, run_id: int) -> None:
    mixed = [("one", release(emissions(1.0))), ("people", release(population(1), None))]
    assert load_facts(conn, run_id, mixed) == {"one": 1, "people": 1}
    assert ask(conn, "SELECT release_id FROM core.fct_emission") == [("one",)]
    assert ask(conn, "SELECT release_id FROM core.fct_population") == [("people",)]


def test_a_frame_that_is_not_what_the_contract_says_is_named_both_ways(
    conn: PgConnection, run_id: int
) -> None:
    strange = release(emissions(1.0).rename(columns={"emissions": "temperature"}))
    with pytest.raises(ContractError, match=r"missing columns \['emissions'\].*\['temperature'\]"):
        load_facts(conn, run_id, [("one", strange)])


def test_rejects_keep_the_raw_text_whatever_is_in_it(conn: PgConnection, run_id: int) -> None:
    texts = ["uppgift saknas", 'a "quoted", comma', "två\nrader", ";|\\N", ""]
    rejects = pd.DataFrame([(7, "2020", text, "not a number") for text in texts], columns=REJECT_COLUMNS)
    assert load_rejects(conn, run_id, SNAPSHOT, rejects) == len(texts)
    conn.commit()
    found = ask(conn, "SELECT raw_value FROM staging.rejected_cell")
    assert sorted(text for (text,) in found) == sorted(texts)
    about = ask(conn, "SELECT DISTINCT run_id, dataset, substance, column_name FROM staging.rejected_cell")
    assert about == [(run_id, "smhi_emissions", "ghg", "2020")]


def test_no_rejects_write_nothing(conn: PgConnection, run_id: int) -> None:
    assert load_rejects(conn, run_id, SNAPSHOT, pd.DataFrame(columns=REJECT_COLUMNS)) == 0
    assert ask(conn, "SELECT count(*) FROM staging.rejected_cell") == [(0,)]


def test_copy_writes_a_missing_value_as_null_and_counts_what_arrived(warehouse: Warehouse) -> None:
    frame = pd.DataFrame({"k": [1, 2, 3], "v": [1.5, None, float("nan")], "t": ["a", None, ""]})
    with closing(psycopg2.connect(warehouse.admin_dsn)) as admin, admin.cursor() as cursor:
        cursor.execute("CREATE TABLE staging.trial (c text, k int, v float8, t text)")
        assert copy_rows(cursor, ("staging", "trial"), frame_rows(frame, {"c": "x"})) == 3
        cursor.execute("SELECT c, k, v, t FROM staging.trial ORDER BY k")
        assert cursor.fetchall() == [("x", 1, 1.5, "a"), ("x", 2, None, None), ("x", 3, None, "")]
