"""The data contract: what every object of schema ``mart`` means, read from ``contract.yaml``.

One file is the source of the comments in the database, of ``docs/data_dictionary.md`` and of the tests that
compare the views with what was promised. Light to import: the file is read on first use.

``python -m klimatpuls.schema --write docs/data_dictionary.md`` writes the dictionary anew.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from klimatpuls.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = Literal["view", "table"]

TYPES = frozenset({
    "bigint", "boolean", "date", "double precision", "integer", "jsonb", "smallint", "smallint[]", "text",
    "text[]", "timestamp with time zone",
})  # fmt: skip
_COLUMN_KEYS = frozenset({"type", "unit", "nullable", "allowed", "references", "sv", "en"})
_MART_KEYS = frozenset({"kind", "sv", "en", "grain_sv", "grain_en", "key", "columns"})


class ContractError(UsageError):
    """``contract.yaml`` contradicts itself; the message names the mart and the column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a mart.

    Attributes:
        name: Its name; units stand in it where there is one.
        type: PostgreSQL type as ``format_type`` writes it.
        unit: Unit of the values, or None where there is none.
        nullable: Whether NULL can occur; what it means stands in the meaning.
        allowed: The only values it can have, or None where it is not such a list.
        references: ``mart.column`` (without schema) it joins to, or None.
        sv: Meaning in Swedish.
        en: Meaning in English.
    """

    name: str
    type: str
    unit: str | None
    nullable: bool
    allowed: tuple[str, ...] | None
    references: str | None
    sv: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mart:
    """One object of schema ``mart``.

    Attributes:
        name: Name without schema.
        kind: ``view``, or ``table`` for the pointer.
        sv: Meaning in Swedish.
        en: Meaning in English.
        grain_sv: What one row is, Swedish.
        grain_en: What one row is, English.
        key: Columns that name a row uniquely.
        columns: Its columns, in the order of the view.
    """

    name: str
    kind: Kind
    sv: str
    en: str
    grain_sv: str
    grain_en: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """The column of this name.

        Raises:
            ContractError: if the mart has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        msg = f"mart.{self.name} has no column {name!r}; it has {', '.join(c.name for c in self.columns)}"
        raise ContractError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The whole contract: its version and its marts in the order of the file."""

    version: str
    marts: tuple[Mart, ...]


def read_contract(text: str) -> Contract:
    """The contract in a YAML text, checked against itself.

    Args:
        text: Content of a contract file; its layout is explained at the top of ``contract.yaml``.

    Returns:
        The contract.

    Raises:
        ContractError: if a column has no known type or lacks a meaning in one language, a key or a
            reference names a column that is not there, or a name or setting occurs twice or is unknown.
    """
    import yaml

    document = cast("Mapping[str, Any]", yaml.safe_load(text))
    shared = cast("Mapping[str, Mapping[str, Any]]", document["shared_columns"])
    contract = Contract(
        version=str(document["contract_version"]),
        marts=tuple(_read_mart(name, entry, shared) for name, entry in document["marts"].items()),
    )
    _check_references(contract)
    return contract


@lru_cache(maxsize=1)
def contract() -> Contract:
    """The contract of this version of the package."""
    path = resources.files("klimatpuls").joinpath("contract.yaml")
    return read_contract(path.read_text(encoding="utf-8"))


def marts() -> tuple[Mart, ...]:
    """Every object of schema ``mart``, in the order of the contract."""
    return contract().marts


def mart(name: str) -> Mart:
    """The object of this name, without schema.

    Raises:
        ContractError: if the contract has no such object.
    """
    for entry in marts():
        if entry.name == name:
            return entry
    msg = f"the contract has no mart {name!r}; it has {', '.join(entry.name for entry in marts())}"
    raise ContractError(msg)


def _read_mart(name: str, entry: Mapping[str, Any], shared: Mapping[str, Mapping[str, Any]]) -> Mart:
    if unknown := set(entry) - _MART_KEYS:
        msg = f"contract: mart {name} has unknown settings {sorted(unknown)}"
        raise ContractError(msg)
    columns = tuple(_read_column(name, item, shared) for item in entry["columns"])
    names = [column.name for column in columns]
    if len(names) != len(set(names)):
        twice = sorted({column for column in names if names.count(column) > 1})
        msg = f"contract: mart {name} lists {twice} more than once"
        raise ContractError(msg)
    if missing := set(entry["key"]) - set(names):
        msg = f"contract: the key of mart {name} names {sorted(missing)}, which it does not have"
        raise ContractError(msg)
    if "publication_id" not in names:
        msg = f"contract: mart {name} has no publication_id; every mart shows its publication"
        raise ContractError(msg)
    return Mart(
        name=name,
        kind=cast("Kind", entry.get("kind", "view")),
        sv=entry["sv"],
        en=entry["en"],
        grain_sv=entry["grain_sv"],
        grain_en=entry["grain_en"],
        key=tuple(entry["key"]),
        columns=columns,
    )


def _read_column(
    mart_name: str, item: str | Mapping[str, Mapping[str, Any]], shared: Mapping[str, Mapping[str, Any]]
) -> Column:
    name, own = (item, {}) if isinstance(item, str) else next(iter(item.items()))
    where = f"contract: column {mart_name}.{name}"
    if isinstance(item, str) and name not in shared:
        msg = f"{where} is no shared column and has no settings of its own"
        raise ContractError(msg)
    settings = {**shared.get(name, {}), **own}
    if unknown := set(settings) - _COLUMN_KEYS:
        msg = f"{where} has unknown settings {sorted(unknown)}; known are {sorted(_COLUMN_KEYS)}"
        raise ContractError(msg)
    if settings.get("type") not in TYPES:
        msg = f"{where} has type {settings.get('type')!r}; known are {sorted(TYPES)}"
        raise ContractError(msg)
    if not settings.get("sv") or not settings.get("en"):
        msg = f"{where} lacks its meaning in Swedish or English"
        raise ContractError(msg)
    allowed = settings.get("allowed")
    return Column(
        name=name,
        type=settings["type"],
        unit=settings.get("unit"),
        nullable=bool(settings.get("nullable", False)),
        allowed=tuple(str(value) for value in allowed) if allowed else None,
        references=settings.get("references"),
        sv=settings["sv"],
        en=settings["en"],
    )


def _check_references(entry: Contract) -> None:
    known = {f"{mart.name}.{column.name}": column.type for mart in entry.marts for column in mart.columns}
    for mart_entry in entry.marts:
        for column in mart_entry.columns:
            if column.references and known.get(column.references) != column.type:
                msg = (
                    f"contract: column {mart_entry.name}.{column.name} ({column.type}) refers to "
                    f"{column.references}, which is {known.get(column.references, 'not there')}"
                )
                raise ContractError(msg)


def comment_statements() -> str:
    """SQL that puts the meaning of every mart and column into the database, in both languages.

    Returns:
        ``COMMENT ON VIEW|TABLE|COLUMN`` statements, one per line, for the owner of schema ``mart``. A mart
        says its grain, a column its unit. Quotes are doubled, so that no wording can end its literal.

    Example: ``COMMENT ON COLUMN mart.year.year IS 'sv: Kalenderår. [year] | en: Calendar year. [year]';``
    """
    lines: list[str] = []
    for entry in marts():
        sv, en = f"{entry.sv} ({entry.grain_sv})", f"{entry.en} ({entry.grain_en})"
        lines.append(f"COMMENT ON {entry.kind.upper()} mart.{entry.name} IS {_literal(comment(sv, en))};")
        lines += [
            f"COMMENT ON COLUMN mart.{entry.name}.{column.name} IS {_literal(column_comment(column))};"
            for column in entry.columns
        ]
    return "\n".join(lines) + "\n"


def comment(sv: str, en: str) -> str:
    """One comment in both languages, such as ``sv: Kalenderår. | en: Calendar year.``."""
    return f"sv: {sv} | en: {en}"


def column_comment(column: Column) -> str:
    """The comment a column carries in the database: its meaning, with its unit in brackets."""
    unit = f" [{column.unit}]" if column.unit else ""
    return comment(column.sv + unit, column.en + unit)


def _literal(text: str) -> str:
    # standard_conforming_strings is on in every supported PostgreSQL: a backslash is an ordinary letter.
    return "'" + text.replace("'", "''") + "'"


def dictionary_markdown() -> str:
    """The data dictionary as Markdown: per mart its meaning, grain, key and a table of its columns."""
    entry = contract()
    lines = [
        "# Data dictionary",
        "",
        f"Contract version {entry.version}. Written by `python -m klimatpuls.schema --write "
        "docs/data_dictionary.md` from `include/klimatpuls/contract.yaml`; change that file, never this one.",
        "",
        "Every view shows exactly one publication; `publication_id` tells which. Codes are text and keep "
        "their leading zeros. A missing value is NULL or has no row, never 0. The role `bi_read` reads this "
        "schema and nothing else.",
        "",
        "| mart | one row is | meaning |",
        "|---|---|---|",
        *(f"| [`mart.{m.name}`](#mart{m.name}) | {m.grain_en} | {m.en} |" for m in entry.marts),
    ]
    for mart_entry in entry.marts:
        lines += ["", *_mart_markdown(mart_entry)]
    return "\n".join(lines) + "\n"


def _mart_markdown(entry: Mart) -> list[str]:
    key = ", ".join(f"`{name}`" for name in entry.key)
    return [
        f"## mart.{entry.name}",
        "",
        f"**sv** {entry.sv} ({entry.grain_sv})<br>",
        f"**en** {entry.en} ({entry.grain_en})",
        "",
        f"Key: {key}",
        "",
        "| column | type | unit | NULL | betydelse | meaning |",
        "|---|---|---|---|---|---|",
        *(_column_markdown(column) for column in entry.columns),
    ]


def _column_markdown(column: Column) -> str:
    allowed = f" Values: {', '.join(f'`{value}`' for value in column.allowed)}." if column.allowed else ""
    joins = f" Joins `mart.{column.references}`." if column.references else ""
    cells = (
        f"`{column.name}`",
        column.type,
        column.unit or "",
        "yes" if column.nullable else "no",
        column.sv,
        column.en + allowed + joins,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the data dictionary to the file named by ``--write``."""
    parser = argparse.ArgumentParser(prog="python -m klimatpuls.schema", description=main.__doc__)
    parser.add_argument("--write", type=Path, required=True, metavar="FILE")
    parser.parse_args(arguments).write.write_text(dictionary_markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
