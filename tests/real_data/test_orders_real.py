"""The four real releases in every order: the same warehouse, and what was known when."""

from __future__ import annotations

import itertools
import shutil
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.contract.releases import Fetched
from klimatpuls.pipeline import load, publish, snapshot, sync_registers
from klimatpuls.pipeline.approval import decide_release
from klimatpuls.pipeline.context import RunContext
from klimatpuls.sources import smhi_emissions
from klimatpuls.validation import record
from klimatpuls.validation.run import validate_run
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect
from klimatpuls.warehouse.digest import digest_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from conftest import Warehouse
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.validation.gates import ReleaseVerdict

SMHI_EMISSIONS = SOURCES["smhi_emissions"]
pytestmark = [pytest.mark.real_data, pytest.mark.postgres, pytest.mark.timeout(1200)]

AS_OF = date(2026, 5, 8)
BOOKS = (
    ("ghg", "GGT_edition_2021-10-14.xlsx"),
    ("co2", "CO2_edition_2024-04-18.xlsx"),
    ("ghg", "GGT_edition_2025.xlsx"),
    ("ghg", "GGT_edition_2026a.xlsx"),
)
ORDERS = tuple(itertools.permutations(range(len(BOOKS))))


@dataclass
class Harness:
    """A warehouse that workbooks are brought to by hand."""

    warehouse: Warehouse
    conn: PgConnection
    context: RunContext
    real_data: Path

    def take(self, number: int, verdict: ReleaseVerdict | None = None) -> ReleaseVerdict:
        """Load a workbook and bring it to its verdict: a measured one, or one measured before."""
        substance, name = BOOKS[number]
        body = (self.real_data / "smhi" / name).read_bytes()
        fetched = Fetched(
            source=SMHI_EMISSIONS.id,
            dataset="smhi_emissions",
            substance=substance,
            url=f"file:{name}",
            parts=(body,),
            known_from=smhi_emissions.parse([body], "smhi_emissions", substance).published_date,
        )
        with self.conn:
            run = runs.start_run(
                self.conn, source=SMHI_EMISSIONS.id, origin="archive", as_of=AS_OF, orchestrator_run=None
            )
        snapshot._enter(
            self.conn, SMHI_EMISSIONS, snapshot._put(SMHI_EMISSIONS, fetched, self.context), run.run_id
        )
        load.load_run(self.conn, SMHI_EMISSIONS, run.run_id, self.context)
        if verdict is None:
            (measured,) = validate_run(
                self.warehouse.loader_dsn,
                run.run_id,
                source=SMHI_EMISSIONS,
                origin="archive",
                docs_root=self.context.data_docs,
            )
        else:
            measured = replace(verdict, run_id=run.run_id)
        with self.conn:
            record.record_verdicts(self.conn, [measured])
            runs.set_run_state(self.conn, run.run_id, "validated", "by hand")
        return measured

    def publish(self) -> None:
        assert publish.publish_validated(self.conn, self.context, None) is not None

    def digest(self) -> dict[str, str]:
        """The digest of every fact and mart, of which the warehouse's is made: a difference has a name."""
        with self.conn, self.conn.cursor() as cursor:
            return digest_parts(cursor)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with self.conn, self.conn.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()


@pytest.fixture(scope="module")
def build_harness(
    new_warehouse: Callable[[], Warehouse],
    drop_warehouse: Callable[[Warehouse], None],
    real_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[], AbstractContextManager[Harness]]:
    """Opens harnesses that are gone with their warehouse afterwards: thirty of them would fill a disk."""

    @contextmanager
    def build() -> Iterator[Harness]:
        warehouse, home = new_warehouse(), tmp_path_factory.mktemp("home")
        now = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 9, tzinfo=UTC)
        context = RunContext(home=home, origin="archive", as_of=AS_OF, now=now)
        with closing(connect(warehouse.loader_dsn)) as conn:
            sync_registers.sync_registers(conn)
            yield Harness(warehouse, conn, context, real_data)
        drop_warehouse(warehouse)
        shutil.rmtree(home)

    return build


