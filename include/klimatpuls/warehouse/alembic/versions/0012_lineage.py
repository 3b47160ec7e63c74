"""Where every published number comes from."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0012_lineage"
down_revision = "0011_facts_attached"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
