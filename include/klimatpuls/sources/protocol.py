"""What every source offers, and how the module of a source is found."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from klimatpuls.contract.catalog import Source
    from klimatpuls.contract.releases import Fetched, Parsed, Poll
    from klimatpuls.fetch.assumptions import Checked
    from klimatpuls.fetch.http import PoliteSession


class SourceModule(Protocol):
    """What a package ``klimatpuls.sources.<id>`` offers."""

    RECOGNISES: str
    """One line for an operator: what a file of this source looks like, when a person gives it by hand."""

    def fetch(
        self, session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
    ) -> Fetched:
        """Returns the newest bytes of a dataset.

        Raises:
            NotYetPublished: if nothing is published yet.
            FetchError: if no complete answer came.
        """

    def poll(
        self,
        session: PoliteSession,
        base_url: str,
        dataset: str,
        substance: str | None,
        *,
        as_of: date,
        validators: Mapping[str, str],
    ) -> Poll:
        """Returns whether the publisher changed anything, with as few calls and bytes as the service allows.

        Args:
            session: The polite session of the source.
            base_url: Address of the service.
            dataset: Catalogue id of the dataset.
            substance: Our substance code, or None.
            as_of: The day of the run.
            validators: What the last poll returned as ``Poll.validators``.
        """

    def parse(self, parts: Sequence[bytes], dataset: str, substance: str | None) -> Parsed:
        """Returns tidy rows. Pure: runs in a process of its own, with limits on memory and time.

        Raises:
            SourceFormatError: if the bytes are not what the source expects.
        """

    def check(self, session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
        """Yields each assumption about the agency, compared with a small answer of it."""

    def recognise(self, body: bytes) -> tuple[str, str | None] | None:
        """Returns dataset and substance of a file given by hand; None if it is not a file of this source.

        Runs in a process of its own, on bytes from outside. It must recognise everything that :func:`parse`
        accepts as its only part.

        Raises:
            SourceFormatError: if the file is of this source and it is clear why it cannot be read.
        """


class Sheet(Protocol):
    """The table of a kept file as it stands there, to find the cell of a figure."""

    @property
    def name(self) -> str:
        """Name of the sheet."""

    @property
    def columns(self) -> Mapping[int, str]:
        """Year → letters of its column."""

    def cell(self, sheet_row: int, year: int) -> Any:
        """Returns what stands in a year's column of a row; the first row is 1."""


def source_module(source: Source) -> SourceModule:
    """Returns the package of a catalogue entry; found by its id."""
    return cast("SourceModule", importlib.import_module(f"klimatpuls.sources.{source.id}"))


def has_sheets(source: Source) -> bool:
    """Returns whether a kept file of the source is a sheet with one column per year.

    Such a source has a function ``read_places(body, substance)`` that returns a :class:`Sheet`.
    """
    return hasattr(source_module(source), "read_places")


def read_sheet(source: Source, body: bytes, substance: str | None) -> Sheet:
    """Returns the sheet of a kept file; only for a source that :func:`has_sheets`."""
    module: Any = source_module(source)
    return cast("Sheet", module.read_places(body, substance))
