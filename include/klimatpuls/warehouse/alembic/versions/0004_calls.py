"""How often the agencies are called: one ledger for all processes, and the limits the hosts state."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0004_calls"
down_revision = "0003_checks"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
