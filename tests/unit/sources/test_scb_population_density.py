import json
from datetime import date
from pathlib import Path

from klimatpuls.contract import catalog
from klimatpuls.fetch.pxweb.client import parse_metadata
from klimatpuls.fetch.pxweb.table import build_selection
from klimatpuls.sources import scb_population_density

FIXTURES = Path(__file__).parents[2] / "fixtures" / "scb_population_density"
SOURCE = catalog.SOURCES["scb_population_density"]


def test_population_is_read_from_the_table_of_density():
    parsed = scb_population_density.parse(
        [(FIXTURES / "tab628_data.json").read_bytes()], "scb_population_density", None
    )
    assert parsed.years == (1991, 2024, 2025)
    assert parsed.published_date == date(2026, 2, 24)
    tierp = parsed.rows[parsed.rows["region_code"] == "0360"]
    assert tierp["population_count"].tolist() == [20000, 20950, 21000]
    assert parsed.rejects["reason"].tolist() == ["expected: not yet a municipality (0)"]
    assert parsed.notes == (
        "Uppgifterna avser förhållandena den 31 december.",
        "1 cells left out: not yet a municipality (0)",
    )


def test_both_sexes_and_the_population_alone_are_asked_for():
    metadata = parse_metadata((FIXTURES / "tab628_metadata.json").read_bytes())
    selection = build_selection(metadata, SOURCE.datasets[0].px_table, SOURCE.id)
    assert selection["Kon"] == ("1+2",)
    assert selection["ContentsCode"] == ("BE0101U2",)
    assert selection["Tid"] == ("1991", "2024", "2025")


def test_it_stands_in_for_population_and_nothing_else_does():
    assert catalog.fall_back_datasets("population") == ("scb_population_density",)
    others = {dataset.fact for source in catalog.SOURCES.values() for dataset in source.datasets}
    assert all(catalog.fall_back_datasets(fact) == () for fact in others - {"population"})


def test_the_fixture_has_the_recorded_unit_and_measure():
    document = json.loads((FIXTURES / "tab628_metadata.json").read_bytes())
    units = document["dimension"]["ContentsCode"]["category"]["unit"]
    assert units["BE0101U2"]["base"] == SOURCE.datasets[0].px_table.unit
