"""A publication whose rows were dropped says so."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0008_retention"
down_revision = "0007_releases"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
