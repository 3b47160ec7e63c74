"""The catalogue of texts for readers: complete, nothing unused, the same placeholders in both languages."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import klimatpuls
from klimatpuls.translations import DOMAIN, NBSP, catalogue, translate, translate_plural

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(klimatpuls.__file__).parent
PACKAGES = ("membership", "operations", "pipeline", "registers", "report", "site")
KEYWORDS = {
    "say": None,
    "words": None,
    "message": None,
    "translate": (2,),
    "plural": (1, 2),
    "translate_plural": (2, 3),
}
"""Functions that take a message, and which of their arguments it is; as translations.py documents it."""
METHODS = [("**.py", "python"), ("**.schema.json", "klimatpuls.translations:extract_hints")]
"""As in ``locale/babel.cfg``."""
FIRST = {"say": 0, "words": 0, "message": 0, "translate": 1, "plural": 0, "translate_plural": 1}
"""Function → index of its first message."""
MODULES = [path for package in PACKAGES for path in sorted((PACKAGE / package).glob("*.py"))]

READ_FROM_FILES = {
    "cells.py": {"ERROR_TEXTS"},
    "criteria.py": {"COUNCILS"},
    "values.py": {"_SECTOR_WORDS"},
    "plans.py": {"SOURCE", "_DRAFT", "_OPEN"},
    "reading.py": {"_LETTERS", "_PLAUSIBLE", "_GARBLED"},
    "sheets.py": {"GUIDE"},
}
"""Constants that are compared with what files hold, or written into files: no translations."""


@cache
def used() -> dict[str | tuple[str, ...], set[str]]:
    """Message → the modules that use it."""
    found: dict[str | tuple[str, ...], set[str]] = {}
    for package in PACKAGES:
        for file, _, text, _, _ in extract_from_dir(PACKAGE / package, METHODS, keywords=KEYWORDS):
            found.setdefault(text, set()).add(f"{package}/{file}")
    return found


@pytest.fixture(scope="module")
def swedish():
    with (PACKAGE / f"locale/sv/LC_MESSAGES/{DOMAIN}.po").open("rb") as file:
        return {entry.id: entry for entry in read_po(file, locale="sv", abort_invalid=True) if entry.id}


def forms(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def placeholders(text: str) -> set[tuple[str, str | None, str | None]]:
    fields = {(name, spec, sign) for _, name, spec, sign in Formatter().parse(text) if name is not None}
    return {field for field in fields if field[0] != "nbsp"}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            is_method = isinstance(node.func, ast.Attribute)
            name = node.func.attr if is_method else getattr(node.func, "id", "")
            if name in FIRST and is_method == (name == "plural"):
                yield name, node


def test_every_message_is_translated_and_every_translation_is_used(swedish):
    assert set(swedish) == set(used())
    for entry in swedish.values():
        assert all(forms(entry.string)), f"{entry.id}: no translation"
        assert not entry.fuzzy, entry.id


def test_the_catalogue_names_the_modules_that_use_a_message(swedish):
    modules = {text: {file for file, _ in entry.locations} for text, entry in swedish.items()}
    assert modules == used()


def test_placeholders_are_the_same_in_both_languages(swedish):
    for entry in swedish.values():
        wanted = placeholders("".join(forms(entry.id)))
        for text in (*forms(entry.id), *forms(entry.string)):
            assert placeholders(text) == wanted, text


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_call_gives_the_values_that_its_message_needs(path):
    for name, call in calls(path):
        text = call.args[FIRST[name]]
        assert not isinstance(text, ast.JoinedStr | ast.BinOp), f"{path.name}:{call.lineno}: no fixed message"
        if name != "message" and isinstance(text, ast.Constant):
            given = {keyword.arg for keyword in call.keywords}
            given |= {"count"} if "plural" in name else set()
            wanted = {field[0] for field in placeholders(text.value)}
            assert wanted <= given, f"{path.name}:{call.lineno}"
            assert given - wanted <= {"count"}, f"{path.name}:{call.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_module_holds_swedish_text(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    exempt: set[ast.AST] = set()
    for node in ast.walk(tree):
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_file_word = isinstance(node, ast.AnnAssign) and (
            ast.unparse(node.target) in READ_FROM_FILES.get(path.name, ())
        )
        if is_docstring or is_file_word:
            exempt |= set(ast.walk(node))
    english = {part for text in used() for part in forms(text)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in exempt:
            assert node.value in english or not re.search("[åäöÅÄÖ]", node.value), (
                f"{path.name}: {node.value}"
            )
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "either":
            fixed = [part.value for part in node.args if isinstance(part, ast.Constant)]
            assert fixed == [], f"{path.name}:{node.lineno}: a message has its Swedish in the catalogue"


def test_a_message_without_translation_is_shown_in_english():
    assert translate("sv", "no such message {number}", number=1) == "no such message 1"
    assert translate("sv", "") == ""
    assert catalogue("en").gettext("row {number}") == "row {number}"


def test_a_plural_follows_the_number_and_blanks_do_not_break():
    singular, plural = "{count} year after", "{count} years after"
    assert [translate_plural("en", singular, plural, number) for number in (1, 2)] == [
        "1 year after",
        "2 years after",
    ]
    assert translate_plural("sv", singular, plural, 2) == "2 år efter"
    assert translate("sv", "{number}%", number=5) == f"5{NBSP}%"


def test_values_are_never_read_as_templates():
    assert translate("sv", "row {number}", number="{number} {nbsp}") == "rad {number} {nbsp}"
