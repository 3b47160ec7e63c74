"""The agencies themselves: do they still answer, in the shape we know? Off by default (``pytest -m live``).

Few calls, one after the other, through the polite session; nothing is kept.
"""

from datetime import date
from itertools import pairwise

import pytest

from klimatpuls import catalog, clock, http, pxweb
from klimatpuls.hops.snapshot import source_module
from klimatpuls.sources import scb_population, smhi_emissions

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

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


@pytest.fixture(scope="module")
def scb():
    with http.open_session(SCB, SCB.live_base_url) as session:
        yield session


def test_scb_states_its_limits_and_its_licence(scb):
    config = pxweb.PxWebClient(session=scb, base_url=scb.base_url).fetch_config()
    assert config.max_cells >= 18_000  # 312 regions × 57 years fit into one answer
    assert "cc0" in config.licence.lower()


def test_scb_population_to_2024_is_whole(scb, today):
    fetched = scb_population.fetch(scb, scb.base_url, "scb_population", None, as_of=today)
    parsed = scb_population.parse(fetched.parts, "scb_population", None)
    assert parsed.years == tuple(range(1968, 2025))
    assert parsed.rows_read == len(parsed.rows) + len(parsed.rejects)
    newest = parsed.rows[parsed.rows["year"] == 2024]
    assert len(newest) == 312
    # Population on 31 December 2024, SCB.
    assert newest.loc[newest["region_code"] == "00", "population_count"].item() == 10_587_710


def test_scb_population_from_2025_is_found_by_its_title(scb, today):
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
        look = module.look(session, session.base_url, dataset, None, as_of=today, validators={})
        fetched = module.fetch(session, session.base_url, dataset, None, as_of=today)
    assert look.fingerprint
    parsed = module.parse(fetched.parts, dataset, None)
    assert len(parsed.rows) > 0
    assert parsed.rows_read == len(parsed.rows) + len(parsed.rejects)
    assert parsed.published_date <= today
