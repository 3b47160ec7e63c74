"""Checks a workbook before the spreadsheet reader opens it: is it whole, and as small as it claims?

The reader trusts its input: 2.5 MB that inflate to 2.5 GB cost it 2.1 GB of memory, and one cell at the far
corner of an otherwise empty sheet makes it allocate every cell before it. So this module first inflates every
entry in bounded chunks, counts the bytes and throws them away; it does not believe the sizes in the zip
directory. The limits are four times the size of the real workbooks (16 MB inflated, ratio 6, 20 000 rows). A
sheet may be any part that the workbook names as one. Styles and shared strings have no ratio limit of their
own, since spreadsheet programs repeat them. Workbooks that pass are still read under the ceilings of
:mod:`klimatpuls.files.isolation`.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from klimatpuls.errors import SourceFormatError
from klimatpuls.files.zip_parts import ZipParts, ZipPartsError, plain_name

if TYPE_CHECKING:
    import zipfile

MAX_BODY_BYTES = 32 * 2**20
MAX_ENTRIES = 96
MAX_INFLATED_BYTES = 64 * 2**20
MAX_RATIO = 100
RATIO_COUNTS_FROM_BYTES = 2**20
MAX_SHARED_TEXT_BYTES = 64 * 2**20

_WORKBOOK_PART = "xl/workbook.xml"
_SHEET_PARTS = "xl/worksheets/"
_RELATIONSHIPS = "xl/_rels/workbook.xml.rels"
_RELATIONSHIP = re.compile(rb"<(?:\w+:)?Relationship\b[^>]*>")
_IS_SHEET = re.compile(rb"""Type\s*=\s*["'][^"']*/worksheet["']""")
_TARGET = re.compile(rb"""Target\s*=\s*["']([^"']*)["']""")
_MAX_RELATIONSHIPS = 2**20
_SHARED_STRINGS = "xl/sharedStrings.xml"
# A cell at or beyond column BA or row 100 000: four times the rows, twice the columns of any release.
_FAR_CELL = re.compile(rb"""r\s*=\s*["'](?:[A-Za-z]{3}\d|[B-Zb-z][A-Za-z]\d|[A-Za-z]{0,2}0*[1-9]\d{5})""")
_SHARED_CELL = re.compile(rb"""t\s*=\s*["']s["']""")
_SHARED_ITEM_END = re.compile(rb"</(?:\w+:)?si\s*>")
_OVERLAP = 64
_OLE2 = bytes.fromhex("d0cf11e0a1b11ae1")


def check_workbook(
    body: bytes,
    *,
    what: str,
    max_inflated: int = MAX_INFLATED_BYTES,
    max_shared_text: int = MAX_SHARED_TEXT_BYTES,
) -> int:
    """Refuse a body that is no workbook or would cost the reader too much memory.

    Args:
        body: The bytes as received.
        what: Name of the file in messages, such as ``smhi_emissions ghg``.
        max_inflated: Limit of the inflated bytes of all entries.
        max_shared_text: Limit of the bytes of all cells, if every shared text were as long as the longest.

    Returns:
        The inflated bytes of all entries.

    Raises:
        SourceFormatError: with one of the rules ``not_a_workbook`` (HTML, JSON, empty, another format),
            ``truncated_workbook`` (the end or a part is missing or damaged), ``encrypted_workbook`` or
            ``zip_bomb`` (too large, too many entries, too high a ratio, a cell far outside).
    """
    if not body.startswith(b"PK\x03\x04"):
        _refuse_foreign(body, what)
    if len(body) > MAX_BODY_BYTES:
        raise _bomb(what, f"the body has {len(body):,} bytes, more than {MAX_BODY_BYTES:,}")
    try:
        parts = ZipParts(body, max_parts=MAX_ENTRIES, max_bytes=max_inflated)
        _check_directory(parts, what, max_inflated)
        counter = _Counter(what, max_shared_text, _sheets_elsewhere(parts, what))
        for entry in parts.entries:
            counter.count(entry, parts)
    except ZipPartsError as error:
        raise _refusal(error, what) from error
    return counter.inflated


def looks_like(body: bytes) -> str:
    """Describe a body that is no workbook: its probable kind, its size and its first bytes."""
    head = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    lower = head.lower()
    if not head:
        return "an empty body"
    if b"<html" in lower or lower.startswith(b"<!doctype html"):
        title = re.search(rb"<title[^>]*>([^<]{1,120})", head, re.IGNORECASE)
        name = " ".join(title.group(1).decode("utf-8", "replace").split()) if title else ""
        kind = f"an HTML page titled {name!r}" if name else "an HTML page"
    elif head[:1] in (b"{", b"["):
        kind = "JSON"
    elif head.startswith(b"<"):
        kind = "XML"
    elif body.startswith(_OLE2):
        kind = "an older Excel file (.xls) or an encrypted workbook"
    else:
        kind = "neither a zip nor a known text"
    return f"{kind} ({len(body):,} bytes, beginning {bytes(body[:40])!r})"


