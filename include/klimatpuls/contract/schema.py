"""The data contract: which facts are kept and what every object of schema ``mart`` means.

Its YAML files lie in this folder, and ``contract.yaml`` in a source's folder. They are the source of the
tables of facts, the plain views, the shape a parser must deliver, the rules that Great Expectations checks
columns against, the comments in the database and ``docs/data_dictionary.md``. They are read on first use.

``python -m klimatpuls.contract.schema --write docs/data_dictionary.md`` writes the dictionary anew, and
beside it ``datapackage.json``, the same as a Data Package (:mod:`klimatpuls.contract.datapackage`).
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from klimatpuls.errors import UsageError
from klimatpuls.files.yaml_text import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Kind = Literal["view", "table"]

TYPES = frozenset({
    "bigint", "boolean", "date", "double precision", "integer", "jsonb", "smallint", "smallint[]", "text",
    "text[]", "timestamp with time zone",
})  # fmt: skip
FACT_TYPES = frozenset({"bigint", "boolean", "date", "double precision", "integer", "smallint", "text"})
SHARED = "Shared columns"
"""Heading of the section of the data dictionary that other tables link to."""
SHARED_BY = 2
"""A column that so many marts have alike is described once."""
SHEET_ROW = "sheet_row"
"""The column of a parsed frame that says where in the publisher's file a row stands."""

_FOLDER = Path(__file__).parent
_SECTIONS = frozenset({"contract_version", "shared_columns", "code_lists", "facts", "marts", "functions"})
_COLUMN_KEYS = frozenset(
    {
        "type",
        "unit",
        "nullable",
        "allowed",
        "code_list",
        "min",
        "max",
        "negative_only",
        "references",
        "stored_as",
        "sv",
        "en",
        "deprecated_from",
        "replaced_by",
    }
)
_OLD_NAME_KEYS = frozenset({"deprecated_from", "replaced_by"})
_OLD_NAME_SV = (
    "Gammalt namn sedan kontraktet {deprecated_from}, utgår i nästa huvudversion: läs {replaced_by}."
)
_OLD_NAME_EN = (
    "Old name since contract {deprecated_from}, gone by the next major version: read {replaced_by}."
)
_MART_KEYS = frozenset({"kind", "fact", "shows", "sv", "en", "grain_sv", "grain_en", "key", "columns"})
_FACT_KEYS = frozenset({"by_substance", "columns", "key"})
_FUNCTION_KEYS = frozenset({"like", "sv", "en", "arguments", "columns"})


