"""Check the documents against the code."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.frames import frames_of

from klimatpuls import errors
from klimatpuls.contract import schema
from klimatpuls.contract.catalog import SOURCES, Tolerances, index_markdown

if TYPE_CHECKING:
    from collections.abc import Iterator

    import click

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        *DOCS.rglob("*.md"),
        *ROOT.glob("*.md"),
        ROOT / "bench/README.md",
        ROOT / "include/registers/README.md",
    ]
)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_mart_function_and_column_is_in_the_dictionary() -> None:
    sections = re.split(r"^## ", _read("docs/data_dictionary.md"), flags=re.MULTILINE)[1:]
    described = {
        section.split("\n", 1)[0]: re.findall(
            r"`(\w+)`", " ".join(re.findall(r"^\| (`.+?) \|", section, re.MULTILINE))
        )
        for section in sections
    }
    functions = described.pop("Functions")
    shared = described.pop(schema.SHARED)
    named = {
        section.split("\n", 1)[0]: re.findall(
            r"`(\w+)`", " ".join(re.findall(r"^(?:\[Shared\]|As in \[).*", section, re.MULTILINE))
        )
        for section in sections
    }
    columns = {
        f"mart.{entry.name}": sorted(column.name for column in entry.columns)
        for entry in [*schema.marts(), *(function for function in schema.functions() if not function.like)]
    }
    assert {name: sorted(own + named[name]) for name, own in described.items()} == columns
    assert set(shared) <= {name for names in named.values() for name in names}
    assert functions == list(
        dict.fromkeys(argument.name for function in schema.functions() for argument in function.arguments)
    )
    for function in schema.functions():
        assert f"| `mart.{function.name}(" in _read("docs/data_dictionary.md")


def test_a_column_the_dictionary_does_not_repeat_is_the_same_where_it_is_described() -> None:
    shared = schema.SHARED
    places = {
        shared: {(column.name, column.en) for column in schema._shared_columns(schema.contract()).values()}
    }
    places |= {mart.name: {(column.name, column.en) for column in mart.columns} for mart in schema.marts()}
    page = _read("docs/data_dictionary.md")
    counted: Counter[str] = Counter()
    for owner, section in re.findall(r"^## mart\.(\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL):
        entry = next(e for e in [*schema.marts(), *schema.functions()] if e.name == owner)
        for place, names in re.findall(
            r"^(?:As in )?\[(\w+)\]\(#[\w-]+\): (.+?)(?:<br>)?$", section, re.MULTILINE
        ):
            for name in re.findall(r"`(\w+)`", names):
                meaning = next(column.en for column in entry.columns if column.name == name)
                assert (name, meaning) in places[shared if place == "Shared" else place], f"{owner}.{name}"
                counted[name] += place == "Shared"
    assert min(count for count in counted.values() if count) >= schema.SHARED_BY


def test_the_data_package_in_the_docs_is_the_one_the_contract_makes() -> None:
    from klimatpuls.contract import datapackage

    made = datapackage.to_json(datapackage.descriptor())
    assert _read("docs/datapackage.json") == made, (
        "python -m klimatpuls.contract.schema --write docs/data_dictionary.md writes both anew"
    )


def test_the_open_data_page_describes_the_text_escape() -> None:
    from klimatpuls.contract import datapackage

    page = _read("docs/open_data.md")
    assert datapackage.descriptor()["text_escape"] in page.replace("\n", " ")


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", _read("Makefile"), re.MULTILINE))


def test_every_make_target_is_documented() -> None:
    described = set(re.findall(r"^([a-z-]+):.*## ", _read("Makefile"), re.MULTILINE))
    assert {"help", "run", "up", "down", "test", "lint", "bench"} <= described
    documented = set(re.findall(r"`make ([a-z-]+)", _read("README.md") + _read("docs/operations.md")))
    assert documented == described


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_that_pages_name_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)", text))
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        named |= set(re.findall(r"^make ([a-z-]+)", block, re.MULTILINE))
    assert named - _make_targets() == set()


def _commands(group: click.Group, prefix: tuple[str, ...] = ()) -> Iterator[str]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _commands(command, (*prefix, name))
        if not hasattr(command, "commands") or command.invoke_without_command:
            yield " ".join((*prefix, name))


@cache
def _command_names() -> set[str]:
    import typer

    from klimatpuls.cli.main import app

    return set(_commands(typer.main.get_command(app)))


def _named_commands(text: str) -> set[str]:
    """Words after `klimatpuls` in backticks or at the start of a line of a shell block."""
    named = re.findall(r"`klimatpuls ([^`]+)`", text)
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        named += re.findall(r"^klimatpuls (.+)$", block, re.MULTILINE)
    words = (re.match(r"[a-z -]+", command) for command in named)
    return {" ".join(match[0].partition(" -")[0].split()) for match in words if match}


def _is_command(name: str, commands: set[str]) -> bool:
    return any(name == command or name.startswith(f"{command} ") for command in commands)


def test_every_command_is_documented() -> None:
    documented = _named_commands(_read("docs/operations.md"))
    undocumented = {name for name in _command_names() if not any(one.startswith(name) for one in documented)}
    assert undocumented == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_pages_name_exist(page: Path) -> None:
    commands = _command_names()
    groups = {command.rpartition(" ")[0] for command in commands if " " in command}
    named = _named_commands(page.read_text(encoding="utf-8"))
    assert {one for one in named if one not in groups and not _is_command(one, commands)} == set()


def test_the_example_of_a_source_check_is_from_the_recorded_one() -> None:
    section = _read("docs/operations.md").split("## The first day", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| \w+ \| .+ (?:holds|differs|fails) \|.*$", section, re.MULTILINE)
    recorded = _read("tests/rehearsal/source_check.md").splitlines()
    assert len(rows) == 2
    assert [row for row in rows if row not in recorded] == []


def test_every_page_is_listed() -> None:
    pages = {page.name for page in DOCS.glob("*.md")} - {"README.md"}
    doors = {page.name for page in ROOT.glob("*.md")} - {"CODE_OF_CONDUCT.md", "README.md"}
    listed = {link for link in LINK.findall(_read("docs/README.md"))}
    assert pages | {f"../{name}" for name in doors} <= listed


def test_every_exit_code_is_documented() -> None:
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert codes == set(range(8))
    section = _read("docs/operations.md").split("## Exit codes", 1)[1].split("\n## ", 1)[0]
    assert {int(code) for code in re.findall(r"^\| (\d) \|", section, re.MULTILINE)} == codes


@pytest.mark.parametrize("source_id", SOURCES)
def test_every_source_has_its_page_its_fixture_and_its_test(source_id: str) -> None:
    page = _read(f"docs/sources/{source_id}.md")
    assert page.startswith(f"# {source_id}: ")
    for dataset in SOURCES[source_id].datasets:
        assert dataset.id in page
    assert (ROOT / "tests/fixtures" / source_id / "ORIGIN.md").is_file()
    assert (ROOT / "tests/unit/sources" / f"test_{source_id}.py").is_file()
    assert f"({source_id}.md)" in _read("docs/sources/README.md")


def test_the_list_of_sources_is_the_one_the_catalogue_makes() -> None:
    assert _read("docs/sources/README.md") == index_markdown(), (
        "python -m klimatpuls.contract.schema --write docs/data_dictionary.md writes it anew"
    )


def test_every_dag_is_documented() -> None:
    architecture = _read("docs/architecture.md")
    written = {
        name
        for path in (ROOT / "dags").glob("*.py")
        for name in re.findall(r"^def (\w+)\(\) -> None:", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert {"publish", "report", "sync_registers", "watch"} <= written
    for dag_id in written:
        assert f"`{dag_id}`" in architecture, dag_id
    for source_id in SOURCES:
        assert f"`poll_{source_id}`, `ingest_{source_id}`" in _read("docs/sources/README.md")


def test_the_structure_is_the_folder_list() -> None:
    structure = (
        _read("docs/architecture.md").partition("## Structure")[2].partition("```")[2].partition("```")[0]
    )
    package = Path(errors.__file__).parent
    folders = dict(re.findall(r"^  (\w+)/ +(.+)$", structure, re.MULTILINE))
    assert folders == {
        path.parent.name: str(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))))
        .partition("\n")[0]
        .replace("``", "")
        for path in package.glob("*/__init__.py")
    }
    modules = set(re.findall(r"\b\w+\.py\b", structure))
    assert modules == {path.name for path in package.glob("*.py")} - {"__init__.py"}
    layers = re.search(r"layers =\n((?: +.*\n)+)", _read(".importlinter"))
    assert layers is not None
    assert [name for name in re.findall(r"\w+", layers[1]) if name in folders] == list(folders)


def test_every_decision_is_listed_and_short() -> None:
    records = {path.name for path in (DOCS / "decisions").glob("0*.md")}
    assert len(records) >= 9
    index = _read("docs/decisions/README.md")
    assert set(re.findall(r"\((0\d+-[\w-]+\.md)\)", index)) == records
    for name in records:
        text = _read(f"docs/decisions/{name}")
        assert text.startswith(f"# {int(name[:4])}. "), name
        for heading in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert heading in text, f"{name} lacks {heading}"
        assert len(text.splitlines()) <= 50, f"{name} is longer than a page"


def _anchor(heading: str) -> str:
    plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return plain.replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {_anchor(heading) for heading in headings}, f"{page.name}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_pages_name_are_there(page: Path) -> None:
    named = re.findall(r"`((?:include|docs|tests|dags|plugins|docker)/[\w./-]+)`", page.read_text("utf-8"))
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing == []


def test_sections_that_docstrings_name_exist() -> None:
    numbers = set(re.findall(r"^## (\d+) ", _read("docs/methods.md"), re.MULTILINE))
    named = {
        number
        for path in (ROOT / "include/klimatpuls").rglob("*.py")
        for number in re.findall(r"methods(?:\.md)? sections? (\d+)", path.read_text(encoding="utf-8"))
    }
    assert {"1", "2", "3", "4", "5", "6", "7"} <= named
    assert named <= numbers


def test_the_gates_table_states_the_limits_of_the_catalogue() -> None:
    limits = Tolerances()
    section = _read("docs/methods.md").split("## 8 ", 1)[1].split("\n## ", 1)[0]
    for words in (
        f"| {limits.sector_sum_t:g} t (",
        f"| {limits.county_sum_t:g} t (",
        f"| −{abs(limits.unallocated_low_t):g} t to {limits.unallocated_high_pct:g} % (",
        f"ratio outside {limits.hold_ratio_low:g}–{limits.hold_ratio_high:g} "
        f"| {limits.hold_ratio_share_pct:g} % of cells",
        f"moved by more than {limits.hold_moved_pct:g} % | {limits.hold_moved_share_pct:g} % of cells",
        f"| {limits.advisory_unallocated_wide_pct:g} % transport and machinery (1.85), "
        f"else {limits.advisory_unallocated_pct:g} %",
        f"{limits.advisory_subsector_excess_t:g} t and {limits.advisory_subsector_excess_pct:g} %",
        f"above {limits.advisory_collapse_from_t / 1000:g} kt falls below "
        f"{limits.advisory_collapse_to_pct:g} %",
        f"all gases only | {limits.advisory_inventory_pct:g} % (0.63) |",
    ):
        assert words in section, words


OLD_WORDS = re.compile(r"\b(?:hops?|warden|litter|reckon(?:s|ed|ing)?|judged|harm(?:s|ed)?)\b", re.IGNORECASE)
_KIND = "a value of mart.lineage.kind, which readers query"
_WORDING = r"reckoned uträknat här|reckoned: calculated here"
ALLOWED: dict[str, tuple[str, str]] = {
    "include/klimatpuls/contract/lineage.csv": (r",reckoned,", _KIND),
    "include/klimatpuls/contract/lineage.py": (r"``reckoned``|\"reckoned\"", _KIND),
    "include/klimatpuls/contract/releases.yaml": (rf"{_WORDING}|\[source, register, reckoned\]", _KIND),
    "docs/data_dictionary.md": (rf"{_WORDING}|`reckoned`", _KIND),
    "docs/datapackage.json": (rf"{_WORDING}|^ *\"reckoned\"$", _KIND),
    "include/klimatpuls/local/control.py": (r"warden\.json", "a state directory made before has this file"),
}
"""File → the forms in which an old word stays in it, and why. The same word in its prose is still found."""
GLOSSARY_FOLDERS = ("include", "plugins", "dags", "docs")
IMMUTABLE = "include/sql/migrations/"


def test_the_old_words_of_the_glossary_are_gone() -> None:
    found = []
    for folder in GLOSSARY_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if not path.is_file() or "__pycache__" in name or name.startswith(IMMUTABLE):
                continue
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:  # a font or a recorded workbook
                continue
            form, _ = ALLOWED.get(name, ("", ""))
            found += [
                f"{name}:{number}: {line.strip()[:100]}"
                for number, line in enumerate(text.splitlines(), 1)
                if OLD_WORDS.search(re.sub(form, "", line) if form else line)
            ]
    assert found == []


def test_an_old_word_would_be_found() -> None:
    assert [
        word for word in ("Hop", "reckoned", "harms", "judged") if not OLD_WORDS.search(f"a {word}.")
    ] == []
    form, _ = ALLOWED["include/klimatpuls/contract/lineage.csv"]
    assert OLD_WORDS.search(re.sub(form, "", "measure,effect,reckoned,11,The same reckoned without it."))
    assert OLD_WORDS.search("shop, reckoner, charm, prejudged") is None


def test_the_first_screen_of_the_readme_keeps_its_order() -> None:
    readme = _read("README.md")
    order = [
        "When a national agency publishes",
        "1 snapshot",
        "Källa: Nationella emissionsdatabasen (SMHI/Naturvårdsverket), egen bearbetning",
        "make run ",
        "make test",
        "## Where the numbers come from",
    ]
    places = [readme.index(words) for words in order]
    assert places == sorted(places)


@pytest.mark.real_data
def test_the_figures_of_the_readme_are_those_of_the_release(real_data: Path) -> None:
    import datetime as dt

    import pandas as pd

    from klimatpuls import registers
    from klimatpuls.contract import releases
    from klimatpuls.sources import smhi_emissions
    from klimatpuls.statistics import results

    workbook = (real_data / "smhi/GGT_edition_2026a.xlsx").read_bytes()
    parsed = smhi_emissions.parse([workbook], "smhi_emissions", "ghg")
    release_id = releases.release_id(parsed, releases.content_sha256(parsed))
    facts = parsed.rows.rename(columns={"emissions": "emissions_tco2e"})
    population = pd.read_csv(real_data / "scb/population.csv", dtype={"region_code": str})
    register = registers.read_registers()
    inputs = results.ResultInputs(
        as_of=dt.date(2026, 5, 8),
        current=(release_id, facts),
        earlier=(),
        population=population.rename(columns={"population": "population_count"}),
        members=register.members,
        targets=register.targets,
    )
    overview = frames_of(results.each_result(inputs))["region_overview"].set_index("region_code")
    rows = re.findall(r"^\| (\d{4}) [^|]+\|(.+)\|$", _read("README.md"), re.MULTILINE)
    assert len(rows) == 3
    for code, cells in rows:
        row = overview.loc[code]
        figures = [cell.strip().replace("−", "-") for cell in cells.split("|")]
        mark = " ²" if row["own_part_status"] == "partly_measured" else ""
        assert figures[:6] == [
            f"{row['territorial_tco2e']:,.0f}".replace(",", " "),
            f"{row['territorial_t_per_capita']:.1f}",
            f"{row['change_since_1990_pct']:+.1f} %",
            f"{row['change_printed_pct']:+.1f} %",
            f"{row['national_part_printed_pct']:+.1f}",
            f"{row['own_part_printed_pct']:+.1f}{mark}",
        ]
        if mark:
            assert f"² {row['scaled_share_pct']:.0f} % of its emissions" in _read("README.md")
    assert f"`{release_id}`" in rows[0][1]
