"""Key figures on climate and energy from Kolada (RKA), version 3 of its interface.

What is published: every Swedish municipality and region by key figure and year, as JSON, in pages of at most
5 000 entries. The emission figures repeat SMHI's, so they are an independent check of them. Key figures may
be retitled, removed or revised without notice; the whole series is revised at each update.

``/kpi/{ids}`` says what each is and when it is published next; ``/data/kpi/{ids}/year/{years}`` gives the
values; at most 25 ids per part of the path. An answer is ``{values, count, next_url, previous_url}``.

Kolada states no date of its data. ``publication_date`` is the *next* planned publication, so it dates no
release. A release is dated by the day it was retrieved: :func:`fetch` writes that day into a small first part
(see :func:`_head`), so the same kept bytes give the same date whenever they are read. Unchanged figures on
another day are known content (``Dataset.dated_by_retrieval``).

Oddities handled: every page is followed, on our own host and over https, whatever the scheme of
``next_url``; an empty page ends the chain; rows marked ``isdeleted`` are gone; figures by sex stand beside
the total (``T``) and are left out; groups of municipalities (``G…``) are unweighted means and are left out;
regions are ``00LL``, the nation ``0000``; ``period`` may be text. A key figure that is gone loses only
itself. docs/sources/kolada.md lists what is assumed about the answers and what was recorded.
"""

from __future__ import annotations

from klimatpuls.sources.kolada.client import check, fetch, poll
from klimatpuls.sources.kolada.parser import parse, recognise

__all__ = ["RECOGNISES", "check", "fetch", "parse", "poll", "recognise"]

RECOGNISES = (
    "a page of JSON of the interface: {values: [{id, title, …}]} or {values: [{kpi, municipality, …}]}"
)
