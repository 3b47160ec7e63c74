"""The network's change per inhabitant, beside how much of the network is known, and the headlines mailed."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0021_network_headline"
down_revision = "0020_emissions_trading"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
