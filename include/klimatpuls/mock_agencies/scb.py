"""SCB's PxWebApi 2 as the mock server speaks it: tables, selections and JSON-stat 2, as of a day.

Pure functions: a request goes in, a document comes out; the server adds HTTP. Documents, problem bodies, the
cell limit and the default selection have the shape of recorded answers. A selection names codes, or ``*`` for
all; the service's other expressions and its code lists are not here, for our client sends none.

Guesses, where nobody recorded the agency: a table is listed even while it holds no year, and is then answered
with 404 and a header that only the mock server sends; the wording of errors that no recording shows. An
archive holds totals only where a table has more: any other code is then a non-existent value.
:mod:`klimatpuls.mock_agencies.scb_tables` makes the tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from klimatpuls.clock import STOCKHOLM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from klimatpuls.mock_agencies.wire import Settings

PUBLICATION_TIME = time(8)


class ProblemError(Exception):
    """A question the service refuses.

    Attributes:
        status: HTTP status.
        title: What is wrong, in the service's words.
        detail: More about it, or None.
    """

    def __init__(self, status: int, title: str, detail: str | None = None) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail

    @property
    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        body: dict[str, Any] = {"type": "Parameter error", "title": self.title, "status": self.status}
        if self.detail is not None:
            body["detail"] = self.detail
        return body


class EmptyTableError(Exception):
    """A table that holds no year as of the mock server's day; the text is its id."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One variable of a table.

    Attributes:
        code: Its code.
        label: Its Swedish name.
        values: Value code -> label, in order.
        held: The value codes the mock server has figures for (the total, of age, sex and marital status).
        total: The code of the total, used if the variable is left out; or None.
        elimination: Whether it may be left out.
        states_total: Whether the answer names the total of a variable that may be left out.
    """

    code: str
    label: str
    values: Mapping[str, str]
    held: frozenset[str]
    total: str | None = None
    elimination: bool = False
    states_total: bool = True


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table as of a day.

    Attributes:
        id: Table id.
        title: Label without its years.
        variables: In the table's order; measure and time last.
        notes: The publisher's notes.
        keyed_by: Variables whose codes name a figure; all others are at their only code or total.
        figures: Codes of ``keyed_by`` -> figure; None if the publisher has a symbol instead.
        gap: What stands for a figure that ``figures`` has not.
        first_year: First year the table is for.
        contents: Code of the measure.
        unit: What stands in the unit field of every measure.
        published: The day it was last updated.
        decimals: Decimals of the measure.
        subject: Code of the statistics, such as ``BE0101``.
        has_years_in_label: Whether the label ends with the years.
        period: What a figure's year means.
    """

    id: str
    title: str
    variables: tuple[Variable, ...]
    notes: tuple[str, ...]
    figures: Mapping[tuple[str, ...], float | None]
    first_year: int
    contents: str
    published: date
    keyed_by: tuple[str, ...] = ("Region", "Tid")
    gap: Callable[[tuple[str, ...]], float | None] = lambda _: None
    unit: str = "antal personer"
    decimals: int = 0
    subject: str = "BE0101"
    has_years_in_label: bool = True
    period: str = "31 december respektive år"

    @property
    def years(self) -> tuple[str, ...]:
        """The years the table holds."""
        return tuple(self.variable("Tid").values)

    @property
    def label(self) -> str:
        """The table's label."""
        if not self.has_years_in_label:
            return self.title
        span = f"{self.first_year}-{self.years[-1]}" if self.years else f"{self.first_year}-"
        return f"{self.title}. År {span}"

    @property
    def updated(self) -> str:
        """When it was last updated, UTC."""
        moment = datetime.combine(self.published, PUBLICATION_TIME, tzinfo=STOCKHOLM)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def variable(self, code: str) -> Variable:
        """The variable of this code.

        Raises:
            ProblemError: if the table has none.
        """
        for variable in self.variables:
            if variable.code.lower() == code.lower():
                return variable
        raise ProblemError(400, "Non-existent variable")


