"""Releases can be withdrawn and restored; what moved between two that follow upon each other is kept."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0007_releases"
down_revision = "0006_quality"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
