"""Whatever figures a release brings, it is published and no formula fails on them."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg2 import sql
from support import pipeline_run
from support.loading import load_facts
from support.releases import LIST

from klimatpuls.contract import catalog
from klimatpuls.contract.releases import Parsed, content_sha256, release_id
from klimatpuls.domain import sectors
from klimatpuls.membership import members
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.pipeline import publish, sync_registers
from klimatpuls.statistics import results
from klimatpuls.warehouse import runs
from klimatpuls.warehouse.connection import connect, load_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Warehouse

EXAMPLES = int(os.environ.get("KLIMATPULS_EXAMPLES", "20"))
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.timeout(60 + 15 * EXAMPLES),
]
NATION = "00"
COUNTIES = {"01": ["0180", "0127", "0184"], "03": ["0360", "0380", "0331"], "20": ["2062", "2081"]}
OWN, ABROAD, AVIATION = "transport", "international_transport", "transport.domestic_aviation"
ALL_YEARS = (1990, 2000, 2005, 2010, *range(2015, 2026))
AS_IT_CAME = (Phase.explicit, Phase.reuse, Phase.generate)
"""A failing example is shown as it came: to shrink one takes hundreds of publications."""
LARGEST_T = 1e9
"""Twenty times what the whole nation emits."""
_numbers = count(1)


def amounts() -> st.SearchStrategy[float]:
    """Tonnes of one sector of one municipality in one year."""
    return st.sampled_from([0.0, 0.0, 1.0, 5e-324, 1e-9, 1000.0, 12345.678, LARGEST_T]) | st.floats(
        0, LARGEST_T, allow_subnormal=True
    )


@st.composite
def series(draw: st.DrawFn, years: tuple[int, ...]) -> list[float]:
    """A municipality's sector: zeros, the same all years, from a year on, or as it comes."""
    kind = draw(st.sampled_from(["zero", "equal", "begins", "ends", "fall", "any"]))
    size = draw(amounts())
    if kind == "zero":
        return [0.0] * len(years)
    if kind == "any":
        return [draw(amounts()) for _ in years]
    at = draw(st.integers(0, len(years)))
    if kind == "begins":
        return [0.0] * at + [size] * (len(years) - at)
    if kind == "ends":
        return [size] * at + [0.0] * (len(years) - at)
    return [size] * len(years) if kind == "equal" else [size * 0.9**step for step in range(len(years))]


@st.composite
def emissions(draw: st.DrawFn) -> pd.DataFrame:
    """Facts whose sums agree, as the gates ask: municipalities, counties, nation; sectors and their total."""
    chosen = draw(st.sets(st.sampled_from(ALL_YEARS), min_size=1, max_size=9))
    years = tuple(sorted(chosen))
    # A few sectors say something; a draw for each of nine is lost on the formulas.
    with_figures = draw(st.sets(st.sampled_from(sectors.main_codes()), min_size=1, max_size=3))
    cells: dict[tuple[str, str, int], float] = {}
    share = draw(st.sampled_from([None, 0.0, 0.5, 1.0]))
    for county, municipalities in COUNTIES.items():
        for code in municipalities:
            for sector in sectors.main_codes():
                own = draw(series(years)) if sector in with_figures else [0.0] * len(years)
                for year, value in zip(years, own, strict=True):
                    parts = {sector: value, "all": value}
                    if sector == OWN and share is not None:
                        parts[AVIATION] = value * share
                    for name, part in parts.items():
                        for area in (code, county, NATION):
                            cells[area, name, year] = cells.get((area, name, year), 0.0) + part
    rows = [(*key, value) for key, value in cells.items()]
    return pd.DataFrame(rows, columns=["region_code", "sector_code", "year", "emissions"])


@st.composite
def inhabitants(draw: st.DrawFn) -> pd.DataFrame:
    """Population of some years, of areas that may be empty."""
    years = sorted(draw(st.sets(st.sampled_from(ALL_YEARS), min_size=1, max_size=4)))
    codes = [code for own in COUNTIES.values() for code in own]
    rows = [
        (code, year, draw(st.sampled_from([1, 100, 12_000, 900_000]))) for code in codes for year in years
    ]
    rows += [(NATION, year, 10_000_000) for year in years]
    return pd.DataFrame(rows, columns=["region_code", "year", "population_count"])


@st.composite
def national(draw: st.DrawFn) -> pd.DataFrame:
    """The nation's inventory of some years."""
    years = sorted(draw(st.sets(st.sampled_from([*ALL_YEARS, 2026]), min_size=1, max_size=4)))
    codes = [*sectors.main_codes(), "total"]
    rows = [("ghg", code, year, draw(amounts())) for code in codes for year in years]
    return pd.DataFrame(rows, columns=["substance", "sector_code", "year", "emissions_tco2e"])


