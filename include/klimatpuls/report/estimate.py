"""Section on the estimate of the year after the latest (methods section 9); it decides no status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.report.page import Paragraph, Section
from klimatpuls.statistics.official import PRELIMINARY

if TYPE_CHECKING:
    from klimatpuls.report.numbers import Speaker
    from klimatpuls.report.view import Digest


def next_year(digest: Digest, say: Speaker) -> Section | None:
    """The network's estimate with what it rests on, or None where no estimate may be shown."""
    estimate = digest.estimate
    if estimate is None:
        return None
    change = 100.0 * (estimate.emissions_tco2e / estimate.last_tco2e - 1.0) if estimate.last_tco2e else 0.0
    size = say.share(abs(change))
    figures = say("preliminary") if estimate.basis == PRELIMINARY else say("final")
    sentences = (
        say(
            "The network's {region_count} municipalities: some {emissions} in {year}, {more_or_less} than in "
            "{last_year}.",
            region_count=estimate.region_count,
            emissions=say.million_tonnes(estimate.emissions_tco2e),
            year=estimate.year,
            more_or_less=say("{size} more", size=size) if change > 0 else say("{size} less", size=size),
            last_year=estimate.last_year,
        ),
        say(
            "The estimate rests on the nation's change per sector, by its {figures} figures, and contains no "
            "local information.",
            figures=figures,
        ),
        say(
            "For years that are known it missed half of the municipalities by more than {median}.",
            median=say.share(estimate.nowcast_median_pct),
        ),
    )
    return Section(say("An estimate of {year}", year=estimate.year), (Paragraph(" ".join(sentences)),))
