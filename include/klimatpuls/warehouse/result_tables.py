"""Writes the result tables of a publication; one that fails stops no other (decision 27).

A table is copied inside a savepoint. A table that could not be calculated or stored keeps the rows shown
before, copied under the new publication, and so does every table that depends on it. Rows that depend on a
release withdrawn since are left out. ``mart_data.result_status`` says what each table holds and why.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import psycopg2
from psycopg2 import sql

from klimatpuls.contract import catalog
from klimatpuls.statistics.steps import Failure
from klimatpuls.warehouse.connection import load_sql, named_rows
from klimatpuls.warehouse.loader import copy_rows, frame_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import pandas as pd
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.statistics.steps import Result

Status = Literal["fresh", "stale", "emptied", "missing"]

FAULTS_OF_THE_DATABASE: Final = (psycopg2.OperationalError, psycopg2.InterfaceError)
"""Errors that no table caused: the connection was lost, the disk is full, a query was cancelled."""

REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "formula_failed": ("beräkningen misslyckades ({because_of})", "the calculation failed ({because_of})"),
    "not_stored": ("databasen tog inte emot raderna", "the database refused the rows"),
    "depends_on": (
        "tabellen bygger på {because_of}, som inte kunde beräknas",
        "the table rests on {because_of}, which could not be calculated",
    ),
}
SHOWN_INSTEAD: Final[Mapping[Status, tuple[str, str]]] = {
    "stale": (
        "raderna är kvar från publicering {computed}",
        "the rows are still those of publication {computed}",
    ),
    "emptied": (
        "de tidigare raderna är borttagna, för de bygger på en utgåva som har dragits tillbaka",
        "the earlier rows are taken out, for they rest on a release that was withdrawn",
    ),
    "missing": ("det finns inga tidigare rader", "there are no earlier rows"),
}
"""What a table that was not calculated shows instead: Swedish and English."""

_SHOWS_ROWS_OF: Final[Mapping[str, str]] = {
    "municipality_overview": "region_overview",
    "revision_summary": "revision",
    "criteria_summary": "criterion",
    "criterion_history": "criterion",
}
"""Mart with another name than the table whose rows it shows."""

_GHG: Final = catalog.datasets_of("emission")
CURRENT, EARLIER = True, False
RESTS_ON: Final[Mapping[str, tuple[Collection[str], bool | None]]] = {
    "current": (_GHG, CURRENT),
    "published_date": (_GHG, CURRENT),
    "defects": (_GHG, CURRENT),
    "earlier": (_GHG, EARLIER),
    "donors": (_GHG, None),
    "known_from": (_GHG, None),
    "stored": (_GHG, None),
    "population": (catalog.datasets_of("population"), CURRENT),
    "population_forecast": (catalog.datasets_of("population_forecast"), CURRENT),
    "kolada": (catalog.datasets_of("indicator"), CURRENT),
    "inventory": (catalog.datasets_of("national_emission"), CURRENT),
    "national": (catalog.datasets_of("national_emission"), CURRENT),
    "trading_plants": (catalog.datasets_of("ets_plant"), CURRENT),
    "inputs": (_GHG, None),
}
"""Input of the formulas → the datasets it is read from, and whether from current, earlier or all releases."""
LEAD: Final = frozenset({"ghg", "all"})
SUBSTANCES: Final[Mapping[str, Collection[str]]] = {"donors": LEAD | {"co2"}}
"""Input of the formulas → the substances it is read from, where they are more than :data:`LEAD`."""


@dataclass(frozen=True, kw_only=True)
class TableStatus:
    """What a result table holds under a publication; a row of ``mart_data.result_status``.

    Attributes:
        table_name: The table.
        status: ``fresh``: calculated in this publication. ``stale``: the rows of an earlier one. ``emptied``:
            no rows, since those of an earlier one rest on a withdrawn release. ``missing``: no rows at all.
        reason: Why it is not fresh: ``formula_failed``, ``not_stored`` or ``depends_on``.
        because_of: The step, input or table that failed first.
        reason_sv: The reason in words for readers, Swedish.
        reason_en: The same, English.
        error_class: Name of the Python exception.
        error_message: Its message and its place in the code, for the operator.
        computed_publication_id: The publication in which the rows were calculated.
        failing_since_publication_id: The first publication in which it failed for this reason.
    """

    table_name: str
    status: Status
    reason: str | None = None
    because_of: str | None = None
    reason_sv: str | None = None
    reason_en: str | None = None
    error_class: str | None = None
    error_message: str | None = None
    computed_publication_id: int | None = None
    failing_since_publication_id: int | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether it was calculated."""
        return self.status == "fresh"

    @property
    def failure(self) -> Failure:
        """Why it is not fresh, as the failure of a table that depends on it."""
        message = self.error_message or ""
        step = self.because_of or self.table_name
        return Failure(step, self.error_class or "", message, RuntimeError(message))


