"""Synthetic verified emissions of plants in the EU trading system, in the columns of the workbook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from klimatpuls.contract import catalog
from klimatpuls.mock_agencies import workbook
from klimatpuls.sources.eu_ets import AIRCRAFT_OPERATORS, REGISTRY

if TYPE_CHECKING:
    import numpy as np

YEARS: Final = tuple(range(2013, 2026))
PLANTS: Final = 60
AVAILABLE_FROM: Final = "2026-04-08"
FILE: Final = "verified_emissions_2025_SYNTHETIC.xlsx"
_DOWNLOAD: Final = (
    "document/download/00000000-0000-0000-0000-000000000000_en?filename=verified_emissions_2025_en.xlsx"
)
_ACTIVITIES: Final = ("20", "24", "29", "36")
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def files(rng: np.random.Generator) -> dict[str, bytes]:
    """The folder ``eu_ets``: the page, the workbook it links, and which address each answers.

    Args:
        rng: Seeded.
    """
    page = urlsplit(catalog.source("eu_ets").live_base_url).path
    up = "../" * (page.count("/") - 1)
    html = f'<!-- SYNTHETIC --><p><a href="{up}{_DOWNLOAD}">Verified emissions for 2025</a></p>\n'
    routes = (
        "path,file,content_type,available_from\n"
        f"{page},page.html,text/html,{AVAILABLE_FROM}\n"
        f"/{_DOWNLOAD},{FILE},{_XLSX},{AVAILABLE_FROM}\n"
    )
    return {
        "eu_ets/routes.csv": routes.encode(),
        "eu_ets/page.html": html.encode(),
        f"eu_ets/{FILE}": workbook.build_workbook(_rows(rng), sheet_name="data"),
    }


def _rows(rng: np.random.Generator) -> list[list[workbook.Cell]]:
    head = ["REGISTRY_CODE", "INSTALLATION_NAME", "INSTALLATION_IDENTIFIER", "PERMIT_IDENTIFIER",
            "MAIN_ACTIVITY_TYPE_CODE"]  # fmt: skip
    for year in YEARS:
        head += [f"ALLOCATION_{year}", f"VERIFIED_EMISSIONS_{year}"]
    rows: list[list[workbook.Cell]] = [["SYNTHETIC: invented figures"], [], [*head]]
    for number in range(1, PLANTS + 1):
        level = float(rng.lognormal(10.0, 1.2))
        began = 2013 if number % 8 else 2019
        row: list[workbook.Cell] = [
            REGISTRY, f"Påhittat verk {number}", float(number), f"SE-{number:04d}", _ACTIVITIES[number % 4]
        ]  # fmt: skip
        for year in YEARS:
            level *= max(0.1, 1.0 + 0.05 * float(rng.standard_normal()))
            figure: workbook.Cell = float(round(level))
            if year < began:
                figure = "n/a"
            elif number % 20 == 0:
                figure = "Excluded"
            row += [float(round(0.7 * level)) if isinstance(figure, float) else "n/a", figure]
        rows.append(row)
    others: tuple[tuple[workbook.Cell, ...], ...] = (
        ("FI", "Keksitty tehdas", 1.0, "FI-1", "20"),
        (REGISTRY, "Påhittat flyg", 900.0, "SE-A1", AIRCRAFT_OPERATORS),
    )
    rows += [[*other, *([0.0, 1000.0] * len(YEARS))] for other in others]
    return rows
