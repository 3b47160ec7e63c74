"""Own parts that say what they are worth, and what else the second version of the methods stores."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0019_figures_that_mean"
down_revision = "0018_result_status"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
