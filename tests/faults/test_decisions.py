"""What a person's decision on a release does to the figures: withdrawn as before it, restored as after."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

import psycopg2
import pytest
from support.releases import ask, current, outbox, publish_now, release

from klimatpuls.contract.causes import causes_to_json
from klimatpuls.errors import UsageError
from klimatpuls.pipeline import watch
from klimatpuls.pipeline.approval import claim_reviews, decide_release
from klimatpuls.warehouse.connection import connect, load_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Published, Warehouse

    from klimatpuls.pipeline.approval import Action

pytestmark = pytest.mark.postgres

NEWER, OLDER = date(2026, 5, 9), date(2025, 1, 15)
Order = tuple[Literal["newer", "older"], ...]


def decide(published: Published, release_id: str, action: Action, reason: str = "a wrong column") -> None:
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        decide_release(
            conn,
            release_id,
            action=action,
            decided_by="operator",
            reason=reason,
            now=published.context.now,
        )


@pytest.fixture(scope="module")
def revised_once(
    newer_once: Published, clone: Callable[[str], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Published, str, str]:
    """A newer release in place of the good one, the id of the newer one, the digest with it: to be copied."""
    home = shutil.copytree(newer_once.context.home, tmp_path_factory.mktemp("revised") / "home")
    context = replace(newer_once.context, home=home)
    newer = replace(newer_once, warehouse=clone(newer_once.warehouse.name), context=context)
    assert publish_now(newer) is not None
    return newer, current(newer), newer.digest()


@pytest.fixture
def revised(
    revised_once: tuple[Published, str, str], own_copy: Callable[[Published], Published]
) -> tuple[Published, str, str]:
    """The same, the test's own."""
    published, newer, with_it = revised_once
    return own_copy(published), newer, with_it


def test_withdrawn_every_mart_is_as_before_and_restored_as_after(revised: tuple[Published, str, str]) -> None:
    published, newer, with_it = revised
    assert with_it != published.good_digest

    decide(published, newer, "withdraw")
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        assert watch.has_unpublished(conn)
        made = publish_now(published, conn)
        assert not watch.has_unpublished(conn)
    assert made is not None
    assert published.digest() == published.good_digest
    (cause,) = [cause for cause in made.causes if cause.kind == "withdrawn"]
    assert causes_to_json([cause])[0] == {
        "kind": "withdrawn",
        "release_id": newer,
        "dataset": "smhi_emissions",
        "substance": "ghg",
        "moves_current": True,
        "current": current(published),
        "decided_by": "operator",
        "reason": "a wrong column",
    }
    assert publish_now(published) is None, "a decision is published once"

    decide(published, newer, "restore", "the column was right")
    made = publish_now(published)
    assert made is not None
    assert made.causes[0].kind == "restored"
    assert published.digest() == with_it
    assert current(published) == newer


def test_the_network_is_told_of_a_withdrawal_that_changes_its_figures(
    revised: tuple[Published, str, str],
) -> None:
    published, newer, _ = revised
    decide(published, newer, "withdraw")
    later = replace(
        published, context=replace(published.context, as_of=published.context.as_of + timedelta(days=1))
    )
    made = publish_now(later)
    assert made is not None
    assert made.digest_queued
    assert outbox(later)[-1] == (later.context.as_of, "not_needed", "pending")


