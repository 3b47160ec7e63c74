"""SMHI's national emission database: one workbook per substance, every municipality since 1990.

The publisher's file. ``GET /api/getexcelfile/?county=0&municipality=0&sub=GGT`` answers with one sheet::

    Rapportnamn: | Länsrapport, 2024-04-18
    Emissioner av Koldioxid (CO2)
    Enhet: ton/år
    (CO2-ekv. efter ämnesnamn innebär …: one more line for greenhouse gases)

                                                       1990     2000   …
    Huvudsektor  | Undersektor | Län       | Kommun  | CO2    | CO2   …
    Alla         | Alla        | Alla      | Alla    | 57 880 523,5 …

One row per (Huvudsektor, Undersektor) × (nation + 21 counties + 290 municipalities), names without codes;
``Alla`` marks a sum. The date in B1 is the dataset's own, not the day of download.

When it changes. Once a year, in April or May, the whole series back to 1990, often corrected without notice
within weeks. Years are sparse and come and go (2016–2019 left in 2026).

Oddities handled. The header is found by its four words, in whichever shown sheet has them, since it stands
one row lower for greenhouse gases; years stand in a row above it or, in a sheet saved by hand, in the header
row itself, as numbers or text. The same table is read from CSV (2021: semicolons, decimal comma). Sector
names are misspelt in some releases (``reference/sectors.csv``). Numbers may be text with a decimal comma, a
U+2212 minus or ``7,33347×10^−05`` (2021). A footer may repeat the report's name. A cell that is no number
becomes a reject with its row and column.

What is refused: whatever would make a figure wrong. An unknown main sector or region refuses the
workbook. An unknown sub-sector is left out with a note, its cells counted as expected rejects: no
other figure is made of it. A named column that is no year is left out with a note; a value column without a
year, or a year that is lost in a heading, refuses. docs/sources/smhi_emissions.md lists what was recorded and
what is assumed.

Units. A greenhouse gas is ``ton/år``, and any other unit refuses it. No workbook of an air pollutant was
available: its unit is read from the sheet, any mass per year is converted to tonnes, anything else refuses
    it.

The endpoint is undocumented: ``klimatpuls ingest FILE`` reads a workbook given by hand if it is shut down.
"""

from __future__ import annotations

from typing import Final

from klimatpuls.sources.smhi_emissions.client import check, fetch, poll
from klimatpuls.sources.smhi_emissions.parser import parse, recognise
from klimatpuls.sources.smhi_emissions.sheet import read_places, read_preamble

__all__ = ["RECOGNISES", "check", "fetch", "parse", "poll", "read_places", "read_preamble", "recognise"]

RECOGNISES: Final = (
    "a workbook (xlsx) or CSV with a line 'Emissioner av …' and a header with the words "
    "Huvudsektor, Undersektor, Län, Kommun"
)
