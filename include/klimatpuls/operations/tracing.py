"""A trace: a number and, step by step, its inputs down to cells of files. Pure.

A step that several numbers share is shown once; later ones refer to its number.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TOLERANCE: Final = 1e-9
"""Relative difference that a sum of the same parts may have; of a number below 1 the absolute one."""
A_GRAM: Final = 1e-6
"""Tonnes that two sums of the same parts may differ by: a small gap keeps the rounding of large sums."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A place in a publisher's file.

    Attributes:
        release_id: The release; its file is among those of the trace.
        row: Row of the sheet, from 1; in an answer of another format the number of the row.
        sheet: Name of the sheet; None where the file is no workbook.
        column: Letters of the column; None likewise.
        content: Content of the cell, as the file is read now.
        number: The content as a number in the unit of the release; None where the file is not opened.
    """

    release_id: str
    row: int
    sheet: str | None = None
    column: str | None = None
    content: str | None = None
    number: float | None = None

    def __str__(self) -> str:
        """Return the place, such as ``cell N42, sheet 'Växthusgaser totalt': 146060.4``."""
        if self.sheet is None:
            return f"row {self.row} of the answer" + (f": {self.content}" if self.content else "")
        return f"cell {self.column}{self.row}, sheet {self.sheet!r}: {self.content}"


@dataclass(frozen=True, kw_only=True)
class File:
    """The file a release was read from.

    Attributes:
        release_id: The release.
        sha256: Hash of its raw bytes; for an answer in parts, of the hashes of the parts.
        url: Where it came from.
        published_date: The publisher's own date.
        retrieved_at: When it was retrieved.
        size_bytes: Its size.
        kept: Paths of the raw bytes.
        same_content: Hashes of other files that had the same content.
    """

    release_id: str
    sha256: str
    url: str
    published_date: dt.date
    retrieved_at: dt.datetime
    size_bytes: int
    kept: tuple[str, ...]
    same_content: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Step:
    """A number with its inputs.

    Attributes:
        what: Mart and column, such as ``mart.emission.emissions_tco2e``, or what the number is.
        which: The keys of its row.
        value: The number (or text) itself.
        unit: Its unit, empty where it has none.
        sign: How it enters the step above: ``+``, ``−``, ``×``, or nothing.
        formula_sv: Its formula in Swedish.
        formula_en: Its formula in English.
        section: Section of docs/methods.md.
        method_version: Version of the formulas.
        release_id: The release it comes from.
        cell: Its place in the file.
        inputs: The numbers it is computed from.
        recomputed: The number computed again from the inputs; None where that is not done.
        note: What a reader must know.
    """

    what: str
    which: Mapping[str, str] = field(default_factory=dict)
    value: Any = None
    unit: str = ""
    sign: str = ""
    formula_sv: str = ""
    formula_en: str = ""
    section: int | None = None
    method_version: str = ""
    release_id: str | None = None
    cell: Cell | None = None
    inputs: Sequence[Step] = ()
    recomputed: float | None = None
    note: str = ""

    @property
    def disagreement(self) -> str:
        """What contradicts the number: its cell or its inputs; empty where nothing does."""
        if self.cell is not None and self.cell.number is not None and self.cell.number != self.value:
            return f"the file says {self.cell.content}, the warehouse {self.value!r}"
        least = A_GRAM if self.unit.startswith("t") else TOLERANCE
        if self.recomputed is not None and not _is_close(self.recomputed, self.value, least):
            return f"its inputs give {self.recomputed!r}, published is {self.value!r}"
        return ""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The answer to a question about numbers.

    Attributes:
        title: The question.
        steps: The numbers.
        files: Release → its file, of every release that a step names.
        publication_id: Their publication.
    """

    title: str
    steps: Sequence[Step]
    files: Mapping[str, File]
    publication_id: int

    def numbered(self) -> Iterator[tuple[str, Step, str]]:
        """Yield every step as (its number, the step, the number under which it was shown before or "")."""
        yield from _numbered(self.steps, "", {})

    def disagreements(self) -> list[str]:
        """Return the numbers that their files or inputs contradict; none in a sound warehouse."""
        return [
            f"{number} {step.what}: {step.disagreement}"
            for number, step, before in self.numbered()
            if not before and step.disagreement
        ]


