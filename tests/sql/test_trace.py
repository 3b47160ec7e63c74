"""Every number leads down to its cell: on synthetic figures, as ``bi_read``, without an orchestrator."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
import yaml
from support import pipeline_run, releases

from klimatpuls.cli import output
from klimatpuls.contract import schema
from klimatpuls.contract.lineage import lineages
from klimatpuls.domain import regions
from klimatpuls.domain.method_version import METHOD_VERSION
from klimatpuls.errors import UsageError
from klimatpuls.fetch.snapshots import SnapshotError
from klimatpuls.operations import trace as trace_hop
from klimatpuls.operations.trace import Question, find_region, overview, trace
from klimatpuls.operations.tracing import File
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.pipeline import sync_registers
from klimatpuls.statistics import series
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Published, Warehouse

    from klimatpuls.operations.tracing import Cell, Step, Trace

pytestmark = pytest.mark.postgres

TIERP, NATION = "0360", "00"
GONE = (2020,)
FACTOR = 1.02
ABOUT_REGISTERS = {10, 11}
"""Sections of the methods that count what the registers hold, which may be nothing."""
Ask = Any
"""Asks for numbers of a warehouse: mart, column, region and keys in, a trace out."""


def asking(published: Published) -> Iterator[Ask]:
    with closing(connect(published.warehouse.bi_dsn)) as conn, conn, conn.cursor() as cursor:

        def ask(
            mart: str | None = None, column: str | None = None, region: str = TIERP, **keys: str
        ) -> Trace:
            question = Question(region_code=region, mart=mart, column=column, keys=keys)
            return trace(cursor, published.context.snapshots, question)

        ask.cursor = cursor  # type: ignore[attr-defined]
        yield ask


@pytest.fixture(scope="module")
def ask(wholly_good: Published) -> Iterator[Ask]:
    """Numbers of a warehouse in which every source is published."""
    yield from asking(wholly_good)


def of_own(published: Published, clone: Callable[[str], Warehouse], home: Path) -> Published:
    """The same warehouse and bytes, to be changed."""
    shutil.copytree(published.context.home / "snapshots", home / "snapshots")
    return replace(
        published,
        warehouse=clone(published.warehouse.name),
        context=replace(published.context, home=home),
    )


@pytest.fixture(scope="module")
def two_releases(
    good: Published, clone: Callable[[str], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """A later release that lacks a year of the one before it, and came a second time in another file."""
    own = of_own(good, clone, tmp_path_factory.mktemp("later"))
    parsed = releases.newest(own.archive)
    kept = ~parsed.rows["year"].isin(GONE)
    shorter = replace(
        parsed,
        rows=parsed.rows[kept],
        years=tuple(year for year in parsed.years if year not in GONE),
        rows_read=int(kept.sum()),
    )
    rows = pipeline_run.sheet_rows(shorter, date(2026, 5, 8), FACTOR)
    for title in ("first", "second"):
        body = releases.workbook.build_workbook(
            rows,
            sheet_name="Växthusgaser totalt",
            properties=releases.workbook.Properties(title=title),
        )
        bring(own, body)
    write_registers(own.context.home / "registers")
    with closing(connect(own.warehouse.loader_dsn)) as conn:
        assert sync_registers.sync_registers(conn, own.context.home / "registers")
    assert releases.publish_now(own) is not None
    return own


def write_registers(folder: Path) -> None:
    """The project's registers with two targets on boundaries of a register's own."""
    shutil.copytree(REGISTERS_FOLDER, folder)
    decided = {
        "region_code": TIERP,
        "target_type": "fixed_level",
        "target_year": 2030,
        "level_tco2e": 10_000.0,
        "title_sv": "Exempel",
        "title_en": "Example",
        "decided_on": "2022-11-28",
        "decided_by": "Fullmäktige (exempel)",
        "document_url": "https://example.org/beslut",
    }
    targets = [
        {**decided, "target_id": "travel", "boundary": "sector_list:travel"},
        {**decided, "target_id": "food", "boundary": "own_series:food"},
    ]
    (folder / "targets.yaml").write_text(yaml.safe_dump({"targets": targets}), encoding="utf-8")
    with (folder / "sector_lists.csv").open("a", encoding="utf-8") as file:
        file.write("travel,Resor,Travel,transport|international_transport\n")
    with (folder / "own_series.csv").open("a", encoding="utf-8") as file:
        for year in range(2015, 2025):
            file.write(
                f"food,{TIERP},Mat,Food,{year},{30_000 - 1_000 * (year - 2015)},tCO2e,Exempel,Exempel\n"
            )


def bring(published: Published, body: bytes) -> None:
    """Take a workbook through the pipeline steps up to its verdict, as one fetched."""
    source = releases.SMHI_EMISSIONS
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        run = pipeline_run.begin(conn, source, published.context)
        fetched = releases.Fetched(
            source=source.id, dataset=source.id, substance="ghg", url="https://example.org/x", parts=(body,)
        )
        kept = releases.snapshot._put(source, fetched, published.context)
        releases.snapshot._enter(conn, source, kept, run)
        loaded = releases.load.load_run(conn, source, run, published.context)
        if loaded.rows:
            releases.validate.validate_run(
                conn, published.warehouse.loader_dsn, source, run, published.context
            )


def steps_of(traced: Trace) -> list[Step]:
    return [step for _, step, before in traced.numbered() if not before]


def cells_of(traced: Trace) -> list[tuple[Step, Cell]]:
    return [(step, step.cell) for step in steps_of(traced) if step.cell is not None]


def look_up(cell: Cell, file: File) -> Any:
    """What another reader of workbooks finds at the place."""
    book = openpyxl.load_workbook(io.BytesIO(Path(file.kept[0]).read_bytes()), read_only=True)
    return book[cell.sheet][f"{cell.column}{cell.row}"].value


class TestCells:
    def test_an_emission_stands_where_the_trace_says(self, ask: Ask) -> None:
        traced = ask(sector_code="transport", year="2020")
        ((step, cell),) = cells_of(traced)
        assert step.value == look_up(cell, traced.files[cell.release_id])
        assert (step.section, step.method_version) == (1, METHOD_VERSION)
        ((sha256, date_told),) = rows_of(
            ask, "SELECT file_sha256, published_date FROM mart.release WHERE is_current AND substance = 'ghg'"
        )
        file = traced.files[cell.release_id]
        assert (file.sha256, file.published_date) == (sha256, date_told)
        assert Path(file.kept[0]).name == sha256

    def test_a_boundary_is_added_up_from_its_cells(self, ask: Ask) -> None:
        traced = ask(boundary="territorial", year="1990")
        (root,) = traced.steps
        signs = {step.which["sector_code"]: step.sign for step, _ in cells_of(traced)}
        assert signs == {"all": "+", "international_transport": "−"}
        assert root.recomputed == pytest.approx(root.value, rel=1e-12)
        for step, cell in cells_of(traced):
            assert step.value == look_up(cell, traced.files[cell.release_id])

    def test_a_year_that_is_gone_leads_to_both_releases_and_their_ratios(
        self, two_releases: Published
    ) -> None:
        for ask in asking(two_releases):
            traced = ask(boundary="territorial", year="2020")
            (root,) = traced.steps
            assert root.note == series.LINKED
            assert root.recomputed == pytest.approx(root.value, rel=1e-12)
            assert len(traced.files) == 2
            ratios = [step for step in steps_of(traced) if step.what == "ratio new/old"]
            assert {step.which["year"]: round(step.value, 6) for step in ratios} == {
                "2015": FACTOR,
                "2021": FACTOR,
            }
            assert traced.disagreements() == []
            assert len(cells_of(traced)) == 2 + 2 * 4, "the old value, and two years of both releases"

    def test_an_older_release_is_found_by_a_part_of_its_name(self, two_releases: Published) -> None:
        for ask in asking(two_releases):
            traced = ask(sector_code="all", year="2020", release_id="ghg-2026-05-07")
            ((step, cell),) = cells_of(traced)
            assert step.what == "mart.emission_by_release.emissions_tco2e"
            assert look_up(cell, traced.files[cell.release_id]) == step.value
            with pytest.raises(UsageError, match="no row with release_id ghg"):
                ask(sector_code="all", year="2020", release_id="ghg")

    def test_the_file_that_was_read_is_named_and_the_other_beside_it(self, two_releases: Published) -> None:
        for ask in asking(two_releases):
            traced = ask(sector_code="all", year="2024")
            (file,) = traced.files.values()
            ((read,),) = rows_of(
                ask, "SELECT file_sha256 FROM mart.release WHERE is_current AND substance = 'ghg'"
            )
            assert file.sha256 == read
            assert len(file.same_content) == 1
            assert file.same_content[0] != read
            ((_, cell),) = cells_of(traced)
            assert look_up(cell, file) == traced.steps[0].value

    def test_a_list_of_sectors_is_added_up_from_its_cells(self, two_releases: Published) -> None:
        for ask in asking(two_releases):
            traced = ask(target_id="travel", column="last_tco2e")
            assert {step.which["sector_code"] for step, _ in cells_of(traced)} == {
                "transport",
                "international_transport",
            }
            assert sum(step.value for step, _ in cells_of(traced)) == pytest.approx(traced.steps[0].value)
            years = {
                step.which["year"] for step, _ in cells_of(ask(target_id="travel", column="central_tco2e"))
            }
            expected = {str(year) for year in pipeline_run.SMALL_YEARS if year >= 2015 and year not in GONE}
            assert years == expected, "from 2015, of the newer release"

    def test_an_owners_values_lead_to_their_register(self, two_releases: Published) -> None:
        for ask in asking(two_releases):
            traced = ask(target_id="food", column="last_tco2e")
            steps = [step for step in steps_of(traced) if step.what == "mart.own_series.value"]
            assert [(step.which["year"], step.value) for step in steps] == [("2024", 21_000.0)]
            assert "register" in steps[0].note

    def test_figures_of_other_sources_lead_to_their_row_and_file(self, ask: Ask) -> None:
        for mart, keys in {
            "population": {"year": "2024"},
            "vehicle": {},
            "energy": {},
            "indicator": {},
        }.items():
            if not keys:
                keys = some_keys(ask, mart, TIERP)
            traced = ask(mart, **keys)
            ((_, cell),) = cells_of(traced)
            assert cell.row >= 0
            assert traced.files[cell.release_id].sha256


def rows_of(ask: Ask, query: str) -> list[tuple[Any, ...]]:
    ask.cursor.execute(query)
    rows: list[tuple[Any, ...]] = ask.cursor.fetchall()
    return rows


def some_keys(ask: Ask, mart: str, region: str | None = None) -> dict[str, str]:
    """The keys of a row of a mart, of a region where one is named."""
    key = [name for name in schema.mart(mart).key if name != "region_code" or region is None]
    where = f"WHERE region_code = '{region}'" if region else ""
    (row, *_) = rows_of(ask, f"SELECT {', '.join(key)} FROM mart.{mart} {where} LIMIT 1")
    return dict(zip(key, map(str, row), strict=True))


def every_number(ask: Ask) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """One row of every number that the warehouse has, with its region and the keys that choose it."""
    for entry in lineages():
        mart = schema.mart(entry.mart)
        names = [*mart.key]
        if any(column.name == "region_code" for column in mart.columns) and "region_code" not in names:
            names.append("region_code")
        found = rows_of(
            ask,
            f"SELECT {', '.join(names)} FROM mart.{entry.mart} WHERE {entry.column} IS NOT NULL LIMIT 1",
        )
        if found:
            keys = dict(zip(names, ("" if part is None else str(part) for part in found[0]), strict=True))
            yield entry.mart, entry.column, keys.pop("region_code", "") or NATION, keys


def test_every_number_of_every_mart_can_be_traced_and_agrees(ask: Ask) -> None:
    seen: set[str] = set()
    for mart, column, region, keys in every_number(ask):
        traced = ask(mart, column, region, **keys)
        assert traced.disagreements() == [], (mart, column)
        (root,) = traced.steps
        assert root.what == f"mart.{mart}.{column}"
        assert root.formula_sv
        assert root.formula_en
        day = "mart.publication.as_of_date"  # says itself what it is
        is_of_register = all(step.note or step.what == day for step in steps_of(traced) if not step.inputs)
        assert traced.files or is_of_register or root.section in ABOUT_REGISTERS, (mart, column)
        seen.add(mart)
    assert {"emission", "boundary_series", "target_progress", "carbon_law", "peer", "network_summary"} <= seen


def test_a_target_leads_to_every_point_of_its_trend(ask: Ask) -> None:
    traced = ask(target_id="national_2045_net_zero", column="last_tco2e")
    assert traced.disagreements() == []
    traced = ask("carbon_law", "emissions_slope_t_per_year")
    years = {
        step.which["year"] for step in steps_of(traced) if step.what == "mart.boundary_series.emissions_tco2e"
    }
    ((expected,),) = rows_of(
        ask, "SELECT array_agg(y) FROM mart.release r, unnest(r.years) y WHERE is_current AND y >= 2015"
        " AND substance = 'ghg'"
    )  # fmt: skip
    assert years == set(map(str, expected))


class TestMadeOf:
    """What a number is really made of, where the name of its column does not tell."""

    def test_the_nations_base_is_the_sum_of_the_same_sectors_as_its_outcome(self, ask: Ask) -> None:
        traced = ask("target_progress", "base_tco2e", NATION, target_id="national_2030_55")
        (root,) = traced.steps
        (base,) = (step for step in root.inputs if step.what == "mart.boundary_series.emissions_tco2e")
        assert base.which == {"region_code": NATION, "boundary": "effort_sharing_proxy", "year": "1990"}
        assert root.recomputed == pytest.approx(root.value)
        assert "all" not in {step.which["sector_code"] for step, _ in cells_of(traced)}
        assert traced.disagreements() == []

    def test_the_revision_of_one_year_leads_to_the_release_it_compares_with(
        self, two_releases: Published
    ) -> None:
        for ask in asking(two_releases):
            ((year, earlier),) = rows_of(
                ask,
                "SELECT previous_year, earlier_release_id FROM mart.region_overview "
                f"WHERE region_code = '{TIERP}'",
            )
            traced = ask("region_overview", "revision_of_previous_year_pct")
            (root,) = traced.steps
            assert root.value == pytest.approx(100.0 * (FACTOR - 1.0), rel=1e-6)
            assert root.recomputed == pytest.approx(root.value)
            old = {(step.which["sector_code"], step.which["year"]) for step in root.inputs[1:]}
            assert old == {("all", str(year)), ("international_transport", str(year))}
            assert {step.release_id for step in root.inputs[1:]} == {earlier}
            assert len(traced.files) == 2

    def test_the_rest_of_sweden_is_the_municipalities_that_are_no_members(self, ask: Ask) -> None:
        traced = ask("network_summary", "emissions_tco2e", NATION, panel="rest_of_sweden",
                     boundary="territorial", year="2024")  # fmt: skip
        (root,) = traced.steps
        panels = dict(
            rows_of(
                ask,
                "SELECT panel, emissions_tco2e FROM mart.network_summary "
                "WHERE boundary = 'territorial' AND year = 2024",
            )
        )
        others = ("members_today", "unallocated")
        assert root.recomputed == pytest.approx(
            panels["nation"] - sum(panels[name] or 0.0 for name in others)
        )
        assert "Panels: the sum over their municipalities" in root.formula_en
        assert traced.disagreements() == []

    def test_a_figure_of_another_source_is_read_again_from_the_kept_answer(self, ask: Ask) -> None:
        traced = ask("population", "population_count", year="2024")
        (root,) = traced.steps
        assert root.cell is not None
        assert root.cell.number == root.value

    def test_a_gate_says_when_it_was_measured(self, ask: Ask) -> None:
        keys = some_keys(ask, "release_gate")
        (root,) = ask("release_gate", "finding_count", NATION, **keys).steps
        assert root.note == f"measured when release {keys['release_id']} was validated, and stored then"


class TestCommand:
    @pytest.fixture
    def printed(
        self,
        ask: Ask,
        wholly_good: Published,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> Callable[..., str]:
        """What the command prints, its stack replaced by the test's warehouse."""

        @contextmanager
        def reading(*_: object) -> Iterator[Any]:
            yield ask.cursor

        monkeypatch.setenv("COLUMNS", "200")  # no line is broken, whatever the terminal of the tests
        monkeypatch.setattr(output.runtime, "reading", reading)
        monkeypatch.setattr(output.runtime, "run_context", lambda *_: wholly_good.context)
        stack = SimpleNamespace(home=None, as_of=None)

        def print_it(question: Question, *, as_json: bool = False) -> str:
            assert output.print_trace(stack, question, as_json=as_json)  # type: ignore[arg-type]
            return capsys.readouterr().out

        return print_it

    def test_it_prints_steps_and_files(self, printed: Callable[..., str]) -> None:
        out = printed(
            Question(
                region_code=TIERP, column="path_position_tco2e", keys={"target_id": "national_2045_net_zero"}
            )
        )
        assert "0360 Tierp, mart.target_progress: target_id national_2045_net_zero" in out
        assert f"methods section 5, version {METHOD_VERSION}" in out
        assert "cell " in out
        assert "sha256 " in out

    def test_it_prints_json(self, printed: Callable[..., str]) -> None:
        keys = {"boundary": "territorial", "year": "2024"}
        document = json.loads(printed(Question(region_code=TIERP, keys=keys), as_json=True))
        (asked,) = document["asked"]
        assert document["steps"][asked]["inputs"] == ["1.1", "1.2"]
        assert document["steps"]["1.1"]["cell"]["sheet"] == "Växthusgaser totalt"

    def test_of_a_region_alone_it_prints_what_there_is(self, printed: Callable[..., str]) -> None:
        out = printed(Question(region_code=TIERP))
        assert "what can be traced" in out
        assert "boundary: domestic_transport, effort_sharing_proxy, published_total, territorial" in out


