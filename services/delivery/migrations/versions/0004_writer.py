"""By what Kafka knows the one that writes agencies' topics: whoever wrote them before it can do so no more."""

from alembic import op

from services.delivery import tables

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Makes what the first step did not make already."""
    tables.writer.create(op.get_bind(), checkfirst=True)
