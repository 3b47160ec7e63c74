"""Old publications and other leftovers: what goes, what stays whatever is asked for, and who notices."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from klimatpuls.errors import UsageError
from klimatpuls.operations.retention import Keep, clean_up, drop_old_publications, drop_unused_facts
from klimatpuls.pipeline.context import RunContext
from klimatpuls.warehouse.connection import connect, load_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Warehouse
    from psycopg2.extensions import connection as PgConnection

pytestmark = pytest.mark.postgres

NOW = datetime.now(UTC)
KEEP = Keep(publications=3, publication_days=30)
RELEASE = "smhi_emissions-ghg-2026-05-07-00000000"
LONGEST_WAIT_MS = 50


@dataclass
class Shelf:
    """Publications made by the statements of the publisher, as old as a test wants them."""

    warehouse: Warehouse
    conn: PgConnection = field(init=False)

    def __post_init__(self) -> None:
        self.conn = connect(self.warehouse.loader_dsn)
        with self.conn, self.conn.cursor() as cursor:
            cursor.execute(load_sql("write/stamp_origin.sql"), {"origin": "synthetic"})

    def build(self, *, rows: int = 1) -> int:
        """Facts and results under a publication nothing points at."""
        with self.conn, self.conn.cursor() as cursor:
            cursor.execute("SELECT publication_id FROM mart.current_publication")
            values = {
                "previous_publication_id": cursor.fetchone()[0],
                "origin": "synthetic",
                "as_of_date": date(2026, 5, 8),
                "method_version": "1.0",
                "register_sha256": "",
                "registers_at": None,
                "code_sha256": "",
            }
            cursor.execute(load_sql("write/insert_publication.sql"), values)
            number = int(cursor.fetchone()[0])
            cursor.execute("SELECT ops.create_facts_partition('emission', %s)", (number,))
            (partition,) = cursor.fetchone()
            cursor.execute(
                f"INSERT INTO mart_data.{partition} "
                "SELECT %s, '0360', 'all', 1000 + n, 'ghg', n, 'observed', %s "
                "FROM generate_series(1, %s) AS n",
                (number, RELEASE, rows),
            )
            cursor.execute("SELECT ops.attach_facts_partition('emission', %s)", (number,))
            cursor.execute(
                "INSERT INTO mart_data.region_overview "
                "(publication_id, region_code, is_member, last_year, release_id) "
                "SELECT %s, region_code, false, 2024, %s FROM core.dim_region",
                (number, RELEASE),
            )
        return number

    def publish(self, *, rows: int = 1, facts_of: int | None = None) -> int:
        """A publication that is shown, with facts of its own or those of an earlier one."""
        number = self.build(rows=rows)
        with self.conn, self.conn.cursor() as cursor:
            cursor.execute("SELECT publication_id FROM mart.current_publication")
            values = {
                "publication_id": number,
                "previous_publication_id": cursor.fetchone()[0],
                "fact": "emission",
                "facts_id": facts_of or number,
                "causes": "[]",
                "as_of_date": date(2026, 5, 8),
                "origin": "synthetic",
            }
            for name in ("insert_publication_facts", "close_publication", "switch_publication"):
                cursor.execute(load_sql(f"write/{name}.sql"), values)
        return number

    def ask(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        """An answer to the bootstrap role."""
        with closing(psycopg2.connect(self.warehouse.admin_dsn)) as admin, admin, admin.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def age(self, days: float) -> None:
        """Everything so far happened so many days earlier."""
        self.ask(
            "UPDATE ops.publication SET published_at = published_at - make_interval(secs => 86400 * %(d)s), "
            "created_at = created_at - make_interval(secs => 86400 * %(d)s)",
            {"d": days},
        )

    def partitions(self) -> set[int]:
        found = self.ask("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", (
            "mart_data.emission",
        ))  # fmt: skip
        return {int(name.rpartition("_p")[2]) for (name,) in found}

    def with_results(self) -> set[int]:
        found = self.ask("SELECT DISTINCT publication_id FROM mart_data.region_overview")
        return {number for (number,) in found}

    def marked(self) -> set[int]:
        found = self.ask("SELECT publication_id FROM ops.publication WHERE dropped_at IS NOT NULL")
        return {number for (number,) in found}


@pytest.fixture
def shelf(warehouse: Warehouse) -> Iterator[Shelf]:
    opened = Shelf(warehouse)
    yield opened
    opened.conn.close()


def drop(shelf: Shelf, keep: Keep = KEEP) -> tuple[int, ...]:
    dropped, _ = drop_old_publications(shelf.conn, keep, NOW)
    return dropped


class TestWhichGo:
    def test_the_current_one_and_the_newest_stay_the_others_go_and_are_remembered(self, shelf: Shelf) -> None:
        numbers = [shelf.publish() for _ in range(6)]
        shelf.age(40)
        shown = [shelf.ask(f"SELECT * FROM mart.{mart}") for mart in ("emission", "region_overview")]
        dropped, rows = drop_old_publications(shelf.conn, KEEP, NOW)
        assert dropped == tuple(numbers[:3])
        assert rows == 3 * 312
        assert drop_unused_facts(shelf.conn, patience=0) == (3, 0)
        assert shelf.partitions() == shelf.with_results() == set(numbers[3:])
        assert shelf.marked() == set(numbers[:3])
        assert len(shelf.ask("SELECT * FROM ops.publication")) == 6
        assert [len(rows) for rows in shown] == [1, 312]
        assert [shelf.ask(f"SELECT * FROM mart.{mart}") for mart in ("emission", "region_overview")] == shown

    def test_done_again_there_is_nothing_to_do(self, shelf: Shelf) -> None:
        for _ in range(5):
            shelf.publish()
        shelf.age(40)
        assert drop(shelf)
        drop_unused_facts(shelf.conn)
        assert drop(shelf) == ()
        assert drop_unused_facts(shelf.conn) == (0, 0)

    def test_one_shown_lately_stays_though_it_was_published_long_ago(self, shelf: Shelf) -> None:
        first = [shelf.publish() for _ in range(2)]
        shelf.age(400)
        for _ in range(4):
            shelf.publish()
        shelf.age(10)
        assert drop(shelf) == (first[0],), "the second was shown until ten days ago"
        shelf.age(25)
        assert drop(shelf) == (first[1], first[1] + 1)

    def test_facts_that_a_kept_publication_shares_stay(self, shelf: Shelf) -> None:
        first, second = shelf.publish(), shelf.publish()
        later = [shelf.publish(facts_of=first) for _ in range(3)]
        shelf.age(40)
        assert drop(shelf) == (first, second)
        drop_unused_facts(shelf.conn)
        assert first in shelf.partitions()
        assert second not in shelf.partitions()
        assert shelf.ask("SELECT DISTINCT publication_id FROM mart.emission") == [(later[-1],)]

    @pytest.mark.parametrize("state", ["pending", "sending", "failed"])
    def test_one_that_a_mail_still_speaks_of_stays(self, shelf: Shelf, state: str) -> None:
        numbers = [shelf.publish() for _ in range(5)]
        shelf.age(40)
        shelf.ask(
            "INSERT INTO ops.mail_outbox (kind, publication_id, as_of_date, recipient, state) "
            "VALUES ('digest', %s, '2026-05-08', 'list@example.org', %s)",
            (numbers[0], state),
        )
        assert drop(shelf) == (numbers[1],)
        shelf.ask("UPDATE ops.mail_outbox SET state = 'sent'")
        assert drop(shelf) == (numbers[0],)

    def test_one_that_was_never_finished_goes_when_its_builder_is_long_gone(self, shelf: Shelf) -> None:
        shelf.publish()
        left = shelf.build()
        assert drop(shelf) == ()
        assert drop_unused_facts(shelf.conn, patience=0) == (0, 0), "somebody may be building it"
        shelf.age(40)
        current = shelf.publish()
        assert drop(shelf, Keep(publications=2)) == (left,)
        drop_unused_facts(shelf.conn)
        assert shelf.partitions() == {left - 1, current}

    def test_while_a_publisher_is_at_work_nothing_goes(self, shelf: Shelf) -> None:
        numbers = [shelf.publish() for _ in range(5)]
        shelf.age(40)
        with closing(connect(shelf.warehouse.loader_dsn)) as publisher, publisher.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('klimatpuls publish'))")
            assert drop(shelf) == ()
            # Not by closing the connection: the server lets go a moment after that.
            cursor.execute("SELECT pg_advisory_unlock(hashtext('klimatpuls publish'))")
        assert drop(shelf) == tuple(numbers[:2])

    def test_one_killed_half_way_is_finished_by_the_next(self, shelf: Shelf) -> None:
        numbers = [shelf.publish() for _ in range(5)]
        shelf.age(40)
        drop(shelf)  # killed before the tables of facts were dropped
        assert shelf.partitions() == set(numbers)
        assert drop_unused_facts(shelf.conn) == (2, 0)

    def test_a_result_table_that_comes_later_is_tidied_too(self, shelf: Shelf) -> None:
        shelf.ask(
            "SET ROLE wh_owner; CREATE TABLE mart_data.later (publication_id bigint, x int);"
            "INSERT INTO mart_data.later SELECT n, n FROM generate_series(1, 5) AS n"
        )
        numbers = [shelf.publish() for _ in range(5)]
        shelf.age(40)
        drop(shelf)
        assert {n for (n,) in shelf.ask("SELECT publication_id FROM mart_data.later")} == set(numbers[2:])


class TestWhateverIsAskedFor:
    """The function itself keeps what must be kept: the loader cannot ask it away."""

    @pytest.mark.parametrize("which", [-1, -2, 0, 99], ids=["current", "the one before", "young", "none"])
    def test_it_refuses(self, shelf: Shelf, which: int) -> None:
        numbers = [shelf.publish() for _ in range(4)]
        if which == 99:
            numbers.append(99)
            which = -1
        elif which:
            shelf.age(400)
        with (
            pytest.raises(psycopg2.errors.RaiseException, match="is kept"),
            shelf.conn,
            shelf.conn.cursor() as c,
        ):
            c.execute("SELECT ops.drop_old_publication(%s, 0, 'infinity')", (numbers[which],))
        assert shelf.marked() == set()

    def test_it_refuses_facts_that_are_shown(self, shelf: Shelf) -> None:
        number = shelf.publish()
        with pytest.raises(psycopg2.errors.RaiseException, match="part of a publication"), shelf.conn:
            shelf.conn.cursor().execute("SELECT ops.drop_facts_partition('emission', %s)", (number,))
        with pytest.raises(psycopg2.errors.RaiseException, match="no fact"), shelf.conn:
            shelf.conn.cursor().execute("SELECT ops.drop_facts_partition('region_overview', 1)")

    @pytest.mark.parametrize(
        "call",
        [
            "ops.drop_old_publication(1, 5, now())",
            "ops.drop_facts_partition('emission', 1)",
            "ops.publications_to_drop(5, now())",
        ],
    )
    @pytest.mark.parametrize("role", ["bi_dsn", "mailer_dsn"])
    def test_no_other_role_may_call_it(self, warehouse: Warehouse, role: str, call: str) -> None:
        with (
            closing(connect(getattr(warehouse, role))) as conn,
            conn.cursor() as cursor,
            pytest.raises(psycopg2.errors.InsufficientPrivilege),
        ):
            cursor.execute(f"SELECT {call}")


class _Readers:
    """New readers, one after another, that would rather fail than wait for a lock."""

    QUERIES = ("SELECT count(*), sum(emissions_tco2e), min(publication_id) FROM mart.emission",
               "SELECT count(*), max(last_year), min(publication_id) FROM mart.region_overview")  # fmt: skip

    def __init__(self, dsn: str, count: int = 2) -> None:
        self.errors: list[str] = []
        self.answers: set[tuple[Any, ...]] = set()
        self.seconds: list[float] = []
        self._dsn = dsn
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read) for _ in range(count)]

    def _read(self) -> None:
        try:
            with closing(connect(self._dsn)) as conn:
                with conn.cursor() as cursor:
                    cursor.execute("SELECT set_config('lock_timeout', %s, false)", (f"{LONGEST_WAIT_MS}ms",))
                conn.commit()
                while not self._stop.is_set():
                    begun = time.monotonic()
                    with conn, conn.cursor() as cursor:
                        for query in self.QUERIES:
                            cursor.execute(query)
                            self.answers.add(cursor.fetchone())
                    self.seconds.append(time.monotonic() - begun)
                    time.sleep(0.01)
        except psycopg2.Error as error:
            self.errors.append(str(error))

    def __enter__(self) -> _Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_no_reader_notices(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    """A reader in a long transaction, and new ones all the time, while eight publications go."""
    numbers = [shelf.publish(rows=20_000) for _ in range(10)]
    shelf.age(40)
    keep = Keep(publications=2, publication_days=30)
    with closing(connect(shelf.warehouse.bi_dsn)) as long_reader:
        long_reader.set_session(isolation_level="REPEATABLE READ", readonly=True)
        cursor = long_reader.cursor()

        def read() -> list[Any]:
            found = []
            for query in _Readers.QUERIES:
                cursor.execute(query)
                found.append(cursor.fetchone())
            return found

        first = read()
        with _Readers(shelf.warehouse.bi_dsn) as readers:
            time.sleep(0.3)
            dropped, _ = drop_old_publications(shelf.conn, keep, NOW)
            assert dropped == tuple(numbers[:8])
            assert read() == first
            # It holds a lock on every table of facts, so none can go; nobody waits for that.
            assert drop_unused_facts(shelf.conn, patience=1.0) == (0, 8)
            assert read() == first
            long_reader.commit()
            assert drop_unused_facts(shelf.conn, patience=60.0) == (8, 0)
            time.sleep(0.2)
    assert readers.errors == []
    assert len(readers.seconds) > 10
    assert readers.answers == set(first), "one publication, whole, all the time"
    assert shelf.partitions() == set(numbers[8:])
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(readers.seconds)} reads beside a drop of 8 publications: none waited {LONGEST_WAIT_MS} "
            f"ms for a lock; slowest {max(readers.seconds) * 1000:.0f} ms\n"
        )


class TestFiles:
    @pytest.fixture
    def context(self, tmp_path: Path) -> RunContext:
        return RunContext(home=tmp_path, origin="synthetic", as_of=date(2026, 5, 8), now=NOW)

    def _write(self, path: Path, *, days: float) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
        then = (NOW - timedelta(days=days)).timestamp()
        for one in (path, *path.parents[:3]):
            os.utime(one, (then, then))
        return path

    def test_logs_pages_and_drafts_go_and_kept_bytes_never(self, shelf: Shelf, context: RunContext) -> None:
        logs = context.home / "airflow" / "logs"
        gone = [
            self._write(logs / "dag_id=a/run_id=1/task_id=x/attempt=1.log", days=61),
            self._write(context.home / "logs" / "replica.log", days=100),
            self._write(context.data_docs / "run-7" / "index.html", days=401),
            self._write(context.snapshots / "objects/ab/.draft-1", days=2),
            self._write(context.home / ".export.99.partial" / "csv" / "emission.csv", days=2),
        ]
        stay = [
            self._write(logs / "dag_id=a/run_id=2/task_id=x/attempt=1.log", days=59),
            self._write(context.data_docs / "run-8" / "index.html", days=399),
            self._write(context.data_docs / "notes" / "index.html", days=4000),
            self._write(context.snapshots / "objects/ab/abcd", days=4000),
            self._write(context.snapshots / "objects/ab/.draft-2", days=0.1),
            self._write(context.snapshots / "manifests/smhi/x/y/1.json", days=4000),
            self._write(context.reports / "abc.html", days=4000),
        ]
        folders = [logs, context.home / "logs", context.home / "none"]
        done = clean_up(shelf.conn, context, Keep(), folders)
        assert (done.logs, done.pages, done.drafts) == (2, 1, 2)
        assert [path for path in gone if path.exists()] == []
        assert [path for path in stay if not path.exists()] == []
        assert not (logs / "dag_id=a/run_id=1").exists(), "its folder was as old and is empty"
        again = clean_up(shelf.conn, context, Keep(), folders)
        assert (again.logs, again.pages, again.drafts) == (0, 0, 0)

    def test_refused_cells_and_pages_stay_while_somebody_needs_them(
        self, shelf: Shelf, context: RunContext
    ) -> None:
        shelf.ask(
            """
            INSERT INTO ops.source_run (source, origin, as_of_date, state, ended_at)
            SELECT 'smhi_emissions', 'synthetic', '2026-05-08', 'validated', now() - interval '401 days'
            FROM generate_series(1, 3);
            INSERT INTO staging.rejected_cell
            SELECT run_id, 'a', 'smhi_emissions', 'ghg', 1, 'x', 'y', 'z' FROM ops.source_run;
            INSERT INTO core.dim_release (
                release_id, source, dataset, substance, unit, published_date, known_from, retrieved_at,
                content_sha256, file_sha256, years, row_count, rejected_count, origin, state, run_id
            )
            SELECT state, 'smhi_emissions', 'smhi_emissions', 'ghg', 't', '2026-05-07', '2026-05-07', now(),
                repeat(run_id::text, 64), repeat('0', 64), '{2024}', 1, 1, 'synthetic', state, run_id
            FROM (VALUES (1, 'held'), (2, 'published'), (3, 'quarantined')) AS s (run_id, state);
            """
        )
        for run in (1, 2, 3):
            self._write(context.data_docs / f"run-{run}" / "index.html", days=500)
        number = shelf.publish()
        shelf.ask("INSERT INTO ops.publication_release VALUES (%s, 'published', true)", (number,))
        done = clean_up(shelf.conn, context, Keep(), [])
        assert (done.cells, done.pages) == (2, 1)
        assert shelf.ask("SELECT run_id FROM staging.rejected_cell") == [(1,)]
        assert {path.name for path in context.data_docs.iterdir()} == {"run-1", "run-2"}
        assert len(shelf.ask("SELECT 1 FROM core.dim_release")) == 3


class TestSettings:
    def test_what_is_not_said_is_the_default(self) -> None:
        assert Keep.from_environ({}) == Keep.from_environ({"KLIMATPULS_KEEP": " "}) == Keep()
        said = {"KLIMATPULS_KEEP": "publications=10, log_days=14"}
        assert Keep.from_environ(said) == Keep(publications=10, log_days=14)

    @pytest.mark.parametrize("said", ["publications=1", "log_days=0", "log_days", "logs=3", "page_days=-1"])
    def test_what_cannot_be_meant_is_refused(self, said: str) -> None:
        with pytest.raises(UsageError, match=r"publications \(at least 2\)"):
            Keep.from_environ({"KLIMATPULS_KEEP": said})
