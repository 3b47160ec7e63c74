"""What every result table of a publication holds, and why."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0016_result_status"
down_revision = "0014_movement_rank"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
