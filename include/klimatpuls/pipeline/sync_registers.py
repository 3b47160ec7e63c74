"""The network's own registers: reviewed files → ``register``, with history.

Rows are never overwritten: a row that the file no longer has is closed and a new one is added, in one
transaction with one time stamp. A file with a mistake is skipped as a whole, and the rows of its register
stay valid.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg2 import sql
from psycopg2.extras import execute_values

from klimatpuls.paths import REGISTERS_FOLDER
from klimatpuls.registers.checking import REGISTERS, check_folder, register_sha256, row_sha256
from klimatpuls.registers.reading import RegisterError
from klimatpuls.registers.targets import definition, from_definition
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as Cursor

    from klimatpuls.registers.rules import Record

_TARGET_COLUMNS: Final = (
    "target_id", "owner_region_code", "is_national_line", "definition", "name_sv", "name_en", "decided_on",
    "decision_body", "document_url", "valid_from", "valid_to", "superseded_by",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Table:
    """The table of a register in the warehouse.

    Attributes:
        name: Table of schema ``register``.
        columns: Its columns; empty: those of the file.
        left_out: Columns of the file for its reviewer only.
        part: For two registers in one table, the column and value that distinguish them.
    """

    name: str
    columns: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    part: tuple[str, bool] | None = None


_TABLES: Final[Mapping[str, _Table]] = {
    "members": _Table(name="member", left_out=("region_name",)),
    "targets": _Table(name="target", columns=_TARGET_COLUMNS, part=("is_national_line", False)),
    "national_lines": _Table(name="target", columns=_TARGET_COLUMNS, part=("is_national_line", True)),
    "known_defects": _Table(name="known_defect"),
    "climate_plans": _Table(name="climate_plan"),
    "measures": _Table(name="measure"),
    "pledges": _Table(name="pledge"),
    "evidence": _Table(name="evidence"),
    "enquiries": _Table(name="enquiry"),
    "reporting_rounds": _Table(name="reporting_round"),
    "answers": _Table(name="answer"),
    "own_series": _Table(name="own_series"),
    "sector_lists": _Table(name="sector_list"),
    "criteria_rules": _Table(name="criteria_rule"),
    "municipality_groups": _Table(name="municipality_group"),
    "official_figures": _Table(name="official_figure"),
    "ets_plants": _Table(name="ets_plant"),
    "ets_statements": _Table(name="ets_statement"),
    "trading_references": _Table(name="trading_reference"),
}
"""Register → its table; the numbers of ``rules.yaml`` are in the formulas and have none."""
_LISTS_MAY_BE_EMPTY: Final = frozenset({"evidence_links", "measure_ids"})


def sync_registers(
    conn: PgConnection, folder: Path = REGISTERS_FOLDER, today: date | None = None
) -> tuple[str, ...]:
    """Make the warehouse's registers equal to the files without mistakes, in one transaction.

    A file with a mistake changes nothing; :func:`refuse_mistakes` reports it.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        folder: Folder of the register files.
        today: The present day, for dates that may not be in the future; None checks none.

    Returns:
        Names of the registers that changed, such as ``members``; empty if none did.
    """
    sound = check_folder(folder, today).records
    wanted = {name: register_sha256(records) for name, records in sound.items()}
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("write/lock_registers.sql"))
        cursor.execute(load_sql("read/register_versions.sql"))
        stored = dict(cursor.fetchall())
        # A register that an upgrade adds is no news while it is empty.
        added = {name for name in wanted if stored and name not in stored and not sound[name]}
        changed = tuple(
            name for name, sha256 in wanted.items() if stored.get(name) != sha256 and name not in added
        )
        if not changed:
            return ()
        cursor.execute(load_sql("read/register_moment.sql"))
        (moment,) = fetch_row(cursor)
        for name in changed:
            if name in _TABLES:
                _carry_over(cursor, name, sound[name], moment)
        cursor.execute(
            load_sql("write/close_register_version.sql"), {"recorded_at": moment, "registers": list(changed)}
        )
        for name in changed:
            values = {"register": name, "sha256": wanted[name], "row_count": len(sound[name])}
            cursor.execute(load_sql("write/insert_register_version.sql"), {**values, "recorded_at": moment})
    return changed


def refuse_mistakes(folder: Path = REGISTERS_FOLDER, today: date | None = None) -> None:
    """Raise every mistake of the register files.

    Args:
        folder: Folder of the register files.
        today: The present day, for dates that may not be in the future.

    Raises:
        RegisterError: with every mistake by file, row, column and remedy.
    """
    checked = check_folder(folder, today)
    if checked.mistakes:
        raise RegisterError(checked.mistakes)


def _carry_over(cursor: Cursor, name: str, records: Sequence[Record], moment: datetime) -> None:
    """Close the rows without a record in the file, and add the new ones."""
    table = _TABLES[name]
    names = table.columns or tuple(
        column for column in REGISTERS[name].shape.columns if column not in table.left_out
    )
    rows = {"rows": sql.Identifier("register", table.name)}
    same_part: sql.Composable = sql.SQL("TRUE")
    if table.part is not None:
        same_part = sql.SQL("{} = {}").format(sql.Identifier(table.part[0]), sql.Literal(table.part[1]))
    cursor.execute(sql.SQL(load_sql("read/open_register_rows.sql")).format(same_key=same_part, **rows))
    held = cursor.fetchall()
    wanted = {row_sha256(record.values): record for record in records}
    cursor.execute(
        sql.SQL(load_sql("write/close_register_rows.sql")).format(**rows),
        {"recorded_at": moment, "entries": [entry for entry, sha256 in held if sha256 not in wanted]},
    )
    standing = {sha256 for _, sha256 in held}
    new = [
        (*_row(names, record), sha256, moment)
        for sha256, record in sorted(wanted.items())
        if sha256 not in standing
    ]
    if new:
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        statement = sql.SQL(load_sql("write/insert_register_rows.sql")).format(columns=columns, **rows)
        execute_values(cursor, statement, new)


def _row(names: Sequence[str], record: Record) -> tuple[Any, ...]:
    values = _target_values(record.values) if names is _TARGET_COLUMNS else record.values
    return tuple(_value(name, values.get(name)) for name in names)


def _value(column: str, value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return [] if value is None and column in _LISTS_MAY_BE_EMPTY else value


def _target_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a target as a row of ``register.target``; the formulas read ``definition``."""
    target = from_definition(values)
    return {
        "target_id": target.target_id,
        "owner_region_code": target.region_code,
        "is_national_line": not target.is_own,
        "definition": definition(target),
        "name_sv": target.title_sv,
        "name_en": target.title_en,
        "decided_on": target.decided_on,
        "decision_body": target.decided_by or None,
        "document_url": target.document_url or None,
        "valid_from": target.valid_from,
        "valid_to": target.valid_to,
        "superseded_by": target.superseded_by,
    }