def test_every_decision_is_kept(revised: tuple[Published, str, str]) -> None:
    published, newer, _ = revised
    decide(published, newer, "withdraw", "first")
    decide(published, newer, "restore", "second")
    kept = ask(
        published,
        "SELECT release_id, action, from_state, to_state, decided_by, reason "
        "FROM ops.release_decision ORDER BY decision_id",
    )
    assert kept == [
        (newer, "withdraw", "published", "withdrawn", "operator", "first"),
        (newer, "restore", "withdrawn", "published", "operator", "second"),
    ]
    with closing(psycopg2.connect(published.warehouse.loader_dsn)) as conn, conn.cursor() as cursor:
        for statement in ("UPDATE ops.release_decision SET reason = 'x'", "DELETE FROM ops.release_decision"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
            conn.rollback()


def test_a_decision_that_does_not_fit_is_refused(revised: tuple[Published, str, str]) -> None:
    published, newer, with_it = revised
    unfit: dict[Action, tuple[str, str]] = {
        "restore": ("why", "is not withdrawn: its state is published"),
        "approve": ("why", "is not on hold: its state is published"),
        "withdraw": ("  ", "say why"),
    }
    for action, (reason, message) in unfit.items():
        with pytest.raises(UsageError, match=message):
            decide(published, newer, action, reason)
        assert publish_now(published) is None
    assert published.digest() == with_it


def test_a_release_that_is_not_there_cannot_be_withdrawn(published: Published) -> None:
    with pytest.raises(UsageError, match="there is no release of that name"):
        decide(published, "smhi_emissions-ghg-1999-01-01-00000000", "withdraw")


def test_the_content_of_a_withdrawn_release_is_no_news_when_it_is_fetched_again(
    revised: tuple[Published, str, str],
) -> None:
    published, newer, _ = revised
    decide(published, newer, "withdraw")
    publish_now(published)
    assert release(published, NEWER, 1.001, title="saved again").publishable == ()
    assert publish_now(published) is None
    assert published.digest() == published.good_digest


def test_without_its_only_release_the_marts_are_empty_and_nobody_is_lied_to(published: Published) -> None:
    only = current(published)
    decide(published, only, "withdraw")
    made = publish_now(published)
    assert made is not None
    assert not made.digest_queued, "a digest without emissions has nothing to say"
    for mart in ("emission", "region_overview", "network_summary", "carbon_law", "target_progress"):
        assert ask(published, f"SELECT count(*) FROM mart.{mart}") == [(0,)]
    assert ask(published, "SELECT count(*) > 0 FROM mart.population") == [(True,)]
    decide(published, only, "restore")
    assert publish_now(published) is not None
    assert published.digest() == published.good_digest


def load(published: Published, which: Literal["newer", "older"]) -> None:
    day, factor = (NEWER, 1.06) if which == "newer" else (OLDER, 0.97)
    result = release(published, day, factor)
    for held in result.held:
        decide(published, held, "approve", "looked at")


@pytest.fixture(scope="module")
def in_order(
    good: Published, clone: Callable[[str], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[tuple[Any, ...]], str]:
    """Gates and digest of the older release published before the newer one."""
    context = replace(good.context, home=tmp_path_factory.mktemp("in-order"))
    ordered = replace(good, warehouse=clone(good.warehouse.name), context=context)
    for which in ("older", "newer"):
        load(ordered, which)
        publish_now(ordered)
    return gates(ordered), ordered.digest()


@pytest.mark.parametrize(
    ("order", "at_once"),
    [(("newer", "older"), False), (("newer", "older"), True), (("older", "newer"), True)],
)
def test_the_order_of_loading_does_not_show(
    published: Published, in_order: tuple[list[tuple[Any, ...]], str], order: Order, at_once: bool
) -> None:
    for which in order:
        load(published, which)
        if not at_once:
            publish_now(published)
    publish_now(published)
    assert (gates(published), published.digest()) == in_order


def gates(published: Published) -> list[tuple[Any, ...]]:
    return ask(
        published,
        "SELECT release_id, rule, compared_with, verdict, passed, measured, finding_count, message_en, "
        "sample::text FROM mart.release_gate ORDER BY release_id, rule",
    )


def test_a_release_is_compared_with_the_one_before_it_even_if_that_came_later(published: Published) -> None:
    newer = current(published)
    load(published, "older")
    assert publish_now(published) is not None
    assert current(published) == newer, "loading an older release never moves current"
    ((older,),) = ask(published, f"SELECT release_id FROM mart.release WHERE published_date = '{OLDER}'")
    compared = ask(
        published,
        "SELECT DISTINCT compared_with, measured IS NOT NULL FROM mart.release_gate "
        f"WHERE rule = 'hold_moved' AND release_id = '{newer}'",
    )
    assert compared == [(older, True)]
    decide(published, older, "withdraw")
    publish_now(published)
    assert published.digest() == published.good_digest


class TestNotPublishedYet:
    """A release that passed its checks and waits for its publication."""

    @pytest.fixture
    def waiting(self, newer_waits: Published) -> tuple[Published, str]:
        ((release_id,),) = ask(
            newer_waits, "SELECT release_id FROM core.dim_release WHERE state = 'validated'"
        )
        return newer_waits, str(release_id)

    @staticmethod
    def waits(published: Published) -> list[tuple[Any, ...]]:
        """What `klimatpuls status` says of the releases that wait."""
        with closing(connect(published.warehouse.loader_dsn)) as conn, conn, conn.cursor() as cursor:
            cursor.execute(load_sql("read/waiting_releases.sql"))
            return [(release_id, state, why) for release_id, state, _, _, why in cursor.fetchall()]

    def test_rejected_it_is_never_published(self, waiting: tuple[Published, str]) -> None:
        published, newer = waiting
        assert self.waits(published) == [(newer, "validated", "the next publication")]
        decide(published, newer, "reject", "")
        assert publish_now(published) is None
        assert published.digest() == published.good_digest
        assert self.waits(published) == []
        record = "SELECT action, from_state, to_state FROM ops.release_decision"
        assert ask(published, record) == [("reject", "validated", "rejected")]

    def test_on_hold_it_waits_for_an_answer_that_sees_the_reason(
        self, waiting: tuple[Published, str]
    ) -> None:
        published, newer = waiting
        decide(published, newer, "hold", "SMHI promised a corrected file")
        assert publish_now(published) is None
        why = "put on hold by operator: SMHI promised a corrected file"
        assert self.waits(published) == [(newer, "on hold", why)]
        with closing(connect(published.warehouse.loader_dsn)) as conn:
            (question,) = claim_reviews(conn, "review/1", lambda run: f"/run-{run}")
        assert question.release_id == newer
        assert "put on hold by hand: SMHI promised a corrected file" in question.body
        decide(published, newer, "approve", "the file is right after all")
        made = publish_now(published)
        assert made is not None
        assert current(published) == newer
        record = "SELECT action, from_state FROM ops.release_decision ORDER BY decision_id"
        assert ask(published, record) == [("hold", "validated"), ("approve", "held")]

    def test_it_is_asked_about_again_though_it_was_before(self, waiting: tuple[Published, str]) -> None:
        published, newer = waiting
        with closing(connect(published.warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
            cursor.execute("UPDATE core.dim_release SET asked_by_run = 'review/0'")
        decide(published, newer, "hold")
        with closing(connect(published.warehouse.loader_dsn)) as conn:
            assert [one.release_id for one in claim_reviews(conn, "review/1", str)] == [newer]

    def test_a_hold_needs_a_reason(self, waiting: tuple[Published, str]) -> None:
        published, newer = waiting
        with pytest.raises(UsageError, match=r"is to be on hold: --reason TEXT; it is shown"):
            decide(published, newer, "hold", " ")
        assert self.waits(published) == [(newer, "validated", "the next publication")]

    def test_what_is_published_is_withdrawn_not_held(self, published: Published) -> None:
        needed = "validated and not yet published: its state is published"
        for action in ("hold", "reject"):
            with pytest.raises(UsageError, match=needed):
                decide(published, current(published), action)

    def test_a_publication_that_is_being_made_is_waited_for(self, waiting: tuple[Published, str]) -> None:
        published, newer = waiting
        with (
            closing(connect(published.warehouse.loader_dsn)) as publisher,
            closing(connect(published.warehouse.loader_dsn)) as conn,
        ):
            with publisher.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(hashtext('klimatpuls publish'))")
            with conn, conn.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                decide_release(
                    conn,
                    newer,
                    action="reject",
                    decided_by="operator",
                    reason="",
                    now=published.context.now,
                )
        assert self.waits(published) == [(newer, "validated", "the next publication")]

    def test_a_release_that_a_gate_put_on_hold_tells_what_the_gate_found(self, published: Published) -> None:
        (held,) = release(published, NEWER, 1.2).held
        ((release_id, state, why),) = self.waits(published)
        assert (release_id, state) == (held, "on hold")
        assert why.startswith("hold_moved: ")
