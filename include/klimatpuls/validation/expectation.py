"""The expectation of a gate: Great Expectations runs its query once, and the result is the measure."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar


@cache
def expect_no_finding() -> Any:
    """The class of the expectation; made here, since importing the library takes seconds.

    The library's own expectation of this kind runs its query twice, for its rows and for their number, and
    reports nothing of a rule that holds. Here the query gives one row per release, ``release_id``,
    ``largest``, ``smallest`` and ``finding_count``, so that the margin of a passed gate comes from the same
    question as its success.
    """
    from great_expectations.constants import MAX_RESULT_RECORDS
    from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

    class ExpectNoFinding(UnexpectedRowsExpectation):
        """The rows hold no finding: a query of measures counts none."""

        metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

        def _validate(
            self,
            metrics: dict[str, Any],
            runtime_configuration: dict[str, Any] | None = None,
            execution_engine: Any = None,
        ) -> dict[str, Any]:
            measures = metrics["unexpected_rows_query.table"]
            if len(measures) >= MAX_RESULT_RECORDS:
                # The library fetches no more rows, and a release that is not seen would count as good.
                msg = (
                    f"a check measures at most {MAX_RESULT_RECORDS - 1} releases of a run; load fewer at once"
                )
                raise ValueError(msg)
            count = sum(int(row["finding_count"]) for row in measures)
            result = {"observed_value": count, "details": {"measures": measures}}
            return {"success": count == 0, "result": result}

    return ExpectNoFinding
