"""The chain without an orchestrator: every source through the hops, for tests of what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klimatpuls.catalog import SOURCES
from klimatpuls.hops import load, publish, registers, snapshot, validate
from klimatpuls.http import open_session
from klimatpuls.replica.server import Replica, ReplicaServer
from klimatpuls.warehouse import runs

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.hops.context import RunContext
    from klimatpuls.warehouse.publication import Published

LIST_ADDRESS = "list@example.org"


def refresh(conn: PgConnection, dsn: str, archive: Path, context: RunContext) -> Published | None:
    """Ask a replica of an archive as of the context's day, and take what is new to publication."""
    with ReplicaServer(Replica(archive, context.as_of)) as replica:
        for source in SOURCES.values():
            with conn:
                run = runs.start_run(
                    conn, source=source.id, origin=context.origin, as_of=context.as_of, orchestrator_run=None
                )
            with open_session(source, replica.url + source.replica_path) as session:
                taken = snapshot.take_snapshots(conn, source, session, context, run_id=run.run_id)
            if taken.state == "fetched":
                load.load_run(conn, source, run.run_id, context)
                validate.validate_run(conn, dsn, source, run.run_id, context)
    registers.sync_registers(conn)
    return publish.publish_validated(conn, context, LIST_ADDRESS)
