"""Runs the pipeline once in a running Airflow: starts the DAG runs, prints every step, waits, and sums up.

It starts the ingest DAGs over the REST API; assets trigger the publish and report DAGs. It relies on the
database, not on the events: it ends when nothing validated waits for publication, no mail is due and no run
is active.
"""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg2 import OperationalError

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import (
    EXIT_DONE,
    EXIT_FETCH,
    EXIT_HOLD,
    EXIT_MAIL,
    EXIT_QUARANTINE,
    EXIT_STALE,
    EXIT_USAGE,
    KlimatpulsError,
)
from klimatpuls.local import runtime
from klimatpuls.local.airflow_api import AirflowApiError
from klimatpuls.pipeline.stale_tables import read_stale
from klimatpuls.pipeline.watch import close_stuck_runs, has_mail_due, has_unpublished
from klimatpuls.validation.reading import read_explanations
from klimatpuls.warehouse.connection import connect, fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.local.airflow_api import AirflowApi, Run
    from klimatpuls.local.stack import Stack

PATIENCE = 30 * 60.0
"""Seconds after which a refresh fails; the runs have shorter limits."""
EVENT_PATIENCE = 12.0
"""Seconds that an asset event may take to trigger its DAG, before the refresh starts the run itself."""
POLL = 1.0
"""Seconds between two polls of the runs: a poll is two requests, which take Airflow 0.1 s of a core."""
OVERLAP = timedelta(seconds=5)
"""How far polls overlap: the end of a task is visible a little later than its time stamp."""
EXIT_NOTICE_PATIENCE = 2.0
"""Seconds in which the supervisor reports that a service has ended."""

STEPS: Mapping[str, str] = {
    "sync_registers.sync_registers": "registers",
    "ingest.fetch_snapshot": "snapshot",
    "ingest.load": "load",
    "ingest.validate": "validate",
    "publish.publish": "publish",
    "report.render_report": "report",
    "report.build_site": "site",
    "report.send_mail": "mail",
}
DONE_STATES = frozenset({"success", "failed", "skipped", "upstream_failed"})
AWAITING_INPUT = "awaiting_input"
FOLLOWERS = ("review", "publish", "report")
"""DAGs that other DAGs trigger."""
REVIEW_DAGS = frozenset({"review", "report"})
"""DAGs that may wait for a person."""
WORDS = {"success": "done", "skipped": "nothing to do", "failed": "FAILED"}


