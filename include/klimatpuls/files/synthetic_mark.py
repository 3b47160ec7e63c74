"""Tells whether a file says of itself that its figures are synthetic data.

The mock agencies write :data:`SYNTHETIC_MARK` into every file they make, so that none is ever taken for an
agency's.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Final

SYNTHETIC_MARK: Final = "SYNTHETIC"
"""The word by which a file says that its figures are synthetic."""
PROPERTIES_PART: Final = "docProps/core.xml"
_STRINGS_PART: Final = "xl/sharedStrings.xml"
_HEAD_BYTES: Final = 65_536


def is_synthetic(body: bytes) -> bool:
    """Whether a file says that its figures are synthetic.

    A workbook says so in its document properties or its first cells, any other file in its first or last
    bytes.

    Args:
        body: The file, one that a source can read.
    """
    mark = SYNTHETIC_MARK.encode()
    if not body.startswith(b"PK"):
        return mark in body[:_HEAD_BYTES] or mark in body[-_HEAD_BYTES:]
    return b"<dc:title>" + mark in _head(body, PROPERTIES_PART) or mark in _head(body, _STRINGS_PART)


def _head(body: bytes, part: str) -> bytes:
    """The first bytes of a part of a workbook; nothing where it has no such part that can be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as parts, parts.open(part) as opened:
            return opened.read(_HEAD_BYTES)
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return b""
