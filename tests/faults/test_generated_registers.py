"""Every row of a register that the check accepts can be published, and breaks no formula."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import re
import shutil
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.releases import LIST, the_day_after

from klimatpuls.domain import regions, sectors
from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.pipeline import publish, sync_registers
from klimatpuls.registers.checking import REGISTERS, check_folder
from klimatpuls.registers.rules import CRITERIA_RULES
from klimatpuls.registers.values import cell_text
from klimatpuls.statistics import results
from klimatpuls.statistics.series import BOUNDARY_CODES
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from conftest import Published

    from klimatpuls.registers.reading import Mistake
    from klimatpuls.statistics.steps import Step, Steps

EXAMPLES = int(os.environ.get("KLIMATPULS_EXAMPLES", "20"))
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.timeout(60 + 15 * EXAMPLES),
]
TODAY = dt.date(2026, 5, 9)
CHECKED_ON = dt.date(2027, 1, 1)
"""A day on which everything in the project's own registers has happened."""
AS_IT_CAME = (Phase.explicit, Phase.reuse, Phase.generate)
"""A failing example is shown as it came: to shrink one takes hundreds of publications."""
IDS = ["aa", "bb", "cc"]
AREAS = ["0360", "0380", "03", "0180"]
LONG_AGO, FAR_AHEAD = dt.date(1, 1, 1), dt.date(9999, 12, 31)
ALWAYS = {"targets": 6, "measures": 6, "own_series": 12, "sector_lists": 2}
"""Registers that every example has rows of, and how many at most: the others mean little without them."""
IN_ORDER = (
    ("valid_from", "valid_to"), ("valid_to", "prolonged_to"), ("entered_on", "review_by"),
    ("asked_on", "told_on"), ("asked_on", "replied_on"), ("pledged_on", "due_on"), ("start_date", "end_date"),
    ("opens_on", "closes_on"), ("joined_on", "left_on"), ("base_year", "target_year"),
    ("budget_start_year", "target_year"),
)  # fmt: skip
CHANGED = [name for name in REGISTERS if name not in {"rules", "national_lines", "criteria_rules"}]

days = (
    st.dates(LONG_AGO, FAR_AHEAD)
    | st.dates(dt.date(1990, 1, 1), dt.date(2050, 12, 31))
    | st.sampled_from([LONG_AGO, FAR_AHEAD, TODAY, dt.date(1900, 1, 1), dt.date(2200, 12, 31)])
).map(dt.date.isoformat)
years = st.sampled_from([1900, 1989, 1990, 2015, 2020, 2023, 2024, 2025, 2026, 2030, 2045, 2200])
FORMATS: dict[str, st.SearchStrategy[str]] = {
    "date": days,
    "region-code": st.sampled_from(AREAS),
    "municipality-code": st.sampled_from(["0360", "0380", "0180"]),
    "area-code": st.sampled_from([*AREAS, "00"]),
    "sector-code": st.sampled_from(sorted(sectors.sectors())),
    "https-url": st.just("https://example.org/x"),
}
NAMED: dict[str, st.SearchStrategy[Any]] = {
    "boundary": st.sampled_from([*BOUNDARY_CODES, *(f"own_series:{one}" for one in IDS), "sector_list:aa"]),
    "unit": st.sampled_from(["tCO2e", "MWh"]),
    "dataset": st.just("smhi_emissions"),
    "substance": st.just("ghg"),
    "region_name": st.just("?"),
    "title_sv": st.just("Rubrik"),
    "title_en": st.just("Title"),
}
"""Columns whose values must fit another register or another column."""


