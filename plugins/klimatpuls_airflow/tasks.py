"""Task bodies: each opens its connections, calls one pipeline step, and returns only ids.

Heavy modules are imported inside the bodies, so that DAG files parse fast. A state that is no failure
(nothing new, nothing published yet, nothing to send) is a skip with a message. A refusal or a hold is a
failed task whose message tells the operator what to do.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, AirflowTaskTimeout

from klimatpuls import clock
from klimatpuls.contract.catalog import SOURCES
from klimatpuls.errors import KlimatpulsError
from klimatpuls_airflow import assets, connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow.sdk import Asset
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.catalog import Source
    from klimatpuls.fetch.http import PoliteSession
    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.pipeline.snapshot import SnapshotResult
    from klimatpuls.report.notice import Notice


logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
APPROVE, REJECT, LEAVE = "Approve", "Reject", "Leave on hold"
"""Answers of a review; a release without an answer stays on hold."""
ASKING = ["queued", "running", "success"]
"""States of a run of the review DAG that waits for an answer or had one."""
TRY_AGAIN = "try_again"
"""Configuration of the publish DAG to retry tables that could not be calculated."""
NOTHING_TO_PUBLISH = "nothing to publish: no release and no register is new"
SETTLED = {"sent", "suppressed"}
"""States of a notice that need no attention."""
FAILURES: Final = (Exception, AirflowTaskTimeout)
"""Exceptions that fail a task: Airflow's timeout is no ``Exception``."""