def config_document(settings: Settings) -> dict[str, Any]:
    """The body of ``/config``."""
    seconds = settings.window_seconds
    return {
        "apiVersion": "2.2.0",
        "appVersion": "1.0.0",
        "languages": [{"id": "en", "label": "English"}, {"id": "sv", "label": "Svenska"}],
        "defaultLanguage": "sv",
        "maxDataCells": settings.max_cells,
        "maxCallsPerTimeWindow": settings.calls,
        "timeWindow": int(seconds) if seconds == int(seconds) else seconds,
        "license": "https://creativecommons.org/share-your-work/public-domain/cc0/",
        "sourceReferences": [
            {"language": "en", "text": "Source: Statistics Sweden"},
            {"language": "sv", "text": "Källa: SCB"},
        ],
        "defaultDataFormat": "json-stat2",
        "dataFormats": ["json-stat2"],
        "features": [{"id": "CORS", "params": [{"key": "enabled", "value": "True"}]}],
    }


def table_document(table: Table, base_url: str) -> dict[str, Any]:
    """The entry of a table in the list of tables."""
    own = f"{base_url}/tables/{table.id}"
    return {
        "id": table.id,
        "label": table.label,
        "description": "",
        "sortCode": "001",
        "updated": table.updated,
        "firstPeriod": str(table.first_year),
        "lastPeriod": table.years[-1] if table.years else "",
        "category": "public",
        "variableNames": [variable.label for variable in table.variables],
        "source": "SCB",
        "subjectCode": table.subject[:2],
        "timeUnit": "Annual",
        "paths": [[{"id": table.subject, "label": table.title, "sortCode": "001"}]],
        "links": [
            {"rel": "self", "hreflang": "sv", "href": f"{own}?lang=sv"},
            {"rel": "metadata", "hreflang": "sv", "href": f"{own}/metadata?lang=sv"},
            {"rel": "data", "hreflang": "sv", "href": f"{own}/data?lang=sv&outputFormat=json-stat2"},
        ],
    }


