"""Mail to contacts of members: the outbox names the contact, not the address, and keeps what it is about."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0025_contact_mail"
down_revision = "0023_traced_numbers"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
