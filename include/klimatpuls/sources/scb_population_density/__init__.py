"""Population on 31 December by SCB's table of population density, over PxWebApi 2: the fall-back.

What SCB publishes: TAB628, 1991 to the newest year in one table, with density, population and land area of
nation, counties and municipalities. Its population is the same figure as in the tables of
``scb_population``, so it serves twice: its years are shown where those tables hold none
(:func:`klimatpuls.contract.catalog.fall_back_datasets`), and the gate ``population_cross_check`` compares
both. A source of its own, so that neither keeps the other from being fetched.

Oddities handled: sex has the total ``1+2``; the same ones as in ``scb_population``. Whether the table is
updated on the same day as those is not known.
"""

from __future__ import annotations

from klimatpuls.fetch.pxweb.population import parse_population as parse
from klimatpuls.fetch.pxweb.source import PxWebSource

SOURCE_ID = "scb_population_density"
_SOURCE = PxWebSource(SOURCE_ID, parse)
RECOGNISES = _SOURCE.recognises
fetch, poll, check, recognise = _SOURCE.fetch, _SOURCE.poll, _SOURCE.check, _SOURCE.recognise
