"""SCB's own recorded answers, and the official population served and read back."""

import csv
import json
from datetime import date
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from klimatpuls.clock import stockholm_date
from klimatpuls.contract import catalog
from klimatpuls.fetch import http
from klimatpuls.fetch.pxweb import client
from klimatpuls.mock_agencies import scb
from klimatpuls.mock_agencies.scb_tables import build_tables
from klimatpuls.mock_agencies.server import MockAgencies, MockServer
from klimatpuls.mock_agencies.wire import Settings
from klimatpuls.sources import scb_population

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def recording(real_data: Path) -> bytes:
    return (real_data / "scb" / "recorded" / "TAB6471_data.json").read_bytes()


def test_every_cell_of_the_recording_equals_a_second_way_of_reading_it(recording):
    """2 772 cells; the other way lets numpy fold the list of values into the cube's shape."""
    document = json.loads(recording)
    folded = np.array(document["value"]).reshape(document["size"])
    codes = [list(document["dimension"][name]["category"]["index"]) for name in document["id"]]
    expected = {
        cell: int(folded[place])
        for cell, place in zip(product(*codes), np.ndindex(folded.shape), strict=True)
    }

    frame = client.parse_cube(recording).frame()
    found = {tuple(row[name] for name in document["id"]): row["value"] for row in frame.to_dict("records")}
    assert len(frame) == len(found) == 2772
    assert found == expected


def test_one_cell_of_the_recording_is_where_it_should_be(recording):
    """Stockholms län, 0-9 år, both sexes, January 2026: the first number of the recording."""
    frame = client.parse_cube(recording).frame()
    cell = frame[(frame["Region"] == "01") & (frame["Alder"] == "0-9") & (frame["Kon"] == "TotSa")]
    assert cell["value"].tolist()[:2] == [245284, 247245]


def test_men_and_women_differ_from_the_total_by_noise_alone(recording):
    """Why totals are fetched and never summed: from 2025 the parts do not make the total exactly."""
    frame = client.parse_cube(recording).frame()
    wide = frame.pivot_table(index=["Region", "Alder", "Tid"], columns="Kon", values="value")
    gap = (wide["1"] + wide["2"] - wide["TotSa"]).abs()
    assert 0 < gap.max() < 20


def test_the_recording_says_when_and_with_which_noise(recording):
    cube = client.parse_cube(recording)
    assert stockholm_date(cube.updated) == date(2026, 6, 8)
    assert any("Cell Key Method" in note for note in cube.notes)
    assert cube.dimension("Kon").elimination_code == "TotSa"
    assert cube.dimension("ContentsCode").units == {"000007SF": "antal"}


def test_the_replicas_config_has_the_keys_of_the_recorded_one(real_data):
    recorded = json.loads((real_data / "scb" / "recorded" / "config.json").read_bytes())
    ours = scb.config_document(Settings(max_cells=150_000, calls=3, window_seconds=1))
    assert set(ours) == set(recorded)
    same = ("maxDataCells", "maxCallsPerTimeWindow", "timeWindow", "license", "sourceReferences")
    assert {name: ours[name] for name in same} == {name: recorded[name] for name in same}


def test_the_replicas_answer_has_the_keys_of_the_recorded_one(recording, real_data):
    recorded = json.loads(recording)
    tables = build_tables(real_data, date(2025, 7, 1))
    ours = scb.data_document(tables["TAB638"], {}, max_cells=10)
    assert set(ours) == set(recorded)
    assert ours["role"] == recorded["role"]
    for name in ("Region", "ContentsCode", "Tid"):
        assert set(ours["dimension"].get(name, {"label", "category", "extension"})) >= {"label", "category"}
    recorded_contents, ours_contents = (d["dimension"]["ContentsCode"]["category"] for d in (recorded, ours))
    assert set(ours_contents) == set(recorded_contents)


@pytest.mark.parametrize(
    ("as_of", "dataset", "published", "years"),
    [
        ("2024-05-20", "scb_population", date(2024, 2, 22), (2023,)),
        ("2025-07-01", "scb_population", date(2025, 2, 22), (2023, 2024)),
        ("2026-05-08", "scb_population", date(2025, 2, 22), (2023, 2024)),
        ("2026-05-08", "scb_population_ckm", date(2026, 2, 22), (2025,)),
    ],
)
def test_the_official_population_comes_back_to_the_person(real_data, as_of, dataset, published, years):
    source = catalog.source_of(dataset)
    with (
        MockServer(MockAgencies(real_data, date.fromisoformat(as_of))) as server,
        http.open_session(source, server.url + source.mock_path) as session,
    ):
        fetched = scb_population.fetch(
            session, session.base_url, dataset, None, as_of=date.fromisoformat(as_of)
        )
    parsed = scb_population.parse(fetched.parts, dataset, None)
    with (real_data / "scb" / "population.csv").open(encoding="utf-8", newline="") as file:
        official = {
            (row["region_code"], int(row["year"])): int(row["population"])
            for row in csv.DictReader(file)
            if int(row["year"]) in years
        }
    rows = parsed.rows
    found = dict(
        zip(zip(rows["region_code"], rows["year"], strict=True), rows["population_count"], strict=True)
    )
    assert found == official
    assert len(found) == 312 * len(years)
    assert (parsed.published_date, parsed.years) == (published, years)
    assert parsed.rejects.empty
