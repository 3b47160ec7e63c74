"""Asks every agency the smallest questions that prove the assumptions of its source. Needs no warehouse.

It shows whether the answers still have the form that the parsers read, before a run depends on it: a new
operator runs it first, and the nightly tests run it. It keeps nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from klimatpuls.errors import NotYetPublished
from klimatpuls.fetch.assumptions import Checked
from klimatpuls.fetch.http import Limits, open_session
from klimatpuls.fetch.throttle import MemoryCallLog
from klimatpuls.sources.protocol import source_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from klimatpuls.contract.catalog import Source
    from klimatpuls.sources.protocol import SourceModule

ANSWERS: Final = "The agency answers, and its answers can be read."
"""The assumption that fails where a check reaches no verdict."""
REMEDY: Final = "What to do: "
"""What precedes the advice in every message of the project."""
ADVICE: Final = "Report it with this message; a run would fail in the same way. Nothing was changed."
PATIENCE: Final = Limits(retries=2, total_seconds=60.0)
"""Shorter limits than a run's: a person waits for the answer."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which agencies to ask.

    Attributes:
        base_urls: Connection id → base URL of the agency, or of the mock in its place.
        as_of: The day the questions are about.
        mock_ca: Certificate that vouches for the mock; None for the agencies and for a mock without TLS.
    """

    base_urls: Mapping[str, str]
    as_of: date
    mock_ca: Path | None = None


def check_sources(
    sources: Iterable[Source],
    place: Place,
    *,
    module_of: Callable[[Source], SourceModule] = source_module,
    limits: Limits = PATIENCE,
) -> Iterator[tuple[Source, Checked]]:
    """Check the assumptions of sources one after the other; a source that fails stops no other.

    The calls of all sources to one host are counted together, in memory.

    Args:
        sources: Catalogue entries.
        place: Which agencies to ask.
        module_of: Returns the module of a catalogue entry.
        limits: How long to wait for an answer.

    Yields:
        A source and one assumption with its verdict. A check that raises, or that proves nothing, yields a
        last assumption that fails.
    """
    call_log = MemoryCallLog()
    for source in sources:
        is_proven = False
        for checked in _checked(source, place, module_of, call_log, limits):
            is_proven = True
            yield source, checked
        if not is_proven:
            yield source, _failed("the check asked nothing")


def _checked(
    source: Source,
    place: Place,
    module_of: Callable[[Source], SourceModule],
    call_log: MemoryCallLog,
    limits: Limits,
) -> Iterator[Checked]:
    base_url = place.base_urls[source.conn_id]
    try:
        with open_session(
            source, base_url, call_log=call_log, limits=limits, mock_ca=place.mock_ca
        ) as session:
            yield from module_of(source).check(session, session.base_url, as_of=place.as_of)
    except NotYetPublished as missing:
        yield Checked(
            assumption=ANSWERS,
            answer=str(missing),
            verdict="differs",
            action="Nothing: a run skips what is not published yet. Ask again later.",
        )
    except Exception as error:  # noqa: BLE001 - any error is this source's verdict; the next one is asked
        yield _failed(_message(error))


def _message(error: Exception) -> str:
    """Return the message of our own error; that of any other with its class."""
    return str(error) if REMEDY in str(error) else f"{type(error).__name__}: {error}"


def _failed(message: str) -> Checked:
    found, _, advice = message.partition(REMEDY)
    return Checked(assumption=ANSWERS, answer=found.strip(), verdict="fails", action=advice.strip() or ADVICE)