@dataclass(frozen=True, kw_only=True)
class Before:
    """The publication that readers see until the switch.

    Attributes:
        publication_id: The present publication; 0 where there is none.
        results_id: The publication whose results it shows.
        statuses: Table → its status.
    """

    publication_id: int
    results_id: int
    statuses: Mapping[str, TableStatus]


class ResultTables:
    """Writes the result tables of one publication and records the status of each.

    Args:
        cursor: As ``wh_loader``, in the transaction that builds the publication.
        publication_id: The publication.
        before: The publication that is shown now.
        shown: The releases the new publication shows.

    Attributes:
        rows: Table → rows written, of the tables that were calculated.
        statuses: Table → its status.
    """

    def __init__(self, cursor: Cursor, publication_id: int, before: Before, shown: Collection[str]) -> None:
        self._cursor = cursor
        self._publication_id = publication_id
        self._before = before
        self._shown = list(shown)
        self._failures: dict[str, Failure] = {}
        self.rows: dict[str, int] = {}
        self.statuses: dict[str, TableStatus] = {}

    def write(
        self, result: Result, *, of_members: bool = False, afterwards: Callable[[], object] | None = None
    ) -> None:
        """Copy the rows of a table, or keep those of the present publication.

        Args:
            result: The table; the tables it depends on must have been written before.
            of_members: Whether every publication writes it, also one that shares the results.
            afterwards: Called after the rows; an exception of it fails the table too.
        """
        failure, reason = result.failure, "formula_failed"
        if failure is None:
            lacking = sorted(result.needs & self._failures.keys())
            failure = self._failures[lacking[0]] if lacking else None
        if failure is not None and failure.step != result.table and self._is_table(failure.step):
            reason = "depends_on"
        if failure is None and result.frame is not None:
            failure, reason = self._copy(result.table, result.frame, afterwards), "not_stored"
        if failure is None:
            self.statuses[result.table] = TableStatus(
                table_name=result.table, status="fresh", computed_publication_id=self._publication_id
            )
            return
        self._failures[result.table] = failure
        self._keep(result, failure, reason, of_members=of_members)

    def _is_table(self, step: str) -> bool:
        return step in self.statuses or step in self._before.statuses

    def _copy(
        self, table: str, frame: pd.DataFrame, afterwards: Callable[[], object] | None
    ) -> Failure | None:
        def copy() -> int:
            constants = {"publication_id": self._publication_id}
            rows = copy_rows(self._cursor, ("mart_data", table), frame_rows(finite(frame), constants))
            if afterwards is not None:
                afterwards()
            return rows

        rows, failure = attempt(self._cursor, table, copy)
        if failure is None:
            self.rows[table] = rows or 0
        return failure

    def _keep(self, result: Result, failure: Failure, reason: str, *, of_members: bool) -> None:
        earlier = self._before.statuses.get(result.table)
        shown_id = self._before.publication_id if of_members else self._before.results_id
        computed = shown_id or None
        if earlier is not None:
            computed = earlier.computed_publication_id
        elif self._before.statuses:
            computed = None  # the present publication does not know the table
        status: Status = "stale"
        if computed is None:
            status = "emptied" if earlier is not None and earlier.status == "emptied" else "missing"
        elif self._rests_on_withdrawn(result.needs, computed):
            status, computed = "emptied", None
        else:
            self._copy_rows(result.table, shown_id)
        self.note(result.table, failure, reason, status, computed)

    def note(
        self, table: str, failure: Failure, reason: str, status: Status, computed: int | None = None
    ) -> None:
        """Record that a table was not calculated.

        Args:
            table: The table.
            failure: What failed first.
            reason: A key of :data:`REASONS`.
            status: What the table holds instead.
            computed: The publication in which its rows were calculated.
        """
        words = {"because_of": failure.step, "computed": computed}
        reason_sv, reason_en = (
            f"{why}; {instead}".format_map(words)
            for why, instead in zip(REASONS[reason], SHOWN_INSTEAD[status], strict=True)
        )
        earlier = self._before.statuses.get(table)
        is_known = earlier is not None and (earlier.because_of, earlier.error_class) == (
            failure.step,
            failure.error_class,
        )
        since = earlier.failing_since_publication_id if earlier is not None and is_known else None
        self.statuses[table] = TableStatus(
            table_name=table,
            status=status,
            reason=reason,
            because_of=failure.step,
            reason_sv=reason_sv,
            reason_en=reason_en,
            error_class=failure.error_class,
            error_message=failure.message,
            computed_publication_id=computed,
            failing_since_publication_id=since or self._publication_id,
        )

    def _rests_on_withdrawn(self, needs: Collection[str], computed: int) -> bool:
        """Whether the rows of an earlier publication depend on a release that is no longer shown."""
        self._cursor.execute(
            load_sql("read/releases_no_longer_shown.sql"),
            {"publication_id": computed, "release_ids": self._shown},
        )
        gone = self._cursor.fetchall()
        roots = [(*RESTS_ON[need], SUBSTANCES.get(need, LEAD)) for need in needs if need in RESTS_ON]
        return any(
            dataset in datasets and substance in substances and which in {None, is_current}
            for dataset, substance, is_current in gone
            for datasets, which, substances in roots
        )

    def _copy_rows(self, table: str, of_publication_id: int) -> None:
        rows = sql.Identifier("mart_data", table)
        self._cursor.execute(sql.SQL(load_sql("read/no_rows.sql")).format(rows=rows))
        columns = self._cursor.description or ()
        names = [column.name for column in columns if column.name != "publication_id"]
        self._cursor.execute(
            sql.SQL(load_sql("write/keep_result_rows.sql")).format(
                rows=rows, columns=sql.SQL(", ").join(map(sql.Identifier, names))
            ),
            {"publication_id": self._publication_id, "of_publication_id": of_publication_id},
        )

    def finish(self) -> None:
        """Write the status of every table."""
        self._cursor.executemany(
            load_sql("write/insert_result_status.sql"),
            [{"publication_id": self._publication_id, **asdict(one)} for one in self.statuses.values()],
        )

    @property
    def stale(self) -> tuple[TableStatus, ...]:
        """The tables that were not calculated."""
        return tuple(one for one in self.statuses.values() if not one.is_fresh)


