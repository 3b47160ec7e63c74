"""Recognise files that a person gives by hand; runs under :mod:`klimatpuls.files.isolation`."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from klimatpuls.contract import catalog
from klimatpuls.files.archive_safety import check_workbook
from klimatpuls.files.synthetic_mark import is_synthetic

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
            return found, is_synthetic(body)
    if body.startswith(b"PK"):
        check_workbook(body, what="the file", max_inflated=_LARGEST_INFLATED)
    return None


def recognised_files() -> dict[str, str]:
    """Source → what its files look like, one line each."""
    return {
        source.id: importlib.import_module(f"klimatpuls.sources.{source.id}").RECOGNISES
        for source in catalog.SOURCES.values()
    }
