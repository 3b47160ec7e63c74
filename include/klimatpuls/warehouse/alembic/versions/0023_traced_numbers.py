"""Where a revision and a stored step of a standing come from, and parts as they are printed."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0023_traced_numbers"
down_revision = "0022_rates_that_say_their_sign"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
