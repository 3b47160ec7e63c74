"""Evaluates the loaded rows of a source run against their rules, with Great Expectations, in the database.

One Great Expectations run per source run and fact: its batch is the run's partition, its suite the shape of
the columns and one expectation per rule, whose query is the file of that name in ``include/sql/checks``,
wrapped to measure, so the decision and the reported value come from one answer. The first findings are read
where there are any.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from klimatpuls.contract import schema
from klimatpuls.contract.releases import Release, nearest_earlier
from klimatpuls.errors import KlimatpulsError
from klimatpuls.validation import docs
from klimatpuls.validation.expect import expect
from klimatpuls.validation.gates import Gate, Measure, ReleaseVerdict, evaluate, steady
from klimatpuls.validation.queries import WORK_MEM, Check, with_literals
from klimatpuls.validation.suites import (
    COLUMNS,
    Suite,
    Value,
    check_text,
    limit_of,
    query_values,
    rule_named,
    suite_of,
)
from klimatpuls.warehouse import connection

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.contract.catalog import Source

_COMPARABLE_STATES = ("validated", "published")
SMALLEST_SUM = 1e-3
"""What is smaller is shown as it stands."""
_HOUSEKEEPING = frozenset({"finding_number", "release_id", "is_finding"})


class ValidationError(KlimatpulsError):
    """The validation itself could not be done; nothing is decided and nothing is published."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A release that waits for its verdict, with the release it is compared with.

    Attributes:
        release: The release.
        snapshot_sha256: Hash of the raw bytes it was read from.
        run_id: The source run that loaded it.
        earlier: The nearest earlier release, or None.
        earlier_run_id: The source run of that one.
    """

    release: Release
    snapshot_sha256: str
    run_id: int
    earlier: Release | None = None
    earlier_run_id: int | None = None

    def after(self, earlier: Release | None, known: Mapping[str, Loaded]) -> Loaded:
        """The same release, compared with an earlier one of the known ones, or with none."""
        run_id = known[earlier.release_id].run_id if earlier else None
        return replace(self, earlier=earlier, earlier_run_id=run_id)

    def evaluated(self, check: Check, measure: Measure) -> Gate:
        """The gate of a check for this release."""
        versus = self.earlier.release_id if self.earlier and check.rule.compares == "release" else None
        rule = check.rule.for_substance(self.release.substance)
        return evaluate(rule, measure, check.limit, compared_with=versus)

    def verdict(self, gates: Sequence[Gate], docs_path: str | None) -> ReleaseVerdict:
        """The verdict that follows from the gates of this release."""
        return ReleaseVerdict(
            run_id=self.run_id,
            release_id=self.release.release_id,
            dataset=self.release.dataset,
            substance=self.release.substance or "all",
            published_date=self.release.published_date,
            snapshot_sha256=self.snapshot_sha256,
            compared_with=self.earlier.release_id if self.earlier else None,
            gates=tuple(gates),
            docs_path=docs_path,
        )


def loaded_of(row: Mapping[str, Any]) -> Loaded:
    """The release of a row that has the columns of :class:`klimatpuls.contract.releases.Release`."""
    release = Release(**{field.name: row[field.name] for field in fields(Release)})
    return Loaded(release=release, snapshot_sha256=row["file_sha256"], run_id=row["run_id"])


def validate_run(
    dsn: str, run_id: int, *, source: Source, origin: str, docs_root: Path
) -> list[ReleaseVerdict]:
    """Evaluate every loaded release of a source run against its rules.

    Reads only; :func:`klimatpuls.validation.record.record_verdicts` writes what came out.

    Args:
        dsn: Warehouse, as the loader's role.
        run_id: The source run; its releases in state ``loaded`` are evaluated, others are not.
        source: Catalogue entry of the run's source.
        origin: ``live``, ``archive`` or ``synthetic``, said on the pages.
        docs_root: Folder under which the pages of this validation are written, in ``run-<run_id>``.

    Returns:
        One verdict per release, ordered by dataset and release; empty when the run loaded nothing new.

    Raises:
        ValidationError: if a query could not be run, or its answer does not fit the evaluated releases.
    """
    with closing(connection.connect(dsn)) as conn, conn.cursor() as cursor:
        loaded = _loaded_releases(cursor, run_id)
    if not loaded:
        return []
    by_fact = _by_fact(source, run_id, loaded)
    checks = [check for _, part in by_fact for check in part]
    result = _together([expect(dsn, run_id, suite, part) for suite, part in by_fact])
    columns = _column_measure(result)
    with closing(connection.connect(dsn)) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, false)", (WORK_MEM,))
        findings = {
            check.key: _with_findings(cursor, check, measures)
            for check, measures in _measures(result, checks)
        }
    folder = docs_root / f"run-{run_id}"
    verdicts = []
    for item in sorted(loaded, key=lambda item: (item.release.dataset, item.release.release_id)):
        gates = [evaluate(rule_named(COLUMNS), columns, 0.0)]
        for check in checks:
            if check.dataset == item.release.dataset:
                gates.append(item.evaluated(check, findings[check.key][item.release.release_id]))
        verdicts.append(item.verdict(gates, str(folder)))
    docs.write_pages(folder, run_id=run_id, source=source, origin=origin, verdicts=verdicts, result=result)
    return verdicts


def _loaded_releases(cursor: Cursor, run_id: int) -> list[Loaded]:
    """The run's loaded releases, each with the nearest earlier release it is compared with."""
    states = {"run_id": run_id, "states": list(_COMPARABLE_STATES)}
    cursor.execute(connection.load_sql("read/releases_to_evaluate.sql"), states)
    known = {row["release_id"]: loaded_of(row) for row in connection.named_rows(cursor)}
    comparable = [item.release for item in known.values() if item.release.state in _COMPARABLE_STATES]
    return [
        item.after(nearest_earlier(item.release, comparable), known)
        for item in known.values()
        if item.release.state == "loaded"
    ]


