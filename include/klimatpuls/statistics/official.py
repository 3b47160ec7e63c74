"""The nation's official figures: the outcome outside emission trading, and a preliminary year. Pure.

The national inventory is published by submission, and every submission recalculates all years. Figures of
two submissions are never combined: a row of the register names the submission it belongs to by that
submission's last year (methods sections 5 and 9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from klimatpuls.domain.regions import NATION
from klimatpuls.statistics.series import EFFORT_SHARING_PROXY, TERRITORIAL_SECTORS
from klimatpuls.statistics.targets import (
    NATIONAL_EFFORT_SHARING_BASE_YEAR,
    NATIONAL_EFFORT_SHARING_DEDUCTION_TCO2E,
    OFFICIAL,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from klimatpuls.statistics.crosschecks import Side

EFFORT_SHARING: Final = "effort_sharing"
"""``sector_code`` of an official figure outside emission trading."""
FINAL: Final = "final"
PRELIMINARY: Final = "preliminary"
FINAL_FROM_MONTH: Final = 11
"""Final figures of a year came from 30 November to 16 December of the next, a quick estimate in spring."""
SECTOR_COLUMNS: Final = ("sector_code", "year", "emissions_tco2e", "basis")


def basis_of(year: int, published_date: date) -> str:
    """Whether an inventory's figures of a year can be final (methods section 9).

    Args:
        year: The year the figures are of.
        published_date: The day the inventory was published.

    Returns:
        ``final`` from November of the next year on, else ``preliminary``.

    Example: 2024 published on 2025-12-16 → final; 2025 published on 2026-05-20 → preliminary.
    """
    is_late_enough = (published_date.year, published_date.month) >= (year + 1, FINAL_FROM_MONTH)
    return FINAL if is_late_enough else PRELIMINARY


def last_final_year(years: Iterable[int], published_date: date) -> int | None:
    """The last year of an inventory whose figures are final, which names its submission; None without one.

    Example: 1990 to 2024, published on 2025-12-16 → 2024.
    """
    return max((year for year in years if basis_of(year, published_date) == FINAL), default=None)


def build_effort_sharing(inventory: Side | None, figures: pd.DataFrame | None) -> pd.DataFrame:
    """Build the nation's official series outside emission trading (methods section 5).

    Its base is the inventory's total of 1990 less a fixed 25.0 Mt; the other years are official outcomes of
    the same submission.

    Args:
        inventory: The national inventory: its total by year.
        figures: Official figures of the register: ``submission_last_year``, ``year``, ``sector_code``,
            ``emissions_tco2e``.

    Returns:
        Tidy rows as :mod:`klimatpuls.statistics.series` describes them, of the nation on the boundary of
        the proxy, status ``official``. Empty where the inventory's base or its last year's outcome is not
        held: then there is no pair of one submission.

    Example: total 71.26 Mt in 1990 and outcome 30 Mt in 2024, both of the submission to 2024 → 46.26, 30 Mt.
    """
    none = pd.DataFrame()
    if inventory is None or figures is None:
        return none
    totals = {int(year): float(value) for year, value in _pairs(inventory.facts)}
    last = last_final_year(totals, inventory.published_date)
    base = totals.get(NATIONAL_EFFORT_SHARING_BASE_YEAR)
    of_sector = figures["sector_code"] == EFFORT_SHARING
    outcomes = dict(_pairs(figures[of_sector & (figures["submission_last_year"] == last)]))
    if base is None or last is None or last not in outcomes:
        return none
    values = outcomes | {NATIONAL_EFFORT_SHARING_BASE_YEAR: base - NATIONAL_EFFORT_SHARING_DEDUCTION_TCO2E}
    years = sorted(year for year in values if year <= last)
    return pd.DataFrame(
        {
            "region_code": NATION,
            "boundary": EFFORT_SHARING_PROXY,
            "year": years,
            "value_tco2e": [values[year] for year in years],
            "status": OFFICIAL,
            "is_published_year": True,
            "flags": pd.Series([(OFFICIAL,)] * len(years), dtype=object),
            "release_ids": pd.Series([(inventory.release_id,)] * len(years), dtype=object),
        }
    )


def replace_nation(proxy: pd.DataFrame, official: pd.DataFrame) -> pd.DataFrame:
    """The proxy's series with the nation's official series in place of its proxy; unchanged without one.

    Example: the nation's proxy of 1990 to 2024 and an official pair → the pair, municipalities as before.
    """
    if official.empty:
        return proxy
    return pd.concat([proxy[proxy["region_code"] != NATION], official], ignore_index=True)


def add_preliminary_year(
    national: pd.DataFrame | None, inventory: Side | None, figures: pd.DataFrame | None
) -> pd.DataFrame:
    """Give the nation's sectors, and a preliminary year of the register where one is held (section 9).

    Args:
        national: The inventory by sector: ``sector_code``, ``year``, ``emissions_tco2e``.
        inventory: The same inventory with the day it was published.
        figures: Official figures, as for :func:`build_effort_sharing`.

    Returns:
        :data:`SECTOR_COLUMNS`. The register's year counts only where it follows the last final year of the
        same submission, has every territorial sector, and the inventory itself lacks the year.

    Example: an inventory to 2024 and eight sectors of 2025 of its submission → 2025 too, ``preliminary``.
    """
    if national is None or inventory is None:
        return pd.DataFrame(columns=list(SECTOR_COLUMNS))
    basis = {int(year): basis_of(int(year), inventory.published_date) for year in national["year"].unique()}
    held = national.assign(basis=national["year"].map(basis))[list(SECTOR_COLUMNS)]
    last = last_final_year(basis, inventory.published_date)
    if figures is None or last is None or last + 1 in basis:
        return held
    ahead = figures[(figures["submission_last_year"] == last) & (figures["year"] == last + 1)]
    if set(ahead["sector_code"]) != set(TERRITORIAL_SECTORS):
        return held
    return pd.concat([held, ahead.assign(basis=PRELIMINARY)[list(SECTOR_COLUMNS)]], ignore_index=True)


def _pairs(frame: pd.DataFrame) -> Iterable[tuple[int, float]]:
    """Year → emissions, tonnes CO2e."""
    return zip(frame["year"].astype(int), frame["emissions_tco2e"].astype(float), strict=True)
