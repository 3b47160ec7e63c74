"""The operator is asked about a release on hold once, and told of each matter once."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0005_reviews"
down_revision = "0004_calls"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
