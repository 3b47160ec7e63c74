"""Rules, their queries and their limits belong together; values get into queries only when harmless."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klimatpuls.contract import catalog, schema
from klimatpuls.paths import SQL_ROOT
from klimatpuls.validation.gates import Rule
from klimatpuls.validation.queries import with_literals
from klimatpuls.validation.suites import (
    check_text,
    limit_of,
    query_values,
    suite_of,
)

ALL_RULES = {rule.name: rule for fact in schema.facts() for rule in suite_of(fact).rules}
CHECKS = sorted((SQL_ROOT / "checks").glob("*.sql"))
DATASET = catalog.dataset("smhi_emissions")
ABOUT_EARLIER = {"compared_release_ids": [], "earlier_release_ids": [], "earlier_run_ids": []}


def test_every_rule_has_its_query_and_every_query_its_rule() -> None:
    assert {path.stem for path in CHECKS} == {rule.query or rule.name for rule in ALL_RULES.values()}


@pytest.mark.parametrize(
    ("fact", "rule"),
    [(fact, rule) for fact in schema.facts() for rule in suite_of(fact).rules],
    ids=lambda item: item.name,
)
def test_a_query_finds_all_its_values_and_keeps_to_its_releases(fact: schema.Fact, rule: Rule) -> None:
    values = {**query_values(DATASET, 7, ["smhi_emissions-ghg-2026-05-07-0123abcd"]), **ABOUT_EARLIER}

    finished = with_literals(check_text(rule, fact), values)

    assert not re.search(r"(?<!:):[a-z]", finished)
    assert "smhi_emissions-ghg-2026-05-07-0123abcd" in finished


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        # docs/methods.md, gates per release
        ("sector_sum", 0.5),
        ("county_sum", 5.0),
        ("unallocated_low", -50.0),
        ("unallocated_high", 1.5),
        ("hold_ratio", 1.0),
        ("hold_moved", 30.0),
        ("unallocated_sector", 0.5),
        ("unallocated_sector_wide", 2.5),
        ("sector_collapse", 5.0),
        ("inventory", 1.0),
        ("population_sum_noise", 1.0),
        ("complete_cells", 0.0),
        ("new_year_nation", 20.0),
        ("new_year_sectors", 300.0),
        ("new_year_county", 60.0),
        ("new_year_municipal", 5.0),
        ("new_year_cells", 100.0),
        ("new_year_uniform", 75.0),
        ("new_year_swapped", 35.0),
        ("inventory_far", 5.0),
        ("new_year_sector_uniform", 75.0),
        ("fact_missing", 10.0),
    ],
)
def test_limits_are_those_of_the_methods(name: str, limit: float) -> None:
    assert limit_of(ALL_RULES[name], DATASET.tolerances) == limit


def test_a_limit_of_zero_in_the_catalogue_is_a_limit() -> None:
    strict = catalog.Tolerances(sector_sum_t=0.0)

    assert limit_of(ALL_RULES["sector_sum"], strict) == 0.0


def test_severities_are_those_of_the_methods() -> None:
    by_severity = {
        severity: {rule.name for rule in suite_of(schema.fact("emission")).rules if rule.severity == severity}
        for severity in ("hold", "advisory")
    }

    assert by_severity == {
        "hold": {
            "release_date",
            "same_day",
            "hold_ratio",
            "hold_moved",
            "new_year_zero",
            "new_year_nation",
            "new_year_sectors",
            "new_year_county",
            "new_year_municipal",
            "new_year_cells",
            "new_year_uniform",
            "new_year_swapped",
            "inventory_far",
        },
        "advisory": {
            "unallocated_sector",
            "unallocated_sector_wide",
            "subsector_sum",
            "sector_collapse",
            "inventory",
            "scope_break",
            "new_year_sector_uniform",
        },
    }


def test_the_suite_follows_the_fact() -> None:
    population = suite_of(schema.fact("population")).rules
    assert [rule.name for rule in population[-6:]] == [
        "fact_vanished",
        "fact_moved",
        "fact_new_year",
        "fact_new_year_uniform",
        "fact_new_year_swapped",
        "population_continued",
    ]
    energy = [rule.name for rule in suite_of(schema.fact("energy")).rules]
    assert energy[-2:] == ["fact_municipalities", "energy_sum"]


def test_a_fact_is_asked_only_about_what_it_has() -> None:
    rules = {fact.name: {rule.name for rule in suite_of(fact).rules} for fact in schema.facts()}
    assert "fact_years" in rules["energy"]
    assert "fact_years" not in rules["population_forecast"]
    assert not rules["indicator_definition"] & {"fact_known_regions", "fact_years", "fact_moved"}


@pytest.mark.parametrize("fact", schema.facts(), ids=lambda fact: fact.name)
def test_no_number_of_a_fact_can_go_missing_or_wild_without_a_rule(fact: schema.Fact) -> None:
    rules = {rule.name: rule for rule in suite_of(fact).rules}
    numbers = [c for c in fact.values if c.type in {"double precision", "integer", "smallint", "bigint"}]
    for column in numbers:
        if column.nullable:
            for name in ("fact_missing", "fact_empty"):
                assert f"('{column.name}', f.{column.name} IS NULL)" in check_text(rules[name], fact)
        ranged = rules.get("impossible_values")
        if ranged is not None:
            assert f"cast(f.{column.name} AS double precision) IN ('NaN'" in check_text(ranged, fact)
        else:
            assert {"not_negative", "population_positive"} & rules.keys()


@pytest.mark.parametrize("fact", schema.facts(), ids=lambda fact: fact.name)
def test_every_release_is_held_against_its_date_and_its_twin(fact: schema.Fact) -> None:
    assert {"release_date", "same_day", "rejected_cells"} <= {rule.name for rule in suite_of(fact).rules}


@pytest.mark.parametrize("fact", schema.facts(), ids=lambda fact: fact.name)
def test_what_names_an_earlier_release_in_its_query_is_measured_again(fact: schema.Fact) -> None:
    for rule in suite_of(fact).rules:
        names_it = "earlier_release_ids" in check_text(rule, fact)
        assert names_it == (rule.compares != "nothing"), rule.name


def test_what_the_columns_are_held_against_is_the_contract() -> None:
    suite = suite_of(schema.fact("energy"))
    assert suite.columns["fuel_code"] == "TEXT"
    assert suite.columns["energy_mwh"] == "DOUBLE PRECISION"
    assert suite.nullable == {"energy_mwh"}


def test_municipalities_split_from_another_are_known_to_the_queries() -> None:
    values = query_values(DATASET, 7, [])

    late = dict(zip(values["split_region_codes"], values["split_from_years"], strict=True))  # type: ignore[arg-type]
    assert late["0330"] == 2002  # Knivsta
    assert "0380" not in late  # Uppsala, its mother, was always there


def test_values_are_written_as_literals_of_their_type() -> None:
    sql = "SELECT :a, :b, :c, cast(:d AS text []), cast(:e AS bigint [])"

    assert with_literals(sql, {"a": 7, "b": -0.5, "c": "all", "d": ["x", "y"], "e": []}) == (
        "SELECT 7, -0.5, 'all', cast(ARRAY['x', 'y'] AS text []), cast(ARRAY[] AS bigint [])"
    )


@pytest.mark.parametrize(
    "value",
    ["x'; DROP TABLE core.fct_emission --", ":name", "{batch}", "%s", float("nan"), True, ["a b"], "å"],
)
def test_a_value_that_could_say_more_than_itself_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="may not stand in a query"):
        with_literals("SELECT :value", {"value": value})  # type: ignore[dict-item]


@given(value=st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Z"]), min_size=1))
def test_no_admitted_text_can_leave_its_quotes(value: str) -> None:
    try:
        finished = with_literals("SELECT :value", {"value": value})
    except ValueError:
        assert re.search(r"[^A-Za-z0-9_.-]", value)
    else:
        assert finished == f"SELECT '{value}'"


def test_a_missing_value_is_named() -> None:
    with pytest.raises(ValueError, match="'sector_sum_t', for which there is no value"):
        with_literals("SELECT :sector_sum_t", {})


@pytest.mark.parametrize("sql", ["SELECT '{}'", "SELECT x LIKE '%'"])
def test_characters_of_other_layers_are_refused_in_a_check(sql: str) -> None:
    with pytest.raises(ValueError, match="neither % nor braces"):
        with_literals(sql, {})


def test_great_expectations_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys; import klimatpuls.validation.run, klimatpuls.validation.record; "
        "heavy = {'great_expectations', 'sqlalchemy', 'pandas', 'jinja2'}; "
        "sys.exit(bool(heavy & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
