"""Alembic's entry point: runs the numbered files of ``include/sql/migrations`` as the role ``wh_owner``."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table_schema="public", version_table="klimatpuls_migration")
with context.begin_transaction():
    context.run_migrations()
