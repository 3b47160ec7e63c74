"""Quality classes beside sector figures; notices that are told again."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0006_quality"
down_revision = "0005_reviews"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
