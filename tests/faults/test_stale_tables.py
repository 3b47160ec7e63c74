"""Every formula made to raise in turn: it fails its own table and what rests on it, and nothing else."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from conftest import AS_OF
from support import pipeline_run
from support.releases import LIST, ask, current, outbox

from klimatpuls.contract.causes import RecalculatedCause
from klimatpuls.errors import WarehouseError
from klimatpuls.membership import members
from klimatpuls.pipeline import publish, watch
from klimatpuls.pipeline.approval import decide_release
from klimatpuls.pipeline.assess_members import assess_members
from klimatpuls.pipeline.stale_tables import read_stale
from klimatpuls.report.render import render
from klimatpuls.report.view import read_digest
from klimatpuls.statistics import results
from klimatpuls.statistics.steps import Step
from klimatpuls.warehouse import publication
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import digest_parts
from klimatpuls.warehouse.result_tables import RESTS_ON

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from conftest import Published, Warehouse

    from klimatpuls.statistics.steps import Steps

pytestmark = pytest.mark.postgres

GRAPHS: dict[str, Steps] = {"results": results.STEPS, "members": members.STEPS}
STEPS = [(graph, name) for graph, steps in GRAPHS.items() for name in steps.steps]
ALSO_SHOWN = {
    "municipality_overview": "region_overview",
    "criteria_summary": "criterion",
    "criterion_history": "criterion",
}
"""Marts without a table of their own → the table they read."""
MIXED = "municipality_overview"
"""Shows beside the overview what is calculated from the facts alone."""


class BrokenFormulaError(Exception):
    """What the tests make a formula raise."""


@dataclass(frozen=True)
class Calculated:
    """A good publication of the newer release, and what every step of it gave.

    Attributes:
        values: (graph, step) → its value.
        before: Mart → the hash of its rows in the publication before.
        after: Mart → the hash of its rows in this one.
    """

    values: dict[tuple[str, str], Any]
    before: dict[str, str]
    after: dict[str, str]


def parts_of(published: Published, only: set[str] | None = None) -> dict[str, str]:
    with closing(connect(published.warehouse.loader_dsn)) as conn, conn, conn.cursor() as cursor:
        return digest_parts(cursor, only)


def put(monkeypatch: pytest.MonkeyPatch, graph: str, name: str, make: Callable[..., Any]) -> None:
    """Put another formula in the place of a step's own."""
    steps = GRAPHS[graph].steps
    monkeypatch.setitem(steps, name, replace(steps[name], make=make))


def breaks(monkeypatch: pytest.MonkeyPatch, graph: str, name: str) -> None:
    def broken(**_: Any) -> Any:
        message = f"no {name} today"
        raise BrokenFormulaError(message)

    put(monkeypatch, graph, name, broken)


def publish_again(published: Published, *, try_again: bool = False) -> publication.Published | None:
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        return publish.publish_validated(conn, published.context, LIST, try_again=try_again)


@pytest.fixture(scope="module")
def calculated(
    newer_once: Published, clone: Callable[[str], Any], drop_warehouse: Callable[[Any], None]
) -> Calculated:
    """The newer release published with whole formulas, each one's value kept."""
    values: dict[tuple[str, str], Any] = {}

    def keeping(graph: str, step: Step) -> Callable[..., Any]:
        def make(**needs: Any) -> Any:
            values[graph, step.name] = step.make(**needs)
            return values[graph, step.name]

        return make

    good = replace(newer_once, warehouse=clone(newer_once.warehouse.name))
    before = parts_of(good)
    with pytest.MonkeyPatch.context() as patch:
        for graph, name in STEPS:
            put(patch, graph, name, keeping(graph, GRAPHS[graph].steps[name]))
        made = publish_again(good)
    assert made is not None
    assert made.stale == ()
    assert values.keys() == set(STEPS)
    after = parts_of(good)
    drop_warehouse(good.warehouse)
    return Calculated(values=values, before=before, after=after)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, calculated: Calculated) -> pytest.MonkeyPatch:
    """Every formula gives at once what it gave before: what rests on what stays as it is."""

    def giving(value: Any) -> Callable[..., Any]:
        return lambda **_: value.copy() if isinstance(value, pd.DataFrame) else value

    for (graph, name), value in calculated.values.items():
        put(monkeypatch, graph, name, giving(value))
    return monkeypatch


def tables_resting_on(graph: str, name: str) -> set[str]:
    """The tables that cannot be calculated without a step, by the parameters of the formulas."""
    steps = GRAPHS[graph]
    tables = {table for table in steps.tables if table == name or name in steps.needs(table)}
    if members.TARGET_PROGRESS in tables:
        tables |= tables_resting_on("members", members.TARGET_PROGRESS)
    return tables


