"""Client of PxWebApi 2 and decoder of JSON-stat 2, the way Swedish agencies publish statistics.

A service says in ``/config`` how many cells one answer may hold and how often it may be called; a table's
``/metadata`` lists every variable and code. A question names the codes it wants per variable; a variable
left out is summed over if the table allows it (``elimination``). The answer is a cube: all dimensions in
``id`` order, the values as one row-major list. Observed oddities that are handled: a byte order mark,
``category.index`` as an object or a list, ``value`` as a list or a sparse object, missing values as null
with a symbol in ``status`` or as the symbol itself, numbers as text, names of variables in another case, a
time of change without a time zone or none at all, too many cells answered with 400, 403 or 413, a
``/config`` that states no limits. What differs from the recorded form is stated in ``Cube.oddities`` and
``ServiceConfig.notes``.

Sources: PxTools/PxApiSpecs (PxAPI-2.yml), PxTools/PxWebApi, json-stat.org/full.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any, Literal, NoReturn, cast

import numpy as np
import pandas as pd

from klimatpuls.clock import stockholm_date
from klimatpuls.errors import FetchError, SourceFormatError
from klimatpuls.fetch.http import StatusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from klimatpuls.fetch.http import Answer, PoliteSession

Selection = dict[str, tuple[str, ...]]
"""Variable -> the requested codes; a variable left out is summed over."""

PAGE_SIZE = 100
MAX_PAGES = 100
TIME_VARIABLE = "Tid"
REGION_VARIABLE = "Region"
CONTENTS_VARIABLE = "ContentsCode"

DEFAULT_MAX_CELLS = 100_000
"""Cells per answer where the service states no limit: what SCB's older interface allowed."""
DEFAULT_WINDOW = (10, 10.0)
"""Calls and seconds where the service states no window: what SCB's older interface allowed."""
LARGEST_MAX_CELLS = 1_000_000
"""No answer holds more cells than this, whatever the service allows."""
MOST_CALLS_PER_SECOND = 100.0
LONGEST_WINDOW_SECONDS = 300.0
"""A window beyond these two is a slip of the service: it would mean no limit, or a wait without end."""
LARGEST_VALUE = 1e300
"""No figure is as large: what is, is infinite or a slip."""
MOST_QUESTIONS = 1_000
"""A table that needs more queries than this is not fetched."""

_NUMBER_AS_TEXT = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ServiceConfig:
    """What a service says about itself in ``/config``.

    Attributes:
        max_cells: Largest number of cells in one answer.
        calls: Calls allowed per window.
        window_seconds: Length of the window.
        licence: Address of the terms, or an empty text.
        api_version: Version of the interface, or an empty text.
        notes: What was not as recorded, and what is done instead, one sentence each.
    """

    max_cells: int
    calls: int
    window_seconds: float
    licence: str
    api_version: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TableEntry:
    """One table of the service's list.

    Attributes:
        id: Table id.
        label: Title.
        first_period: First value of its time variable.
        last_period: Last value of its time variable.
        variables: Names of its variables, lower case.
        time_unit: Such as ``Annual`` or ``Monthly``; an empty text where the service does not say.
        updated: When the publisher last changed it, as the service writes it, or an empty text.
    """

    id: str
    label: str
    first_period: str
    last_period: str
    variables: tuple[str, ...]
    time_unit: str
    updated: str


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """One variable of a cube.

    Attributes:
        name: Its code, such as ``Region``.
        label: Its name for readers.
        codes: Its value codes in the cube's order.
        labels: Code -> name for readers.
        units: Code -> unit, on the dimension of measures.
        elimination: Whether it may be left out of a question.
        elimination_code: The code that then stands for all of it, where the publisher says so.
    """

    name: str
    label: str
    codes: tuple[str, ...]
    labels: Mapping[str, str]
    units: Mapping[str, str]
    elimination: bool
    elimination_code: str | None


