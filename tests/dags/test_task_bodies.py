"""The task bodies called as functions: what they return, when they skip, and the message of a failed one."""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from psycopg2.errors import UniqueViolation
from support import pipeline_run

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.contract.releases import Fetched
from klimatpuls.errors import FetchError, UsageError
from klimatpuls.mock_agencies import workbook
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.pipeline.snapshot import keep_file
from klimatpuls.sources import scb_population, smhi_emissions
from klimatpuls.statistics import results
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from pathlib import Path

    from conftest import Published, Warehouse

pytestmark = [pytest.mark.airflow, pytest.mark.postgres]

AS_OF = date(2026, 5, 8)
HELD = tuple(
    source_id
    for source_id in SOURCES
    if source_id.startswith(("smhi_", "scb_")) and source_id != "scb_energy"
)
"""Sources whose figures the small archive holds."""
SMHI = "smhi_emissions"
_numbers = count(1)
announced: list[str] = []
"""Names of the assets that the tasks of the present DAG run emitted through conditional outlets."""

Rows = list[list[Any]]


@pytest.fixture(scope="module")
def mock_server(small_archive: Path) -> Iterator[MockServer]:
    with MockServer(MockAgencies(small_archive, AS_OF)) as server:
        yield server


@pytest.fixture
def published(good: Published, clone: Callable[[str], Warehouse]) -> Warehouse:
    """A clone of the test's own."""
    return clone(good.warehouse.name)