def tables_document(
    tables: Sequence[Table], base_url: str, *, query: str, page: int, page_size: int
) -> dict[str, Any]:
    """One page of the list of tables whose label or variables hold every word of a query.

    Raises:
        ProblemError: 404 if there is no such page.
    """
    words = query.lower().split()
    found = [table for table in tables if all(word in f"{table.id} {table.label}".lower() for word in words)]
    pages = max(1, -(-len(found) // page_size))
    if not 1 <= page <= pages:
        raise ProblemError(404, "Page out of range")
    shown = found[(page - 1) * page_size : page * page_size]
    address = f"{base_url}/tables?lang=sv&query={query}&pageSize={page_size}"
    following = [{"rel": "next", "hreflang": "sv", "href": f"{address}&pageNumber={page + 1}"}]
    return {
        "language": "sv",
        "tables": [table_document(table, base_url) for table in shown],
        "page": {
            "pageNumber": page,
            "pageSize": page_size,
            "totalElements": len(found),
            "totalPages": pages,
            "links": following if page < pages else [],
        },
        "links": [{"rel": "self", "hreflang": "sv", "href": f"{address}&pageNumber={page}"}],
    }


def metadata_document(table: Table) -> dict[str, Any]:
    """A table's metadata: JSON-stat 2 with all codes and no value.

    Raises:
        EmptyTableError: if the table holds no year.
    """
    if not table.years:
        raise EmptyTableError(table.id)
    return _dataset(table, {variable.code: tuple(variable.values) for variable in table.variables}, [])


def data_document(table: Table, selection: Mapping[str, Sequence[str]], *, max_cells: int) -> dict[str, Any]:
    """The cells of a selection as JSON-stat 2.

    Args:
        table: The table.
        selection: Variable -> value codes, or ``*`` for all; empty: the default selection.
        max_cells: Largest number of cells in one answer.

    Returns:
        The document.

    Raises:
        EmptyTableError: if the table holds no year.
        ProblemError: 400 for an unknown variable or value, a missing variable or too many cells.
    """
    if not table.years:
        raise EmptyTableError(table.id)
    chosen = _chosen(table, selection)
    if prod(len(codes) for codes in chosen.values()) > max_cells:
        raise ProblemError(400, "Too many cells selected", "Too many cells selected")
    for variable in table.variables:
        if not set(chosen.get(variable.code, ())) <= variable.held:
            raise ProblemError(
                400, "Non-existent value", f"the mock server holds totals of {variable.code} only"
            )
    whole = {name: chosen.get(name) or (table.variable(name).total or "",) for name in table.keyed_by}
    asked = {name: codes for name, codes in {**chosen, **whole}.items() if name in (*chosen, *table.keyed_by)}
    order = [variable.code for variable in table.variables if variable.code in asked]
    places = [order.index(name) for name in table.keyed_by]
    values = []
    for codes in product(*(asked[name] for name in order)):
        key = tuple(codes[place] for place in places)
        values.append(table.figures[key] if key in table.figures else table.gap(key))
    return _dataset(table, chosen, values)


def read_question(body: object) -> dict[str, list[str]]:
    """The selection of a POST body.

    Raises:
        ProblemError: 400 if the body is not in the interface's shape.
    """
    if not isinstance(body, dict) or not isinstance(body.get("selection"), list):
        raise ProblemError(400, "Illegal selection expression", "the body has no list 'selection'")
    selection: dict[str, list[str]] = {}
    for entry in body["selection"]:
        if not isinstance(entry, dict) or not isinstance(entry.get("variableCode"), str):
            raise ProblemError(400, "Illegal selection expression", "an entry has no 'variableCode'")
        values = entry.get("valueCodes", [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise ProblemError(400, "Illegal selection expression", "'valueCodes' is no list of texts")
        selection[entry["variableCode"]] = values
    return selection


def read_query(query: Mapping[str, str]) -> dict[str, list[str]]:
    """The selection of a GET's query: ``valueCodes[X]=a,b``."""
    prefix = "valueCodes["
    return {
        key.removeprefix(prefix).removesuffix("]"): value.split(",")
        for key, value in query.items()
        if key.startswith(prefix)
    }


def _chosen(table: Table, selection: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    asked = {table.variable(name).code: tuple(values) for name, values in selection.items()}
    if not asked:
        asked = _default_selection(table)
    chosen: dict[str, tuple[str, ...]] = {}
    for variable in table.variables:
        values = asked.get(variable.code, ())
        if values:
            chosen[variable.code] = _expanded(variable, values)
        elif not variable.elimination:
            raise ProblemError(400, "Missing selection for mandatory variable", variable.code)
    if chosen["ContentsCode"] != (table.contents,):
        raise ProblemError(
            400, "Non-existent value", f"the mock server holds the measure {table.contents} only"
        )
    return chosen


def _default_selection(table: Table) -> dict[str, tuple[str, ...]]:
    totals = {variable.code: (variable.total,) for variable in table.variables if variable.total is not None}
    return {**totals, "ContentsCode": (table.contents,), "Tid": table.years[-1:]}


def _expanded(variable: Variable, asked: Sequence[str]) -> tuple[str, ...]:
    if not set(asked) <= {*variable.values, "*"}:
        raise ProblemError(400, "Non-existent value")
    return tuple(code for code in variable.values if code in asked or "*" in asked)


def _dataset(
    table: Table, chosen: Mapping[str, tuple[str, ...]], values: Sequence[float | None]
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "version": "2.0",
        "class": "dataset",
        "label": table.label,
        "source": "SCB",
        "updated": table.updated,
        "note": list(table.notes),
        "role": {"time": ["Tid"], "metric": ["ContentsCode"]},
        "id": list(chosen),
        "size": [len(codes) for codes in chosen.values()],
        "dimension": {code: _dimension(table, table.variable(code), codes) for code, codes in chosen.items()},
        "extension": {
            "noteMandatory": {str(place): True for place in range(len(table.notes))},
            "px": {
                "infofile": table.subject,
                "tableid": table.id,
                "decimals": table.decimals,
                "official-statistics": True,
                "language": "sv",
                "contents": table.variable("ContentsCode").values[table.contents],
                "heading": ["ContentsCode", "Tid"],
                "stub": [code for code in chosen if code not in ("ContentsCode", "Tid")],
                "matrix": table.id,
                "subject-code": table.subject[:2],
            },
            "discontinued": None,
        },
        "value": list(values),
    }
    gaps = {str(place): ".." for place, value in enumerate(values) if value is None}
    if gaps:
        document["status"] = gaps
    return document


def _dimension(table: Table, variable: Variable, codes: Sequence[str]) -> dict[str, Any]:
    category: dict[str, Any] = {
        "index": {code: place for place, code in enumerate(codes)},
        "label": {code: variable.values[code] for code in codes},
    }
    extension: dict[str, Any] = {"elimination": variable.elimination, "show": "code_value"}
    if variable.total is not None and variable.elimination and variable.states_total:
        extension["eliminationValueCode"] = variable.total
    if variable.code == "ContentsCode":
        category["unit"] = {code: {"base": table.unit, "decimals": table.decimals} for code in codes}
        extension["refperiod"] = dict.fromkeys(codes, table.period)
        extension["measuringType"] = dict.fromkeys(codes, "Stock")
    return {"label": variable.label, "category": category, "extension": extension}