class ContractError(UsageError):
    """The contract contradicts itself; the message names the mart and the column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a mart.

    Attributes:
        name: Its name; units stand in it where there is one.
        type: PostgreSQL type as ``format_type`` writes it.
        unit: Unit of the values, or None where there is none.
        nullable: Whether NULL can occur; what it means stands in the meaning.
        allowed: The only values it can have, or None where it is not such a list.
        code_list: The list of codes that ``allowed`` comes from, or None where it has no such.
        minimum: The least value it can have, or None.
        maximum: The greatest value it can have, or None.
        negative_only: A column and the codes of it where a value may be negative; elsewhere it may not. None
            where ``minimum`` says all.
        references: ``mart.column`` (without schema) it joins to, or None.
        stored_as: Its name in the table that the mart shows.
        sv: Meaning in Swedish.
        en: Meaning in English.
        deprecated_from: The version of the contract from which another name is to be read, or None.
        replaced_by: That name, a column of the same mart.
    """

    name: str
    type: str
    unit: str | None
    nullable: bool
    allowed: tuple[str, ...] | None
    code_list: str | None
    minimum: float | None
    maximum: float | None
    negative_only: tuple[str, tuple[str, ...]] | None
    references: str | None
    stored_as: str
    sv: str
    en: str
    deprecated_from: str | None = None
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code of a code list, with its names for readers."""

    code_list: str
    code: str
    name_sv: str
    name_en: str
    sort_order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A shape of rows with tables of its own: ``core.fct_<name>`` and ``mart_data.<name>``.

    Attributes:
        name: Its name.
        by_substance: Whether a release is of one substance, which then stands beside the release.
        key: Columns that name a row uniquely within a release.
        columns: Its columns, the key first; in this order they are loaded, hashed and shown.
    """

    name: str
    by_substance: bool
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def table(self) -> str:
        """Its table in schema ``core``."""
        return f"fct_{self.name}"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def values(self) -> tuple[Column, ...]:
        """The columns that are no part of the key."""
        return tuple(column for column in self.columns if column.name not in self.key)

    def check_frame(self, columns: Iterable[str]) -> None:
        """Hold the columns of a parsed frame against the fact.

        Args:
            columns: Names of the frame's columns.

        Raises:
            ContractError: naming every column that is missing and every one that the fact does not have.
        """
        found, wanted = set(columns), {*self.names, SHEET_ROW}
        if found != wanted:
            missing, unmapped = sorted(wanted - found), sorted(found - wanted)
            msg = (
                f"rows of the fact {self.name}: missing columns {missing or 'none'}, "
                f"columns the contract does not have {unmapped or 'none'}"
            )
            raise ContractError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mart:
    """One object of schema ``mart``.

    Attributes:
        name: Name without schema.
        kind: ``view``, or ``table`` for the pointer.
        fact: The fact it shows, or None where it is no plain view on one.
        shows: What else it is a plain view on, or None: ``results`` (its table in ``mart_data``, calculated
            by the publication that last calculated results), ``statuses`` (the same, calculated by every
            publication) or ``register.<table>``.
        sv: Meaning in Swedish.
        en: Meaning in English.
        grain_sv: What one row is, Swedish.
        grain_en: What one row is, English.
        key: Columns that name a row uniquely.
        columns: Its columns, in the order of the view.
    """

    name: str
    kind: Kind
    fact: str | None
    shows: str | None
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
class Function:
    """One function of schema ``mart``: a table that needs an argument.

    Attributes:
        name: Name without schema.
        like: Name of the mart whose columns it answers with, or None where it has its own.
        sv: Meaning in Swedish.
        en: Meaning in English.
        arguments: What it is called with, in order; one that may be NULL may be left out.
        columns: The columns it answers with.
    """

    name: str
    like: str | None
    sv: str
    en: str
    arguments: tuple[Column, ...]
    columns: tuple[Column, ...]

    @property
    def signature(self) -> str:
        """As PostgreSQL tells functions apart, such as ``population_as_of(date)``."""
        return f"{self.name}({', '.join(argument.type for argument in self.arguments)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The whole contract, each part in the order of the file."""

    version: str
    codes: tuple[Code, ...]
    facts: tuple[Fact, ...]
    marts: tuple[Mart, ...]
    functions: tuple[Function, ...] = ()


def contract_files() -> list[Path]:
    """Every file of the contract: ``contract.yaml`` first, then one per subject, then one per source."""
    subjects = sorted(_FOLDER.glob("*.yaml"), key=lambda path: (path.name != "contract.yaml", path.name))
    return subjects + sorted(_FOLDER.parent.glob("sources/*/contract.yaml"))


def merge_documents(texts: Mapping[str, str]) -> dict[str, Any]:
    """One document made of several contract files.

    Args:
        texts: Name of a file → its YAML text.

    Returns:
        Section → its entries, in the order of the files.

    Raises:
        ContractError: if two files state the same name in the same section, or a file has an unknown section.
    """
    merged: dict[str, Any] = {}
    stated_in: dict[tuple[str, str], str] = {}
    for file, text in texts.items():
        for section, entries in parse_yaml(text).items():
            if section not in _SECTIONS:
                msg = f"contract: {file} has the unknown section {section!r}; known are {sorted(_SECTIONS)}"
                raise ContractError(msg)
            # The version is one text, every other section a mapping of names.
            for name in entries if isinstance(entries, dict) else [section]:
                if first := stated_in.get((section, name)):
                    msg = f"contract: {section}.{name} is stated in {first} and again in {file}"
                    raise ContractError(msg)
                stated_in[section, name] = file
            merged[section] = {**merged.get(section, {}), **entries} if isinstance(entries, dict) else entries
    return merged


