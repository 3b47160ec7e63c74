"""The worked example of docs/example_tierp.md, calculated again: every line of its tables must come out.

The targets, measures and statements are synthetic and only here: no register holds them.
The second half publishes the example in a warehouse of its own, and traces every number of the page down to
the cell of the workbook, or to the entry of a register.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pytest
import yaml
from support import pipeline_run

from klimatpuls.domain.method_version import METHOD_VERSION
from klimatpuls.domain.regions import codes, region
from klimatpuls.errors import UsageError
from klimatpuls.membership import criteria, measures
from klimatpuls.membership.criteria import Answer, Evidence, Plan, Records, ReportingRound
from klimatpuls.membership.measures import Measure
from klimatpuls.operations.trace import Question, trace
from klimatpuls.operations.tracing import render_lines, show
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.pipeline.context import RunContext
from klimatpuls.sources import smhi_emissions
from klimatpuls.statistics import change_parts, peers, standing
from klimatpuls.statistics.series import build_release_table, build_series
from klimatpuls.statistics.targets import Interim, Target
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Warehouse

    from klimatpuls.operations.tracing import Trace

pytestmark = pytest.mark.real_data

PAGE = Path(__file__).parents[2] / "docs/example_tierp.md"
TIERP = "0360"
AS_OF = dt.date(2026, 5, 8)
INHABITANTS_2030 = 21_000.0
DECIDED = {
    "region_code": TIERP,
    "decided_on": dt.date(2022, 11, 28),
    "decided_by": "Kommunfullmäktige (exempel)",
}

TARGETS = (
    Target(
        target_id="percent",
        target_type="percent_below_base",
        base_year=1990,
        target_year=2030,
        percent_below_base=70.0,
        interim=(Interim(year=2025, percent_below_base=55.0),),
        **DECIDED,
    ),
    Target(target_id="level", target_type="fixed_level", target_year=2030, level_tco2e=110_000.0, **DECIDED),
    Target(
        target_id="per_capita",
        target_type="fixed_level_per_capita",
        target_year=2030,
        level_tco2e_per_capita=5.0,
        **DECIDED,
    ),
    Target(
        target_id="net_zero",
        target_type="net_zero",
        base_year=1990,
        target_year=2045,
        residual_percent=15.0,
        **DECIDED,
    ),
    Target(target_id="rate", target_type="constant_rate", base_year=2020, annual_rate=0.08, **DECIDED),
    Target(
        target_id="budget",
        target_type="carbon_budget",
        target_year=2030,
        budget_start_year=2020,
        budget_tco2e=1_500_000.0,
        **DECIDED,
    ),
)
MEASURES = (
    Measure(
        measure_id="heat",
        owner_region_code=TIERP,
        boundary="territorial",
        sector_code="power_heat",
        title="Plast ur avfallet till värmeverket",
        status="decided",
        end_date=dt.date(2028, 12, 31),
        effects={2027: 2_000.0, 2029: 5_000.0},
        last_updated=dt.date(2026, 2, 1),
    ),
    Measure(
        measure_id="trucks",
        owner_region_code=TIERP,
        boundary="territorial",
        sector_code="transport",
        title="Laddplatser för tunga fordon",
        status="ongoing",
        end_date=dt.date(2026, 3, 31),
        effects={2024: 500.0, 2028: 3_500.0},
        last_updated=dt.date(2025, 9, 1),
    ),
    Measure(
        measure_id="farms",
        owner_region_code=TIERP,
        boundary="territorial",
        sector_code="agriculture",
        title="Rådgivning till lantbruk",
        status="planned",
        last_updated=dt.date(2025, 12, 1),
    ),
)


@pytest.fixture(scope="module")
def table(real_data):
    content = (real_data / "smhi/GGT_edition_2026a.xlsx").read_bytes()
    rows = smhi_emissions.parse([content], "smhi_emissions", "ghg").rows
    return build_release_table("2026a", rows.rename(columns={"emissions": "emissions_tco2e"}))


@pytest.fixture(scope="module")
def found(table):
    frame = standing.evaluate_all(
        TARGETS,
        {"territorial": build_series(table, "territorial")},
        as_of=AS_OF,
        population_forecast={(TIERP, 2030): INHABITANTS_2030},
    )
    return frame.set_index("target_id")


def tonnes(value: float) -> str:
    return "" if pd.isna(value) else f"{value:,.0f}".replace(",", " ").replace("-", "−")


def percent(value: float) -> str:
    return "" if pd.isna(value) else f"{100 * value:.1f} %".replace("-", "−")


def rows_of(heading: str) -> list[list[str]]:
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}", 1)[1].split("\n## ", 1)[0]
    lines = re.findall(r"^\|(.+)\|$", section, re.MULTILINE)[2:]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def test_the_targets_of_every_type(found):
    expected = []
    for target_id, row in found.iterrows():
        count = "" if pd.isna(row["variants_n"]) else f"{row['variants_met']} of {row['variants_n']}"
        expected.append(
            [
                f"`{target_id}`",
                str(row["target_year"]),
                tonnes(row["level_tco2e"]),
                f"`{row['status']}`",
                count,
                tonnes(row["central_tco2e"]),
                tonnes(row["gap_tco2e"]),
                percent(row["required_annual_reduction_rate"]),
                tonnes(row["path_position_tco2e"]),
                ", ".join(map(str, row["hangs_on"])),
                f"`{row['before_status']}`",
            ]
        )
    assert rows_of("Targets") == expected
    level = found.loc["level"]
    assert level["central_tco2e"] == level["spread_high_tco2e"]
    assert f"without 2024 it was {tonnes(level['before_central_tco2e'])} t." in PAGE.read_text(
        encoding="utf-8"
    )


def test_the_budget(found):
    row = found.loc["budget"]
    assert rows_of("The carbon budget") == [
        [
            percent(row["budget_used_share"]),
            percent(row["budget_time_used_share"]),
            str(row["budget_runs_out_year"]),
        ]
    ]


def test_the_measures_against_the_gap(found):
    row = found.loc["percent"]
    coverage = measures.build_coverage(
        MEASURES,
        owner_region_code=TIERP,
        boundary="territorial",
        last_year=2024,
        target_year=2030,
        observed_gap_tco2e=row["observed_gap_tco2e"],
    )
    expected = [
        [
            f"`{line.sector_code}`",
            str(line.measures_n),
            tonnes(line.counted_reduction_tco2e),
            str(line.without_effect_n),
            tonnes(line.gap_tco2e),
            "" if pd.isna(line.coverage_pct) else f"{line.coverage_pct:.1f} %",
        ]
        for line in coverage.itertuples()
    ]
    assert rows_of("Measures against the gap") == expected
    late = [measure.measure_id for measure in MEASURES if measures.is_overdue(measure, AS_OF)]
    assert f"Overdue on 8 May 2026: `{late[0]}`." in PAGE.read_text(encoding="utf-8")


def test_the_four_criteria():
    records = Records(
        targets=TARGETS,
        measures=MEASURES,
        plans=[Plan(plan_id="p", owner_region_code=TIERP, decided_on=dt.date(2014, 3, 31))],
        evidence=[
            Evidence(
                region_code=TIERP,
                criterion="inventory",
                kind="self_confirmed",
                stated_on=dt.date(2025, 9, 10),
            )
        ],
        rounds=[
            ReportingRound(round_id="2026", opens_on=dt.date(2026, 1, 15), closes_on=dt.date(2026, 3, 31))
        ],
        answers=[Answer(region_code=TIERP, round_id="2025", answered_on=dt.date(2025, 3, 1))],
        asked_on={(TIERP, None): dt.date(2025, 9, 1)},
    )
    expected = [
        [
            f"`{one.criterion}`",
            f"`{one.status}`",
            criteria.REASONS[one.reason],
            "" if one.lapses_on is None else one.lapses_on.isoformat(),
            one.to_meet_en,
        ]
        for one in criteria.assess(TIERP, records, AS_OF)
    ]
    assert rows_of("The four criteria") == expected


def test_national_and_own_part_and_peers(table, real_data):
    parts = change_parts.build_change_parts(table, [(2015, 2024)], with_sectors=False)
    row = parts.set_index("region_code").loc[TIERP]
    assert rows_of("National and own part") == [
        [
            "2015–2024",
            *(
                f"{row[name]:.1f} %".replace("-", "−")
                for name in ("change_pct", "national_part_pct", "own_part_pct")
            ),
        ]
    ]
    population = pd.read_csv(real_data / "scb/population.csv", dtype={"region_code": str})
    inhabitants = population[population["year"] == 2024].set_index("region_code")["population"].to_dict()
    nearest = peers.find_peers(peers.build_features(table, inhabitants))
    own = nearest[nearest["region_code"] == TIERP].head(3)
    assert rows_of("Peers") == [
        [
            str(line.peer_rank),
            region(line.peer_region_code).name,
            ", ".join(peers.FEATURES[name][1] for name in line.reasons),
        ]
        for line in own.itertuples()
    ]


# --------------------------------------------------------------------------- every number of the page, traced

DOCUMENT = "https://example.org/exempel"
TARGET_SETTINGS = (
    "region_code", "boundary", "target_year", "base_year", "percent_below_base", "level_tco2e",
    "level_tco2e_per_capita", "residual_percent", "annual_rate", "budget_tco2e", "budget_start_year",
    "decided_by",
)  # fmt: skip
WORKBOOK = "smhi/GGT_edition_2026a.xlsx"
NOT_FIGURES = (
    "release 2026a (first publication of May 2026), as of 8 May 2026",
    "utgåvan 2026-05-07",
    "the path of 2024 lies on the line from 1990 to the interim step",
    "evaluated at the next year that ends in 0 or 5",
    "emissions rose from 2023 to 2024. *Without 2024*",
    "the gap is the observed one, 2024 against the level",
    "`heat` adds 5 000 t by 2030; `trucks` 3 500 t less the 500 t it gave already in 2024;",
    "Overdue on 8 May 2026",
    "The plan was decided on 31 March 2014",
    "The member was asked on 1 September 2025",
    "until the member has had 30 days to reply",
    "another one a random sample of 300 numbers of all marts",
)
"""What has digits on the page and is no published number: days, releases, rules of the methods."""


def write_registers(folder: Path) -> None:
    """The project's registers with the synthetic targets and measures of the page."""
    shutil.copytree(REGISTERS_FOLDER, folder)
    entries = []
    for target in TARGETS:
        settings = {
            name: getattr(target, name) for name in TARGET_SETTINGS if getattr(target, name) is not None
        }
        steps = [
            {"year": step.year, "percent_below_base": step.percent_below_base} for step in target.interim
        ]
        entries.append(
            {
                "target_id": target.target_id,
                "target_type": str(target.target_type),
                "title_sv": "Exempel",
                "title_en": "Example",
                "decided_on": str(target.decided_on),
                "document_url": DOCUMENT,
                **settings,
                **({"interim": steps} if steps else {}),
            }
        )
    (folder / "targets.yaml").write_text(yaml.safe_dump({"targets": entries}), encoding="utf-8")
    with (folder / "measures.csv").open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file))
    with (folder / "measures.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for measure in MEASURES:
            writer.writerow(
                {
                    "measure_id": measure.measure_id,
                    "owner_region_code": TIERP,
                    "boundary": measure.boundary,
                    "sector_code": measure.sector_code,
                    "title_sv": measure.title,
                    "title_en": "Example",
                    "status": measure.status,
                    "end_date": measure.end_date or "",
                    "effects": "|".join(f"{year}:{value:.0f}" for year, value in measure.effects.items()),
                    "reckoned_by": "Exempel" if measure.effects else "",
                    "how": "Exempel" if measure.effects else "",
                    "responsible_role": "Exempel",
                    "last_updated": measure.last_updated,
                }
            )


def write_archive(folder: Path, real_data: Path) -> None:
    """The release of the page with population, and a synthetic forecast."""
    (folder / "smhi").mkdir(parents=True)
    shutil.copy(real_data / WORKBOOK, folder / WORKBOOK)
    shutil.copytree(real_data / "scb", folder / "scb")
    population = pd.read_csv(folder / "scb/population.csv", dtype={"region_code": str})
    now = population[population["year"] == 2024].set_index("region_code")["population"]
    now[TIERP] = INHABITANTS_2030
    with (folder / "scb/population_forecast.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["published_date", "region_code", "year", "population"])
        for code in codes():
            for year in (2030, 2035, 2040):
                # A forecast whose years are copies of each other would be held.
                growth = 1 + int(code) % 5 * (year - 2030) / 1000
                writer.writerow(["2026-05-05", code, year, round(now[code] * growth)])


@pytest.fixture(scope="module")
def traced(
    real_data: Path, new_warehouse: Callable[[], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Trace]]:
    """Traces numbers of a warehouse that has published the example."""
    home = tmp_path_factory.mktemp("example")
    write_registers(home / "registers")
    write_archive(home / "archive", real_data)
    warehouse = new_warehouse()
    context = RunContext(
        home=home,
        origin="archive",
        as_of=AS_OF,
        now=dt.datetime(2026, 5, 8, 9, tzinfo=dt.UTC),
        registers=home / "registers",
    )
    with closing(connect(warehouse.loader_dsn)) as conn:
        assert pipeline_run.refresh(conn, warehouse.loader_dsn, home / "archive", context) is not None
    with closing(connect(warehouse.bi_dsn)) as conn, conn, conn.cursor() as cursor:

        def ask(column: str, *, mart: str | None = None, **keys: str) -> Trace:
            question = Question(region_code=TIERP, mart=mart, column=column, keys=keys)
            return trace(cursor, context.snapshots, question)

        yield ask


@pytest.fixture(scope="module")
def sheet(real_data: Path) -> tuple[str, str, list[tuple[Any, ...]]]:
    """The workbook as another reader sees it: its hash, the name of its sheet, its rows."""
    path = real_data / WORKBOOK
    (only,) = openpyxl.load_workbook(path, read_only=True).worksheets
    rows = list(only.iter_rows(values_only=True))
    return hashlib.sha256(path.read_bytes()).hexdigest(), only.title, rows


class Page:
    """Traces numbers and remembers which of the page they were."""

    def __init__(self, traced: Callable[..., Trace], sheet: tuple[str, str, list[tuple[Any, ...]]]) -> None:
        self._traced = traced
        self._sha256, self._title, self._rows = sheet
        self.cells = 0

    def value(self, column: str, **keys: str) -> Any:
        """A published number; everything under it is sound, and every cell is found in the workbook."""
        found = self._traced(column, **keys)
        assert found.disagreements() == []
        (root,) = found.steps
        assert root.method_version == METHOD_VERSION
        for step, before in ((step, before) for _, step, before in found.numbered()):
            if step.cell is None or step.cell.sheet is None or before:
                continue
            at = openpyxl.utils.cell.column_index_from_string(step.cell.column) - 1
            assert step.cell.sheet == self._title
            assert self._rows[step.cell.row - 1][at] == step.value
            assert found.files[step.cell.release_id].sha256 == self._sha256
            self.cells += 1
        return root.value

    def is_empty(self, column: str, **keys: str) -> bool:
        """Whether the number is not there, with nothing to trace."""
        try:
            self._traced(column, **keys)
        except UsageError as error:
            return "has nothing" in str(error)
        return False


@pytest.fixture(scope="module")
def page(traced: Callable[..., Trace], sheet: tuple[str, str, list[tuple[Any, ...]]]) -> Page:
    return Page(traced, sheet)


TARGET_COLUMNS: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("target_year", str),
    ("level_tco2e", tonnes),
    ("status", lambda value: f"`{value}`"),
    ("variants_met", str),
    ("central_tco2e", tonnes),
    ("gap_tco2e", tonnes),
    ("required_annual_reduction_rate", percent),
    ("path_position_tco2e", tonnes),
    ("hangs_on", str),
    ("before_status", lambda value: f"`{value}`"),
)


def test_every_number_of_the_table_of_targets_is_traced(page: Page) -> None:
    for target_id, *stated in rows_of("Targets"):
        keys = {"target_id": target_id.strip("`")}
        for (column, write), cell in zip(TARGET_COLUMNS, stated, strict=True):
            if not cell:
                assert page.is_empty(column, **keys), (target_id, column)
                continue
            written = write(page.value(column, **keys))
            if column == "variants_met":
                written += f" of {page.value('variants_n', **keys)}"
            assert written == cell, (target_id, column)
    assert page.cells > 200, "a trend rests on six years of two cells each"


def test_every_number_of_the_budget_is_traced(page: Page) -> None:
    columns = ("budget_used_share", "budget_time_used_share", "budget_runs_out_year")
    used, time_used, runs_out = (page.value(column, target_id="budget") for column in columns)
    assert rows_of("The carbon budget") == [[percent(used), percent(time_used), str(runs_out)]]


def test_every_number_of_national_and_own_part_and_peers_is_traced(page: Page) -> None:
    ((years, *stated),) = rows_of("National and own part")
    first, last = years.split("–")
    keys = {"mart": "change_part", "sector_code": "all", "first_year": first, "last_year": last}
    parts = [
        f"{page.value(column, **keys):.1f} %".replace("-", "−")
        for column in ("change_pct", "national_part_pct", "own_part_pct")
    ]
    assert parts == stated
    for rank, _, reasons in rows_of("Peers"):
        assert str(page.value("peer_rank", mart="peer", peer_rank=rank)) == rank
        assert page.value("reason_en", mart="peer", peer_rank=rank) == reasons


def test_every_number_of_the_measures_is_traced(page: Page) -> None:
    """Effects are entries of the register; the gap leads to its cells; the rest is adding up and dividing."""

    def effect(measure_id: str, year: int) -> float:
        return float(page.value("expected_reduction_tco2e", measure_id=measure_id, year=str(year)))

    counted = {
        "agriculture": 0.0,
        "power_heat": effect("heat", 2029),
        "transport": effect("trucks", 2028) - effect("trucks", 2024),
    }
    gap = page.value("observed_gap_tco2e", target_id="percent")
    for sector, *stated in rows_of("Measures against the gap"):
        code = sector.strip("`")
        total = sum(counted.values()) if code == "all" else counted[code]
        assert stated[1] == tonnes(total)
        if code == "all":
            assert stated[3:] == [tonnes(gap), percent(total / gap)]
    for said, value in (
        ("`heat` adds 5 000 t by 2030", effect("heat", 2029)),
        ("`trucks` 3 500 t less", effect("trucks", 2028)),
        ("less the 500 t it gave already in 2024", effect("trucks", 2024)),
    ):
        assert tonnes(value) in said
        assert said in PAGE.read_text(encoding="utf-8")


def territorial(page: Page, year: int) -> str:
    return show(round(page.value("emissions_tco2e", boundary="territorial", year=str(year)), 1))


def test_every_number_of_the_running_text_is_traced(page: Page) -> None:
    def of(target_id: str, column: str, mart: str = "target") -> Any:
        return page.value(column, mart=mart, target_id=target_id)

    base, last = territorial(page, 1990), territorial(page, 2024)
    remains = 1 - of("percent", "base_reduction_percent") / 100
    forecast = page.value("population_count", mart="population_forecast", year="2030")
    changed, national, local = (
        f"{page.value(f'{name}_printed_pct', mart='region_overview'):+.1f}"
        for name in ("change", "national_part", "own_part")
    )
    sentences = (
        f"Territorial emissions: {base} t in 1990, {territorial(page, 2023)} t in 2023, {last} t in 2024.",
        f"`percent`: {of('percent', 'base_reduction_percent'):.0f} % below {of('percent', 'base_year')}, "
        f"with an interim step of {TARGETS[0].interim[0].percent_below_base:.0f} % "
        f"in {TARGETS[0].interim[0].year}.",
        f"The level is {base} × {remains:.2f};",
        f"`level`: {tonnes(of('level', 'level_tco2e'))} t.",
        f"`per_capita`: {of('per_capita', 'level_tco2e_per_capita'):.1f} t per inhabitant, "
        f"times a forecast of {tonnes(forecast)} inhabitants",
        f"`net_zero`: at most {of('net_zero', 'residual_percent'):.0f} % of "
        f"{of('net_zero', 'base_year')} may",
        f"`rate`: {100 * of('rate', 'annual_reduction_rate'):.0f} % less each year "
        f"from {of('rate', 'base_year')} on",
        f"`budget`: {of('budget', 'budget_tco2e') / 1e6:.1f} Mt from {of('budget', 'budget_start_year')} "
        f"to {of('budget', 'target_year')}.",
        f"2023–2024 is printed {changed} = {national} {local}.".replace(" -", " − "),
        f"without {of('level', 'before_year', 'target_progress')} it was "
        f"{tonnes(of('level', 'before_central_tco2e', 'target_progress'))} t.",
    )
    text = PAGE.read_text(encoding="utf-8")
    for sentence in sentences:
        assert sentence in text
    # What is left of the page's numbers is days, release names and the rules of the methods.
    rest = text
    for sentence in sentences:
        rest = rest.replace(sentence, "")
    rest = re.sub(r"^```$.*?^```$", "", rest, flags=re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^\|.*\|$|`klimatpuls [^`]*`", "", rest, flags=re.MULTILINE)
    for phrase in NOT_FIGURES:
        assert phrase in rest, phrase
        rest = rest.replace(phrase, "")
    assert re.findall(r"[^\n]*\d[^\n]*", rest) == []


def test_the_trace_on_the_page_is_what_the_command_says(traced: Callable[..., Trace]) -> None:
    (block,) = re.findall(r"^```\n\$ (.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    command, *stated = block.splitlines()
    assert command == "klimatpuls trace 0360 --boundary territorial --year 2024"
    lines = list(render_lines(traced("emissions_tco2e", boundary="territorial", year="2024")))
    assert [line for line in stated if line not in lines] == []
