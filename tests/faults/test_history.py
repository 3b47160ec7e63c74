"""What was known when: releases side by side, as of a day, and what moved between them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from support import pipeline_run
from support.releases import ask, current, publish_now, release, the_day_after

from klimatpuls.contract import schema
from klimatpuls.statistics import revisions
from klimatpuls.warehouse import views
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.frames import read_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Published, Warehouse

pytestmark = pytest.mark.postgres

OLDER = date(2025, 1, 15)
FAR_AHEAD = date(2999, 12, 31)


@pytest.fixture(scope="module")
def history_once(
    good: Published, clone: Callable[[str], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Published, str, str]:
    """A warehouse with an older release (ids: older, newer) that was known a year before the newer one."""
    home = tmp_path_factory.mktemp("history") / "home"
    published = the_day_after(good, clone(good.warehouse.name), home)
    newer = current(published)
    release(published, OLDER, 0.97)
    publish_now(published)
    ((older,),) = ask(published, f"SELECT release_id FROM mart.release WHERE published_date = '{OLDER}'")
    with closing(psycopg2.connect(published.warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(
            "UPDATE core.dim_release SET known_from = published_date WHERE substance = 'ghg' "
            "RETURNING known_from"
        )
    return published, older, newer


@pytest.fixture
def history(
    history_once: tuple[Published, str, str], own_copy: Callable[[Published], Published]
) -> tuple[Published, str, str]:
    """The same, the test's own."""
    published, older, newer = history_once
    return own_copy(published), older, newer


def totals_known_on(published: Published, day: date) -> dict[str, tuple[float, str]]:
    rows = ask(
        published,
        f"SELECT release_id, sum(emissions_tco2e), min(status) FROM mart.emission_as_of('{day}', 'ghg') "
        "WHERE region_code = '0360' AND sector_code = 'all' AND year = 1990 GROUP BY release_id",
    )
    return {release_id: (value, status) for release_id, value, status in rows}


def test_emissions_are_told_as_they_were_known_on_a_day(history: tuple[Published, str, str]) -> None:
    published, older, newer = history
    ((then,), (now,)) = (
        ask(
            published,
            "SELECT emissions_tco2e FROM mart.emission_by_release WHERE region_code = '0360' "
            f"AND sector_code = 'all' AND year = 1990 AND release_id = '{release_id}'",
        )[0]
        for release_id in (older, newer)
    )
    assert then == pytest.approx(0.97 * now)
    assert totals_known_on(published, date(2025, 1, 14)) == {}
    assert totals_known_on(published, OLDER) == {older: (then, "observed")}
    assert totals_known_on(published, FAR_AHEAD) == {newer: (now, "observed")}


