"""Writes the folder, the fixture, the test and the page of a new source from a template."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Final, Literal

from klimatpuls.contract import catalog, schema
from klimatpuls.errors import UsageError
from klimatpuls.paths import PROJECT, SOURCE_TEMPLATE

Kind = Literal["json", "pxweb"]

PLACEHOLDER: Final = "my_source"
"""The id that stands in the template's texts and file names."""
HOST_PLACEHOLDER: Final = "my-source"


def write_source(source_id: str, kind: Kind, project: Path = PROJECT) -> tuple[Path, ...]:
    """Writes the files of a new source; they work as they are, with invented figures.

    Args:
        source_id: Its id: lower case letters, digits and underscores.
        kind: ``json`` for one file at one address, ``pxweb`` for a table of a PxWebApi 2 database.
        project: Folder of the project.

    Returns:
        The files that were written, relative to the project.

    Raises:
        UsageError: if the id cannot be one, or a source, a fact, a mart or a file of that name exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{2,39}", source_id) or keyword.iskeyword(source_id):
        msg = f"{source_id!r} cannot be the id of a source; use 3 to 40 of a-z, 0-9 and _, a letter first"
        raise UsageError(msg)
    names = {fact.name for fact in schema.facts()} | {mart.name for mart in schema.marts()}
    if source_id in catalog.SOURCES or source_id in names:
        msg = f"{source_id!r} is already a source, a fact or a mart; choose another id"
        raise UsageError(msg)
    texts = {
        Path(str(path.relative_to(folder)).replace(PLACEHOLDER, source_id).removesuffix(".txt")): path
        for folder in (SOURCE_TEMPLATE / "common", SOURCE_TEMPLATE / kind)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    if existing := [str(name) for name in texts if (project / name).exists()]:
        msg = f"nothing was written: {', '.join(existing)} exists already"
        raise UsageError(msg)
    host = source_id.replace("_", "-")
    for name, template in texts.items():
        text = template.read_text(encoding="utf-8")
        target = project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(
            text.replace(PLACEHOLDER, source_id).replace(HOST_PLACEHOLDER, host), encoding="utf-8"
        )
    return tuple(texts)
