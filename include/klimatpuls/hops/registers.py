"""The network's own registers: reviewed files → ``register``; a changed one leads to a publication."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from psycopg2.extras import execute_values

from klimatpuls import registers as register_files
from klimatpuls.registers.reading import REGISTERS_FOLDER
from klimatpuls.registers.targets import REGISTER_COLUMNS, to_frame
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.defects import Defect


def sync_registers(conn: PgConnection, folder: Path = REGISTERS_FOLDER) -> tuple[str, ...]:
    """Bring the warehouse's registers to what the files say, in one transaction.

    Args:
        conn: Connection as ``wh_loader``; this function commits.
        folder: Folder of the register files.

    Returns:
        Names of the registers that changed: ``members``, ``targets``; empty when all are as they were.

    Raises:
        RegisterError: if a file says something it may not say; nothing is carried over then.
    """
    read = register_files.read_registers(folder)
    targets = to_frame(read.targets)[list(REGISTER_COLUMNS)]
    wanted = {
        "members": (register_files.members_sha256(read), {"members": _rows(read.members)}),
        "targets": (
            register_files.targets_sha256(read),
            {
                "targets": _rows(targets),
                "known_defects": [_defect_row(defect) for defect in read.known_defects],
            },
        ),
    }
    with conn, conn.cursor() as cursor:
        cursor.execute(load_sql("load/register_versions.sql"))
        known = dict(cursor.fetchall())
        changed = tuple(name for name, (sha256, _) in wanted.items() if known.get(name) != sha256)
        for name in changed:
            sha256, tables = wanted[name]
            for table, rows in tables.items():
                cursor.execute(load_sql(f"load/clear_{table}.sql"))
                if rows:
                    execute_values(cursor, load_sql(f"load/insert_{table}.sql"), rows)
            cursor.execute(
                load_sql("load/set_register_version.sql"),
                {"register": name, "sha256": sha256, "row_count": sum(map(len, tables.values()))},
            )
    return changed


def _rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [
        tuple(json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value for value in row)
        for row in plain.itertuples(index=False, name=None)
    ]


def _defect_row(defect: Defect) -> tuple[Any, ...]:
    values = asdict(defect)
    return tuple(list(value) if isinstance(value, tuple) else value for value in values.values())
