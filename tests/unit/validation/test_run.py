"""What a validation does when it cannot trust its own answer: it decides nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from klimatpuls.validation.expectation import expect_no_finding
from klimatpuls.validation.gates import Measure
from klimatpuls.validation.queries import Check
from klimatpuls.validation.run import ValidationError, _measures, _results, _with_findings
from klimatpuls.validation.suites import rule_named

CHECK = Check(rule_named("county_sum"), 5.0, "SELECT 1", "smhi_emissions", ("r1", "r2"))


def result(*measures: dict[str, object], **entry: object) -> dict[str, Any]:
    count = sum(int(str(row["finding_count"])) for row in measures)
    return {
        "results": [
            {
                "success": count == 0,
                "expectation_config": {"type": "expect_no_finding", "meta": {"gate": CHECK.key}},
                "result": {"observed_value": count, "details": {"measures": list(measures)}},
                **entry,
            }
        ]
    }


def measured(release_id: str, count: int = 0, largest: float | None = None) -> dict[str, object]:
    return {"release_id": release_id, "largest": largest, "smallest": largest, "finding_count": count}


def finding(release_id: str, number: int, **columns: object) -> dict[str, object]:
    return {"finding_number": number, "release_id": release_id, "is_finding": True, "sheet_row": 9, **columns}


class Cursor:
    """Answers with findings, and tells how often it was asked."""

    def __init__(self, *rows: dict[str, object]) -> None:
        names = dict.fromkeys(name for row in rows for name in row)
        self.description = [SimpleNamespace(name=name) for name in names]
        self._rows = [tuple(row.get(name) for name in names) for row in rows]
        self.asked = 0

    def execute(self, _: str) -> None:
        self.asked += 1

    def fetchall(self) -> list[tuple[object, ...]]:
        return self._rows


def test_findings_go_to_their_release() -> None:
    cursor = Cursor(
        finding("r1", 1, found=float("inf")), finding("r2", 1, found=7.0), finding("r2", 2, found=None)
    )
    ((check, measures),) = _measures(result(measured("r1", 1), measured("r2", 2)), [CHECK])

    complete = _with_findings(cursor, check, measures)

    assert complete["r1"].findings == [{"sheet_row": 9, "found": "inf"}]
    assert complete["r2"].findings == [{"sheet_row": 9, "found": 7.0}, {"sheet_row": 9}]


def test_a_release_without_compared_cells_has_an_empty_measure_and_nothing_is_asked() -> None:
    cursor = Cursor()
    ((check, measures),) = _measures(result(measured("r1", largest=1.5)), [CHECK])

    complete = _with_findings(cursor, check, measures)

    assert complete == {
        "r1": Measure(largest=1.5, smallest=1.5, findings=[]),
        "r2": replace(Measure(), findings=[]),
    }
    assert cursor.asked == 0


@pytest.mark.parametrize(
    "answer",
    [
        result(measured("r1", 1), success=True),
        result(measured("r1", 0), success=False),
        result(measured("another")),
        {"results": []},
    ],
    ids=["passed with findings", "failed without", "another release", "no answer"],
)
def test_an_answer_that_does_not_fit_decides_nothing(answer: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="Nothing was decided"):
        list(_measures(answer, [CHECK]))


RAISED = {"raised_exception": True, "exception_message": "relation does not exist"}


@pytest.mark.parametrize("info", [RAISED, {"a metric": {"raised_exception": False}, "another": RAISED}])
def test_an_expectation_that_could_not_be_evaluated_decides_nothing(info: dict[str, Any]) -> None:
    with pytest.raises(
        ValidationError, match="could not evaluate smhi_emissions:county_sum: relation does not"
    ):
        list(_results(result(exception_info=info)))


def test_more_releases_than_the_library_fetches_are_an_error_not_a_success() -> None:
    expectation = expect_no_finding()(unexpected_rows_query="SELECT 1 FROM {batch}")
    rows = [measured(f"r{number}") for number in range(200)]
    assert expectation._validate({"unexpected_rows_query.table": rows[:-1]})["success"]
    with pytest.raises(ValueError, match="at most 199 releases of a run"):
        expectation._validate({"unexpected_rows_query.table": rows})
