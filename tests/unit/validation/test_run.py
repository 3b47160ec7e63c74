"""What a validation does when it cannot trust its own answer: it decides nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from klimatpuls.validation.gates import Measure
from klimatpuls.validation.queries import Check
from klimatpuls.validation.run import ValidationError, _findings, _results
from klimatpuls.validation.suites import EMISSION_RULES

RULE = next(rule for rule in EMISSION_RULES if rule.name == "county_sum")
CHECK = Check(RULE, 5.0, "SELECT 1", "smhi_emissions", ("r1", "r2"))


def result(observed: int, rows: list[dict[str, object]], **entry: object) -> dict[str, Any]:
    return {
        "results": [
            {
                "success": observed == 0,
                "expectation_config": {"type": "unexpected_rows_expectation", "meta": {"gate": CHECK.key}},
                "result": {"observed_value": observed, "details": {"unexpected_rows": rows}},
                **entry,
            }
        ]
    }


def finding(release_id: str, number: int, **columns: object) -> dict[str, object]:
    return {"finding_number": number, "release_id": release_id, "is_finding": True, "sheet_row": 9, **columns}


def test_findings_go_to_their_release() -> None:
    rows = [finding("r1", 1, found=float("inf")), finding("r2", 1, found=7.0), finding("r2", 2, found=None)]
    measures = {CHECK.key: {"r1": Measure(finding_count=1), "r2": Measure(finding_count=2)}}

    complete = _findings(result(3, rows), [CHECK], measures)[CHECK.key]

    assert complete["r1"].findings == [{"sheet_row": 9, "found": "inf"}]
    assert complete["r2"].findings == [{"sheet_row": 9, "found": 7.0}, {"sheet_row": 9}]


def test_a_release_without_compared_cells_has_an_empty_measure() -> None:
    complete = _findings(result(0, []), [CHECK], {CHECK.key: {"r1": Measure(largest=1.5)}})[CHECK.key]

    assert complete == {"r1": Measure(largest=1.5, findings=[]), "r2": replace(Measure(), findings=[])}


@pytest.mark.parametrize("observed", [0, 2])
def test_two_ways_of_counting_must_agree(observed: int) -> None:
    measures = {CHECK.key: {"r1": Measure(finding_count=1)}}

    with pytest.raises(ValidationError, match=f"counted 1 findings of {CHECK.key} and Great.* {observed}:"):
        _findings(result(observed, []), [CHECK], measures)


def test_a_check_without_a_result_decides_nothing() -> None:
    with pytest.raises(ValidationError, match="Nothing was decided"):
        _findings({"results": []}, [CHECK], {CHECK.key: {}})


def test_an_expectation_that_could_not_be_evaluated_decides_nothing() -> None:
    broken = result(
        0, [], exception_info={"raised_exception": True, "exception_message": "relation does not exist"}
    )

    with pytest.raises(
        ValidationError, match="could not evaluate smhi_emissions:county_sum: relation does not"
    ):
        list(_results(broken))
