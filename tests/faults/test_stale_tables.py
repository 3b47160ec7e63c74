"""Every formula made to raise in turn: it fails its own table and what rests on it, and nothing else."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from releasing import LIST, ask, current, outbox

from klimatpuls import members, results
from klimatpuls.hops import publish, watch
from klimatpuls.hops.approval import decide_release
from klimatpuls.hops.assess import assess
from klimatpuls.hops.notice import tell_untold
from klimatpuls.hops.stale import read_stale
from klimatpuls.report.render import render
from klimatpuls.report.view import read_digest
from klimatpuls.steps import Step
from klimatpuls.warehouse import publication
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import digest_parts
from klimatpuls.warehouse.result_tables import RESTS_ON

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from conftest import Published

    from klimatpuls.steps import Steps

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


def parts_of(published: Published) -> dict[str, str]:
    with closing(connect(published.warehouse.loader_dsn)) as conn, conn, conn.cursor() as cursor:
        return digest_parts(cursor)


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
        assert publish_again(published) is None, "the same code fails the same way"
        assert publish_again(published, try_again=True) is None, "and makes no publication of it"
        assert ask(published, "SELECT count(*) FROM ops.operator_notice WHERE source = 'publish'") == [(1,)]
    healed = publish_again(published, try_again=True)
    assert healed is not None
    assert healed.stale == ()
    assert healed.digest_queued is held
    assert {"kind": "recalculated", "tables": sorted(stale)} in healed.causes
    assert parts_of(published) == calculated.after


def test_every_root_is_known_to_rest_on_releases_or_not() -> None:
    roots = results.STEPS.roots | members.STEPS.roots
    of_registers = {"as_of", "boundaries", "own_series", "groups", "members", "targets", "density"}
    assert roots == RESTS_ON.keys() | of_registers | {"national_basis", members.TARGET_PROGRESS}
