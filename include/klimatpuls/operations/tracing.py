"""What a trace is: a number, and under it step by step what it is made from, down to cells of files. Pure.

A step that several numbers rest on is told once; later ones name its number.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TOLERANCE: Final = 1e-9
"""Share of a number by which a sum of the same parts may differ from it."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A place in a publisher's file.

    Attributes:
        release_id: The release; its file is among those of the trace.
        row: Row of the sheet, from 1; of an answer in another format the number of the row in it.
        sheet: Name of the sheet; None where the file is no workbook of the emission database.
        column: Letters of the column; None likewise.
        content: What stands there, as the file is read now.
        number: That as a number in the unit of the release; None where the file is not looked into.
    """

    release_id: str
    row: int
    sheet: str | None = None
    column: str | None = None
    content: str | None = None
    number: float | None = None

    def __str__(self) -> str:
        """Such as ``cell N42, sheet 'Växthusgaser totalt': 146060.4``."""
        if self.sheet is None:
            return f"row {self.row} of the answer"
        return f"cell {self.column}{self.row}, sheet {self.sheet!r}: {self.content}"


@dataclass(frozen=True, kw_only=True)
class File:
    """The file a release was read from.

    Attributes:
        release_id: The release.
        sha256: Hash of its raw bytes (of an answer in parts, of the hashes of the parts).
        url: Where it came from.
        published_date: The publisher's own date.
        retrieved_at: When it was retrieved.
        size_bytes: Its size.
        kept: Where the raw bytes lie.
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
    """A number with what it is made from.

    Attributes:
        what: Where it is published, such as ``mart.emission.emissions_tco2e``, or what it is.
        which: The keys of its row.
        value: The number (or text) itself.
        unit: Its unit, empty where it has none.
        sign: How it enters the step above: ``+``, ``−``, ``×``, or nothing.
        formula_sv: How it is reckoned.
        formula_en: The same in English.
        section: Section of docs/methods.md.
        method_version: Version of the formulas.
        release_id: The release it comes from.
        cell: Where it stands in the file.
        inputs: What it is made from.
        reckoned: What the inputs give when they are put together again; None where that is not done.
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
    reckoned: float | None = None
    note: str = ""

    @property
    def disagreement(self) -> str:
        """What contradicts the number: its cell, or what it is made from; empty where nothing does."""
        if self.cell is not None and self.cell.number is not None and self.cell.number != self.value:
            return f"the file says {self.cell.content}, the warehouse {self.value!r}"
        if self.reckoned is not None and not _is_close(self.reckoned, self.value):
            return f"its inputs give {self.reckoned!r}, published is {self.value!r}"
        return ""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Everything about the numbers that were asked for.

    Attributes:
        title: What was asked.
        steps: The numbers.
        files: Release → its file, of every release that a step names.
        publication_id: The publication they are of.
    """

    title: str
    steps: Sequence[Step]
    files: Mapping[str, File]
    publication_id: int

    def numbered(self) -> Iterator[tuple[str, Step, str]]:
        """Every step as (its number, the step, the number under which it was told before or nothing)."""
        told: dict[int, str] = {}
        yield from _numbered(self.steps, "", told)

    def disagreements(self) -> list[str]:
        """Numbers that their files or inputs contradict; none in a sound warehouse."""
        return [
            f"{number} {step.what}: {step.disagreement}"
            for number, step, before in self.numbered()
            if not before and step.disagreement
        ]


def _numbered(steps: Sequence[Step], above: str, told: dict[int, str]) -> Iterator[tuple[str, Step, str]]:
    for place, step in enumerate(steps, start=1):
        number = f"{above}{place}"
        before = told.setdefault(id(step), number)
        if before != number:
            yield number, step, before
        else:
            yield number, step, ""
            yield from _numbered(step.inputs, f"{number}.", told)


def _is_close(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other), 1.0)


def render_lines(trace: Trace) -> Iterator[str]:
    """The trace for a person at a terminal, line by line."""
    yield trace.title
    said: set[str] = set()
    for number, step, before in trace.numbered():
        indent = "  " * number.count(".")
        head = f"{indent}{number}  {step.sign + ' ' if step.sign else ''}{_name(step)}"
        if step.value is not None:
            head += f" = {show(step.value)}{' ' + step.unit if step.unit not in ('', 'year') else ''}"
        yield f"{head}   (see {before})" if before and step.inputs else head
        if not before or step.cell is not None:
            yield from (f"{indent}{' ' * (len(number) + 2)}{line}" for line in _explain(step, said))
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


def _explain(step: Step, said: set[str]) -> Iterator[str]:
    """What is told under a step; a formula in words the first time only."""
    where = "" if step.section is None else f"methods section {step.section}, version {step.method_version}"
    if step.formula_en and step.formula_en not in said:
        said.add(step.formula_en)
        yield f"{step.formula_en} ({where})" if where else step.formula_en
    elif where:
        yield where
    if step.cell is not None:
        yield f"{step.cell}; release {step.cell.release_id}"
    elif step.release_id is not None:
        yield f"release {step.release_id}"
    if step.reckoned is not None:
        yield f"from the steps below: {show(step.reckoned)}"
    if step.note:
        yield step.note
    if step.disagreement:
        yield f"DOES NOT AGREE: {step.disagreement}"


def show(value: Any) -> str:
    """A value for a reader: blanks between thousands, four decimals at most, lists with commas.

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
    """The trace as JSON-ready dictionaries: ``title``, ``publication_id``, ``steps`` and ``files``.

    Every step stands once in the list ``steps``; ``inputs`` names the numbers of the steps it is made from.
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
    told = {
        name: value for name, value in vars(step).items() if value not in (None, "", ()) or name == "value"
    }
    return _plain({**told, "which": dict(step.which), "inputs": list(inputs)}) | (
        {} if step.cell is None else {"cell": _plain(vars(step.cell))}
    )


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat()
        if isinstance(value, dt.date)
        else list(value)
        if isinstance(value, tuple)
        else value
        for name, value in values.items()
    }