@dataclass(frozen=True, kw_only=True)
class SourceOutcome:
    """The result of one source in this refresh; rows read are rows loaded plus cells rejected."""

    source: str
    state: str
    detail: str
    rows_loaded: int
    rows_rejected: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a refresh.

    Attributes:
        sources: One entry per source run.
        calls: Agency's host → number of HTTP calls.
        publication: Id, day and causes of the publication made, or None.
        mails: State → number of mails that got this state in this refresh.
        problems: Problems for a person, most urgent first, each with a remedy.
        exit_code: As documented: 0, 2 fetch, 3 hold, 5 quarantine, 6 mail, 7 stale tables, 1 anything else.
        seconds: Seconds per step.
    """

    sources: tuple[SourceOutcome, ...]
    calls: Mapping[str, int]
    publication: Mapping[str, Any] | None
    mails: Mapping[str, int]
    problems: tuple[str, ...]
    exit_code: int
    seconds: Mapping[str, float]


@dataclass
class _Watch:
    """The runs of this refresh, and the tasks whose end has been printed."""

    begun: datetime
    polled: datetime
    runs: dict[tuple[str, str], Run] = field(default_factory=dict)
    said: set[tuple[str, str, str]] = field(default_factory=set)
    failed: dict[tuple[str, str], Run] = field(default_factory=dict)
    incomplete: dict[tuple[str, str], bool] = field(default_factory=dict)
    asking: set[tuple[str, str]] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)

    def is_quiet(self) -> bool:
        """Whether every run is over, or waits for a person: a command does not wait for people."""
        return all(run.is_over or key in self.asking for key, run in self.runs.items())


class Refresh:
    """One refresh of one running stack.

    Args:
        stack: The running stack.
        say: Called with one line per step as it ends.
    """

    def __init__(self, stack: Stack, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._api: AirflowApi = stack.api
        self._say = say
        self._dsn = runtime.warehouse_dsn(stack, "wh_loader")

    def run(self, sources: Sequence[str], conf: Mapping[str, Any] | None = None) -> Outcome:
        """Run each source and wait until every run that follows is over.

        Args:
            sources: Catalogue ids; empty to publish only.
            conf: Configuration of the ingest runs, for a local file.

        Raises:
            KlimatpulsError: if the stack breaks down or the runs take too long.
        """
        with self._service_errors():
            return self._run(sources, conf)

    @contextmanager
    def _service_errors(self) -> Iterator[None]:
        """Name the service that ended in the error, not the one that could not reach it."""
        try:
            yield
        except (AirflowApiError, OperationalError) as error:
            deadline = time.monotonic() + EXIT_NOTICE_PATIENCE
            while time.monotonic() < deadline:
                self._stack.check()
                time.sleep(0.1)
            if isinstance(error, AirflowApiError):
                raise
            msg = f"the database stopped: {str(error).strip()}; see {self._stack.home.logs}"
            raise KlimatpulsError(msg) from None

    def publish(self) -> Outcome:
        """Publish what is pending, retry tables that could not be calculated, and wait for all runs.

        Raises:
            KlimatpulsError: if the stack breaks down or the runs take too long.
        """
        with self._service_errors():
            return self._run((), None, try_again=True)

    def _run(
        self, sources: Sequence[str], conf: Mapping[str, Any] | None, *, try_again: bool = False
    ) -> Outcome:
        ingests = (f"ingest_{source}" for source in SOURCES)
        self._api.wait_for_dags({*ingests, *FOLLOWERS, "sync_registers", "watch"})
        now = datetime.now(UTC)
        watch = _Watch(begun=now, polled=now)
        stamp = watch.begun.strftime("%Y%m%dT%H%M%S%f")
        with closing(connect(self._dsn)) as conn:
            close_stuck_runs(conn, older_than_minutes=0)
            mark = _marks(conn)
            self._request(conn, sources, stamp)
        self._trigger(watch, "sync_registers", f"refresh-{stamp}")
        for source in sources:
            self._trigger(watch, f"ingest_{source}", f"refresh-{stamp}", conf)
        if try_again:
            self._trigger(watch, "publish", f"again-{stamp}", {"try_again": True})
        self._wait_for(watch, list(watch.runs))
        with closing(connect(self._dsn)) as conn:
            close_stuck_runs(conn, older_than_minutes=0)
        self._settle(watch)
        with closing(connect(self._dsn)) as conn:
            return self._sum_up(conn, watch, mark)

    def _request(self, conn: PgConnection, sources: Sequence[str], stamp: str) -> None:
        """Record the runs before they start, so that publication waits for all of them."""
        context = runtime.run_context(self._stack.home, self._stack.as_of)
        with conn, conn.cursor() as cursor:
            for source in sources:
                cursor.execute(
                    load_sql("write/request_run.sql"),
                    {
                        "source": source,
                        "origin": context.origin,
                        "as_of_date": context.as_of,
                        "orchestrator_run": f"ingest_{source}/refresh-{stamp}",
                    },
                )

    def _trigger(
        self, watch: _Watch, dag_id: str, run_id: str, conf: Mapping[str, Any] | None = None
    ) -> None:
        run = self._api.trigger(dag_id, dict(conf or {}), run_id)
        watch.runs[dag_id, run_id] = run

    def _wait_for(self, watch: _Watch, keys: Sequence[tuple[str, str]]) -> None:
        deadline = time.monotonic() + PATIENCE
        while any(not watch.runs[key].is_over for key in keys):
            self._poll(watch)
            if time.monotonic() > deadline:
                late = ", ".join(f"{dag}/{run}" for dag, run in keys if not watch.runs[dag, run].is_over)
                msg = (
                    f"still not done after {PATIENCE / 60:.0f} minutes: {late}; see Airflow's pages (make up)"
                )
                raise KlimatpulsError(msg)
            time.sleep(POLL)

    def _settle(self, watch: _Watch) -> None:
        """Wait until publication and report are over; start them if their events do not."""
        quiet_since = time.monotonic()
        started: set[str] = set()
        while True:
            self._poll(watch, joining=True)
            if not watch.is_quiet():
                quiet_since = time.monotonic()
                time.sleep(POLL)
                continue
            wanted = self._pending_dag(watch)
            if wanted is None or wanted in started:
                return
            if time.monotonic() - quiet_since > EVENT_PATIENCE:
                started.add(wanted)
                self._trigger(watch, wanted, f"sweep-{watch.begun:%Y%m%dT%H%M%S%f}")
                quiet_since = time.monotonic()
            time.sleep(POLL)

    def _pending_dag(self, watch: _Watch) -> str | None:
        """The DAG that must still run, or None if everything is done."""
        failed = {dag_id for (dag_id, _), run in watch.failed.items() if self._is_incomplete(watch, run)}
        with closing(connect(self._dsn)) as conn:
            waits, mail_is_due = has_unpublished(conn), has_mail_due(conn)
        if waits and "publish" not in failed:
            return "publish"
        published = any(
            dag_id == "publish" and run.state == "success" for (dag_id, _), run in watch.runs.items()
        )
        reported = any(dag_id == "report" for dag_id, _ in watch.runs)
        if (mail_is_due or (published and not reported)) and "report" not in failed:
            return "report"
        return None

    def _is_incomplete(self, watch: _Watch, run: Run) -> bool:
        """Whether a failed run did not do its work; a run that only reports findings did."""
        key = (run.dag_id, run.run_id)
        if key not in watch.incomplete:
            failed = {task.task_id for task in self._api.tasks(*key) if task.state == "failed"}
            watch.incomplete[key] = not failed or bool(failed - {"notify_stale"})
        return watch.incomplete[key]

    def _poll(self, watch: _Watch, *, joining: bool = False) -> None:
        """Read the states of the open runs, and print the tasks that ended since the last poll.

        ``joining`` also adds the runs that assets have started meanwhile.
        """
        self._stack.check()
        open_runs = {key for key, run in watch.runs.items() if not run.is_over and key not in watch.asking}
        # Only changes since the last poll: a list of all tasks takes Airflow long.
        since, watch.polled = watch.polled - OVERLAP, datetime.now(UTC)
        for run in self._api.runs("~", queued_since=watch.begun, changed_since=since):
            key = (run.dag_id, run.run_id)
            if key in open_runs:
                watch.runs[key] = run
            elif joining and run.dag_id in FOLLOWERS and key not in watch.runs:
                watch.runs[key] = run
                open_runs.add(key)
        asking = {key for key in open_runs if key[0] in REVIEW_DAGS}
        watch.asking |= {
            key for key, tasks in self._api.tasks_of(asking, state=AWAITING_INPUT).items() if tasks
        }
        for key, tasks in self._api.tasks_of(open_runs, ended_since=since).items():
            for task in tasks:
                ended = (*key, task.task_id)
                if task.state in DONE_STATES and ended not in watch.said:
                    watch.said.add(ended)
                    self._print_step(watch, key[0], task)
            if watch.runs[key].state == "failed":
                watch.failed[key] = watch.runs[key]

    def _print_step(self, watch: _Watch, dag_id: str, task: Any) -> None:
        source = dag_id.removeprefix("ingest_") if dag_id.startswith("ingest_") else ""
        step = STEPS.get(f"{'ingest' if source else dag_id}.{task.task_id}")
        if step is None:
            return
        seconds = task.seconds or 0.0
        label = f"{step} {source}".strip()
        watch.seconds[label] = watch.seconds.get(label, 0.0) + seconds
        if task.state in WORDS:
            self._say(f"{label:<32} {WORDS[task.state]:<14} {seconds:5.1f} s")

    def _sum_up(self, conn: PgConnection, watch: _Watch, mark: Mapping[str, Any]) -> Outcome:
        with conn, conn.cursor() as cursor:
            cursor.execute(load_sql("read/runs_since.sql"), mark)
            runs = cursor.fetchall()
            sources = tuple(
                SourceOutcome(
                    source=source,
                    state=state,
                    detail=detail or "",
                    rows_loaded=int(loaded),
                    rows_rejected=int(rejected),
                )
                for _, source, state, detail, loaded, rejected in runs
            )
            cursor.execute(load_sql("read/calls_since.sql"), mark)
            calls = dict(cursor.fetchall())
            cursor.execute(load_sql("read/held_releases.sql"))
            held = tuple(release_id for release_id, *_ in cursor.fetchall())
            cursor.execute(load_sql("read/publication_since.sql"), mark)
            row = cursor.fetchone()
            publication = (
                dict(zip(("publication_id", "as_of_date", "causes"), row, strict=True)) if row else None
            )
            cursor.execute(load_sql("read/mails_since.sql"), mark)
            mails = dict(cursor.fetchall())
        if publication and self._stack.home.config.first_published is None:
            self._stack.home.remember(first_published=publication["as_of_date"].isoformat())
        findings = [
            text
            for run_id, _, state, *_ in runs
            if state in {"held", "quarantined"}
            for text in read_explanations(conn, run_id)
        ]
        stale = read_stale(conn)
        problems = (
            *findings,
            *(stale.explanations if stale else ()),
            *self._problems(watch, sources, mails, held),
        )
        return Outcome(
            sources=sources,
            calls=calls,
            publication=publication,
            mails=mails,
            problems=problems,
            exit_code=exit_code_of(
                sources, mails, held, has_failed_runs=bool(watch.failed), has_stale_tables=stale is not None
            ),
            seconds=watch.seconds,
        )

    def _problems(
        self,
        watch: _Watch,
        sources: Sequence[SourceOutcome],
        mails: Mapping[str, int],
        held: Sequence[str],
    ) -> list[str]:
        problems = [f"{one.source}: {one.detail}" for one in sources if one.state == "failed"]
        for run in watch.failed.values():
            for task, log in self._api.failures(run):
                if task.task_id not in REPORTED_OTHERWISE:
                    problems.append(f"{run.dag_id}.{task.task_id} failed: {_last_error(log)}")
        problems += [f"{count} mail(s) {state}" for state, count in mails.items() if state in _BAD_MAIL]
        problems += [
            f"{release} is on hold: klimatpuls release approve|reject {release}, or Airflow's DAG review"
            for release in held
        ]
        if any(dag_id == "report" for dag_id, _ in watch.asking):
            problems.append("A digest waits for approval: `make up`, then answer in Airflow, DAG report")
        return list(dict.fromkeys(problems))


REPORTED_OTHERWISE = frozenset({"notify_findings", "notify_stale", "fetch_snapshot"})
"""Tasks whose failure the warehouse explains better than their log."""
_BAD_MAIL = ("refused", "failed", "unknown")


def exit_code_of(
    sources: Sequence[SourceOutcome],
    mails: Mapping[str, int],
    held: Sequence[str],
    *,
    has_failed_runs: bool,
    has_stale_tables: bool = False,
) -> int:
    """Return the exit code of the command for the most serious result (docs/operations.md).

    Args:
        sources: The result of every source.
        mails: State → number of mails that got this state.
        held: Releases on hold.
        has_failed_runs: Whether a DAG run failed.
        has_stale_tables: Whether a result table of the current publication could not be calculated.

    Returns:
        5 if figures were refused, else 2 for a failed fetch, 3 for a hold, 7 for a table that could not be
        calculated, 6 for a mail, 1 for anything else that failed, else 0.
    """
    states = {one.state for one in sources} | ({"held"} if held else set())
    for state, code in (("quarantined", EXIT_QUARANTINE), ("failed", EXIT_FETCH), ("held", EXIT_HOLD)):
        if state in states:
            return code
    if has_stale_tables:
        return EXIT_STALE
    if any(mails.get(state) for state in _BAD_MAIL):
        return EXIT_MAIL
    return EXIT_USAGE if has_failed_runs else EXIT_DONE


def _marks(conn: PgConnection) -> dict[str, Any]:
    """Return the last ids before the refresh, so that the summary covers this refresh only."""
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("read/marks.sql"))
        row = fetch_row(cursor)
    return dict(zip(("run_id", "publication_id", "moment"), row, strict=True))


def _last_error(log: str) -> str:
    """Return the message of the exception that ended a task, from its log."""
    lines = [line for line in log.splitlines() if line.strip()]
    marked = [line for line in lines if "Fail" in line or "Error" in line or "Exception" in line]
    return (marked or lines or ["no log"])[-1].strip()