def test_years_that_are_no_longer_published_are_told_from_the_release_that_had_them(
    history: tuple[Published, str, str],
) -> None:
    published, older, newer = history
    with closing(psycopg2.connect(published.warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(
            "UPDATE core.dim_release SET years = array_remove(years, 2015::smallint) WHERE release_id = %s",
            (newer,),
        )
        cursor.execute("DELETE FROM core.fct_emission WHERE release_id = %s AND year = 2015", (newer,))
    rows = ask(
        published,
        f"SELECT DISTINCT year, status, release_id FROM mart.emission_as_of('{FAR_AHEAD}', 'ghg') "
        "WHERE year IN (1990, 2015) ORDER BY year",
    )
    assert rows == [(1990, "observed", newer), (2015, "no_longer_published", older)]


def test_as_of_to_day_every_fact_is_what_its_mart_shows(wholly_published: Published) -> None:
    names = [f.name for f in schema.functions() if f.like]
    assert len(names) > sum(mart.fact is not None for mart in views.plain_marts())
    for function in schema.functions():
        if not function.like or function.like == "air_pollutant":
            continue  # air pollutants are off unless they are asked for; see tests/faults/test_air_pollutants
        columns = ", ".join(f"{column.name}::text" for column in function.columns)
        arguments = f"'{FAR_AHEAD}'" + (", 'ghg'" if function.name == "emission_as_of" else "")
        known = f"SELECT {columns} FROM mart.{function.name}({arguments})"
        where = " WHERE substance = 'ghg'" if function.name == "emission_as_of" else ""
        shown = f"SELECT {columns} FROM mart.{function.like}{where}"
        ((n, missing, invented),) = ask(
            wholly_published,
            f"SELECT (SELECT count(*) FROM ({shown}) AS s), "
            f"(SELECT count(*) FROM ({shown} EXCEPT ALL {known}) AS m), "
            f"(SELECT count(*) FROM ({known} EXCEPT ALL {shown}) AS i)",
        )
        assert n > 0, function.like
        assert (missing, invented) == (0, 0), function.name
        before = f"SELECT count(*) FROM mart.{function.name}({arguments.replace('2999', '1900')})"
        assert ask(wholly_published, before) == [(0,)]


def test_what_is_published_is_not_told_to_be_missing_and_a_forecast_not_to_be_late(
    wholly_published: Published,
) -> None:
    rows = ask(
        wholly_published,
        "SELECT dataset, status, next_expected FROM mart.data_status WHERE release_id IS NOT NULL",
    )
    told = {dataset: (status, expected) for dataset, status, expected in rows}
    assert len(told) > 8
    assert [dataset for dataset, (status, _) in told.items() if status == "not_yet_published"] == []
    for dataset in ("scb_population_forecast", "kolada_kpi"):
        status, expected = told[dataset]
        assert status == "fresh"
        assert expected > wholly_published.context.as_of


def frame(published: Published, query: str, **values: Any) -> Any:
    with closing(connect(published.warehouse.bi_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(query, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_revisions_in_the_warehouse_are_those_of_the_formula(history: tuple[Published, str, str]) -> None:
    published, older, newer = history
    with closing(connect(published.warehouse.bi_dsn)) as conn, conn, conn.cursor() as cursor:
        sides = [
            read_frame(cursor, "read/release_for_diff.sql", {"release_id": name}) for name in (older, newer)
        ]
    cells = {
        (boundary, row.region_code, row.sector_code, row.year): (
            row.old_tco2e,
            row.new_tco2e,
            row.difference_tco2e,
            row.difference_pct,
        )
        for boundary, own in (
            ("published_total", sides),
            ("territorial", [revisions.without_international(side) for side in sides]),
        )
        for row in revisions.diff_releases(*own).itertuples()
    }
    between = frame(published, "SELECT * FROM mart.revision_between(%(old)s, %(new)s)", old=older, new=newer)
    for row in between:
        row["boundary"] = "published_total"
    assert len(between) == len(cells) / 2 > 10_000
    changed = {key: values for key, values in cells.items() if values[0] != values[1]}
    stored = frame(published, "SELECT * FROM mart.revision WHERE is_current AND substance = 'ghg'")
    assert len(stored) == len(changed)
    for rows, known in ((between, cells), (stored, changed)):
        for row in rows:
            old, new, difference, pct = known[
                row["boundary"], row["region_code"], row["sector_code"], row["year"]
            ]
            assert row["old_emissions_tco2e"] == pytest.approx(old, nan_ok=True)
            assert row["new_emissions_tco2e"] == pytest.approx(new, nan_ok=True)
            assert row["difference_tco2e"] == pytest.approx(difference, abs=1e-6)
            if row["difference_pct"] is not None:
                assert row["difference_pct"] == pytest.approx(pct)
            assert row["change"] == ("revised" if old != new else "unchanged")
    peers: dict[tuple[str, str, str], list[dict[str, object]]] = {}
    for row in sorted(stored, key=lambda r: (-abs(r["difference_tco2e"]), r["region_code"], r["year"])):
        peers.setdefault((row["boundary"], row["sector_code"], row["level"]), []).append(row)
    assert len(peers) > 40
    for group in peers.values():
        assert [row["movement_rank"] for row in group] == list(range(1, len(group) + 1))
    ((compared, moved, appeared, vanished),) = ask(
        published,
        "SELECT cells_compared, cells_changed, appeared_years, vanished_years FROM mart.revision_summary "
        "WHERE is_current AND substance = 'ghg'",
    )
    published_now = [key for key in changed if key[0] == "published_total"]
    assert (compared, moved, appeared, vanished) == (len(between), len(published_now), [], [])


def test_a_revision_between_two_substances_is_no_revision(history: tuple[Published, str, str]) -> None:
    published, older, _ = history
    with pytest.raises(psycopg2.errors.RaiseException, match="two published releases of emissions of one"):
        frame(published, "SELECT * FROM mart.revision_between(%(old)s, 'co2')", old=older)


def test_a_wide_row_says_what_the_long_rows_say(published: Published) -> None:
    ((rows, differing),) = ask(
        published,
        """
        SELECT count(*), count(*) FILTER (WHERE w.wide IS DISTINCT FROM e.emissions_tco2e)
        FROM mart.emission AS e
        INNER JOIN mart.sector AS s ON e.sector_code = s.sector_code AND (s.is_main OR s.sector_code = 'all')
        LEFT JOIN LATERAL (
            SELECT (to_jsonb(x) ->> (
                CASE e.sector_code WHEN 'all' THEN 'all_sectors' ELSE e.sector_code END || '_tco2e'
            ))::float8 AS wide
            FROM mart.emission_wide_by_sector AS x
            WHERE x.region_code = e.region_code AND x.year = e.year AND x.substance = e.substance
        ) AS w ON TRUE
        WHERE e.region_code IN ('00', '03', '0360')
        """,
    )
    assert rows == 3 * pipeline_run.SECTORS_SHOWN * len(pipeline_run.SMALL_YEARS)
    assert differing == 0
    ((wrong,),) = ask(
        published,
        "SELECT count(*) FROM mart.emission_wide_by_sector AS w JOIN mart.boundary_series AS b "
        "USING (region_code, year) WHERE b.boundary = 'territorial' AND w.substance = 'ghg' "
        "AND abs(w.territorial_tco2e - b.emissions_tco2e) > 1e-6",
    )
    assert wrong == 0


def test_the_overview_of_municipalities_has_one_row_each(published: Published) -> None:
    ((rows, named, populated, share),) = ask(
        published,
        "SELECT count(*), count(largest_sector_name_sv), count(population_count), "
        "max(largest_sector_share_pct) "
        "FROM mart.municipality_overview",
    )
    assert (rows, named, populated) == (290, 290, 290)
    assert 0 < share <= 100
    ((differing,),) = ask(
        published,
        "SELECT count(*) FROM mart.municipality_overview AS m WHERE m.territorial_t_per_capita IS NOT NULL "
        "AND abs(m.territorial_t_per_capita - m.territorial_tco2e / m.population_count) > 1e-9",
    )
    assert differing == 0


def test_a_later_look_sees_what_an_earlier_one_saw(history: tuple[Published, str, str]) -> None:
    published, older, _ = history
    before = totals_known_on(published, OLDER)
    release(published, date(2026, 5, 9), 1.001)
    tomorrow = replace(published)
    publish_now(tomorrow)
    assert totals_known_on(published, OLDER) == before == {older: before[older]}
