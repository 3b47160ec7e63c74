"""Recognises the source of a local file; runs under :mod:`klimatpuls.files.isolation`."""

from __future__ import annotations

from dataclasses import dataclass

from klimatpuls.contract import catalog
from klimatpuls.files.archive_safety import check_workbook
from klimatpuls.files.synthetic_mark import is_synthetic
from klimatpuls.sources.protocol import source_module

_LARGEST_INFLATED = 256 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileIdentity:
    """The source of a local file.

    Attributes:
        source: Catalogue id of the source.
        dataset: Catalogue id of the dataset.
        substance: Our substance code, or None if the dataset has none.
    """

    source: str
    dataset: str
    substance: str | None


def recognise(body: bytes) -> tuple[FileIdentity, bool] | None:
    """Return the source of a file, and whether the file is marked as synthetic; None for an unknown file.

    Args:
        body: The file.

    Raises:
        SourceFormatError: if it is a file of a source that cannot be read, or a workbook that is damaged,
            encrypted or larger than any source reads.
    """
    for source in catalog.SOURCES.values():
        found = source_module(source).recognise(body)
        if found is not None:
            dataset, substance = found
            return FileIdentity(source=source.id, dataset=dataset, substance=substance), is_synthetic(body)
    if body.startswith(b"PK"):
        check_workbook(body, what="the file", max_inflated=_LARGEST_INFLATED)
    return None


def recognised_files() -> dict[str, str]:
    """Return source → a description of its files, one line each."""
    return {source.id: source_module(source).RECOGNISES for source in catalog.SOURCES.values()}
