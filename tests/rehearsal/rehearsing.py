"""A first day with one assumption broken: only its source may be affected, and what is said must be true."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from first_day import LIST, OPERATOR, whole

from klimatpuls.contract.catalog import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from first_day import Eve, FirstDay
    from variations import Variation

    from klimatpuls.contract.catalog import Source
    from klimatpuls.mock_agencies.server import MockServer

DIGEST = ("smhi_emissions", "ghg")
"""Whose figures the digest shows."""


def days(variations: Sequence[Variation]) -> pytest.MarkDecorator:
    """A test for each of these days."""
    return pytest.mark.parametrize("variation", [pytest.param(one, id=one.id) for one in variations])


def rehearse(
    variation: Variation, agencies: MockServer, day_of: Callable[[Source], tuple[FirstDay, Eve]]
) -> None:
    """Live through the day, and hold what became of it to what must."""
    source = SOURCES[variation.source]
    day, eve = day_of(source)
    agencies.change = variation.between()
    try:
        brought = day.bring(source)
    finally:
        agencies.change = None
    published = day.publish_and_mail()

    assert published.trouble == ()
    assert eve.releases <= day.current(), "another source was affected"
    is_loaded = variation.expected in ("accepted", "lost_part")
    missing = whole(source) - day.datasets()
    assert missing == (set() if is_loaded else hit(variation)), (brought, mailed(day))
    digests = [str(message["Subject"]) for message in day.mailbox.to(LIST)]
    assert len(digests) == (0 if DIGEST in missing else 1)
    if variation.expected == "accepted":
        assert (brought.trouble, mailed(day)) == ((), "")
        if variation.same_figures:
            assert day.current() - eve.releases == eve.as_recorded
    else:
        assert_true(variation, day)
    if variation.expected == "lost_part":
        assert brought.trouble == (), "a part that is missing fails no task"
        assert [words for words in variation.says if words not in mailed(day)] == [], mailed(day)
        assert len(day.mailbox.to(OPERATOR)) == 1, "one matter is one mail, however many datasets lack it"
    said = mailed(day) + notes(day, variation)
    assert [words for words in variation.says if words not in said] == [], said


def hit(variation: Variation) -> set[tuple[str, str]]:
    """What of a source a variation hits: the rest of it is read as ever."""
    return {
        (dataset, substance)
        for dataset, substance in whole(SOURCES[variation.source])
        if variation.dataset in (None, dataset) and variation.substance in ("", substance)
    }


def mailed(day: FirstDay) -> str:
    """Everything that the operator was mailed."""
    return "\n".join(f"{message['Subject']}\n{message.get_content()}" for message in day.mailbox.to(OPERATOR))


def notes(day: FirstDay, variation: Variation) -> str:
    """What the releases of a source say of themselves."""
    rows = day.ask(f"SELECT notes FROM core.dim_release WHERE source = '{variation.source}'")
    return "\n".join(note for (found,) in rows for note in found)


def assert_true(variation: Variation, day: FirstDay) -> None:
    """What the operator is mailed names the source and says what to do; the run says the same."""
    said = mailed(day)
    assert variation.source in said
    assert re.search(r"What to do: |klimatpuls (ingest|release|source) ", said), said
    assert "Traceback" not in said
    if variation.expected in ("refused", "held"):
        states = {state for (state,) in day.ask("SELECT state FROM ops.source_run")}
        assert states & ({"held"} if variation.expected == "held" else {"failed", "quarantined"})
