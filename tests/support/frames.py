"""The frames of result tables; a failed table raises what its formula raised."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from klimatpuls.statistics.steps import Result


def frames_of(results: Iterable[Result]) -> dict[str, pd.DataFrame]:
    """Table → rows; raises what was raised where a table could not be calculated."""
    frames = {}
    for result in results:
        if result.failure is not None:
            raise result.failure.error
        assert result.frame is not None, f"{result.table} has neither rows nor a failure"
        frames[result.table] = result.frame
    return frames
