"""An erasure takes two people, and a record has a class of the retention schedule."""

from alembic import op

from services.vault import tables
from shared.migrate import runtime_role

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Where the first step did not make it already. The runtime role may only add and read."""
    role = runtime_role()
    op.execute("alter table erasure add column if not exists proposed_by text")
    for table in (tables.erasure_proposal, tables.record_class):
        table.create(op.get_bind(), checkfirst=True)
        op.execute(f'revoke all on "{table.name}" from public, "{role}"')
        op.execute(f'grant select, insert on "{table.name}" to "{role}"')
