"""Task bodies: each opens its connections, calls one hop, and hands on ids only.

Everything heavy is imported inside the bodies, so that parsing a DAG file stays cheap. A state that is no
failure (nothing new, nothing published yet, nothing to send) is a skip that says so; a refusal or a hold is
a failed task whose message tells the operator what to do.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

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
    from klimatpuls.pipeline.validate import ValidationResult
    from klimatpuls.report.notice import Notice


logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
APPROVE, REJECT, LEAVE = "Approve", "Reject", "Leave on hold"
"""Answers to a question; a release that nobody answers for stays where it is."""
ASKING = ["queued", "running", "success"]
"""States of a run of the review DAG that asks, or has asked and had its answer."""
TRY_AGAIN = "try_again"
"""Configuration of the publish DAG with which it calculates once more what could not be calculated."""
NOTHING_TO_PUBLISH = "nothing to publish: no release and no register is new"
"""What a run of the publish DAG says that comes too late, or for nothing."""
TOLD = {"sent", "suppressed"}
"""What may become of a notice without anybody having to look after it."""


def failing_is_told(body: Callable[P, T]) -> Callable[P, T]:
    """Decorate the body of a task that belongs to no source: the operator is mailed what it raises.

    Each class of exception once a day, whatever the class; what it raises is raised on. A skip is no failure.
    """

    @wraps(body)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return body(*args, **kwargs)
        except AirflowSkipException:
            raise
        except Exception as error:
            _tell_of_task(body.__name__, error)
            raise

    return told


def _tell_of_task(name: str, error: Exception) -> None:
    """Mail the operator that a task failed; what failed first stays what is raised."""
    from psycopg2 import Error as WarehouseTrouble

    from klimatpuls.pipeline.operator_notice import task_failure, tell

    context = run_context()
    try:
        with connections.warehouse(connections.LOADER) as conn:
            tell(conn, connections.operator_settings(), task_failure(name, error, context), context)
    except (KlimatpulsError, WarehouseTrouble) as trouble:
        error.add_note(f"The operator could not be told by mail: {trouble}")


def run_context() -> RunContext:
    """The circumstances of this task, from its environment and the clock: the edge where both are read."""
    from klimatpuls.pipeline.context import RunContext

    return RunContext.from_environ(os.environ, clock.utc_now())


def poll(source_id: str) -> None:
    """The release watch: wake the ingest DAG (by this task's asset) when the publisher changed anything."""
    from klimatpuls.pipeline.poll import poll_source
    from klimatpuls.pipeline.validate import record_checks

    source, context = SOURCES[source_id], run_context()
    with connections.warehouse(connections.LOADER) as conn:
        try:
            with _session(conn, source) as session:
                seen = poll_source(conn, source, session, context)
        except KlimatpulsError as error:
            with conn:
                record_checks(conn, source, context, failure=str(error))
            _tell_of_failure(conn, source_id, str(error), context, error)
            raise
        if not seen.has_news:
            with conn:
                record_checks(conn, source, context)
            raise AirflowSkipException(seen.detail)
        _tell_of_parts(conn, source_id, seen.failed, context)


def fetch_snapshot(source_id: str) -> int:
    """Hop 1; skips what follows when the source has nothing new. Returns the source run to go on with."""
    from klimatpuls.pipeline import validate
    from klimatpuls.warehouse import runs

    source, context = SOURCES[source_id], run_context()
    dag_run = get_current_context()["dag_run"]
    with connections.warehouse(connections.LOADER) as conn:
        with conn:
            source_run = runs.start_run(
                conn,
                source=source.id,
                origin=context.origin,
                as_of=context.as_of,
                orchestrator_run=f"{dag_run.dag_id}/{dag_run.run_id}",
            ).run_id
        with _told(conn, source_id, source_run, context):
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
    """The bytes of a run: given by hand, kept by an earlier day, refused before, or asked of the agency."""
    from klimatpuls.pipeline import poll, snapshot

    if manifest := conf.get("manifest_path"):
        return snapshot.adopt_by_hand(conn, source, context, run_id=source_run, manifest_path=manifest)
    if day := conf.get("kept_as_of"):
        return snapshot.adopt_kept(
            conn, source, context, run_id=source_run, kept_as_of=clock.iso_day(day, "kept_as_of")
        )
    if conf.get("retry_refused"):
        return snapshot.adopt_refused(conn, source, run_id=source_run)
    seen = poll.fingerprints(conn, source)
    with _session(conn, source) as session:
        result = snapshot.take_snapshots(conn, source, session, context, run_id=source_run)
    with conn:
        poll.note_fetched(
            conn, [one for one in seen if (one["dataset"], one["substance"]) not in result.failed]
        )
    _tell_of_parts(conn, source.id, result.failed, context)
    return result


def _session(conn: PgConnection, source: Source) -> PoliteSession:
    """A session at the agency or its stand-in, counted with the calls of every other task."""
    from klimatpuls.fetch.http import open_session
    from klimatpuls.warehouse.calls import WarehouseCallLog

    return open_session(
        source,
        connections.base_url(source.conn_id),
        ledger=WarehouseCallLog(conn),
        mock_ca=connections.mock_ca(source.conn_id),
    )


@contextmanager
def _told(conn: PgConnection, source_id: str, source_run: int, context: RunContext) -> Iterator[None]:
    """Close the source run as failed when the block raises, so that nobody waits; tell the operator."""
    from klimatpuls.pipeline.validate import close_failed

    try:
        yield
    except Exception as error:
        conn.rollback()
        message = f"{type(error).__name__}: {error}"
        close_failed(conn, SOURCES[source_id], context, source_run, message)
        _tell_of_failure(conn, source_id, message, context, error)
        raise


def _tell_of_parts(
    conn: PgConnection, source_id: str, failed: Mapping[tuple[str, str], str], context: RunContext
) -> None:
    """Mail the operator of the parts of a source that failed while the others go on."""
    from klimatpuls.pipeline.operator_notice import failure, kind_of_parts, tell

    if not failed:
        return
    message = "\n\n".join(failed.values())
    logger.warning("%s: %s", source_id, message)
    try:
        notice = failure(source_id, message, context, kind=kind_of_parts(failed))
        tell(conn, connections.operator_settings(), notice, context)
    except KlimatpulsError as trouble:
        logger.warning("the operator could not be told by mail: %s", trouble)


def _tell_of_failure(
    conn: PgConnection, source_id: str, message: str, context: RunContext, error: Exception
) -> None:
    """Mail the operator that a task of a source failed; what failed first stays what is raised."""
    from klimatpuls.pipeline.operator_notice import failure, kind_of, tell

    try:
        notice = failure(source_id, message, context, kind=kind_of(error))
        tell(conn, connections.operator_settings(), notice, context)
    except KlimatpulsError as trouble:
        error.add_note(f"The operator could not be told by mail: {trouble}")


def _tell_waiting(conn: PgConnection, notice: Notice, context: RunContext) -> None:
    """Mail the operator a notice that fails no task; where it does not arrive, the watch tries again."""
    from klimatpuls.pipeline.operator_notice import tell

    try:
        tell(conn, connections.operator_settings(), notice, context)
    except KlimatpulsError as trouble:
        logger.warning("the operator could not be told by mail, the watch tries again: %s", trouble)


def load(source_id: str, source_run: int) -> int:
    """Hop 2; skips what follows when every file held known content. Returns the source run."""
    from klimatpuls.pipeline.load import load_run
    from klimatpuls.pipeline.operator_notice import lost_parts

    context = run_context()
    with connections.warehouse(connections.LOADER) as conn, _told(conn, source_id, source_run, context):
        result = load_run(conn, SOURCES[source_id], source_run, context)
        if result.losses:
            _tell_waiting(conn, lost_parts(source_id, result.losses, context), context)
    if not result.rows and not result.quarantined:
        said = [f"{release_id}: the same content in another file" for release_id in result.known]
        said += [f"refused again for the same reason: {words}" for words in result.refused_again]
        message = "; ".join(said)
        raise AirflowSkipException(message or "nothing to load")
    return source_run


def validate(source_id: str, source_run: int) -> list[str]:
    """Hop 3: Great Expectations on the loaded rows, one run for the whole source run.

    Tells the publish DAG of what may be published and the review DAG of what is on hold (by this task's
    assets). Returns the tasks that still have something to do: ``tell_findings``, where something was found.
    """
    from klimatpuls.pipeline.validate import validate_run

    dsn, context = connections.warehouse_dsn(connections.LOADER), run_context()
    with connections.warehouse(connections.LOADER) as conn, _told(conn, source_id, source_run, context):
        result = validate_run(conn, dsn, SOURCES[source_id], source_run, context)
    if result.publishable:
        _announce(assets.validated(source_id))
    if result.held:
        _announce(assets.HELD)
    return ["tell_findings"] if result.held or result.quarantined else []


def _announce(asset: Asset) -> None:
    """Add an event of an asset that this task only perhaps tells of."""
    get_current_context()["outlet_events"][assets.perhaps(asset)].add(asset)


def _result_of(source_run: int) -> ValidationResult:
    from klimatpuls.pipeline.validate import read_result

    with connections.warehouse(connections.LOADER) as conn:
        return read_result(conn, source_run)


@failing_is_told
def questions_of_holds() -> list[dict[str, str]]:
    """One question per release on hold that nobody was asked about yet; skipped when there is none."""
    from dataclasses import asdict

    from klimatpuls.pipeline.approval import questions_to_ask
    from klimatpuls_airflow.links import findings_url

    dag_run = get_current_context()["dag_run"]
    with connections.warehouse(connections.LOADER) as conn:
        questions = questions_to_ask(conn, f"{dag_run.dag_id}/{dag_run.run_id}", findings_url)
    if not questions:
        message = "nobody need be asked: no release is on hold, or another run asks"
        raise AirflowSkipException(message)
    return [asdict(question) for question in questions]


@failing_is_told
def note_review(answer: dict[str, Any], release_id: str) -> None:
    """Write a person's answer to a release on hold; an approval wakes the publish DAG (by this task's asset).

    Skipped where nothing is to be published: rejected, left on hold, or answered elsewhere meanwhile.
    """
    from klimatpuls.errors import UsageError
    from klimatpuls.pipeline.approval import decide_release

    chosen = answer["chosen_options"]
    if LEAVE in chosen:
        message = f"{release_id} stays on hold; klimatpuls release approve|reject answers later"
        raise AirflowSkipException(message)
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
        message = f"{release_id} is rejected"
        raise AirflowSkipException(message)


def tell_findings(source_id: str, source_run: int) -> None:
    """Mail the operator that releases of the run are on hold or quarantined, and fail in the same words.

    Raises:
        AirflowFailException: with rule, count, first rows and what to do, per release.
    """
    from klimatpuls.pipeline.operator_notice import findings, tell

    result, context = _result_of(source_run), run_context()
    told = list(result.explanations)
    try:
        with connections.warehouse(connections.LOADER) as conn:
            tell(conn, connections.operator_settings(), findings(source_id, result, context), context)
    except KlimatpulsError as trouble:
        told.append(f"The operator could not be told by mail: {trouble}")
    raise AirflowFailException("\n\n".join(told))


@failing_is_told
def sync_registers() -> None:
    """Read the network's reviewed registers into the warehouse; skipped when nothing changed."""
    from klimatpuls.pipeline.sync_registers import sync_registers as sync

    context = run_context()
    with connections.warehouse(connections.LOADER) as conn:
        changed = sync(conn, context.registers, context.today)
    if not changed:
        message = "the registers are as they were"
        raise AirflowSkipException(message)


@failing_is_told
def sync_contacts() -> None:
    """Read the members' contacts into the schema that only the mailer reads; skipped when nothing changed."""
    from klimatpuls.operations.contacts import sync_contacts as sync

    context = run_context()
    if context.contacts is None:
        message = "no file of contacts is set (KLIMATPULS_CONTACTS)"
        raise AirflowSkipException(message)
    with connections.warehouse(connections.MAILER) as conn:
        changed = sync(conn, context.contacts, context.registers, context.today)
    if not changed:
        message = "the contacts are as they were"
        raise AirflowSkipException(message)


@failing_is_told
def check_registers() -> None:
    """Fail with every mistake of the register files; what was sound is in the warehouse already.

    Raises:
        AirflowFailException: with every mistake by file, row, column and remedy.
    """
    from klimatpuls.pipeline.sync_registers import refuse_mistakes

    context = run_context()
    try:
        refuse_mistakes(context.registers, context.today)
    except KlimatpulsError as error:
        raise AirflowFailException(str(error)) from error


@failing_is_told
def ingests_are_done() -> bool:
    """Whether no source is on its way, so that one publication (and one digest) takes everything.

    Skips what follows where an earlier run has published everything: a dozen events wake two runs.
    """
    from klimatpuls.pipeline.publish import unfinished_ingests
    from klimatpuls.pipeline.watch import has_unpublished

    with connections.warehouse(connections.LOADER) as conn:
        if unfinished_ingests(conn):
            return False
        waits = has_unpublished(conn)
    if not waits and not (get_current_context()["dag_run"].conf or {}).get(TRY_AGAIN):
        raise AirflowSkipException(NOTHING_TO_PUBLISH)
    return True


def _list_addresses() -> tuple[str, ...]:
    """Where the digest goes; nowhere where the connection is wrong, which the operator is mailed."""
    from klimatpuls.pipeline.operator_notice import no_digest

    try:
        return connections.smtp_settings().list_addresses
    except KlimatpulsError as trouble:
        context = run_context()
        notice = no_digest(str(trouble), context)
        logger.exception("%s", notice.findings[0])
        with connections.warehouse(connections.LOADER) as conn:
            _tell_waiting(conn, notice, context)
        return ()


@failing_is_told
def publish() -> int:
    """Hop 4; skipped when neither a release nor a register is new. Returns the publication.

    A wrong mail connection stops nothing here: the task ``send_mail`` needs it, and fails in its words.

    Done again after it was killed behind the switch, it returns what this DAG run published, so that the
    report DAG is woken after all.
    """
    from klimatpuls.pipeline.publish import publish_validated, published_since

    dag_run = get_current_context()["dag_run"]
    with connections.warehouse(connections.LOADER) as conn:
        published = publish_validated(
            conn,
            run_context(),
            _list_addresses(),
            try_again=bool((dag_run.conf or {}).get(TRY_AGAIN)),
        )
        if published is not None:
            return published.publication_id
        earlier = published_since(conn, dag_run.run_after)
    if earlier is None:
        raise AirflowSkipException(NOTHING_TO_PUBLISH)
    return earlier


def tell_stale() -> None:
    """Mail the operator which result tables could not be calculated, and fail in the same words.

    Skipped where all could.

    Raises:
        AirflowFailException: with exception, tables, what was new and what to do.
    """
    from klimatpuls.pipeline.operator_notice import stale_tables, tell
    from klimatpuls.pipeline.stale_tables import read_stale

    context = run_context()
    with connections.warehouse(connections.LOADER) as conn:
        stale = read_stale(conn)
        if stale is None:
            message = "every result table was calculated"
            raise AirflowSkipException(message)
        told = list(stale.explanations)
        try:
            tell(conn, connections.operator_settings(), stale_tables(stale, context), context)
        except KlimatpulsError as trouble:
            told.append(f"The operator could not be told by mail: {trouble}")
    raise AirflowFailException("\n\n".join(told))


@failing_is_told
def assess() -> int:
    """Reckon the dated statuses for today; skipped when none changed. Returns the publication."""
    from klimatpuls.pipeline.assess import assess as reckon

    with (
        connections.warehouse(connections.LOADER) as conn,
        connections.warehouse(connections.MAILER) as mailer,
    ):
        done = reckon(conn, mailer, run_context())
    if done is None:
        message = "no dated status changed, or a release or register waits for its publication"
        raise AirflowSkipException(message)
    return done.publication_id


@failing_is_told
def render_report() -> int:
    """Hop 5, first half: the digest as HTML, text and picture. Returns the publication."""
    from klimatpuls.pipeline.report import write_report

    with connections.warehouse(connections.MAILER) as conn:
        files = write_report(conn, run_context())
    if files is None:
        message = "no emissions are published yet, so there is nothing to report"
        raise AirflowSkipException(message)
    return files.publication_id


@failing_is_told
def ask_for_approval() -> list[int]:
    """Go on to the question only when a digest waits for a person's word; returns the outbox rows."""
    from klimatpuls.pipeline.approval import digests_to_approve

    with connections.warehouse(connections.MAILER) as conn:
        waiting = digests_to_approve(conn)
    if not waiting:
        message = "no digest waits for approval"
        raise AirflowSkipException(message)
    return waiting


@failing_is_told
def note_approval(answer: dict[str, Any], outbox_ids: list[int]) -> None:
    """Write the answer of the approval task into the outbox; no answer in time is its default, a no."""
    from klimatpuls.pipeline.approval import decide_digests

    chosen = answer["chosen_options"]
    with connections.warehouse(connections.MAILER) as conn:
        decide_digests(conn, outbox_ids, is_approved=APPROVE in chosen, now=clock.utc_now())


def send_mail() -> dict[str, int]:
    """Hop 5, second half: what is due in the outbox goes out, each mail at most once.

    Raises:
        AirflowFailException: when a mail did not arrive or nobody knows whether it did.
    """
    from klimatpuls.pipeline.report import send_mail as send

    summary = send(
        lambda: connections.open_warehouse(connections.MAILER), connections.smtp_settings(), run_context()
    )
    if summary.problems:
        raise AirflowFailException("\n".join(summary.problems))
    if not summary.settled:
        message = "no mail is due"
        raise AirflowSkipException(message)
    return {"sent": summary.count("sent"), "suppressed": summary.count("suppressed")}


@failing_is_told
def close_stuck_runs() -> int:
    """Close source runs that were killed, each with a notice that ``tell_untold`` sends; returns how many."""
    from klimatpuls.pipeline.watch import close_stuck_runs as close

    with connections.warehouse(connections.LOADER) as conn:
        return close(conn, context=run_context())


def tell_untold() -> dict[str, int]:
    """Mail the operator what could not be told before; skipped when nothing waits.

    Raises:
        AirflowFailException: when a mail did not arrive, or nobody knows whether it did.
    """
    from klimatpuls.pipeline.operator_notice import tell_untold as tell

    with connections.warehouse(connections.LOADER) as conn:
        states = tell(conn, connections.operator_settings(), run_context())
    if not states:
        message = "the operator was told of everything"
        raise AirflowSkipException(message)
    if trouble := {state: count for state, count in states.items() if state not in TOLD}:
        message = f"the operator could not be told: {trouble}; see ops.operator_notice"
        raise AirflowFailException(message)
    return states


@failing_is_told
def assess_freshness() -> None:
    """Write the dated status of every dataset as of today."""
    from klimatpuls.pipeline.validate import record_checks

    context = run_context()
    with connections.warehouse(connections.LOADER) as conn, conn:
        for source in SOURCES.values():
            record_checks(conn, source, context)


@failing_is_told
def tell_overdue_defects() -> None:
    """Mail the operator about known defects whose day of review has passed; skipped when there is none."""
    from klimatpuls.pipeline.watch import tell_of_overdue_defects

    with connections.warehouse(connections.LOADER) as conn:
        late = tell_of_overdue_defects(conn, connections.operator_settings(), run_context())
    if not late:
        message = "every known defect was looked at in time"
        raise AirflowSkipException(message)


@failing_is_told
def sweep_unsent_mail() -> None:
    """Wake the report DAG (by this task's asset) when a mail is due that nobody is sending."""
    from klimatpuls.pipeline.watch import has_mail_due, queue_missed_digest

    with connections.warehouse(connections.LOADER) as conn:
        queue_missed_digest(conn, run_context(), connections.smtp_settings().list_addresses)
        is_due = has_mail_due(conn)
    if not is_due:
        message = "no mail is due"
        raise AirflowSkipException(message)


@failing_is_told
def sweep_held() -> None:
    """Wake the review DAG (by this task's asset) when a release is on hold and nobody is asked about it."""
    from klimatpuls.pipeline.approval import reopen_questions

    task_instance = get_current_context()["ti"]

    def is_asking(asking_run: str) -> bool:
        dag_id, _, run_id = asking_run.partition("/")
        return bool(task_instance.get_dr_count(dag_id=dag_id, run_ids=[run_id], states=ASKING) > 0)

    with connections.warehouse(connections.LOADER) as conn:
        reopened = reopen_questions(conn, is_asking)
    if not reopened:
        message = "somebody is or was asked about every release on hold"
        raise AirflowSkipException(message)


@failing_is_told
def tidy() -> str:
    """Throw away what is older than it need be; returns what went, in words."""
    from pathlib import Path

    from airflow.configuration import conf

    from klimatpuls.operations.retention import Keep
    from klimatpuls.operations.retention import tidy as tidy_up

    keep, context = Keep.from_environ(os.environ), run_context()
    folders = (Path(conf.get("logging", "base_log_folder")), context.home / "logs")
    with connections.warehouse(connections.LOADER) as conn:
        return str(tidy_up(conn, context, keep, folders))


@failing_is_told
def sweep_unpublished() -> None:
    """Wake the publish DAG (by this task's asset) when validated releases wait and no event came."""
    from klimatpuls.pipeline.watch import has_unpublished

    with connections.warehouse(connections.LOADER) as conn:
        waiting = has_unpublished(conn)
    if not waiting:
        message = "everything validated is published"
        raise AirflowSkipException(message)
