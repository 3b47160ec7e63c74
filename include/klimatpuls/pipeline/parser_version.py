"""The version of the parser of a dataset, computed from everything its result depends on.

Another version of a parser reads again the bytes that one version refused. So the version must change
whenever the result may change: it is a hash over the code of the source's module and of every module of the
project that it imports, the reference tables, the dataset's part of the contract, and the versions of the
libraries that all these import. It also changes with a comment: reading again costs a second, and the
operator is notified only of new results.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from klimatpuls.contract import catalog, schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PACKAGE: Final = "klimatpuls"
_FOLDER: Final = Path(__file__).resolve().parents[1]
READER: Final = "klimatpuls.pipeline.read_file"
"""The module that calls every parser; its checks can refuse a file too."""


@lru_cache(maxsize=64)
def parser_version(dataset: str) -> str:
    """Return the version of the parser of a dataset: 16 hexadecimal digits.

    Args:
        dataset: Catalogue id of the dataset.

    Raises:
        UsageError: if the catalogue has no such dataset.
    """
    source, entry = catalog.source_of(dataset), catalog.dataset(dataset)
    digest = hashlib.sha256()
    code = _code_version(f"{PACKAGE}.sources.{source.id}")
    for part in (code, _written(schema.fact(entry.fact)), _written(entry)):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def _written(value: object) -> str:
    """Return a record as text that is the same in every process; ``repr`` of a set is not.

    Args:
        value: A dataclass, a collection or a plain value.
    """
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        return f"{type(value).__name__}{_written(parts)}"
    if isinstance(value, Mapping):
        return _sorted(f"{_written(key)}:{_written(held)}" for key, held in value.items())
    if isinstance(value, Set):
        return _sorted(map(_written, value))
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_written, value))}]"
    return repr(value)


def _sorted(texts: Iterable[str]) -> str:
    return f"{{{','.join(sorted(texts))}}}"


@lru_cache(maxsize=16)
def _code_version(module: str) -> str:
    ours, libraries = read_modules(module)
    digest = hashlib.sha256()
    for name, path in sorted(ours.items()):
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    for path in sorted((_FOLDER / "domain" / "reference").glob("*.csv")):
        digest.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    for name, version in sorted(libraries.items()):
        digest.update(f"{name}\0{version}\0".encode())
    return digest.hexdigest()


def read_modules(module: str) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the modules and libraries that a parser's module uses.

    Args:
        module: Full name of the source's module.

    Returns:
        Modules of the project → their files; libraries → their versions. Imports that only type checkers
        see do not count.
    """
    ours: dict[str, Path] = {}
    libraries: dict[str, str] = {}
    waiting = [module, READER]
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if path is None or name in ours:
            continue
        ours[name] = path
        for imported in _imports(ast.parse(path.read_bytes())):
            top = imported.partition(".")[0]
            if top == PACKAGE:
                waiting.append(imported)
            elif top not in sys.stdlib_module_names and top not in libraries:
                libraries.update(_version_of(top))
    return ours, libraries


def _file_of(name: str) -> Path | None:
    """Return the file of a module of the project, without importing it; None for a name inside a module."""
    place = _FOLDER.joinpath(*name.split(".")[1:])
    found = (place / "__init__.py", place.with_name(f"{place.name}.py"))
    return next((path for path in found if path.is_file()), None)


def _version_of(library: str) -> Iterator[tuple[str, str]]:
    try:
        yield library, metadata.version(library)
    except metadata.PackageNotFoundError:
        return  # its import name differs from its package name: none of the libraries that read files


def _imports(node: ast.AST) -> Iterator[str]:
    """Yield the names of imported modules, and of what is imported from the project, at any depth."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield child.module
            if child.module.partition(".")[0] == PACKAGE:
                yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from _imports(child)
