"""Step 3: loaded rows → a verdict per release, Data Docs, and the state of each dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from klimatpuls.contract import catalog
from klimatpuls.pipeline.snapshot import is_wanted
from klimatpuls.validation import reading, record, run
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.catalog import Dataset, Source
    from klimatpuls.pipeline.context import RunContext


@dataclass(frozen=True, kw_only=True)
class ValidationResult:
    """The verdict of the gates on a run.

    Attributes:
        run_id: The source run.
        state: ``validated``, ``held``, ``quarantined`` or ``no_news``; the worst of its releases decides.
        publishable: Releases that go on to publication.
        held: Releases that wait for a person.
        quarantined: Releases or files that were refused.
        explanations: Text for a terminal per release with findings, and per refused file.
    """

    run_id: int
    state: str
    publishable: tuple[str, ...]
    held: tuple[str, ...]
    quarantined: tuple[str, ...]
    explanations: tuple[str, ...]


def validate_run(
    conn: PgConnection, dsn: str, source: Source, run_id: int, context: RunContext
) -> ValidationResult:
    """Validate every loaded release of a run, write the verdicts and close the run.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        dsn: The same warehouse, for Great Expectations' own connection.
        source: Catalogue entry.
        run_id: The source run.
        context: Day, origin and folders.
    """
    verdicts = run.validate_run(
        dsn, run_id, source=source, origin=context.origin, docs_root=context.data_docs
    )
    with conn:
        record.record_verdicts(conn, verdicts)
    result = read_result(conn, run_id)
    with conn:
        runs.set_run_state(conn, run_id, result.state, _describe(result, runs.read_notes(conn, run_id)))
        record_checks(conn, source, context)
    return result


def read_result(conn: PgConnection, run_id: int) -> ValidationResult:
    """Read the verdict of the gates on a run from the warehouse."""
    explanations = reading.read_explanations(conn, run_id)
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/releases_of_run.sql"), {"run_id": run_id})
        states = {release_id: state for release_id, state, *_ in cursor.fetchall()}
        cursor.execute(load_sql("read/refused_files_of_run.sql"), {"run_id": run_id})
        refused = [f"{dataset} {substance} (file {sha[:8]})" for dataset, substance, sha in cursor.fetchall()]
    publishable = tuple(r for r, state in states.items() if state in {"validated", "published"})
    held = tuple(r for r, state in states.items() if state == "held")
    quarantined = (*(r for r, state in states.items() if state == "quarantined"), *refused)
    state = "validated" if publishable else "no_news"
    state = "held" if held else state
    state = "quarantined" if quarantined else state
    return ValidationResult(
        run_id=run_id,
        state=state,
        publishable=publishable,
        held=held,
        quarantined=quarantined,
        explanations=explanations,
    )


def _describe(result: ValidationResult, notes: Sequence[str]) -> str:
    parts = [f"{release_id}: passed" for release_id in result.publishable]
    parts += [f"{release_id}: on hold" for release_id in result.held]
    parts += [f"{name}: quarantined" for name in result.quarantined]
    return "; ".join([*(parts or ["nothing to validate"]), *runs.notes_in_short(notes)])


def close_failed(conn: PgConnection, source: Source, context: RunContext, run_id: int, message: str) -> None:
    """Close a run that failed, and write the failure for every dataset of the source; commits.

    Args:
        conn: Connection as ``wh_loader``.
        source: Catalogue entry.
        context: Day and moment.
        run_id: The source run.
        message: What failed and what to do.
    """
    with conn:
        runs.set_run_state(conn, run_id, "failed", message)
        record_checks(conn, source, context, failure=message)


def record_checks(
    conn: PgConnection, source: Source, context: RunContext, failure: str | None = None
) -> None:
    """Write how fresh each dataset of a source is as of the run's day; the caller commits.

    An optional dataset that no setting names is skipped, unless a file of it was kept.

    Args:
        conn: Connection as ``wh_loader``.
        source: Catalogue entry.
        context: Day and moment of the check.
        failure: Why the check itself failed, or None.
    """
    for dataset in source.datasets:
        for substance in dataset.substances:
            newest = _newest(conn, dataset, substance)
            if dataset.by_setting and not newest["kept"] and not is_wanted(dataset, substance, context):
                continue
            status = "failed" if failure else _status(dataset, newest, context)
            runs.record_check(
                conn,
                source=source.id,
                dataset=dataset.id,
                substance=substance,
                checked_at=context.now,
                as_of=context.as_of,
                next_expected=catalog.next_expected(dataset, newest["last_year"], context.as_of),
                status=status,
                detail=failure or newest["detail"],
            )


def _newest(conn: PgConnection, dataset: Dataset, substance: str | None) -> dict[str, Any]:
    with conn.cursor() as cursor:
        cursor.execute(
            load_sql("read/newest_release_state.sql"),
            {
                "dataset": dataset.id,
                "substance": substance or runs.NOT_BY_SUBSTANCE,
                "dated_by_release": dataset.dated_by_release,
            },
        )
        row = fetch_row(cursor)
    return dict(zip(("last_year", "held", "refused", "kept", "detail"), row, strict=True))


def _status(dataset: Dataset, newest: dict[str, Any], context: RunContext) -> str:
    if newest["held"]:
        return "held"
    if newest["refused"]:
        return "failed"
    return catalog.freshness(dataset, newest["last_year"], context.as_of)
