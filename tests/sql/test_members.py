"""Where members stand: what is said inside and outside, what a day that passes changes and leaves alone."""

from __future__ import annotations

import io
import re
import shutil
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psycopg2
import pytest
from rich.console import Console
from support import contract_rules, releases

from klimatpuls.cli import output
from klimatpuls.errors import UsageError
from klimatpuls.local import runtime
from klimatpuls.operations.contacts import forget, sync_contacts
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.pipeline import watch
from klimatpuls.pipeline.approval import digests_to_approve
from klimatpuls.pipeline.assess_members import assess_members
from klimatpuls.pipeline.remind import queue_reminders
from klimatpuls.pipeline.sync_registers import sync_registers
from klimatpuls.report import outbox, render
from klimatpuls.report.mailer import SmtpSettings
from klimatpuls.site.options import Options
from klimatpuls.warehouse import digest
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Published, Warehouse

    from klimatpuls.pipeline.context import RunContext
    from klimatpuls.warehouse.member_results import Reassessed

pytestmark = pytest.mark.postgres

AS_OF = date(2026, 5, 8)
LAST_DUE = date(2026, 7, 31)
TIERP, MALMO, LUND, UPPSALA = "0360", "1280", "1281", "0380"
TARGET = """\
targets:
  - target_id: malmo_2030
    region_code: "1280"
    title_sv: Prov
    title_en: Trial
    boundary: territorial
    target_type: percent_below_base
    base_year: 1990
    target_year: 2030
    percent_below_base: 90
    decided_on: 2021-06-17
    decided_by: kommunfullmäktige
    document_url: https://example.org/beslut
    valid_from: 2021-06-17
"""
ROWS = {
    "measures.csv": (
        "malmo-buss,1280,territorial,transport,Elbussar,Electric buses,ongoing,2025-01-01,2026-05-20,"
        "2030:1000,Trafikkontoret,schablon,,KK-0000-01,trafikstrateg,,2026-02-03",
        "malmo-plan,1280,territorial,waste,Plast,Plastics,planned,,,2030:500,Va,schablon,,,strateg,,2025-06-01",
    ),
    "pledges.csv": (
        "malmo-l1,1280,Länsstyrelsen,Fossilfri,2024-03-01,2030-12-31,malmo-buss",
        "lund-l1,1281,Länsstyrelsen,Solel,2024-03-01,,",
    ),
    "reporting_rounds.csv": ("2026,2025-12-01,2026-01-31",),
    "answers.csv": ("0380,2026,2026-01-15",),
    "evidence.csv": ("e1,1280,inventory,document,2026-02-01,klimatstrateg,,https://example.org/e1",),
    "enquiries.csv": (
        "1280,informing,2025-06-01,2026-02-05,2026-02-20,Kommer i höst",
        "1281,informing,2025-06-01,,,",
    ),
}
EXAMPLE = Path(__file__).parents[2] / "docs/example_tierp.md"
MARTS = (
    "criterion", "criterion_history", "criteria_summary", "member_overview", "measure_coverage",
    "measure_status", "pledge_status", "grant_offer",
)  # fmt: skip
DATED = {"criterion", "measure_status", "pledge_status", "member_overview"}
"""Marts in which a day that passes may show."""


@dataclass
class Network:
    """A published warehouse with synthetic registers, and a hand for days that pass."""

    published: Published
    folder: Path

    def ask(self, query: str, role: str = "admin") -> list[tuple[Any, ...]]:
        dsn = getattr(self.published.warehouse, f"{role}_dsn")
        with closing(psycopg2.connect(dsn)) as conn, conn, conn.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall() if cursor.description else []

    def context(self, day: date) -> RunContext:
        return replace(self.published.context, as_of=day)

    def assess(self, day: date) -> Reassessed | None:
        warehouse = self.published.warehouse
        with closing(connect(warehouse.loader_dsn)) as conn, closing(connect(warehouse.mailer_dsn)) as mailer:
            return assess_members(conn, mailer, self.context(day))

    def sync(self) -> None:
        with closing(connect(self.published.warehouse.loader_dsn)) as conn:
            sync_registers(conn, self.folder)

    def publish(self, day: date = AS_OF) -> int:
        made = releases.publish_now(replace(self.published, context=self.context(day)))
        assert made is not None
        return made.publication_id

    def parts(self) -> dict[str, str]:
        with closing(connect(self.published.warehouse.loader_dsn)) as conn:
            conn.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with conn, conn.cursor() as cursor:
                return digest.digest_parts(cursor)

    def whole(self) -> list[int]:
        """How many rows every table of the warehouse holds."""
        tables = self.ask(
            "SELECT schemaname || '.' || tablename FROM pg_tables "
            "WHERE schemaname IN ('core', 'mart', 'mart_data', 'ops', 'register') ORDER BY 1"
        )
        return [self.ask(f"SELECT count(*) FROM {table}")[0][0] for (table,) in tables]

    def status(self, region: str, criterion: str, *, inside: bool = False) -> tuple[str, str]:
        schema = "secretariat" if inside else "mart"
        (row,) = self.ask(
            f"SELECT status, reason FROM {schema}.criterion "
            f"WHERE region_code = '{region}' AND criterion = '{criterion}'"
        )
        return row[0], row[1]


