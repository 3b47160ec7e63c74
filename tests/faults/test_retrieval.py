"""Releases of a publisher that dates nothing: dated by retrieval, distinguished by content alone."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support import pipeline_run

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.contract.releases import Fetched
from klimatpuls.domain.kolada_kpis import kpis
from klimatpuls.pipeline import load, publish, snapshot, validate
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from conftest import Published

KOLADA = SOURCES["kolada"]
pytestmark = pytest.mark.postgres

DATASET = "kolada_kpi"


def retrieve(published: Published, day: date, coming: str) -> list[str]:
    """Take the definitions that are retrieved on a day through all steps; the verdicts on them."""
    entries = [{"id": code, "title": code, "publication_date": coming} for code in kpis()]
    page = {"count": len(entries), "values": entries, "next_url": None, "previous_url": None}
    head = {"retrieved": day.isoformat(), "by": "klimatpuls", "pages": 1}
    context = replace(published.context, as_of=day)
    fetched = Fetched(
        source=KOLADA.id,
        dataset=DATASET,
        substance=None,
        url=KOLADA.live_base_url,
        parts=tuple(json.dumps(part).encode() for part in (head, page)),
    )
    dsn = published.warehouse.loader_dsn
    with closing(connect(dsn)) as conn:
        run_id = pipeline_run.begin(conn, KOLADA, context)
        assert snapshot._enter(conn, KOLADA, snapshot._put(KOLADA, fetched, context), run_id)
        load.load_run(conn, KOLADA, run_id, context)
        validate.validate_run(conn, dsn, KOLADA, run_id, context)
        publish.publish_validated(conn, context, pipeline_run.LIST_ADDRESS)
        with conn, conn.cursor() as cursor:
            cursor.execute("SELECT verdict FROM ops.validation WHERE run_id = %s", (run_id,))
            return [verdict for (verdict,) in cursor.fetchall()]


def releases(published: Published) -> list[tuple[Any, ...]]:
    with closing(connect(published.warehouse.loader_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(
            "SELECT published_date FROM core.dim_release WHERE dataset = %s ORDER BY published_date",
            (DATASET,),
        )
        return [day for (day,) in cursor.fetchall()]


def current_day(published: Published) -> date:
    """What readers see of the next publication comes from the release of this day."""
    with closing(connect(published.warehouse.loader_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT r.published_date FROM mart.indicator_definition AS d
            INNER JOIN core.dim_release AS r ON d.release_id = r.release_id"""
        )
        ((day,),) = cursor.fetchall()
    return day


def test_the_same_answer_on_another_day_is_no_release_and_one_that_comes_back_is(
    published: Published,
) -> None:
    first = published.context.as_of
    days = [first + timedelta(days=week * 7) for week in range(6)]
    assert retrieve(published, days[0], "2027-06-30") == ["publish"]
    assert retrieve(published, days[1], "2027-06-30") == []
    assert releases(published) == [days[0]]
    assert retrieve(published, days[2], "2027-09-30") == ["publish"]
    assert retrieve(published, days[3], "2027-06-30") == ["publish"], "the first content came back"
    assert retrieve(published, days[4], "2027-06-30") == [], "it is what the publisher shows already"
    assert releases(published) == [days[0], days[2], days[3]]
    assert current_day(published) == days[3]


def test_content_that_was_kept_earlier_and_is_read_later_is_known(published: Published) -> None:
    first = published.context.as_of
    days = [first + timedelta(days=week * 7) for week in range(3)]
    retrieve(published, days[0], "2027-06-30")
    retrieve(published, days[2], "2027-09-30")
    assert retrieve(published, days[1], "2027-06-30") == [], "nothing else had come by that day"
    assert releases(published) == [days[0], days[2]]
    assert current_day(published) == days[2]
