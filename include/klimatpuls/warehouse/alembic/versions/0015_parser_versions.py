"""Which version of its parser read a file."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0015_parser_versions"
down_revision = "0014_movement_rank"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
