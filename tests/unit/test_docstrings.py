"""The arguments that a docstring explains are those of the signature, the attributes those of the class."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS = ("include", "plugins", "dags")
SECTION = r"^{}:\n((?:[ \t]+.*\n|\n)*)"
NAME = re.compile(r"^ {4}\*{0,2}(\w+)(?: \(.*?\))?:", re.MULTILINE)


def explained(docstring: str, section: str) -> list[str] | None:
    """Names below ``Args:`` or ``Attributes:``; None where there is no such section."""
    found = re.search(SECTION.format(section), docstring + "\n", re.MULTILINE)
    return NAME.findall(found[1]) if found else None


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Names of the signature, without ``self`` and ``cls``."""
    args = function.args
    named = [*args.posonlyargs, *args.args]
    named += [args.vararg] if args.vararg else []
    named += args.kwonlyargs
    named += [args.kwarg] if args.kwarg else []
    return [one.arg for one in named if one.arg not in ("self", "cls")]


def attributes(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> list[str] | None:
    """Public fields of a dataclass, with those of bases in its module, sorted; None of another class."""
    if not any("dataclass" in ast.unparse(one) for one in node.decorator_list):
        return None
    family = [node, *(classes[name] for base in node.bases if (name := ast.unparse(base)) in classes)]
    fields = [
        one
        for member in family
        for one in member.body
        if isinstance(one, ast.AnnAssign)
        and "init=False" not in ast.unparse(one)
        and "ClassVar" not in ast.unparse(one.annotation)
    ]
    names = {one.target.id for one in fields if isinstance(one.target, ast.Name)}
    return sorted(name for name in names if not name.startswith("_"))


def mismatches(tree: ast.AST) -> Iterator[str]:
    """Functions and classes whose docstring explains other names than they have."""
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            docstring = ast.get_docstring(node) or ""
            made_by = [
                one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"
            ]
            named = explained(docstring, "Attributes")
            pairs = [(named and sorted(named), attributes(node, classes))]
            pairs += [(explained(docstring, "Args"), parameters(one)) for one in made_by]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pairs = [(explained(ast.get_docstring(node) or "", "Args"), parameters(node))]
        else:
            continue
        for names, present in pairs:
            if names is not None and present is not None and names != present:
                yield f"line {node.lineno}: {node.name} has {present}, its docstring explains {names}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_docstrings_explain_the_arguments_there_are(folder: str) -> None:
    files = sorted((PROJECT / folder).rglob("*.py"))
    assert files
    assert [
        f"{path.relative_to(PROJECT)}, {found}"
        for path in files
        for found in mismatches(ast.parse(path.read_text(encoding="utf-8")))
    ] == []


@pytest.mark.parametrize(
    ("code", "is_right"),
    [
        ('def f(a, *, b, **c):\n    """A\n\n    Args:\n        a: A\n        b: B\n        **c: D."""', True),
        ('def f(a, b):\n    """Do.\n\n    Args:\n        a: One:\n            more.\n    """', False),
        ('def f(a):\n    """Do.\n\n    Args:\n        b: Gone.\n\n    Returns:\n        It.\n    """', False),
        ('def f(a):\n    """Do."""', True),
    ],
)  # fmt: skip
def test_a_name_too_few_or_too_many_is_found(code: str, is_right: bool) -> None:
    assert (list(mismatches(ast.parse(code))) == []) is is_right
