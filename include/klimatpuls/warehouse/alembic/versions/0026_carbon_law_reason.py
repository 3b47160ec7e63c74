"""A missing indicator of Klimatkollen's method says why."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0026_carbon_law_reason"
down_revision = "0025_contact_mail"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