@pytest.fixture
def tasks(
    warehouse: Warehouse, mock_server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The module of task bodies over an empty warehouse."""
    return tasks_over(warehouse, mock_server, tmp_path, monkeypatch)


@pytest.fixture
def tasks_later(
    published: Warehouse, mock_server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The module of task bodies over published figures."""
    return tasks_over(published, mock_server, tmp_path, monkeypatch)


def tasks_over(
    warehouse: Warehouse, mock_server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The module of task bodies, its connections in the environment as every deployment gives them."""
    from klimatpuls_airflow import tasks

    def declare(name: str, fields: dict[str, Any]) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))

    for name, dsn in (
        ("warehouse_default", warehouse.loader_dsn),
        ("warehouse_mailer", warehouse.mailer_dsn),
    ):
        parts = urlsplit(dsn)
        declare(
            name,
            {
                "conn_type": "postgres",
                "host": parts.hostname,
                "port": parts.port,
                "login": parts.username,
                "password": parts.password,
                "schema": parts.path.strip("/"),
            },
        )
    for source in tuple(SOURCES.values()):
        monkeypatch.setitem(SOURCES, source.id, pipeline_run.unthrottled(source))
        declare(source.conn_id, {"conn_type": "http", "host": mock_server.url + source.mock_path})
    # Port 1 answers to nobody: mail stays on this machine, and its failure is part of the tests.
    mail = {"from_email": "us@example.org", "list_address": "list@example.org"}
    mail |= {"disable_ssl": True, "disable_tls": True}
    declare("smtp_default", {"conn_type": "smtp", "host": "127.0.0.1", "port": 1, "extra": json.dumps(mail)})
    monkeypatch.setenv("KLIMATPULS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KLIMATPULS_ORIGIN", "synthetic")
    monkeypatch.setenv("KLIMATPULS_AS_OF", AS_OF.isoformat())
    monkeypatch.delenv("MAIL_APPROVAL", raising=False)
    in_dag_run(monkeypatch, tasks)
    return tasks


def in_dag_run(
    monkeypatch: pytest.MonkeyPatch, tasks: Any, *, known: Container[str] = (), **conf: str
) -> None:
    """Let the bodies believe that they run in a new DAG run with this configuration.

    ``known`` names the other runs that Airflow knows and that have not failed. What a body emits
    through a conditional outlet stands in ``announced``.
    """

    def count_runs(*, dag_id: str, run_ids: list[str], states: list[str]) -> int:
        assert "failed" not in states
        return sum(f"{dag_id}/{run_id}" in known for run_id in run_ids)

    run = SimpleNamespace(
        dag_id="a_dag", run_id=f"run-{next(_numbers)}", conf=conf, run_after=datetime.now(UTC)
    )
    announced.clear()
    events = defaultdict(lambda: SimpleNamespace(add=lambda asset: announced.append(asset.name)))
    task_instance = SimpleNamespace(get_dr_count=count_runs)
    monkeypatch.setattr(
        tasks,
        "get_current_context",
        lambda: {"dag_run": run, "ti": task_instance, "outlet_events": events},
    )


def skip_of(call: Callable[..., Any], *arguments: Any) -> str:
    from airflow.sdk.exceptions import AirflowSkipException

    with pytest.raises(AirflowSkipException) as skipped:
        call(*arguments)
    return str(skipped.value)


def failure_of(call: Callable[..., Any], *arguments: Any) -> str:
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException) as failed:
        call(*arguments)
    return str(failed.value)


def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with closing(connect(dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def ingest(tasks: Any, source_id: str) -> list[str]:
    """Steps 1 to 3 of a source, each fed what the one before handed on; what is left to do."""
    return tasks.validate(source_id, tasks.load(source_id, tasks.fetch_snapshot(source_id)))


def test_from_the_agency_to_the_mail_handing_on_ids_only(
    tasks: Any, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert skip_of(tasks.render_report) == "no emissions are published yet, so there is nothing to report"
    assert skip_of(tasks.build_site) == "no emissions are published yet, so there is nothing to show"
    for source_id in HELD:
        run = tasks.fetch_snapshot(source_id)
        assert tasks.ingests_are_done() is False
        in_dag_run(monkeypatch, tasks)
        assert type(run) is int
        assert tasks.load(source_id, run) == run
        assert tasks.validate(source_id, run) == [], "no findings are left to report"
        assert announced == [f"klimatpuls://validated/{source_id}"]
    for source_id in SOURCES.keys() - set(HELD):
        assert "nothing published yet" in skip_of(tasks.fetch_snapshot, source_id)
        in_dag_run(monkeypatch, tasks)
    assert tasks.ingests_are_done() is True
    counted = ask(
        warehouse.loader_dsn, "SELECT host, every(answered_at >= called_at) FROM ops.host_call GROUP BY 1"
    )
    assert dict(counted) == {host: True for source in SOURCES.values() for host in source.hosts}
    assert tasks.sweep_unpublished() is None
    assert tasks.sync_registers() is None
    publication = tasks.publish()
    assert ask(warehouse.loader_dsn, "SELECT DISTINCT publication_id FROM mart.publication") == [
        (publication,)
    ]
    assert tasks.render_report() == publication
    monkeypatch.setenv("SITE_PDFS", "none")
    assert tasks.build_site() is None
    site = tasks.run_context().site
    assert len(list(site.glob("sv/*/index.html"))) == 5 + 290 + 21
    assert skip_of(tasks.pending_approvals) == "no digest waits for approval"
    assert tasks.sweep_unsent_mail() is None
    assert "tried again at the next run" in failure_of(tasks.send_mail)

    in_dag_run(monkeypatch, tasks)
    for source_id in HELD:
        assert "known bytes, no new release" in skip_of(tasks.fetch_snapshot, source_id)
        in_dag_run(monkeypatch, tasks)
    assert skip_of(tasks.sync_registers) == "the registers are as they were"
    assert tasks.check_registers() is None
    assert skip_of(tasks.sync_contacts) == "no file of contacts is set (KLIMATPULS_CONTACTS)"
    assert skip_of(tasks.publish) == "nothing to publish: no release and no register is new"
    assert skip_of(tasks.sweep_unpublished) == "everything validated is published"
    assert tasks.close_stuck_runs() == 0
    assert skip_of(tasks.notify_pending) == "no notice is pending"


def test_what_was_refused_is_read_again_when_a_person_asks(
    tasks: Any, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tasks.fetch_snapshot("scb_population")
    with closing(connect(warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("UPDATE ops.snapshot SET outcome = 'quarantined' WHERE run_id = %s", (run,))
        cursor.execute("UPDATE ops.source_run SET state = 'quarantined' WHERE run_id = %s", (run,))
    in_dag_run(monkeypatch, tasks, retry_refused="yes")
    again = tasks.fetch_snapshot("scb_population")
    assert again != run
    assert tasks.validate("scb_population", tasks.load("scb_population", again)) == []
    in_dag_run(monkeypatch, tasks, retry_refused="yes")
    assert skip_of(tasks.fetch_snapshot, "scb_population") == "no kept file of this source is refused"


def test_what_was_met_while_asking_stands_with_the_run_and_with_the_release(
    tasks: Any, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, note = scb_population.fetch, "the table was found by its title"

    def fetch(*given: Any, **named: Any) -> Fetched:
        found = real(*given, **named)
        return replace(found, http={**found.http, "notes": [note]})

    monkeypatch.setattr(scb_population, "fetch", fetch)
    run = tasks.fetch_snapshot("scb_population")
    detail = f"SELECT detail FROM ops.source_run WHERE run_id = {run}"
    assert f"note: {note}" in ask(warehouse.loader_dsn, detail)[0][0]
    assert tasks.validate("scb_population", tasks.load("scb_population", run)) == []
    assert note in ask(warehouse.loader_dsn, detail)[0][0]
    releases = ask(warehouse.loader_dsn, f"SELECT notes FROM core.dim_release WHERE run_id = {run}")
    assert releases
    assert all(note in notes for (notes,) in releases)


@pytest.mark.parametrize("answer", ["Approve", "Reject"])
def test_a_digest_that_waits_for_a_person_goes_out_only_on_a_yes(
    tasks: Any, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setenv("MAIL_APPROVAL", "always")
    ingest(tasks, SMHI)
    tasks.sync_registers()
    tasks.publish()
    waiting = tasks.pending_approvals()
    assert [type(row) for row in waiting] == [int]
    assert skip_of(tasks.send_mail) == "no mail is due"
    tasks.note_approval({"chosen_options": [answer]}, waiting)
    assert skip_of(tasks.pending_approvals) == "no digest waits for approval"
    if answer == "Approve":
        # It was tried: the connection's mail server is the one that answers to nobody.
        assert "tried again at the next run" in failure_of(tasks.send_mail)
    else:
        assert skip_of(tasks.send_mail) == "no mail is due"


def _figures_doubled(rows: Rows) -> None:
    for row in rows:
        row[4:] = [figure * 2 if isinstance(figure, float) else figure for figure in row[4:]]


def _unit_in_kt(rows: Rows) -> None:
    at = next(at for at, row in enumerate(rows) if row and str(row[0]).startswith("Enhet"))
    rows[at][0] = "Enhet: kt/år"


def ingest_corrupted(
    tasks: Any,
    small_archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    corrupt: Callable[[Rows], None],
) -> int:
    """Ingest a corrupted sheet of the day after the published one; returns its run."""
    (path,) = (small_archive / "smhi").glob("GGT*2026*.xlsx")
    parsed = smhi_emissions.parse([path.read_bytes()], "smhi_emissions", "ghg")
    rows = pipeline_run.sheet_rows(parsed, parsed.published_date.replace(day=parsed.published_date.day + 1))
    corrupt(rows)
    file = tmp_path / "by_hand.xlsx"
    file.write_bytes(workbook.build_workbook(rows, sheet_name="Växthusgaser totalt"))
    in_dag_run(monkeypatch, tasks, manifest_path=keep_file(file, tasks.run_context()).manifest_path)
    run = tasks.fetch_snapshot(SMHI)
    assert tasks.validate(SMHI, tasks.load(SMHI, run)) == ["notify_findings"]
    return run


@pytest.mark.parametrize(
    ("answer", "state", "becomes"),
    [
        ("Approve", "validated", None),
        ("Reject", "rejected", "is rejected"),
        ("Leave on hold", "held", "stays on hold"),
    ],
)
def test_a_person_is_asked_once_about_a_release_on_hold(
    tasks_later: Any,
    published: Warehouse,
    small_archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    state: str,
    becomes: str | None,
) -> None:
    run = ingest_corrupted(tasks_later, small_archive, tmp_path, monkeypatch, _figures_doubled)
    assert announced == ["klimatpuls://held"]
    (question,) = tasks_later.pending_reviews()
    release = question["release_id"]
    assert question["subject"] == f"Publicera {release}? / Publish it?"
    assert "- **hold\\_moved** (hold): Andel kommunala totaler" in question["body"]
    assert "/ Share of municipal totals" in question["body"]
    assert f"/klimatpuls/findings/run-{run})" in question["body"]
    assert tasks_later.pending_reviews() == [question], "the same run, done again, asks the same"
    in_dag_run(monkeypatch, tasks_later)
    assert skip_of(tasks_later.pending_reviews).startswith("no review is pending")

    given = {"chosen_options": [answer]}
    if becomes is None:
        assert tasks_later.note_review(given, release) is None
        assert "is not on hold" in skip_of(tasks_later.note_review, given, release)
        assert tasks_later.sweep_unpublished() is None
    else:
        assert becomes in skip_of(tasks_later.note_review, given, release)
        assert skip_of(tasks_later.sweep_unpublished) == "everything validated is published"
    query = f"SELECT state, decided_by FROM core.dim_release WHERE release_id = '{release}'"
    decided_by = None if state == "held" else "operator in Airflow"
    assert ask(published.loader_dsn, query) == [(state, decided_by)]


def test_a_question_that_was_lost_is_asked_again_and_one_that_was_asked_is_not(
    tasks_later: Any,
    published: Warehouse,
    small_archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked_about = "every release on hold has a review"
    assert skip_of(tasks_later.sweep_held) == asked_about, "nothing is on hold"
    ingest_corrupted(tasks_later, small_archive, tmp_path, monkeypatch, _figures_doubled)
    assert tasks_later.sweep_held() is None, "the event was lost: nobody was asked"

    (question,) = tasks_later.pending_reviews()
    ((asking,),) = ask(published.loader_dsn, "SELECT asked_by_run FROM core.dim_release WHERE state = 'held'")
    in_dag_run(monkeypatch, tasks_later, known={asking})
    assert skip_of(tasks_later.sweep_held) == asked_about, "the question stands in Airflow"
    assert skip_of(tasks_later.pending_reviews).startswith("no review is pending")

    in_dag_run(monkeypatch, tasks_later)
    assert tasks_later.sweep_held() is None, "the run that asked was deleted, or failed"
    assert tasks_later.pending_reviews() == [question]
    assert tasks_later.pending_reviews() == [question], "the same run, done again"
    in_dag_run(monkeypatch, tasks_later)
    assert skip_of(tasks_later.pending_reviews).startswith("no review is pending"), "one question at a time"


@pytest.mark.parametrize(
    ("corrupt", "words"),
    [(_figures_doubled, "klimatpuls release approve"), (_unit_in_kt, "klimatpuls ingest")],
    ids=["held", "quarantined"],
)
def test_a_release_that_is_not_published_fails_with_what_to_do(
    tasks_later: Any,
    small_archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    corrupt: Callable[[Rows], None],
    words: str,
) -> None:
    run = ingest_corrupted(tasks_later, small_archive, tmp_path, monkeypatch, corrupt)
    assert announced == (["klimatpuls://held"] if corrupt is _figures_doubled else [])
    message = failure_of(tasks_later.notify_findings, SMHI, run)
    assert "what is published stays as it was" in message
    assert words in message
    in_dag_run(monkeypatch, tasks_later)
    assert skip_of(tasks_later.publish) == "nothing to publish: no release and no register is new"


def test_a_fetch_that_fails_closes_its_run_so_that_nobody_waits(
    tasks: Any, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise FetchError("smhi_emissions: no answer")

    monkeypatch.setattr("klimatpuls.fetch.http.open_session", unreachable)
    with pytest.raises(FetchError, match="no answer"):
        tasks.fetch_snapshot(SMHI)
    nothing = "nothing to publish: no release and no register is new"
    assert skip_of(tasks.ingests_are_done) == nothing, "nobody waits for a run that is closed"
    ((state, detail),) = ask(warehouse.loader_dsn, "SELECT state, detail FROM ops.source_run")
    assert (state, detail) == ("failed", "FetchError: smhi_emissions: no answer")
    assert skip_of(tasks.publish) == nothing


def test_a_poll_that_fails_notifies_the_operator(
    tasks: Any, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise FetchError("smhi_emissions: no answer")

    monkeypatch.setattr("klimatpuls.fetch.http.open_session", unreachable)
    give_operator(monkeypatch)
    with pytest.raises(FetchError, match="no answer"):
        tasks.poll(SMHI)
    # It was tried: the connection's mail server is the one that answers to nobody.
    assert ask(warehouse.loader_dsn, "SELECT source, state FROM ops.operator_notice") == [(SMHI, "failed")]


def test_what_was_found_is_notified_even_where_the_mail_connection_is_wrong(
    tasks_later: Any, small_archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ingest_corrupted(tasks_later, small_archive, tmp_path, monkeypatch, _unit_in_kt)
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps({"conn_type": "smtp", "host": "127.0.0.1"}))
    message = failure_of(tasks_later.notify_findings, SMHI, run)
    assert "kt/år" in message
    assert "The operator could not be notified by mail: connection smtp_default" in message


@pytest.mark.parametrize(
    ("wrong", "is_notified"),
    [
        pytest.param({"list_address": "nobody"}, True, id="the list"),
        pytest.param({"from_email": "us@example.org."}, True, id="the sender"),
        pytest.param({"operator_address": "drift@"}, False, id="the operator"),
    ],
)
def test_a_wrong_address_stops_no_publication_and_fails_the_task_that_needs_it(
    tasks: Any,
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    wrong: dict[str, str],
    is_notified: bool,
) -> None:
    give_operator(monkeypatch)
    fields = json.loads(os.environ["AIRFLOW_CONN_SMTP_DEFAULT"])
    extra = json.dumps(json.loads(fields["extra"]) | wrong)
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(fields | {"extra": extra}))
    assert ingest(tasks, SMHI) == []
    tasks.sync_registers()
    publication = tasks.publish()
    shown = ask(warehouse.loader_dsn, "SELECT publication_id FROM mart.current_publication")
    assert shown == [(publication,)]
    assert ask(warehouse.loader_dsn, "SELECT count(*) FROM mart.emission")[0][0] > 0
    (field,) = wrong
    with pytest.raises(UsageError, match=f"extra.{field} is missing or no mail address"):
        tasks.send_mail()
    assert ask(warehouse.mailer_dsn, "SELECT count(*) FROM ops.mail_outbox") == [(0,)]
    notices = ask(warehouse.loader_dsn, "SELECT notice_key, findings FROM ops.operator_notice")
    assert [key for key, _ in notices] == ([f"publish.no-digest-{AS_OF}"] if is_notified else [])
    for _, (said,) in notices:
        assert f"extra.{field}" in said
        assert "What to do: correct the connection smtp_default" in said


def give_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name an operator in the mail connection."""
    fields = json.loads(os.environ["AIRFLOW_CONN_SMTP_DEFAULT"])
    extra = json.loads(fields["extra"]) | {"operator_address": "drift@example.org"}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(fields | {"extra": json.dumps(extra)}))


def test_freshness_is_written_for_every_dataset(tasks: Any, warehouse: Warehouse) -> None:
    tasks.assess_freshness()
    datasets = {
        dataset.id for source in SOURCES.values() for dataset in source.datasets if not dataset.by_setting
    }
    found = ask(warehouse.loader_dsn, "SELECT DISTINCT dataset FROM mart.data_status")
    assert {name for (name,) in found} == datasets


def test_cleanup_says_what_was_deleted(tasks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path / "logs"))
    old = tmp_path / "logs" / "dag_id=x" / "attempt=1.log"
    old.parent.mkdir(parents=True)
    old.touch()
    os.utime(old, (0, 0))
    assert "publications dropped: none" in tasks.cleanup()
    assert not old.exists()
    monkeypatch.setenv("KLIMATPULS_KEEP", "publications=0")
    with pytest.raises(UsageError, match="at least 2"):
        tasks.cleanup()


