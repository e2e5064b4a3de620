"""The gateway's log and reader, receipts, parcels, the calendar's days, and the read models of incidents."""

from alembic import op

from services.gateway import tables
from services.gateway.receipts import create_receipts
from shared.consumer import create_reader
from shared.days_off import create_days_off
from shared.log_schema import create_log
from shared.migrate import runtime_role
from shared.vault_client.parcels import create_parcels

revision = "0001"
down_revision = None

# A tick asks, at a clock's midnight, whether a submission was accepted whose fact has not been heard yet.
_ACCEPTED = """
    create index submission_filed on submission (incident, arrived_at)
    where status = 'accepted' and (type like 'notification.submitted.v%' or type like 'notification.amended.v%')
    """


def upgrade() -> None:
    """Make the tables; the read models are the runtime role's to write, the log only to add to."""
    role = runtime_role()
    create_log(op, role)
    create_reader(op, role)
    create_receipts(op, role)
    create_parcels(op, role)
    create_days_off(op, role)
    op.execute(_ACCEPTED)
    tables.metadata.create_all(op.get_bind())
    for table in tables.metadata.tables:
        op.execute(f'revoke all on "{table}" from public, "{role}"')
        op.execute(f'grant select, insert, update on "{table}" to "{role}"')
