"""Facts by contract, and the release watch."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0002_facts"
down_revision = "0001_foundation"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
