"""Why a standing changed, how the past came out, national and own part, the nowcast and who is alike."""

from klimatpuls.warehouse.migrate import run_migration_file

revision = "0010_looking_back"
down_revision = "0009_registers"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_migration_file(revision)