@pytest.mark.parametrize(("graph", "name"), STEPS)
def test_a_formula_that_raises_fails_its_tables_alone(
    newer_waits: Published, calculated: Calculated, quick: pytest.MonkeyPatch, graph: str, name: str
) -> None:
    published = newer_waits
    with quick.context() as patch:
        breaks(patch, graph, name)
        made = publish_again(published)
        assert made is not None
        assert "2026-05-09" in current(published), "facts are published"
        stale = tables_resting_on(graph, name)
        assert {one.table_name for one in made.stale} == stale
        assert {one.status for one in made.stale} == {"stale"}
        assert {(one.error_class, one.because_of) for one in made.stale} == {("BrokenFormulaError", name)}
        shown = parts_of(published)
        kept = stale | {mart for mart, table in ALSO_SHOWN.items() if table in stale}
        assert {mart for mart, found in shown.items() if found != calculated.after[mart]} <= kept
        like_before = (kept & shown.keys()) - {MIXED}
        assert {mart for mart in like_before if shown[mart] != calculated.before[mart]} == set()
        ((told,),) = ask(published, "SELECT findings FROM ops.operator_notice WHERE source = 'publish'")
        text = "\n".join(told)
        assert f"{name} failed with BrokenFormulaError: no {name} today" in text
        assert all(f"mart.{table}" in text for table in stale)
        assert f"release {current(published)}" in text, "the release that came with it"
        held = bool(stale & publication.DIGEST_LEADS_WITH)
        assert made.digest_queued is not held
        assert ("The digest is held back" in text) is held
    healed = publish_again(published, try_again=True)
    assert healed is not None
    assert healed.stale == ()
    assert healed.digest_queued is held
    assert RecalculatedCause(tables=tuple(sorted(stale))) in healed.causes
    kept &= calculated.after.keys()
    assert parts_of(published, kept) == {mart: calculated.after[mart] for mart in kept}


def test_every_root_is_known_to_rest_on_releases_or_not() -> None:
    roots = results.STEPS.roots | members.STEPS.roots
    of_registers = {
        "as_of", "boundaries", "own_series", "groups", "members", "stated_member_count", "targets", "density",
        "official_figures", "references",
    }  # fmt: skip
    assert roots == RESTS_ON.keys() | of_registers | {members.TARGET_PROGRESS}


def statuses_of(published: Published) -> dict[str, tuple[Any, ...]]:
    """Table → (status, reason, the step that failed first) of those that are not fresh, as readers see it."""
    query = "SELECT table_name, status, reason, because_of FROM mart.result_status WHERE status <> 'fresh'"
    return {name: tuple(rest) for name, *rest in ask(published, query)}


def withdraw(published: Published, release_id: str) -> None:
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        decide_release(
            conn,
            release_id,
            action="withdraw",
            decided_by="operator",
            reason="a wrong column",
            now=published.context.now,
        )


def test_the_same_failure_makes_one_publication_and_one_notice(
    newer_waits: Published, quick: pytest.MonkeyPatch
) -> None:
    published = newer_waits
    breaks(quick, "results", "carbon_law")
    first = publish_again(published)
    assert first is not None
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        assert not watch.has_unpublished(conn), "the same code would fail the same way"
        assert publish_again(published) is None
        assert publish_again(published, try_again=True) is None, "and where a person asks it does"
        quick.setattr(watch, "code_sha256", lambda: "mended")
        quick.setattr(publication, "code_sha256", lambda: "mended")
        assert watch.has_unpublished(conn), "other code is tried"
        assert publish_again(published) is None, "which failed too"
        assert not watch.has_unpublished(conn), "and is not tried again every hour"
    notices = "SELECT notice_key FROM ops.operator_notice WHERE source = 'publish'"
    assert ask(published, notices) == [(f"publish.stale-{first.publication_id}",)]
    breaks(quick, "results", "peer")
    withdraw(published, current(published))
    second = publish_again(published)
    assert second is not None
    assert [key for (key,) in ask(published, notices)] == [
        f"publish.stale-{made.publication_id}" for made in (first, second)
    ]
    query = "SELECT table_name, failing_since_publication_id FROM mart.result_status WHERE status <> 'fresh'"
    assert dict(ask(published, query)) == {
        "carbon_law": first.publication_id,
        "peer": second.publication_id,
    }


def twice(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame], ignore_index=True)


