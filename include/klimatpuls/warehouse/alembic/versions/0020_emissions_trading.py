"""Plants in emissions trading: their registers, the boundary outside it, and the check of its proxy."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0020_emissions_trading"
down_revision = "0019_figures_that_mean"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
