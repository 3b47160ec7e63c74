"""What every source that is a table of a PxWebApi 2 database offers, but for its parser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klimatpuls.contract import catalog
from klimatpuls.errors import FetchError
from klimatpuls.fetch.pxweb import table
from klimatpuls.fetch.pxweb.check import check_source
from klimatpuls.fetch.pxweb.files import describe_tables, recognise_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from klimatpuls.contract.releases import Fetched, Parsed, Poll
    from klimatpuls.fetch.assumptions import Checked
    from klimatpuls.fetch.http import PoliteSession


@dataclass(frozen=True)
class PxWebSource:
    """The functions of the source protocol that follow from ``source.yaml`` and the parser.

    Attributes:
        id: Catalogue id of the source; its datasets name their tables under ``px_table``.
        parse: The parser of the source's module.
    """

    id: str
    parse: Callable[..., Parsed]

    @property
    def recognises(self) -> str:
        """One line for an operator: what files of this source look like."""
        return describe_tables(self.id)

    def fetch(
        self, session: PoliteSession, base_url: str, dataset: str, substance: str | None, *, as_of: date
    ) -> Fetched:
        """Fetch every wanted cell of a dataset's table; see :func:`.table.fetch_table`."""
        self._refuse_others(dataset, substance)
        return table.fetch_table(session, base_url, dataset, as_of)

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
        """Return when a dataset's table was last updated; see :func:`.table.poll_table`."""
        self._refuse_others(dataset, substance)
        return table.poll_table(session, base_url, dataset, as_of)

    def check(self, session: PoliteSession, base_url: str, *, as_of: date) -> Iterator[Checked]:
        """Yield each assumption about the tables; see :func:`.check.check_source`."""
        return check_source(session, base_url, self.id, as_of=as_of, parse=self.parse)

    def recognise(self, body: bytes) -> tuple[str, str | None] | None:
        """Return the dataset whose table an answer given by hand is of; None where it is of none."""
        return recognise_table(body, self.id)

    def _refuse_others(self, dataset: str, substance: str | None) -> None:
        if substance is not None or dataset not in {entry.id for entry in catalog.source(self.id).datasets}:
            msg = f"{self.id} has neither the dataset {dataset!r} nor substances (requested {substance!r})"
            raise FetchError(msg)