@pytest.fixture(scope="module")
def made(
    good: Published, clone: Callable[[str], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> Network:
    """Published with synthetic registers; to be read, never changed."""
    root = tmp_path_factory.mktemp("members")
    folder = shutil.copytree(REGISTERS_FOLDER, root / "registers")
    for name, rows in ROWS.items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write("".join(f"{row}\n" for row in rows))
    (folder / "targets.yaml").write_text(TARGET, encoding="utf-8")
    context = replace(good.context, home=root / "home")
    network = Network(replace(good, warehouse=clone(good.warehouse.name), context=context), folder)
    network.sync()
    network.publish()
    return network


@pytest.fixture
def network(made: Network, clone: Callable[[str], Warehouse], tmp_path: Path) -> Network:
    """A copy of the test's own."""
    folder = shutil.copytree(made.folder, tmp_path / "registers")
    context = replace(made.published.context, home=tmp_path / "home")
    warehouse = clone(made.published.warehouse.name)
    return Network(replace(made.published, warehouse=warehouse, context=context), folder)


class TestWhatIsSaid:
    def test_with_the_networks_own_registers_everything_is_unknown(self, good: Published) -> None:
        rows = releases.ask(good, "SELECT DISTINCT status, reason FROM mart.criterion")
        assert rows == [("unknown", "not_established")]
        ((members, unknown),) = releases.ask(
            good, "SELECT min(member_count), max(unknown_count) FROM mart.criteria_summary"
        )
        assert members == unknown > 15

    def test_an_applicant_sees_what_it_still_lacks(self, good: Published) -> None:
        rows = releases.ask(
            good,
            "SELECT criterion, status, records_reason, to_meet_en IS NOT NULL FROM secretariat.criterion "
            f"WHERE region_code = '{TIERP}' AND member_kind = 'applicant' ORDER BY criterion",
        )
        assert rows == [
            ("action_plan", "unknown", "plan_none", True),
            ("informing", "unknown", "round_none", True),
            ("inventory", "unknown", "inventory_none", True),
            ("targets", "unknown", "target_none", True),
        ]

    def test_the_worked_example_says_what_the_registers_say(self, good: Published) -> None:
        section = EXAMPLE.read_text(encoding="utf-8").split("## What an applicant still lacks", 1)[1]
        lines = re.findall(r"^\|(.+)\|$", section.split("\n## ", 1)[0], re.MULTILINE)[2:]
        stated = [tuple(cell.strip().strip("`") for cell in line.split("|")) for line in lines]
        order = "ARRAY['inventory', 'targets', 'action_plan', 'informing']"
        assert stated == releases.ask(
            good,
            "SELECT criterion, status, records_reason_en, to_meet_en FROM secretariat.criterion "
            f"WHERE region_code = '{TIERP}' ORDER BY array_position({order}, criterion)",
        )

    def test_one_without_any_target_has_a_row_that_says_so(self, made: Network) -> None:
        query = (
            "SELECT target_count, target_note_sv, target_note_en FROM mart.member_overview "
            "WHERE region_code = "
        )
        assert made.ask(f"{query}'{LUND}'") == [
            (0, "inget eget mål finns i registret", "no target of its own is in the register")
        ]
        assert made.ask(f"{query}'{MALMO}'") == [(1, None, None)]

    def test_a_shortcoming_is_shown_outside_only_to_whom_it_was_told(self, made: Network) -> None:
        assert made.status(MALMO, "informing", inside=True) == ("due", "round_open")
        assert made.status(LUND, "informing", inside=True) == ("due", "round_open")
        assert made.status(MALMO, "informing") == ("due", "round_open")
        assert made.status(LUND, "informing") == ("unknown", "not_established")
        reply = (
            "SELECT replied_on, reply FROM mart.criterion WHERE criterion = 'informing' AND region_code = "
        )
        assert made.ask(f"{reply}'{MALMO}'") == [(date(2026, 2, 20), "Kommer i höst")]
        assert made.ask(f"{reply}'{LUND}'") == [(None, None)]

    def test_nothing_outside_tells_a_hidden_shortcoming_from_what_nobody_asked(self, made: Network) -> None:
        query = (
            "SELECT DISTINCT to_jsonb(c) - 'region_code' - 'region_name' - 'member_kind' "
            "FROM mart.criterion AS c WHERE c.status = 'unknown' AND c.criterion = 'informing'"
        )
        hidden = "SELECT count(DISTINCT reason) FROM secretariat.criterion WHERE shown_status = 'unknown'"
        assert made.ask(hidden)[0][0] >= 2
        assert len(made.ask(query)) == 1

    def test_the_reader_of_dashboards_cannot_look_inside(self, made: Network) -> None:
        for query in (
            "SELECT * FROM secretariat.criterion",
            "SELECT status FROM mart_data.criterion",
            "SELECT * FROM core.criterion_change",
            "SELECT not_met_count FROM core.criteria_summary",
            "SELECT told_on FROM register.enquiry",
        ):
            for role in ("bi", "mailer"):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    made.ask(query, role)

    def test_the_cut_a_target_implies_stands_beside_the_nations(self, made: Network) -> None:
        (row,) = made.ask(
            "SELECT status, target_id, implied_annual_reduction_rate, national_target_id, "
            "national_annual_reduction_rate "
            f"FROM mart.criterion WHERE region_code = '{MALMO}' AND criterion = 'targets'"
        )
        assert row[:2] == ("met", "malmo_2030")
        assert row[2] == pytest.approx(1 - 0.1 ** (1 / 40))
        assert row[3] == "national_2045_net_zero"
        assert row[4] == pytest.approx(1 - 0.15 ** (1 / 55))

    def test_measures_against_the_gap(self, made: Network) -> None:
        rows = made.ask(
            "SELECT sector_code, counted_reduction_tco2e, planned_reduction_tco2e, measure_count, "
            "coverage_pct, gap_tco2e FROM mart.measure_coverage ORDER BY sector_code"
        )
        assert [row[:4] for row in rows] == [
            ("all", 1000.0, 500.0, 2),
            ("transport", 1000.0, 0.0, 1),
            ("waste", 0.0, 500.0, 1),
        ]
        whole, *parts = rows
        assert whole[4] == pytest.approx(100 * 1000 / whole[5])
        assert all(part[4] is None for part in parts)
        points = made.ask("SELECT coverage_points FROM mart.measure_coverage ORDER BY sector_code")
        assert points[0][0] == pytest.approx(points[1][0] + points[2][0]) == pytest.approx(whole[4])

    def test_pledges_stand_as_their_measures(self, made: Network) -> None:
        assert made.ask("SELECT pledge_id, status, measure_count FROM mart.pledge_status ORDER BY 1") == [
            ("lund-l1", "no_measure_yet", 0),
            ("malmo-l1", "under_way", 1),
        ]

    def test_the_marts_keep_what_the_contract_promises(self, made: Network) -> None:
        with closing(connect(made.published.warehouse.bi_dsn)) as conn, conn.cursor() as cursor:
            broken = contract_rules.count_violations(cursor)
        mine = tuple(f"{mart}{end}" for mart in MARTS for end in (".", " ", ":"))
        assert {what: n for what, n in broken.items() if n and what.startswith(mine)} == {
            # Somebody has written measures, pledges and a target here.
            "measure_coverage is not empty": 1,
            "measure_status is not empty": 1,
            "pledge_status is not empty": 1,
            # The small archive holds no grants.
            "grant_offer is empty": 1,
        }

    def test_the_networks_picture(self, made: Network) -> None:
        query = (
            "SELECT met_count, documented_count, self_confirmed_count, due_count, "
            "unknown_count = member_count - 2 FROM {}.criteria_summary WHERE criterion = 'informing' "
            "ORDER BY publication_id DESC LIMIT 1"
        )
        assert made.ask(query.format("mart")) == [(1, 0, 1, 1, True)]
        ((met, documented, confirmed, due, _),) = made.ask(query.format("secretariat"))
        assert (met, documented, confirmed) == (1, 0, 1)
        assert due > 15, "inside every member sees that its answer is awaited"


class TestADayThatPasses:
    def test_nothing_changed_writes_nothing(self, network: Network) -> None:
        before = network.whole()
        assert network.assess(AS_OF) is None
        assert network.assess(AS_OF + timedelta(days=1)) is None
        assert network.assess(AS_OF - timedelta(days=9)) is None
        assert network.whole() == before

    def test_the_day_an_answer_is_no_longer_awaited_makes_one_publication(self, network: Network) -> None:
        network.assess(LAST_DUE)
        before, parts, mails = network.whole(), network.parts(), network.ask("SELECT * FROM ops.mail_outbox")
        assert network.assess(LAST_DUE) is None
        assert network.whole() == before
        made = network.assess(LAST_DUE + timedelta(days=1))
        assert made is not None
        assert made.changed["criterion"] > 0
        assert made.changed["measure_status"] == made.changed["pledge_status"] == 0
        assert network.status(MALMO, "informing") == ("not_met", "round_missed")
        assert network.status(LUND, "informing") == ("unknown", "not_established")
        assert network.status(LUND, "informing", inside=True) == ("not_met", "round_missed")
        assert network.ask("SELECT * FROM ops.mail_outbox") == mails, "the next digest tells of it"
        after = network.parts()
        assert {name for name in parts if after[name] != parts[name]} == {"criterion"}
        before = network.whole()
        assert network.assess(LAST_DUE + timedelta(days=1)) is None
        assert network.assess(LAST_DUE + timedelta(days=2)) is None
        again = replace(network.published, context=network.context(LAST_DUE + timedelta(days=2)))
        assert releases.publish_now(again) is None, "a light publication leaves nothing to publish"
        assert network.whole() == before

    def test_everything_else_is_shared_and_shown_under_the_new_publication(self, network: Network) -> None:
        full = network.ask("SELECT publication_id FROM mart.current_publication")[0][0]
        parts = network.parts()
        made = network.assess(date(2026, 5, 21))
        assert made is not None
        assert made.changed == {"criterion": 0, "member_overview": 0, "measure_status": 1, "pledge_status": 1}
        after = network.parts()
        assert {name for name in parts if after[name] != parts[name]} == DATED - {"criterion"}
        for mart in (
            "region_overview",
            "target_progress",
            "network_summary",
            "emission",
            "release",
            "criterion",
        ):
            ids = network.ask(f"SELECT DISTINCT publication_id FROM mart.{mart}")
            assert ids == [(made.publication_id,)], mart
        written = network.ask(f"SELECT count(*) FROM mart_data.region_overview WHERE publication_id > {full}")
        assert written == [(0,)]
        assert network.ask("SELECT causes, as_of_date FROM mart.publication") == [
            (
                [{"kind": "status_changed", "criterion": 0, "measure_status": 1, "pledge_status": 1}],
                date(2026, 5, 21),
            )
        ]

    def test_a_second_light_one_shares_the_results_of_the_first_heavy_one(self, network: Network) -> None:
        full = network.ask("SELECT publication_id FROM mart.current_publication")[0][0]
        network.assess(date(2026, 5, 21))
        network.assess(date(2026, 6, 2))
        rows = network.ask("SELECT publication_id > results_id, results_id FROM mart.current_publication")
        assert rows == [(True, full)]
        assert network.ask("SELECT count(*) > 300 FROM mart.region_overview") == [(True,)]

    def test_results_that_are_shared_are_not_thrown_away(self, network: Network) -> None:
        full = network.ask("SELECT publication_id FROM mart.current_publication")[0][0]
        for day in (date(2026, 5, 21), date(2026, 6, 2), date(2026, 8, 1)):
            assert network.assess(day) is not None
        network.ask(
            "UPDATE ops.publication SET published_at = published_at - interval '90 days', "
            "created_at = created_at - interval '90 days'"
        )
        dropped = [row[0] for row in network.ask("SELECT ops.publications_to_drop(2, now())")]
        assert full not in dropped
        assert full + 1 in dropped

    def test_a_register_that_waits_is_left_to_the_publication(self, network: Network) -> None:
        with (network.folder / "answers.csv").open("a", encoding="utf-8") as file:
            file.write(f"{LUND},2026,2026-05-01\n")
        network.sync()
        before = network.whole()
        assert network.assess(LAST_DUE + timedelta(days=1)) is None
        assert network.whole() == before
        network.publish(LAST_DUE + timedelta(days=1))
        assert network.status(MALMO, "informing") == ("not_met", "round_missed")
        assert network.status(LUND, "informing") == ("met", "round_answered")

    def test_a_standing_is_compared_with_the_results_that_were_shown(self, network: Network) -> None:
        network.assess(date(2026, 5, 21))
        (network.folder / "targets.yaml").write_text(
            TARGET.replace("percent_below_base: 90", "percent_below_base: 1"), encoding="utf-8"
        )
        network.sync()
        network.publish(date(2026, 5, 22))
        ((causes,),) = network.ask("SELECT causes FROM mart.publication")
        assert "standing" in {cause["kind"] for cause in causes}

    def test_the_pages_of_the_one_before_are_kept_for_its_mail(self, network: Network) -> None:
        full = network.ask("SELECT publication_id FROM mart.current_publication")[0][0]
        network.assess(date(2026, 5, 21))
        folder = network.published.context.reports / str(full)
        assert (folder / "digest.json").is_file()
        assert not (network.published.context.reports / str(full + 1)).exists()

    def test_a_digest_that_was_missed_is_still_sent_after_a_light_publication(self, network: Network) -> None:
        full = network.ask("SELECT publication_id FROM mart.current_publication")[0][0]
        assert network.ask(f"SELECT 1 FROM ops.mail_outbox WHERE publication_id = {full}") == []
        network.assess(date(2026, 5, 21))
        with closing(connect(network.published.warehouse.loader_dsn)) as conn:
            context = network.context(date(2026, 5, 22))
            assert watch.queue_missed_digest(conn, context, releases.LIST)
            assert not watch.queue_missed_digest(conn, context, releases.LIST)
        assert network.ask("SELECT max(publication_id) FROM ops.mail_outbox") == [(full,)]
        reports = network.published.context.reports
        mailer = network.published.warehouse.mailer_dsn
        assert render.Renderer(lambda: connect(mailer), reports)(full).publication_id == full


class TestHistory:
    def test_every_change_is_kept_and_nothing_is_overwritten(self, network: Network) -> None:
        network.assess(LAST_DUE + timedelta(days=1))
        query = (
            "SELECT status, valid_from, valid_to FROM {}.criterion_history "
            "WHERE region_code = '{}' AND criterion = 'informing' ORDER BY valid_from, publication_id"
        )
        flipped = LAST_DUE + timedelta(days=1)
        assert network.ask(query.format("mart", MALMO)) == [
            ("due", AS_OF, flipped),
            ("not_met", flipped, None),
        ]
        assert network.ask(query.format("mart", LUND)) == [("unknown", AS_OF, None)]
        assert [row[0] for row in network.ask(query.format("secretariat", LUND))] == [
            "unknown",
            "due",
            "not_met",
        ]

    def test_a_member_that_left_ends_its_history(self, network: Network) -> None:
        members = network.folder / "members.csv"
        text = members.read_text(encoding="utf-8")
        assert "1281,Lund,,,true" in text
        members.write_text(text.replace("1281,Lund,,,true", "1281,Lund,,2026-06-30,true"), encoding="utf-8")
        network.sync()
        network.publish(date(2026, 6, 1))
        assert network.ask(f"SELECT count(*) FROM mart.criterion WHERE region_code = '{LUND}'") == [(4,)]
        made = network.assess(date(2026, 6, 30))
        assert made is not None
        assert network.ask(f"SELECT count(*) FROM mart.criterion WHERE region_code = '{LUND}'") == [(0,)]
        rows = network.ask(
            f"SELECT DISTINCT valid_to FROM mart.criterion_history WHERE region_code = '{LUND}'"
        )
        assert rows == [(date(2026, 6, 30),)]

    def test_the_picture_over_time_has_a_point_per_day(self, network: Network) -> None:
        network.assess(LAST_DUE + timedelta(days=1))
        rows = network.ask(
            "SELECT as_of_date, due_count, not_met_count FROM mart.criteria_summary "
            "WHERE criterion = 'informing' ORDER BY as_of_date"
        )
        assert rows == [(AS_OF, 1, 0), (LAST_DUE + timedelta(days=1), 0, 1)]


class TestOneMember:
    """What `klimatpuls member` prints."""

    @pytest.fixture
    def printed(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Published, str], str]:
        def show(published: Published, code: str) -> str:
            @contextmanager
            def reading(_: Any, role: str) -> Iterator[Any]:
                assert role == "wh_loader"
                with closing(connect(published.warehouse.loader_dsn)) as conn, conn.cursor() as cursor:
                    yield cursor

            console = Console(width=300, record=True, file=io.StringIO())
            monkeypatch.setattr(runtime, "reading", reading)
            monkeypatch.setattr(output, "_console", lambda: console)
            output.print_member(cast("Any", None), code)
            return console.export_text()

        return show

    def test_an_applicant(self, good: Published, printed: Callable[[Published, str], str]) -> None:
        text = printed(good, TIERP)
        assert "applicant" in text
        assert "no target is in the register" in text
        assert "the member has not been asked" in text
        assert "no target of its own is in the register" in text
        assert "Have the council decide a target for the emissions of the whole area" in text
        assert "Measures overdue or stale: none" in text

    def test_a_member(self, made: Network, printed: Callable[[Published, str], str]) -> None:
        text = printed(made.published, MALMO)
        assert "malmo_2030" in text
        assert "round_open" not in text, "reasons are given in words"
        assert "the answer to the round is due" in text
        assert "malmo-l1" in text

    def test_nobody(self, good: Published, printed: Callable[[Published, str], str]) -> None:
        with pytest.raises(UsageError, match="neither a confirmed member nor an applicant"):
            printed(good, "0114")


class TestGrants:
    """Klimatklivet's grants, linked by the case number and nothing else."""

    def test_offered_are_those_of_the_municipality_that_no_measure_names(
        self, wholly_good: Published, clone: Callable[[str], Warehouse], tmp_path: Path
    ) -> None:
        of_members = (
            "SELECT g.case_number FROM mart.granted_measure AS g INNER JOIN mart.member_overview AS o "
            "ON g.region_code = o.region_code ORDER BY 1"
        )
        offered = "SELECT case_number FROM mart.grant_offer ORDER BY 1"
        cases = releases.ask(wholly_good, of_members)
        assert len(cases) > 1
        assert releases.ask(wholly_good, offered) == cases
        ((case, region),) = releases.ask(
            wholly_good, "SELECT case_number, region_code FROM mart.grant_offer ORDER BY 1 LIMIT 1"
        )
        folder = shutil.copytree(REGISTERS_FOLDER, tmp_path / "registers")
        with (folder / "measures.csv").open("a", encoding="utf-8") as file:
            file.write(
                f"m1,{region},territorial,transport,Buss,Bus,planned,,,,,,,{case},strateg,,2026-02-03\n"
            )
            file.write(
                f"m2,{region},territorial,waste,Plast,Plastics,planned,,,,,,,{case}x,strateg,,2026-02-03\n"
            )
        linked = replace(
            wholly_good,
            warehouse=clone(wholly_good.warehouse.name),
            context=replace(wholly_good.context, home=tmp_path / "home"),
        )
        network = Network(linked, folder)
        network.sync()
        network.publish()
        assert network.ask(offered) == cases[1:], "a case number that is nearly the same links nothing"


class TestReminders:
    """What the contacts of members are reminded of, and what is known of the persons."""

    CONTACTS = (
        "region_code,kind,role,address\n"
        "1280,official,klimatstrateg,strateg@malmo.example\n"
        "1280,elected,kommunalråd,Strateg@Malmo.example\n"
        "1281,official,klimatstrateg,klimat@lund.example\n"
        "0380,official,klimatstrateg,klimat@uppsala.example\n"
    )

    @pytest.fixture
    def with_contacts(self, network: Network, tmp_path: Path) -> Network:
        path = tmp_path / "contacts.csv"
        path.write_text(self.CONTACTS, encoding="utf-8")
        with closing(connect(network.published.warehouse.mailer_dsn)) as conn:
            assert sync_contacts(conn, path, network.folder, AS_OF)
        return network

    @staticmethod
    def queue(network: Network, day: date, **settings: Any) -> int:
        with closing(connect(network.published.warehouse.mailer_dsn)) as conn:
            return queue_reminders(conn, replace(network.context(day), **settings))

    @staticmethod
    def reminders(network: Network) -> list[tuple[Any, ...]]:
        return network.ask(
            "SELECT region_code, contact_kind, as_of_date, subject, body, approval FROM ops.mail_outbox "
            "WHERE kind = 'reminder' ORDER BY outbox_id"
        )

    def test_each_person_gets_one_mail_with_all_there_is_to_do(self, with_contacts: Network) -> None:
        assert (
            self.queue(with_contacts, AS_OF, site_options=Options(base_url="https://klimat.example.org")) == 2
        )
        lund, malmo = sorted(self.reminders(with_contacts), reverse=True)
        assert malmo[0] == "1280"
        assert malmo[3] == "Påminnelse till Malmö: 3 saker att göra"
        assert "1. Nätverkets rapporteringsomgång stängde 31 januari 2026, och ert" in malmo[4]
        assert "2. Åtgärden ”Elbussar” ska vara klar 20 maj 2026." in malmo[4]
        assert "3. Åtgärden ”Plast” behöver uppdateras senast 1 juni 2026." in malmo[4]
        assert "https://klimat.example.org/sv/1280/" in malmo[4]
        assert lund[3] == "Påminnelse till Lund: 1 sak att göra"
        assert max(len(line) for line in malmo[4].splitlines()) <= 72
        everything = " ".join(str(row) for row in with_contacts.ask("SELECT * FROM ops.mail_outbox"))
        assert "example.org>" not in everything
        for address in ("strateg@malmo.example", "klimat@lund.example", "klimat@uppsala.example"):
            assert address not in everything.casefold(), "an address of a person is in person.contact alone"

    def test_a_year_of_days_never_reminds_too_often(self, with_contacts: Network) -> None:
        for offset in range(0, 365, 1):
            self.queue(with_contacts, AS_OF + timedelta(days=offset))
        days: dict[str, list[date]] = {}
        for region, _, day, *_ in self.reminders(with_contacts):
            days.setdefault(region, []).append(day)
        assert set(days) == {"1280", "1281"}
        for sent in days.values():
            gaps = [(later - earlier).days for earlier, later in pairwise(sent)]
            assert min(gaps) > 5
            assert len(sent) >= 12

    def test_a_second_run_of_the_day_queues_nothing(self, with_contacts: Network) -> None:
        assert self.queue(with_contacts, AS_OF) == 2
        before = with_contacts.whole()
        assert self.queue(with_contacts, AS_OF) == 0
        assert with_contacts.whole() == before

    def test_where_a_person_approves_mail_the_reminders_wait(self, with_contacts: Network) -> None:
        assert self.queue(with_contacts, AS_OF, always_ask=True) == 2
        assert {row[5] for row in self.reminders(with_contacts)} == {"asked"}
        with closing(connect(with_contacts.published.warehouse.mailer_dsn)) as conn:
            assert len(digests_to_approve(conn)) == 2

    def test_a_deleted_contact_gets_nothing_more(self, with_contacts: Network) -> None:
        self.queue(with_contacts, AS_OF)
        settings = SmtpSettings(
            host="127.0.0.1",
            port=9,
            login=None,
            password=None,
            from_address="klimatpuls@example.org",
            list_addresses=("list@example.org",),
            operator_address=None,
            implicit_tls=False,
            starttls=False,
        )
        with closing(connect(with_contacts.published.warehouse.mailer_dsn)) as conn:
            forget(conn, LUND, kind=None, reason="has left", path=None)
        dsn = with_contacts.published.warehouse.mailer_dsn
        renderer = render.Renderer(lambda: connect(dsn), with_contacts.published.context.reports)
        now = with_contacts.published.context.now
        summary = outbox.send_due(lambda: connect(dsn), settings, renderer, now)
        states = {entry.outbox_id: (entry.state, entry.detail) for entry in summary.settled}
        (number,) = with_contacts.ask("SELECT outbox_id FROM ops.mail_outbox WHERE region_code = '1281'")[0]
        assert states[number] == ("suppressed", "the contact is no longer in the register")
        assert {state for state, _ in states.values()} == {"suppressed", "failed"}

    def test_the_mailer_sees_what_to_remind_of_and_nothing_else_inside(self, made: Network) -> None:
        kinds = {kind for (kind,) in made.ask("SELECT kind FROM secretariat.reminder_item", "mailer")}
        assert kinds == {"criterion", "measure_end", "measure_stale", "round"}
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            made.ask("SELECT * FROM secretariat.criterion_history", "mailer")