class Home:
    """A warehouse with a hand for releases that have passed their gates."""

    def __init__(self, warehouse: Warehouse, folder: Path) -> None:
        self.warehouse, self.folder = warehouse, folder

    def add(self, dataset: str, rows: pd.DataFrame, day: dt.date, substance: str | None = None) -> None:
        parsed = Parsed(
            dataset=dataset,
            substance=substance,
            unit="ton",
            published_date=day,
            years=tuple(sorted(set(rows["year"].tolist()))),
            rows=rows.assign(sheet_row=range(len(rows))),
            rejects=pd.DataFrame(columns=["sheet_row", "column_name", "raw_value", "reason"]),
            rows_read=len(rows),
        )
        name = release_id(parsed)
        with closing(connect(self.warehouse.loader_dsn)) as conn:
            with conn:
                run_id = runs.start_run(
                    conn,
                    source=catalog.source_of(dataset).id,
                    origin="synthetic",
                    as_of=day,
                    orchestrator_run=None,
                ).run_id
            values = {
                "release_id": name,
                "source": catalog.source_of(dataset).id,
                "dataset": dataset,
                "substance": substance or "all",
                "unit": parsed.unit,
                "gwp_set": None,
                "published_date": day,
                "known_from": day,
                "retrieved_at": f"{day}T08:00:00Z",
                "content_sha256": content_sha256(parsed),
                "file_sha256": f"{next(_numbers):064x}",
                "years": list(parsed.years),
                "row_count": len(rows),
                "rejected_count": 0,
                "notes": [],
                "origin": "synthetic",
                "run_id": run_id,
            }
            with conn, conn.cursor() as cursor:
                load_facts(conn, run_id, [(name, parsed)])
                cursor.execute(load_sql("write/insert_release.sql"), values)
                cursor.execute(
                    "UPDATE core.dim_release SET state = 'validated' WHERE release_id = %s", (name,)
                )
                runs.set_run_state(conn, run_id, "validated", "passed")

    def forget(self) -> None:
        """Nothing of the example before counts any more."""
        with closing(connect(self.warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
            cursor.execute("UPDATE core.dim_release SET state = 'withdrawn'")


TARGETS = [
    {"target_type": "percent_below_base", "base_year": 1990, "target_year": 2030, "percent_below_base": 100},
    {"target_type": "fixed_level", "target_year": 2024, "level_tco2e": 0},
    {"target_type": "fixed_level_per_capita", "target_year": 2030, "level_tco2e_per_capita": 1},
    {"target_type": "net_zero", "base_year": 2000, "target_year": 2045, "residual_percent": 15},
    {"target_type": "constant_rate", "base_year": 2015, "annual_rate": 1},
    {"target_type": "carbon_budget", "budget_start_year": 2016, "target_year": 2030, "budget_tco2e": 1},
]


@pytest.fixture(scope="module")
def home(
    new_warehouse: Callable[[], Warehouse],
    drop_warehouse: Callable[[Warehouse], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Home]:
    """A warehouse with registers that hold a target of every type and a measure beside each."""
    folder = shutil.copytree(REGISTERS_FOLDER, tmp_path_factory.mktemp("releases") / "registers")
    decision = {"decided_on": "2021-06-15", "decided_by": "KF", "document_url": "https://example.org/x"}
    targets = [
        {
            **target,
            **decision,
            "target_id": f"target_{at}",
            "region_code": "0360",
            "boundary": "territorial",
            "title_sv": "Mål",
            "title_en": "Target",
        }
        for at, target in enumerate(TARGETS)
    ]
    (folder / "targets.yaml").write_text(yaml.safe_dump({"targets": targets}), encoding="utf-8")
    with (folder / "measures.csv").open("a", encoding="utf-8") as file:
        file.write("m1,0360,territorial,all,Avtal,Pact,ongoing,,,2027:5,KF,Schablon,,,Strateg,,2025-03-01\n")
    sync_registers.refuse_mistakes(folder)
    made = Home(new_warehouse(), folder)
    with closing(connect(made.warehouse.loader_dsn)) as conn:
        sync_registers.sync_registers(conn, folder)
    yield made
    drop_warehouse(made.warehouse)


def infinite_figures(warehouse: Warehouse) -> list[str]:
    """Columns of results in which a reader meets infinity, under the current publication."""
    with closing(connect(warehouse.admin_dsn)) as conn, conn, conn.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'mart_data' "
            "AND data_type = 'double precision' AND table_name = ANY(%s)",
            ([*results.STEPS.tables, *members.STEPS.tables],),
        )
        found = []
        for table, column in cursor.fetchall():
            cursor.execute(
                sql.SQL(
                    "SELECT 1 FROM mart_data.{} AS d INNER JOIN mart.current_publication AS cp "
                    "USING (publication_id) WHERE d.{} IN ('Infinity', '-Infinity') LIMIT 1"
                ).format(sql.Identifier(table), sql.Identifier(column))
            )
            if cursor.fetchone():
                found.append(f"{table}.{column}")
        return found


@given(
    older=st.none() | emissions(),
    newer=emissions(),
    people=st.none() | inhabitants(),
    inventory=st.none() | national(),
)
@settings(
    max_examples=EXAMPLES,
    phases=AS_IT_CAME,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_whatever_the_gates_let_pass_is_published(
    home: Home,
    older: pd.DataFrame | None,
    newer: pd.DataFrame,
    people: pd.DataFrame | None,
    inventory: pd.DataFrame | None,
) -> None:
    home.forget()
    day = dt.date(2026, 1, 1) + dt.timedelta(days=3 * next(_numbers))
    if older is not None:
        home.add("smhi_emissions", older, day, "ghg")
    home.add("smhi_emissions", newer, day + dt.timedelta(days=1), "ghg")
    if people is not None:
        home.add("scb_population", people, day)
    if inventory is not None:
        home.add("scb_national_emissions", inventory, day)
    context = pipeline_run.context_of(home.folder.parent / "home", dt.date(2026, 5, 9))
    with closing(connect(home.warehouse.loader_dsn)) as conn:
        made = publish.publish_validated(conn, context, LIST)
    assert made is not None
    said = [(one.table_name, one.error_class, one.error_message) for one in made.stale]
    assert said == []
    assert infinite_figures(home.warehouse) == []
