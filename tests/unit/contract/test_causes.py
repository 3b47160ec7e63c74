"""Which causes of a publication are worth a mail."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from klimatpuls.contract.causes import (
    PUBLISHED_TOTAL,
    Cause,
    DaysCause,
    DecisionCause,
    MunicipalityRevision,
    NationRevision,
    OverrideCause,
    RecalculatedCause,
    RegisterCause,
    ReleaseCause,
    StandingCause,
    cause_from_json,
    causes_to_json,
)
from klimatpuls.warehouse.causes import deserve_digest


def released(substance: str, *, is_current: bool = True, **more: Any) -> ReleaseCause:
    return ReleaseCause(
        release_id="r", dataset="d", substance=substance, published_date="2026-05-07", is_current=is_current,
        first=False, **more,
    )  # fmt: skip


def decided(
    kind: Literal["withdrawn", "restored"], substance: str, *, moves_current: bool = True
) -> DecisionCause:
    return DecisionCause(
        kind=kind, release_id="r", dataset="d", substance=substance, moves_current=moves_current,
        current=None, reason=None,
    )  # fmt: skip


STANDING = StandingCause(region_code="0360", target_id="t", old="split", new="met")
OVERRIDE = OverrideCause(release_id="r", decided_by="operator", reason=None)
QUIET = OverrideCause(release_id="r", dataset="smhi_air_pollutants", decided_by="operator")


@pytest.mark.parametrize(
    ("causes", "worth"),
    [
        ([], False),
        ([released("ghg")], True),
        ([released("ghg", is_current=False)], False),
        ([released("co2"), released("all")], False),
        ([released("co2"), released("ghg")], True),
        ([STANDING], True),
        ([RegisterCause(first=True)], False),
        ([RegisterCause(first=False)], True),
        ([released("co2"), OVERRIDE], True),
        ([decided("withdrawn", "ghg")], True),
        ([decided("restored", "ghg")], True),
        ([decided("withdrawn", "ghg", moves_current=False)], False),
        ([decided("restored", "nox")], False),
        ([released("nox"), QUIET], False),
        ([released("ghg"), QUIET], True),
    ],
)
def test_a_digest_is_deserved(causes: list[Cause], worth: bool) -> None:
    assert deserve_digest(causes) is worth


def test_every_cause_is_read_back_from_its_json() -> None:
    causes = [
        released(
            "ghg",
            new_years=(2024,),
            nation=(NationRevision(year=1990, old_t=2.0, new_t=1.0),),
            largest_movers=(
                MunicipalityRevision(
                    region_code="0360", region_name="Tierp", year=1990, old_t=2.0, new_t=1.0
                ),
            ),
        ),
        decided("withdrawn", "ghg"),
        STANDING,
        OVERRIDE,
        RegisterCause(first=True),
        DaysCause(criterion=1, measure_status=2, pledge_status=0),
        RecalculatedCause(tables=("criterion",)),
    ]
    assert list(map(cause_from_json, json.loads(json.dumps(causes_to_json(causes))))) == causes


def test_a_cause_of_an_earlier_version_lacks_what_was_not_recorded_then() -> None:
    stored = {
        "kind": "release", "release_id": "r", "dataset": "d", "substance": "ghg", "first": True,
        "published_date": "2026-05-07", "colour": "red",
    }  # fmt: skip
    cause = cause_from_json(stored)
    assert isinstance(cause, ReleaseCause)
    assert cause.is_current
    assert cause.boundary == PUBLISHED_TOTAL