def read_contract(texts: Mapping[str, str]) -> Contract:
    """The contract that several YAML texts make together, checked against itself.

    Args:
        texts: Name of a file → its text; the layout is explained at the top of ``contract.yaml``.

    Raises:
        ContractError: if a column has no known type or lacks a meaning in one language, a key or a
            reference names a column that is not there, or a name or setting occurs twice or is unknown.
    """
    document = merge_documents(texts)
    codes = tuple(_read_codes(document.get("code_lists") or {}))
    shared = _Settings(
        columns=cast("Mapping[str, Mapping[str, Any]]", document["shared_columns"]),
        facts=cast("Mapping[str, Mapping[str, Any]]", document.get("facts") or {}),
        codes=codes,
    )
    marts = tuple(_read_mart(name, entry, shared) for name, entry in document["marts"].items())
    functions = (document.get("functions") or {}).items()
    contract = Contract(
        version=str(document["contract_version"]),
        codes=codes,
        facts=tuple(_read_fact(name, entry, shared) for name, entry in shared.facts.items()),
        marts=marts,
        functions=tuple(_read_function(name, entry, shared, marts) for name, entry in functions),
    )
    _check_references(contract)
    _check_arguments(contract)
    return contract


@lru_cache(maxsize=1)
def contract() -> Contract:
    """The contract of this version of the package."""
    return read_contract({
        str(path.relative_to(_FOLDER.parent)): path.read_text(encoding="utf-8") for path in contract_files()
    })  # fmt: skip


def marts() -> tuple[Mart, ...]:
    """Every object of schema ``mart``, in the order of the contract."""
    return contract().marts


def facts() -> tuple[Fact, ...]:
    """Every fact, in the order of the contract."""
    return contract().facts


def functions() -> tuple[Function, ...]:
    """Every function of schema ``mart``, in the order of the contract."""
    return contract().functions


def fact(name: str) -> Fact:
    """The fact of this name.

    Raises:
        ContractError: if the contract has no such fact.
    """
    for entry in facts():
        if entry.name == name:
            return entry
    msg = f"the contract has no fact {name!r}; it has {', '.join(entry.name for entry in facts())}"
    raise ContractError(msg)


def codes() -> tuple[Code, ...]:
    """Every code of every list, in the order of the contract."""
    return contract().codes


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


@dataclass(frozen=True, slots=True)
class _Settings:
    """What the entries of the contract may refer to."""

    columns: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, Mapping[str, Any]]
    codes: tuple[Code, ...]

    def of_fact(self, name: str) -> dict[str, Mapping[str, Any]]:
        """The settings a fact's own columns state, over the shared ones of the same name."""
        own = {
            column: settings
            for item in self.facts[name]["columns"]
            if not isinstance(item, str)
            for column, settings in item.items()
        }
        return {column: {**self.columns.get(column, {}), **settings} for column, settings in own.items()}


def _read_codes(lists: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Iterator[Code]:
    for name, entries in lists.items():
        for place, (code, words) in enumerate(entries.items(), start=1):
            if not isinstance(code, str) or set(words) != {"sv", "en"}:
                msg = f"contract: code {name}.{code} must be text and have the names sv and en"
                raise ContractError(msg)
            yield Code(code_list=name, code=code, name_sv=words["sv"], name_en=words["en"], sort_order=place)


def _read_fact(name: str, entry: Mapping[str, Any], shared: _Settings) -> Fact:
    if unknown := set(entry) - _FACT_KEYS:
        msg = f"contract: fact {name} has unknown settings {sorted(unknown)}"
        raise ContractError(msg)
    columns = tuple(_read_column(name, item, shared) for item in entry["columns"])
    names = tuple(column.name for column in columns)
    key = tuple(entry["key"])
    if len(names) != len(set(names)) or names[: len(key)] != key:
        msg = f"contract: fact {name} must list each column once, those of its key {list(key)} first"
        raise ContractError(msg)
    for column in columns:
        if column.type not in FACT_TYPES or (column.name in key and column.nullable):
            msg = f"contract: column {name}.{column.name} cannot be of type {column.type} or NULL in a fact"
            raise ContractError(msg)
    return Fact(name=name, by_substance=bool(entry.get("by_substance", False)), key=key, columns=columns)


def _read_mart(name: str, entry: Mapping[str, Any], settings: _Settings) -> Mart:
    shared = settings
    if (of := entry.get("fact")) is not None:
        if of not in settings.facts:
            msg = f"contract: mart {name} shows the fact {of!r}, which the contract does not have"
            raise ContractError(msg)
        shared = replace(settings, columns={**settings.columns, **settings.of_fact(of)})
    if unknown := set(entry) - _MART_KEYS:
        msg = f"contract: mart {name} has unknown settings {sorted(unknown)}"
        raise ContractError(msg)
    shows = entry.get("shows")
    if shows is not None and (
        of is not None or not re.fullmatch(r"results|statuses|register\.[a-z_]+", shows)
    ):
        msg = f"contract: mart {name} shows {shows!r}; known are results, statuses, register.<table>"
        raise ContractError(msg)
    items = _with_old_names(name, entry["columns"])
    columns = tuple(_read_column(name, item, shared) for item in items)
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
        fact=of,
        shows=shows,
        sv=entry["sv"],
        en=entry["en"],
        grain_sv=entry["grain_sv"],
        grain_en=entry["grain_en"],
        key=tuple(entry["key"]),
        columns=columns,
    )