def _by_fact(source: Source, run_id: int, loaded: Sequence[Loaded]) -> list[tuple[Suite, list[Check]]]:
    """The suite of every fact that the run loaded, with its finished checks."""
    datasets: dict[str, list[str]] = {}
    for dataset_id in sorted({item.release.dataset for item in loaded}):
        datasets.setdefault(source.dataset(dataset_id).fact, []).append(dataset_id)
    suites = {name: suite_of(schema.fact(name)) for name in datasets}
    return [
        (suites[name], list(checks_of(source, suites[name], run_id, loaded, dataset_ids)))
        for name, dataset_ids in datasets.items()
    ]


def _together(results: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The results of a run's facts as one."""
    return {**results[0], "results": [entry for result in results for entry in result["results"]]}


def checks_of(
    source: Source, suite: Suite, run_id: int, loaded: Sequence[Loaded], dataset_ids: Sequence[str]
) -> Iterator[Check]:
    """The rules of a fact with their finished queries, for the releases of a run.

    Args:
        source: Catalogue entry.
        suite: The fact's rules.
        run_id: The source run whose rows are checked.
        loaded: Releases to check.
        dataset_ids: Datasets of the fact, in the order wanted.

    Yields:
        One check per dataset and rule.
    """
    for dataset_id in dataset_ids:
        dataset = source.dataset(dataset_id)
        items = [item for item in loaded if item.release.dataset == dataset_id]
        release_ids = tuple(item.release.release_id for item in items)
        compared = [item for item in items if item.earlier is not None]
        values: dict[str, Value] = {
            **query_values(dataset, run_id, release_ids),
            "compared_release_ids": [item.release.release_id for item in compared],
            "earlier_release_ids": [item.earlier.release_id for item in compared if item.earlier],
            "earlier_run_ids": [item.earlier_run_id for item in compared if item.earlier_run_id is not None],
        }
        for rule in suite.rules:
            sql = with_literals(check_text(rule, suite.fact), values)
            yield Check(rule, limit_of(rule, dataset.tolerances), sql, dataset_id, release_ids)


def _results(result: Mapping[str, Any]) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """Every expectation's result with the gate it belongs to (None: the columns).

    Raises:
        ValidationError: if an expectation could not be evaluated.
    """
    for entry in result["results"]:
        config = entry["expectation_config"]
        gate = (config.get("meta") or {}).get("gate")
        raised = [info for info in _exceptions(entry.get("exception_info") or {}) if info["raised_exception"]]
        if raised:
            message = str(raised[0].get("exception_message", "")).strip()[:500]
            msg = (
                f"validation could not evaluate {gate or config['type']}: {message}. "
                "Nothing was decided; the release stays loaded and what is published stays as it was."
            )
            raise ValidationError(msg)
        yield gate, entry


def _exceptions(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What was raised: Great Expectations reports it for the expectation, or for each metric by name."""
    return [info] if "raised_exception" in info else list(info.values())


def _column_measure(result: Mapping[str, Any]) -> Measure:
    """The column expectations as one measure: how many failed, and the first values that broke them."""
    findings: list[dict[str, object]] = []
    for gate, entry in _results(result):
        if gate is not None or entry["success"]:
            continue
        config, outcome = entry["expectation_config"], entry.get("result") or {}
        observed = outcome.get("observed_value", outcome.get("unexpected_count"))
        findings.append(
            {
                "sheet_row": None,
                "column_name": config["kwargs"].get("column", "all columns"),
                "raw_value": ", ".join(map(str, (outcome.get("partial_unexpected_list") or [])[:5])),
                "reason": f"{config['type']}: found {observed}",
            }
        )
    return Measure(finding_count=len(findings), findings=findings)


def _measures(
    result: Mapping[str, Any], checks: Sequence[Check]
) -> Iterator[tuple[Check, dict[str, Measure]]]:
    """What every check measured, by release; a release without a compared cell is not in it.

    Raises:
        ValidationError: if a check has no result, or one that does not fit its measures.
    """
    outcomes = {gate: entry for gate, entry in _results(result) if gate is not None}
    for check in checks:
        entry = outcomes.get(check.key)
        rows = entry["result"]["details"]["measures"] if entry else []
        measures = {row["release_id"]: measure_of(row) for row in rows}
        counted = sum(measure.finding_count for measure in measures.values())
        if entry is None or entry["success"] != (counted == 0) or not measures.keys() <= {*check.release_ids}:
            said = "no answer" if entry is None else f"success {entry['success']} with {counted} findings"
            msg = (
                f"validation got {said} for {check.key} ({', '.join(measures) or 'no release'}). "
                "Nothing was decided; validate again."
            )
            raise ValidationError(msg)
        yield check, measures


def measure_of(row: Mapping[str, Any]) -> Measure:
    """One row of a check's ``measuring_sql`` as a measure."""
    return Measure(largest=row["largest"], smallest=row["smallest"], finding_count=int(row["finding_count"]))


def _with_findings(cursor: Cursor, check: Check, measures: Mapping[str, Measure]) -> dict[str, Measure]:
    """The measures of a check's releases with their first findings, read only where there are any."""
    has_findings = any(measure.finding_count for measure in measures.values())
    rows = read_findings(cursor, check) if has_findings else []
    return {
        release_id: replace(measures.get(release_id, Measure()), findings=sample_of(rows, release_id))
        for release_id in check.release_ids
    }


def read_findings(cursor: Cursor, check: Check) -> list[dict[str, object]]:
    """The first findings of every release of a check.

    Args:
        cursor: psycopg2 cursor as the loader's role.
        check: The rule with its finished query.
    """
    cursor.execute(check.findings_sql)
    return connection.named_rows(cursor)


def sample_of(rows: Sequence[Mapping[str, object]], release_id: str) -> list[dict[str, object]]:
    """The first findings of a release, as JSON can hold them.

    Args:
        rows: What a check's ``findings_sql`` returned, the first of a release first.
        release_id: The release.

    Returns:
        At most ``SAMPLE_SIZE`` flat mappings.
    """
    chosen = [row for row in rows if row["release_id"] == release_id]
    return [
        {
            name: _plain(value)
            for name, value in row.items()
            if name not in _HOUSEKEEPING and (value is not None or name == "sheet_row")
        }
        for row in chosen
    ]


def _plain(value: object) -> object:
    """A value that JSON can hold: NaN and the infinities as text, sums without the noise of their order."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return str(value)
    # Grams of a pollutant are a finding too, and no sum of many terms.
    return steady(value) if abs(value) >= SMALLEST_SUM else value
