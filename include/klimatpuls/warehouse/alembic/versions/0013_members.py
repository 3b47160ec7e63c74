"""Where every member stands: criteria with history, coverage, overdue and stale measures, shared results."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0013_members"
down_revision = "0012_lineage"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
