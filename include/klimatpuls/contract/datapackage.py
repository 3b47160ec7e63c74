"""The open data as a Data Package: a descriptor made from the contract and the catalogue.

``descriptor()`` alone gives what is true of every publication (``docs/datapackage.json``); with an
:class:`Edition` it describes the files of one. The form is the Data Package standard, version 2
(https://datapackage.org). What the standard has no word for is added under names of our own: ``unit``,
``description_sv``, ``attribution_sv`` and so on, which readers of the standard pass over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klimatpuls.contract import schema
from klimatpuls.contract.catalog import SOURCES, datasets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime

    from klimatpuls.contract.catalog import Source
    from klimatpuls.contract.schema import Column, Mart

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
FILE_NAME = "datapackage.json"
NAME = "klimatpuls"
ESCAPE = "'"
"""Stands before a text that a spreadsheet would take for a formula, and before one that begins so itself."""
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a text begins that a spreadsheet would run as a formula, or cut."""

FIELD_TYPES = {
    "bigint": "integer",
    "boolean": "boolean",
    "date": "date",
    "double precision": "number",
    "integer": "integer",
    "jsonb": "any",
    "smallint": "integer",
    "smallint[]": "array",
    "text": "string",
    "text[]": "array",
    "timestamp with time zone": "datetime",
}
"""PostgreSQL type of the contract → type of a field."""

ORIGIN_WORDS = {
    "live": None,
    "archive": (
        "SIFFROR UR ETT ARKIV: lästa ur en mapp, inte hämtade från myndigheterna.",
        "FIGURES FROM AN ARCHIVE: read from a folder, not fetched from the agencies.",
    ),
    "synthetic": (
        "PÅHITTADE SIFFROR: slumpade för att pröva systemet; inget här är statistik.",
        "SYNTHETIC FIGURES: generated to test the system; nothing here is statistics.",
    ),
}
_TITLE = (
    "Klimatpuls: utsläpp, mål och jämförelser för kommuner och län",
    "Klimatpuls: emissions, targets and comparisons of municipalities and counties",
)
_TEXT_ESCAPE = (
    f"A text that begins with one of = + - @ tab CR LF or {ESCAPE} has one {ESCAPE} put before it, so that "
    "no spreadsheet takes it for a formula. "
    f"Reading back: where a text begins with {ESCAPE}, take that one away."
)


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """One file of an export.

    Attributes:
        size: Bytes.
        sha256: Hash of its bytes, hexadecimal.
        rows: Rows of data, without the header.
    """

    size: int
    sha256: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Edition:
    """What is true of the files of one publication.

    Attributes:
        publication_id: The publication.
        as_of_date: Date it was calculated for.
        origin: ``live``, ``archive`` or ``synthetic``.
        method_version: Version of the formulas.
        published_at: When readers were switched to it.
        retrieved: Source → the day its current releases were last retrieved, for the sources it has.
        files: Path within the package → the file.
    """

    publication_id: int
    as_of_date: date
    origin: str
    method_version: str
    published_at: datetime
    retrieved: Mapping[str, date]
    files: Mapping[str, DataFile] = field(default_factory=dict)


def csv_path(mart: Mart) -> str:
    """Where a mart's CSV file lies within the package."""
    return f"csv/{mart.name}.csv"


def parquet_path(mart: Mart) -> str:
    """Where a mart's Parquet file lies within the package."""
    return f"parquet/{mart.name}.parquet"


def descriptor(edition: Edition | None = None) -> dict[str, Any]:
    """The descriptor of the package.

    Args:
        edition: The publication whose files are described; None for what is true of every one.

    Returns:
        Plain data, as ``datapackage.json`` holds it.
    """
    notice = ORIGIN_WORDS[edition.origin] if edition else None
    package: dict[str, Any] = {
        "$schema": PROFILE,
        "name": NAME,
        "title": _loud(_TITLE[1], notice and notice[1]),
        "title_sv": _loud(_TITLE[0], notice and notice[0]),
        "description": (
            "Every table of the warehouse as CSV and Parquet. A missing value is empty, never 0. "
            "Codes are text and keep their leading zeros."
        ),
        "description_sv": (
            "Alla lagrets tabeller som CSV och Parquet. Ett saknat värde är tomt, aldrig 0. "
            "Koder är text och behåller inledande nollor."
        ),
        "version": schema.contract().version,
        "text_escape": _TEXT_ESCAPE,
    }
    if edition:
        package["created"] = edition.published_at.isoformat().replace("+00:00", "Z")
        package["publication"] = {
            "publication_id": edition.publication_id,
            "as_of_date": edition.as_of_date.isoformat(),
            "origin": edition.origin,
            "method_version": edition.method_version,
        }
    sources = list(_sources_shown(edition))
    package["licenses"] = list(_licences(sources))
    package["sources"] = [_source(entry, edition) for entry in sources]
    package["resources"] = [
        resource
        for mart in schema.marts()
        for resource in (_csv_resource(mart, edition), _parquet_resource(mart, edition))
    ]
    return package


def to_json(package: Mapping[str, Any]) -> str:
    """The descriptor as the text of its file."""
    return json.dumps(package, ensure_ascii=False, indent=2) + "\n"


def source_lines(edition: Edition) -> list[tuple[str, str]]:
    """What must stand beside the figures of a publication, Swedish and English, one pair per source.

    Example: ``("Egen bearbetning av data från SCB", "Own processing of data from Statistics Sweden (SCB)")``.
    Synthetic figures are no agency's: the one line says so.
    """
    if edition.origin == "synthetic":
        return [ORIGIN_WORDS["synthetic"] or ("", "")]
    return list(dict.fromkeys(_attribution(entry, edition) for entry in _sources_shown(edition)))


