"""Opens a zip file from outside and inflates its parts in chunks, without trusting its directory.

A part may inflate to more than the directory says, lie elsewhere, or end early; ``zipfile`` stops at the size
that is claimed, and a spreadsheet reader does not. So parts are inflated here, counted, and compared with
their checksum. Workbooks of publishers and of registers are both opened this way.
"""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Trouble = Literal["damaged", "encrypted", "foreign", "too_large", "too_many"]
"""``foreign``: a compression that no spreadsheet program uses."""

_CHUNK: Final = 2**18
_LOCAL_HEADER: Final = struct.Struct("<4s5H3L2H")
_ENTRY_MARK: Final = b"PK\x01\x02"
_MOST_ENTRIES: Final = 1000
"""A directory with more entries is not even parsed: its records alone would take hundreds of megabytes."""


class ZipPartsError(Exception):
    """A zip file that is not read.

    Attributes:
        trouble: What kind of trouble it is.
    """

    def __init__(self, trouble: Trouble, why: str) -> None:
        super().__init__(why)
        self.trouble = trouble


class ZipParts:
    """The parts of a zip file.

    Args:
        body: The bytes of the file.
        max_parts: Largest number of parts, at most 1 000.
        max_bytes: Largest number of inflated bytes of all parts that are read.

    Raises:
        ZipPartsError: if the directory cannot be read, has too many entries, or names an encrypted one.
    """

    def __init__(self, body: bytes, *, max_parts: int = _MOST_ENTRIES, max_bytes: int = 2**28) -> None:
        self._body = body
        self._max_bytes = max_bytes
        self._inflated = 0
        marks = body.count(_ENTRY_MARK)
        if marks > _MOST_ENTRIES:
            raise ZipPartsError("too_many", f"{marks:,} entries, more than {max_parts:,}")
        try:
            self.entries = zipfile.ZipFile(io.BytesIO(body)).infolist()
        except (
            zipfile.BadZipFile,
            struct.error,
            ValueError,
            NotImplementedError,
            EOFError,
            OSError,
        ) as error:
            why = f"its directory cannot be read ({error}) in {len(body):,} bytes"
            raise ZipPartsError("damaged", why) from error
        if len(self.entries) > max_parts:
            raise ZipPartsError("too_many", f"{len(self.entries):,} entries, more than {max_parts:,}")
        if any(entry.flag_bits & 0x1 for entry in self.entries):
            raise ZipPartsError("encrypted", "it is encrypted")
        self._by_name = {plain_name(entry.filename): entry for entry in self.entries}

    def __contains__(self, name: str) -> bool:
        """Whether there is a part of this name, small and capital letters alike."""
        return plain_name(name) in self._by_name

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts, in small letters."""
        return tuple(self._by_name)

    def read(self, name: str) -> bytes:
        """The content of a part; empty if there is none.

        Raises:
            ZipPartsError: as :meth:`chunks`.
        """
        return b"".join(self.chunks(self._by_name[plain_name(name)])) if name in self else b""

    def named_chunks(self, name: str) -> Iterator[bytes]:
        """The content of a part by its name, as :meth:`chunks`."""
        return self.chunks(self._by_name[plain_name(name)])

    def chunks(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        """The content of a part, inflated chunk by chunk.

        Raises:
            ZipPartsError: if the part is damaged or all parts together are larger than ``max_bytes``.
        """
        checksum = 0
        for chunk in self._inflate(entry):
            self._inflated += len(chunk)
            if self._inflated > self._max_bytes:
                raise ZipPartsError("too_large", f"more than {self._max_bytes:,} bytes once inflated")
            checksum = zlib.crc32(chunk, checksum)
            yield chunk
        if checksum != entry.CRC:
            raise ZipPartsError("damaged", f"the checksum of {entry.filename} is wrong")

    def _inflate(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        start, name = entry.header_offset, entry.filename
        try:
            fields = _LOCAL_HEADER.unpack_from(self._body, start)
        except struct.error as error:
            raise ZipPartsError("damaged", f"{name} begins beyond the end of the file") from error
        begin = start + _LOCAL_HEADER.size + fields[-2] + fields[-1]
        packed = memoryview(self._body)[begin : begin + entry.compress_size]
        if fields[0] != b"PK\x03\x04" or len(packed) < entry.compress_size:
            raise ZipPartsError("damaged", f"{name} is not where the directory says")
        if entry.compress_type == zipfile.ZIP_STORED:
            yield from (bytes(packed[at : at + _CHUNK]) for at in range(0, len(packed), _CHUNK))
        elif entry.compress_type == zipfile.ZIP_DEFLATED:
            yield from _inflate_deflated(packed, name)
        else:
            why = f"{name} uses zip compression {entry.compress_type}, which no spreadsheet program uses"
            raise ZipPartsError("foreign", why)


def read_part(body: bytes, name: str, limit: int) -> bytes:
    """The first bytes of a part of a zip file; empty if the part or the file is missing or damaged.

    Args:
        body: The bytes of the file.
        name: The part.
        limit: How many bytes are wanted; a part that inflates to much more is not read to its end.
    """
    found = b""
    try:
        parts = ZipParts(body, max_bytes=limit + _CHUNK)
        for chunk in parts.named_chunks(name) if name in parts else ():
            found += chunk
            if len(found) >= limit:
                break
    except ZipPartsError:
        return b""
    return found[:limit]


def plain_name(name: str) -> str:
    """The name of a part as it is compared: small letters, ``/`` between folders, without ``..``."""
    return posixpath.normpath(name.replace("\\", "/")).lower()


def _inflate_deflated(packed: memoryview, name: str) -> Iterator[bytes]:
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    rest: bytes | memoryview = packed
    try:
        while not engine.eof:
            chunk = engine.decompress(rest, _CHUNK)
            rest = engine.unconsumed_tail
            if not chunk and not rest and not engine.eof:
                raise ZipPartsError("damaged", f"{name} ends before its data does")
            yield chunk
    except zlib.error as error:
        raise ZipPartsError("damaged", f"{name} cannot be inflated ({error})") from error
