"""Known defects of the sources: wrong cells of certain releases. Pure.

An entry names the release by dataset, substance and publisher's date, the cells by region, sector and years,
and a guard: the value must still be at most, or at least, a stated one. An entry therefore expires by itself:
a correction or a later release has another date, and a corrected cell fails the guard. A cell in an entry
keeps its value, is flagged, and carries no trend (methods section 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One entry of the register.

    Attributes:
        defect_id: Its name.
        dataset: Catalogue id of the dataset.
        substance: Our substance code.
        published_date: The publisher's date of the releases that show it.
        region_code: The region.
        sector_code: The sector.
        years: The years.
        at_most: Guard: the cell's value is at most this, tonnes; None without this guard.
        at_least: Guard: the cell's value is at least this, tonnes; None without this guard.
        reason_sv: What is wrong, Swedish.
        reason_en: The same in English.
        source: The evidence that it is wrong.
        entered_on: When it was entered.
        review_by: The day by which it must be reviewed.
    """

    defect_id: str
    dataset: str
    substance: str
    published_date: date
    region_code: str
    sector_code: str
    years: tuple[int, ...]
    at_most: float | None
    at_least: float | None
    reason_sv: str
    reason_en: str
    source: str
    entered_on: date
    review_by: date

    def is_about(self, dataset: str, substance: str | None, published_date: date) -> bool:
        """Whether it concerns releases of this dataset, substance and publisher's date."""
        return (self.dataset, self.substance, self.published_date) == (dataset, substance, published_date)


def defect_cells(defects: Iterable[Defect], facts: pd.DataFrame) -> list[tuple[str, str, int]]:
    """The cells of a release with a known defect that is still there.

    Args:
        defects: Entries about the release (:meth:`Defect.is_about`).
        facts: One row per region_code × sector_code × year with ``emissions_tco2e``.

    Returns:
        (region_code, sector_code, year) in the order of the entries; a cell whose guard fails is left out.

    Example: Kumla's waste at most 1 000 t in 2018, the release says 23 t → [("1881", "waste", 2018)].
    """
    cells: list[tuple[str, str, int]] = []
    for defect in defects:
        here = facts[
            (facts["region_code"] == defect.region_code)
            & (facts["sector_code"] == defect.sector_code)
            & facts["year"].isin(defect.years)
        ]
        low = -np.inf if defect.at_least is None else defect.at_least
        high = np.inf if defect.at_most is None else defect.at_most
        shown = here[here["emissions_tco2e"].between(low, high)]
        cells += [(defect.region_code, defect.sector_code, int(year)) for year in sorted(shown["year"])]
    return cells


def overdue(defects: Iterable[Defect], as_of: date) -> list[Defect]:
    """The entries whose review is overdue on a day."""
    return [defect for defect in defects if defect.review_by < as_of]