def _with_old_names(
    owner: str, items: Sequence[str | Mapping[str, Mapping[str, Any]]]
) -> Iterator[str | Mapping[str, Mapping[str, Any]]]:
    """The columns of a mart, old names with the settings of the column that replaces them."""
    own = {name: settings for item in items if not isinstance(item, str) for name, settings in item.items()}
    for item in items:
        name, settings = (item, {}) if isinstance(item, str) else next(iter(item.items()))
        if not _OLD_NAME_KEYS & settings.keys():
            yield item
            continue
        replacement = own.get(str(settings.get("replaced_by")), {})
        if settings.keys() != _OLD_NAME_KEYS or "type" not in replacement:
            msg = (
                f"contract: column {owner}.{name} is an old name; state deprecated_from and replaced_by, a "
                "column of the same mart with a type of its own, and nothing else"
            )
            raise ContractError(msg)
        words = {"sv": _OLD_NAME_SV.format(**settings), "en": _OLD_NAME_EN.format(**settings)}
        stored = {"stored_as": replacement.get("stored_as", settings["replaced_by"])}
        yield {name: {**replacement, **stored, **words, **settings}}


def _read_function(name: str, entry: Mapping[str, Any], shared: _Settings, marts: Sequence[Mart]) -> Function:
    if unknown := set(entry) - _FUNCTION_KEYS:
        msg = f"contract: function {name} has unknown settings {sorted(unknown)}"
        raise ContractError(msg)
    like = entry.get("like")
    models = [mart for mart in marts if mart.name == like]
    if bool(models) == ("columns" in entry):
        msg = f"contract: function {name} must have columns of its own or be like one mart, not {like!r}"
        raise ContractError(msg)
    own = tuple(_read_column(name, item, shared) for item in entry.get("columns", ()))
    return Function(
        name=name,
        like=like,
        sv=entry["sv"],
        en=entry["en"],
        arguments=tuple(_read_column(name, item, shared) for item in entry["arguments"]),
        columns=models[0].columns if models else own,
    )


def _read_column(owner: str, item: str | Mapping[str, Mapping[str, Any]], shared: _Settings) -> Column:
    name, own = (item, {}) if isinstance(item, str) else next(iter(item.items()))
    where = f"contract: column {owner}.{name}"
    if isinstance(item, str) and name not in shared.columns:
        msg = f"{where} is no shared column and has no settings of its own"
        raise ContractError(msg)
    settings = {**shared.columns.get(name, {}), **own}
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
    if (code_list := settings.get("code_list")) is not None:
        allowed = [code.code for code in shared.codes if code.code_list == code_list]
        if not allowed:
            msg = f"{where} takes its codes from {code_list!r}, which is no list of the contract"
            raise ContractError(msg)
    return Column(
        name=name,
        type=settings["type"],
        unit=settings.get("unit"),
        nullable=bool(settings.get("nullable", False)),
        allowed=tuple(str(value) for value in allowed) if allowed else None,
        code_list=code_list,
        minimum=settings.get("min"),
        maximum=settings.get("max"),
        negative_only=_negative_only(settings.get("negative_only")),
        references=settings.get("references"),
        stored_as=settings.get("stored_as", name),
        sv=settings["sv"],
        en=settings["en"],
        deprecated_from=settings.get("deprecated_from"),
        replaced_by=settings.get("replaced_by"),
    )


def _negative_only(stated: Mapping[str, Sequence[str]] | None) -> tuple[str, tuple[str, ...]] | None:
    if stated is None:
        return None
    ((column, codes),) = stated.items()
    return column, tuple(codes)


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
            since = column.deprecated_from
            if since is not None and since.partition(".")[0] != entry.version.partition(".")[0]:
                msg = (
                    f"contract: column {mart_entry.name}.{column.name} is deprecated from {since}; remove it "
                    f"from contract {entry.version}"
                )
                raise ContractError(msg)


