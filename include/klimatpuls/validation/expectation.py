"""The expectation of a gate: Great Expectations asks its query once, and the answer is the measure itself.

Importing this module imports Great Expectations, which takes seconds: only ``klimatpuls.validation.expect``
does, inside its function.
"""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation


class ExpectNoFinding(UnexpectedRowsExpectation):
    """The rows hold no finding: a query of measures, one row per release, counts none.

    The library's own expectation of this kind asks the query twice, for its rows and for their number, and
    tells nothing of a rule that is kept. Here the query gives ``release_id``, ``largest``, ``smallest`` and
    ``finding_count``, so that the margin of a passed gate comes from the same question as its success.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        measures = metrics["unexpected_rows_query.table"]
        count = sum(int(row["finding_count"]) for row in measures)
        return {"success": count == 0, "result": {"observed_value": count, "details": {"measures": measures}}}
