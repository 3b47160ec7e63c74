"""Reads the parts of a zipped spreadsheet as a stream, within ceilings that no register reaches.

A register is small, but its file may come from anywhere. So everything is counted before it is stored: parts
are inflated in chunks, XML is parsed as a stream, and a document type declaration is refused. An empty cell
is counted and takes no memory, so a formatted last row or a blank far to the right is read, not refused.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from klimatpuls.files.zip_parts import ZipParts, ZipPartsError
from klimatpuls.registers.words import Words, same, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from klimatpuls.registers.cells import Cell

MAX_PARTS: Final = 1000
MAX_INFLATED_BYTES: Final = 64 * 2**20
MAX_CELLS: Final = 1_000_000
"""Cells of a file, empty ones among them."""
MAX_FILLED_CELLS: Final = 200_000
MAX_CHARACTERS: Final = 20_000_000
"""Characters of all filled cells together: many cells may share one long text."""
MAX_CELL_CHARACTERS: Final = 32_767
"""The longest text a spreadsheet program writes into a cell."""


class BrokenWorkbookError(Exception):
    """A spreadsheet that cannot be read.

    Attributes:
        problem: Why, in both languages.
    """

    def __init__(self, problem: Words) -> None:
        self.problem = problem
        super().__init__(problem.en)


def too_large(what: Words) -> BrokenWorkbookError:
    """The error for a file beyond a ceiling."""
    return BrokenWorkbookError(
        words("the file is not read because it has {what}; no register is that large", what=what)
    )


def damaged(why: object) -> BrokenWorkbookError:
    """The error for a damaged or truncated file."""
    text = same(why)
    return BrokenWorkbookError(words("the workbook is truncated or damaged ({text})", text=text))


class Budget:
    """Counts what a file contains; raises BrokenWorkbookError at the first ceiling."""

    def __init__(self) -> None:
        self._cells = self._filled = self._characters = 0

    def see(self, count: int = 1) -> None:
        """Count cells, empty or not."""
        self._cells += count
        if self._cells > MAX_CELLS:
            raise too_large(words("more than {max_cells:,} cells", max_cells=MAX_CELLS))

    def keep(self, cell: Cell, count: int = 1) -> None:
        """Count filled cells that hold the same."""
        self._filled += count
        if isinstance(cell, str):
            self._characters += len(cell) * count
        if self._filled > MAX_FILLED_CELLS:
            what = f"{MAX_FILLED_CELLS:,}"
            raise too_large(words("more than {what} filled cells", what=what))
        if self._characters > MAX_CHARACTERS:
            what = f"{MAX_CHARACTERS:,}"
            raise too_large(words("more than {what} characters", what=what))


class Archive:
    """A zip file whose parts are found by name, small and capital letters alike.

    Args:
        body: The bytes of the file.

    Raises:
        BrokenWorkbookError: if its directory cannot be read, has too many entries or is encrypted.
    """

    def __init__(self, body: bytes) -> None:
        try:
            self._parts = ZipParts(body, max_parts=MAX_PARTS, max_bytes=MAX_INFLATED_BYTES)
        except ZipPartsError as error:
            raise _refusal(error) from error
        self.budget = Budget()

    def __contains__(self, name: str) -> bool:
        """Whether there is a part of this name."""
        return name in self._parts

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts, in small letters."""
        return self._parts.names

    def read(self, name: str, limit: int) -> bytes:
        """The first bytes of a part; empty where there is none."""
        try:
            return self._parts.read(name)[:limit]
        except ZipPartsError as error:
            raise _refusal(error) from error

    def parse(
        self,
        name: str,
        start: Callable[[str, Mapping[str, str]], None],
        end: Callable[[str], None] = lambda _: None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        """Parse a part of XML as a stream; names are given without their namespaces.

        Args:
            name: The part; nothing happens where there is none.
            start: Takes the name and attributes of an element that begins.
            end: Takes the name of an element that ends.
            text: Takes character data.

        Raises:
            BrokenWorkbookError: if the part is no XML, is damaged, or is larger than the ceilings.
        """
        if name not in self:
            return
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = lambda tag, attributes: start(
            _local(tag), {_local(key): value for key, value in attributes.items()}
        )
        parser.EndElementHandler = lambda tag: end(_local(tag))
        parser.StartDoctypeDeclHandler = _refuse_doctype
        if text is not None:
            parser.CharacterDataHandler = text
        try:
            for chunk in self._parts.named_chunks(name):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
        except ZipPartsError as error:
            raise _refusal(error) from error
        except expat.ExpatError as error:
            raise damaged(f"{name}: {error}") from error


def resolve(part: str, target: str) -> str:
    """The name of the part that a relation of another part leads to."""
    if target.startswith("/"):
        return target.lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(part), target))


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _refuse_doctype(*_: object) -> None:
    raise damaged("document type declaration")


def _refusal(error: ZipPartsError) -> BrokenWorkbookError:
    if error.trouble == "encrypted":
        return BrokenWorkbookError(words("the file has a password"))
    if error.trouble == "too_many":
        return too_large(words("more than {max_parts} parts", max_parts=MAX_PARTS))
    if error.trouble == "too_large":
        return too_large(words("more than {what} bytes when unpacked", what=f"{MAX_INFLATED_BYTES:,}"))
    return damaged(error)