@dataclass(frozen=True, kw_only=True)
class Cube:
    """A JSON-stat 2 dataset, decoded.

    Attributes:
        label: Title.
        updated: When the publisher last changed it, with time zone, or None.
        notes: The publisher's notes.
        dimensions: In the order of the cube.
        values: Row-major; None where there is no number. Empty for metadata.
        status: Position -> symbol of the publisher (``..`` and the like).
        oddities: What differs from the recorded form and was read as well, one sentence each.
    """

    label: str
    updated: datetime | None
    notes: tuple[str, ...]
    dimensions: tuple[Dimension, ...]
    values: tuple[float | None, ...]
    status: Mapping[int, str]
    oddities: tuple[str, ...] = ()

    def dimension(self, name: str) -> Dimension:
        """The dimension of this name, compared without regard to case.

        Raises:
            SourceFormatError: if the cube has no such dimension.
        """
        for dimension in self.dimensions:
            if dimension.name.casefold() == name.casefold():
                return dimension
        found = ", ".join(dimension.name for dimension in self.dimensions)
        _refuse("dimension_missing", f"the cube {self.label!r} has no variable {name!r}; it has {found}")

    def frame(self) -> pd.DataFrame:
        """The cube as a long table.

        Returns:
            One row per cell in the cube's order: one text column per dimension (its codes), ``value``
            (float, missing as NaN) and ``status`` (the publisher's symbol, or an empty text).
        """
        sizes = [len(dimension.codes) for dimension in self.dimensions]
        columns: dict[str, Any] = {}
        for axis, dimension in enumerate(self.dimensions):
            inner, outer = prod(sizes[axis + 1 :]), prod(sizes[:axis])
            codes = np.array(dimension.codes, dtype=object)
            columns[dimension.name] = pd.array(np.tile(np.repeat(codes, inner), outer), dtype="str")
        columns["value"] = np.array([np.nan if v is None else v for v in self.values], dtype=float)
        columns["status"] = pd.array(
            np.array([self.status.get(i, "") for i in range(len(self.values))], dtype=object), dtype="str"
        )
        return pd.DataFrame(columns)


def parse_cube(content: bytes) -> Cube:
    """Decode a JSON-stat 2 dataset, with or without a byte order mark, with one value per cell.

    Raises:
        SourceFormatError: if it is no JSON-stat 2 dataset, or the number of values is not the number of
            cells its dimensions span.
    """
    document = _document(content)
    cube = _metadata(document)
    cells = prod(len(dimension.codes) for dimension in cube.dimensions)
    values, symbols, from_text = _values(document.get("value"), cells)
    as_text = [f"{from_text} values are written as text and were read as numbers"] if from_text else []
    return replace(
        cube,
        values=values,
        status={**symbols, **_status(document.get("status"), cells)},
        oddities=(*cube.oddities, *as_text),
    )


def parse_metadata(content: bytes) -> Cube:
    """Decode a table's metadata: a cube without values, all dimensions with all their codes.

    Raises:
        SourceFormatError: if it is no JSON-stat 2 dataset.
    """
    return _metadata(_document(content))


def _metadata(document: dict[str, Any]) -> Cube:
    updated, oddities = _updated(document.get("updated"))
    return Cube(
        label=_text(document.get("label")),
        updated=updated,
        notes=_notes(document.get("note")),
        dimensions=_dimensions(document),
        values=(),
        status={},
        oddities=oddities,
    )


def cell_count(selection: Selection) -> int:
    """How many cells an answer to this selection holds."""
    return prod(len(codes) for codes in selection.values())


