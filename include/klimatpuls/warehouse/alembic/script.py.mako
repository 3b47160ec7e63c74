"""${message}."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Run the SQL file of the same number."""
    run_migration_file(revision)
