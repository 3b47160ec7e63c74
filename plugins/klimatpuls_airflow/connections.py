"""Airflow connections as DSNs, base URLs and mail settings; secrets stay in memory."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from klimatpuls.errors import UsageError
from klimatpuls.warehouse.connection import build_dsn, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as PgConnection

    from klimatpuls.contract.catalog import Source
    from klimatpuls.report.mailer import SmtpSettings

LOADER = "warehouse_default"
MAILER = "warehouse_mailer"
SMTP = "smtp_default"


def warehouse_dsn(conn_id: str) -> str:
    """Return the DSN of a warehouse connection."""
    conn = Connection.get(conn_id)
    return build_dsn(
        user=conn.login or "",
        password=conn.password or "",
        host=conn.host or "127.0.0.1",
        port=conn.port or 5432,
        database=conn.schema or "klimatpuls",
    )


def open_warehouse(conn_id: str) -> PgConnection:
    """Return an open connection to the warehouse; the caller closes it."""
    return connect(warehouse_dsn(conn_id))


@contextmanager
def warehouse(conn_id: str) -> Iterator[PgConnection]:
    """Yield an open connection to the warehouse and close it at the end of the block."""
    with closing(open_warehouse(conn_id)) as conn:
        yield conn


def agency(source: Source) -> tuple[str, Path | None]:
    """Return the address of a source, and the certificate of the authority of mock agencies.

    Without a connection it is the agency's own address, but only if ``KLIMATPULS_SOURCES`` is ``live``.

    Returns:
        The base URL (the host field of the connection), and the file in the extra field ``mock_ca`` or None.
    """
    try:
        conn = Connection.get(source.conn_id)
    except AirflowNotFoundException:
        if os.environ.get("KLIMATPULS_SOURCES") != "live":
            raise
        return source.live_base_url, None
    named = conn.extra_dejson.get("mock_ca")
    return conn.host or "", Path(named) if named else None


def smtp_settings() -> SmtpSettings:
    """Return the mail server and all addresses for a digest, from the connection ``smtp_default``.

    Raises:
        UsageError: if the connection is missing or one of its fields is wrong; names the field, repeats no
            address.
    """
    from klimatpuls.report.mailer import build_settings

    return build_settings(*_smtp())


def operator_settings() -> SmtpSettings:
    """Return the mail server and the operator's address, for a notice.

    Raises:
        UsageError: if the connection is missing, or its server or the operator's address is wrong.
    """
    from klimatpuls.report.mailer import build_operator_settings

    return build_operator_settings(*_smtp())


def _smtp() -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields and extra of the mail connection."""
    try:
        conn = Connection.get(SMTP)
    except AirflowNotFoundException as error:
        msg = f"the connection {SMTP} is missing. What to do: define it (docs/operations.md, mail)"
        raise UsageError(msg) from error
    fields = {"host": conn.host, "port": conn.port, "login": conn.login, "password": conn.password}
    return fields, conn.extra_dejson
