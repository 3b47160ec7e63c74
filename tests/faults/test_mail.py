"""The outbox against a real PostgreSQL and a real SMTP server that misbehaves."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

import psycopg2
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from klimatpuls.domain.mail_address import parse_addresses
from klimatpuls.errors import EXIT_DONE, EXIT_MAIL, FetchError, MailError, SourceFormatError
from klimatpuls.fetch.http import StatusError
from klimatpuls.pipeline.context import RunContext
from klimatpuls.pipeline.operator_notice import (
    MAX_ATTEMPTS,
    PENDING_DAYS,
    failure,
    findings,
    kind_of,
    kind_of_parts,
    lost_parts,
    notify,
    notify_pending,
)
from klimatpuls.pipeline.validate import ValidationResult
from klimatpuls.pipeline.watch import close_stuck_runs, notify_overdue_defects
from klimatpuls.registers.targets import read_known_defects
from klimatpuls.report.mailer import SmtpSettings
from klimatpuls.report.outbox import LOCK_SPACE, send_due
from klimatpuls.report.render import Rendering
from klimatpuls.report.smtp_session import Patience
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.runs import start_run

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]

NOW = datetime(2026, 5, 8, 5, 30, tzinfo=UTC)
LIST = "lista@example.org"
USER, PASSWORD = "klimatpuls", "hemligt"
TEXT = "Utsläppen\n.en rad som börjar med punkt\n"


class Server:
    """A mail server: what it took, and what it is told to do next."""

    def __init__(self) -> None:
        self.taken = []
        self.recipients: list[str] = []
        self.connections = 0
        self.rcpt_replies: list[str] = []
        self.data_replies: list[str] = []
        self.drop_after_data = False

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.rcpt_replies:
            return self.rcpt_replies.pop(0).format(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.data_replies:
            return self.data_replies.pop(0)
        self.taken.append(message_from_bytes(envelope.original_content, policy=default))
        self.recipients += envelope.rcpt_tos
        if self.drop_after_data:
            server.transport.abort()
        return "250 OK"

    def authenticate(self, server, session, envelope, mechanism, data):
        known = isinstance(data, LoginPassword) and data == LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=known, handled=False, message=None if known else "535 5.7.8 no such login")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(*, smtputf8: bool):
    handler = Server()
    handler.port = free_port()
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=handler.port,
        authenticator=handler.authenticate,
        auth_required=True,
        auth_require_tls=False,
        enable_SMTPUTF8=smtputf8,
    )
    controller.start()
    yield handler
    controller.stop()


@pytest.fixture
def server():
    with serving(smtputf8=False) as handler:
        yield handler


@pytest.fixture
def modern_server():
    """One that takes addresses with letters beyond ASCII."""
    with serving(smtputf8=True) as handler:
        yield handler


@pytest.fixture
def settings(server):
    return make_settings(server.port)


def make_settings(port: int, **changes) -> SmtpSettings:
    fields = {
        "host": "127.0.0.1",
        "port": port,
        "login": USER,
        "password": PASSWORD,
        "from_address": "klimatpuls@example.org",
        "list_addresses": (LIST,),
        "operator_address": None,
        "implicit_tls": False,
        "starttls": False,
    }
    return SmtpSettings(**{**fields, **changes})


def render(publication_id: int, origin: str = "live") -> Rendering:
    return Rendering(
        publication_id=publication_id,
        origin=origin,
        subject="Nya utsläppssiffror: 2024",
        mail_html='<p>Utsläppen</p><img src="cid:chart@klimatpuls">',
        text=TEXT,
        chart_png=b"\x89PNG",
    )


@pytest.fixture
def enqueue(warehouse):
    """Put a digest into the outbox as the publication does."""
    with connect(warehouse.loader_dsn) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO ops.warehouse_origin (origin) VALUES ('live')")
        cursor.execute(
            "INSERT INTO ops.publication (state, origin, as_of_date, method_version, register_sha256)"
            " VALUES ('published', 'live', '2026-05-08', '1.0', '') RETURNING publication_id"
        )
        (publication_id,) = cursor.fetchone()
    connection.close()

    def put(recipient: str = LIST, approval: str = "not_needed", state: str = "pending") -> int:
        connection = connect(warehouse.loader_dsn)
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ops.mail_outbox (kind, publication_id, as_of_date, recipient, approval, state)"
                " VALUES ('digest', %s, '2026-05-08', %s, %s, %s) RETURNING outbox_id",
                (publication_id, recipient, approval, state),
            )
            (outbox_id,) = cursor.fetchone()
        connection.close()
        return outbox_id

    return put


@pytest.fixture
def run(warehouse, settings):
    """One run of the outbox as ``wh_mailer``."""

    def send(ours: SmtpSettings = settings, renderer=render):
        return send_due(lambda: connect(warehouse.mailer_dsn), ours, renderer, NOW)

    return send


@pytest.fixture
def row(warehouse):
    """A row of the outbox by its number."""

    def read(outbox_id: int) -> dict:
        connection = connect(warehouse.loader_dsn)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT * FROM ops.mail_outbox WHERE outbox_id = %s", (outbox_id,))
            found = dict(zip([column.name for column in cursor.description], cursor.fetchone(), strict=True))
        connection.close()
        return found

    return read


def states(summary) -> list[str]:
    return [entry.state for entry in summary.settled]


def test_a_digest_is_sent_once_and_a_second_run_sends_nothing(server, enqueue, run, row):
    number = enqueue()
    assert states(run()) == ["sent"]
    second = run()
    assert (second.settled, second.exit_code) == ((), EXIT_DONE)
    (mail,) = server.taken
    assert (mail["To"], mail["Date"].datetime) == (LIST, NOW)
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == TEXT
    stored = row(number)
    assert (stored["state"], stored["attempts"], stored["sent_at"]) == ("sent", 1, NOW)
    assert stored["message_id"] == mail["Message-ID"]
    assert stored["html_sha256"] == render(1).html_sha256
    assert stored["text_sha256"] == render(1).text_sha256


def test_a_refused_recipient_is_final_and_its_address_is_in_no_log(server, enqueue, run, row, caplog):
    server.rcpt_replies = ["550 5.1.1 <{}> no such user"]
    number = enqueue()
    with caplog.at_level(logging.DEBUG):
        summary = run()
    assert (states(summary), summary.exit_code) == (["refused"], EXIT_MAIL)
    assert "correct the address" in summary.problems[0]
    assert row(number)["last_error"] == "recipient not taken: 550 5.1.1 <<address>> no such user"
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("klimatpuls")]
    assert ours == ["outbox row 1: refused recipient not taken: 550 5.1.1 <<address>> no such user"]
    assert run().settled == ()
    assert server.taken == []


def test_a_connection_lost_after_data_is_unknown_and_never_sent_again(server, enqueue, run, row):
    server.drop_after_data = True
    number = enqueue()
    summary = run()
    assert (states(summary), summary.exit_code) == (["unknown"], EXIT_MAIL)
    assert "may or may not have arrived" in summary.problems[0]
    server.drop_after_data = False
    assert run().settled == ()
    assert len(server.taken) == 1
    assert row(number)["state"] == "unknown"


@pytest.mark.parametrize("stage", ["rcpt_replies", "data_replies"])
def test_a_temporary_refusal_is_tried_again_with_the_same_message_id(server, enqueue, run, row, stage):
    setattr(server, stage, ["451 4.7.1 try later"])
    number = enqueue()
    summary = run()
    assert (states(summary), summary.exit_code) == (["failed"], EXIT_MAIL)
    first_id = row(number)["message_id"]
    assert states(run()) == ["sent"]
    assert [mail["Message-ID"] for mail in server.taken] == [first_id]
    assert (row(number)["attempts"], row(number)["last_error"]) == (2, None)


def test_a_message_refused_for_good_is_final(server, enqueue, run):
    server.data_replies = ["554 5.7.1 content not wanted"]
    enqueue()
    assert states(run()) == ["refused"]
    assert run().settled == ()
    assert server.taken == []


def test_a_wrong_password_sends_nothing_and_the_right_one_does(server, enqueue, run, row):
    number = enqueue()
    assert states(run(make_settings(server.port, password="fel"))) == ["failed"]
    assert "535" in row(number)["last_error"]
    assert "fel" not in row(number)["last_error"].replace("failed", "")
    assert server.taken == []
    assert states(run()) == ["sent"]


def test_a_server_that_is_down_is_tried_again_later(server, enqueue, run, row):
    number = enqueue()
    assert states(run(make_settings(free_port()))) == ["failed"]
    assert row(number)["last_error"].startswith("no connection: ConnectionRefusedError")
    assert states(run()) == ["sent"]


def test_a_silent_server_is_waited_for_once_and_the_other_mails_stay_pending(enqueue, run, row):
    numbers = [enqueue(f"r{number}@example.org") for number in range(3)]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        patience = Patience(connect=1, command=0.3, data_start=1, content=1, after_data=1)
        summary = run(make_settings(silent.getsockname()[1], patience=patience))
    assert states(summary) == ["failed"]
    assert "no whole reply within" in row(numbers[0])["last_error"]
    assert [row(number)["state"] for number in numbers] == ["failed", "pending", "pending"]
    assert states(run()) == ["sent"] * 3


def test_a_server_without_starttls_gets_nothing_where_tls_is_asked_for(server, enqueue, run):
    enqueue()
    assert states(run(make_settings(server.port, starttls=True))) == ["failed"]
    assert server.taken == []


@pytest.mark.parametrize("origin", ["archive", "synthetic"])
def test_figures_that_are_not_live_never_leave_the_machine(server, enqueue, run, row, origin):
    number = enqueue()
    elsewhere = make_settings(server.port, host="mail.example.org", starttls=True)
    summary = run(elsewhere, lambda publication_id: render(publication_id, origin))
    assert (states(summary), summary.exit_code) == (["suppressed"], EXIT_DONE)
    assert f"figures of origin {origin} are never mailed to another machine" in row(number)["last_error"]
    assert run().settled == ()
    assert (server.taken, server.connections) == ([], 0)


def test_without_tls_nothing_leaves_the_machine(server, enqueue, run):
    enqueue()
    summary = run(make_settings(server.port, host="mail.example.org"))
    assert (states(summary), summary.exit_code) == (["failed"], EXIT_MAIL)
    assert "disables TLS" in summary.problems[0]


def test_a_mail_that_waits_for_an_answer_or_was_turned_down_is_not_sent(server, enqueue, run):
    enqueue("a@example.org", approval="asked")
    enqueue("b@example.org", approval="rejected")
    enqueue("c@example.org", approval="approved")
    summary = run()
    assert (states(summary), summary.waiting_for_approval) == (["sent"], 1)
    assert [mail["To"] for mail in server.taken] == ["c@example.org"]


def test_a_digest_that_cannot_be_rendered_is_told_and_tried_again(server, enqueue, run, row):
    def broken(publication_id: int) -> Rendering:
        msg = f"publication {publication_id} was superseded"
        raise MailError(msg)

    number = enqueue()
    assert states(run(renderer=broken)) == ["failed"]
    assert "was superseded" in row(number)["last_error"]
    assert states(run()) == ["sent"]


def test_a_process_that_ended_half_way_leaves_an_unknown_mail(server, enqueue, run, row):
    number = enqueue(state="sending")
    summary = run()
    assert states(summary) == ["unknown"]
    assert "the sending process ended" in row(number)["last_error"]
    assert server.taken == []


def test_a_mail_another_living_process_is_sending_is_left_alone(server, enqueue, run, row, warehouse):
    number = enqueue(state="sending")
    other = connect(warehouse.mailer_dsn)
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", (LOCK_SPACE, number))
    other.commit()
    assert run().settled == ()
    assert row(number)["state"] == "sending"
    other.close()


def test_two_runs_at_once_send_every_mail_once(server, enqueue, run):
    recipients = [f"r{number}@example.org" for number in range(8)]
    for recipient in recipients:
        enqueue(recipient)
    barrier = threading.Barrier(2)
    found = []

    def work() -> None:
        barrier.wait()
        found.extend(states(run()))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(mail["To"] for mail in server.taken) == recipients
    assert found == ["sent"] * 8


def test_the_mailer_cannot_write_anything_else(warehouse, enqueue):
    enqueue()
    connection = connect(warehouse.mailer_dsn)
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("UPDATE ops.mail_outbox SET recipient = 'other@example.org'")
    connection.close()


# ----------------------------------------------------------------------------- addresses beyond ASCII

SWEDISH = "miljö@example.org"


def test_a_server_with_smtputf8_takes_a_swedish_address(modern_server, enqueue, run, row):
    number = enqueue(SWEDISH)
    assert states(run(make_settings(modern_server.port))) == ["sent"]
    assert row(number)["state"] == "sent"
    (mail,) = modern_server.taken
    assert mail["To"] == SWEDISH
    assert modern_server.recipients == [SWEDISH]
    assert mail["Subject"] == "Nya utsläppssiffror: 2024"
    assert mail.get_body(("plain",)).get_content().replace("\r\n", "\n") == TEXT


def test_a_server_without_smtputf8_refuses_it_with_the_true_reason(server, enqueue, run, row, caplog):
    refused, taken = enqueue(SWEDISH), enqueue(LIST)
    with caplog.at_level(logging.DEBUG):
        summary = run()
    assert (states(summary), summary.exit_code) == (["refused", "sent"], EXIT_MAIL)
    assert "the server does not offer SMTPUTF8" in row(refused)["last_error"]
    assert "the recipient's address has letters beyond ASCII" in summary.problems[0]
    assert row(taken)["state"] == "sent"
    assert server.recipients == [LIST]
    assert "miljö" not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("klimatpuls")
    )


def test_a_sender_that_the_server_cannot_take_is_mendable(server, modern_server, enqueue, run, row):
    number = enqueue()
    assert states(run(make_settings(server.port, from_address=SWEDISH))) == ["failed"]
    assert "the sender's address has letters beyond ASCII" in row(number)["last_error"]
    assert states(run(make_settings(modern_server.port, from_address=SWEDISH))) == ["sent"]


def test_an_encoded_domain_needs_no_smtputf8(server, enqueue, run):
    (recipient,) = map(str, parse_addresses("klimat@örebro.example"))
    enqueue(recipient)
    assert states(run()) == ["sent"]
    assert server.recipients == [recipient]
    assert recipient.isascii()


def test_an_operator_with_a_swedish_address_is_told(modern_server, tell, server):
    assert tell(make_settings(modern_server.port, operator_address=SWEDISH)) == "sent"
    assert modern_server.recipients == [SWEDISH]
    assert tell(make_settings(server.port, operator_address=SWEDISH), HELD) == "refused"


# ---------------------------------------------------------------------------------- the operator's notices

OPERATOR = "drift@example.org"
FINDINGS = ValidationResult(
    run_id=7,
    state="quarantined",
    publishable=(),
    held=(),
    quarantined=("smhi_emissions-ghg-2026-05-08-01234567",),
    explanations=("sector_sum (hard): row 12: Tierp, found 1\nask someone@example.org",),
)
HELD = replace(FINDINGS, run_id=8, state="held", held=FINDINGS.quarantined, quarantined=())


@pytest.fixture
def operator(server):
    return make_settings(server.port, operator_address=OPERATOR)


@pytest.fixture
def tell(warehouse, tmp_path):
    """Tell of findings at a moment; what became of the mail."""

    def call(settings, result=FINDINGS, *, origin="live", now=NOW):
        context = RunContext(home=tmp_path, origin=origin, as_of=now.date(), now=now)
        with closing(connect(warehouse.loader_dsn)) as conn:
            return notify(conn, settings, findings("smhi_emissions", result, context), context)

    return call


def test_the_operator_is_told_of_a_matter_once(server, operator, tell):
    assert tell(operator) == "sent"
    assert tell(operator) is None, "the same run, done again"
    assert tell(operator, HELD) == "sent"
    refused, held = server.taken
    assert refused["To"] == OPERATOR
    assert refused["Subject"] == (
        "smhi_emissions: en utgåva är avvisad / smhi_emissions: a release is refused"
    )
    assert held["Subject"].endswith("a release waits for an answer")
    text = refused.get_content()
    assert "Det som är publicerat står orört" in text
    assert "row 12: Tierp, found 1" in text
    assert "someone@example.org" not in text, "no address of a person leaves with a finding"


def test_what_is_missing_is_told_once_and_the_mail_says_that_the_rest_is_there(
    server, operator, warehouse, tmp_path
):
    told = []
    for day, losses in ((0, ("N1 is gone",)), (31, ("N1 is gone",)), (62, ("N1 is gone", "N2 is gone"))):
        now = NOW + timedelta(days=day)
        context = RunContext(home=tmp_path, origin="live", as_of=now.date(), now=now)
        with closing(connect(warehouse.loader_dsn)) as conn:
            told.append(notify(conn, operator, lost_parts("kolada", losses, context), context))
    assert told == ["sent", None, "sent"]
    first, second = (mail.get_content() for mail in server.taken)
    assert "The rest is checked and published like any other release." in first
    assert "Resten granskas och publiceras som vanligt." in first
    assert "stays as it was" not in first
    assert "N2 is gone" in second


def test_made_up_figures_are_marked_and_stay_on_this_machine(server, operator, tell):
    assert tell(operator, origin="synthetic") == "sent"
    assert server.taken[0]["Subject"].startswith("PÅHITTADE SIFFROR: smhi_emissions")
    elsewhere = replace(operator, host="mail.example.org", starttls=True)
    assert tell(elsewhere, HELD, origin="synthetic") == "suppressed"
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("reply", "state", "again"),
    [("450 later", "failed", "sent"), ("550 no such user", "refused", None)],
)
def test_only_a_mail_that_may_still_arrive_is_sent_again(server, operator, tell, reply, state, again):
    server.rcpt_replies = [reply]
    assert tell(operator) == state
    assert tell(operator) == again


def test_a_mail_of_which_nobody_knows_is_not_sent_again(server, operator, tell):
    server.drop_after_data = True
    assert tell(operator) == "unknown"
    server.drop_after_data = False
    assert tell(operator) is None
    assert len(server.taken) == 1


def test_without_an_operators_address_nobody_is_told(server, settings, tell, warehouse):
    assert tell(settings) is None
    assert server.taken == []
    with closing(connect(warehouse.loader_dsn)) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ops.operator_notice")
        assert cursor.fetchone() == (0,)


def test_a_known_defect_is_told_when_its_day_of_review_has_passed(server, operator, warehouse, tmp_path):
    defects = read_known_defects()
    last = max(defect.review_by for defect in defects)
    for day, told in ((last, 0), (last + timedelta(days=1), len(defects)), (last + timedelta(days=2), 0)):
        server.taken.clear()
        now = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
        context = RunContext(home=tmp_path, origin="live", as_of=day, now=now)
        with closing(connect(warehouse.loader_dsn)) as conn:
            notify_overdue_defects(conn, operator, context)
        assert len(server.taken) == told
        assert all("known_defects.csv" in mail.get_content() for mail in server.taken)


def test_a_failure_is_told_once_a_day_and_another_one_of_that_day_as_well(
    server, operator, warehouse, tmp_path
):
    told = []
    no_answer, not_there = FetchError("no answer"), StatusError("gone", status=404, body=b"", headers={})
    shape = SourceFormatError("no head", rule="header_not_found")
    unit = SourceFormatError("unit kt", rule="unit")
    later = timedelta(hours=2)
    for now, error in (
        (NOW, no_answer),
        (NOW + later, no_answer),
        (NOW + later, not_there),
        (NOW + later, shape),
        (NOW + later, unit),
        (NOW + 2 * later, SourceFormatError("unit Mt", rule="unit")),
        (NOW + timedelta(days=1), no_answer),
    ):
        context = RunContext(home=tmp_path, origin="live", as_of=now.date(), now=now)
        with closing(connect(warehouse.loader_dsn)) as conn:
            notice = failure("kolada", f"{error} at {now}", context, kind=kind_of(error))
            told.append(notify(conn, operator, notice, context))
    assert told == ["sent", None, "sent", "sent", "sent", None, "sent"]
    assert len({mail["Message-ID"] for mail in server.taken}) == 5


def test_other_parts_that_fail_are_another_matter():
    first, second = ("smhi_emissions", "co2"), ("smhi_emissions", "ch4")
    assert kind_of_parts([first, second]) == kind_of_parts([second, first])
    assert kind_of_parts([first]) != kind_of_parts([second])


@pytest.fixture
def tell_again(warehouse, tmp_path):
    """What the watch does about untold matters at a moment."""

    def call(settings, now=NOW):
        context = RunContext(home=tmp_path, origin="live", as_of=now.date(), now=now)
        with closing(connect(warehouse.loader_dsn)) as conn:
            return notify_pending(conn, settings, context)

    return call


def test_a_notice_that_did_not_arrive_is_told_by_the_watch_in_the_same_words(
    server, operator, tell, tell_again
):
    server.rcpt_replies = ["450 later"]
    assert tell(operator) == "failed"
    assert tell_again(operator) == {"sent": 1}
    assert tell_again(operator) == {}, "once it has arrived, that was it"
    (mail,) = server.taken
    assert mail["Subject"].startswith("smhi_emissions: en utgåva är avvisad")
    assert "row 12: Tierp, found 1" in mail.get_content()


def test_a_notice_is_not_tried_for_ever(server, operator, tell, tell_again):
    server.rcpt_replies = ["450 later"] * (MAX_ATTEMPTS + 3)
    assert tell(operator) == "failed"
    tried = [tell_again(operator) for _ in range(MAX_ATTEMPTS)]
    assert tried == [{"failed": 1}] * (MAX_ATTEMPTS - 1) + [{}]


def test_an_old_matter_is_not_told_late(server, operator, tell, tell_again):
    server.rcpt_replies = ["450 later"]
    assert tell(operator) == "failed"
    assert tell_again(operator, NOW + timedelta(days=PENDING_DAYS + 1)) == {}
    assert tell_again(operator, NOW + timedelta(days=PENDING_DAYS)) == {"sent": 1}


def test_a_run_that_was_killed_is_told_once(server, operator, settings, warehouse, tmp_path, tell_again):
    context = RunContext(home=tmp_path, origin="live", as_of=NOW.date(), now=NOW)
    with closing(connect(warehouse.loader_dsn)) as conn:
        with conn:
            run_id = start_run(
                conn, source="kolada", origin="live", as_of=NOW.date(), orchestrator_run=None
            ).run_id
        assert close_stuck_runs(conn, context=context) == 0, "it may still be at work"
        assert close_stuck_runs(conn, 0, context=context) == 1
        assert close_stuck_runs(conn, 0, context=context) == 0
    assert tell_again(settings) == {}, "no operator's address yet"
    assert tell_again(operator) == {"sent": 1}
    assert tell_again(operator) == {}
    (mail,) = server.taken
    assert mail["Subject"] == "kolada: en körning dog utan ett ord / kolada: a run ended without a word"
    assert f"Run {run_id} ended without a word" in mail.get_content()


def test_a_house_that_starts_anew_tells_nobody(operator, warehouse, tell_again):
    with closing(connect(warehouse.loader_dsn)) as conn:
        with conn:
            start_run(conn, source="kolada", origin="live", as_of=NOW.date(), orchestrator_run=None)
        assert close_stuck_runs(conn, 0) == 1
    assert tell_again(operator) == {}