def split_selection(selection: Selection, max_cells: int) -> Iterator[Selection]:
    """Cut a selection into parts that keep a cell limit; together they are the whole, nothing twice.

    Args:
        selection: Explicit codes per variable.
        max_cells: Largest number of cells per part, > 0.

    Yields:
        Selections of at most ``max_cells`` cells, cut along the longest variable first.

    Raises:
        ValueError: if ``max_cells`` is not positive.

    Example: 312 regions × 57 years (17 784 cells) at 10 000 → regions 1–175 and 176–312.
    """
    if max_cells < 1:
        msg = f"a limit of {max_cells} cells lets nothing through"
        raise ValueError(msg)
    cells = cell_count(selection)
    if cells <= max_cells:
        yield selection
        return
    longest = max(selection, key=lambda name: len(selection[name]))
    codes = selection[longest]
    step = max(1, max_cells // (cells // len(codes)))
    borders = [*range(0, len(codes), step), len(codes)]
    for start, stop in pairwise(borders):
        yield from split_selection({**selection, longest: codes[start:stop]}, max_cells)


@dataclass(frozen=True, kw_only=True)
class PxWebClient:
    """Puts questions to one PxWebApi 2 service.

    Attributes:
        session: The polite session; the service's own limits are set on its throttle.
        base_url: Where the service is, without a trailing slash.
        language: Language of labels and notes.
    """

    session: PoliteSession
    base_url: str
    language: str = "sv"

    def fetch_config(self) -> ServiceConfig:
        """Read the service's limits and keep them from now on.

        A limit that is missing, unreadable or out of all bounds is replaced by a cautious one of ours and
        named in the notes; so is the whole answer where the service has no ``/config``.

        Raises:
            FetchError: if the service does not answer.
            SourceFormatError: if the answer is no JSON object.
        """
        try:
            document = _document(self.session.get(f"{self.base_url}/config").body)
        except StatusError as error:
            if error.status != 404:
                raise
            document = {}
        config = _service_config(document)
        self.session.throttle.learn([(config.calls, config.window_seconds)])
        return config

    def find_tables(self, query: str) -> list[TableEntry]:
        """All tables that a search finds, every page of it.

        Args:
            query: Words to search for.

        Raises:
            FetchError: if the service does not answer, or its list never ends.
            SourceFormatError: if the list is not in the interface's shape.
        """
        found: list[TableEntry] = []
        for page in range(1, MAX_PAGES + 1):
            params = {
                "lang": self.language,
                "query": query,
                "pageNumber": str(page),
                "pageSize": str(PAGE_SIZE),
            }
            document = _document(self.session.get(f"{self.base_url}/tables", params=params).body)
            try:
                found.extend(_table_entry(table) for table in document["tables"])
                pages = int((document.get("page") or {}).get("totalPages", 1))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                _refuse("table_list_shape", f"the list of tables for {query!r} cannot be read ({error!r})")
            if page >= pages:
                return found
        msg = f"the search for {query!r} at {self.base_url} has more than {MAX_PAGES} pages; narrow it down"
        raise FetchError(msg)

    def fetch_table(self, table_id: str) -> TableEntry:
        """A table's entry in the list: its title, its periods, when it was updated.

        Raises:
            StatusError: if there is no such table (status 404).
            FetchError: if the service does not answer.
            SourceFormatError: if the answer is not in the interface's shape.
        """
        url = f"{self.base_url}/tables/{table_id}"
        document = _document(self.session.get(url, params={"lang": self.language}).body)
        try:
            return _table_entry(document)
        except (AttributeError, KeyError, TypeError) as error:
            _refuse("table_shape", f"the entry of table {table_id} cannot be read ({error!r})")

    def fetch_metadata(self, table_id: str) -> Cube:
        """A table's variables and codes.

        Raises:
            StatusError: if there is no such table (status 404).
            FetchError: if the service does not answer.
            SourceFormatError: if the answer is no JSON-stat 2 dataset.
        """
        url = f"{self.base_url}/tables/{table_id}/metadata"
        return parse_metadata(self.session.get(url, params={"lang": self.language}).body)

    def fetch_data(
        self,
        table_id: str,
        selection: Selection,
        *,
        max_cells: int,
        method: Literal["GET", "POST"] = "POST",
    ) -> list[Answer]:
        """The cells of a selection, in as many answers as the cell limit requires.

        Args:
            table_id: Table id.
            selection: Explicit codes per variable.
            max_cells: The service's cell limit.
            method: GET puts the codes into the address (short selections), POST into the body.

        Returns:
            Answers whose bodies are JSON-stat 2 datasets and together hold every cell once.

        Raises:
            StatusError: if the service refuses the question.
            FetchError: if the service does not answer, or its limit would take too many questions.
        """
        questions = -(-cell_count(selection) // max_cells)
        if questions > MOST_QUESTIONS:
            msg = (
                f"{self.base_url} allows {max_cells} cells per answer: table {table_id} would take "
                f"{questions} questions, more than {MOST_QUESTIONS}. What to do: look at maxDataCells in "
                f"{self.base_url}/config; if the limit is meant, request fewer codes in the catalogue."
            )
            raise FetchError(msg)
        answers: list[Answer] = []
        for part in split_selection(selection, max_cells):
            answers.extend(self._fetch_part(table_id, part, method))
        return answers

    def _fetch_part(self, table_id: str, selection: Selection, method: str) -> Iterator[Answer]:
        try:
            yield self._ask(table_id, selection, method)
        except StatusError as error:
            cells = cell_count(selection)
            if not _is_too_many_cells(error) or cells == 1:
                raise
            # The limit stated in /config was not the one applied: halve until it fits.
            for half in split_selection(selection, (cells + 1) // 2):
                yield from self._fetch_part(table_id, half, method)

    def _ask(self, table_id: str, selection: Selection, method: str) -> Answer:
        url = f"{self.base_url}/tables/{table_id}/data"
        params = {"lang": self.language, "outputFormat": "json-stat2"}
        if method == "GET":
            codes = {f"valueCodes[{name}]": ",".join(values) for name, values in selection.items()}
            return self.session.get(url, params={**params, **codes})
        question = [{"variableCode": name, "valueCodes": list(values)} for name, values in selection.items()]
        return self.session.post_json(url, {"selection": question}, params=params)


def _is_too_many_cells(error: StatusError) -> bool:
    """Whether a question was refused for its size: 403 by the specification, 400 by the server, 413."""
    if error.status == 413:
        return True
    text = error.body.decode("utf-8", errors="replace").lower()
    is_about_size = "cell" in text or "value" in text
    return error.status in (400, 403) and is_about_size and ("too many" in text or "exceed" in text)


def _service_config(document: Mapping[str, Any]) -> ServiceConfig:
    notes: list[str] = []
    max_cells = _limit(document, "maxDataCells", DEFAULT_MAX_CELLS, LARGEST_MAX_CELLS, notes)
    seconds = _limit(document, "timeWindow", DEFAULT_WINDOW[1], LONGEST_WINDOW_SECONDS, notes)
    most = max(1.0, seconds * MOST_CALLS_PER_SECOND)
    calls = _limit(document, "maxCallsPerTimeWindow", DEFAULT_WINDOW[0], most, notes)
    return ServiceConfig(
        max_cells=int(max_cells),
        calls=int(calls),
        window_seconds=seconds,
        licence=_text(document.get("license")),
        api_version=_text(document.get("apiVersion")),
        notes=tuple(notes),
    )


def _limit(document: Mapping[str, Any], name: str, default: float, largest: float, notes: list[str]) -> float:
    """A limit the service states, within our bounds; the default where it states none that can be kept."""
    stated = document.get(name)
    try:
        value = float(stated)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = 0.0
    if isinstance(stated, bool) or not (value >= 1 or (name == "timeWindow" and value > 0)):
        notes.append(f"/config states no usable {name} ({stated!r}): {default:g} is kept instead")
        return default
    if value > largest:
        notes.append(f"/config states {name} {stated!r}: no more than {largest:g} is taken")
        return largest
    return value


def _table_entry(table: Mapping[str, Any]) -> TableEntry:
    return TableEntry(
        id=str(table["id"]),
        label=_text(table.get("label")),
        first_period=str(table.get("firstPeriod") or ""),
        last_period=str(table.get("lastPeriod") or ""),
        variables=tuple(str(name).lower() for name in table.get("variableNames") or ()),
        time_unit=str(table.get("timeUnit") or ""),
        updated=str(table.get("updated") or ""),
    )


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        start = content[:60].decode("utf-8", errors="replace")
        _refuse(
            "not_json", f"expected JSON, found a body of {len(content)} bytes that begins {start!r} ({error})"
        )
    if not isinstance(document, dict):
        _refuse("not_an_object", f"expected a JSON object, found {type(document).__name__}")
    return cast("dict[str, Any]", document)


def _no_constant(name: str) -> NoReturn:
    msg = f"{name} is no JSON number"
    raise ValueError(msg)


def _dimensions(document: dict[str, Any]) -> tuple[Dimension, ...]:
    if document.get("class") != "dataset" or not str(document.get("version", "")).startswith("2."):
        _refuse(
            "not_jsonstat",
            f"expected a JSON-stat 2 dataset, found class {document.get('class')!r} and version "
            f"{document.get('version')!r} in an answer that begins "
            f"{json.dumps(document, ensure_ascii=False)[:200]}",
        )
    try:
        dimensions = tuple(_dimension(name, document["dimension"][name]) for name in document["id"])
        sizes = [int(size) for size in document["size"]]
    except SourceFormatError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        _refuse("dimension_shape", f"a dimension of {document.get('label')!r} cannot be read ({error!r})")
    spanned = [len(dimension.codes) for dimension in dimensions]
    if sizes != spanned:
        _refuse("size_mismatch", f"the dimensions hold {spanned} codes, the cube says {sizes}")
    return dimensions


def _dimension(name: str, body: Mapping[str, Any]) -> Dimension:
    category = body["category"]
    labels = {str(code): str(text) for code, text in (category.get("label") or {}).items()}
    codes = _codes(name, category.get("index", list(labels)))
    extension = body.get("extension") or {}
    return Dimension(
        name=name,
        label=_text(body.get("label")) or name,
        codes=codes,
        labels={code: labels.get(code, code) for code in codes},
        units={str(code): _base(unit) for code, unit in (category.get("unit") or {}).items()},
        elimination=str(extension.get("elimination", False)).casefold() == "true",
        elimination_code=extension.get("eliminationValueCode"),
    )


def _codes(name: str, index: object) -> tuple[str, ...]:
    if isinstance(index, list):
        codes = [str(code) for code in index]
    elif isinstance(index, dict):
        places = sorted((int(place), str(code)) for code, place in index.items())
        if [place for place, _ in places] != list(range(len(places))):
            _refuse("index_gap", f"the places of {name}'s codes are not 0 to {len(places) - 1}")
        codes = [code for _, code in places]
    else:
        _refuse("index_shape", f"the index of {name} is neither a list nor an object")
    if len(set(codes)) != len(codes):
        twice = sorted({code for code in codes if codes.count(code) > 1})
        _refuse("code_twice", f"{name} lists codes more than once: {', '.join(twice[:10])}")
    return tuple(codes)


def _base(unit: object) -> str:
    """The text of a unit: the interface has it in an object, older answers as a text."""
    return _text(unit.get("base")) if isinstance(unit, dict) else _text(unit)


def _text(raw: object) -> str:
    return "" if raw is None else str(raw)


def _notes(raw: object) -> tuple[str, ...]:
    """The publisher's notes: a list of texts, or a single text."""
    notes = raw if isinstance(raw, list) else [raw]
    return tuple(str(note) for note in notes if note)


def _values(raw: object, cells: int) -> tuple[tuple[float | None, ...], dict[int, str], int]:
    """The values, the symbols that stand in their place, and how many numbers were written as text."""
    if isinstance(raw, dict):
        if cells > LARGEST_MAX_CELLS:
            # A list of values is as long as its cells; a sparse one of a few bytes may claim any number.
            _refuse("too_many_cells", f"the cube claims {cells} cells, more than {LARGEST_MAX_CELLS}")
        positions = [_position(position) for position in raw]
        if any(not 0 <= position < cells for position in positions):
            _refuse("value_outside", f"a value stands outside the {cells} cells of the cube")
        listed: list[object] = [None] * cells
        for position, value in zip(positions, raw.values(), strict=True):
            listed[position] = value
    elif isinstance(raw, list):
        listed = raw
    else:
        _refuse("value_shape", "the cube has no list of values")
    if len(listed) != cells:
        _refuse("value_count", f"expected {cells} values for {cells} cells, found {len(listed)}")
    numbers = [_number(place, value) for place, value in enumerate(listed)]
    texts = {place: value for place, value in enumerate(listed) if isinstance(value, str)}
    symbols = {place: text.strip() for place, text in texts.items() if numbers[place] is None}
    return tuple(numbers), symbols, len(texts) - len(symbols)


def _number(place: int, value: object) -> float | None:
    if isinstance(value, str):
        if _NUMBER_AS_TEXT.fullmatch(value.strip()):
            return _number(place, float(value))
        if any(letter.isdigit() for letter in value):
            _refuse("value_type", f"cell {place} holds the text {value!r}, a figure that is no number")
        return None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < LARGEST_VALUE:
        _refuse("value_type", f"cell {place} holds {value!r}, neither a number, a symbol nor nothing")
    return value


def _status(raw: object, cells: int) -> dict[int, str]:
    if raw is None:
        return {}
    if isinstance(raw, str):
        return dict.fromkeys(range(cells), raw)
    pairs: Sequence[tuple[Any, Any]]
    if isinstance(raw, list):
        pairs = list(enumerate(raw))
    elif isinstance(raw, dict):
        pairs = list(raw.items())
    else:
        _refuse("status_shape", "the cube's status is neither a text, a list nor an object")
    return {_position(place): str(symbol) for place, symbol in pairs if symbol}


def _position(raw: object) -> int:
    text = str(raw)
    if not text.isdecimal():
        _refuse("value_outside", f"a cell's place is a number from 0, found {text!r}")
    return int(text)


def _updated(raw: object) -> tuple[datetime | None, tuple[str, ...]]:
    """The time of the last change, None where it cannot be read, and what was odd about it."""
    if raw is None or raw == "":
        return None, ("the answer does not say when the table was last changed",)
    try:
        moment = datetime.fromisoformat(str(raw))
        stockholm_date(moment.replace(tzinfo=moment.tzinfo or UTC))  # also a day in Sweden
    except (ValueError, OverflowError):
        return None, (f"the time of the last change cannot be read: {raw!r}",)
    if moment.tzinfo is None:
        # The interface states UTC; two hours more or less do not move SCB's morning to another day.
        return moment.replace(tzinfo=UTC), (f"the time of the last change, {raw}, has no time zone: UTC",)
    return moment, ()


def _refuse(rule: str, what: str) -> NoReturn:
    msg = (
        f"PxWebApi 2: {what}. What to do: compare the answer kept in the snapshot with the interface's "
        "documentation; nothing was loaded."
    )
    raise SourceFormatError(msg, rule=rule, findings=(what,))


def some(names: Sequence[str]) -> str:
    """The first ten names and how many more there are."""
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown


def refuse(source_id: str, rule: str, what: str) -> NoReturn:
    """Refuse an answer.

    Raises:
        SourceFormatError: always, with what to do.
    """
    msg = (
        f"{source_id}: {what}. What to do: compare the table with the catalogue entry and the answer kept in "
        "the snapshot; nothing was loaded."
    )
    raise SourceFormatError(msg, rule=rule, findings=(what,))
