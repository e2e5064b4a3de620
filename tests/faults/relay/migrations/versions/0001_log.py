"""The log, and a read model of what is in it."""

from alembic import op
from sqlalchemy import MetaData

from shared.log_schema import create_log
from shared.migrate import runtime_role
from tests.faults.relay.ground import tally_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_log(op, runtime_role())
    metadata = MetaData()
    tally_table(metadata)
    metadata.create_all(op.get_bind())
