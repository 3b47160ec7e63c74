"""One ledger of calls for every process and machine that shares a warehouse, so that no host gets too many.

A slot is taken under a lock of the host's own; the database's clock decides. A call counts from the moment it
may leave, even if its process is killed before.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from klimatpuls.fetch import rate_limit
from klimatpuls.warehouse.connection import load_sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.fetch.rate_limit import Window


class WarehouseLedger:
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
            windows: What the caller knows to be allowed; what any caller was told by the host holds too.

        Returns:
            The seconds after which to ask again, 0 if the call may start and is counted; its number then.
        """
        with self._conn, self._conn.cursor() as cursor:
            cursor.execute(load_sql("write/lock_host.sql"), {"host": host})
            _, stated = cursor.fetchone()
            kept = rate_limit.kept_windows([*windows, *map(tuple, stated or [])])
            longest = max((seconds for _, seconds in kept), default=0.0)
            # A statement of its own: it must see what was counted while this one waited for the lock.
            cursor.execute(
                load_sql("read/call_ages.sql"),
                {"host": host, "seconds": longest, "travel_seconds": rate_limit.TRAVEL_SECONDS},
            )
            wait = rate_limit.seconds_to_wait([age for (age,) in cursor.fetchall()], kept)
            if wait > 0:
                return wait, 0
            cursor.execute(load_sql("write/record_call.sql"), {"host": host})
            (call,) = cursor.fetchone()
        return 0.0, call

    def answered(self, host: str, call: int) -> None:
        """Note that a call has come to its end, with or without an answer."""
        with self._conn, self._conn.cursor() as cursor:
            cursor.execute(load_sql("write/record_answer.sql"), {"call_id": call})

    def state(self, host: str, windows: Sequence[Window]) -> None:
        """Keep what a host says of itself, for every caller; its newest word counts."""
        with self._conn, self._conn.cursor() as cursor:
            cursor.execute(
                load_sql("write/state_host_limit.sql"), {"host": host, "windows": json.dumps(windows)}
            )
