"""The contract against itself, and the words and SQL that follow from it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from klimatpuls.contract import schema
from klimatpuls.domain import substances
from klimatpuls.paths import SQL_ROOT
from klimatpuls.warehouse.views import plain_marts

ROOT = Path(schema.__file__).parents[3]
TEXTS = {str(path): path.read_text(encoding="utf-8") for path in schema.contract_files()}


def _changed(**marts: object) -> dict[str, object]:
    document = schema.merge_documents(TEXTS)
    document["marts"] = {"region": document["marts"]["region"], **marts}
    document["functions"] = {}
    return document


def _read(document: dict[str, object]) -> schema.Contract:
    return schema.read_contract({"changed.yaml": json.dumps(document)})  # JSON is YAML too


def _mart(columns: list[object], key: list[str]) -> dict[str, object]:
    return {"sv": "s", "en": "e", "grain_sv": "s", "grain_en": "e", "key": key, "columns": columns}


def test_every_column_says_what_it_means_in_both_languages() -> None:
    columns = [column for mart in schema.marts() for column in mart.columns]
    assert len(columns) > 150
    assert all(column.sv.strip() and column.en.strip() for column in columns)
    assert all(column.sv != column.en for column in columns)


def test_the_names_others_build_on_are_there() -> None:
    assert [column.name for column in schema.mart("emission").columns] == [
        "region_code", "region_name", "level", "county_code", "year", "sector_code", "sector_name_sv",
        "sector_name_en", "substance", "emissions_tco2e", "status", "national_quality", "geographic_quality",
        "quality_reason", "release_id", "publication_id",
    ]  # fmt: skip
    status = schema.mart("data_status").column("status")
    assert status.allowed == ("fresh", "due", "stale", "failed", "held", "not_yet_published")
    assert schema.mart("emission").column("level").allowed == ("nation", "county", "municipality")


def test_units_stand_in_the_names_of_columns() -> None:
    suffixes = {
        "_tco2e": "t CO2e",
        "_t_per_capita": "t CO2e per inhabitant",
        "_t_per_year": "t CO2e per year",
    }
    for mart in schema.marts():
        for column in mart.columns:
            for suffix, unit in suffixes.items():
                assert not column.name.endswith(suffix) or column.unit == unit, f"{mart.name}.{column.name}"
            if column.name.endswith("_pct"):
                assert column.unit is not None
                assert column.unit.startswith(("%", "percentage")), f"{mart.name}.{column.name}"


CUT_EN, CUT_SV = (
    re.compile(r"\b(cuts?|reductions?)\b", re.IGNORECASE),
    re.compile(r"minskning", re.IGNORECASE),
)
NUMBERS = {"double precision", "integer", "smallint", "bigint"}


def test_a_cut_is_positive_in_columns_that_say_reduction_and_nowhere_else() -> None:
    """A column is a cut by its meaning in Swedish, in English and by its name, or by none of them."""
    columns = {
        f"{mart.name}.{column.name}": (
            bool(CUT_EN.search(column.en)),
            bool(CUT_SV.search(column.sv)),
            "reduction" in column.name,
        )
        for mart in schema.marts()
        for column in mart.columns
        if column.type in NUMBERS and column.deprecated_from is None
    }
    assert {name: found for name, found in columns.items() if len(set(found)) > 1} == {}
    assert sum(cut for cut, _, _ in columns.values()) > 10


def test_an_old_name_shows_the_column_that_replaces_it() -> None:
    old = {
        (mart.name, column.name): (mart.column(str(column.replaced_by)), column)
        for mart in schema.marts()
        for column in mart.columns
        if column.deprecated_from
    }
    assert ("target_progress", "achieved_annual_rate") in old
    for new, column in old.values():
        assert (new.type, new.unit, new.nullable) == (column.type, column.unit, column.nullable)
        assert new.stored_as == column.stored_as
        assert new.deprecated_from is None
        assert new.name in column.sv
        assert new.name in column.en


def _old_names_read(sql: str) -> set[str]:
    """Old names of the marts that a query reads."""
    found = set()
    for mart in schema.marts():
        if re.search(rf"\bmart\.{mart.name}\b", sql):
            aliases = re.findall(rf"\bmart\.{mart.name}\s+AS\s+(\w+)", sql)
            before = "|".join([rf"\b{alias}\." for alias in aliases] or [r"(?<![\w.])"])
            old = [column.name for column in mart.columns if column.deprecated_from]
            found |= {f"{mart.name}.{name}" for name in old if re.search(rf"(?:{before}){name}\b", sql)}
    return found


def test_no_query_of_our_own_reads_an_old_name() -> None:
    assert _old_names_read("SELECT e.annual_rate FROM mart.better_example AS e") == {
        "better_example.annual_rate"
    }
    assert _old_names_read("SELECT planned_tco2e FROM mart.measure_coverage") == {
        "measure_coverage.planned_tco2e"
    }
    views = {SQL_ROOT / "marts", SQL_ROOT / "migrations"}
    files = [path for path in SQL_ROOT.rglob("*.sql") if not views & set(path.parents)]
    files += (ROOT / "bi/assets").rglob("*.yaml")
    assert len(files) > 100
    read = {str(path): _old_names_read(path.read_text(encoding="utf-8")) for path in files}
    assert {path: names for path, names in read.items() if names} == {}


def _old_name(**settings: object) -> list[object]:
    return ["publication_id", {"a": {"type": "text", "sv": "s", "en": "e"}}, {"b": settings}]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"deprecated_from": "2.5.0"}, r"column x\.b is an old name"),
        ({"deprecated_from": "2.5.0", "replaced_by": "c"}, r"column x\.b is an old name"),
        ({"deprecated_from": "2.5.0", "replaced_by": "publication_id"}, r"column x\.b is an old name"),
        ({"deprecated_from": "2.5.0", "replaced_by": "a", "type": "text"}, r"column x\.b is an old name"),
        (
            {"deprecated_from": "1.9.0", "replaced_by": "a"},
            r"x\.b is deprecated from 1\.9\.0; remove it from contract",
        ),
    ],
)
def test_an_old_name_without_a_column_to_read_instead_is_refused(
    settings: dict[str, object], words: str
) -> None:
    with pytest.raises(schema.ContractError, match=words):
        _read(_changed(x=_mart(_old_name(**settings), ["a"])))


def test_words_of_the_contract_are_the_words_the_formulas_use() -> None:
    from klimatpuls.contract.catalog import SOURCES
    from klimatpuls.statistics import network, results, series, standing

    target_progress = schema.mart("target_progress")
    assert target_progress.column("status").allowed == standing.STATUSES
    assert set(target_progress.column("status_reason").allowed or ()) == set(standing.REASONS)
    summary = schema.mart("network_summary")
    assert set(summary.column("panel").allowed or ()) == {panel for panel, _ in results.PANELS.values()}
    assert set(summary.column("boundary").allowed or ()) == set(series.BOUNDARY_CODES)
    assert set(summary.column("status_reason").allowed or ()) == {
        network.BORDERS_CHANGED,
        network.NO_POPULATION,
        network.NO_EMISSIONS,
        network.JOIN_DATE_UNKNOWN,
        network.NO_MEMBERS,
    }
    for fact in ("emission", "air_pollutant"):
        fetched = {
            substance
            for source in SOURCES.values()
            for dataset in source.datasets
            for substance in dataset.substances
            if dataset.fact == fact
        }
        assert fetched == set(schema.mart(fact).column("substance").allowed or ())
        assert fetched == {
            s.code for s in substances.substances().values() if s.is_ghg == (fact == "emission")
        }


def test_every_view_has_a_file_or_follows_from_the_contract() -> None:
    on_disk = {path.stem for path in (ROOT / "include/sql/marts").glob("*.sql")}
    plain = {mart.name for mart in plain_marts()}
    assert not on_disk & plain
    assert on_disk | plain == {mart.name for mart in schema.marts() if mart.kind == "view"}


@pytest.mark.parametrize(
    ("columns", "key", "words"),
    [
        (["no_such_column"], ["no_such_column"], "no shared column"),
        (["publication_id", {"a": {"type": "varchar", "sv": "s", "en": "e"}}], ["a"], "has type 'varchar'"),
        (["publication_id", {"a": {"type": "text", "sv": "s"}}], ["a"], "Swedish or English"),
        (
            ["publication_id", {"a": {"type": "text", "sv": "s", "en": "e", "typ": 1}}],
            ["a"],
            "unknown settings",
        ),
        (["publication_id", "region_name", "region_name"], ["region_name"], "more than once"),
        (["publication_id", "region_name"], ["year"], "key of mart x names"),
        (["region_name"], ["region_name"], "no publication_id"),
        (
            ["publication_id", "sector_code"],
            ["sector_code"],
            "refers to sector.sector_code, which is not there",
        ),
    ],
)
def test_a_contradiction_names_mart_and_column(columns: list[object], key: list[str], words: str) -> None:
    with pytest.raises(schema.ContractError, match=words):
        _read(_changed(x=_mart(columns, key)))


@pytest.mark.parametrize("shows", ["core.dim_region", "register.", "register.answer; DROP TABLE x", "facts"])
def test_a_mart_shows_results_statuses_or_a_register(shows: str) -> None:
    with pytest.raises(
        schema.ContractError, match=r"mart x shows '.+'; known are results, statuses, register"
    ):
        _read(_changed(x={**_mart(["publication_id"], ["publication_id"]), "shows": shows}))


@pytest.mark.parametrize("section", ["shared_columns", "code_lists", "facts", "marts", "functions"])
def test_a_name_stated_in_two_files_is_an_error_that_names_both(section: str) -> None:
    texts = {
        "a.yaml": f"{section}: {{x: 1}}",
        "b.yaml": f"{section}: {{y: 1}}",
        "c.yaml": f"{section}: {{x: 2}}",
    }
    with pytest.raises(
        schema.ContractError, match=rf"{section}\.x is stated in a\.yaml and again in c\.yaml"
    ):
        schema.merge_documents(texts)
    texts.pop("c.yaml")
    assert schema.merge_documents(texts) == {section: {"x": 1, "y": 1}}


def test_a_file_with_an_unknown_section_is_an_error() -> None:
    with pytest.raises(schema.ContractError, match=r"b\.yaml has the unknown section 'mart'"):
        schema.merge_documents({"b.yaml": "mart: {}"})


def test_no_file_states_a_key_twice() -> None:
    """YAML itself keeps the last of two equal keys and says nothing."""

    def check(node: yaml.Node, file: str) -> None:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert len(keys) == len(set(keys)), f"{file}: {node.start_mark}"
        for child in node.value if not isinstance(node, yaml.ScalarNode) else []:
            for part in child if isinstance(child, tuple) else [child]:
                check(part, file)

    for file, text in TEXTS.items():
        check(yaml.compose(text), file)


def test_a_reference_must_join_the_same_type() -> None:
    column = {"a": {"type": "integer", "sv": "s", "en": "e", "references": "region.region_code"}}
    with pytest.raises(schema.ContractError, match=r"x\.a \(integer\) refers to region\.region_code"):
        _read(_changed(x=_mart(["publication_id", column], ["a"])))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "columns of its own or be like one mart, not None"),
        ({"like": "regions"}, "like one mart, not 'regions'"),
        ({"like": "region", "columns": ["publication_id"]}, "columns of its own or be like one mart"),
        ({"like": "region", "returns": "text"}, "unknown settings"),
    ],
)
def test_a_function_answers_with_one_shape(settings: dict[str, object], words: str) -> None:
    document = _changed()
    document["functions"] = {"f": {"sv": "s", "en": "e", "arguments": [], **settings}}
    with pytest.raises(schema.ContractError, match=words):
        _read(document)


def test_an_argument_of_one_name_means_one_thing() -> None:
    document = _changed()
    document["functions"] = {
        name: {
            "sv": "s",
            "en": "e",
            "like": "region",
            "arguments": [{"a": {"type": "text", "sv": name, "en": "e"}}],
        }
        for name in ("f", "g")
    }
    with pytest.raises(schema.ContractError, match=r"argument g\.a has another meaning elsewhere"):
        _read(document)


def _lines_of(**meanings: str) -> list[str]:
    columns = [
        {name: {"type": "text", "sv": text, "en": f"{text} Swedish"}} for name, text in meanings.items()
    ]
    columns[1] = {"note_en": {**columns[1]["note_en"], "en": f"{meanings['note_sv']} English"}}
    contract = _read(_changed(x=_mart(["publication_id", *columns], ["publication_id"])))
    return schema._columns_markdown(contract.marts[-1].columns[1:])[2:]


def test_the_dictionary_joins_the_swedish_and_the_english_text_of_one_thing() -> None:
    assert _lines_of(note_sv="På svenska.", note_en="På engelska.") == [
        "| `note_sv`, `note_en`<br>text | På svenska eller engelska. | På svenska. Swedish or English |"
    ]
    assert len(_lines_of(note_sv="På svenska.", note_en="Något annat.")) == 2


def test_the_dictionary_describes_a_column_in_the_first_mart_that_has_it() -> None:
    twice = {"a": {"type": "text", "sv": "s", "en": "e"}}
    other = {"a": {"type": "text", "sv": "s", "en": "other"}}
    marts = {
        name: _mart([column, "publication_id"], ["a"])
        for name, column in {"v": other, "w": other, "x": other, "y": twice, "z": twice}.items()
    }
    read = _read(_changed(**marts)).marts
    contract = schema.Contract(version="1", codes=(), facts=(), marts=read)
    shared, first = schema._shared_columns(contract), schema._first_marts(contract)
    lines = {mart.name: "\n".join(schema._mart_markdown(mart, shared, first)) for mart in read}
    assert "[Shared](#shared-columns): `a`" in lines["v"]
    assert "| `a`<br>text | s | e |" in lines["y"]
    assert "As in [y](#marty): `a`" in lines["z"]
    assert "| `a`" not in lines["z"]


def test_an_unknown_mart_or_column_is_answered_with_the_known_ones() -> None:
    with pytest.raises(schema.ContractError, match="no mart 'emissions'; it has emission, "):
        schema.mart("emissions")
    with pytest.raises(schema.ContractError, match=r"mart\.year has no column 'month'; it has year, "):
        schema.mart("year").column("month")


def test_comments_cannot_leave_their_literal() -> None:
    statements = schema.comment_statements()
    for line in statements.splitlines():
        head, literal = line.split(" IS ", 1)
        assert re.match(r"COMMENT ON (VIEW|TABLE|COLUMN|FUNCTION) mart\.", head)
        assert literal.startswith("'sv: ")
        assert literal.endswith("';")
        assert "'" not in literal[1:-2].replace("''", "")
    assert "municipality''s county" in statements


def test_one_comment_per_mart_function_and_column() -> None:
    lines = schema.comment_statements().splitlines()
    assert len(lines) == sum(1 + len(mart.columns) for mart in schema.marts()) + len(schema.functions())
    assert "COMMENT ON TABLE mart.current_publication IS " in "\n".join(lines)


def test_the_dictionary_on_disk_is_the_one_the_contract_gives(tmp_path: Path) -> None:
    written = tmp_path / "dictionary.md"
    schema.main(["--write", str(written)])
    on_disk = (ROOT / "docs/data_dictionary.md").read_text(encoding="utf-8")
    assert written.read_text(encoding="utf-8") == on_disk, (
        "run: python -m klimatpuls.contract.schema --write docs/data_dictionary.md"
    )


def test_importing_the_contract_loads_no_heavy_library() -> None:
    code = (
        "import sys, klimatpuls.contract.schema; "
        "print(sorted({'pandas', 'numpy', 'yaml', 'airflow', 'great_expectations'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
