"""What a refresh ends with: of all that went wrong, the gravest."""

from __future__ import annotations

import pytest

from klimatpuls.embedded.refresh import SourceOutcome, exit_code_of


def source(state: str) -> SourceOutcome:
    return SourceOutcome(source="smhi_emissions", state=state, detail="", rows_loaded=0, rows_rejected=0)


@pytest.mark.parametrize(
    ("states", "mails", "held", "has_failed_runs", "code"),
    [
        (["validated", "no_news", "not_yet_published"], {"sent": 1}, [], False, 0),
        (["no_news"], {}, [], True, 1),
        (["no_news", "failed"], {"failed": 1}, ["r"], True, 2),
        (["no_news"], {"refused": 1}, ["r"], True, 3),
        (["failed", "quarantined"], {"failed": 1}, ["r"], True, 5),
        (["validated"], {"sent": 1, "unknown": 1}, [], True, 6),
    ],
    ids=["all is well", "a run failed", "a fetch failed", "a hold", "refused figures", "a mail"],
)
def test_the_gravest_outcome_decides(
    states: list[str], mails: dict[str, int], held: list[str], has_failed_runs: bool, code: int
) -> None:
    sources = [source(state) for state in states]
    assert exit_code_of(sources, mails, held, has_failed_runs=has_failed_runs) == code