def notifies_operator(body: Callable[P, T]) -> Callable[P, T]:
    """Decorate the body of a task that belongs to no source: mail its failures to the operator.

    Each class of exception is mailed once a day and raised again. A skip is no failure.
    """

    @wraps(body)
    def notifying(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return body(*args, **kwargs)
        except AirflowSkipException:
            raise
        except FAILURES as error:
            _notify_of_task(body.__name__, error)
            raise

    return notifying


def _notify_of_task(name: str, error: BaseException) -> None:
    """Mail the operator that a task failed, without replacing the task's exception."""
    from psycopg2 import Error as WarehouseTrouble

    from klimatpuls.pipeline.operator_notice import notify, task_failure

    context = run_context()
    try:
        with connections.warehouse(connections.LOADER) as conn:
            notify(conn, connections.operator_settings(), task_failure(name, error, context), context)
    except (KlimatpulsError, WarehouseTrouble) as trouble:
        error.add_note(_not_notified(trouble))


def _notify(conn: PgConnection, notice: Notice, context: RunContext) -> str:
    """Mail the operator a notice; returns why that failed, or an empty text."""
    from klimatpuls.pipeline.operator_notice import notify

    try:
        notify(conn, connections.operator_settings(), notice, context)
    except KlimatpulsError as trouble:
        return _not_notified(trouble)
    return ""


def _not_notified(trouble: Exception) -> str:
    return f"The operator could not be notified by mail: {trouble}"


def _notify_or_log(conn: PgConnection, notice: Notice, context: RunContext) -> None:
    """Mail the operator a notice that fails no task; the watch DAG retries one that did not arrive."""
    if trouble := _notify(conn, notice, context):
        logger.warning("%s", trouble)


def run_context() -> RunContext:
    """Return the context of this task; only this function reads its environment and clock."""
    from klimatpuls.pipeline.context import RunContext

    return RunContext.from_environ(os.environ, clock.utc_now())


def poll(source_id: str) -> None:
    """Start the ingest DAG (by this task's asset) if the publisher changed anything; else skip."""
    from klimatpuls.pipeline.poll import poll_source
    from klimatpuls.pipeline.validate import record_checks

    source, context = SOURCES[source_id], run_context()
    with connections.warehouse(connections.LOADER) as conn:
        try:
            with _session(conn, source) as session:
                polled = poll_source(conn, source, session, context)
        except KlimatpulsError as error:
            with conn:
                record_checks(conn, source, context, failure=str(error))
            _notify_of_failure(conn, source_id, str(error), context, error)
            raise
        if not polled.has_news:
            with conn:
                record_checks(conn, source, context)
            raise AirflowSkipException(polled.detail)
        _notify_of_parts(conn, source_id, polled.failed, context)


def fetch_snapshot(source_id: str) -> int:
    """Step 1; skips the rest if the source has nothing new. Returns the source run to continue."""
    from klimatpuls.pipeline import validate
    from klimatpuls.warehouse import runs

    source, context = SOURCES[source_id], run_context()
    dag_run: Any = get_current_context()["dag_run"]
    with connections.warehouse(connections.LOADER) as conn:
        with conn:
            source_run = runs.start_run(
                conn,
                source=source.id,
                origin=context.origin,
                as_of=context.as_of,
                orchestrator_run=f"{dag_run.dag_id}/{dag_run.run_id}",
            ).run_id
        with _closing_run(conn, source_id, source_run, context):
            result = _fetch(conn, source, context, source_run, dag_run.conf or {})
            if result.state != "fetched":
                with conn:
                    validate.record_checks(conn, source, context)
    if result.state != "fetched":
        raise AirflowSkipException(result.detail)
    return result.run_id


def _fetch(
    conn: PgConnection, source: Source, context: RunContext, source_run: int, conf: Mapping[str, Any]
) -> SnapshotResult:
    """Get the bytes of a run: a local file, kept on an earlier day, refused before, or fetched now."""
    from klimatpuls.pipeline import poll, snapshot

    if manifest := conf.get("manifest_path"):
        return snapshot.adopt_by_hand(conn, source, context, run_id=source_run, manifest_path=manifest)
    if day := conf.get("kept_as_of"):
        return snapshot.adopt_kept(
            conn, source, context, run_id=source_run, kept_as_of=clock.iso_day(day, "kept_as_of")
        )
    if conf.get("retry_refused"):
        return snapshot.adopt_refused(conn, source, run_id=source_run)
    polled = poll.fingerprints(conn, source)
    with _session(conn, source) as session:
        result = snapshot.take_snapshots(conn, source, session, context, run_id=source_run)
    with conn:
        fetched = [one for one in polled if (one["dataset"], one["substance"]) not in result.failed]
        poll.note_fetched(conn, fetched)
    _notify_of_parts(conn, source.id, result.failed, context)
    return result


def _session(conn: PgConnection, source: Source) -> PoliteSession:
    """Open a session at the agency or its mock; its calls count together with those of every other task."""
    from klimatpuls.fetch.http import open_session
    from klimatpuls.warehouse.calls import WarehouseCallLog

    base_url, mock_ca = connections.agency(source)
    return open_session(source, base_url, call_log=WarehouseCallLog(conn), mock_ca=mock_ca)


@contextmanager
def _closing_run(conn: PgConnection, source_id: str, source_run: int, context: RunContext) -> Iterator[None]:
    """Close the source run as failed if the block raises, so that no task waits; notify the operator."""
    from klimatpuls.pipeline.validate import close_failed

    try:
        yield
    except FAILURES as error:
        conn.rollback()
        message = f"{type(error).__name__}: {error}"
        close_failed(conn, SOURCES[source_id], context, source_run, message)
        _notify_of_failure(conn, source_id, message, context, error)
        raise


def _notify_of_parts(
    conn: PgConnection, source_id: str, failed: Mapping[tuple[str, str], str], context: RunContext
) -> None:
    """Mail the operator the parts of a source that failed while the others continue."""
    from klimatpuls.pipeline.operator_notice import failure, kind_of_parts

    if failed:
        message = "\n\n".join(failed.values())
        logger.warning("%s: %s", source_id, message)
        _notify_or_log(conn, failure(source_id, message, context, kind=kind_of_parts(failed)), context)


def _notify_of_failure(
    conn: PgConnection, source_id: str, message: str, context: RunContext, error: BaseException
) -> None:
    """Mail the operator that a task of a source failed, without replacing its exception."""
    from klimatpuls.pipeline.operator_notice import failure, kind_of

    if trouble := _notify(conn, failure(source_id, message, context, kind=kind_of(error)), context):
        error.add_note(trouble)


def load(source_id: str, source_run: int) -> int:
    """Step 2; skips the rest if every file has known content. Returns the source run."""
    from klimatpuls.pipeline.load import load_run
    from klimatpuls.pipeline.operator_notice import lost_parts

    context = run_context()
    with (
        connections.warehouse(connections.LOADER) as conn,
        _closing_run(conn, source_id, source_run, context),
    ):
        result = load_run(conn, SOURCES[source_id], source_run, context)
        if result.losses:
            _notify_or_log(conn, lost_parts(source_id, result.losses, context), context)
    if not result.rows and not result.quarantined:
        details = [f"{release_id}: the same content in another file" for release_id in result.known]
        details += [f"refused again for the same reason: {words}" for words in result.refused_again]
        raise AirflowSkipException("; ".join(details) or "nothing to load")
    return source_run


def validate(source_id: str, source_run: int) -> list[str]:
    """Step 3: Great Expectations on the loaded rows, one run for the whole source run.

    Starts the publish DAG if a release may be published and the review DAG if one is on hold (by this task's
    assets). Returns the tasks to run: ``notify_findings`` if there are findings, else none.
    """
    from klimatpuls.pipeline.validate import validate_run

    dsn, context = connections.warehouse_dsn(connections.LOADER), run_context()
    with (
        connections.warehouse(connections.LOADER) as conn,
        _closing_run(conn, source_id, source_run, context),
    ):
        result = validate_run(conn, dsn, SOURCES[source_id], source_run, context)
    if result.publishable:
        _emit(assets.validated(source_id))
    if result.held:
        _emit(assets.HELD)
    return ["notify_findings"] if result.held or result.quarantined else []


def _emit(asset: Asset) -> None:
    """Add an event of a conditional outlet of this task."""
    get_current_context()["outlet_events"][assets.conditional(asset)].add(asset)


def notify_findings(source_id: str, source_run: int) -> None:
    """Mail the operator the releases of the run that are on hold or quarantined, and fail with that text.

    Raises:
        AirflowFailException: with rule, count, first rows and remedy, per release.
    """
    from klimatpuls.pipeline.operator_notice import findings
    from klimatpuls.pipeline.validate import read_result

    context = run_context()
    with connections.warehouse(connections.LOADER) as conn:
        result = read_result(conn, source_run)
        trouble = _notify(conn, findings(source_id, result, context), context)
    raise AirflowFailException("\n\n".join(filter(None, (*result.explanations, trouble))))


@notifies_operator
def pending_reviews() -> list[dict[str, str]]:
    """Return a review for each release on hold that has none; skipped if there is no such release."""
    from dataclasses import asdict

    from klimatpuls.pipeline.approval import claim_reviews
    from klimatpuls_airflow.links import findings_url

    dag_run: Any = get_current_context()["dag_run"]
    with connections.warehouse(connections.LOADER) as conn:
        reviews = claim_reviews(conn, f"{dag_run.dag_id}/{dag_run.run_id}", findings_url)
    if not reviews:
        raise AirflowSkipException("no review is pending: no release is on hold, or another run asks")
    return [asdict(review) for review in reviews]


@notifies_operator
def note_review(answer: dict[str, Any], release_id: str) -> None:
    """Write the answer of a review; an approval starts the publish DAG (by this task's asset).

    Skipped if there is nothing to publish: rejected, left on hold, or answered elsewhere meanwhile.
    """
    from klimatpuls.errors import UsageError
    from klimatpuls.pipeline.approval import decide_release

    chosen = answer["chosen_options"]
    if LEAVE in chosen:
        raise AirflowSkipException(
            f"{release_id} stays on hold; klimatpuls release approve|reject answers later"
        )
    is_approved = APPROVE in chosen
    try:
        with connections.warehouse(connections.LOADER) as conn:
            decide_release(
                conn,
                release_id,
                action="approve" if is_approved else "reject",
                decided_by="operator in Airflow",
                reason="answered in Airflow",
                now=clock.utc_now(),
            )
    except UsageError as error:
        raise AirflowSkipException(str(error)) from error
    if not is_approved:
        raise AirflowSkipException(f"{release_id} is rejected")


@notifies_operator
def sync_registers() -> None:
    """Read the network's reviewed registers into the warehouse; skipped if nothing changed."""
    from klimatpuls.pipeline.sync_registers import sync_registers as sync

    context = run_context()
    with connections.warehouse(connections.LOADER) as conn:
        if not sync(conn, context.registers, context.today):
            raise AirflowSkipException("the registers are as they were")


@notifies_operator
def sync_contacts() -> None:
    """Read the members' contacts into the mailer's own schema; skipped if nothing changed."""
    from klimatpuls.operations.contacts import sync_contacts as sync

    context = run_context()
    if context.contacts is None:
        raise AirflowSkipException("no file of contacts is set (KLIMATPULS_CONTACTS)")
    with connections.warehouse(connections.MAILER) as conn:
        if not sync(conn, context.contacts, context.registers, context.today):
            raise AirflowSkipException("the contacts are as they were")


@notifies_operator
def check_registers() -> None:
    """Fail with every mistake of the register files; files without mistakes are in the warehouse already.

    Raises:
        AirflowFailException: with every mistake by file, row, column and remedy.
    """
    from klimatpuls.pipeline.sync_registers import refuse_mistakes

    context = run_context()
    try:
        refuse_mistakes(context.registers, context.today)
    except KlimatpulsError as error:
        raise AirflowFailException(str(error)) from error


@notifies_operator
def ingests_are_done() -> bool:
    """Return whether no source run is open, so that one publication (and one digest) has everything.

    Skips the rest if an earlier run has published everything: a dozen events start two runs.
    """
    from klimatpuls.pipeline.publish import unfinished_ingests
    from klimatpuls.pipeline.watch import has_unpublished

    with connections.warehouse(connections.LOADER) as conn:
        if unfinished_ingests(conn):
            return False
        if not has_unpublished(conn) and not _tries_again():
            raise AirflowSkipException(NOTHING_TO_PUBLISH)
    return True


def _tries_again() -> bool:
    dag_run: Any = get_current_context()["dag_run"]
    return bool((dag_run.conf or {}).get(TRY_AGAIN))


def _list_addresses() -> tuple[str, ...]:
    """Return the addresses of the digest; none, and a notice to the operator, if the connection is wrong."""
    from klimatpuls.pipeline.operator_notice import no_digest

    try:
        return connections.smtp_settings().list_addresses
    except KlimatpulsError as trouble:
        context = run_context()
        notice = no_digest(str(trouble), context)
        logger.exception("%s", notice.findings[0])
        with connections.warehouse(connections.LOADER) as conn:
            _notify_or_log(conn, notice, context)
        return ()


@notifies_operator
def publish() -> int:
    """Step 4; skipped if neither a release nor a register is new. Returns the publication.

    A wrong mail connection does not fail this task, but ``send_mail``.

    If it was killed after the publication, the next try returns that publication, so that the report DAG
    starts.
    """
    from klimatpuls.pipeline.publish import publish_validated, published_since

    dag_run: Any = get_current_context()["dag_run"]
    with connections.warehouse(connections.LOADER) as conn:
        published = publish_validated(conn, run_context(), _list_addresses(), try_again=_tries_again())
        if published is not None:
            return published.publication_id
        earlier = published_since(conn, dag_run.run_after)
    if earlier is None:
        raise AirflowSkipException(NOTHING_TO_PUBLISH)
    return earlier


def notify_stale() -> None:
    """Mail the operator the result tables that could not be calculated, and fail with that text.

    Skipped if all were calculated.

    Raises:
        AirflowFailException: with exception, tables, changes and remedy.
    """
    from klimatpuls.pipeline.operator_notice import stale_tables
    from klimatpuls.pipeline.stale_tables import read_stale

    context = run_context()
    with connections.warehouse(connections.LOADER) as conn:
        stale = read_stale(conn)
        if stale is None:
            raise AirflowSkipException("every result table was calculated")
        trouble = _notify(conn, stale_tables(stale, context), context)
    raise AirflowFailException("\n\n".join(filter(None, (*stale.explanations, trouble))))


@notifies_operator
def assess_members() -> int:
    """Calculate the dated statuses for today; skipped if none changed. Returns the publication."""
    from klimatpuls.pipeline.assess_members import assess_members as assess

    with (
        connections.warehouse(connections.LOADER) as conn,
        connections.warehouse(connections.MAILER) as mailer,
    ):
        published = assess(conn, mailer, run_context())
    if published is None:
        raise AirflowSkipException(
            "no dated status changed, or a release or register waits for its publication"
        )
    return published.publication_id


@notifies_operator
def queue_reminders() -> int:
    """Queue the reminders to contacts that are due today; skipped where none is. Returns how many."""
    from klimatpuls.pipeline.remind import queue_reminders as queue

    with connections.warehouse(connections.MAILER) as conn:
        queued = queue(conn, run_context())
    if not queued:
        raise AirflowSkipException("nobody is to be reminded today")
    return queued


@notifies_operator
def render_report() -> int:
    """Step 5, first half: write the digest as HTML, text and picture. Returns the publication."""
    from klimatpuls.pipeline.report import write_report

    with connections.warehouse(connections.MAILER) as conn:
        files = write_report(conn, run_context())
    if files is None:
        raise AirflowSkipException("no emissions are published yet, so there is nothing to report")
    return files.publication_id


@notifies_operator
def build_site() -> None:
    """Step 5, beside the mail: the static site of the publication; a page that fails stops no mail."""
    from klimatpuls.pipeline.site import write_site

    with connections.warehouse(connections.MAILER) as conn:
        built = write_site(conn, run_context())
    if built is None:
        raise AirflowSkipException("no emissions are published yet, so there is nothing to show")
    logger.info("the site in %s has %d files, %d of them new", built.folder, built.files, built.written)


@notifies_operator
def pending_approvals() -> list[int]:
    """Return the outbox rows of the digests that wait for an approval; skipped if none does."""
    from klimatpuls.pipeline.approval import digests_to_approve

    with connections.warehouse(connections.MAILER) as conn:
        waiting = digests_to_approve(conn)
    if not waiting:
        raise AirflowSkipException("no digest waits for approval")
    return waiting


@notifies_operator
def note_approval(answer: dict[str, Any], outbox_ids: list[int]) -> None:
    """Write the answer of the approval task into the outbox; no answer in time is a no."""
    from klimatpuls.pipeline.approval import decide_digests

    is_approved = APPROVE in answer["chosen_options"]
    with connections.warehouse(connections.MAILER) as conn:
        decide_digests(conn, outbox_ids, is_approved=is_approved, now=clock.utc_now())


def send_mail() -> dict[str, int]:
    """Step 5, second half: send the due mails of the outbox, each at most once.

    Raises:
        AirflowFailException: if a mail did not arrive or its result is unknown.
    """
    from klimatpuls.pipeline.report import send_mail as send

    summary = send(
        lambda: connections.open_warehouse(connections.MAILER), connections.smtp_settings(), run_context()
    )
    if summary.problems:
        raise AirflowFailException("\n".join(summary.problems))
    if not summary.settled:
        raise AirflowSkipException("no mail is due")
    return {"sent": summary.count("sent"), "suppressed": summary.count("suppressed")}


@notifies_operator
def close_stuck_runs() -> int:
    """Close source runs that were killed, each with a notice for ``notify_pending``; returns how many."""
    from klimatpuls.pipeline.watch import close_stuck_runs as close

    with connections.warehouse(connections.LOADER) as conn:
        return close(conn, context=run_context())


def notify_pending() -> dict[str, int]:
    """Mail the operator the pending notices; skipped if there is none.

    Raises:
        AirflowFailException: if a mail did not arrive or its result is unknown.
    """
    from klimatpuls.pipeline.operator_notice import notify_pending as notify

    with connections.warehouse(connections.LOADER) as conn:
        states = notify(conn, connections.operator_settings(), run_context())
    if not states:
        raise AirflowSkipException("no notice is pending")
    if trouble := {state: count for state, count in states.items() if state not in SETTLED}:
        raise AirflowFailException(f"the operator could not be notified: {trouble}; see ops.operator_notice")
    return states


@notifies_operator
def assess_freshness() -> None:
    """Write the dated status of every dataset as of today."""
    from klimatpuls.pipeline.validate import record_checks

    context = run_context()
    with connections.warehouse(connections.LOADER) as conn, conn:
        for source in SOURCES.values():
            record_checks(conn, source, context)


@notifies_operator
def notify_overdue_defects() -> None:
    """Mail the operator the known defects with an overdue review; skipped if there is none."""
    from klimatpuls.pipeline.watch import notify_overdue_defects as notify

    with connections.warehouse(connections.LOADER) as conn:
        if not notify(conn, connections.operator_settings(), run_context()):
            raise AirflowSkipException("no review of a known defect is overdue")


@notifies_operator
def sweep_unsent_mail() -> None:
    """Start the report DAG (by this task's asset) if a mail is due and no run sends it."""
    from klimatpuls.pipeline.watch import has_mail_due, queue_missed_digest

    with connections.warehouse(connections.LOADER) as conn:
        queue_missed_digest(conn, run_context(), connections.smtp_settings().list_addresses)
        if not has_mail_due(conn):
            raise AirflowSkipException("no mail is due")


@notifies_operator
def sweep_held() -> None:
    """Start the review DAG (by this task's asset) if a release on hold has no review."""
    from klimatpuls.pipeline.approval import reopen_reviews

    task_instance: Any = get_current_context()["ti"]

    def is_asking(asking_run: str) -> bool:
        dag_id, _, run_id = asking_run.partition("/")
        return bool(task_instance.get_dr_count(dag_id=dag_id, run_ids=[run_id], states=ASKING) > 0)

    with connections.warehouse(connections.LOADER) as conn:
        if not reopen_reviews(conn, is_asking):
            raise AirflowSkipException("every release on hold has a review")


@notifies_operator
def cleanup() -> str:
    """Delete what is older than KLIMATPULS_KEEP says; returns a summary."""
    from pathlib import Path

    from airflow.sdk.configuration import conf

    from klimatpuls.operations.retention import Keep, clean_up

    keep, context = Keep.from_environ(os.environ), run_context()
    folders = (Path(conf.get("logging", "base_log_folder")), context.home / "logs")
    with connections.warehouse(connections.LOADER) as conn:
        return str(clean_up(conn, context, keep, folders))


@notifies_operator
def sweep_unpublished() -> None:
    """Start the publish DAG (by this task's asset) if a validated release waits without an event."""
    from klimatpuls.pipeline.watch import has_unpublished

    with connections.warehouse(connections.LOADER) as conn:
        if not has_unpublished(conn):
            raise AirflowSkipException("everything validated is published")
