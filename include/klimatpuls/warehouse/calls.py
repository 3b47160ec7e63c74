"""One log of HTTP calls for all processes and machines that share a warehouse, so no host gets too many.

A slot is taken under a lock of its host, and the database's clock decides. A call counts from the moment it
may start, even if its process is killed before.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from klimatpuls.fetch import rate_limit
from klimatpuls.warehouse.connection import fetch_row, load_sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.fetch.rate_limit import Window


class WarehouseCallLog:
    """Grants calls from ``ops.host_call``.

    Args:
        conn: Connection as ``wh_loader``, between transactions; every method commits.
    """

    def __init__(self, conn: PgConnection) -> None:
        self._conn = conn

    def take(self, host: str, windows: Sequence[Window]) -> tuple[float, int]:
        """Take a slot if one is free now.

        Args:
            host: The agency's host.
            windows: The limits the caller knows. Limits that the host stated to any caller apply too.

        Returns:
            The seconds to wait before asking again, and 0; or 0, and the number of the call, which may start.
        """
        with self._conn, self._conn.cursor() as cursor:
            cursor.execute(load_sql("write/lock_host.sql"), {"host": host})
            _, stated = fetch_row(cursor)
            kept = rate_limit.kept_windows([*windows, *map(tuple, stated or [])])
            longest = max((seconds for _, seconds in kept), default=0.0)
            # A separate statement, so that it sees the calls counted while the first one waited for the lock.
            cursor.execute(
                load_sql("read/call_ages.sql"),
                {"host": host, "seconds": longest, "travel_seconds": rate_limit.TRAVEL_SECONDS},
            )
            wait = rate_limit.seconds_to_wait([age for (age,) in cursor.fetchall()], kept)
            if wait > 0:
                return wait, 0
            cursor.execute(load_sql("write/record_call.sql"), {"host": host})
            (call,) = fetch_row(cursor)
        return 0.0, call

    def answered(self, host: str, call: int) -> None:
        """Record that a call has ended, with or without an answer."""
        with self._conn, self._conn.cursor() as cursor:
            cursor.execute(load_sql("write/record_answer.sql"), {"call_id": call})

    def state(self, host: str, windows: Sequence[Window]) -> None:
        """Store the limits a host states, for every caller; the newest statement replaces the earlier one."""
        with self._conn, self._conn.cursor() as cursor:
            cursor.execute(
                load_sql("write/state_host_limit.sql"), {"host": host, "windows": json.dumps(windows)}
            )
