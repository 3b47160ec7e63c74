"""Every SQL file says in its first line what it does, and marks values and slots as its folder requires."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from klimatpuls.contract import schema
from klimatpuls.paths import PROJECT, SQL_ROOT
from klimatpuls.validation.suites import check_text, suite_of

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = {str(path.relative_to(SQL_ROOT)): path for path in sorted(SQL_ROOT.rglob("*.sql"))}
SLOT = re.compile(r"\{([^{}]*)\}")
PSYCOPG2 = "psycopg2: %(name)s, {slot} through psycopg2.sql"
SQLALCHEMY = "SQLAlchemy: :name, {slot} through check_text"
PLAIN = "plain: run as it stands"
FORMATTED = "formatted: {slot} for text of the contract or a finished check"
STYLES = {
    "checks": SQLALCHEMY,  # Great Expectations takes a finished text, so SQLAlchemy writes the values in.
    "checks/dashboard": PLAIN,
    "export": PSYCOPG2,
    "functions": PLAIN,
    "generated": FORMATTED,
    "grants": PLAIN,
    "marts": PLAIN,
    "migrations": PLAIN,
    "read": PSYCOPG2,
    "report": PSYCOPG2,
    "roles": PLAIN,
    "secretariat": PLAIN,
    "site": PSYCOPG2,
    "trace": PSYCOPG2,
    "validate": FORMATTED,  # {batch} is the slot of Great Expectations.
    "write": PSYCOPG2,
}
FORMATTED_SLOTS = {
    "generated/as_of.sql": {"name", "returned", "datasets", "key", "select", "table", "joins", "fall_back"},
    "validate/measure.sql": {"check", "batch"},
    "validate/findings.sql": {"check", "sample_size"},
}


def style(name: str) -> str:
    return STYLES[name.rpartition("/")[0]]


def named(wanted: str) -> list[str]:
    return [name for name in FILES if style(name) == wanted]


def code_of(name: str) -> str:
    """The statements of a file, without comments and the text of its literals and function bodies."""
    text = re.sub(r"--.*", "", FILES[name].read_text(encoding="utf-8"))
    text = re.sub(r"\$\$.*?\$\$", "''", text, flags=re.DOTALL)
    return re.sub(r"'[^']*'", "''", text)


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("migrations/")])
def test_a_file_begins_with_one_line_that_says_what_it_does(name: str) -> None:
    first, second, *_ = FILES[name].read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"-- [A-Z].{8,114}\.", first), first
    assert second.strip()


def test_every_folder_has_a_style() -> None:
    assert {name.rpartition("/")[0] for name in FILES} == set(STYLES)


@pytest.mark.parametrize("name", named(PSYCOPG2))
def test_values_are_named_as_psycopg2_names_them(name: str) -> None:
    """Positional values are mixed up unnoticed; ``VALUES %s`` is how execute_values takes its rows."""
    text = FILES[name].read_text(encoding="utf-8").replace("VALUES %s", "").replace("%%", "")
    assert not re.search(r"%(?!\([a-z_0-9]+\)s)", text)
    assert not re.search(r"(?<![:\w]):[a-z_]", code_of(name))
    assert all(re.fullmatch(r"[a-z_]+", slot) for slot in SLOT.findall(text))


def loads(tree: ast.AST) -> Iterator[tuple[str, bool, bool]]:
    """Each ``load_sql``: pattern of its file, whether that is one name, whether psycopg2.sql takes it."""
    wrapped = {
        argument
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "sql.SQL"
        for argument in node.args
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("load_sql"):
            name = node.args[0]
            parts = name.values if isinstance(name, ast.JoinedStr) else [name]
            pattern = "".join(
                re.escape(str(one.value)) if isinstance(one, ast.Constant) else r"[\w/.]+" for one in parts
            )
            yield pattern, isinstance(name, ast.Constant), node in wrapped


def test_slots_are_filled_by_psycopg2_alone() -> None:
    """Its composables quote names. Text put into a query by ``format`` or ``replace`` is not quoted."""
    slotted = {name for name in named(PSYCOPG2) if SLOT.search(FILES[name].read_text(encoding="utf-8"))}
    code = [*(PROJECT / "include").rglob("*.py"), *(PROJECT / "plugins").rglob("*.py")]
    found = [load for path in code for load in loads(ast.parse(path.read_text(encoding="utf-8")))]
    filled = {
        name for name in slotted for one, _, is_wrapped in found if is_wrapped and re.fullmatch(one, name)
    }
    bare = {one for one, is_exact, is_wrapped in found if is_exact and not is_wrapped}
    assert {"read/mart_digest.sql", "write/build_facts.sql", "trace/rows.sql"} <= slotted
    assert (slotted - filled, bare & set(map(re.escape, slotted))) == (set(), set())


@pytest.mark.parametrize("name", named(SQLALCHEMY))
def test_checks_name_their_values_as_sqlalchemy_does(name: str) -> None:
    text = FILES[name].read_text(encoding="utf-8")
    assert "%" not in text
    assert all(re.fullmatch(r"[a-z_]+", slot) for slot in SLOT.findall(text))


def test_every_slot_of_a_check_is_filled() -> None:
    for fact in schema.facts():
        for rule in suite_of(fact).rules:
            assert not set("{}") & set(check_text(rule, fact)), rule.name


@pytest.mark.parametrize("name", named(PLAIN))
def test_a_plain_file_has_no_value_and_no_slot(name: str) -> None:
    text = FILES[name].read_text(encoding="utf-8")
    assert not re.search(r"%\(\w+\)s", text)
    code = code_of(name)
    assert not re.search(r"%s|\{\w*\}|(?<![:\w]):[a-z_]", code)


@pytest.mark.parametrize("name", named(FORMATTED))
def test_a_formatted_file_has_the_known_slots_and_no_value(name: str) -> None:
    text = FILES[name].read_text(encoding="utf-8")
    assert set(SLOT.findall(text)) == FORMATTED_SLOTS[name]
    assert "%" not in text
    assert not re.search(r"(?<![:\w]):[a-z_]", code_of(name))
