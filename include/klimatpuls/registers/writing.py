"""Writes records back into the reviewed files: unchanged rows keep every byte, and their comments."""

from __future__ import annotations

import csv
import datetime as dt
import io
import textwrap
from typing import TYPE_CHECKING, Any, Final

from klimatpuls.domain.regions import plain_name
from klimatpuls.registers.checking import draft_of_mapping, draft_of_sheet
from klimatpuls.registers.reading import UnreadableError, csv_delimiter, read_csv, read_mapping
from klimatpuls.registers.values import cell_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from klimatpuls.registers.checking import Register
    from klimatpuls.registers.rules import Record

_COMMENT: Final = "#"
_MARK: Final = "\ufeff"


def write_whole(path: Path, text: str) -> None:
    """Write a text file atomically."""
    write_all({path: text})


def write_all(texts: Mapping[Path, str]) -> None:
    """Write text files: all are complete beside the old ones before the first takes its place."""
    drafts = {path: path.with_name(f".{path.name}.new") for path in texts}
    for path, draft in drafts.items():
        draft.write_text(texts[path], encoding="utf-8", newline="")
        draft.chmod(path.stat().st_mode if path.exists() else 0o644)
    for path, draft in drafts.items():
        draft.replace(path)


def file_text(register: Register, body: bytes, held: Sequence[Record], records: Sequence[Record]) -> str:
    """The text of a register's file with other records.

    Args:
        register: The register.
        body: The file as it is.
        held: Its records, in the order of the file.
        records: What it shall hold. A record with the values of a held one keeps its lines.

    Returns:
        The text. If lines cannot be kept (another encoding, a YAML list in brackets), every row is written
        anew, under the comments at the top of the file.
    """
    try:
        if register.is_spreadsheet:
            text = "".join(_csv_lines(register, body, held, records))
            read = draft_of_sheet(register, read_csv(text.encode(), register.file))
        else:
            text = "".join(_yaml_lines(register, body, held, records))
            read = draft_of_mapping(register, read_mapping(text.encode(), register.file), register.file, None)
        if [one.values for one in read.records or ()] == [one.values for one in records]:
            return text
    except (UnicodeDecodeError, UnreadableError, csv.Error, TypeError, ValueError):
        pass
    values = [record.values for record in records]
    return (
        _csv(register, values)
        if register.is_spreadsheet
        else _yaml(register, body.decode("utf-8-sig"), values)
    )


def _csv_lines(
    register: Register, body: bytes, held: Sequence[Record], records: Sequence[Record]
) -> Iterator[str]:
    text = body.decode()
    lines = list(io.StringIO(text, newline=""))
    delimiter, rest = csv_delimiter(text.removeprefix(_MARK), register.file)
    ending = "\r\n" if lines[0].endswith("\r\n") else "\n"
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    raw: list[tuple[list[str], str]] = []
    before = 0
    for cells in reader:
        raw.append((cells, "".join(lines[before : reader.line_num])))
        before = reader.line_num
    skipped = 0 if rest == text.removeprefix(_MARK) else 1
    header = [name.removeprefix(_MARK) for name in raw[skipped][0]]
    columns = [register.shape.headers.get(plain_name(name)) for name in header]
    filled = [line for cells, line in raw[skipped + 1 :] if any(map(str.strip, cells))]
    old = {
        register.key_of(record.values): (record.values, line)
        for record, line in zip(held, filled, strict=True)
    }
    yield from (line for _, line in raw[: skipped + 1])
    for record in records:
        values, line = old.get(register.key_of(record.values), (None, ""))
        if values != record.values:
            out = io.StringIO()
            csv.writer(out, delimiter=delimiter, lineterminator=ending).writerow(
                cell_text(record.values.get(column)) if column else "" for column in columns
            )
            line = out.getvalue()
        yield line if line.endswith("\n") else f"{line}{ending}"


def _yaml_lines(
    register: Register, body: bytes, held: Sequence[Record], records: Sequence[Record]
) -> Iterator[str]:
    import yaml

    text = body.decode()
    lines = text.splitlines(keepends=True)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise TypeError
    ((_, entries),) = root.value
    starts = [node.start_mark.line for node in entries.value]
    if entries.flow_style or len(starts) != len(held) or not starts:
        raise ValueError
    # Comments above an entry belong to it, also those above the first.
    firsts = [_above(lines, start) for start in starts]
    margin = " " * entries.start_mark.column
    old = {
        register.key_of(record.values): (record.values, lines[above:start], lines[start:end])
        for record, above, start, end in zip(held, firsts, starts, [*firsts[1:], len(lines)], strict=True)
    }
    yield from lines[: firsts[0]]
    for record in records:
        values, remarks, entry = old.get(register.key_of(record.values), (None, [], []))
        yield from remarks
        if values == record.values:
            yield from entry
        else:
            yield textwrap.indent(_dumped([_in_order(register, record.values)]), margin)


def _above(lines: Sequence[str], start: int) -> int:
    """The first of the comment lines and empty lines right above a line."""
    while start > 0 and (not lines[start - 1].strip() or lines[start - 1].lstrip().startswith(_COMMENT)):
        start -= 1
    return start


def _csv(register: Register, rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(register.shape.columns)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell_text(row.get(column)) for column in columns] for row in rows)
    return out.getvalue()


def _yaml(register: Register, text: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """The list of a YAML register; the comments above it are kept."""
    remarks = []
    for line in text.splitlines(keepends=True):
        if not line.startswith(_COMMENT):
            break
        remarks.append(line)
    return "".join(remarks) + _dumped({register.entries: [_in_order(register, entry) for entry in entries]})


def _in_order(register: Register, entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry in the order of its schema, days as YAML knows them."""
    return {
        name: dt.date.fromisoformat(entry[name]) if column.get("format") == "date" else entry[name]
        for name, column in register.shape.columns.items()
        if name in entry
    }


def _dumped(value: Any) -> str:
    import yaml

    return yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=110)