def without(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.assign(**{column: float("nan")})


def beyond(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda frame: frame.assign(**{column: 10**9})


@pytest.mark.parametrize(
    ("table", "spoil", "error_class"),
    [
        ("standing_change", twice, "UniqueViolation"),
        ("peer", without("distance"), "NotNullViolation"),
        ("network_summary", beyond("year"), "NumericValueOutOfRange"),
        ("peer", lambda frame: frame.assign(closest_features="no list"), "InvalidTextRepresentation"),
        ("peer", lambda frame: frame.assign(stranger=1), "UndefinedColumn"),
        ("peer", lambda frame: frame.assign(reason_sv=[object()] * len(frame)), "ArrowInvalid"),
    ],
)
def test_rows_that_the_database_refuses_fail_their_table_and_what_rests_on_it(
    newer_waits: Published,
    calculated: Calculated,
    quick: pytest.MonkeyPatch,
    table: str,
    spoil: Callable[[pd.DataFrame], pd.DataFrame],
    error_class: str,
) -> None:
    published = newer_waits
    value = spoil(calculated.values["results", table])
    put(quick, "results", table, lambda **_: value)
    made = publish_again(published)
    assert made is not None
    resting = tables_resting_on("results", table) - {table}
    assert statuses_of(published) == {
        table: ("stale", "not_stored", table),
        **{name: ("stale", "depends_on", table) for name in resting},
    }
    assert {one.error_class for one in made.stale} == {error_class}
    shown = parts_of(published, resting | {table, "change_part"})
    assert shown.pop("change_part") == calculated.after["change_part"]
    assert shown == {name: calculated.before[name] for name in shown}


def test_rows_that_rest_on_a_withdrawn_release_are_emptied(
    newer_waits: Published, quick: pytest.MonkeyPatch
) -> None:
    published = newer_waits
    assert publish_again(published) is not None
    newer = current(published)
    withdraw(published, newer)
    breaks(quick, "results", "carbon_law")
    made = publish_again(published)
    assert made is not None
    assert statuses_of(published) == {"carbon_law": ("emptied", "formula_failed", "carbon_law")}
    assert ask(published, "SELECT count(*) FROM mart.carbon_law") == [(0,)]
    ((sv, en),) = ask(
        published, "SELECT reason_sv, reason_en FROM mart.result_status WHERE table_name = 'carbon_law'"
    )
    assert "utgåva som har dragits tillbaka" in sv
    assert "a release that was withdrawn" in en
    assert publish_again(published, try_again=True) is None, "still emptied"


def test_a_withdrawn_release_of_another_dataset_empties_only_what_rests_on_it(
    newer_waits: Published, quick: pytest.MonkeyPatch
) -> None:
    published = newer_waits
    assert publish_again(published) is not None
    ((people,),) = ask(
        published, "SELECT release_id FROM mart.release WHERE dataset = 'scb_population_ckm' AND is_current"
    )
    withdraw(published, people)
    breaks(quick, "results", "carbon_law")
    breaks(quick, "results", "peer")
    assert publish_again(published) is not None
    assert {name: status for name, (status, *_) in statuses_of(published).items()} == {
        "carbon_law": "stale",
        "peer": "emptied",
    }


def test_an_input_that_cannot_be_read_fails_what_rests_on_it(
    newer_waits: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        message = "a row that nobody understands"
        raise ValueError(message)

    monkeypatch.setattr(publication.register_rows, "read_groups", broken)
    made = publish_again(newer_waits)
    assert made is not None
    assert statuses_of(newer_waits) == {"peer": ("stale", "formula_failed", "groups")}


def test_a_release_that_cannot_be_read_stops_the_publication(
    newer_waits: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = publication._facts_of

    def lost(cursor: Any, candidate: Any) -> pd.DataFrame:
        if "2026-05-09" not in candidate.id:
            cursor.execute("SELECT 1 / 0")
        return whole(cursor, candidate)

    before = newer_waits.digest()
    monkeypatch.setattr(publication, "_facts_of", lost)
    with pytest.raises(WarehouseError, match="could not be read: division by zero"):
        publish_again(newer_waits)
    assert newer_waits.digest() == before


def test_a_home_of_an_older_version_keeps_its_rows(
    newer_waits: Published, quick: pytest.MonkeyPatch, calculated: Calculated
) -> None:
    published = newer_waits
    with closing(connect(published.warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("DELETE FROM mart_data.result_status")
    breaks(quick, "results", "peer")
    assert publish_again(published) is not None
    assert statuses_of(published) == {"peer": ("stale", "formula_failed", "peer")}
    assert parts_of(published, {"peer"})["peer"] == calculated.before["peer"]


class TestDigest:
    def digest_of(self, published: Published) -> tuple[Any, str]:
        with closing(connect(published.warehouse.mailer_dsn)) as conn:
            digest = read_digest(conn)
        assert digest is not None
        return digest, render(digest).text

    def test_tells_that_a_figure_is_not_calculated_and_shows_none_of_it(
        self, newer_waits: Published, quick: pytest.MonkeyPatch
    ) -> None:
        breaks(quick, "results", "target_progress")
        breaks(quick, "members", "criterion")
        made = publish_again(newer_waits)
        assert made is not None
        assert made.digest_queued
        digest, text = self.digest_of(newer_waits)
        assert digest.not_calculated == {"target_progress", "criterion", "measure_coverage"}
        assert digest.own_targets == digest.criteria == digest.coverage == ()
        assert digest.summary
        words = " ".join(text.split())
        assert "Medlemmarnas egna mål --------------------- Siffrorna kunde inte beräknas" in words
        assert "These figures could not be calculated in this publication." in words
        assert not [cause for cause in made.causes if cause.kind == "standing"]

    def test_without_what_it_leads_with_it_is_held_back_and_told_later(
        self, newer_waits: Published, quick: pytest.MonkeyPatch
    ) -> None:
        published = newer_waits
        queued = len(outbox(published))
        with quick.context() as patch:
            breaks(patch, "results", "network_summary")
            breaks(patch, "results", "region_overview")
            made = publish_again(published)
            assert made is not None
            digest, text = self.digest_of(published)
            assert not digest.summary
            assert all(one.territorial_tco2e is None for one in digest.municipalities)
            assert "could not be calculated" in text
            tomorrow = replace(published.context, as_of=published.context.as_of + timedelta(days=1))
            with closing(connect(published.warehouse.loader_dsn)) as conn:
                assert not watch.queue_missed_digest(conn, tomorrow, LIST), "it is held back, not missed"
            assert len(outbox(published)) == queued
        healed = publish_again(published, try_again=True)
        assert healed is not None
        assert healed.digest_queued
        kinds = [(cause.kind, getattr(cause, "release_id", None)) for cause in healed.causes]
        assert kinds == [("release", current(published)), ("recalculated", None)]
        assert len(outbox(published)) == queued + 1
        _, text = self.digest_of(published)
        assert "Tables that could not be calculated last time" in " ".join(text.split())


class TestDaysThatPass:
    def assess(self, published: Published, day: date) -> Any:
        context = replace(published.context, as_of=day)
        with (
            closing(connect(published.warehouse.loader_dsn)) as conn,
            closing(connect(published.warehouse.mailer_dsn)) as mailer,
        ):
            return assess_members(conn, mailer, context)

    def test_a_table_of_members_that_fails_is_told_once_and_heals(
        self, published: Published, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        day = published.context.as_of
        rows = ask(published, "SELECT * FROM mart.pledge_status ORDER BY 1")
        with monkeypatch.context() as patch:
            breaks(patch, "members", "pledge_status")
            assert self.assess(published, day) is not None
            assert statuses_of(published) == {"pledge_status": ("stale", "formula_failed", "pledge_status")}
            assert ask(published, "SELECT count(*) FROM mart.result_status") == [
                (len(results.STEPS.tables) + len(members.STEPS.tables),)
            ]
            assert ask(published, "SELECT * FROM mart.pledge_status ORDER BY 1") == rows
            assert self.assess(published, day + timedelta(days=1)) is None, "nothing but the same failure"
            assert ask(published, "SELECT count(*) FROM ops.operator_notice") == [(1,)]
        assert self.assess(published, day + timedelta(days=1)) is not None
        assert statuses_of(published) == {}

    def test_coverage_waits_for_the_targets_that_it_rests_on(
        self, newer_waits: Published, quick: pytest.MonkeyPatch
    ) -> None:
        breaks(quick, "results", "target_progress")
        assert publish_again(newer_waits) is not None
        breaks(quick, "members", "pledge_status")
        assert self.assess(newer_waits, newer_waits.context.as_of + timedelta(days=1)) is not None
        assert statuses_of(newer_waits) == {
            "target_progress": ("stale", "formula_failed", "target_progress"),
            "measure_coverage": ("stale", "depends_on", "target_progress"),
            "pledge_status": ("stale", "formula_failed", "pledge_status"),
        }
        assert read_stale_of(newer_waits) == {"target_progress", "measure_coverage", "pledge_status"}


def read_stale_of(published: Published) -> set[str]:
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        stale = read_stale(conn)
    assert stale is not None
    return {one.table_name for one in stale.tables}


def test_a_first_publication_leaves_a_failed_table_empty(
    warehouse: Warehouse, small_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks(monkeypatch, "results", "carbon_law")
    context = pipeline_run.context_of(tmp_path / "home", AS_OF)
    with closing(connect(warehouse.loader_dsn)) as conn:
        made = pipeline_run.refresh(conn, warehouse.loader_dsn, small_archive, context)
    assert made is not None
    ((status, en),) = ask_of(
        warehouse, "SELECT status, reason_en FROM mart.result_status WHERE table_name = 'carbon_law'"
    )
    assert status == "missing"
    assert en == "the calculation failed (carbon_law); there are no earlier rows"
    assert ask_of(warehouse, "SELECT count(*) FROM mart.carbon_law") == [(0,)]


def ask_of(warehouse: Warehouse, query: str) -> list[tuple[Any, ...]]:
    with closing(connect(warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()
