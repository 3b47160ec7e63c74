"""A publication's rows of a fact are keyed and attached when they are all there."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0011_facts_attached"
down_revision = "0010_looking_back"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
