"""Official figures of the register on their way to the marts, the trace and the mail; synthetic figures."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support import releases

from klimatpuls.contract import schema
from klimatpuls.operations.trace import Question, trace
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.pipeline import sync_registers
from klimatpuls.report.view import read_digest
from klimatpuls.report.wording import write_page
from klimatpuls.statistics.series import TERRITORIAL_SECTORS
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Published, Warehouse

pytestmark = pytest.mark.postgres

NUMBERS = {"smallint", "integer", "bigint", "double precision"}
TIERP, NATION, LAST = "0360", "00", 2024
OUTCOME_T = 29_000_000.0
CHANGE = {code: 0.9 + 0.02 * at for at, code in enumerate(TERRITORIAL_SECTORS)}
"""The nation's preliminary year ÷ its last final one, per sector."""
LINE = (
    f"SELECT %s FROM mart.target_progress WHERE region_code = '{NATION}' AND target_id = 'national_2030_55'"
)


@pytest.fixture(scope="module")
def before(
    good: Published, clone: Callable[[str], Warehouse], tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """The published small archive, to be changed."""
    home = tmp_path_factory.mktemp("official")
    shutil.copytree(good.context.home / "snapshots", home / "snapshots")
    shutil.copytree(REGISTERS_FOLDER, home / "registers")
    own = replace(good.context, home=home, registers=home / "registers")
    return replace(good, warehouse=clone(good.warehouse.name), context=own)


@pytest.fixture(scope="module")
def statuses_before(before: Published) -> list[tuple[Any, ...]]:
    return releases.ask(before, MUNICIPAL_STATUSES)


MUNICIPAL_STATUSES = f"""
    SELECT region_code, target_id, status, variants_met, gap_tco2e, last_year FROM mart.target_progress
    WHERE region_code <> '{NATION}' ORDER BY 1, 2
"""


@pytest.fixture(scope="module")
def published(before: Published, statuses_before: list[tuple[Any, ...]]) -> Published:
    """The same after the outcome of the inventory's last year and a preliminary year were entered."""
    assert statuses_before
    assert releases.ask(before, LINE % "base_status") == [("proxy",)]
    assert releases.ask(before, "SELECT count(*) FROM mart.nowcast") == [(0,)], "no year ahead is held"
    sectors = dict(
        releases.ask(
            before,
            "SELECT sector_code, emissions_tco2e FROM mart.national_emission "
            f"WHERE substance = 'ghg' AND year = {LAST}",
        )
    )
    written = ",2025-12-16,Naturvårdsverket,https://example.org/utfall\n"
    with (before.context.registers / "official_figures.csv").open("a", encoding="utf-8") as file:
        file.write(f"{LAST},{LAST},effort_sharing,{OUTCOME_T}{written}")
        for code, factor in CHANGE.items():
            file.write(f"{LAST},{LAST + 1},{code},{sectors[code] * factor!r}{written}")
    with closing(connect(before.warehouse.loader_dsn)) as conn:
        assert sync_registers.sync_registers(conn, before.context.registers) == ("official_figures",)
    assert releases.publish_now(before) is not None
    return before


def traced(published: Published, region: str, mart: str, column: str, **keys: str) -> Any:
    with closing(connect(published.warehouse.bi_dsn)) as conn, conn, conn.cursor() as cursor:
        question = Question(region_code=region, mart=mart, column=column, keys=keys)
        return trace(cursor, published.context.snapshots, question)


def inputs_of(found: Any) -> dict[str, float]:
    """What a number is made from, one step down."""
    (root,) = found.steps
    return {step.what: step.value for step in root.inputs}


def test_the_nation_has_base_and_outcome_of_one_submission(published: Published) -> None:
    ((total,),) = releases.ask(
        published,
        "SELECT emissions_tco2e FROM mart.national_emission "
        "WHERE substance = 'ghg' AND sector_code = 'total' AND year = 1990",
    )
    columns = "base_status, base_tco2e, last_tco2e, last_year, level_tco2e"
    ((status, base, last, year, level),) = releases.ask(published, LINE % columns)
    assert (status, last, year) == ("official", OUTCOME_T, LAST)
    assert base == pytest.approx(total - 25e6)
    assert level == pytest.approx(0.45 * base)
    keys = {"target_id": "national_2030_55"}
    found = traced(published, NATION, "target_progress", "base_tco2e", **keys)
    assert inputs_of(found)["mart.national_emission.emissions_tco2e"] == pytest.approx(total)
    outcome = traced(published, NATION, "target_progress", "last_tco2e", **keys)
    assert inputs_of(outcome) == {"mart.official_figure.emissions_tco2e": OUTCOME_T}
    assert outcome.disagreements() == []


def test_every_number_of_the_line_is_calculated_again_from_official_figures(published: Published) -> None:
    numbers = {column.name for column in schema.mart("target_progress").columns if column.type in NUMBERS}
    columns = sorted(numbers - {"publication_id"})
    ((*values,),) = releases.ask(published, LINE % ", ".join(columns))
    known = [column for column, value in zip(columns, values, strict=True) if value is not None]
    assert {"base_tco2e", "level_tco2e", "last_tco2e", "required_annual_reduction_rate"} <= set(known)
    for column in known:
        found = traced(published, NATION, "target_progress", column, target_id="national_2030_55")
        (root,) = found.steps
        assert root.recomputed == pytest.approx(root.value), column
        assert found.disagreements() == [], column
        assert "mart.boundary_series.emissions_tco2e" not in {step.what for _, step, _ in found.numbered()}


def test_no_status_of_a_municipality_changes(
    published: Published, statuses_before: list[tuple[Any, ...]]
) -> None:
    assert releases.ask(published, MUNICIPAL_STATUSES) == statuses_before


def test_the_preliminary_year_gives_an_estimate_that_says_so(published: Published) -> None:
    rows = releases.ask(
        published,
        "SELECT year, basis, count(*) FROM mart.nowcast GROUP BY year, basis",
    )
    assert rows == [(LAST + 1, "preliminary", 311)], "every municipality and county"
    sectors = releases.ask(
        published,
        f"SELECT sector_code, emissions_tco2e FROM mart.emission "
        f"WHERE region_code = '{TIERP}' AND year = {LAST} AND substance = 'ghg'",
    )
    expected = sum(value * CHANGE[code] for code, value in sectors if code in CHANGE)
    ((estimate,),) = releases.ask(
        published, f"SELECT emissions_tco2e FROM mart.nowcast WHERE region_code = '{TIERP}'"
    )
    assert estimate == pytest.approx(expected)


def test_the_estimate_is_traced_to_the_cells_and_to_the_register(published: Published) -> None:
    found = traced(published, TIERP, "nowcast", "emissions_tco2e")
    assert found.disagreements() == []
    every = {step.what for _, step, _ in found.numbered()}
    assert {"mart.nowcast.last_tco2e", "mart.emission.emissions_tco2e"} <= every
    assert any("official_figure" in what for what in every)
    assert found.files, "down to the release's file"


def test_the_mail_shows_it_with_its_sentence(published: Published) -> None:
    with closing(connect(published.warehouse.loader_dsn)) as conn:
        digest = read_digest(conn)
    assert digest is not None
    assert digest.estimate is not None
    assert digest.estimate.basis == "preliminary"
    ((members,),) = releases.ask(
        published,
        "SELECT emissions_tco2e FROM mart.network_summary "
        f"WHERE panel = 'members_today' AND boundary = 'territorial' AND year = {LAST}",
    )
    assert digest.estimate.last_tco2e == pytest.approx(members), "the municipalities of the headline"
    headings = [part.heading for part in write_page(digest, "sv").sections]
    assert f"En uppskattning av {LAST + 1}" in headings
