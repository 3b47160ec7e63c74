"""What every result table of a publication holds, and why."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0018_result_status"
down_revision = "0017_approval_order"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
