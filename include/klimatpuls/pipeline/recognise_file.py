"""Recognises files that a person gives by hand; runs under :mod:`klimatpuls.files.isolation`."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from klimatpuls.contract import catalog
from klimatpuls.files.archive_safety import check_workbook
from klimatpuls.files.synthetic_mark import is_synthetic

_LARGEST_INFLATED = 256 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileIdentity:
    """What a file given by hand is.

    Attributes:
        source: Catalogue id of the source.
        dataset: Catalogue id of the dataset.
        substance: Our substance code, or None where the dataset has none.
    """

    source: str
    dataset: str
    substance: str | None


def recognise(body: bytes) -> tuple[FileIdentity, bool] | None:
    """Return what a file is and whether it is marked as synthetic; None where no source recognises it.

    Args:
        body: The file.

    Raises:
        SourceFormatError: if a source knows what it is and why it cannot be read, or it is a workbook that
            is damaged, encrypted or too large for any source.
    """
    for source in catalog.SOURCES.values():
        module: Any = importlib.import_module(f"klimatpuls.sources.{source.id}")
        found = module.recognise(body)
        if found is not None:
            return FileIdentity(source=source.id, dataset=found[0], substance=found[1]), is_synthetic(body)
    if body.startswith(b"PK"):
        check_workbook(body, what="the file", max_inflated=_LARGEST_INFLATED)
    return None


def recognised_files() -> dict[str, str]:
    """Return source → what its files look like, one line each."""
    return {
        source.id: importlib.import_module(f"klimatpuls.sources.{source.id}").RECOGNISES
        for source in catalog.SOURCES.values()
    }
