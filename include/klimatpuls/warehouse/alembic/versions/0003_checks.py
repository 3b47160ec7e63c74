"""What checks the figures: reconciliation, cross-checks, boundary series, bounded defects, reference data."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0003_checks"
down_revision = "0002_facts"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
