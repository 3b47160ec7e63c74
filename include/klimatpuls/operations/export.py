"""Exports open data: every mart of one publication as CSV and Parquet with a descriptor, all or nothing.

All files belong to one publication, for one REPEATABLE READ transaction reads everything, as ``bi_read``. The
bytes depend only on the data: fixed order of rows, no clock, no host name. CSV is RFC 4180 in UTF-8 without a
byte order mark; an empty cell is a missing value, ``""`` an empty text. Parquet is made from the CSV file,
without the escapes of texts, which proves that the CSV file can be read.

Rows are read and written in blocks: memory does not grow with the tables.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from klimatpuls.contract import datapackage, schema
from klimatpuls.contract.datapackage import DataFile, Edition
from klimatpuls.errors import UsageError
from klimatpuls.translations import LANGUAGES, message, translate
from klimatpuls.warehouse.connection import connect, load_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.contract.schema import Column, Mart

README = "README.md"
BLOCK_BYTES = 1 << 20
"""Bytes of a CSV file in memory at once while its Parquet file is made."""
ROWS_PER_GROUP = 60_000
"""Rows of a row group of a Parquet file."""

_AS_TEXT = {
    "text": "CASE WHEN left({c}, 1) IN ({dangerous}) THEN {escape} || {c} ELSE {c} END",
    "text[]": "array_to_json({c})::text",
    "smallint[]": "array_to_json({c})::text",
    "jsonb": "{c}::text",
    "boolean": "{c}::text",
    "timestamp with time zone": "to_char({c} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
}
"""PostgreSQL type → expression for a column in a CSV file; other types need none."""

_INTRODUCTION = message(
    "Publication {publication}, calculated for {day}. `datapackage.json` explains every column."
)
_OPEN_DATA = message("open data")
_NAME_THE_SOURCE = message("Name the source")
_HOW_TO_READ = message("Reading the files")
_READING = message(
    "- `csv/`: UTF-8 without BOM, commas between columns, decimal point. In Excel: Data > From Text/CSV, "
    "choose\n"
    "  65001 (UTF-8) and the type Text for codes such as `0360`.\n"
    '- An empty cell: the value is missing (never 0). `""`: an empty text.\n'
    "- A text that begins with = + - @ tab or a new line has got a ' before it, so that no spreadsheet runs "
    "it as a\n"
    "  formula; so has one that begins with '. Take the first ' away where a text begins so.\n"
    "- `parquet/`: the same tables with their types, texts untouched."
)


@dataclass(frozen=True, kw_only=True)
class Exported:
    """The result of an export.

    Attributes:
        folder: Its folder.
        edition: The publication, and its files.
    """

    folder: Path
    edition: Edition

    @property
    def rows(self) -> int:
        """Rows of all marts together."""
        return sum(file.rows for path, file in self.edition.files.items() if path.endswith(".csv"))

    @property
    def size(self) -> int:
        """Bytes of the files of data."""
        return sum(file.size for file in self.edition.files.values())


def export(dsn: str, folder: Path) -> Exported:
    """Write every mart of the contract, as the current publication shows it, into a folder.

    Args:
        dsn: Warehouse, as ``bi_read``.
        folder: Folder to make. An earlier export in it stays until the new one is complete.

    Raises:
        UsageError: if nothing is published yet, or the folder contains anything but an earlier export.
    """
    folder = folder.expanduser().resolve()
    _check_place(folder)
    with _scratch(folder) as scratch:
        with closing(connect(dsn)) as conn:
            conn.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with conn, conn.cursor() as cursor:
                _pin_session(cursor)
                edition = _edition(cursor)
                files: dict[str, DataFile] = {}
                for mart in schema.marts():
                    files |= _write_mart(cursor, mart, scratch, edition)
        edition = replace(edition, files=files)
        package = datapackage.to_json(datapackage.descriptor(edition))
        (scratch / datapackage.FILE_NAME).write_text(package, encoding="utf-8")
        (scratch / README).write_text(_readme(edition), encoding="utf-8")
        _put_in_place(scratch, folder)
    return Exported(folder=folder, edition=edition)


def _check_place(folder: Path) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_dir():
        if not any(folder.iterdir()):
            return
        try:
            found = json.loads((folder / datapackage.FILE_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = None
        if isinstance(found, dict) and found.get("name") == datapackage.NAME:
            return
    msg = (
        f"{folder} holds something else than an earlier export; nothing was written. Name a new folder: --to"
    )
    raise UsageError(msg)


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside the export; also remove those of killed exports."""
    scratch = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f".{folder.name}.*.partial"):
            if not _is_alive(left.name.split(".")[-2]):
                shutil.rmtree(left, ignore_errors=True)
        (scratch / "csv").mkdir(parents=True)
        (scratch / "parquet").mkdir()
    except OSError as error:
        msg = f"{folder} cannot be written ({error.strerror}); name another folder with --to"
        raise UsageError(msg) from error
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _put_in_place(scratch: Path, folder: Path) -> None:
    """Replace the earlier folder by the finished one; readers always find a complete one."""
    for path in sorted(scratch.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    earlier = scratch.with_name(f"{scratch.name}.earlier")
    if not folder.exists():
        scratch.rename(folder)
        return
    folder.rename(earlier)
    try:
        scratch.rename(folder)
    except OSError:
        earlier.rename(folder)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def _pin_session(cursor: Cursor) -> None:
    """Fix the text form of values, and the time limit: the role's own is meant for dashboards."""
    for setting, value in {
        "TimeZone": "UTC",
        "DateStyle": "ISO",
        "extra_float_digits": "1",
        "statement_timeout": "1h",
    }.items():
        cursor.execute("SELECT set_config(%s, %s, true)", (setting, value))


def _edition(cursor: Cursor) -> Edition:
    cursor.execute(load_sql("export/publication.sql"))
    row = cursor.fetchone()
    if row is None:
        msg = "nothing is published here yet: run `make run` (klimatpuls refresh), then export again"
        raise UsageError(msg)
    publication_id, as_of_date, origin, method_version, published_at = row
    cursor.execute(load_sql("export/retrieved.sql"))
    return Edition(
        publication_id=publication_id,
        as_of_date=as_of_date,
        origin=origin,
        method_version=method_version,
        published_at=published_at,
        retrieved=dict(cursor.fetchall()),
    )


def _write_mart(cursor: Cursor, mart: Mart, scratch: Path, edition: Edition) -> dict[str, DataFile]:
    csv_file = scratch / datapackage.csv_path(mart)
    parquet_file = scratch / datapackage.parquet_path(mart)
    rows = _write_csv(cursor, mart, csv_file)
    _write_parquet(mart, csv_file, parquet_file, rows, edition)
    return {
        path: DataFile(size=file.stat().st_size, sha256=_sha256(file), rows=rows)
        for path, file in (
            (datapackage.csv_path(mart), csv_file),
            (datapackage.parquet_path(mart), parquet_file),
        )
    }


def _write_csv(cursor: Cursor, mart: Mart, path: Path) -> int:
    """Write a mart as CSV; returns its rows."""
    by_name = {column.name: column for column in mart.columns}
    # Names and types come from the contract; the statement holds no value.
    select = sql.SQL(load_sql("export/mart_rows.sql")).format(
        columns=sql.SQL(", ").join(_as_text(column) for column in mart.columns),
        mart=sql.Identifier("mart", mart.name),
        key=sql.SQL(", ").join(_in_order(by_name[name]) for name in mart.key),
    )
    with path.open("wb", buffering=1 << 20) as file:
        lines = _Lines(file)
        copy = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER, ENCODING 'UTF8')").format(select)
        cursor.copy_expert(copy, lines)
    return lines.count - 1


