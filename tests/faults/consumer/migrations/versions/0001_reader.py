"""The log, the reader's tables, parcels, and a row for every effect."""

from alembic import op
from sqlalchemy import MetaData

from shared.consumer import create_reader
from shared.log_schema import create_log
from shared.migrate import runtime_role
from shared.vault_client.parcels import create_parcels
from tests.faults.consumer.ground import effect_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    role = runtime_role()
    create_log(op, role)
    create_reader(op, role)
    create_parcels(op, role)
    metadata = MetaData()
    effect_table(metadata)
    metadata.create_all(op.get_bind())