def test_a_register_with_a_mistake_is_notified_and_the_others_come_through(
    tasks: Any, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(REGISTERS_FOLDER, tmp_path / "registers")
    text = (folder / "members.csv").read_text(encoding="utf-8")
    (folder / "members.csv").write_text(text.replace("1281,Lund", "1281,Malmö"), encoding="utf-8")
    contacts = tmp_path / "contacts.csv"
    contacts.write_text("region_code,kind,role,address\n1280,official,strateg,klimat@example.org\n", "utf-8")
    monkeypatch.setenv("KLIMATPULS_REGISTERS", str(folder))
    monkeypatch.setenv("KLIMATPULS_CONTACTS", str(contacts))
    tasks.sync_registers()
    assert ask(warehouse.loader_dsn, "SELECT count(*) FROM register.member") == [(0,)]
    assert ask(warehouse.loader_dsn, "SELECT count(*) FROM register.target") == [(7,)]
    message = failure_of(tasks.check_registers)
    assert (
        'members.csv, rad 13, kolumn Namn (region_name), cell B13: 1281 är Lund, här står "Malmö"' in message
    )
    assert 'members.csv, row 13, column region_name (Namn), cell B13: 1281 is Lund, found "Malmö"' in message
    # Their file fits the members that could not be read; nothing can be held to them.
    tasks.sync_contacts()
    assert ask(warehouse.mailer_dsn, "SELECT region_code, kind FROM person.contact") == [("1280", "official")]
    assert skip_of(tasks.sync_contacts) == "the contacts are as they were"


def test_a_day_that_changes_a_status_is_published_once_and_mails_nobody(
    tasks_later: Any, published: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = tasks_later
    assert "no dated status changed" in skip_of(tasks.assess_members)
    folder = shutil.copytree(REGISTERS_FOLDER, tmp_path / "registers")
    with (folder / "reporting_rounds.csv").open("a", encoding="utf-8") as file:
        file.write("2026,2026-02-01,2026-05-31\n")
    monkeypatch.setenv("KLIMATPULS_REGISTERS", str(folder))
    tasks.sync_registers()
    assert "waits for its publication" in skip_of(tasks.assess_members)
    in_dag_run(monkeypatch, tasks)
    full = tasks.publish()
    mails = ask(published.loader_dsn, "SELECT outbox_id, state FROM ops.mail_outbox ORDER BY 1")
    monkeypatch.setenv("KLIMATPULS_AS_OF", "2026-12-01")
    light = tasks.assess_members()
    assert light > full
    assert "no dated status changed" in skip_of(tasks.assess_members)
    assert ask(published.loader_dsn, "SELECT outbox_id, state FROM ops.mail_outbox ORDER BY 1") == mails
    assert tasks.render_report() == light


def test_tables_that_could_not_be_calculated_fail_a_task_and_not_the_publication(
    tasks: Any, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source_id in HELD:
        ingest(tasks, source_id)
        in_dag_run(monkeypatch, tasks)
    tasks.sync_registers()
    broken = results.STEPS.steps["carbon_law"]
    with monkeypatch.context() as patch:

        def divide(**_: Any) -> Any:
            return 1 / 0

        patch.setitem(results.STEPS.steps, "carbon_law", replace(broken, make=divide))
        publication = tasks.publish()
    assert tasks.render_report() == publication
    give_operator(monkeypatch)
    message = failure_of(tasks.notify_stale)
    assert "carbon_law failed with ZeroDivisionError: division by zero" in message
    assert "klimatpuls publish tries at once" in message
    notices = "SELECT notice_key, source, state FROM ops.operator_notice"
    # It was tried: the connection's mail server is the one that answers to nobody.
    key = f"publish.stale-{publication}"
    assert ask(warehouse.loader_dsn, notices) == [(key, "publish", "failed")]
    in_dag_run(monkeypatch, tasks)
    assert skip_of(tasks.ingests_are_done) == "nothing to publish: no release and no register is new"
    in_dag_run(monkeypatch, tasks, try_again="yes")
    assert tasks.ingests_are_done() is True
    assert tasks.publish() > publication
    assert skip_of(tasks.notify_stale) == "every result table was calculated"


@pytest.mark.parametrize(
    ("task", "step", "error", "words"),
    [
        ("publish", "klimatpuls.pipeline.publish.publish_validated", KeyError("x"), "KeyError: 'x'"),
        (
            "assess_members",
            "klimatpuls.pipeline.assess_members.assess_members",
            MemoryError(),
            "MemoryError: no message",
        ),
        ("render_report", "klimatpuls.pipeline.report.write_report", ValueError("two\nlines"), "two lines"),
        (
            "sync_registers",
            "klimatpuls.pipeline.sync_registers.sync_registers",
            OSError(28, "disk full"),
            "disk full",
        ),
        (
            "cleanup",
            "klimatpuls.operations.retention.clean_up",
            RuntimeError("no folder"),
            "RuntimeError: no folder",
        ),
        ("sweep_held", "klimatpuls.pipeline.approval.reopen_reviews", TypeError("bad"), "TypeError: bad"),
    ],
)
def test_whatever_a_task_raises_the_operator_is_notified_once_a_day(
    tasks: Any,
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    task: str,
    step: str,
    error: Exception,
    words: str,
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path / "logs"))
    monkeypatch.setattr(step, broken)
    give_operator(monkeypatch)
    for _ in range(2):
        with pytest.raises(type(error)):
            getattr(tasks, task)()
    ((source, key, findings),) = ask(
        warehouse.loader_dsn, "SELECT source, notice_key, findings FROM ops.operator_notice"
    )
    assert source == task
    assert key == f"{task}.failed-{type(error).__name__}-{AS_OF}"
    assert words in findings[0]
    assert f"the log of the task {task} in Airflow" in findings[1]


def test_the_operator_is_notified_the_table_that_refused_a_row(
    tasks_later: Any, published: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(conn: Any, *_: Any, **__: Any) -> None:
        with conn.cursor() as cursor:
            cursor.execute("INSERT INTO ops.publication_facts SELECT * FROM ops.publication_facts")

    monkeypatch.setattr("klimatpuls.pipeline.publish.publish_validated", twice)
    give_operator(monkeypatch)
    with pytest.raises(UniqueViolation):
        tasks_later.publish()
    ((message,),) = ask(published.loader_dsn, "SELECT findings[1] FROM ops.operator_notice")
    assert message.startswith("UniqueViolation: duplicate key value")
    assert "(table ops.publication_facts, constraint publication_facts_pkey)" in message


def test_a_skip_is_no_failure(tasks: Any, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    give_operator(monkeypatch)
    assert skip_of(tasks.render_report)
    assert skip_of(tasks.sweep_unpublished)
    assert ask(warehouse.loader_dsn, "SELECT count(*) FROM ops.operator_notice") == [(0,)]


def test_a_failure_that_cannot_be_reported_stays_what_it_is(
    tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        message = "no folder"
        raise RuntimeError(message)

    monkeypatch.setattr("klimatpuls.operations.retention.clean_up", broken)
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps({"conn_type": "smtp", "host": "127.0.0.1"}))
    with pytest.raises(RuntimeError, match="no folder") as raised:
        tasks.cleanup()
    assert "The operator could not be notified by mail" in raised.value.__notes__[0]
