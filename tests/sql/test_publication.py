"""Publishing on a few small releases: what becomes current, why, who is notified, and what a crash leaves."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any

import pandas as pd
import psycopg2
import pytest
from support.loading import load_facts

from klimatpuls.contract.causes import NationRevision, RegisterCause, StandingCause, cause_from_json
from klimatpuls.contract.releases import Parsed, content_sha256, release_id
from klimatpuls.domain.method_version import METHOD_VERSION
from klimatpuls.errors import WrongHomeError
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.pipeline import publish as publish_hop
from klimatpuls.pipeline import sync_registers, watch
from klimatpuls.statistics.standing import STATUS_COLUMNS
from klimatpuls.statistics.steps import Result
from klimatpuls.warehouse import publication, runs
from klimatpuls.warehouse.connection import connect, load_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from conftest import Warehouse
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.statistics.results import ResultInputs

pytestmark = pytest.mark.postgres

AS_OF = date(2026, 5, 8)
OTHER = "andra@example.org"
LIST = "list@example.org"
TIERP, UPPSALA, NATION = "0360", "0380", "00"
EMISSIONS, POPULATION, SUCCESSOR = "smhi_emissions", "scb_population", "scb_population_ckm"
FALL_BACK = "scb_population_density"
_files = count(1)


def no_results(_: ResultInputs) -> dict[str, pd.DataFrame]:
    return {}


@dataclass
class Harness:
    """A warehouse with a hand for releases that have passed their gates."""

    warehouse: Warehouse
    conn: PgConnection = field(init=False)

    def __post_init__(self) -> None:
        self.conn = connect(self.warehouse.loader_dsn)

    def start(self, source: str = EMISSIONS, orchestrator_run: str | None = None) -> int:
        with self.conn:
            return runs.start_run(
                self.conn,
                source=source,
                origin="synthetic",
                as_of=AS_OF,
                orchestrator_run=orchestrator_run,
            ).run_id

    def add(self, parsed: Parsed, *, origin: str = "synthetic", known_from: date | None = None) -> str:
        """Load a release and let it pass; returns its id."""
        name, run_id = release_id(parsed), self.start()
        values = {
            "release_id": name,
            "source": parsed.dataset,
            "dataset": parsed.dataset,
            "substance": parsed.substance or "all",
            "unit": parsed.unit,
            "gwp_set": None,
            "published_date": parsed.published_date,
            "known_from": known_from or parsed.published_date,
            "retrieved_at": "2026-05-08T08:00:00Z",
            "content_sha256": content_sha256(parsed),
            "file_sha256": f"{next(_files):064x}",
            "years": list(parsed.years),
            "row_count": len(parsed.rows),
            "rejected_count": 0,
            "notes": [],
            "origin": origin,
            "run_id": run_id,
        }
        with self.conn, self.conn.cursor() as cursor:
            load_facts(self.conn, run_id, [(name, parsed)])
            cursor.execute(load_sql("write/insert_release.sql"), values)
            cursor.execute("UPDATE core.dim_release SET state = 'validated' WHERE release_id = %s", (name,))
            runs.set_run_state(self.conn, run_id, "validated", "passed")
        return name

    def publish(
        self,
        *,
        as_of: date = AS_OF,
        compute: Callable[[ResultInputs], Mapping[str, pd.DataFrame]] = no_results,
        list_address: str | Sequence[str] | None = LIST,
        always_ask: bool = False,
    ) -> publication.Published | None:
        return publication.publish(
            self.conn,
            as_of=as_of,
            compute=lambda inputs: (
                Result(table, frozenset(), frame) for table, frame in compute(inputs).items()
            ),
            list_address=list_address,
            always_ask=always_ask,
        )

    def must_publish(self, **options: Any) -> publication.Published:
        made = self.publish(**options)
        assert made is not None
        return made

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """An answer to the bootstrap role, on a connection of its own."""
        with (
            closing(psycopg2.connect(self.warehouse.admin_dsn)) as admin,
            admin,
            admin.cursor() as cursor,
        ):
            cursor.execute(query)
            return cursor.fetchall() if cursor.description else []

    def current(self, substance: str = "ghg") -> str:
        query = f"SELECT release_id FROM mart.release WHERE is_current AND substance = '{substance}'"
        ((name,),) = self.ask(query)
        return str(name)


@pytest.fixture
def harness(warehouse: Warehouse) -> Iterator[Harness]:
    opened = Harness(warehouse)
    yield opened
    opened.conn.close()


def emissions(
    totals: Mapping[str, Mapping[int, float]], *, day: str = "2026-05-07", substance: str = "ghg"
) -> Parsed:
    """A release of totals only: region → year → tonnes."""
    rows = pd.DataFrame(
        [(region, "all", year, value) for region, own in totals.items() for year, value in own.items()],
        columns=["region_code", "sector_code", "year", "emissions"],
    )
    return parsed(rows.assign(sheet_row=range(8, 8 + len(rows))), EMISSIONS, substance, day)


def people(counts: Mapping[int, int], *, dataset: str = POPULATION, day: str = "2026-02-22") -> Parsed:
    rows = pd.DataFrame(
        [(TIERP, year, own) for year, own in counts.items()],
        columns=["region_code", "year", "population_count"],
    )
    return parsed(rows.assign(sheet_row=range(len(rows))), dataset, None, day)


def parsed(rows: pd.DataFrame, dataset: str, substance: str | None, day: str) -> Parsed:
    return Parsed(
        dataset=dataset,
        substance=substance,
        unit="ton/år",
        published_date=date.fromisoformat(day),
        years=tuple(sorted(set(rows["year"].tolist()))),
        rows=rows,
        rejects=pd.DataFrame(columns=["sheet_row", "column_name", "raw_value", "reason"]),
        rows_read=len(rows),
    )


FIRST = {NATION: {1990: 900.0, 2023: 500.0}, TIERP: {1990: 100.0, 2023: 60.0}, UPPSALA: {1990: 0, 2023: 9.0}}
SECOND = {NATION: {1990: 910.0, 2024: 450.0}, TIERP: {1990: 106.0, 2024: 55.0}, UPPSALA: {1990: 1, 2024: 8.0}}


class TestWhatIsShown:
    def test_nothing_loaded_is_nothing_to_publish(self, harness: Harness) -> None:
        sync_registers.sync_registers(harness.conn)
        assert harness.publish() is None
        assert harness.ask("SELECT publication_id, origin FROM mart.current_publication") == [(0, None)]

    def test_the_marts_say_what_core_holds_to_the_last_digit(self, harness: Harness) -> None:
        exact = {TIERP: {1990: 0.1, 2024: 123456.789012345}}
        name = harness.add(emissions(exact))
        made = harness.must_publish()
        assert made.rows["emission"] == 2
        row = (
            "SELECT region_name, level, county_code, year, sector_code, sector_name_en, substance, "
            "emissions_tco2e, status, release_id, publication_id FROM mart.{} ORDER BY year"
        )
        for mart in ("emission", "emission_by_release"):
            assert harness.ask(row.format(mart)) == [
                (
                    "Tierp",
                    "municipality",
                    "03",
                    year,
                    "all",
                    "All sectors",
                    "ghg",
                    value,
                    "observed",
                    name,
                    made.publication_id,
                )
                for year, value in exact[TIERP].items()
            ]

    def test_a_validated_release_is_not_seen_before_its_publication(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        harness.must_publish()
        before = harness.ask("SELECT * FROM mart.emission ORDER BY region_code, year")
        harness.add(emissions(SECOND, day="2026-05-08"))
        assert harness.ask("SELECT * FROM mart.emission ORDER BY region_code, year") == before
        assert harness.ask("SELECT count(DISTINCT release_id) FROM mart.emission_by_release") == [(1,)]

    def test_an_older_release_that_comes_late_is_kept_but_not_current(self, harness: Harness) -> None:
        newest = harness.add(emissions(SECOND))
        harness.must_publish()
        oldest = harness.add(emissions(FIRST, day="2025-05-07"))
        late = harness.must_publish(as_of=date(2026, 5, 9))
        assert harness.current() == newest
        assert late.release_ids == (oldest,)
        assert not late.digest_queued
        assert "emission" not in late.rows, "facts that are as they were are not written again"
        assert harness.ask("SELECT DISTINCT release_id FROM mart.emission") == [(newest,)]
        assert harness.ask("SELECT count(DISTINCT release_id) FROM mart.emission_by_release") == [(2,)]

    def test_of_one_date_the_one_known_last_is_current(self, harness: Harness) -> None:
        later = harness.add(emissions(SECOND), known_from=date(2026, 5, 20))
        harness.add(emissions(FIRST), known_from=date(2026, 5, 10))
        harness.must_publish()
        assert harness.current() == later

    def test_a_year_in_two_population_datasets_is_taken_from_the_later_release(
        self, harness: Harness
    ) -> None:
        harness.add(people({2023: 10, 2024: 20}))
        successor = harness.add(people({2024: 21, 2025: 30}, dataset=SUCCESSOR, day="2026-03-01"))
        harness.must_publish()
        counts = harness.ask("SELECT year, population_count FROM mart.population ORDER BY year")
        assert counts == [(2023, 10), (2024, 21), (2025, 30)]
        from_successor = harness.ask(f"SELECT year FROM mart.population WHERE release_id = '{successor}'")
        assert sorted(from_successor) == [(2024,), (2025,)]

    def test_the_fall_back_shows_only_what_no_other_dataset_has(self, harness: Harness) -> None:
        harness.add(people({2024: 20}))
        fall_back = harness.add(people({2023: 9, 2024: 19, 2025: 29}, dataset=FALL_BACK, day="2026-04-01"))
        harness.must_publish()
        shown = "SELECT year, population_count FROM mart.population ORDER BY year"
        assert harness.ask(shown) == [(2023, 9), (2024, 20), (2025, 29)]
        from_it = harness.ask(
            f"SELECT year FROM mart.population WHERE release_id = '{fall_back}' ORDER BY year"
        )
        assert from_it == [(2023,), (2025,)]
        known = "SELECT year, population_count FROM mart.population_as_of('2026-04-02') ORDER BY year"
        assert harness.ask(known) == [(2023, 9), (2024, 20), (2025, 29)]

        harness.add(people({2025: 30}, dataset=SUCCESSOR, day="2026-03-01"))
        harness.must_publish()
        assert harness.ask(shown) == [(2023, 9), (2024, 20), (2025, 30)], (
            "earlier than the fall-back, yet shown"
        )
        assert harness.ask(known) == [(2023, 9), (2024, 20), (2025, 30)]

    def test_unchanged_population_is_shared_between_publications(self, harness: Harness) -> None:
        harness.add(people({2024: 20}))
        harness.add(emissions(FIRST))
        first = harness.must_publish()
        harness.add(emissions(SECOND, day="2026-05-08"))
        second = harness.must_publish(as_of=date(2026, 5, 9))
        assert "population" in first.rows
        assert "population" not in second.rows
        assert harness.ask("SELECT year, population_count FROM mart.population") == [(2024, 20)]

    def test_the_formulas_get_the_current_release_and_those_before_it(
        self, harness: Harness, tmp_path: Path
    ) -> None:
        given: list[ResultInputs] = []

        def remember(inputs: ResultInputs) -> dict[str, pd.DataFrame]:
            given.append(inputs)
            return {}

        folder = shutil.copytree(REGISTERS_FOLDER, tmp_path / "registers")
        for name, row in (
            ("own_series.csv", "egna,0360,Egen,Own,2024,1100,tCO2e,bokslut,bränslen"),
            ("sector_lists.csv", "avfall,Avfall,Waste,waste"),
            ("municipality_groups.csv", "0360,B4,Pendling,Commuting,2023-01-01,,SKR"),
        ):
            with (folder / name).open("a", encoding="utf-8") as file:
                file.write(f"{row}\n")
        sync_registers.sync_registers(harness.conn, folder)
        second = harness.add(emissions(SECOND))
        first = harness.add(emissions(FIRST, day="2025-05-07"))
        harness.add(emissions(FIRST, day="2026-05-08", substance="co2"))
        harness.add(people({2024: 20}))
        harness.must_publish(compute=remember)
        (inputs,) = given
        assert inputs.as_of == AS_OF
        assert inputs.current[0] == second
        assert [(one.release_id, one.years) for one in inputs.earlier] == [(first, (1990, 2023))]
        facts = inputs.current[1].set_index(["region_code", "year"])["emissions_tco2e"]
        assert facts.loc[(TIERP, 2024)] == 55.0
        assert len(facts) == 6
        assert inputs.population.to_dict("records") == [
            {"region_code": TIERP, "year": 2024, "population_count": 20}
        ]
        flags = set(inputs.members["confirmed"])
        assert flags == {True, False}
        assert all(isinstance(flag, bool) for flag in flags), "truth values, not the text t and f"
        assert inputs.targets
        assert [boundary.code for boundary in inputs.boundaries] == ["sector_list:avfall"]
        assert inputs.own_series is not None
        assert inputs.own_series["boundary"].tolist() == ["own_series:egna"]
        assert inputs.groups == {TIERP: "B4"}
        assert inputs.known_from == {first: date(2025, 5, 7), second: date(2026, 5, 7)}
        assert inputs.national is not None
        assert inputs.national.empty

    def test_the_formulas_get_the_population_forecast(self, harness: Harness) -> None:
        given: list[ResultInputs] = []

        def remember(inputs: ResultInputs) -> dict[str, pd.DataFrame]:
            given.append(inputs)
            return {}

        harness.add(emissions(SECOND))
        harness.add(people({2030: 21}, dataset="scb_population_forecast", day="2026-04-10"))
        harness.must_publish(compute=remember)
        assert given[0].population_forecast == {(TIERP, 2030): 21.0}
        assert given[0].population.empty, "a forecast is no population"

    def test_the_formulas_get_the_nations_sectors_without_its_totals(self, harness: Harness) -> None:
        given: list[ResultInputs] = []

        def remember(inputs: ResultInputs) -> dict[str, pd.DataFrame]:
            given.append(inputs)
            return {}

        harness.add(emissions(SECOND))
        rows = [
            (substance, sector, 2025, value)
            for substance, sector, value in (
                ("ghg", "total", 9.0),
                ("ghg", "total_with_lulucf", 5.0),
                ("ghg", "transport", 4.5),
                ("co2", "transport", 4.0),
            )
        ]
        columns = ["substance", "sector_code", "year", "emissions_tco2e"]
        national = pd.DataFrame(rows, columns=columns).assign(sheet_row=range(4))
        harness.add(parsed(national, "scb_national_emissions", None, "2026-12-15"))
        harness.must_publish(compute=remember)
        assert given[0].national is not None
        assert given[0].national.to_dict("records") == [
            {"sector_code": "transport", "year": 2025, "emissions_tco2e": 4.5}
        ]


class TestCauses:
    def test_a_first_release_says_that_it_is_the_first(self, harness: Harness) -> None:
        name = harness.add(emissions(FIRST))
        (cause,) = harness.must_publish().causes
        assert cause.release_id == name
        assert cause.first
        assert cause.replaces is None
        assert cause.new_years == (1990, 2023)
        assert cause.nation == cause.largest_movers == ()
        assert cause.moved_share_pct is None

    def test_a_successor_says_what_it_changed(self, harness: Harness) -> None:
        first = harness.add(emissions(FIRST))
        harness.must_publish()
        harness.add(emissions(SECOND, day="2026-05-08"))
        (cause,) = harness.must_publish().causes
        assert cause.replaces == first
        assert cause.new_years == (2024,)
        assert cause.vanished_years == (2023,)
        assert cause.nation == (NationRevision(year=1990, old_t=900.0, new_t=910.0, international_t=None),)
        assert [(m.region_name, m.old_t, m.new_t) for m in cause.largest_movers] == [
            ("Tierp", 100.0, 106.0),
            ("Uppsala", 0.0, 1.0),
        ]
        assert cause.moved_share_pct == 100.0, "Uppsala's 0 t is no base to move from"

    def test_what_moved_is_told_without_international_transport(self, harness: Harness) -> None:
        def release(total: float, abroad: float, day: str) -> Parsed:
            rows = [
                (region, sector, 1990, value)
                for region in ("00", TIERP)
                for sector, value in (("all", total), ("international_transport", abroad))
            ]
            frame = pd.DataFrame(rows, columns=["region_code", "sector_code", "year", "emissions"])
            return parsed(frame.assign(sheet_row=range(4)), EMISSIONS, "ghg", day)

        harness.add(release(100.0, 0.0, "2026-05-07"))
        harness.must_publish()
        harness.add(release(137.0, 38.0, "2026-05-08"))
        (cause,) = harness.must_publish().causes
        assert cause.boundary == "territorial"
        assert cause.nation == (NationRevision(year=1990, old_t=100.0, new_t=99.0, international_t=38.0),)
        assert [(m.old_t, m.new_t) for m in cause.largest_movers] == [(100.0, 99.0)]
        assert cause.moved_share_pct == 0.0
        rows = harness.ask(
            "SELECT boundary, sector_code, old_emissions_tco2e, new_emissions_tco2e, movement_rank "
            f"FROM mart.revision WHERE region_code = '{TIERP}' ORDER BY boundary, sector_code"
        )
        assert rows == [
            ("published_total", "all", 100.0, 137.0, 1),
            ("published_total", "international_transport", 0.0, 38.0, 1),
            ("territorial", "all", 100.0, 99.0, 1),
            ("territorial", "international_transport", 0.0, 38.0, 1),
        ]

    @pytest.mark.parametrize(("new", "share"), [(105.0, 0.0), (105.01, 100.0), (94.99, 100.0)])
    def test_a_cell_has_moved_beyond_five_percent(self, harness: Harness, new: float, share: float) -> None:
        harness.add(emissions({TIERP: {1990: 100.0}}))
        harness.must_publish()
        harness.add(emissions({TIERP: {1990: new}}, day="2026-05-08"))
        (cause,) = harness.must_publish().causes
        assert cause.moved_share_pct == share

    def test_the_marts_tell_the_causes(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        made = harness.must_publish()
        ((stored,),) = harness.ask("SELECT causes FROM mart.publication")
        assert tuple(map(cause_from_json, stored)) == made.causes

    def test_greenhouse_gases_come_first(self, harness: Harness) -> None:
        harness.add(emissions(FIRST, substance="co2"))
        harness.add(people({2024: 20}))
        harness.add(emissions(FIRST))
        causes = harness.must_publish().causes
        assert [cause.substance for cause in causes] == ["ghg", "all", "co2"]

    def test_a_changed_register_is_a_cause_of_its_own(self, harness: Harness, tmp_path: Path) -> None:
        sync_registers.sync_registers(harness.conn)
        harness.add(emissions(FIRST))
        first = harness.must_publish()
        assert RegisterCause(first=True) in first.causes
        assert harness.publish() is None
        folder = shutil.copytree(REGISTERS_FOLDER, tmp_path / "registers")
        text = (folder / "members.csv").read_text(encoding="utf-8")
        (folder / "members.csv").write_text(
            text.replace("0187,Vaxholm,,,true", "0187,Vaxholm,,,false"), encoding="utf-8"
        )
        assert sync_registers.sync_registers(harness.conn, folder) == ("members",)
        vaxholm = "SELECT confirmed FROM mart.member WHERE region_code = '0187'"
        assert harness.ask(vaxholm) == [(True,)], "the marts show the registers as the publication read them"
        assert watch.has_unpublished(harness.conn)
        second = harness.must_publish(as_of=date(2026, 5, 9))
        assert second.causes == (RegisterCause(first=False),)
        assert harness.ask(vaxholm) == [(False,)]
        assert second.digest_queued
        assert second.release_ids == ()


def standing(status: str, *, is_own: bool = True) -> Callable[[ResultInputs], dict[str, pd.DataFrame]]:
    """Formulas that give one target one status."""
    row = {
        "region_code": TIERP,
        "target_id": "tierp_2030",
        "is_own_target": is_own,
        "boundary": "territorial",
        "status": status,
        "flags": "{}",
        "release_id": "r",
        "method_version": "1",
        "as_of_date": AS_OF,
    }
    return lambda _: {"target_progress": pd.DataFrame([row])}


class TestStoredStandings:
    """Step 0 of a changed standing: what was stored of the release before, by the formulas of then."""

    def next_inputs(self, harness: Harness, **changes: Any) -> ResultInputs:
        """Publish one standing of the first release, then a second release; what the formulas were given."""
        release_id = harness.add(emissions(FIRST))

        def first(inputs: ResultInputs) -> dict[str, pd.DataFrame]:
            standings = standing("split")(inputs)["target_progress"]
            return {"target_progress": standings.assign(release_id=release_id, central_tco2e=3.0, **changes)}

        harness.must_publish(compute=first)
        harness.add(emissions(SECOND, day="2027-05-07"))
        seen: list[ResultInputs] = []

        def look(inputs: ResultInputs) -> dict[str, pd.DataFrame]:
            seen.append(inputs)
            return {}

        harness.must_publish(compute=look)
        return seen[0]

    def test_other_formulas_are_compared_with_what_they_stored(self, harness: Harness) -> None:
        stored = self.next_inputs(harness).stored
        assert stored is not None
        assert stored[["region_code", "target_id", "status", "central_tco2e"]].to_numpy().tolist() == [
            [TIERP, "tierp_2030", "split", 3.0]
        ]
        assert set(STATUS_COLUMNS) <= set(stored)

    def test_the_same_formulas_give_the_same_so_nothing_is_read(self, harness: Harness) -> None:
        assert self.next_inputs(harness, method_version=METHOD_VERSION).stored is None


class TestStandings:
    @pytest.fixture
    def shown(self, harness: Harness) -> Harness:
        """Emissions with one target, and population that comes after."""
        harness.add(emissions(FIRST))
        harness.must_publish(compute=standing("split"))
        harness.add(people({2024: 20}))
        return harness

    def publish(self, harness: Harness, status: str, *, is_own: bool = True) -> publication.Published:
        return harness.must_publish(as_of=date(2026, 5, 9), compute=standing(status, is_own=is_own))

    def test_a_changed_standing_of_an_own_target_is_told(self, shown: Harness) -> None:
        made = self.publish(shown, "all_below")
        changed = StandingCause(region_code=TIERP, target_id="tierp_2030", old="split", new="all_below")
        assert changed in made.causes
        assert made.digest_queued

    def test_the_same_standing_is_no_news(self, shown: Harness) -> None:
        made = self.publish(shown, "split")
        assert {cause.kind for cause in made.causes} == {"release"}
        assert not made.digest_queued

    def test_a_national_line_has_no_standing(self, shown: Harness) -> None:
        made = self.publish(shown, "all_below", is_own=False)
        assert {cause.kind for cause in made.causes} == {"release"}
        assert not made.digest_queued


class TestDigest:
    def outbox(self, harness: Harness) -> list[tuple[Any, ...]]:
        return harness.ask(
            "SELECT publication_id, recipient, approval, state FROM ops.mail_outbox ORDER BY outbox_id"
        )

    def test_greenhouse_gases_are_mailed_with_the_publication(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        made = harness.must_publish()
        assert made.digest_queued
        assert self.outbox(harness) == [(made.publication_id, LIST, "not_needed", "pending")]

    def test_other_substances_and_population_are_not_mailed(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        harness.must_publish()
        harness.add(emissions(FIRST, substance="co2"))
        harness.add(people({2024: 20}))
        assert not harness.must_publish(as_of=date(2026, 5, 9)).digest_queued
        assert len(self.outbox(harness)) == 1

    def test_a_register_without_greenhouse_gases_is_not_mailed(self, harness: Harness) -> None:
        harness.add(people({2024: 20}))
        harness.must_publish()
        sync_registers.sync_registers(harness.conn)
        made = harness.must_publish()
        assert RegisterCause(first=True) in made.causes
        assert self.outbox(harness) == []

    def test_there_is_one_a_day_and_recipient(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        harness.must_publish()
        harness.add(emissions(SECOND, day="2026-05-08"))
        assert not harness.must_publish().digest_queued
        harness.add(emissions(SECOND, day="2026-05-09"))
        assert harness.must_publish(as_of=date(2026, 5, 9)).digest_queued
        assert len(self.outbox(harness)) == 2

    def test_every_address_of_the_list_has_a_mail_of_its_own(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        made = harness.must_publish(list_address=(LIST, OTHER))
        assert self.outbox(harness) == [
            (made.publication_id, recipient, "not_needed", "pending") for recipient in (LIST, OTHER)
        ]
        assert made.digest_queued

    def test_one_a_day_holds_for_each_and_nobody_misses_what_came_later(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        harness.must_publish()
        harness.add(emissions(SECOND, day="2026-05-08"))
        second = harness.must_publish(list_address=(LIST, OTHER))
        assert second.digest_queued, "the new address has had none of the day"
        assert [recipient for _, recipient, *_ in self.outbox(harness)] == [LIST, OTHER]
        assert not self.missed(harness, AS_OF, (LIST, OTHER)), "the day is not over"
        assert self.missed(harness, date(2026, 5, 9), (LIST, OTHER))
        assert [row[:2] for row in self.outbox(harness)][1:] == [
            (second.publication_id, OTHER),
            (second.publication_id, LIST),
        ]
        assert not self.missed(harness, date(2026, 5, 9), (LIST, OTHER)), "each gets it once"
        assert not self.missed(harness, date(2026, 5, 10), (LIST, OTHER, "new@example.org"))

    def test_a_list_that_changed_over_night_gets_what_the_old_one_missed(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        harness.must_publish()
        harness.add(emissions(SECOND, day="2026-05-08"))
        assert not harness.must_publish().digest_queued
        assert self.missed(harness, date(2026, 5, 9), OTHER)
        assert [recipient for _, recipient, *_ in self.outbox(harness)] == [LIST, OTHER]

    @staticmethod
    def missed(harness: Harness, as_of: date, recipients: str | Sequence[str]) -> bool:
        return publication.enqueue_missed_digest(harness.conn, as_of=as_of, list_address=recipients)

    def test_without_a_list_there_is_none(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        assert not harness.must_publish(list_address=None).digest_queued
        assert self.outbox(harness) == []

    def test_a_person_is_asked_where_a_person_wants_to_be(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        harness.must_publish(always_ask=True)
        assert [approval for _, _, approval, _ in self.outbox(harness)] == ["asked"]


class TestCrash:
    def test_formulas_that_fail_leave_no_trace_and_no_lock(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        harness.must_publish()
        second = harness.add(emissions(SECOND, day="2026-05-08"))

        def fail(_: ResultInputs) -> dict[str, pd.DataFrame]:
            message = "no such year"
            raise ArithmeticError(message)

        with pytest.raises(ArithmeticError, match="no such year"):
            harness.publish(compute=fail)
        assert harness.current() != second
        states = "SELECT state, count(*) FROM ops.publication GROUP BY state"
        assert harness.ask(states) == [("published", 1)]
        # What was compared stays for the next one, and no reader sees it.
        kept = "SELECT to_release_id, xmin::text FROM core.revision_pair"
        ((compared, written),) = harness.ask(kept)
        assert compared == second
        assert harness.ask("SELECT count(*) FROM mart.revision_summary") == [(0,)]
        with closing(connect(harness.warehouse.loader_dsn)) as other:
            made = publication.publish(other, as_of=AS_OF, compute=lambda _: (), list_address=None)
        assert made is not None
        assert harness.current() == second
        assert harness.ask(kept) == [(second, written)]
        assert harness.ask("SELECT to_release_id FROM mart.revision_summary") == [(second,)]

    @pytest.mark.timeout(60)
    def test_formulas_that_fail_do_not_wait_for_facts_that_are_still_copied(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        harness.must_publish()
        harness.add(emissions(SECOND, day="2026-05-08"))
        with closing(connect(harness.warehouse.admin_dsn)) as other, other, other.cursor() as cursor:
            # The partition cannot be attached while this lock is held: the copying lasts for ever.
            cursor.execute("LOCK TABLE mart_data.emission IN SHARE UPDATE EXCLUSIVE MODE")

            def fail(_: ResultInputs) -> dict[str, pd.DataFrame]:
                waiting = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"
                while True:
                    cursor.execute(waiting, (harness.conn.info.backend_pid,))
                    if cursor.fetchone() == (1,):
                        break
                message = "no such year"
                raise ArithmeticError(message)

            with pytest.raises(ArithmeticError, match="no such year"):
                harness.publish(compute=fail)
        assert harness.must_publish().release_ids == (harness.current(),)

    def test_facts_that_cannot_be_copied_are_what_is_told(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        harness.must_publish()
        harness.add(emissions(SECOND, day="2026-05-08"))
        with closing(connect(harness.warehouse.admin_dsn)) as other, other, other.cursor() as cursor:
            cursor.execute("ALTER FUNCTION ops.attach_facts_partition(text, bigint) RENAME TO attach_nothing")
        with pytest.raises(psycopg2.errors.UndefinedFunction, match="attach_facts_partition"):
            harness.publish(compute=standing("split"))

    def test_a_connection_that_is_killed_is_named_and_the_next_publish_works(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        harness.must_publish()
        second = harness.add(emissions(SECOND, day="2026-05-08"))

        def kill(_: ResultInputs) -> dict[str, pd.DataFrame]:
            harness.ask(f"SELECT pg_terminate_backend({harness.conn.info.backend_pid})")
            return standing("split")(_)

        with pytest.raises(psycopg2.InterfaceError, match="already closed") as failed:
            harness.publish(compute=kill)
        assert isinstance(failed.value.__context__, psycopg2.OperationalError), (
            "the message says what ended it"
        )
        assert harness.current() != second
        harness.conn = connect(harness.warehouse.loader_dsn)
        assert watch.has_unpublished(harness.conn)
        assert harness.must_publish().release_ids == (second,)
        assert harness.current() == second

    def test_a_publication_built_on_a_pointer_that_moved_is_not_switched_to(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        harness.must_publish()
        harness.add(emissions(SECOND, day="2026-05-08"))

        def move(_: ResultInputs) -> dict[str, pd.DataFrame]:
            harness.ask("UPDATE mart.current_publication SET publication_id = 99")
            return {}

        with pytest.raises(RuntimeError, match="no longer the current one"):
            harness.publish(compute=move)
        assert harness.ask("SELECT publication_id FROM mart.current_publication") == [(99,)]


def test_figures_of_two_origins_are_refused_before_anything_is_written(harness: Harness) -> None:
    harness.add(emissions(FIRST))
    harness.must_publish()
    harness.add(emissions(SECOND, day="2026-05-08"), origin="live")
    with pytest.raises(WrongHomeError, match="live, synthetic") as refused:
        harness.publish()
    assert "KLIMATPULS_HOME" in str(refused.value)
    assert harness.ask("SELECT count(*) FROM ops.publication") == [(1,)]


class TestRuns:
    def age(self, harness: Harness, run_id: int, minutes: int) -> None:
        harness.ask(
            "UPDATE ops.source_run SET started_at = clock_timestamp() - "
            f"make_interval(mins => {minutes}) WHERE run_id = {run_id}"
        )

    def test_a_run_is_waited_for_until_it_ends_or_is_old(self, harness: Harness) -> None:
        run_id = harness.start("smhi_emissions")
        assert publish_hop.unfinished_ingests(harness.conn) == ["smhi_emissions"]
        self.age(harness, run_id, publish_hop.INGEST_PATIENCE_MINUTES + 1)
        assert publish_hop.unfinished_ingests(harness.conn) == []
        other = harness.start("scb_population")
        assert publish_hop.unfinished_ingests(harness.conn) == ["scb_population"]
        with harness.conn:
            runs.set_run_state(harness.conn, other, "loaded", "on its way")
        assert publish_hop.unfinished_ingests(harness.conn) == ["scb_population"]
        with harness.conn:
            runs.set_run_state(harness.conn, other, "no_news", "nothing")
        assert publish_hop.unfinished_ingests(harness.conn) == []

    def test_every_final_state_ends_a_run_and_no_other_does(self, harness: Harness) -> None:
        states = {harness.start(): state for state in (*sorted(runs.FINAL_STATES), "fetched", "loaded")}
        for run_id, state in states.items():
            with harness.conn:
                runs.set_run_state(harness.conn, run_id, state, "so it is")
        ended = harness.ask("SELECT run_id FROM ops.source_run WHERE ended_at IS NOT NULL")
        assert {states[run_id] for (run_id,) in ended} == runs.FINAL_STATES

    def test_a_run_that_was_killed_is_closed_as_failed_and_a_young_one_is_not(self, harness: Harness) -> None:
        old, young, ended = harness.start(), harness.start(), harness.start()
        self.age(harness, old, publish_hop.INGEST_PATIENCE_MINUTES + 1)
        self.age(harness, ended, publish_hop.INGEST_PATIENCE_MINUTES + 1)
        with harness.conn:
            runs.set_run_state(harness.conn, ended, "validated", "passed")
        assert watch.close_stuck_runs(harness.conn) == 1
        states = dict(harness.ask("SELECT run_id, state FROM ops.source_run"))
        assert states == {old: "failed", young: "running", ended: "validated"}
        assert harness.ask(f"SELECT detail FROM ops.source_run WHERE run_id = {old}") == [(watch.KILLED,)]
        assert watch.close_stuck_runs(harness.conn, 0) == 1
        assert watch.close_stuck_runs(harness.conn, 0) == 0

    def test_a_task_that_is_tried_again_goes_on_with_its_run(self, harness: Harness) -> None:
        first = harness.start(orchestrator_run="ingest/1")
        assert harness.start(orchestrator_run="ingest/1") == first
        assert harness.start(orchestrator_run="ingest/2") != first

    def test_figures_of_another_method_wait_to_be_reckoned_anew(self, harness: Harness) -> None:
        harness.add(emissions(FIRST))
        harness.must_publish()
        with closing(connect(harness.warehouse.admin_dsn)) as admin, admin, admin.cursor() as cursor:
            cursor.execute("UPDATE ops.publication SET method_version = '0.9'")
        assert watch.has_unpublished(harness.conn)
        harness.must_publish()
        assert not watch.has_unpublished(harness.conn)

    def test_a_validated_release_waits_until_it_is_published(self, harness: Harness) -> None:
        assert not watch.has_unpublished(harness.conn)
        harness.add(emissions(FIRST))
        assert watch.has_unpublished(harness.conn)
        harness.must_publish()
        assert not watch.has_unpublished(harness.conn)
