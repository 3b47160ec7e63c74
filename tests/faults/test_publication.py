"""Publishing: twice is once, two at a time is one, a crash is nothing, older is never newer."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from support import pipeline_run
from support.releases import LIST, ask, current, newest, outbox, publish_now, release, the_day_after

from klimatpuls.contract import schema
from klimatpuls.contract.causes import OverrideCause
from klimatpuls.errors import UsageError, WrongHomeError
from klimatpuls.pipeline import publish, sync_registers, watch
from klimatpuls.pipeline.approval import decide_digests, decide_release, digests_to_approve
from klimatpuls.statistics import results
from klimatpuls.warehouse import publication
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import warehouse_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Published, Warehouse


pytestmark = pytest.mark.postgres

CORRECTIONS = "SELECT release_id, corrects FROM mart.release WHERE corrects IS NOT NULL ORDER BY release_id"


def test_the_whole_chain_again_changes_nothing(published: Published) -> None:
    dsn = published.warehouse.loader_dsn
    before = outbox(published)
    with closing(connect(dsn)) as conn:
        assert pipeline_run.refresh(conn, dsn, published.archive, published.context) is None
        assert warehouse_digest(conn) == published.good_digest
    assert outbox(published) == before


def test_what_views_join_has_statistics_before_anybody_asks(wholly_good: Published) -> None:
    """Autovacuum counts no partitioned table and no small one; a plan without them took minutes."""
    query = "SELECT schemaname, tablename FROM pg_stats WHERE inherited AND attname = 'release_id'"
    counted = set(ask(wholly_good, query))
    facts = {fact.name for fact in schema.facts()} - {"air_pollutant"}
    assert counted >= {("core", f"fct_{fact}") for fact in facts} | {("mart_data", fact) for fact in facts}
    small = "'dim_release', 'dim_region', 'dim_sector', 'dim_substance', 'publication_release'"
    assert (
        ask(wholly_good, f"SELECT relname FROM pg_class WHERE relname IN ({small}) AND reltuples <= 0") == []
    )


def test_the_digest_sees_every_changed_figure(published: Published) -> None:
    with closing(psycopg2.connect(published.warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(
            "UPDATE mart_data.population SET population_count = population_count + 1 "
            "WHERE region_code = '0360' AND year = 2024"
        )
        assert cursor.rowcount == 1
    assert published.digest() != published.good_digest


def test_the_same_content_in_another_file_is_no_release(published: Published) -> None:
    day = newest(published.archive).published_date
    result = release(published, day, title="opened and saved")
    assert result.publishable == ()
    assert publish_now(published) is None
    assert published.digest() == published.good_digest
    assert ask(published, "SELECT count(*) FROM ops.snapshot WHERE outcome = 'known_content'") == [(1,)]


def test_a_new_release_becomes_current_and_is_mailed_once_a_day(newer_waits: Published) -> None:
    published = newer_waits
    made = publish_now(published)
    assert made is not None
    assert made.digest_queued
    assert "2026-05-09" in current(published)
    assert release(published, date(2026, 5, 10), 1.002).state == "validated"
    again = publish_now(published)
    assert again is not None
    assert not again.digest_queued, "one digest a day"
    assert [day for day, *_ in outbox(published)] == [date(2026, 5, 8), date(2026, 5, 9)]
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        assert not watch.queue_missed_digest(conn, published.context, LIST), "not on the same day"
        tomorrow = replace(published.context, as_of=date(2026, 5, 10))
        assert watch.queue_missed_digest(conn, tomorrow, LIST), "what came later that day is not lost"
        assert not watch.queue_missed_digest(conn, tomorrow, LIST), "and is mailed once"
    assert [day for day, *_ in outbox(published)][2:] == [date(2026, 5, 10)]


def test_an_older_release_that_comes_late_never_becomes_current(published: Published) -> None:
    before = current(published)
    assert release(published, date(2025, 1, 15), 1.001).state == "validated"
    made = publish_now(published)
    assert made is not None
    assert not made.digest_queued
    assert current(published) == before
    facts = "SELECT facts_id FROM ops.publication_facts WHERE fact = 'emission' ORDER BY publication_id"
    first, second = (row[0] for row in ask(published, facts))
    assert first == second, "unchanged facts are shared, not written again"


def test_a_correction_names_the_release_it_corrects(published: Published) -> None:
    day = newest(published.archive).published_date
    wrong = current(published)
    assert release(published, day, 1.001, known_from=day + timedelta(days=1)).state == "validated"
    publish_now(published)
    assert ask(published, CORRECTIONS) == [(current(published), wrong)]
    assert current(published) != wrong


@pytest.mark.parametrize("is_older", [False, True])
def test_of_two_of_one_day_a_person_says_which_corrects_which(published: Published, is_older: bool) -> None:
    first = current(published)
    result = release(published, newest(published.archive).published_date, 1.001)
    assert result.state == "held"
    assert f"same day as {first}" in result.explanations[0]
    assert publish_now(published) is None
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        decide_release(
            conn,
            result.held[0],
            action="approve",
            decided_by="operator",
            reason="the agency said so",
            now=published.context.now,
            is_older=is_older,
        )
    publish_now(published)
    pair = (result.held[0], first)
    assert ask(published, CORRECTIONS) == [pair[::-1] if is_older else pair]
    assert current(published) == (first if is_older else result.held[0])


def test_the_later_approval_corrects_whatever_the_names_and_stays_so(published: Published) -> None:
    day = newest(published.archive).published_date
    held = [release(published, day, factor).held[0] for factor in (1.001, 1.002, 1.003)]
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        for action, chosen in (
            ("approve", [held[2], held[0], held[1]]),
            ("withdraw", held),
            ("restore", held),
        ):
            for release_id in chosen:
                decide_release(
                    conn,
                    release_id,
                    action=action,
                    decided_by="operator",
                    reason="the agency said so",
                    now=published.context.now,
                )
            publish_now(published)
            if action != "withdraw":
                assert current(published) == held[1]
                assert dict(ask(published, CORRECTIONS))[held[1]] == held[0]
                assert dict(ask(published, CORRECTIONS))[held[0]] == held[2]


def test_a_withdrawn_release_without_a_predecessor_leaves_its_years_to_the_fall_back(
    newer_waits: Published,
) -> None:
    published = newer_waits
    publish_now(published)
    with closing(psycopg2.connect(published.warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("UPDATE core.dim_release SET state = 'withdrawn' WHERE dataset = 'scb_population_ckm'")
        assert cursor.rowcount == 1
    assert publish_now(published) is not None
    shown = (
        "SELECT DISTINCT d.dataset FROM mart.population AS p INNER JOIN mart.release AS d USING (release_id)"
    )
    assert ask(published, f"{shown} WHERE p.year > 2024") == [("scb_population_density",)]
    assert ask(published, "SELECT count(*) > 0 FROM mart.population WHERE year = 2024") == [(True,)]


def test_a_publish_done_again_after_its_switch_knows_its_publication(newer_waits: Published) -> None:
    published = newer_waits
    ((before,),) = ask(published, "SELECT clock_timestamp()")
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        assert publish.published_since(conn, before) is None
        made = publish_now(published, conn)
        assert made is not None
        assert publish_now(published, conn) is None
        assert publish.published_since(conn, before) == made.publication_id


def test_two_publishers_at_once_make_one_publication(newer_waits: Published) -> None:
    published = newer_waits
    made: list[publication.Published | None] = []
    threads = [threading.Thread(target=lambda: made.append(publish_now(published))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(one is None for one in made) == [False, True]
    assert ask(published, "SELECT count(*) FROM ops.publication WHERE state = 'published'") == [(1,)]


def test_a_crash_before_the_switch_leaves_readers_where_they_were(
    newer_waits: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = newer_waits

    def crash(*_: object) -> dict[str, Any]:
        message = "the machine went down"
        raise OSError(message)

    monkeypatch.setattr(publication.cause_rules, "find_causes", lambda *_, **__: crash())
    with pytest.raises(OSError, match="went down"):
        publish_now(published)
    assert published.digest() == published.good_digest
    monkeypatch.undo()
    made = publish_now(published)
    assert made is not None
    assert "2026-05-09" in current(published)


def test_a_reader_in_one_transaction_sees_one_publication(newer_waits: Published) -> None:
    published = newer_waits
    with closing(psycopg2.connect(published.warehouse.bi_dsn)) as reader:
        reader.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with reader.cursor() as cursor:
            cursor.execute("SELECT DISTINCT publication_id FROM mart.emission")
            ((first,),) = cursor.fetchall()
            assert publish_now(published) is not None
            cursor.execute("SELECT DISTINCT publication_id FROM mart.target_progress")
            ((second,),) = cursor.fetchall()
    assert first == second
    ((now,),) = ask(published, "SELECT DISTINCT publication_id FROM mart.target_progress")
    assert now > second


def test_origins_never_mix(published: Published) -> None:
    with closing(psycopg2.connect(published.warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE core.dim_release SET origin = 'live', state = 'validated' WHERE substance = 'ghg'"
        )
    with pytest.raises(WrongHomeError, match="more than one origin") as refused:
        publish_now(published)
    assert refused.value.exit_code == 4


@pytest.fixture(scope="module")
def held_once(
    good: Published, clone: Callable[[str], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Published, str]:
    """The release on hold, and its id: to be copied."""
    home = tmp_path_factory.mktemp("held") / "home"
    published = the_day_after(good, clone(good.warehouse.name), home)
    result = release(published, date(2026, 5, 9), 1.2)
    assert result.state == "held"
    assert "hold_moved" in "\n".join(result.explanations)
    assert publish_now(published) is None
    assert published.digest() == published.good_digest
    return published, result.held[0]


class TestHold:
    """A release in which every municipality moved."""

    @pytest.fixture
    def held(
        self, held_once: tuple[Published, str], own_copy: Callable[[Published], Published]
    ) -> tuple[Published, str]:
        """The same, the test's own."""
        published, release_id = held_once
        return own_copy(published), release_id

    def decide(self, published: Published, release_id: str, *, is_approved: bool) -> None:
        with closing(connect(published.warehouse.loader_dsn)) as conn:
            decide_release(
                conn,
                release_id,
                action="approve" if is_approved else "reject",
                decided_by="operator",
                reason="looked at",
                now=published.context.now,
            )

    def test_approved_it_is_published_and_its_digest_waits(self, held: tuple[Published, str]) -> None:
        published, release_id = held
        self.decide(published, release_id, is_approved=True)
        made = publish_now(published)
        assert made is not None
        override = OverrideCause(
            release_id=release_id, dataset="smhi_emissions", decided_by="operator", reason="looked at"
        )
        assert override in made.causes
        assert current(published) == release_id
        assert outbox(published)[-1] == (date(2026, 5, 9), "asked", "pending")

    @staticmethod
    def a_day_passes(published: Published, has_passed: bool) -> None:
        """As if the publication shared the results of the one before it, or not."""
        value = "publication_id" if has_passed else "NULL"
        with closing(connect(published.warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
            cursor.execute(f"UPDATE mart.current_publication SET results_id = {value}")

    def test_an_answer_settles_only_the_digest_it_was_asked_about(self, held: tuple[Published, str]) -> None:
        published, release_id = held
        self.decide(published, release_id, is_approved=True)
        publish_now(published)
        with closing(connect(published.warehouse.mailer_dsn)) as conn:
            (waiting,) = digests_to_approve(conn)
            now = published.context.now
            assert decide_digests(conn, [waiting + 1], is_approved=False, now=now) == 0
            assert digests_to_approve(conn) == [waiting]
            self.a_day_passes(published, True)
            assert digests_to_approve(conn) == [], "its question stands, and no second one is asked"
            self.a_day_passes(published, False)
            assert decide_digests(conn, [waiting], is_approved=False, now=now) == 1
            assert decide_digests(conn, [waiting], is_approved=True, now=now) == 0
        assert outbox(published)[-1] == (date(2026, 5, 9), "rejected", "suppressed")

    def test_rejected_it_changes_nothing(self, held: tuple[Published, str]) -> None:
        published, release_id = held
        self.decide(published, release_id, is_approved=False)
        assert publish_now(published) is None
        assert published.digest() == published.good_digest

    def test_what_is_not_on_hold_cannot_be_answered(self, published: Published) -> None:
        with pytest.raises(UsageError, match="its state is published"):
            self.decide(published, current(published), is_approved=True)


def test_only_confirmed_member_municipalities_are_the_network(published: Published) -> None:
    query = "SELECT DISTINCT region_count FROM mart.network_summary WHERE panel = 'members_today'"
    confirmed = "SELECT count(*) FROM mart.member WHERE confirmed AND level = 'municipality'"
    assert ask(published, query) == ask(published, confirmed) == [(18,)]


def test_a_known_defect_leaves_the_trend_and_nothing_else(published: Published) -> None:
    slopes = "SELECT region_code, emissions_slope_t_per_year FROM mart.carbon_law ORDER BY region_code"
    totals = (
        "SELECT md5(string_agg(emissions_tco2e::text, ';' ORDER BY region_code, sector_code, year)) "
        "FROM mart.emission"
    )
    before, cells = dict(ask(published, slopes)), ask(published, totals)
    with closing(psycopg2.connect(published.warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        # Of a year that the line leans on: without one it does not touch, it stays where it is.
        cursor.execute(
            "INSERT INTO register.known_defect VALUES ('d', 'smhi_emissions', 'ghg', %s, '0360', 'all',"
            " '{2023}', 1e9, NULL, 'fel', 'wrong', 'test', '2026-05-08', '2027-05-08')",
            (newest(published.archive).published_date,),
        )
        cursor.execute(
            "UPDATE register.version SET recorded_to = clock_timestamp() WHERE register = 'targets'"
        )
    later = replace(published, context=replace(published.context, as_of=date(2026, 5, 11)))
    made = publish_now(later)
    assert made is not None
    after = dict(ask(published, slopes))
    assert {code for code in after if after[code] != before[code]} == {"0360"}
    assert ask(published, totals) == cells


def test_syncing_the_registers_again_changes_nothing(published: Published) -> None:
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        assert sync_registers.sync_registers(conn) == ()


def test_the_results_cover_every_region(published: Published) -> None:
    for mart in ("carbon_law", "region_overview"):
        assert ask(published, f"SELECT count(*) FROM mart.{mart}") == [(312,)]
    assert set(results.PANELS.values()) >= {("nation", "territorial"), ("members_today", "territorial")}