def _refuse_foreign(body: bytes, what: str) -> None:
    encrypted = body.startswith(_OLE2)
    msg = (
        f"{what}: expected an xlsx workbook, found {looks_like(body)}. Nothing was loaded; open the address "
        "in a browser to see whether the publisher is down or has moved the file."
    )
    raise SourceFormatError(msg, rule="encrypted_workbook" if encrypted else "not_a_workbook")


def _check_directory(parts: ZipParts, what: str, max_inflated: int) -> None:
    if _WORKBOOK_PART not in parts:
        some = ", ".join(sorted(parts.names)[:5])
        msg = f"{what}: expected an xlsx workbook, found a zip without {_WORKBOOK_PART} (it holds {some})"
        raise SourceFormatError(msg, rule="not_a_workbook")
    claimed = sum(entry.file_size for entry in parts.entries)
    if claimed > max_inflated:
        raise _bomb(what, f"its entries claim {claimed:,} bytes, more than {max_inflated:,}")


def _sheets_elsewhere(parts: ZipParts, what: str) -> frozenset[str]:
    """Names, in lower case, of the parts that the workbook names as its sheets, in any folder."""
    found: set[str] = set()
    for entry in parts.entries:
        if plain_name(entry.filename) != _RELATIONSHIPS:
            continue
        text = b""
        for chunk in parts.chunks(entry):
            text += chunk
            if len(text) > _MAX_RELATIONSHIPS:
                raise _bomb(what, f"{entry.filename} has more than {_MAX_RELATIONSHIPS:,} bytes")
        for tag in _RELATIONSHIP.findall(text):
            target = _TARGET.search(tag)
            if target and _IS_SHEET.search(tag):
                name = target.group(1).decode("utf-8", "replace")
                found |= {plain_name(posixpath.join("xl", name)), plain_name(name.lstrip("/"))}
    return frozenset(found)


class _Counter:
    """Counts over all entries of one body; raises as soon as a limit is exceeded."""

    def __init__(self, what: str, max_shared_text: int, sheets: frozenset[str]) -> None:
        self.what = what
        self.max_shared_text = max_shared_text
        self.sheets = sheets
        self.inflated = 0
        self.shared_cells = 0
        self.longest_shared = 0

    def count(self, entry: zipfile.ZipInfo, parts: ZipParts) -> None:
        """Inflate one entry chunk by chunk and keep only the counts."""
        name = plain_name(entry.filename)
        is_sheet = name.startswith(_SHEET_PARTS) or name in self.sheets
        size = since_item = 0
        tail = b""
        for chunk in parts.chunks(entry):
            size += len(chunk)
            if is_sheet:
                self._check_ratio(entry, size)
                self._check_cells(entry, tail + chunk)
                self.shared_cells += len(_SHARED_CELL.findall(chunk))
                tail = chunk[-_OVERLAP:]
            elif entry.filename == _SHARED_STRINGS:
                since_item = self._measure_shared(chunk, since_item)
        self.inflated += size
        self._check_shared()

    def _check_ratio(self, entry: zipfile.ZipInfo, size: int) -> None:
        if size > RATIO_COUNTS_FROM_BYTES and size > MAX_RATIO * max(1, entry.compress_size):
            raise _bomb(
                self.what,
                f"{entry.filename} inflates {entry.compress_size:,} bytes to more than {size:,} "
                f"(over {MAX_RATIO} to 1; releases show 6 to 1)",
            )

    def _check_cells(self, entry: zipfile.ZipInfo, text: bytes) -> None:
        far = _FAR_CELL.search(text)
        if far:
            where = far.group().split(b"=")[1].strip(b" \"'").decode("ascii", "replace")
            raise _bomb(self.what, f"{entry.filename} has a cell far outside the table ({where}…)")

    def _measure_shared(self, chunk: bytes, since_item: int) -> int:
        first, *rest = _SHARED_ITEM_END.split(chunk)
        lengths = [since_item + len(first), *map(len, rest)]
        self.longest_shared = max(self.longest_shared, *lengths)
        return lengths[-1]

    def _check_shared(self) -> None:
        if self.shared_cells * self.longest_shared > self.max_shared_text:
            raise _bomb(
                self.what,
                f"{self.shared_cells:,} cells share texts of up to {self.longest_shared:,} bytes",
            )


def _refusal(error: ZipPartsError, what: str) -> SourceFormatError:
    if error.trouble == "damaged":
        msg = (
            f"{what}: the workbook is truncated or damaged: {error}. Nothing was loaded; fetch it again, and "
            "ask the publisher if it stays so."
        )
        return SourceFormatError(msg, rule="truncated_workbook")
    if error.trouble == "encrypted":
        msg = f"{what}: the workbook is encrypted; ask the publisher for an open one. Nothing was loaded."
        return SourceFormatError(msg, rule="encrypted_workbook")
    if error.trouble == "foreign":
        return SourceFormatError(f"{what}: {error}. Nothing was loaded.", rule="not_a_workbook")
    return _bomb(what, str(error))


def _bomb(what: str, why: str) -> SourceFormatError:
    msg = (
        f"{what}: refused before opening, because it would cost far more memory than a release does: {why}. "
        "Nothing was loaded; look at the file by hand before raising a limit."
    )
    return SourceFormatError(msg, rule="zip_bomb")
