"""The largest movements of a pair of releases, ranked once."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0014_movement_rank"
down_revision = "0013_members"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