def _loud(title: str, notice: str | None) -> str:
    return f"{notice} {title}" if notice else title


def _sources_shown(edition: Edition | None) -> Iterator[Source]:
    """The sources the package rests on; of a publication those whose figures it shows."""
    for entry in SOURCES.values():
        if edition is None or entry.id in edition.retrieved:
            yield entry


def _licences(sources: list[Source]) -> Iterator[dict[str, str]]:
    """The terms whose address is known; a source without one states its terms with the source itself."""
    known = {entry.licence_url: entry.licence for entry in sources if entry.licence_url}
    for path, title in known.items():
        yield {"path": path, "title": title} | ({"name": "CC0-1.0"} if title == "CC0 1.0" else {})


def _source(entry: Source, edition: Edition | None) -> dict[str, str]:
    described = {
        "title": entry.title_en,
        "title_sv": entry.title_sv,
        "path": entry.live_base_url,
        "publisher": entry.publisher,
        "licence": entry.licence,
    }
    if entry.licence_url:
        described["licence_url"] = entry.licence_url
    if edition is None:
        words = (entry.attribution_sv, entry.attribution_en)
    elif edition.origin == "synthetic":
        return described | {"note": "generated in the form of this source; the publisher has no part in it"}
    else:
        words = _attribution(entry, edition)
    return described | {"attribution_sv": words[0], "attribution_en": words[1]}


def _attribution(entry: Source, edition: Edition) -> tuple[str, str]:
    retrieved = edition.retrieved[entry.id].isoformat()
    return (
        entry.attribution_sv.replace("{retrieved}", retrieved),
        entry.attribution_en.replace("{retrieved}", retrieved),
    )


def _resource(mart: Mart, path: str, edition: Edition | None) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "path": path,
        "title": f"mart.{mart.name}",
        "description": f"{mart.en} ({mart.grain_en})",
        "description_sv": f"{mart.sv} ({mart.grain_sv})",
    }
    if edition:
        file = edition.files[path]
        resource |= {"bytes": file.size, "hash": f"sha256:{file.sha256}", "rows": file.rows}
    return resource


def _csv_resource(mart: Mart, edition: Edition | None) -> dict[str, Any]:
    resource = {"name": mart.name, "type": "table", **_resource(mart, csv_path(mart), edition)}
    resource |= {
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {
            "delimiter": ",",
            "lineTerminator": "\r\n",
            "quoteChar": '"',
            "doubleQuote": True,
            "header": True,
        },
    }
    if sources := _sources_of(mart, edition):
        resource["sources"] = sources
    return resource | {"schema": table_schema(mart)}


def _parquet_resource(mart: Mart, edition: Edition | None) -> dict[str, Any]:
    # Its columns and their types stand in the file itself.
    return {"name": f"{mart.name}-parquet", **_resource(mart, parquet_path(mart), edition)} | {
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
    }


def _sources_of(mart: Mart, edition: Edition | None) -> list[dict[str, str]]:
    """The sources of a mart that shows one fact; one calculated from several has those of the package."""
    fact = mart.fact or (mart.name if mart.name in {entry.name for entry in schema.facts()} else None)
    if fact is None:
        return []
    datasets = set(datasets_of(fact))
    return [
        _source(entry, edition)
        for entry in _sources_shown(edition)
        if datasets & {dataset.id for dataset in entry.datasets}
    ]


def table_schema(mart: Mart) -> dict[str, Any]:
    """The Table Schema of a mart: fields, keys and what joins to what.

    Args:
        mart: The mart.

    Returns:
        Its key is ``primaryKey``, or ``uniqueKeys`` where a column of it may be empty.
    """
    by_name = {column.name: column for column in mart.columns}
    key = list(mart.key)
    has_whole_key = not any(by_name[name].nullable for name in key)
    schema_: dict[str, Any] = {
        "fields": [_field(column) for column in mart.columns],
        "missingValues": [""],
        **({"primaryKey": key} if has_whole_key else {"uniqueKeys": [key]}),
    }
    if references := [_foreign_key(mart, column) for column in mart.columns if column.references]:
        schema_["foreignKeys"] = references
    return schema_


def _field(column: Column) -> dict[str, Any]:
    unit = {"unit": column.unit} if column.unit else {}
    constraints: dict[str, Any] = {}
    if not column.nullable:
        constraints["required"] = True
    if column.allowed and column.type == "text":
        constraints["enum"] = list(column.allowed)
    if column.minimum is not None:
        constraints["minimum"] = column.minimum
    if column.maximum is not None:
        constraints["maximum"] = column.maximum
    return {
        "name": column.name,
        "type": FIELD_TYPES[column.type],
        **unit,
        "description": column.en,
        "description_sv": column.sv,
        **({"deprecated_from": column.deprecated_from} if column.deprecated_from else {}),
        **({"replaced_by": column.replaced_by} if column.replaced_by else {}),
        **({"constraints": constraints} if constraints else {}),
    }


def _foreign_key(mart: Mart, column: Column) -> dict[str, Any]:
    resource, _, target = str(column.references).partition(".")
    itself = resource == mart.name
    return {
        "fields": [column.name],
        # The standard names no resource where a table refers to itself.
        "reference": {**({} if itself else {"resource": resource}), "fields": [target]},
    }
