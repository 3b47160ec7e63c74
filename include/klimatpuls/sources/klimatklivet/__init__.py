"""Measures that Klimatklivet supports, from Naturvårdsverket's workbook of granted applications.

What is published: twice a year, about a week after the half-year, one workbook whose address changes each
time: a page links it with the words "Beviljade ansökningar … till och med <day>". Three sheets hold the same
rows in another order (by category, county, municipality); the sheet is chosen by its columns, and the rows
of the others are counted.

Oddities handled: the newest of several links is taken; columns may be added, or renamed in likely ways; dates
are Excel serials (of 1900 or of 1904), dates or text; a cell in error or a formula without a saved result is
a refused cell, never an empty one; case numbers carry trailing blanks; county and municipality are empty for
charging stations (nine rows of ten), which are kept without a place. There is no organisation number and no
expected effect on emissions.

Names of sole traders occur. A name is kept only where it shows a legal form or a public body; any other may
be a person's and is left out, in facts and in rejects alike. Columns that were added are never read. The raw
bytes are kept as they came. docs/sources/klimatklivet.md lists what is assumed and what was recorded.
"""

from __future__ import annotations

from typing import Final

from klimatpuls.sources.klimatklivet.client import check, fetch, poll
from klimatpuls.sources.klimatklivet.parser import parse, recognise

__all__ = ["RECOGNISES", "check", "fetch", "parse", "poll", "recognise"]

RECOGNISES: Final = "the workbook (xlsx) of granted measures, with a column Ärendenummer"
