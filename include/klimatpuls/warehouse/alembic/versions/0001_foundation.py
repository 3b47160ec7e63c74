"""The warehouse's tables."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0001_foundation"
down_revision = None


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