def _check_arguments(entry: Contract) -> None:
    """The dictionary describes an argument once, so one name must mean one thing."""
    known: dict[str, Column] = {}
    for function in entry.functions:
        for argument in function.arguments:
            if known.setdefault(argument.name, argument) != argument:
                msg = f"contract: argument {function.name}.{argument.name} has another meaning elsewhere"
                raise ContractError(msg)


def comment_statements() -> str:
    """SQL that puts the meaning of every mart and column into the database, in both languages.

    Returns:
        ``COMMENT ON VIEW|TABLE|FUNCTION|COLUMN`` statements, one per line, for the owner of schema ``mart``.
        A mart says its grain, a column its unit. Quotes are doubled, so that no wording can end its literal.

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
    lines += [
        f"COMMENT ON FUNCTION mart.{entry.signature} IS {_literal(comment(entry.sv, entry.en))};"
        for entry in functions()
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
    """The data dictionary as Markdown: per mart its meaning, grain, key and a table of its columns.

    A column that several marts have alike is described once, under :data:`SHARED` or in the first mart that
    has it, and the others name it. The functions share one table, and their arguments another.
    """
    entry = contract()
    lines = [
        "# Data dictionary",
        "",
        f"Contract version {entry.version}. Written by `python -m klimatpuls.contract.schema --write "
        "docs/data_dictionary.md` from the YAML files of `include/klimatpuls/contract`; change those, never "
        "this one.",
        "",
        "Every view shows exactly one publication; `publication_id` tells which. Codes are text and keep "
        "their leading zeros. A missing value is NULL or has no row, never 0. The role `bi_read` reads this "
        "schema and nothing else. `klimatpuls export` writes them as files ([open data](open_data.md)). "
        "[datapackage.json](datapackage.json) says the same for programs and has every mart's columns in "
        "their order.",
        "",
        "In brackets after a mart's meaning stands what one row is. Columns `x_sv` and `x_en` of one meaning "
        "share a row.",
        "",
        "Marts: " + ", ".join(f"[{m.name}](#mart{m.name})" for m in entry.marts) + ".",
    ]
    shared = _shared_columns(entry)
    described_in = _first_marts(entry)
    lines += [
        "",
        f"## {SHARED}",
        "",
        "Columns that mean the same in several marts. A mart below names them and does not repeat them. "
        "Below a column's name stand its type, its unit if it has one, and NULL where it can be NULL.",
        "",
        *_columns_markdown(shared.values()),
    ]
    for mart_entry in entry.marts:
        lines += ["", *_mart_markdown(mart_entry, shared, described_in)]
    lines += ["", *_functions_markdown(entry)]
    for function in entry.functions:
        if not function.like:
            table = _own_columns_markdown(function.name, function.columns, shared, described_in)
            lines += ["", f"## mart.{function.name}", "", *table]
    return "\n".join(lines) + "\n"


def _shared_columns(entry: Contract) -> dict[str, Column]:
    """Columns that at least :data:`SHARED_BY` marts have alike, by name; the commonest form of each name."""
    forms: dict[str, Counter[Column]] = {}
    for mart_entry in entry.marts:
        for column in mart_entry.columns:
            forms.setdefault(column.name, Counter())[_described(column)] += 1
    commonest = {name: counter.most_common(1)[0] for name, counter in forms.items()}
    return {name: column for name, (column, count) in commonest.items() if count >= SHARED_BY}


def _first_marts(entry: Contract) -> dict[Column, str]:
    """Every form of a column → the first mart that has it."""
    first: dict[Column, str] = {}
    for mart_entry in entry.marts:
        for column in mart_entry.columns:
            first.setdefault(_described(column), mart_entry.name)
    return first


def _described(column: Column) -> Column:
    """The column without where it is stored, which readers do not see."""
    return replace(column, stored_as=column.name)


def _mart_markdown(
    entry: Mart, shared: Mapping[str, Column], described_in: Mapping[Column, str]
) -> list[str]:
    key = ", ".join(f"`{name}`" for name in entry.key)
    return [
        f"## mart.{entry.name}",
        "",
        f"**sv** {entry.sv} ({entry.grain_sv.removeprefix('en rad ')})<br>",
        f"**en** {entry.en} ({entry.grain_en.removeprefix('one row ')})",
        "",
        f"Key: {key}<br>",
        *_own_columns_markdown(entry.name, entry.columns, shared, described_in),
    ]


def _own_columns_markdown(
    owner: str, columns: Iterable[Column], shared: Mapping[str, Column], described_in: Mapping[Column, str]
) -> list[str]:
    """A table of the columns described here only, below a line per place that describes the others."""
    own: list[Column] = []
    elsewhere: dict[str, list[str]] = {}
    for column in columns:
        form = _described(column)
        if shared.get(column.name) == form:
            place = f"[Shared](#{SHARED.lower().replace(' ', '-')})"
        elif (first := described_in.get(form, owner)) != owner:
            place = f"As in [{first}](#mart{first})"
        else:
            own.append(column)
            continue
        elsewhere.setdefault(place, []).append(f"`{column.name}`")
    lines = "<br>\n".join(f"{place}: {', '.join(names)}" for place, names in elsewhere.items()).splitlines()
    return [*lines, *(["", *_columns_markdown(own)] if own else [])]


def _functions_markdown(entry: Contract) -> list[str]:
    """One table of the functions and one of their arguments; an argument of one name means one thing."""
    arguments = {argument.name: argument for function in entry.functions for argument in function.arguments}
    return [
        "## Functions",
        "",
        "A function is read like a table: `SELECT * FROM mart.population_as_of('2025-12-31')`.",
        "",
        "| function | columns | betydelse | meaning |",
        "|---|---|---|---|",
        *(_function_line(function) for function in entry.functions),
        "",
        "| argument | betydelse | meaning |",
        "|---|---|---|",
        *(_column_markdown(argument) for argument in arguments.values()),
    ]


def _function_line(entry: Function) -> str:
    called = ", ".join(
        argument.name + (" DEFAULT NULL" if argument.nullable else "") for argument in entry.arguments
    )
    described = entry.like or entry.name
    return (
        f"| `mart.{entry.name}({called})` | [{described}](#mart{described}) | {_cell(entry.sv)} "
        f"| {_cell(entry.en)} |"
    )


def _columns_markdown(columns: Iterable[Column]) -> list[str]:
    return [
        "| column | betydelse | meaning |",
        "|---|---|---|",
        *(_column_markdown(column) for column in _with_pairs(list(columns))),
    ]


def _with_pairs(columns: Sequence[Column]) -> list[Column]:
    """The columns, the Swedish and the English text of one thing as one column of both names."""
    joined: list[Column] = []
    for column in columns:
        swedish = joined[-1] if joined else column
        names = (swedish.name.removesuffix("_sv"), column.name.removesuffix("_en"))
        as_english = replace(
            swedish,
            name=column.name,
            stored_as=column.stored_as,
            sv=swedish.sv.replace("svenska", "engelska"),
            en=swedish.en.replace("Swedish", "English"),
        )
        if names[0] == names[1] and swedish != column == as_english:
            both = replace(
                swedish,
                name=f"{swedish.name}`, `{column.name}",
                sv=swedish.sv.replace("svenska", "svenska eller engelska"),
                en=swedish.en.replace("Swedish", "Swedish or English"),
            )
            joined[-1] = both
        else:
            joined.append(column)
    return joined


def _column_markdown(column: Column) -> str:
    allowed = f" Values: {', '.join(f'`{value}`' for value in column.allowed)}." if column.allowed else ""
    joins = f" Joins `mart.{column.references}`." if column.references else ""
    kind = ", ".join(part for part in (column.type, column.unit, "NULL" if column.nullable else "") if part)
    cells = (f"`{column.name}`<br>{kind}", column.sv, column.en + allowed + joins)
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the data dictionary to FILE; ``datapackage.json`` and ``sources/README.md`` beside it."""
    from klimatpuls.contract import catalog, datapackage

    parser = argparse.ArgumentParser(prog="python -m klimatpuls.contract.schema", description=main.__doc__)
    parser.add_argument("--write", type=Path, required=True, metavar="FILE")
    file: Path = parser.parse_args(arguments).write
    file.write_text(dictionary_markdown(), encoding="utf-8")
    package = datapackage.to_json(datapackage.descriptor())
    file.with_name(datapackage.FILE_NAME).write_text(package, encoding="utf-8")
    index = file.parent / "sources" / "README.md"
    index.parent.mkdir(exist_ok=True)
    index.write_text(catalog.index_markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
