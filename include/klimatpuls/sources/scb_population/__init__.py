"""Population of nation, counties and municipalities on 31 December, from SCB over PxWebApi 2.

What SCB publishes: between 20 and 25 February, 08:00, the population of the year before. Two tables: TAB638
for 1968 to 2024, where age, sex and marital status may be left out of the question (summed), and from 2025
TAB5557 with disclosure control (Cell Key Method): a little noise in every cell, so totals are requested and
never summed, and age and marital status have total codes of their own that must be named. Where a table is
not there by its id, it is looked for by its title; where it cannot be read at all, the source
``scb_population_density`` stands in.

Oddities handled: a municipality that did not exist yet is a literal 0 (no population, no row); series stand
under today's codes; some tables list codes that are none of the 312 regions (1917, Heby before 2007);
county totals are not recomputed for Heby. Years are read from the table, never listed here.
"""

from __future__ import annotations

from klimatpuls.fetch.pxweb.population import parse_population as parse
from klimatpuls.fetch.pxweb.source import PxWebSource

SOURCE_ID = "scb_population"
_SOURCE = PxWebSource(SOURCE_ID, parse)
RECOGNISES = _SOURCE.recognises
fetch, poll, check, recognise = _SOURCE.fetch, _SOURCE.poll, _SOURCE.check, _SOURCE.recognise
