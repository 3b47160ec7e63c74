"""Emissions trading through the pipeline: registers filled in, published, and traced to the cell."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import yaml
from support import releases

from klimatpuls.operations.trace import Question, trace
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.pipeline import sync_registers
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Published, Warehouse

    from klimatpuls.operations.tracing import Trace

pytestmark = pytest.mark.postgres

TIERP, UPPSALA = "0360", "0380"
EXCLUDED = "20"
"""A plant of the synthetic workbook that was let out of trading."""
TARGET = {
    "region_code": TIERP, "target_type": "fixed_level", "target_year": 2030, "level_tco2e": 1_000.0,
    "title_sv": "Exempel", "title_en": "Example", "decided_on": "2022-11-28",
    "decided_by": "Fullmäktige (exempel)", "document_url": "https://example.org/beslut",
}  # fmt: skip


@pytest.fixture(scope="module")
def before(wholly_good: Published) -> Published:
    """Every source is published, and the registers of trading are empty."""
    return wholly_good


@pytest.fixture(scope="module")
def smallest(before: Published) -> dict[str, float]:
    """Two plants and what they emitted in 2024."""
    rows = releases.ask(
        before,
        "SELECT installation_id, verified_tco2e FROM mart.ets_plant WHERE year = 2024 "
        "AND verified_tco2e > 0 AND installation_id IN (SELECT p.installation_id FROM mart.ets_plant AS p "
        "GROUP BY p.installation_id HAVING count(*) = 13) ORDER BY 2 LIMIT 2",
    )
    return dict(rows)


@pytest.fixture(scope="module")
def filled_in(
    before: Published,
    smallest: dict[str, float],
    clone: Callable[[str], Warehouse],
    tmp_path_factory: pytest.TempPathFactory,
) -> Published:
    """Tierp has both plants and one that is excluded; Uppsala has none, and nobody has said so of Heby."""
    home = tmp_path_factory.mktemp("trading")
    shutil.copytree(before.context.home / "snapshots", home / "snapshots")
    own = replace(before, warehouse=clone(before.warehouse.name), context=replace(before.context, home=home))
    folder = shutil.copytree(REGISTERS_FOLDER, home / "registers")
    targets = [
        {**TARGET, "target_id": "outside", "boundary": "outside_trading"},
        {**TARGET, "target_id": "proxy", "boundary": "effort_sharing_proxy"},
    ]
    (folder / "targets.yaml").write_text(yaml.safe_dump({"targets": targets}), encoding="utf-8")
    for file, rows in {
        "ets_plants.csv": [
            f"{plant},,{TIERP},industry,,,2026-02-03,tillstånd" for plant in (*smallest, EXCLUDED)
        ],
        "ets_statements.csv": [f"{code},2026-02-03,miljöchef,förteckning" for code in (TIERP, UPPSALA)],
        "trading_references.csv": [
            f"{TIERP},2024,non_trading,1,tCO2e_per_inhabitant,Exempel",
            f"{TIERP},2024,trading,{sum(smallest.values())},tCO2e,Exempel",
            f"{UPPSALA},2011,non_trading,1,tCO2e,Exempel",
        ],
    }.items():
        with (folder / file).open("a", encoding="utf-8") as opened:
            opened.write("".join(f"{row}\n" for row in rows))
    with closing(connect(own.warehouse.loader_dsn)) as conn:
        changed = sync_registers.sync_registers(conn, folder)
    assert {"ets_plants", "ets_statements", "trading_references"} <= set(changed)
    assert releases.publish_now(own) is not None
    return own


@pytest.fixture(scope="module")
def traced(filled_in: Published) -> Iterator[Callable[..., Trace]]:
    with closing(psycopg2.connect(filled_in.warehouse.bi_dsn)) as conn, conn, conn.cursor() as cursor:
        yield lambda column, **keys: trace(
            cursor,
            filled_in.context.snapshots,
            Question(region_code=TIERP, column=column, mart=keys.pop("mart", None), keys=keys),
        )


def one(published: Published, query: str) -> tuple[Any, ...]:
    (row,) = releases.ask(published, query)
    return row


OVERVIEW = (
    "SELECT outside_trading_tco2e, outside_trading_reason, leads_with, 'proxy_poor' = any(flags) "
    "FROM mart.{} WHERE region_code = '{}'"
)


class TestWithoutRegisters:
    def test_every_area_has_a_reason_and_leads_with_territorial(self, before):
        assert releases.ask(
            before,
            "SELECT level, outside_trading_reason, leads_with, count(outside_trading_tco2e) "
            "FROM mart.region_overview INNER JOIN mart.region USING (region_code) GROUP BY 1, 2, 3 "
            "ORDER BY 1",
        ) == [
            ("county", "not_a_municipality", "territorial", 0),
            ("municipality", "not_stated", "territorial", 0),
            ("nation", "not_a_municipality", "territorial", 0),
        ]
        assert one(before, "SELECT verdict, pairs_n FROM mart.nowcast_plant_score") == ("not_enough_years", 0)

    def test_plants_are_shown_without_a_municipality(self, before):
        assert one(before, "SELECT count(*) > 500, count(region_code) FROM mart.ets_plant") == (True, 0)


class TestFilledIn:
    def test_the_plants_are_subtracted(self, filled_in, smallest):
        territorial, outside = one(
            filled_in,
            "SELECT t.emissions_tco2e, o.emissions_tco2e FROM mart.boundary_series AS t "
            "INNER JOIN mart.boundary_series AS o USING (region_code, year) WHERE t.boundary = 'territorial' "
            f"AND o.boundary = 'outside_trading' AND region_code = '{TIERP}' AND year = 2024",
        )
        (aviation,) = one(
            filled_in,
            "SELECT sum(CASE boundary WHEN 'territorial' THEN 0 ELSE emissions_tco2e END) - ("
            "SELECT emissions_tco2e FROM mart.boundary_series WHERE boundary = 'domestic_transport' "
            f"AND region_code = '{TIERP}' AND year = 2024) FROM (SELECT 'transport' AS boundary, "
            "emissions_tco2e FROM mart.emission WHERE sector_code = 'transport' AND substance = 'ghg' "
            f"AND region_code = '{TIERP}' AND year = 2024) AS s",
        )
        assert outside == pytest.approx(territorial - aviation - sum(smallest.values()))
        assert one(filled_in, OVERVIEW.format("region_overview", TIERP))[:2] == (pytest.approx(outside), None)
        assert one(filled_in, OVERVIEW.format("municipality_overview", TIERP))[0] == pytest.approx(outside)

    def test_only_from_2013_and_only_with_a_statement(self, filled_in):
        assert releases.ask(
            filled_in,
            "SELECT region_code, min(year) >= 2013 FROM mart.boundary_series "
            "WHERE boundary = 'outside_trading' GROUP BY 1 ORDER BY 1",
        ) == [(TIERP, True), (UPPSALA, True)]

    def test_the_proxy_is_compared_and_flagged_where_it_misses(self, filled_in):
        rows = releases.ask(
            filled_in,
            "SELECT region_code, part, population_year, difference_pct IS NULL, is_poor, status_reason "
            "FROM mart.proxy_check ORDER BY 1, 2",
        )
        assert rows[0][:4] == (TIERP, "non_trading", 2024, False)
        assert rows[2] == (UPPSALA, "non_trading", None, True, False, "year_not_published")
        is_poor = any(row[4] for row in rows if row[0] == TIERP)
        assert is_poor, "one tonne per inhabitant is far from the synthetic proxy"
        assert one(filled_in, OVERVIEW.format("region_overview", TIERP))[3] is True
        assert one(filled_in, OVERVIEW.format("region_overview", UPPSALA))[3] is False
        assert releases.ask(
            filled_in,
            "SELECT DISTINCT region_code, boundary FROM mart.boundary_series WHERE 'proxy_poor' = any(flags)",
        ) == [(TIERP, "effort_sharing_proxy")]

    def test_targets_may_name_it_and_say_where_the_proxy_is_poor(self, filled_in):
        assert releases.ask(
            filled_in,
            "SELECT target_id, last_tco2e IS NULL, 'proxy_poor' = any(flags) FROM mart.target_progress "
            "WHERE is_own_target ORDER BY 1",
        ) == [("outside", False, False), ("proxy", False, True)]

    def test_a_plant_shows_its_municipality_and_who_says_so(self, filled_in):
        assert one(
            filled_in,
            "SELECT region_code, sector_code, trading_status, verified_tco2e, assigned_by "
            f"FROM mart.ets_plant WHERE installation_id = '{EXCLUDED}' AND year = 2024",
        ) == (TIERP, "industry", "excluded", None, "tillstånd")


class TestTrace:
    def test_a_value_outside_trading_leads_to_the_cells_of_both_files(self, traced, smallest):
        found = traced("emissions_tco2e", mart="boundary_series", boundary="outside_trading", year="2024")
        steps = [step for _, step, seen in found.numbered() if not seen]
        assert found.disagreements() == []
        (whole,) = [step for step in steps if step.what == "mart.boundary_series.emissions_tco2e"]
        assert whole.recomputed == pytest.approx(whole.value)
        plants = [step for step in steps if step.what == "mart.ets_plant.verified_tco2e"]
        assert sorted(step.value for step in plants) == sorted(smallest.values())
        assert all(step.cell is not None for step in plants)

    @pytest.mark.parametrize(
        ("mart", "column", "keys"),
        [
            ("proxy_check", "reference_tco2e", {"part": "trading", "year": "2024"}),
            ("proxy_check", "reference_tco2e", {"part": "non_trading", "year": "2024"}),
            ("proxy_check", "population_year", {"part": "non_trading", "year": "2024"}),
            ("nowcast_plant_score", "pairs_n", {}),
            ("target_progress", "central_tco2e", {"target_id": "outside"}),
        ],
    )
    def test_every_number_about_trading_is_calculated_again(self, traced, mart, column, keys):
        found = traced(column, mart=mart, **keys)
        (root,) = found.steps
        assert root.recomputed == pytest.approx(root.value)
        assert found.disagreements() == []

    @pytest.mark.parametrize(
        ("mart", "column", "keys"),
        [
            ("proxy_check", "difference_pct", {"part": "trading", "year": "2024"}),
            ("region_overview", "outside_trading_tco2e", {}),
        ],
    )
    def test_what_follows_from_it_is_traced_too(self, traced, mart, column, keys):
        found = traced(column, mart=mart, **keys)
        whats = {step.what for _, step, _ in found.numbered()}
        assert "mart.boundary_series.emissions_tco2e" in whats
