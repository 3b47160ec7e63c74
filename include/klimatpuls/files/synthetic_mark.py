"""Detects whether a file is marked as synthetic data.

The mock agencies write :data:`SYNTHETIC_MARK` into every file they make, so that none is mistaken for an
agency's.
"""

from __future__ import annotations

from typing import Final

from klimatpuls.files.zip_parts import read_part

SYNTHETIC_MARK: Final = "SYNTHETIC"
"""The word that marks a file with synthetic figures."""
PROPERTIES_PART: Final = "docProps/core.xml"
_STRINGS_PART: Final = "xl/sharedStrings.xml"
_HEAD_BYTES: Final = 65_536


def is_synthetic(body: bytes) -> bool:
    """Whether a file is marked as synthetic.

    The mark is in the document properties or the first cells of a workbook, and in the first or last bytes of
    any other file.

    Args:
        body: The file, one that a source can read.
    """
    mark = SYNTHETIC_MARK.encode()
    if not body.startswith(b"PK"):
        return mark in body[:_HEAD_BYTES] or mark in body[-_HEAD_BYTES:]
    is_titled = b"<dc:title>" + mark in read_part(body, PROPERTIES_PART, _HEAD_BYTES)
    return is_titled or mark in read_part(body, _STRINGS_PART, _HEAD_BYTES)
