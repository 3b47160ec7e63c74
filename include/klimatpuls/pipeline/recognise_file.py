"""Recognises files that a person gives by hand, in a process of its own (:mod:`klimatpuls.isolation`)."""

from __future__ import annotations

import importlib
import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from klimatpuls import catalog
from klimatpuls.replica.workbook import SYNTHETIC_MARK, is_synthetic
from klimatpuls.zipgate import check_workbook

_HEAD_BYTES = 65_536
_STRINGS_PART = "xl/sharedStrings.xml"
_LARGEST_INFLATED = 256 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a file given by hand is.

    Attributes:
        source: Catalogue id of the source.
        dataset: Catalogue id of the dataset.
        substance: Our substance code, or None where the dataset has none.
    """

    source: str
    dataset: str
    substance: str | None


def recognise(body: bytes) -> tuple[Known, bool] | None:
    """What a file is, and whether it says that its figures are made up; None where no source knows it.

    Args:
        body: The file.

    Raises:
        SourceFormatError: if a source knows what it is and why it cannot be read, or it is a workbook that
            is damaged, encrypted or too large for anybody.
    """
    for source in catalog.SOURCES.values():
        module: Any = importlib.import_module(f"klimatpuls.sources.{source.id}")
        known = module.recognise(body)
        if known is not None:
            found = Known(source=source.id, dataset=known[0], substance=known[1])
            return found, says_synthetic(body)
    if body.startswith(b"PK"):
        check_workbook(body, what="the file", max_inflated=_LARGEST_INFLATED)
    return None


def says_synthetic(body: bytes) -> bool:
    """Whether a file says of itself that its figures are made up.

    A workbook says so in its properties or its first cells, any other file in its first or last bytes.

    Args:
        body: The bytes of a file that a source knows.
    """
    mark = SYNTHETIC_MARK.encode()
    if not body.startswith(b"PK"):
        return mark in body[:_HEAD_BYTES] or mark in body[-_HEAD_BYTES:]
    return is_synthetic(body) or mark in _first_strings(body)


def _first_strings(body: bytes) -> bytes:
    """The first texts of a workbook's cells; nothing where it has none."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as parts, parts.open(_STRINGS_PART) as part:
            return part.read(_HEAD_BYTES)
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return b""


def recognised_files() -> dict[str, str]:
    """Source → what its files look like, one line each."""
    return {
        source.id: importlib.import_module(f"klimatpuls.sources.{source.id}").RECOGNISES
        for source in catalog.SOURCES.values()
    }
