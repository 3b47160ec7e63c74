"""The circumstances of a run, read from the environment at the edge."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from klimatpuls.domain.substances import air_pollutants
from klimatpuls.errors import UsageError
from klimatpuls.pipeline.context import RunContext

NOW = datetime(2026, 5, 7, 22, 30, tzinfo=UTC)
COMPLETE = {"KLIMATPULS_HOME": "/srv/klimatpuls", "KLIMATPULS_ORIGIN": "live"}


def test_home_and_origin_are_enough() -> None:
    context = RunContext.from_environ(COMPLETE, NOW)
    assert context.home == Path("/srv/klimatpuls")
    assert context.origin == "live"
    assert context.now == NOW
    assert not context.always_ask


def test_the_day_is_the_one_in_sweden() -> None:
    assert RunContext.from_environ(COMPLETE, NOW).as_of == date(2026, 5, 8)


def test_a_stated_day_comes_before_the_clock() -> None:
    context = RunContext.from_environ({**COMPLETE, "KLIMATPULS_AS_OF": "2021-10-20"}, NOW)
    assert context.as_of == date(2021, 10, 20)
    assert context.now == NOW


@pytest.mark.parametrize(("mode", "asks"), [("auto", False), ("always", True)])
def test_approval_is_asked_for_always_or_by_the_rules(mode: str, asks: bool) -> None:
    assert RunContext.from_environ({**COMPLETE, "MAIL_APPROVAL": mode}, NOW).always_ask is asks


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"KLIMATPULS_HOME": ""}, "KLIMATPULS_HOME is not set"),
        ({"KLIMATPULS_ORIGIN": ""}, "expected one of live, archive, synthetic"),
        ({"KLIMATPULS_ORIGIN": "Live"}, "KLIMATPULS_ORIGIN is 'Live'"),
        ({"MAIL_APPROVAL": "sometimes"}, "expected one of auto, always"),
        ({"SITE_BASE_URL": "klimat.example.org"}, "expected an address such as https://"),
        ({"KLIMATPULS_AIR_POLLUTANTS": "nox, ghg, radon"}, r"names ghg, radon; the air pollutants are .*hg"),
        ({"KLIMATPULS_AS_OF": "8 maj"}, "KLIMATPULS_AS_OF"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(settings: dict[str, str], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        RunContext.from_environ({**COMPLETE, **settings}, NOW)


@pytest.mark.parametrize(
    ("given", "named"),
    [("", set()), ("NOx, Hg", {"nox", "hg"}), ("pm25 bap", {"pm25", "bap"}), ("All", set(air_pollutants()))],
)
def test_air_pollutants_are_asked_for_as_far_as_they_are_named(given: str, named: set[str]) -> None:
    context = RunContext.from_environ({**COMPLETE, "KLIMATPULS_AIR_POLLUTANTS": given}, NOW)
    assert context.air_pollutants == named
    assert len(air_pollutants()) == 23


def test_all_state_lies_under_the_home() -> None:
    context = RunContext.from_environ(COMPLETE, NOW)
    folders = (context.snapshots, context.data_docs, context.reports)
    assert len(set(folders)) == 3
    assert all(folder.parent == context.home for folder in folders)