class TestMistakes:
    @pytest.mark.parametrize(
        ("keys", "words"),
        [
            ({"sector_code": "all", "year": "2003"}, "there are 1990, 2015, 2020"),
            ({"sector_code": "transprt", "year": "2024"}, "did you mean transport"),
            ({"target_id": "national_2030_5"}, "did you mean national_2030_55"),
            ({"boundary": "territorial"}, "choose year among 1990"),
            ({"year": "x", "sector_code": "all"}, "year is a number"),
            ({"boundary": "territorial", "sector_code": "all", "year": "2024"}, "no column sector_code"),
        ],
    )
    def test_what_there_is_instead_is_named(self, ask: Ask, keys: dict[str, str], words: str) -> None:
        with pytest.raises(UsageError, match=words):
            ask(**keys)

    def test_a_region_that_an_older_release_lacks_is_named(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(trace_hop.Tracer, "_release_cells", lambda *_: {})
        with pytest.raises(UsageError, match=r"release smhi_emissions-ghg-\S+ has no \w+ of 0360 in 2024"):
            ask(boundary="territorial", year="2024")

    def test_an_unknown_mart_column_or_region(self, ask: Ask) -> None:
        with pytest.raises(UsageError, match="did you mean target_progress"):
            ask("target_progres")
        with pytest.raises(UsageError, match="did you mean gap_tco2e"):
            ask("target_progress", "gap_tco2", target_id="national_2030_55")
        with pytest.raises(regions.UnknownRegionError, match=r"nearest names: Tierp \(0360\)"):
            find_region("Tirp")
        with pytest.raises(regions.UnknownRegionError, match="did you mean '0360'"):
            find_region("360")
        assert find_region("tierp") == find_region(TIERP) == TIERP

    def test_an_empty_number_tells_the_status_of_its_row(self, ask: Ask) -> None:
        with pytest.raises(UsageError, match=r"has nothing in gap_tco2e.*status too_far"):
            ask(target_id="national_2045_net_zero", column="gap_tco2e")

    def test_a_region_alone_tells_what_there_is(self, ask: Ask) -> None:
        found = {mart: (count, keys) for mart, count, keys in overview(ask.cursor, TIERP)}
        assert found["target_progress"][1]["target_id"][0].startswith("national_2030")
        assert found["boundary_series"][1]["boundary"] == sorted(series.BOUNDARIES)
        assert "emission_by_release" not in found, "it would look into every release there is"
        assert found["peer"][1]["peer_rank"] == [str(rank) for rank in range(1, 11)]


class TestTampering:
    @pytest.fixture
    def own(self, good: Published, clone: Callable[[str], Warehouse], tmp_path: Path) -> Published:
        return of_own(good, clone, tmp_path)

    def change(self, published: Published, statement: str) -> None:
        with closing(connect(published.warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
            cursor.execute(statement)
            assert cursor.rowcount > 0

    def test_a_cell_that_is_no_longer_what_was_read_is_told(self, own: Published) -> None:
        self.change(
            own,
            "UPDATE mart_data.emission SET emissions_tco2e = 1 WHERE region_code = '0360' AND year = 2024",
        )
        for ask in asking(own):
            (disagreement,) = ask(sector_code="all", year="2024").disagreements()
            assert "the file says" in disagreement
            assert ask(sector_code="all", year="2023").disagreements() == []

    def test_a_sum_that_is_not_its_parts_is_told(self, own: Published) -> None:
        self.change(own, "UPDATE mart_data.boundary_series SET emissions_tco2e = emissions_tco2e + 0.5")
        for ask in asking(own):
            (disagreement,) = ask(boundary="territorial", year="2024").disagreements()
            assert "its inputs give" in disagreement

    def test_a_number_that_its_inputs_do_not_give_is_told(self, own: Published) -> None:
        self.change(own, "UPDATE mart_data.region_overview SET change_since_1990_pct = 1")
        self.change(own, "UPDATE mart_data.peer SET distance = distance + 0.001")
        for ask in asking(own):
            (told,) = ask("region_overview", "change_since_1990_pct").disagreements()
            assert "its inputs give" in told
            (told,) = ask("peer", "distance", peer_rank="1").disagreements()
            assert "its inputs give" in told

    def test_a_figure_of_another_source_that_was_changed_is_told(self, own: Published) -> None:
        self.change(own, "UPDATE mart_data.population SET population_count = population_count + 1")
        for ask in asking(own):
            (told,) = ask("population", "population_count", year="2024").disagreements()
            assert "the file says" in told

    def test_a_stored_step_says_by_which_publication_and_is_not_calculated_again(
        self, two_releases: Published, clone: Callable[[str], Warehouse], tmp_path: Path
    ) -> None:
        own = of_own(two_releases, clone, tmp_path)
        self.change(
            own,
            "UPDATE mart_data.standing_change SET stored_publication_id = 1, gap_tco2e = gap_tco2e + 7, "
            "central_tco2e = central_tco2e + 7 WHERE step_order = 0",
        )
        keys = {"target_id": "national_2030_55", "step_order": "0"}
        for ask in asking(own):
            traced = ask("standing_change", "central_tco2e", **keys)
            (root,) = traced.steps
            assert root.note.startswith("stored by publication 1, with another version of the methods")
            assert (list(root.inputs), root.recomputed) == ([], None)
            traced = ask("standing_change", "gap_part_tco2e", **{**keys, "step_order": "1"})
            (told,) = traced.disagreements()
            assert "gap_part_tco2e: its inputs give" in told, "the stored gap was changed behind its part"
            traced = ask("standing_change", "gap_tco2e", **{**keys, "step_order": "1"})
            assert traced.disagreements() == []
            assert traced.steps[0].recomputed is not None

    def test_a_table_that_was_not_calculated_says_so(self, own: Published) -> None:
        self.change(
            own,
            "UPDATE mart_data.result_status SET status = 'stale', reason = 'formula_failed', "
            "because_of = 'region_overview', error_class = 'ValueError', failing_since_publication_id = 1, "
            "reason_en = 'the calculation failed; the rows are still those of publication 1' "
            "WHERE table_name = 'region_overview'",
        )
        self.change(own, "UPDATE mart_data.region_overview SET change_since_1990_pct = 1")
        for ask in asking(own):
            for mart in ("region_overview", "municipality_overview"):
                traced = ask(mart, "change_since_1990_pct")
                (root,) = traced.steps
                assert root.note == (
                    "this publication did not calculate the table: "
                    "the calculation failed; the rows are still those of publication 1"
                )
                assert root.recomputed is None, "its inputs are newer than it"
                assert traced.disagreements() == []
            assert (
                ask("change_part", "own_part_tco2e", **some_keys(ask, "change_part", TIERP)).steps[0].note
                == ""
            )

    def test_a_table_that_was_emptied_says_so(self, own: Published) -> None:
        self.change(
            own,
            "UPDATE mart_data.result_status SET status = 'emptied', reason = 'formula_failed', "
            "error_class = 'ValueError', failing_since_publication_id = 1, "
            "reason_en = 'the calculation failed; the earlier rows are taken out' WHERE table_name = 'peer'",
        )
        self.change(own, "DELETE FROM mart_data.peer")
        for ask in asking(own):
            with pytest.raises(UsageError, match="did not calculate the table: the calculation failed"):
                ask("peer", "distance", peer_rank="1")

    def test_bytes_that_are_gone_or_damaged_are_told(self, own: Published) -> None:
        for ask in asking(own):
            (file,) = ask(sector_code="all", year="2024").files.values()
            place = Path(file.kept[0])
            place.chmod(0o644)
            place.write_bytes(place.read_bytes()[:-1])
            with pytest.raises(SnapshotError, match="damaged"):
                ask(sector_code="all", year="2024")
            place.unlink()
            with pytest.raises(SnapshotError, match="no file"):
                ask(sector_code="all", year="2024")
