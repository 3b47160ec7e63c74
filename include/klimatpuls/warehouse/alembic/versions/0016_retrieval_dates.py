"""Releases of Kolada that were dated by its next planned publication are dated by their retrieval."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0016_retrieval_dates"
down_revision = "0015_parser_versions"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