def _numbered(steps: Sequence[Step], above: str, shown: dict[int, str]) -> Iterator[tuple[str, Step, str]]:
    for place, step in enumerate(steps, start=1):
        number = f"{above}{place}"
        before = shown.setdefault(id(step), number)
        if before != number:
            yield number, step, before
        else:
            yield number, step, ""
            yield from _numbered(step.inputs, f"{number}.", shown)


def _is_close(one: float, other: float, least: float) -> bool:
    return abs(one - other) <= max(TOLERANCE * max(abs(one), abs(other)), least)


def render_lines(trace: Trace) -> Iterator[str]:
    """Yield the lines of a trace for a terminal."""
    yield trace.title
    explained: set[str] = set()
    for number, step, before in trace.numbered():
        indent = "  " * number.count(".")
        head = f"{indent}{number}  {step.sign + ' ' if step.sign else ''}{_name(step)}"
        if step.value is not None:
            head += f" = {show(step.value)}{' ' + step.unit if step.unit not in ('', 'year') else ''}"
        yield f"{head}   (see {before})" if before and step.inputs else head
        if not before or step.cell is not None:
            yield from (f"{indent}{' ' * (len(number) + 2)}{line}" for line in _explain(step, explained))
    yield ""
    yield f"Files (publication {trace.publication_id}):"
    for file in trace.files.values():
        yield f"  {file.release_id}"
        yield f"    publisher's date {file.published_date}, retrieved {file.retrieved_at:%Y-%m-%d %H:%M}Z"
        yield f"    from {file.url}"
        yield f"    sha256 {file.sha256} ({file.size_bytes} bytes)"
        yield from (f"    kept as {place}" for place in file.kept)
        yield from (f"    the same content came also as {other}" for other in file.same_content)


def _name(step: Step) -> str:
    keys = ", ".join(f"{name.removesuffix('_code')} {value}" for name, value in step.which.items())
    return f"{step.what} [{keys}]" if keys else step.what


def _explain(step: Step, explained: set[str]) -> Iterator[str]:
    """Yield the lines under a step; a formula in words the first time only."""
    where = "" if step.section is None else f"methods section {step.section}, version {step.method_version}"
    if step.formula_en and step.formula_en not in explained:
        explained.add(step.formula_en)
        yield f"{step.formula_en} ({where})" if where else step.formula_en
    elif where:
        yield where
    if step.cell is not None:
        yield f"{step.cell}; release {step.cell.release_id}"
    elif step.release_id is not None:
        yield f"release {step.release_id}"
    if step.recomputed is not None:
        yield f"from the steps below: {show(step.recomputed)}"
    if step.note:
        yield step.note
    if step.disagreement:
        yield f"DOES NOT AGREE: {step.disagreement}"


def show(value: Any) -> str:
    """Return a value for a reader: blanks between thousands, at most four decimals, lists with commas.

    Example: 146060.39 → ``146 060.39``.
    """
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return str(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        text = f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) >= 0.01 else f"{value:.6g}"
        return text.replace(",", " ").replace("-", "−")
    return str(value)


def to_json(trace: Trace) -> dict[str, Any]:
    """Return the trace as JSON-ready dictionaries: ``title``, ``publication_id``, ``steps`` and ``files``.

    Every step is once in ``steps``; its ``inputs`` are the numbers of other steps.
    """
    first: dict[int, str] = {}
    for number, step, before in trace.numbered():
        first.setdefault(id(step), before or number)
    return {
        "title": trace.title,
        "publication_id": trace.publication_id,
        "asked": [first[id(step)] for step in trace.steps],
        "steps": {
            number: _step_json(step, [first[id(one)] for one in step.inputs])
            for number, step, before in trace.numbered()
            if not before
        },
        "files": {name: _plain(vars(file)) for name, file in trace.files.items()},
    }


def _step_json(step: Step, inputs: Sequence[str]) -> dict[str, Any]:
    values = {
        name: value for name, value in vars(step).items() if value not in (None, "", ()) or name == "value"
    }
    values |= {"which": dict(step.which), "inputs": list(inputs)}
    return _plain(values) | ({} if step.cell is None else {"cell": _plain(vars(step.cell))})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with dates as ISO text and tuples as lists."""

    def plain(value: Any) -> Any:
        if isinstance(value, dt.date):
            return value.isoformat()
        return list(value) if isinstance(value, tuple) else value

    return {name: plain(value) for name, value in values.items()}
