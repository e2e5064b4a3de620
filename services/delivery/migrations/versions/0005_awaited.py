"""Which facts of several incidents came before one of them was known: they are given once it is."""

from alembic import op

from services.delivery import tables
from shared.migrate import runtime_role

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Makes what the first step did not make already; the runtime role may only add to it, and read it."""
    role = runtime_role()
    tables.awaited.create(op.get_bind(), checkfirst=True)
    op.execute(f'revoke all on "awaited" from public, "{role}"')
    op.execute(f'grant select, insert on "awaited" to "{role}"')