def table_behind(mart: str) -> str:
    """The name under which ``mart.result_status`` has the table behind a mart."""
    return _SHOWS_ROWS_OF.get(mart, mart)


def finite(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a missing value for every infinite one, such as a change from next to nothing.

    A reader who sums or plots a column must never get infinity.
    """
    import numpy as np
    from pandas.api.types import is_float_dtype

    replaced = {
        str(name): frame[name].replace([np.inf, -np.inf], np.nan)
        for name in frame.columns
        if is_float_dtype(frame[name].dtype)
        and np.isinf(frame[name].to_numpy(dtype=np.float64, na_value=np.nan)).any()
    }
    return frame.assign(**replaced) if replaced else frame


def attempt(cursor: Cursor, step: str, make: Callable[[], Any]) -> tuple[Any, Failure | None]:
    """Call a function inside a savepoint; an exception undoes its work and nothing else.

    Args:
        cursor: Cursor in a transaction, which the function uses.
        step: Name for the failure.
        make: The function.

    Returns:
        Its result and None, or None and why it failed.

    Raises:
        psycopg2.Error: if the database itself failed (:data:`FAULTS_OF_THE_DATABASE`).
    """
    cursor.execute("SAVEPOINT attempt")
    try:
        made = make()
    except FAULTS_OF_THE_DATABASE:
        raise
    except Exception as error:  # noqa: BLE001 - any exception fails this table only, and is recorded
        cursor.execute("ROLLBACK TO SAVEPOINT attempt")
        return None, Failure.of(step, error)
    cursor.execute("RELEASE SAVEPOINT attempt")
    return made, None


def read_statuses(cursor: Cursor, publication_id: int) -> dict[str, TableStatus]:
    """Table → its status under a publication, by name; empty for a publication older than the statuses."""
    cursor.execute(load_sql("read/result_statuses.sql"), {"publication_id": publication_id})
    return {row["table_name"]: TableStatus(**row) for row in named_rows(cursor)}


def not_fresh(statuses: Mapping[str, TableStatus]) -> frozenset[str]:
    """Names of the tables that were not calculated."""
    return frozenset(name for name, one in statuses.items() if not one.is_fresh)