def numbers(column: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Numbers that the schema of a column allows, extremes among them."""
    least = column.get("minimum", column.get("exclusiveMinimum", -1e308))
    most = column.get("maximum", 1e308)
    plain = st.sampled_from([0, 1, 2, 50, 63.5, 100, 1000, 1e6, 1e12, 1e300, 5e-324, -1, -1e9])
    free = st.floats(least, most, allow_nan=False, allow_infinity=False)
    return (plain | free).filter(lambda number: least <= number <= most)


def values(column: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that the schema of a column allows."""
    kind = column.get("type")
    if "enum" in column:
        return st.sampled_from(column["enum"])
    if kind == "integer":
        return years
    if kind == "number":
        return numbers(column)
    if kind == "boolean":
        return st.booleans()
    if kind == "array":
        return st.lists(values(column["items"]), min_size=1, max_size=3)
    if kind == "object" and "properties" in column:
        return entries(column, {})
    if kind == "object":
        return st.dictionaries(years.map(str), numbers({"minimum": 0}), min_size=1, max_size=3)
    if "pattern" in column:
        return st.sampled_from(["A1", "B4"] if "A-C" in column["pattern"] else IDS)
    return FORMATS.get(str(column.get("format")), st.just("ord"))


@st.composite
def entries(draw: st.DrawFn, schema: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """A row: what is required, and some of the rest."""
    required = set(schema.get("required", ()))
    row = {}
    for name, column in schema["properties"].items():
        if name in required or draw(st.booleans()):
            row[name] = draw(named[name] if name in named else values(column))
    return row


@st.composite
def folders(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Register → rows that are added to it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in draw(st.sets(st.sampled_from(CHANGED))) | ALWAYS.keys():
        rows = entries(dict(REGISTERS[name].shape.document), NAMED)
        at_most = ALWAYS.get(name, 3)
        drawn = draw(st.lists(rows, min_size=at_most // 2, max_size=at_most))
        found[name] = [fitted(name, row, at) for at, row in enumerate(drawn)]
    if draw(st.booleans()):
        found["criteria_rules"] = [
            {"rule_id": rule, "value": draw(numbers({"minimum": 0}))}
            for rule in draw(st.sets(st.sampled_from(CRITERIA_RULES)))
        ]
    return found


def fitted(name: str, row: dict[str, Any], at: int) -> dict[str, Any]:
    """A row whose columns fit each other, so that the check need not throw it away for that."""
    key = REGISTERS[name].key[0]
    if key.endswith("_id") and name != "own_series":
        row[key] = [*IDS, f"id{at}"][min(at, len(IDS))]
    if name in FITTED:
        FITTED[name](row)
    row.pop("superseded_by", None)
    for first, last in IN_ORDER:
        if first in row and last in row:
            row[first], row[last] = sorted((row[first], row[last]))
    for column, entry in REGISTERS[name].shape.columns.items():
        if entry.get("x-not-future") and row.get(column, "") > CHECKED_ON.isoformat():
            row[column] = CHECKED_ON.isoformat()
    return row


def fit_member(row: dict[str, Any]) -> None:
    row["region_name"] = regions.region(row["region_code"]).name


def fit_own_series(row: dict[str, Any]) -> None:
    row["owner_region_code"] = AREAS[IDS.index(row["series_id"])]
    row["unit"] = "tCO2e" if row["series_id"] != "cc" else "MWh"


def fit_sector_list(row: dict[str, Any]) -> None:
    mains = sectors.main_codes()
    row["sector_codes"] = [mains[len(code) % len(mains)] for code in row["sector_codes"]]


def fit_target(row: dict[str, Any]) -> None:
    row |= {"decided_on": "2020-06-01", "decided_by": "KF", "document_url": "https://example.org/x"}
    row["region_code"] = owner(row["boundary"], row.get("region_code", "0360"))
    for column in NEEDED[row["target_type"]]:
        row.setdefault(column, USUAL.get(column, 50))
    if row["target_type"] == "net_zero":
        row["boundary"] = "territorial"


def fit_measure(row: dict[str, Any]) -> None:
    row["owner_region_code"] = owner(row["boundary"], row["owner_region_code"])
    if "effects" in row:
        row |= {"reckoned_by": "ord", "how": "ord"}


def fit_official_figure(row: dict[str, Any]) -> None:
    row["year"] = min(row["year"], row["submission_last_year"] + 1)
    if (row["year"] <= row["submission_last_year"]) != (row["sector_code"] == "effort_sharing"):
        row |= {"year": row["submission_last_year"], "sector_code": "effort_sharing"}


def owner(boundary: str, otherwise: str) -> str:
    """Whose a target or measure must be: an own series belongs to one area."""
    return AREAS[IDS.index(boundary[-2:])] if boundary.startswith("own_series:") else otherwise


FITTED: dict[str, Callable[[dict[str, Any]], None]] = {
    "members": fit_member,
    "own_series": fit_own_series,
    "sector_lists": fit_sector_list,
    "targets": fit_target,
    "measures": fit_measure,
    "official_figures": fit_official_figure,
}
NEEDED = {
    "percent_below_base": ("base_year", "target_year", "percent_below_base"),
    "fixed_level": ("target_year", "level_tco2e"),
    "fixed_level_per_capita": ("target_year", "level_tco2e_per_capita"),
    "net_zero": ("base_year", "target_year"),
    "constant_rate": ("base_year", "annual_rate"),
    "carbon_budget": ("budget_start_year", "target_year", "budget_tco2e"),
}
USUAL = {"base_year": 1990, "target_year": 2030, "budget_start_year": 2020, "annual_rate": 1}


def write(folder: Path, added: dict[str, list[dict[str, Any]]]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(REGISTERS_FOLDER, folder)
    for name, rows in added.items():
        file = folder / REGISTERS[name].file
        if name == "targets":
            file.write_text(yaml.safe_dump({"targets": rows}, allow_unicode=True), encoding="utf-8")
            continue
        with file.open(encoding="utf-8", newline="") as stream:
            columns, *present = list(csv.reader(stream))
        whole = [dict(zip(columns, row, strict=True)) for row in present]
        if name == "criteria_rules":
            changed = {row["rule_id"]: cell_text(row["value"]) for row in rows}
            whole = [{**row, "value": changed.get(row["rule_id"], row["value"])} for row in whole]
        else:
            keys = {tuple(str(row.get(key, "")) for key in REGISTERS[name].key) for row in rows}
            whole = [r for r in whole if tuple(r[key] for key in REGISTERS[name].key) not in keys]
            whole += [{column: cell_text(row.get(column)) for column in columns} for row in rows]
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(whole)


def accepted(folder: Path, added: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The rows that the check accepts: those it has something against are taken out until it has nothing."""
    while True:
        write(folder, added)
        mistakes = check_folder(folder, CHECKED_ON).mistakes
        if not mistakes:
            return added
        fewer = {name: sound(name, rows, folder, mistakes) for name, rows in added.items()}
        assert fewer != added, f"the project's own registers are refused: {[*map(str, mistakes)]}"
        added = fewer


def sound(
    name: str, rows: list[dict[str, Any]], folder: Path, mistakes: Sequence[Mistake]
) -> list[dict[str, Any]]:
    """The rows of a register without those that a mistake names; where there is one, at least one goes."""
    file = REGISTERS[name].file
    found = [mistake.place.en for mistake in mistakes if mistake.file == file]
    if not found:
        return rows
    assert rows, f"{file} is wrong without a row of ours: {found}"
    lines = len((folder / file).read_text(encoding="utf-8").splitlines())
    first = 1 if name == "targets" else lines - len(rows) + 1
    places = {int(number[0]) - first for place in found if (number := re.findall(r"\d+", place))}
    kept = [row for at, row in enumerate(rows) if at not in places or name == "criteria_rules"]
    return kept if len(kept) < len(rows) else rows[:-1]


@pytest.fixture(scope="module")
def home(
    good: Published,
    clone: Callable[[str], Any],
    drop_warehouse: Callable[[Any], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Published]:
    """Good figures that every example publishes with other registers."""
    made = the_day_after(good, clone(good.warehouse.name), tmp_path_factory.mktemp("registers") / "home")
    yield made
    drop_warehouse(made.warehouse)


def of_registers(steps: Steps, roots: set[str]) -> Iterator[tuple[Step, tuple[str, ...]]]:
    for step in steps.steps.values():
        yield step, tuple(sorted(steps.needs(step.name) & roots))


REGISTER_ROOTS = {
    "boundaries", "own_series", "groups", "members", "targets", "defects", "as_of", "stored",
    "official_figures",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _remembered() -> Iterator[None]:
    """Formulas that rest on no register that changed give what they gave before."""
    memory: dict[Any, Any] = {}
    roots: dict[str, str] = {}
    each_result = results.each_result
    with pytest.MonkeyPatch.context() as patch:
        for step, needs in of_registers(results.STEPS, REGISTER_ROOTS):

            def remembered(_step: Step = step, _needs: tuple[str, ...] = needs, **given_: Any) -> Any:
                key = (_step.name, *(roots[need] for need in _needs))
                if key not in memory:
                    memory[key] = _step.make(**given_)
                value = memory[key]
                return value.copy() if isinstance(value, pd.DataFrame) else value

            patch.setitem(results.STEPS.steps, step.name, replace(step, make=remembered))

        def noting(inputs: Any) -> Any:
            for root in REGISTER_ROOTS:
                value = getattr(inputs, root)
                roots[root] = value.to_csv() if isinstance(value, pd.DataFrame) else repr(value)
            return each_result(inputs)

        patch.setattr(results, "each_result", noting)
        yield


@given(added=folders(), later=st.integers(0, 2000))
@settings(
    max_examples=EXAMPLES,
    phases=AS_IT_CAME,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
def test_whatever_the_check_accepts_is_published(home: Published, added: dict[str, Any], later: int) -> None:
    folder = home.context.home.parent / "folder"
    rows = accepted(folder, added)
    context = replace(home.context, as_of=TODAY + dt.timedelta(days=later))
    with closing(connect(home.warehouse.loader_dsn)) as conn:
        sync_registers.sync_registers(conn, folder, CHECKED_ON)
        made = publish.publish_validated(conn, context, LIST)
    said = [(one.table_name, one.error_class, one.error_message) for one in made.stale] if made else []
    assert said == [], json.dumps(rows)
