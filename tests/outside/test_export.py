"""Open data: what is in the files is what the marts say, in a form that others read."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import psycopg2
import pyarrow.parquet as pq
import pytest
from support import pipeline_run

from klimatpuls.contract import datapackage, schema
from klimatpuls.errors import UsageError
from klimatpuls.operations import export as export_hop
from klimatpuls.operations.export import export
from klimatpuls.warehouse.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Published, Warehouse

    from klimatpuls.contract.schema import Column, Mart

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

FORMULA = '=HYPERLINK("https://example.org";"klicka")'
HARMLESS = ("-5 grader, eller så", "\tindraget", "'citat'", "@bolaget\r\nAB", "+46", "=1+1")
READERS: dict[str, Callable[[str], Any]] = {
    "text": lambda cell: cell[1:] if cell.startswith("'") else cell,
    "boolean": {"true": True, "false": False}.__getitem__,
    "date": dt.date.fromisoformat,
    "timestamp with time zone": dt.datetime.fromisoformat,
    "text[]": json.loads,
    "smallint[]": json.loads,
    "jsonb": json.loads,
}
"""How the text of a cell is read, by type; pandas has read the numbers."""


@pytest.fixture(scope="module")
def exported(good: Published, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of every source, to be read."""
    return export(good.warehouse.bi_dsn, tmp_path_factory.mktemp("open") / "data").folder


@pytest.fixture
def package(exported: Path) -> dict[str, Any]:
    """Its descriptor."""
    return _package(exported)


