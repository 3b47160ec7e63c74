"""The first live day with one assumption broken: only its source is affected, and what is said is true."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from first_day import LIST, OPERATOR, whole
from variations import VARIATIONS

from klimatpuls.catalog import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from first_day import Brought, Eve, FirstDay
    from variations import Variation

    from klimatpuls.catalog import Source
    from klimatpuls.replica.server import ReplicaServer

pytestmark = [pytest.mark.rehearsal, pytest.mark.postgres, pytest.mark.airflow]

DIGEST = ("smhi_emissions", "ghg")
"""Whose figures the digest tells."""


def test_every_source_has_some_and_all_have_names_of_their_own() -> None:
    assert len(VARIATIONS) >= 40
    assert len({one.id for one in VARIATIONS}) == len(VARIATIONS)
    assert {one.source for one in VARIATIONS} >= set(SOURCES) - {"scb_population_density"}


@pytest.mark.parametrize(
    "variation",
    [pytest.param(one, id=one.id, marks=pytest.mark.xdist_group(one.source)) for one in VARIATIONS],
)
def test_a_broken_assumption_stays_a_matter_of_its_own_source(
    variation: Variation, agencies: ReplicaServer, day_of: Callable[[Source], tuple[FirstDay, Eve]]
) -> None:
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
    assert missing == (set() if is_loaded else hit(variation)), (brought, told(day))
    digests = [str(message["Subject"]) for message in day.mailbox.to(LIST)]
    assert len(digests) == (0 if DIGEST in missing else 1)
    if variation.expected == "accepted":
        assert (brought.trouble, told(day)) == ((), "")
    else:
        assert_true(variation, brought, told(day))
    said = told(day) + notes(day, variation)
    assert [words for words in variation.says if words not in said] == [], said


def hit(variation: Variation) -> set[tuple[str, str]]:
    """What of a source a variation hits: the rest of it is read as ever."""
    return {
        (dataset, substance)
        for dataset, substance in whole(SOURCES[variation.source])
        if variation.dataset in (None, dataset) and variation.substance in ("", substance)
    }


def told(day: FirstDay) -> str:
    """Everything that the operator was mailed."""
    return "\n".join(f"{message['Subject']}\n{message.get_content()}" for message in day.mailbox.to(OPERATOR))


def notes(day: FirstDay, variation: Variation) -> str:
    """What the releases of a source say of themselves."""
    rows = day.ask(f"SELECT notes FROM core.dim_release WHERE source = '{variation.source}'")
    return "\n".join(note for (found,) in rows for note in found)


def assert_true(variation: Variation, brought: Brought, mailed: str) -> None:
    """What the operator is mailed names the source, is what the task said, and says what to do."""
    assert variation.source in mailed
    assert re.search(r"What to do: |klimatpuls (ingest|release|source) ", mailed), mailed
    if variation.expected == "refused":
        assert brought.trouble != ()
        assert "Traceback" not in mailed
