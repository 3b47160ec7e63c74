"""Vehicles by municipality and fuel, from Trafikanalys: over its interface, and from its yearly workbook.

What is published: once a year, in February, vehicles in traffic at the end of the year and cars newly
registered during it.

The interface (``/api/data?query=t10026|…``) has cars. A question without filters has no rows, a question
about municipalities (``regkom``) has rows only when it names counties (``reglan``) too, and one of more than
2 048 characters is refused by the server: each county is requested by itself, a few years at a time. Errors
come with status 200 in ``Errors``. How its answers are read stands in
:mod:`klimatpuls.sources.trafa_vehicles.answers`.

The workbook *Fordon i län och kommuner* has more: cars, light and heavy lorries and buses in traffic, cars
newly registered. Its tables are found by the words of their titles and their columns by the two-line heads,
Swedish above English. ``–`` is zero, ``..`` is missing; a county stands under its municipalities by name, the
nation is ``Hela riket``; vehicles of owners without a municipality (``Okänd kommun``) are in the nation only.
Its first sheets name people and are never read; of its document properties only the day it was last changed
is, which is the release's date.

docs/sources/trafa_vehicles.md lists what is assumed about both and what was recorded.
"""

from __future__ import annotations

from typing import Final

from klimatpuls.sources.trafa_vehicles.client import check, fetch, poll
from klimatpuls.sources.trafa_vehicles.parser import parse, recognise

__all__ = ["RECOGNISES", "check", "fetch", "parse", "poll", "recognise"]

RECOGNISES: Final = (
    "the yearly workbook (xlsx) with tables by municipality and fuel, or JSON of the interface"
)
