"""Rates that say their sign, the worth of a count, and the nation's official figures."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0022_rates_that_say_their_sign"
down_revision = "0021_network_headline"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
