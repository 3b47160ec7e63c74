"""Registers keep their history; contacts get a schema of their own."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0009_registers"
down_revision = "0008_retention"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
