"""Which of two releases of one day corrects the other, as a person said."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0017_approval_order"
down_revision = "0016_retrieval_dates"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
