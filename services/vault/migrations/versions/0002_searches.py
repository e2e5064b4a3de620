"""Every search is recorded, as every look is."""

from alembic import op

from services.vault import tables
from shared.migrate import runtime_role

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Makes the table where the first step did not make it already; the runtime role may only add to it and read it."""
    role = runtime_role()
    tables.search.create(op.get_bind(), checkfirst=True)
    op.execute(f'revoke all on "search" from public, "{role}"')
    op.execute(f'grant select, insert on "search" to "{role}"')
