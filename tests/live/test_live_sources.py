"""The agencies themselves: do they still answer, in the form we read? Off by default (``pytest -m live``).

Few calls, one after the other, through the polite session; nothing is kept. The table of assumptions is the
one that ``klimatpuls source check --live`` prints; the rest reads every dataset whole.
"""

from datetime import date
from itertools import pairwise

import pytest

from klimatpuls import clock
from klimatpuls.contract import catalog
from klimatpuls.fetch import http
from klimatpuls.local import source_check
from klimatpuls.operations.check_sources import check_sources
from klimatpuls.sources import scb_population, smhi_emissions
from klimatpuls.sources.protocol import source_module

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

SCB = catalog.SOURCES["scb_population"]
SMHI = catalog.SOURCES["smhi_emissions"]
FURTHER = [
    dataset.id
    for source in catalog.SOURCES.values()
    for dataset in source.datasets
    if source not in (SCB, SMHI) and not dataset.by_hand
]


@pytest.fixture(scope="module")
def today() -> date:
    return clock.stockholm_date(clock.utc_now())


@pytest.mark.parametrize("source_id", catalog.SOURCES)
def test_every_assumption_holds_or_differs(source_id):
    with source_check.at_the_agencies() as place:
        rows = [row for _, row in check_sources([catalog.SOURCES[source_id]], place)]
    assert [(row.assumption, row.answer, row.action) for row in rows if row.verdict == "fails"] == []


def test_scb_population_to_2024_is_whole(today):
    with http.open_session(SCB, SCB.live_base_url) as scb:
        fetched = scb_population.fetch(scb, scb.base_url, "scb_population", None, as_of=today)
    parsed = scb_population.parse(fetched.parts, "scb_population", None)
    assert parsed.years == tuple(range(1968, 2025))
    assert parsed.rows_read == len(parsed.rows) + len(parsed.rejects)
    newest = parsed.rows[parsed.rows["year"] == 2024]
    assert len(newest) == 312
    # Population on 31 December 2024, SCB.
    assert newest.loc[newest["region_code"] == "00", "population_count"].item() == 10_587_710


def test_scb_population_from_2025_is_whole(today):
    with http.open_session(SCB, SCB.live_base_url) as scb:
        fetched = scb_population.fetch(scb, scb.base_url, "scb_population_ckm", None, as_of=today)
    parsed = scb_population.parse(fetched.parts, "scb_population_ckm", None)
    assert parsed.years[0] == 2025
    assert len(parsed.rows) == 312 * len(parsed.years)


@pytest.mark.parametrize("substance", ["ghg", "co2"])
def test_smhi_sends_a_workbook_of_every_region(substance, today):
    with http.open_session(SMHI, SMHI.live_base_url) as session:
        fetched = smhi_emissions.fetch(session, session.base_url, "smhi_emissions", substance, as_of=today)
    parsed = smhi_emissions.parse(fetched.parts, "smhi_emissions", substance)
    assert parsed.years[0] == 1990
    assert all(earlier < later for earlier, later in pairwise(parsed.years))
    assert parsed.rows["region_code"].nunique() == 312
    assert parsed.published_date <= today


@pytest.mark.parametrize("dataset", FURTHER)
def test_every_further_dataset_comes_in_the_shape_we_know(dataset, today):
    source = catalog.source_of(dataset)
    module = source_module(source)
    with http.open_session(source, source.live_base_url) as session:
        poll = module.poll(session, session.base_url, dataset, None, as_of=today, validators={})
        fetched = module.fetch(session, session.base_url, dataset, None, as_of=today)
    assert poll.fingerprint
    parsed = module.parse(fetched.parts, dataset, None)
    assert len(parsed.rows) > 0
    assert parsed.rows_read == len(parsed.rows) + len(parsed.rejects)
    assert parsed.published_date <= today
