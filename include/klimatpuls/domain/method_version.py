"""The version of the formulas, in one place.

``METHOD_VERSION`` is stored beside every computed result. Raise it whenever a change of formula can change a
stored number, and describe the change in ``CHANGELOG.md`` under data changes.
"""

from __future__ import annotations

METHOD_VERSION = "2.1"
