"""Steps: what depends on what follows from the parameters, and a failure goes no further than that."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from support.frames import frames_of

from klimatpuls.errors import WarehouseError, explain
from klimatpuls.statistics import network
from klimatpuls.statistics.steps import Failure, Steps

ONE = pd.DataFrame({"a": [1]})


def made() -> Steps:
    steps = Steps(frozenset({"root", "other"}))

    @steps.shared
    def _half(root: int) -> float:
        return root / 2

    @steps.table("first")
    def _first(half: float) -> pd.DataFrame:
        return ONE * half

    @steps.table("second")
    def _second(first: pd.DataFrame, other: int) -> pd.DataFrame:
        return first + other

    @steps.table("third")
    def _third(other: int) -> pd.DataFrame:
        return ONE * other

    return steps


def test_what_a_step_rests_on_follows_from_its_parameters() -> None:
    steps = made()
    assert steps.tables == ("first", "second", "third")
    assert steps.needs("second") == {"first", "half", "root", "other"}
    assert steps.needs("third") == {"other"}
    assert steps.needs("root") == frozenset()


def test_tables_come_in_order_with_what_they_need() -> None:
    found = list(made().run({"root": 4, "other": 1}, {}))
    assert [(result.table, result.failure) for result in found] == [
        ("first", None),
        ("second", None),
        ("third", None),
    ]
    assert frames_of(found)["second"]["a"].tolist() == [3.0]


def test_a_failure_goes_as_far_as_its_step_is_needed() -> None:
    found = {result.table: result for result in made().run({"root": "four", "other": 1}, {})}
    assert {table for table, result in found.items() if result.failure} == {"first", "second"}
    failure = found["second"].failure
    assert failure is not None
    assert (failure.step, failure.error_class) == ("half", "TypeError")
    assert found["third"].frame is not None
    with pytest.raises(TypeError, match="unsupported operand"):
        frames_of(found.values())


def test_an_input_that_was_not_read_fails_what_needs_it() -> None:
    lost = Failure.of("other", ValueError("not read"))
    found = {result.table: result.failure for result in made().run({"root": 4}, {"other": lost})}
    assert found == {"first": None, "second": lost, "third": lost}


def test_a_warehouse_that_cannot_be_read_fails_no_formula() -> None:
    steps = Steps(frozenset({"root"}))

    @steps.table("table")
    def _table(root: int) -> pd.DataFrame:
        message = f"release {root} could not be read"
        raise WarehouseError(message)

    with pytest.raises(WarehouseError, match="release 4"):
        list(steps.run({"root": 4}, {}))


def test_a_step_that_needs_what_nobody_gives_is_refused() -> None:
    steps = made()
    with pytest.raises(ValueError, match="step fourth needs nobody"):
        steps.table("fourth")(lambda nobody: ONE * nobody)
    with pytest.raises(ValueError, match="are called first"):
        steps.table("first")(lambda root: ONE * root)
    with pytest.raises(ValueError, match="are called other"):
        steps.table("other")(lambda root: ONE * root)


def test_a_failure_names_where_in_the_code_it_was_raised() -> None:
    with pytest.raises(KeyError) as raised:
        network.members_on(pd.DataFrame(), None)  # type: ignore[arg-type]
    failure = Failure.of("network_summary", raised.value)
    assert "(network.py:" in failure.message
    assert failure.error_class == "KeyError"


def test_an_error_of_the_database_names_its_table() -> None:
    class Refused(Exception):
        diag: Any = type(
            "diag",
            (),
            {"schema_name": "mart_data", "table_name": "peer", "column_name": None, "constraint_name": "key"},
        )

    assert explain(Refused("no\n  room")) == "no room (table mart_data.peer, constraint key)"
    assert explain(ValueError()) == "no message"
