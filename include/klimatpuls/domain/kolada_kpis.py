"""The key figures on climate and energy that are fetched from Kolada.

``reference/kolada_kpis.csv`` lists them: the quantity, its unit, its sector in the national emission database
and whether it is per inhabitant. Kolada's own titles are not listed here but fetched and stored, so that a
changed title is noticed.

Source: two independent lists of Kolada's climate key figures; Kolada, https://www.kolada.se.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from klimatpuls.domain.reference_tables import read_reference

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One key figure.

    Attributes:
        code: Its id at Kolada.
        quantity: The quantity: ``ghg``, ``nox``, ``population`` …
        unit: Unit of its values.
        sector_code: Our sector for emissions of greenhouse gases, else None.
        is_per_inhabitant: Whether it is divided by population.
    """

    code: str
    quantity: str
    unit: str
    sector_code: str | None
    is_per_inhabitant: bool


@lru_cache(maxsize=1)
def kpis() -> Mapping[str, Kpi]:
    """All key figures by their code."""
    return MappingProxyType(
        {
            row["indicator_code"]: Kpi(
                code=row["indicator_code"],
                quantity=row["quantity"],
                unit=row["unit"],
                sector_code=row["sector_code"] or None,
                is_per_inhabitant=row["is_per_inhabitant"] == "true",
            )
            for row in read_reference("kolada_kpis")
        }
    )


def emission_totals() -> Mapping[str, str]:
    """Sector code → key figure with its greenhouse gas emissions in tonnes."""
    return MappingProxyType(
        {
            kpi.sector_code: kpi.code
            for kpi in kpis().values()
            if kpi.sector_code is not None and not kpi.is_per_inhabitant
        }
    )
