"""Great Expectations on the rows of one source run: its suite, its run, its result as plain data.

With its expectation the only module that knows Great Expectations, and it imports it inside the function: the
import takes seconds and must not be paid by a DAG file or a command that validates nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from klimatpuls.validation.expectation import expect_no_finding
from klimatpuls.validation.queries import WORK_MEM

if TYPE_CHECKING:
    from klimatpuls.validation.queries import Check
    from klimatpuls.validation.suites import Suite

_SEVERITY = {"hard": "critical", "hold": "warning", "advisory": "info"}


def expect(dsn: str, run_id: int, suite: Suite, checks: Sequence[Check]) -> Mapping[str, Any]:
    """One Great Expectations run over a source run's partition.

    Args:
        dsn: Warehouse.
        run_id: The source run; its partition, as ops.create_load_partition() names it, is the batch.
        suite: The fact of the partition, with what the contract says of its columns.
        checks: The rules with their finished queries.

    Returns:
        Great Expectations' result as plain data; the expectations of rules carry ``meta.gate``.
    """
    import great_expectations
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from sqlalchemy import make_url

    gx: Any = great_expectations
    # A "$" would be read as a variable of Great Expectations' own configuration.
    target = make_url(dsn).set(drivername="postgresql+psycopg2")
    target = target.update_query_dict({"options": f"-c work_mem={WORK_MEM} -c search_path=core"})
    url = target.render_as_string(hide_password=False)
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    with _quiet("great_expectations"):
        context = gx.get_context(project_config=config, mode="ephemeral")
        source = context.data_sources.add_postgres("warehouse", connection_string=url.replace("$", "%24"))
        asset = source.add_table_asset(f"run-{run_id}", table_name=f"{suite.fact.table}_r{run_id}")
        rows = asset.add_batch_definition_whole_table("rows")
        # Neither suite nor result is put into the context, which ends here: writing them into its store in
        # memory takes as long as the queries.
        expectations = gx.ExpectationSuite(
            name=suite.fact.table,
            expectations=[*_column_expectations(suite), *_gate_expectations(checks)],
        )
        try:
            outcome = rows.get_batch().validate(expectations, result_format="COMPLETE")
        finally:
            # Two engines, the source's own and the one that ran the queries: a connection left open would
            # outlive the validation.
            source.get_execution_engine().close()
            source.get_engine().dispose()
    result: Mapping[str, Any] = outcome.to_json_dict()
    return result


def _column_expectations(suite: Suite) -> Iterator[Any]:
    """The shape of the table: a failure is about the run as a whole, not about one of its releases.

    What can go wrong in one release alone is a rule with a query of its own.
    """
    gxe: Any = importlib.import_module("great_expectations.expectations")
    yield gxe.ExpectTableColumnsToMatchSet(
        column_set=list(suite.columns), exact_match=True, severity="critical"
    )
    for column, type_name in suite.columns.items():
        yield gxe.ExpectColumnValuesToBeOfType(column=column, type_=type_name, severity="critical")
        if column not in suite.nullable:
            yield gxe.ExpectColumnValuesToNotBeNull(column=column, severity="critical")
    for stated in suite.fact.columns:
        if stated.allowed is not None:
            yield gxe.ExpectColumnValuesToBeInSet(
                column=stated.name, value_set=list(stated.allowed), severity="critical"
            )
    yield gxe.ExpectColumnValuesToBeBetween(column="sheet_row", min_value=0, severity="critical")


def _gate_expectations(checks: Sequence[Check]) -> Iterator[Any]:
    gate = expect_no_finding()
    for check in checks:
        yield gate(
            description=f"{check.rule.title_en}: no finding",
            unexpected_rows_query=check.measuring_sql,
            severity=_SEVERITY[check.rule.severity],
            meta={"gate": check.key},
        )


@contextlib.contextmanager
def _quiet(logger_name: str) -> Iterator[None]:
    """Silence a library that logs its own defaults; findings are results, not log lines."""
    logger = logging.getLogger(logger_name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
