"""The log, the reader's memory, parcels, the directory, and the feeds; what is only added to stays as it is."""

from alembic import op

from services.delivery import tables
from shared.consumer import create_reader
from shared.days_off import create_days_off
from shared.listed import create_listed
from shared.log_schema import create_log
from shared.migrate import runtime_role
from shared.vault_client import create_parcels

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables; the runtime role may add to feeds and read them, and keep its working memory."""
    role = runtime_role()
    create_log(op, role)
    create_reader(op, role)
    create_parcels(op, role)
    create_days_off(op, role)
    create_listed(op, role)
    tables.metadata.create_all(op.get_bind())
    for table in tables.ONLY_ADDED_TO:
        op.execute(f'revoke all on "{table.name}" from public, "{role}"')
        op.execute(f'grant select, insert on "{table.name}" to "{role}"')
