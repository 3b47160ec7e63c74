"""The descriptor of the open data: made from contract and catalogue, honest about origin and terms."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from klimatpuls.contract import datapackage, schema
from klimatpuls.contract.catalog import SOURCES
from klimatpuls.contract.datapackage import DataFile, Edition


def edition(origin: str = "live", retrieved: dict[str, dt.date] | None = None) -> Edition:
    paths = [
        path
        for mart in schema.marts()
        for path in (datapackage.csv_path(mart), datapackage.parquet_path(mart))
    ]
    return Edition(
        publication_id=7,
        as_of_date=dt.date(2026, 5, 8),
        origin=origin,
        method_version="1.0",
        published_at=dt.datetime(2026, 5, 8, 9, 30, tzinfo=dt.UTC),
        retrieved=retrieved or dict.fromkeys(SOURCES, dt.date(2026, 5, 7)),
        files={path: DataFile(size=1, sha256="0" * 64, rows=0) for path in paths},
    )


def resource(name: str) -> dict[str, Any]:
    return next(one for one in datapackage.descriptor()["resources"] if one["name"] == name)


def test_every_type_of_the_contract_has_one_of_the_standard() -> None:
    assert datapackage.FIELD_TYPES.keys() == schema.TYPES


def test_every_mart_is_two_files_and_its_columns_are_told_in_both_languages() -> None:
    resources = datapackage.descriptor()["resources"]
    assert len(resources) == 2 * len(schema.marts())
    assert len({one["name"] for one in resources}) == len(resources)
    for mart in schema.marts():
        fields = resource(mart.name)["schema"]["fields"]
        assert [one["name"] for one in fields] == [column.name for column in mart.columns]
        assert all(one["description"] and one["description_sv"] for one in fields)


def test_keys_and_joins_are_those_of_the_contract() -> None:
    release = resource("release")["schema"]
    assert release["primaryKey"] == ["release_id"]
    # A table that refers to itself names no resource: so the standard wants it.
    assert {"fields": ["corrects"], "reference": {"fields": ["release_id"]}} in release["foreignKeys"]
    joined = {"fields": ["region_code"], "reference": {"resource": "region", "fields": ["region_code"]}}
    assert joined in resource("emission")["schema"]["foreignKeys"]
    defect = resource("known_defect")["schema"]
    assert "primaryKey" not in defect, "a part of its key may be empty"
    assert defect["uniqueKeys"] == [["defect_id", "release_id"]]


def test_units_and_allowed_values_are_told() -> None:
    fields = {one["name"]: one for one in resource("emission")["schema"]["fields"]}
    assert fields["emissions_tco2e"]["unit"] == "t CO2e"
    assert fields["level"]["constraints"] == {"required": True, "enum": ["nation", "county", "municipality"]}
    assert "constraints" not in fields["county_code"]


def test_only_sources_whose_figures_are_there_are_named_and_each_as_it_asks() -> None:
    day = dt.date(2026, 5, 7)
    told = edition(retrieved={"smhi_emissions": day, "scb_population": day, "kolada": day})
    assert [sv for sv, _ in datapackage.source_lines(told)] == [
        "Källa: Nationella emissionsdatabasen (SMHI/Naturvårdsverket), hämtad 2026-05-07, egen bearbetning",
        "Egen bearbetning av data från SCB",
        "Källa: Kolada",
    ]
    package = datapackage.descriptor(told)
    assert [one["title_sv"] for one in package["sources"]] == [
        SOURCES[name].title_sv for name in ("smhi_emissions", "scb_population", "kolada")
    ]
    assert [one["title"] for one in package["licenses"]] == ["CC0 1.0", SOURCES["kolada"].licence]


@pytest.mark.parametrize(
    ("origin", "words"), [("archive", "FIGURES FROM AN ARCHIVE"), ("synthetic", "SYNTHETIC FIGURES")]
)
def test_figures_that_are_not_live_say_so_first(origin: str, words: str) -> None:
    package = datapackage.descriptor(edition(origin))
    assert package["title"].startswith(words)
    assert package["publication"]["origin"] == origin
    is_named = any("attribution_sv" in one for one in package["sources"])
    assert is_named == (origin == "archive"), "made-up figures are no agency's"
    assert len(datapackage.source_lines(edition("synthetic"))) == 1


def test_the_text_is_json_without_a_clock_of_its_own() -> None:
    text = datapackage.to_json(datapackage.descriptor(edition()))
    assert text == datapackage.to_json(datapackage.descriptor(edition()))
    read = json.loads(text)
    assert read["created"] == "2026-05-08T09:30:00Z"
    assert read["publication"]["publication_id"] == 7
    assert read["version"] == schema.contract().version
