"""Airflow connections as the domain wants them: DSNs, base URLs, mail settings; secrets stay in memory."""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import Connection

from klimatpuls.warehouse.connection import build_dsn, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.report.mailer import SmtpSettings

LOADER = "warehouse_default"
MAILER = "warehouse_mailer"
SMTP = "smtp_default"


def warehouse_dsn(conn_id: str) -> str:
    """The DSN that a warehouse connection stands for."""
    conn = Connection.get(conn_id)
    return build_dsn(
        user=conn.login or "",
        password=conn.password or "",
        host=conn.host or "127.0.0.1",
        port=conn.port or 5432,
        database=conn.schema or "klimatpuls",
    )


def open_warehouse(conn_id: str) -> PgConnection:
    """An open connection to the warehouse; the caller closes it."""
    return connect(warehouse_dsn(conn_id))


@contextmanager
def warehouse(conn_id: str) -> Iterator[PgConnection]:
    """An open connection to the warehouse, closed at the end of the block."""
    with closing(open_warehouse(conn_id)) as conn:
        yield conn


def base_url(conn_id: str) -> str:
    """Where a source is: the agency, or a replica on this machine; the whole URL stands in the host field."""
    return Connection.get(conn_id).host or ""


def replica_ca(conn_id: str) -> Path | None:
    """Whom to trust that a replica is one: the file in the extra field ``replica_ca``; None without it."""
    named = Connection.get(conn_id).extra_dejson.get("replica_ca")
    return Path(named) if named else None


def smtp_settings() -> SmtpSettings:
    """The mail server and the list address, from the connection ``smtp_default``."""
    from klimatpuls.report.mailer import build_settings

    conn = Connection.get(SMTP)
    fields = {"host": conn.host, "port": conn.port, "login": conn.login, "password": conn.password}
    return build_settings(fields, conn.extra_dejson)
