"""Compares the current releases of different sources. Pure.

Kolada repeats SMHI's figures, so the two must agree. The emission database distributes the national inventory
over the country, so the nation's territorial total must agree with it. Only releases of one vintage are
evaluated: those with the same last data year, and Kolada's not older than SMHI's. Other vintages are only
shown, since every release revises the whole series (methods section 8).

Calculated at publication from the current releases alone, so that the order of loading does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from klimatpuls.domain.kolada_kpis import emission_totals
from klimatpuls.domain.regions import NATION
from klimatpuls.domain.sectors import ALL, INTERNATIONAL_TRANSPORT

if TYPE_CHECKING:
    from datetime import date

SMHI_KOLADA: Final = "smhi_kolada"
SMHI_INVENTORY: Final = "smhi_inventory"
COLUMNS: Final = (
    "check_code", "region_code", "sector_code", "year", "left_value", "right_value", "difference_pct",
    "is_same_vintage", "left_release_id", "right_release_id",
)  # fmt: skip
_KEYS: Final = ["region_code", "sector_code", "year"]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One release of a comparison.

    Attributes:
        release_id: The release.
        published_date: The publisher's date.
        facts: Emissions: region_code, sector_code, year, ``emissions_tco2e``. Key figures: indicator_code,
            region_code, year, ``indicator_value``. Inventory: year, ``emissions_tco2e``, the total of all
            gases.
    """

    release_id: str
    published_date: date
    facts: pd.DataFrame

    @property
    def last_year(self) -> int:
        """Its last data year."""
        return int(self.facts["year"].max())


def build_cross_checks(emissions: Side, kolada: Side | None, inventory: Side | None) -> pd.DataFrame:
    """Compare the current releases.

    Args:
        emissions: All greenhouse gases by the emission database, main sectors.
        kolada: Kolada's key figures, or None where none are held.
        inventory: The national inventory, or None where none is held.

    Returns:
        One row per check × region × sector × year that both sides have, :data:`COLUMNS`. ``difference_pct``
        = 100 × (left ÷ right − 1), NULL where the right value is 0.

    Example: SMHI 146 060.4 t, Kolada 146 060.4 t → difference 0.
    """
    frames = []
    if kolada is not None:
        is_same = (
            kolada.last_year == emissions.last_year and kolada.published_date >= emissions.published_date
        )
        frames.append(_compare(SMHI_KOLADA, emissions, kolada, _as_emissions(kolada.facts), is_same=is_same))
    if inventory is not None:
        left = replace(emissions, facts=_territorial_nation(emissions.facts))
        right = inventory.facts.assign(region_code=NATION, sector_code=ALL)
        is_same = inventory.last_year == emissions.last_year
        frames.append(_compare(SMHI_INVENTORY, left, inventory, right, is_same=is_same))
    if not frames:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(frames, ignore_index=True)


def _compare(
    check: str, left: Side, right: Side, right_facts: pd.DataFrame, *, is_same: bool
) -> pd.DataFrame:
    both = left.facts.merge(right_facts, on=_KEYS, suffixes=("_left", "_right"))
    ours, theirs = (both[f"emissions_tco2e_{side}"].to_numpy(np.float64) for side in ("left", "right"))
    share = np.divide(ours, theirs, out=np.full(len(both), np.nan), where=theirs != 0)
    return pd.DataFrame(
        {
            "check_code": check,
            **{name: both[name] for name in _KEYS},
            "left_value": ours,
            "right_value": theirs,
            "difference_pct": 100.0 * (share - 1.0),
            "is_same_vintage": is_same,
            "left_release_id": left.release_id,
            "right_release_id": right.release_id,
        }
    )


def _as_emissions(facts: pd.DataFrame) -> pd.DataFrame:
    sector_of = {kpi: sector for sector, kpi in emission_totals().items()}
    known = facts[facts["indicator_code"].isin(sector_of)]
    return known.assign(
        sector_code=known["indicator_code"].map(sector_of), emissions_tco2e=known["indicator_value"]
    )


def _territorial_nation(facts: pd.DataFrame) -> pd.DataFrame:
    nation = facts[facts["region_code"] == NATION].pivot_table(
        index="year", columns="sector_code", values="emissions_tco2e"
    )
    total = nation[ALL] - nation[INTERNATIONAL_TRANSPORT]
    return total.rename("emissions_tco2e").reset_index().assign(region_code=NATION, sector_code=ALL)
