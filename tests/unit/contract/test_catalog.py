import subprocess
import sys
from dataclasses import replace
from datetime import date
from urllib.parse import urlsplit

import pytest

from klimatpuls.contract import catalog, schema
from klimatpuls.errors import UsageError

EMISSIONS = catalog.dataset("smhi_emissions")
POPULATION = catalog.dataset("scb_population")
POPULATION_CKM = catalog.dataset("scb_population_ckm")


@pytest.mark.parametrize("source", catalog.SOURCES.values(), ids=lambda source: source.id)
def test_every_entry_is_complete_and_consistent(source):
    base = urlsplit(source.live_base_url)
    assert base.scheme == "https"
    assert base.hostname in source.hosts
    assert source.mock_path.startswith("/")
    assert not source.mock_path.endswith("/")
    assert source.conn_id.endswith("_default")
    assert source.schedule
    assert all(len(cron.split()) == 5 for cron in source.schedule)
    assert source.datasets
    assert all(source.calls_per_window)
    wording = ("licence", "attribution_sv", "attribution_en", "title_sv", "title_en")
    assert all(getattr(source, name) for name in wording)


def test_dataset_names_are_unique_over_all_sources():
    names = [dataset.id for source in catalog.SOURCES.values() for dataset in source.datasets]
    assert len(names) == len(set(names))
    assert {name for fact in schema.facts() for name in catalog.datasets_of(fact.name)} == set(names)


@pytest.mark.parametrize("dataset", [EMISSIONS, POPULATION, POPULATION_CKM], ids=lambda entry: entry.id)
def test_the_calendar_of_a_dataset_holds_every_year(dataset):
    # A day that a leap year alone has would fail in the other three.
    assert date(2027, dataset.expected_month, dataset.expected_day).month == dataset.expected_month
    assert 0 < dataset.due_after_days < dataset.stale_after_days


def test_the_licence_that_nobody_confirmed_is_not_claimed():
    assert catalog.source("smhi_emissions").licence == "not confirmed"
    assert "egen bearbetning" in catalog.source("smhi_emissions").attribution_sv


def test_tolerances_are_those_of_the_methods_page():
    tolerances = EMISSIONS.tolerances
    assert (tolerances.sector_sum_t, tolerances.county_sum_t) == (0.5, 5.0)
    assert (tolerances.unallocated_low_t, tolerances.unallocated_high_pct) == (-50.0, 1.5)
    assert (tolerances.hold_ratio_low, tolerances.hold_ratio_high) == (0.5, 2.0)
    assert (tolerances.hold_ratio_share_pct, tolerances.hold_moved_share_pct) == (1.0, 30.0)


@pytest.mark.parametrize(
    ("dataset", "last_year", "as_of", "expected"),
    [
        (EMISSIONS, 2024, date(2026, 11, 23), date(2027, 5, 10)),
        (EMISSIONS, 2023, date(2026, 11, 23), date(2026, 5, 10)),
        (EMISSIONS, None, date(2026, 5, 10), date(2026, 5, 10)),
        (EMISSIONS, None, date(2026, 5, 11), date(2027, 5, 10)),
        (POPULATION, 2023, date(2024, 5, 20), date(2025, 2, 22)),
        (POPULATION, 2024, date(2026, 5, 8), None),
        (POPULATION, None, date(2021, 10, 20), date(2022, 2, 22)),
        (POPULATION, None, date(2026, 5, 8), date(2025, 2, 22)),
        (POPULATION_CKM, None, date(2024, 5, 20), date(2026, 2, 22)),
        (POPULATION_CKM, 2025, date(2026, 5, 8), date(2027, 2, 22)),
    ],
)
def test_next_expected(dataset, last_year, as_of, expected):
    assert catalog.next_expected(dataset, last_year, as_of) == expected


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        (date(2026, 5, 9), "fresh"),
        (date(2026, 5, 10), "fresh"),
        (date(2026, 5, 30), "fresh"),
        (date(2026, 5, 31), "due"),
        (date(2026, 11, 5), "due"),
        (date(2026, 11, 6), "stale"),
        (date(2030, 1, 1), "stale"),
    ],
)
def test_freshness_follows_the_calendar(as_of, expected):
    assert catalog.freshness(EMISSIONS, 2023, as_of) == expected


def test_nothing_held_is_not_yet_published_and_a_closed_series_stays_fresh():
    assert catalog.freshness(POPULATION_CKM, None, date(2026, 1, 1)) == "not_yet_published"
    assert catalog.freshness(POPULATION, 2024, date(2040, 1, 1)) == "fresh"
    assert catalog.freshness(replace(POPULATION, final_year=None), 2024, date(2040, 1, 1)) == "stale"


@pytest.mark.parametrize(
    ("look_up", "name", "word"),
    [
        (catalog.source, "smih_emissions", "smhi_emissions"),
        (catalog.dataset, "population", "scb_population_ckm"),
        (catalog.SOURCES["scb_population"].dataset, "smhi_emissions", "scb_population_ckm"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(look_up, name, word):
    with pytest.raises(UsageError, match=word):
        look_up(name)


def test_every_dataset_leads_to_its_source():
    assert catalog.source_of("scb_population_ckm").id == "scb_population"


def test_the_catalogue_is_light_enough_for_a_dag_file():
    code = (
        "import sys, klimatpuls.contract.catalog; "
        "print(sorted({'pandas', 'numpy', 'requests', 'airflow', 'great_expectations'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