@pytest.fixture
def open_harness(
    build_harness: Callable[[], AbstractContextManager[Harness]],
) -> Iterator[Callable[[], Harness]]:
    """Opens harnesses for one test."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(build_harness())


@pytest.fixture(scope="module")
def in_order(
    build_harness: Callable[[], AbstractContextManager[Harness]],
) -> Iterator[tuple[Harness, dict[str, str]]]:
    """All four, oldest first, each validated and published before the next; the digest."""
    with build_harness() as harness:
        for number in range(len(BOOKS)):
            harness.take(number)
            harness.publish()
        yield harness, harness.digest()


@pytest.fixture(scope="module")
def alone(build_harness: Callable[[], AbstractContextManager[Harness]]) -> Sequence[ReleaseVerdict]:
    """The verdict on each release where nothing else is held: what it says of itself."""

    def evaluate(number: int) -> ReleaseVerdict:
        with build_harness() as harness:
            return harness.take(number)

    return [evaluate(number) for number in range(len(BOOKS))]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "".join(map(str, order)))
def test_every_order_gives_the_same_warehouse(
    open_harness: Callable[[], Harness],
    in_order: tuple[Harness, dict[str, str]],
    alone: Sequence[ReleaseVerdict],
    order: tuple[int, ...],
) -> None:
    harness = open_harness()
    for number in order:
        harness.take(number, alone[number])
    harness.publish()
    _, expected = in_order
    assert harness.digest() == expected


def test_loading_an_older_release_never_moves_current_and_loading_twice_is_loading_once(
    open_harness: Callable[[], Harness],
    in_order: tuple[Harness, dict[str, str]],
    alone: Sequence[ReleaseVerdict],
) -> None:
    harness = open_harness()
    newest: dict[str, int] = {}
    for number in (3, 1, 0, 2):
        harness.take(number, alone[number])
        harness.publish()
        substance = BOOKS[number][0]
        newest[substance] = max(newest.get(substance, 0), number)
        shown = harness.ask("SELECT substance, published_date FROM mart.release WHERE is_current ORDER BY 1")
        assert dict(shown) == {name: alone[held].published_date for name, held in newest.items()}
    assert harness.digest() == in_order[1]
    for number in range(len(BOOKS)):
        with pytest.raises(ValueError, match="not enough values"):
            harness.take(number)
    assert publish.publish_validated(harness.conn, harness.context, None) is None
    assert harness.digest() == in_order[1]


def test_backwards_through_great_expectations_it_is_the_same(
    open_harness: Callable[[], Harness], in_order: tuple[Harness, dict[str, str]]
) -> None:
    harness = open_harness()
    for number in reversed(range(len(BOOKS))):
        harness.take(number)
        harness.publish()
    assert harness.digest() == in_order[1]


def test_two_corrections_of_one_day_come_to_what_a_person_says_both_ways(
    open_harness: Callable[[], Harness], alone: Sequence[ReleaseVerdict]
) -> None:
    """The fourth corrects the third, whichever of them came first and is published without a question."""
    digests = []
    for order in ((2, 3), (3, 2)):
        harness = open_harness()
        for number in order:
            harness.take(number, alone[number])
        admin = connect(harness.warehouse.admin_dsn)
        with closing(admin), admin, admin.cursor() as cursor:
            # As if both had come out on one day, and both been known from it.
            cursor.execute("UPDATE core.dim_release SET published_date = %s, known_from = %s", (AS_OF, AS_OF))
            held = alone[order[1]].release_id
            cursor.execute("UPDATE core.dim_release SET state = 'held' WHERE release_id = %s", (held,))
        decide_release(
            harness.conn,
            held,
            action="approve",
            decided_by="operator",
            reason="the agency said so",
            now=harness.context.now,
            is_older=order[1] == 2,
        )
        harness.publish()
        digests.append(harness.digest())
        corrected = harness.ask("SELECT release_id, corrects FROM mart.release WHERE corrects IS NOT NULL")
        assert corrected == [(alone[3].release_id, alone[2].release_id)]
    assert digests[0] == digests[1]


def test_tierp_1990_as_it_was_known(in_order: tuple[Harness, dict[str, str]]) -> None:
    harness, _ = in_order
    known = {
        day: harness.ask(
            f"SELECT round(emissions_tco2e)::int, status FROM mart.emission_as_of('{day}', 'ghg') "
            "WHERE region_code = '0360' AND sector_code = 'all' AND year = 1990"
        )
        for day in ("2021-10-13", "2021-12-31", "2025-12-31", "2026-05-31")
    }
    assert known == {
        "2021-10-13": [],
        "2021-12-31": [(209_502, "observed")],
        "2025-12-31": [(210_185, "observed")],
        "2026-05-31": [(217_923, "observed")],
    }


def test_the_years_that_vanished_in_2026_are_told_from_the_release_of_2025(
    in_order: tuple[Harness, dict[str, str]],
) -> None:
    harness, _ = in_order
    rows = harness.ask(
        "SELECT year, status, release_id FROM mart.emission_as_of('2026-11-28', 'ghg') "
        "WHERE region_code = '0360' AND sector_code = 'all' AND year BETWEEN 2015 AND 2020 ORDER BY year"
    )
    assert [(year, status) for year, status, _ in rows] == [
        (2015, "observed"),
        *((year, "no_longer_published") for year in range(2016, 2020)),
        (2020, "observed"),
    ]
    assert {release_id.split("-", 2)[2][:10] for _, status, release_id in rows if status != "observed"} == {
        "2025-06-18"
    }
    summary = harness.ask(
        "SELECT vanished_years, appeared_years, round(cells_changed_pct) FROM mart.revision_summary "
        "WHERE is_current AND substance = 'ghg'"
    )
    assert summary[0][0] == [2016, 2017, 2018, 2019]
    assert summary[0][1] == [2024]
    assert summary[0][2] == 75.0, "74.9 % of the cells that both have"
    ((old, new),) = harness.ask(
        "SELECT round(old_emissions_tco2e)::int, round(new_emissions_tco2e)::int FROM mart.revision "
        "WHERE is_current AND substance = 'ghg' AND boundary = 'published_total' AND region_code = '0360' "
        "AND sector_code = 'all' AND year = 1990"
    )
    assert (old, new) == (210_185, 217_923)


def test_without_the_release_of_2026_every_mart_is_that_of_2025(
    open_harness: Callable[[], Harness],
    in_order: tuple[Harness, dict[str, str]],
    alone: Sequence[ReleaseVerdict],
) -> None:
    harness, with_it = in_order
    before = open_harness()
    for number in range(3):
        before.take(number, alone[number])
    before.publish()
    newest = alone[3].release_id
    for action, expected in (("withdraw", before.digest()), ("restore", with_it)):
        decide_release(
            harness.conn,
            newest,
            action=action,
            decided_by="operator",
            reason="a rehearsal",
            now=harness.context.now,
        )
        harness.publish()
        assert harness.digest() == expected
