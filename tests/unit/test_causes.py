"""Which causes of a publication are worth a mail."""

from __future__ import annotations

from typing import Any

import pytest

from klimatpuls.warehouse.causes import deserve_digest


def released(substance: str, *, is_current: bool = True) -> dict[str, Any]:
    return {"kind": "release", "substance": substance, "is_current": is_current}


def decided(kind: str, substance: str, *, moves_current: bool = True) -> dict[str, Any]:
    return {"kind": kind, "substance": substance, "moves_current": moves_current}


STANDING = {"kind": "standing", "region_code": "0360", "target_id": "t", "old": "split", "new": "met"}
OVERRIDE = {"kind": "override", "release_id": "r", "decided_by": "operator", "reason": None}


@pytest.mark.parametrize(
    ("causes", "worth"),
    [
        ([], False),
        ([released("ghg")], True),
        ([released("ghg", is_current=False)], False),
        ([released("co2"), released("all")], False),
        ([released("co2"), released("ghg")], True),
        ([STANDING], True),
        ([{"kind": "register", "first": True}], False),
        ([{"kind": "register", "first": False}], True),
        ([released("co2"), OVERRIDE], True),
        ([decided("withdrawn", "ghg")], True),
        ([decided("restored", "ghg")], True),
        ([decided("withdrawn", "ghg", moves_current=False)], False),
        ([decided("restored", "nox")], False),
        ([released("nox"), {**OVERRIDE, "dataset": "smhi_air_pollutants"}], False),
        ([released("ghg"), {**OVERRIDE, "dataset": "smhi_air_pollutants"}], True),
    ],
)
def test_a_digest_is_deserved(causes: list[dict[str, Any]], worth: bool) -> None:
    assert deserve_digest(causes) is worth
