"""When each agency came back with which cursor: over HTTPS, sent is not yet received."""

from alembic import op

from services.delivery import tables
from shared.migrate import runtime_role

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Makes what the first step did not make already; the runtime role may only add to it, and read it."""
    role = runtime_role()
    tables.acknowledged.create(op.get_bind(), checkfirst=True)
    op.execute(f'revoke all on "acknowledged" from public, "{role}"')
    op.execute(f'grant select, insert on "acknowledged" to "{role}"')
