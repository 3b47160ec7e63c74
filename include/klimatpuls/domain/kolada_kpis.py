"""The key figures on climate and energy that are asked of Kolada, and what each one is.

``reference/kolada_kpis.csv`` lists them: the quantity, its unit, the sector of the national emission database
it belongs to and whether it is per inhabitant. Kolada's own titles are fetched and kept, never listed here: a
title that changes is news.

Source: two independent lists of Kolada's climate key figures; Kolada, https://www.kolada.se.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One key figure.

    Attributes:
        code: Its id at Kolada.
        quantity: What is measured: ``ghg``, ``nox``, ``population`` …
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
    text = (
        resources.files("klimatpuls.domain").joinpath("reference/kolada_kpis.csv").read_text(encoding="utf-8")
    )
    return MappingProxyType(
        {
            row["indicator_code"]: Kpi(
                code=row["indicator_code"],
                quantity=row["quantity"],
                unit=row["unit"],
                sector_code=row["sector_code"] or None,
                is_per_inhabitant=row["is_per_inhabitant"] == "true",
            )
            for row in csv.DictReader(text.splitlines())
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
