"""Renames DAGs and tasks in Airflow's metadata and logs, so that an upgrade keeps their run history.

Airflow offers no such step. It runs while Airflow is stopped, before ``airflow db migrate``: the local stack
calls :func:`rename_dags` at every start, containers run this module. The columns to change are read from the
database's catalogue, so a later version of Airflow may have more of them.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from psycopg2 import sql

from klimatpuls.contract.catalog import SOURCES
from klimatpuls.warehouse.connection import connect, fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as PgConnection
    from psycopg2.extensions import cursor as PgCursor

RENAMED_DAGS: Final[Mapping[str, str]] = {
    **{f"look_{source_id}": f"poll_{source_id}" for source_id in SOURCES},
    "assess": "assess_members",
    "tidy": "cleanup",
}
"""Old id → present id; the ids before version 0.1.0."""
RENAMED_TASKS: Final[Mapping[str, str]] = {
    "look": "poll",
    "assess": "assess_members",
    "tidy": "cleanup",
    "ask_for_approval": "pending_approvals",
    "questions_of_holds": "pending_reviews",
    "tell_findings": "notify_findings",
    "tell_overdue_defects": "notify_overdue_defects",
    "tell_stale": "notify_stale",
    "tell_untold": "notify_pending",
}
"""Old id → present id, in every DAG of the project."""
DAG_COLUMNS: Final = ("dag_id", "source_dag_id", "target_dag_id", "last_updated_by_dag_id")
TASK_COLUMNS: Final = ("task_id", "task_display_name", "source_task_id", "last_updated_by_task_id")
"""Columns of Airflow's metadata that hold ids; a table has one of the first kind, or one of each."""


def rename_dags(conn: PgConnection, logs: Path) -> tuple[str, ...]:
    """Give the runs of old ids the present ones, in one transaction; does nothing if none is left.

    A DAG that exists under both ids is left alone: its rows would collide.

    Args:
        conn: Connection to Airflow's metadata database as its owner; this function commits.
        logs: Airflow's folder of task logs, which are found by the ids of DAG and task.

    Returns:
        Old ids of the DAGs that were renamed.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute("SELECT to_regclass('dag'), to_regclass('task_instance')")
        if None in fetch_row(cursor):
            return ()
        cursor.execute("SELECT dag_id FROM dag")
        existing = {dag_id for (dag_id,) in cursor.fetchall()}
        dags = {old: new for old, new in RENAMED_DAGS.items() if old in existing and new not in existing}
        ours = [*existing & {"publish", "report", "review", "watch"}, *dags]
        ours += [f"ingest_{source_id}" for source_id in SOURCES if f"ingest_{source_id}" in existing]
        cursor.execute(
            "SELECT 1 FROM task_instance WHERE dag_id = ANY(%s) AND task_id = ANY(%s) LIMIT 1",
            (ours, list(RENAMED_TASKS)),
        )
        if not dags and cursor.fetchone() is None:
            return ()
        _rename_rows(cursor, dags, ours)
        _rename_structures(cursor, dags, ours)
        _rename_logs(logs, dags, ours)  # before the commit: a start that is killed here does it all again
    return tuple(dags)


def _rename_rows(cursor: PgCursor, dags: Mapping[str, str], ours: list[str]) -> None:
    """Change every column of an id in one statement: foreign keys are checked at its end."""
    cursor.execute(load_sql("read/metadata_id_columns.sql"), {"columns": [*DAG_COLUMNS, *TASK_COLUMNS]})
    updates = []
    for table, columns in cursor.fetchall():
        changes = [_change(column, dags) for column in DAG_COLUMNS if column in columns and dags]
        changes += [_change(column, RENAMED_TASKS) for column in TASK_COLUMNS if column in columns]
        if changes:
            update = sql.SQL("{} AS (UPDATE {} SET {} WHERE {} = ANY(%(ours)s))").format(
                sql.Identifier(f"of_{table}"),
                sql.Identifier(table),
                sql.SQL(", ").join(changes),
                sql.Identifier(next(column for column in DAG_COLUMNS if column in columns)),
            )
            updates.append(update)
    cursor.execute(sql.SQL("WITH {} SELECT 1").format(sql.SQL(", ").join(updates)), {"ours": ours})


def _change(column: str, names: Mapping[str, str]) -> sql.Composable:
    """Return the assignment that renames the values of a column."""
    cases = [
        sql.SQL("WHEN {} THEN {}").format(sql.Literal(old), sql.Literal(new)) for old, new in names.items()
    ]
    return sql.SQL("{0} = CASE {0} {1} ELSE {0} END").format(sql.Identifier(column), sql.SQL(" ").join(cases))


def _rename_structures(cursor: PgCursor, dags: Mapping[str, str], ours: list[str]) -> None:
    """Rename the ids inside the stored structure of DAGs, by which Airflow's pages draw earlier runs."""
    present = [dags.get(dag_id, dag_id) for dag_id in ours]
    cursor.execute("SELECT id, data FROM serialized_dag WHERE dag_id = ANY(%s)", (present,))
    for row_id, data in cursor.fetchall():
        renamed = json.dumps(_renamed(data, {**RENAMED_TASKS, **dags}))
        cursor.execute("UPDATE serialized_dag SET data = %s WHERE id = %s", (renamed, row_id))


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a JSON value in which every text that is an old id is the present one."""
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(held, names) for key, held in value.items()}
    if isinstance(value, list):
        return [_renamed(one, names) for one in value]
    return names.get(value, value) if isinstance(value, str) else value


def _rename_logs(logs: Path, dags: Mapping[str, str], ours: list[str]) -> None:
    """Rename the folders ``dag_id=…`` and ``task_id=…`` of the logs, unless the new one exists."""
    for dag_id in ours:
        for folder in logs.glob(f"dag_id={dag_id}/run_id=*/task_id=*"):
            task_id = folder.name.removeprefix("task_id=")
            _move(folder, f"task_id={RENAMED_TASKS.get(task_id, task_id)}")
        _move(logs / f"dag_id={dag_id}", f"dag_id={dags.get(dag_id, dag_id)}")


def _move(folder: Path, name: str) -> None:
    target = folder.with_name(name)
    if folder.is_dir() and not target.exists():
        folder.rename(target)


def main() -> int:
    """Run as a program in a container: database and log folder are those of Airflow's environment."""
    dsn = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("postgresql+psycopg2:", "postgresql:", 1)
    logs = os.environ.get("AIRFLOW__LOGGING__BASE_LOG_FOLDER") or Path(os.environ["AIRFLOW_HOME"]) / "logs"
    with closing(connect(dsn)) as conn:
        renamed = rename_dags(conn, Path(logs))
    sys.stdout.write(f"DAGs renamed: {', '.join(renamed) or 'none'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
