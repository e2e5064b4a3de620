"""The gateway's tables that its way in needs."""

from alembic import op

from services.gateway.receipts import create_receipts
from shared.consumer import create_reader
from shared.log_schema import create_log
from shared.migrate import runtime_role
from shared.vault_client import create_parcels

revision = "0001"
down_revision = None


def upgrade() -> None:
    role = runtime_role()
    create_log(op, role)
    create_reader(op, role)
    create_parcels(op, role)
    create_receipts(op, role)