def _as_text(column: Column) -> sql.Composable:
    expression = sql.SQL(_AS_TEXT.get(column.type, "{c}")).format(
        c=sql.Identifier(column.name),
        dangerous=sql.SQL(", ").join(map(sql.Literal, (*datapackage.DANGEROUS, datapackage.ESCAPE))),
        escape=sql.Literal(datapackage.ESCAPE),
    )
    return sql.SQL("{} AS {}").format(expression, sql.Identifier(column.name))


def _in_order(column: Column) -> sql.Composable:
    collation = ' COLLATE "C"' if column.type == "text" else ""
    return sql.SQL("{}" + collation).format(sql.Identifier(column.name))


class _Lines:
    """Receives the rows of a COPY, which libpq writes one by one, and ends each with CRLF (RFC 4180)."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.count = 0

    def write(self, row: bytes | str) -> int:
        line = row.encode() if isinstance(row, str) else row
        self._file.write(line[:-1])
        self._file.write(b"\r\n")
        self.count += 1
        return len(row)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_parquet(mart: Mart, csv_file: Path, path: Path, rows: int, edition: Edition) -> None:
    """Write a mart's Parquet file from its CSV file, block by block."""
    import pyarrow as pa
    from pyarrow import parquet

    target = _arrow_schema(mart, edition)
    # Every option that affects the bytes is set; the lock fixes the writer's version.
    with parquet.ParquetWriter(
        path,
        target,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=3,
        use_dictionary=True,
        write_statistics=True,
        store_schema=True,
    ) as writer:
        waiting: list[pa.RecordBatch] = []
        for batch in _blocks(mart, csv_file, target) if rows else ():
            waiting.append(batch)
            if sum(len(one) for one in waiting) >= ROWS_PER_GROUP:
                writer.write_table(pa.Table.from_batches(waiting, target))
                waiting = []
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, target))
    pa.default_memory_pool().release_unused()


