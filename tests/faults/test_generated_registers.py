"""Every row of a register that the check accepts can be published, and breaks no formula."""

from __future__ import annotations

import datetime as dt
import json
import os
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.generated_registers import CHECKED_ON, TODAY, accepted, folders
from support.releases import LIST, the_day_after

from klimatpuls.pipeline import publish, sync_registers
from klimatpuls.statistics import results
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Published

    from klimatpuls.statistics.steps import Step, Steps

EXAMPLES = int(os.environ.get("KLIMATPULS_EXAMPLES", "20"))
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.timeout(60 + 15 * EXAMPLES),
]
AS_IT_CAME = (Phase.explicit, Phase.reuse, Phase.generate)
"""A failing example is shown as it came: to shrink one takes hundreds of publications."""


@pytest.fixture(scope="module")
def home(
    good: Published,
    clone: Callable[[str], Any],
    drop_warehouse: Callable[[Any], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Published]:
    """Good figures that every example publishes with other registers."""
    made = the_day_after(good, clone(good.warehouse.name), tmp_path_factory.mktemp("registers") / "home")
    yield made
    drop_warehouse(made.warehouse)


def of_registers(steps: Steps, roots: set[str]) -> Iterator[tuple[Step, tuple[str, ...]]]:
    for step in steps.steps.values():
        yield step, tuple(sorted(steps.needs(step.name) & roots))


REGISTER_ROOTS = {
    "boundaries", "own_series", "groups", "members", "targets", "defects", "as_of", "stored",
    "official_figures",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _remembered() -> Iterator[None]:
    """Formulas that rest on no register that changed give what they gave before."""
    memory: dict[Any, Any] = {}
    roots: dict[str, str] = {}
    each_result = results.each_result
    with pytest.MonkeyPatch.context() as patch:
        for step, needs in of_registers(results.STEPS, REGISTER_ROOTS):

            def remembered(_step: Step = step, _needs: tuple[str, ...] = needs, **given_: Any) -> Any:
                key = (_step.name, *(roots[need] for need in _needs))
                if key not in memory:
                    memory[key] = _step.make(**given_)
                value = memory[key]
                return value.copy() if isinstance(value, pd.DataFrame) else value

            patch.setitem(results.STEPS.steps, step.name, replace(step, make=remembered))

        def noting(inputs: Any) -> Any:
            for root in REGISTER_ROOTS:
                value = getattr(inputs, root)
                roots[root] = value.to_csv() if isinstance(value, pd.DataFrame) else repr(value)
            return each_result(inputs)

        patch.setattr(results, "each_result", noting)
        yield


@given(added=folders(), later=st.integers(0, 2000))
@settings(
    max_examples=EXAMPLES,
    phases=AS_IT_CAME,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
def test_whatever_the_check_accepts_is_published(home: Published, added: dict[str, Any], later: int) -> None:
    folder = home.context.home.parent / "folder"
    rows = accepted(folder, added)
    context = replace(home.context, as_of=TODAY + dt.timedelta(days=later))
    with closing(connect(home.warehouse.loader_dsn)) as conn:
        sync_registers.sync_registers(conn, folder, CHECKED_ON)
        made = publish.publish_validated(conn, context, LIST)
    said = [(one.table_name, one.error_class, one.error_message) for one in made.stale] if made else []
    assert said == [], json.dumps(rows)
