"""Recognises a file that holds an answer of a PxWebApi 2 database: which dataset of a source it is of."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from klimatpuls.contract import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from klimatpuls.contract.catalog import PxTable

RECOGNISES = "a JSON-stat 2 answer of the table {tables}, with all its cells in one file"


def recognise_table(body: bytes, source_id: str) -> tuple[str, None] | None:
    """The dataset of a source whose table a JSON-stat 2 answer is of; None where it is of none.

    Told by the table's id where the answer states one, else by the code of what it measures, else by its
    title.

    Args:
        body: The file.
        source_id: Catalogue id of the source.
    """
    document = _document(body)
    if document is None:
        return None
    entries = [entry for entry in catalog.source(source_id).datasets if entry.px_table is not None]
    for test in (_has_id, _has_contents, _has_title):
        for entry in entries:
            if entry.px_table is not None and test(document, entry.px_table):
                return entry.id, None
    return None


def describe_tables(source_id: str) -> str:
    """What files of a source look like, for an operator."""
    tables = [entry.px_table for entry in catalog.source(source_id).datasets if entry.px_table is not None]
    names = [name for table in tables for name in table.table_ids]
    return RECOGNISES.format(tables=" or ".join(names))


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    is_table = isinstance(document, dict) and isinstance(document.get("dimension"), dict)
    return document if is_table and isinstance(document.get("id"), list) else None


def _has_id(document: Mapping[str, Any], table: PxTable) -> bool:
    extension = document.get("extension")
    px = extension.get("px") if isinstance(extension, dict) else None
    return isinstance(px, dict) and px.get("tableid") in table.table_ids


def _has_contents(document: Mapping[str, Any], table: PxTable) -> bool:
    code = getattr(table, "contents_code", None)
    return code is not None and code in _codes(document, "ContentsCode")


def _has_title(document: Mapping[str, Any], table: PxTable) -> bool:
    """Whether the title is the table's, and the requested totals have its codes."""
    label = " ".join(str(document.get("label", "")).split()).casefold()
    totals = getattr(table, "totals", None) or {}
    return (
        bool(table.title)
        and re.search(table.title, label) is not None
        and all(code in _codes(document, name) for name, code in totals.items())
    )


def _codes(document: Mapping[str, Any], name: str) -> Iterator[str]:
    body = document["dimension"].get(name)
    category = body.get("category") if isinstance(body, dict) else None
    index = category.get("index") if isinstance(category, dict) else None
    return iter(index if isinstance(index, dict | list) else ())