def _blocks(mart: Mart, csv_file: Path, target: pa.Schema) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    from pyarrow import csv

    options = csv.ConvertOptions(
        column_types={column.name: _csv_type(column) for column in mart.columns},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["true"],
        false_values=["false"],
    )
    with csv.open_csv(
        csv_file,
        read_options=csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=options,
    ) as reader:
        for batch in reader:
            values = [_value(column, batch.column(column.name)) for column in mart.columns]
            yield pa.RecordBatch.from_arrays(values, schema=target)


def _value(column: Column, found: pa.Array) -> pa.Array:
    """Return a column for Parquet: texts without their escape, lists as lists."""
    import pyarrow as pa
    from pyarrow import compute

    if column.type == "text":
        is_safe = compute.starts_with(found, datapackage.ESCAPE)
        return compute.if_else(is_safe, compute.utf8_slice_codeunits(found, 1), found)
    if column.type.endswith("[]"):
        lists = [None if text is None else json.loads(text) for text in found.to_pylist()]
        return pa.array(lists, _arrow_type(column.type))
    return found


def _csv_type(column: Column) -> pa.DataType:
    return _arrow_type("text" if column.type.endswith("[]") else column.type)


def _arrow_type(kind: str) -> pa.DataType:
    import pyarrow as pa

    return {
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "double precision": pa.float64(),
        "integer": pa.int32(),
        "jsonb": pa.string(),
        "smallint": pa.int16(),
        "smallint[]": pa.list_(pa.int16()),
        "text": pa.string(),
        "text[]": pa.list_(pa.string()),
        "timestamp with time zone": pa.timestamp("us", tz="UTC"),
    }[kind]


def _arrow_schema(mart: Mart, edition: Edition) -> pa.Schema:
    """Return columns with types and meanings; the metadata names the publication."""
    import pyarrow as pa

    fields = [
        pa.field(
            column.name,
            _arrow_type(column.type),
            nullable=column.nullable,
            metadata={"unit": column.unit or "", "sv": column.sv, "en": column.en},
        )
        for column in mart.columns
    ]
    metadata = {
        "publication_id": str(edition.publication_id),
        "as_of_date": edition.as_of_date.isoformat(),
        "origin": edition.origin,
        "contract_version": schema.contract().version,
    }
    return pa.schema(fields, metadata=metadata)


def _readme(edition: Edition) -> str:
    """Return the README of an export: the files, the sources to name, how to read the files."""
    warnings = [f"**{words}**" for words in datapackage.ORIGIN_WORDS[edition.origin] or ()]
    named = {"publication": edition.publication_id, "day": edition.as_of_date.isoformat()}
    sources = datapackage.source_lines(edition)
    parts = [f"# Klimatpuls: {translate('sv', _OPEN_DATA)} / {_OPEN_DATA}", *warnings]
    parts += [translate(language, _INTRODUCTION, **named) for language in LANGUAGES]
    for place, language in enumerate(LANGUAGES):
        parts.append(f"## {translate(language, _NAME_THE_SOURCE)}")
        parts.append("\n".join(f"- {line[place]}" for line in sources))
    for language in LANGUAGES:
        parts += [f"## {translate(language, _HOW_TO_READ)}", translate(language, _READING)]
    return "\n\n".join(parts) + "\n"
