"""Mail to contacts of members: the outbox names the contact, not the address, and keeps what it is about."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0025_contact_mail"
down_revision = "0022_rates_that_say_their_sign"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
