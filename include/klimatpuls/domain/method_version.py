"""The version of the formulas, in one place.

``METHOD_VERSION`` is stored beside every computed result. It is raised whenever a change of formula can
change a stored number, and the change is told in ``CHANGELOG.md`` under data changes.
"""

from __future__ import annotations

METHOD_VERSION = "2.0"