def _package(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    return found


def _said(dsn: str, mart: Mart) -> pd.DataFrame:
    """The rows of a mart as the database says them, in the order of the key."""
    key = ", ".join(name + (' COLLATE "C"' if mart.column(name).type == "text" else "") for name in mart.key)
    with closing(connect(dsn)) as conn, conn.cursor() as cursor:
        cursor.execute(f"SELECT * FROM mart.{mart.name} ORDER BY {key}")
        names = [column.name for column in cursor.description]
        return pd.DataFrame(cursor.fetchall(), columns=names, dtype=object)


def _read_csv(folder: Path, mart: Mart) -> pd.DataFrame:
    """A mart's CSV file as somebody reads it who knows pandas and the descriptor's one rule on texts."""
    integers = {"bigint": "Int64", "integer": "Int64", "smallint": "Int64"}
    frame = pd.read_csv(
        folder / f"csv/{mart.name}.csv",
        dtype={
            column.name: integers.get(column.type, "float64" if column.type == "double precision" else str)
            for column in mart.columns
        },
        keep_default_na=False,
        na_values=[""],
    )
    values = {
        column.name: pd.Series(_values(column, frame[column.name]), dtype=object) for column in mart.columns
    }
    assert list(frame.columns) == list(values)
    return pd.DataFrame(values)


def _values(column: Column, cells: pd.Series) -> list[Any]:
    """The cells of a column as the database's driver gives them."""
    read = READERS.get(column.type)
    found = zip(cells.tolist(), cells.isna().tolist(), strict=True)
    return [None if missing else cell if read is None else read(cell) for cell, missing in found]


@pytest.mark.parametrize("name", [mart.name for mart in schema.marts()])
def test_the_csv_read_back_by_pandas_is_the_mart_row_for_row(
    good: Published, exported: Path, name: str
) -> None:
    mart = schema.mart(name)
    said, read = _said(good.warehouse.bi_dsn, mart), _read_csv(exported, mart)
    assert list(read.columns) == list(said.columns) == [column.name for column in mart.columns]
    assert len(read) == len(said)
    for column in mart.columns:
        assert read[column.name].tolist() == said[column.name].tolist(), f"{name}.{column.name}"


@pytest.mark.parametrize("name", ["emission", "boundary_series", "release", "known_defect", "data_status"])
def test_the_parquet_file_is_the_mart_with_its_types(good: Published, exported: Path, name: str) -> None:
    mart = schema.mart(name)
    table = pq.read_table(exported / f"parquet/{name}.parquet")
    said = _said(good.warehouse.bi_dsn, mart)
    for column in mart.columns:
        assert table[column.name].to_pylist() == said[column.name].tolist(), f"{name}.{column.name}"
        assert table.schema.field(column.name).metadata[b"sv"].decode() == column.sv
    assert table.schema.metadata[b"origin"] == b"synthetic"


def test_every_mart_of_the_contract_has_both_files_and_no_other_is_there(
    exported: Path, package: dict[str, Any]
) -> None:
    there = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    wanted = {
        path
        for mart in schema.marts()
        for path in (datapackage.csv_path(mart), datapackage.parquet_path(mart))
    }
    assert there == wanted | {"datapackage.json", "README.md"}
    assert {resource["path"] for resource in package["resources"]} == wanted
    for resource in package["resources"]:
        content = (exported / resource["path"]).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    rows = {resource["name"]: resource["rows"] for resource in package["resources"]}
    assert rows["emission"] == rows["emission-parquet"] == pipeline_run.SMALL_CELLS


def test_a_validator_of_the_standard_finds_nothing(exported: Path, package: dict[str, Any]) -> None:
    import frictionless

    frictionless.system.trusted = True
    tables = [resource for resource in package["resources"] if resource["format"] == "csv"]
    read = frictionless.Package.from_descriptor({**package, "resources": tables}, basepath=str(exported))
    report = read.validate(limit_rows=500)
    assert report.stats["tasks"] == len(schema.marts())
    assert report.flatten(["name", "rowNumber", "fieldName", "type", "message"]) == []
    # It would have found something: a code that is not allowed, a missing value.
    spoilt = (exported / "csv/region.csv").read_bytes().replace(b"municipality", b"parish", 1)
    path = exported / "spoilt.csv"
    path.write_bytes(spoilt)
    try:
        region = next(resource for resource in tables if resource["name"] == "region")
        found = frictionless.Resource.from_descriptor(
            {**region, "path": "spoilt.csv"}, basepath=str(exported)
        ).validate()
    finally:
        path.unlink()
    assert "constraint-error" in {kind for (kind,) in found.flatten(["type"])}


def test_every_reference_to_another_table_leads_to_a_row(exported: Path, package: dict[str, Any]) -> None:
    resources = {resource["name"]: resource for resource in package["resources"] if "schema" in resource}
    checked = 0
    for name, resource in resources.items():
        for entry in resource["schema"].get("foreignKeys", []):
            target = entry["reference"].get("resource", name)
            (ours,), (theirs,) = entry["fields"], entry["reference"]["fields"]
            left = pd.read_csv(exported / resource["path"], dtype=str, usecols=[ours])[ours].dropna()
            right = pd.read_csv(exported / resources[target]["path"], dtype=str, usecols=[theirs])[theirs]
            assert set(left) <= set(right), f"{name}.{ours} → {target}.{theirs}"
            checked += 1
    assert checked > 40


def test_the_same_publication_gives_the_same_bytes(good: Published, exported: Path, tmp_path: Path) -> None:
    again = export(good.warehouse.bi_dsn, tmp_path / "again").folder
    assert _hashes(again) == _hashes(exported)


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_made_up_figures_say_so_and_name_no_agency_as_theirs(exported: Path, package: dict[str, Any]) -> None:
    assert package["publication"]["origin"] == "synthetic"
    assert package["title_sv"].startswith("PÅHITTADE SIFFROR")
    assert package["title"].startswith("SYNTHETIC FIGURES")
    assert "PÅHITTADE SIFFROR" in (exported / "README.md").read_text(encoding="utf-8")
    assert all("attribution_sv" not in source for source in package["sources"])


def _is_named_as_the_agencies_ask(package: dict[str, Any], readme: str) -> None:
    for line in (
        "Källa: Nationella emissionsdatabasen (SMHI/Naturvårdsverket), hämtad 2026-05-08, egen bearbetning",
        "Egen bearbetning av data från SCB",
        "Källa: Kolada",
        "Källa: Naturvårdsverket",
        "Egen bearbetning av data från Trafikanalys",
    ):
        assert f"- {line}\n" in readme
        assert line in {source["attribution_sv"] for source in package["sources"]}
    assert "{" not in readme
    (smhi,) = (one for one in package["sources"] if one["title_sv"] == "Nationella emissionsdatabasen")
    assert smhi["licence"] == "not confirmed"
    assert "licence_url" not in smhi
    assert {one.get("name") for one in package["licenses"]} == {"CC0-1.0", None}


class TestOnAWarehouseOfItsOwn:
    @pytest.fixture
    def own(self, wholly_good: Published, clone: Callable[[str], Warehouse]) -> Warehouse:
        return clone(wholly_good.warehouse.name)

    @pytest.fixture
    def admin(self, own: Warehouse) -> Iterator[Any]:
        conn = psycopg2.connect(own.admin_dsn)
        conn.autocommit = True
        yield conn.cursor()
        conn.close()

    @pytest.fixture
    def few_marts(self, package: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        """Only the marts of few rows, as if the contract had no others."""
        rows = {resource["name"]: resource["rows"] for resource in package["resources"]}
        marts = tuple(mart for mart in schema.marts() if rows[mart.name] < 1000)
        assert len(marts) > 20
        monkeypatch.setattr(schema, "marts", lambda: marts)

    def test_real_figures_name_their_source_and_texts_are_safe_in_a_spreadsheet(
        self, own: Warehouse, admin: Any, tmp_path: Path
    ) -> None:
        texts = (FORMULA, *HARMLESS)
        admin.execute("SET session_replication_role = replica")
        admin.execute("UPDATE ops.publication SET origin = 'live'")
        admin.execute("UPDATE core.dim_release SET retrieved_at = '2026-05-07T23:30:00Z'")
        admin.execute(
            'SELECT case_number FROM mart_data."grant" ORDER BY case_number LIMIT %s', (len(texts),)
        )
        cases = [case for (case,) in admin.fetchall()]
        for case, text in zip(cases, texts, strict=True):
            admin.execute('UPDATE mart_data."grant" SET title = %s WHERE case_number = %s', (text, case))
        folder = export(own.bi_dsn, tmp_path / "live").folder
        _is_named_as_the_agencies_ask(_package(folder), (folder / "README.md").read_text(encoding="utf-8"))
        mart = schema.mart("granted_measure")
        raw = pd.read_csv(folder / "csv/granted_measure.csv", dtype=str).set_index("case_number")["title"]
        assert [raw[case] for case in cases] == [f"'{text}" for text in texts]
        read = _read_csv(folder, mart).set_index("case_number")["title"]
        assert [read[case] for case in cases] == list(texts)
        table = pq.read_table(folder / "parquet/granted_measure.parquet").to_pandas()
        kept = table.set_index("case_number")["title"]
        assert [kept[case] for case in cases] == list(texts)

    def test_all_files_are_of_one_publication_though_another_one_comes_meanwhile(
        self, own: Warehouse, admin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write, switched = export_hop._write_mart, []

        def write_and_switch(*given: Any) -> Any:
            done = write(*given)
            admin.execute("UPDATE mart.current_publication SET publication_id = publication_id + 1")
            switched.append(True)
            return done

        monkeypatch.setattr(export_hop, "_write_mart", write_and_switch)
        folder = export(own.bi_dsn, tmp_path / "one").folder
        assert len(switched) == len(schema.marts())
        ids = {
            value
            for mart in schema.marts()
            for value in pd.read_csv(folder / f"csv/{mart.name}.csv", usecols=["publication_id"])[
                "publication_id"
            ]
        }
        assert ids == {_package(folder)["publication"]["publication_id"]}

    @pytest.mark.usefixtures("few_marts")
    def test_an_export_that_fails_leaves_the_earlier_one_and_nothing_else(
        self, good: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "data"
        export(good.warehouse.bi_dsn, folder)
        before, write, count = _hashes(folder), export_hop._write_mart, []

        def fail(*given: Any) -> Any:
            count.append(True)
            if len(count) > 3:
                raise OSError(28, "No space left on device")
            return write(*given)

        monkeypatch.setattr(export_hop, "_write_mart", fail)
        with pytest.raises(OSError, match="No space left"):
            export(good.warehouse.bi_dsn, folder)
        assert _hashes(folder) == before
        assert [path.name for path in tmp_path.iterdir()] == ["data"]

        monkeypatch.setattr(export_hop, "_write_mart", write)
        left = tmp_path / ".data.999999999.partial"
        (left / "csv").mkdir(parents=True)
        export(good.warehouse.bi_dsn, folder)
        assert _hashes(folder) == before
        assert [path.name for path in tmp_path.iterdir()] == ["data"], "what a killed one left is gone too"

    def test_a_folder_of_somebody_elses_is_left_alone(self, good: Published, tmp_path: Path) -> None:
        theirs = tmp_path / "theirs"
        theirs.mkdir()
        (theirs / "datapackage.json").write_text('{"name": "another"}', encoding="utf-8")
        for place in (theirs, Path(__file__)):
            with pytest.raises(UsageError, match="nothing was written"):
                export(good.warehouse.bi_dsn, place)
        assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


def test_without_a_publication_there_is_nothing_to_export(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is published here yet"):
        export(warehouse.bi_dsn, tmp_path / "empty")
    assert list(tmp_path.iterdir()) == []
