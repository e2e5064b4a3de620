"""The log, the reader's memory, parcels, the calendar, and the read models of notifications."""

from alembic import op

from services.notifications import tables
from shared.consumer import create_reader
from shared.days_off import create_days_off
from shared.log_schema import create_log
from shared.migrate import runtime_role
from shared.post import create_letters
from shared.vault_client import create_parcels

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables; the runtime role may add to the log and read it, and keep its read models."""
    role = runtime_role()
    create_log(op, role)
    create_reader(op, role)
    create_parcels(op, role)
    create_days_off(op, role)
    create_letters(op)
    tables.metadata.create_all(op.get_bind())
